"""Between trusts, by the worker: an organisation is told of the cases that another reported for it, and its answer is carried back.

What it is told is what counting.md 5 allows and nothing else: NHS number, birth date, type, diagnosis date, the supposed index stay, and who
reported it; sealed anew under its own key. It is told only while a legal basis stands for the nations of both; without one it learns the number
of such cases alone, and what it had been told is emptied. What counts stands in the case's record and is worked out here from what the reporter
says, what was answered and what the registry office decided: so a run that is repeated, or comes late, ends at the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from registry import identifiers
from registry.identifiers import IdentifierError
from registry.settings import Secrets, Settings
from registry.store import Store, audit
from registry.submissions.keys import TenantKeys, open_keys
from schemas.counting import CaseScope
from schemas.days import LONDON
from schemas.record import RecordKind

WORKER = "worker"
TOLD_OF = (CaseScope.IN, CaseScope.LINE_RELATED, CaseScope.IMMOBILISATION, CaseScope.PREGNANCY_ASSOCIATED)
"""Cases that count or are shown beside the rate. What is only suspected, or out of scope, is nobody else's to know."""
SEALED = ("nhs_number", "birth_date")
SHOWN = ("vte_type", "diagnosis_date", "admission_date", "discharge_date")

_NATIONS = text(
    "select nation from register.attribution_basis where from_date <= :on and (ended_on is null or ended_on > :on)"
)

# What stands and names another organisation, whatever became of it.
_NAMED = text(
    """
    create temp table named on commit drop as
    select r.tenant_id as reporter_id, r.id as case_id, p.id as attributed_id, r.local_case_id, r.version,
           r.attribution, r.attribution_since, v.vte_type, v.diagnosis_date, v.index_admission_date as admission_date,
           v.index_discharge_date as discharge_date, v.age_at_admission as age, v.nhs_number_ct, v.birth_date_ct,
           o.nation = any(:nations) and p.nation = any(:nations) as may_tell
      from records.case_record r
      join records.case_version v on v.tenant_id = r.tenant_id and v.record_id = r.id and v.version = r.version
      join register.organisation o on o.id = r.tenant_id
      join register.organisation p on p.code = v.attributed_organisation and p.id <> r.tenant_id
     where r.withdrawn_at is null and v.scope = any(:scopes)
       and (r.attribution <> 'own'
            or exists (select from records.attribution a where a.tenant_id = r.tenant_id and a.case_id = r.id))
       and not exists (select from records.rca_record a
                         join records.rca_version b
                           on b.tenant_id = a.tenant_id and b.record_id = a.id and b.version = a.version
                        where a.tenant_id = r.tenant_id and a.local_case_id = r.local_case_id
                          and a.withdrawn_at is null and b.category = 'not_hat')
    """
)

_SAME = "(n.attributed_id, n.reporter_id, n.case_id) = (c.tenant_id, c.reporter_id, c.reported_case_id)"
_EMPTY = ", ".join(f"{name} = null" for name in (*(f"{each}_ct" for each in SEALED), *SHOWN))

# Withdrawn, attributed otherwise, out of scope, or no longer to be told: what was copied goes, the answer stays.
_END = text(
    f"""
    update records.attributed_case c set ended_at = :at, {_EMPTY}
     where ended_at is null and not exists (select from named n where {_SAME} and n.may_tell)
    returning tenant_id, reporter_id, reported_case_id
    """
)

# What was erased at the reporter is erased in the copy.
_ERASE = text(
    f"""
    update records.attributed_case c
       set nhs_number_ct = case when n.nhs_number_ct is not null then c.nhs_number_ct end,
           birth_date_ct = case when n.birth_date_ct is not null then c.birth_date_ct end
      from named n
     where {_SAME} and ((n.nhs_number_ct is null and c.nhs_number_ct is not null)
                        or (n.birth_date_ct is null and c.birth_date_ct is not null))
    returning c.tenant_id
    """
)

_TO_COPY = text(
    f"""
    select n.*, coalesce(c.id, records.uuid7()) as row_id, c.id is not null and c.ended_at is null as known,
           c.nhs_number_ct as nhs_number_before, c.birth_date_ct as birth_date_before,
           (c.vte_type, c.diagnosis_date, c.admission_date, c.discharge_date)
               is distinct from (n.vte_type, n.diagnosis_date, n.admission_date, n.discharge_date) as differs
      from named n
      left join records.attributed_case c on {_SAME}
     where n.may_tell and (c.id is null or c.ended_at is not null or c.copied_version <> n.version)
     order by n.attributed_id, n.case_id
    """
)

_COPY = text(
    """
    insert into records.attributed_case (
        tenant_id, id, reporter_id, reported_case_id, nhs_number_ct, birth_date_ct, vte_type, diagnosis_date,
        admission_date, discharge_date, told_at, since, copied_version
    ) values (
        :tenant_id, :id, :reporter_id, :case_id, :nhs_number_ct, :birth_date_ct, :vte_type, :diagnosis_date,
        :admission_date, :discharge_date, :at, :since, :version
    )
    on conflict (tenant_id, reporter_id, reported_case_id) do update set
        nhs_number_ct = excluded.nhs_number_ct, birth_date_ct = excluded.birth_date_ct,
        vte_type = excluded.vte_type, diagnosis_date = excluded.diagnosis_date,
        admission_date = excluded.admission_date, discharge_date = excluded.discharge_date,
        copied_version = excluded.copied_version,
        told_at = case when attributed_case.ended_at is null then attributed_case.told_at else excluded.told_at end,
        since = case when attributed_case.ended_at is null then attributed_case.since else excluded.since end,
        changed_at = case when attributed_case.ended_at is not null then null
                          when cast(:differs as boolean) then cast(:at as timestamptz)
                          else attributed_case.changed_at end,
        ended_at = null
    """
)

# How each case stands now. What was never told keeps the standing it has.
_DUE = text(
    f"""
    create temp table due on commit drop as
    select n.reporter_id, n.case_id, n.attributed_id, c.id as row_id, c.words_ct, c.reason,
           case when d.decided_for is not null then 'decided'
                when c.answer is not null then c.answer
                when c.id is not null or n.attribution = 'own' then 'proposed'
                else n.attribution end as state,
           case when d.decided_for is not null then d.decided_for
                when c.answer = 'shared' then c.counts_for end as counts_for,
           coalesce(d.decided_at, c.answered_at, n.attribution_since) as since,
           c.told_at, c.answered_by, c.answered_at, d.decided_for, d.decided_by, d.decided_at
      from named n
      left join records.attributed_case c on {_SAME}
      left join linkage.dispute d
        on (d.reporter_id, d.reported_case_id, d.attributed_id) = (n.reporter_id, n.case_id, n.attributed_id)
       and d.decided_for is not null
    """
)

_NOTED = (
    "attributed_id",
    "state",
    "reason",
    "counts_for",
    "told_at",
    "answered_by",
    "answered_at",
    "decided_by",
    "decided_at",
)
_TO_NOTE = text(
    f"""
    select d.*, a.state as state_before, a.told_at as told_before
      from due d
      left join records.attribution a on a.tenant_id = d.reporter_id and a.case_id = d.case_id
     where ({", ".join(f"a.{each}" for each in _NOTED)}) is distinct from ({", ".join(f"d.{each}" for each in _NOTED)})
     order by d.reporter_id, d.case_id
    """
)
_NOTE = text(
    f"""
    insert into records.attribution (tenant_id, case_id, since, words_ct, {", ".join(_NOTED)})
    values (:reporter_id, :case_id, :since, :words, {", ".join(f":{each}" for each in _NOTED)})
    on conflict (tenant_id, case_id) do update set
        since = excluded.since, words_ct = excluded.words_ct, {", ".join(f"{each} = excluded.{each}" for each in _NOTED)}
    """
)
_TELL_OF = text(
    """
    insert into records.case_event (tenant_id, case_id, at, actor, what, detail)
    values (:tenant, :case, :at, 'worker', 'attribution',
            jsonb_build_object('state', cast(:state as text), 'organisation', cast(:organisation as integer)))
    """
)
_OVER = text(
    """
    update records.attribution a set state = 'ended', since = :at
     where state <> 'ended' and not exists (
         select from named n where n.reporter_id = a.tenant_id and n.case_id = a.case_id)
    """
)

# What the figures are counted from: for whom the case counts, and whether that is agreed.
_STAND = text(
    """
    update records.case_record r
       set attributed_id = t.attributed_id, attribution = t.attribution, attribution_since = t.since
      from (select reporter_id, case_id, since, coalesce(counts_for, attributed_id) as attributed_id,
                   case when counts_for = reporter_id then 'own'
                        when state in ('accepted', 'shared', 'decided') then 'accepted'
                        else state end as attribution
              from due) t
     where r.tenant_id = t.reporter_id and r.id = t.case_id
       and (r.attributed_id, r.attribution) is distinct from (t.attributed_id, t.attribution)
    """
)

_SEEN = ("age", "vte_type", "admission_date", "discharge_date", "diagnosis_date", "reason")
_DISPUTE = text(
    f"""
    insert into linkage.dispute as held (reporter_id, reported_case_id, attributed_id, {", ".join(_SEEN)}, opened_at)
    select n.reporter_id, n.case_id, n.attributed_id, n.age, n.vte_type, n.admission_date, n.discharge_date,
           n.diagnosis_date, coalesce(d.reason, 'other'), d.answered_at
      from due d
      join named n on n.reporter_id = d.reporter_id and n.case_id = d.case_id
     where d.state = 'disputed' and d.row_id is not null
    on conflict (reporter_id, reported_case_id) do update set
        attributed_id = excluded.attributed_id, {", ".join(f"{each} = excluded.{each}" for each in _SEEN)},
        opened_at = excluded.opened_at, ended_at = null, decided_for = null, decided_by = null, decided_at = null,
        passed_on_at = null
     where (held.attributed_id, held.opened_at, held.ended_at, {", ".join(f"held.{each}" for each in _SEEN)})
           is distinct from (excluded.attributed_id, excluded.opened_at, excluded.ended_at, {", ".join(f"excluded.{each}" for each in _SEEN)})
    returning reporter_id
    """
)
_SETTLED = text(
    """
    update linkage.dispute d set ended_at = :at
     where ended_at is null and decided_for is null and not exists (
         select from due where state = 'disputed' and row_id is not null
            and (due.reporter_id, due.case_id, due.attributed_id) = (d.reporter_id, d.reported_case_id, d.attributed_id))
    """
)

# Both are told what was decided, and that an answer arrived.
_DECIDED = text(
    """
    update records.attributed_case c set decided_for = d.decided_for, decided_at = d.decided_at
      from due d
     where c.tenant_id = d.attributed_id and c.id = d.row_id
       and (c.decided_for, c.decided_at)
           is distinct from (d.decided_for, d.decided_at)
    """
)
_PASSED_ON = (
    text(
        """
        update records.attributed_case set passed_on_at = greatest(cast(:at as timestamptz), answered_at)
         where answered_at is not null and (passed_on_at is null or passed_on_at < answered_at)
        """
    ),
    text(
        """
        update linkage.dispute set passed_on_at = greatest(cast(:at as timestamptz), decided_at)
         where decided_at is not null and (passed_on_at is null or passed_on_at < decided_at)
        """
    ),
)

_UNTOLD = (
    text(
        """
        insert into records.attributed_count as held (tenant_id, untold)
        select attributed_id, count(*) from named where not may_tell group by attributed_id
        on conflict (tenant_id) do update set untold = excluded.untold where held.untold <> excluded.untold
        """
    ),
    text(
        """
        update records.attributed_count c set untold = 0
         where untold > 0 and not exists (select from named n where n.attributed_id = c.tenant_id and not n.may_tell)
        """
    ),
)


@dataclass(slots=True)
class _Run:
    """One run: its transaction, its time, the keys it opened, and what has to be audited at its end."""

    connection: Connection
    secrets: Secrets
    at: datetime
    opened: dict[int, TenantKeys | None] = field(default_factory=dict)
    entries: list[tuple[int, str, str, dict[str, audit.Detail]]] = field(default_factory=list)

    def keys(self, tenant: int) -> TenantKeys | None:
        """None where they were destroyed, or never were: then nothing can be told."""
        if tenant not in self.opened:
            try:
                self.opened[tenant] = open_keys(self.connection, self.secrets, tenant)
            except IdentifierError:
                self.opened[tenant] = None
        return self.opened[tenant]


def pass_on(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """Tell, follow, carry back. Gives the numbers of cases told or told anew, ended, and of standings that changed; again: none."""
    with store.transaction(role="hat_jobs") as connection:
        run = _Run(connection, secrets, at)
        name(connection, at)
        effect = {"ended": _end(run), "told": _tell(run), "answered": _carry_back(run)}
        for each in _UNTOLD:
            connection.execute(each)
        _audit(run)
        return effect


def nations_with_basis(connection: Connection, at: datetime) -> list[str]:
    """The nations whose switch is on at a time."""
    return list(connection.scalars(_NATIONS, {"on": at.astimezone(LONDON).date()}))


def name(connection: Connection, at: datetime) -> None:
    """The temporary table of all cases that name another organisation."""
    nations = nations_with_basis(connection, at)
    connection.execute(_NAMED, {"nations": nations, "scopes": [each.value for each in TOLD_OF]})
    connection.execute(text("analyze named"))


# --- telling


def _end(run: _Run) -> int:
    ended = run.connection.execute(_END, {"at": run.at}).all()
    for row in ended:
        detail: dict[str, audit.Detail] = {"organisation": row.tenant_id}
        run.entries.append(
            (row.reporter_id, "no longer told to another organisation", str(row.reported_case_id), detail)
        )
    return len(ended) + len(run.connection.execute(_ERASE).all())


def _tell(run: _Run) -> int:
    told = 0
    for row in run.connection.execute(_TO_COPY).all():
        cells = _resealed(run, row)
        if cells is None:
            continue
        differs = row.differs or _other_words(run, row)
        values = {each: row._mapping[each] for each in ("reporter_id", "case_id", "version", *SHOWN)}
        values |= {"tenant_id": row.attributed_id, "id": row.row_id, "at": run.at, "since": row.attribution_since}
        run.connection.execute(_COPY, values | cells | {"differs": differs})
        told += 1
        if differs or not row.known:
            detail: dict[str, audit.Detail] = {"organisation": row.attributed_id, "again": bool(row.known)}
            run.entries.append((row.reporter_id, "told to another organisation", str(row.case_id), detail))
    return told


def _resealed(run: _Run, row: Row[Any]) -> dict[str, bytes | None] | None:
    """What identifies, under the key of whoever is told; None where that cannot be done."""
    ours, theirs = run.keys(row.reporter_id), run.keys(row.attributed_id)
    if ours is None or theirs is None:
        return None
    cells: dict[str, bytes | None] = {}
    for each in SEALED:
        clear = _opened(
            ours, row._mapping[f"{each}_ct"], row.reporter_id, RecordKind.CASE.value, row.local_case_id, each
        )
        place = identifiers.cell_aad(row.attributed_id, "attributed_case", str(row.row_id), each)
        cells[f"{each}_ct"] = (
            None if clear is None else identifiers.seal(theirs.data, clear, place, version=theirs.version)
        )
    return cells


def _other_words(run: _Run, row: Row[Any]) -> bool:
    """Whether what identifies is another than was told before."""
    ours, theirs = run.keys(row.reporter_id), run.keys(row.attributed_id)
    if not row.known or ours is None or theirs is None:
        return False
    return any(
        _opened(ours, row._mapping[f"{each}_ct"], row.reporter_id, RecordKind.CASE.value, row.local_case_id, each)
        != _opened(theirs, row._mapping[f"{each}_before"], row.attributed_id, "attributed_case", str(row.row_id), each)
        for each in SEALED
    )


def _opened(keys: TenantKeys, cell: bytes | None, tenant: int, table: str, row: str, column: str) -> str | None:
    if cell is None:
        return None
    return identifiers.open_sealed(keys.opens, bytes(cell), identifiers.cell_aad(tenant, table, row, column))


# --- carrying back


def _carry_back(run: _Run) -> int:
    connection, at = run.connection, {"at": run.at}
    connection.execute(_DUE)
    noted = connection.execute(_TO_NOTE).all()
    for row in noted:
        _note(run, row)
    connection.execute(_OVER, at)
    stood: int = connection.execute(_STAND).rowcount
    connection.execute(_DISPUTE)
    connection.execute(_SETTLED, at)
    connection.execute(_DECIDED)
    for each in _PASSED_ON:
        connection.execute(each, at)
    return max(len(noted), stood)


def _note(run: _Run, row: Row[Any]) -> None:
    values = {each: row._mapping[each] for each in ("reporter_id", "case_id", "since", *_NOTED)}
    run.connection.execute(_NOTE, values | {"words": _words(run, row)})
    if row.state != row.state_before and (row.state != "proposed" or row.state_before is not None):
        _event(run, row, row.state)
    if row.told_at != row.told_before:
        _event(run, row, "told")


def _event(run: _Run, row: Row[Any], state: str) -> None:
    said = {"tenant": row.reporter_id, "case": row.case_id, "at": run.at}
    run.connection.execute(_TELL_OF, said | {"state": state, "organisation": row.attributed_id})
    if state != "told":
        run.entries.append((row.reporter_id, "attribution answered", str(row.case_id), {"state": state}))


def _words(run: _Run, row: Row[Any]) -> bytes | None:
    """What was written beside the answer, for the reporter's eyes."""
    theirs, ours = run.keys(row.attributed_id), run.keys(row.reporter_id)
    if row.words_ct is None or theirs is None or ours is None:
        return None
    clear = _opened(theirs, row.words_ct, row.attributed_id, "attributed_case", str(row.row_id), "words")
    place = identifiers.cell_aad(row.reporter_id, "attribution", str(row.case_id), "words")
    return None if clear is None else identifiers.seal(ours.data, clear, place, version=ours.version)


def _audit(run: _Run) -> None:
    """Last, trust by trust in order: it locks their chains."""
    for tenant, action, case_id, detail in sorted(run.entries, key=lambda each: each[0]):
        audit_case(run.connection, tenant, action, case_id, detail)


def audit_case(
    connection: Connection, tenant: int, action: str, case_id: str, detail: Mapping[str, audit.Detail]
) -> None:
    """An act of the worker on one case of a trust."""
    audit.record(
        connection,
        tenant=tenant,
        actor=WORKER,
        role="service",
        action=action,
        object_type="case",
        object_id=case_id,
        detail=detail,
    )
