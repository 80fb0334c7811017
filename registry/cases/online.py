"""One record on a form: read, drafted, saved. What is saved goes through the same check as a file, and stands as entered online.

A form knows the version with which it was opened. Where another stands by the time it is saved nothing is written, and the person is
shown what differs; what was typed is never lost.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import Connection, select

from ingest.characters import SPACES
from ingest.check import WITHDRAWAL
from ingest.fhir.checked import CheckedUnits
from ingest.fhir.unit import Unit
from registry import identifiers
from registry.access import Actor, Right
from registry.cases import states
from registry.cases.desk import Desk, note, open_desk, record
from registry.errors import BadRequest, Forbidden, PreconditionFailed, Unprocessable
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.store.audit import Change
from registry.store.records import RECORD
from registry.store.tables import submission
from registry.submissions import Door, Format, Mode, Reference, Request
from registry.submissions.opened import opened
from registry.submissions.request import Record
from registry.submissions.units import Refused, Settled, store_unit
from schemas.codes import WithdrawReason
from schemas.dictionary import fields, key
from schemas.finding import Finding, Severity
from schemas.record import RecordKind

LONGEST_TEXT = 100_000
"""Characters of one answer. The dataset's own limits are below it; more than this is no answer."""
_ORDINAL = 1
_RIGHTS = {RecordKind.CASE: (Right.EDIT_CASES,), RecordKind.RCA: (Right.EDIT_CASES, Right.REVIEW_CASE)}


@dataclass(frozen=True, slots=True)
class Held:
    """A record as it stands, for a form. `version` 0: there is none yet. `text` has every field with a value, as a file would hold it."""

    kind: RecordKind
    key: str
    record_id: UUID | None
    version: int
    text: Mapping[str, str]
    withdrawn: bool
    corrected: frozenset[str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which a form that was opened earlier differs from what stands now. `base` is what stood when it was opened."""

    field: str
    base: str | None
    theirs: str | None
    mine: str | None

    @property
    def clash(self) -> bool:
        """Whether both changed it, so that only a person can say what is right."""
        return self.base not in (self.theirs, self.mine)


@dataclass(frozen=True, slots=True)
class Saved:
    """The record stands in this version. `did`: new, changed, unchanged, withdrawn. `findings` are warnings. `again`: it was saved before
    by the same form."""

    record_id: UUID
    case_id: UUID | None
    version: int
    did: Record
    findings: tuple[Finding, ...]
    reference: Reference
    again: bool = False


@dataclass(frozen=True, slots=True)
class Stale:
    """Another version stands by now; nothing was written.

    `merged` is what stands with what this form changed put in: where `differing` holds a clash it has what was typed.
    """

    held: Held
    differing: tuple[Difference, ...]
    merged: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Faulty:
    """Nothing was written: at least one of the findings is an error."""

    findings: tuple[Finding, ...]

    @property
    def by_field(self) -> dict[str, list[Finding]]:
        """The findings by the field at which they are shown."""
        found: dict[str, list[Finding]] = defaultdict(list)
        for each in self.findings:
            found[each.field or ""].append(each)
        return dict(found)


@dataclass(frozen=True, slots=True)
class Unconfirmed(Faulty):
    """Nothing was written: none of the findings is an error, but the person has yet to confirm warnings among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a person saves. `text` holds the fields that the form asks, blank where nothing is said; all others stay as they stand.

    `base_version` is the version with which the form was opened, 0 for a new record. `once` is the form's own number: sent twice it is
    saved once. `confirmed` are the rules whose warnings the person has confirmed; None: warnings are told, not asked about. `reason` is why
    a case is withdrawn or brought back; with the withdrawal as not HAT it must be there.
    """

    kind: RecordKind
    key: str
    text: Mapping[str, str]
    base_version: int
    once: str
    opt_out_screened: bool = False
    confirmed: frozenset[int] | None = None
    reason: str | None = None


class _UnconfirmedError(Exception):
    """Undoes a transaction that would have kept what is yet to be confirmed."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__()
        self.findings = findings


class _StaleError(Exception):
    """Undoes a transaction in which another version turned out to stand."""


def current(desk: Desk, kind: RecordKind, record_key: str) -> Held:
    """A record of the trust as it stands. What identifies is opened: the caller decides what is shown, and audits that."""
    return _held(desk.connection, desk, kind, record_key)


def _held(connection: Connection, desk: Desk, kind: RecordKind, record_key: str, version: int | None = None) -> Held:
    found = opened(connection, desk.keys, desk.tenant_id, kind, [record_key], version=version).get(record_key)
    if found is None:
        return Held(kind, record_key, None, 0, {}, withdrawn=False, corrected=frozenset())
    return Held(kind, record_key, found.id, found.version, found.text, found.withdrawn, found.corrected)


def save(
    store: Store, tenant_id: int, form: Form, *, secrets: Secrets, settings: Settings, by: Actor, at: datetime
) -> Saved | Stale | Faulty | Unconfirmed:
    """Check what a form says and store it as a new version, in transactions of its own.

    Cases and reviews need the right to edit them, all else the right to submit. A consultant may save a review: that it is the one of his
    link is the caller's to see to. Raises Forbidden without the right, BadRequest where the opt-out is not declared or a text is no answer, Unavailable
    while a file of the trust is being written, Unprocessable for a withdrawal as not HAT without its reason.
    """
    if not any(tenant_id in by.tenants(right) for right in _RIGHTS.get(form.kind, (Right.SUBMIT,))):
        raise Forbidden
    text = _cleaned(form)
    _reasoned(form)
    content = orjson.dumps([form.kind, form.key, form.base_version, text], option=orjson.OPT_SORT_KEYS)
    request = _request(tenant_id, form, content, by)
    with store.readonly(tenants=(tenant_id,)) as connection:
        desk = open_desk(connection, secrets, settings, tenant_id, by=by, at=at)
        held = current(desk, form.kind, form.key)
        if held.version != form.base_version and not _received(connection, request):
            return _stale(desk, form, held, text)
    stored = _stored(store, request, content, form, held, text, secrets, settings, at)
    if stored is None:
        with store.readonly(tenants=(tenant_id,)) as connection:
            desk = open_desk(connection, secrets, settings, tenant_id, by=by, at=at)
            return _stale(desk, form, current(desk, form.kind, form.key), text)
    if isinstance(stored, Saved) and not stored.again:
        with store.transaction(tenants=(tenant_id,)) as connection:
            desk = open_desk(connection, secrets, settings, tenant_id, by=by, at=at)
            _work_on(desk, form, held, stored, _whole(held.text, text))
    return stored


def _cleaned(form: Form) -> dict[str, str | None]:
    """The fields of the form without blanks around them; None for a blank one. The key is the record's own."""
    known = {each.name for each in fields(form.kind)}
    (name,) = key(form.kind)
    if not known.issuperset(form.text):
        raise BadRequest("This form asks for something that is not in the dataset. Load the page again.")
    if any(len(value) > LONGEST_TEXT for value in form.text.values()):
        raise BadRequest(f"One of the answers is longer than {LONGEST_TEXT:,} characters. Shorten it.")
    return {each: value.strip(SPACES) or None for each, value in form.text.items()} | {name: form.key}


def _reasoned(form: Form) -> None:
    if form.text.get(WITHDRAWAL) == WithdrawReason.NOT_HAT and form.kind is RecordKind.CASE and not form.reason:
        raise Unprocessable("Say why.", errors=[("reason", "Enter the reason")])


def _request(tenant_id: int, form: Form, content: bytes, by: Actor) -> Request:
    """The key has the content in it, so that a form mended after a fault is another request."""
    return Request(
        tenant_id=tenant_id,
        kind=form.kind,
        format=Format.FORM,
        mode=Mode.ALL_OR_NOTHING,
        rehearsal=False,
        door=Door.FORM,
        actor=by.label,
        role=by.role,
        idempotency_key=f"form-{form.once}-{identifiers.digest(content).hex()[:32]}",
        opt_out_screened=form.opt_out_screened,
    )


def _received(connection: Connection, request: Request) -> bool:
    """Whether this very form was saved before: then it is answered as it was then."""
    before = select(submission.c.id).where(
        submission.c.tenant_id == request.tenant_id, submission.c.idempotency_key == request.idempotency_key
    )
    return connection.execute(before).first() is not None


def _stored(
    store: Store,
    request: Request,
    content: bytes,
    form: Form,
    held: Held,
    text: Mapping[str, str | None],
    secrets: Secrets,
    settings: Settings,
    at: datetime,
) -> Saved | Faulty | Unconfirmed | None:
    """None where another version stood after all."""
    unit = Unit(_ORDINAL, name=form.once, records={form.kind: _whole(held.text, text)})
    noted: list[CheckedUnits] = []

    def respond(checked: CheckedUnits, settled: Settled) -> bytes:
        standing = settled.standing(form.kind, _ORDINAL)
        if standing is None or standing.held != form.base_version:
            raise _StaleError
        warnings = _findings(checked)
        if form.confirmed is not None and any(each.rule not in form.confirmed for each in warnings):
            raise _UnconfirmedError(warnings)
        noted.append(checked)
        return orjson.dumps([str(standing.record_id), standing.version, standing.did])

    try:
        done = store_unit(store, request, content, unit, secrets, settings, at=at, respond=respond)
    except (_StaleError, PreconditionFailed):
        return None
    except _UnconfirmedError as told:
        return Unconfirmed(told.findings)
    if isinstance(done, Refused):
        return Faulty(_findings(done.checked))
    record_id, version, did = orjson.loads(done.response)
    return Saved(
        record_id=UUID(record_id),
        case_id=_case_of(store, request.tenant_id, form),
        version=version,
        did=Record(did),
        findings=_findings(noted[0]) if noted else (),
        reference=done.reference,
        again=done.replayed,
    )


def _whole(held: Mapping[str, str], text: Mapping[str, str | None]) -> dict[str, str]:
    """What stands, with what the form says put in."""
    return {name: value for name, value in {**held, **text}.items() if value is not None}


def _findings(checked: CheckedUnits) -> tuple[Finding, ...]:
    issues = (each for each in checked.issues(_ORDINAL) if not each.information)
    return tuple(sorted((each.finding for each in issues), key=lambda each: each.severity is not Severity.ERROR))


def _case_of(store: Store, tenant_id: int, form: Form) -> UUID | None:
    """The case that the record is, or is a review of."""
    if form.kind not in (RecordKind.CASE, RecordKind.RCA):
        return None
    record = RECORD[RecordKind.CASE].c
    with store.readonly(tenants=(tenant_id,)) as connection:
        found: UUID | None = connection.scalar(
            select(record.id).where(record.tenant_id == tenant_id, record.local_case_id == form.key)
        )
    return found


def _work_on(desk: Desk, form: Form, held: Held, saved: Saved, now: Mapping[str, str]) -> None:
    """A case that is entered online has its work at once, and one that is withdrawn or brought back leaves the worklist or returns."""
    if saved.case_id is None or saved.did is Record.UNCHANGED:
        return
    states.begin(desk, saved.case_id)
    note(desk, saved.case_id, "saved", {"kind": form.kind.value, "version": saved.version})
    if form.kind is RecordKind.CASE and (saved.did is Record.WITHDRAWN or held.withdrawn):
        states.follow(desk, saved.case_id, form.reason)
    change = Change(dict(held.text) if held.version else None, dict(now))
    record(desk, saved.case_id, "case saved online", {"kind": form.kind.value, "version": saved.version}, change)


def _stale(desk: Desk, form: Form, held: Held, text: Mapping[str, str | None]) -> Stale:
    """What differs, field by field, from what stands by now."""
    base = _held(desk.connection, desk, form.kind, form.key, form.base_version).text if form.base_version else {}
    differing = tuple(
        Difference(name, base.get(name), held.text.get(name), mine)
        for name, mine in text.items()
        if mine != held.text.get(name)
    )
    mine = {each.field: each.mine for each in differing if each.mine != each.base}
    return Stale(held, differing, _whole(held.text, mine))
