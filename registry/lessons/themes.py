"""How often reviews found each theme, by nation and financial year: sums of the rounded cells of regions, read by a role that sees no others.

A review has any number of themes, so the counts of a year do not add up to its reviews. No count by trust or month is public.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, select

from registry.disclosure.grid import Count, GeographyKind, PeriodKind
from registry.disclosure.protected import ProtectedCount, State, blank, cell, total
from registry.lessons.lists import FACTORS, REASONS, THEMES
from registry.store.tables import cell as cells
from registry.store.tables import place, released

ENGLAND, WALES = "England", "Wales"
TOGETHER: Final = "England and Wales"
NATIONS: Final = (TOGETHER, ENGLAND, WALES)

GROUPS: Final[Mapping[str, tuple[str, tuple[tuple[str, str], ...]]]] = {
    "inadequacy": ("What fell short", THEMES),
    "contributory_factor": ("What contributed", FACTORS),
    "missed_dose_reason": ("Why doses were missed", REASONS),
    "practice": ("What went well", (("notable_practice", "Notable practice was recorded"),)),
}
"""The splits of the grid that hold themes: title, and categories with their words. That doses were missed is among what fell short; why is
asked of each review with missed doses, avoidable or not, and answered where somebody looked."""


@dataclass(frozen=True, slots=True)
class Line:
    """One theme in one nation: its protected counts by year, in the order of the years asked for; and how the last compares with the one
    before it, in words, where both are shown."""

    group: str
    theme: str
    words: str
    counts: tuple[ProtectedCount, ...]

    @property
    def trend(self) -> str:
        shown = [each.shown for each in self.counts]
        if len(shown) < 2 or shown[-1] is None or shown[-2] is None:
            return ""
        return _compared(self.counts[-2], self.counts[-1])


@dataclass(frozen=True, slots=True)
class Themes:
    """The themes of one nation: the years, and a line for each theme of each group. `release` is what it was read from."""

    nation: str
    release: int
    years: tuple[date, ...]
    lines: tuple[Line, ...]

    def group(self, name: str) -> tuple[Line, ...]:
        return tuple(each for each in self.lines if each.group == name)


def _compared(before: ProtectedCount, now: ProtectedCount) -> str:
    """More or fewer only where the rounding alone cannot make it: each cell is at most 4 from its true count."""
    low, high = _bounds(before)
    least, most = _bounds(now)
    if least > high:
        return "more than the year before"
    if most < low:
        return "fewer than the year before"
    return "about as many as the year before"


def _bounds(count: ProtectedCount) -> tuple[int, int]:
    value = count.rounded or 0
    return count.least, value + 4 * count.cells


def read(connection: Connection, *, years: int = 3) -> list[Themes]:
    """The themes of the latest release by nation, at most so many of its last years; nothing before the first release with themes."""
    head = connection.execute(select(released.c.id, released.c.number).where(released.c.latest)).one_or_none()
    if head is None:
        return []
    rows = connection.execute(
        select(place.c.nation, cells.c.period, cells.c.split, cells.c.category, cells.c.value, cells.c.state)
        .join(
            place,
            (place.c.release_id == cells.c.release_id)
            & (place.c.geography_kind == cells.c.geography_kind)
            & (place.c.geography == cells.c.geography),
        )
        .where(
            cells.c.release_id == head.id,
            cells.c.quantity == Count.HAT_CASES.value,
            cells.c.geography_kind == GeographyKind.REGION.value,
            cells.c.period_kind == PeriodKind.FINANCIAL_YEAR.value,
            cells.c.split.in_(list(GROUPS)),
        )
    ).mappings()
    return summed([dict(row) for row in rows], head.number, years)


def summed(rows: Iterable[Mapping[str, Any]], release: int, years: int) -> list[Themes]:
    """Nation by nation, and both together: each a sum of its regions' rounded cells."""
    parts: defaultdict[tuple[str, date, str, str], list[ProtectedCount]] = defaultdict(list)
    for row in rows:
        state = State(row["state"])
        one = cell(row["value"]) if state is State.COUNTED else blank(state)
        for nation in (row["nation"], TOGETHER):
            parts[nation, row["period"], row["split"], row["category"]].append(one)
    last = tuple(sorted({period for _, period, _, _ in parts}))[-years:]
    if not last:
        return []
    return [
        Themes(nation, release, last, tuple(_lines(nation, last, parts)))
        for nation in NATIONS
        if any(key[0] == nation for key in parts)
    ]


def _lines(
    nation: str, years: Iterable[date], parts: Mapping[tuple[str, date, str, str], list[ProtectedCount]]
) -> Iterable[Line]:
    counted = {group for _, _, group, _ in parts}
    for group, (_, themes) in GROUPS.items():
        for theme, words in themes if group in counted else ():
            counts = tuple(total(parts.get((nation, year, group, theme), [])) for year in years)
            yield Line(group, theme, words, counts)


def financial_year_words(start: date) -> str:
    """`April 2025 to March 2026`."""
    return f"April {start.year} to March {start.year + 1}"


def as_json(found: Iterable[Themes]) -> list[dict[str, Any]]:
    """The counts as they are shown, for keeping with a summary; nothing that is not public."""
    return [
        {
            "nation": each.nation,
            "release": each.release,
            "years": [financial_year_words(year) for year in each.years],
            "lines": [
                {
                    "group": line.group,
                    "theme": line.theme,
                    "words": line.words,
                    "counts": [count.words for count in line.counts],
                    "trend": line.trend,
                }
                for line in each.lines
            ],
        }
        for each in found
    ]
