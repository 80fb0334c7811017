"""Searching a trust's own records: by identifier, by when they last changed, page by page; by NHS number in a form alone.

An NHS number never stands in an address, so it is asked for by POST, and in no address that an answer gives.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.errors import BadRequest
from registry.identifiers import IdentifierError
from registry.submissions import held
from registry.submissions.held import Key, Place, Wanted
from registry.submissions.keys import person_keys
from registry.web.bodies import read_form
from registry.web.fhir import bundles
from registry.web.fhir.answers import reply
from registry.web.fhir.parameters import (
    Search,
    Token,
    between,
    cursor_of,
    months,
    names_canonical,
    read_cursor,
    search_in,
    tokens,
    whens,
)
from registry.web.fhir.readable import (
    ACTIVITY,
    LAST_UPDATED,
    PERSON,
    Readable,
    Reading,
    asked_type,
    note,
    read_uuid,
    resource,
    store_of,
)
from registry.web.forgery import FORM_FIELD
from registry.web.uploads import secrets_of
from schemas import fhir
from schemas.record import RecordKind

router = APIRouter(prefix=bundles.BASE)


@router.get("/Condition")
@router.get("/QuestionnaireResponse")
def search(request: Request, actor: Reading) -> Response:
    """Resources by their identifier or by when they last changed, page by page."""
    return search_as(request, actor, request.query_params.multi_items())


@router.post("/Condition/_search")
@router.post("/QuestionnaireResponse/_search")
@router.post("/MeasureReport/_search")
async def search_by_form(request: Request, actor: Reading) -> Response:
    """The same with the parameters in a form; the only way to ask by an NHS number."""
    form = await read_form(request)
    try:
        sent = [(name, value) for name, value in form.multi_items() if isinstance(value, str) and name != FORM_FIELD]
    finally:
        await form.close()
    given = [*request.query_params.multi_items(), *sent]
    return await run_in_threadpool(search_as, request, actor, given, by_form=True)


def search_as(request: Request, actor: Actor, given: Sequence[tuple[str, str]], *, by_form: bool = False) -> Response:
    """A page of resources of the type that the address names. Raises BadRequest for parameters that cannot be heeded."""
    asked = asked_type(request, actor)
    if not by_form or any(_names_person(*pair) for pair in request.query_params.multi_items()):
        _refuse_person(given)
    found = search_in(request, given, asked.parameters)
    wanted = _wanted(request, actor, asked, found)
    shown = replace(found, given=tuple(pair for pair in found.given if pair[0] not in PERSON))
    with store_of(request).transaction(tenants=wanted.tenants) as connection:
        if found.total_only:
            return reply(bundles.total(request, asked.type, shown, held.count(connection, wanted)))
        after = Place(*read_cursor(found.cursor)) if found.cursor is not None else None
        records = held.page(connection, wanted, after=after, limit=found.count + 1)
        page, more = records[: found.count], len(records) > found.count
        if more and wanted.person is not None:
            raise BadRequest(
                "There are more than fit into one page. Ask for more with _count, or say what is wanted more closely."
            )
        note(connection, actor, page, "search read", "search", asked.type)
    cursor = cursor_of(page[-1].at, page[-1].id) if more else None
    return reply(bundles.searchset(request, asked.type, shown, [resource(asked, each) for each in page], cursor=cursor))


def _names_person(name: str, value: str) -> bool:
    return name in PERSON or fhir.NHS_NUMBER in value


def _refuse_person(given: Iterable[tuple[str, str]]) -> None:
    if any(_names_person(*pair) for pair in given):
        raise BadRequest(
            "An NHS number never stands in an address, where it would be kept in logs. Send the search by POST to _search, "
            "with its parameters in a form."
        )


def _wanted(request: Request, actor: Actor, asked: Readable, search: Search) -> Wanted:
    since, before = between(whens(search, LAST_UPDATED))
    periods = whens(search, "period") if "period" in asked.parameters else []
    return Wanted(
        kinds=_kinds(asked, search),
        tenants=actor.tenants(Right.READ_CASES),
        ids=_ids(search),
        keys=_keys(asked, search),
        person=_person(request, search),
        since=since,
        before=before,
        months=months(periods) if periods else None,
    )


def _kinds(asked: Readable, search: Search) -> tuple[RecordKind, ...]:
    """The kinds whose Questionnaire or Measure is asked for, all where none is."""
    canonicals = {**fhir.QUESTIONNAIRES, ACTIVITY: fhir.ACTIVITY_MEASURE}
    wanted = search.one("questionnaire") or search.one("measure")
    if wanted is None:
        return asked.kinds
    return tuple(kind for kind in asked.kinds if names_canonical(wanted, canonicals[kind]))


def _ids(search: Search) -> frozenset[UUID] | None:
    listed = tokens(search, "_id")
    return None if listed is None else frozenset(found for each in listed if (found := read_uuid(each.value)))


def _keys(asked: Readable, search: Search) -> frozenset[Key] | None:
    listed = tokens(search, "identifier")
    if listed is None:
        return None
    if ACTIVITY in asked.kinds:
        return frozenset(found for each in listed if each.in_system(fhir.RETURN_ID) and (found := _month_key(each)))
    return frozenset(Key(each.value) for each in listed if each.in_system(fhir.LOCAL_CASE_ID))


def _month_key(token: Token) -> Key | None:
    """`RR8-2026-01` is one month of one organisation; None for what is no such number."""
    code, _, month = token.value.partition("-")
    try:
        return Key(date.fromisoformat(f"{month}-01"), code)
    except ValueError:
        return None


def _person(request: Request, search: Search) -> list[bytes] | None:
    """The keys of the person that is asked for. Raises BadRequest for any number but an NHS number."""
    given = [value for name in sorted(PERSON) for value in search.all(name)]
    if not given:
        return None
    system, _, number = given[0].partition("|")
    if len(given) > 1 or system != fhir.NHS_NUMBER:
        raise BadRequest(f"A patient is asked for by one NHS number: {fhir.NHS_NUMBER}, a bar, and ten digits.")
    try:
        with store_of(request).readonly() as connection:
            return person_keys(connection, secrets_of(request.app.state), number.replace(" ", ""))
    except IdentifierError:
        raise BadRequest("An NHS number has ten digits.") from None
