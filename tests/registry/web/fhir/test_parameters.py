"""R4's parameters: what a date means under each prefix, tokens with marks in them, months in London."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import BadRequest
from registry.web.fhir.parameters import (
    Search,
    Token,
    between,
    cursor_of,
    midnight,
    months,
    names_canonical,
    next_month,
    read_cursor,
    search_of,
    tokens,
    whens,
)
from schemas import fhir


def search(**given: str) -> Search:
    return search_of(given.items(), ["when", "which"], lenient=False)


def several(*values: str) -> Search:
    return search_of([("when", value) for value in values], ["when"], lenient=False)


def told(*values: str) -> tuple[str, str]:
    ends = between(whens(several(*values), "when"))
    since, before = (each.isoformat().replace("+00:00", "Z") if each else "" for each in ends)
    return since, before


@pytest.mark.parametrize(
    ("given", "since", "before"),
    [
        ("2026-03-02", "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"),
        ("2025-07", "2025-06-30T23:00:00Z", "2025-07-31T23:00:00Z"),
        ("ge2026", "2026-01-01T00:00:00Z", ""),
        ("gt2026", "2027-01-01T00:00:00Z", ""),
        ("sa2026-12", "2027-01-01T00:00:00Z", ""),
        ("lt2026-03-02", "", "2026-03-02T00:00:00Z"),
        ("eb2026-03-02", "", "2026-03-02T00:00:00Z"),
        ("le2026-03-02", "", "2026-03-03T00:00:00Z"),
        ("ge2026-03-02T09:15Z", "2026-03-02T09:15:00Z", ""),
        ("gt2026-03-02T09:15Z", "2026-03-02T09:16:00Z", ""),
        ("gt2026-03-02T09:15:02+05:30", "2026-03-02T03:45:03Z", ""),
        ("gt2026-03-02T09:15:02 05:30", "2026-03-02T03:45:03Z", ""),
        ("gt2026-03-02T09:15:02.123Z", "2026-03-02T09:15:02.124000Z", ""),
        ("2026-07-02T09:15:02", "2026-07-02T08:15:02Z", "2026-07-02T08:15:03Z"),
    ],
)
def test_a_date_means_what_r4_says(given: str, since: str, before: str) -> None:
    assert told(given) == (since, before)


def test_several_dates_must_all_hold() -> None:
    assert told("ge2026-01", "gt2026-03-31", "lt2027", "le2026-06") == ("2026-03-31T23:00:00Z", "2026-06-30T23:00:00Z")


@pytest.mark.parametrize(
    "text",
    ["", "ge", "2026-3", "20260302", "2026-02-30", "2026-13", "0000", "ne2026", "ap2026", "2026-03-02T09", "2026-03-02T25:00Z",
     "2026-03-02T09:15:02.1234567Z", "9999", "0001-01-01T00:00:00+14:00", "２０２６", "2026-03-02\n", "ge 2026"],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        whens(search(when=text), "when")
    assert not text or text not in str(refusal.value)


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        (["2025-08"], "2025-08", "2025-08"),
        (["2025"], "2025-01", "2025-12"),
        (["ge2025-08", "le2025-10"], "2025-08", "2025-10"),
        (["gt2025-08", "lt2025-10"], "2025-09", "2025-09"),
        (["ge2025-08-15", "eb2025-11"], "2025-08", "2025-10"),
        (["sa2025-08", "le2025-09-10"], "2025-09", "2025-09"),
    ],
)
def test_months_are_meant_as_periods(given: list[str], first: str, last: str) -> None:
    start, end = months(whens(several(*given), "when"))
    assert (f"{start:%Y-%m}", end) == (first, next_month(date.fromisoformat(f"{last}-01")))


@pytest.mark.parametrize("given", [["2025-08-15"], ["gt2025", "lt2025"], ["lt1900"]])
def test_no_month_may_be_meant(given: list[str]) -> None:
    start, end = months(whens(several(*given), "when"))
    assert start == end


@given(st.dates(date(1990, 1, 1), date(2090, 12, 1)), st.sampled_from(["eq", "ge", "gt", "le", "lt", "sa", "eb"]))
def test_a_moment_and_a_point_in_time_agree(day: date, prefix: str) -> None:
    """`between` and `holds` are two readings of one date."""
    (asked,) = whens(several(f"{prefix}{day.isoformat()}"), "when")
    since, before = between([asked])
    for moment in (midnight(day), midnight(next_month(day.replace(day=1)))):
        inside = (since is None or moment >= since) and (before is None or moment < before)
        # A moment is a period so short that it ends where it begins; at the edges R4 tells them apart by "overlaps".
        if moment not in (asked.start, asked.end):
            assert asked.holds(moment, moment) == inside


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a", [Token("a")]),
        ("urn:x|a", [Token("a", "urn:x")]),
        ("|a", [Token("a", "")]),
        ("urn:x|a|b", [Token("a|b", "urn:x")]),
        (r"a\|b", [Token("a|b")]),
        (r"a\,b,c\\", [Token("a,b"), Token("c\\")]),
    ],
)
def test_tokens_are_divided_at_marks_that_are_not_escaped(text: str, found: list[Token]) -> None:
    assert tokens(search(which=text), "which") == found
    assert tokens(search(when="2026"), "which") is None


def test_many_values_at_once_are_refused() -> None:
    with pytest.raises(BadRequest):
        tokens(search(which="a," * 100), "which")


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        (f"{fhir.ACTIVITY_MEASURE}", True),
        (f"{fhir.ACTIVITY_MEASURE}|{fhir.VERSION}", True),
        ("Measure/hat-activity", True),
        (f"{fhir.ACTIVITY_MEASURE}|2", False),
        ("hat-activity", False),
        ("Measure/hat-activity-2", False),
        ("", False),
    ],
)
def test_an_artefact_is_named_by_its_address(named: str, meant: bool) -> None:
    assert names_canonical(named, fhir.ACTIVITY_MEASURE) is meant


@given(st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)), st.uuids())
def test_a_cursor_comes_back_as_it_went(at: datetime, record: UUID) -> None:
    assert read_cursor(cursor_of(at, record)) == (at, record)


@given(st.text(max_size=60))
def test_a_cursor_of_another_making_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        read_cursor(text)
