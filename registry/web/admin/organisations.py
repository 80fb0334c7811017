"""Organisations: found, looked at, edited; independent providers added; successions recorded."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry import register
from registry.access import Actor, Right
from registry.errors import Conflict, NotFound
from registry.register import Organisation
from registry.register.organisations import faults as provider_faults
from registry.settings import Secrets
from registry.store import SYSTEM_TENANT, Store
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, day_or_fault, faults, text, texts
from registry.web.pages import render

router = APIRouter(prefix="/admin/organisations")

Administrator = Annotated[Actor, require(Right.MANAGE_ORGANISATIONS)]
Form = Annotated[FormData, Depends(submitted_form)]
PAGE = 50
WRONG_DATE = "Enter a date with day, month and four-digit year, such as 1 4 2025"
DONE = {
    "added": "The provider was added.",
    "edited": "The organisation was saved.",
    "live": "The organisation can send cases now.",
    "succession": "The succession was recorded.",
    "imported": "The file was imported.",
}


def secrets_of(request: Request) -> Secrets:
    """The key that wraps new data keys: read when one is made, not held."""
    return Secrets.load(request.app.state.settings.secrets_dir, ["master"])


@router.get("")
def index(request: Request, _actor: Administrator, q: str = "", page: int = 1, done: str = "") -> Response:
    """The register, searched by name, town, group or code."""
    store: Store = request.app.state.store
    start = PAGE * (min(max(page, 1), 1000) - 1)
    with store.readonly() as connection:
        found = register.search(connection, " ".join(q.split()), limit=PAGE + 1, offset=start)
    return render(
        request,
        "admin/organisations.html",
        found=found[:PAGE], more=len(found) > PAGE, q=q, number=page, done=DONE.get(done),
    )  # fmt: skip


@router.get("/new")
def ask_new(request: Request, _actor: Administrator) -> Response:
    """The form for an independent provider."""
    return render(request, "admin/organisation_new.html", values={}, faults=[])


@router.post("/new")
def add(request: Request, actor: Administrator, form: Form) -> Response:
    """Add an independent provider, with its group and the first month for which it sends."""
    store: Store = request.app.state.store
    values = texts(form)
    code, name, group, nation = (text(form, field) for field in ("code", "name", "group_name", "nation"))
    live_from, wrong_date = day_or_fault(form, "live_from", WRONG_DATE)
    wrong = [*faults(provider_faults(code, name, group, nation)), *wrong_date]
    if not wrong:
        secrets = secrets_of(request)
        try:
            with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
                register.add_independent(
                    connection, code=code, name=name, group=group, nation=nation, live_from=live_from,
                    secrets=secrets, by=actor,
                )  # fmt: skip
            return RedirectResponse(f"/admin/organisations/{code.upper()}?done=added", 303)
        except Conflict as taken:
            wrong = [Fault("code", taken.detail)]
    return render(request, "admin/organisation_new.html", status=422, values=values, faults=wrong)


@router.get("/{code}")
def one(request: Request, _actor: Administrator, code: str, done: str = "") -> Response:
    """One organisation, with whom it followed and who follows it."""
    return _page(request, code, done=DONE.get(done))


def _page(
    request: Request,
    code: str,
    wrong: list[Fault] | None = None,
    values: dict[str, str] | None = None,
    done: str | None = None,
) -> Response:
    store: Store = request.app.state.store
    with store.readonly() as connection:
        found = _found(connection, code)
        before, after = register.predecessors(connection, found.id), register.successors(connection, found.id)
    return render(
        request,
        "admin/organisation.html",
        status=422 if wrong else 200,
        organisation=found,
        predecessors=before,
        successors=after,
        faults=wrong or [],
        values=values or _values(found),
        done=done,
    )


def _found(connection: Connection, code: str) -> Organisation:
    found = register.organisation_by_code(connection, code)
    if found is None:
        raise NotFound
    return found


def _values(found: Organisation) -> dict[str, str]:
    live = found.live_from
    dated = {"live_from-day": live.day, "live_from-month": live.month, "live_from-year": live.year} if live else {}
    return {"group_name": found.group_name or ""} | {name: str(part) for name, part in dated.items()}


@router.post("/{code}")
def edit(request: Request, actor: Administrator, code: str, form: Form) -> Response:
    """Save the group and the first month for which cases are sent."""
    store: Store = request.app.state.store
    live_from, wrong = day_or_fault(form, "live_from", WRONG_DATE)
    if wrong:
        return _page(request, code, wrong, texts(form))
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        found = _found(connection, code)
        register.edit(connection, found.id, group=text(form, "group_name"), live_from=live_from, by=actor)
    return RedirectResponse(f"/admin/organisations/{found.code}?done=edited", 303)


@router.post("/{code}/live")
def go_live(request: Request, actor: Administrator, code: str, _form: Form) -> Response:
    """Let a provider that was known from official figures only send cases."""
    store: Store = request.app.state.store
    secrets = secrets_of(request)
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        found = _found(connection, code)
        register.go_live(connection, found.id, secrets=secrets, by=actor)
    return RedirectResponse(f"/admin/organisations/{found.code}?done=live", 303)


@router.post("/{code}/succession")
def succeed(request: Request, actor: Administrator, code: str, form: Form) -> Response:
    """Record who follows this organisation, and from which day."""
    store: Store = request.app.state.store
    on, wrong = day_or_fault(form, "effective_on", WRONG_DATE)
    if on is None and not wrong:
        wrong = [Fault("effective_on", WRONG_DATE)]
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        found = _found(connection, code)
        after = register.organisation_by_code(connection, text(form, "successor"))
        if after is None or after.id == found.id:
            wrong = [Fault("successor", "Enter the code of another organisation of the register"), *wrong]
        elif on is not None:
            register.succeed(connection, found.id, after.id, on, by=actor)
    if wrong:
        return _page(request, code, wrong, texts(form))
    return RedirectResponse(f"/admin/organisations/{found.code}?done=succession", 303)
