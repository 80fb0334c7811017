"""One case as a consultant answers for it, by a link or with an account: what they see, what they are asked, and storing it.

They see the case by its numbers, dates and what care was given. No NHS number, birth date or ward is opened for them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor
from registry.cases import completing, drafts, facts, one_time, online
from registry.cases.consultant import Link
from registry.cases.review import BLINDED, CARE, FINDINGS, title
from registry.cases.reviewing import reviewed
from registry.cases.states import CaseState
from registry.errors import Conflict
from registry.web import forms
from registry.web.fields import Fault
from registry.web.pages import render
from registry.web.trust.review.editing import (
    Shown,
    Typed,
    conditions,
    draft_key,
    keep_draft,
    long_answers,
    saved_or_shown,
)
from registry.web.trust.review.opening import RCA, Opened, open_review, store_of
from registry.web.trust.review.present import case_rows, fact_rows, field_words, said
from schemas.codes import JudgedBy
from schemas.dictionary import field

DRAFT = "answer"
ASKED = tuple(name for name in FINDINGS if name not in ("judged_by", "incident_reference"))
"""What the consultant of the index admission is asked; who judges is known."""
JUDGED_BY = {"judged_by": JudgedBy.INDEX_CONSULTANT.value}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pages of one answer stand: the form's address, and what else it must carry."""

    action: str
    hidden: Mapping[str, str]


def open_case(request: Request, connection: Connection, by: Actor, link: Link, tenant_id: int) -> Opened:
    """The case of a link. Raises NotFound where it is gone."""
    return open_review(request, connection, by, reviewed(connection, (tenant_id,), link.case_id))


def first_shown(held: Opened) -> Shown:
    """The form as it is opened: what the team has put down already, over it the answers that were kept as a draft."""
    own = drafts.find(held.desk, RCA, draft_key(DRAFT, held.case.local_case_id))
    stands = {**facts.prefilled(held.case.values, held.review.text, held.desk.on), **held.review.text}
    if own is None:
        return Shown(stands, held.review.version)
    return Shown(
        {**stands, **own.text}, own.base_version, said="These are your answers as you left them. They are not sent yet."
    )


def page(request: Request, held: Opened, shown: Shown, place: Place) -> Response:
    """The case and the questions."""
    case, review = held.case, held.review.text
    care = [name for name in CARE if name not in BLINDED]
    values = {name: shown.values.get(name, "") for name in ASKED}
    clashes = {
        each.field: f"Put down meanwhile by the team: {field_words(each.field, each.theirs or '', case.nation) or 'no answer'}."
        for each in shown.differing
        if each.clash
    }
    form = forms.questions(RCA, ASKED, values, case.nation, findings=shown.findings, notes=clashes)
    answer = render(
        request,
        "trust/review/answer.html",
        status=shown.status,
        case=case,
        title=title(case.nation),
        rows=case_rows(case),
        facts=fact_rows(case, review),
        sections=said(review, care, case.nation),
        form=form,
        faults=[*shown.faults, *form.faults],
        said=shown.said,
        place=place,
        conditions=conditions(ASKED),
        base_version=shown.base_version,
        once=uuid4().hex,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def keep(held: Opened, given: Typed) -> datetime:
    """Keep what was typed as the consultant's draft."""
    return keep_draft(held, DRAFT, given)


def send(request: Request, by: Actor, held: Opened, link: Link, given: Typed) -> Shown | None:
    """Store the answer and give the case back; or what to show instead. Raises Conflict where the case was taken back meanwhile."""
    if held.work.state is not CaseState.WITH_CONSULTANT or not link.open_at(held.desk.at):
        raise Conflict(GONE)
    if faults := long_answers(given):
        return Shown(given.text, given.base_version, faults=tuple(faults), status=422)
    if missing := _missing(given):
        return Shown(given.text, given.base_version, faults=tuple(missing), status=422)
    result = saved_or_shown(request, by, held, None, given, JUDGED_BY)
    if isinstance(result, Shown):
        return result
    with store_of(request).transaction(tenants=(held.case.tenant_id,)) as connection:
        desk = replace(held.desk, connection=connection, at=datetime.now(UTC))
        review = online.current(desk, RCA, held.case.local_case_id)
        completing.remember(desk, link.case_id, review.text)
        drafts.drop(desk, RCA, draft_key(DRAFT, held.case.local_case_id))
        one_time.answered(desk, link)
    return None


GONE = "This case is no longer with you: the thrombosis team has taken it back, or it was answered already. Nothing was sent."


def _missing(given: Typed) -> list[Fault]:
    """A consultant's answer is the judgement: without it there is nothing to send."""
    not_hat = given.text.get("category") == "not_hat"
    needed = [name for name in ("category", "preventability") if not given.text.get(name)]
    return [
        Fault(name, f"{field(RCA, name).item.question}: choose one, or keep your answers and come back later")
        for name in needed
        if not (name == "preventability" and not_hat)
    ]
