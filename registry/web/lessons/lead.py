"""`/team/learning`: a lead publishes what two moderators approved, takes down what must go, and brings out the summary of each quarter."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.errors import Conflict, Unprocessable
from registry.lessons import keys, moderating, published, publishing, summaries
from registry.lessons.lists import theme_words, year_words
from registry.lessons.summaries import STEPS, Act
from registry.lessons.words import WHY_DOWN
from registry.store import SYSTEM_TENANT, Store
from registry.web.actor import require
from registry.web.bodies import read_form
from registry.web.fields import Fault, faults, text
from registry.web.pages import render
from registry.web.trust.present import said_day, said_time
from registry.web.uploads import secrets_of

router = APIRouter(prefix="/team/learning")

NATIONAL = "hat_national"
MOST_CHOSEN = 300


async def desk_form(request: Request) -> FormData:
    """A form with a box for each lesson that may be chosen."""
    return await read_form(request, max_fields=MOST_CHOSEN)


Releasing = Annotated[Actor, require(Right.RELEASE)]
Form = Annotated[FormData, Depends(desk_form)]
DONE = {
    "published": "It is published.",
    "taken_down": "It is taken down: its words are gone from the pages, the feed, the summaries and the search.",
    "edited": "The draft is stored.",
    "proposed": "It waits for another person now.",
    "summary": "The summary is published. Whoever asked for it is told by e-mail within the day.",
    "discarded": "The draft is thrown away.",
    "withdrawn": "The summary is withdrawn.",
}


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held


@router.get("")
def index(request: Request, _actor: Releasing, done: str = "") -> Response:
    """What waits to be published, what is public, and the summaries."""
    with _store(request).transaction(tenants=(SYSTEM_TENANT,)) as connection:
        own = keys.own_keys(connection, secrets_of(request.app.state))
        waiting = publishing.approved(connection, own)
        gone = publishing.taken_down(connection)
    with _store(request).readonly(role=NATIONAL) as national:
        public = published.lessons(national)
        held = summaries.listed(national)
    return render(
        request,
        "lessons/lead.html",
        waiting=[
            {"it": each, "theme": theme_words(each.theme), "year": year_words(each.year), "since": said_day(each.since)}
            for each in waiting
        ],
        public=public,
        gone=[{"it": each, "theme": theme_words(each.theme), "when": said_time(each.at)} for each in gone],
        summaries=[{"it": each, "quarter": summaries.quarter_words(each.quarter)} for each in held],
        done=DONE.get(done, ""),
    )


@router.post("/{ident}/publish")
def publish(request: Request, actor: Releasing, form: Form, ident: UUID) -> Response:
    """Publish what two approved."""
    with (
        _both(request, ident) as connection,
        _store(request).transaction(role=NATIONAL) as national,
    ):
        own = keys.own_keys(connection, secrets_of(request.app.state))
        at, seen = datetime.now(UTC), _number(form, "seen")
        publishing.publish(connection, national, own, ident, by=actor, seen=seen, at=at)
    return RedirectResponse("/team/learning?done=published", 303)


def _both(request: Request, ident: UUID) -> AbstractContextManager[Connection]:
    """A transaction that sees the registry's own rows and those of the trust that offered a text. Raises NotFound."""
    with _store(request).readonly(tenants=(SYSTEM_TENANT,)) as connection:
        tenant = moderating.from_tenant(connection, ident)
    return _store(request).transaction(tenants=(SYSTEM_TENANT, tenant))


@router.get("/{ident}/take-down")
def ask_take_down(request: Request, _actor: Releasing, ident: UUID) -> Response:
    """Why a published text is to go."""
    return _take_down_page(request, ident)


def _take_down_page(request: Request, ident: UUID, wrong: Sequence[Fault] = ()) -> Response:
    with _store(request).readonly(role=NATIONAL) as national:
        held = published.one(national, ident)
    if held is None or held.text is None:
        raise Conflict("This text is not public, or not any more.")
    return render(
        request,
        "lessons/take_down.html",
        status=422 if wrong else 200,
        it=held,
        reasons=tuple(WHY_DOWN.items()),
        faults=wrong,
        values={},
    )


@router.post("/{ident}/take-down")
def take_down(request: Request, actor: Releasing, form: Form, ident: UUID) -> Response:
    """Take it down at once."""
    try:
        with (
            _both(request, ident) as connection,
            _store(request).transaction(role=NATIONAL) as national,
        ):
            at = datetime.now(UTC)
            publishing.take_down(connection, national, ident, text(form, "reason"), by=actor, at=at)
    except Unprocessable as refused:
        return _take_down_page(request, ident, faults((each.pointer, each.words) for each in refused.errors))
    return RedirectResponse("/team/learning?done=taken_down", 303)


# --- summaries


@router.get("/summaries/{number}")
def summary(request: Request, actor: Releasing, number: int, done: str = "") -> Response:
    """One summary at the desk."""
    return _page(request, actor, number, done=DONE.get(done, ""))


def _page(
    request: Request,
    actor: Actor,
    number: int,
    *,
    wrong: Sequence[Fault] = (),
    typed: Mapping[str, str] | None = None,
    status: int = 422,
    done: str = "",
) -> Response:
    with _store(request).readonly(role=NATIONAL) as national:
        held = summaries.find(national, number)
        begin, end = summaries.bounds(held.quarter)
        offered = {each.id: each for each in published.between(national, begin, end)}
        offered |= {each.id: each for each in published.chosen(national, held.chosen) if each.text is not None}
    return render(
        request,
        "lessons/summary_desk.html",
        status=status if wrong else 200,
        it=held,
        quarter=summaries.quarter_words(held.quarter),
        offered=sorted(offered.values(), key=lambda each: (each.theme_words, each.kind, each.published_at)),
        new=[theme_words(each) for each in held.counts.get("new", [])],
        may={act.value: (held.state, act) in STEPS for act in Act},
        own=actor.label in held.edited_by,
        reasons=tuple(WHY_DOWN.items()),
        faults=wrong,
        values=typed or {"introduction": held.introduction},
        longest=summaries.LONGEST,
        done=done,
    )


@router.post("/summaries/{number}")
def change(request: Request, actor: Releasing, form: Form, number: int) -> Response:
    """Edit, propose, publish, discard or withdraw, as the button says."""
    typed = form.get("introduction")
    words = typed.replace("\r\n", "\n") if isinstance(typed, str) else ""
    try:
        said = _act(request, actor, form, number, words)
    except Unprocessable as refused:
        wrong = faults((each.pointer, each.words) for each in refused.errors)
        return _page(request, actor, number, wrong=wrong, typed={"introduction": words})
    except Conflict as refused:
        wrong = [Fault("", refused.detail)]
        return _page(request, actor, number, wrong=wrong, typed={"introduction": words}, status=refused.status)
    if isinstance(said, list):
        return _page(request, actor, number, wrong=said, typed={"introduction": words})
    back = f"/summaries/{number}" if said in ("edited", "proposed") else ""
    return RedirectResponse(f"/team/learning{back}?done={said}", 303)


def _act(request: Request, actor: Actor, form: FormData, number: int, words: str) -> str | list[Fault]:
    then, seen, at = text(form, "then"), _number(form, "seen"), datetime.now(UTC)
    with _store(request).transaction(role=NATIONAL) as national:
        match then:
            case "publish":
                summaries.publish(national, number, seen=seen, by=actor, at=at)
                return "summary"
            case "discard":
                summaries.discard(national, number, seen=seen, by=actor)
                return "discarded"
            case "withdraw":
                reason = text(form, "reason") if text(form, "reason") in WHY_DOWN else ""
                summaries.withdraw(national, number, reason, seen=seen, by=actor, at=at)
                return "withdrawn"
        hits = summaries.edit(national, number, words, _chosen(form), seen=seen, by=actor)
        if hits:
            return [Fault("introduction", each.words) for each in hits]
        if then == "propose":
            summaries.propose(national, number, seen=seen + 1, by=actor)
            return "proposed"
    return "edited"


def _chosen(form: FormData) -> list[UUID]:
    found = []
    for value in form.getlist("chosen"):
        try:
            found.append(UUID(str(value)))
        except ValueError:
            continue
    return found


def _number(form: FormData, name: str) -> int:
    value = text(form, name)
    return int(value) if value.isdecimal() and len(value) < 9 else 0
