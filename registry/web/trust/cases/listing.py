"""`/trust/cases`: all cases of a person's organisations, by what can be asked of them; and one found by its number or an NHS number.

An NHS number, and whatever might be one, comes in a form alone and stands in no address.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.cases import listing, story
from registry.cases.listing import WITHDRAWN, Line, Wanted
from registry.cases.number import tail_of
from registry.cases.states import CaseState
from registry.errors import NotFound
from registry.identifiers import IdentifierError
from registry.store import Store, audit
from registry.submissions.keys import person_keys
from registry.submissions.senders import Sender, senders
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, text
from registry.web.pages import count_numbers, render
from registry.web.trust.cases.present import ATTRIBUTIONS, row, tag_of
from registry.web.trust.cases.worklist import WORKERS
from registry.web.trust.present import today
from registry.web.uploads import secrets_of
from schemas.codes import MainSpecialty, VteType

router = APIRouter(prefix="/trust/cases")

PAGE = 25
MOST_OF_A_PERSON = 100

Reading = Annotated[Actor, require(Right.READ_CASES)]
Form = Annotated[FormData, Depends(submitted_form)]


@router.get("")
def index(
    request: Request,
    actor: Reading,
    month: str = "",
    state: str = "",
    specialty: str = "",
    vte_type: str = "",
    attribution: str = "",
    organisation: str = "",
    after: UUID | None = None,
) -> Response:
    """Cases from the newest on, of one month, state, specialty, type and attribution if asked for."""
    names = ("month", "state", "specialty", "vte_type", "attribution", "organisation")
    given = (month, state, specialty, vte_type, attribution, organisation)
    asked = {name: value for name, value in zip(names, given, strict=True) if value}
    wanted = _wanted(asked)
    tenants = actor.tenants(Right.READ_CASES)
    with _store(request).readonly(tenants=tenants) as connection:
        ours = senders(connection, tenants)
        found = listing.cases(connection, _among(organisation, ours), wanted, after=after, limit=PAGE + 1)
        people = story.people(connection, tenants, today(), WORKERS)
        count_numbers(request, connection, actor)
    return _page(request, actor, ours, people, found, asked=asked, first=after is None)


@router.post("/find")
def find(request: Request, actor: Reading, form: Form) -> Response:
    """One case by its number, yours or the registry's; or all of a person's by an NHS number, which is noted."""
    local, number = text(form, "case"), text(form, "nhs_number")
    tenants = actor.tenants(Right.READ_CASES)
    with _store(request).transaction(tenants=tenants) as connection:
        wanted, faults = _looked_for(connection, request, local, number)
        ours = senders(connection, tenants)
        people = story.people(connection, tenants, today(), WORKERS)
        found = [] if wanted is None else listing.cases(connection, tenants, wanted, limit=MOST_OF_A_PERSON)
        if not found and (tail := tail_of(local)) is not None:
            found = listing.cases(connection, tenants, Wanted(tail=tail), limit=MOST_OF_A_PERSON)
        if wanted is not None and wanted.person is not None:
            _note(connection, actor, found)
    if len(found) == 1:
        return RedirectResponse(f"/trust/cases/{found[0].case_id}", 303)
    return _page(request, actor, ours, people, found, searched=True, faults=faults, values={"case": local})


def _looked_for(connection: Connection, request: Request, local: str, number: str) -> tuple[Wanted | None, list[Fault]]:
    if number:
        try:
            keys = person_keys(connection, secrets_of(request.app.state), number.replace(" ", ""))
        except IdentifierError:
            return None, [Fault("nhs_number", "Enter the ten digits of the NHS number")]
        return Wanted(person=keys), []
    if not local:
        return None, [Fault("case", "Enter the number of the case, or an NHS number")]
    return Wanted(local_case_id=local), []


def _note(connection: Connection, actor: Actor, found: list[Line]) -> None:
    """That somebody looked for a person by NHS number, with each trust of which cases were found; else with the asker's own."""
    for tenant in sorted({each.tenant_id for each in found}) or actor.tenants(Right.READ_CASES)[:1]:
        count = sum(each.tenant_id == tenant for each in found)
        audit.record(
            connection,
            tenant=tenant,
            actor=actor.label,
            role=actor.role,
            action="cases searched by NHS number",
            object_type="search",
            object_id="case",
            detail={"door": "page", "given": count},
        )


def _wanted(asked: Mapping[str, str]) -> Wanted:
    """Raises NotFound for what is no choice of the page."""
    known = {
        "state": {*map(str, CaseState), WITHDRAWN},
        "specialty": set(map(str, MainSpecialty)),
        "vte_type": set(map(str, VteType)),
        "attribution": set(ATTRIBUTIONS),
    }
    if any(asked[name] not in choices for name, choices in known.items() if name in asked):
        raise NotFound
    return Wanted(
        month=_month(asked.get("month", "")),
        state=asked.get("state"),
        specialty=asked.get("specialty"),
        vte_type=asked.get("vte_type"),
        attribution=asked.get("attribution"),
    )


def _month(typed: str) -> date | None:
    try:
        return date.fromisoformat(f"{typed}-01") if typed else None
    except ValueError:
        raise NotFound from None


def _among(organisation: str, ours: tuple[Sender, ...]) -> list[int]:
    found = [each.id for each in ours if not organisation or each.code == organisation]
    if not found:
        raise NotFound
    return found


def _page(
    request: Request,
    actor: Actor,
    ours: tuple[Sender, ...],
    people: Mapping[UUID, story.Person],
    found: list[Line],
    *,
    asked: Mapping[str, str] | None = None,
    first: bool = True,
    searched: bool = False,
    faults: list[Fault] | None = None,
    values: Mapping[str, str] | None = None,
) -> Response:
    on, named = today(), {each.id: each for each in ours}
    shown = found if searched else found[:PAGE]
    return render(
        request,
        "trust/cases/index.html",
        status=422 if faults else 200,
        rows=[row(each, people, named, on) for each in shown],
        older=found[PAGE - 1].case_id if not searched and len(found) > PAGE else None,
        first=first,
        asked=dict(asked or {}),
        filters=_filters(ours),
        several=len(ours) > 1,
        searched=searched,
        faults=faults or [],
        values=values or {},
        may_edit=actor.may(Right.EDIT_CASES),
    )


def _filters(ours: tuple[Sender, ...]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """The choices above the list: name, label, values with their words."""
    found = [
        ("state", "State", [*((each.value, tag_of(each)[0]) for each in CaseState), (WITHDRAWN, "Withdrawn")]),
        ("vte_type", "Found", [(each.value, each.words) for each in VteType]),
        ("specialty", "Main specialty", [(each.value, f"{each.words} ({each.value})") for each in MainSpecialty]),
        ("attribution", "Attribution", list(ATTRIBUTIONS.items())),
    ]
    several = [("organisation", "Organisation", [(each.code, each.name) for each in ours])]
    return [*found, *(several if len(ours) > 1 else [])]


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
