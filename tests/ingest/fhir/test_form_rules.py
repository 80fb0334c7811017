"""Every rule about the form of what is sent as FHIR: content that breaks it and the nearest that does not."""

from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from ingest.fhir.parsing import parse
from ingest.fhir.structure import faults
from schemas.finding import Severity
from schemas.rule import CATALOGUE, Scope
from tests.ingest.fhir.sent import XHTML


@dataclass(frozen=True)
class Example:
    number: int
    breaks: bytes
    stands: bytes


def _json(number: int, breaks: Any, stands: Any) -> Example:
    return Example(number, orjson.dumps(breaks), orjson.dumps(stands))


def _patient(number: int, breaks: dict[str, Any], stands: dict[str, Any]) -> Example:
    return _json(number, {"resourceType": "Patient", **breaks}, {"resourceType": "Patient", **stands})


def _bundle(number: int, kind: str, breaks: list[dict[str, Any]], stands: list[dict[str, Any]]) -> Example:
    one = {"resourceType": "Bundle", "type": kind}
    return _json(number, {**one, "entry": breaks}, {**one, "entry": stands})


def _nested(levels: int) -> dict[str, Any]:
    """Extensions within one another: each takes two levels, an array and an object."""
    held: dict[str, Any] = {"url": "https://example.org/e", "valueString": "a"}
    for _ in range((levels - 3) // 2):
        held = {"url": "https://example.org/e", "extension": [held]}
    return {"extension": [held]}


_PATIENT = b'{"resourceType": "Patient"}'
_ENTRY = {"fullUrl": "urn:uuid:0f6b8a3e-6a0e-4b7e-9b1d-5d2f0c7f9a11", "resource": {"resourceType": "Patient"}}
_OTHER = {**_ENTRY, "fullUrl": "urn:uuid:0f6b8a3e-6a0e-4b7e-9b1d-5d2f0c7f9a12"}
_CONTAINED = {"resourceType": "Organization", "id": "o", "name": "A"}

EXAMPLES = (
    Example(350, b'{"resourceType": "Patient",}', _PATIENT),
    Example(350, b'{"resourceType": "Patient", "multipleBirthInteger": NaN}', _PATIENT),
    Example(350, b"", _PATIENT),
    Example(351, _PATIENT.decode().encode("utf-16"), b"\xef\xbb\xbf" + _PATIENT),
    Example(351, b'{"resourceType": "Patient", "id": "\xe9"}', '{"resourceType": "Patient", "language": "é"}'.encode()),
    Example(
        351,
        b'{"resourceType": "Patient", "language": "\\ud83d"}',
        b'{"resourceType": "Patient", "language": "\\ud83d\\ude00"}',
    ),
    Example(352, b'<Patient xmlns="http://hl7.org/fhir"/>', _PATIENT),
    _patient(353, _nested(33), _nested(31)),
    Example(
        354,
        b'{"resourceType": "Patient", "gender": "male", "gender": "female"}',
        b'{"resourceType": "Patient", "gender": "female"}',
    ),
    Example(
        355,
        b'{"resourceType": "Patient", "multipleBirthInteger": 9223372036854775808}',
        b'{"resourceType": "Patient", "multipleBirthInteger": 2147483647}',
    ),
    Example(
        355,
        b'{"resourceType": "Observation", "status": "final", "code": {"text": "a"}, "valueQuantity": {"value": 1e400}}',
        b'{"resourceType": "Observation", "status": "final", "code": {"text": "a"}, "valueQuantity": {"value": 1e300}}',
    ),
    _patient(356, {"gender": None}, {"name": [{"given": [None], "_given": [{"id": "a", **_nested(3)}]}]}),
    _patient(357, {"name": []}, {"name": [{"family": "A"}]}),
    _patient(358, {"birthdate": "1951-07-19"}, {"birthDate": "1951-07-19"}),
    _json(359, {"resourceType": "Pateint"}, {"resourceType": "Patient"}),
    _patient(360, {"communication": [{"preferred": True}]}, {"communication": [{"language": {"text": "Welsh"}}]}),
    _patient(361, {"name": {"family": "A"}}, {"name": [{"family": "A"}]}),
    _patient(362, {"birthDate": "2025-02-29"}, {"birthDate": "2024-02-29"}),
    _patient(363, {"gender": "womanly"}, {"gender": "female"}),
    _patient(364, {"deceasedBoolean": True, "deceasedDateTime": "2026-01-01"}, {"deceasedDateTime": "2026-01-01"}),
    _patient(
        365,
        {"managingOrganization": {"reference": "Patient/1"}},
        {"managingOrganization": {"reference": "Organization/1"}},
    ),
    _patient(
        366,
        {"text": {"status": "generated", "div": f"<div {XHTML}><script>a()</script></div>"}},
        {"text": {"status": "generated", "div": f"<div {XHTML}><b>a</b></div>"}},
    ),
    _bundle(367, "transaction", [_ENTRY], [{**_ENTRY, "request": {"method": "POST", "url": "Patient"}}]),
    _bundle(368, "collection", [_ENTRY, _ENTRY], [_ENTRY, _OTHER]),
    _json(389, {"resourceType": "MedicinalProduct", "name": []}, {"resourceType": "Patient"}),
    _patient(398, {"contained": [{**_CONTAINED, "contained": [_CONTAINED]}]}, {"contained": [_CONTAINED]}),
    _patient(
        399,
        {
            "extension": [
                {"url": "https://example.org/e", "valueString": "a", "extension": [{"url": "b", "valueString": "c"}]}
            ]
        },
        {"extension": [{"url": "https://example.org/e", "extension": [{"url": "b", "valueString": "c"}]}]},
    ),
)


def _broken(content: bytes) -> set[int]:
    value, issues = parse(content)
    if value is not None:
        issues = [*issues, *faults(value)]
    return {each.finding.rule for each in issues}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example.number))
def test_the_content_breaks_the_rule_and_the_nearest_one_breaks_none(example: Example) -> None:
    assert example.number in _broken(example.breaks)
    assert _broken(example.stands) == set()


def test_an_information_keeps_nothing_out() -> None:
    rule = CATALOGUE[389]
    (told,) = faults({"resourceType": "MedicinalProduct", "name": [{"productName": "A"}]})
    assert (rule.scope, rule.severity) == (Scope.FILE, Severity.WARNING)
    assert told.information
    assert not told.error
