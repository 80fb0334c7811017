"""R4's rules about the entries of a Bundle, as far as they are about its form (bdl-1 to bdl-8), and what references in one can reach."""

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.fhir import tables
from schemas.rule import Rule
from schemas.rules import fhir as rules

ASKS = frozenset({"batch", "transaction", "history"})
ANSWERS = frozenset({"batch-response", "transaction-response", "history"})

Told = tuple[Rule, int, str | None, dict[str, str]]
"""The rule, the entry's place, the element in it (None: the entry), the placeholders."""


def entries(bundle: Mapping[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """The entries that can be looked into, with their places; the walker tells of the others."""
    held = bundle.get("entry")
    return (
        [(place, entry) for place, entry in enumerate(held) if isinstance(entry, dict)]
        if isinstance(held, list)
        else []
    )


def types(bundle: Mapping[str, Any]) -> dict[str, str]:
    """The resource types of entries by their `fullUrl`, where R4 knows them."""
    return {
        entry["fullUrl"]: entry["resource"]["resourceType"]
        for _, entry in entries(bundle)
        if isinstance(entry.get("fullUrl"), str)
        and isinstance(entry.get("resource"), dict)
        and tables.known(entry["resource"].get("resourceType"))
    }


def contained(held: Mapping[str, Any]) -> dict[str, str]:
    """The types of contained resources by their id; those that are not known are not told apart."""
    inner = held.get("contained")
    if not isinstance(inner, list):
        return {}
    return {
        each["id"]: each["resourceType"]
        for each in inner
        if isinstance(each, dict) and isinstance(each.get("id"), str) and tables.known(each.get("resourceType"))
    }


def faults(bundle: Mapping[str, Any], known: frozenset[str]) -> Iterator[Told]:
    """What breaks the rules; nothing about a Bundle whose type is not one of the `known`, since they all depend on it."""
    kind = bundle.get("type")
    if not isinstance(kind, str) or kind not in known:
        return
    held = entries(bundle)
    for place, entry in held:
        yield from _entry(kind, place, entry)
    if kind != "history":
        yield from _repeated(held)


def _entry(kind: str, place: int, entry: Mapping[str, Any]) -> Iterator[Told]:
    for element, wanted in (("request", kind in ASKS), ("response", kind in ANSWERS)):
        if wanted and element not in entry:
            yield rules.BUNDLE_REQUEST, place, None, {"type": kind, "must": f"must have “{element}”"}
        elif element in entry and not wanted:
            yield rules.BUNDLE_REQUEST, place, element, {"type": kind, "must": f"may not have “{element}”"}
    if "search" in entry and kind != "searchset":
        yield rules.BUNDLE_REQUEST, place, "search", {"type": kind, "must": "may not have “search”"}
    if not entry.keys() & {"resource", "request", "response"}:
        yield rules.BUNDLE_REQUEST, place, None, {"type": kind, "must": "must have “resource”"}


def _repeated(held: list[tuple[int, dict[str, Any]]]) -> Iterator[Told]:
    """The same address may come again only with another version of the resource."""
    seen: set[tuple[str, str]] = set()
    for place, entry in held:
        address = entry.get("fullUrl")
        if not isinstance(address, str):
            continue
        named = (address, _version(entry.get("resource")))
        if named in seen:
            yield rules.DUPLICATE_FULL_URL, place, "fullUrl", {}
        seen.add(named)


def _version(resource: object) -> str:
    meta = resource.get("meta") if isinstance(resource, dict) else None
    return str(meta.get("versionId")) if isinstance(meta, dict) else ""
