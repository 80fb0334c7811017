"""A trust's own case mix, exact, as the worker wrote it beside its counts: the trust reads no count of the nation for it."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from registry.publications.case_mix import ALL, BY_GROUP, PLOTTED_FROM
from registry.statistics.estimate import Estimate, Reason, missing
from registry.statistics.standardisation import standardised_ratio
from registry.store.outliers import stratum_count, trust_year


@dataclass(frozen=True, slots=True)
class OwnYear:
    """One financial year. Without `expected` no reference was frozen for it, or nothing can be expected."""

    year: date
    months: int
    cases: int
    admissions: int
    reference_year: date | None
    basis: str | None
    expected: float | None

    def ratio(self, confidence: float = 0.95) -> Estimate:
        """Observed over expected; not given where fewer than one case is expected."""
        if self.expected is None:
            return missing(Reason.BLANK)
        if self.expected < PLOTTED_FROM:
            return missing(Reason.NOTHING_EXPECTED)
        return standardised_ratio(self.cases, self.expected, confidence=confidence)


@dataclass(frozen=True, slots=True)
class OwnStratum:
    age_band: str
    sex: str
    admission_group: str
    cases: int
    admissions: int | None
    expected: float | None

    def used(self, basis: str) -> bool:
        """Whether it is one of the strata by which the year was standardised."""
        return (self.age_band == ALL) == (basis == BY_GROUP)


def years(connection: Connection, tenant: int) -> list[OwnYear]:
    """Its financial years, the latest first. Under its own context."""
    c = trust_year.c
    columns = [c[name] for name in OwnYear.__slots__]
    rows = connection.execute(select(*columns).where(c.organisation_id == tenant).order_by(c.year.desc()))
    return [OwnYear(**row._mapping) for row in rows]


def strata(connection: Connection, tenant: int, year: date) -> list[OwnStratum]:
    """The strata of one of its years."""
    c = stratum_count.c
    columns = [c[name] for name in OwnStratum.__slots__]
    query = select(*columns).where(c.organisation_id == tenant, c.year == year)
    rows = connection.execute(query.order_by(c.admission_group, c.age_band, c.sex))
    return [OwnStratum(**row._mapping) for row in rows]
