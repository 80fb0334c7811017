"""`/trust/outliers`: what the registry notified a trust of, with its own exact numbers, and its answer. For the lead of that trust alone.

Before the notification there is nothing: what was detected or checked cannot be told from what was not.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.errors import Conflict, Unprocessable
from registry.publications import outlier_answers
from registry.publications.outlier_answers import Notice
from registry.publications.outlier_cycles import Limits
from registry.publications.outlier_states import State
from registry.publications.outliers import HIGH_FIRST, LOW_FIRST
from registry.store import Store
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, faults, text, texts
from registry.web.outliers import present
from registry.web.pages import render
from registry.web.trust.choosing import Choice, choose
from registry.web.trust.present import said_day, said_time

router = APIRouter(prefix="/trust/outliers")

Answering = Annotated[Actor, require(Right.ANSWER_OUTLIERS)]
Form = Annotated[FormData, Depends(submitted_form)]
YES_NO = {"yes": True, "no": False}


@router.get("")
def index(request: Request, actor: Answering, organisation: str = "") -> Response:
    """What this organisation was notified of, the latest first."""
    choice = choose(request, actor, Right.ANSWER_OUTLIERS, organisation)
    with _store(request).readonly(tenants=(choice.chosen.id,)) as connection:
        found = outlier_answers.notices(connection, choice.chosen.id)
    return render(request, "outliers/notices.html", choice=choice, notices=[_shown(each) for each in found])


@router.get("/{ident}")
def one(request: Request, actor: Answering, ident: UUID, organisation: str = "", done: str = "") -> Response:
    """One notice with what was answered."""
    choice = choose(request, actor, Right.ANSWER_OUTLIERS, organisation)
    return _one(request, choice, ident, done="Your answer is with the registry." if done else "")


@router.post("/{ident}/answer")
def answer(request: Request, actor: Answering, ident: UUID, form: Form) -> Response:
    """Answer, or add to an answer."""
    choice = choose(request, actor, Right.ANSWER_OUTLIERS, text(form, "organisation"))
    given = form.get("words")
    words = given.replace("\r\n", "\n").strip() if isinstance(given, str) else ""
    right, seen = YES_NO.get(text(form, "data_right")), text(form, "seen")
    typed = texts(form) | {"words": words}
    if right is None:
        return _one(
            request,
            choice,
            ident,
            wrong=[Fault("data_right", "Say whether your data are right")],
            typed=typed,
            status=422,
        )
    try:
        with _store(request).transaction(tenants=(choice.chosen.id,)) as connection:
            outlier_answers.answer(
                connection, choice.chosen.id, ident, words, data_right=right,
                seen=int(seen) if seen.isdecimal() and len(seen) < 6 else -1, by=actor, at=datetime.now(UTC),
            )  # fmt: skip
    except Unprocessable as refused:
        wrong = faults((each.pointer, each.words) for each in refused.errors)
        return _one(request, choice, ident, wrong=wrong, typed=typed, status=422)
    except Conflict as refused:
        return _one(request, choice, ident, wrong=[Fault("", refused.detail)], typed=typed, status=refused.status)
    with _store(request).transaction(role="hat_national") as connection:
        outlier_answers.take_in_answers(connection)
    return RedirectResponse(f"/trust/outliers/{ident}?organisation={choice.chosen.code}&done=answered", 303)


def _one(
    request: Request,
    choice: Choice,
    ident: UUID,
    *,
    done: str = "",
    wrong: list[Fault] | None = None,
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    with _store(request).readonly(tenants=(choice.chosen.id,)) as connection:
        held = outlier_answers.notice(connection, choice.chosen.id, ident)
        given = outlier_answers.answers(connection, choice.chosen.id, ident)
    bounds = Limits(held.alarm_low, held.alert_low, held.alert_high, held.alarm_high)
    return render(
        request,
        "outliers/notice.html",
        status=status,
        choice=choice,
        notice=_shown(held),
        limits=present.limit_words(bounds),
        caution=LOW_FIRST if held.side == "low" else HIGH_FIRST,
        answers=[{"it": each, "when": said_time(each.responded_at)} for each in given],
        seen=len(given),
        done=done,
        faults=wrong or [],
        values=typed or {},
    )


def _shown(held: Notice) -> dict[str, object]:
    return {
        "it": held,
        "year": present.year_words(held.year),
        "reference": present.year_words(held.reference_year),
        "verdict": present.verdict_words(held.verdict, held.side),
        "ratio": f"{held.ratio:.3f}",
        "expected": f"{held.expected:.2f}",
        "notified": said_time(held.notified_at),
        "respond_by": said_day(held.respond_by) if held.respond_by else "",
        "outcome": State(held.outcome).words if held.outcome else "",
        "outcome_at": said_time(held.outcome_at),
    }


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
