"""The QuestionnaireResponses of a unit: which record each one is of, the case it is about, and its answers."""

from ingest.fhir.answers import read_answers
from ingest.fhir.contents import Contents, Held, follow
from ingest.fhir.elements import Element, cell, extension, inside, organisation, string, versioned
from ingest.fhir.issue_types import fault
from ingest.fhir.unit import Unit
from schemas import fhir
from schemas.codes import WithdrawReason
from schemas.record import RecordKind
from schemas.rules import fhir as rules

CASE, RCA = RecordKind.CASE, RecordKind.RCA
RESPONSE = "QuestionnaireResponse"
_TAKEN = ("completed", "amended", "in-progress")
_WITHDRAWN = "entered-in-error"


def kind(response: Element) -> RecordKind | None:
    """Which of the registry's Questionnaires is answered, None for any other or another version."""
    canonical = string(response, "questionnaire") or ""
    return next((each for each, ours in fhir.QUESTIONNAIRES.items() if versioned(ours, named=canonical)), None)


def foreign(response: Element) -> bool:
    """Whether a Questionnaire is answered that is plainly none of the registry's."""
    return not (string(response, "questionnaire") or fhir.CANONICAL).startswith(fhir.CANONICAL)


def wrong_questionnaire(unit: Unit, path: str) -> None:
    unit.issues.append(fault(rules.WRONG_QUESTIONNAIRE, f"{path}.questionnaire"))


def read_case_answers(response: Held, contents: Contents, unit: Unit) -> None:
    """What no clinical resource carries of the case. Comes before the clinical resources, to go before what they imply."""
    unit.roots[CASE, RESPONSE] = response.path
    _status(response, unit, _TAKEN)
    _subject(response, contents, unit)
    read_answers(response.resource, response.path, CASE, unit)


def same_case(response: Held, contents: Contents, unit: Unit) -> None:
    """Refuse answers that name another case than the one they came with."""
    case_id, path = _about(response, contents, unit)
    if case_id and case_id != unit.records[CASE].get("local_case_id", case_id):
        unit.issues.append(fault(rules.SEVERAL_CASES, path, type="local case id"))


def read_review(response: Held, contents: Contents, unit: Unit) -> None:
    """A review: of the case in the same unit, or of one that is named by its number alone."""
    resource, root = response.resource, response.path
    unit.roots[RCA, RESPONSE] = root
    unit.records[RCA] = {}
    _status(response, unit, (*_TAKEN, _WITHDRAWN))
    _subject(response, contents, unit)
    read_answers(resource, root, RCA, unit)
    if resource.get("status") == _WITHDRAWN and "withdraw_reason" not in unit.records[RCA]:
        _put(unit, "withdraw_reason", WithdrawReason.ENTERED_IN_ERROR.value, f"{root}.status")
    if CASE in unit.records:
        same_case(response, contents, unit)
        case_id, path = unit.records[CASE].get("local_case_id", ""), unit.places.get((CASE, "local_case_id"), root)
    else:
        case_id, path = _about(response, contents, unit)
        _sender(response, path, unit)
    if case_id:
        _put(unit, "local_case_id", case_id, path)


def _put(unit: Unit, name: str, text: str, path: str) -> None:
    unit.records[RCA][name] = text
    unit.places[RCA, name] = path


def _about(response: Held, contents: Contents, unit: Unit) -> tuple[str, str]:
    """The trust's own number of the case that a response is about, blank if only the entry is named, and where it stands."""
    for place, each in extension(response.resource, fhir.OF_CASE):
        path = f"{response.path}.extension[{place}].value"
        reference = inside(each, "valueReference")
        follow(contents, reference, "valueReference", "Condition", path, unit)
        identifier = inside(reference, "identifier")
        ours = identifier.get("system") == fhir.LOCAL_CASE_ID
        return (cell(identifier.get("value")) if ours else ""), f"{path}.identifier.value"
    return "", f"{response.path}.extension"


def _sender(response: Held, path: str, unit: Unit) -> None:
    """The organisation that a review alone comes from: who numbered the case, else who numbered or wrote the review."""
    resource, root = response.resource, response.path
    named = next(extension(resource, fhir.OF_CASE), (0, {}))[1]
    case = inside(inside(named, "valueReference"), "identifier")
    for reference, at in (
        (case.get("assigner"), f"{path.removesuffix('.value')}.assigner"),
        (inside(resource, "identifier").get("assigner"), f"{root}.identifier.assigner"),
        (resource.get("author"), f"{root}.author"),
    ):
        code = organisation(reference)
        if code and unit.organisation is None:
            unit.organisation, unit.organisation_at = code, f"{at}.identifier.value"


def _status(response: Held, unit: Unit, taken: tuple[str, ...]) -> None:
    status = response.resource.get("status")
    if isinstance(status, str) and status not in taken:
        unit.issues.append(
            fault(
                rules.WRONG_STATUS,
                f"{response.path}.status",
                type="the QuestionnaireResponse",
                allowed=", ".join(taken),
            )
        )


def _subject(response: Held, contents: Contents, unit: Unit) -> None:
    """Whom the answers are about must be in the Bundle, where an address says who."""
    for name, type_ in (("subject", "Patient"), ("encounter", "Encounter")):
        if string(inside(response.resource, name), "reference"):
            at = f"{response.path}.{name}"
            follow(contents, inside(response.resource, name), name, type_, at, unit)
