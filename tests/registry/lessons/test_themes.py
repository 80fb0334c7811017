"""Counts of themes by nation and year: sums of rounded cells, shown only where they are sure, compared only where the rounding allows."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from registry.disclosure.grid import CATEGORIES, Split
from registry.lessons import themes
from registry.settings import Settings
from registry.store import Store
from schemas.codes import MissedDoseReason
from tests.registry.web.visitors import house, words_of

BEFORE, NOW = date(2023, 4, 1), date(2024, 4, 1)


def row(
    nation: str, value: int | None, *, theme: str = "missed_doses", year: date = NOW, state: str = "counted"
) -> dict[str, Any]:
    return {"nation": nation, "period": year, "split": "inadequacy", "category": theme, "value": value, "state": state}


def line(rows: list[dict[str, Any]], nation: str = "England", theme: str = "missed_doses") -> themes.Line:
    found = next(each for each in themes.summed(rows, 7, 3) if each.nation == nation)
    return next(each for each in found.lines if each.theme == theme)


def test_a_nation_is_the_sum_of_its_regions_and_both_are_the_sum_of_both() -> None:
    rows = [row("England", 20), row("England", 15), row("Wales", 10)]
    assert line(rows).counts[-1].words == "35"
    assert line(rows, "Wales").counts[-1].words == "10"
    assert line(rows, themes.TOGETHER).counts[-1].words == "45"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((5,), "fewer than 10"),
        ((0,), "fewer than 10"),
        ((5, 5), "too few to show"),
        ((10, 0), "10"),
        ((5, 5, 5), "too few to show"),
    ],
)
def test_what_is_not_sure_is_not_shown(values: tuple[int, ...], words: str) -> None:
    assert line([row("England", each) for each in values]).counts[-1].words == words


def test_a_region_that_is_withheld_withholds_the_sum() -> None:
    assert line([row("England", 20), row("England", None, state="suppressed")]).counts[-1].shown is None


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (20, 30, "more than the year before"),
        (30, 20, "fewer than the year before"),
        (20, 25, "about as many as the year before"),
        (20, 5, ""),
    ],
)
def test_more_and_fewer_are_said_only_where_rounding_cannot_make_them(before: int, now: int, words: str) -> None:
    assert line([row("England", before, year=BEFORE), row("England", now)]).trend == words


def test_rounding_alone_never_makes_a_trend() -> None:
    """Whatever the offsets: the same true counts, drawn anew, are about as many."""
    for true in range(10, 60):
        for first in range(5):
            for second in range(5):
                drawn = [5 * ((true + first) // 5), 5 * ((true + second) // 5)]
                said = line([row("England", drawn[0], year=BEFORE), row("England", drawn[1])]).trend
                assert said in ("", "about as many as the year before")


def test_nothing_counted_is_nothing_said() -> None:
    assert themes.summed([], 7, 3) == []


def test_the_groups_are_those_of_the_grid() -> None:
    assert {group: tuple(code for code, _ in listed) for group, (_, listed) in themes.GROUPS.items()} == {
        split.value: CATEGORIES[split]
        for split in (Split.INADEQUACY, Split.CONTRIBUTORY_FACTOR, Split.MISSED_DOSE_REASON, Split.PRACTICE)
    }


def test_a_group_that_a_release_did_not_count_is_not_shown() -> None:
    """Releases from before reviews were asked why doses were missed have no cells of it: nothing is said, not nothing counted."""
    reason = {**row("England", 20, theme="refused"), "split": "missed_dose_reason"}
    before, after = (themes.summed(rows, 7, 3)[0] for rows in ([row("England", 20)], [row("England", 20), reason]))
    assert before.group("missed_dose_reason") == ()
    assert next(iter(after.group("missed_dose_reason"))).counts[-1].words == "20"
    assert len(after.group("missed_dose_reason")) == len(MissedDoseReason)


def test_everybody_reads_them_on_the_page(settings: Settings, store: Store, admin: psycopg.Connection) -> None:
    full = house(settings, store)
    anybody = full.browser()
    assert "How often reviews found it" not in words_of(anybody.get("/learning"))
    given(admin)
    page = words_of(anybody.get("/learning"))
    assert "Doses missed avoidably 25 50 More than the year before" in page
    assert "Why doses were missed: England and Wales" in page
    assert "a review without an answer is in none of these numbers" in page
    assert "Not signed for 25 50 More than the year before" in page
    assert "April 2023 to March 2024" in page
    assert "From release 3" in page
    assert "ProtectedCount" not in page


def given(admin: psycopg.Connection) -> None:
    """A release with the cells of two regions, put in past all rules."""
    admin.execute("set session_replication_role = replica")
    release = uuid4()
    named = ("title", "definition", "prepared_by_name", "released_by_name")
    moments = dict.fromkeys(("as_at", "released_at"), datetime(2025, 9, 1, tzinfo=UTC))
    fixed = {"id": release, "number": 3, "latest": True, "grid_version": 1, "rules": "{}"}
    put(admin, "release", fixed | moments | dict.fromkeys(named, "x"))
    for code, nation, counts in (("Y56", "England", (15, 25)), ("W92000004", "Wales", (10, 25))):
        where = {"release_id": release, "geography_kind": "region", "geography": code}
        put(admin, "place", where | {"name": code, "nation": nation})
        for year, value in zip((BEFORE, NOW), counts, strict=True):
            for split, theme in (("inadequacy", "missed_doses"), ("missed_dose_reason", "not_signed")):
                what = {
                    "cell_id": f"{code}/{year}/{split}",
                    "quantity": "hat_cases",
                    "period_kind": "financial_year",
                    "period": year,
                }
                what |= {"split": split, "category": theme, "value": value, "state": "counted"}
                put(admin, "cell", where | what | {"provisional": False})


def put(admin: psycopg.Connection, table: str, values: Mapping[str, object]) -> None:
    names = ", ".join(values)
    said = f"insert into published.{table} ({names}) values ({', '.join(['%s'] * len(values))})"
    admin.execute(said.encode(), list(values.values()))
