"""How a StructureDefinition is put together: its differential, element by element, with the words of the fields that ride in it."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from schemas.dictionary import VERSION, Field, field
from schemas.fhir import ODS_CODE, Artefact, canonical
from schemas.publish.fhir.resource import FHIR_VERSION, Resource, head, present
from schemas.record import RecordKind

R4 = "http://hl7.org/fhir/StructureDefinition"
UK_CORE = "https://fhir.hl7.org.uk/StructureDefinition"
DATASET = "hat-dataset"
"""The name under which elements are mapped to fields of the dataset: `case.birth_date`."""

Element = dict[str, Any]


def element(ident: str, **elements: Any) -> Element:
    """One element of a differential. `ident` is its id; its path is the id without the names of slices."""
    named = re.search(r":([^.:]+)$", ident)
    return {
        "id": ident,
        "path": re.sub(r":[^.]+", "", ident),
        **({"sliceName": named[1]} if named else {}),
        **elements,
    }


def carried(kind: RecordKind, name: str, ident: str, **elements: Any) -> Element:
    """The element in which a field rides: needed if the field is, in the field's words, mapped to it."""
    asked = field(kind, name)
    words = {"short": asked.item.question, "comment": notes(asked)}
    mapped = {"mustSupport": True, "mapping": [{"identity": DATASET, "map": f"{kind}.{name}"}]}
    return {**element(ident), **present({"min": int(asked.required), **words, **elements, **mapped})}


def notes(asked: Field) -> str:
    applies = f"Applies when {asked.item.applies}." if asked.item.applies else ""
    return " ".join(filter(None, (asked.item.hint, applies)))


def sliced(ident: str, kind: str, path: str, **elements: Any) -> Element:
    """An element whose repetitions are told apart by what stands at `path`; others may stand beside them."""
    by = {"discriminator": [{"type": kind, "path": path}], "rules": "open"}
    return element(ident, slicing=by, **elements)


def identifier(ident: str, system: str, least: int, value: Element | None = None) -> list[Element]:
    """A slice of identifiers with a fixed system, and the element of its value if a field rides there."""
    return [
        element(ident, min=least, max="1"),
        element(f"{ident}.system", min=1, fixedUri=system),
        value or element(f"{ident}.value", min=1),
    ]


def organisation(ident: str, least: int) -> list[Element]:
    """An organisation by its ODS code alone."""
    return [
        element(ident, min=least),
        element(f"{ident}.identifier", min=least),
        element(f"{ident}.identifier.system", min=1, fixedUri=ODS_CODE),
        element(f"{ident}.identifier.value", min=1),
    ]


def profile(
    name: str, title: str, description: str, parent: str, resource: str, elements: Iterable[Element]
) -> Resource:
    """A profile of a type of resource. Its parent is R4's own type, or UK Core's profile of it."""
    return {
        **_definition(name, title, description),
        "mapping": [{"identity": DATASET, "name": f"HAT dataset {VERSION}"}],
        "kind": "resource",
        "abstract": False,
        "type": resource,
        "baseDefinition": parent,
        "derivation": "constraint",
        "differential": {"element": [element(resource, short=title), *elements]},
    }


def extension(
    name: str, title: str, description: str, contexts: Sequence[str], elements: Iterable[Element]
) -> Resource:
    """An extension that may stand in the elements of `contexts`; the last of `elements` says what its value is."""
    *inner, value = elements
    return {
        **_definition(name, title, description),
        "kind": "complex-type",
        "abstract": False,
        "context": [{"type": "element", "expression": where} for where in contexts],
        "type": "Extension",
        "baseDefinition": f"{R4}/Extension",
        "derivation": "constraint",
        "differential": {
            "element": [
                element("Extension", short=title, definition=description, max="1"),
                *inner,
                element("Extension.url", fixedUri=canonical(Artefact.STRUCTURE_DEFINITION, name)),
                value,
            ]
        },
    }


def single(value: Resource, **elements: Any) -> list[Element]:
    """The elements of an extension that holds one value of this type."""
    return [
        element("Extension.extension", max="0"),
        element("Extension.value[x]", min=1, type=[value], **elements),
    ]


def refers_to(*types: str) -> Resource:
    """The type of an element that refers to resources of these types."""
    return {"code": "Reference", "targetProfile": [f"{R4}/{each}" for each in types]}


def _definition(name: str, title: str, description: str) -> Resource:
    return {**head(Artefact.STRUCTURE_DEFINITION, name, title, description), "fhirVersion": FHIR_VERSION}
