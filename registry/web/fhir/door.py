"""`POST /fhir/r4`: cases, reviews and monthly returns as Bundles, to be stored; and any resource to be checked, of which nothing is kept.

A transaction is one unit and stands or falls as a whole. The entries of a batch are units by themselves, each with its own answer.
Whoever sends patients' records where the nation asks for it declares that the national data opt-out was applied: `?opt_out_screened=true`
or, the same, the header `Opt-Out-Screened: true`.
"""

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import uuid4

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ingest.fhir.issue import Issue
from ingest.fhir.issue_types import fault
from ingest.fhir.outcome import outcome
from ingest.fhir.parsing import parse
from ingest.fhir.reading import only_checked, read_unit, units_of_batch
from ingest.fhir.unit import Unit
from registry.access import Actor, Right, Scope
from registry.errors import BadRequest, RegistryError
from registry.web.actor import needs_scope, require
from registry.web.bodies import StrictRoute
from registry.web.edge import MIB
from registry.web.fhir import asking, refusals, sending
from registry.web.fhir.answers import BASE, reply
from registry.web.fhir.asking import Return, Wishes
from registry.web.fhir.entries import REPLAYED, refused, refused_entry, response_bundle, shown
from registry.web.fhir.sending import Asker, Declined, Taken
from registry.web.fhir.stored import with_resources
from schemas import fhir
from schemas.rules import fhir as rules

TRANSACTION_LIMIT = 1 * MIB
BATCH_LIMIT = 5 * MIB

router = APIRouter(prefix=BASE, route_class=StrictRoute, include_in_schema=False)

Sending = Annotated[Actor, require(Right.SUBMIT)]


@router.post("", max_body_size=BATCH_LIMIT)
async def send(request: Request, actor: Sending) -> Response:
    """A transaction or a batch."""
    needs_scope(actor, Scope.BUNDLE_CREATE)
    asking.only_known(request, asking.OPT_OUT)
    asking.media_of(request)
    screened, wished = asking.screened(request), asking.wishes(request)
    content = await asking.body_of(request, BATCH_LIMIT)

    def work() -> Response:
        return _stored(sending.asker(request, actor, screened=screened), content, wished)

    return await run_in_threadpool(work)


def _stored(by: Asker, content: bytes, wished: Wishes) -> Response:
    value, issues = parse(content)
    if value is None:
        return refused(issues)
    kind = _kind(value)
    if kind == "batch":
        return refused(issues) if issues else _batch(by, value, wished)
    unit = read_unit(value)
    unit.issues[:0] = [*_unfit(kind, unit, content), *issues]
    return _transaction(by, unit, content, wished)


def _kind(value: object) -> str | None:
    """The type of a Bundle; None for all else."""
    if not isinstance(value, dict) or value.get("resourceType") != "Bundle":
        return None
    kind = value.get("type")
    return kind if isinstance(kind, str) else ""


def _unfit(kind: str | None, unit: Unit, content: bytes) -> list[Issue]:
    """What is wrong with it as a transaction that reading does not tell."""
    found = [] if kind is not None else [fault(rules.WRONG_BUNDLE_TYPE, unit.root)]
    return found + ([fault(rules.TOO_LARGE, unit.root, limit="1 MB")] if len(content) > TRANSACTION_LIMIT else [])


def _transaction(by: Asker, unit: Unit, content: bytes, wished: Wishes) -> Response:
    done = sending.take(by, unit, content, unit.name or str(uuid4()))
    if isinstance(done, Declined):
        return reply(done.outcome, done.status)
    replayed = {REPLAYED: "true"} if done.replayed else {}
    return reply(response_bundle("transaction", _wanted(by, done, wished)), 200, replayed)


def _wanted(by: Asker, done: Taken, wished: Wishes) -> list[dict[str, Any]]:
    """The entries of an answer as the sender wants them."""
    entries = shown(done.entries, wished.returned)
    return with_resources(by.store, by.actor, entries) if wished.returned is Return.REPRESENTATION else entries


# --- entries by themselves


def _batch(by: Asker, value: dict[str, Any], wished: Wishes) -> Response:
    several = units_of_batch(value)
    if not any(unit.entries for unit in several):
        return refused([each for unit in several for each in unit.issues])
    name = _name(value)
    entries = [
        entry
        for unit in several
        for entry in _entry(by, unit, _evidence(value, unit), f"{name}#{unit.ordinal}", wished)
    ]
    return reply(response_bundle("batch", entries))


def _name(value: dict[str, Any]) -> str:
    """What a repetition of this batch has in common with it: its identifier. Without one it is a new batch each time."""
    identifier = value.get("identifier")
    named = identifier.get("value") if isinstance(identifier, dict) and identifier.get("system") == fhir.URI else None
    return named if isinstance(named, str) and named else str(uuid4())


def _evidence(value: dict[str, Any], unit: Unit) -> bytes:
    """The bytes that are kept of one entry."""
    return orjson.dumps(value["entry"][unit.ordinal - 1])


def _entry(by: Asker, unit: Unit, content: bytes, key: str, wished: Wishes) -> Iterator[dict[str, Any]]:
    """The answer about one entry, whatever becomes of the others."""
    try:
        done = sending.take(by, unit, content, key)
    except RegistryError as error:
        problem = error.problem()
        yield refused_entry(problem.status, refusals.told(problem))
        return
    if isinstance(done, Declined):
        yield refused_entry(done.status, done.outcome)
    else:
        yield from _wanted(by, done, wished)


# --- checked, not kept


@router.post("/{resource_type}/$validate", max_body_size=BATCH_LIMIT)
async def validate(request: Request, actor: Sending, resource_type: str) -> Response:
    """Everything that storing this would find, at once; 200 whatever that is, 400 for what is no resource at all.

    `Bundle` takes a resource of any type, every other type its own.
    """
    asking.only_known(request, asking.OPT_OUT)
    asking.media_of(request)
    content = await asking.body_of(request, BATCH_LIMIT)

    def work() -> Response:
        return _checked(sending.asker(request, actor, screened=True), content, resource_type)

    return await run_in_threadpool(work)


def _units(value: object, kind: str | None) -> list[Unit]:
    """What is checked as units. A Bundle that is neither a transaction nor a batch is nothing that would be stored."""
    if kind == "batch":
        return units_of_batch(value)
    return [read_unit(value) if kind in (None, "transaction") else only_checked(value)]


def _checked(by: Asker, content: bytes, resource_type: str) -> Response:
    value, issues = parse(content)
    if value is None:
        return refused(issues)
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        return refused([*issues, *read_unit(value).issues])
    if resource_type not in ("Bundle", value["resourceType"]):
        raise BadRequest("The address names another type of resource than the body is.")
    kind = _kind(value)
    several = _units(value, kind)
    large = kind == "transaction" and len(content) > TRANSACTION_LIMIT
    found = [
        *issues,
        *([fault(rules.TOO_LARGE, "Bundle", limit="1 MB")] if large else []),
        *sending.findings(by, several),
    ]
    return reply(outcome(found, root=several[0].root if kind is None else "Bundle"))
