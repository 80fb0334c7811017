"""Units sent in one call, for tests: alone, or in a file that is worked on as the worker does it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson

from ingest.fhir.checked import CheckedUnits
from ingest.fhir.reading import read_unit
from ingest.fhir.unit import Unit
from registry import submissions
from registry.settings import Settings
from registry.store import Store
from registry.submissions import Door, Format, Mode, Reference, Request, units
from registry.submissions.units import Refused, Settled, Status, Stored
from schemas.record import RecordKind
from tests.fhir_units import bundle
from tests.make import nhs_number, valid_case, valid_rca
from tests.registry.submissions.make import AT, keys

ODS = "RK9"
Row = Mapping[str, str]


def case_and_review(place: int, **changes: str) -> tuple[dict[str, str], dict[str, str]]:
    """The rows of a case of its own and of its review; `changes` are the case's."""
    number = f"HAT-{place:06d}"
    return valid_case(local_case_id=number, nhs_number=nhs_number(place)) | changes, valid_rca(local_case_id=number)


def bundle_of(place: int, *, review: bool = True, name: int | None = None, **changes: str) -> dict[str, Any]:
    """A case and its review as one transaction; with a number of its own as its name, else one made of what it holds."""
    case, rca = case_and_review(place, **changes)
    return bundle(case, rca if review else None, organisation=ODS, name=None if name is None else named(name))


def named(number: int) -> str:
    return f"urn:uuid:00000000-0000-4000-8000-{number:012d}"


def request(tenant: int, unit: Unit, *, screened: bool = True) -> Request:
    return Request(
        tenant_id=tenant,
        kind=units.kind_of(unit),
        format=Format.FHIR,
        mode=Mode.ALL_OR_NOTHING,
        rehearsal=False,
        door=Door.FHIR,
        actor="a system",
        role="trust_system",
        idempotency_key=unit.name or uuid4().hex,
        opt_out_screened=screened,
    )


def respond(checked: CheckedUnits, settled: Settled) -> bytes:
    """What was done, as JSON: enough to tell one response from another."""
    told = {
        kind.value: [each.did.value, each.version, str(each.record_id)]
        for kind in checked.kinds
        if (each := settled.standing(kind, 1)) is not None
    }
    return orjson.dumps(told)


def store_one(
    store: Store,
    settings: Settings,
    tenant: int,
    sent: Mapping[str, Any],
    *,
    at: datetime = AT,
    screened: bool = True,
    if_match: str | None = None,
) -> Stored | Refused:
    """Send one unit; `if_match` is said of all its entries that a version can be of."""
    content = orjson.dumps(sent)
    unit = read_unit(orjson.loads(content))
    if if_match is not None:
        unit.entries = [replace(each, if_match=if_match) for each in unit.entries]
    wanted = request(tenant, unit, screened=screened)
    return units.store_unit(store, wanted, content, unit, keys(settings), settings, at=at, respond=respond)


def stored(
    store: Store, settings: Settings, tenant: int, sent: Mapping[str, Any], **more: Any
) -> dict[str, tuple[str, int]]:
    """What a unit that must stand did: by kind, and the version that stands now."""
    done = store_one(store, settings, tenant, sent, **more)
    assert isinstance(done, Stored), [
        (each.finding.rule, each.expressions) for each in done.checked.issues(1) if each.error
    ]
    return {kind: (did, version) for kind, (did, version, _) in orjson.loads(done.response).items()}


def submit(
    store: Store,
    settings: Settings,
    tenant: int,
    content: bytes,
    *,
    format: Format = Format.FHIR,  # noqa: A002 (the name at every door)
    kind: RecordKind = RecordKind.CASE,
    rehearsal: bool = False,
    key: str | None = None,
    at: datetime = AT,
) -> Reference:
    """A job that was received and waits."""
    path = submissions.spool(settings) / uuid4().hex
    path.write_bytes(content)
    wanted = Request(
        tenant_id=tenant,
        kind=kind,
        format=format,
        mode=Mode.ACCEPT_GOOD_ROWS,
        rehearsal=rehearsal,
        door=Door.FHIR,
        actor="a system",
        role="trust_system",
        idempotency_key=key or uuid4().hex,
        opt_out_screened=True,
    )
    try:
        return units.submit_job(store, wanted, path, keys(settings), at=at).reference
    finally:
        path.unlink()


@dataclass(frozen=True, slots=True)
class Ended:
    """A job as it stands, with the lines of its outcome."""

    status: Status
    lines: list[dict[str, Any]]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        counted = self.status.units
        return counted.received, counted.accepted, counted.unchanged, counted.rejected


def look(store: Store, reference: Reference) -> Ended:
    with store.readonly(tenants=(reference.tenant_id,)) as connection:
        told = units.status(connection, reference)
        lines = b"".join(units.outcome_parts(connection, reference)).splitlines()
    return Ended(told, list(map(orjson.loads, lines)))


def work(store: Store, settings: Settings, tenant: int, content: bytes, **asked: Any) -> Ended:
    """A file sent and worked on to its end."""
    reference = submit(store, settings, tenant, content, **asked)
    submissions.work_waiting(store, keys(settings), settings, AT)
    return look(store, reference)


def source(line: Mapping[str, Any]) -> tuple[int, str | None, str]:
    """Ordinal, identifier and disposition of a line."""
    parts = {each["url"]: each for each in line["extension"][0]["extension"]}
    identifier = parts.get("identifier")
    named = identifier["valueIdentifier"]["value"] if identifier else None
    return parts["ordinal"]["valuePositiveInt"], named, parts["disposition"]["valueCode"]


def codes(line: Mapping[str, Any]) -> list[str]:
    """The numbers of the rules that a line names."""
    return [
        coding["code"]
        for issue in line["issue"]
        for coding in issue["details"].get("coding", [])
        if issue["severity"] != "information"
    ]
