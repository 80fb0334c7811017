"""Figures over time as people and programs read them: areas, lines, the chart, the summary."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from registry.disclosure.protected import window
from registry.measures import Counts, Figure, Measure, Shown, together
from registry.measures.counts import EVERY
from registry.publications.cells import year_months
from registry.publications.published import Place, Series
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
        nations.append(Area(name.lower(), name, (("nation", name),) if official(measure) else inside, (name,)))
    both = Area(
        BOTH, " and ".join(measure.nations), tuple(key for one in nations for key in one.places), measure.nations
    )
    single = [
        Area(one.code.lower(), one.name, ((one.kind, one.code),), (one.nation,))
        for one in known
        if one.name != one.nation
    ]
    return (*([both] if len(nations) > 1 else []), *nations, *single)


def official(measure: Measure) -> bool:
    """Whether these are England's own published figures, of providers: not what trusts and boards sent to this registry."""
    return measure.contributor_words[0] == "provider"


def month_words(month: date) -> str:
    return f"{month:%B %Y}"


def year_words(start: date) -> str:
    """`2025-26` as people write it: 2025 to 2026."""
    return f"{start.year} to {start.year + 1}"


def quarter_words(start: date) -> str:
    return f"{start:%B} to {date(start.year, start.month + 2, 1):%B %Y}"


PERIOD_WORDS = {Shown.MONTH: month_words, Shown.QUARTER: quarter_words, Shown.FINANCIAL_YEAR: year_words}


def lines(
    measure: Measure,
    area: Area,
    months: Mapping[tuple[str, str], Series],
    years: Mapping[tuple[str, str], Series],
) -> list[Line]:
    """The measure in an area by its own periods: those in which any of the area's places has something, blanks with their reason.

    A yearly measure whose cells are monthly is the sum of months.
    """
    if measure.period is not Shown.FINANCIAL_YEAR:
        return monthly(measure, area, months)
    if not measure.cells or any(_has_cells(measure, years.get(key, {})) for key in area.places):
        return monthly(measure, area, years)
    return with_years(measure, area, yearly(measure, monthly(measure, area, months)), years)


def _has_cells(measure: Measure, found: Series) -> bool:
    return any(key in counts.cells for counts in found.values() for key in measure.cells)


def with_years(
    measure: Measure, area: Area, lines: Iterable[Line], years: Mapping[tuple[str, str], Series]
) -> list[Line]:
    """Years that are sums of months, with the numbers of organisations of the year: months do not add up to them."""
    found = []
    for line in lines:
        parts = [years[key][line.start] for key in area.places if line.start in years.get(key, {})]
        told = together(Counts({}, part.numbers) for part in parts).numbers
        trusts = {measure.contributors: told["trusts_year"]} if "trusts_year" in told and not official(measure) else {}
        beside = {name: told[name] for name in BESIDE if name in told}
        found.append(replace(line, counts=replace(line.counts, numbers={**line.counts.numbers, **beside, **trusts})))
    return found


def monthly(measure: Measure, area: Area, gathered: Mapping[tuple[str, str], Series]) -> list[Line]:
    """Every period of the measure in which any of the area's places has something of it."""
    parts = [gathered[key] for key in area.places if key in gathered]
    starts = sorted({start for part in parts for start, counts in part.items() if _tells(measure, counts)})
    found = []
    for start in starts:
        counts = together(_only(measure, part[start]) for part in parts if start in part)
        found.append(Line(start, PERIOD_WORDS[measure.period](start), measure.figure(counts), counts))
    return found


def _tells(measure: Measure, counts: Counts) -> bool:
    """Whether anything of the measure is here, a blank total among it."""
    if any(key in counts.cells for key in measure.cells):
        return True
    totals = {EVERY[key.quantity] for key in measure.cells}
    blank = any(counts.cells[key].rounded is None for key in totals if key in counts.cells)
    return blank or any(name in counts.numbers for name in measure.numbers)


BESIDE = ("trusts_taking_part", "trusts_assessable", "trusts_year", "returns_due")
"""Numbers of organisations that stand beside a figure."""


def _only(measure: Measure, counts: Counts) -> Counts:
    """What the measure is made of and what stands beside it: a place has many more cells."""
    names = (*measure.numbers, measure.contributors, *BESIDE)
    cells = {
        key: counts.cell(key) for key in measure.cells if key in counts.cells or EVERY[key.quantity] in counts.cells
    }
    numbers = {name: counts.numbers[name] for name in names if name in counts.numbers}
    return Counts(cells, numbers, counts.provisional, counts.investigated_floor)


def yearly(measure: Measure, months: Iterable[Line]) -> list[Line]:
    """The financial years whose twelve months are all there and final: nothing provisional is in a total."""
    final = {line.start: line.counts for line in months if not line.provisional}
    starts = sorted({start for start in final if start.month == 4})
    found = []
    for start in starts:
        parts = [final[month] for month in year_months(start) if month in final]
        if len(parts) == len(year_months(start)):
            counts = _year_of(measure, together(parts, window))
            found.append(Line(start, year_words(start), measure.figure(counts), counts))
    return found


def _year_of(measure: Measure, summed: Counts) -> Counts:
    """The months' sum without the numbers of organisations: months do not add up to that of a year."""
    organisations = {measure.contributors, *BESIDE} - set(measure.numbers)
    numbers = {name: value for name, value in summed.numbers.items() if name not in organisations}
    return replace(summed, numbers=numbers)


def quarterly(measure: Measure, months: Iterable[Line]) -> list[Line]:
    """Quarters of three months that are all there: the sum of their rounded cells, blank where one of the months is."""
    known = {line.start: line.counts for line in months}
    found = []
    for start in (month for month in known if month.month % 3 == 1):
        parts = [known.get(date(start.year, start.month + place, 1)) for place in range(3)]
        whole = [part for part in parts if part is not None]
        if len(whole) == len(parts):
            counts = together(whole, window)
            found.append(Line(start, quarter_words(start), measure.figure(counts), counts))
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
    if figure.estimate.reason is Reason.FEW_EVENTS:
        return figure.top.words if figure.top.code.startswith("[") else "too few admissions to divide by"
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
        contributors=measure.contributor_words,
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
        of=line.counts.numbers.get("trusts_taking_part") if measure.contributors == "trusts" else None,
        assessable=line.counts.numbers.get("trusts_assessable"),
        top=line.figure.top.words,
        bottom=line.figure.bottom.words,
        absent=absence(line),
        bare=estimate.reason.value if estimate.value is not None and estimate.reason else "",
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
