"""Rules against what the register holds: organisations, periods, and the records sent before. Numbers 300 to 349.

They need the database and the tenant, so `registry.submissions` looks for them, after the rules of the rows. What they say never
tells a sender what another organisation has sent.

Withdrawn, their numbers never given again: 310 (a closed period: no period closes, a correction comes with the next release) and
311 (the opt-out not declared: such a file is refused at its receipt, before any rule).
"""

from schemas.finding import Severity
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Rule, Scope

CASE, RCA, ACTIVITY = RecordKind.CASE, RecordKind.RCA, RecordKind.ACTIVITY
ERROR, WARNING = Severity.ERROR, Severity.WARNING


def _against(
    number: int,
    name: str,
    severity: Severity,
    kinds: RecordKind | tuple[RecordKind, ...],
    fields: tuple[str, ...],
    words: str,
    mend: str,
) -> Rule:
    each = (kinds,) if isinstance(kinds, RecordKind) else kinds
    return CATALOGUE.add(
        Rule(
            number=number,
            name=name,
            scope=Scope.REGISTER,
            severity=severity,
            kinds=each,
            fields=fields,
            words=words,
            mend=mend,
        )
    )


UNKNOWN_ORGANISATION = _against(
    300,
    "unknown_organisation",
    ERROR,
    CASE,
    ("attributed_organisation",),
    "No organisation in the register has this code.",
    "Check the code. If the organisation is new, ask the registry to add it.",
)
UNKNOWN_SENDING_ORGANISATION = _against(
    301,
    "unknown_sending_organisation",
    WARNING,
    CASE,
    ("transferred_from",),
    "No organisation in the register has the code of the hospital that sent the patient.",
    "Check the code; a hospital outside England and Wales is not in the register and may stay as it is.",
)
ORGANISATION_NOT_OPEN = _against(
    302,
    "organisation_not_open",
    ERROR,
    CASE,
    ("attributed_organisation", "admission_date"),
    "The organisation was not open on the date of admission.",
    "Give the organisation that ran the hospital on that day, or check the date.",
)
ORGANISATION_MERGED = _against(
    303,
    "organisation_merged",
    WARNING,
    CASE,
    ("attributed_organisation", "admission_date"),
    "The organisation has since become part of another. The case stays with the organisation of its date of admission.",
    "Nothing needs to be done; the successor's users read and finish the case.",
)
REVIEW_WITHOUT_CASE = _against(
    304,
    "review_without_case",
    ERROR,
    RCA,
    ("local_case_id",),
    "There is no case with this number, so the review has nothing to belong to.",
    "Send the case first, or check the number.",
)
NIL_WHILE_CASES_HELD = _against(
    305,
    "nil_while_cases_held",
    ERROR,
    ACTIVITY,
    ("case_return", "month"),
    "The month is given as having no case, but cases of this month are held.",
    "Write complete or partial, or withdraw the cases that do not belong to the month.",
)
CASE_IN_NIL_MONTH = _against(
    306,
    "case_in_nil_month",
    WARNING,
    CASE,
    ("admission_date", "attributed_organisation"),
    "The case belongs to a month that was given as having none.",
    "Send the activity of that month again, as complete or partial.",
)
BEFORE_TAKING_PART = _against(
    307,
    "before_taking_part",
    WARNING,
    (CASE, ACTIVITY, RecordKind.WALES_QUARTER),
    ("admission_date", "month", "quarter"),
    "This is from before the organisation takes part in the registry. It is kept, but does not enter any figure.",
    "Nothing needs to be done. If the organisation has taken part for longer, ask the registry to correct the date.",
)
CORRECTED_ONLINE = _against(
    308,
    "corrected_online",
    WARNING,
    (CASE, RCA),
    ("local_case_id",),
    "This was entered or corrected online and the file says otherwise. It is kept as corrected online.",
    "Take the correction into your own system. If the file is right, send it again and say that it stands over what was corrected online.",
)
SAME_EVENT_HELD = _against(
    309,
    "same_event_held",
    WARNING,
    CASE,
    ("local_case_id", "nhs_number", "diagnosis_date"),
    "You hold another case of the same patient with a diagnosis at most 14 days apart. Is it the same event?",
    "If so, withdraw one of the two as a duplicate. A deep vein thrombosis followed by a pulmonary embolism is one case.",
)
FIRST_DOSE_BEFORE_ADMISSION = _against(
    312,
    "first_dose_before_admission",
    WARNING,
    RCA,
    ("first_dose_at",),
    "The first dose was given before the patient was admitted. Is the time right?",
    "Check the time of the first dose and the admission of the case.",
)
ASSESSED_AFTER_DIAGNOSIS = _against(
    313,
    "assessed_after_diagnosis",
    WARNING,
    RCA,
    ("assessed_at",),
    "The risk assessment was made after the clot was diagnosed. Is it the first assessment of the stay?",
    "Give the first assessment of the stay. If there was none before the clot, answer that it was not done.",
)
ASSESSMENT_TIME_DIFFERS = _against(
    314,
    "assessment_time_differs",
    WARNING,
    RCA,
    ("assessed_within_14_hours", "assessed_at"),
    "The times of admission and assessment do not agree with the answer about the 14 hours.",
    "Check the times and the answer; the times are used.",
)
FIRST_DOSE_TIME_DIFFERS = _against(
    315,
    "first_dose_time_differs",
    WARNING,
    RCA,
    ("first_dose_within_14_hours", "first_dose_at"),
    "The times of admission and first dose do not agree with the answer about the 14 hours.",
    "Check the times and the answer; the times are used.",
)
JUDGED_BEFORE_DIAGNOSIS = _against(
    316,
    "judged_before_diagnosis",
    WARNING,
    RCA,
    ("judged_on",),
    "The case was judged before the clot was diagnosed. Are both dates right?",
    "Check the date of the judgement and the date of diagnosis of the case.",
)
WITHDRAWN_BEFORE = _against(
    317,
    "withdrawn_before",
    WARNING,
    (CASE, RCA),
    ("local_case_id",),
    "This record was withdrawn before. Sending it without a reason for withdrawal brings it back.",
    "If it is to stay withdrawn, leave it out of the file.",
)
WITHDRAWN_UNKNOWN = _against(
    318,
    "withdrawn_unknown",
    WARNING,
    (CASE, RCA),
    ("withdraw_reason", "local_case_id"),
    "There is no record with this number to withdraw.",
    "Check the number; if the record was never sent, nothing needs to be done.",
)
ERASED_AT_WISH = _against(
    319,
    "erased_at_wish",
    ERROR,
    (CASE, RCA),
    ("local_case_id",),
    "This record was withdrawn because the patient opted out or objected. It cannot be brought back by a file.",
    "Leave it out of the file. If the withdrawal was a mistake, withdraw it with another reason first, then send it again.",
)
CORRECTION_OVERWRITTEN = _against(
    320,
    "correction_overwritten",
    WARNING,
    (CASE, RCA),
    ("local_case_id",),
    "This was entered or corrected online and the file says otherwise. What the file says stands, as you asked.",
    "If the correction is right, correct it online again, or take it into your own system and send the file again.",
)
