"""The national data opt-out, nation by nation."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry import register
from registry.access import Actor, Right
from registry.errors import NotFound
from registry.register import Mode, OptOut
from registry.register.opt_out import CHOICES
from registry.register.opt_out import faults as mode_faults
from registry.store import SYSTEM_TENANT, Store
from registry.web.actor import require
from registry.web.admin.organisations import WRONG_DATE
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, day_or_fault, faults, text, texts
from registry.web.pages import render

router = APIRouter(prefix="/admin/opt-out")

Administrator = Annotated[Actor, require(Right.MANAGE_SETTINGS)]
Form = Annotated[FormData, Depends(submitted_form)]


@router.get("")
def index(request: Request, _actor: Administrator, done: str = "") -> Response:
    """How each nation's opt-out is applied."""
    return _page(request, done="The mode was saved." if done == "saved" else None)


def _page(request: Request, wrong: list[Fault] | None = None, **words: object) -> Response:
    store: Store = request.app.state.store
    with store.readonly() as connection:
        modes = register.opt_out_modes(connection)
    england = modes["England"]
    page = {"england": england, "wales": modes["Wales"], "faults": wrong or [], "values": _values(england)} | words
    return render(request, "admin/opt_out.html", status=422 if wrong else 200, **page)


def _values(held: OptOut) -> dict[str, str]:
    on = held.dated_on
    dated = {"dated_on-day": on.day, "dated_on-month": on.month, "dated_on-year": on.year} if on else {}
    return {"mode": held.mode.value, "reference": held.reference or ""} | {
        name: str(part) for name, part in dated.items()
    }


@router.post("/{nation}")
def save(request: Request, actor: Administrator, nation: str, form: Form) -> Response:
    """Set the mode of a nation that has a choice."""
    store: Store = request.app.state.store
    choices = {name.lower(): name for name, modes in CHOICES.items() if len(modes) > 1}
    if nation not in choices:
        raise NotFound
    mode = next((one for one in Mode if one.value == text(form, "mode")), None)
    if mode is None:
        return _page(request, [Fault("mode", "Choose a mode")], values=texts(form))
    dated_on, wrong = day_or_fault(form, "dated_on", WRONG_DATE)
    chosen = OptOut(choices[nation], mode, text(form, "reference") or None, dated_on)
    wrong += faults(one for one in mode_faults(chosen) if not (wrong and one[0] == "dated_on"))
    if wrong:
        return _page(request, wrong, values=texts(form))
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        register.set_opt_out(connection, chosen, by=actor)
    return RedirectResponse("/admin/opt-out?done=saved", 303)
