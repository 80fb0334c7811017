"""The grid laid out by hand, where input is empty, late, closed, merged or revised: a stated reason, never a blank or a wrong figure."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from registry.disclosure.grid import Count, GeographyKind, PeriodKind
from registry.disclosure.protected import State, blank, cell
from registry.measures import (
    ADMISSIONS,
    CASES,
    HAT_RATE,
    HAT_RATE_OVERNIGHT,
    MEASURES,
    CellKey,
    Counts,
)
from registry.publications.cells import Entry, NoRegionError, Organisation, TrustMonth, entries
from registry.publications.own import own_figures
from registry.publications.telling import organisations_counted
from registry.statistics.estimate import Reason

APRIL = date(2024, 4, 1)
YEAR = [date(2024, month, 1) for month in range(4, 13)] + [date(2025, month, 1) for month in (1, 2, 3)]
NEXT = [date(year + 1, month, 1) for year, month in ((each.year, each.month) for each in YEAR)]
TOTAL = ("total", "total")
SETTING = ("setting", "in_stay")


def trust(place: int = 1, **more: Any) -> Organisation:
    given = {"live_from": APRIL, "closed_on": None, "region_code": "Y58", **more}
    return Organisation(
        place, f"RA{place}", f"Trust {place}", "nhs_trust", "England", region_name="South West", **given
    )


def month(of: Organisation, start: date, cases: int = 2, **more: Any) -> TrustMonth:
    counts: Mapping[tuple[str, str], int] = {TOTAL: cases, SETTING: cases}
    given = {
        "enters": True,
        "provisional": False,
        "admissions": 1000,
        "overnight": 400,
        "case_return": "complete",
        **more,
    }
    return TrustMonth(of, start, own=counts, nation=counts, **given)


def silent(of: Organisation, start: date) -> TrustMonth:
    return TrustMonth(of, start, enters=False, provisional=False, admissions=0, overnight=0)


Place = tuple[GeographyKind, PeriodKind, date, str, str]


def cases(rows: list[TrustMonth], organisations: list[Organisation]) -> dict[Place, Entry]:
    """Cells of cases by kind of place, kind of period, its start, split and category, for one trust or region at a time."""
    found = {}
    for entry in entries(rows, organisations, 3):
        one = entry.cell
        if one.count is Count.HAT_CASES:
            where = (
                one.geography.kind,
                one.period.kind,
                one.period.start,
                str(one.split or "total"),
                one.category or "total",
            )
            found[where] = entry
    return found


T, R = GeographyKind.TRUST, GeographyKind.REGION
MONTH, FY = PeriodKind.MONTH, PeriodKind.FINANCIAL_YEAR


def test_a_regions_year_is_the_sum_of_its_final_months_and_has_no_total() -> None:
    one, two = trust(1), trust(2)
    rows = [month(each, start) for start in YEAR for each in (one, two)]
    found = cases(rows, [one, two])
    assert found[R, FY, APRIL, *SETTING].count == 2 * 12 * 2
    assert not found[R, FY, APRIL, *SETTING].provisional
    assert (R, FY, APRIL, *TOTAL) not in found
    assert found[R, FY, APRIL, "second_reading", "first_only"].count == 0


@pytest.mark.parametrize("left", [1, 12])
def test_a_regions_year_is_there_once_it_is_over_and_none_of_its_months_may_change(left: int) -> None:
    one = trust()
    unfinished = [month(one, start) for start in YEAR[:-left]]
    open_still = [month(one, start, provisional=start == YEAR[-1]) for start in YEAR]
    for rows in (unfinished, open_still):
        assert (R, FY, APRIL, *SETTING) not in cases(rows, [one])


def test_a_year_of_one_month_is_not_that_month_a_second_time() -> None:
    one = trust(live_from=YEAR[-1])
    assert (R, FY, APRIL, *SETTING) not in cases([month(one, YEAR[-1])], [one])


def test_a_trust_that_closed_in_mid_year_keeps_its_months_and_has_no_blank_after() -> None:
    closed, other = trust(1, closed_on=date(2024, 9, 30)), trust(2)
    rows = [month(closed, start) for start in YEAR[:6]] + [month(other, start) for start in YEAR]
    found = [entry for entry in entries(rows, [closed, other], 3) if entry.cell.geography.code == "RA1"]
    starts = {entry.cell.period.start for entry in found if entry.cell.period.kind is MONTH}
    assert starts == set(YEAR[:6])
    whole = next(
        e for e in found if e.cell.period.kind is FY and e.cell.count is Count.HAT_CASES and e.cell.split is None
    )
    assert (whole.count, whole.state) == (12, State.COUNTED)
    assert cases(rows, [closed, other])[R, FY, APRIL, *SETTING].count == 12 + 24


def test_a_merged_trusts_cases_stay_its_own_and_its_successor_begins_new() -> None:
    """RA1 was merged into RA2 on 1 October: RA2 takes part from then on, and nothing is counted twice."""
    before, after = trust(1, closed_on=date(2024, 9, 30)), trust(2, live_from=date(2024, 10, 1))
    rows = [month(before, start) for start in YEAR[:6]] + [month(after, start, 5) for start in YEAR[6:]]
    found = entries(rows, [before, after], 3)
    years = {
        entry.cell.geography.code: entry.count
        for entry in found
        if (entry.cell.geography.kind, entry.cell.period.kind, entry.cell.count, entry.cell.split) == (T, FY, Count.HAT_CASES, None)
    }  # fmt: skip
    assert years == {"RA1": 12, "RA2": 30}
    first = next(
        e
        for e in found
        if e.cell.geography.code == "RA2" and e.cell.period.start == APRIL and e.cell.period.kind is MONTH
    )
    assert (first.count, first.state) == (None, State.NOT_LIVE)
    assert cases(rows, [before, after])[R, FY, APRIL, *SETTING].count == 42


def test_thirteen_months_of_nothing_are_months_and_a_year_without_a_return() -> None:
    one = trust()
    found = cases([silent(one, start) for start in [*YEAR, NEXT[0]]], [one])
    for kind in (T, R):
        states = {found[kind, MONTH, start, *TOTAL].state for start in [*YEAR, NEXT[0]]}
        assert states == {State.NO_RETURN}
    assert found[T, FY, APRIL, *TOTAL].state is State.NO_RETURN
    assert all(entry.count is None for entry in found.values())
    told = {one.quantity: one.value for one in organisations_counted([silent(one, APRIL)], 2) if one.kind == "region"}
    assert (told["trusts"], told["trusts_taking_part"], told["returns_due"], told["returns_in"]) == (0, 1, 1, 0)


def test_the_page_of_a_trust_with_nothing_says_so_for_every_measure() -> None:
    one = trust()
    found = own_figures([silent(one, start) for start in YEAR])
    assert (found.months, found.taking_part) == (0, 12)
    assert {figure.estimate.reason for _, figure in found.figures} == {Reason.BLANK}
    assert {figure.estimate.value for _, figure in found.figures} == {None}


def test_empty_months_and_noughts_have_a_reason_in_public() -> None:
    no_return = Counts({CASES: blank(State.NO_RETURN), ADMISSIONS: blank(State.NO_RETURN)})
    empty = Counts({CASES: cell(0), ADMISSIONS: cell(0)})
    for measure in MEASURES.values():
        for counts in (no_return, empty, Counts()):
            figure = measure.figure(counts)
            assert figure.estimate.value is None
            assert figure.estimate.reason is not None
            assert (figure.top.words, figure.bottom.words) != ("", "")
    assert HAT_RATE.figure(no_return).top.words == "no complete return"
    assert HAT_RATE_OVERNIGHT.figure(no_return).top.words == "no complete return"


def test_more_cases_than_admissions_is_a_rate_and_no_fault() -> None:
    figure = HAT_RATE.figure(Counts({CASES: cell(50), ADMISSIONS: cell(25)}))
    assert figure.estimate.value == pytest.approx(2000.0)


def test_revised_counts_move_the_cell_and_nothing_else() -> None:
    one = trust()
    before, after = ([month(one, start, more if start == YEAR[3] else 2) for start in YEAR] for more in (2, 7))
    old, new = (cases(rows, [one]) for rows in (before, after))
    changed = {where for where in old if old[where].count != new[where].count}
    assert old.keys() == new.keys()
    assert {(kind, period, start) for kind, period, start, *_ in changed} == {
        (T, MONTH, YEAR[3]), (R, MONTH, YEAR[3]), (T, FY, APRIL), (R, FY, APRIL),
    }  # fmt: skip


def test_a_trust_without_a_region_stops_the_draft_by_name() -> None:
    one = trust(region_code=None)
    with pytest.raises(NoRegionError, match="Trust 1 takes part but has no region"):
        entries([month(one, APRIL)], [one], 3)


def test_admissions_by_group_are_regions_only() -> None:
    one = trust()
    groups = {"medical": 600, "surgical": 300, "obstetric": 100}
    rows = [month(one, start, by_group=groups, overnight_by_group={"medical": 400}) for start in YEAR]
    counted = {
        (entry.cell.geography.kind, entry.cell.period.kind, str(entry.cell.split), entry.cell.category): entry.count
        for entry in entries(rows, [one], 3)
        if entry.cell.count is Count.ADMISSIONS and entry.cell.split
    }
    assert counted[R, MONTH, "admission_group", "obstetric"] == 100
    assert counted[R, FY, "overnight_group", "medical"] == 4800
    assert {kind for kind, *_ in counted} == {R}


def test_organisations_and_their_returns_by_hand() -> None:
    """Of four: complete in time, nil late, partial, none. Two find cases from two sources or count coded ones, one of them enters."""
    rows = [
        month(trust(1), APRIL, timeliness="in_time", case_finding_sources=2),
        month(trust(2), APRIL, 0, case_return="nil", timeliness="late", case_finding_sources=1),
        month(trust(3), APRIL, enters=False, case_return="partial", coded_candidates_returned=True),
        silent(trust(4), APRIL),
    ]
    told = {(one.kind, one.geography, one.quantity): one.value for one in organisations_counted(rows, 2)}
    assert {name: value for (kind, _, name), value in told.items() if kind == "region"} == {
        "trusts": 2, "trusts_taking_part": 4, "trusts_assessable": 1, "returns_due": 4, "returns_in": 2, "returns_partial": 1,
        "returns_timed": 2, "returns_late": 1,
    }  # fmt: skip
    assert told["trust", "RA1", "case_finding_sources"] == 2
    assert told["trust", "RA3", "months_coded"] == 1
    assert ("trust", "RA4", "case_finding_sources") not in told


def test_a_years_returns_by_hand() -> None:
    one, two = trust(1), trust(2)
    rows = [month(one, start, 0, case_return="nil") for start in YEAR[:3]] + [month(one, start) for start in YEAR[3:]]
    rows += [month(two, start) for start in YEAR[:2]] + [silent(two, start) for start in YEAR[2:]]
    told = {
        one.quantity: (one.month, one.value)
        for one in organisations_counted(rows, 2)
        if one.quantity.startswith(("year_", "trusts_y"))
    }
    assert told == {"trusts_year": (APRIL, 2), "year_returns_in": (APRIL, 14), "year_returns_nil": (APRIL, 3)}


def test_cells_of_admissions_are_keyed_as_measures_ask_for_them() -> None:
    asked = {key for measure in MEASURES.values() for key in measure.cells if key.quantity is Count.ADMISSIONS}
    one = trust()
    made = {
        CellKey(entry.cell.count, entry.cell.split or "total", entry.cell.category or "total")
        for entry in entries([month(one, start) for start in YEAR], [one], 3)
        if entry.cell.geography.kind is R
    }
    assert asked <= made
