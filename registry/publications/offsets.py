"""The offsets of the cells: drawn once, stored, and drawn again only for a cell that failed an audit before it was ever published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, or_, select, text, update

from registry.disclosure import rounding
from registry.publications.digests import draft_hash
from registry.publications.rows import copy_rows
from registry.store.tables import cell, cell_offset, draft_cell, exact_cell, publication


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


def rekey(connection: Connection, publication_id: UUID, key: bytes, names: Sequence[str]) -> int:
    """Give cells of a draft another offset, round them anew with all that share it, and take down what the figures are now.

    For cells that fail the audit before their first publication: an offset that was published with stays. Gives how many were drawn.
    """
    c, held = exact_cell.c, stored_offsets(connection)
    mine = c.publication_id == publication_id
    owner = func.coalesce(c.offset_of, c.cell_id)
    published = select(cell.c.cell_id).where(cell.c.cell_id == owner)
    owners = connection.scalars(select(owner).where(mine, c.cell_id.in_(list(names)), ~published.exists()).distinct())
    new = {name: _after(key, name, held[name]) for name in sorted(owners)}
    if not new:
        return 0
    _store(connection, new)
    for cell_id, count, name in connection.execute(select(c.cell_id, c.count, owner).where(mine, owner.in_(new))).all():
        drawn = new[name]
        shown = (draft_cell.c.publication_id == publication_id) & (draft_cell.c.cell_id == cell_id)
        shown &= draft_cell.c.held_from.is_(None)
        connection.execute(update(draft_cell).where(shown).values(value=rounding.rounded(count, drawn.drawn)))
        connection.execute(update(exact_cell).where(mine, c.cell_id == cell_id).values(attempt=drawn.attempt))
    hashed = draft_hash(connection, publication_id)
    connection.execute(update(publication).where(publication.c.id == publication_id).values(data_hash=hashed))
    return len(new)


def published(connection: Connection, names: Sequence[str]) -> list[str]:
    """Those of the names under which something was published, if only a blank: in order."""
    return sorted(connection.scalars(select(cell.c.cell_id).where(cell.c.cell_id.in_(list(names))).distinct()))


def new_beside(connection: Connection, publication_id: UUID, names: Sequence[str]) -> dict[str, list[str]]:
    """For each name of a trust's cell the cells of its financial year in a draft that no release has had."""
    rows = connection.execute(_NEW_BESIDE, {"draft": publication_id, "names": list(names)})
    found: dict[str, list[str]] = {}
    for name, other in rows:
        found.setdefault(name, []).append(other)
    return found


_NEW_BESIDE = text(
    """
    with failing as (
        select distinct cell_id, quantity, geography,
               (date_trunc('year', period - interval '3 months') + interval '3 months')::date as year
          from published.cell where cell_id = any(:names) and geography_kind = 'trust'
    )
    select f.cell_id, d.cell_id
      from failing f join release.draft_cell d
        on d.publication_id = :draft and d.geography_kind = 'trust' and d.geography = f.geography and d.quantity = f.quantity
       and d.period_kind = 'financial_year' and d.period = f.year and d.state = 'counted'
     where not exists (select from published.cell p where p.cell_id = d.cell_id)
     order by 1, 2
    """
)


def withhold(connection: Connection, publication_id: UUID, names: Sequence[str]) -> int:
    """Withhold cells of a draft, and take down what the figures are now; gives how many cells.

    For cells that fail the audit and that no other offset helps. Of a split its parts are withheld: without them a total can no longer be
    worked back. Of a trust whose total fails, its whole financial year is: so few cases that its months and its year tell each other's.
    What is withheld has no attempt. Totals of regions stay; one that fails stands against the figures.
    """
    mine = draft_cell.c.publication_id == publication_id
    shown = mine & (draft_cell.c.state == "counted") & draft_cell.c.held_from.is_(None)
    parts = draft_cell.c.cell_id.in_(list(names)) & (draft_cell.c.split != "total")
    whole = [
        _year_of_trust(*row) for row in connection.execute(_TOTALS, {"draft": publication_id, "names": list(names)})
    ]
    blank = (
        update(draft_cell)
        .where(shown, or_(parts, *whole))
        .values(value=None, state="suppressed")
        .returning(draft_cell.c.cell_id)
    )
    gone = list(connection.scalars(blank))
    if gone:
        counted = (exact_cell.c.publication_id == publication_id) & exact_cell.c.cell_id.in_(gone)
        connection.execute(update(exact_cell).where(counted).values(attempt=WITHHELD))
        hashed = draft_hash(connection, publication_id)
        connection.execute(update(publication).where(publication.c.id == publication_id).values(data_hash=hashed))
    return len(gone)


_TOTALS = text(
    """
    select distinct quantity, geography, (date_trunc('year', period - interval '3 months') + interval '3 months')::date
      from release.draft_cell
     where publication_id = :draft and cell_id = any(:names) and split = 'total' and geography_kind = 'trust'
    """
)


def _year_of_trust(quantity: str, geography: str, begin: date) -> ColumnElement[bool]:
    """All cells of one trust in the financial year that begins on a day."""
    c = draft_cell.c
    end = begin.replace(year=begin.year + 1)
    place = (c.quantity == quantity) & (c.geography_kind == "trust") & (c.geography == geography)
    return place & (c.period >= begin) & (c.period < end)


WITHHELD = -1
"""The attempt of a cell that is withheld."""


def _after(key: bytes, name: str, held: Offset) -> Offset:
    """The next attempt that gives another offset: one that gives the same would change nothing."""
    attempt = held.attempt + 1
    while (drawn := rounding.offset(key, name, attempt)) == held.drawn:
        attempt += 1
    return Offset(attempt, drawn)


def used(connection: Connection, publication_id: UUID) -> dict[str, int]:
    """The offset with which each cell of a publication was rounded."""
    c, o = exact_cell.c, cell_offset.c
    same = (o.cell_id == func.coalesce(c.offset_of, c.cell_id)) & (o.attempt == c.attempt)
    query = select(c.cell_id, o.offset).join(cell_offset, same).where(c.publication_id == publication_id)
    return dict(connection.execute(query).all())
