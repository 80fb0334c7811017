"""Rules of a case about operation, pregnancy and death. Numbers 165 to 189."""

import polars as pl

from schemas.codes import (
    AdmissionGroup,
    Anaesthetic,
    DiedWithin90Days,
    DischargeDestination,
    DischargeMethod,
    MainSpecialty,
    PregnancyStatus,
    Sex,
    Yes,
)
from schemas.counting import WINDOW_DAYS, CaseScope, days_between
from schemas.rules.case import ask, refuse
from schemas.rules.expressions import after_receipt, blank, col, given, holds

_FERTILE_AGES = (12, 55)
_DATES = ("birth_date", "admission_date", "discharge_date", "diagnosis_date", "earlier_admission_date")


def _pregnant() -> pl.Expr:
    """Pregnant, or within 90 days after a birth, at diagnosis."""
    return holds(
        "pregnancy_status",
        PregnancyStatus.PREGNANT,
        PregnancyStatus.POSTNATAL_6_WEEKS,
        PregnancyStatus.POSTNATAL_90_DAYS,
    )


@ask(
    165,
    fields=("procedure_date", "admission_date", "discharge_date"),
    words="The operation was not during the stay that is given. Does it belong to another stay?",
    mend="Check the date of the operation and the dates of the stay.",
)
def operation_outside_the_stay() -> pl.Expr:
    after = (col("procedure_date") > col("discharge_date")).fill_null(False)
    return (col("procedure_date") < col("admission_date")) | after


@refuse(
    166,
    fields=("procedure_date",),
    words="The date of the operation had not come yet when the file was received.",
    mend="Check the year, and whether day and month are swapped.",
)
def operated_after_receipt() -> pl.Expr:
    return after_receipt("procedure_date")


@ask(
    167,
    fields=("anaesthetic_minutes", "anaesthetic"),
    words="There is a time under anaesthetic, but no anaesthetic is said to have been given.",
    mend="Correct the kind of anaesthetic, or take the minutes out.",
)
def minutes_without_anaesthetic() -> pl.Expr:
    return holds("anaesthetic", Anaesthetic.NONE) & (col("anaesthetic_minutes") > 0)


@ask(
    168,
    fields=("admission_group", "sex"),
    words="A male patient is given in the obstetric group. Are both right?",
    mend="Check the group of the admission and the sex held by the hospital system.",
)
def obstetric_group_of_a_man() -> pl.Expr:
    return holds("admission_group", AdmissionGroup.OBSTETRIC) & holds("sex", Sex.MALE)


@ask(
    169,
    fields=("main_specialty", "sex"),
    words="A male patient is given under obstetrics or midwifery. Are both right?",
    mend="Check the main specialty and the sex held by the hospital system.",
)
def obstetric_specialty_of_a_man() -> pl.Expr:
    return holds("main_specialty", MainSpecialty.OBSTETRICS, MainSpecialty.MIDWIFERY) & holds("sex", Sex.MALE)


@ask(
    170,
    fields=("pregnancy_status", "sex"),
    words="A male patient is said to be pregnant or to have given birth. Are both right?",
    mend="Check the answer about pregnancy and the sex held by the hospital system.",
)
def pregnancy_of_a_man() -> pl.Expr:
    return _pregnant() & holds("sex", Sex.MALE)


@ask(
    171,
    fields=("pregnancy_status", *_DATES),
    words="The patient is said to be pregnant or to have given birth at an unusual age. Is the date of birth right?",
    mend="Check the answer about pregnancy and the date of birth.",
)
def pregnancy_at_an_unusual_age() -> pl.Expr:
    return _pregnant() & ~col("age_at_admission").is_between(*_FERTILE_AGES)


@ask(
    172,
    fields=("pregnancy_status", "admission_group"),
    words="The admission was obstetric, but nothing says that the patient was pregnant or had given birth.",
    mend="Answer the question about pregnancy, or check the group of the admission.",
)
def obstetric_group_without_pregnancy() -> pl.Expr:
    said_no = holds("pregnancy_status", PregnancyStatus.NOT_PREGNANT, PregnancyStatus.NOT_APPLICABLE)
    return holds("admission_group", AdmissionGroup.OBSTETRIC) & (blank("pregnancy_status") | said_no)


@ask(
    173,
    fields=(
        "pregnancy_status",
        *_DATES,
        "earlier_discharge_date",
        "present_on_admission",
        "admitted_at",
        "diagnosed_at",
    ),
    words="A clot in pregnancy or after a birth counts only with a hospital stay in the 90 days before; none is given. The "
    "case is kept as pregnancy-associated.",
    mend="If there was an earlier stay, give its dates; if not, nothing needs to be done.",
)
def pregnancy_without_stay_before() -> pl.Expr:
    return col("scope") == CaseScope.PREGNANCY_ASSOCIATED.value


@refuse(
    174,
    fields=("death_date",),
    words="The date of death had not come yet when the file was received.",
    mend="Check the year, and whether day and month are swapped.",
)
def died_after_receipt() -> pl.Expr:
    return after_receipt("death_date")


@refuse(
    175,
    fields=("death_date", "admission_date"),
    words="The patient died before the admission.",
    mend="Check both dates.",
)
def died_before_admission() -> pl.Expr:
    return col("death_date") < col("admission_date")


@ask(
    176,
    fields=("death_date", "discharge_date"),
    words="The patient died before the date of discharge. Which date is right?",
    mend="Check both dates: for a death in hospital they are the same day.",
)
def died_before_discharge() -> pl.Expr:
    return col("death_date") < col("discharge_date")


@ask(
    177,
    fields=("died_within_90_days", "death_date", "diagnosis_date"),
    words="The answer about death within 90 days does not agree with the date of death.",
    mend="Check the answer, the date of death and the date of diagnosis.",
)
def death_answer_differs_from_date() -> pl.Expr:
    days = days_between("diagnosis_date", "death_date")
    too_late = holds("died_within_90_days", DiedWithin90Days.YES) & (days > WINDOW_DAYS)
    denied = holds("died_within_90_days", DiedWithin90Days.NO, DiedWithin90Days.NOT_YET) & (days <= WINDOW_DAYS)
    return too_late | denied


@ask(
    178,
    fields=("died_within_90_days", "diagnosis_date"),
    words="The 90 days after the diagnosis have passed. Is it known by now whether the patient died within them?",
    mend="Answer yes, no or unknown.",
)
def death_not_yet_known_after_90_days() -> pl.Expr:
    passed = (col("_on") - col("diagnosis_date")).dt.total_days() > WINDOW_DAYS
    return holds("died_within_90_days", DiedWithin90Days.NOT_YET) & passed


@ask(
    179,
    fields=("discharge_destination", "discharge_method"),
    words="Of discharge method and destination, one says that the patient died and the other does not.",
    mend="Make them agree.",
)
def method_and_destination_differ_about_death() -> pl.Expr:
    return holds("discharge_method", DischargeMethod.DIED) != holds("discharge_destination", DischargeDestination.DIED)


@ask(
    180,
    fields=("death_date", "discharge_method", "discharge_date"),
    words="The patient died in hospital, but the date of death is not the date of discharge.",
    mend="Give the date of death, or correct the discharge method.",
)
def death_in_hospital_on_another_day() -> pl.Expr:
    another_day = col("death_date").ne_missing(col("discharge_date"))
    return holds("discharge_method", DischargeMethod.DIED) & given("discharge_date") & another_day


@ask(
    181,
    fields=("death_cause", "death_date", "died_within_90_days"),
    words="The part of the clot in the death is given, but nothing says that the patient died.",
    mend="Give the date of death, or take the answer out.",
)
def cause_without_death() -> pl.Expr:
    died = col("died_within_90_days").eq_missing(pl.lit(DiedWithin90Days.YES.value))
    return given("death_cause") & blank("death_date") & ~died


@ask(
    182,
    fields=("still_in", "death_date"),
    words="The patient is said to be still in hospital, but there is a date of death.",
    mend="Give the date of discharge, which is the date of death if the patient died in hospital.",
)
def still_in_and_dead() -> pl.Expr:
    return holds("still_in", Yes.YES) & given("death_date")
