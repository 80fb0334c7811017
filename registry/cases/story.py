"""All that one case has to tell: what stands, how it came to stand so, what happened at the desk and who looked at it.

What identifies is never opened here, only said to be there or not. A fixed number of queries, whatever the case has been through:
of versions, events and readers the newest are told.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import polars as pl
from sqlalchemy import Connection, Row, text

from registry.errors import NotFound
from registry.keys.opened import same_person
from registry.store.records import column_of
from registry.submissions.keys import Ring, ring_of
from schemas.dictionary import fields
from schemas.record import RecordKind

CASE, RCA = RecordKind.CASE, RecordKind.RCA
MOST_VERSIONS = 50
MOST_EVENTS = 100
MOST_READERS = 50

_TOLD_AS_EVENTS = ("case moved", "case assigned", "case due date set")
"""What the audit log has of these stands among the events already."""


@dataclass(frozen=True, slots=True)
class Named:
    """An organisation."""

    id: int
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Other:
    """Another case of the same person at this trust."""

    case_id: UUID
    local_case_id: str
    diagnosed_on: date | None


@dataclass(frozen=True, slots=True)
class Attribution:
    """To whom a case belongs: own, proposed, accepted, disputed, … `counts_for` is in whose figure it counts, where that was said."""

    state: str
    organisation: Named
    since: datetime
    told_at: datetime | None
    answered_at: datetime | None
    reason: str | None
    counts_for: str | None


@dataclass(frozen=True, slots=True)
class Head:
    """A case as it stands, without its contents."""

    case_id: UUID
    trust: Named
    nation: str
    local_case_id: str
    version: int
    withdrawn_at: datetime | None
    withdraw_reason: str | None
    corrected: frozenset[str]
    attribution: Attribution
    ring: Ring | None
    sealed: Mapping[str, bytes]
    """What identifies, as it is kept, by field."""
    others: tuple[Other, ...]

    @property
    def withdrawn(self) -> bool:
        return self.withdrawn_at is not None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the case or of its review. `values` are typed; of an identifying field, whether there is a value."""

    kind: RecordKind
    version: int
    at: datetime
    door: str
    sent_by: str | None
    changed: tuple[str, ...]
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Happened:
    """One event at the desk. `words` is sealed still."""

    id: UUID
    at: datetime
    actor: str
    what: str
    detail: Mapping[str, Any]
    words: bytes | None


@dataclass(frozen=True, slots=True)
class Looked:
    """How often somebody did one thing with the case on one day, and when last. `role` is as it was then."""

    actor: str
    role: str
    action: str
    times: int
    last: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the trust, or of the one it was merged into. `may_work`: cases here may be given to them now."""

    id: UUID
    name: str
    may_work: bool


@dataclass(frozen=True, slots=True)
class Story:
    """Versions and readers are the newest first, events the oldest first."""

    versions: tuple[Version, ...]
    events: tuple[Happened, ...]
    looked: tuple[Looked, ...]

    def standing(self, kind: RecordKind) -> Mapping[str, Any]:
        """The values of the newest version of a kind; none where there is none."""
        return next((each.values for each in self.versions if each.kind is kind), {})


# --- the head

_SEALED = tuple(each for each in fields(CASE) if each.item.identifying)
_HEAD = text(
    """
    select r.id as case_id, r.tenant_id, o.code, o.name, o.nation, r.local_case_id, r.version, r.withdrawn_at,
           r.withdraw_reason, r.corrected, coalesce(a.state, r.attribution) as attribution,
           coalesce(a.since, r.attribution_since) as attribution_since, b.id as attributed_id,
           b.code as attributed_code, b.name as attributed_name, a.told_at, a.answered_at, a.reason,
           (select name from register.organisation c where c.id = a.counts_for) as counts_for,
           {ring} as ring, {sealed},
           (select coalesce(jsonb_agg(jsonb_build_array(s.id, s.local_case_id, s.diagnosis_date)
                                      order by s.diagnosis_date), '[]')
              from (select p.id, p.local_case_id, v.diagnosis_date
                      from records.case_record p
                      join records.case_version v
                        on v.tenant_id = p.tenant_id and v.record_id = p.id and v.version = p.version
                     where {same_person} and p.tenant_id = r.tenant_id and p.id <> r.id and p.withdrawn_at is null
                     limit 20) s) as others
      from records.case_record r
      join records.case_version h on h.tenant_id = r.tenant_id and h.record_id = r.id and h.version = r.version
      join register.organisation o on o.id = r.tenant_id
      left join register.organisation b on b.id = r.attributed_id
      left join records.attribution a on a.tenant_id = r.tenant_id and a.case_id = r.id
     where r.id = :case and r.tenant_id = any(:tenants)
    """.replace("{sealed}", ", ".join(f"h.{column_of(each)}" for each in _SEALED))
    .replace("{ring}", ring_of("r.tenant_id"))
    .replace("{same_person}", same_person("p", "r"))
)


def head(connection: Connection, tenants: Collection[int], case_id: UUID) -> Head:
    """A case of one of these trusts. Raises NotFound for any other."""
    row = connection.execute(_HEAD, {"case": case_id, "tenants": sorted(tenants)}).one_or_none()
    if row is None:
        raise NotFound
    trust = Named(row.tenant_id, row.code, row.name)
    attributed = (
        trust if row.attributed_id is None else Named(row.attributed_id, row.attributed_code, row.attributed_name)
    )
    return Head(
        case_id=row.case_id,
        trust=trust,
        nation=row.nation,
        local_case_id=row.local_case_id,
        version=row.version,
        withdrawn_at=row.withdrawn_at,
        withdraw_reason=row.withdraw_reason,
        corrected=frozenset(row.corrected or ()),
        attribution=Attribution(
            row.attribution, attributed, row.attribution_since, row.told_at, row.answered_at, row.reason, row.counts_for
        ),
        ring=row.ring,
        sealed={each.name: bytes(cell) for each in _SEALED if (cell := row._mapping[column_of(each)]) is not None},
        others=tuple(
            Other(UUID(ident), name, None if day is None else date.fromisoformat(day))
            for ident, name, day in row.others
        ),
    )


# --- versions


def _contents(kind: RecordKind) -> str:
    """The fields of a version as one JSON object: an identifying one as whether there is a value."""
    columns = (
        f'v.{column_of(each)} is not null as "{each.name}"' if each.item.identifying else f'v."{each.name}"'
        for each in fields(kind)
    )
    return f"(select to_jsonb(x) from (select {', '.join(columns)}) x)"


def _versions(kind: RecordKind) -> str:
    return f"""
        select '{kind}' as kind, v.version, v.recorded_at, v.door, s.actor, v.changed, {_contents(kind)} as contents
          from records.{kind}_record r
          join records.{kind}_version v on v.tenant_id = r.tenant_id and v.record_id = r.id
          left join records.submission s on s.tenant_id = v.tenant_id and s.id = v.submission_id
         where r.tenant_id = :tenant and r.local_case_id = :key
         order by v.version desc limit {MOST_VERSIONS}
    """


_VERSIONS = text(
    f"select * from ({_versions(CASE)}) c union all select * from ({_versions(RCA)}) q order by recorded_at desc, version desc"
)


def _version(row: Row[Any]) -> Version:
    kind = RecordKind(row.kind)
    return Version(
        kind, row.version, row.recorded_at, row.door, row.actor, tuple(row.changed or ()), _typed(kind, row.contents)
    )


def _typed(kind: RecordKind, contents: Mapping[str, Any]) -> dict[str, Any]:
    """Days and moments out of their JSON."""
    return {
        each.name: value
        if value is None or each.item.identifying
        else _value(each.holds.dtype, value)
        for each in fields(kind)
        for value in (contents[each.name],)
    }  # fmt: skip


def _value(dtype: pl.DataType | type[pl.DataType], value: Any) -> Any:
    if isinstance(dtype, pl.Datetime):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if dtype == pl.Date else value


# --- what happened, and who looked

_HAPPENED = text(
    f"""
    select * from (
        (select 'event' as of, id, at, actor, null as role, what, detail, words_ct, 0 as times
           from records.case_event where tenant_id = :tenant and case_id = :case order by id desc limit {MOST_EVENTS})
        union all
        (select 'looked', null, max(at), actor, role, action, null, null, count(*)
           from records.audit where tenant_id = :tenant and object_id = :object and action <> all(:events)
          group by actor, role, action, (at at time zone 'Europe/London')::date order by max(at) desc limit {MOST_READERS})
    ) found order by at desc
    """
)


def story(connection: Connection, head: Head) -> Story:
    """What a case went through."""
    given = {"tenant": head.trust.id, "key": head.local_case_id}
    versions = [_version(row) for row in connection.execute(_VERSIONS, given)]
    rows = connection.execute(
        _HAPPENED,
        {
            "tenant": head.trust.id,
            "case": head.case_id,
            "object": str(head.case_id),
            "events": list(_TOLD_AS_EVENTS),
        },
    ).all()
    events = [
        Happened(row.id, row.at, row.actor, row.what, row.detail, row.words_ct) for row in rows if row.of == "event"
    ]
    looked = (Looked(row.actor, row.role, row.what, row.times, row.at) for row in rows if row.of == "looked")
    return Story(tuple(versions), tuple(reversed(events)), tuple(looked))


# --- people

_PEOPLE = text(
    """
    with recursive heirs(id) as (
        select cast(t.id as integer) from unnest(cast(:tenants as integer[])) t(id)
        union
        select s.successor_id from register.succession s join heirs h on s.predecessor_id = h.id
         where s.effective_on <= :on)
    select p.id, p.display_name,
           bool_or(p.disabled_at is null and m.ended_at is null and m.role = any(:roles)) as may_work
      from register.membership m join register.person p on p.id = m.person_id
     where m.organisation_id in (select id from heirs)
     group by p.id, p.display_name order by lower(p.display_name), p.id
    """
)


def people(connection: Connection, tenants: Sequence[int], on: date, roles: Collection[str]) -> dict[UUID, Person]:
    """Everybody who is or was of one of these trusts, or of what they were merged into, by name. `roles` are those that may work."""
    rows = connection.execute(_PEOPLE, {"tenants": sorted(tenants), "on": on, "roles": sorted(roles)})
    return {row.id: Person(row.id, row.display_name, row.may_work) for row in rows}
