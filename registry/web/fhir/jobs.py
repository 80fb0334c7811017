"""`POST /fhir/r4/$submit-cases`: a file of units, worked on after the answer; its status and its outcome, as HL7's bulk submission has them.

The file comes in the request: Bundles, one on each line, or rows of CSV. Each unit stands or falls by itself, so a file of which some or
all units are refused is a job that has finished well.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import Connection, select
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from registry import submissions
from registry.access import Actor, Right, Scope
from registry.errors import BadRequest, Conflict, Fault, Forbidden, NotFound, TooMany
from registry.settings import Settings
from registry.store import Store
from registry.store.tables import submission
from registry.submissions import Door, Format, Mode, Reference, units
from registry.submissions.request import State as Stage
from registry.submissions.senders import Sender, only_sender
from registry.submissions.units import Status
from registry.web import edge
from registry.web.actor import needs_scope, require
from registry.web.bodies import StrictRoute, unpacked
from registry.web.fhir import asking, refusals
from registry.web.fhir.answers import BASE, instant
from registry.web.fhir.asking import media_of, only_known, screened, yes
from registry.web.fhir.sending import DECLARE, Asker, asker
from registry.web.uploads import BLOCK, Spool, secrets_of
from schemas.record import RecordKind
from schemas.rules import fhir as rules

NDJSON = "application/fhir+ndjson"
MEDIA = {
    NDJSON: Format.FHIR,
    "application/ndjson": Format.FHIR,
    "application/x-ndjson": Format.FHIR,
    "text/csv": Format.CSV,
}
KEY_HEADER = "Submission-Id"
ASK_AGAIN = 2  # seconds
MOST_POLLS = 10  # of one job in a second, by this process
WATCHED = 1_000  # jobs whose polls are counted at the same time

router = APIRouter(prefix=BASE, route_class=StrictRoute, include_in_schema=False)

Sending = Annotated[Actor, require(Right.SUBMIT)]
Reading = Annotated[Actor, require(Right.READ_SUBMISSIONS)]


# --- sending a file


@router.post("/$submit-cases", max_body_size=edge.UPLOAD_LIMIT)
async def submit_cases(request: Request, actor: Sending) -> Response:
    """Take a file; 202 and the address of its status. `Prefer: respond-async` is welcome and changes nothing."""
    needs_scope(actor, Scope.BULK_SUBMIT)
    wanted = await run_in_threadpool(_wanted, request, actor)
    state: State = request.app.state
    with Spool(state.settings) as spool:
        if "content-encoding" not in request.headers:
            spool.expect(request.headers.get("content-length"))
        await spool.take_stream(unpacked(request, state.settings.max_upload_bytes))
        job = await run_in_threadpool(
            units.submit_job, state.store, wanted, spool.path, secrets_of(state), at=datetime.now(UTC)
        )
    return Response(status_code=202, headers={"Content-Location": _address(state.settings, job.reference.id)})


def _wanted(request: Request, actor: Actor) -> submissions.Request:
    """What is asked for, before any of the body is read."""
    only_known(request, "organisation", "dryrun", "kind", asking.OPT_OUT)
    format_ = MEDIA[media_of(request, MEDIA)]
    by = asker(request, actor, screened=screened(request))
    sender, kind = _sender(request, by), _kind(request, format_)
    if sender.must_declare(kind) and not by.screened:
        raise BadRequest(DECLARE)
    return submissions.Request(
        tenant_id=sender.id,
        kind=kind,
        format=format_,
        mode=Mode.ACCEPT_GOOD_ROWS,
        rehearsal=yes(request, "dryrun"),
        door=Door.FHIR,
        actor=actor.label,
        role=actor.role,
        idempotency_key=_key(request),
        opt_out_screened=by.screened,
    )


def _sender(request: Request, by: Asker) -> Sender:
    """The one organisation that a file belongs to."""
    code = request.query_params.get("organisation", "").strip().upper()
    if not code:
        if (only := only_sender(by.senders)) is not None:
            return only
        raise BadRequest(
            "You may send for several organisations. Name the one this file is for: ?organisation=, its ODS code."
        )
    found = next((each for each in by.senders if each.code == code), None)
    if found is None:
        raise Forbidden(f"{rules.NOT_GRANTED.words} {rules.NOT_GRANTED.mend}")
    return found


def _kind(request: Request, format_: Format) -> RecordKind:
    """What the rows of a CSV are; a Bundle says itself what it holds."""
    given = request.query_params.get("kind", RecordKind.CASE.value)
    kinds = [each.value for each in (RecordKind if format_ is Format.CSV else (RecordKind.CASE,))]
    if given not in kinds:
        raise BadRequest(errors=[Fault("kind", f"This must be one of: {', '.join(kinds)}.")])
    return RecordKind(given)


def _key(request: Request) -> str:
    given = request.headers.get(KEY_HEADER, "").strip().lower().removeprefix("urn:uuid:")
    try:
        if str(UUID(given)) == given:
            return given
    except ValueError:
        pass
    raise BadRequest(
        f"Send the header {KEY_HEADER}: a uuid, new for each new file and the same when you repeat a request."
    )


def _address(settings: Settings, job: UUID) -> str:
    return f"{str(settings.base_url).rstrip('/')}{BASE}/async/{job}"


# --- its status


@router.get("/async/{job}")
def status(request: Request, actor: Reading, job: str) -> Response:
    """How far a job is; when it has ended, its manifest."""
    needs_scope(actor, Scope.BULK_SUBMIT)
    only_known(request)
    state: State = request.app.state
    with _readonly(request, actor) as connection:
        reference = units.find_job(connection, actor.tenants(Right.READ_SUBMISSIONS), _uuid(job))
        _polls(state).count(reference.id)
        told = units.status(connection, reference)
        if told.finished and not _whole(told):
            return _broken(connection, told)
        key = _key_of(connection, reference)
    if not told.finished:
        return Response(status_code=202, headers={"Retry-After": str(ASK_AGAIN), "X-Progress": _progress(told)})
    return JSONResponse(_manifest(state.settings, told, key), headers={"Expires": _expires(state.settings, told)})


def _progress(told: Status) -> str:
    return f"{told.done} of {told.total}" if told.total else f"{told.done} done" if told.done else "waiting"


def _whole(told: Status) -> bool:
    """Whether the job could be worked on, whatever became of its units."""
    return not told.unreadable and told.state is not Stage.FAILED


def _broken(connection: Connection, told: Status) -> Response:
    """The answer for a job that could not run, or not to its end."""
    if told.unreadable:
        return Response(b"".join(units.outcome_parts(connection, told.reference)), 400, media_type=refusals.MEDIA_TYPE)
    words = (
        "The file could not be worked on to its end. What stands is in outcome.ndjson; send the file again under a new "
        f"{KEY_HEADER}: what is stored already will be found unchanged."
    )
    return refusals.told_response(500, refusals.outcome([refusals.issue("exception", words, severity="fatal")]))


def _manifest(settings: Settings, told: Status, key: str) -> dict[str, Any]:
    counted = told.units
    return {
        "transactionTime": instant(told.finished_at or told.received_at),
        "requiresAccessToken": True,
        "submissionId": key,
        "output": [],
        "outcome": [
            {
                "url": f"{_address(settings, told.reference.id)}/outcome.ndjson",
                "countSeverity": [
                    {"code": code, "count": told.issues.get(code, 0)} for code in ("information", "warning", "error")
                ],
            }
        ],
        "extension": {
            "units": {
                "received": counted.received,
                "accepted": counted.accepted,
                "unchanged": counted.unchanged,
                "rejected": counted.rejected,
            },
            "dryrun": told.rehearsal,
        },
    }


def _expires(settings: Settings, told: Status) -> str:
    """The outcome is there at least so long."""
    ended = told.finished_at or told.received_at
    kept = timedelta(days=settings.counting.payload_days_committed)
    return format_datetime((ended + kept).astimezone(UTC), usegmt=True)


def _key_of(connection: Connection, reference: Reference) -> str:
    return str(
        connection.execute(
            select(submission.c.idempotency_key).where(
                submission.c.tenant_id == reference.tenant_id, submission.c.id == reference.id
            )
        ).scalar_one()
    )


# --- its outcome, and its end


@router.get("/async/{job}/outcome.ndjson")
def job_outcome(request: Request, actor: Reading, job: str) -> Response:
    """One OperationOutcome for each unit in the order sent, those that were accepted too. 409 while the job runs."""
    needs_scope(actor, Scope.BULK_SUBMIT)
    only_known(request)
    state: State = request.app.state
    file = TemporaryFile(dir=submissions.spool(state.settings))  # noqa: SIM115 -- closed when it has been sent
    try:
        with _readonly(request, actor) as connection:
            reference = units.find_job(connection, actor.tenants(Right.READ_SUBMISSIONS), _uuid(job))
            if not units.status(connection, reference).finished:
                raise Conflict("The job has not ended yet. Ask for its status until that is no longer 202.")
            for part in units.outcome_parts(connection, reference):
                file.write(part)
        size = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return StreamingResponse(_blocks(file), media_type=NDJSON, headers={"Content-Length": str(size)})


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while block := file.read(BLOCK):
            yield block


@router.delete("/async/{job}")
def cancel(request: Request, actor: Sending, job: str) -> Response:
    """Stop a job: units that were not begun are never stored, and the job is not there any more. 409 once it has ended."""
    needs_scope(actor, Scope.BULK_SUBMIT)
    only_known(request)
    tenants = actor.tenants(Right.SUBMIT)
    store: Store = request.app.state.store
    with store.readonly(tenants=tenants) as connection:
        reference = units.find_job(connection, tenants, _uuid(job))
    if not units.cancel(store, reference, actor=actor.label, role=actor.role, at=datetime.now(UTC)):
        raise Conflict(
            "The job has ended. What it stored stays; withdraw a case by verificationStatus entered-in-error."
        )
    return Response(status_code=202)


def _readonly(request: Request, actor: Actor) -> Any:
    store: Store = request.app.state.store
    return store.readonly(tenants=actor.tenants(Right.READ_SUBMISSIONS))


def _uuid(text: str) -> UUID:
    """An id as we write it; no other text leads anywhere."""
    try:
        found = UUID(text)
    except ValueError:
        raise NotFound from None
    if str(found) != text:
        raise NotFound
    return found


# --- those who ask too often


@dataclass(slots=True)
class Polls:
    """When the status of each job was asked for last, by this process."""

    times: "OrderedDict[UUID, deque[float]]"
    lock: Lock

    def count(self, job: UUID) -> None:
        """One more question. Raises TooMany beyond ten in a second."""
        now = time.monotonic()
        with self.lock:
            asked = self.times.setdefault(job, deque(maxlen=MOST_POLLS))
            self.times.move_to_end(job)
            if len(self.times) > WATCHED:
                self.times.popitem(last=False)
            if len(asked) == MOST_POLLS and now - asked[0] < 1:
                raise TooMany("The status of this job is asked for too often.", retry_after=ASK_AGAIN)
            asked.append(now)


def _polls(state: State) -> Polls:
    held: Polls | None = getattr(state, "job_polls", None)
    if held is None:
        held = state.job_polls = Polls(OrderedDict(), Lock())
    return held
