"""`/team/publications`: a draft is prepared, audited by the worker, approved by two who did not prepare it, and released.

What may be done stands in `registry.publications.transitions`; a page offers what that table allows. Figures are shown as the public
would see them: whoever approves needs no exact figure for it. An approval asks for the password again.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.errors import NotFound, Unprocessable
from registry.publications import auditing, comparing, protecting, published, releasing, reviewing
from registry.publications.transitions import Action, State, offered
from registry.settings import Secrets
from registry.store import Store
from registry.web import step_up
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.downloads import attachment
from registry.web.fields import Fault, faults, text, texts
from registry.web.pages import render
from registry.web.release import present
from schemas.days import LONDON

router = APIRouter(prefix="/team/publications")

ROLE = "hat_national"
Reader = Annotated[Actor, require(Right.READ_DRAFTS)]
Preparer = Annotated[Actor, require(Right.PREPARE_RELEASE)]
Releaser = Annotated[Actor, require(Right.RELEASE)]
Form = Annotated[FormData, Depends(submitted_form)]

NOTE_LENGTH = 600
DONE = {
    "asked": "The worker audits these figures now. It takes some minutes; look at this page again.",
    "embargo": "The time before which these figures stay hidden is set.",
    "approved": "Your approval is recorded. A second person has to approve them too.",
    "waiting": "Two people have approved these figures. They become public when the embargo ends.",
}


@router.post("")
def prepare(request: Request, actor: Preparer, form: Form) -> Response:
    """Make a draft of the figures as they were last counted; a draft that nobody has audited is discarded."""
    settings = request.app.state.settings
    key = Secrets.load(settings.secrets_dir, ["offset"])["offset"]
    with _store(request).transaction(role=ROLE) as connection:
        made = protecting.prepare(
            connection,
            by=actor,
            at=datetime.now(UTC),
            key=key,
            rules=settings.counting,
            code_version=version("hat-registry"),
            note=text(form, "note")[:NOTE_LENGTH],
        )
    return RedirectResponse(f"/team/publications/{made}", 303)


@router.get("/{publication_id}")
def page(request: Request, publication_id: UUID, actor: Reader, done: str = "") -> Response:
    """One publication: where it stands, what it would change, what this person may do."""
    return _page(request, publication_id, actor, done=DONE.get(done, ""))


@router.get("/{publication_id}/figures")
def figures(request: Request, publication_id: UUID, _actor: Reader) -> Response:
    """Every month of each measure in the nations: as it is public, and as these figures would make it."""
    with _store(request).readonly(role=ROLE) as connection:
        release = reviewing.draft(connection, publication_id)
        head = reviewing.head(connection, publication_id)
        current = published.latest(connection)
        tables = list(present.compared(connection, release, current))
    return render(request, "release/figures.html", head=head, current=current, tables=tables)


@router.get("/{publication_id}/report.json")
def report(request: Request, publication_id: UUID, _actor: Reader) -> Response:
    """The report of the audit as it was signed. It names cells, so it is the desk's; its digest is public with the release."""
    with _store(request).readonly(role=ROLE) as connection:
        head = reviewing.head(connection, publication_id)
        run = auditing.latest_run(connection, publication_id)
    if run is None or run.report is None:
        raise NotFound
    return attachment(run.report, "application/json", f"audit-{head.number}.json")


@router.post("/{publication_id}/audit")
def ask_audit(request: Request, publication_id: UUID, actor: Reader, _form: Form) -> Response:
    """Hand a draft to the worker."""
    with _store(request).transaction(role=ROLE) as connection:
        releasing.ask_audit(connection, by=actor, publication_id=publication_id, at=datetime.now(UTC))
    return RedirectResponse(f"/team/publications/{publication_id}?done=asked", 303)


@router.post("/{publication_id}/embargo")
def embargo(request: Request, publication_id: UUID, actor: Reader, form: Form) -> Response:
    """Set the time before which the figures stay hidden, by the clocks of London; blank lifts it."""
    until, wrong = _moment(form)
    if wrong:
        return _page(request, publication_id, actor, wrong=[wrong], typed=texts(form))
    try:
        with _store(request).transaction(role=ROLE) as connection:
            releasing.embargo(connection, by=actor, publication_id=publication_id, until=until, at=datetime.now(UTC))
    except Unprocessable as refused:
        told = faults((each.pointer, each.words) for each in refused.errors)
        return _page(request, publication_id, actor, wrong=told, typed=texts(form))
    return RedirectResponse(f"/team/publications/{publication_id}?done=embargo", 303)


def _moment(form: FormData) -> tuple[datetime | None, Fault | None]:
    words = f"{text(form, 'until').strip()} {text(form, 'until_time').strip() or '09:30'}"
    if not text(form, "until").strip():
        return None, None
    try:
        return datetime.strptime(words, "%Y-%m-%d %H:%M").replace(tzinfo=LONDON).astimezone(UTC), None
    except ValueError:
        return None, Fault("until", "Enter the day as 2026-12-31 and the time as 09:30")


@router.post("/{publication_id}/approve")
def approve(request: Request, publication_id: UUID, actor: Releaser, form: Form) -> Response:
    """Approve exactly the figures that were looked at. The second approval makes them public, or waits for the end of an embargo."""
    wrong = step_up.confirmed(request, actor, form)
    if wrong is not None:
        return _page(request, publication_id, actor, wrong=[wrong])
    with _store(request).transaction(role=ROLE) as connection:
        state = releasing.approve(
            connection, by=actor, publication_id=publication_id, seen=text(form, "seen"), at=datetime.now(UTC)
        )
    if state is State.RELEASED:
        return RedirectResponse("/team?done=released", 303)
    done = "approved" if state is State.AUDITED else "waiting"
    return RedirectResponse(f"/team/publications/{publication_id}?done={done}", 303)


@router.post("/{publication_id}/discard")
def discard(request: Request, publication_id: UUID, actor: Reader, _form: Form) -> Response:
    """Discard what is not public yet."""
    with _store(request).transaction(role=ROLE) as connection:
        releasing.discard(connection, by=actor, publication_id=publication_id)
    return RedirectResponse("/team?done=discarded", 303)


def _page(
    request: Request,
    publication_id: UUID,
    actor: Actor,
    *,
    done: str = "",
    wrong: list[Fault] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    with _store(request).readonly(role=ROLE) as connection:
        head = reviewing.head(connection, publication_id)
        standing = releasing.standing(connection, publication_id)
        run = auditing.latest_run(connection, publication_id)
        approvals = reviewing.approvals(connection, publication_id)
        current = published.latest(connection)
        revisions = comparing.against_latest(connection, publication_id) if head.open else ()
        changes = reviewing.changes(connection, publication_id) if head.open else None
        trusts = reviewing.trust_changes(connection, publication_id) if head.open else ()
    may = offered(standing, actor)
    return render(
        request,
        "release/publication.html",
        status=422 if wrong else 200,
        head=head,
        state=State(head.state),
        run=run,
        audited=present.audit_words(run),
        approvals=approvals,
        current=current,
        revisions=[present.revision(each) for each in revisions],
        changes=changes,
        trusts=trusts[: present.SHOWN],
        number_of_trusts=len(trusts),
        own=actor.id == head.prepared_by,
        approved_myself=actor.id in standing.approved_by,
        may={action.value: action in may for action in Action},
        done=done,
        faults=wrong or [],
        values=typed or present.embargo_values(head.embargo_until),
    )


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store
