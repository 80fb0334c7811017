"""FHIRPaths from the root of what was posted: `Bundle.entry[2].resource.onset`, a choice named without its type."""

import re
from collections.abc import Sequence
from typing import Any

from ingest.fhir import tables
from ingest.fhir.tables import Element, Table

Where = tuple["Where", str, int | None] | None
"""A place, from the inside out: the place around it, the element's name, its number in an array. Made into words only for a fault."""

_PLAIN = re.compile(r"_?[a-z][A-Za-z_]{0,39}")


def path(where: Where, root: str) -> str:
    """`Bundle.entry[2].resource.onset`."""
    steps = []
    while where is not None:
        where, name, number = where
        steps.append(f".{name}" if number is None else f".{name}[{number}]")
    return root + "".join(reversed(steps))


def root_of(resource: object) -> str:
    """The name with which paths into a value begin: its type, where R4 has it."""
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    return kind if isinstance(kind, str) and tables.known(kind) else "Resource"


def spoken(key: str) -> bool:
    """Whether an unknown key may be told: it looks like the name of an element, and nothing like data."""
    return _PLAIN.fullmatch(key) is not None


def place(value: Any, steps: Sequence[str | int], root: str = "") -> str:
    """The FHIRPath of what one reaches from a parsed value by keys and array indices. It ends before a key that may not be told."""
    where: Where = None
    element: Element | None = None
    table = _of_resource(value)
    held = value
    for step in steps:
        held = held[step]
        if isinstance(step, int):
            where = (where[0], where[1], step) if where is not None else None
        else:
            element = table.elements.get(step.removeprefix("_")) if table else None
            if element is None and not spoken(step):
                break
            where = (where, element.name if element else step, None)
        table = _of_resource(held) or _inside(element)
    return path(where, root or root_of(value))


def _of_resource(held: Any) -> Table | None:
    kind = held.get("resourceType") if isinstance(held, dict) else None
    return tables.table(kind) if isinstance(kind, str) and tables.known(kind) and tables.modelled(kind) else None


def _inside(element: Element | None) -> Table | None:
    if element is None or element.resource:
        return None
    return tables.annex() if element.right is not None else element.table()
