"""Rules of a case about the patient and the stay. Numbers 100 to 139; 140 to 189 are in `schemas.rules.clot` and `outcome`.

A rule is an error only where the dates or answers cannot be; whatever is merely doubtful asks a question and lets the case in.
"""

from functools import partial

import polars as pl

from schemas.codes import AdmissionMethod, DischargeMethod, NHSNumberStatus, PatientClassification, Yes
from schemas.finding import Severity
from schemas.record import RecordKind
from schemas.rule import rule
from schemas.rules.expressions import after_receipt, blank, col, given, holds, local_date, nights

refuse = partial(rule, kind=RecordKind.CASE)
ask = partial(rule, kind=RecordKind.CASE, severity=Severity.WARNING)

OLDEST = 110
LONGEST_STAY_DAYS = 365
_TEST_NUMBER = "999"


@refuse(
    100,
    fields=("nhs_number", "nhs_number_reason"),
    words="There is neither an NHS number nor a reason why there is none.",
    mend="Give the NHS number, or say why there is none.",
)
def nhs_number_and_reason_missing() -> pl.Expr:
    return blank("nhs_number") & blank("nhs_number_reason")


@ask(
    101,
    fields=("nhs_number_reason", "nhs_number"),
    words="There is an NHS number and also a reason why there is none. Does the number belong to this patient?",
    mend="Take out whichever does not apply.",
)
def nhs_number_and_reason_given() -> pl.Expr:
    return given("nhs_number") & given("nhs_number_reason")


@refuse(
    102,
    fields=("birth_date", "admission_date"),
    words="The patient was born after the admission.",
    mend="Check the date of birth and the date of admission.",
)
def born_after_admission() -> pl.Expr:
    return col("birth_date") > col("admission_date")


@ask(
    103,
    fields=("birth_date", "admission_date", "discharge_date", "diagnosis_date", "earlier_admission_date"),
    words="The patient was more than 110 years old on admission. Is the year of birth right?",
    mend="Check the date of birth in the hospital system.",
)
def older_than_110() -> pl.Expr:
    return col("age_at_admission") > OLDEST


@ask(
    104,
    fields=("birth_date", "admission_date", "discharge_date", "diagnosis_date", "earlier_admission_date"),
    words="The patient was under 16 on admission. The case is kept, but not counted in the national figures.",
    mend="Check the date of birth and the date of admission; if they are right, nothing needs to be done.",
)
def under_16() -> pl.Expr:
    return (col("age_at_admission") < 16) & (col("birth_date") <= col("admission_date"))


@ask(
    105,
    fields=("nhs_number",),
    words="The NHS number begins with 999. Such numbers are for tests and are never issued to a patient.",
    mend="Copy the patient's own number from the hospital system.",
)
def number_for_tests() -> pl.Expr:
    return col("nhs_number").str.starts_with(_TEST_NUMBER) & ~col("_synthetic")


@refuse(
    106,
    fields=("nhs_number",),
    words="This is made-up data for a demonstration, but the NHS number could be that of a real person.",
    mend="Use numbers that begin with 999 in made-up data, or send real cases as real.",
)
def real_number_in_made_up_data() -> pl.Expr:
    return ~col("nhs_number").str.starts_with(_TEST_NUMBER) & col("_synthetic")


@ask(
    107,
    fields=("nhs_number_status", "nhs_number"),
    words="The status says that the NHS number is present, but there is no number.",
    mend="Give the NHS number, or correct its status.",
)
def status_of_absent_number() -> pl.Expr:
    return holds("nhs_number_status", NHSNumberStatus.VERIFIED, NHSNumberStatus.PRESENT) & blank("nhs_number")


@refuse(
    108,
    fields=("admission_date",),
    words="The date of admission had not come yet when the file was received.",
    mend="Check the year, and whether day and month are swapped.",
)
def admitted_after_receipt() -> pl.Expr:
    return after_receipt("admission_date")


@refuse(
    109,
    fields=("discharge_date",),
    words="The date of discharge had not come yet when the file was received.",
    mend="Check the date. For a patient who is still in hospital leave it empty and answer yes to still in hospital.",
)
def discharged_after_receipt() -> pl.Expr:
    return after_receipt("discharge_date")


@refuse(
    110,
    fields=("readmission_date",),
    words="The date of readmission had not come yet when the file was received.",
    mend="Check the year, and whether day and month are swapped.",
)
def readmitted_after_receipt() -> pl.Expr:
    return after_receipt("readmission_date")


@refuse(
    111,
    fields=("discharge_date", "admission_date"),
    words="The patient was discharged before the admission.",
    mend="Check both dates, and whether they belong to the same stay.",
)
def discharged_before_admission() -> pl.Expr:
    return col("discharge_date") < col("admission_date")


@refuse(
    112,
    fields=("discharge_date", "still_in"),
    words="There is no date of discharge, and nothing says that the patient is still in hospital.",
    mend="Give the date of discharge, or answer yes to still in hospital. "
    "For a patient who was not admitted give the day on which they went home.",
)
def neither_discharged_nor_still_in() -> pl.Expr:
    return blank("discharge_date") & col("still_in").ne_missing(pl.lit(Yes.YES.value))


@refuse(
    113,
    fields=("still_in", "discharge_date"),
    words="The patient is said to be still in hospital, but there is a date of discharge.",
    mend="Take out the one that does not apply.",
)
def still_in_and_discharged() -> pl.Expr:
    return holds("still_in", Yes.YES) & given("discharge_date")


@ask(
    114,
    fields=("discharge_date", "admission_date", "still_in"),
    words="The stay lasts longer than a year. Do both dates belong to the same stay?",
    mend="Check the years of both dates; if they are right, nothing needs to be done.",
)
def stay_over_a_year() -> pl.Expr:
    return (pl.coalesce("discharge_date", "_on") - col("admission_date")).dt.total_days() > LONGEST_STAY_DAYS


@ask(
    115,
    fields=("patient_classification", "admission_date", "discharge_date"),
    words="A day case or regular day attender stayed overnight. Was it an ordinary admission?",
    mend="Check how the patient was in hospital: a day case that stays overnight becomes an ordinary admission.",
)
def day_case_with_nights() -> pl.Expr:
    by_day = holds("patient_classification", PatientClassification.DAY_CASE, PatientClassification.REGULAR_DAY)
    return by_day & (nights() >= 1)


@ask(
    116,
    fields=("patient_classification", "admission_date", "discharge_date", "still_in"),
    words="The patient is said not to have been admitted, but the dates span at least one night. Was the patient admitted?",
    mend="Check how the patient was in hospital, and the dates.",
)
def not_admitted_with_nights() -> pl.Expr:
    stayed = (nights() >= 1) | holds("still_in", Yes.YES)
    return holds("patient_classification", PatientClassification.NOT_ADMITTED) & stayed


@ask(
    117,
    fields=("admitted_at", "admission_date"),
    words="The date and time of admission fall on another day than the date of admission. Which is right?",
    mend="Make them agree. The month of the case follows the date.",
)
def admission_time_on_another_day() -> pl.Expr:
    return local_date("admitted_at") != col("admission_date")


@ask(
    118,
    fields=("discharged_at", "discharge_date"),
    words="The date and time of discharge fall on another day than the date of discharge. Which is right?",
    mend="Make them agree.",
)
def discharge_time_on_another_day() -> pl.Expr:
    return local_date("discharged_at") != col("discharge_date")


@refuse(
    119,
    fields=("discharged_at", "admitted_at"),
    words="The time of discharge is before the time of admission.",
    mend="Check both times.",
)
def discharge_time_before_admission_time() -> pl.Expr:
    return col("discharged_at") < col("admitted_at")


@ask(
    120,
    fields=("transferred_from",),
    words="The hospital that sent the patient is your own. Was this a move between your own wards or sites?",
    mend="Give another organisation's code, or leave it empty: moves inside one organisation are one stay.",
)
def transferred_from_itself() -> pl.Expr:
    return col("transferred_from") == col("_sender")


@ask(
    121,
    fields=("transferred_from", "admission_method"),
    words="The stay began by transfer from another hospital, but that hospital is not given. Which was it?",
    mend="Give the organisation code of the hospital that sent the patient.",
)
def transfer_from_nowhere() -> pl.Expr:
    by_transfer = holds("admission_method", AdmissionMethod.TRANSFER, AdmissionMethod.EMERGENCY_TRANSFER)
    return by_transfer & blank("transferred_from")


@refuse(
    122,
    fields=("earlier_discharge_date", "earlier_admission_date"),
    words="Only one date of the earlier stay is given, so it cannot be counted to a month.",
    mend="Give both its dates, or neither.",
)
def earlier_stay_half_given() -> pl.Expr:
    return given("earlier_admission_date") != given("earlier_discharge_date")


@refuse(
    123,
    fields=("earlier_discharge_date", "earlier_admission_date"),
    words="The earlier stay ends before it begins.",
    mend="Check both its dates.",
)
def earlier_stay_ends_before_it_begins() -> pl.Expr:
    return col("earlier_discharge_date") < col("earlier_admission_date")


@ask(
    124,
    fields=("earlier_discharge_date", "admission_date"),
    words="The earlier stay ends after the stay that is given. Are the two stays the wrong way round?",
    mend="Check the dates of both stays.",
)
def earlier_stay_not_earlier() -> pl.Expr:
    return col("earlier_discharge_date") > col("admission_date")


@refuse(
    125,
    fields=("earlier_admission_date", "birth_date"),
    words="The patient was born after the admission of the earlier stay.",
    mend="Check the date of birth and the dates of the earlier stay.",
)
def born_after_earlier_admission() -> pl.Expr:
    return col("birth_date") > col("earlier_admission_date")


@ask(
    126,
    fields=("readmission_date", "discharge_date"),
    words="The patient came back before being discharged. Is the stay that is given the right one?",
    mend="Check both dates: the stay that is given is the one before the clot, the readmission the one with it.",
)
def readmitted_before_discharge() -> pl.Expr:
    return col("readmission_date") < col("discharge_date")


@ask(
    127,
    fields=("readmission_date", "diagnosis_date"),
    words="The patient was readmitted with the clot after the clot was diagnosed. Are both dates right?",
    mend="Check both dates.",
)
def readmitted_after_diagnosis() -> pl.Expr:
    return col("readmission_date") > col("diagnosis_date")


@ask(
    128,
    fields=("discharge_method", "still_in"),
    words="The patient is said to be still in hospital, but there is a discharge method. Has the patient left?",
    mend="Give the date of discharge, or take out the discharge method.",
)
def still_in_with_discharge_method() -> pl.Expr:
    not_yet = holds("discharge_method", DischargeMethod.NOT_APPLICABLE, DischargeMethod.NOT_KNOWN)
    return holds("still_in", Yes.YES) & ~not_yet


@ask(
    129,
    fields=("discharge_method", "discharge_date"),
    words="The discharge method says that the patient is still in hospital, but there is a date of discharge.",
    mend="Correct the discharge method.",
)
def discharged_with_method_of_staying() -> pl.Expr:
    return holds("discharge_method", DischargeMethod.NOT_APPLICABLE) & given("discharge_date")
