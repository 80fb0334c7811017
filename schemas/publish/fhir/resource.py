"""What every published resource has in common, and the one place where the models of fhir.resources check what is written.

The models are of R4B, which for all types used here holds every element of R4. They are loaded when the first resource is written,
since nothing else of the dataset needs them.
"""

import json
from collections.abc import Mapping
from typing import Any

from schemas.fhir import VERSION, Artefact, canonical

Resource = dict[str, Any]

FHIR_VERSION = "4.0.1"
DATED = "2026-11-22"
"""The day on which this version of the artefacts was made."""
PUBLISHER = "HAT registry"
UNITED_KINGDOM = [{"coding": [{"system": "urn:iso:std:iso:3166", "code": "GB"}]}]


def head(artefact: Artefact, name: str, title: str, description: str, *, dated: str = DATED) -> Resource:
    """The elements that a resource of any of these kinds begins with."""
    return {
        "resourceType": artefact.value,
        "id": name,
        "url": canonical(artefact, name),
        "version": VERSION,
        "name": computer_name(name),
        "title": title,
        "status": "active",
        "date": dated,
        "publisher": PUBLISHER,
        "description": description,
        "jurisdiction": UNITED_KINGDOM,
    }


def computer_name(name: str) -> str:
    """`hat-vte-type` → `HatVteType`: R4 wants a name that a program may use."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("-"))


def local_name(address: str) -> str:
    """The last part of a canonical address, which is the id of what stands there."""
    return address.rsplit("/", 1)[1]


def versioned(address: str) -> str:
    """A canonical address with the version of these artefacts."""
    return f"{address}|{VERSION}"


def present(elements: Mapping[str, Any]) -> Resource:
    """The elements that hold something; R4 knows no null and nothing empty."""
    return {name: value for name, value in elements.items() if value not in (None, "", [], {})}


def coding(system: str, code: str) -> Resource:
    return {"system": system, "code": code}


def concept(system: str, code: str) -> Resource:
    """A CodeableConcept of one coding."""
    return {"coding": [coding(system, code)]}


def written(resource: Resource) -> bytes:
    """The resource as JSON, its elements in R4's order. Raises ValueError where its model refuses or alters anything in it."""
    from fhir.resources.R4B import get_fhir_model_class

    model = get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    read_back = json.loads(model.model_dump_json())
    if read_back != resource:
        raise ValueError(f"{resource['resourceType']}/{resource['id']} is not the same after its model wrote it")
    return (json.dumps(read_back, indent=2, ensure_ascii=False) + "\n").encode()


def file_name(resource: Resource) -> str:
    """`Questionnaire-hat-case.json`, as FHIR packages name their files."""
    return f"{resource['resourceType']}-{resource['id']}.json"
