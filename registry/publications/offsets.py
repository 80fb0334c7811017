"""The offsets of the cells: drawn once, stored, and drawn again only for a cell that failed an audit before it was ever published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, select, update

from registry.disclosure import rounding
from registry.publications.digests import draft_hash
from registry.publications.rows import copy_rows
from registry.store.tables import cell_offset, draft_cell, exact_cell, publication


@dataclass(frozen=True, slots=True)
class Offset:
    """The offset of a cell, and which attempt at one it is: 0 but for cells that failed an audit before their first publication."""

    attempt: int
    drawn: int


def offsets(connection: Connection, key: bytes, names: Sequence[str]) -> dict[str, Offset]:
    """The offset of each cell; those without one yet get theirs now."""
    known = stored_offsets(connection)
    new = {name: Offset(0, rounding.offset(key, name)) for name in names if name not in known}
    _store(connection, new)
    return known | new


def stored_offsets(connection: Connection) -> dict[str, Offset]:
    """Of every cell that was ever prepared the offset that holds: its last."""
    c = cell_offset.c
    rows = connection.execute(select(c.cell_id, c.attempt, c.offset).order_by(c.attempt))
    return {row.cell_id: Offset(row.attempt, row.offset) for row in rows}


def _store(connection: Connection, new: Mapping[str, Offset]) -> None:
    copy_rows(connection, 'copy release.cell_offset (cell_id, attempt, "offset") from stdin with (format csv)',
          ((name, each.attempt, each.drawn) for name, each in new.items()))  # fmt: skip


def rekey(connection: Connection, publication_id: UUID, key: bytes, names: Sequence[str]) -> None:
    """Give cells of a draft another offset, round them anew, and take down what the figures are now.

    For cells that fail the audit, before their first publication: for one that was published the database refuses it.
    """
    held = stored_offsets(connection)
    counts = _exact_counts(connection, publication_id, names)
    new = {
        name: Offset(held[name].attempt + 1, rounding.offset(key, name, held[name].attempt + 1))
        for name in sorted(counts)
    }
    _store(connection, new)
    for name, each in new.items():
        value = rounding.rounded(counts[name], each.drawn)
        mine = (draft_cell.c.publication_id == publication_id) & (draft_cell.c.cell_id == name)
        connection.execute(update(draft_cell).where(mine).values(value=value))
        kept = (exact_cell.c.publication_id == publication_id) & (exact_cell.c.cell_id == name)
        connection.execute(update(exact_cell).where(kept).values(attempt=each.attempt))
    hashed = draft_hash(connection, publication_id)
    connection.execute(update(publication).where(publication.c.id == publication_id).values(data_hash=hashed))


def _exact_counts(connection: Connection, publication_id: UUID, names: Sequence[str]) -> dict[str, int]:
    c = exact_cell.c
    query = select(c.cell_id, c.count).where(c.publication_id == publication_id, c.cell_id.in_(list(names)))
    return dict(connection.execute(query).all())
