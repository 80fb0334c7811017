"""The rows of one submission on their way in: sealed, copied to a temporary table, ready for one set-wise upsert.

COPY is refused on a table with row-level security, so rows go to a temporary table that is dropped with the transaction; for few
rows to one that the session keeps and that is emptied with it, since making and dropping tables costs more than some hundred rows.
Dates and moments travel as whole numbers, which either side writes or reads in a fifth of the time; a view gives them
their types again.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import orjson
import polars as pl
from sqlalchemy import Connection, Date, DateTime, text
from sqlalchemy.dialects import postgresql

from ingest.check import FEW_ROWS, ROW, WITHDRAWAL
from registry import identifiers
from registry.store import copy_in
from registry.store.prepared import Prepared
from registry.store.records import MATCH_COLUMNS, VERSION, column_of, derived_columns
from registry.submissions.keys import TenantKeys
from schemas.dictionary import Field, fields, key
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Scope

ROWS = "staged_rows"
STAGING = "staged"
BRIEF = "brief"
MET = "met"
FEW = 5_000
"""Of so many rows nothing need be known to find a good way to them."""
CONTENT_MAC = "content_mac"
MATCHED = "nhs_number"

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves its constructor untyped
_BETWEEN = "\x1f"
_NOTHING = "\x00"
BLOCK_ROWS = 2_000
ASKED_LATER: Mapping[RecordKind, tuple[str, ...]] = {RecordKind.RCA: ("missed_dose_reasons",)}
"""Clear fields that came to the dataset when records had been stored already. They end the clear part of a row, and empty they are not
part of its digest: a record that was stored before, sent again as it was, is unchanged."""


def content_columns(kind: RecordKind) -> tuple[str, ...]:
    """The columns of a version that come from the sender or are derived from what came."""
    return (*_clear_columns(kind), *(column_of(each) for each in identifying(kind)))


def identifying(kind: RecordKind) -> tuple[Field, ...]:
    return tuple(each for each in fields(kind) if each.item.identifying)


def _clear_columns(kind: RecordKind) -> tuple[str, ...]:
    later = ASKED_LATER.get(kind, ())
    clear = (each.name for each in fields(kind) if not each.item.identifying and each.name not in later)
    return (*clear, *(name for name, _ in derived_columns(kind)), *later)


def _match_columns(kind: RecordKind) -> tuple[str, ...]:
    return MATCH_COLUMNS if any(each.name == MATCHED for each in identifying(kind)) else ()


def staged_columns(kind: RecordKind) -> tuple[str, ...]:
    """In the order in which `block` writes them."""
    return (*content_columns(kind), *_match_columns(kind), CONTENT_MAC, ROW)


# What the session keeps is of one kind, which stands beside it as a comment.
_KEPT = Prepared("select obj_description(to_regclass('pg_temp.staged_rows'), 'pg_class') as kind")


def create(connection: Connection, kind: RecordKind, *, few: bool = False) -> None:
    """An empty temporary table for the rows and a view of them in their types, gone or emptied at the end of the transaction.

    `few`: there will be at most `FEW` rows.
    """
    [kept] = _KEPT(connection)
    if few and kept.kind == kind.value:
        return
    if kept.kind is not None:
        connection.execute(text(f"drop table if exists {MET}, {BRIEF}, {ROWS} cascade"))
    _make(connection, kind, at_end="delete rows" if few else "drop")
    if few:
        connection.execute(text(f"create temp table {BRIEF} on commit delete rows as {_briefly(kind)} with no data"))
        connection.execute(text(f"comment on table {ROWS} is '{kind.value}'"))


def _make(connection: Connection, kind: RecordKind, *, at_end: str) -> None:
    # Every row brings the id that its record will have if it is a new one.
    own = [f'"{ROW}" integer', "record_id uuid not null default records.uuid7()"]
    keyed = [f"{name} bytea" for name in (CONTENT_MAC, *_match_columns(kind))]
    content = {
        name: _held(kind, name) for name in sorted(content_columns(kind), key=lambda name: name not in _brief(kind))
    }
    typed = [f'"{name}" {held}' for name, (held, _) in content.items()]
    connection.execute(text(f"create temp table {ROWS} ({', '.join([*own, *keyed, *typed])}) on commit {at_end}"))
    shown = [f'{as_typed} as "{name}"' for name, (_, as_typed) in content.items()]
    others = [f'"{ROW}"', "record_id", CONTENT_MAC, *_match_columns(kind)]
    # The view falls with its table.
    connection.execute(text(f"create temp view {STAGING} as select {', '.join([*others, *shown])} from {ROWS}"))


def _held(kind: RecordKind, name: str) -> tuple[str, str]:
    """The SQL type in which a column is staged, and the expression that gives it its own type."""
    held = VERSION[kind].c[name].type
    if isinstance(held, Date):
        return "integer", f"date '1970-01-01' + \"{name}\""
    if isinstance(held, DateTime):
        # A double holds the microseconds of any year up to 2255 exactly.
        return "bigint", f'to_timestamp("{name}" / 1e6::float8)'
    return held.compile(_DIALECT), f'"{name}"'


@cache
def _brief(kind: RecordKind) -> tuple[str, ...]:
    """The columns of a version that are looked at before it is written; they come first, as a row is unpacked in order."""
    rules = (rule for rule in CATALOGUE if rule.scope is Scope.REGISTER and kind.value in rule.kinds)
    looked_at = {*key(kind), *(name for rule in rules for name in rule.fields), WITHDRAWAL}
    looked_at |= {name for name, _ in derived_columns(kind)}
    return tuple(name for name in content_columns(kind) if name in looked_at)


def fill(connection: Connection, kind: RecordKind, blocks: Iterator[bytes], *, few: bool = False) -> None:
    """COPY prepared blocks into the temporary table; then what is asked of the rows several times goes to `brief`."""
    for each in blocks:
        # One COPY a batch: each stays far below the statement timeout, however large the file.
        copy_in(connection, _copying(kind), [each])
    if few:
        _filling(kind)(connection)
        return
    connection.execute(text(f"create temp table {BRIEF} on commit drop as {_briefly(kind)}"))
    # Only what is joined on, by a small sample: its values are all different.
    connection.execute(text("set local default_statistics_target = 10"))
    connection.execute(text(f'analyze {ROWS} ("{ROW}")'))
    joined = ", ".join(f'"{name}"' for name in (ROW, *key(kind)))
    connection.execute(text(f"analyze {BRIEF} ({joined})"))


@cache
def _copying(kind: RecordKind) -> str:
    columns = ", ".join(f'"{name}"' for name in staged_columns(kind))
    return f"copy {ROWS} ({columns}) from stdin (format csv)"


@cache
def _briefly(kind: RecordKind) -> str:
    names = ", ".join(f'"{name}"' for name in (ROW, "record_id", CONTENT_MAC, *_match_columns(kind), *_brief(kind)))
    return f"select {names} from {STAGING}"


@cache
def _filling(kind: RecordKind) -> Prepared:
    return Prepared(f"insert into {BRIEF} {_briefly(kind)}")


def among(connection: Connection, rows: Sequence[int]) -> list[int]:
    """Which of these rows are staged and still stand."""
    if not rows:
        return []
    return list(
        connection.execute(
            text(f'select "{ROW}" from {BRIEF} where "{ROW}" = any(:rows)'), {"rows": list(rows)}
        ).scalars()
    )


def blocks(frame: pl.DataFrame, kind: RecordKind, tenant_id: int, keys: TenantKeys) -> Iterator[bytes]:
    """Typed rows as COPY's CSV, some thousand at a time: what is made on the way is several times as large as the rows."""
    for start in range(0, frame.height, BLOCK_ROWS):
        yield block(frame.slice(start, BLOCK_ROWS), kind, tenant_id, keys)


def block(frame: pl.DataFrame, kind: RecordKind, tenant_id: int, keys: TenantKeys) -> bytes:
    """Typed rows as COPY's CSV: what is clear as it is, then what identifies, sealed at its place, then the content's digest.

    The clear part is printed once, for COPY and for the digest; no clear field can hold a line break.
    """
    if frame.height <= FEW_ROWS:
        return _few_lines(frame, kind, tenant_id, keys)
    clear, columns = _prepared(frame, kind, tenant_id, keys)
    in_hex = ((pl.lit("\\x") + pl.col(each.name).bin.encode("hex")).alias(each.name) for each in columns)
    whole = pl.DataFrame([clear, *columns]).select(pl.first(), *in_hex).hstack([frame[ROW]])
    return whole.write_csv(include_header=False, quote_style="never").encode()


def document(frame: pl.DataFrame, kind: RecordKind, tenant_id: int, keys: TenantKeys) -> str:
    """The same of a few typed rows as one JSON document: a list of objects by column, which `recordset` reads."""
    _, made = _few_made(frame, kind, tenant_id, keys)
    rows = frame.select(ROW, *_clear_columns(kind)).to_dicts()
    for number, row in enumerate(rows):
        row |= {name: _hex(column[number]) for name, column in made.items()}
    return orjson.dumps(rows).decode()


def _few_lines(frame: pl.DataFrame, kind: RecordKind, tenant_id: int, keys: TenantKeys) -> bytes:
    """What `block` gives, of few rows."""
    clear, made = _few_made(frame, kind, tenant_id, keys)
    columns = [[_hex(cell) or "" for cell in each] for each in made.values()]
    rows = map(str, frame[ROW].to_list())
    return "".join(",".join(line) + "\n" for line in zip(clear, *columns, rows, strict=True)).encode()


def _few_made(
    frame: pl.DataFrame, kind: RecordKind, tenant_id: int, keys: TenantKeys
) -> tuple[list[str], dict[str, Sequence[bytes | None]]]:
    """As `_prepared`, of few rows, of which it costs less cell by cell than an expression does."""
    clear = _clear(frame, kind)
    lines = clear.write_csv(include_header=False)[:-1].split("\n")
    hidden = frame.select(pl.col(each.name).cast(pl.String) for each in identifying(kind))
    before = _before(clear, pl.Series("line", lines), kind).to_list() if kind in ASKED_LATER else lines
    contents = [
        _BETWEEN.join([line, *(_NOTHING if cell is None else cell for cell in of)]).encode()
        for line, of in zip(before, hidden.rows() or [()] * frame.height, strict=True)
    ]
    made = dict(_sealed(frame, hidden, kind, tenant_id, keys))
    return lines, made | {CONTENT_MAC: identifiers.macs(keys.content, contents)}


def _hex(cell: bytes | None) -> str | None:
    """Bytes as Postgres reads them."""
    return None if cell is None else f"\\x{cell.hex()}"


@cache
def recordset(kind: RecordKind) -> str:
    """The SQL of the rows of the document `:rows`, typed as the view of staged rows is."""
    keyed = [f"{name} bytea" for name in (CONTENT_MAC, *_match_columns(kind))]
    content = [f'"{name}" {VERSION[kind].c[name].type.compile(_DIALECT)}' for name in content_columns(kind)]
    columns = ", ".join([f'"{ROW}" integer', *keyed, *content])
    return f"jsonb_to_recordset(cast(:rows as jsonb)) as sent({columns})"


def _prepared(
    frame: pl.DataFrame, kind: RecordKind, tenant_id: int, keys: TenantKeys
) -> tuple[pl.Series, list[pl.Series]]:
    """The clear part of each row as a line, and the columns that are made: sealed cells, match keys, the content's digest."""
    clear = _clear(frame, kind)
    lines = _lines(clear)
    hidden = frame.select(pl.col(each.name).cast(pl.String) for each in identifying(kind))
    digests = identifiers.macs(keys.content, _contents(_before(clear, lines, kind), hidden))
    made = {**dict(_sealed(frame, hidden, kind, tenant_id, keys)), CONTENT_MAC: digests}
    return lines, [pl.Series(name, cells, pl.Binary) for name, cells in made.items()]


def _clear(frame: pl.DataFrame, kind: RecordKind) -> pl.DataFrame:
    schema = frame.schema
    return frame.select(_printed(name, schema[name]) for name in _clear_columns(kind))


def _lines(frame: pl.DataFrame) -> pl.Series:
    """The rows of a frame as lines of CSV."""
    printed = frame.write_csv(include_header=False)
    return pl.Series("line", [printed[:-1]]).str.split("\n").explode()


def _before(clear: pl.DataFrame, lines: pl.Series, kind: RecordKind) -> pl.Series:
    """Each line without the empty cells of what is asked later, as it was before that was asked."""
    line, empty = pl.lit(lines), pl.lit(True)
    for name in reversed(ASKED_LATER.get(kind, ())):
        empty = empty & pl.col(name).is_null()
        line = pl.when(empty).then(line.str.strip_suffix(",")).otherwise(line)
    return clear.select(line.alias("line")).to_series() if kind in ASKED_LATER else lines


def _contents(clear: pl.Series, hidden: pl.DataFrame) -> list[bytes]:
    """All fields of each row in their one typed form, so `01/02/2025` and `2025-02-01` are the same content."""
    cells = pl.concat_str(
        [pl.first(), *(pl.col(name).fill_null(_NOTHING) for name in hidden.columns)], separator=_BETWEEN
    )
    return pl.DataFrame([clear]).hstack(hidden).select(cells.cast(pl.Binary)).to_series().to_list()


def _printed(name: str, dtype: pl.DataType | type[pl.DataType]) -> pl.Expr:
    """A column as it is staged."""
    column = pl.col(name)
    if isinstance(dtype, pl.List):
        return pl.when(column.is_not_null()).then(pl.lit("{") + column.list.join(",") + pl.lit("}")).alias(name)
    if isinstance(dtype, pl.Datetime):
        return column.dt.epoch("us")
    return column.cast(pl.Int32) if dtype == pl.Date else column


def _sealed(
    frame: pl.DataFrame, hidden: pl.DataFrame, kind: RecordKind, tenant_id: int, keys: TenantKeys
) -> Iterator[tuple[str, Sequence[bytes | None]]]:
    """The identifying fields as ciphertext, and the keys that find a person again."""
    record_keys = frame.select(_record_key(kind)).to_series().to_list()
    for each in identifying(kind):
        aads = identifiers.cell_aads(tenant_id, kind.value, record_keys, each.name)
        cells = hidden[each.name].cast(pl.Binary).to_list()
        sealed = identifiers.seal_cells(keys.data, cells, aads, version=keys.version)
        yield column_of(each), sealed
    for name in _match_columns(kind):
        made = identifiers.match_keys(keys.match[name], hidden[MATCHED].to_list()) if name in keys.match else None
        yield name, made or [None] * frame.height


def _record_key(kind: RecordKind) -> pl.Expr:
    """The text that names a record for good; sealed values are bound to it."""
    return pl.concat_str([pl.col(name).cast(pl.String) for name in key(kind)], separator=_BETWEEN)
