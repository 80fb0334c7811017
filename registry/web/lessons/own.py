"""`/trust/learning`: what a trust offers of its reviews to all others, how it stands, and the trust's own words that no text may hold."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import Connection, select
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.cases.desk import Desk, open_desk
from registry.cases.reviewing import reviewed
from registry.errors import NotFound, Unprocessable
from registry.lessons import keys, offering, sources
from registry.lessons.lists import FACTORS, LONGEST, STAGES, THEMES, Kind, factor_words, theme_words, year_words
from registry.lessons.moderating import REASONS
from registry.lessons.offering import Filed, Point
from registry.lessons.screen import Hit
from registry.lessons.sources import LONGEST_LIST
from registry.lessons.transitions import Act, Who, after
from registry.lessons.words import WHY_DOWN
from registry.store import SYSTEM_TENANT, Store
from registry.store.lessons import learning_point
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, faults, text
from registry.web.pages import render
from registry.web.trust.choosing import choose
from registry.web.trust.present import said_day
from registry.web.uploads import secrets_of

router = APIRouter(prefix="/trust/learning")

Reading = Annotated[Actor, require(Right.READ_CASES)]
Editing = Annotated[Actor, require(Right.EDIT_CASES)]
Form = Annotated[FormData, Depends(submitted_form)]
DONE = {
    "offered": "It is offered. Two moderators read it, without the name of your organisation, before a national lead publishes it.",
    "revised": "The change is stored. Two moderators read it from the beginning.",
    "withdrawn": "It is withdrawn. Nobody else reads it any more.",
    "words": "Your list is stored.",
}


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held


@contextmanager
def _desk(request: Request, connection: Connection, actor: Actor, tenant: int) -> Iterator[Desk]:
    state = request.app.state
    yield open_desk(connection, secrets_of(state), state.settings, tenant, by=actor, at=datetime.now(UTC))


# --- the list


@router.get("")
def index(request: Request, actor: Reading, organisation: str = "", done: str = "") -> Response:
    """What the organisation offered, and how it stands."""
    choice = choose(request, actor, Right.READ_CASES, organisation)
    tenant = choice.chosen.id
    with (
        _store(request).readonly(tenants=(tenant,)) as connection,
        _desk(request, connection, actor, tenant) as desk,
    ):
        found = offering.points(desk)
    return render(
        request,
        "lessons/own.html",
        choice=choice,
        found=[_said(each) for each in found],
        may_edit=tenant in actor.tenants(Right.EDIT_CASES),
        done=DONE.get(done, ""),
    )


def _said(point: Point) -> dict[str, Any]:
    reasons = {**REASONS, **WHY_DOWN}
    return {
        "it": point,
        "theme": theme_words(point.theme),
        "factor": factor_words(point.factor),
        "stage": dict(STAGES).get(point.stage, point.stage),
        "year": year_words(point.year),
        "changed": said_day(point.changed_at),
        "reason": reasons.get(point.reason or "", ""),
    }


# --- offering


@router.get("/offer")
def ask(request: Request, actor: Editing, case: UUID, kind: Kind = Kind.LESSON, action: UUID | None = None) -> Response:
    """The form, filled in from the review."""
    with _of_case(request, actor, case) as desk:
        given = sources.source(desk, case, kind, action)
    values = {
        "text": given.text,
        "theme": given.themes[0] if len(given.themes) == 1 else "",
        "factor": given.factors[0] if len(given.factors) == 1 else "",
    }
    return _form(request, given, values, _action(case, kind, action))


@router.post("/offer")
def offer(
    request: Request, actor: Editing, form: Form, case: UUID, kind: Kind = Kind.LESSON, action: UUID | None = None
) -> Response:
    """Offer it, or show the form again with what the screen found."""
    filed = _filed(form)
    with _of_case(request, actor, case) as desk:
        given = sources.source(desk, case, kind, action)
        wrong = faults(offering.faults(filed))
        if not wrong:
            own = keys.own_keys(desk.connection, secrets_of(request.app.state))
            made = offering.offer(desk, own, given, filed, sources.known(desk, case))
            if isinstance(made, UUID):
                return RedirectResponse(f"/trust/learning/{made}?done=offered", 303)
            return _form(request, given, _values(filed), _action(case, kind, action), hits=made)
    return _form(request, given, _values(filed), _action(case, kind, action), wrong=wrong)


def _action(case: UUID, kind: Kind, action: UUID | None) -> str:
    return f"/trust/learning/offer?case={case}&kind={kind}" + (f"&action={action}" if action else "")


@contextmanager
def _of_case(request: Request, actor: Actor, case: UUID) -> Iterator[Desk]:
    """The desk of the trust whose case it is, in a transaction that sees the registry's own rows too. Raises NotFound."""
    tenants = actor.tenants(Right.EDIT_CASES)
    with _store(request).readonly(tenants=tenants) as connection:
        tenant = reviewed(connection, tenants, case).tenant_id
    with _both(request, actor, tenant) as desk:
        yield desk


@contextmanager
def _both(request: Request, actor: Actor, tenant: int) -> Iterator[Desk]:
    with (
        _store(request).transaction(tenants=(tenant, SYSTEM_TENANT)) as connection,
        _desk(request, connection, actor, tenant) as desk,
    ):
        yield desk


def _filed(form: FormData) -> Filed:
    """What was typed; a text keeps its line breaks."""
    typed = form.get("text")
    words = typed.replace("\r\n", "\n") if isinstance(typed, str) else ""
    return Filed(
        text(form, "theme"), text(form, "stage"), text(form, "factor"), words, text(form, "confirmed") == "yes"
    )


def _values(filed: Filed) -> dict[str, str]:
    return {"theme": filed.theme, "stage": filed.stage, "factor": filed.factor, "text": filed.text}


def _form(
    request: Request,
    given: object,
    values: Mapping[str, str],
    action: str,
    *,
    hits: Sequence[Hit] = (),
    wrong: Sequence[Fault] = (),
    point: Point | None = None,
) -> Response:
    blocking = [each for each in hits if each.blocks]
    asking = [each for each in hits if not each.blocks]
    found = [Fault("text", each.words) for each in blocking]
    if asking and not blocking:
        found = [Fault("confirmed", "Look at what may tell who somebody is, then confirm or change the text")]
    return render(
        request,
        "lessons/offer.html",
        status=422 if wrong or hits else 200,
        given=given,
        point=point,
        values=values,
        action=action,
        faults=[*wrong, *found],
        asking=asking,
        confirm=bool(asking) and not blocking,
        themes=THEMES,
        stages=STAGES,
        factors=FACTORS,
        longest=LONGEST,
    )


# --- the trust's own words (before a point: an address of theirs would fit both)


@router.get("/words")
def ask_words(request: Request, actor: Editing, organisation: str = "") -> Response:
    """The list that the screen looks for beside its own."""
    choice = choose(request, actor, Right.EDIT_CASES, organisation)
    tenant = choice.chosen.id
    with (
        _store(request).readonly(tenants=(tenant,)) as connection,
        _desk(request, connection, actor, tenant) as desk,
    ):
        words = sources.own_words(desk)
    return render(request, "lessons/words.html", choice=choice, values={"words": "\n".join(words)}, faults=[])


@router.post("/words")
def keep_words(request: Request, actor: Editing, form: Form) -> Response:
    """Store the list."""
    choice = choose(request, actor, Right.EDIT_CASES, text(form, "organisation"))
    typed = form.get("words")
    words = typed if isinstance(typed, str) else ""
    if len(words) > LONGEST_LIST:
        wrong = [Fault("words", f"Enter at most {LONGEST_LIST:,} characters")]
        return render(request, "lessons/words.html", status=422, choice=choice, values={"words": words}, faults=wrong)
    tenant = choice.chosen.id
    with (
        _store(request).transaction(tenants=(tenant,)) as connection,
        _desk(request, connection, actor, tenant) as desk,
    ):
        sources.keep_own_words(desk, words)
    return RedirectResponse(f"/trust/learning?organisation={choice.chosen.code}&done=words", 303)


# --- one


@router.get("/{point_id}")
def one(request: Request, actor: Reading, point_id: UUID, done: str = "") -> Response:
    """One learning point as it stands."""
    with _of_point(request, actor, Right.READ_CASES, point_id) as desk:
        found = offering.find(desk, point_id)
        may_edit = desk.tenant_id in actor.tenants(Right.EDIT_CASES)
    return render(
        request,
        "lessons/point.html",
        **_said(found),
        may_revise=may_edit and after(found.state, Act.REVISE, Who.TRUST) is not None,
        done=DONE.get(done, ""),
    )


@router.get("/{point_id}/change")
def ask_change(request: Request, actor: Editing, point_id: UUID) -> Response:
    """The form with what stands."""
    with _of_point(request, actor, Right.EDIT_CASES, point_id) as desk:
        found = offering.find(desk, point_id)
        given = sources.source(desk, found.case_id, found.kind, found.action_id)
    values = {"theme": found.theme, "stage": found.stage, "factor": found.factor, "text": found.text or ""}
    return _form(request, given, values, f"/trust/learning/{point_id}/change", point=found)


@router.post("/{point_id}/change")
def change(request: Request, actor: Editing, point_id: UUID, form: Form) -> Response:
    """Store a change; moderation begins again."""
    filed, seen = _filed(form), text(form, "seen")
    with _of_point(request, actor, Right.EDIT_CASES, point_id) as desk:
        found = offering.find(desk, point_id)
        given = sources.source(desk, found.case_id, found.kind, found.action_id)
        try:
            own = keys.own_keys(desk.connection, secrets_of(request.app.state))
            known = sources.known(desk, found.case_id)
            edition = int(seen) if seen.isdecimal() and len(seen) < 6 else 0
            made = offering.revise(desk, own, point_id, filed, known, seen=edition)
        except Unprocessable as refused:
            wrong = faults((each.pointer, each.words) for each in refused.errors)
            return _form(request, given, _values(filed), f"/trust/learning/{point_id}/change", wrong=wrong, point=found)
        if not isinstance(made, Point):
            return _form(request, given, _values(filed), f"/trust/learning/{point_id}/change", hits=made, point=found)
    return RedirectResponse(f"/trust/learning/{point_id}?done=revised", 303)


@router.post("/{point_id}/withdraw")
def withdraw(request: Request, actor: Editing, point_id: UUID, _form: Form) -> Response:
    """Take it back."""
    with _of_point(request, actor, Right.EDIT_CASES, point_id) as desk:
        offering.withdraw(desk, point_id)
    return RedirectResponse(f"/trust/learning/{point_id}?done=withdrawn", 303)


@contextmanager
def _of_point(request: Request, actor: Actor, right: Right, point_id: UUID) -> Iterator[Desk]:
    """The desk of the trust whose point it is. Raises NotFound for any other."""
    with _store(request).readonly(tenants=actor.tenants(right)) as connection:
        tenant = connection.scalar(select(learning_point.c.tenant_id).where(learning_point.c.id == point_id))
    if tenant not in actor.tenants(right):
        raise NotFound
    with _both(request, actor, tenant) as desk:
        yield desk
