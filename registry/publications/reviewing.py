"""What a draft holds and what it changes: for the people who decide on its release. Protected figures only."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, select, text

from registry.errors import NotFound
from registry.publications.published import Release
from registry.publications.transitions import OPEN
from registry.store.releases import approval
from registry.store.tables import publication


@dataclass(frozen=True, slots=True)
class Head:
    """One publication: its state, and who did what when."""

    id: UUID
    number: int
    state: str
    title: str
    note: str
    cut_at: datetime
    code_version: str
    data_hash: str | None
    embargo_until: datetime | None
    prepared_by: UUID | None
    prepared_by_name: str
    prepared_at: datetime
    released_by_name: str | None
    released_at: datetime | None

    @property
    def open(self) -> bool:
        """Not public yet, and not discarded."""
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class Approval:
    name: str
    approved_at: datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """How many cells differ from the latest release: such as were not in it, differ from it, are as in it, are no longer there; and how
    many repeat an earlier release because their revision would tell too much."""

    new: int
    changed: int
    same: int
    gone: int
    held: int


@dataclass(frozen=True, slots=True)
class TrustChange:
    """A trust's financial year whose protected count of cases differs from the latest release; `None` is a blank."""

    code: str
    name: str
    year: date
    before: int | None
    after: int | None


def heads(connection: Connection, limit: int = 20) -> tuple[Head, ...]:
    """The latest publications, newest first; discarded ones are left out."""
    columns = (publication.c[name] for name in Head.__slots__)
    query = (
        select(*columns).where(publication.c.state != "discarded").order_by(publication.c.number.desc()).limit(limit)
    )
    return tuple(Head(*row) for row in connection.execute(query))


def head(connection: Connection, publication_id: UUID) -> Head:
    """One publication. Raises NotFound."""
    columns = (publication.c[name] for name in Head.__slots__)
    row = connection.execute(select(*columns).where(publication.c.id == publication_id)).one_or_none()
    if row is None:
        raise NotFound
    return Head(*row)


def approvals(connection: Connection, publication_id: UUID) -> tuple[Approval, ...]:
    """Who has approved a publication, in order."""
    c = approval.c
    query = select(c.name, c.approved_at).where(c.publication_id == publication_id).order_by(c.approved_at, c.name)
    return tuple(Approval(*row) for row in connection.execute(query))


def draft(connection: Connection, publication_id: UUID) -> Release:
    """What is not public yet as the release that it would be. Raises NotFound for what is public or discarded."""
    query = select(publication).where(publication.c.id == publication_id, publication.c.state.in_(OPEN))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound
    return Release(
        id=row.id, number=row.number, title=row.title, as_at=row.cut_at, released_at=row.prepared_at,
        definition=row.definition, grid_version=row.grid_version, rules=row.rules,
        prepared_by_name=row.prepared_by_name, released_by_name="", draft=True,
    )  # fmt: skip


COMPARED = text(
    """
    select count(*) filter (where before.cell_id is null and after.cell_id is not null),
           count(*) filter (where (before.value, before.state) is distinct from (after.value, after.state)
                            and before.cell_id is not null and after.cell_id is not null),
           count(*) filter (where (before.value, before.state) is not distinct from (after.value, after.state)
                            and before.cell_id is not null and after.cell_id is not null),
           count(*) filter (where after.cell_id is null),
           count(*) filter (where after.held_from is not null)
    from (select * from release.draft_cell where publication_id = :draft) after
    full join (
        select c.* from published.cell c join published.release r on r.id = c.release_id where r.latest
    ) before using (cell_id)
    """
)

YEARS = text(
    """
    select after.geography, p.name, after.period, before.value, after.value
    from release.draft_cell after
    join release.draft_place p
        on (p.publication_id, p.geography_kind, p.geography) = (after.publication_id, 'trust', after.geography)
    join (
        select c.* from published.cell c join published.release r on r.id = c.release_id where r.latest
    ) before using (cell_id)
    where after.publication_id = :draft and after.geography_kind = 'trust' and after.period_kind = 'financial_year'
      and after.split = 'total' and after.quantity = 'hat_cases' and before.value is distinct from after.value
    order by p.name, after.period
    """
)


def changes(connection: Connection, publication_id: UUID) -> Changes:
    """The cells of a draft against the latest release."""
    return Changes(*connection.execute(COMPARED, {"draft": publication_id}).one())


def trust_changes(connection: Connection, publication_id: UUID) -> tuple[TrustChange, ...]:
    """The trusts whose years a draft changes, by name."""
    return tuple(TrustChange(*row) for row in connection.execute(YEARS, {"draft": publication_id}))
