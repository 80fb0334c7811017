"""`/trust/submissions`: the list, one submission with what was found, storing what was rehearsed, and what goes back to the sender."""

from enum import StrEnum
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from registry import submissions
from registry.access import Actor, Right
from registry.errors import NotFound
from registry.store import Store
from registry.submissions import Mode, Receipt, Reference, State, Tally, again, changes
from registry.submissions.mending import mendable
from registry.submissions.receipt import faulty_count
from registry.submissions.senders import senders
from registry.web import downloads
from registry.web.actor import permitted, require
from registry.web.bodies import submitted_form
from registry.web.downloads import retained
from registry.web.fields import text
from registry.web.pages import render
from registry.web.trust.present import (
    STATES,
    Kept,
    changed_fields,
    kept_cells,
    kind_words,
    lines,
    progress_words,
    shown,
    summary,
)
from registry.web.uploads import Spool, copy_stored, deliver, keys_of
from schemas.record import RecordKind
from schemas.rules import cell
from schemas.rules import file as shape
from schemas.rules.register import CORRECTED_ONLINE

router = APIRouter(prefix="/trust/submissions")

Reading = Annotated[Actor, require(Right.READ_SUBMISSIONS)]
Fresh = Annotated[Actor, require(Right.READ_SUBMISSIONS, fresh=True)]
Sending = Annotated[Actor, require(Right.SUBMIT)]
Form = Annotated[FormData, Depends(submitted_form)]

Chosen = TypeVar("Chosen", bound=StrEnum)

PAGE = 25
FIRST = 100
"""So many findings stand on the page; the files have all that are listed."""
MATCHABLE = frozenset({shape.UNKNOWN_COLUMN.number, shape.MISSING_COLUMN.number, cell.NOT_IN_LIST.number})
"""What a map of the trust's own headings and codes can mend."""


@router.get("")
def index(request: Request, actor: Reading, before: UUID | None = None, kind: str = "", state: str = "") -> Response:
    """The submissions of the person's organisations, the newest first; of one kind or in one state if asked for."""
    tenants = actor.tenants(Right.READ_SUBMISSIONS)
    of_kind, in_state = _chosen(RecordKind, kind), _chosen(State, state)
    with _store(request).readonly(tenants=tenants) as connection:
        ours = {each.id: each for each in senders(connection, tenants)}
        found = submissions.latest(connection, tenants, limit=PAGE + 1, before=before, kind=of_kind, state=in_state)
    return render(
        request,
        "trust/submissions.html",
        found=[shown(each, ours[each.tenant_id]) for each in found[:PAGE]],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        first=before is None,
        several=len(ours) > 1,
        kinds=[(each.value, kind_words(each)) for each in RecordKind],
        states=[(each.value, STATES[each.value][0]) for each in State],
        asked={name: value for name, value in (("kind", kind), ("state", state)) if value},
    )


def _chosen(names: type[Chosen], value: str) -> Chosen | None:
    """The member that is asked for; None where none is. NotFound for what is none of them."""
    try:
        return names(value) if value else None
    except ValueError:
        raise NotFound from None


@router.get("/{submission_id}")
def one(request: Request, actor: Reading, submission_id: UUID) -> Response:
    """One submission: how far it is while it waits; then what was found, and the receipt or the difference it would make."""
    tenants = actor.tenants(Right.READ_SUBMISSIONS)
    with _store(request).readonly(tenants=tenants) as connection:
        reference = submissions.find(connection, tenants, submission_id)
        receipt = submissions.get(connection, reference)
        page = _page(connection, receipt, reference)
    may_send = reference.tenant_id in actor.tenants(Right.SUBMIT)
    return render(request, "trust/submission.html", page, may_send=may_send)


def _page(connection: Connection, receipt: Receipt, reference: Reference) -> dict[str, object]:
    (sender,) = senders(connection, (reference.tenant_id,))
    tallies = submissions.tallies(connection, reference)
    stored_as = again.stored_as(connection, reference) if receipt.rehearsal else None
    return {
        "it": shown(receipt, sender),
        "progress": progress_words(receipt),
        "summary": summary(tallies, RecordKind(receipt.kind), sender.nation),
        "kept": _kept(connection, reference, receipt, tallies),
        "findings": lines(submissions.findings(connection, reference, limit=FIRST)),
        "found": (receipt.errors or 0) + (receipt.warnings or 0),
        "changed": changed_fields(receipt),
        "stored_as": stored_as,
        "mendable": bool(receipt.errors)
        and stored_as is None
        and mendable(receipt, faulty_count(connection, reference)),
        "listed": changes.listed(connection, reference) if receipt.changed or receipt.withdrawn else 0,
        "effects": changes.effects(connection, reference) if receipt.kind == RecordKind.CASE and receipt.stored else [],
        "matchable": any(each.rule in MATCHABLE for each in tallies),
    }


@router.get("/{submission_id}/progress")
def progress(request: Request, actor: Reading, submission_id: UUID) -> Response:
    """How far a submission is, for the script of its page: whether it waits, and the words and numbers of its progress."""
    tenants = actor.tenants(Right.READ_SUBMISSIONS)
    with _store(request).readonly(tenants=tenants) as connection:
        receipt = submissions.get(connection, submissions.find(connection, tenants, submission_id))
    told = {"waiting": receipt.waiting, "words": progress_words(receipt), "done": receipt.done, "total": receipt.total}
    return JSONResponse(told)


def _kept(connection: Connection, reference: Reference, receipt: Receipt, tallies: list[Tally]) -> Kept | None:
    """What the file says otherwise than was corrected online; None where there is nothing of the kind."""
    counted = sum(each.count for each in tallies if each.rule == CORRECTED_ONLINE.number)
    if not counted:
        return None
    found = submissions.findings(connection, reference, limit=FIRST, rule=CORRECTED_ONLINE)
    return Kept(counted, kept_cells(found, RecordKind(receipt.kind)))


@router.post("/{submission_id}/store")
def store(request: Request, actor: Sending, form: Form, submission_id: UUID) -> Response:
    """Store what was rehearsed, from the bytes that were kept. Once, however often it is asked for."""
    reference = _reference(request, actor, Right.SUBMIT, submission_id)
    mode = Mode.ACCEPT_GOOD_ROWS if text(form, "mode") == Mode.ACCEPT_GOOD_ROWS else Mode.ALL_OR_NOTHING
    with Spool(request.app.state.settings) as spool:
        with _store(request).readonly(tenants=(reference.tenant_id,)) as connection:
            retained(connection, reference)
            keys = keys_of(request.app.state, connection, reference.tenant_id)
            wanted = again.storing(connection, reference, keys, mode=mode, by=actor)
            copy_stored(connection, reference, keys, spool)
        delivered = deliver(request.app.state, wanted, spool)
    return RedirectResponse(f"/trust/submissions/{delivered.receipt.id}", 303)


@router.post("/{submission_id}/overwrite")
def overwrite(request: Request, actor: Sending, _form: Form, submission_id: UUID) -> Response:
    """Rehearse a file again so that it stands over what was corrected online: the difference is seen before anything is stored."""
    reference = _reference(request, actor, Right.SUBMIT, submission_id)
    with Spool(request.app.state.settings) as spool:
        with _store(request).readonly(tenants=(reference.tenant_id,)) as connection:
            retained(connection, reference)
            keys = keys_of(request.app.state, connection, reference.tenant_id)
            wanted = again.rehearsing(connection, reference, keys, by=actor, overwrite=True)
            copy_stored(connection, reference, keys, spool)
        delivered = deliver(request.app.state, wanted, spool)
    return RedirectResponse(f"/trust/submissions/{delivered.receipt.id}", 303)


@router.get("/{submission_id}/findings.csv")
def findings_csv(request: Request, actor: Reading, submission_id: UUID) -> Response:
    """The listed findings."""
    tenants = actor.tenants(Right.READ_SUBMISSIONS)
    with _store(request).readonly(tenants=tenants) as connection:
        return downloads.findings_file(connection, submissions.find(connection, tenants, submission_id))


@router.get("/{submission_id}/annotated.xlsx")
def annotated_xlsx(request: Request, actor: Fresh, submission_id: UUID) -> Response:
    """The rows as sent, with what to mend beside each."""
    reference = _reference(request, actor, Right.READ_SUBMISSIONS, submission_id)
    return downloads.annotated_file(request.app.state, reference, actor)


@router.get("/{submission_id}/failed-rows.csv")
def failed_rows_csv(request: Request, actor: Fresh, submission_id: UUID) -> Response:
    """The faulty rows as sent."""
    reference = _reference(request, actor, Right.READ_SUBMISSIONS, submission_id)
    return downloads.failed_file(request.app.state, reference, actor)


def _reference(request: Request, actor: Actor, right: Right, submission_id: UUID) -> Reference:
    tenants = actor.tenants(Right.READ_SUBMISSIONS)
    with _store(request).readonly(tenants=tenants) as connection:
        reference = submissions.find(connection, tenants, submission_id)
    permitted(actor, right, reference.tenant_id)
    return reference


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
