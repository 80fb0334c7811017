"""What is erased of a case, and when: its identifiers after their term; all that identifies at once when its patient opts
out or objects. Age, intervals, counts and findings stay."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from registry.cases import desk_erasure
from registry.settings import Secrets, Settings
from registry.store import Store, audit
from registry.store.records import column_of
from schemas.codes import WithdrawReason
from schemas.dictionary import fields
from schemas.record import RecordKind

IDENTIFIERS = ("nhs_number", "birth_date")
AT_ONCE = (WithdrawReason.OPT_OUT.value, WithdrawReason.OBJECTION.value)
PATIENT_KINDS = (RecordKind.CASE.value, RecordKind.RCA.value)

# Cases whose identifiers have had their time: by the last date of diagnosis that was given (a withdrawal may come without
# one), else by the day of the last version.
_TERM_OVER = """
select c.tenant_id, c.id from records.case_record c
 where exists (select from records.case_version v
                where v.tenant_id = c.tenant_id and v.record_id = c.id and ({left}))
   and coalesce((select v.diagnosis_date from records.case_version v
                  where v.tenant_id = c.tenant_id and v.record_id = c.id and v.diagnosis_date is not null
                  order by v.version desc limit 1),
                (select max(v.recorded_at)::date from records.case_version v
                  where v.tenant_id = c.tenant_id and v.record_id = c.id)) < :before
"""

# Cases withdrawn because the patient opted out or objected, as long as anything that identifies is left of them or of their
# reviews.
_WISHED = """
select c.tenant_id, c.id, c.local_case_id from records.case_record c
 where c.withdraw_reason = any(:reasons)
   and (exists (select from records.case_version v
                 where v.tenant_id = c.tenant_id and v.record_id = c.id and ({case_left}))
     or exists (select from records.rca_record r join records.rca_version v
                    on v.tenant_id = r.tenant_id and v.record_id = r.id
                 where r.tenant_id = c.tenant_id and r.local_case_id = c.local_case_id and ({rca_left}))
     or {desk_left})
"""

# The reviews of those cases, and reviews that were themselves withdrawn for such a reason.
_WISHED_REVIEWS = """
select r.tenant_id, r.id from records.rca_record r
 where exists (select from wished w where w.tenant_id = r.tenant_id and w.local_case_id = r.local_case_id)
    or (r.withdraw_reason = any(:reasons)
        and exists (select from records.rca_version v
                     where v.tenant_id = r.tenant_id and v.record_id = r.id and ({rca_left})))
"""


def retire(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """Erase the identifiers that have had their term. Gives how many cases lost theirs."""
    before = (at - timedelta(days=settings.counting.identifier_retention_days)).date()
    with store.transaction(role="hat_jobs") as connection:
        return {"cases": _by_term(connection, {"before": before})}


def erase_wished(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """Erase all that identifies of what was withdrawn at a patient's wish. Gives how many cases and reviews lost it."""
    with store.transaction(role="hat_jobs") as connection:
        return _by_wish(connection, {"reasons": list(AT_ONCE)}, at)


def _by_term(connection: Connection, asked: Mapping[str, object]) -> int:
    over = _TERM_OVER.format(left=_left(RecordKind.CASE, IDENTIFIERS))
    cases = _choose(connection, "over", over, asked)
    _erase(connection, RecordKind.CASE, IDENTIFIERS, "over")
    _forget_person(connection, "over")
    desk_erasure.forget_identifiers(connection, "over")
    _note(connection, "over", "case", "identifiers erased after their term")
    return cases


def _by_wish(connection: Connection, asked: Mapping[str, object], at: datetime) -> dict[str, int]:
    case_left, rca_left = (_left(kind, _identifying(kind)) for kind in (RecordKind.CASE, RecordKind.RCA))
    cases = _choose(
        connection, "wished", _WISHED.format(case_left=case_left, rca_left=rca_left, desk_left=desk_erasure.LEFT), asked
    )
    reviews = _choose(connection, "wished_reviews", _WISHED_REVIEWS.format(rca_left=rca_left), asked)
    _erase(connection, RecordKind.CASE, _identifying(RecordKind.CASE), "wished")
    _erase(connection, RecordKind.RCA, _identifying(RecordKind.RCA), "wished_reviews")
    _forget_person(connection, "wished")
    desk_erasure.erase(connection, "wished", at)
    _erase_payloads(connection, at)
    _note(connection, "wished", "case", "identifiers and free text erased at the patient's wish")
    _note(connection, "wished_reviews", "review", "free text erased at the patient's wish")
    return {"cases": cases, "reviews": reviews}


def _choose(connection: Connection, name: str, query: str, asked: Mapping[str, object]) -> int:
    """A temporary table of the records that are meant; gives how many."""
    connection.execute(text(f"create temp table {name} on commit drop as {query}"), asked)
    return int(connection.execute(text(f"select count(*) from {name}")).scalar_one())


def _identifying(kind: RecordKind) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind) if each.item.identifying)


def _sealed(kind: RecordKind, names: tuple[str, ...]) -> list[str]:
    return [column_of(each) for each in fields(kind) if each.name in names]


def _left(kind: RecordKind, names: tuple[str, ...]) -> str:
    return " or ".join(f"v.{column} is not null" for column in _sealed(kind, names))


def _erase(connection: Connection, kind: RecordKind, names: tuple[str, ...], chosen: str) -> None:
    """Empty the sealed columns in every version of the chosen records."""
    emptied = ", ".join(f"{column} = null" for column in _sealed(kind, names))
    connection.execute(
        text(
            f"update records.{kind.value}_version v set {emptied} from {chosen} o "
            "where v.tenant_id = o.tenant_id and v.record_id = o.id"
        )
    )


def _forget_person(connection: Connection, chosen: str) -> None:
    """Take away the keys under which the person is found again."""
    connection.execute(
        text(
            f"update records.case_record c set nhs_key = null, nhs_key_2 = null from {chosen} o "
            "where c.tenant_id = o.tenant_id and c.id = o.id"
        )
    )


def _erase_payloads(connection: Connection, at: datetime) -> None:
    """The submitted bytes that may have carried these records.

    A rehearsal, a refused file and a file sent again unchanged carry a row and leave no version of it, so all files of
    patients go that the trust has sent so far and that have been checked. They are kept for some days only in any case.
    """
    connection.execute(
        text(
            """
            create temp table carried on commit drop as
            select s.tenant_id, s.id from records.submission s
             where s.kind = any(:kinds) and s.finished_at is not null and s.payload_deleted_at is null
               and s.tenant_id in (select tenant_id from wished union select tenant_id from wished_reviews)
            """
        ),
        {"kinds": list(PATIENT_KINDS)},
    )
    connection.execute(
        text("delete from records.payload p using carried c where p.tenant_id = c.tenant_id and p.submission_id = c.id")
    )
    connection.execute(
        text(
            "update records.submission s set payload_deleted_at = :at, file_name_ct = null from carried c "
            "where s.tenant_id = c.tenant_id and s.id = c.id"
        ),
        {"at": at},
    )


def _note(connection: Connection, chosen: str, what: str, action: str) -> None:
    """One entry in the log of each trust concerned."""
    rows = connection.execute(
        text(f"select tenant_id, count(*) as records from {chosen} group by tenant_id order by 1")
    )
    for row in rows.all():
        audit.record(
            connection,
            tenant=row.tenant_id,
            actor="worker",
            role="service",
            action=action,
            object_type=what,
            object_id="several",
            detail={"records": row.records},
        )
