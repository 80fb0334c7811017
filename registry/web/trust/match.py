"""`/trust/match`: a person matches the trust's own headings and codes to the dataset's, once; the map is kept in versions.

What is unknown is read from the bytes of a submission of the trust itself. Cells are shown of fields of codes only, and of these only
what looks like a code.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry import submissions
from registry.access import Actor, Right
from registry.errors import NotFound, Unprocessable
from registry.store import Store
from registry.submissions import Receipt, again
from registry.submissions.matching import IGNORED, Map, Unknown, code_fields, confirm, newest_map, unknown
from registry.submissions.request import sheet_format
from registry.submissions.senders import Sender, only_sender, senders
from registry.web.actor import require
from registry.web.bodies import read_form
from registry.web.downloads import retained
from registry.web.fields import Fault, faults, text
from registry.web.pages import render
from registry.web.trust.present import kind_words
from registry.web.uploads import Spool, copy_stored, deliver, keys_of
from schemas.dictionary import fields
from schemas.record import RecordKind

router = APIRouter(prefix="/trust/match")

HEADING, CODE = "heading:", "code:"
"""How the fields of the form begin: `heading:<folded>`, `code:<field>:<local code>`."""
LEFT_OUT = "-"
"""The choice of a heading whose column is left out; an empty choice leaves it unmatched."""
MOST_FIELDS = 3_000
FORM_LIMIT = 2 * 1024 * 1024  # bytes


async def map_form(request: Request) -> FormData:
    """The form, which may have a field for each heading and code."""
    return await read_form(request, max_fields=MOST_FIELDS)


Sending = Annotated[Actor, require(Right.SUBMIT)]
Form = Annotated[FormData, Depends(map_form)]


@router.get("")
def index(request: Request, actor: Sending) -> Response:
    """The maps that hold, of every organisation and kind."""
    tenants = actor.tenants(Right.SUBMIT)
    with _store(request).readonly(tenants=tenants) as connection:
        ours = senders(connection, tenants)
        held = [
            (sender, kind.value, kind_words(kind), newest_map(connection, sender.id, kind))
            for sender in ours
            for kind in RecordKind
        ]
    return render(request, "trust/maps.html", held=[each for each in held if each[3].version], several=len(ours) > 1)


@router.get("/{kind}")
def ask(
    request: Request, actor: Sending, kind: str, organisation: str = "", submission: UUID | None = None
) -> Response:
    """The map that holds, and what of a submission is not in it."""
    record = _kind(kind)
    if submission is None:
        sender, found = _sender(request, actor, organisation), None
    else:
        sender, found = _unknown(request, actor, record, submission)
    return _page(request, sender, record, _newest(request, sender, record), found, submission, [])


@router.post("/{kind}", max_body_size=FORM_LIMIT)
def save(request: Request, actor: Sending, form: Form, kind: str) -> Response:
    """Confirm the map as a new version; with a submission, on to a new rehearsal of it."""
    record = _kind(kind)
    sender = _sender(request, actor, text(form, "organisation"))
    submission = UUID(text(form, "submission")) if text(form, "submission") else None
    wanted = _wanted(form)
    try:
        with _store(request).transaction(tenants=(sender.id,)) as connection:
            confirm(connection, sender.id, record, sender.nation, wanted, by=actor)
    except Unprocessable as refused:
        wrong = faults((each.pointer, each.words) for each in refused.errors)
        return _page(request, sender, record, _newest(request, sender, record), None, submission, wrong)
    if submission is None:
        return RedirectResponse("/trust/match", 303)
    return RedirectResponse(f"/trust/submissions/{_rehearse_again(request, actor, submission).id}", 303)


def _wanted(form: FormData) -> Map:
    """The map as the form has it: what is left unmatched is not in it."""
    headings: dict[str, str] = {}
    codes: dict[str, dict[str, str]] = {}
    for name, choice in form.multi_items():
        if not isinstance(choice, str) or not choice:
            continue
        if name.startswith(HEADING):
            headings[name.removeprefix(HEADING)] = IGNORED if choice == LEFT_OUT else choice
        elif name.startswith(CODE):
            of, _, local = name.removeprefix(CODE).partition(":")
            codes.setdefault(of, {})[local] = choice
    version = text(form, "version")
    return Map(int(version) if version.isascii() and version.isdigit() and len(version) < 9 else None, headings, codes)


def _rehearse_again(request: Request, actor: Actor, submission_id: UUID) -> Receipt:
    tenants = actor.tenants(Right.SUBMIT)
    with Spool(request.app.state.settings) as spool:
        with _store(request).readonly(tenants=tenants) as connection:
            reference = submissions.find(connection, tenants, submission_id)
            retained(connection, reference)
            keys = keys_of(request.app.state, connection, reference.tenant_id)
            wanted = again.rehearsing(connection, reference, keys, by=actor)
            copy_stored(connection, reference, keys, spool)
        return deliver(request.app.state, wanted, spool).receipt


def _unknown(request: Request, actor: Actor, kind: RecordKind, submission_id: UUID) -> tuple[Sender, Unknown]:
    """What a submission holds that is not in the map; NotFound where it is not theirs or of another kind."""
    tenants = actor.tenants(Right.SUBMIT)
    with Spool(request.app.state.settings) as spool:
        with _store(request).readonly(tenants=tenants) as connection:
            reference = submissions.find(connection, tenants, submission_id)
            receipt = retained(connection, reference)
            sheet = sheet_format(receipt.format)
            if receipt.kind != kind.value or sheet is None:
                raise NotFound
            (sender,) = senders(connection, (reference.tenant_id,))
            held = newest_map(connection, sender.id, kind)
            copy_stored(connection, reference, keys_of(request.app.state, connection, sender.id), spool)
        return sender, unknown(spool.path, kind, sheet, held, sender.nation)


def _page(
    request: Request,
    sender: Sender,
    kind: RecordKind,
    held: Map,
    found: Unknown | None,
    submission: UUID | None,
    wrong: list[Fault],
) -> Response:
    return render(
        request,
        "trust/match.html",
        status=422 if wrong else 200,
        sender=sender,
        kind=kind.value,
        words=kind_words(kind),
        held=held,
        unknown=found,
        submission=submission,
        fields=[(each.name, each.item.question) for each in fields(kind)],
        questions={each.name: each.item.question for each in fields(kind)},
        codes=code_fields(kind, sender.nation),
        faults=wrong,
    )


def _newest(request: Request, sender: Sender, kind: RecordKind) -> Map:
    with _store(request).readonly(tenants=(sender.id,)) as connection:
        return newest_map(connection, sender.id, kind)


def _sender(request: Request, actor: Actor, code: str) -> Sender:
    with _store(request).readonly() as connection:
        ours = senders(connection, actor.tenants(Right.SUBMIT))
    found = next((each for each in ours if each.code == code.strip().upper()), None) if code else only_sender(ours)
    if found is None:
        raise NotFound
    return found


def _kind(kind: str) -> RecordKind:
    try:
        return RecordKind(kind)
    except ValueError:
        raise NotFound from None


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
