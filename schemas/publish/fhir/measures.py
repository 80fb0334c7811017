"""Measures: the monthly return, whose groups are counts, and, from plain words, the measures of the publication."""

from collections.abc import Iterator, Sequence

from schemas.dictionary import Field, field
from schemas.fhir import ACTIVITY_COUNTS, ACTIVITY_GROUPS, ACTIVITY_MEASURE, ACTIVITY_POPULATION, STRATIFIERS, Artefact
from schemas.publish.fhir.elements import notes
from schemas.publish.fhir.resource import Resource, concept, head, local_name, present, written
from schemas.record import RecordKind

MEASURE_POPULATION, COUNTED = ACTIVITY_POPULATION
DIVISIONS = ("nation", "region", "organisation")
"""By what figures are divided, as far as each is published so."""
SCORING = "http://terminology.hl7.org/CodeSystem/measure-scoring"


def resources() -> Iterator[Resource]:
    yield {
        **head(
            Artefact.MEASURE,
            local_name(ACTIVITY_MEASURE),
            "Monthly return of admissions",
            "What an organisation returns for each calendar month: one count to a group. Groups that are not optional must all be there.",
        ),
        "subjectCodeableConcept": concept("http://hl7.org/fhir/resource-types", "Encounter"),
        "scoring": concept(SCORING, "cohort"),
        "group": [_counted(field(RecordKind.ACTIVITY, name)) for name in ACTIVITY_COUNTS],
    }


def published(
    *,
    name: str,
    title: str,
    unit: str,
    definition: str,
    numerator: str,
    denominator: str,
    share: bool,
    exclusions: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> bytes:
    """A measure of the publication, written as its page words it. `share`: its top is part of its bottom."""
    told = [f"- {words}" for words in notes]
    return written(
        present(
            {
                **head(Artefact.MEASURE, name, title, definition),
                "subtitle": unit,
                "scoring": concept(SCORING, "proportion" if share else "ratio"),
                "guidance": "\n".join(
                    ["Left out:", *(f"- {words}" for words in exclusions), "", "To be known:", *told]
                ),
                "group": [
                    {
                        "population": [
                            _population("numerator", numerator),
                            _population("denominator", denominator),
                        ],
                        "stratifier": [{"code": concept(STRATIFIERS, name)} for name in DIVISIONS],
                    }
                ],
            }
        )
    )


def _counted(each: Field) -> Resource:
    words = " ".join(filter(None, (f"{each.item.question}.", notes(each))))
    return {
        "code": concept(ACTIVITY_GROUPS, each.name),
        "description": words,
        "population": [_population(COUNTED, each.item.question)],
    }


def _population(code: str, words: str) -> Resource:
    """A population in words; R4 wants an expression in some language."""
    return {
        "code": concept(MEASURE_POPULATION, code),
        "description": words,
        "criteria": {"language": "text/plain", "expression": words},
    }
