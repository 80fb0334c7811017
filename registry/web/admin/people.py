"""People: listed, added, given and relieved of roles, shut out, and handed a link to set a password."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry import register
from registry.access import NATIONAL_ROLES, ORGANISATION_ROLES, Actor, Right, Role
from registry.accounts import identities, links, people, second_factor
from registry.errors import Conflict
from registry.store import SYSTEM_TENANT, Store
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, codes, faults, text, texts
from registry.web.pages import render
from registry.web.signin import provider_name

router = APIRouter(prefix="/admin/people")

Administrator = Annotated[Actor, require(Right.MANAGE_PEOPLE)]
Confirmed = Annotated[Actor, require(Right.MANAGE_PEOPLE, fresh=True)]
Form = Annotated[FormData, Depends(submitted_form)]
ROLES = tuple(role for role in (*ORGANISATION_ROLES, *NATIONAL_ROLES))
DONE = {
    "created": "The person was added. Make a link with which they set their password.",
    "given": "The role was given.",
    "taken": "The role was ended.",
    "disabled": "The account is closed. All its sessions have ended.",
    "enabled": "The account is open again.",
    "linked": "The account was linked. The person can sign in that way from now on.",
    "unlinked": "The link was ended, and all sessions with it.",
    "reset": "The second factor was taken away, and all sessions have ended. The person sets up an app at the next sign-in and is told of it.",
}
SHOWN = 200


@router.get("")
def index(request: Request, _actor: Administrator, q: str = "") -> Response:
    """Everybody, searched by name or by the code of an organisation."""
    store: Store = request.app.state.store
    with store.readonly() as connection:
        found = people.search(connection, " ".join(q.split()), limit=SHOWN + 1)
    return render(request, "admin/people.html", found=found[:SHOWN], more=len(found) > SHOWN, q=q)


@router.get("/new")
def ask_new(request: Request, _actor: Confirmed) -> Response:
    """The form for a new person."""
    return render(request, "admin/person_new.html", values={}, faults=[], roles=ROLES)


@router.post("/new")
def add(request: Request, actor: Confirmed, form: Form) -> Response:
    """Add a person with a first role."""
    store: Store = request.app.state.store
    user_name, display_name, email = (text(form, name) for name in ("user_name", "display_name", "email"))
    wrong = faults(people.faults(user_name, display_name, email))
    try:
        with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
            role, chosen, wrong_role = chosen_role(connection, form)
            wrong += wrong_role
            if role and not wrong:
                given = _roles(role, chosen)
                made = people.create(
                    connection, user_name=user_name, display_name=display_name, email=email, roles=given, by=actor
                )
                address = f"/admin/people/{made}?done=created"
    except Conflict as taken:
        wrong = [Fault("user_name", taken.detail)]
    if wrong:
        return render(request, "admin/person_new.html", status=422, values=texts(form), faults=wrong, roles=ROLES)
    return RedirectResponse(address, 303)


def chosen_role(connection: Connection, form: FormData) -> tuple[Role | None, list[int], list[Fault]]:
    """The role and the ids of the organisations that a form names, and what is wrong with them."""
    role = next((one for one in ROLES if one.value == text(form, "role")), None)
    ids, wrong = chosen_organisations(connection, form)
    if role is None:
        return None, ids, [Fault("role", "Choose a role"), *wrong]
    if role in ORGANISATION_ROLES and not ids and not wrong:
        wrong = [Fault("organisations", "Enter the code of at least one organisation for this role")]
    if role in NATIONAL_ROLES and (ids or wrong):
        wrong = [Fault("organisations", "This role is national: leave the organisations empty")]
    return role, ids, wrong


def chosen_organisations(connection: Connection, form: FormData) -> tuple[list[int], list[Fault]]:
    """The ids of the organisations whose codes a form names; a fault says which of them, counted, is not in the register."""
    found = [register.organisation_by_code(connection, code) for code in codes(form, "organisations")]
    missing = [str(number) for number, one in enumerate(found, 1) if one is None]
    words = f"Code number {', '.join(missing)} is not in the register"
    return [one.id for one in found if one], [Fault("organisations", words)] if missing else []


def _roles(role: Role, organisations: list[int]) -> list[people.Held]:
    """The role for each of the organisations, or nationally where there are none."""
    chosen: list[int | None] = [*organisations] or [None]
    return [(role, one) for one in chosen]


@router.get("/{person_id}")
def one(request: Request, _actor: Administrator, person_id: UUID, done: str = "") -> Response:
    """One person and their roles."""
    return _page(request, person_id, done=DONE.get(done))


def _page(request: Request, person_id: UUID, wrong: list[Fault] | None = None, **words: object) -> Response:
    store: Store = request.app.state.store
    with store.readonly() as connection:
        found = people.person_by_id(connection, person_id)
        factor = second_factor.standing(connection, person_id)
        linked = identities.of_person(connection, person_id)
    page: dict[str, Any] = {"known": found, "factor": factor, "identities": linked, "provider": provider_name(request)}
    page |= {"roles": ROLES, "faults": wrong or [], "values": {}} | words
    return render(request, "admin/person.html", status=422 if wrong else 200, **page)


@router.post("/{person_id}/roles")
def give_role(request: Request, actor: Confirmed, person_id: UUID, form: Form) -> Response:
    """Give a role."""
    store: Store = request.app.state.store
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.person_by_id(connection, person_id)
        role, chosen, wrong = chosen_role(connection, form)
        if role and not wrong:
            people.give(connection, person_id, _roles(role, chosen), by=actor)
    if wrong:
        return _page(request, person_id, wrong, values=texts(form))
    return RedirectResponse(f"/admin/people/{person_id}?done=given", 303)


@router.post("/{person_id}/roles/{membership_id}/end")
def end_role(request: Request, actor: Confirmed, person_id: UUID, membership_id: UUID, _form: Form) -> Response:
    """End a role."""
    store: Store = request.app.state.store
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.take(connection, person_id, membership_id, by=actor)
    return RedirectResponse(f"/admin/people/{person_id}?done=taken", 303)


@router.post("/{person_id}/disable")
def disable(request: Request, actor: Confirmed, person_id: UUID, _form: Form) -> Response:
    """Close an account; its sessions end with it."""
    store: Store = request.app.state.store
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.disable(connection, person_id, by=actor)
    return RedirectResponse(f"/admin/people/{person_id}?done=disabled", 303)


@router.post("/{person_id}/enable")
def enable(request: Request, actor: Confirmed, person_id: UUID, _form: Form) -> Response:
    """Open a closed account again."""
    store: Store = request.app.state.store
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.enable(connection, person_id, by=actor)
    return RedirectResponse(f"/admin/people/{person_id}?done=enabled", 303)


@router.post("/{person_id}/second-factor/reset")
def reset_factor(request: Request, actor: Confirmed, person_id: UUID, _form: Form) -> Response:
    """Take the second factor away: it is set up anew after the next password."""
    store: Store = request.app.state.store
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        second_factor.reset(connection, person_id, by=actor)
    return RedirectResponse(f"/admin/people/{person_id}?done=reset", 303)


@router.post("/{person_id}/link")
def make_link(request: Request, actor: Confirmed, person_id: UUID, _form: Form) -> Response:
    """Make a link that sets the password, and show it: the administrator hands it over."""
    store: Store = request.app.state.store
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        secret = links.make(connection, person_id, by=actor)
    return _page(request, person_id, link=links.address(request.app.state.settings.base_url, secret))
