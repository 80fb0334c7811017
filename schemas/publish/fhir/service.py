"""What the FHIR door does: its CapabilityStatement and operations, the systems of its identifiers, and the guide that lists all."""

from collections.abc import Iterable, Iterator
from typing import Any

from schemas.fhir import (
    CASE_BUNDLE_PROFILE,
    CASE_PROFILE,
    HOST,
    LOCAL_CASE_ID,
    LOCAL_RCA_ID,
    LOCAL_SPELL_ID,
    RETURN_ID,
    VERSION,
    Artefact,
    canonical,
)
from schemas.publish.fhir.profiles import ACTIVITY_REPORT, CASE_RESPONSE, MOST_ENTRIES, RCA_RESPONSE
from schemas.publish.fhir.resource import (
    DATED,
    FHIR_VERSION,
    PUBLISHER,
    UNITED_KINGDOM,
    Resource,
    computer_name,
    concept,
    head,
    versioned,
)
from schemas.record import RecordKind

NAME = "hat-registry"
PACKAGE = "hat.registry"
BASE = f"{HOST}/fhir/r4"
"""Where the service stands, in the published file; the service itself answers with its own address."""
SUBMIT, VALIDATE = (canonical(Artefact.OPERATION_DEFINITION, name) for name in ("submit-cases", "validate"))
CONFORMANCE = tuple(each for each in Artefact if each is not Artefact.CAPABILITY_STATEMENT)
"""What may be read one by one and searched."""

MOST_OF_BATCH = 200

_IDENTIFIERS = {
    LOCAL_CASE_ID: "The trust's own number of a case; assigner.identifier is the ODS code. Never an NHS number.",
    LOCAL_RCA_ID: "The trust's own number of a review; assigner.identifier is the ODS code.",
    LOCAL_SPELL_ID: "The trust's own number of a hospital stay; assigner.identifier is the ODS code.",
    RETURN_ID: "A monthly return: the ODS code, a hyphen, and the month as yyyy-mm.",
}


def resources() -> Iterator[Resource]:
    yield _submit_cases()
    yield _validate()
    yield from (_naming_system(system, words) for system, words in _IDENTIFIERS.items())
    yield _capabilities()


def guide(listed: Iterable[Resource]) -> Resource:
    """The implementation guide over all other resources, which is what a FHIR package is about."""
    return {
        **head(
            Artefact.IMPLEMENTATION_GUIDE,
            NAME,
            "HAT registry",
            "How trusts and health boards send hospital-associated thrombosis to the registry as FHIR R4: profiles, questionnaires, code "
            "lists, rules and operations.",
        ),
        "packageId": PACKAGE,
        "fhirVersion": [FHIR_VERSION],
        "definition": {"resource": [_listed(each) for each in listed]},
    }


def _listed(resource: Resource) -> Resource:
    return {
        "reference": {"reference": f"{resource['resourceType']}/{resource['id']}"},
        "name": resource.get("title") or resource["name"],
        "exampleBoolean": False,
    }


def _submit_cases() -> Resource:
    return {
        **head(
            Artefact.OPERATION_DEFINITION,
            "submit-cases",
            "Send a file of cases",
            "The body is the file itself: NDJSON, one transaction Bundle a line (application/fhir+ndjson), or CSV (text/csv). It is answered "
            "with 202 and Content-Location, where progress, then the manifest, and with it one OperationOutcome for each unit in the order "
            "sent, accepted ones included. Each unit stands or falls alone. Send Prefer: respond-async, and as Submission-Id a new uuid, by "
            "which the same file sent again is known.",
        ),
        "kind": "operation",
        "affectsState": True,
        "code": "submit-cases",
        "system": True,
        "type": False,
        "instance": False,
        "parameter": [
            _parameter(
                "organisation", 0, "string", "The ODS code that the file is sent for, where the sender has several."
            ),
            _parameter("dryrun", 0, "boolean", "Check only: nothing is kept."),
            _parameter(
                "kind", 0, "code", f"What the rows of a CSV are, case if nothing is said: {', '.join(RecordKind)}."
            ),
            _parameter(
                "opt_out_screened",
                0,
                "boolean",
                "The sender has left out patients who opted out, where its nation asks for that. The header Opt-Out-Screened says the same.",
            ),
            _parameter("return", 0, "OperationOutcome", "Why the file as a whole was refused.", use="out"),
        ],
    }


def _validate() -> Resource:
    return {
        **head(
            Artefact.OPERATION_DEFINITION,
            "validate",
            "Check and keep nothing",
            "What is posted is checked as if it were sent: the same rules, by the same code. A Bundle or a monthly return is checked whole; of "
            "any other resource only the structure.",
        ),
        "kind": "operation",
        "affectsState": False,
        "code": "validate",
        "base": "http://hl7.org/fhir/OperationDefinition/Resource-validate",
        "resource": ["Bundle"],
        "system": False,
        "type": True,
        "instance": False,
        "parameter": [
            _parameter("resource", 1, "Resource", "The Bundle or other resource, as the body."),
            _parameter("return", 1, "OperationOutcome", "Every issue, the worst first.", use="out"),
        ],
    }


def _parameter(name: str, least: int, kind: str, words: str, *, use: str = "in") -> Resource:
    return {"name": name, "use": use, "min": least, "max": "1", "documentation": words, "type": kind}


def _naming_system(system: str, words: str) -> Resource:
    name = f"hat-{system.rsplit('/', 1)[1]}"
    return {
        "resourceType": Artefact.NAMING_SYSTEM.value,
        "id": name,
        "name": computer_name(name),
        "status": "active",
        "kind": "identifier",
        "date": DATED,
        "publisher": PUBLISHER,
        "description": words,
        "jurisdiction": UNITED_KINGDOM,
        "uniqueId": [{"type": "uri", "value": system, "preferred": True}],
    }


def _capabilities() -> Resource:
    return {
        **head(
            Artefact.CAPABILITY_STATEMENT,
            NAME,
            "HAT registry",
            "Cases and reviews come in as transactions, monthly returns one by one or as a batch; a transaction replaces what was held of its "
            "case. A trust reads back its own; the published figures and these definitions are for everybody.",
        ),
        "kind": "instance",
        "software": {"name": "HAT registry", "version": VERSION},
        "implementation": {"description": "The national registry of hospital-associated thrombosis", "url": BASE},
        "fhirVersion": FHIR_VERSION,
        "format": ["application/fhir+json", "application/fhir+ndjson"],
        "implementationGuide": [versioned(canonical(Artefact.IMPLEMENTATION_GUIDE, NAME))],
        "rest": [_rest()],
    }


def _rest() -> Resource:
    return {
        "mode": "server",
        "documentation": f"Unknown search parameters are refused unless Prefer: handling=lenient is sent. A transaction holds at most "
        f"{MOST_ENTRIES} entries, a batch {MOST_OF_BATCH}. Nothing is deleted: verificationStatus entered-in-error takes a case back.",
        "security": {
            "service": [concept("http://terminology.hl7.org/CodeSystem/restful-security-service", "SMART-on-FHIR")],
            "description": "SMART Backend Services: private_key_jwt with RS384, ES384 or RS512 (see .well-known/smart-configuration), or a "
            "token made by an administrator. Each client has a list of organisations, looked up for every unit.",
        },
        "resource": [*_clinical(), _returns(), _bundles(), *_conformance()],
        "interaction": [{"code": "transaction"}, {"code": "batch"}],
        "operation": [{"name": "submit-cases", "definition": SUBMIT}],
    }


def _search(name: str, kind: str, words: str) -> Resource:
    return {"name": name, "type": kind, "documentation": words}


_BY_PERSON = "With :identifier, an NHS number; only in a form posted to _search, never in an address"
_OWN = (
    _search("_id", "token", "The registry's id"),
    _search("identifier", "token", "system|value: the sender's own number"),
    _search("_lastUpdated", "date", "When this version came"),
)


def _clinical() -> Iterator[Resource]:
    for kind, profiles in (("Condition", [CASE_PROFILE]), ("QuestionnaireResponse", [CASE_RESPONSE, RCA_RESPONSE])):
        by = [*_OWN]
        if kind == "QuestionnaireResponse":
            by.append(_search("questionnaire", "reference", "The canonical address of the questionnaire"))
        by += [_search(name, "reference", _BY_PERSON) for name in ("patient", "subject")]
        yield {
            **_resource(kind, "read", "vread", "history-instance", "search-type"),
            "supportedProfile": profiles,
            "versioning": "versioned-update",
            "readHistory": True,
            "searchParam": by,
        }


def _returns() -> Resource:
    return {
        **_resource("MeasureReport", "create", "update", "read", "vread", "history-instance", "search-type"),
        "supportedProfile": [ACTIVITY_REPORT],
        "documentation": "Monthly returns are sent, and read back by identifier or by their measure. All other measures are those of the "
        "publication, for everybody and without a token.",
        "versioning": "versioned-update",
        "readHistory": True,
        "conditionalCreate": True,
        "conditionalUpdate": True,
        "searchParam": [
            *_OWN,
            _search("measure", "reference", "The canonical address of the measure"),
            _search("period", "date", "The months that the figures are about"),
        ],
    }


def _bundles() -> Resource:
    return {
        **_resource("Bundle"),
        "supportedProfile": [CASE_BUNDLE_PROFILE],
        "operation": [{"name": "validate", "definition": VALIDATE}],
    }


def _conformance() -> Iterator[Resource]:
    for kind in CONFORMANCE:
        by = [_search("_id", "token", "The id")]
        if kind is not Artefact.NAMING_SYSTEM:
            by += [_search("url", "uri", "The canonical address"), _search("version", "token", "The version")]
        yield {**_resource(kind.value, "read", "search-type"), "searchParam": by}


def _resource(kind: str, *interactions: str) -> Resource:
    offered: dict[str, Any] = {"interaction": [{"code": each} for each in interactions]} if interactions else {}
    return {"type": kind, **offered}
