"""A release as a whole, as far as regions, nations and years of trusts go: what most pages are made of, read in five statements.

Its size depends on places and months alone, never on how many cases were reported; whoever has read a release may keep it, for a release
never changes. A draft is read the same way and is not to be kept. Months of single trusts are left out: a page reads those of its own.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from sqlalchemy import Connection, Date, cast, func, select
from sqlalchemy.dialects.postgresql import INTERVAL

from registry.disclosure.grid import GeographyKind, PeriodKind
from registry.disclosure.protected import State
from registry.measures import CASES, MEASURES, TOTAL, Counts, Shown
from registry.publications.published import Place, Release, Series, gathered

Key = tuple[str, str]
"""Kind and code of a place."""
OF_YEARS = frozenset(
    name
    for measure in MEASURES.values()
    if measure.period is Shown.FINANCIAL_YEAR
    for name in (*measure.numbers, measure.contributors)
)
"""Numbers of a financial year; they stand at its first month."""


@dataclass(frozen=True, slots=True)
class Whole:
    """`months` and `years` of regions and nations hold every cell there is; `trust_years` cases and admissions of each trust, by year
    and code; `final_months` how many of a year's months are counted and final; `trust_numbers` what is told of a trust's year."""

    release: Release
    places: tuple[Place, ...]
    months: Mapping[Key, Series]
    years: Mapping[Key, Series]
    trust_years: Mapping[date, Mapping[str, Counts]]
    final_months: Mapping[date, Mapping[str, int]]
    sector: Mapping[Key, Series]
    trust_numbers: Mapping[tuple[str, date], Mapping[str, int]] = field(default_factory=dict)
    successors: Mapping[str, str] = field(default_factory=dict)
    """Which organisation a trust was merged into, by their codes."""

    def of_kind(self, kind: str) -> tuple[Place, ...]:
        """The regions, nations or trusts, by name."""
        return tuple(one for one in self.places if one.kind == kind)

    def place(self, kind: str, code: str) -> Place | None:
        return next((one for one in self.places if (one.kind, one.code) == (kind, code)), None)

    @property
    def final_years(self) -> dict[date, bool]:
        """The financial years that have cells of trusts, the latest first, each with whether it is final."""
        found = {
            year: not any(counts.provisional for counts in trusts.values())
            for year, trusts in self.trust_years.items()
            if trusts
        }
        return dict(sorted(found.items(), reverse=True))


def read(connection: Connection, release: Release) -> Whole:
    """The release, or a draft, as it stands."""
    cells, numbers, places = release.tables.cells, release.tables.numbers, release.tables.places
    ours = cells.c[release.tables.key] == release.id
    regional = select(cells).where(ours, cells.c.geography_kind.in_(("region", "nation")))
    rows = connection.execute(regional).mappings().all()
    told = connection.execute(select(numbers).where(numbers.c[release.tables.key] == release.id)).mappings().all()
    yearly = select(cells).where(
        ours,
        cells.c.period_kind == PeriodKind.FINANCIAL_YEAR,
        cells.c.geography_kind.in_((GeographyKind.TRUST, GeographyKind.INDEPENDENT_SECTOR)),
        cells.c.split == TOTAL,
    )
    years = gathered(connection.execute(yearly).mappings().all(), [], release)
    names = ("geography_kind", "geography", "name", "nation", "region", "closed_on", "successor")
    found = connection.execute(
        select(*(places.c[name] for name in names)).where(places.c[release.tables.key] == release.id)
    ).all()
    by_trust: defaultdict[tuple[str, date], dict[str, int]] = defaultdict(dict)
    for row in told:
        if row["geography_kind"] == GeographyKind.TRUST:
            by_trust[row["geography"], row["month"]][row["quantity"]] = row["value"]
    told_of_years = [row for row in told if row["quantity"] in OF_YEARS]
    all_places = tuple(sorted((Place(*row[:6]) for row in found), key=lambda one: one.name))
    final = _final_months(connection, release)
    return Whole(
        release,
        all_places,
        gathered(
            [row for row in rows if row["period_kind"] == PeriodKind.MONTH],
            [row for row in told if row["geography_kind"] != GeographyKind.TRUST and row["quantity"] not in OF_YEARS],
            release,
        ),
        _with_assessable(
            gathered([row for row in rows if row["period_kind"] == PeriodKind.FINANCIAL_YEAR], told_of_years, release),
            dict(by_trust),
            final,
            all_places,
            int(release.rules.get("ascertainment_sources_needed", 2)),
        ),
        _by_year(years),
        final,
        {key: series for key, series in years.items() if key[0] == GeographyKind.INDEPENDENT_SECTOR},
        dict(by_trust),
        {row.geography: row.successor for row in found if row.successor},
    )


def _with_assessable(
    years: Mapping[Key, Series],
    told: Mapping[tuple[str, date], Mapping[str, int]],
    final: Mapping[date, Mapping[str, int]],
    places: tuple[Place, ...],
    needed: int,
) -> dict[Key, Series]:
    """Beside a region's year: of how many of the trusts in it it can be told how well they look for their cases."""
    region_of = {one.code: one.region for one in places if one.kind == GeographyKind.TRUST}
    found: defaultdict[tuple[Key, date], int] = defaultdict(int)
    for year, trusts in final.items():
        for code in trusts:
            known = told.get((code, year), {})
            if known.get("case_finding_sources", 0) >= needed or known.get("months_coded", 0):
                found[(GeographyKind.REGION.value, region_of.get(code) or ""), year] += 1
    return {
        key: {
            year: replace(counts, numbers={**counts.numbers, "trusts_assessable": found[key, year]})
            for year, counts in series.items()
        }
        for key, series in years.items()
    }


def _by_year(found: Mapping[Key, Series]) -> dict[date, dict[str, Counts]]:
    years: defaultdict[date, dict[str, Counts]] = defaultdict(dict)
    for (kind, code), series in found.items():
        if kind == GeographyKind.TRUST:
            for year, counts in series.items():
                years[year][code] = counts
    return dict(years)


def _final_months(connection: Connection, release: Release) -> dict[date, dict[str, int]]:
    """By the first day of the financial year and the trust's code."""
    c = release.tables.cells.c
    quarter_back = c.period - cast(
        "3 months", INTERVAL
    )  # April becomes January, so that the year is the financial year's
    year = cast(func.date_trunc("year", quarter_back) + cast("3 months", INTERVAL), Date)
    query = (
        select(year, c.geography, func.count())
        .where(
            c[release.tables.key] == release.id, c.geography_kind == GeographyKind.TRUST,
            c.period_kind == PeriodKind.MONTH, c.quantity == CASES.quantity, c.split == TOTAL,
            c.state == State.COUNTED, ~c.provisional,
        )
        .group_by(year, c.geography)
    )  # fmt: skip
    found: defaultdict[date, dict[str, int]] = defaultdict(dict)
    for start, code, number in connection.execute(query):
        found[start][code] = number
    return dict(found)
