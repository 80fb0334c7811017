"""Figures over time as people and programs read them: areas, lines, the chart, the summary, the rows of a download."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from registry.disclosure.protected import window
from registry.measures import Counts, Figure, Measure, together
from registry.publications.cells import year_months
from registry.publications.published import Place, Release, Series
from registry.statistics.estimate import Reason
from registry.web.charts import Break, Chart, Point, Target, sentence

BOTH = "england-and-wales"


@dataclass(frozen=True, slots=True)
class Area:
    """A place of a page: one or several places of a release (kind and code) as one."""

    ident: str
    name: str
    places: tuple[tuple[str, str], ...]
    nations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One month or year of an area. `counts` is what it is made of."""

    start: date
    label: str
    figure: Figure
    counts: Counts

    @property
    def provisional(self) -> bool:
        return self.counts.provisional


def areas(measure: Measure, regions: Iterable[Place]) -> tuple[Area, ...]:
    """The areas in which a measure is published: the nations together where there are both, each nation, each region of England."""
    known = [one for one in regions if one.nation in measure.nations]
    nations = []
    for name in measure.nations:
        inside = tuple((one.kind, one.code) for one in known if one.nation == name)
        # official figures count providers of no known region too, so they have a place of the nation's own
        nations.append(Area(name.lower(), name, (("nation", name),) if measure.numbers else inside, (name,)))
    both = Area(
        BOTH, " and ".join(measure.nations), tuple(key for one in nations for key in one.places), measure.nations
    )
    single = [
        Area(one.code.lower(), one.name, ((one.kind, one.code),), (one.nation,))
        for one in known
        if one.name != one.nation
    ]
    return (*([both] if len(nations) > 1 else []), *nations, *single)


def month_words(month: date) -> str:
    return f"{month:%B %Y}"


def year_words(start: date) -> str:
    """`2025-26` as people write it: 2025 to 2026."""
    return f"{start.year} to {start.year + 1}"


def monthly(measure: Measure, area: Area, gathered: Mapping[tuple[str, str], Series]) -> list[Line]:
    """Every month in which any of the area's places has something, blanks with their reason."""
    parts = [gathered[key] for key in area.places if key in gathered]
    months = sorted({month for part in parts for month in part})
    summed = {month: together(part[month] for part in parts if month in part) for month in months}
    return [Line(month, month_words(month), measure.figure(counts), counts) for month, counts in summed.items()]


def yearly(measure: Measure, months: Iterable[Line]) -> list[Line]:
    """The financial years whose twelve months are all there and final: nothing provisional is in a total."""
    final = {line.start: line.counts for line in months if not line.provisional}
    starts = sorted({start for start in final if start.month == 4})
    found = []
    for start in starts:
        parts = [final[month] for month in year_months(start) if month in final]
        if len(parts) == len(year_months(start)):
            counts = together(parts, window)
            found.append(Line(start, year_words(start), measure.figure(counts), counts))
    return found


def quarterly(measure: Measure, months: Iterable[Line]) -> list[Line]:
    """Quarters of three months that are all there: the sum of their rounded cells, blank where one of the months is."""
    known = {line.start: line.counts for line in months}
    found = []
    for start in (month for month in known if month.month % 3 == 1):
        parts = [known.get(date(start.year, start.month + place, 1)) for place in range(3)]
        whole = [part for part in parts if part is not None]
        if len(whole) == len(parts):
            counts = together(whole, window)
            label = f"{start:%B} to {date(start.year, start.month + 2, 1):%B %Y}"
            found.append(Line(start, label, measure.figure(counts), counts))
    return found


def contributors(measure: Measure, counts: Counts) -> int | None:
    return counts.numbers.get(measure.contributors)


def absence(line: Line) -> str:
    """Why there is no value, in words; with too few investigated, the bounds."""
    figure = line.figure
    if figure.least is not None and figure.most is not None:
        return f"between {figure.least:.1%} and {figure.most:.1%}"
    if figure.estimate.reason is Reason.BLANK:
        return figure.bottom.words if figure.top.words == "not published" else figure.top.words
    return figure.estimate.reason.value if figure.estimate.reason else "not available"


def chart(measure: Measure, area: Area, lines: Iterable[Line]) -> Chart:
    """The measure in one area over time."""
    points = tuple(_point(measure, line) for line in lines)
    return Chart(
        ident=f"{measure.ident}-{area.ident}",
        title=f"{measure.title}, {area.name}",
        subject=f"{measure.subject} in {area.name}",
        unit=measure.unit,
        points=points,
        percent=measure.percent,
        decimals=measure.decimals,
        target=Target(*measure.target) if measure.target else None,
        breaks=tuple(Break(start, words) for start, words in measure.breaks if _within(start, points)),
        axis_from=_axis_from(points) if measure.target else 0,
        headings=measure.headings,
        contributors=("trust", "trusts") if measure.contributors == "trusts" else ("provider", "providers"),
    )


def _within(start: date, points: tuple[Point, ...]) -> bool:
    """Whether a break lies between two points: one before all of them, or after, breaks nothing that is shown."""
    return bool(points) and points[0].start < start <= points[-1].start


def _axis_from(points: Iterable[Point]) -> float:
    """Beside a target the axis begins at 80%, or at the ten below the lowest value."""
    lowest = min((point.value for point in points if point.value is not None), default=0.8)
    return min(0.8, int(lowest * 10) / 10)


def _point(measure: Measure, line: Line) -> Point:
    estimate = line.figure.estimate
    return Point(
        start=line.start,
        label=line.label,
        value=estimate.value,
        lower=estimate.lower,
        upper=estimate.upper,
        provisional=line.provisional,
        trusts=contributors(measure, line.counts),
        top=line.figure.top.words,
        bottom=line.figure.bottom.words,
        absent=absence(line),
    )


def summary(drawn: Chart, lines: Iterable[Line]) -> str:
    """The latest final figure in a sentence; where only the bounds of it may be told, these."""
    final = [line for line in lines if not line.provisional]
    valued = [line for line in final if line.figure.estimate.value is not None]
    bounded = [line for line in final if line.figure.least is not None]
    if bounded and (not valued or bounded[-1].start > valued[-1].start):
        latest = bounded[-1]
        return (
            f"In {latest.label} too few cases were investigated ({latest.figure.investigated or 0:.0%}) to give {drawn.subject}; "
            f"of all cases it would be {absence(latest)}, whatever the others showed."
        )
    return sentence(drawn)


# --- downloads

COLUMNS = (
    "measure", "area", "area_name", "month", "status", "numerator", "denominator", "value", "lower_95", "upper_95", "note",
    "share_if_none", "share_if_all", "share_investigated", "organisations",
)  # fmt: skip


def record(measure: Measure, area: Area, line: Line) -> dict[str, Any]:
    """One figure as a program reads it. Numbers that may not be shown are codes in brackets, explained on the page about the data."""
    figure, estimate = line.figure, line.figure.estimate
    cells = (
        measure.ident, area.ident, area.name, f"{line.start:%Y-%m}", "provisional" if line.provisional else "final",
        figure.top.code, figure.bottom.code, digits(estimate.value), digits(estimate.lower), digits(estimate.upper),
        estimate.reason.value if estimate.reason else None, digits(figure.least), digits(figure.most),
        digits(figure.investigated), contributors(measure, line.counts),
    )  # fmt: skip
    return dict(zip(COLUMNS, cells, strict=True))


def digits(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def as_csv(records: Iterable[Mapping[str, Any]], columns: Iterable[str] = COLUMNS) -> bytes:
    """UTF-8 with a byte order mark, so that a spreadsheet reads names as they are; no cell begins like a formula."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(records)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def definition(measure: Measure) -> dict[str, Any]:
    """The words of a measure, for programs."""
    return {
        "measure": measure.ident,
        "title": measure.title,
        "unit": measure.unit,
        "definition": measure.definition,
        "numerator": measure.numerator,
        "denominator": measure.denominator,
        "exclusions": list(measure.exclusions),
        "limits": list(measure.limits),
        "revision": measure.revision,
        "source": measure.source,
        "cells": [f"{key.quantity}/{key.split}/{key.category}" for key in measure.cells],
    }


def release_words(release: Release) -> dict[str, Any]:
    """The head of a release, for programs."""
    return {
        "number": release.number,
        "title": release.title,
        "as_at": release.as_at.isoformat(),
        "released_at": release.released_at.isoformat(),
        "prepared_by": release.prepared_by_name,
        "released_by": release.released_by_name,
        "counting_definition": release.definition,
        "grid_version": release.grid_version,
        "opt_out": release.rules.get("opt_out_in_force", {}),
    }
