"""A trust's own records read back one by one: Condition, QuestionnaireResponse, and the MeasureReports it returned itself.

What another trust has answers like what nobody has. A withdrawn record is gone (410); its history still says what it was. Whoever
reads cases or reviews is noted in the trust's audit log, in the transaction that reads; where that cannot be, nothing is read.
"""

from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.errors import BadRequest, Fault, Gone, NotFound
from registry.submissions import held
from registry.submissions.held import Held
from registry.web.fhir import bundles
from registry.web.fhir.answers import etag, http_date, instant, reply
from registry.web.fhir.parameters import CURSOR, search_in
from registry.web.fhir.readable import Readable, Reading, asked_type, note, read_uuid, resource, store_of

router = APIRouter(prefix=bundles.BASE)


# --- addresses; MeasureReport shares two of them with the published figures, see `registry.web.fhir.reports`


@router.get("/Condition/{ident}")
@router.get("/QuestionnaireResponse/{ident}")
def read(request: Request, actor: Reading, ident: str) -> Response:
    """A resource as it stands."""
    return read_as(request, actor, ident)


@router.get("/Condition/{ident}/_history/{number}")
@router.get("/QuestionnaireResponse/{ident}/_history/{number}")
@router.get("/MeasureReport/{ident}/_history/{number}")
def read_version(request: Request, actor: Reading, ident: str, number: str) -> Response:
    """One version of a resource, also of a withdrawn one."""
    asked, record_id = asked_type(request, actor), _uuid(ident)
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise NotFound
    tenants = actor.tenants(Right.READ_CASES)
    with store_of(request).transaction(tenants=tenants) as connection:
        found = held.version(connection, asked.kinds, tenants, record_id, int(number))
        return _answer(request, connection, actor, asked, found)


@router.get("/Condition/{ident}/_history")
@router.get("/QuestionnaireResponse/{ident}/_history")
@router.get("/MeasureReport/{ident}/_history")
def read_history(request: Request, actor: Reading, ident: str) -> Response:
    """The versions of a resource, the newest first."""
    asked, record_id = asked_type(request, actor), _uuid(ident)
    search = search_in(request, request.query_params.multi_items(), ())
    if search.total_only:
        raise BadRequest("A history is read itself, page by page; the newest version's number is how many there are.")
    tenants = actor.tenants(Right.READ_CASES)
    below = None if search.cursor is None else _version_before(search.cursor)
    with store_of(request).transaction(tenants=tenants) as connection:
        found = held.versions(connection, asked.kinds, tenants, record_id, below=below, limit=search.count + 1)
        if not found:
            raise NotFound
        shown, more = found[: search.count], len(found) > search.count
        note(connection, actor, shown, f"{found[0].kind.value} history read", found[0].kind.value, ident)
    entries = [(resource(asked, each), _responded(each)) for each in shown]
    here = bundles.address(request, asked.type, str(record_id), "_history")
    cursor = str(shown[-1].version) if more else None
    return reply(bundles.history(request, here, search, entries, cursor=cursor))


# --- one resource


def read_as(request: Request, actor: Actor, ident: str) -> Response:
    """A resource of the type that the address names, as it stands. Raises NotFound, Gone."""
    asked, record_id = asked_type(request, actor), _uuid(ident)
    tenants = actor.tenants(Right.READ_CASES)
    with store_of(request).transaction(tenants=tenants) as connection:
        found = held.standing(connection, asked.kinds, tenants, record_id)
        if found is not None and found.withdrawn:
            raise Gone(asked.gone)
        return _answer(request, connection, actor, asked, found)


def _answer(request: Request, connection: Connection, actor: Actor, asked: Readable, found: Held | None) -> Response:
    if found is None:
        raise NotFound
    headers = {"ETag": etag(found.version), "Last-Modified": http_date(found.at)}
    if _is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    note(connection, actor, [found], f"{found.kind.value} read", found.kind.value, str(found.id))
    return reply(resource(asked, found), headers=headers)


def _is_known(request: Request, tag: str) -> bool:
    given = [each.strip() for each in request.headers.get("if-none-match", "").split(",")]
    return "*" in given or any(each.removeprefix("W/") == tag.removeprefix("W/") for each in given)


def _responded(found: Held) -> dict[str, str]:
    status = "201 Created" if found.version == 1 else "200 OK"
    return {"status": status, "etag": etag(found.version), "lastModified": instant(found.at)}


def _version_before(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadRequest(errors=[Fault(CURSOR, "Take the address of the next page from the Bundle as it stands.")])
    return int(text)


def _uuid(text: str) -> UUID:
    found = read_uuid(text)
    if found is None:
        raise NotFound
    return found
