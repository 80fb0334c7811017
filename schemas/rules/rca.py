"""Rules of a review. Numbers 200 to 249.

A review may arrive unfinished, so an empty answer is never an error; forms are often wrong and being wrong is itself a finding,
so nearly all rules ask. Refused is only what contradicts a definition or arithmetic.
"""

from functools import partial

import polars as pl

from schemas.codes import (
    OF_PROPHYLAXIS,
    Agent,
    BleedingFactor,
    Correct,
    DoseFit,
    Extended,
    Given,
    HatCategory,
    Inadequacy,
    Indicated,
    Mechanical,
    Mobility,
    OutcomeChange,
    PhysicalHarm,
    Preventability,
    ResponseType,
    RiskAssessment,
    ThrombosisFactor,
    Timely,
    YesNo,
)
from schemas.finding import Severity
from schemas.record import RecordKind
from schemas.rule import rule
from schemas.rules.expressions import after_receipt, blank, col, given, holds, includes, local_date

refuse = partial(rule, kind=RecordKind.RCA)
ask = partial(rule, kind=RecordKind.RCA, severity=Severity.WARNING)


def _preventable() -> pl.Expr:
    return holds("preventability", Preventability.PREVENTABLE, Preventability.PREVENTABLE_PSII)


def _names(inadequacy: Inadequacy) -> pl.Expr:
    """The inadequacy is among those named; false where none is."""
    return includes("inadequacies", inadequacy).fill_null(False)


@refuse(
    200,
    fields=("category", "inadequacies"),
    words="The finding is inadequate prophylaxis, but nothing is named in which the prophylaxis itself fell short.",
    mend="Name at least one: not prescribed, wrong agent or dose, delayed, missed doses, not restarted, mechanical or extended. "
    "A late assessment, a gap in the notes or a refused dose alone is a gap in care, not inadequate prophylaxis.",
)
def inadequate_without_inadequacy_of_prophylaxis() -> pl.Expr:
    named = includes("inadequacies", *OF_PROPHYLAXIS).fill_null(False)
    return holds("category", HatCategory.INADEQUATE) & ~named


@ask(
    201,
    fields=("category", "inadequacies"),
    words="Prophylaxis failure means that adequate prophylaxis was given, but something is named that fell short. Which is right?",
    mend="Correct the finding, or take out what did not fall short.",
)
def failure_with_inadequacy() -> pl.Expr:
    return holds("category", HatCategory.FAILURE) & (col("inadequacies").list.len() > 0)


@ask(
    202,
    fields=("category", "prophylaxis_prescribed", "prophylaxis_given"),
    words="Prophylaxis failure means that adequate prophylaxis was given, but it was not prescribed or not fully given.",
    mend="Correct the finding, or the answers about prophylaxis.",
)
def failure_without_prophylaxis() -> pl.Expr:
    without = holds("prophylaxis_prescribed", YesNo.NO).fill_null(False) | holds(
        "prophylaxis_given", Given.NO, Given.PARTLY
    ).fill_null(False)
    return holds("category", HatCategory.FAILURE) & without


@ask(
    203,
    fields=("category", "preventability"),
    words="Preventability is judged, but there is no finding. The review counts as done only with both.",
    mend="Give the finding too.",
)
def preventability_without_category() -> pl.Expr:
    return given("preventability") & blank("category")


@ask(
    204,
    fields=("preventability", "category"),
    words="There is a finding, but preventability is not judged. The review counts as done only with both.",
    mend="Judge preventability too.",
)
def category_without_preventability() -> pl.Expr:
    return blank("preventability") & (col("category") != HatCategory.NOT_HAT.value)


@ask(
    205,
    fields=("preventability", "category"),
    words="The clot was not hospital-associated, but it is judged to be preventable. Which is right?",
    mend="Correct the finding or the judgement.",
)
def preventable_but_not_hospital_associated() -> pl.Expr:
    return _preventable() & holds("category", HatCategory.NOT_HAT)


@ask(
    206,
    fields=("inadequacies", "preventability"),
    words="The clot is judged to be preventable, but nothing is named that fell short. What was it?",
    mend="Name what fell short, or correct the judgement.",
)
def preventable_without_inadequacy() -> pl.Expr:
    return _preventable() & blank("inadequacies")


@ask(
    207,
    fields=("preventability", "category"),
    words="Prophylaxis was inadequate, yet the clot is judged not to be preventable. Is that meant?",
    mend="Check the judgement; if it is meant, nothing needs to be done.",
)
def inadequate_but_not_preventable() -> pl.Expr:
    return holds("preventability", Preventability.NOT_PREVENTABLE) & holds("category", HatCategory.INADEQUATE)


@ask(
    208,
    fields=("would_have_changed_outcome", "preventability"),
    words="Better care is said to have been likely to change the outcome, but the clot is judged not to be preventable.",
    mend="Correct the one that is wrong.",
)
def outcome_would_have_changed_but_not_preventable() -> pl.Expr:
    likely = holds("would_have_changed_outcome", OutcomeChange.LIKELY)
    return likely & holds("preventability", Preventability.NOT_PREVENTABLE)


@ask(
    209,
    fields=("response_type", "preventability", "risk_assessed", "doses_missed_avoidably", "extended", "inadequacies"),
    words="A screening review is enough only where the patient was assessed, had the right prophylaxis in full and the clot was "
    "not preventable. Something here says otherwise.",
    mend="Choose a fuller review, or correct the answer.",
)
def screening_review_not_enough() -> pl.Expr:
    assessed = holds("risk_assessed", RiskAssessment.COMPLETE, RiskAssessment.EXEMPT_COHORT)
    otherwise = (
        _preventable(),
        ~assessed,
        col("doses_missed_avoidably") > 0,
        holds("extended", Extended.SHORT, Extended.OMITTED),
        includes("inadequacies", *OF_PROPHYLAXIS),
    )
    return holds("response_type", ResponseType.SCREENING) & pl.any_horizontal(
        *(each.fill_null(False) for each in otherwise)
    )


@ask(
    210,
    fields=("judged_by", "category"),
    words="There is a finding, but not the role of the person who judged.",
    mend="Give the role, never the name.",
)
def finding_without_judge() -> pl.Expr:
    return given("category") & blank("judged_by")


@refuse(
    211,
    fields=("judged_on",),
    words="The date of the judgement had not come yet when the file was received.",
    mend="Check the year, and whether day and month are swapped.",
)
def judged_after_receipt() -> pl.Expr:
    return after_receipt("judged_on")


@refuse(
    212,
    fields=("candour_told_on",),
    words="The date when the patient or family was told had not come yet when the file was received.",
    mend="Check the year, and whether day and month are swapped.",
)
def told_after_receipt() -> pl.Expr:
    return after_receipt("candour_told_on")


@ask(
    213,
    fields=("candour_told_on", "candour_threshold_met"),
    words="The threshold of the duty of candour was met, but there is no date when the patient or family was told.",
    mend="Give the date as soon as they have been told.",
)
def candour_without_date() -> pl.Expr:
    return holds("candour_threshold_met", YesNo.YES) & blank("candour_told_on")


@ask(
    214,
    fields=("candour_threshold_met", "physical_harm"),
    words="Harm was moderate or worse, but the threshold of the duty of candour is said not to have been met. Is that so?",
    mend="Check both answers; harm that was not caused by the care does not meet the threshold.",
)
def harm_without_candour() -> pl.Expr:
    harmed = holds("physical_harm", PhysicalHarm.MODERATE, PhysicalHarm.SEVERE, PhysicalHarm.FATAL)
    return harmed & holds("candour_threshold_met", YesNo.NO)


@ask(
    215,
    fields=("assessed_within_14_hours", "risk_assessed"),
    words="The risk assessment was not done, but it is said to have been done within 14 hours.",
    mend="Correct the one that is wrong.",
)
def timely_but_not_assessed() -> pl.Expr:
    return holds("assessed_within_14_hours", Timely.YES) & holds("risk_assessed", RiskAssessment.NO)


@ask(
    216,
    fields=("assessed_at", "risk_assessed"),
    words="The risk assessment was not done, but there is a time at which it was done.",
    mend="Correct the answer, or take the time out.",
)
def assessment_time_without_assessment() -> pl.Expr:
    return given("assessed_at") & holds("risk_assessed", RiskAssessment.NO)


@ask(
    217,
    fields=("assessment_correct", "risk_assessed"),
    words="The risk assessment was not done, but it is said to have been correct or not.",
    mend="Correct the one that is wrong; for an assessment that was not done choose: does not apply.",
)
def judged_correct_but_not_assessed() -> pl.Expr:
    return holds("assessment_correct", Correct.CORRECT, Correct.INCORRECT) & holds("risk_assessed", RiskAssessment.NO)


@ask(
    218,
    fields=("inadequacies", "risk_assessed"),
    words="Among what fell short is that the risk assessment was not done, but it is said to be complete.",
    mend="Correct the one that is wrong.",
)
def not_assessed_but_complete() -> pl.Expr:
    return _names(Inadequacy.NOT_ASSESSED) & holds("risk_assessed", RiskAssessment.COMPLETE)


@ask(
    219,
    fields=("inadequacies", "assessed_within_14_hours"),
    words="Among what fell short is a late risk assessment, but it is said to have been done within 14 hours.",
    mend="Correct the one that is wrong.",
)
def late_but_within_14_hours() -> pl.Expr:
    return _names(Inadequacy.ASSESSED_LATE) & holds("assessed_within_14_hours", Timely.YES)


@refuse(
    220,
    fields=("assessed_at",),
    words="The time of the risk assessment had not come yet when the file was received.",
    mend="Check the year, and whether day and month are swapped.",
)
def assessed_after_receipt() -> pl.Expr:
    return local_date("assessed_at") > col("_on")


@refuse(
    221,
    fields=("first_dose_at",),
    words="The time of the first dose had not come yet when the file was received.",
    mend="Check the year, and whether day and month are swapped.",
)
def first_dose_after_receipt() -> pl.Expr:
    return local_date("first_dose_at") > col("_on")


@ask(
    222,
    fields=("first_dose_within_14_hours", "first_dose_at", "prophylaxis_given"),
    words="Drug prophylaxis was not given, but there is an answer or a time for the first dose.",
    mend="Correct the one that is wrong.",
)
def first_dose_but_not_given() -> pl.Expr:
    dosed = holds("first_dose_within_14_hours", Timely.YES).fill_null(False) | given("first_dose_at")
    return holds("prophylaxis_given", Given.NO) & dosed


@ask(
    223,
    fields=("prophylaxis_given", "prophylaxis_prescribed"),
    words="Drug prophylaxis was given, but it is said not to have been prescribed. Are both right?",
    mend="Check both answers.",
)
def given_but_not_prescribed() -> pl.Expr:
    return holds("prophylaxis_given", Given.YES, Given.PARTLY) & holds("prophylaxis_prescribed", YesNo.NO)


@ask(
    224,
    fields=("prophylaxis_given", "doses_missed_avoidably"),
    words="Drug prophylaxis was given as prescribed, but doses were missed.",
    mend="If doses were missed, choose: partly.",
)
def given_in_full_with_missed_doses() -> pl.Expr:
    return holds("prophylaxis_given", Given.YES) & (col("doses_missed_avoidably") > 0)


@ask(
    225,
    fields=("inadequacies", "doses_missed_avoidably", "category"),
    words="Doses were missed avoidably, but missed doses are not among what fell short.",
    mend="Add missed doses to what fell short, or correct the number.",
)
def missed_doses_not_named() -> pl.Expr:
    return (col("doses_missed_avoidably") > 0) & given("category") & ~_names(Inadequacy.MISSED_DOSES)


@ask(
    226,
    fields=("doses_missed_avoidably", "inadequacies"),
    words="Missed doses are among what fell short, but none is counted.",
    mend="Correct the number, or take missed doses out.",
)
def missed_doses_named_but_none_counted() -> pl.Expr:
    return (col("doses_missed_avoidably") == 0) & _names(Inadequacy.MISSED_DOSES)


@refuse(
    227,
    fields=("doses_given", "doses_due"),
    words="More doses were given than were due.",
    mend="Check both numbers.",
)
def more_doses_given_than_due() -> pl.Expr:
    return col("doses_given") > col("doses_due")


@refuse(
    228,
    fields=("doses_missed_avoidably", "doses_due"),
    words="More doses were missed than were due.",
    mend="Check both numbers.",
)
def more_doses_missed_than_due() -> pl.Expr:
    return col("doses_missed_avoidably") > col("doses_due")


@ask(
    229,
    fields=("doses_missed_avoidably", "doses_given", "doses_due"),
    words="Doses given and doses missed are together more than were due. Are the three numbers right?",
    mend="Check the three numbers.",
)
def doses_do_not_add_up() -> pl.Expr:
    most = pl.max_horizontal("doses_given", "doses_missed_avoidably")
    return (col("doses_given") + col("doses_missed_avoidably") > col("doses_due")) & (most <= col("doses_due"))


@ask(
    230,
    fields=("inadequacies", "prophylaxis_prescribed"),
    words="Among what fell short is that prophylaxis was not prescribed, but it is said to have been prescribed.",
    mend="Correct the one that is wrong; if it was prescribed too late, choose: delayed start.",
)
def not_prescribed_but_prescribed() -> pl.Expr:
    return _names(Inadequacy.NOT_PRESCRIBED) & holds("prophylaxis_prescribed", YesNo.YES)


@ask(
    231,
    fields=("inadequacies", "mechanical"),
    words="Among what fell short is mechanical prophylaxis, but it is said to have been applied or not to have been indicated.",
    mend="Correct the one that is wrong.",
)
def mechanical_fell_short_but_applied() -> pl.Expr:
    return _names(Inadequacy.MECHANICAL) & holds("mechanical", Mechanical.APPLIED, Mechanical.NONE_INDICATED)


@ask(
    232,
    fields=("inadequacies", "extended"),
    words="Among what fell short is extended prophylaxis, but it is said to have been supplied in full or not to be expected.",
    mend="Correct the one that is wrong.",
)
def extended_fell_short_but_given() -> pl.Expr:
    return _names(Inadequacy.EXTENDED) & holds("extended", Extended.GIVEN, Extended.NOT_EXPECTED)


@ask(
    233,
    fields=("extended_days", "extended"),
    words="There are days of extended prophylaxis, but none is said to have been supplied or expected.",
    mend="Correct the answer or the number of days.",
)
def extended_days_without_supply() -> pl.Expr:
    return (col("extended_days") > 0) & holds("extended", Extended.NOT_EXPECTED, Extended.OMITTED)


@ask(
    234,
    fields=("category", "prophylaxis_indicated"),
    words="The finding says that drug prophylaxis was contraindicated or not indicated, but the answer says that it was indicated.",
    mend="Correct the one that is wrong.",
)
def finding_against_indication() -> pl.Expr:
    against = holds("category", HatCategory.CONTRAINDICATED, HatCategory.NOT_INDICATED)
    return against & holds("prophylaxis_indicated", Indicated.YES)


@ask(
    235,
    fields=("agent", "prophylaxis_given"),
    words="Drug prophylaxis was given, but the drug is said to be none. Which drug was it?",
    mend="Choose the drug, or not recorded.",
)
def given_without_drug() -> pl.Expr:
    return holds("agent", Agent.NONE) & holds("prophylaxis_given", Given.YES, Given.PARTLY)


@ask(
    236,
    fields=("inadequacies", "dose_fit", "category"),
    words="The dose is said to have been too low, but a wrong dose is not among what fell short.",
    mend="Add wrong dose to what fell short, or correct the answer about the dose.",
)
def low_dose_not_named() -> pl.Expr:
    return holds("dose_fit", DoseFit.TOO_LOW) & given("category") & ~_names(Inadequacy.WRONG_DOSE)


@refuse(
    237,
    fields=("thrombosis_factors",),
    words="The thrombosis factors hold both “none ticked” and a factor.",
    mend="Take out “none ticked”, or the factors.",
)
def no_thrombosis_factor_and_some() -> pl.Expr:
    return includes("thrombosis_factors", ThrombosisFactor.NONE) & (col("thrombosis_factors").list.len() > 1)


@refuse(
    238,
    fields=("bleeding_factors",),
    words="The bleeding factors hold both “none ticked” and a factor.",
    mend="Take out “none ticked”, or the factors.",
)
def no_bleeding_factor_and_some() -> pl.Expr:
    return includes("bleeding_factors", BleedingFactor.NONE) & (col("bleeding_factors").list.len() > 1)


@ask(
    239,
    fields=("mobility", "thrombosis_factors"),
    words="The box for a medical patient without reduced mobility ends the assessment, but thrombosis factors are ticked too.",
    mend="Check the form. If it was filled in like this, leave it: an assessment done wrongly is itself a finding.",
)
def factors_after_the_end_of_the_assessment() -> pl.Expr:
    ticked = (col("thrombosis_factors").list.len() > 0) & ~includes("thrombosis_factors", ThrombosisFactor.NONE)
    return holds("mobility", Mobility.NOT_REDUCED) & ticked


@ask(
    240,
    fields=("risk_assessed", "mobility", "thrombosis_factors", "bleeding_factors"),
    words="The risk assessment was not done, but boxes of its form are ticked.",
    mend="Correct the answer, or take the ticks out.",
)
def boxes_ticked_without_assessment() -> pl.Expr:
    ticked = given("mobility") | given("thrombosis_factors") | given("bleeding_factors")
    return holds("risk_assessed", RiskAssessment.NO) & ticked


@ask(
    241,
    fields=("missed_dose_reasons", "doses_missed_avoidably", "prophylaxis_given"),
    words="There are reasons why doses were missed, but no dose is said to have been missed.",
    mend="Correct the answers about doses, or take the reasons out.",
)
def missed_dose_reasons_without_missed_dose() -> pl.Expr:
    missed = (col("doses_missed_avoidably") > 0).fill_null(False) | holds(
        "prophylaxis_given", Given.PARTLY, Given.NO
    ).fill_null(False)
    none = (col("doses_missed_avoidably") == 0).fill_null(False) | holds(
        "prophylaxis_given", Given.YES, Given.NOT_APPLICABLE
    ).fill_null(False)
    return given("missed_dose_reasons") & none & ~missed
