"""Rules of the returns: monthly activity, its strata, the organisation profile and the Welsh count. Numbers 250 to 289."""

from functools import partial

import polars as pl

from schemas.codelist import Nation
from schemas.codes import AdmissionGroup, AgeBand, CaseReturn, RiskAssessmentReturn, StratumSex, YesNo
from schemas.finding import Severity
from schemas.record import RecordKind
from schemas.rule import rule
from schemas.rules.expressions import after_receipt, blank, col, given, holds

refuse = partial(rule, severity=Severity.ERROR)
ask = partial(rule, severity=Severity.WARNING)

_CLASSES = ("day_case", "regular_attender", "no_night", "overnight")
COUNTS = tuple(f"{group.value}_{each}" for group in AdmissionGroup for each in _CLASSES)
"""The admissions of the activity return: group by class, in the order of the record."""

_SOURCES = ("imaging_list", "coding", "anticoagulant_clinic", "medical_examiner", "other_trusts")


def _year_begins(field: str = "year") -> pl.Expr:
    """1 April of a financial year written as 2025-26."""
    return pl.date(col(field).str.slice(0, 4).cast(pl.Int32), 4, 1)


def _all_admissions() -> pl.Expr:
    """The sum of all counts, null where one is missing."""
    return pl.sum_horizontal(*(col(each).cast(pl.Int64) for each in COUNTS), ignore_nulls=False)


@refuse(
    250,
    kind=(
        RecordKind.ACTIVITY,
        RecordKind.ACTIVITY_STRATA,
        RecordKind.ORGANISATION_PROFILE,
        RecordKind.WALES_QUARTER,
    ),
    fields=("organisation",),
    words="This row names another organisation than the one that you send for.",
    mend="Send one file for each organisation, or leave it empty.",
)
def return_for_another_organisation() -> pl.Expr:
    return col("organisation") != col("_sender")


@refuse(
    251,
    kind=RecordKind.ACTIVITY,
    fields=("month",),
    words="The month had not begun when the file was received.",
    mend="Check the year and the month.",
)
def month_to_come() -> pl.Expr:
    return after_receipt("month")


@ask(
    252,
    kind=RecordKind.ACTIVITY,
    fields=("case_return", "month"),
    words="The month was not over when the file was received, so its cases cannot be complete yet.",
    mend="Write partial for now, and send the month again when it is over.",
)
def complete_before_the_month_is_over() -> pl.Expr:
    still_on = (col("month") <= col("_on")) & (col("month").dt.offset_by("1mo") > col("_on"))
    return holds("case_return", CaseReturn.COMPLETE, CaseReturn.NIL) & still_on


@ask(
    253,
    kind=RecordKind.ACTIVITY,
    fields=COUNTS,
    words="Every count of admissions is 0. Was there really no admission in this month?",
    mend="If the counts are not known yet, leave the month out of the file.",
)
def no_admissions_at_all() -> pl.Expr:
    return _all_admissions() == 0


@refuse(
    254,
    kind=RecordKind.ACTIVITY,
    fields=("appropriate_prophylaxis", "patients_audited"),
    words="More patients had appropriate prophylaxis than were audited.",
    mend="Check both numbers.",
)
def more_prophylaxis_than_audited() -> pl.Expr:
    return col("appropriate_prophylaxis") > col("patients_audited")


@refuse(
    255,
    kind=RecordKind.ACTIVITY,
    fields=("information_on_admission", "patients_audited"),
    words="More patients had written information on admission than were audited.",
    mend="Check both numbers.",
)
def more_informed_on_admission_than_audited() -> pl.Expr:
    return col("information_on_admission") > col("patients_audited")


@refuse(
    256,
    kind=RecordKind.ACTIVITY,
    fields=("information_on_discharge", "patients_audited"),
    words="More patients had written information on discharge than were audited.",
    mend="Check both numbers.",
)
def more_informed_on_discharge_than_audited() -> pl.Expr:
    return col("information_on_discharge") > col("patients_audited")


@ask(
    257,
    kind=RecordKind.ACTIVITY,
    fields=("patients_audited", "appropriate_prophylaxis", "information_on_admission", "information_on_discharge"),
    words="There are results of an audit, but not how many patients were audited.",
    mend="Give the number of patients audited: without it the results are not shown.",
)
def results_without_audited() -> pl.Expr:
    parts = ("appropriate_prophylaxis", "information_on_admission", "information_on_discharge")
    return blank("patients_audited") & pl.any_horizontal(*(given(part) for part in parts))


@ask(
    258,
    kind=RecordKind.ACTIVITY,
    fields=("risk_assessed", *COUNTS),
    words="More admissions were risk-assessed than there were admissions. Are the same admissions counted in both?",
    mend="Check the number risk-assessed and the counts of admissions.",
)
def more_risk_assessed_than_admitted() -> pl.Expr:
    return col("risk_assessed") > _all_admissions()


@ask(
    259,
    kind=RecordKind.ACTIVITY,
    fields=("risk_assessment_method",),
    words="The risk-assessment figure is from a sample. It is not used; the counts of admissions are.",
    mend="Nothing needs to be done. If the figure covers all admissions after all, correct how it was made.",
)
def risk_assessment_from_a_sample() -> pl.Expr:
    return holds("risk_assessment_method", RiskAssessmentReturn.SAMPLE)


@ask(
    260,
    kind=RecordKind.ACTIVITY,
    fields=("risk_assessment_method", "risk_assessed"),
    words="There is a risk-assessment figure, but not how it was made.",
    mend="Say whether it covers all admissions or a sample.",
)
def risk_assessment_of_unknown_method() -> pl.Expr:
    return given("risk_assessed") & blank("risk_assessment_method")


@ask(
    261,
    kind=RecordKind.ACTIVITY,
    fields=("risk_assessed",),
    words="There is no risk-assessment return in Wales, so this figure is kept but not shown.",
    mend="Leave it empty; nothing is missing without it.",
)
def risk_assessment_in_wales() -> pl.Expr:
    return given("risk_assessed") & (col("_nation") == Nation.WALES.value)


@ask(
    262,
    kind=RecordKind.ACTIVITY,
    fields=("case_return", "coded_candidates"),
    words="The month is given as having no case, but coding shows clots that could be hospital-associated. Were they all reviewed?",
    mend="If some are still to be reviewed, write partial.",
)
def nil_with_coded_candidates() -> pl.Expr:
    return holds("case_return", CaseReturn.NIL) & (col("coded_candidates") > 0)


@ask(
    263,
    kind=RecordKind.ACTIVITY,
    fields=COUNTS,
    words="There are admissions, but none of them overnight. Are the overnight counts in their own columns?",
    mend="Check the counts of one night or more; a hospital that only treats by day may leave them at 0.",
)
def nobody_stayed_overnight() -> pl.Expr:
    overnight = [each for each in COUNTS if each.endswith("_overnight")]
    none = pl.sum_horizontal(*(col(each).cast(pl.Int64) for each in overnight), ignore_nulls=False) == 0
    return none & (_all_admissions() > 0)


@refuse(
    270,
    kind=(RecordKind.ACTIVITY_STRATA, RecordKind.ORGANISATION_PROFILE),
    fields=("year",),
    words="The financial year had not begun when the file was received.",
    mend="Check the year: 2025-26 runs from April 2025 to March 2026.",
)
def year_to_come() -> pl.Expr:
    return _year_begins() > col("_on")


@ask(
    271,
    kind=RecordKind.ACTIVITY_STRATA,
    fields=("year",),
    words="The financial year was not over when the file was received, so its admissions are not complete.",
    mend="Send the year again when it is over.",
)
def year_not_over() -> pl.Expr:
    return (_year_begins() <= col("_on")) & (_year_begins().dt.offset_by("1y") > col("_on"))


@ask(
    272,
    kind=RecordKind.ACTIVITY_STRATA,
    fields=("admissions", "admission_group", "sex"),
    words="There are obstetric admissions of male patients. Are they in the right row?",
    mend="Check the sex and the group of this row.",
)
def obstetric_admissions_of_men() -> pl.Expr:
    men = holds("admission_group", AdmissionGroup.OBSTETRIC) & holds("sex", StratumSex.MALE)
    return men & (col("admissions") > 0)


@ask(
    273,
    kind=RecordKind.ACTIVITY_STRATA,
    fields=("admissions", "admission_group", "age_band"),
    words="There are obstetric admissions of patients aged 60 or over. Are they in the right row?",
    mend="Check the age and the group of this row.",
)
def obstetric_admissions_over_60() -> pl.Expr:
    old = holds("admission_group", AdmissionGroup.OBSTETRIC) & holds("age_band", AgeBand.FROM_60, AgeBand.FROM_75)
    return old & (col("admissions") > 0)


@ask(
    275,
    kind=RecordKind.ORGANISATION_PROFILE,
    fields=_SOURCES,
    words="Every way of finding cases is answered with no. How do cases come to the thrombosis team?",
    mend="Check the answers: without a source nobody can say how complete the cases are.",
)
def no_way_of_finding_cases() -> pl.Expr:
    return pl.all_horizontal(*(holds(each, YesNo.NO) for each in _SOURCES))


@refuse(
    280,
    kind=RecordKind.WALES_QUARTER,
    fields=("quarter",),
    words="This return is made by health boards in Wales only.",
    mend="Send the monthly activity and the cases instead.",
)
def welsh_return_from_elsewhere() -> pl.Expr:
    return given("quarter") & (col("_nation") != Nation.WALES.value)


@refuse(
    281,
    kind=RecordKind.WALES_QUARTER,
    fields=("quarter",),
    words="A quarter begins in April, July, October or January.",
    mend="Give the first month of the quarter.",
)
def not_the_first_month_of_a_quarter() -> pl.Expr:
    return ~col("quarter").dt.month().is_in([1, 4, 7, 10])


@refuse(
    282,
    kind=RecordKind.WALES_QUARTER,
    fields=("quarter",),
    words="The quarter had not begun when the file was received.",
    mend="Check the year and the month.",
)
def quarter_to_come() -> pl.Expr:
    return after_receipt("quarter")


@ask(
    283,
    kind=RecordKind.WALES_QUARTER,
    fields=("quarter",),
    words="The quarter was not over when the file was received, so the count is not final.",
    mend="Send the quarter again when it is over.",
)
def quarter_not_over() -> pl.Expr:
    return (col("quarter") <= col("_on")) & (col("quarter").dt.offset_by("3mo") > col("_on"))


@refuse(
    284,
    kind=RecordKind.WALES_QUARTER,
    fields=("potentially_preventable", "all_hat"),
    words="More events were potentially preventable than there were events.",
    mend="Check both numbers.",
)
def more_preventable_than_all() -> pl.Expr:
    return col("potentially_preventable") > col("all_hat")
