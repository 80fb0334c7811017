"""The tables of case mix and of outliers: exact counts by stratum, frozen reference rates, cycles, and what came of each outlier.

All stand in `figures`: counts of organisations, never a row of a patient. A trust reads its own years, and of outliers only the notice
that was given to it and what it answered; the cycle, the verdicts and the steps are the nation's.
"""

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from registry.store.columns import Moment
from registry.store.tables import metadata, organisation

STATES = (
    "detected",
    "data_checked",
    "provider_notified",
    "provider_response",
    "confirmed",
    "not_confirmed",
    "published",
)
"""Where an outlier can stand; `registry.publications.outlier_states` says what leads where."""
_STATES = ", ".join(f"'{state}'" for state in STATES)


def _organisation(*, primary: bool = False) -> Column[Any]:
    return Column("organisation_id", Integer, ForeignKey(organisation.c.id), primary_key=primary, nullable=False)


def _stratum() -> list[Column[Any]]:
    """Of stays of one night or more. `all` as age band and sex: the group alone, from the monthly returns."""
    return [
        Column("age_band", Text, primary_key=True),
        Column("sex", Text, primary_key=True),
        Column("admission_group", Text, primary_key=True),
    ]


# --- exact counts by year, filled by the worker

trust_year = Table(
    "trust_year",
    metadata,
    _organisation(primary=True),
    # The first day of the financial year.
    Column("year", Date, primary_key=True),
    # Months that enter the rates and are final; the counts below are of these alone.
    Column("months", SmallInteger, nullable=False),
    Column("cases", Integer, nullable=False),
    Column("admissions", Integer, nullable=False),
    # Overnight admissions of the whole year by its strata; null where it returned none.
    Column("strata_admissions", Integer),
    # How many sources of cases its profile of the year names; null without a profile.
    Column("sources", SmallInteger),
    # In how many of the months, final or not, coded candidates were counted, and how many there were.
    Column("coded_months", SmallInteger, nullable=False),
    Column("coded_candidates", Integer, nullable=False),
    # Cases of all months that enter and in which candidates were counted: what these are held against.
    Column("coded_cases", Integer, nullable=False),
    # By the reference that was frozen for this year: which year it is of, by what the cases were standardised, and what is expected.
    Column("reference_year", Date),
    Column("basis", Text),
    Column("expected", Double),
    Column("counted_at", Moment, nullable=False),
    CheckConstraint("basis in ('age, sex and group', 'group')", name="basis"),
    schema="figures",
)

stratum_count = Table(
    "stratum_count",
    metadata,
    _organisation(primary=True),
    Column("year", Date, primary_key=True),
    *_stratum(),
    Column("cases", Integer, nullable=False),
    # Null where the organisation returned no strata.
    Column("admissions", Integer),
    # At the reference rates; null where the stratum was not used.
    Column("expected", Double),
    schema="figures",
)

# --- the reference: frozen by a person, never changed

reference = Table(
    "reference",
    metadata,
    Column("year", Date, primary_key=True),
    # Organisations that make up the rates by group, and those by age, sex and group.
    Column("trusts", Integer, nullable=False),
    Column("trusts_with_strata", Integer, nullable=False),
    Column("cases", Integer, nullable=False),
    Column("admissions", Integer, nullable=False),
    Column("data_hash", Text, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("frozen_by", Text, nullable=False),
    Column("frozen_by_name", Text, nullable=False),
    Column("frozen_at", Moment, nullable=False),
    schema="figures",
)

reference_rate = Table(
    "reference_rate",
    metadata,
    Column("year", Date, ForeignKey(reference.c.year), primary_key=True),
    *_stratum(),
    Column("cases", Integer, nullable=False),
    Column("admissions", Integer, nullable=False),
    schema="figures",
)

# --- outliers

outlier_policy = Table(
    "outlier_policy",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    # The metric, the thresholds and the timetable of each nation, as `registry.publications.outlier_policy` reads them.
    Column("content", JSONB, nullable=False),
    # The document that it follows, in the words of who adopted it.
    Column("source", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_by_name", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    schema="figures",
)

outlier_cycle = Table(
    "outlier_cycle",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    # One cycle a financial year: outliers are not hunted month by month.
    Column("year", Date, nullable=False, unique=True),
    Column("metric", Text, nullable=False),
    Column("policy_version", Integer, ForeignKey(outlier_policy.c.version), nullable=False),
    Column("reference_year", Date, ForeignKey(reference.c.year), nullable=False),
    # The snapshot: by these anybody can compute it again.
    Column("data_hash", Text, nullable=False),
    Column("reference_hash", Text, nullable=False),
    Column("code_version", Text, nullable=False),
    # How many organisations the variance between trusts is of; without it the limits are exact ones.
    Column("compared", Integer, nullable=False),
    Column("scale", Text),
    Column("phi", Double),
    Column("tau2", Double),
    Column("computed_by", Text, nullable=False),
    Column("computed_by_name", Text, nullable=False),
    Column("computed_at", Moment, nullable=False),
    schema="figures",
)

outlier = Table(
    "outlier",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("cycle_id", Uuid, ForeignKey(outlier_cycle.c.id), nullable=False),
    _organisation(),
    Column("months", SmallInteger, nullable=False),
    Column("observed", Integer, nullable=False),
    Column("expected", Double),
    Column("basis", Text),
    # Limits of observed over expected: beyond the inner ones an alert, beyond the outer ones an alarm.
    Column("alert_low", Double),
    Column("alert_high", Double),
    Column("alarm_low", Double),
    Column("alarm_high", Double),
    # What was known of how its cases are found.
    Column("ascertainment", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("side", Text),
    # Why it cannot be assessed.
    Column("reason", Text),
    # Only of alerts and alarms.
    Column("state", Text),
    Column("steps", SmallInteger, nullable=False, server_default=text("0")),
    UniqueConstraint("cycle_id", "organisation_id"),
    CheckConstraint("verdict in ('within', 'alert', 'alarm', 'cannot_assess')", name="verdict"),
    CheckConstraint("side in ('low', 'high')", name="side"),
    CheckConstraint(f"state in ({_STATES})", name="state"),
    CheckConstraint("(verdict in ('alert', 'alarm')) = (state is not null and side is not null)", name="flagged"),
    schema="figures",
)

outlier_step = Table(
    "outlier_step",
    metadata,
    Column("outlier_id", Uuid, ForeignKey(outlier.c.id), primary_key=True),
    # Counted from 1; two at once cannot both be the next.
    Column("number", SmallInteger, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("evidence", Text, nullable=False),
    CheckConstraint(f"state in ({_STATES})", name="state"),
    schema="figures",
)

# --- what the trust sees of it

outlier_notice = Table(
    "outlier_notice",
    metadata,
    _organisation(primary=True),
    Column("outlier_id", Uuid, primary_key=True),
    Column("year", Date, nullable=False),
    Column("reference_year", Date, nullable=False),
    Column("observed", Integer, nullable=False),
    Column("expected", Double, nullable=False),
    Column("basis", Text, nullable=False),
    Column("alert_low", Double, nullable=False),
    Column("alert_high", Double, nullable=False),
    Column("alarm_low", Double, nullable=False),
    Column("alarm_high", Double, nullable=False),
    Column("ascertainment", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("side", Text, nullable=False),
    # What the registry writes to the trust.
    Column("words", Text, nullable=False),
    Column("notified_at", Moment, nullable=False),
    Column("respond_by", Date),
    # confirmed, not_confirmed, published
    Column("outcome", Text),
    Column("outcome_at", Moment),
    schema="figures",
)

outlier_response = Table(
    "outlier_response",
    metadata,
    _organisation(),
    Column("outlier_id", Uuid, nullable=False),
    Column("number", SmallInteger, nullable=False),
    Column("words", Text, nullable=False),
    # Whether the trust finds its data right.
    Column("data_right", Boolean, nullable=False),
    Column("responded_by", Text, nullable=False),
    Column("responded_by_name", Text, nullable=False),
    Column("responded_at", Moment, nullable=False),
    PrimaryKeyConstraint("organisation_id", "outlier_id", "number"),
    # Only where a notice was given.
    ForeignKeyConstraint(
        ["organisation_id", "outlier_id"], [outlier_notice.c.organisation_id, outlier_notice.c.outlier_id]
    ),
    schema="figures",
)

OF_TRUSTS = (trust_year, stratum_count, outlier_notice, outlier_response)
"""What a trust sees of itself, under forced row-level security."""
