"""Rules across the rows of one file. Numbers 90 to 99; no expression over one row says them, so `ingest.check` looks for them."""

from schemas.finding import Severity
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Rule, Scope

REPEATED_KEY = CATALOGUE.add(
    Rule(
        number=90,
        name="repeated_key",
        scope=Scope.ROWS,
        severity=Severity.ERROR,
        words="Another row of this file stands for the same record, so it is not clear which one holds.",
        mend="Keep one of the rows. Each case has its own number; each month, quarter, year or stratum has one row.",
        kinds=tuple(RecordKind),
        fields=("local_case_id", "month", "year", "quarter"),
    )
)
SAME_STAY_UNDER_TWO_IDS = CATALOGUE.add(
    Rule(
        number=91,
        name="same_stay_under_two_ids",
        scope=Scope.ROWS,
        severity=Severity.WARNING,
        words="Another row of this file has the same NHS number and the same date of admission under another case number. Is it "
        "the same case?",
        mend="A patient has one case for each stay. If both rows are the same case, keep one of them.",
        kinds=(RecordKind.CASE,),
        fields=("local_case_id", "nhs_number", "admission_date"),
        same=("nhs_number", "admission_date"),
    )
)
NEAR_DIAGNOSES = CATALOGUE.add(
    Rule(
        number=92,
        name="near_diagnoses",
        scope=Scope.ROWS,
        severity=Severity.WARNING,
        words="Another row of this file has the same NHS number and a diagnosis at most 14 days apart. Is it the same event?",
        mend="A deep vein thrombosis followed by a pulmonary embolism is one case: keep one row and choose both.",
        kinds=(RecordKind.CASE,),
        fields=("diagnosis_date", "nhs_number", "local_case_id"),
        same=("nhs_number",),
        within_days=14,
    )
)
