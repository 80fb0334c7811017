"""`/trust/submissions/…/mend`: a few faulty rows, each a small form with what is at fault in it; saving sends a mended file.

The page holds cells as they were sent, so that it was opened is noted in the trust's audit log first.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ingest.characters import LONGEST_CELL
from ingest.files import readable
from ingest.headings import shown
from registry import submissions
from registry.access import Actor, Right
from registry.errors import BadRequest, Conflict, PayloadTooLarge, TooMany
from registry.store import Store
from registry.submissions import Mode, Receipt, Reference, again
from registry.submissions import mending as mended_rows
from registry.submissions.mending import FaultyRow, mendable, mended_as, whole
from registry.submissions.receipt import faulty_count
from registry.submissions.senders import Sender, senders
from registry.web import forms
from registry.web.actor import permitted, require
from registry.web.bodies import read_form
from registry.web.downloads import Opened, opened, retained
from registry.web.fields import Fault, text
from registry.web.forms import Form
from registry.web.pages import render
from registry.web.trust.present import MODES, kind_words
from registry.web.uploads import Spool, deliver, keys_of
from schemas.dictionary import field
from schemas.record import RecordKind

router = APIRouter(prefix="/trust/submissions")

MOST_FIELDS = 5_000
TOO_LONG = f"this is longer than {LONGEST_CELL:,} characters, the most that a cell holds. Shorten it"
FORM_LIMIT = 2 * 1024 * 1024  # bytes
NOT_HERE = (
    f"On a page up to {mended_rows.MOST_ROWS} faulty rows of a sheet are mended, while what was sent is kept. Mend the file itself and "
    "send it again; the annotated workbook says where."
)


async def rows_form(request: Request) -> FormData:
    """The form, which has some fields for each row."""
    return await read_form(request, max_fields=MOST_FIELDS)


Sending = Annotated[Actor, require(Right.SUBMIT)]
Typed = Annotated[FormData, Depends(rows_form)]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A submission opened at its faulty rows."""

    reference: Reference
    receipt: Receipt
    sender: Sender
    held: Opened
    rows: list[FaultyRow]

    @property
    def kind(self) -> RecordKind:
        return RecordKind(self.receipt.kind)


@dataclass(frozen=True, slots=True)
class RowForm:
    """One row on the page."""

    row: int
    name: str
    form: Form
    left_out: bool


@router.get("/{submission_id}/mend")
def ask(request: Request, actor: Sending, submission_id: UUID) -> Response:
    """The faulty rows with what was sent in the fields at fault. A rehearsal that was stored leads on to what was stored."""
    reference, stored = _reference(request, actor, submission_id)
    if stored is not None:
        return RedirectResponse(f"/trust/submissions/{stored}/mend", 303)
    with _opened(request, reference, actor, "faulty rows shown") as sheet:
        return _page(request, sheet, {}, set(), Mode(sheet.receipt.mode))


@router.post("/{submission_id}/mend", max_body_size=FORM_LIMIT)
def save(request: Request, actor: Sending, form: Typed, submission_id: UUID) -> Response:
    """Send the mended file; on to its outcome, or to the rows that are still faulty. Nothing that was typed is lost on the way."""
    reference, _ = _reference(request, actor, submission_id)
    mode = Mode.ALL_OR_NOTHING if text(form, "mode") == Mode.ALL_OR_NOTHING else Mode.ACCEPT_GOOD_ROWS
    with _opened(request, reference, actor, "faulty rows mended") as sheet:
        typed = {each.row: _typed(form, sheet, each) for each in sheet.rows}
        left_out = {each.row for each in sheet.rows if text(form, f"{_prefix(each.row)}left-out")}
        if not whole(sheet.receipt) and len(left_out) == len(sheet.rows):
            nothing = (
                "Every row is left out, so there is nothing to send. Leave this page instead: the rows are not stored."
            )
            return _page(request, sheet, typed, left_out, mode, [Fault("", nothing)])
        if long := list(_long(sheet, typed, left_out)):
            return _page(request, sheet, typed, left_out, mode, long)
        try:
            receipt = _send(request, actor, sheet, typed, left_out, mode, seen=text(form, "seen"))
        except (BadRequest, Conflict, PayloadTooLarge, TooMany) as refused:
            return _page(request, sheet, typed, left_out, mode, [Fault("", refused.detail)], status=refused.status)
    return RedirectResponse(_next(request, receipt), 303)


def _long(sheet: Sheet, typed: Mapping[int, Mapping[str, str]], left_out: set[int]) -> Iterator[Fault]:
    """Answers that no cell of a file holds: with one of them none of its rows could be read."""
    for row, cells in typed.items():
        for name, value in cells.items():
            if row not in left_out and len(value) > LONGEST_CELL:
                question = field(sheet.kind, name).item.question
                yield Fault(f"{_prefix(row)}{name}", f"Row {row}, {question}: {TOO_LONG}")


def _send(
    request: Request,
    actor: Actor,
    sheet: Sheet,
    typed: Mapping[int, Mapping[str, str]],
    left_out: set[int],
    mode: Mode,
    *,
    seen: str,
) -> Receipt:
    """Raises Conflict where somebody else has mended these rows otherwise since the page was opened."""
    only = None if whole(sheet.receipt) else [each.row for each in sheet.rows]
    mode = Mode(sheet.receipt.mode) if sheet.receipt.rehearsal else mode
    with Spool(request.app.state.settings) as spool:
        for part in mended_rows.mended(sheet.held.table, sheet.kind, typed, left_out, only):
            spool.take(part)
        spool.flush()
        with _store(request).readonly(tenants=(sheet.reference.tenant_id,)) as connection:
            keys = keys_of(request.app.state, connection, sheet.reference.tenant_id)
            wanted = again.mending(connection, sheet.reference, keys, digest=spool.digest, mode=mode, by=actor)
            last = mended_as(connection, sheet.reference)
        if last is not None and last[1] != wanted.idempotency_key and str(last[0]) != seen:
            raise Conflict(
                "These rows have been mended and sent since you opened this page. What you typed is still here: look at what was sent, "
                "then send yours as well if it is still needed."
            )
        return deliver(request.app.state, wanted, spool).receipt


def _next(request: Request, receipt: Receipt) -> str:
    """The rows that are still faulty, if they can be mended on a page; else the outcome."""
    address = f"/trust/submissions/{receipt.id}"
    if receipt.waiting or not receipt.errors:
        return address
    with _store(request).readonly(tenants=(receipt.tenant_id,)) as connection:
        faulty = faulty_count(connection, Reference(receipt.tenant_id, receipt.id))
    return f"{address}/mend" if mendable(receipt, faulty) else address


def _typed(form: FormData, sheet: Sheet, each: FaultyRow) -> dict[str, str]:
    """What is to stand in the asked fields of a row: a list that offers nothing to take back is left as it was where nothing is chosen."""
    held = mended_rows.shown(each, sheet.kind, sheet.held.confirmed.codes)
    typed = forms.answers(form, sheet.kind, each.asked, prefix=_prefix(each.row))
    return {name: typed.get(name, held.get(name, "")) for name in each.asked}


def _prefix(row: int) -> str:
    return f"r{row}-"


# --- the page


def _page(
    request: Request,
    sheet: Sheet,
    typed: Mapping[int, Mapping[str, str]],
    left_out: set[int],
    mode: Mode,
    refused: list[Fault] | None = None,
    *,
    status: int = 422,
) -> Response:
    rows = [_row_form(sheet, each, typed.get(each.row, {}), each.row in left_out) for each in sheet.rows]
    with _store(request).readonly(tenants=(sheet.reference.tenant_id,)) as connection:
        last = mended_as(connection, sheet.reference)
    beside = [fault for each in rows if not each.left_out for fault in _faults(sheet, each)]
    return render(
        request,
        "trust/mend.html",
        status=status if refused else 200,
        receipt=sheet.receipt,
        href=f"/trust/submissions/{sheet.receipt.id}",
        kind=kind_words(sheet.receipt.kind),
        rows=rows,
        whole=whole(sheet.receipt),
        modes=list(reversed(MODES.items())),
        mode=mode.value,
        last=last[0] if last else None,
        faults=refused or beside,
        refused=bool(refused),
    )


def _row_form(sheet: Sheet, each: FaultyRow, typed: Mapping[str, str], left_out: bool) -> RowForm:
    held = mended_rows.shown(each, sheet.kind, sheet.held.confirmed.codes)
    form = forms.questions(
        sheet.kind,
        each.asked,
        {**held, **typed},
        sheet.sender.nation,
        findings=each.findings,
        notes={name: _note(sheet, each, name) for name in each.asked},
        prefix=_prefix(each.row),
    )
    return RowForm(each.row, each.name(sheet.kind), form, left_out)


def _faults(sheet: Sheet, row: RowForm) -> Iterator[Fault]:
    """For the error summary: each fault of a row at its question and at its place in the sheet."""
    for each in row.form.questions:
        place = _place(sheet, row.row, each.field.name)
        where = f" ({place[0].lower()}{place[1:]})" if place else ""
        for words in each.errors:
            yield Fault(each.name, f"Row {row.row}, {each.field.item.question}{where}: {words}")


def _note(sheet: Sheet, each: FaultyRow, name: str) -> str:
    """Where the field stands in the sheet; and how a date was sent that has to be typed anew."""
    place = _place(sheet, each.row, name)
    sent = f"Sent as {each.cells.get(name, '')}." if name in mended_rows.doubtful(each) else ""
    return " ".join(words for words in (f"{place}." if place else "", sent) if words)


def _place(sheet: Sheet, row: int, name: str) -> str:
    """The column of a field with its own heading, as whoever has the sheet before them finds it; empty where there is none."""
    _, letter, heading = sheet.held.table.place(row, name)
    return "" if heading is None else f"Column {letter}, “{shown(heading)}”"


# --- what it is about


@contextmanager
def _opened(request: Request, reference: Reference, by: Actor, action: str) -> Iterator[Sheet]:
    """The submission at its faulty rows, for as long as the block lasts. Raises Conflict where they are not mended here, and Gone."""
    with _store(request).readonly(tenants=(reference.tenant_id,)) as connection:
        receipt = retained(connection, reference)
        (sender,) = senders(connection, (reference.tenant_id,))
        if not mendable(receipt, faulty_count(connection, reference)):
            raise Conflict(NOT_HERE)
    with opened(request.app.state, reference, by, action) as held:
        if not readable(held.table):
            raise Conflict(NOT_HERE)
        kind = RecordKind(receipt.kind)
        rows = mended_rows.faulty_rows(held.table, kind, held.findings, held.faulty.to_list())
        yield Sheet(reference, receipt, sender, held, rows)


def _reference(request: Request, actor: Actor, submission_id: UUID) -> tuple[Reference, UUID | None]:
    """The submission, and what became of it if it is a rehearsal that was stored."""
    tenants = actor.tenants(Right.READ_SUBMISSIONS)
    with _store(request).readonly(tenants=tenants) as connection:
        reference = submissions.find(connection, tenants, submission_id)
        stored = again.stored_as(connection, reference)
    permitted(actor, Right.SUBMIT, reference.tenant_id)
    return reference, stored.id if stored else None


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
