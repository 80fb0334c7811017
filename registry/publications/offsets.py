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

    For cells that fail the audit before their first publication: an offset by which a number was published stays. Gives how many were
    drawn.
    """
    c, held = exact_cell.c, stored_offsets(connection)
    mine = c.publication_id == publication_id
    owner = func.coalesce(c.offset_of, c.cell_id)
    owners = list(connection.scalars(select(owner).where(mine, c.cell_id.in_(list(names))).distinct()))
    frozen = set(connection.scalars(_FROZEN, {"owners": owners}))
    new = {name: _after(key, name, held[name]) for name in sorted(owners) if name not in frozen}
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


# Those by which a number was published: of their own cell, or of another that has the same offset.
_FROZEN = text(
    """
    select cell_id from published.cell where cell_id = any(:owners) and value is not null
    union
    select e.offset_of from release.exact_cell e
      join published.cell c on (c.release_id, c.cell_id) = (e.publication_id, e.cell_id)
     where e.offset_of = any(:owners) and c.value is not null
    """
)


def published(connection: Connection, names: Sequence[str], *, blanks: bool = False) -> list[str]:
    """Those of the names under which a number was published, or if only a blank: in order."""
    c = cell.c
    wanted = c.cell_id.in_(list(names)) & (c.value.is_not(None) | blanks)
    return sorted(connection.scalars(select(c.cell_id).where(wanted).distinct()))


def new_beside(connection: Connection, publication_id: UUID, names: Sequence[str]) -> dict[str, list[str]]:
    """For each name of a published cell the cells of trusts in a draft that stand beside it and that no release has had a number of.

    Of a trust its own financial year, which is the sum of months that are public; and of any place what a trust of its region returned late
    for the same period, by which the region's number grew.
    """
    found: dict[str, list[str]] = {}
    for name, other in connection.execute(_NEW_BESIDE, {"draft": publication_id, "names": list(names)}):
        found.setdefault(name, []).append(other)
    return found


_NEW_BESIDE = text(
    """
    with home as (
        select geography, region from release.draft_place where publication_id = :draft and geography_kind = 'trust'
    ), failing as (
        select distinct c.cell_id, c.quantity, c.geography, c.period_kind, c.period, coalesce(home.region, c.geography) as region,
               (date_trunc('year', c.period - interval '3 months') + interval '3 months')::date as year
          from published.cell c left join home on home.geography = c.geography and c.geography_kind = 'trust'
         where c.cell_id = any(:names)
    )
    select f.cell_id, d.cell_id
      from failing f
      join release.draft_cell d on d.publication_id = :draft and d.geography_kind = 'trust' and d.quantity = f.quantity
      join home on home.geography = d.geography
     where d.state = 'counted' and d.held_from is null
       and (d.geography = f.geography and d.period_kind = 'financial_year' and d.period = f.year
            or home.region = f.region and (d.period_kind, d.period) = (f.period_kind, f.period))
       and not exists (select from published.cell p where p.cell_id = d.cell_id and p.value is not null)
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
