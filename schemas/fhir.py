"""The dataset's names in FHIR: addresses of identifiers, code systems and profiles, and how each field is carried.

A field whose `Item.fhir` is a path rides in Patient, Encounter, Condition or MeasureReport; every other one is an answer of the
Questionnaire of its record, whose `linkId` is the field's name. Readers, writers and the published artefacts take the names from here.
"""

import re
from enum import StrEnum

from schemas.codelist import CodeList
from schemas.dictionary import Field, fields
from schemas.record import RecordKind
from schemas.values import CodesType, CodeType, CountType, DateTimeType, DateType, NumberType

HOST = "https://hat-registry.example"
"""Stands for the registry's real host in every address that is a name. Nothing is ever fetched from it."""
CANONICAL = f"{HOST}/fhir"
VERSION = "1.0.0"

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
ODS_CODE = "https://fhir.nhs.uk/Id/ods-organization-code"
LOCAL_CASE_ID = f"{HOST}/Id/local-case-id"
LOCAL_RCA_ID = f"{HOST}/Id/local-rca-id"
LOCAL_SPELL_ID = f"{HOST}/Id/local-spell-id"
RETURN_ID = f"{HOST}/Id/return-id"
"""Of a monthly return: `{ODS code}-{yyyy-mm}`."""
URI = "urn:ietf:rfc:3986"
"""The system of `Bundle.identifier`, whose value is `urn:uuid:…`."""

SNOMED_CT = "http://snomed.info/sct"
ICD_10 = "http://hl7.org/fhir/sid/icd-10"


class Artefact(StrEnum):
    """The kinds of conformance resource that the registry publishes."""

    STRUCTURE_DEFINITION = "StructureDefinition"
    CODE_SYSTEM = "CodeSystem"
    VALUE_SET = "ValueSet"
    QUESTIONNAIRE = "Questionnaire"
    MEASURE = "Measure"
    OPERATION_DEFINITION = "OperationDefinition"
    IMPLEMENTATION_GUIDE = "ImplementationGuide"
    CAPABILITY_STATEMENT = "CapabilityStatement"
    NAMING_SYSTEM = "NamingSystem"


def canonical(artefact: Artefact, name: str) -> str:
    """The address of an artefact, without its version: `…/fhir/Questionnaire/hat-rca`."""
    return f"{CANONICAL}/{artefact.value}/{name}"


CASE_PROFILE = canonical(Artefact.STRUCTURE_DEFINITION, "hat-vte-condition")
"""The profile of the Condition that is a case."""
CASE_BUNDLE_PROFILE = canonical(Artefact.STRUCTURE_DEFINITION, "hat-case-bundle")
OF_CASE = canonical(Artefact.STRUCTURE_DEFINITION, "hat-case")
"""Extension of a QuestionnaireResponse: `valueReference` to the Condition it is about, often by identifier only."""
INDEX_ADMISSION = canonical(Artefact.STRUCTURE_DEFINITION, "hat-index-admission")
"""Extension of the Condition: `valueReference` to the Encounter that is the index stay."""
SOURCE_UNIT = canonical(Artefact.STRUCTURE_DEFINITION, "hat-source-unit")
"""Extension of an OperationOutcome: ordinal, identifier and disposition of the unit it is about."""
CSV_COLUMN = canonical(Artefact.STRUCTURE_DEFINITION, "hat-csv-column")
"""Extension of an issue about a row of a CSV: the heading of the column."""
RULE_ADDRESS = f"{CANONICAL}/rules"
ISSUES = canonical(Artefact.CODE_SYSTEM, "hat-issue")
"""The code system of the rules: `HAT-012`."""
ACTIVITY_MEASURE = canonical(Artefact.MEASURE, "hat-activity")
ACTIVITY_GROUPS = canonical(Artefact.CODE_SYSTEM, "hat-activity-field")
"""In a monthly return each count is one group, whose code is the field's name."""
_NO_COUNT = ("organisation", "month")
ACTIVITY_COUNTS = tuple(
    each.name for each in fields(RecordKind.ACTIVITY) if each.codes is None and each.name not in _NO_COUNT
)
"""The fields of a monthly return that are one group each, with one population (`ACTIVITY_POPULATION`) and its count."""
ACTIVITY_POPULATION = ("http://terminology.hl7.org/CodeSystem/measure-population", "initial-population")
ACTIVITY_CODED = {
    canonical(Artefact.STRUCTURE_DEFINITION, f"hat-{each.name.replace('_', '-')}"): each.name
    for each in fields(RecordKind.ACTIVITY)
    if each.codes is not None
}
"""The extensions of a monthly return by their address: the field that each holds as a `valueCode`."""
STRATIFIERS = canonical(Artefact.CODE_SYSTEM, "hat-stratifier")
"""By what a published figure is divided: nation, region, organisation."""
FIGURE_STANDING = canonical(Artefact.CODE_SYSTEM, "hat-figure-standing")
"""Whether a published figure may still change: provisional, final."""
QUESTIONNAIRES = {
    RecordKind.CASE: canonical(Artefact.QUESTIONNAIRE, "hat-case"),
    RecordKind.RCA: canonical(Artefact.QUESTIONNAIRE, "hat-rca"),
}


def code_system(codes: type[CodeList]) -> str:
    """The registry's own code system of a code list: `…/CodeSystem/hat-vte-type`."""
    return canonical(Artefact.CODE_SYSTEM, list_name(codes))


def value_set(codes: type[CodeList]) -> str:
    """The value set of a code list; the nation's own codes are told apart in the code system."""
    return canonical(Artefact.VALUE_SET, list_name(codes))


def list_name(codes: type[CodeList]) -> str:
    """`VteType` → `hat-vte-type`."""
    return "hat-" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", codes.__name__).lower()


class Answer(StrEnum):
    """The types of question that the Questionnaires use; the value is R4's `item.type`."""

    DATE = "date"
    DATE_TIME = "dateTime"
    INTEGER = "integer"
    DECIMAL = "decimal"
    STRING = "string"
    CHOICE = "choice"

    @property
    def element(self) -> str:
        """The element of an answer: `valueDate`; a choice is a `valueCoding`."""
        return "valueCoding" if self is Answer.CHOICE else f"value{self.value[0].upper()}{self.value[1:]}"


def answer(field: Field) -> Answer:
    """How a field is answered in its Questionnaire. A field of several codes is a choice that repeats."""
    match field.holds:
        case CodeType() | CodesType():
            return Answer.CHOICE
        case DateType():
            return Answer.DATE
        case DateTimeType():
            return Answer.DATE_TIME
        case CountType():
            return Answer.INTEGER
        case NumberType():
            return Answer.DECIMAL
    return Answer.STRING


def repeats(field: Field) -> bool:
    """Whether a field takes several answers."""
    return isinstance(field.holds, CodesType)


def clinical(kind: RecordKind) -> tuple[Field, ...]:
    """The fields that ride in clinical resources, each at its `Item.fhir`."""
    return tuple(each for each in fields(kind) if each.item.fhir is not None)


def answered(kind: RecordKind) -> tuple[Field, ...]:
    """The fields that are answers of the record's Questionnaire."""
    return tuple(each for each in fields(kind) if each.item.fhir is None)
