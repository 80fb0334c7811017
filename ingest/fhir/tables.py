"""What R4 knows of each type: its elements, drawn from the models of fhir.resources when a type is first met.

A table is made once for a type and kept, so that looking something up costs one look into a dict. The models are R4B's; where R4
says something else, `ingest.fhir.release` has the last word.
"""

import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.fhir import narrative, release
from ingest.fhir.primitives import PRIMITIVES, Check, Primitive


@dataclass(slots=True, eq=False)
class Element:
    """One element as it is written in JSON.

    `name` is how FHIRPath names it: a choice is named without its type. `right` is None where it holds other elements; `annex` says
    whether `_key` may stand beside it, `resource` whether any resource may stand here.
    """

    key: str
    name: str
    many: bool
    primitive: Primitive | None = None
    right: Check | None = None
    codes: frozenset[str] | None = None
    choice: str | None = None
    targets: frozenset[str] | None = None
    annex: bool = False
    resource: bool = False
    model: Any = None
    title: str = ""
    made: "Table | None" = None

    def table(self) -> "Table":
        """What may stand inside."""
        if self.made is None:
            self.made = _made(self.model, self.title)
        return self.made


@dataclass(slots=True, eq=False)
class Table:
    """A type: `title` is how people name it (`Encounter.hospitalization`), `required` are keys and `choices` names that must be there."""

    name: str
    title: str
    elements: dict[str, Element] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    choices: frozenset[str] = frozenset()


def known(resource_type: object) -> bool:
    """Whether R4 has a resource of this type."""
    return isinstance(resource_type, str) and resource_type in release.RESOURCE_TYPES


def modelled(resource_type: str) -> bool:
    """Whether the inside of a resource of R4 is known here."""
    return resource_type not in release.NOT_MODELLED


def table(resource_type: str) -> Table:
    """The table of a resource type of R4 that is modelled."""
    return _MADE.get(resource_type) or _made(_model(resource_type), resource_type)


def annex() -> Table:
    """What may stand in `_birthDate` and the like."""
    return _MADE.get("FHIRPrimitiveExtension") or _made(_model("FHIRPrimitiveExtension"), "Element")


_MADE: dict[str, Table] = {}


def _model(name: str) -> Any:
    """Imported late: the models take long to load, and most commands never need them."""
    from fhir.resources.R4B import get_fhir_model_class

    return get_fhir_model_class(name)


def _made(model: Any, title: str) -> Table:
    name: str = model.__resource_type__
    if name not in _MADE:
        _MADE[name] = _drawn(model, name, title)
    return _MADE[name]


def _drawn(model: Any, name: str, title: str) -> Table:
    drawn = Table(name, title)
    required: set[str] = set()
    choices: set[str] = set()
    for field_name, key, about in _fields(model):
        extra: Mapping[str, Any] = about.json_schema_extra or {}
        element = drawn.elements[key] = _element(drawn, key, about.annotation, extra)
        element.annex = element.right is not None and _may_have_annex(model, name, field_name)
        if extra.get("one_of_many_required"):
            choices.add(element.name)
        elif element.choice is None and (about.is_required() or extra.get("element_required")):
            required.add(key)
    for key, kind in release.ALSO.get(name, {}).items():
        choice = key.removesuffix(kind)
        drawn.elements[key] = Element(key, choice, False, choice=choice, model=_model(kind), title=kind)
    if name in release.RESOURCE_TYPES:
        drawn.elements["resourceType"] = _primitive("resourceType", "resourceType", "code")
    drawn.required, drawn.choices = frozenset(required), frozenset(choices)
    return drawn


def _fields(model: Any) -> typing.Iterator[tuple[str, str, Any]]:
    """Python's name, the key in JSON (`class` is `class_fhir` in Python) and what the model says of it."""
    for name, about in model.model_fields.items():
        key = about.alias or name
        if not name.endswith("__ext") and name != "fhir_comments" and key not in release.NOT_IN_R4:
            yield name, key, about


def _may_have_annex(model: Any, name: str, field_name: str) -> bool:
    """The models forget `_valueString` in an Extension. An Extension's own `url`, and any `id`, take none in R4."""
    return field_name not in ("url", "id") if name == "Extension" else f"{field_name}__ext" in model.model_fields


def _element(parent: Table, key: str, annotation: Any, extra: Mapping[str, Any]) -> Element:
    kind, many = _unwrapped(annotation)
    choice = extra.get("one_of_many")
    place = f"{parent.name}.{key}"
    if isinstance(kind, str):
        codes = _codes(place, extra) if kind == "code" else None
        return _primitive(key, choice or key, kind, many=many, codes=codes, choice=choice)
    targets = release.TARGETS.get(place) or frozenset(extra.get("enum_reference_types") or ()) - {"Resource"}
    resource = kind.__name__ == "ResourceType"
    model: Any = None if resource else kind.get_model_klass()
    return Element(
        key,
        choice or key,
        many,
        choice=choice,
        targets=targets or None,
        resource=resource,
        model=model,
        title="" if resource else _title(parent, key, model.__resource_type__),
    )


def _title(parent: Table, key: str, name: str) -> str:
    """`EncounterHospitalization` is `Encounter.hospitalization`; a type with a name of its own keeps it."""
    return f"{parent.title}.{key}" if name.startswith(parent.name) else name


def _primitive(
    key: str,
    name: str,
    kind: str,
    *,
    many: bool = False,
    codes: frozenset[str] | None = None,
    choice: str | None = None,
) -> Element:
    primitive = PRIMITIVES[kind]
    right = primitive.right if codes is None else _one_of(codes)
    return Element(key, name, many, primitive, _xhtml if kind == "xhtml" else right, codes, choice)


def _codes(place: str, extra: Mapping[str, Any]) -> frozenset[str] | None:
    """The codes of a required list. The models shorten some lists, with "+" in place of the rest."""
    listed = release.CODES.get(place) or frozenset(extra.get("enum_values") or ())
    return None if not listed or "+" in listed or place in release.ANY_CODE else listed


def _one_of(codes: frozenset[str]) -> Check:
    def right(value: object) -> bool:
        return value.__class__ is str and value in codes

    return right


def _xhtml(value: object) -> bool:
    return isinstance(value, str) and narrative.fault(value) is None


_NAMES = {"bool": "boolean", "str": "string", "UuidVersion": "uuid"}


def _unwrapped(annotation: Any) -> tuple[Any, bool]:
    """The primitive type's name or the model's type, and whether it repeats: `Optional[List[Optional[Annotated[str, Code()]]]]`."""
    origin = typing.get_origin(annotation)
    if origin is list:
        return _unwrapped(typing.get_args(annotation)[0])[0], True
    if origin is typing.Annotated:
        name = type(annotation.__metadata__[-1]).__name__
        return _NAMES.get(name, name[0].lower() + name[1:]), False
    if origin is None:
        return (annotation if hasattr(annotation, "get_model_klass") else _NAMES[annotation.__name__]), False
    return _unwrapped(next(each for each in typing.get_args(annotation) if each is not type(None)))
