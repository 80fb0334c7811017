"""What a sender is shown: receipts and findings, always by the trust and always without a value."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, bindparam, func, literal, select, tuple_

from registry.errors import NotFound
from registry.store import progress
from registry.store.prepared import Prepared
from registry.store.tables import finding, organisation, submission, tally
from registry.submissions.request import Format, Reference, State
from schemas.codelist import Nation
from schemas.dictionary import field
from schemas.finding import Finding, Severity
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One submission in its present state. While it waits the counts are None.

    Sent (`rows`) = stored (new + changed + withdrawn) + unchanged + refused. Of a rehearsal they say what would be stored.
    """

    id: UUID
    tenant_id: int
    kind: str
    format: str
    mode: str
    rehearsal: bool
    door: str
    state: str
    actor: str
    digest: str
    size: int
    map_version: int | None
    dataset_version: str
    definition: str
    received_at: datetime
    finished_at: datetime | None
    rows: int | None
    new: int | None
    changed: int | None
    unchanged: int | None
    withdrawn: int | None
    refused: int | None
    absent: int | None
    errors: int | None
    warnings: int | None
    changed_fields: dict[str, int] | None
    payload_deleted_at: datetime | None
    overwrite_online: bool
    done: int | None = None
    total: int | None = None

    @property
    def waiting(self) -> bool:
        return self.state == State.RECEIVED.value

    @property
    def stored(self) -> int | None:
        """How many rows were written, or would be."""
        if self.new is None or self.changed is None or self.withdrawn is None:
            return None
        return self.new + self.changed + self.withdrawn


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a rule was broken in one field, however many of them are listed."""

    rule: int
    field: str
    count: int
    severity: Severity
    words: str
    mend: str


UNNAMED = "…"
"""Where a rule's words name a column: of many findings together none is named."""

_SHOWN = [name for name in Receipt.__dataclass_fields__ if name not in ("digest", "done", "total")]


_ONE = Prepared(
    select(submission).where(submission.c.tenant_id == bindparam("tenant"), submission.c.id == bindparam("submission"))
)


def get(connection: Connection, reference: Reference) -> Receipt:
    """One receipt. NotFound where there is none for this trust."""
    found = _ONE(connection, tenant=reference.tenant_id, submission=reference.id)
    if not found:
        raise NotFound
    [row] = found
    told = progress.read(connection, reference.tenant_id, reference.id) if row.state == State.RECEIVED.value else None
    return _receipt(row._asdict(), done=told.done if told else None, total=told.total if told else None)


def find(connection: Connection, tenants: Sequence[int], submission_id: UUID) -> Reference:
    """The submission with this id among those of the trusts. NotFound where there is none, or it is another's."""
    tenant = connection.execute(
        select(submission.c.tenant_id).where(submission.c.tenant_id.in_(tenants), submission.c.id == submission_id)
    ).scalar()
    if tenant is None:
        raise NotFound
    return Reference(tenant, submission_id)


def latest(
    connection: Connection,
    tenants: Sequence[int],
    *,
    limit: int = 50,
    before: UUID | None = None,
    kind: RecordKind | None = None,
    state: State | None = None,
) -> list[Receipt]:
    """The newest submissions of the trusts first, of one kind or in one state where these are given, without the single records that
    were saved from forms; `before` names the one after which to go on. NotFound where that is not theirs."""
    asked = select(submission).where(submission.c.tenant_id.in_(tenants), submission.c.format != Format.FORM.value)
    if kind is not None:
        asked = asked.where(submission.c.kind == kind.value)
    if state is not None:
        asked = asked.where(submission.c.state == state.value)
    place = tuple_(submission.c.received_at, submission.c.id)
    if before is not None:
        last = connection.execute(
            select(submission.c.received_at).where(submission.c.tenant_id.in_(tenants), submission.c.id == before)
        ).scalar()
        if last is None:
            raise NotFound
        asked = asked.where(place < tuple_(literal(last), literal(before)))
    rows = connection.execute(asked.order_by(submission.c.received_at.desc(), submission.c.id.desc()).limit(limit))
    return [_receipt(row._asdict()) for row in rows]


def findings(
    connection: Connection, reference: Reference, *, start: int = 0, limit: int = 10_000, rule: Rule | None = None
) -> list[Finding]:
    """The listed findings in the order of the sheet, of one rule if it is given."""
    ours = [finding.c.tenant_id == reference.tenant_id, finding.c.submission_id == reference.id]
    if rule is not None:
        ours.append(finding.c.rule == rule.number)
    rows = connection.execute(select(finding).where(*ours).order_by(finding.c.number).offset(start).limit(limit))
    return [
        Finding(
            rule=row.rule,
            severity=Severity(row.severity),
            words=row.words,
            mend=row.mend,
            row=row.row,
            column=row.column,
            heading=row.heading,
            field=row.field,
        )
        for row in rows
    ]


def tallies(connection: Connection, reference: Reference) -> list[Tally]:
    """Every rule that was broken, by field, the most frequent first. All faults are counted here."""
    ours = (tally.c.tenant_id == reference.tenant_id, tally.c.submission_id == reference.id)
    rows = connection.execute(
        select(tally.c.rule, tally.c.field, tally.c.count.label("times"), submission.c.kind, organisation.c.nation)
        .join(submission, and_(submission.c.tenant_id == tally.c.tenant_id, submission.c.id == tally.c.submission_id))
        .join(organisation, organisation.c.id == tally.c.tenant_id)
        .where(*ours)
        .order_by(tally.c.count.desc(), tally.c.rule, tally.c.field)
    )
    return [_tally(row) for row in rows]


def _tally(row: Any) -> Tally:
    rule = CATALOGUE[row.rule]
    wanted = field(RecordKind(row.kind), row.field).holds.wanted_in(Nation(row.nation)) if row.field else UNNAMED
    places = defaultdict(lambda: UNNAMED, wanted=wanted, hint="")
    return Tally(
        row.rule, row.field, row.times, rule.severity, rule.words.format_map(places), rule.mend.format_map(places)
    )


def faulty_rows(connection: Connection, reference: Reference) -> list[int]:
    """The sheet's numbers of all rows that had an error."""
    rows: list[int] | None = connection.execute(
        select(submission.c.faulty_rows).where(
            submission.c.tenant_id == reference.tenant_id, submission.c.id == reference.id
        )
    ).scalar()
    return rows or []


def faulty_count(connection: Connection, reference: Reference) -> int:
    """How many rows had an error."""
    counted = select(func.coalesce(func.cardinality(submission.c.faulty_rows), 0)).where(
        submission.c.tenant_id == reference.tenant_id, submission.c.id == reference.id
    )
    return connection.execute(counted).scalar() or 0


def _receipt(held: Mapping[str, Any], *, done: int | None = None, total: int | None = None) -> Receipt:
    return Receipt(**{name: held[name] for name in _SHOWN}, digest=bytes(held["digest"]).hex(), done=done, total=total)
