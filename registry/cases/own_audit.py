"""What a trust audited, from its monthly returns: patients audited, and of these with appropriate prophylaxis and written information.

These are the numbers that VTE Exemplar Centres audit. A month is in a share only with both of its counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection, text

from registry.cases.periods import Period, Span, among
from registry.statistics.estimate import Estimate
from registry.statistics.rates import proportion


class Audited(StrEnum):
    """What is audited; the value is the field of the return."""

    PROPHYLAXIS = "appropriate_prophylaxis"
    ON_ADMISSION = "information_on_admission"
    ON_DISCHARGE = "information_on_discharge"

    @property
    def words(self) -> str:
        return {
            Audited.PROPHYLAXIS: "had appropriate prophylaxis",
            Audited.ON_ADMISSION: "had written information on admission",
            Audited.ON_DISCHARGE: "had written information on discharge",
        }[self]


@dataclass(frozen=True, slots=True)
class AuditMonth:
    """One month's counts as returned; None where it was left out."""

    month: date
    audited: int | None
    counts: tuple[tuple[Audited, int | None], ...]

    def pair(self, what: Audited) -> tuple[int, int] | None:
        """Part and whole, where both were returned and fit."""
        part = dict(self.counts)[what]
        if part is None or self.audited is None or part > self.audited:
            return None
        return part, self.audited


@dataclass(frozen=True, slots=True)
class Shared:
    """A share over some months with Wilson's limits; `months` is how many of them have the counts."""

    what: Audited
    part: int
    whole: int
    months: int

    @property
    def estimate(self) -> Estimate:
        return proportion(self.part, self.whole)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One period: how many patients were audited in how many of its months, and the three shares."""

    period: Period
    audited: int
    months: int
    shares: tuple[Shared, ...]


_COUNTS = text(
    """
    select r.month, v.patients_audited, v.appropriate_prophylaxis, v.information_on_admission, v.information_on_discharge
    from records.activity_record r
    join records.activity_version v on (v.tenant_id, v.record_id, v.version) = (r.tenant_id, r.id, r.version)
    where r.tenant_id = :tenant and r.withdrawn_at is null
      and coalesce(v.patients_audited, v.appropriate_prophylaxis, v.information_on_admission, v.information_on_discharge)
          is not null
    order by r.month
    """
)


def audit_months(connection: Connection, tenant_id: int) -> list[AuditMonth]:
    """Every month for which anything of the audit was returned, in order of time."""
    return [
        AuditMonth(row.month, row.patients_audited, tuple((each, getattr(row, each.value)) for each in Audited))
        for row in connection.execute(_COUNTS, {"tenant": tenant_id})
    ]


def sheet(months: Iterable[AuditMonth], period: Period) -> Sheet:
    """The months of a period together."""
    inside = [each for each in months if period.holds(each.month)]
    counted = [each.audited for each in inside if each.audited is not None]
    return Sheet(period, sum(counted), len(counted), tuple(_share(inside, what) for what in Audited))


def _share(inside: list[AuditMonth], what: Audited) -> Shared:
    pairs = [pair for each in inside if (pair := each.pair(what)) is not None]
    return Shared(what, sum(part for part, _ in pairs), sum(whole for _, whole in pairs), len(pairs))


def sheets(months: Iterable[AuditMonth], span: Span) -> list[Sheet]:
    """Every period of one length for which anything was audited, the latest first."""
    held = list(months)
    return [sheet(held, period) for period in among((each.month for each in held), span)]
