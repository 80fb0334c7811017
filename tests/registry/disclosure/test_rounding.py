"""The properties of statistics.md 6.3, among them the cross-release theorem, by hypothesis."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.disclosure.rounding import BASE, SHOWN_FROM, offset, rounded

KEY = bytes(range(32))

counts = st.integers(0, 10_000)
offsets = st.integers(0, 4)


@given(counts, offsets)
def test_at_most_four_away_and_a_multiple_of_five(count: int, drawn: int) -> None:
    published = rounded(count, drawn)
    assert abs(published - count) <= 4
    assert published % BASE == 0
    assert published >= 0


@given(counts, counts, offsets)
def test_monotone(one: int, other: int, drawn: int) -> None:
    low, high = sorted((one, other))
    assert rounded(low, drawn) <= rounded(high, drawn)


@given(counts, offsets)
def test_the_same_count_gives_the_same_number(count: int, drawn: int) -> None:
    assert rounded(count, drawn) == rounded(count, drawn)


@given(counts)
def test_unbiased_over_the_offsets_with_a_variance_of_at_most_six(count: int) -> None:
    published = [rounded(count, drawn) for drawn in range(BASE)]
    assert sum(published) == BASE * count
    assert sum((number - count) ** 2 for number in published) / BASE <= 6


def test_the_average_variance_is_four() -> None:
    errors = [(rounded(count, drawn) - count) ** 2 for count in range(BASE) for drawn in range(BASE)]
    assert sum(errors) / len(errors) == 4


@given(counts, offsets)
def test_a_shown_number_stands_for_six_or_more(count: int, drawn: int) -> None:
    if rounded(count, drawn) >= SHOWN_FROM:
        assert count >= 6


@given(st.lists(counts, min_size=1, max_size=60), offsets, st.data())
def test_a_shifted_history_is_published_identically(history: list[int], drawn: int, data: st.DataObject) -> None:
    """Theorem 6.3: n_t + d with offset U - d is publication-identical for every U-4 <= d <= U that leaves no count negative."""
    shift = data.draw(st.integers(max(drawn - 4, -min(history)), drawn))
    assert 0 <= drawn - shift <= 4
    assert [rounded(count, drawn) for count in history] == [rounded(count + shift, drawn - shift) for count in history]


@given(st.lists(counts, min_size=1, max_size=60), offsets)
def test_as_many_histories_remain_possible_as_the_theorem_says(history: list[int], drawn: int) -> None:
    published = [rounded(count, drawn) for count in history]
    possible = [
        shift
        for shift in range(-4, 5)
        if min(history) + shift >= 0
        and any([rounded(count + shift, other) for count in history] == published for other in range(BASE))
    ]
    assert len(possible) >= min(5, drawn + min(history) + 1)


def test_offsets_are_frozen() -> None:
    """Published cells depend on these values: a change of them would redraw every offset."""
    name = "grid-1/hat_cases/trust/RK9/financial_year/2025-26/total"
    assert [offset(KEY, name, attempt) for attempt in range(6)] == FROZEN


FROZEN = [4, 4, 4, 2, 4, 4]


def test_offsets_are_spread_evenly_and_depend_on_key_name_and_attempt() -> None:
    names = [f"grid-1/hat_cases/trust/R{place:02d}/month/2026-01/total" for place in range(5000)]
    drawn = [offset(KEY, name) for name in names]
    chi_square = sum((times - 1000) ** 2 / 1000 for times in Counter(drawn).values())
    assert (
        chi_square < 18.47
    )  # the 99.9th percentile at 4 degrees of freedom; the draw is fixed, so this never flickers
    assert drawn != [offset(KEY[::-1], name) for name in names]
    assert drawn != [offset(KEY, name, 1) for name in names]


@pytest.mark.parametrize(("key", "name", "attempt"), [(b"short", "a", 0), (KEY, "", 0), (KEY, "a", -1)])
def test_offsets_refuse_a_weak_key_a_blank_name_and_a_negative_attempt(key: bytes, name: str, attempt: int) -> None:
    with pytest.raises(ValueError, match="offset"):
        offset(key, name, attempt)


@pytest.mark.parametrize(("count", "drawn"), [(-1, 0), (3, 5), (3, -1), (True, 0), (2.0, 0)])
def test_rounding_refuses_what_is_no_count_or_no_offset(count: int, drawn: int) -> None:
    with pytest.raises(ValueError, match=r"count|offset"):
        rounded(count, drawn)
