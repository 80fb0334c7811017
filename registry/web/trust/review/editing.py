"""The forms of a review: filled in from what is recorded, kept as a draft as one types, stored by the same check as a file.

Whatever is sent is kept as the person's draft first, so that nothing is lost if it cannot be stored: a fault, a colleague who was faster,
a case that has moved on.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.cases import actions, completing, drafts, facts, online
from registry.cases.actions import Action
from registry.cases.online import LONGEST_TEXT, Difference, Faulty, Saved, Stale
from registry.cases.review import CARE, QUESTIONS, Page
from registry.web import forms
from registry.web.actor import require
from registry.web.applies import Condition, condition
from registry.web.bodies import read_form
from registry.web.fields import Fault, text
from registry.web.lessons.beside import published_about
from registry.web.pages import render
from registry.web.trust.review.opening import RCA, Opened, opened, store_of
from registry.web.trust.review.present import fact_rows, field_words
from registry.web.uploads import secrets_of
from schemas.dictionary import field as field_of
from schemas.finding import Finding, Severity

MOST_FIELDS = 200
MOST_AGAIN = 3
"""How often a form is stored again by itself where others changed only what it does not ask."""


async def review_form(request: Request) -> FormData:
    """The form, with a field for each box of its dates and lists."""
    return await read_form(request, max_fields=MOST_FIELDS)


Reading = Annotated[Actor, require(Right.READ_CASES)]
Editing = Annotated[Actor, require(Right.EDIT_CASES)]
Form = Annotated[FormData, Depends(review_form)]


@dataclass(frozen=True, slots=True)
class Typed:
    """What came from a form: the answers by field, the version it was opened with, its own number, and which button was pressed."""

    text: Mapping[str, str]
    base_version: int
    once: str
    then: str


def typed(form: FormData, names: Collection[str]) -> Typed:
    """The answers of a form to these questions; a question that was left out altogether is blank."""
    base = text(form, "base_version")
    return Typed(
        text={**dict.fromkeys(names, ""), **forms.answers(form, RCA, names)},
        base_version=int(base) if base.isascii() and base.isdigit() and len(base) < 10 else 0,
        once=text(form, "once")[:64] or uuid4().hex,
        then=text(form, "then"),
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """What a form shows. `said` is a sentence above it; `differing` what somebody else stored meanwhile."""

    values: Mapping[str, str]
    base_version: int
    said: str = ""
    findings: tuple[Finding, ...] = ()
    faults: tuple[Fault, ...] = ()
    differing: tuple[Difference, ...] = ()
    status: int = 200
    notes: Mapping[str, str] = field(default_factory=dict)


def draft_key(page: str, local_case_id: str) -> str:
    """Each page of a review has a draft of its own."""
    return f"{page}:{local_case_id}"


# --- opening a form


def first_shown(held: Opened, page: Page) -> Shown:
    """A form as it is opened: what stands, over it what follows from the case, over it the person's draft."""
    own = drafts.find(held.desk, RCA, draft_key(page, held.case.local_case_id))
    stands = held.review.text
    filled = facts.prefilled(held.case.values, stands, held.desk.on) | _screened_before(held, page)
    if own is None:
        notes = dict.fromkeys(filled, "Filled in from what is recorded: change it if it is wrong.")
        return Shown({**filled, **stands}, held.review.version, notes=notes)
    words = "These are your own answers, kept as a draft and not stored yet."
    if own.base_version != held.review.version:
        words += " Somebody has stored answers since; when you store yours you are shown what differs."
    return Shown({**stands, **own.text}, own.base_version, said=words)


def _screened_before(held: Opened, page: Page) -> dict[str, str]:
    """Answers of a screening page that turned out not to be enough, so that nobody answers twice."""
    if page is not Page.CARE or held.review.version > 1:
        return {}
    before = drafts.find(held.desk, RCA, draft_key(Page.SCREENING, held.case.local_case_id))
    answers = {} if before is None else before.text
    return {name: answers[name] for name in CARE if answers.get(name) and not held.review.text.get(name)}


def beside(held: Opened, page: Page, values: Mapping[str, str]) -> list[Action]:
    """What the trust has done about the shortcomings that are ticked."""
    if page is not Page.FINDINGS:
        return []
    themes = [each for each in values.get("inadequacies", "").split("|") if each]
    return actions.done_about(held.desk, themes, besides=held.case.case_id)


def form_page(request: Request, held: Opened, page: Page, shown: Shown, *, template: str, action: str) -> Response:
    """The page with the form."""
    case, names = held.case, QUESTIONS[page]
    values = {name: shown.values.get(name, "") for name in names}
    clashes = {
        each.field: f"Stored meanwhile by somebody else: {field_words(each.field, each.theirs or '', case.nation) or 'no answer'}."
        for each in shown.differing
        if each.clash
    }
    notes = _joined(facts.beside(case.values, {**held.review.text, **values}), shown.notes, clashes)
    form = forms.questions(RCA, names, values, case.nation, findings=shown.findings, notes=notes)
    elsewhere = [
        Fault("", f"{each.words} {each.mend}")
        for each in shown.findings
        if each.severity is Severity.ERROR and each.field not in names
    ]
    return render(
        request,
        template,
        status=shown.status,
        held=held,
        case=case,
        page=page,
        form=form,
        action=action,
        faults=[*shown.faults, *form.faults, *elsewhere],
        said=shown.said,
        differing=_differing(shown.differing, held),
        facts=fact_rows(case, {**held.review.text, **values}),
        lessons=beside(held, page, values),
        published=published_about(request, values.get("inadequacies", "").split("|") if page is Page.FINDINGS else ()),
        conditions=conditions(names),
        base_version=shown.base_version,
        once=uuid4().hex,
    )


def conditions(names: Collection[str]) -> dict[str, Condition | None]:
    """When each question applies, for the script that folds away what does not."""
    return {name: condition(RCA, name) for name in names}


def _joined(*said: Mapping[str, str]) -> dict[str, str]:
    names = dict.fromkeys(name for each in said for name in each)
    return {name: " ".join(each[name] for each in said if each.get(name)) for name in names}


def _differing(differing: Collection[Difference], held: Opened) -> list[tuple[str, str, str, str]]:
    """Question, what stood, what stands now, what was typed."""

    def words(each: Difference, value: str | None) -> str:
        return field_words(each.field, value or "", held.case.nation) or "–"

    return [
        (
            field_of(RCA, each.field).item.question,
            words(each, each.base),
            words(each, each.theirs),
            words(each, each.mine),
        )
        for each in differing
        if each.theirs != each.base
    ]


# --- storing a form


@dataclass(frozen=True, slots=True)
class Stored:
    """The answers stand. `held` is the review as it was before."""

    held: Opened
    saved: Saved


def keep_draft(held: Opened, page: str, given: Typed) -> datetime:
    """Keep what was typed as the person's own draft."""
    key = draft_key(page, held.case.local_case_id)
    return drafts.keep(held.desk, RCA, key, given.text, given.base_version)


def store(
    request: Request, actor: Actor, case_id: UUID, page: Page, given: Typed, *, more: Mapping[str, str] | None = None
) -> Stored | Shown:
    """Store the answers of a page, or give what to show instead. `more` are fields that the page settles without asking.

    Raises Conflict where the case is not open to changes any more; what was typed is in the draft then.
    """
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        if not long_answers(given):
            keep_draft(held, page, given)
    held.must_be_open(kept=True)
    if faults := long_answers(given):
        return Shown(given.text, given.base_version, faults=tuple(faults), status=422)
    return saved_or_shown(request, actor, held, page, given, more or {})


def long_answers(given: Typed) -> list[Fault]:
    """Answers that are too long for any field: they are shown again whole, to be shortened."""
    words = f"this is longer than {LONGEST_TEXT:,} characters. Shorten it"
    return [
        Fault(name, f"{field_of(RCA, name).item.question}: {words}")
        for name, value in given.text.items()
        if len(value) > LONGEST_TEXT
    ]


def saved_or_shown(
    request: Request, actor: Actor, held: Opened, page: Page | None, given: Typed, more: Mapping[str, str]
) -> Stored | Shown:
    """Store answers, or give what to show instead. `page` None: they come from no page that has a draft, and are nobody's first reading."""
    result = _save(request, actor, held, {**given.text, **more}, given.base_version, given.once)
    for _ in range(MOST_AGAIN):
        if not isinstance(result, Stale) or any(each.theirs != each.base for each in result.differing):
            break
        # Others changed only what this page does not ask, so nobody has to choose.
        result = _save(request, actor, held, {**given.text, **more}, result.held.version, given.once)
    match result:
        case Saved():
            if page is not None:
                _after(request, held, page)
            return Stored(held, result)
        case Stale():
            return _stale(given, result)
        case Faulty():
            return Shown(given.text, given.base_version, findings=result.findings, status=422)


def _save(
    request: Request, actor: Actor, held: Opened, answers: Mapping[str, str], base_version: int, once: str
) -> Saved | Stale | Faulty:
    form = online.Form(
        kind=RCA,
        key=held.case.local_case_id,
        text=answers,
        base_version=base_version,
        once=once,
        # The case itself was taken only with this declaration; the page says that storing repeats it.
        opt_out_screened=True,
    )
    state = request.app.state
    return online.save(
        store_of(request),
        held.case.tenant_id,
        form,
        secrets=secrets_of(state),
        settings=state.settings,
        by=actor,
        at=datetime.now(UTC),
    )


def _after(request: Request, held: Opened, page: Page) -> None:
    """What was stored needs no draft; whoever stored a judgement is its first reader."""
    case = held.case
    with store_of(request).transaction(tenants=(case.tenant_id,)) as connection:
        desk = replace(held.desk, connection=connection, at=datetime.now(UTC))
        drafts.drop(desk, RCA, draft_key(page, case.local_case_id))
        if page is not Page.CARE:
            review = online.current(desk, RCA, case.local_case_id)
            completing.remember(desk, case.case_id, review.text)


def _stale(given: Typed, result: Stale) -> Shown:
    return Shown(
        {**given.text, **{name: result.merged.get(name, "") for name in given.text}},
        result.held.version,
        said="Somebody else stored answers of this review while you were typing. Nothing of yours was stored, and nothing is lost: "
        "the form has your answers, and theirs where you changed nothing. Look at what differs, then store it.",
        differing=result.differing,
        status=409,
    )
