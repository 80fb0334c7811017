"""A release made once more: from what was kept of it, and from the records as they were at the cut; both must be what is public.

From what was kept: the exact counts and the offsets give each published number again. From the records: the statements of `counting` run
as they are, on temporary views that show every record in the version and the standing that it had at the cut, and the register as it was
kept with the release; what they count is laid out on the grid, rounded with the kept offsets, and compared cell by cell. A cell that was
held must be what the release said that it names.

What cannot be told from the records any more is said: identifiers that were erased since. One person's two reports of one stay are then
counted as two. Official figures come from their own files and are compared as kept.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, event, func, select, text

import registry.store.keys  # noqa: F401 (declares a table that counting reads: whatever is not declared has no past)
from registry.disclosure import rounding
from registry.disclosure.grid import COUNTED_LATER
from registry.errors import NotFound
from registry.publications import cells, counting, exact
from registry.publications.cells import Entry, Organisation
from registry.publications.digests import released_hash
from registry.publications.offsets import WITHHELD
from registry.settings import CountingRules
from registry.store import Store
from registry.store.records import RECORD, VERSION
from registry.store.releases import kept_organisation
from registry.store.tables import cell, cell_offset, exact_cell, metadata, publication, released
from schemas.record import RecordKind

NATIONAL, JOBS = "hat_national", "hat_jobs"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a release was made of, and what of it is public: `values` by cell, `None` for a blank."""

    number: int
    cut_at: datetime
    counted_to: datetime
    rules: CountingRules
    data_hash: str | None
    hash_now: str
    code_version: str
    counts: Mapping[str, int]
    offsets: Mapping[str, int]
    withheld: frozenset[str]
    held: Mapping[str, int | None]
    """The cells that repeat an earlier release, each with what that one says."""
    organisations: Mapping[int, Organisation]
    values: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How a release compares with itself made anew. Digests are SHA-256 of the cells as one file, in hexadecimal."""

    number: int
    code_version: str
    cells: int
    public: str
    from_kept: str
    from_records: str
    differing: int
    sound: bool
    """Whether what is public is what was audited and approved."""

    @property
    def identical(self) -> bool:
        return self.sound and self.public == self.from_kept == self.from_records


def rebuild(store: Store, key: bytes, number: int) -> Rebuilt:
    """Make a release again and compare. Raises NotFound for a number that was never released."""
    kept = read(store, key, number)
    made: dict[str, int | None] = {
        name: rounding.rounded(count, kept.offsets[name]) for name, count in kept.counts.items()
    }
    blanks = {name: None for name, value in kept.values.items() if value is None}
    again = recount(store, kept)
    public, from_kept, from_records = as_file(kept.values), as_file(made | blanks | dict(kept.held)), as_file(again)
    differing = sum(again.get(name, -1) != kept.values.get(name, -1) for name in again.keys() | kept.values.keys())
    sound = kept.data_hash in (None, kept.hash_now)
    return Rebuilt(
        number=number,
        code_version=kept.code_version,
        cells=len(kept.values),
        public=hashlib.sha256(public).hexdigest(),
        from_kept=hashlib.sha256(from_kept).hexdigest(),
        from_records=hashlib.sha256(from_records).hexdigest(),
        differing=differing,
        sound=sound,
    )


def as_file(values: Mapping[str, int | None]) -> bytes:
    """Cells and their published numbers, one a line, in the order of their names."""
    return "".join(f"{name},{'' if value is None else value}\n" for name, value in sorted(values.items())).encode()


def read(store: Store, key: bytes, number: int) -> Kept:
    """What was kept of a release. Raises NotFound; ValueError where a kept offset is not the one that the key gives."""
    with store.readonly(role=NATIONAL) as connection:
        head = connection.execute(
            select(publication).join(released, released.c.id == publication.c.id).where(released.c.number == number)
        ).one_or_none()
        if head is None:
            raise NotFound
        counts, offsets, withheld = _exact(connection, key, head.id)
        rules = {name: value for name, value in head.rules.items() if name in CountingRules.model_fields}
        return Kept(
            number=number,
            cut_at=head.cut_at,
            counted_to=head.counted_to or head.cut_at,
            rules=CountingRules.model_validate(rules),
            data_hash=head.data_hash,
            hash_now=released_hash(connection, head.id),
            code_version=head.code_version,
            counts=counts,
            offsets=offsets,
            withheld=withheld,
            held=dict(connection.execute(_HELD, {"release": head.id}).all()),
            organisations=_register(connection, head.id),
            values=dict(
                connection.execute(select(cell.c.cell_id, cell.c.value).where(cell.c.release_id == head.id)).all()
            ),
        )


# What the named release says; of one that does not have the cell, a number that no cell can have.
_HELD = text(
    """
    select c.cell_id, case when e.cell_id is null then -1 else e.value end
      from published.cell c
      left join published.release r on r.number = c.held_from
      left join published.cell e on e.release_id = r.id and e.cell_id = c.cell_id and e.held_from is null
     where c.release_id = :release and c.held_from is not null
    """
)


def _exact(connection: Connection, key: bytes, ident: UUID) -> tuple[dict[str, int], dict[str, int], frozenset[str]]:
    """The counts and the offsets by cell, and which cells are withheld."""
    e, o = exact_cell.c, cell_offset.c
    owner = func.coalesce(e.offset_of, e.cell_id)
    query = select(e.cell_id, e.count, o.attempt, o.offset, o.cell_id.label("owner")).join(
        cell_offset, (o.cell_id == owner) & (o.attempt == e.attempt)
    )
    rows = connection.execute(query.where(e.publication_id == ident)).all()
    if any(rounding.offset(key, row.owner, row.attempt) != row.offset for row in rows):
        raise ValueError("an offset that was kept is not the one that the key gives: is it another key?")
    return (
        {row.cell_id: row._mapping["count"] for row in rows},
        {row.cell_id: row.offset for row in rows},
        frozenset(connection.scalars(select(e.cell_id).where(e.publication_id == ident, e.attempt == WITHHELD))),
    )


def _register(connection: Connection, ident: UUID) -> dict[int, Organisation]:
    names = [each.name for each in fields(Organisation)]
    known = [name for name in names if name in kept_organisation.c]
    query = select(*(kept_organisation.c[name] for name in known)).where(kept_organisation.c.publication_id == ident)
    return {row.id: Organisation(**row._mapping) for row in connection.execute(query)}


# --- the records as they were


def recount(store: Store, kept: Kept) -> dict[str, int | None]:
    """Every cell counted anew from the records as at the cut, rounded with the kept offsets. Nothing that stands is touched."""
    with store.transaction(role=JOBS) as connection, connection.begin_nested() as all_of_it:
        with _as_at_the_cut(connection, kept):
            counting.count(connection, kept.rules, kept.cut_at)
            months = exact.read_months(connection, kept.organisations)
        all_of_it.rollback()
    found = cells.entries(months, kept.organisations.values(), kept.rules.independent_minimum_providers)
    later = {split for split in COUNTED_LATER if not any(f"/{split}/" in name for name in kept.values)}
    return dict(_values((each for each in found if each.cell.split not in later), kept))


def _values(found: Iterable[Entry], kept: Kept) -> Iterator[tuple[str, int | None]]:
    for entry in found:
        name = entry.cell.id
        if name in kept.held:
            yield name, kept.held[name]
        elif entry.count is None or name in kept.withheld:
            yield name, None
        else:
            yield name, rounding.rounded(entry.count, kept.offsets[name]) if name in kept.offsets else -1


PAST = ("records", "linkage", "figures", "register")


@contextmanager
def _as_at_the_cut(connection: Connection, kept: Kept) -> Iterator[None]:
    """Statements that name our tables read and write those of this session instead: the past of records, register and pairs, and empty
    tables of figures. They go with the transaction."""
    for statement in (*_views(kept.counted_to), *_other_tables(connection, kept.counted_to)):
        connection.execute(text(statement))
    _put_register(connection, kept.organisations.values())

    def renamed(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> tuple[str, Any]:
        for schema in PAST:
            statement = statement.replace(f"{schema}.", "pg_temp.")
        return statement, parameters

    event.listen(connection, "before_cursor_execute", renamed, retval=True)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", renamed)


def _views(cut: datetime) -> Iterator[str]:
    at = f"timestamptz '{cut.isoformat()}'"
    yield f"create temp view pair as {_PAIRS.format(at=at)}"
    for kind in RecordKind:
        yield f"create temp view {kind.value}_record as {_record_view(kind, at)}"
        yield (
            f"create temp view {kind.value}_version as select * from records.{kind.value}_version where recorded_at <= {at}"  # noqa: S608 (our own tables, and a time)
        )


REPLACED = {"pair", "organisation", *(f"{kind.value}_{part}" for kind in RecordKind for part in ("record", "version"))}


def _other_tables(connection: Connection, cut: datetime) -> Iterator[str]:
    """All else that counting reads or writes: what is only ever added to, up to the cut; of what it writes an empty table."""
    for table in metadata.sorted_tables:
        name = table.fullname
        if table.name in REPLACED or table.schema not in PAST:
            continue
        if name == "register.job_mark" or (table.schema == "figures" and _may(connection, name, "insert")):
            yield f"create temp table {table.name} (like {name} including defaults including indexes) on commit drop"
        elif _may(connection, name, "select"):
            until = f" where at <= timestamptz '{cut.isoformat()}'" if "at" in table.c else ""
            yield f"create temp view {table.name} as select * from {name}{until}"  # noqa: S608 (our own table, and a time)


def _may(connection: Connection, name: str, what: str) -> bool:
    asked = text("select has_table_privilege(cast(:name as text), :what)")
    return bool(connection.scalar(asked, {"name": name, "what": what}))


def _record_view(kind: RecordKind, at: str) -> str:
    """The record with the version and the standing that it had at a time."""
    case = kind is RecordKind.CASE
    past = {"withdrawn_at", "attributed_id", "attribution", "attribution_since"} if case else {"withdrawn_at"}
    columns = []
    for column in RECORD[kind].columns:
        if column.name == "version":
            columns.append("v.version")
        elif column.name in past:
            columns.append(f"case when p.id is null then r.{column.name} else p.{column.name} end as {column.name}")
        else:
            columns.append(f"r.{column.name}")
    version, record = VERSION[kind].name, RECORD[kind].name
    return (
        f"select {', '.join(columns)} from records.{record} r "  # noqa: S608 (our own tables and columns, and a time)
        f"join lateral (select max(version) as version from records.{version} v where (v.tenant_id, v.record_id) = (r.tenant_id, r.id) "
        f"and v.recorded_at <= {at}) v on v.version is not null "
        f"left join lateral (select * from records.record_past p where (p.tenant_id, p.record_id) = (r.tenant_id, r.id) "
        f"and p.until > {at} order by p.until, p.id limit 1) p on true where r.added_at <= {at}"
    )


# A pair as it was: where it changed or went since, the first that is kept of it after the cut.
_PAIRS = """
    select distinct on (first_tenant_id, first_case_id, second_tenant_id, second_case_id)
           id, first_tenant_id, first_case_id, second_tenant_id, second_case_id, days_apart, state, found_at
    from (
        select gen_random_uuid() as id, first_tenant_id, first_case_id, second_tenant_id, second_case_id, days_apart, state,
               found_at, until
        from linkage.pair_past where until > {at}
        union all
        select id, first_tenant_id, first_case_id, second_tenant_id, second_case_id, days_apart, state, found_at, 'infinity'
        from linkage.pair
    ) held
    where found_at <= {at}
    order by first_tenant_id, first_case_id, second_tenant_id, second_case_id, until
"""


def _put_register(connection: Connection, organisations: Iterable[Organisation]) -> None:
    connection.execute(
        text("create temp table organisation (like register.organisation including defaults) on commit drop")
    )
    names = [column.name for column in kept_organisation.columns if column.name != "publication_id"]
    marks = ", ".join(f":{name}" for name in names)
    rows = [{name: getattr(each, name) for name in names} for each in organisations]
    statement = f"insert into pg_temp.organisation ({', '.join(names)}) values ({marks})"  # noqa: S608 (our own columns)
    connection.execute(text(statement), rows)
