"""States, sums and words of protected counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.disclosure.protected import BLANKS, ProtectedCount, State, blank, cell, protect, total, window

true_cells = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 4)), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("number", "shown", "words", "code"),
    [
        (0, None, "fewer than 10", "[low]"),
        (5, None, "fewer than 10", "[low]"),
        (10, 10, "10", "10"),
        (12_345, 12_345, "12,345", "12345"),
    ],
)
def test_what_a_cell_shows(number: int, shown: int | None, words: str, code: str) -> None:
    count = cell(number)
    assert (count.shown, count.words, count.code) == (shown, words, code)


@pytest.mark.parametrize("state", BLANKS)
def test_a_blank_is_a_state_and_never_a_number(state: State) -> None:
    count = blank(state)
    assert (count.rounded, count.shown, count.cells) == (None, None, 0)
    assert not any(character.isdigit() for character in count.words + count.code)


def test_every_state_but_counted_has_words() -> None:
    assert set(BLANKS) == set(State) - {State.COUNTED}
    with pytest.raises(ValueError, match="number"):
        blank(State.COUNTED)


@pytest.mark.parametrize("wrong", [-5, 3, 11])
def test_only_rounded_numbers_are_cells(wrong: int) -> None:
    with pytest.raises(ValueError, match="multiple of 5"):
        cell(wrong)


@given(true_cells)
def test_a_sum_is_near_the_truth_and_shown_only_for_six_or_more(pairs: list[tuple[int, int]]) -> None:
    truth = sum(count for count, _ in pairs)
    for add in (total, window):
        result = add(protect(count, drawn) for count, drawn in pairs)
        assert result.rounded is not None
        assert abs(result.rounded - truth) <= 4 * len(pairs)
        assert result.cells == len(pairs)
        assert result.least <= truth
        if result.shown is not None:
            assert truth >= 6


def test_the_smallest_shown_count_is_six_as_ten() -> None:
    assert protect(6, 4).shown == 10
    assert protect(5, 4).shown is None


def test_two_fives_are_not_shown_as_ten() -> None:
    result = total([cell(5), cell(5)])
    assert (result.rounded, result.shown, result.words) == (10, None, "too few to show")


def test_the_nation_leaves_out_regions_that_do_not_take_part() -> None:
    result = total([cell(100), blank(State.NOT_LIVE), cell(0), blank(State.NO_RETURN)])
    assert (result.shown, result.cells) == (100, 2)


def test_a_window_with_a_blank_month_is_blank() -> None:
    assert window([cell(20), blank(State.NO_RETURN), cell(20)]).state is State.NO_RETURN


def test_a_withheld_part_withholds_the_sum() -> None:
    assert total([cell(100), blank(State.SUPPRESSED)]).state is State.SUPPRESSED
    assert window([blank(State.SUPPRESSED), cell(100)]).state is State.SUPPRESSED


@pytest.mark.parametrize("parts", [[], [blank(State.NO_RETURN)]])
def test_a_sum_of_nothing_is_blank(parts: list[ProtectedCount]) -> None:
    assert total(parts) == window(parts) == blank(State.NO_RETURN)
