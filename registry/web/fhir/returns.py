"""A monthly return by itself: created, or updated by its identifier. It is the same unit as an entry of a batch."""

import re
from datetime import date
from typing import Annotated
from urllib.parse import parse_qsl
from uuid import uuid4

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ingest.fhir.issue_types import fault
from ingest.fhir.parsing import parse
from ingest.fhir.reading import read_unit
from ingest.fhir.unit import Entry, Part, Unit
from registry.access import Actor, Right, Scope
from registry.errors import BadRequest
from registry.submissions import held
from registry.submissions.held import Held, Key, Wanted
from registry.web.actor import needs_scope, require
from registry.web.bodies import StrictRoute
from registry.web.edge import MIB
from registry.web.fhir import asking, sending
from registry.web.fhir.answers import BASE, Resource, etag, instant, reply
from registry.web.fhir.asking import Return, Wishes
from registry.web.fhir.entries import refused, shown, told_headers
from registry.web.fhir.parameters import Token, search_of, tokens
from registry.web.fhir.sending import Asker, Declined
from registry.web.fhir.stored import with_resources
from schemas import fhir
from schemas.record import RecordKind
from schemas.rules import fhir as rules

LIMIT = 1 * MIB
TYPE = "MeasureReport"
_RETURN = re.compile(r"([0-9A-Z]{3,10})-([0-9]{4})-(0[1-9]|1[0-2])")

router = APIRouter(prefix=BASE, route_class=StrictRoute, include_in_schema=False)

Sending = Annotated[Actor, require(Right.SUBMIT)]


@router.post(f"/{TYPE}", max_body_size=LIMIT)
async def create(request: Request, actor: Sending) -> Response:
    """A return: 201 for a new month. One that is there already becomes a new version (200), or with `If-None-Exist` stays as it is."""
    needs_scope(actor, Scope.MEASURE_REPORT)
    asking.only_known(request)
    return await _one(request, actor, unless=_condition(request.headers.get("if-none-exist", "")))


@router.put(f"/{TYPE}", max_body_size=LIMIT)
async def update(request: Request, actor: Sending) -> Response:
    """The return that `?identifier=` names, 201 for a new one, 200 for a new version. `If-Match` names the version that must stand."""
    needs_scope(actor, Scope.MEASURE_REPORT)
    asking.only_known(request, "identifier")
    own = _identifier(request.query_params.get("identifier", ""))
    if own is None:
        raise BadRequest("Say which return this is: ?identifier=, then its system, | and its value.")
    return await _one(request, actor, own=own)


def _condition(header: str) -> Token | None:
    """What `If-None-Exist` asks: a search by identifier, as R4 has it."""
    if not header:
        return None
    pairs = parse_qsl(header.removeprefix("?"), keep_blank_values=True)
    found = _identifier(pairs[0][1]) if [name for name, _ in pairs] == ["identifier"] else None
    if found is None:
        raise BadRequest("If-None-Exist must be: identifier=, then the return's system, | and its value.")
    return found


def _identifier(text: str) -> Token | None:
    found = tokens(search_of([("identifier", text)], ["identifier"], lenient=False), "identifier") or ()
    return found[0] if len(found) == 1 and found[0].value else None


async def _one(request: Request, actor: Actor, *, unless: Token | None = None, own: Token | None = None) -> Response:
    asking.media_of(request)
    wished, if_match = asking.wishes(request), request.headers.get("if-match")
    content = await asking.body_of(request, LIMIT)

    def work() -> Response:
        by = sending.asker(request, actor, screened=False)
        unit = _unit(content, Entry(Part.RETURN, TYPE, request.method, if_match))
        if own is not None and not unit.faulty and not _names(own, by, unit):
            raise BadRequest(
                "The identifier in the address is not that of the return: its organisation's code, - and yyyy-mm."
            )
        there = _held(by, unless) if unless is not None and not unit.faulty else None
        return _answer(by, there, wished) if there is not None else _stored(by, unit, content, wished)

    return await run_in_threadpool(work)


def _unit(content: bytes, entry: Entry) -> Unit:
    """The return as a unit; what is none is a fault of it."""
    value, issues = parse(content, root=TYPE)
    if value is None:
        return Unit(1, TYPE, issues=issues)
    unit = read_unit(value)
    unit.issues += issues
    if RecordKind.ACTIVITY not in unit.records and not unit.faulty:
        unit.issues.append(
            fault(rules.WRONG_MEASURE, f"{TYPE}.measure") if unit.root == TYPE else fault(rules.NO_UNIT, unit.root)
        )
    unit.entries = [entry]
    return unit


def _names(own: Token, by: Asker, unit: Unit) -> bool:
    sender = by.sender(unit)
    code = sender.code if sender is not None else unit.organisation
    return own.in_system(fhir.RETURN_ID) and own.value == f"{code}-{unit.identifier}"


def _held(by: Asker, wanted: Token) -> Held | None:
    """The return that stands under this identifier, among those of the sender's organisations."""
    named = _RETURN.fullmatch(wanted.value) if wanted.in_system(fhir.RETURN_ID) else None
    if named is None:
        return None
    month = Key(date(int(named[2]), int(named[3]), 1), named[1])
    tenants = by.actor.tenants(Right.SUBMIT)
    with by.store.readonly(tenants=tenants) as connection:
        asked = Wanted(kinds=(RecordKind.ACTIVITY,), tenants=tenants, keys=frozenset({month}))
        return next(iter(held.page(connection, asked, limit=1)), None)


def _stored(by: Asker, unit: Unit, content: bytes, wished: Wishes) -> Response:
    if not unit.records:
        return refused(unit.issues, root=unit.root)
    done = sending.take(by, unit, content, str(uuid4()))
    if isinstance(done, Declined):
        return reply(done.outcome, done.status)
    (entry,) = shown(done.entries, wished.returned)
    return _told(by, entry, wished)


def _answer(by: Asker, there: Held, wished: Wishes) -> Response:
    """What stands already, as `If-None-Exist` asks for it: nothing was created."""
    location = f"{TYPE}/{there.id}/_history/{there.version}"
    response = {
        "status": "200 OK",
        "location": location,
        "etag": etag(there.version),
        "lastModified": instant(there.at),
    }
    (entry,) = shown([{"response": response}], wished.returned)
    return _told(by, entry, wished)


def _told(by: Asker, entry: Resource, wished: Wishes) -> Response:
    """One entry of a response Bundle as an answer of its own."""
    response = entry["response"]
    status, headers = int(response["status"][:3]), dict(told_headers(response, str(by.state.settings.base_url)))
    if wished.returned is Return.REPRESENTATION:
        (entry,) = with_resources(by.store, by.actor, [entry])
    body = entry.get("resource") or response.get("outcome")
    return Response(status_code=status, headers=headers) if body is None else reply(body, status, headers)
