"""The rules that only the door can tell: who may send, how much, what was sent before and what stands. Each broken once."""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import pytest

from registry.settings import Settings
from registry.store import Store
from schemas.finding import rule_id
from schemas.rules import fhir as rules
from tests.fhir_units import Resource, bundle
from tests.make import valid_case
from tests.registry.web.fhir.at_the_door import entries, kept, new_name, outcome, post
from tests.registry.web.fhir.at_the_door import rules as told
from tests.registry.web.programs import program, screened
from tests.registry.web.visitors import house

OURS = "RRV"
NAME = new_name()


def case(organisation: str = OURS, name: str | None = None, **changes: str) -> Resource:
    return bundle(valid_case(**changes), organisation=organisation, name=name or new_name())


def unassigned(where: int) -> Resource:
    """Without the organisation that assigned the number of the case, or that of the stay, which nobody asks for."""
    sent = case()
    del sent["entry"][where]["resource"]["identifier"][0]["assigner"]
    return sent


def long(characters: int) -> Resource:
    sent = case()
    sent["entry"][0]["resource"]["name"] = [{"text": "x" * characters}]
    return sent


def matching(version: int) -> Resource:
    sent = case(sex="male")
    sent["entry"][2]["request"]["ifMatch"] = f'W/"{version}"'
    return sent


@dataclass(frozen=True, slots=True)
class Example:
    """What is sent after the case that stands, and the nearest that breaks nothing."""

    number: int
    status: int
    breaks: Callable[[], Resource]
    stands: Callable[[], Resource]
    at: str


EXAMPLES = (
    Example(rules.MISSING_IDENTIFIER.number, 422, lambda: unassigned(2), lambda: unassigned(1), "Bundle.entry[2]"),
    Example(rules.NOT_GRANTED.number, 403, lambda: case("7A4"), lambda: case("RH5"), "Bundle.entry[2]"),
    Example(rules.TOO_LARGE.number, 413, lambda: long(1_050_000), lambda: long(1_040_000), "Bundle"),
    Example(rules.IF_MATCH_FAILED.number, 412, lambda: matching(2), lambda: matching(1), "Bundle.entry[2].request.ifMatch"),
    Example(
        rules.REPLAY_DIFFERS.number,
        409,
        lambda: case(name=NAME, sex="male"),
        lambda: case(name=NAME),
        "Bundle.identifier",
    ),
)  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: rule_id(each.number))
def test_the_bundle_breaks_the_rule_and_the_nearest_one_does_not(
    settings: Settings, store: Store, admin: psycopg.Connection, example: Example
) -> None:
    full = house(settings, store)
    screened(full)
    client = program(full, OURS, "RH5")
    entries(post(client, case(name=NAME)))
    before = kept(admin)
    found = outcome(post(client, example.breaks()), example.status)
    assert rule_id(example.number) in told(found[:1])
    assert found[0]["expression"][0].startswith(example.at)
    assert kept(admin) == before
    entries(post(client, example.stands()))
