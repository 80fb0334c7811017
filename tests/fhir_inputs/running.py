"""Every file sent to the real application three ways, and what it answered to each.

To `$validate` as it is; to the door, in a transaction if it is no Bundle itself; and to the door in a transaction beside a good case,
as hospital systems send more along than was asked for. Nothing may fail on our side, and every answer must be FHIR itself.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx2 as httpx
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.operationoutcome import OperationOutcome
from starlette.testclient import TestClient

from registry.app import create_app
from tests.fhir_units import bundle
from tests.make import nhs_number, valid_case
from tests.registry.web import programs
from tests.registry.web.visitors import House

VALIDATE, DOOR = "/fhir/r4/Bundle/$validate", "/fhir/r4"
WAYS = ("checked", "alone", "beside a case")
STRUCTURE = frozenset({*range(350, 369), 398, 399})
"""The rules that R4 itself makes. The other rules of form are about what this registry takes."""
OF_A_UNIT = frozenset({"Patient", "Encounter", "Condition", "QuestionnaireResponse", "MeasureReport"})
"""What the registry reads: one more of these changes what is sent, so nothing is foretold of it beside a case."""
MODELS: Mapping[str, type[OperationOutcome] | type[Bundle]] = {"OperationOutcome": OperationOutcome, "Bundle": Bundle}
MEDIA = {"Content-Type": "application/fhir+json", "Opt-Out-Screened": "true"}


@dataclass(frozen=True, slots=True)
class Fault:
    """An error about the structure of what was sent: its rule, where, and in which words."""

    rule: str
    place: str
    words: str


@dataclass(frozen=True, slots=True)
class Try:
    """One file sent one way. `wrong` says what is wrong with the answer itself; empty where nothing is."""

    source: str
    name: str
    type: str
    way: str
    status: int
    faults: tuple[Fault, ...]
    wrong: str
    expected: str = ""


@contextmanager
def program(house: House) -> Iterator[TestClient]:
    """A hospital system of one trust; what breaks in the application comes back as its 500."""
    token = programs.program(house, "RRV").headers["Authorization"]
    app = create_app(house.settings, house.store)
    with TestClient(
        app, base_url=house.settings.base_url, headers={"Authorization": token}, raise_server_exceptions=False
    ) as client:
        yield client


def tries(client: TestClient, source: str, files: Sequence[Path]) -> Iterator[Try]:
    """Send each file every way."""
    for number, path in enumerate(files):
        content = path.read_bytes()
        resource = _resource(content)
        sent = (
            (VALIDATE, content),
            (DOOR, _alone(resource, content)),
            (DOOR, _beside_a_case(resource, content, f"{source}-{number:06d}", number)),
        )
        for way, (address, body) in zip(WAYS, sent, strict=True):
            answer = client.post(address, content=body, headers=MEDIA)
            yield Try(
                source,
                path.name,
                _type(resource),
                way,
                answer.status_code,
                _faults(answer),
                _wrong(answer),
                expected(path),
            )


def unforeseen(found: Sequence[Try]) -> list[Try]:
    """Tries beside a good case that did not end as the check foretold: stored if there is no fault of structure, else refused."""
    checked = {each.name: each for each in found if each.way == "checked"}
    return [
        each
        for each in found
        if each.way == "beside a case"
        and each.type not in {*OF_A_UNIT, "Bundle"}
        and not _too_large(each)
        and (each.status == 200) == bool(checked[each.name].faults)
    ]


def expected(file: Path) -> str:
    """What its makers say of a file, from `expected.txt` beside it: `ok`, `error`, or nothing."""
    listed = file.parent / "expected.txt"
    if not listed.is_file():
        return ""
    lines = (line.split(" ", 1) for line in listed.read_text("utf-8").splitlines())
    return next((verdict for verdict, name in lines if name == file.name), "")


def _too_large(tried: Try) -> bool:
    return tried.status == 413 or any(fault.rule in ("HAT-353", "HAT-384", "HAT-385") for fault in tried.faults)


def _resource(content: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(content)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _type(resource: dict[str, Any] | None) -> str:
    return str(resource.get("resourceType", "")) if resource else ""


def _alone(resource: dict[str, Any] | None, content: bytes) -> bytes:
    if resource is None or _type(resource) == "Bundle":
        return content
    name = f"urn:uuid:{uuid5(NAMESPACE_URL, content.decode('utf-8', 'replace'))}"
    entry = _entry(resource, name)
    identifier = {"system": "urn:ietf:rfc:3986", "value": name}
    return _dumped({"resourceType": "Bundle", "identifier": identifier, "type": "transaction", "entry": [entry]})


def _beside_a_case(resource: dict[str, Any] | None, content: bytes, number: str, place: int) -> bytes:
    sent = bundle(valid_case(local_case_id=number, nhs_number=nhs_number(place)), organisation="RRV")
    if resource is None:
        return _dumped(sent)[:-2] + b"," + content + b"]}"
    sent["entry"].append(_entry(resource, f"urn:uuid:{uuid5(NAMESPACE_URL, number)}"))
    return _dumped(sent)


def _entry(resource: dict[str, Any], name: str) -> dict[str, Any]:
    return {"fullUrl": name, "resource": resource, "request": {"method": "POST", "url": _type(resource) or "Basic"}}


def _dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _faults(answer: httpx.Response) -> tuple[Fault, ...]:
    """The errors under the rules of structure."""
    return tuple(
        Fault(code, next(iter(issue.get("expression") or ()), ""), (issue.get("details") or {}).get("text", ""))
        for issue in _issues(answer)
        for coding in (issue.get("details") or {}).get("coding") or ()
        if issue["severity"] in ("fatal", "error")
        and (code := coding.get("code", "")).startswith("HAT-")
        and int(code[4:]) in STRUCTURE
    )


def _issues(answer: httpx.Response) -> list[dict[str, Any]]:
    body = _resource(answer.content) or {}
    return list(body.get("issue") or ()) if body.get("resourceType") == "OperationOutcome" else []


def _wrong(answer: httpx.Response) -> str:
    """What is wrong with an answer: a failure of ours, or FHIR that cannot be read."""
    if answer.status_code != 200 and not 400 <= answer.status_code < 500:
        return f"status {answer.status_code}"
    body = _resource(answer.content)
    model = MODELS.get(_type(body))
    if model is None:
        return "no FHIR in the answer"
    if answer.status_code != 200 and model is not OperationOutcome:
        return "a refusal without an OperationOutcome"
    try:
        model.model_validate(body)
    except ValueError as error:
        return f"an answer that is no FHIR: {type(error).__name__}"
    return ""
