"""The resources of one Bundle, and what refers to what among them. References are followed inside the Bundle only; nothing is fetched."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ingest.fhir import models, tables
from ingest.fhir.elements import Element, inside, several, string
from ingest.fhir.issue_types import fault
from ingest.fhir.unit import Unit
from schemas.rules import fhir as rules


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A resource and where it stands: the entry's place, its type, its FHIRPath."""

    entry: int
    type: str
    path: str
    resource: Element


def hold(entry: int, path: str, resource: Element) -> Held:
    """The resource of an entry. A type that R4 does not know is none: its name could be anything."""
    type_ = string(resource, "resourceType")
    return Held(entry, type_ if type_ is not None and tables.known(type_) else "", path, resource)


@dataclass(slots=True)
class Contents:
    """The resources of a Bundle in order, by type and by the addresses that lead to them; and which references led to which."""

    by_type: dict[str, list[Held]] = field(default_factory=dict)
    by_address: dict[str, Held] = field(default_factory=dict)
    followed: list[tuple[str, Held]] = field(default_factory=list)

    def add(self, each: Held, full_url: str | None) -> None:
        self.by_type.setdefault(each.type, []).append(each)
        if full_url is None:
            return
        self.by_address.setdefault(full_url, each)
        if full_url.startswith(("http://", "https://")):
            # What `Patient/7` means beside a fullUrl that ends so (R4, resolving references in Bundles).
            self.by_address.setdefault("/".join(full_url.rsplit("/", 2)[1:]), each)

    def of(self, type_: str) -> list[Held]:
        return self.by_type.get(type_, [])

    def identified(self, type_: str, identifier: Element) -> Held | None:
        """The resource with this identifier, by system and value."""
        wanted = (identifier.get("system"), identifier.get("value"))
        if None in wanted:
            return None
        return next((each for each in self.of(type_) if wanted in _identifiers(each.resource)), None)


def _identifiers(resource: Element) -> Iterator[tuple[object, object]]:
    single = inside(resource, "identifier")
    for each in [single] if single else [each for _, each in several(resource, "identifier")]:
        yield each.get("system"), each.get("value")


def follow(contents: Contents, reference: Element, element: str, type_: str, path: str, unit: Unit) -> Held | None:
    """The resource of that type which a reference at `path` means. What names an address must find it; what only identifies may not."""
    address = string(reference, "reference")
    if address is None:
        found = contents.identified(type_, inside(reference, "identifier"))
    else:
        found = contents.by_address.get(address)
        if found is None:
            rule = rules.REFERENCE_NOT_RESOLVED if address.startswith(("urn:", "#")) else rules.REFERENCE_OUTSIDE
            unit.issues.append(fault(rule, f"{path}.reference", element=element))
            return None
        if found.type != type_:
            unit.issues.append(fault(rules.WRONG_TARGET, path, element=element, allowed=type_))
            return None
    if found is not None:
        contents.followed.append((path, found))
    return found


def read_by_models(read: Iterable[Held], unit: Unit) -> None:
    """Have the models of fhir.resources read the clinical resources of a unit in which nothing is wrong so far.

    They see little that the guard does not; what they refuse is kept out all the same, but for a resource that contains one of a type
    that they do not know. Texts are taken from the JSON, since a model
    keeps no date-time as it was written. Measured for Patient, Encounter and Condition of a case with 33 answers: 0.30 ms, beside
    0.12 ms for parsing, 0.11 ms for the guard, 0.12 ms for taking out the texts and 0.03 ms for the validator.
    """
    if any(each.error or each.finding.rule == rules.NOT_CHECKED_INSIDE.number for each in unit.issues):
        return
    for each in read:
        try:
            models.read(each.resource)
        except models.UnreadableError:
            unit.issues.append(fault(rules.WRONG_SHAPE, each.path, expected=f"a {each.type} as R4 defines it"))
