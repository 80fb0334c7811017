"""The structural guard: every fault of form of any R4 resource, each at its own FHIRPath, all at once.

One walk over the parsed JSON beside the tables of `ingest.fhir.tables`. It refuses what the models of fhir.resources let through
(wrong codes, nulls, empty arrays and objects, coercions, unknown types, missing primitives hidden behind other faults, deep nesting,
scripts in narratives) and accepts what they wrongly refuse (`_valueString` in an Extension, UUIDs of any version). It never raises,
whatever JSON value it is given, and tells no value.
"""

import re
from collections.abc import Mapping
from typing import Any

from ingest.fhir import bundles, narrative, release, tables
from ingest.fhir.issue import Issue, issue
from ingest.fhir.paths import Where, path, root_of, spoken
from ingest.fhir.primitives import Huge
from ingest.fhir.tables import Element, Table
from schemas.rule import Rule
from schemas.rules import fhir as rules

MOST_LEVELS = 32
"""Objects and arrays within one another. The deepest of HL7's examples has 22."""
MOST_FAULTS = 2_000
"""Of one resource; the walk goes on, more are not kept. A sender is told 200."""
MOST_NAMED = 15
"""Codes of a list that are named in the words to the sender."""

_Told = tuple[Rule, Where, dict[str, str]]

CODES = {
    rules.MISSING_ELEMENT.number: "required",
    rules.WRONG_PRIMITIVE.number: "value",
    rules.WRONG_TARGET.number: "value",
    rules.HUGE_NUMBER.number: "value",
    rules.CODE_NOT_IN_LIST.number: "code-invalid",
    rules.NOT_CHECKED_INSIDE.number: "informational",
}
"""R4's issue type of each structural rule; all others are `structure`."""

_WORST = (
    rules.TOO_DEEP,
    rules.DUPLICATE_KEY,
    rules.UNKNOWN_TYPE,
    rules.BUNDLE_REQUEST,
    rules.DUPLICATE_FULL_URL,
    rules.MISSING_ELEMENT,
    rules.WRONG_SHAPE,
    rules.CODE_NOT_IN_LIST,
    rules.WRONG_PRIMITIVE,
    rules.TWO_CHOICES,
    rules.WRONG_TARGET,
)
_RANK = {rule.number: rank for rank, rule in enumerate(_WORST)} | {rules.NOT_CHECKED_INSIDE.number: 999}

_TARGET = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?$")


def faults(resource: object, root: str | None = None, *, most_levels: int = MOST_LEVELS) -> list[Issue]:
    """Every structural fault of a parsed resource or Bundle, worst first, information last.

    `root` begins each FHIRPath; None: the resource's own type. Elements inside a type that is not modelled here are only looked at
    for nulls and emptiness, which an information issue says.
    """
    walk = _Walk(most_levels)
    walk.resource(resource, None, 1)
    beginning = root or root_of(resource)
    ranked = sorted(walk.found, key=lambda told: _RANK.get(told[0].number, len(_WORST)))
    return [told_issue(rule, path(where, beginning), **placeholders) for rule, where, placeholders in ranked]


def told_issue(rule: Rule, *places: str, **placeholders: str) -> Issue:
    """The issue of one structural rule, at a place or about the whole."""
    code = CODES.get(rule.number, "structure")
    return issue(rule, code, *places, information=code == "informational", **placeholders)


class _Walk:
    """One walk: what it found, and what references inside the resource can point to."""

    __slots__ = ("contained", "entries", "found", "most_levels")

    def __init__(self, most_levels: int) -> None:
        self.most_levels = most_levels
        self.found: list[_Told] = []
        self.entries: Mapping[str, str] = {}
        self.contained: Mapping[str, str] = {}

    def tell(self, rule: Rule, where: Where, **placeholders: str) -> None:
        if len(self.found) < MOST_FAULTS:
            self.found.append((rule, where, placeholders))

    def resource(self, held: Any, where: Where, level: int, *, inside: bool = False) -> None:
        """A resource, `inside` another's `contained` or not."""
        if not isinstance(held, dict):
            self.wrong_kind(held, where, "one resource")
            return
        kind = held.get("resourceType")
        if not isinstance(kind, str) or not tables.known(kind):
            self.tell(rules.UNKNOWN_TYPE, where)
            self.shape(held, where, level)
            return
        if not tables.modelled(kind):
            self.tell(rules.NOT_CHECKED_INSIDE, where, type=kind)
            self.shape(held, where, level)
            return
        around = self.entries, self.contained
        if inside:
            if "contained" in held:
                self.tell(rules.CONTAINED_AGAIN, (where, "contained", None))
        else:
            self.contained = bundles.contained(held)
        if kind == "Bundle":
            self.bundle(held, where)
        self.object(held, tables.table(kind), where, level)
        self.entries, self.contained = around

    def bundle(self, held: dict[str, Any], where: Where) -> None:
        self.entries = bundles.types(held)
        for rule, place, leaf, placeholders in bundles.faults(
            held, tables.table("Bundle").elements["type"].codes or frozenset()
        ):
            at: Where = (where, "entry", place)
            self.tell(rule, (at, leaf, None) if leaf else at, **placeholders)

    def object(self, held: dict[str, Any], table: Table, where: Where, level: int) -> None:
        """Everything inside an object that is not empty."""
        if level > self.most_levels:
            self.tell(rules.TOO_DEEP, where, limit=str(self.most_levels))
            return
        elements = table.elements
        chosen: tuple[str, ...] = ()
        for key, value in held.items():
            element = elements.get(key)
            if element is None:
                element = self.annex_or_stranger(held, table, key, where, level)
                if element is None or element.key in held:
                    continue
            elif element.many:
                self.many(held, element, value, where, level + 1)
            elif element.right is None:
                self.one(element, value, (where, element.name, None), level + 1)
            elif not element.right(value):
                self.wrong_primitive(element, value, (where, element.name, None))
            if element.choice is not None:
                if element.choice in chosen:
                    self.tell(rules.TWO_CHOICES, (where, element.name, None), element=element.name)
                else:
                    chosen += (element.choice,)
        if table.required and not held.keys() >= table.required:
            self.missing(held, table, where)
        if table.choices and not table.choices.issubset(chosen):
            for name in sorted(table.choices.difference(chosen)):
                self.tell(rules.MISSING_ELEMENT, where, element=f"{name}[x]", type=table.title)

    def missing(self, held: dict[str, Any], table: Table, where: Where) -> None:
        """A primitive is there too if only an extension stands in its place."""
        for key in sorted(table.required.difference(held)):
            if not (table.elements[key].annex and f"_{key}" in held):
                self.tell(rules.MISSING_ELEMENT, (where, key, None), element=key, type=table.title)

    def one(self, element: Element, held: Any, where: Where, level: int) -> None:
        """One element that holds others."""
        if element.resource:
            self.resource(held, where, level, inside=element.key == "contained")
        elif not isinstance(held, dict):
            self.wrong_kind(held, where, "one object")
        elif not held or (len(held) == 1 and "id" in held):
            self.tell(rules.EMPTY_ELEMENT, where)
        else:
            table = element.made or element.table()
            self.object(held, table, where, level)
            if table.name == "Extension":
                self.extension(held, where)
            elif element.targets is not None:
                self.target(element, held, where)

    def many(self, around: dict[str, Any], element: Element, held: Any, where: Where, level: int) -> None:
        """An element that repeats."""
        if not isinstance(held, list):
            self.wrong_kind(held, (where, element.name, None), "an array")
        elif not held:
            self.tell(rules.EMPTY_ELEMENT, (where, element.name, None))
        elif element.right is None:
            for number, each in enumerate(held):
                self.one(element, each, (where, element.name, number), level + 1)
        else:
            for number, each in enumerate(held):
                if not element.right(each) and not (
                    each is None and _at(around.get(f"_{element.key}"), number) is not None
                ):
                    self.wrong_primitive(element, each, (where, element.name, number))

    def annex_or_stranger(
        self, held: dict[str, Any], table: Table, key: str, where: Where, level: int
    ) -> Element | None:
        """`_birthDate`, which holds id and extensions of the primitive `birthDate`, is given as that; any other key is unknown."""
        element = table.elements.get(key[1:]) if key.startswith("_") else None
        if element is None or not element.annex:
            self.tell(rules.UNKNOWN_ELEMENT, (where, key, None) if spoken(key) else where, type=table.title)
            return None
        value, of = held[key], held.get(element.key)
        if not element.many:
            self.annex(value, (where, element.name, None), level + 1, alone=of is None)
        elif not isinstance(value, list):
            self.wrong_kind(value, (where, element.name, None), "an array")
        elif not value:
            self.tell(rules.EMPTY_ELEMENT, (where, element.name, None))
        else:
            beyond = 0 if of is None else len(of) if isinstance(of, list) and of else len(value)
            for number, each in enumerate(value):
                if each is not None or number >= beyond:
                    self.annex(each, (where, element.name, number), level + 2, alone=_at(of, number) is None)
        return element

    def annex(self, held: Any, where: Where, level: int, *, alone: bool) -> None:
        """What stands beside a primitive, or, `alone`, in its place."""
        if not isinstance(held, dict):
            self.wrong_kind(held, where, "one object")
        elif not held or (alone and "extension" not in held):
            self.tell(rules.EMPTY_ELEMENT, where)
        else:
            self.object(held, tables.annex(), where, level)

    def extension(self, held: dict[str, Any], where: Where) -> None:
        valued = any(key.startswith(("value", "_value")) for key in held)
        if valued == ("extension" in held):
            self.tell(rules.VALUE_AND_EXTENSIONS, where, found="both" if valued else "neither")

    def target(self, element: Element, held: dict[str, Any], where: Where) -> None:
        """A reference may point only to some types, as far as its type can be seen from here. Nothing is fetched."""
        kind = self.pointed(held)
        targets = element.targets or frozenset()
        if kind is not None and kind not in targets:
            self.tell(rules.WRONG_TARGET, where, element=element.name, allowed=", ".join(sorted(targets)))

    def pointed(self, held: dict[str, Any]) -> str | None:
        """The type of resource to which a reference points; None where that cannot be seen."""
        reference = held.get("reference")
        if not isinstance(reference, str):
            kind = held.get("type")
            return kind if isinstance(kind, str) and tables.known(kind) else None
        if reference.startswith("#"):
            return self.contained.get(reference[1:])
        if reference in self.entries:
            return self.entries[reference]
        match = _TARGET.search(reference)
        return match[1] if match is not None and tables.known(match[1]) else None

    def shape(self, held: Any, where: Where, level: int) -> None:
        """What holds for every resource, known or not: nothing is null or empty, and nesting has an end."""
        if level > self.most_levels:
            self.tell(rules.TOO_DEEP, where, limit=str(self.most_levels))
            return
        for key, value in held.items():
            at: Where = (where, key, None) if spoken(key) else where
            if value is None or value == "" or value == [] or value == {}:
                self.wrong_kind(value, at, "")
            elif isinstance(value, dict):
                self.shape(value, at, level + 1)
            elif isinstance(value, list):
                for number, each in enumerate(value):
                    if isinstance(each, dict):
                        self.shape(each, (where, key, number) if spoken(key) else where, level + 2)

    def wrong_kind(self, held: Any, where: Where, expected: str) -> None:
        """Something else stands where an object, an array or one value must stand."""
        if held is None:
            self.tell(rules.NULL_VALUE, where)
        elif held == "" or held == [] or held == {}:
            self.tell(rules.EMPTY_ELEMENT, where)
        else:
            self.tell(rules.WRONG_SHAPE, where, expected=expected)

    def wrong_primitive(self, element: Element, held: Any, where: Where) -> None:
        primitive = element.primitive
        if primitive is None or held is None or held == "" or isinstance(held, (dict, list)):
            self.wrong_kind(held, where, "one value")
        elif isinstance(held, Huge):
            return
        elif not primitive.right(held):
            self.tell(rules.WRONG_PRIMITIVE, where, type=primitive.name, expected=primitive.expected)
        elif element.codes is not None:
            self.tell(rules.CODE_NOT_IN_LIST, where, element=element.name, allowed=_named(element.codes))
        else:
            self.tell(rules.BAD_NARRATIVE, where, found=narrative.fault(held) or "")


def _at(held: Any, number: int) -> Any:
    return held[number] if isinstance(held, list) and number < len(held) else None


def _named(codes: frozenset[str]) -> str:
    if codes >= release.RESOURCE_TYPES:
        return "the resource types of R4"
    return ", ".join(sorted(codes)) if len(codes) <= MOST_NAMED else "the codes of the list in R4"
