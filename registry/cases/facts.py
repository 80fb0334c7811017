"""What a review may say beside its questions, worked out from what is recorded: elapsed hours, and extended prophylaxis that NICE NG89
would expect.

These are shown to a person and answer nothing. How harmful an event was is never worked out from its diagnosis.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from schemas.codelist import Sure
from schemas.codes import AdmissionGroup, PatientClassification, PregnancyStatus, ThrombosisFactor, Timely, YesNo
from schemas.counting import IndexStay
from schemas.days import LONDON

TIMELY_HOURS = 14
"""From admission to the assessment and to the first dose (NG89, QS201; DAPB1593)."""

Values = Mapping[str, Any]
"""Typed values of a case by field: moments, dates, codes."""
Answers = Mapping[str, str]
"""A review's answers as text by field, as a file has them."""


@dataclass(frozen=True, slots=True)
class Elapsed:
    """From admission to something, in elapsed hours: a change of the clocks does not count. Negative: it came before admission."""

    hours: float

    @property
    def timely(self) -> bool:
        return self.hours <= TIMELY_HOURS

    @property
    def words(self) -> str:
        minutes = round(abs(self.hours) * 60)
        hours, rest = divmod(minutes, 60)
        spent = f"{hours} h {rest:02d} min"
        if self.hours < 0:
            return f"{spent} before admission"
        return f"{spent} after admission: {'within' if self.timely else 'later than'} {TIMELY_HOURS} hours"


@dataclass(frozen=True, slots=True)
class Hint:
    """Extended prophylaxis that a guideline expects, and from what that was seen. Only a hint where `sure` is from memory."""

    seen: str
    expects: str
    source: str
    sure: Sure

    @property
    def certain(self) -> bool:
        return self.sure is Sure.SOURCE


@dataclass(frozen=True, slots=True)
class Facts:
    """What was worked out. `why_no_hours` says what is missing where nothing could be."""

    assessed: Elapsed | None
    first_dose: Elapsed | None
    why_no_hours: str
    extended: tuple[Hint, ...]


def facts(case: Values, review: Answers) -> Facts:
    """The facts of a case and of its review as far as it is answered."""
    admitted = _admitted(case)
    return Facts(
        assessed=_elapsed(admitted, _moment(review.get("assessed_at", ""))),
        first_dose=_elapsed(admitted, _moment(review.get("first_dose_at", ""))),
        why_no_hours=_why_not(case, admitted),
        extended=tuple(_extended(case, review)),
    )


def _admitted(case: Values) -> datetime | None:
    """The time of admission of the index stay. Of an earlier stay only days are known."""
    at: datetime | None = None if case.get("index_stay") == IndexStay.EARLIER.value else case.get("admitted_at")
    return at


def _why_not(case: Values, admitted: datetime | None) -> str:
    if admitted is not None:
        return ""
    if case.get("index_stay") == IndexStay.EARLIER.value:
        return "The index stay is an earlier one, of which only the days are known."
    return "The case has no time of admission."


def _elapsed(since: datetime | None, at: datetime | None) -> Elapsed | None:
    return None if since is None or at is None else Elapsed((at - since).total_seconds() / 3600)


def _moment(text: str) -> datetime | None:
    """A moment as a file has it: London's wall time, or with an offset; None for anything else."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=LONDON)


# --- extended prophylaxis (NG89 as noted, none of it read in the guideline itself: hints)

NG89 = "NICE NG89"
HIP_REPLACEMENT, KNEE_REPLACEMENT = "52734007", "609588000"
"""SNOMED CT: total replacement of hip; of knee."""

_HIP = "28 to 38 days after elective hip replacement"
_KNEE = "14 days after elective knee replacement"
_FRACTURE = "about a month after a fragility fracture of pelvis, hip or upper thigh bone"
_CANCER = "28 days after major cancer surgery of the abdomen"
_IMMOBILE = "for as long as a leg is immobilised where the risk is high; reconsidered after 42 days"
_BIRTH = "at least 7 days in pregnancy and up to 6 weeks after a birth where it is begun (RCOG's assessment)"


def _extended(case: Values, review: Answers) -> Iterator[Hint]:
    ticked = set(review.get("thrombosis_factors", "").split("|"))
    yield from _of_joints(case, ticked)
    if ThrombosisFactor.HIP_FRACTURE.value in ticked:
        yield _hint("hip fracture is ticked in the risk assessment", _FRACTURE)
    if _operated(case) and _has_cancer(case, ticked):
        yield _hint("an operation in a patient with active cancer", _CANCER)
    if case.get("patient_classification") == PatientClassification.NOT_ADMITTED.value:
        yield _hint("a leg immobilised without admission", _IMMOBILE)
    if case.get("pregnancy_status") in (PregnancyStatus.PREGNANT.value, PregnancyStatus.POSTNATAL_6_WEEKS.value):
        yield _hint("pregnancy, or a birth within six weeks", _BIRTH)


def _of_joints(case: Values, ticked: set[str]) -> Iterator[Hint]:
    procedure = case.get("procedure_snomed")
    if procedure == HIP_REPLACEMENT:
        yield _hint("the operation of the case is a hip replacement", _HIP)
    elif procedure == KNEE_REPLACEMENT:
        yield _hint("the operation of the case is a knee replacement", _KNEE)
    elif ThrombosisFactor.JOINT.value in ticked:
        yield _hint("hip or knee replacement is ticked in the risk assessment", f"{_HIP}; {_KNEE}")


def _operated(case: Values) -> bool:
    surgical = case.get("admission_group") == AdmissionGroup.SURGICAL.value
    return surgical or case.get("procedure_date") is not None


def _has_cancer(case: Values, ticked: set[str]) -> bool:
    return case.get("active_cancer") == YesNo.YES.value or ThrombosisFactor.CANCER.value in ticked


def _hint(seen: str, expects: str) -> Hint:
    return Hint(seen, expects, NG89, Sure.MEMORY)


# --- what is filled in, or said beside a question, before anybody has answered


def prefilled(case: Values, review: Answers, on: date) -> dict[str, str]:
    """Answers that follow from what is recorded already, for questions that have none."""
    known = facts(case, review)
    found = {
        "assessed_within_14_hours": _timely(known.assessed),
        "first_dose_within_14_hours": _timely(known.first_dose),
        "judged_on": on.isoformat(),
    }
    return {name: value for name, value in found.items() if value and not review.get(name)}


def _timely(elapsed: Elapsed | None) -> str:
    if elapsed is None:
        return ""
    return Timely.YES.value if elapsed.timely else Timely.NO.value


def beside(case: Values, review: Answers) -> dict[str, str]:
    """What may be said beside a question, by field."""
    known = facts(case, review)
    said = {
        "assessed_within_14_hours": f"Assessed {known.assessed.words}." if known.assessed else "",
        "first_dose_within_14_hours": f"First dose {known.first_dose.words}." if known.first_dose else "",
        "thrombosis_factors": _expected_ticks(case),
        "extended": " ".join(_hint_words(each) for each in known.extended),
    }
    return {name: words for name, words in said.items() if words}


def _hint_words(hint: Hint) -> str:
    unsure = "" if hint.certain else " A hint, not yet confirmed in the source."
    return f"Seen: {hint.seen}. {hint.source} expects extended prophylaxis {hint.expects}.{unsure}"


LONG_SURGERY_MINUTES = 90
OLDER_THAN = 60


def _expected_ticks(case: Values) -> str:
    """The boxes that the case itself would tick. The form may have been filled in wrongly: that is for the review to find."""
    age, minutes = case.get("age_at_admission"), case.get("anaesthetic_minutes")
    pregnant = (PregnancyStatus.PREGNANT.value, PregnancyStatus.POSTNATAL_6_WEEKS.value)
    expected = (
        (age is not None and age > OLDER_THAN, ThrombosisFactor.AGE),
        (case.get("active_cancer") == YesNo.YES.value, ThrombosisFactor.CANCER),
        (case.get("recurrent") == YesNo.YES.value, ThrombosisFactor.HISTORY),
        (case.get("pregnancy_status") in pregnant, ThrombosisFactor.PREGNANCY),
        (case.get("procedure_snomed") in (HIP_REPLACEMENT, KNEE_REPLACEMENT), ThrombosisFactor.JOINT),
        (minutes is not None and minutes > LONG_SURGERY_MINUTES, ThrombosisFactor.LONG_SURGERY),
        (case.get("admission_group") == AdmissionGroup.CRITICAL_CARE.value, ThrombosisFactor.CRITICAL_CARE),
    )
    names = [factor.words for holds, factor in expected if holds]
    return f"By the case itself one would expect: {'; '.join(names)}." if names else ""
