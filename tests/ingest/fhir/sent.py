"""Small valid resources of R4, and a way to spoil them."""

import copy
from collections.abc import Callable
from typing import Any

from schemas.record import RecordKind
from tests import fhir_units
from tests.make import valid

Resource = dict[str, Any]
Spoil = Callable[[Resource], object]

XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


def case_bundle() -> Resource:
    """A whole case with its review, as a hospital system sends it."""
    return fhir_units.bundle(valid(RecordKind.CASE), valid(RecordKind.RCA))


def patient() -> Resource:
    """A Patient with something of every shape: choices, annexes, arrays of primitives, contained resources, nested extensions."""
    return {
        "resourceType": "Patient",
        "id": "p-1",
        "meta": {
            "versionId": "1",
            "lastUpdated": "2026-02-03T10:00:00.5Z",
            "profile": ["https://example.org/profile|1.0"],
        },
        "text": {"status": "generated", "div": f"<div {XHTML}><p>One&nbsp;patient</p></div>"},
        "contained": [{"resourceType": "Organization", "id": "o-1", "name": "A practice"}],
        "extension": [
            {
                "url": "https://example.org/outer",
                "extension": [
                    {
                        "url": "inner",
                        "valueString": "a",
                        "_valueString": {"extension": [{"url": "https://example.org/t", "valueCode": "b"}]},
                    },
                    {"url": "other", "valueMeta": {"tag": [{"code": "c"}]}},
                ],
            }
        ],
        "identifier": [{"use": "official", "system": "https://example.org/id", "value": "1"}],
        "active": True,
        "name": [
            {
                "family": "A",
                "given": ["B", None],
                "_given": [None, {"extension": [{"url": "https://example.org/n", "valueInteger": 2}]}],
            }
        ],
        "gender": "other",
        "_birthDate": {"extension": [{"url": "https://example.org/absent", "valueCode": "unknown"}]},
        "deceasedDateTime": "2026-02-28T23:59:60+01:00",
        "photo": [{"contentType": "image/png", "data": "AAAA BBBB", "size": 3}],
        "generalPractitioner": [{"reference": "#o-1"}, {"reference": "Practitioner/2"}],
        "managingOrganization": {
            "reference": "https://example.org/fhir/Organization/1/_history/2",
            "type": "Organization",
        },
        "communication": [{"language": {"text": "Welsh"}, "preferred": False}],
    }


def spoilt(resource: Resource, spoil: Spoil) -> Resource:
    """A copy to which something was done."""
    copied = copy.deepcopy(resource)
    spoil(copied)
    return copied


def put(*steps: Any) -> Spoil:
    """Set what the steps lead to: all but the last are keys and indices, the last is the value."""
    *way, last, value = steps

    def spoil(resource: Resource) -> None:
        held: Any = resource
        for step in way:
            held = held[step]
        held[last] = value

    return spoil


def drop(*steps: Any) -> Spoil:
    """Take away what the steps lead to."""
    *way, last = steps

    def spoil(resource: Resource) -> None:
        held: Any = resource
        for step in way:
            held = held[step]
        del held[last]

    return spoil
