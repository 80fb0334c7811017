"""A case as its review needs it: who it belongs to, what its dates are, what was found; never what identifies the patient."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB

from registry.cases.number import case_number
from registry.errors import NotFound
from registry.store.desk import consultant_link
from registry.store.records import RECORD, VERSION, derived_columns
from registry.store.tables import organisation
from registry.submissions.keys import Ring, ring_of
from schemas.codelist import Nation
from schemas.dictionary import fields
from schemas.record import RecordKind

_KIND = RecordKind.CASE
_FIELDS = tuple(each.name for each in fields(_KIND) if not each.item.identifying)
_DERIVED = tuple(name for name, _ in derived_columns(_KIND))


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One case. `trust` reported it; `nation` is that of the organisation to which it is attributed, whose rules its review follows.

    `values` has every field that does not identify, typed, and what was derived of them.
    """

    tenant_id: int
    trust_code: str
    trust: str
    case_id: UUID
    local_case_id: str
    attributed_id: int
    attributed: str
    nation: Nation
    attribution: str
    withdrawn: bool
    answered: tuple[datetime, ...]
    """When consultants answered about it."""
    ring: Ring | None
    """The trust's data keys, still wrapped; None where they were destroyed."""
    values: Mapping[str, Any]

    @property
    def number(self) -> str:
        """The registry's own number of the case."""
        return case_number(self.case_id)

    @property
    def age(self) -> int | None:
        age: int | None = self.values["age_at_admission"]
        return age

    @property
    def admitted_on(self) -> date | None:
        """The first day of the index stay."""
        day: date | None = self.values["index_admission_date"]
        return day


_RING = literal_column(ring_of("records.case_record.tenant_id"), JSONB).label("ring")


def reviewed(connection: Connection, tenants: Collection[int], case_id: UUID) -> Reviewed:
    """A case of one of these trusts. Raises NotFound where they have none of this id."""
    record, version = RECORD[_KIND], VERSION[_KIND]
    trust, attributed = organisation.alias("trust"), organisation.alias("attributed")
    answered = (
        select(func.array_agg(consultant_link.c.answered_at))
        .where(
            consultant_link.c.tenant_id == record.c.tenant_id, consultant_link.c.case_id == record.c.id,
            consultant_link.c.answered_at.is_not(None),
        )
        .scalar_subquery()
    )  # fmt: skip
    contents = [version.c[name] for name in (*_FIELDS, *_DERIVED)]
    row = connection.execute(
        select(
            record.c.tenant_id,
            trust.c.code.label("trust_code"),
            trust.c.name.label("trust"),
            record.c.id.label("case_id"),
            record.c.attributed_id,
            attributed.c.name.label("attributed"),
            attributed.c.nation,
            record.c.attribution,
            record.c.withdrawn_at.is_not(None).label("withdrawn"),
            answered.label("answered"),
            _RING,
            *contents,
        )
        .join(version, and_(version.c.tenant_id == record.c.tenant_id, version.c.record_id == record.c.id))
        .join(trust, trust.c.id == record.c.tenant_id)
        .join(attributed, attributed.c.id == record.c.attributed_id)
        .where(record.c.tenant_id.in_(tenants), record.c.id == case_id, version.c.version == record.c.version)
    ).one_or_none()
    if row is None:
        raise NotFound
    held = row._mapping
    return Reviewed(
        tenant_id=row.tenant_id,
        trust_code=row.trust_code,
        trust=row.trust,
        case_id=row.case_id,
        local_case_id=held["local_case_id"],
        attributed_id=row.attributed_id,
        attributed=row.attributed,
        nation=Nation(row.nation),
        attribution=row.attribution,
        withdrawn=row.withdrawn,
        answered=tuple(sorted(row.answered or ())),
        ring=row.ring,
        values={name: held[name] for name in (*_FIELDS, *_DERIVED)},
    )
