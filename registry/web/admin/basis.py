"""The switch of each nation: the legal basis on which an attributed organisation is told of a patient. Off without one."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.cases import legal_basis
from registry.cases.legal_basis import Basis
from registry.errors import Conflict, NotFound
from registry.store import SYSTEM_TENANT, Store
from registry.web.actor import require
from registry.web.admin.organisations import WRONG_DATE
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, day_or_fault, faults, text, texts
from registry.web.pages import render
from registry.web.trust.present import today
from schemas.codelist import Nation

router = APIRouter(prefix="/admin/attribution")

Administrator = Annotated[Actor, require(Right.MANAGE_SETTINGS)]
Form = Annotated[FormData, Depends(submitted_form)]
DONE = {
    "recorded": "The legal basis is recorded. Organisations are told from its date on.",
    "ended": "It is switched off. Within a few minutes nobody is told any more, and what was told is emptied.",
}


@router.get("")
def index(request: Request, _actor: Administrator, done: str = "") -> Response:
    """How each nation stands."""
    return _page(request, done=DONE.get(done, ""))


@router.post("/{nation}")
def save(request: Request, actor: Administrator, nation: str, form: Form) -> Response:
    """Record the basis of a nation; what was recorded before is replaced."""
    named = _nation(nation)
    from_date, wrong = day_or_fault(form, "from_date", WRONG_DATE)
    chosen = Basis(named.value, text(form, "basis"), text(form, "reference"), from_date)
    wrong += faults(one for one in legal_basis.faults(chosen) if not (wrong and one[0] == "from_date"))
    if wrong:
        return _page(request, wrong, named, texts(form), status=422)
    with _store(request).transaction(tenants=[SYSTEM_TENANT]) as connection:
        legal_basis.put(connection, chosen, by=actor, at=datetime.now(UTC))
    return RedirectResponse("/admin/attribution?done=recorded", 303)


@router.post("/{nation}/end")
def end(request: Request, actor: Administrator, nation: str, _form: Form) -> Response:
    """Switch a nation off."""
    named = _nation(nation)
    try:
        with _store(request).transaction(tenants=[SYSTEM_TENANT]) as connection:
            legal_basis.end(connection, named.value, by=actor, on=today())
    except Conflict as refused:
        return _page(request, [Fault("", refused.detail)], status=refused.status)
    return RedirectResponse("/admin/attribution?done=ended", 303)


def _page(
    request: Request,
    wrong: list[Fault] | None = None,
    at_fault: Nation | None = None,
    typed: dict[str, str] | None = None,
    *,
    done: str = "",
    status: int = 200,
) -> Response:
    on = today()
    with _store(request).readonly() as connection:
        held = legal_basis.held(connection)
    nations = [
        {
            "name": each.value,
            "slug": each.value.lower(),
            "held": held.get(each.value),
            "on": each.value in held and held[each.value].stands(on),
            "faults": wrong if each is at_fault else [],
            "values": typed if each is at_fault else _values(held.get(each.value)),
        }
        for each in Nation
    ]
    return render(request, "admin/attribution.html", status=status, nations=nations, faults=wrong or [], done=done)


def _values(held: Basis | None) -> dict[str, str]:
    if held is None:
        return {}
    return {"basis": held.basis, "reference": held.reference} | _boxes(held.from_date)


def _boxes(day: date | None) -> dict[str, str]:
    parts = {} if day is None else {"day": day.day, "month": day.month, "year": day.year}
    return {f"from_date-{name}": str(part) for name, part in parts.items()}


def _nation(slug: str) -> Nation:
    found = next((each for each in Nation if each.value.lower() == slug), None)
    if found is None:
        raise NotFound
    return found


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
