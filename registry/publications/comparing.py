"""What differs from the release before, table by table of the grid, and why: of protected numbers only, never by record.

A reason is what can be told from two releases themselves: months that were not there before; months that became final, which moves them
into the totals; a trust that returned, or took back, a month; a count that came or went within months both have (late reports and
corrections of returns); another register (a trust joined, closed, merged, or moved to another region); other definitions. Beside them
what is held: cells that repeat an earlier release, since the audit found that their revision would tell too much.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from registry.publications.published import DRAFT, PUBLISHED, Tables

REASONS = {
    "definition_changed": "The definitions or the numbers they depend on changed.",
    "register_changed": "The register of organisations changed: trusts joined, closed, merged or belong to another region.",
    "new_periods": "Months or years were added.",
    "became_final": "Months matured: what was provisional became final and entered the totals.",
    "returns_came": "Trusts sent a return for a month that had none, or took one back.",
    "returns_revised": "Late reports and corrections changed counts of months that were published before.",
    "held": "Some counts repeat an earlier release: beside what is public, their revision would tell too much. They follow once it does not.",
}
"""The reasons as people read them, in this order."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One table of the grid against the release before: so many published cells are new, differ, are gone, became final, are held."""

    quantity: str
    geography_kind: str
    period_kind: str
    split: str
    new: int
    changed: int
    gone: int
    became_final: int
    reasons: tuple[str, ...]
    held: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(words for reason, words in REASONS.items() if reason in self.reasons)


# `:later` and `:earlier` are releases; each table is compared by the names of its cells.
_COMPARED = """
    with later as (select * from {later} where {later_key} = :later),
         earlier as (select * from {earlier} where {earlier_key} = :earlier),
         heads as (
             select ({later_head}) is distinct from
                    (select row(definition, grid_version, rules - 'opt_out_in_force') from published.release where id = :earlier)
                    as differ
         ),
         register as (
             select exists (
                 (select geography_kind, geography, region, closed_on from {later_places} where {later_key} = :later
                  except select geography_kind, geography, region, closed_on from {earlier_places} where {earlier_key} = :earlier)
                 union all
                 (select geography_kind, geography, region, closed_on from {earlier_places} where {earlier_key} = :earlier
                  except select geography_kind, geography, region, closed_on from {later_places} where {later_key} = :later)
             ) as differs
         ),
         held as (select distinct period_kind, period from earlier),
         both_of as (
             select coalesce(b.quantity, a.quantity) as quantity,
                    coalesce(b.geography_kind, a.geography_kind) as geography_kind,
                    coalesce(b.period_kind, a.period_kind) as period_kind, coalesce(b.split, a.split) as split,
                    a.cell_id is null as new, b.cell_id is null as gone,
                    a.cell_id is not null and b.cell_id is not null
                        and (a.value, a.state) is distinct from (b.value, b.state) as changed,
                    a.provisional and not b.provisional as final_now,
                    a.state is distinct from b.state as other_state, b.held_from is not null as repeats,
                    b.cell_id is not null and held.period is null as added
             from earlier a full join later b using (cell_id)
                  left join held on (held.period_kind, held.period) = (b.period_kind, b.period)
         )
    select quantity, geography_kind, period_kind, split,
           count(*) filter (where new) as new, count(*) filter (where changed) as changed,
           count(*) filter (where gone) as gone, count(*) filter (where final_now) as became_final,
           array_remove(array[
               case when (select differ from heads) then 'definition_changed' end,
               case when (select differs from register)
                         and bool_or(new and not added or gone or changed) then 'register_changed' end,
               case when bool_or(added) then 'new_periods' end,
               case when bool_or(final_now) then 'became_final' end,
               case when bool_or(changed and other_state) then 'returns_came' end,
               case when bool_or(changed and not other_state) then 'returns_revised' end,
               case when bool_or(repeats) then 'held' end
           ], null) as reasons,
           count(*) filter (where repeats) as held
    from both_of
    group by quantity, geography_kind, period_kind, split
    having bool_or(new or changed or gone or final_now or repeats)
    order by geography_kind, period_kind, quantity, split
"""
_DRAFT_HEAD = (
    "select row(definition, grid_version, rules - 'opt_out_in_force') from release.publication where id = :later"
)


def compared(later: Tables, earlier: Tables) -> str:
    """The SQL of all tables that differ between `:later` and `:earlier`. Both read as one role may; a draft's head stands in `release`."""
    return _COMPARED.format(
        later=later.cells.fullname,
        later_key=later.key,
        later_places=later.places.fullname,
        later_head=_DRAFT_HEAD,
        earlier=earlier.cells.fullname,
        earlier_key=earlier.key,
        earlier_places=earlier.places.fullname,
    )


def _revision(row: Row[Any]) -> Revision:
    return Revision(**(row._asdict() | {"reasons": tuple(row.reasons)}))


def against_latest(connection: Connection, draft_id: UUID) -> tuple[Revision, ...]:
    """A draft against the latest release, under `hat_national`; nothing before the first."""
    latest = connection.scalar(text("select id from published.release where latest"))
    if latest is None:
        return ()
    rows = connection.execute(text(compared(DRAFT, PUBLISHED)), {"later": draft_id, "earlier": latest})
    return tuple(_revision(row) for row in rows)


_KEEP = """
    insert into published.revision (
        release_id, quantity, geography_kind, period_kind, split, new, changed, gone, became_final, reasons, held
    )
    select cast(:later as uuid), * from ({compared}) compared
"""


def keep_revisions(connection: Connection, release_id: UUID) -> None:
    """Write down how a release, just published, differs from the one before it; nothing for the first."""
    before = connection.scalar(
        text("select id from published.release where id <> :later order by number desc limit 1"), {"later": release_id}
    )
    if before is not None:
        kept = _KEEP.format(compared=compared(PUBLISHED, PUBLISHED))
        connection.execute(text(kept), {"later": release_id, "earlier": before})


_REVISIONS = text(
    """
    select quantity, geography_kind, period_kind, split, new, changed, gone, became_final, reasons, held
    from published.revision where release_id = :release order by geography_kind, period_kind, quantity, split
    """
)


def revisions(connection: Connection, release_id: UUID) -> tuple[Revision, ...]:
    """The revisions list of a release, as the public role reads it."""
    rows = connection.execute(_REVISIONS, {"release": release_id})
    return tuple(_revision(row) for row in rows)
