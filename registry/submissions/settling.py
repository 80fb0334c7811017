"""What the staged rows do to the register: new, changed, unchanged or withdrawn, in a handful of set-wise statements."""

from dataclasses import dataclass
from functools import cache
from uuid import UUID

from sqlalchemy import Connection, bindparam, case, func, select, text

from registry.store.prepared import Prepared
from registry.store.records import MATCH_COLUMNS
from registry.store.tables import submission
from registry.submissions.corrections import remember
from registry.submissions.keys import TenantKeys
from registry.submissions.meeting import DIFFERS, compare_sealed, version_before, withdraws
from registry.submissions.request import Door, Record, Reference
from registry.submissions.staging import BRIEF, CONTENT_MAC, MET, STAGING, content_columns
from schemas.dictionary import Field, fields, key
from schemas.record import RecordKind

MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Difference:
    """How many records the rows add, change, leave as they are or withdraw; how many of the trust's are not in the file;
    how many more stand than before; and how often each field changes."""

    new: int
    changed: int
    unchanged: int
    withdrawn: int
    absent: int
    gained: int
    changed_fields: dict[str, int]


def settle(connection: Connection, kind: RecordKind, reference: Reference, door: Door, keys: TenantKeys) -> Difference:
    """Write the staged rows, of which `meeting.meet` has found the records they meet. Nothing is written for a record whose
    content did not change."""
    counts = _counts(connection, kind)
    stood, returned, gone = _standing(connection)
    first = _first(counts)
    _add_records(connection, kind, reference, first)
    _add_versions(connection, kind, reference, door, first)
    changed_fields = {}
    if counts[Record.CHANGED] or counts[Record.WITHDRAWN]:
        compare_sealed(connection, kind, reference, keys)
        changed_fields = _add_changed_versions(connection, kind, reference, door)
        _move_records(connection, kind, reference)
    if door is Door.FORM:
        remember(connection, kind, reference.tenant_id, _written(connection))
    return Difference(
        new=counts[Record.NEW],
        changed=counts[Record.CHANGED],
        unchanged=counts[Record.UNCHANGED],
        withdrawn=counts[Record.WITHDRAWN] + counts[_NEVER_THERE],
        absent=_held(connection, kind, reference) - stood,
        gained=counts[Record.NEW] + returned - gone,
        changed_fields=changed_fields,
    )


_NEVER_THERE = "never there and withdrawn"


def _counts(connection: Connection, kind: RecordKind) -> dict[str, int]:
    """How many staged rows do what. One that withdraws what was never there is kept as a withdrawn record."""
    rows = _counting(kind)(connection)
    return dict.fromkeys((*Record, _NEVER_THERE), 0) | {row.does: row.records for row in rows}


@cache
def _counting(kind: RecordKind) -> Prepared:
    return Prepared(
        f"""
            select does, count(*) as records from {MET} group by does
            union all
            select case when {withdraws(kind)} is null then '{Record.NEW}' else '{_NEVER_THERE}' end, count(*)
              from {BRIEF} s where {not_met()} group by 1
            """
    )


def not_met() -> str:
    return f'not exists (select from {MET} where {MET}."row" = s."row")'


def _first(counts: dict[str, int]) -> str:
    """The SQL that a staged row's record is new."""
    met = counts[Record.CHANGED] + counts[Record.UNCHANGED] + counts[Record.WITHDRAWN]
    return not_met() if met else "true"


def _held(connection: Connection, kind: RecordKind, reference: Reference) -> int:
    """How many of the trust's records stand: what each of its submissions gained, since counting would read them all."""
    [held] = _gained(kind)(connection, tenant=reference.tenant_id)
    return int(held.gained)


@cache
def _gained(kind: RecordKind) -> Prepared:
    beside = submission.c.gained_beside[kind.value].as_integer()
    gained = case((submission.c.kind == kind.value, submission.c.gained), else_=beside)
    held = select(func.coalesce(func.sum(gained), 0).label("gained"))
    return Prepared(held.where(submission.c.tenant_id == bindparam("tenant")))


def _standing(connection: Connection) -> tuple[int, int, int]:
    """Of the records that the rows meet: how many stand, how many will stand again, and how many no longer."""
    [row] = _STANDING(connection)
    return row.stood, row.returned, row.gone


_STANDING = Prepared(
    f"""
            select count(*) filter (where not withdrawn) as stood,
                   count(*) filter (where withdrawn and does = '{Record.CHANGED}') as returned,
                   count(*) filter (where not withdrawn and does = '{Record.WITHDRAWN}') as gone
              from {MET}
            """
)


_MATCHES = ", ".join(MATCH_COLUMNS)


def _staged_matches() -> str:
    return ", ".join(f"s.{name}" for name in MATCH_COLUMNS)


def _case_values(kind: RecordKind) -> tuple[str, str, str]:
    """Names, values and joins of what only a case has: match key and attribution."""
    if kind is not RecordKind.CASE:
        return "", "", ""
    names = f", {_MATCHES}, attributed_id, attribution"
    values = (
        f", {_staged_matches()}, coalesce(o.id, :tenant), case when coalesce(o.id, :tenant) = :tenant "
        "then 'own' else 'proposed' end"
    )
    return names, values, "left join register.organisation o on o.code = s.attributed_organisation"


def _add_records(connection: Connection, kind: RecordKind, reference: Reference, first: str) -> None:
    _adding_records(kind, first)(connection, tenant=reference.tenant_id)


@cache
def _adding_records(kind: RecordKind, first: str) -> Prepared:
    return Prepared(adding_records(kind, first))


def adding_records(kind: RecordKind, first: str) -> str:
    """The insert of the records that the rows of `brief` add: those for which `first` holds."""
    keys = ", ".join(f'"{name}"' for name in key(kind))
    key_values = ", ".join(f's."{name}"' for name in key(kind))
    names, values, join = _case_values(kind)
    withdraw = withdraws(kind)
    return f"""
            insert into records.{kind.value}_record
                   (tenant_id, id, {keys}, version, content_mac, withdraw_reason, withdrawn_at{names})
            select :tenant, s.record_id, {key_values}, 1, s.{CONTENT_MAC},
                   {withdraw}, case when {withdraw} is not null then now() end{values}
              from {BRIEF} s {join}
             where {first}
            """


def _add_versions(connection: Connection, kind: RecordKind, reference: Reference, door: Door, first: str) -> None:
    _adding_versions(kind, first)(connection, **version_parameters(reference, door))


@cache
def _adding_versions(kind: RecordKind, first: str) -> Prepared:
    return Prepared(adding_versions(kind, first))


def adding_versions(kind: RecordKind, first: str) -> str:
    """The insert of the first versions of the records that `adding_records` adds."""
    head, values = _version_parts(kind)
    return f"""
            {head}
            select :tenant, s.record_id, 1, :submission, :door, null, {values}
              from {STAGING} s
             where {first}
            """


def _written(connection: Connection) -> list[tuple[UUID, int]]:
    """The records that were written and the versions they have now."""
    rows = connection.execute(
        text(
            f"""
            select coalesce(x.record_id, s.record_id), coalesce(x.version, 1) from {BRIEF} s left join {MET} x using ("row")
             where x.does is distinct from '{Record.UNCHANGED}'
            """
        )
    )
    return [(record_id, version) for record_id, version in rows]


def _add_changed_versions(connection: Connection, kind: RecordKind, reference: Reference, door: Door) -> dict[str, int]:
    """Gives how often each field changes."""
    rows = connection.execute(
        text(f"with added as ({adding_changed_versions(kind)}) {COUNTED_CHANGES}"), version_parameters(reference, door)
    )
    return {row.name: row.uses for row in rows}


COUNTED_CHANGES = """select name, count(*) as uses from added cross join unnest(changed) as name
             group by name order by uses desc, name"""
"""The end of a statement in which `adding_changed_versions` is called `added`."""


def adding_changed_versions(kind: RecordKind) -> str:
    """The insert of a version for each row of `met` that changes its record; it asks `differs` too and gives `changed`."""
    head, values = _version_parts(kind)
    return f"""
                {head}
                select :tenant, x.record_id, x.version, :submission, :door, {_changed(kind)}, {values}
                  from {MET} x join {STAGING} s using ("row") left join {DIFFERS} d using ("row") {version_before(kind)}
                 where x.does <> '{Record.UNCHANGED}'
                returning changed"""


def _version_parts(kind: RecordKind) -> tuple[str, str]:
    """The head of an insert of versions, and the values that come from the staged rows."""
    names = ", ".join(f'"{name}"' for name in content_columns(kind))
    values = ", ".join(f's."{name}"' for name in content_columns(kind))
    head = (
        f"insert into records.{kind.value}_version "
        f"(tenant_id, record_id, version, submission_id, door, changed, {names})"
    )
    return head, values


def version_parameters(reference: Reference, door: Door) -> dict[str, object]:
    return {"tenant": reference.tenant_id, "submission": reference.id, "door": door.value}


def _changed(kind: RecordKind) -> str:
    """The SQL of the names of the fields in which a staged row differs from the version before."""
    return f"array_remove(array[{', '.join(map(_test, fields(kind)))}], null)"


def _test(each: Field) -> str:
    clear = f's."{each.name}" is distinct from v."{each.name}"'
    differs = f"'{each.name}' = any(d.names)" if each.item.identifying else clear
    return f"case when {differs} then '{each.name}' end"


def _move_records(connection: Connection, kind: RecordKind, reference: Reference) -> None:
    """Let changed records stand in their new version. A withdrawal marks; a record sent again without a reason stands again."""
    connection.execute(text(f"create temp table {MOVED} on commit drop as {moved(kind)}"))
    # Whichever side the planner begins with, it finds the other by an index.
    connection.execute(text(f"create unique index on {MOVED} (record_id)"))
    connection.execute(text(f"analyze {MOVED}"))
    connection.execute(text(moving_records(kind)), {"tenant": reference.tenant_id})


def moved(kind: RecordKind) -> str:
    """The query of the records that change: their new version and what stands in the record beside it."""
    case = f", {_staged_matches()}, s.attributed_organisation" if kind is RecordKind.CASE else ""
    return f"""
            select x.record_id, x.version, s.{CONTENT_MAC}, {withdraws(kind)} as withdraw_reason{case}
              from {MET} x join {BRIEF} s using ("row") where x.does <> '{Record.UNCHANGED}'
            """


def moving_records(kind: RecordKind) -> str:
    """The update of the records that `moved` names."""
    attribution, join = _moved_attribution(kind)
    return f"""
            update records.{kind.value}_record record
               set version = s.version
                 , content_mac = s.{CONTENT_MAC}
                 , withdraw_reason = s.withdraw_reason
                 , withdrawn_at = case when s.withdraw_reason is not null then coalesce(record.withdrawn_at, now()) end
                 {attribution}
              from {MOVED} s {join}
             where record.tenant_id = :tenant and record.id = s.record_id
            """


def _moved_attribution(kind: RecordKind) -> tuple[str, str]:
    """Of a case that is attributed otherwise now, the attribution begins anew."""
    if kind is not RecordKind.CASE:
        return "", ""
    moved = "record.attributed_id is distinct from coalesce(o.id, :tenant)"
    assignments = f"""
        , ({_MATCHES}) = ({_staged_matches()})
        , attributed_id = coalesce(o.id, :tenant)
        , attribution = case when not {moved} then record.attribution
                             when coalesce(o.id, :tenant) = :tenant then 'own' else 'proposed' end
        , attribution_since = case when {moved} then now() else record.attribution_since end
    """
    return assignments, "left join register.organisation o on o.code = s.attributed_organisation"
