"""The cases that others reported for an organisation: read, and answered, by its own people in its own rows.

Nothing of the reporter is read here. What may be known was copied by the worker, which also carries the answer back.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from registry import identifiers
from registry.access import Right, Role
from registry.cases.answers import Answer, Reason
from registry.cases.desk import Desk, record, seal, unseal
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.identifiers import IdentifierError
from registry.settings import Secrets
from registry.store.audit import Change, Detail
from registry.submissions.keys import TenantKeys, ring_of, unwrapped

LONGEST_WORDS = 1000
MOST = 200
MOST_CONTACTS = 3
GONE = "The reporter withdrew this case, or attributes it otherwise now. Nothing is to be answered any more, and nothing was changed."
DECIDED = "The registry office has decided this case. Nothing was changed."
MEANWHILE = "Somebody answered this case while you had it open. What stands now is shown above; what you entered is still below. Nothing was changed."


@dataclass(frozen=True, slots=True)
class Named:
    """An organisation as people know it."""

    id: int
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Attributed:
    """A case that another organisation reported for this one. Whoever it is stays sealed until it is asked for."""

    id: UUID
    ours: Named
    reporter: Named
    vte_type: str | None
    diagnosis_date: date | None
    admission_date: date | None
    discharge_date: date | None
    told_at: datetime
    since: datetime
    changed_at: datetime | None
    ended_at: datetime | None
    answer: Answer | None
    reason: Reason | None
    counts_for: int | None
    answered_by: str | None
    answered_at: datetime | None
    decided_for: int | None
    decided_at: datetime | None

    @property
    def seen(self) -> str:
        """What stands now in one word: a form that was opened before another answer names an older one."""
        moment = self.decided_at or self.answered_at
        return f"{self.answer or 'none'}.{int(moment.timestamp() * 1_000_000) if moment else 0}"

    @property
    def open(self) -> bool:
        """Whether it may be answered, or answered otherwise."""
        return self.ended_at is None and self.decided_at is None

    @property
    def changed_since(self) -> bool:
        """Whether the reporter changed it after it was answered."""
        return None not in (self.changed_at, self.answered_at) and self.changed_at > self.answered_at  # type: ignore[operator]  # None was looked for


_COLUMNS = """
    select c.id, c.tenant_id, o.code, o.name, c.reporter_id, r.code as reporter_code, r.name as reporter_name,
           c.vte_type, c.diagnosis_date, c.admission_date, c.discharge_date, c.told_at, coalesce(c.since, c.told_at) as since,
           c.changed_at, c.ended_at, c.answer, c.reason, c.counts_for, c.answered_by, c.answered_at, c.decided_for, c.decided_at
      from records.attributed_case c
      join register.organisation o on o.id = c.tenant_id
      join register.organisation r on r.id = c.reporter_id
"""
_LIST = text(
    f"""
    {_COLUMNS} where c.tenant_id = any(:tenants) and c.ended_at is null
     order by c.answer is not null, case when c.answer is null then c.told_at end, c.answered_at desc, c.id limit :most
    """
)
_ONE = text(f"{_COLUMNS} where c.tenant_id = any(:tenants) and c.id = :id")
_LOCK = text("select id from records.attributed_case where tenant_id = any(:tenants) and id = :id for update")
WAITING = """
    select count(*) from (select from records.attributed_case
                           where tenant_id = any(:tenants) and answer is null and ended_at is null limit :most) x
    """
"""How many of `:tenants` wait for an answer, counted up to `:most`."""
_UNTOLD = text(
    """
    select o.id, o.code, o.name, c.untold from records.attributed_count c join register.organisation o on o.id = c.tenant_id
     where c.tenant_id = any(:tenants) and c.untold > 0 order by o.name
    """
)
_ANSWER = text(
    """
    update records.attributed_case
       set answer = :answer, reason = :reason, words_ct = :words, counts_for = :counts_for, answered_by = :by, answered_at = :at
     where tenant_id = :tenant and id = :id
    """
)
_CONTACTS = text(
    """
    select coalesce(o.known_as, p.display_name) as name, coalesce(o.address, p.email, '') as address
      from register.membership m
      join register.person p on p.id = m.person_id and p.disabled_at is null
      left join register.own_person o on o.person_id = p.id and o.organisation_id = m.organisation_id
     where m.role = :role and m.ended_at is null
       and (m.organisation_id = :reporter
            or m.organisation_id in (select s.successor_id from register.succession s
                                      where s.predecessor_id = :reporter and s.effective_on <= :on))
     group by 1, 2 order by lower(coalesce(o.known_as, p.display_name)), 2 limit :most
    """
)
_SEALED = text(
    """
    select c.tenant_id, c.nhs_number_ct, c.birth_date_ct, c.words_ct
      from records.attributed_case c where c.tenant_id = any(:tenants) and c.id = :id
    """
)


def listing(connection: Connection, tenants: Collection[int], most: int = MOST) -> list[Attributed]:
    """Those that wait for an answer first, the longest waiting at the head; then the answered ones, the newest first."""
    return [_made(row) for row in connection.execute(_LIST, {"tenants": sorted(tenants), "most": most})]


def one(connection: Connection, tenants: Collection[int], ident: UUID) -> Attributed:
    """One of them. Raises NotFound for what is not theirs."""
    row = connection.execute(_ONE, {"tenants": sorted(tenants), "id": ident}).one_or_none()
    if row is None:
        raise NotFound
    return _made(row)


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody whom the attributed organisation may ask. `address` is empty where none is known."""

    name: str
    address: str


def contacts(connection: Connection, held: Attributed, on: date) -> list[Contact]:
    """The reporter's contact: its leads, or those of its successor on a day. Nobody where the case may not be told any more."""
    if held.ended_at is not None:
        return []
    asked = {"role": Role.TRUST_LEAD.value, "reporter": held.reporter.id, "on": on, "most": MOST_CONTACTS}
    rows = connection.execute(_CONTACTS, asked)
    return [Contact(row.name, row.address if "@" in row.address else "") for row in rows]


def untold(connection: Connection, tenants: Collection[int]) -> list[tuple[Named, int]]:
    """How many are reported for each organisation of which it may not be told, where there are any."""
    rows = connection.execute(_UNTOLD, {"tenants": sorted(tenants)})
    return [(Named(row.id, row.code, row.name), row.untold) for row in rows]


def identifying(desk: Desk, ident: UUID) -> dict[str, str]:
    """NHS number and birth date, as far as they were told and are still kept. The caller audits that they were shown."""
    row = _sealed(desk, ident)
    cells = {"nhs_number": row.nhs_number_ct, "birth_date": row.birth_date_ct}
    opened = {name: unseal(desk, "attributed_case", ident, name, cell) for name, cell in cells.items()}
    return {name: words for name, words in opened.items() if words is not None}


def words_of(desk: Desk, ident: UUID) -> str:
    """What was written beside the answer that stands."""
    return unseal(desk, "attributed_case", ident, "words", _sealed(desk, ident).words_ct) or ""


def _sealed(desk: Desk, ident: UUID) -> Row[Any]:
    return desk.connection.execute(_SEALED, {"tenants": [desk.tenant_id], "id": ident}).one()


# --- answering


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as a form has it. `counts_for`: the organisation for which a shared case counts."""

    answer: Answer
    reason: Reason | None = None
    words: str = ""
    counts_for: int | None = None


def answer(desk: Desk, ident: UUID, given: Given, *, seen: str) -> None:
    """Answer, or answer otherwise. The same again is no second answer.

    Raises NotFound, Forbidden without the right, Unprocessable by field, Conflict where the reporter took the case back, the registry office
    decided it, or somebody else answered since `seen`.
    """
    if desk.tenant_id not in desk.by.tenants(Right.EDIT_CASES):
        raise Forbidden("Only those who complete the cases of this organisation may answer.")
    desk.connection.execute(_LOCK, {"tenants": [desk.tenant_id], "id": ident})
    held = one(desk.connection, (desk.tenant_id,), ident)
    kept = _checked(given, held)
    if not held.open:
        raise Conflict(DECIDED if held.decided_at else GONE)
    if _stands(desk, held, kept):
        return
    if seen != held.seen:
        raise Conflict(MEANWHILE)
    before = None if held.answer is None else _said(held, words_of(desk, ident))
    words = seal(desk, "attributed_case", ident, "words", kept.words) if kept.words else None
    desk.connection.execute(
        _ANSWER,
        {
            "answer": kept.answer.value,
            "reason": kept.reason.value if kept.reason else None,
            "words": words,
            "counts_for": kept.counts_for,
            "by": desk.by.label,
            "at": desk.at,
            "tenant": desk.tenant_id,
            "id": ident,
        },
    )
    detail: dict[str, Detail] = {"answer": kept.answer.value, "again": held.answer is not None}
    record(desk, ident, "attributed case answered", detail, Change(before, _said(kept, kept.words)))


def _said(answered: Attributed | Given, words: str) -> list[object]:
    return [answered.answer, answered.reason, answered.counts_for, words]


def _checked(given: Given, held: Attributed) -> Given:
    """What is kept of an answer: only what belongs to it."""
    wrong = []
    if len(given.words) > LONGEST_WORDS:
        wrong.append(("words", f"Enter at most {LONGEST_WORDS:,} characters"))
    if given.answer is Answer.DISPUTED and given.reason is None:
        wrong.append(("reason", "Choose why the case is not yours"))
    if given.answer is Answer.DISPUTED and given.reason is Reason.OTHER and not given.words:
        wrong.append(("words", "Say what the other reason is"))
    if given.answer is Answer.SHARED and given.counts_for not in (held.ours.id, held.reporter.id):
        wrong.append(("counts_for", "Choose for which of the two the case counts"))
    if wrong:
        raise Unprocessable(errors=wrong)
    return Given(
        given.answer,
        given.reason if given.answer is Answer.DISPUTED else None,
        given.words,
        given.counts_for if given.answer is Answer.SHARED else None,
    )


def _stands(desk: Desk, held: Attributed, given: Given) -> bool:
    """Whether the same person has already said just this, as with a form that was sent twice."""
    same = (held.answer, held.reason, held.counts_for) == (given.answer, given.reason, given.counts_for)
    return same and held.answered_by == desk.by.label and words_of(desk, held.id) == given.words


def _made(row: Row[Any]) -> Attributed:
    return Attributed(
        id=row.id,
        ours=Named(row.tenant_id, row.code, row.name),
        reporter=Named(row.reporter_id, row.reporter_code, row.reporter_name),
        vte_type=row.vte_type,
        diagnosis_date=row.diagnosis_date,
        admission_date=row.admission_date,
        discharge_date=row.discharge_date,
        told_at=row.told_at,
        since=row.since,
        changed_at=row.changed_at,
        ended_at=row.ended_at,
        answer=Answer(row.answer) if row.answer else None,
        reason=Reason(row.reason) if row.reason else None,
        counts_for=row.counts_for,
        answered_by=row.answered_by,
        answered_at=row.answered_at,
        decided_for=row.decided_for,
        decided_at=row.decided_at,
    )


# --- what the reporter sees


@dataclass(frozen=True, slots=True)
class Reported:
    """A case of one's own that belongs, as it was reported, to another organisation; and what became of that."""

    case_id: UUID
    ours: Named
    local_case_id: str
    attributed: Named
    state: str
    reason: Reason | None
    words: str
    counts_for: str
    since: datetime
    told_at: datetime | None
    answered_at: datetime | None
    decided_at: datetime | None


_REPORTED = text(
    """
    select a.tenant_id, a.case_id, o.code, o.name, r.local_case_id, b.id as attributed_id, b.code as attributed_code,
           b.name as attributed_name, a.state, a.reason, a.words_ct, c.name as counts_for, r.attribution_since as since,
           a.told_at, a.answered_at, a.decided_at, {ring} as ring
      from records.attribution a
      join records.case_record r on r.tenant_id = a.tenant_id and r.id = a.case_id
      join register.organisation o on o.id = a.tenant_id
      join register.organisation b on b.id = a.attributed_id
      left join register.organisation c on c.id = a.counts_for
     where a.tenant_id = any(:tenants) and a.state <> 'ended'
     order by coalesce(a.decided_at, a.answered_at) desc nulls last, a.since, a.case_id limit :most
    """.format(ring=ring_of("a.tenant_id"))
)


def reported(connection: Connection, tenants: Collection[int], secrets: Secrets, most: int = MOST) -> list[Reported]:
    """The cases that these organisations reported for others, what was answered last at the head."""
    rows = connection.execute(_REPORTED, {"tenants": sorted(tenants), "most": most}).all()
    keys: dict[int, TenantKeys | None] = {}
    for row in rows:
        if row.tenant_id not in keys:
            keys[row.tenant_id] = _keys(secrets, row)
    return [_reported(row, keys) for row in rows]


def _keys(secrets: Secrets, row: Row[Any]) -> TenantKeys | None:
    try:
        return unwrapped(secrets, row.tenant_id, row.ring)
    except IdentifierError:
        return None


def _reported(row: Row[Any], keys: Mapping[int, TenantKeys | None]) -> Reported:
    held, words = keys[row.tenant_id], ""
    if row.words_ct is not None and held is not None:
        place = identifiers.cell_aad(row.tenant_id, "attribution", str(row.case_id), "words")
        words = identifiers.open_sealed(held.opens, bytes(row.words_ct), place)
    return Reported(
        case_id=row.case_id,
        ours=Named(row.tenant_id, row.code, row.name),
        local_case_id=row.local_case_id,
        attributed=Named(row.attributed_id, row.attributed_code, row.attributed_name),
        state=row.state,
        reason=Reason(row.reason) if row.reason else None,
        words=words,
        counts_for=row.counts_for or "",
        since=row.since,
        told_at=row.told_at,
        answered_at=row.answered_at,
        decided_at=row.decided_at,
    )
