"""Which records units change, and in which fields: the same list as that of a file of rows. Keys and names of fields, never a value."""

from collections.abc import Iterator, Sequence
from functools import cache

from sqlalchemy import Connection

from registry.store.prepared import Prepared
from registry.submissions.changes import LISTED, Change, add, written_key
from registry.submissions.changes import listed as already_listed
from registry.submissions.request import Record, Reference
from registry.submissions.units.settled import ORDER, Settled, Standing
from schemas.record import RecordKind


def found(connection: Connection, reference: Reference, settled: Settled) -> list[Change]:
    """The records that units have just changed or withdrawn, in the order of the units. Ask before a rehearsal is rolled back."""
    listed: list[tuple[int, int, Change]] = []
    for place, kind in enumerate(ORDER):
        changed = dict(_changed(settled.standings.get(kind, {})))
        if changed:
            listed += [(each.row, place, each) for each in _of(connection, reference, kind, changed)]
    return [each for *_, each in sorted(listed, key=lambda one: one[:2])][:LISTED]


def keep(connection: Connection, reference: Reference, changes: Sequence[Change]) -> None:
    """Add changes to those that are listed, as long as there is room."""
    if not changes:
        return
    add(connection, reference, changes, after=already_listed(connection, reference))


def _changed(standings: dict[int, Standing]) -> Iterator[tuple[int, Standing]]:
    """The units whose record stood before: one that withdraws what was never there changes nothing."""
    for number, each in standings.items():
        if each.did in (Record.CHANGED, Record.WITHDRAWN) and each.held:
            yield number, each


def _of(
    connection: Connection, reference: Reference, kind: RecordKind, changed: dict[int, Standing]
) -> Iterator[Change]:
    rows = _asking(kind)(
        connection,
        tenant=reference.tenant_id,
        numbers=list(changed),
        records=[str(each.record_id) for each in changed.values()],
        versions=[each.version for each in changed.values()],
    )
    for row in rows:
        yield Change(row.number, row.key, changed[row.number].did.value, list(row.changed or ()))


@cache
def _asking(kind: RecordKind) -> Prepared:
    return Prepared(f"""
        select u.number, {written_key(kind, "r")} as key, v.changed
          from unnest(cast(:numbers as integer[]), cast(:records as uuid[]), cast(:versions as integer[]))
               as u(number, record_id, version)
          join records.{kind.value}_record r on r.tenant_id = :tenant and r.id = u.record_id
          join records.{kind.value}_version v
               on v.tenant_id = :tenant and v.record_id = u.record_id and v.version = u.version
    """)
