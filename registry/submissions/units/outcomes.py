"""What became of units, kept in one commit with their rows: their lines, their counts, and what was found."""

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, func, insert, select

from ingest.fhir.issue import Issue
from ingest.fhir.outcome import Disposition
from ingest.reading import LISTED
from registry.store.tables import finding, unit_outcome
from registry.submissions.outcome import store_findings
from registry.submissions.request import Record, Reference, State
from registry.submissions.units.settled import Settled
from schemas.finding import Finding, Severity
from schemas.record import RecordKind

LEVEL = 6
INFORMATION = "information"
WHOLE_FILE = 0
"""In the place of a unit's ordinal: the file as a whole."""


@dataclass(slots=True)
class Counts:
    """What some units did, and what was found in them. Received = accepted + unchanged + rejected."""

    did: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    severities: Counter[str] = field(default_factory=Counter)
    tally: Counter[tuple[int, str]] = field(default_factory=Counter)
    listed: list[Finding] = field(default_factory=list)
    faulty: list[int] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        return self.did.total() - self.did[Record.UNCHANGED]

    def add(self, number: int, did: Record | None, issues: Iterable[Issue]) -> Disposition:
        """Count one unit; `number` is how the sender finds it again. Gives what became of it."""
        for each in issues:
            self._note(number, each)
        if did is None:
            self.rejected += 1
            self.faulty.append(number)
            return "rejected"
        self.did[did] += 1
        return "unchanged" if did is Record.UNCHANGED else "accepted"

    def add_whole(self, issues: Iterable[Issue]) -> None:
        """Count what was found in the file as a whole."""
        for each in issues:
            self._note(WHOLE_FILE, each)

    def _note(self, number: int, each: Issue) -> None:
        if each.information:
            self.severities[INFORMATION] += 1
            return
        self.severities[each.finding.severity.value] += 1
        self.tally[each.finding.rule, each.finding.field or ""] += 1
        self.listed.append(each.finding if each.finding.row else replace(each.finding, row=number or None))


@dataclass(frozen=True, slots=True)
class Did:
    """What units did to the register beside their counts: records gained by kind, and how often each field changed."""

    gained: dict[str, int]
    changed_fields: dict[str, int]


NOTHING = Did({}, {})


def did(settled: Settled) -> Did:
    """What was settled, as it is kept."""
    gained = {kind.value: count for kind, count in settled.gained.items() if count}
    return Did(gained, dict(settled.changed_fields))


def finished_values(state: State, kind: RecordKind, counts: Counts, did: Did, at: datetime) -> dict[str, Any]:
    """The columns of a submission of units that has ended. A unit is a row to it: sent = new + changed + withdrawn + unchanged +
    refused."""
    return {
        "state": state.value,
        "finished_at": at,
        "rows": counts.did.total() + counts.rejected,
        "new": counts.did[Record.NEW],
        "changed": counts.did[Record.CHANGED],
        "unchanged": counts.did[Record.UNCHANGED],
        "withdrawn": counts.did[Record.WITHDRAWN],
        "refused": counts.rejected,
        "gained": None if state is State.REHEARSED else did.gained.get(kind.value, 0),
        "gained_beside": {} if state is State.REHEARSED else _beside(kind, did),
        "errors": counts.severities[Severity.ERROR],
        "warnings": counts.severities[Severity.WARNING],
        "faulty_rows": counts.faulty,
        "changed_fields": did.changed_fields,
    }


def _beside(kind: RecordKind, did: Did) -> dict[str, int]:
    return {each: count for each, count in did.gained.items() if each != kind.value}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of units that follow each other; `lines` are compressed."""

    units: range
    lines: bytes
    counts: Counts
    did: Did = NOTHING


def pack(lines: bytes) -> bytes:
    return zlib.compress(lines, LEVEL)


def outcome_values(told: Outcome) -> dict[str, Any]:
    """The columns of an outcome, but for whose it is."""
    counts = told.counts
    return {
        "first": told.units.start,
        "last": told.units.stop - 1,
        "lines": told.lines,
        "accepted": counts.accepted,
        "unchanged": counts.did[Record.UNCHANGED],
        "rejected": counts.rejected,
        "new": counts.did[Record.NEW],
        "changed": counts.did[Record.CHANGED],
        "withdrawn": counts.did[Record.WITHDRAWN],
        "errors": counts.severities[Severity.ERROR],
        "warnings": counts.severities[Severity.WARNING],
        "informations": counts.severities[INFORMATION],
        "gained": told.did.gained,
        "changed_fields": told.did.changed_fields,
        "tally": {f"{rule} {name}": count for (rule, name), count in counts.tally.items()},
        "faulty": counts.faulty,
    }


def store_outcome(connection: Connection, reference: Reference, told: Outcome) -> None:
    """Keep an outcome; of its findings the first, as long as there is room in the list."""
    of = {"tenant_id": reference.tenant_id, "submission_id": reference.id}
    connection.execute(insert(unit_outcome).values(of | outcome_values(told)))
    if told.counts.listed:
        listed = connection.scalar(select(func.count()).select_from(finding).where(_of(finding, reference))) or 0
        store_findings(connection, reference, told.counts.listed[: max(LISTED - listed, 0)], after=listed)


def _of(table: Table, reference: Reference) -> ColumnElement[bool]:
    return and_(table.c.tenant_id == reference.tenant_id, table.c.submission_id == reference.id)


def outcome_parts(connection: Connection, reference: Reference) -> Iterator[bytes]:
    """The lines of all units in their order, some at a time."""
    rows = connection.execute(
        select(unit_outcome.c.lines)
        .where(_of(unit_outcome, reference))
        .order_by(unit_outcome.c.first)
        .execution_options(yield_per=4)
    )
    for (lines,) in rows:
        yield zlib.decompress(lines)
