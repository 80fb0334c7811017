"""A cycle of outliers: once a financial year, on exact counts, the one metric of the policy, every trust and board judged or said not to be.

Sources: statistics.md 3, HQIP's practice for batches of data over a period. Both sides are flagged. The limits are those of the count about its
expectation, with the additive variance between trusts where there are ten of them and they differ by more than chance; else exact.
What a cycle was computed from is frozen with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil, floor
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, insert, select

from registry.access import Actor, Kind, Right
from registry.errors import Conflict, Forbidden
from registry.publications import case_mix, outlier_policy, reference_rates
from registry.publications.ascertainment import Ascertained, ascertained
from registry.publications.case_mix import Mix, Year
from registry.publications.outlier_policy import METRIC, Policy
from registry.publications.outlier_states import State
from registry.statistics.funnels import (
    ALARM,
    ALERT,
    TRUSTS_FROM,
    Z_ALARM,
    Z_ALERT,
    Overdispersion,
    Scale,
    overdispersed_limits,
    overdispersion,
    ratio_limit,
)
from registry.store import SYSTEM_TENANT, audit
from registry.store.outliers import outlier, outlier_cycle, outlier_step

FALSE_ALERTS, FALSE_ALARMS = 0.05, 0.002
"""The shares of trusts that are flagged if nothing differs."""
WITHIN, CANNOT = "within", "cannot_assess"


@dataclass(frozen=True, slots=True)
class Limits:
    """Of observed over expected: beyond the inner two an alert, beyond the outer two an alarm."""

    alarm_low: float
    alert_low: float
    alert_high: float
    alarm_high: float


@dataclass(frozen=True, slots=True)
class Spread:
    """What the limits are made by. Without `tau2` they are exact."""

    compared: int
    scale: Scale | None = None
    phi: float | None = None
    tau2: float | None = None

    @property
    def words(self) -> str:
        if self.tau2 is not None and self.scale is not None:
            return f"additive overdispersion of {self.compared} trusts ({self.scale.value}): phi {self.phi:.4f}, tau² {self.tau2:.6f}"
        if self.compared < TRUSTS_FROM:
            return f"exact Poisson limits: fewer than {TRUSTS_FROM} trusts can be compared"
        return (
            f"exact Poisson limits: the {self.compared} trusts differ by no more than chance (phi {self.phi or 0:.4f})"
        )


def spread(mixes: Iterable[Mix]) -> Spread:
    """How much more the trusts differ than chance. The square-root scale is used where somebody had no case, the log scale else."""
    known = [(one.observed, one.expected) for one in mixes if one.expected]
    observed, expected = [count for count, _ in known], [each for _, each in known if each is not None]
    if len(known) < TRUSTS_FROM:
        return Spread(len(known))
    scale = Scale.ROOT_WINSORISED if 0 in observed else Scale.LOG_TRUNCATED
    found: Overdispersion | None = overdispersion(observed, expected, scale)
    if found is None:
        return Spread(len(known))
    if found.phi <= 1 or not found.tau2:
        return Spread(len(known), phi=found.phi)
    return Spread(len(known), scale, found.phi, found.tau2)


def limits(expected: float, by: Spread) -> Limits:
    """The limits at an expected count."""
    if by.tau2 is None or by.scale is None:
        low, high, lowest, highest = (ratio_limit(expected, tail) for tail in (ALERT, 1 - ALERT, ALARM, 1 - ALARM))
        return Limits(lowest, low, high, highest)
    low, high = overdispersed_limits(expected, by.tau2, Z_ALERT, by.scale)
    lowest, highest = overdispersed_limits(expected, by.tau2, Z_ALARM, by.scale)
    return Limits(lowest, low, high, highest)


@dataclass(frozen=True, slots=True)
class Judged:
    """One organisation in a cycle. `reason` says why it cannot be assessed, which is never "within range"."""

    mix: Mix
    ascertained: Ascertained
    verdict: str
    side: str | None = None
    limits: Limits | None = None
    reason: str = ""

    @property
    def flagged(self) -> bool:
        return self.verdict not in (WITHIN, CANNOT)


def found_from(year: Year, policy: Policy) -> Ascertained:
    """How this year's cases are looked for, by the policy's threshold of sources."""
    return ascertained(
        year.sources, coded_months=year.coded_months, cases=year.coded_cases, candidates=year.coded_candidates,
        needed=policy.sources_from,
    )  # fmt: skip


def judge(mixes: list[Mix], policy: Policy) -> tuple[list[Judged], Spread]:
    """Judge every organisation; those that can be assessed make up the spread."""
    known = [(one, found_from(one.year, policy)) for one in mixes]
    reasons = [why_not(one, found, policy) for one, found in known]
    by = spread(one for (one, _), reason in zip(known, reasons, strict=True) if not reason)
    return [
        Judged(one, found, CANNOT, reason=reason) if reason else _judged(one, found, by)
        for (one, found), reason in zip(known, reasons, strict=True)
    ], by


def why_not(one: Mix, found: Ascertained, policy: Policy) -> str:
    """Why an organisation cannot be assessed; empty where it can."""
    if one.year.months < policy.months_from:
        return f"{one.year.months} of 12 months are in the rate; {policy.months_from} are needed"
    if one.expected is None:
        return f"nothing can be expected: {one.why}"
    if one.expected < policy.expected_from:
        return f"fewer than {policy.expected_from:g} cases are expected"
    if not found.assessable:
        return f"ascertainment {found.words}"
    if found.coded_share is not None and found.coded_share < policy.coded_share_from:
        return f"ascertainment is below the threshold: {found.words}; {policy.coded_share_from:g} are needed"
    return ""


def _judged(one: Mix, found: Ascertained, by: Spread) -> Judged:
    assert one.expected is not None
    bounds, ratio = limits(one.expected, by), one.observed / one.expected
    side = "low" if ratio < bounds.alert_low else "high" if ratio > bounds.alert_high else None
    if side is None:
        return Judged(one, found, WITHIN, limits=bounds)
    alarm = ratio < bounds.alarm_low or ratio > bounds.alarm_high
    return Judged(one, found, "alarm" if alarm else "alert", side, bounds)


@dataclass(frozen=True, slots=True)
class Implied:
    """What the publication of a verdict tells of a count: the cases after overnight stays of one trust and financial year are at
    least `least` and at most `most`. To be a row of the disclosure audit."""

    organisation_id: int
    year: date
    least: int
    most: int | None


def implied(
    organisation_id: int, year: date, expected: float, bounds: Limits, verdict: str, side: str | None
) -> Implied:
    """The interval of the observed count that a published verdict implies, whoever knows the expected count and the limits.

    An alert is beyond the inner limit and not beyond the outer one, an alarm beyond the outer one, within is between the inner ones.
    Counts are whole numbers: beyond a limit L on the high side means at least floor(L E) + 1.
    """
    low, high = floor(bounds.alert_high * expected) + 1, floor(bounds.alarm_high * expected)
    below, lowest = ceil(bounds.alert_low * expected) - 1, ceil(bounds.alarm_low * expected)
    if verdict == WITHIN:
        return Implied(organisation_id, year, max(0, below + 1), low - 1)
    if side == "high":
        return Implied(
            organisation_id, year, high + 1 if verdict == "alarm" else low, None if verdict == "alarm" else high
        )
    if side == "low":
        return Implied(
            organisation_id,
            year,
            0 if verdict == "alarm" else max(0, lowest),
            lowest - 1 if verdict == "alarm" else below,
        )
    raise ValueError("a verdict that is published is within, or an alert or alarm on one side")


# --- computing


def compute(connection: Connection, year: date, *, by: Actor, at: datetime, code_version: str) -> UUID:
    """Compute the cycle of a financial year, for good; gives its id.

    Raises Forbidden for whoever may not; Conflict before a policy is adopted, before the reference of the year before is frozen, while a
    month of the year may still change, and where the year has its cycle already.
    """
    if by.kind is not Kind.PERSON or not by.may(Right.CHECK_OUTLIERS):
        raise Forbidden("A cycle is computed by a national analyst, signed in.")
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("outlier cycle"))))
    adopted = outlier_policy.current(connection)
    if adopted is None:
        raise Conflict(
            "No outlier policy has been adopted. A national lead has to adopt one before anything is computed."
        )
    if connection.scalar(select(outlier_cycle.c.id).where(outlier_cycle.c.year == year)) is not None:
        raise Conflict(
            "The cycle of this year has been computed. It is frozen; what was wrong with its data is said when it is checked."
        )
    frozen = reference_rates.reference_of(connection, reference_rates.before(year))
    if frozen is None:
        raise Conflict("The reference rates of the year before are not frozen yet.")
    if reference_rates.open_months(connection, year):
        raise Conflict("Some months of this year may still change. A cycle is computed once all of them are final.")
    counted = case_mix.read(connection, year)
    judged, how = judge([case_mix.standardised(one, frozen.rates) for one in counted], adopted.policy)
    cycle: UUID = connection.execute(
        insert(outlier_cycle)
        .values(
            year=year, metric=METRIC, policy_version=adopted.version, reference_year=frozen.year,
            data_hash=reference_rates.digest(counted), reference_hash=frozen.data_hash, code_version=code_version,
            compared=how.compared, scale=how.scale.value if how.scale else None, phi=how.phi, tau2=how.tau2,
            computed_by=by.label, computed_by_name=by.name, computed_at=at,
        )
        .returning(outlier_cycle.c.id)
    ).scalar_one()  # fmt: skip
    for one in judged:
        _keep(connection, cycle, one, by, at)
    audit.record(
        connection, tenant=SYSTEM_TENANT, actor=by.label, role=by.role, action="outlier cycle computed",
        object_type="outlier cycle", object_id=str(cycle),
        detail={"organisations": len(judged), "flagged": sum(one.flagged for one in judged)},
    )  # fmt: skip
    return cycle


def _keep(connection: Connection, cycle: UUID, one: Judged, by: Actor, at: datetime) -> None:
    values: dict[str, Any] = {
        "cycle_id": cycle, "organisation_id": one.mix.year.organisation.id, "months": one.mix.year.months,
        "observed": one.mix.observed, "expected": one.mix.expected, "basis": one.mix.basis,
        "ascertainment": one.ascertained.words, "verdict": one.verdict, "side": one.side, "reason": one.reason or None,
        "state": State.DETECTED.value if one.flagged else None, "steps": int(one.flagged),
    }  # fmt: skip
    if one.limits is not None:
        values |= {name: getattr(one.limits, name) for name in Limits.__slots__}
    made = connection.execute(insert(outlier).values(**values).returning(outlier.c.id)).scalar_one()
    if one.flagged:
        connection.execute(
            insert(outlier_step).values(
                outlier_id=made, number=1, state=State.DETECTED.value, actor=by.label, actor_name=by.name, at=at,
                evidence="Computed with the cycle",
            )
        )  # fmt: skip
