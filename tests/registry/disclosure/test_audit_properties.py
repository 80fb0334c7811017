"""What holds of every audit: truth is possible, a row more never widens, names do not matter, certificates verify."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.disclosure.audit import Release, audit, schemes
from registry.disclosure.audit.block import Block, Draft, Target
from registry.disclosure.audit.certificates import Certificate, Change, verify, verify_all
from registry.disclosure.audit.drawing import draw
from registry.disclosure.audit.panes import panes
from registry.disclosure.audit.searching import search
from registry.disclosure.audit.solving import Attacker
from registry.disclosure.audit.worlds import central
from registry.disclosure.protected import State
from registry.disclosure.rounding import rounded
from tests.registry.disclosure.nation import Nation, nation, released
from tests.registry.disclosure.truth import true_world

SLACK = 1e-6


@st.composite
def worlds(draw_: st.DrawFn) -> tuple[Block, list[int], list[tuple[int, ...]], list[tuple[int, int]]]:
    """True counts, and sums of some of them, each published with an offset."""
    counts = draw_(st.lists(st.integers(0, 20), min_size=2, max_size=7))
    places = st.integers(0, len(counts) - 1)
    sums = draw_(st.lists(st.lists(places, min_size=1, max_size=5, unique=True).map(tuple), min_size=1, max_size=8))
    offsets = draw_(st.lists(st.integers(0, 4), min_size=len(sums), max_size=len(sums)))
    rows = [schemes.rounded(rounded(sum(counts[p] for p in names), u)) for names, u in zip(sums, offsets, strict=True)]
    return block_of(len(counts), sums, rows), counts, sums, rows


def block_of(number: int, sums: list[tuple[int, ...]], rows: list[tuple[int, int]]) -> Block:
    draft = Draft("random")
    places = [draft.variable(0, 10_000) for _ in range(number)]
    for names, interval in zip(sums, rows, strict=True):
        draft.row([places[p] for p in names], *interval)
    for place in places:
        draft.target([place], Target(f"c{place}", 1, 0))
    return draft.done()


def linear(block: Block) -> list[tuple[float, float]]:
    attacker = Attacker(block, 30.0)
    found = [attacker.linear(target) for target in range(len(block.named))]
    return [(one[0].value, one[1].value) for one in found if one is not None]


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_the_truth_is_always_inside(
    made: tuple[Block, list[int], list[tuple[int, ...]], list[tuple[int, int]]],
) -> None:
    block, counts, _, _ = made
    assert block.possible(np.array(counts, dtype=np.int64))
    for count, (least, most) in zip(counts, linear(block), strict=True):
        assert least - SLACK <= count <= most + SLACK


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_a_published_row_more_never_widens(
    made: tuple[Block, list[int], list[tuple[int, ...]], list[tuple[int, int]]],
) -> None:
    _, counts, sums, rows = made
    with_all = linear(block_of(len(counts), sums, rows))
    without = linear(block_of(len(counts), sums[:-1], rows[:-1]))
    for (least, most), (least_before, most_before) in zip(with_all, without, strict=True):
        assert least >= least_before - SLACK
        assert most <= most_before + SLACK


@settings(max_examples=60, deadline=None)
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_places_and_rows_changes_nothing(
    made: tuple[Block, list[int], list[tuple[int, ...]], list[tuple[int, int]]], chance: object
) -> None:
    block, counts, sums, rows = made
    order = list(range(len(counts)))
    chance.shuffle(order)  # type: ignore[attr-defined]  # a Random of hypothesis
    there = {place: position for position, place in enumerate(order)}
    other = block_of(len(counts), [tuple(there[p] for p in names) for names in sums[::-1]], rows[::-1])
    mine, theirs = linear(block), linear(other)
    for place in range(len(counts)):
        assert mine[place] == pytest.approx(theirs[there[place]], abs=SLACK)


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_a_world_is_found_wherever_there_is_one(
    made: tuple[Block, list[int], list[tuple[int, ...]], list[tuple[int, int]]],
) -> None:
    block, *_ = made
    world = central(block, 30.0)
    assert world is not None
    assert block.possible(world)


def small(seed: int) -> Nation:
    return nation(4, 1, 12, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_true_nation_is_possible_over_all_releases(seed: int) -> None:
    """With every revision told, what the attacker links is truly the same."""
    releases, knows, stood = released(small(seed), 3, np.random.default_rng(seed))
    for key, laid in panes(releases).items():
        drawn = draw(key, laid)
        assert drawn.block.possible(true_world(drawn, key[2], stood, dict(knows.offsets)))


@pytest.mark.parametrize("region_too", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_true_nation_is_possible_where_cells_were_held(seed: int, region_too: bool) -> None:
    """A trust is held in the second release, or it and its region, and put right in the third."""
    releases, knows, stood = released(small(seed), 3, np.random.default_rng(seed))
    releases = held(releases, region_too=region_too)
    assert any(one.held for one in releases[1].cells)
    for key, laid in panes(releases).items():
        drawn = draw(key, laid)
        assert drawn.block.possible(true_world(drawn, key[2], stood, dict(knows.offsets)))


def held(releases: tuple[Release, ...], *, region_too: bool) -> tuple[Release, ...]:
    """The first trust in the second release as in the first, and its region."""
    first, second, third = releases
    before = {one.cell.id: one for one in first.cells}
    trust = min(second.regions)
    places = {trust, second.regions[trust]} if region_too else {trust}
    cells = tuple(
        before[one.cell.id]._replace(held=True) if one.cell.id in before and one.cell.geography.code in places else one
        for one in second.cells
    )
    return first, dataclasses.replace(second, cells=cells), third


@pytest.mark.parametrize("state", [State.SUPPRESSED, State.NO_RETURN])
def test_a_trust_without_a_number_is_in_the_sums_of_its_region(state: State) -> None:
    """Withheld, or returned late and held as the blank that it was before: its cases are in the region's number."""
    releases, knows, stood = released(small(6), 2, np.random.default_rng(6))
    trust, held = min(releases[1].regions), state is State.NO_RETURN
    cells = tuple(
        one._replace(value=None, state=state, held=held) if one.cell.geography.code == trust else one
        for one in releases[1].cells
    )
    both = (releases[0], dataclasses.replace(releases[1], cells=cells))
    for key, laid in panes(both).items():
        drawn = draw(key, laid)
        assert any(code == trust for code, _ in drawn.views[1].totals)
        assert drawn.block.possible(true_world(drawn, key[2], stood, dict(knows.offsets)))
    assert not audit(both).contradictory


def test_a_held_cell_is_no_statement_and_narrows_nothing() -> None:
    """Where every cell is held, a release says what the one before it said: the same rows, and nothing else to look for."""
    releases, *_ = released(small(5), 2, np.random.default_rng(5))
    first, second = releases
    again = {one.cell.id: one for one in first.cells}
    repeated = tuple(again[one.cell.id]._replace(held=True) for one in second.cells if one.cell.id in again)
    both = (first, dataclasses.replace(second, cells=repeated))
    for (key, alone), laid in zip(panes([first]).items(), panes(both).values(), strict=True):
        one, two = draw(key, alone).block, draw(key, laid).block
        assert one.named == two.named
        wide, same = Attacker(one, 60.0), Attacker(two, 60.0)
        for target in range(0, len(one.named), 17):
            before, after = wide.linear(target), same.linear(target)
            assert before is not None
            assert after is not None
            assert [each.value for each in after] == pytest.approx([each.value for each in before], abs=SLACK)


def test_releases_that_share_numbers_never_widen_what_one_alone_tells() -> None:
    releases, *_ = released(small(3), 3, np.random.default_rng(3))
    alone = {key: draw(key, laid).block for key, laid in panes(releases[-1:]).items()}
    for key, laid in panes(releases).items():
        both = draw(key, laid).block
        wide, narrow = Attacker(alone[key], 60.0), Attacker(both, 60.0)
        at = {one.cell: place for place, one in enumerate(alone[key].named)}
        latest = [place for place, one in enumerate(both.named) if one.release == 3 and one.cell in at][::9]
        for place in latest:
            before, after = wide.linear(at[both.named[place].cell]), narrow.linear(place)
            assert before is not None
            assert after is not None
            assert after[0].value >= before[0].value - SLACK
            assert after[1].value <= before[1].value + SLACK


def test_every_certificate_verifies_and_a_bent_one_does_not() -> None:
    releases, *_ = released(small(4), 2, np.random.default_rng(4))
    for key, laid in panes(releases).items():
        drawn = draw(key, laid)
        base = central(drawn.block, 60.0)
        assert base is not None
        found = search(drawn, base, 4, range(len(drawn.block.named)))
        assert len(found) > len(drawn.block.named) / 2
        stand = verify_all(found, drawn.block, base)
        assert stand.all()
        for each in found[::25]:
            assert verify(each, drawn.block, base)
            assert not verify(dataclasses.replace(each, width=each.width + 1), drawn.block, base)
            assert not verify(_bent(each), drawn.block, base)


def _bent(each: Certificate) -> Certificate:
    """The same with one number of its higher world far away."""
    places = np.append(each.high.places, 0)
    return dataclasses.replace(each, high=Change(places, np.append(each.high.amounts, 1000)))
