"""For every rule across fields a row that breaks it and the nearest one that does not, as changes to a valid row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from schemas.codelist import Nation
from schemas.record import RecordKind
from schemas.rules.returns import COUNTS
from tests.make import ON


@dataclass(frozen=True)
class Example:
    """`breaks` breaks the rule, `stands` comes as near as may be without breaking it (nothing: the valid row itself)."""

    number: int
    breaks: Mapping[str, str]
    stands: Mapping[str, str] = field(default_factory=dict)
    kind: RecordKind = RecordKind.CASE
    nation: Nation = Nation.ENGLAND
    on: date = ON
    synthetic: bool = True
    stands_synthetic: bool | None = None
    stands_nation: Nation | None = None


def _stay(admitted: str, discharged: str, diagnosed: str, **more: str) -> dict[str, str]:
    return {"admission_date": admitted, "discharge_date": discharged, "diagnosis_date": diagnosed, **more}


# Admitted 1 September, discharged 9 September, diagnosed 20 September 2025, unless an example says otherwise.
IN_STAY = {"diagnosis_date": "2025-09-05", "diagnosis_setting": "index_stay"}
STILL_IN = {"discharge_date": "", "still_in": "yes"}
EARLIER = {"earlier_admission_date": "2025-08-01", "earlier_discharge_date": "2025-08-10"}
ON_FIRST_DAY = {"diagnosis_date": "2025-09-01", "diagnosis_setting": "emergency_department"}
OLD_CLOT = {**ON_FIRST_DAY, "present_on_admission": "yes"}
OBSTETRIC = {
    "admission_group": "obstetric",
    "main_specialty": "501",
    "birth_date": "1994-02-03",
    "pregnancy_status": "postnatal_6_weeks",
}
DIED_IN = {"discharge_method": "4", "discharge_destination": "79", "died_within_90_days": "yes"}

CASES = (
    Example(100, {"nhs_number": ""}, {"nhs_number": "", "nhs_number_reason": "overseas"}),
    Example(101, {"nhs_number_reason": "not_known"}, {"nhs_number": "", "nhs_number_reason": "not_known"}),
    Example(102, {"birth_date": "2025-09-02"}, {"birth_date": "2025-09-01"}),
    Example(103, {"birth_date": "1914-08-31"}, {"birth_date": "1914-09-02"}),
    Example(104, {"birth_date": "2009-09-02"}, {"birth_date": "2009-09-01"}),
    Example(105, {}, {}, synthetic=False, stands_synthetic=True),
    Example(106, {"nhs_number": "9434765919"}, {"nhs_number": "9990000018"}),
    Example(
        107,
        {"nhs_number": "", "nhs_number_reason": "not_known", "nhs_number_status": "01"},
        {"nhs_number": "", "nhs_number_reason": "not_known", "nhs_number_status": "04"},
    ),
    Example(
        108,
        _stay("2026-01-21", "2026-01-22", "2026-01-23"),
        _stay("2026-01-20", "", "2026-01-20", still_in="yes"),
    ),
    Example(109, {"discharge_date": "2026-01-21"}, {"discharge_date": "2026-01-20"}),
    Example(110, {"readmission_date": "2026-01-21"}, {"readmission_date": "2025-09-20"}),
    Example(111, {"discharge_date": "2025-08-31"}, {"discharge_date": "2025-09-01"}),
    Example(112, {"discharge_date": "", "still_in": "no"}, STILL_IN),
    Example(113, {"still_in": "yes"}, {"still_in": "no"}),
    Example(114, {"admission_date": "2024-09-08"}, {"admission_date": "2024-09-09"}),
    Example(
        115,
        {"patient_classification": "day_case"},
        {"patient_classification": "day_case", "discharge_date": "2025-09-01"},
    ),
    Example(
        116,
        {"patient_classification": "not_admitted"},
        {"patient_classification": "not_admitted", "discharge_date": "2025-09-01"},
    ),
    # 23:30 UTC on the last day of August is half past midnight in September by the clocks of England and Wales.
    Example(117, {"admitted_at": "2025-08-31 23:30"}, {"admitted_at": "2025-08-31T23:30:00Z"}),
    Example(118, {"discharged_at": "2025-09-10 00:10"}, {"discharged_at": "2025-09-09 23:50"}),
    Example(
        119,
        {"admitted_at": "2025-09-01 10:00", "discharged_at": "2025-09-01 09:00"},
        {"admitted_at": "2025-09-01 10:00", "discharged_at": "2025-09-09 09:00"},
    ),
    Example(120, {"transferred_from": "RJZ"}, {"transferred_from": "RJ1"}),
    Example(121, {"admission_method": "81"}, {"admission_method": "81", "transferred_from": "RJ1"}),
    Example(122, {"earlier_admission_date": "2025-08-01"}, EARLIER),
    Example(
        123,
        {"earlier_admission_date": "2025-08-11", "earlier_discharge_date": "2025-08-10"},
        {"earlier_admission_date": "2025-08-10", "earlier_discharge_date": "2025-08-10"},
    ),
    Example(
        124, EARLIER | {"earlier_discharge_date": "2025-09-02"}, EARLIER | {"earlier_discharge_date": "2025-09-01"}
    ),
    Example(
        125,
        {"birth_date": "2009-08-02", "earlier_admission_date": "2009-08-01", "earlier_discharge_date": "2025-08-10"},
        EARLIER,
    ),
    Example(126, {"readmission_date": "2025-09-08"}, {"readmission_date": "2025-09-09"}),
    Example(127, {"readmission_date": "2025-09-21"}, {"readmission_date": "2025-09-20"}),
    Example(128, IN_STAY | STILL_IN | {"discharge_method": "1"}, IN_STAY | STILL_IN | {"discharge_method": "8"}),
    Example(129, {"discharge_method": "8"}, {"discharge_method": "1"}),
    Example(140, {"diagnosis_date": "2025-08-31"}, OLD_CLOT | EARLIER),
    Example(141, {"diagnosis_date": "2026-01-21"}, _stay("2026-01-10", "2026-01-15", "2026-01-20")),
    Example(142, ON_FIRST_DAY, ON_FIRST_DAY | EARLIER),
    Example(
        142,
        IN_STAY
        | {"diagnosis_date": "2025-09-02", "admitted_at": "2025-09-01 15:00", "diagnosed_at": "2025-09-02 15:00"},
        IN_STAY
        | {"diagnosis_date": "2025-09-02", "admitted_at": "2025-09-01 15:00", "diagnosed_at": "2025-09-02 15:01"},
    ),
    Example(143, OLD_CLOT, OLD_CLOT | EARLIER),
    Example(144, {"diagnosis_date": "2025-12-09"}, {"diagnosis_date": "2025-12-08"}),
    Example(
        145,
        OLD_CLOT | {"earlier_admission_date": "2025-05-01", "earlier_discharge_date": "2025-06-02"},
        OLD_CLOT | {"earlier_admission_date": "2025-05-01", "earlier_discharge_date": "2025-06-03"},
    ),
    Example(
        146,
        IN_STAY | {"transferred_from": "RJ1", "diagnosis_date": "2025-09-04"},
        IN_STAY | {"transferred_from": "RJ1", "diagnosis_date": "2025-09-05"},
    ),
    Example(
        146,
        IN_STAY | {"transferred_from": "RJ1", "diagnosis_date": "2025-09-04"},
        IN_STAY | {"transferred_from": "RJ1", "diagnosis_date": "2025-09-04", "attributed_organisation": "RJ1"},
    ),
    Example(147, {"diagnosed_at": "2025-09-21 00:00"}, {"diagnosed_at": "2025-09-20 23:59"}),
    Example(
        148,
        OLD_CLOT | EARLIER | {"admitted_at": "2025-09-01 15:00", "diagnosed_at": "2025-09-01 14:00"},
        OLD_CLOT | EARLIER | {"admitted_at": "2025-09-01 15:00", "diagnosed_at": "2025-09-01 15:00"},
    ),
    Example(149, {"diagnosis_setting": "index_stay"}, IN_STAY | {"diagnosis_date": "2025-09-09"}),
    Example(150, IN_STAY | {"diagnosis_setting": "readmission"}, {"diagnosis_setting": "readmission"}),
    Example(151, {"dvt_site": ""}, {"dvt_site": "not_recorded"}),
    Example(152, {"vte_type": "pe", "confirmation": "ctpa"}, {"vte_type": "pe_and_dvt", "confirmation": "ctpa"}),
    Example(
        153,
        {"vte_type": "pe", "confirmation": "ctpa", "dvt_site": "", "dvt_side": "left"},
        {"dvt_side": "left"},
    ),
    Example(154, {"pe_extent": "lobar"}, {"vte_type": "pe_and_dvt", "pe_extent": "lobar"}),
    Example(155, {"dvt_site": "upper_limb"}, {"dvt_site": "upper_limb", "line_related": "unknown"}),
    Example(
        156,
        {"vte_type": "pe", "confirmation": "ctpa", "dvt_site": "", "line_related": "yes"},
        {"dvt_site": "jugular", "line_related": "yes"},
    ),
    Example(157, {"vte_type": "superficial", "dvt_site": ""}, {"dvt_site": "distal_leg"}),
    Example(158, {"confirmation": "clinical_only"}, {"confirmation": "unknown"}),
    Example(159, {"confirmation": "ctpa"}, {"confirmation": "venography"}),
    Example(160, {"symptom_onset_date": "2025-09-21"}, {"symptom_onset_date": "2025-09-20"}),
    Example(161, {"diagnosis_snomed": "706870000"}, {"diagnosis_snomed": "132281000119108"}),
    Example(
        162,
        {"confirmation": "post_mortem"},
        {"confirmation": "post_mortem", "died_within_90_days": "yes"},
    ),
    Example(
        163,
        {"death_date": "2025-09-19", "died_within_90_days": "yes"},
        {"death_date": "2025-09-19", "died_within_90_days": "yes", "confirmation": "post_mortem"},
    ),
    Example(165, {"procedure_date": "2025-09-10"}, {"procedure_date": "2025-09-09"}),
    Example(166, {"procedure_date": "2026-01-21"}, {"procedure_date": "2025-09-02"}),
    Example(
        167,
        {"anaesthetic": "none", "anaesthetic_minutes": "1"},
        {"anaesthetic": "none", "anaesthetic_minutes": "0"},
    ),
    Example(168, OBSTETRIC | {"sex": "male"}, OBSTETRIC),
    Example(169, {"sex": "male", "main_specialty": "560"}, {"sex": "male", "main_specialty": "300"}),
    Example(
        170, {"sex": "male", "pregnancy_status": "pregnant"}, {"sex": "male", "pregnancy_status": "not_applicable"}
    ),
    Example(171, OBSTETRIC | {"birth_date": "1969-08-31"}, OBSTETRIC | {"birth_date": "1969-09-02"}),
    Example(172, OBSTETRIC | {"pregnancy_status": "not_pregnant"}, OBSTETRIC | {"pregnancy_status": "unknown"}),
    Example(173, OBSTETRIC | {"diagnosis_date": "2025-12-09"}, OBSTETRIC | {"diagnosis_date": "2025-12-08"}),
    Example(174, {"death_date": "2026-01-21"}, {"death_date": "2026-01-20"}),
    Example(175, {"death_date": "2025-08-31"}, {"death_date": "2025-09-09"}),
    Example(176, {"death_date": "2025-09-08"}, {"death_date": "2025-09-09"}),
    Example(177, {"death_date": "2025-12-19"}, {"death_date": "2025-12-20"}),
    Example(
        177,
        {"death_date": "2025-12-20", "died_within_90_days": "yes"},
        {"death_date": "2025-12-19", "died_within_90_days": "yes"},
    ),
    Example(
        178,
        {"died_within_90_days": "not_yet", "diagnosis_date": "2025-10-21"},
        {"died_within_90_days": "not_yet", "diagnosis_date": "2025-10-22"},
    ),
    Example(
        179,
        {"discharge_method": "4", "discharge_destination": "19"},
        {"discharge_method": "1", "discharge_destination": "19"},
    ),
    Example(180, IN_STAY | DIED_IN, IN_STAY | DIED_IN | {"death_date": "2025-09-09"}),
    Example(
        181,
        {"death_cause": "contributory"},
        {"death_cause": "contributory", "died_within_90_days": "yes"},
    ),
    Example(182, IN_STAY | STILL_IN | {"death_date": "2025-09-30"}, IN_STAY | STILL_IN),
)


def _rca(number: int, breaks: Mapping[str, str], stands: Mapping[str, str] | None = None) -> Example:
    return Example(number, breaks, stands or {}, kind=RecordKind.RCA)


# A review that found nothing wrong: adequate prophylaxis was given and failed.
FAILURE = {
    "prophylaxis_given": "yes",
    "doses_missed_avoidably": "0",
    "category": "prophylaxis_failure",
    "inadequacies": "",
    "preventability": "not_preventable",
}
NOT_GIVEN = {"prophylaxis_given": "no", "first_dose_within_14_hours": "no"}
NOT_ASSESSED = {
    "risk_assessed": "no",
    "assessed_within_14_hours": "no",
    "assessment_correct": "not_applicable",
}

RCAS = (
    _rca(
        200,
        {"inadequacies": "assessed_late|documentation|refused_dose"},
        {"inadequacies": "assessed_late|not_restarted"},
    ),
    _rca(200, {"inadequacies": ""}),
    _rca(201, FAILURE | {"inadequacies": "documentation"}, FAILURE),
    _rca(202, FAILURE | {"prophylaxis_given": "partly"}, FAILURE),
    _rca(203, {"category": ""}, {"category": "", "preventability": ""}),
    _rca(204, {"preventability": ""}, {"preventability": "", "category": "not_hat"}),
    _rca(205, {"category": "not_hat"}, {"category": "not_hat", "preventability": "not_preventable"}),
    _rca(206, {"inadequacies": "", "category": "unclassifiable"}),
    _rca(207, {"preventability": "not_preventable"}, {"preventability": "preventable_psii"}),
    _rca(
        208,
        FAILURE | {"would_have_changed_outcome": "likely"},
        FAILURE | {"would_have_changed_outcome": "unlikely"},
    ),
    _rca(209, {"response_type": "screening"}, FAILURE | {"response_type": "screening"}),
    _rca(
        209,
        FAILURE | {"response_type": "screening", "risk_assessed": "incomplete"},
        FAILURE | {"response_type": "screening", "risk_assessed": "exempt_cohort"},
    ),
    _rca(209, FAILURE | {"response_type": "screening", "extended": "short"}, FAILURE | {"response_type": "screening"}),
    _rca(210, {"judged_by": ""}, {"judged_by": "", "category": "", "preventability": ""}),
    _rca(211, {"judged_on": "2026-01-21"}, {"judged_on": "2026-01-20"}),
    _rca(212, {"candour_told_on": "2026-01-21"}, {"candour_told_on": "2026-01-20"}),
    _rca(213, {"candour_told_on": ""}, {"candour_told_on": "", "candour_threshold_met": "unknown"}),
    _rca(
        214,
        {"candour_threshold_met": "no", "physical_harm": "moderate"},
        {"candour_threshold_met": "no", "physical_harm": "low"},
    ),
    _rca(215, NOT_ASSESSED | {"assessed_within_14_hours": "yes"}, NOT_ASSESSED),
    _rca(216, NOT_ASSESSED | {"assessed_at": "2025-09-01 12:00"}, {"assessed_at": "2025-09-01 12:00"}),
    _rca(217, NOT_ASSESSED | {"assessment_correct": "incorrect"}, NOT_ASSESSED),
    _rca(
        218, {"inadequacies": "missed_doses|not_assessed"}, NOT_ASSESSED | {"inadequacies": "missed_doses|not_assessed"}
    ),
    _rca(
        219,
        {"inadequacies": "missed_doses|assessed_late"},
        {"inadequacies": "missed_doses|assessed_late", "assessed_within_14_hours": "no"},
    ),
    _rca(220, {"assessed_at": "2026-01-21 00:00"}, {"assessed_at": "2026-01-20 23:59"}),
    _rca(221, {"first_dose_at": "2026-01-21 00:00"}, {"first_dose_at": "2026-01-20 23:59"}),
    _rca(222, NOT_GIVEN | {"first_dose_at": "2025-09-01 18:00"}, NOT_GIVEN),
    _rca(222, NOT_GIVEN | {"first_dose_within_14_hours": "yes"}, NOT_GIVEN),
    _rca(223, {"prophylaxis_prescribed": "no"}, NOT_GIVEN | {"prophylaxis_prescribed": "no"}),
    _rca(224, {"prophylaxis_given": "yes"}, FAILURE),
    _rca(225, {"inadequacies": "delayed_start"}, {"inadequacies": "delayed_start", "doses_missed_avoidably": "0"}),
    _rca(226, {"doses_missed_avoidably": "0"}, {"doses_missed_avoidably": "1"}),
    _rca(227, {"doses_given": "13", "doses_due": "12"}, {"doses_given": "10", "doses_due": "12"}),
    _rca(228, {"doses_missed_avoidably": "3", "doses_due": "2"}, {"doses_missed_avoidably": "2", "doses_due": "2"}),
    _rca(229, {"doses_given": "11", "doses_due": "12"}, {"doses_given": "10", "doses_due": "12"}),
    _rca(
        230,
        {"inadequacies": "missed_doses|not_prescribed"},
        NOT_GIVEN | {"inadequacies": "missed_doses|not_prescribed", "prophylaxis_prescribed": "no"},
    ),
    _rca(
        231,
        {"inadequacies": "missed_doses|mechanical"},
        {"inadequacies": "missed_doses|mechanical", "mechanical": "omitted"},
    ),
    _rca(
        232, {"inadequacies": "missed_doses|extended"}, {"inadequacies": "missed_doses|extended", "extended": "short"}
    ),
    _rca(233, {"extended_days": "28"}, {"extended_days": "28", "extended": "given"}),
    _rca(
        234,
        FAILURE | {"category": "not_indicated"},
        FAILURE | {"category": "not_indicated", "prophylaxis_indicated": "no"},
    ),
    _rca(235, {"agent": "none"}, NOT_GIVEN | {"agent": "none"}),
    _rca(236, {"dose_fit": "too_low"}, {"dose_fit": "too_low", "inadequacies": "missed_doses|wrong_dose"}),
    _rca(237, {"thrombosis_factors": "THP1|none"}, {"thrombosis_factors": "none"}),
    _rca(238, {"bleeding_factors": "none|BA4"}, {"bleeding_factors": "BA4|BP1"}),
    _rca(
        239,
        {"mobility": "MOB-M0", "thrombosis_factors": "THP2"},
        {"mobility": "MOB-M0", "thrombosis_factors": "none"},
    ),
    _rca(240, NOT_ASSESSED | {"mobility": "MOB-S"}, {"mobility": "MOB-S"}),
    _rca(241, FAILURE | {"missed_dose_reasons": "refused"}, {"missed_dose_reasons": "refused|not_signed"}),
    _rca(
        241,
        {
            "missed_dose_reasons": "clinical_decision",
            "prophylaxis_given": "not_recorded",
            "doses_missed_avoidably": "0",
        },
        {"missed_dose_reasons": "clinical_decision", "doses_missed_avoidably": "0"},
    ),
    _rca(
        241,
        {"missed_dose_reasons": "refused", "prophylaxis_given": "yes", "doses_missed_avoidably": ""},
        {"missed_dose_reasons": "refused", "prophylaxis_given": "no", "doses_missed_avoidably": ""},
    ),
)


def _activity(number: int, breaks: Mapping[str, str], stands: Mapping[str, str] | None = None) -> Example:
    return Example(number, breaks, stands or {}, kind=RecordKind.ACTIVITY)


def _strata(number: int, breaks: Mapping[str, str], stands: Mapping[str, str] | None = None) -> Example:
    return Example(number, breaks, stands or {}, kind=RecordKind.ACTIVITY_STRATA)


def _welsh(number: int, breaks: Mapping[str, str], stands: Mapping[str, str] | None = None) -> Example:
    return Example(number, breaks, stands or {}, kind=RecordKind.WALES_QUARTER, nation=Nation.WALES)


def _counts(value: str, ending: str = "") -> dict[str, str]:
    return {name: value for name in COUNTS if name.endswith(ending)}


_NO_SOURCE = dict.fromkeys(("imaging_list", "coding", "anticoagulant_clinic", "medical_examiner", "other_trusts"), "no")

RETURNS = (
    *(
        Example(
            250,
            {"organisation": "RJ1"},
            {"organisation": "RJZ"},
            kind=kind,
            nation=Nation.WALES if kind is RecordKind.WALES_QUARTER else Nation.ENGLAND,
        )
        for kind in (
            RecordKind.ACTIVITY,
            RecordKind.ACTIVITY_STRATA,
            RecordKind.ORGANISATION_PROFILE,
            RecordKind.WALES_QUARTER,
        )
    ),
    _activity(251, {"month": "2026-02"}, {"month": "2026-01", "case_return": "partial"}),
    _activity(252, {"month": "2026-01"}, {"month": "2025-12"}),
    _activity(252, {"month": "2026-01", "case_return": "nil"}, {"month": "2026-01", "case_return": "partial"}),
    _activity(253, _counts("0"), _counts("0") | {"medical_overnight": "1"}),
    _activity(
        254,
        {"patients_audited": "20", "appropriate_prophylaxis": "21"},
        {"patients_audited": "20", "appropriate_prophylaxis": "20"},
    ),
    _activity(
        255,
        {"patients_audited": "20", "information_on_admission": "21"},
        {"patients_audited": "20", "information_on_admission": "20"},
    ),
    _activity(
        256,
        {"patients_audited": "20", "information_on_discharge": "21"},
        {"patients_audited": "20", "information_on_discharge": "20"},
    ),
    _activity(257, {"appropriate_prophylaxis": "0"}, {"patients_audited": "0", "appropriate_prophylaxis": "0"}),
    _activity(
        258,
        {"risk_assessed": "2401", "risk_assessment_method": "census"},
        {"risk_assessed": "2400", "risk_assessment_method": "census"},
    ),
    _activity(
        259,
        {"risk_assessed": "300", "risk_assessment_method": "sample"},
        {"risk_assessed": "2300", "risk_assessment_method": "census"},
    ),
    _activity(260, {"risk_assessed": "2300"}, {"risk_assessed": "2300", "risk_assessment_method": "census"}),
    Example(
        261,
        {"risk_assessed": "2300", "risk_assessment_method": "census"},
        {"risk_assessed": "2300", "risk_assessment_method": "census"},
        kind=RecordKind.ACTIVITY,
        nation=Nation.WALES,
        stands_nation=Nation.ENGLAND,
    ),
    _activity(
        262,
        {"case_return": "nil", "coded_candidates": "1"},
        {"case_return": "nil", "coded_candidates": "0"},
    ),
    _activity(263, _counts("0", "_overnight"), _counts("0", "_overnight") | {"obstetric_overnight": "1"}),
    _strata(270, {"year": "2026-27"}),
    Example(270, {"year": "2026-27"}, {"year": "2025-26"}, kind=RecordKind.ORGANISATION_PROFILE),
    _strata(271, {"year": "2025-26"}, {"year": "2024-25"}),
    _strata(
        272,
        {"admission_group": "obstetric", "sex": "male", "age_band": "16-39"},
        {"admission_group": "obstetric", "sex": "male", "age_band": "16-39", "admissions": "0"},
    ),
    _strata(273, {"admission_group": "obstetric"}, {"admission_group": "obstetric", "age_band": "40-59"}),
    Example(275, _NO_SOURCE, _NO_SOURCE | {"coding": "unknown"}, kind=RecordKind.ORGANISATION_PROFILE),
    Example(
        280,
        {},
        {},
        kind=RecordKind.WALES_QUARTER,
        nation=Nation.ENGLAND,
        stands_nation=Nation.WALES,
    ),
    _welsh(281, {"quarter": "2025-08"}),
    _welsh(282, {"quarter": "2026-04"}, {"quarter": "2026-01"}),
    _welsh(283, {"quarter": "2026-01"}, {"quarter": "2025-10"}),
    _welsh(284, {"potentially_preventable": "22"}, {"potentially_preventable": "21"}),
)

EXAMPLES = (*CASES, *RCAS, *RETURNS)
