"""`/api/submissions`: send a file, read its receipt, its findings, and what goes back to the sender."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from registry import submissions
from registry.access import Actor, Right
from registry.errors import Fault, NotFound, Unprocessable
from registry.store import Store
from registry.submissions import Door, Receipt, Reference
from registry.submissions.request import State as Stage
from registry.submissions.senders import Sender, senders
from registry.web import downloads, edge
from registry.web.actor import require
from registry.web.api import answers
from registry.web.api.answers import FindingList, FullReceipt, ReceiptList, finding_out, full_receipt, receipt_out
from registry.web.api.asked import KEY_HEADER, MULTIPART, PARAMETERS, RAW, WORKBOOK, Asked, Whole, asked_of
from registry.web.api.description import SIGNED_IN
from registry.web.bodies import StrictRoute, read_form
from registry.web.problems import MEDIA_TYPE
from registry.web.uploads import Delivered, Spool, deliver

ASK_AGAIN = "2"  # seconds

router = APIRouter(prefix=answers.PREFIX, route_class=StrictRoute, tags=["submissions"])

FILE = {"schema": {"type": "string", "format": "binary"}}
BODY: dict[str, Any] = SIGNED_IN | {
    "parameters": [
        *(each.described() for each in PARAMETERS),
        {
            "name": KEY_HEADER,
            "in": "header",
            "required": True,
            "description": "Your own name for this request. The same key with the same bytes, kind, format and mode gives the same "
            "receipt in its present state; with others, 409. It belongs to the organisation.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            "example": "cases-2026-03-a",
        },
    ],
    "requestBody": {
        "required": True,
        "description": "The file itself, or one file in a form.",
        "content": {media: FILE for media in RAW if media}
        | {MULTIPART: {"schema": {"type": "object", "properties": {"file": FILE["schema"]}, "required": ["file"]}}},
    },
}
RECEIVED: dict[int | str, dict[str, Any]] = {
    200: {"model": FullReceipt, "description": "Received before under this key: the same receipt in its present state"},
    202: {"model": FullReceipt, "description": "Received and kept; it is checked later. Ask at Location"},
    422: {
        "description": "Parameters that are not valid; or the file was refused and nothing of it is stored: `submission` then holds the "
        "receipt with its findings",
        "content": {
            MEDIA_TYPE: {
                "schema": {"type": "object", "properties": {"submission": {"$ref": "#/components/schemas/FullReceipt"}}}
            }
        },
    },
}
CSV_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": FILE}, "description": "CSV in UTF-8 with BOM"}
}
XLSX_FILE: dict[int | str, dict[str, Any]] = {200: {"content": {WORKBOOK: FILE}, "description": "An Excel workbook"}}

Sending = Annotated[Actor, require(Right.SUBMIT)]
Reading = Annotated[Actor, require(Right.READ_SUBMISSIONS)]
Fresh = Annotated[Actor, require(Right.READ_SUBMISSIONS, fresh=True)]


@router.post(
    "",
    status_code=201,
    response_model=FullReceipt,
    responses=RECEIVED,
    openapi_extra=BODY,
    max_body_size=edge.UPLOAD_LIMIT,
    summary="Send a file",
)
async def send(request: Request, actor: Sending) -> Response:
    """Send one file for one organisation. Its bytes are kept before the answer, and nothing that was acknowledged is ever lost.

    Up to 2,000 rows and 2 MB are checked before the answer; larger files are checked by the worker.
    """
    asked = await run_in_threadpool(_asked, request, actor)
    state: State = request.app.state
    with Spool(state.settings) as spool:
        spool.expect(None if asked.multipart else request.headers.get("content-length"))
        name = await _take(request, asked, spool)
        return await run_in_threadpool(_send, state, actor, asked, spool, name)


def _asked(request: Request, actor: Actor) -> Asked:
    tenants = actor.tenants(Right.SUBMIT)
    with _store(request).readonly() as connection:
        found = senders(connection, tenants)
    if not found:
        raise NotFound
    return asked_of(request, found)


async def _take(request: Request, asked: Asked, spool: Spool) -> str | None:
    """The body into the spool; gives the file's name where the sender told one."""
    if not asked.multipart:
        await spool.take_stream(request.stream())
        return None
    form = await read_form(request)
    try:
        files = [part for part in form.values() if isinstance(part, UploadFile)]
        if not files:
            raise Unprocessable("The form holds no file.", errors=[Fault("file", "Put the file in a part named file.")])
        await run_in_threadpool(spool.take_file, files[0].file)
        return files[0].filename
    finally:
        await form.close()


def _send(state: State, actor: Actor, asked: Asked, spool: Spool, name: str | None) -> Response:
    wanted = submissions.Request(
        tenant_id=asked.sender.id,
        kind=asked.kind,
        format=asked.format or spool.format,
        mode=asked.mode,
        rehearsal=asked.rehearsal,
        door=Door.API,
        actor=actor.label,
        role=actor.role,
        idempotency_key=asked.key,
        opt_out_screened=asked.opt_out_screened,
        overwrite_online=asked.overwrite_online,
        file_name=name,
    )
    delivered = deliver(state, wanted, spool)
    return _answer(state, delivered, asked.sender)


def _answer(state: State, delivered: Delivered, sender: Sender) -> Response:
    """The receipt; a refused file as a problem that carries it. An address to ask at, either way."""
    receipt = delivered.receipt
    body = _full(state, receipt, sender.code)
    headers = {"Location": body.links.self}
    if receipt.state == Stage.REFUSED.value:
        return _refused(body, headers)
    if receipt.waiting:
        return JSONResponse(body.model_dump(mode="json"), 202, headers | {"Retry-After": ASK_AGAIN})
    return JSONResponse(body.model_dump(mode="json"), 200 if delivered.again else 201, headers)


def _refused(body: FullReceipt, headers: dict[str, str]) -> Response:
    faults = [Fault(_where(each), f"{each.words} {each.mend}") for each in body.findings if each.severity == "error"]
    told = Unprocessable(
        "The file was received and refused: nothing of it is stored. Mend the places named and send it under a new key.",
        errors=faults,
    ).problem()
    members = told.body() | {"submission": body.model_dump(mode="json")}
    return JSONResponse(members, told.status, headers, media_type=MEDIA_TYPE)


def _where(finding: answers.FindingOut) -> str:
    row = f"row {finding.row}" if finding.row else "file"
    return f"{row}, column {finding.column}" if finding.column else row


def _full(state: State, receipt: Receipt, code: str) -> FullReceipt:
    if receipt.waiting or not (receipt.errors or receipt.warnings):
        return full_receipt(receipt, code, [], [])
    store: Store = state.store
    with store.readonly(tenants=(receipt.tenant_id,)) as connection:
        return _with_findings(connection, receipt, code)


def _with_findings(connection: Connection, receipt: Receipt, code: str) -> FullReceipt:
    reference = Reference(receipt.tenant_id, receipt.id)
    first = submissions.findings(connection, reference, limit=answers.FIRST_FINDINGS)
    return full_receipt(receipt, code, submissions.tallies(connection, reference), first)


@router.get("", openapi_extra=SIGNED_IN, summary="List submissions")
def listing(
    request: Request,
    actor: Reading,
    limit: Annotated[Whole, Query(ge=1, le=200)] = 50,
    before: Annotated[UUID | None, Query(description="The id of a submission: those before it")] = None,
) -> ReceiptList:
    """The submissions of your organisations, the newest first."""
    tenants = actor.tenants(Right.READ_SUBMISSIONS)
    with _store(request).readonly(tenants=tenants) as connection:
        codes = {each.id: each.code for each in senders(connection, tenants)}
        found = submissions.latest(connection, tenants, limit=limit + 1, before=before)
    shown = found[:limit]
    more = f"{answers.PREFIX}?{urlencode({'limit': limit, 'before': shown[-1].id})}" if len(found) > limit else None
    return ReceiptList(submissions=[receipt_out(each, codes[each.tenant_id]) for each in shown], next=more)


@router.get("/{submission_id}", openapi_extra=SIGNED_IN, summary="One receipt")
def show(request: Request, actor: Reading, submission_id: UUID) -> FullReceipt:
    """One submission in its present state, with the counts of its findings and the first of them."""
    tenants = actor.tenants(Right.READ_SUBMISSIONS)
    with _store(request).readonly(tenants=tenants) as connection:
        reference = submissions.find(connection, tenants, submission_id)
        receipt = submissions.get(connection, reference)
        (sender,) = senders(connection, (reference.tenant_id,))
        return _with_findings(connection, receipt, sender.code)


@router.get("/{submission_id}/findings", openapi_extra=SIGNED_IN, summary="Findings")
def findings(
    request: Request,
    actor: Reading,
    submission_id: UUID,
    start: Annotated[Whole, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[Whole, Query(ge=1, le=10_000)] = 1_000,
) -> FindingList:
    """The listed findings (at most 10,000) in the order of the sheet."""
    tenants = actor.tenants(Right.READ_SUBMISSIONS)
    with _store(request).readonly(tenants=tenants) as connection:
        reference = submissions.find(connection, tenants, submission_id)
        found = submissions.findings(connection, reference, start=start, limit=limit + 1)
    here = f"{answers.PREFIX}/{submission_id}/findings"
    more = f"{here}?{urlencode({'start': start + limit, 'limit': limit})}" if len(found) > limit else None
    return FindingList(findings=[finding_out(each) for each in found[:limit]], next=more)


@router.get(
    "/{submission_id}/findings.csv",
    openapi_extra=SIGNED_IN,
    responses=CSV_FILE,
    response_class=Response,
    summary="Findings as CSV",
)
def findings_csv(request: Request, actor: Reading, submission_id: UUID) -> Response:
    """The listed findings, a line each; no value of any cell."""
    tenants = actor.tenants(Right.READ_SUBMISSIONS)
    with _store(request).readonly(tenants=tenants) as connection:
        return downloads.findings_file(connection, submissions.find(connection, tenants, submission_id))


@router.get(
    "/{submission_id}/annotated.xlsx",
    openapi_extra=SIGNED_IN,
    responses=XLSX_FILE,
    response_class=Response,
    summary="Annotated workbook",
)
def annotated_xlsx(request: Request, actor: Fresh, submission_id: UUID) -> Response:
    """What you sent, with what to mend beside each row. 409 while it waits, 410 once the bytes are deleted. Audited."""
    return downloads.annotated_file(request.app.state, _reference(request, actor, submission_id), actor)


@router.get(
    "/{submission_id}/failed-rows.csv",
    openapi_extra=SIGNED_IN,
    responses=CSV_FILE,
    response_class=Response,
    summary="Faulty rows",
)
def failed_rows_csv(request: Request, actor: Fresh, submission_id: UUID) -> Response:
    """The faulty rows as you sent them, to be mended and sent again. 409 while it waits, 410 once the bytes are deleted. Audited."""
    return downloads.failed_file(request.app.state, _reference(request, actor, submission_id), actor)


def _reference(request: Request, actor: Actor, submission_id: UUID) -> Reference:
    tenants = actor.tenants(Right.READ_SUBMISSIONS)
    with _store(request).readonly(tenants=tenants) as connection:
        return submissions.find(connection, tenants, submission_id)


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store
