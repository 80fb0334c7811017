"""The work on a job: chunk after chunk, each committed with its outcome, from the first unit that has none."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Row, func, select

from ingest.fhir.outcome import outcome, outcome_line
from ingest.reading import LISTED
from registry.settings import Secrets, Settings
from registry.store import Store, audit, progress
from registry.store.tables import submission, unit_outcome
from registry.submissions.changes import LISTED as MOST_CHANGES
from registry.submissions.changes import Change
from registry.submissions.checking import matches, spool
from registry.submissions.keys import TenantKeys
from registry.submissions.order import UNIT_KINDS, hold, one_at_a_time
from registry.submissions.receiving import stored_bytes
from registry.submissions.request import Door, Record, Reference, State, sheet_format
from registry.submissions.units import changed
from registry.submissions.units.amending import Standing
from registry.submissions.units.batch import Batch, Contents
from registry.submissions.units.finishing import finish
from registry.submissions.units.lines import open_lines
from registry.submissions.units.outcomes import WHOLE_FILE, Counts, Outcome, did, pack, store_outcome
from registry.submissions.units.settled import Settled
from registry.submissions.units.settling import settle_units
from registry.submissions.units.sheet import open_sheet
from registry.submissions.units.trust import Trust, open_trust
from schemas.record import RecordKind

APP = "hat_app"
GOING_ON = "try 0"
"""The stage of a job that has got on since it was last taken up, so that only tries that lead nowhere are counted."""
_WHOLE = range(WHOLE_FILE, WHOLE_FILE + 1)
_SERVICE = "service"


def work_job(store: Store, reference: Reference, secrets: Secrets, settings: Settings, *, at: datetime) -> State | None:
    """Work on a job to its end. None: it is done already, was cancelled meanwhile, or somebody else goes on with it.

    A process that is killed on the way has committed whole chunks; the next try begins after them.
    """
    with store.transaction(tenants=(reference.tenant_id,)) as connection:
        held = _waiting(connection, reference)
        if held is None:
            return None
        trust = open_trust(connection, secrets, reference.tenant_id)
        maps = matches(connection, held)
    with _copied(store, reference, secrets, settings) as path:
        contents = _open(path, held, trust, maps, settings)
        return _Work(store, reference, held, secrets, contents, at).run()


def _waiting(connection: Connection, reference: Reference) -> Row[Any] | None:
    return connection.execute(
        select(submission).where(
            submission.c.tenant_id == reference.tenant_id,
            submission.c.id == reference.id,
            submission.c.state == State.RECEIVED.value,
        )
    ).one_or_none()


@contextmanager
def _copied(store: Store, reference: Reference, secrets: Secrets, settings: Settings) -> Iterator[Path]:
    """The submitted bytes as a file of ours, gone afterwards."""
    with tempfile.NamedTemporaryFile(dir=spool(settings), prefix="check-") as file:
        with store.readonly(tenants=(reference.tenant_id,)) as connection:
            for part in stored_bytes(connection, reference, open_trust(connection, secrets, reference.tenant_id).keys):
                file.write(part)
        file.flush()
        yield Path(file.name)


def _open(
    path: Path,
    held: Row[Any],
    trust: Trust,
    maps: tuple[dict[str, str], dict[str, dict[str, str]]],
    settings: Settings,
) -> Contents:
    context = trust.context(settings, held.received_at)
    sheet = sheet_format(held.format)
    if sheet is None:
        return open_lines(path, context)
    headings, codes = maps
    return open_sheet(path, RecordKind(held.kind), sheet, replace(context, codes=codes), headings)


@dataclass(frozen=True, slots=True)
class _Work:
    """One job in hand."""

    store: Store
    reference: Reference
    held: Row[Any]
    secrets: Secrets
    contents: Contents
    at: datetime

    def run(self) -> State | None:
        if self.contents.unreadable:
            return self._refuse()
        if self.held.rehearsal:
            return self._rehearse()
        with self._transaction() as connection:
            done = _done(connection, self.reference)
        self._note(done)
        for batch in self.contents.batches(done):
            if not self._store(batch):
                return None
            self._tell(batch.ordinals.stop - 1)
        with self._transaction() as connection:
            held = hold(connection, self.reference)
            return None if held is None else finish(connection, held, None, self.at)

    def _transaction(self) -> AbstractContextManager[Connection]:
        return self.store.transaction(tenants=(self.reference.tenant_id,))

    def _store(self, batch: Batch) -> bool:
        """Commit one batch with its outcome. False, and nothing, where the job has ended or another goes on with it."""
        with self._transaction() as connection:
            if hold(connection, self.reference) is None:
                return False
            if _done(connection, self.reference) != batch.ordinals.start - 1:
                return False
            one_at_a_time(connection, self.reference.tenant_id, self._kinds())
            if batch.ordinals.start == 1:
                self._remark(connection)
            corrections = self._standing(connection).corrections(self._kinds())
            amended = self.contents.amended(batch, corrections)
            settled = self._settle(connection, amended)
            for each in corrections:
                each.release(settled.ordinals())
            told = _told(amended, settled)
            store_outcome(connection, self.reference, told)
            changed.keep(connection, self.reference, changed.found(connection, self.reference, settled))
            self._audit(connection, batch, told)
        return True

    def _audit(self, connection: Connection, batch: Batch, told: Outcome) -> None:
        """What of the job stands from now on, whatever becomes of the rest."""
        audit.record(
            connection,
            tenant=self.reference.tenant_id,
            actor=self.held.actor,
            role=_SERVICE,
            action="part of submission stored",
            object_type="submission",
            object_id=str(self.reference.id),
            detail={"first": batch.ordinals.start, "last": batch.ordinals.stop - 1, "new": told.counts.did[Record.NEW],
                    "changed": told.counts.did[Record.CHANGED]},
        )  # fmt: skip

    def _rehearse(self) -> State | None:
        """Settle all batches, undo it, and keep what was said of them."""
        self._note(0)
        with self._transaction() as connection:
            one_at_a_time(connection, self.reference.tenant_id, self._kinds())
            told: list[Outcome] = []
            changes: list[Change] = []
            savepoint = connection.begin_nested()
            corrections = self._standing(connection).corrections(self._kinds())
            for sent in self.contents.batches(0):
                batch = self.contents.amended(sent, corrections)
                settled = self._settle(connection, batch)
                told.append(_told(batch, settled, room=LISTED - sum(map(_listed, told))))
                if len(changes) < MOST_CHANGES:
                    changes += changed.found(connection, self.reference, settled)
                self._note(batch.ordinals.stop - 1)
                if _waiting(connection, self.reference) is None:
                    return None
            savepoint.rollback()
            held = hold(connection, self.reference)
            if held is None:
                return None
            self._remark(connection)
            for each in told:
                store_outcome(connection, self.reference, each)
            changed.keep(connection, self.reference, changes)
            return finish(connection, held, None, self.at)

    def _refuse(self) -> State | None:
        """End a job of which nothing can be read; its outcome says why."""
        with self._transaction() as connection:
            held = hold(connection, self.reference)
            if held is None:
                return None
            counts = Counts()
            counts.add_whole(self.contents.unreadable)
            line = orjson.dumps(outcome(self.contents.unreadable)) + b"\n"
            store_outcome(connection, self.reference, Outcome(_WHOLE, pack(line), counts))
            return finish(connection, held, None, self.at)

    def _remark(self, connection: Connection) -> None:
        """Keep what is said of the file as a whole; it is nothing that keeps a unit out."""
        if self.contents.remarks:
            counts = Counts()
            counts.add_whole(self.contents.remarks)
            store_outcome(connection, self.reference, Outcome(_WHOLE, pack(b""), counts))

    def _settle(self, connection: Connection, batch: Batch) -> Settled:
        keys = self._keys(connection)
        return settle_units(connection, self.reference, batch.checked, Door(self.held.door), keys, batch.expected)

    def _standing(self, connection: Connection) -> Standing:
        context, overwrite = self.contents.context, self.held.overwrite_online
        return Standing(connection, self.reference.tenant_id, self._keys(connection), context, overwrite=overwrite)

    def _keys(self, connection: Connection) -> TenantKeys:
        """Those of this transaction: between two of them the trust's key may have been rotated."""
        return open_trust(connection, self.secrets, self.reference.tenant_id).keys

    def _kinds(self) -> Sequence[RecordKind]:
        """The kinds that the file may hold."""
        return UNIT_KINDS if sheet_format(self.held.format) is None else (RecordKind(self.held.kind),)

    def _note(self, done: int) -> None:
        """Say how far it is within this try."""
        progress.note(
            self.store,
            tenant=self.reference.tenant_id,
            submission=self.reference.id,
            done=done,
            total=self.contents.total,
        )

    def _tell(self, done: int) -> None:
        """Say how far it is for good: the next try begins there."""
        progress.tell(
            self.store,
            tenant=self.reference.tenant_id,
            submission=self.reference.id,
            stage=GOING_ON,
            done=done,
            total=self.contents.total,
            role=APP,
        )


def _told(batch: Batch, settled: Settled, *, room: int = LISTED) -> Outcome:
    """The outcome of a batch, with a line for each of its units."""
    counts, lines = Counts(), list[bytes]()
    for place, (number, unit) in enumerate(zip(batch.numbers, batch.units, strict=True)):
        issues = batch.issues(place, settled)
        disposition = counts.add(number, settled.did(number), issues)
        lines.append(outcome_line(unit, issues, disposition))
    del counts.listed[max(room, 0) :]
    return Outcome(batch.ordinals, pack(b"".join(lines)), counts, did(settled))


def _listed(told: Outcome) -> int:
    return len(told.counts.listed)


def _done(connection: Connection, reference: Reference) -> int:
    """How many units have an outcome."""
    last = select(func.coalesce(func.max(unit_outcome.c.last), 0)).where(
        unit_outcome.c.tenant_id == reference.tenant_id, unit_outcome.c.submission_id == reference.id
    )
    return int(connection.execute(last).scalar_one())
