"""Protected figures read back, put together by place and period: what is released, as the public role, or a draft of it.

Everything here is a function of protected cells; sums of the database are sums of rounded values.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Connection, Date, RowMapping, Table, cast, false, func, or_, select, text
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from registry.disclosure.grid import Count, GeographyKind, PeriodKind
from registry.disclosure.protected import ProtectedCount, State, blank
from registry.disclosure.protected import cell as protected_cell
from registry.measures import CASES, TOTAL, CellKey, Counts, Measure, Shown
from registry.statistics.rates import INVESTIGATED_FLOOR
from registry.store.tables import cell, denominator, draft_cell, draft_denominator, draft_place, place, released

Series = dict[date, Counts]


class Tables(NamedTuple):
    """Where the figures of a release stand; `key` names the column of its id."""

    cells: Table
    numbers: Table
    places: Table
    key: str


PUBLISHED = Tables(cell, denominator, place, "release_id")
DRAFT = Tables(draft_cell, draft_denominator, draft_place, "publication_id")


@dataclass(frozen=True, slots=True)
class Release:
    """The head of a release. `rules` are the counting rules it was made by, as they were recorded."""

    id: UUID
    number: int
    title: str
    as_at: datetime
    released_at: datetime
    definition: str
    grid_version: int
    rules: dict[str, Any]
    prepared_by_name: str
    released_by_name: str

    draft: bool = False

    @property
    def tables(self) -> "Tables":
        return DRAFT if self.draft else PUBLISHED

    @property
    def investigated_floor(self) -> float:
        return float(self.rules.get("investigated_share_floor", INVESTIGATED_FLOOR))


@dataclass(frozen=True, slots=True)
class Place:
    kind: str
    code: str
    name: str
    nation: str
    region: str | None
    closed_on: date | None


def latest(connection: Connection) -> Release | None:
    """The latest release, or `None` before the first."""
    return _release(connection, released.c.latest)


def numbered(connection: Connection, number: int) -> Release | None:
    """A release by its number; each is kept for good."""
    return _release(connection, released.c.number == number)


def _release(connection: Connection, wanted: ColumnElement[bool]) -> Release | None:
    names = [name for name in Release.__slots__ if name != "draft"]
    row = connection.execute(select(*(released.c[name] for name in names)).where(wanted)).one_or_none()
    return Release(*row) if row else None


def places(connection: Connection, release: Release, kind: str) -> tuple[Place, ...]:
    """The nations, regions or trusts of a release, by name."""
    c = release.tables.places.c
    columns = (c.geography_kind, c.geography, c.name, c.nation, c.region, c.closed_on)
    rows = select(*columns).where(c[release.tables.key] == release.id, c.geography_kind == kind)
    return tuple(sorted((Place(*row) for row in connection.execute(rows)), key=lambda one: one.name))


def region_months(connection: Connection, release: Release, measure: Measure) -> dict[tuple[str, str], Series]:
    """For each place (kind and code) its months, with all that the measure is made of and the number of its contributors."""
    c = release.tables.cells.c
    wanted = or_(*(_is(c, key) for key in measure.cells)) if measure.cells else false()
    cells = _cells(connection, release, c.geography_kind == GeographyKind.REGION, _months(c), wanted)
    names = () if measure.period is Shown.FINANCIAL_YEAR else (*measure.numbers, measure.contributors)
    return gathered(cells, _numbers(connection, release, names), release)


def region_years(connection: Connection, release: Release, measure: Measure) -> dict[tuple[str, str], Series]:
    """For each region its financial years, with the cells that regions have of years only and the numbers of years."""
    c = release.tables.cells.c
    wanted = or_(*(_is(c, key) for key in measure.cells)) if measure.cells else false()
    years = c.period_kind == PeriodKind.FINANCIAL_YEAR
    cells = _cells(connection, release, c.geography_kind == GeographyKind.REGION, years, wanted)
    names = {
        "trusts_year",
        *((*measure.numbers, measure.contributors) if measure.period is Shown.FINANCIAL_YEAR else ()),
    }
    return gathered(cells, _numbers(connection, release, names), release)


def trust_months(connection: Connection, release: Release, code: str) -> Series:
    """The months of one trust: cases and admissions; blank where it did not return."""
    cells = _cells(connection, release, *_trust(cell.c, code), _months(cell.c))
    return gathered(cells, [], release).get((GeographyKind.TRUST, code), {})


def trust_years(connection: Connection, release: Release, code: str) -> Series:
    """The financial years of one trust by their first day, with every split of the grid."""
    cells = _cells(connection, release, *_trust(cell.c, code), cell.c.period_kind == PeriodKind.FINANCIAL_YEAR)
    return gathered(cells, [], release).get((GeographyKind.TRUST, code), {})


def years(connection: Connection, release: Release) -> dict[date, bool]:
    """The financial years that have cells of trusts, the latest first, each with whether it is final."""
    c = cell.c
    query = (
        select(c.period, ~func.bool_or(c.provisional))
        .where(
            c.release_id == release.id, c.geography_kind == GeographyKind.TRUST,
            c.period_kind == PeriodKind.FINANCIAL_YEAR,
        )
        .group_by(c.period)
        .order_by(c.period.desc())
    )  # fmt: skip
    return dict(connection.execute(query).all())


def all_trusts(connection: Connection, release: Release, year: date) -> dict[str, Counts]:
    """One financial year of every trust, by its code: cases and admissions."""
    ofyear = (cell.c.period_kind == PeriodKind.FINANCIAL_YEAR, cell.c.period == year)
    cells = _cells(connection, release, cell.c.geography_kind == GeographyKind.TRUST, cell.c.split == TOTAL, *ofyear)
    return {code: series[year] for (_, code), series in gathered(cells, [], release).items()}


def trust_periods(
    connection: Connection, release: Release, measure: Measure, kind: PeriodKind, starts: Collection[date]
) -> dict[date, dict[str, Counts]]:
    """What a measure is made of in some months, or some financial years, by their first day and then by the trust's code."""
    c = cell.c
    wanted = or_(*(_is(c, key) for key in measure.cells)) if measure.cells else false()
    inside = (c.geography_kind == GeographyKind.TRUST, c.period_kind == kind, c.period.in_(starts))
    found: defaultdict[date, dict[str, Counts]] = defaultdict(dict)
    for (_, code), series in gathered(_cells(connection, release, *inside, wanted), [], release).items():
        for start, counts in series.items():
            found[start][code] = counts
    return dict(found)


def final_months(connection: Connection, release: Release, months: Collection[date]) -> dict[str, int]:
    """How many of these months of each trust are counted and final."""
    c = cell.c
    query = (
        select(c.geography, func.count())
        .where(
            c.release_id == release.id, c.geography_kind == GeographyKind.TRUST, _months(c), _is(c, CASES),
            c.period.in_(months), c.state == State.COUNTED, ~c.provisional,
        )
        .group_by(c.geography)
    )  # fmt: skip
    return dict(connection.execute(query).all())


def held_years(connection: Connection, release: Release, kind: GeographyKind, code: str) -> dict[date, int]:
    """The financial years of a place, by their first day, in which cells repeat an earlier release, with its number."""
    c = release.tables.cells.c
    year = cast(func.date_trunc("year", c.period - text("interval '3 months'")) + text("interval '3 months'"), Date)
    query = (
        select(year, func.min(c.held_from))
        .where(c[release.tables.key] == release.id, c.geography_kind == kind, c.geography == code)
        .where(c.held_from.is_not(None))
        .group_by(year)
    )
    return dict(connection.execute(query.order_by(year)).all())


def independent_years(connection: Connection, release: Release) -> dict[tuple[str, str], Series]:
    """The independent sector by nation and financial year."""
    cells = _cells(connection, release, cell.c.geography_kind == GeographyKind.INDEPENDENT_SECTOR)
    return gathered(cells, [], release)


def same_trusts(
    connection: Connection, release: Release, months: Collection[date], nations: Collection[str]
) -> tuple[int, Series]:
    """The trusts of these nations that are counted in every one of the months: how many, and the sums of their rounded cells."""
    c = cell.c
    inside = (
        c.release_id == release.id, c.geography_kind == GeographyKind.TRUST, _months(c), c.split == TOTAL,
        c.period.in_(months), c.state == State.COUNTED,
    )  # fmt: skip
    ours = select(place.c.geography).where(
        place.c.release_id == release.id, place.c.geography_kind == GeographyKind.TRUST, place.c.nation.in_(nations)
    )
    throughout = (
        select(c.geography)
        .where(*inside, _is(c, CASES), c.geography.in_(ours))
        .group_by(c.geography)
        .having(func.count() == len(set(months)))
    )
    codes = list(connection.scalars(throughout))
    least = func.sum(func.greatest(0, c.value - 4))
    sums = (
        select(c.period, c.quantity, func.sum(c.value), func.count(), least, func.bool_or(c.provisional))
        .where(*inside, c.geography.in_(codes))
        .group_by(c.period, c.quantity)
    )
    found: defaultdict[date, dict[CellKey, ProtectedCount]] = defaultdict(dict)
    provisional: dict[date, bool] = {}
    for period, quantity, value, number, smallest, open_still in connection.execute(sums):
        found[period][CellKey(Count(quantity))] = ProtectedCount(State.COUNTED, value, number, smallest)
        provisional[period] = open_still
    numbers = {"trusts": len(codes)}
    return len(codes), {month: Counts(found[month], numbers, provisional[month]) for month in sorted(found)}


Columns = ReadOnlyColumnCollection[str, Column[Any]]


def _is(c: Columns, key: CellKey) -> ColumnElement[bool]:
    return (c.quantity == key.quantity) & (c.split == key.split) & (c.category == key.category)


def _months(c: Columns) -> ColumnElement[bool]:
    return c.period_kind == PeriodKind.MONTH


def _trust(c: Columns, code: str) -> tuple[ColumnElement[bool], ...]:
    return c.geography_kind == GeographyKind.TRUST, c.geography == code


def _cells(connection: Connection, release: Release, *wanted: ColumnElement[bool]) -> list[RowMapping]:
    table = release.tables.cells
    query = select(table).where(table.c[release.tables.key] == release.id, *wanted)
    return list(connection.execute(query).mappings())


def _numbers(connection: Connection, release: Release, names: Iterable[str]) -> list[RowMapping]:
    table = release.tables.numbers
    query = select(table).where(table.c[release.tables.key] == release.id, table.c.quantity.in_(list(names)))
    return list(connection.execute(query).mappings())


def gathered(
    cells: Iterable[RowMapping], numbers: Iterable[RowMapping], release: Release
) -> dict[tuple[str, str], Series]:
    """Rows of cells and of numbers put together: for each place (kind and code) what is known of each period, by its first day."""
    found: defaultdict[tuple[str, str, date], dict[CellKey, ProtectedCount]] = defaultdict(dict)
    told: defaultdict[tuple[str, str, date], dict[str, int]] = defaultdict(dict)
    open_still: dict[tuple[str, str, date], bool] = {}
    for row in cells:
        where = (row["geography_kind"], row["geography"], row["period"])
        key = CellKey(Count(row["quantity"]), row["split"], row["category"])
        counted = row["state"] == State.COUNTED
        found[where][key] = protected_cell(row["value"]) if counted else blank(State(row["state"]))
        open_still[where] = row["provisional"]
    for row in numbers:
        where = (row["geography_kind"], row["geography"], row["month"])
        told[where][row["quantity"]] = row["value"]
        open_still.setdefault(where, row["provisional"])
    series: defaultdict[tuple[str, str], Series] = defaultdict(dict)
    for where in sorted(found.keys() | told.keys()):
        kind, code, period = where
        counts = Counts(found[where], told[where], open_still[where], release.investigated_floor)
        series[kind, code][period] = counts
    return dict(series)
