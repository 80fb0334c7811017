"""The profiles: what the registry needs of a case Bundle and of each resource in it, and of a monthly return."""

from collections.abc import Iterator

from schemas import codes
from schemas.codelist import CodeList
from schemas.dictionary import field
from schemas.fhir import (
    ACTIVITY_CODED,
    ACTIVITY_COUNTS,
    ACTIVITY_GROUPS,
    ACTIVITY_MEASURE,
    ACTIVITY_POPULATION,
    CASE_BUNDLE_PROFILE,
    CASE_PROFILE,
    INDEX_ADMISSION,
    LOCAL_CASE_ID,
    LOCAL_RCA_ID,
    NHS_NUMBER,
    OF_CASE,
    QUESTIONNAIRES,
    RETURN_ID,
    URI,
    Artefact,
    canonical,
    code_system,
    value_set,
)
from schemas.publish.fhir.elements import (
    R4,
    UK_CORE,
    Element,
    carried,
    element,
    identifier,
    organisation,
    profile,
    sliced,
)
from schemas.publish.fhir.questionnaires import longest
from schemas.publish.fhir.resource import Resource, concept, local_name
from schemas.record import RecordKind

CASE, RCA, ACTIVITY = RecordKind.CASE, RecordKind.RCA, RecordKind.ACTIVITY
PATIENT, STAY, CASE_RESPONSE, RCA_RESPONSE, ACTIVITY_REPORT = (
    canonical(Artefact.STRUCTURE_DEFINITION, name)
    for name in ("hat-patient", "hat-index-stay", "hat-case-response", "hat-rca-response", "hat-activity-report")
)
MOST_ENTRIES = 100


def resources() -> Iterator[Resource]:
    yield _bundle()
    yield _patient()
    yield _stay()
    yield _condition()
    yield _response(
        CASE,
        "Answers about a case",
        "What no clinical resource carries of a case. The identifier is the case's own.",
        CASE_RESPONSE,
        LOCAL_CASE_ID,
        [],
    )
    yield _response(
        RCA,
        "Review of a case",
        "A root-cause analysis or other learning response. It may come with its case or later by itself, and unfinished.",
        RCA_RESPONSE,
        LOCAL_RCA_ID,
        _names_its_case(),
    )
    yield _report()


def _bundle() -> Resource:
    parts = (
        ("patient", "Patient", PATIENT, "The patient, with each case"),
        ("stay", "Encounter", STAY, "The index stay, with each case"),
        ("case", "Condition", CASE_PROFILE, "The case"),
        ("caseAnswers", "QuestionnaireResponse", CASE_RESPONSE, "The other answers about the case"),
        ("review", "QuestionnaireResponse", RCA_RESPONSE, "The review; it may also stand alone"),
    )
    return profile(
        local_name(CASE_BUNDLE_PROFILE),
        "A case, its review, or both",
        "One transaction that stands or falls as a whole and replaces what was held of the case. Entries of other types are left out of "
        "the record. References that carry meaning point to entries of the same Bundle; nothing is fetched.",
        f"{R4}/Bundle",
        "Bundle",
        [
            element("Bundle.identifier", min=1, short="A new uuid for each new content; the same one is a replay"),
            element("Bundle.identifier.system", min=1, fixedUri=URI),
            element("Bundle.identifier.value", min=1, short="urn:uuid: and a uuid in small letters"),
            element("Bundle.type", fixedCode="transaction"),
            sliced("Bundle.entry", "profile", "resource", min=1, max=str(MOST_ENTRIES)),
            *(each for part in parts for each in _entry(*part)),
        ],
    )


def _entry(name: str, resource: str, address: str, words: str) -> list[Element]:
    here = f"Bundle.entry:{name}"
    return [
        element(here, short=words, min=0, max="1"),
        element(f"{here}.resource", min=1, type=[{"code": resource, "profile": [address]}]),
        element(f"{here}.request", min=1),
    ]


def _patient() -> Resource:
    number = "Patient.identifier:nhsNumber"
    return profile(
        local_name(PATIENT),
        "Patient of a case",
        "Only the NHS number, the birth date, the sex and the date of death are kept. Names, addresses, contacts, photographs and "
        "narrative are left out of the record.",
        f"{UK_CORE}/UKCore-Patient",
        "Patient",
        [
            sliced("Patient.identifier", "value", "system"),
            *identifier(number, NHS_NUMBER, 0, carried(CASE, "nhs_number", f"{number}.value", min=1)),
            carried(
                CASE,
                "sex",
                "Patient.gender",
                comment="other is read as indeterminate; without a value, with the extension data-absent-reason, as not recorded.",
            ),
            carried(CASE, "birth_date", "Patient.birthDate"),
            carried(CASE, "death_date", "Patient.deceased[x]"),
        ],
    )


def _stay() -> Resource:
    provider = "Encounter.serviceProvider"
    own = carried(CASE, "attributed_organisation", f"{provider}.identifier.value", min=1)
    return profile(
        local_name(STAY),
        "Index stay of a case",
        "The stay to which the thrombosis belongs. Its dates are those of Europe/London; a time is kept too.",
        f"{UK_CORE}/UKCore-Encounter",
        "Encounter",
        [
            element("Encounter.subject", min=1),
            element("Encounter.period", min=1),
            carried(CASE, "admission_date", "Encounter.period.start"),
            carried(CASE, "discharge_date", "Encounter.period.end"),
            *organisation(provider, 0)[:-1],
            own,
        ],
    )


def _condition() -> Resource:
    number, clot, site = "Condition.identifier:caseNumber", "Condition.code.coding:hat", "Condition.bodySite.coding:hat"
    value = carried(CASE, "local_case_id", f"{number}.value", maxLength=longest(field(CASE, "local_case_id")))
    return profile(
        local_name(CASE_PROFILE),
        "A case: one thrombosis of one patient",
        "A Condition is a case by the number that the trust gave it. verificationStatus entered-in-error takes the case back; refuted "
        "says that it was not hospital-associated.",
        f"{UK_CORE}/UKCore-Condition",
        "Condition",
        [
            sliced("Condition.extension", "value", "url"),
            element(
                "Condition.extension:indexAdmission",
                short="The index stay",
                min=0,
                max="1",
                type=[{"code": "Extension", "profile": [INDEX_ADMISSION]}],
            ),
            sliced("Condition.identifier", "value", "system", min=1),
            *identifier(number, LOCAL_CASE_ID, 1, value),
            *organisation(f"{number}.assigner", 0),
            element("Condition.verificationStatus", mustSupport=True),
            carried(
                CASE,
                "vte_type",
                "Condition.code",
                comment="A code of the registry's own, which is read first, or one of SNOMED CT or ICD-10.",
            ),
            sliced("Condition.code.coding", "value", "system"),
            *_own_code(clot, codes.VteType),
            carried(CASE, "dvt_site", "Condition.bodySite"),
            sliced("Condition.bodySite.coding", "value", "system"),
            *_own_code(site, codes.DvtSite),
            element("Condition.subject", type=[{"code": "Reference", "targetProfile": [PATIENT]}]),
            carried(CASE, "symptom_onset_date", "Condition.onset[x]"),
            carried(CASE, "diagnosis_date", "Condition.recordedDate"),
        ],
    )


def _own_code(ident: str, of: type[CodeList]) -> list[Element]:
    """A coding of the registry's own code system, if there is one."""
    return [
        element(ident, min=0, max="1", binding={"strength": "required", "valueSet": value_set(of)}),
        element(f"{ident}.system", min=1, fixedUri=code_system(of)),
        element(f"{ident}.code", min=1),
    ]


def _response(
    kind: RecordKind, title: str, description: str, address: str, system: str, elements: list[Element]
) -> Resource:
    return profile(
        local_name(address),
        title,
        f"{description} Each answer's linkId is a field of the dataset; there are no groups and no answers beneath answers.",
        f"{R4}/QuestionnaireResponse",
        "QuestionnaireResponse",
        [
            sliced("QuestionnaireResponse.extension", "value", "url"),
            element(
                "QuestionnaireResponse.extension:case",
                short="The case",
                min=0,
                max="1",
                type=[{"code": "Extension", "profile": [OF_CASE]}],
            ),
            *elements,
            element("QuestionnaireResponse.identifier", comment=f"Of the system {system}."),
            element(
                "QuestionnaireResponse.questionnaire",
                min=1,
                comment=f"{QUESTIONNAIRES[kind]}, with or without its version.",
            ),
            element("QuestionnaireResponse.item.item", max="0"),
            element("QuestionnaireResponse.item.answer.item", max="0"),
        ],
    )


def _names_its_case() -> list[Element]:
    case = "QuestionnaireResponse.extension:case.value[x].identifier"
    return [
        element(f"{case}.system", fixedUri=LOCAL_CASE_ID),
        carried(
            RCA, "local_case_id", f"{case}.value", comment="Not needed where the case is in the same Bundle.", min=0
        ),
    ]


def _report() -> Resource:
    return profile(
        local_name(ACTIVITY_REPORT),
        "Monthly return",
        "The admissions of one organisation in one calendar month, and whether its cases of that month are complete.",
        f"{R4}/MeasureReport",
        "MeasureReport",
        [
            sliced("MeasureReport.extension", "value", "url"),
            *(_coded(name, address) for address, name in ACTIVITY_CODED.items()),
            element(
                "MeasureReport.identifier", comment=f"Of the system {RETURN_ID}: the ODS code, a hyphen, the month."
            ),
            element("MeasureReport.type", fixedCode="summary"),
            element("MeasureReport.measure", comment=f"{ACTIVITY_MEASURE}, with or without its version."),
            *_reporter(),
            carried(ACTIVITY, "month", "MeasureReport.period", comment="From the first to the last day of one month."),
            element("MeasureReport.period.start", min=1),
            element("MeasureReport.period.end", min=1),
            sliced("MeasureReport.group", "pattern", "code", min=1),
            *(each for counted in ACTIVITY_COUNTS for each in _group(counted)),
        ],
    )


def _coded(name: str, address: str) -> Element:
    return carried(
        ACTIVITY,
        name,
        f"MeasureReport.extension:{name}",
        max="1",
        type=[{"code": "Extension", "profile": [address]}],
    )


def _reporter() -> list[Element]:
    here = "MeasureReport.reporter"
    value = carried(ACTIVITY, "organisation", f"{here}.identifier.value", min=1, comment="The ODS code.")
    return [*organisation(here, 0)[:-1], value]


def _group(name: str) -> list[Element]:
    here = f"MeasureReport.group:{name}"
    return [
        carried(ACTIVITY, name, here, max="1"),
        element(f"{here}.code", min=1, patternCodeableConcept=concept(ACTIVITY_GROUPS, name)),
        element(f"{here}.population", min=1, max="1"),
        element(f"{here}.population.code", min=1, patternCodeableConcept=concept(*ACTIVITY_POPULATION)),
        element(f"{here}.population.count", min=1),
    ]
