"""The Questionnaires of cases and reviews: one question for each field that no clinical resource carries, in base R4 alone.

A question's `linkId` is the field's name and there are no groups. What helps to answer stands in a display item beneath it.
"""

from collections.abc import Iterator

from schemas.dictionary import RECORDS, Field, key
from schemas.fhir import QUESTIONNAIRES, Answer, Artefact, answer, answered, repeats, value_set
from schemas.publish.fhir.resource import Resource, concept, head, local_name, present
from schemas.record import RecordKind
from schemas.values import CodesType, LocalIdType, TextType

DISPLAY_CATEGORY = "http://hl7.org/fhir/StructureDefinition/questionnaire-displayCategory"
HELP = concept("http://hl7.org/fhir/questionnaire-display-category", "help")

_SENT_WITH = {
    RecordKind.CASE: "Sent with the Patient, the Encounter and the Condition of the case, which carry the rest of it.",
    RecordKind.RCA: "Sent with its case or later by itself; the extension hat-case names the case.",
}
_WITHDRAWAL = (
    "A response that takes the record back (withdraw_reason) has the status entered-in-error and needs no other answer: in R4 "
    "`required` holds for completed responses."
)


def resources() -> Iterator[Resource]:
    return (_questionnaire(kind) for kind in QUESTIONNAIRES)


def _questionnaire(kind: RecordKind) -> Resource:
    record = RECORDS[kind]
    words = " ".join((record.__doc__ or "").split())
    return {
        **head(
            Artefact.QUESTIONNAIRE,
            local_name(QUESTIONNAIRES[kind]),
            record.title,
            f"{words} {_SENT_WITH[kind]} {_WITHDRAWAL}",
        ),
        "subjectType": ["Patient"],
        "item": [_item(each) for each in answered(kind)],
    }


def _item(field: Field) -> Resource:
    helps = help_words(field)
    return present(
        {
            "linkId": field.name,
            "text": field.item.question,
            "type": answer(field).value,
            "required": field.required or field.name in key(field.kind) or None,
            "repeats": repeats(field) or None,
            "maxLength": longest(field),
            "answerValueSet": value_set(field.codes) if answer(field) is Answer.CHOICE and field.codes else None,
            "item": [_help(field, helps)] if helps else [],
        }
    )


def help_words(field: Field) -> str:
    """The hint, when the question applies, and what other text than free text must look like. A choice needs no separator."""
    item = field.item
    hint = "" if isinstance(field.holds, CodesType) and "|" in item.hint else item.hint
    plain = field.codes is None and not isinstance(field.holds, TextType)
    return " ".join(
        filter(None, (hint, f"Applies when {item.applies}." if item.applies else "", _holds(field) if plain else ""))
    )


def _holds(field: Field) -> str:
    """What the answer holds, where its type in R4 says less."""
    if answer(field) in (Answer.INTEGER, Answer.DECIMAL, Answer.STRING):
        return f"Holds {field.holds.wanted}."
    return ""


def longest(field: Field) -> int | None:
    """How many characters a text may have."""
    match field.holds:
        case TextType(longest=most):
            return most
        case LocalIdType():
            return int(field.holds.json_schema()["maxLength"])
    return None


def _help(field: Field, words: str) -> Resource:
    return {
        "extension": [{"url": DISPLAY_CATEGORY, "valueCodeableConcept": HELP}],
        "linkId": f"{field.name}.help",
        "text": words,
        "type": "display",
    }
