"""The gate as the release desk uses it: one region and financial year through the real grid and the real rounding."""

import copy
import dataclasses
import json
from datetime import date

import numpy as np
import pytest

from registry.disclosure.audit import Insider, Published, Release, Told, audit, schemes
from registry.disclosure.audit.deciding import decide
from registry.disclosure.audit.drawing import draw, outsider
from registry.disclosure.audit.panes import by_block, panes
from registry.disclosure.audit.playing import WORTH_IT, Part, Players
from registry.disclosure.audit.searching import search
from registry.disclosure.audit.worlds import central
from registry.disclosure.grid import (
    CATEGORIES,
    COUNTED_LATER,
    Cell,
    Count,
    Geography,
    GeographyKind,
    Split,
    financial_year,
    month,
)
from registry.disclosure.protected import State
from tests.registry.disclosure.nation import Nation, nation, released

ROUNDS = 6


@pytest.fixture(scope="module")
def region() -> Nation:
    return nation(8, 1, 12, np.random.default_rng(5), mean=4.0)


@pytest.fixture(scope="module")
def settled(region: Nation) -> dict[str, int]:
    """The cells that the desk gave another offset before their first publication."""
    attempts: dict[str, int] = {}
    for _ in range(ROUNDS):
        releases, knows, _ = released(copy.deepcopy(region), 1, np.random.default_rng(6), attempts=attempts)
        report = audit(releases, knows)
        assert not report.undecided
        if report.passed:
            return attempts
        assert report.rekey
        attempts |= {name: attempts.get(name, 0) + 1 for name in report.rekey}
    raise AssertionError("the region cannot be published")


def test_a_region_and_year_passes_once_narrow_cells_were_drawn_again(settled: dict[str, int]) -> None:
    assert 0 < len(settled) < 30


@pytest.mark.slow
def test_three_releases_with_revisions_leave_five_candidates(region: Nation, settled: dict[str, int]) -> None:
    releases, knows, _ = released(copy.deepcopy(region), 3, np.random.default_rng(6), attempts=settled)
    report = audit(releases, knows)
    assert report.outsider.targets > 500
    assert report.outsider.certificate > 0.8 * report.outsider.targets
    assert (report.failing, report.undecided, report.contradictory) == ((), (), ())
    assert report.min_width == 4


@pytest.mark.slow
def test_a_split_that_a_release_did_not_have_yet_passes_beside_it() -> None:
    """Why doses were missed is counted from a release on, for the years before it too; what is narrow of it is drawn again first."""
    made = nation(6, 1, 16, np.random.default_rng(5), mean=4.0)
    attempts: dict[str, int] = {}
    for number in (1, 2):
        for _ in range(ROUNDS):
            releases, knows, _ = released(copy.deepcopy(made), 2, np.random.default_rng(6), attempts=attempts)
            before = tuple(one for one in releases[0].cells if one.cell.split not in COUNTED_LATER)
            assert len(before) == len(releases[0].cells) - len(CATEGORIES[Split.MISSED_DOSE_REASON])
            report = audit([dataclasses.replace(releases[0], cells=before), releases[1]][:number], knows)
            if not report.rekey:
                break
            attempts |= {name: attempts.get(name, 0) + 1 for name in report.rekey}
    assert (report.failing, report.undecided, report.contradictory) == ((), (), ())
    assert report.min_width == 4


def test_the_report_is_the_same_bytes_for_the_same_numbers(region: Nation, settled: dict[str, int]) -> None:
    releases, knows, _ = released(copy.deepcopy(region), 1, np.random.default_rng(6), attempts=settled)
    first = audit(releases, knows, code_version="a1")
    shuffled = dataclasses.replace(releases[0], cells=releases[0].cells[::-1])
    again = audit([shuffled], knows, code_version="a1")
    assert json.loads(first.as_json())["data_hash"] == json.loads(again.as_json())["data_hash"]
    assert first.as_json() == audit(releases, knows, code_version="a1").as_json()
    assert first.passed
    told = json.loads(first.as_json())
    assert told["grid_version"] == 1
    assert told["outsider"]["least_width"] >= 4
    assert set(told["outsider"]["witnesses_sha256"]) == {"admissions/R0/2025-26", "hat_cases/R0/2025-26"}


def test_without_the_scheme_every_cell_fails(region: Nation) -> None:
    releases, knows, _ = released(copy.deepcopy(region), 1, np.random.default_rng(6))
    exact = knows.counts[1]
    for key, laid in panes(releases).items():
        drawn = draw(key, laid, lambda one: schemes.exact(exact[one.cell.id]))
        base = central(drawn.block, 60.0)
        assert base is not None
        some = range(0, len(drawn.block.named), 40)
        decision = decide(drawn, base, some, 4, search, float("inf"))
        assert decision.failing == dict.fromkeys(some, 0)


def test_an_unrounded_number_is_refused(region: Nation) -> None:
    releases, *_ = released(copy.deepcopy(region), 1, np.random.default_rng(6))
    bare = tuple(one._replace(value=(one.value or 0) + 1) for one in releases[0].cells)
    with pytest.raises(ValueError, match="multiple of 5"):
        audit([dataclasses.replace(releases[0], cells=bare)])


def test_what_time_does_not_allow_is_not_passed(region: Nation) -> None:
    releases, knows, _ = released(
        copy.deepcopy(nation(5, 1, 12, np.random.default_rng(77))), 1, np.random.default_rng(6)
    )
    report = audit(releases, knows, seconds=0.0)
    assert not report.passed
    assert region


def test_releases_out_of_order_are_refused(region: Nation) -> None:
    releases, *_ = released(copy.deepcopy(region), 2, np.random.default_rng(6))
    for wrong in ((), releases[::-1]):
        with pytest.raises(ValueError, match="order of their numbers"):
            audit(wrong)


MONTHS = [date(2025, number, 1) for number in (4, 5)]
TRUST, OTHER = (Geography(GeographyKind.TRUST, code) for code in ("RAA", "RBB"))


def two_trusts(region: int, number: int = 1, regions: dict[str, str] | None = None) -> Release:
    """Two trusts of 20 each in each of two months, and their region's months."""
    cells = [Published(Cell(Count.ADMISSIONS, place, month(day)), 20) for place in (TRUST, OTHER) for day in MONTHS]
    home = Geography(GeographyKind.REGION, "E1")
    cells += [Published(Cell(Count.ADMISSIONS, home, month(day)), region) for day in MONTHS]
    return Release(number, tuple(cells), regions or {"RAA": "E1", "RBB": "E1"})


def test_a_region_may_differ_from_its_trusts_where_cases_wait_for_their_attribution() -> None:
    """40 of trusts are at most 48, a region's 55 at least 51: the attacker allows for as many as it takes."""
    assert audit([two_trusts(40)]).apart == ()
    report = audit([two_trusts(55)])
    assert report.apart == (("admissions/E1/2025-26", 4),)


def test_numbers_that_contradict_each_other_are_not_passed() -> None:
    report = audit([two_trusts(500)])
    assert not report.passed
    assert report.contradictory == ("admissions/E1/2025-26",)


def test_a_flag_beside_a_cell_leaves_too_few_candidates() -> None:
    """20 is 16 to 24; an outlier flag at 23 or more leaves two."""
    release = two_trusts(40)
    flag = Told((release.cells[0].cell,), 23)
    report = audit([dataclasses.replace(release, told=(flag,))])
    assert {one.cell: one.width for one in report.failing} == {release.cells[0].cell.id: 1}
    assert not report.passed
    assert report.rekey == (release.cells[0].cell.id,)


def test_a_flag_of_a_part_is_looked_for_itself() -> None:
    """An alert between two limits that lie close together tells the count that it is of; one without a limit above tells enough only
    beside a cell that is not much more."""
    release = two_trusts(40)
    cell = release.cells[0].cell
    narrow, wide, unsafe = (Told((cell,), least, most, part=True) for least, most in ((11, 13), (5, 12), (22, None)))
    report = audit([dataclasses.replace(release, told=(narrow,))])
    assert [(one.cell, one.width) for one in report.failing] == [(f"{cell.id}/flag", 2)]
    assert audit([dataclasses.replace(release, told=(wide,))]).passed
    report = audit([dataclasses.replace(release, told=(unsafe,))])
    assert {one.cell: one.width for one in report.failing} == {cell.id: 2, f"{cell.id}/flag": 2}


def test_a_merged_series_published_by_itself_leaves_too_few_candidates() -> None:
    release = two_trusts(40)
    merged = Told((release.cells[0].cell, release.cells[2].cell), 48, 48)
    report = audit([dataclasses.replace(release, told=(merged,))])
    assert {one.width for one in report.failing} == {0}


def test_what_is_told_of_cells_that_are_not_there_is_refused() -> None:
    absent = Cell(Count.HAT_CASES, TRUST, month(MONTHS[0]))
    with pytest.raises(ValueError, match="cells that the release has"):
        audit([dataclasses.replace(two_trusts(40), told=(Told((absent,), 3),))])


def test_regions_between_which_a_trust_moved_are_one_block() -> None:
    moved = two_trusts(40, 2, {"RAA": "E1", "RBB": "E2"})
    assert [key[0] for key in panes([two_trusts(40), moved])] == ["E1+E2"]


def test_a_cell_by_itself_tells_its_own_interval() -> None:
    sector = Geography(GeographyKind.INDEPENDENT_SECTOR, "England")
    cell = Published(Cell(Count.HAT_CASES, sector, financial_year(MONTHS[0])), 15)
    report = audit([Release(1, (cell,), {})])
    assert (report.passed, report.min_width, report.outsider.targets) == (True, 8, 1)
    blank = cell._replace(value=None, state=State.NO_RETURN)
    assert audit([Release(1, (blank,), {})]).outsider.targets == 0


def test_nought_leaves_five_candidates_to_an_outsider_and_one_to_who_saw_it_grow() -> None:
    """Theorem 6.3: a cell that began at nought with offset 0 is known for ever to whoever knows each addition."""
    cell = Cell(Count.HAT_CASES, Geography(GeographyKind.INDEPENDENT_SECTOR, "Wales"), financial_year(MONTHS[0]))
    first, second = (Release(number, (Published(cell, 0),), {}) for number in (1, 2))
    knows = Insider({cell.id: 0}, {1: {cell.id: 0}, 2: {cell.id: 3}})
    assert outsider(first.cells[0]) == (0, 4)
    report = audit([first, second], knows)
    assert report.min_width == 4
    assert (report.insider_min_width, report.insider_frozen_narrow, report.rekey) == (0, 1, ())
    assert report.passed


def test_a_new_cell_of_one_with_offset_nought_is_drawn_again() -> None:
    cell = Cell(Count.HAT_CASES, Geography(GeographyKind.INDEPENDENT_SECTOR, "Wales"), financial_year(MONTHS[0]))
    release = Release(1, (Published(cell, 0),), {})
    narrow = audit([release], Insider({cell.id: 0}, {1: {cell.id: 1}}))
    assert (narrow.passed, narrow.rekey, narrow.insider_min_width) == (False, (cell.id,), 1)
    assert cell.id not in narrow.as_json()
    wide = audit([release], Insider({cell.id: 3}, {1: {cell.id: 1}}))
    assert wide.passed


@pytest.mark.slow
def test_players_find_what_one_finds_alone() -> None:
    """However many play, in whichever order they come to an end: the same reports."""
    releases, knows, _ = released(nation(6, 3, 12, np.random.default_rng(8)), 1, np.random.default_rng(6))
    parts = {number: Part(part, knows, 300.0) for number, part in enumerate(by_block(releases).values())}
    assert len(parts) == WORTH_IT
    with Players(2) as players:
        found = dict(players.play(parts))
        again = dict(players.play({3: parts[3]}))
    alone = dict(Players(1).play(parts))
    assert {number: one.as_dict() for number, one in found.items()} == {n: one.as_dict() for n, one in alone.items()}
    assert again[3].as_dict() == alone[3].as_dict()
    whole = audit(releases, knows)
    assert whole.rekey == tuple(sorted(name for one in alone.values() for name in one.rekey))
    assert whole.outsider.targets == sum(one.outsider.targets for one in alone.values())


def test_a_part_that_cannot_be_played_ends_the_audit() -> None:
    bare = tuple(one._replace(value=7) for one in two_trusts(40).cells)
    part = Part((dataclasses.replace(two_trusts(40), cells=bare),), None, 300.0)
    with Players(2) as players, pytest.raises(OSError, match="could not: ValueError"):
        dict(players.play(dict.fromkeys(range(WORTH_IT), part)))


def test_players_that_nobody_asks_any_more_are_ended() -> None:
    """What they were at is not taken for the answer to what is asked next."""
    parts = {number: Part((two_trusts(30 + 5 * number),), None, 300.0) for number in range(WORTH_IT)}
    with Players(2) as players:
        left = players.play(parts)
        next(left)
        left.close()
        found = dict(players.play(parts))
    alone = dict(Players(1).play(parts))
    assert {number: one.as_dict() for number, one in found.items()} == {n: one.as_dict() for n, one in alone.items()}
