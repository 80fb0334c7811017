"""The extensions of the registry: what R4 has no element for."""

from collections.abc import Iterator

from schemas.dictionary import Field, field
from schemas.fhir import ACTIVITY_CODED, CSV_COLUMN, INDEX_ADMISSION, OF_CASE, SOURCE_UNIT, value_set
from schemas.publish.fhir.elements import Element, element, extension, notes, refers_to, single
from schemas.publish.fhir.resource import Resource, local_name
from schemas.record import RecordKind


def resources() -> Iterator[Resource]:
    yield extension(
        local_name(OF_CASE),
        "The case that this is about",
        "The Condition that is the case, by reference inside the Bundle or by its identifier, so that a review can come weeks later.",
        ["QuestionnaireResponse"],
        single(refers_to("Condition")),
    )
    yield extension(
        local_name(INDEX_ADMISSION),
        "The index stay",
        "The Encounter that is the stay to which the thrombosis belongs, not a readmission with it.",
        ["Condition"],
        single(refers_to("Encounter")),
    )
    yield extension(
        local_name(CSV_COLUMN),
        "Heading of the column",
        "Of an issue about a row of a CSV: the heading of the column.",
        ["OperationOutcome.issue"],
        single({"code": "string"}),
    )
    yield extension(
        local_name(SOURCE_UNIT),
        "The unit that an outcome is about",
        "Which unit of a file an OperationOutcome is about, and what became of it.",
        ["OperationOutcome"],
        _source_unit(),
    )
    for address, name in ACTIVITY_CODED.items():
        yield _activity_code(address, field(RecordKind.ACTIVITY, name))


def _source_unit() -> list[Element]:
    parts = (
        ("ordinal", 1, "positiveInt", "Its place in the file, counted from 1"),
        ("identifier", 0, "Identifier", "The sender's own number of the case, or the month of a return"),
        ("disposition", 1, "code", "What became of it: accepted, unchanged, rejected or cancelled"),
    )
    return [
        element(
            "Extension.extension", slicing={"discriminator": [{"type": "value", "path": "url"}], "rules": "closed"}
        ),
        *(each for name, least, kind, words in parts for each in _part(name, least, kind, words)),
        element("Extension.value[x]", max="0"),
    ]


def _part(name: str, least: int, kind: str, words: str) -> list[Element]:
    here = f"Extension.extension:{name}"
    return [
        element(here, short=words, min=least, max="1"),
        element(f"{here}.extension", max="0"),
        element(f"{here}.url", fixedUri=name),
        element(f"{here}.value[x]", min=1, type=[{"code": kind}]),
    ]


def _activity_code(address: str, asked: Field) -> Resource:
    assert asked.codes is not None  # of ACTIVITY_CODED
    bound = {"strength": "required", "valueSet": value_set(asked.codes)}
    return extension(
        local_name(address),
        asked.item.question,
        " ".join(filter(None, (f"{asked.item.question}, in a monthly return.", notes(asked)))),
        ["MeasureReport"],
        single({"code": "code"}, binding=bound),
    )
