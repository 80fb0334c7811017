"""Pairs across trusts, by the worker: where both reported what may be one event, it is offered to both for linking, with the names of what agrees
and what does not; and the registry office is shown ages and dates of both halves.

To the two trusts a pair is offered only while a legal basis stands for the nations of both. What they answer makes the pair linked or dismissed,
unless the registry office decided: its word stands. A pair counts once in the nation's figures until it is dismissed (`publications.counting`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from registry import identifiers
from registry.cases.attributing import WORKER, audit_case, nations_with_basis, pass_on
from registry.identifiers import IdentifierError
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.store.records import person_of
from registry.submissions.keys import TenantKeys, open_keys
from schemas.record import RecordKind

COMPARED = ("vte_type", "diagnosis_date", "admission_date", "discharge_date")
"""What is compared beside NHS number and birth date: what one organisation may tell another, and nothing else."""

_HALVES = text(
    """
    create temp table halves on commit drop as
    select s.pair_id, s.organisation_id, s.other_id, s.case_id, r.local_case_id, r.attributed_id, r.version, {person} as nhs_key,
           s.days_apart, s.state, s.decided_at, v.age_at_admission as age, v.vte_type, v.diagnosis_date,
           v.index_admission_date as admission_date, v.index_discharge_date as discharge_date, v.birth_date_ct,
           r.withdrawn_at is null as stands, o.nation = any(:nations) as may_tell
      from (select id as pair_id, first_tenant_id as organisation_id, first_case_id as case_id,
                   second_tenant_id as other_id, days_apart, state,
                   case when changed_by is not null and changed_by <> :worker and state in ('linked', 'dismissed')
                        then changed_at end as decided_at
              from linkage.pair
            union all
            select id, second_tenant_id, second_case_id, first_tenant_id, days_apart, state,
                   case when changed_by is not null and changed_by <> :worker and state in ('linked', 'dismissed')
                        then changed_at end
              from linkage.pair) s
      join records.case_record r on r.tenant_id = s.organisation_id and r.id = s.case_id
      join records.case_version v on v.tenant_id = r.tenant_id and v.record_id = r.id and v.version = r.version
      join register.organisation o on o.id = s.organisation_id
    """.format(person=person_of("r"))
)

_SIDES = (
    "attributed_id",
    "copied_version",
    "age",
    "vte_type",
    "admission_date",
    "discharge_date",
    "diagnosis_date",
    "answer",
)
_SHOW = text(
    f"""
    insert into linkage.pair_side as held (pair_id, organisation_id, {", ".join(_SIDES)})
    select h.pair_id, h.organisation_id, h.attributed_id, h.version, h.age, h.vte_type, h.admission_date,
           h.discharge_date, h.diagnosis_date, o.answer
      from halves h
      left join records.offered_pair o on o.tenant_id = h.organisation_id and o.pair_id = h.pair_id
    on conflict (pair_id, organisation_id) do update set {", ".join(f"{each} = excluded.{each}" for each in _SIDES)}
     where ({", ".join(f"held.{each}" for each in _SIDES)}) is distinct from ({", ".join(f"excluded.{each}" for each in _SIDES)})
    """
)
# Those that are to be compared: new to one of the two, or changed since they were.
_STALE = text(
    """
    create temp table stale on commit drop as
    select distinct h.pair_id
      from halves h
      left join linkage.pair_side p on p.pair_id = h.pair_id and p.organisation_id = h.organisation_id
      left join records.offered_pair o on o.tenant_id = h.organisation_id and o.pair_id = h.pair_id
     where o.pair_id is null or p.copied_version is distinct from h.version or o.days_apart <> h.days_apart
    """
)
_TO_OFFER = text(
    """
    select a.*, b.organisation_id as other_id, b.local_case_id as other_local, b.birth_date_ct as other_birth, b.nhs_key as other_key,
           b.vte_type as other_vte_type, b.diagnosis_date as other_diagnosis_date, b.admission_date as other_admission_date,
           b.discharge_date as other_discharge_date
      from halves a
      join halves b on b.pair_id = a.pair_id and b.organisation_id = a.other_id
      join stale s on s.pair_id = a.pair_id
     where a.organisation_id < a.other_id and a.stands and b.stands and a.may_tell and b.may_tell
     order by a.organisation_id, a.case_id
    """
)
_OFFER = text(
    """
    insert into records.offered_pair as held (
        tenant_id, pair_id, case_id, other_id, days_apart, agreeing, differing, state, offered_at)
    select h.organisation_id, h.pair_id, h.case_id, h.other_id, h.days_apart, :agreeing, :differing, 'ended', :at
      from halves h where h.pair_id = :pair
    on conflict (tenant_id, pair_id) do update
       set days_apart = excluded.days_apart, agreeing = excluded.agreeing, differing = excluded.differing
     where (held.days_apart, held.agreeing, held.differing)
           is distinct from (excluded.days_apart, excluded.agreeing, excluded.differing)
    """
).bindparams(bindparam("agreeing", type_=ARRAY(Text)), bindparam("differing", type_=ARRAY(Text)))

# What the two said, as far as the office has not decided. A pair that nobody was offered keeps its state.
_DECIDE = text(
    """
    update linkage.pair p set state = n.state, changed_by = :worker, changed_at = :at
      from (select a.pair_id,
                   case when 'unlink' in (a.answer, b.answer) then 'dismissed'
                        when a.answer = 'link' and b.answer = 'link' then 'linked'
                        when a.answer = 'dismiss' and b.answer = 'dismiss' then 'dismissed'
                        else 'found' end as state
              from records.offered_pair a
              join records.offered_pair b on b.pair_id = a.pair_id and b.tenant_id = a.other_id
             where a.tenant_id < b.tenant_id and (a.answer is not null or b.answer is not null)) n
     where p.id = n.pair_id and p.state <> n.state
       and (p.state = 'found' or p.changed_by = :worker)
    """
)
_STATE = text(
    """
    update records.offered_pair o set state = n.state, decided_at = n.decided_at
      from (select o.tenant_id, o.pair_id,
                   case when p.id is null or h.pair_id is null or not (h.stands and b.stands and h.may_tell and b.may_tell)
                             then 'ended'
                        when p.state = 'linked' then 'linked'
                        when p.state = 'dismissed' and h.decided_at is null and 'unlink' in (o.answer, x.answer) then 'unlinked'
                        when p.state = 'dismissed' then 'dismissed'
                        else 'offered' end as state,
                   h.decided_at
              from records.offered_pair o
              left join records.offered_pair x on x.pair_id = o.pair_id and x.tenant_id = o.other_id
              left join linkage.pair p on p.id = o.pair_id
              left join halves h on h.pair_id = o.pair_id and h.organisation_id = o.tenant_id
              left join halves b on b.pair_id = o.pair_id and b.organisation_id = o.other_id) n
     where o.tenant_id = n.tenant_id and o.pair_id = n.pair_id
       and (o.state, o.decided_at) is distinct from (n.state, n.decided_at)
    returning o.tenant_id, o.case_id, o.state, o.other_id
    """
)
_PASSED_ON = text(
    """
    update records.offered_pair set passed_on_at = greatest(cast(:at as timestamptz), answered_at)
     where answered_at is not null and (passed_on_at is null or passed_on_at < answered_at)
    """
)
_TELL_OF = text(
    """
    insert into records.case_event (tenant_id, case_id, at, actor, what, detail)
    values (:tenant, :case, :at, 'worker', 'pair',
            jsonb_build_object('state', cast(:state as text), 'organisation', cast(:organisation as integer)))
    """
)


def offer_pairs(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """Offer what was found, follow what changed, and carry what both said. Gives how many halves changed their state; again: none."""
    with store.transaction(role="hat_jobs") as connection:
        connection.execute(_HALVES, {"nations": nations_with_basis(connection, at), "worker": WORKER})
        connection.execute(_STALE)
        _compare(connection, secrets, at)
        shown: int = connection.execute(_SHOW).rowcount
        if connection.execute(_DECIDE, {"at": at, "worker": WORKER}).rowcount:
            _look_again(connection, at)
        moved = connection.execute(_STATE).all()
        connection.execute(_PASSED_ON, {"at": at})
        _tell(connection, moved, at)
        return {"shown": shown, "moved": len(moved)}


def _look_again(connection: Connection, at: datetime) -> None:
    connection.execute(text("drop table halves"))
    connection.execute(_HALVES, {"nations": nations_with_basis(connection, at), "worker": WORKER})


def _compare(connection: Connection, secrets: Secrets, at: datetime) -> None:
    opened: dict[int, TenantKeys | None] = {}
    for row in connection.execute(_TO_OFFER).all():
        agreeing, differing = _agreement(row, _birth_dates(connection, secrets, row, opened))
        connection.execute(_OFFER, {"pair": row.pair_id, "agreeing": agreeing, "differing": differing, "at": at})


def _agreement(row: Row[Any], births: tuple[str | None, str | None]) -> tuple[list[str], list[str]]:
    """The names of what agrees and of what differs; what one of the two does not say is neither."""
    pairs: list[tuple[str, object, object]] = [
        ("nhs_number", row.nhs_key, row.other_key),
        ("birth_date", *births),
        *((each, row._mapping[each], row._mapping[f"other_{each}"]) for each in COMPARED),
    ]
    said = [(name, one == other) for name, one, other in pairs if one is not None and other is not None]
    return [name for name, same in said if same], [name for name, same in said if not same]


def _birth_dates(
    connection: Connection, secrets: Secrets, row: Row[Any], opened: dict[int, TenantKeys | None]
) -> tuple[str | None, str | None]:
    halves = (
        (row.organisation_id, row.local_case_id, row.birth_date_ct),
        (row.other_id, row.other_local, row.other_birth),
    )
    found = []
    for tenant, local, cell in halves:
        if tenant not in opened:
            opened[tenant] = _keys(connection, secrets, tenant)
        keys = opened[tenant]
        place = identifiers.cell_aad(tenant, RecordKind.CASE.value, local, "birth_date")
        found.append(None if keys is None or cell is None else identifiers.open_sealed(keys.opens, bytes(cell), place))
    return found[0], found[1]


def _keys(connection: Connection, secrets: Secrets, tenant: int) -> TenantKeys | None:
    try:
        return open_keys(connection, secrets, tenant)
    except IdentifierError:
        return None


def _tell(connection: Connection, moved: list[Row[Any]] | Any, at: datetime) -> None:
    """An event with each case whose half moved; and the log, trust by trust in order."""
    for row in moved:
        said = {"tenant": row.tenant_id, "case": row.case_id, "at": at, "state": row.state}
        connection.execute(_TELL_OF, said | {"organisation": row.other_id})
    for row in sorted(moved, key=lambda each: each.tenant_id):
        audit_case(connection, row.tenant_id, "pair across organisations", str(row.case_id), {"state": row.state})


def between_trusts(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """All that goes between trusts: cases reported for others, and pairs. Gives what came of both."""
    return {**pass_on(store, secrets, settings, at), **offer_pairs(store, secrets, settings, at)}
