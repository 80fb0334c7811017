"""Made-up rows that show how each template is filled in. Nobody's data: the NHS numbers are test numbers never issued.

The rows break no rule. A blank cell is a field that does not apply or is not known.
"""

from schemas.dictionary import fields
from schemas.record import RecordKind

_DVT_AFTER_DISCHARGE = {
    "local_case_id": "HAT-2025-001",
    "nhs_number": "9990000018",
    "birth_date": "1951-04-12",
    "sex": "female",
    "admission_date": "2025-07-01",
    "discharge_date": "2025-07-09",
    "patient_classification": "ordinary",
    "admission_group": "orthopaedic_trauma",
    "main_specialty": "110",
    "vte_type": "dvt",
    "dvt_site": "proximal_leg",
    "diagnosis_date": "2025-07-24",
    "diagnosis_setting": "clinic",
    "confirmation": "ultrasound",
    "present_on_admission": "no",
    "how_found": "imaging_list",
    "died_within_90_days": "no",
    "admitted_at": "2025-07-01 07:30",
    "dvt_side": "left",
    "diagnosis_snomed": "132251000119101",
    "symptom_onset_date": "2025-07-22",
    "recurrent": "no",
    "incidental": "no",
    "active_cancer": "no",
    "admission_method": "11",
    "discharge_method": "1",
    "discharge_destination": "19",
    "procedure_date": "2025-07-01",
    "anaesthetic": "regional",
    "anaesthetic_minutes": "105",
    "nhs_number_status": "01",
}
_PE_IN_STAY = {
    "local_case_id": "HAT-2025-002",
    "nhs_number_reason": "overseas",
    "birth_date": "1968-11-30",
    "sex": "male",
    "admission_date": "2025-08-11",
    "discharge_date": "2025-08-27",
    "patient_classification": "ordinary",
    "admission_group": "medical",
    "main_specialty": "340",
    "vte_type": "pe",
    "diagnosis_date": "2025-08-17",
    "diagnosis_setting": "index_stay",
    "confirmation": "ctpa",
    "present_on_admission": "no",
    "how_found": "clinician",
    "died_within_90_days": "no",
    "pe_extent": "segmental",
    "admission_method": "21",
}
_REVIEW = {
    "local_case_id": "HAT-2025-001",
    "response_type": "mdt",
    "judged_by": "thrombosis_consultant",
    "judged_on": "2025-09-15",
    "risk_assessed": "complete",
    "assessed_within_14_hours": "yes",
    "assessment_correct": "correct",
    "prophylaxis_indicated": "yes",
    "prophylaxis_prescribed": "yes",
    "prophylaxis_given": "partly",
    "first_dose_within_14_hours": "yes",
    "doses_missed_avoidably": "2",
    "mechanical": "none_indicated",
    "extended": "short",
    "category": "inadequate_prophylaxis",
    "inadequacies": "missed_doses|extended",
    "preventability": "preventable",
    "would_have_changed_outcome": "cannot_say",
    "contributory_factors": "communication|tasks",
    "candour_threshold_met": "yes",
    "candour_told_on": "2025-09-18",
    "learning_point": "The days to be supplied after discharge are now printed on the ward's discharge checklist.",
    "actions": "1",
    "mobility": "MOB-S",
    "thrombosis_factors": "THP2|THA2|THA4",
    "bleeding_factors": "none",
    "agent": "dalteparin",
    "dose_fit": "right",
    "missed_dose_reasons": "not_signed|patient_unavailable",
    "extended_days": "14",
    "physical_harm": "moderate",
}
_SCREENED = {
    "local_case_id": "HAT-2025-002",
    "response_type": "screening",
    "judged_by": "vte_nurse",
    "judged_on": "2025-09-01",
    "risk_assessed": "complete",
    "assessed_within_14_hours": "yes",
    "assessment_correct": "correct",
    "prophylaxis_indicated": "yes",
    "prophylaxis_prescribed": "yes",
    "prophylaxis_given": "yes",
    "first_dose_within_14_hours": "yes",
    "doses_missed_avoidably": "0",
    "mechanical": "none_indicated",
    "extended": "not_expected",
    "category": "prophylaxis_failure",
    "preventability": "not_preventable",
    "would_have_changed_outcome": "unlikely",
    "candour_threshold_met": "no",
}
_ADMISSIONS = {
    "medical": ("310", "640", "820", "1480"),
    "surgical": ("1120", "15", "430", "910"),
    "obstetric": ("60", "0", "210", "390"),
    "critical_care": ("0", "0", "5", "85"),
    "orthopaedic_trauma": ("260", "0", "70", "240"),
}
_CLASSES = ("day_case", "regular_attender", "no_night", "overnight")
_ACTIVITY = {
    "month": "2025-07",
    "case_return": "complete",
    **{
        f"{group}_{each}": count
        for group, counts in _ADMISSIONS.items()
        for each, count in zip(_CLASSES, counts, strict=True)
    },
    "patients_audited": "20",
    "appropriate_prophylaxis": "18",
    "information_on_admission": "15",
    "information_on_discharge": "11",
    "coded_candidates": "9",
}
_STRATUM = {
    "year": "2024-25",
    "age_band": "60-74",
    "sex": "female",
    "admission_group": "medical",
    "overnight": "yes",
    "admissions": "2310",
}
_PROFILE = {
    "year": "2024-25",
    "imaging_list": "yes",
    "coding": "yes",
    "anticoagulant_clinic": "no",
    "medical_examiner": "yes",
    "other_trusts": "unknown",
}
_QUARTER = {"quarter": "2025-07", "potentially_preventable": "4", "all_hat": "21"}

_ROWS: dict[RecordKind, tuple[dict[str, str], ...]] = {
    RecordKind.CASE: (_DVT_AFTER_DISCHARGE, _PE_IN_STAY),
    RecordKind.RCA: (_REVIEW, _SCREENED),
    RecordKind.ACTIVITY: (_ACTIVITY,),
    RecordKind.ACTIVITY_STRATA: (_STRATUM, _STRATUM | {"sex": "male", "admissions": "2455"}),
    RecordKind.ORGANISATION_PROFILE: (_PROFILE,),
    RecordKind.WALES_QUARTER: (_QUARTER,),
}


def rows(kind: RecordKind) -> tuple[dict[str, str], ...]:
    """The example rows of a kind, with every field in order."""
    names = [each.name for each in fields(kind)]
    return tuple({name: row.get(name, "") for name in names} for row in _ROWS[kind])
