"""`/trust/trail`: what was done with an organisation's data and by whom, to read, to take away, and to check without us."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection, select
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from registry import trail
from registry.access import Actor, Right
from registry.cases.story import Person, people
from registry.store import Store, audit
from registry.store.tables import audit as audit_table
from registry.web import step_up
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, text
from registry.web.pages import render
from registry.web.trust.cases.present import who
from registry.web.trust.choosing import Choice, choose
from registry.web.trust.present import said_time, today

router = APIRouter(prefix="/trust/trail")

Reading = Annotated[Actor, require(Right.READ_TRAIL)]
Form = Annotated[FormData, Depends(submitted_form)]
PAGE = 100
LARGEST = 2**62


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as people read it."""

    sequence: int
    at: str
    who: str
    action: str
    about: str


@router.get("")
def index(
    request: Request,
    actor: Reading,
    organisation: str = "",
    before: Annotated[int, Query(ge=1, le=LARGEST)] = LARGEST,
) -> Response:
    """The entries, the newest first, a hundred a page."""
    return _page(request, choose(request, actor, Right.READ_TRAIL, organisation), before)


@router.get("/file")
def file(request: Request, actor: Reading, organisation: str = "") -> Response:
    """The whole chain as a file of lines. That it was taken is its last entry."""
    choice = choose(request, actor, Right.READ_TRAIL, organisation)
    tenant = choice.chosen.id
    with _store(request).transaction(tenants=(tenant,)) as connection:
        _note(connection, actor, tenant, "trail taken")
        lines = "".join(f"{trail.line_of(entry)}\n" for entry in audit.entries(connection, tenant))
    headers = {"Content-Disposition": f'attachment; filename="{choice.chosen.code}-audit-trail.jsonl"'}
    return Response(lines, media_type="application/jsonl; charset=utf-8", headers=headers)


@router.post("/key")
def key(request: Request, actor: Reading, form: Form) -> Response:
    """The key of the chain, with which the file is checked, after the password was given again."""
    choice = choose(request, actor, Right.READ_TRAIL, text(form, "organisation"))
    wrong = step_up.confirmed(request, actor, form)
    if wrong is not None:
        return _page(request, choice, LARGEST, faults=(wrong,), status=422)
    with _store(request).transaction(tenants=(choice.chosen.id,)) as connection:
        shown = audit.own_key(connection, choice.chosen.id).hex()
        _note(connection, actor, choice.chosen.id, "trail key shown")
    return _page(request, choice, LARGEST, key=shown)


def _page(
    request: Request, choice: Choice, before: int, *, faults: tuple[Fault, ...] = (), key: str = "", status: int = 200
) -> Response:
    tenant = choice.chosen.id
    with _store(request).readonly(tenants=(tenant,)) as connection:
        rows = _entries(connection, tenant, before)
        known = people(connection, (tenant,), today(), ())
    lines = [_line(row, known) for row in rows[:PAGE]]
    return render(
        request,
        "trust/trail.html",
        status=status,
        choice=choice,
        lines=lines,
        older=lines[-1].sequence if len(rows) > PAGE else None,
        newest=before == LARGEST,
        faults=faults,
        key=key,
    )


def _entries(connection: Connection, tenant: int, before: int) -> list[Mapping[str, Any]]:
    """One more than a page, which tells whether there are older ones."""
    c = audit_table.c
    query = select(audit_table).where(c.tenant_id == tenant, c.sequence < before).order_by(c.sequence.desc())
    return [dict(row) for row in connection.execute(query.limit(PAGE + 1)).mappings()]


def _line(entry: Mapping[str, Any], people: Mapping[UUID, Person]) -> Line:
    return Line(
        sequence=entry["sequence"],
        at=said_time(entry["at"]),
        who=who(entry["actor"], people, entry["role"]),
        action=str(entry["action"]),
        about=f"{str(entry['object_type']).replace('_', ' ')} {entry['object_id']}",
    )


def _note(connection: Connection, by: Actor, tenant: int, action: str) -> None:
    audit.record(
        connection, tenant=tenant, actor=by.label, role=by.role, action=action, object_type="trail", object_id=str(tenant),
    )  # fmt: skip


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
