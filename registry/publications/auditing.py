"""The audit of a draft, run by the worker: the draft together with every release before it, as an attacker would read them.

Kill-safe: nobody else audits while one worker does (a lock that goes with its connection), a run that stopped is found again and done
from the start, and its outcome is one transaction. Cells that fail before their first publication get another offset, those that were
published before are held at what was published (`holding`), and the audit is run again; how many is in the report. The report is signed
and kept; without one that passed, of exactly these figures, nothing is approved or released.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select, update

from registry import identifiers
from registry.disclosure.grid import GRID_VERSION
from registry.errors import Conflict
from registry.publications import holding, judging, offsets, releasing, reviewing
from registry.publications.digests import draft_hash
from registry.publications.files import Made
from registry.publications.judging import Judge, Matter, Verdict
from registry.publications.protecting import lock
from registry.publications.published import Release
from registry.publications.transitions import Action, State, next_state
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store, audit
from registry.store.releases import audit_run, draft_file
from registry.store.tables import publication

ROLE = "hat_national"
MOST_ROUNDS = 16
"""So often at most are cells drawn again, held or withheld: each time tells a little of the data, since the audit passed in the end."""
WITHHOLD_ROUNDS = 6
"""In the last of them none is drawn again."""
NEW_ROUNDS = 12
"""In those before these a new year is drawn again for the sake of what was published before, which cannot be."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One audit that waits, or was begun by a worker that ended."""

    id: UUID
    publication_id: UUID


@dataclass(frozen=True, slots=True)
class Changed:
    """What was done to a draft so that it passes: offsets drawn again, cells held at what was published, and cells withheld."""

    redrawn: int = 0
    held: int = 0
    withheld: int = 0

    @property
    def cells(self) -> int:
        return self.redrawn + self.held + self.withheld

    def and_then(self, more: "Changed") -> "Changed":
        return Changed(self.redrawn + more.redrawn, self.held + more.held, self.withheld + more.withheld)


@dataclass(frozen=True, slots=True)
class Spent:
    """How often a draft was judged, and the processor time of that; of it what integer programs took."""

    rounds: int = 0
    cpu_seconds: float = 0.0
    milp_seconds: float = 0.0

    def and_then(self, more: Verdict) -> "Spent":
        return Spent(self.rounds + 1, self.cpu_seconds + more.cpu_seconds, self.milp_seconds + more.milp_seconds)

    def told(self) -> dict[str, int]:
        return {name: round(value) for name, value in asdict(self).items()}


Files = Callable[[Connection, Release], Callable[[], Sequence[Made]]]
"""Reads all that the files are made of, and gives what makes them, which needs no database any more."""


def no_files(_connection: Connection, _release: Release) -> Callable[[], Sequence[Made]]:
    """For an audit by itself."""
    return tuple


def work(
    store: Store,
    secrets: Secrets,
    _settings: Settings,
    at: datetime,
    *,
    files: Files = no_files,
    judge: Judge | None = None,
) -> Mapping[str, int]:
    """The job: audit what waits for it, then release what is approved and due. Safe to run twice, and in several workers at once.

    `files` makes what is published beside the tables, of figures that have passed.
    """
    with store.alone("the audit of a release", role=ROLE) as mine:
        asked = _asked(store) if mine else []
        with judging.attackers() as attacker:
            done = [_audit(store, secrets, each, at, files, judge or attacker) for each in asked]
    with store.transaction(role=ROLE) as connection:
        released = releasing.release_due(connection, at)
    return {"audited": done.count(State.AUDITED), "refused": done.count(State.REFUSED), "released": released}


def _asked(store: Store) -> list[Asked]:
    c = audit_run.c
    query = (
        select(c.id, c.publication_id)
        .join(publication, publication.c.id == c.publication_id)
        .where(c.state.in_(("waiting", "running")), publication.c.state == State.ASKED)
        .order_by(c.asked_at)
    )
    with store.readonly(role=ROLE) as connection:
        return [Asked(*row) for row in connection.execute(query)]


class _DiscardedError(Exception):
    """Somebody discarded the draft: nobody waits for its audit any more."""


def _audit(store: Store, secrets: Secrets, asked: Asked, at: datetime, files: Files, judge: Judge) -> State:
    """One audit to its end, or until its draft is discarded. Gives what the publication has become."""

    def tell(stage: str, done: int, total: int) -> None:
        with store.transaction(role=ROLE) as connection:
            if reviewing.head(connection, asked.publication_id).state != State.ASKED:
                raise _DiscardedError
            mine = update(audit_run).where(audit_run.c.id == asked.id)
            told = {"state": "running", "stage": stage, "done": done, "total": total, "told_at": func.clock_timestamp()}
            connection.execute(mine.values(**told))

    try:
        return _to_its_end(store, secrets, asked, at, files, judge, tell)
    except _DiscardedError:
        return State.DISCARDED


def _to_its_end(
    store: Store, secrets: Secrets, asked: Asked, at: datetime, files: Files, judge: Judge, tell: judging.Tell
) -> State:
    tell("Reading all releases", 0, 1)
    changed, spent = Changed(), Spent()
    for left in reversed(range(MOST_ROUNDS)):
        verdict = judge(_read(store, asked), tell)
        spent = spent.and_then(verdict)
        again = _change(store, secrets, asked, verdict, left) if left and not verdict.passed else Changed()
        if not again.cells:
            break
        changed = changed.and_then(again)
    made: Sequence[Made] = ()
    if verdict.passed:
        tell("Making the files of open data", 0, 1)
        made = _files(store, asked, files)
    return _finish(store, secrets, asked, verdict, changed, spent, at, made)


def _files(store: Store, asked: Asked, files: Files) -> Sequence[Made]:
    with store.readonly(role=ROLE) as connection:
        if reviewing.head(connection, asked.publication_id).state != State.ASKED:
            return ()  # discarded meanwhile
        make = files(connection, reviewing.draft(connection, asked.publication_id))
    return make()


def _read(store: Store, asked: Asked) -> Matter:
    with store.readonly(role=ROLE) as connection:
        return judging.read(connection, asked.publication_id)


def _change(store: Store, secrets: Secrets, asked: Asked, verdict: Verdict, left: int) -> Changed:
    """Other offsets for cells that fail and were never published, and those that were are held; where neither helps, cells are withheld.

    A trust's year that is new beside months that were published before may be what tells too much of these: it is drawn again first.
    """
    with store.transaction(role=ROLE) as connection:
        lock(connection)
        redrawn = 0
        last = left < WITHHOLD_ROUNDS
        before = offsets.published(connection, [*verdict.failing, *verdict.rekey], blanks=last)
        if not last:
            beside = offsets.new_beside(connection, asked.publication_id, before) if left >= NEW_ROUNDS else {}
            again = {*verdict.rekey, *(name for names in beside.values() for name in names)}
            redrawn = offsets.rekey(connection, asked.publication_id, secrets["offset"], sorted(again))
            before = [name for name in before if not beside.get(name)]
        held = holding.hold(connection, asked.publication_id, before)
        if redrawn or held:
            return Changed(redrawn=redrawn, held=held)
        names = {*verdict.failing, *verdict.rekey}
        return Changed(withheld=offsets.withhold(connection, asked.publication_id, sorted(names)))


def _finish(
    store: Store,
    secrets: Secrets,
    asked: Asked,
    verdict: Verdict,
    changed: Changed,
    spent: Spent,
    at: datetime,
    made: Sequence[Made],
) -> State:
    with store.transaction(role=ROLE) as connection:
        lock(connection)
        held = connection.execute(select(publication).where(publication.c.id == asked.publication_id)).one()
        standing = releasing.standing(connection, asked.publication_id)
        after = next_state(standing, Action.PASS if verdict.passed else Action.FAIL, None)
        if not isinstance(after, State):
            return State(held.state)  # discarded meanwhile
        if draft_hash(connection, held.id) != held.data_hash:
            raise Conflict("The figures of a draft changed while they were audited.")
        report = _report(held, verdict, changed, at)
        digest = identifiers.digest(report).hex()
        signed = identifiers.signature(secrets["signing"], signed_words(held.number, held.data_hash, digest)).hex()
        outcome = {"data_hash": held.data_hash, "report": report, "report_digest": digest, "signature": signed}
        state = "passed" if verdict.passed else "failed"
        mine = update(audit_run).where(audit_run.c.id == asked.id)
        connection.execute(mine.values(state=state, stage="Finished", finished_at=at, **outcome))
        connection.execute(update(publication).where(publication.c.id == held.id).values(state=after))
        _keep_files(connection, held.id, made)
        audit.record(
            connection, tenant=SYSTEM_TENANT, actor="timetable", role="timetable", action=f"publication.audit_{state}",
            object_type="publication", object_id=str(held.id), detail=asdict(changed) | {"report": digest} | spent.told(),
        )  # fmt: skip
    return after


def _keep_files(connection: Connection, publication_id: UUID, made: Sequence[Made]) -> None:
    connection.execute(delete(draft_file).where(draft_file.c.publication_id == publication_id))
    for each in made:
        content = {"name": each.name, "media_type": each.media_type, "digest": each.digest, "content": each.content}
        connection.execute(insert(draft_file).values(publication_id=publication_id, size=len(each.content), **content))


def signed_words(number: int, data_hash: str, report_digest: str) -> bytes:
    """What is signed: which release, which figures, which report."""
    return identifiers.canonical("hat", "release", number, data_hash, report_digest)


def _report(held: Any, verdict: Verdict, changed: Changed, at: datetime) -> bytes:
    """The report as it is kept and signed: the same finding gives the same bytes."""
    content = {
        "publication": held.number,
        "title": held.title,
        "data_hash": held.data_hash,
        "grid_version": GRID_VERSION,
        "code_version": held.code_version,
        "audited_at": at.isoformat(),
        "passed": verdict.passed,
        "offsets_drawn_again": changed.redrawn,
        "cells_held": changed.held,
        "cells_withheld": changed.withheld,
        "audit": verdict.report,
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1).encode()


def latest_run(connection: Connection, publication_id: UUID) -> Any:
    """The newest audit of a publication as its row, or None."""
    query = select(audit_run).where(audit_run.c.publication_id == publication_id)
    return connection.execute(query.order_by(audit_run.c.asked_at.desc()).limit(1)).one_or_none()
