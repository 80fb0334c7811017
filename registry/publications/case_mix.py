"""Case mix inside, on exact counts: how many cases the reference rates would give an organisation, and what it had.

Source: statistics.md 1.3 and 1.4. The measure is that of overnight stays. Strata are age band by sex by group of admission where an
organisation returned its admissions so, else the group alone, and that is said. The reference are the trusts and health boards of England
and Wales in the financial year before, frozen by a named person: an organisation's figure does not move because others sent something
again. Two such ratios have different weights: each compares with 1 only.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from registry.publications.cells import TRUST_KINDS, Organisation
from registry.statistics.estimate import Estimate, Reason, missing
from registry.statistics.standardisation import direct_rate, expected_count, standardised_ratio
from registry.store.outliers import stratum_count, trust_year
from registry.store.tables import organisation

ALL = "all"
MONTHS = 12
FULL, BY_GROUP = "age, sex and group", "group"
PLOTTED_FROM = 1.0
"""A ratio with fewer expected cases is not plotted."""
STRATA_AGREE = 0.05
"""Returned strata are used where their sum differs from the year's monthly returns by at most this share of these."""

Key = tuple[str, str, str]  # age band, sex, group


@dataclass(frozen=True, slots=True)
class Stratum:
    cases: int
    admissions: int | None


@dataclass(frozen=True, slots=True)
class Year:
    """One organisation's financial year: final months only. `strata` by age, sex and group; `groups` by group."""

    organisation: Organisation
    year: date
    months: int
    cases: int
    admissions: int
    strata_admissions: int | None
    sources: int | None
    coded_months: int
    coded_candidates: int
    coded_cases: int
    strata: Mapping[Key, Stratum] = field(default_factory=dict)
    groups: Mapping[Key, Stratum] = field(default_factory=dict)

    @property
    def strata_why(self) -> str:
        """Why the strata that were returned are not used; empty where they are."""
        if self.strata_admissions is None:
            return "no admissions by age and sex were returned"
        if self.months < MONTHS:
            return f"only {self.months} of 12 months are final, and strata are of the whole year"
        if abs(self.strata_admissions - self.admissions) > STRATA_AGREE * max(1, self.admissions):
            return f"the strata add up to {self.strata_admissions:,} overnight admissions, the months to {self.admissions:,}"
        return ""


@dataclass(frozen=True, slots=True)
class Mix:
    """Observed and expected of one year. `basis` says by what it was standardised, `why` why not by more, or why not at all;
    `by_stratum` what was expected in each. `stray` are cases in strata in which nobody was admitted."""

    year: Year
    expected: float | None
    basis: str | None
    why: str = ""
    by_stratum: Mapping[Key, float] = field(default_factory=dict)
    stray: int = 0

    @property
    def observed(self) -> int:
        return self.year.cases

    def ratio(self, confidence: float = 0.95) -> Estimate:
        """Observed over expected, with the limits of the observed count."""
        if self.expected is None:
            return missing(Reason.BLANK)
        return standardised_ratio(self.observed, self.expected, confidence=confidence)

    @property
    def plotted(self) -> bool:
        return self.expected is not None and self.expected >= PLOTTED_FROM


def standardised(year: Year, rates: Mapping[Key, tuple[int, int]]) -> Mix:
    """The case mix of one year at reference rates: by age, sex and group where both sides have them, else by group."""
    why = year.strata_why
    if not why:
        found = _by(year, year.strata, rates, FULL)
        if isinstance(found, Mix):
            return found
        why = found
    found = _by(year, year.groups, rates, BY_GROUP)
    if isinstance(found, Mix):
        return Mix(year, found.expected, BY_GROUP, why, found.by_stratum, found.stray)
    return Mix(year, None, None, found)


def _by(year: Year, strata: Mapping[Key, Stratum], rates: Mapping[Key, tuple[int, int]], basis: str) -> Mix | str:
    """The mix by some strata, or in words why the reference does not carry it."""
    expected: dict[Key, float] = {}
    for key, one in strata.items():
        events, people = rates.get(key, (0, 0))
        try:
            expected[key] = expected_count([one.admissions or 0], [events], [people])
        except ValueError:
            return f"the reference has nobody in the stratum {', '.join(part for part in key if part != ALL)}"
    stray = sum(one.cases for one in strata.values() if one.cases and not one.admissions)
    return Mix(year, sum(expected.values()), basis, "", expected, stray)


# --- reading

YEAR_COLUMNS = (
    "year", "months", "cases", "admissions", "strata_admissions", "sources", "coded_months", "coded_candidates", "coded_cases",
)  # fmt: skip


def years(connection: Connection) -> list[date]:
    """The financial years of which anything is counted, the latest first."""
    return list(connection.scalars(select(trust_year.c.year).distinct().order_by(trust_year.c.year.desc())))


def read(connection: Connection, year: date) -> list[Year]:
    """The year of every trust and health board that this role may see, by name."""
    strata: defaultdict[int, dict[Key, Stratum]] = defaultdict(dict)
    c = stratum_count.c
    for row in connection.execute(
        select(c.organisation_id, c.age_band, c.sex, c.admission_group, c.cases, c.admissions).where(c.year == year)
    ):
        strata[row.organisation_id][row.age_band, row.sex, row.admission_group] = Stratum(row.cases, row.admissions)
    columns = [organisation.c[name] for name in Organisation.__slots__]
    names = {
        row.id: Organisation(**row._mapping)
        for row in connection.execute(select(*columns).where(organisation.c.kind.in_(TRUST_KINDS)))
    }
    rows = connection.execute(select(trust_year).where(trust_year.c.year == year)).all()
    found = [
        _year(row._mapping, names[row.organisation_id], strata[row.organisation_id])
        for row in rows
        if row.organisation_id in names
    ]
    return sorted(found, key=lambda each: (each.organisation.name, each.organisation.id))


def _year(row: Mapping[Any, Any], who: Organisation, strata: Mapping[Key, Stratum]) -> Year:
    return Year(
        organisation=who,
        **{name: row[name] for name in YEAR_COLUMNS},
        strata={key: one for key, one in strata.items() if key[0] != ALL},
        groups={key: one for key, one in strata.items() if key[0] == ALL},
    )


# --- direct standardisation: the nations and regions only


@dataclass(frozen=True, slots=True)
class Direct:
    """The directly standardised rate of one area, per 1,000 overnight admissions, of `trusts` whose strata are used, of `of` that
    are counted there. The crude rate stands beside it."""

    area: str
    trusts: int
    of: int
    cases: int
    admissions: int
    rate: Estimate


def direct(counted: Iterable[Year], rates: Mapping[Key, tuple[int, int]]) -> list[Direct]:
    """England and Wales together, each nation, each region: with the reference's admissions as the standard population.

    Strata that nobody of the reference was admitted in have no weight. A region in which nobody was admitted in one that has weight has
    no rate, for the reason that is given.
    """
    areas: defaultdict[str, list[Year]] = defaultdict(list)
    for one in counted:
        if one.months:
            nation, region = one.organisation.nation, one.organisation.region_name
            for area in dict.fromkeys(("England and Wales", nation, region or nation)):
                areas[area].append(one)
    order = sorted(
        areas,
        key=lambda area: (area not in ("England and Wales", "England", "Wales"), area != "England and Wales", area),
    )
    return [_direct(area, areas[area], rates) for area in order]


def _direct(area: str, inside: list[Year], rates: Mapping[Key, tuple[int, int]]) -> Direct:
    used = [one for one in inside if not one.strata_why]
    keys = [key for key, (_, people) in rates.items() if key[0] != ALL and people]
    sums = {key: [0, 0] for key in keys}
    for one in used:
        for key, stratum in one.strata.items():
            if key in sums:
                sums[key][0] += stratum.cases
                sums[key][1] += stratum.admissions or 0
    cases, people = sum(each[0] for each in sums.values()), sum(each[1] for each in sums.values())
    if not keys or not used:
        return Direct(area, len(used), len(inside), cases, people, missing(Reason.BLANK))
    found = direct_rate(
        [sums[key][0] for key in keys], [sums[key][1] for key in keys], [float(rates[key][1]) for key in keys]
    )
    return Direct(area, len(used), len(inside), cases, people, found)
