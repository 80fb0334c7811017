"""The second reading: judged blind by another person, then both judgements beside each other and one on which they agree.

The page of the second reader is made of the case and of what care was given. Nothing that the first reader judged, and no free text at
all, comes near it.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.cases import drafts, second_reading
from registry.cases.review import BLINDED, CARE, JUDGEMENT
from registry.cases.second_reading import Judgement, Place, judgement
from registry.cases.states import CaseState
from registry.errors import Conflict, Unprocessable
from registry.web import forms
from registry.web.fields import Fault
from registry.web.pages import render
from registry.web.trust.review.editing import (
    Editing,
    Form,
    Shown,
    Typed,
    draft_key,
    keep_draft,
    saved_or_shown,
    typed,
)
from registry.web.trust.review.opening import RCA, Opened, address, opened, store_of
from registry.web.trust.review.overview import HEADS, why_twice
from registry.web.trust.review.present import case_rows, fact_rows, judgement_rows, said
from schemas.dictionary import field

router = APIRouter()

DRAFT = "second"
NAMES = ("category", "inadequacies", "preventability", "would_have_changed_outcome", "judged_by", "judged_on")
assert set(NAMES) == set(JUDGEMENT)


@router.get("/second-reading")
def ask(request: Request, actor: Editing, case_id: UUID) -> Response:
    """The second reader's page."""
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        _may_read(held)
        own = drafts.find(held.desk, RCA, draft_key(DRAFT, held.case.local_case_id))
        values = {"judged_on": held.desk.on.isoformat()} if own is None else dict(own.text)
        return _blind_page(request, held, values, [])


def _may_read(held: Opened) -> None:
    """Raises Conflict for the first reader, and where the second reading is done or not due."""
    waiting = held.waiting
    if waiting is None:
        raise Conflict(f"This case is {held.work.state.words}: there is nothing to read a second time.")
    if held.desk.by.label in waiting.first:
        raise Conflict("You judged this case first. Another person has to read it a second time.")
    if waiting.read:
        raise Conflict("This case has been read a second time already. What is left is to agree.")


def _blind_page(request: Request, held: Opened, values: dict[str, str], wrong: list[Fault]) -> Response:
    care = [name for name in CARE if name not in BLINDED]
    review = {name: held.review.text[name] for name in care if name in held.review.text}
    why = why_twice(held)
    return render(
        request,
        "trust/review/second.html",
        status=422 if wrong else 200,
        case=held.case,
        href=held.href,
        why=why.words if why else "",
        blind=held.waiting is not None and held.waiting.blind(held.desk.by),
        rows=case_rows(held.case),
        facts=fact_rows(held.case, review),
        sections=said(review, care, held.case.nation),
        form=_marked(forms.questions(RCA, NAMES, values, held.case.nation), wrong),
        faults=wrong,
    )


def _marked(made: forms.Form, wrong: Collection[Fault]) -> forms.Form:
    """The questions with what is wrong beside them."""
    at = {each.field: each.words for each in wrong}
    sections = tuple(
        replace(
            section,
            questions=tuple(
                replace(each, errors=(at[each.name],)) if each.name in at else each for each in section.questions
            ),
        )
        for section in made.sections
    )
    return forms.Form(sections)


@router.post("/second-reading")
def read(request: Request, actor: Editing, case_id: UUID, form: Form) -> Response:
    """Store the second judgement."""
    given = typed(form, NAMES)
    try:
        with opened(request, actor, Right.EDIT_CASES, case_id) as held:
            second_reading.read(held.desk, case_id, given.text)
            drafts.drop(held.desk, RCA, draft_key(DRAFT, held.case.local_case_id))
        return RedirectResponse(f"{address(case_id)}/agreement", 303)
    except Unprocessable as refused:
        wrong = list(_named(refused))
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        _may_read(held)
        keep_draft(held, DRAFT, given)
        return _blind_page(request, held, dict(given.text), wrong)


# --- agreeing


@router.get("/agreement")
def compare(request: Request, actor: Editing, case_id: UUID) -> Response:
    """Both judgements beside each other, and a form for the one that stands in the end."""
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        first, second = _both(held)
        answer = _agreement_page(request, held, first, second, Shown(_alike(first, second), held.review.version))
        held.note_looked()
        return answer


def _both(held: Opened) -> tuple[Judgement, Judgement]:
    """What the two judged; of a review that came by file the first is what the review says. Raises Conflict before both have."""
    if held.waiting is None or not held.waiting.read or held.work.state is not CaseState.SECOND_READING:
        raise Conflict(
            "There are no two judgements on which to agree: the second reader has not judged, or both have agreed."
        )
    found = second_reading.readings(held.connection, held.case.tenant_id, held.case.case_id)
    first = found.get(Place.FIRST)
    return (judgement(held.review.text) if first is None else first.judgement), found[Place.SECOND].judgement


def _alike(first: Judgement, second: Judgement) -> dict[str, str]:
    """The answers in which both agree already; those in which they do not are left to be chosen."""
    other = second.text
    return {name: value for name, value in first.text.items() if value == other[name] and name != "judged_on"}


def _agreement_page(request: Request, held: Opened, first: Judgement, second: Judgement, shown: Shown) -> Response:
    values = {"judged_by": "panel", "judged_on": held.desk.on.isoformat(), **shown.values}
    form = _marked(forms.questions(RCA, NAMES, values, held.case.nation, findings=shown.findings), shown.faults)
    return render(
        request,
        "trust/review/agreement.html",
        status=shown.status,
        case=held.case,
        href=held.href,
        alike=first.same_as(second),
        heads=[HEADS[Place.FIRST], HEADS[Place.SECOND]],
        rows=judgement_rows([first, second], held.case.nation),
        form=form,
        faults=shown.faults or form.faults,
        said=shown.said,
        base_version=shown.base_version,
        once=uuid4().hex,
    )


@router.post("/agreement")
def agree(request: Request, actor: Editing, case_id: UUID, form: Form) -> Response:
    """Store the agreed judgement as the review's, and complete the case."""
    given = typed(form, NAMES)
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        first, second = _both(held)
        if wrong := _faults(held, given):
            return _agreement_page(
                request, held, first, second, Shown(given.text, given.base_version, faults=wrong, status=422)
            )
    result = saved_or_shown(request, actor, held, None, given, {})
    if isinstance(result, Shown):
        with opened(request, actor, Right.EDIT_CASES, case_id) as again:
            return _agreement_page(request, again, first, second, result)
    _agreed(request, actor, held, given)
    return RedirectResponse(address(case_id), 303)


def _faults(held: Opened, given: Typed) -> tuple[Fault, ...]:
    """What is missing of a judgement, before anything of it is stored."""
    try:
        second_reading.check(judgement(given.text), given.text, held.desk.on)
    except Unprocessable as refused:
        return _named(refused)
    return ()


def _named(refused: Unprocessable) -> tuple[Fault, ...]:
    return tuple(
        Fault(each.pointer, f"{field(RCA, each.pointer).item.question}: {each.words}") for each in refused.errors
    )


def _agreed(request: Request, actor: Actor, held: Opened, given: Typed) -> None:
    with store_of(request).transaction(tenants=(held.case.tenant_id,)) as connection:
        desk = replace(held.desk, connection=connection, by=actor, at=datetime.now(UTC))
        second_reading.agree(desk, held.case.case_id, judgement(given.text))
