"""What a case counts as: index stay, month, age and scope, derived from its dates by one versioned rule set.

Everything a sender gave is kept as given; these columns are worked out beside it, so another rule set can be run over the
same cases. Each function returns a polars expression over the typed columns of `schemas.case`.
"""

from enum import StrEnum
from functools import cache

import polars as pl

from schemas.codes import (
    Confirmation,
    DvtSite,
    PatientClassification,
    PregnancyStatus,
    PresentOnAdmission,
    VteType,
    YesNo,
)

# Named in every record and release. A change of any rule below is a new version.
DEFINITION = "2026.1"

WINDOW_DAYS = 90
YOUNGEST = 16
# A clot found so soon after a transfer is proposed to the organisation that sent the patient.
TRANSFER_HOURS = 72


class IndexStay(StrEnum):
    """Which of the stays given is the index stay."""

    THIS = "this"
    EARLIER = "earlier"


class CaseScope(StrEnum):
    """Whether a case is in the national rate, and if not, why. Every case is kept."""

    IN = "in"
    LINE_RELATED = "line_related"
    IMMOBILISATION = "immobilisation"
    PREGNANCY_ASSOCIATED = "pregnancy_associated"
    NO_INDEX_STAY = "no_index_stay"
    UNDER_16 = "under_16"
    NOT_CONFIRMED = "not_confirmed"
    OTHER_SITE = "other_site"


col = pl.col

_UPPER = [DvtSite.UPPER_LIMB.value, DvtSite.JUGULAR.value]
_OUT_OF_RATE = [
    VteType.SUPERFICIAL.value,
    VteType.CEREBRAL.value,
    VteType.SPLANCHNIC.value,
    VteType.ARTERIAL.value,
    VteType.OTHER.value,
]
_IN_PREGNANCY = [
    PregnancyStatus.PREGNANT.value,
    PregnancyStatus.POSTNATAL_6_WEEKS.value,
    PregnancyStatus.POSTNATAL_90_DAYS.value,
]


def days_between(earlier: str, later: str) -> pl.Expr:
    """Whole days from one date column to another."""
    return (col(later) - col(earlier)).dt.total_days()


def hours_between(earlier: str, later: str) -> pl.Expr:
    """Elapsed hours from one moment to another: both are kept in UTC, so a change of the clocks does not count."""
    return (col(later) - col(earlier)).dt.total_seconds() / 3600


def hours_to_diagnosis() -> pl.Expr:
    """Elapsed hours from admission to diagnosis where both times are known, else null."""
    return hours_between("admitted_at", "diagnosed_at")


def within_24_hours() -> pl.Expr:
    """Diagnosed within 24 h of admission. By the times where both are known, else on the day of admission itself."""
    by_days = days_between("admission_date", "diagnosis_date") < 1
    return pl.coalesce(hours_to_diagnosis() <= 24, by_days)


def during_stay() -> pl.Expr:
    """Diagnosed between admission and discharge of the stay given, or while still in."""
    not_left = col("discharge_date").is_null() | (col("diagnosis_date") <= col("discharge_date"))
    return (col("diagnosis_date") >= col("admission_date")) & not_left


def _arose_in_stay() -> pl.Expr:
    there_before = col("present_on_admission") == PresentOnAdmission.YES.value
    return during_stay() & ~within_24_hours() & ~there_before


def _after(discharge: str) -> pl.Expr:
    """Diagnosed 0 to 90 days after a discharge."""
    return days_between(discharge, "diagnosis_date").is_between(0, WINDOW_DAYS).fill_null(False)


def index_stay() -> pl.Expr:
    """The stay given, an earlier one, or null where neither may be the index stay.

    A clot that arose more than 24 h into the stay given belongs to it; so does one found up to 90 days after its discharge.
    One that was there on admission, or found within 24 h, belongs to the earlier stay if that ended at most 90 days before.
    """
    after_this = _after("discharge_date") & ~during_stay()
    return (
        pl.when(_arose_in_stay() | after_this)
        .then(pl.lit(IndexStay.THIS.value))
        .when(_after("earlier_discharge_date"))
        .then(pl.lit(IndexStay.EARLIER.value))
    )


def _of_index_stay(this: str, earlier: str) -> pl.Expr:
    return pl.when(col("index_stay") == IndexStay.EARLIER.value).then(col(earlier)).otherwise(col(this))


def _month_and_day(date: str) -> pl.Expr:
    # A month comes as an 8-bit number, in which a hundred times September has no room.
    return col(date).dt.month().cast(pl.Int16) * 100 + col(date).dt.day()


def age_at(birth: str, on: str) -> pl.Expr:
    """Age in whole years on a date."""
    had_birthday = _month_and_day(on) >= _month_and_day(birth)
    return (col(on).dt.year() - col(birth).dt.year() - (~had_birthday).cast(pl.Int32)).cast(pl.Int16)


def overnight() -> pl.Expr:
    """An index stay of at least one night: an ordinary or night admission that is not over on its first day."""
    day_only = col("patient_classification").is_in(
        [
            PatientClassification.DAY_CASE.value,
            PatientClassification.REGULAR_DAY.value,
            PatientClassification.NOT_ADMITTED.value,
        ]
    )
    nights = days_between("index_admission_date", "index_discharge_date") >= 1
    ended = col("index_discharge_date").is_not_null()
    # The classification describes the stay given; of an earlier stay only the nights are known.
    return pl.when(col("index_stay") == IndexStay.EARLIER.value).then(nights).otherwise(~day_only & (nights | ~ended))


def scope() -> pl.Expr:
    """Whether the case is in the national rate; the first reason against it that holds."""

    pregnant = col("pregnancy_status").is_in(_IN_PREGNANCY)
    no_stay = col("index_stay").is_null()
    not_admitted = col("patient_classification") == PatientClassification.NOT_ADMITTED.value
    this_stay = col("index_stay") == IndexStay.THIS.value
    reasons = (
        (col("age_at_admission") < YOUNGEST, CaseScope.UNDER_16),
        (col("confirmation") == Confirmation.CLINICAL_ONLY.value, CaseScope.NOT_CONFIRMED),
        (col("vte_type").is_in(_OUT_OF_RATE), CaseScope.OTHER_SITE),
        (no_stay & pregnant, CaseScope.PREGNANCY_ASSOCIATED),
        (no_stay, CaseScope.NO_INDEX_STAY),
        (not_admitted & this_stay, CaseScope.IMMOBILISATION),
        (_line_related_only(), CaseScope.LINE_RELATED),
    )
    return pl.coalesce(
        *(pl.when(condition.fill_null(False)).then(pl.lit(reason.value)) for condition, reason in reasons),
        pl.lit(CaseScope.IN.value),
    )


def _line_related_only() -> pl.Expr:
    """A line-related clot of arm or neck without a pulmonary embolism."""
    upper_dvt = (col("vte_type") == VteType.DVT.value) & col("dvt_site").is_in(_UPPER)
    return upper_dvt & (col("line_related") == YesNo.YES.value)


def derive_case(frame: pl.DataFrame) -> pl.DataFrame:
    """The typed cases with `index_stay index_admission_date index_discharge_date index_month age_at_admission overnight
    scope` beside them. `index_month` is the first day of the month of admission of the index stay; where there is none,
    the dates of the stay given stand in, so that every case has a month to be found under."""
    for step in _steps():
        frame = frame.with_columns(**step)
    return frame


@cache
def _steps() -> tuple[dict[str, pl.Expr], ...]:
    """What is derived, in steps of which each needs the one before."""
    return (
        {"index_stay": index_stay()},
        {
            "index_admission_date": _of_index_stay("admission_date", "earlier_admission_date"),
            "index_discharge_date": _of_index_stay("discharge_date", "earlier_discharge_date"),
        },
        {
            "index_month": pl.coalesce("index_admission_date", "admission_date").dt.truncate("1mo"),
            "age_at_admission": age_at("birth_date", "index_admission_date"),
            "overnight": overnight().fill_null(False),
        },
        {"scope": scope()},
    )


@cache
def derived_from() -> tuple[str, ...]:
    """The fields that `derive_case` looks at."""
    named = {name for step in _steps() for made in step.values() for name in made.meta.root_names()}
    return tuple(sorted(named - {name for name, _ in DERIVED}))


DERIVED: tuple[tuple[str, pl.DataType], ...] = (
    ("index_stay", pl.String()),
    ("index_admission_date", pl.Date()),
    ("index_discharge_date", pl.Date()),
    ("index_month", pl.Date()),
    ("age_at_admission", pl.Int16()),
    ("overnight", pl.Boolean()),
    ("scope", pl.String()),
)
