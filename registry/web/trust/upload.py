"""`/trust/upload`: a person chooses organisation, kind and file; the file is rehearsed, and stored only from the page that shows what it
would do."""

import re
import secrets
from collections.abc import Collection
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry import submissions
from registry.access import Actor, Right
from registry.errors import BadRequest, Conflict, PayloadTooLarge, TooMany
from registry.store import Store
from registry.submissions import Door, Mode
from registry.submissions.senders import PATIENT_KINDS, Sender, only_sender, senders
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.edge import UPLOAD_LIMIT
from registry.web.fields import Fault, text, texts
from registry.web.pages import render
from registry.web.trust.present import MODES, kind_words
from registry.web.uploads import Delivered, Spool, deliver
from schemas.codelist import Nation
from schemas.record import RecordKind

router = APIRouter(prefix="/trust/upload")

Sending = Annotated[Actor, require(Right.SUBMIT)]
Form = Annotated[FormData, Depends(submitted_form)]
ONCE = re.compile(r"[0-9a-f]{32}")


@router.get("")
def ask(request: Request, actor: Sending) -> Response:
    """The form."""
    return _form(request, _senders(request, actor), {"mode": Mode.ALL_OR_NOTHING.value}, [])


@router.post("", max_body_size=UPLOAD_LIMIT)
def rehearse(request: Request, actor: Sending, form: Form) -> Response:
    """Receive the file and rehearse it; on to the page that shows the outcome."""
    ours = _senders(request, actor)
    sender, faults = _checked(form, ours)
    file = form.get("file")
    if sender is None or faults or not isinstance(file, UploadFile):
        return _form(request, ours, texts(form), faults)
    try:
        with Spool(request.app.state.settings) as spool:
            spool.take_file(file.file)
            delivered = _deliver(request, actor, form, sender, spool, file.filename)
    except (BadRequest, Conflict, PayloadTooLarge, TooMany) as refused:
        return _form(request, ours, texts(form), [Fault("file", refused.detail)])
    return RedirectResponse(f"/trust/submissions/{delivered.receipt.id}", 303)


def _deliver(
    request: Request, actor: Actor, form: FormData, sender: Sender, spool: Spool, name: str | None
) -> Delivered:
    kind, mode = RecordKind(text(form, "kind")), Mode(text(form, "mode"))
    overwrite = text(form, "overwrite_online") == "true"
    wanted = submissions.Request(
        tenant_id=sender.id,
        kind=kind,
        format=spool.format,
        mode=mode,
        rehearsal=True,
        door=Door.PAGE,
        actor=actor.label,
        role=actor.role,
        idempotency_key=f"page-{_once(form)}-{kind.value}-{mode.value}-{spool.digest[:16]}{'-over' if overwrite else ''}",
        opt_out_screened=text(form, "opt_out_screened") == "true",
        file_name=name,
        overwrite_online=overwrite,
    )
    return deliver(request.app.state, wanted, spool)


def _once(form: FormData) -> str:
    """The form's own number, so that a form sent twice is one submission; a new one where it was tampered with."""
    given = text(form, "once")
    return given if ONCE.fullmatch(given) else secrets.token_hex(16)


def _checked(form: FormData, ours: Collection[Sender]) -> tuple[Sender | None, list[Fault]]:
    """The organisation that is chosen, and everything that is wrong with the form."""
    faults = []
    code, kind = text(form, "organisation"), text(form, "kind")
    sender = next((each for each in ours if each.code == code), None) if code else only_sender(ours)
    if sender is None:
        faults.append(Fault("organisation", "Choose the organisation that the file is for"))
    if kind not in [each.value for each in RecordKind]:
        faults.append(Fault("kind", "Choose what the rows of the file are"))
    if text(form, "mode") not in MODES:
        faults.append(Fault("mode", "Choose what is to happen if some rows are faulty"))
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        faults.append(Fault("file", "Choose the file"))
    if _declaration_missing(form, sender, kind):
        faults.append(Fault("opt_out_screened", "Apply the national data opt-out to the file, then say that you did"))
    return sender, faults


def _declaration_missing(form: FormData, sender: Sender | None, kind: str) -> bool:
    asked = sender is not None and sender.screened and kind in [each.value for each in PATIENT_KINDS]
    return asked and text(form, "opt_out_screened") != "true"


def _form(request: Request, ours: Collection[Sender], values: dict[str, str], faults: list[Fault]) -> Response:
    welsh = any(each.nation is Nation.WALES for each in ours)
    kinds = [each for each in RecordKind if welsh or each is not RecordKind.WALES_QUARTER]
    return render(
        request,
        "trust/upload.html",
        status=422 if faults else 200,
        senders=ours,
        kinds=[(each.value, kind_words(each)) for each in kinds],
        modes=list(MODES.items()),
        screened=any(each.screened for each in ours),
        once=secrets.token_hex(16),
        values=values,
        faults=faults,
        most=request.app.state.settings.max_upload_bytes // 1_000_000,
    )


def _senders(request: Request, actor: Actor) -> tuple[Sender, ...]:
    store: Store = request.app.state.store
    with store.readonly() as connection:
        return senders(connection, actor.tenants(Right.SUBMIT))
