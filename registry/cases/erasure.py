"""What is erased of a case, and when: its identifiers after their term; all that identifies at once when its patient opts
out or objects. Age, intervals, counts and findings stay."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from registry.settings import Secrets, Settings
from registry.store import Store, audit
from registry.submissions.staging import columns_of
from schemas.codes import WithdrawReason
from schemas.dictionary import fields
from schemas.record import RecordKind

IDENTIFIERS = ("nhs_number", "birth_date")
AT_ONCE = (WithdrawReason.OPT_OUT.value, WithdrawReason.OBJECTION.value)

# Cases whose identifiers have had their time: by the newest diagnosis date that stands.
_TERM_OVER = """
select c.tenant_id, c.id from records.case_record c
  join records.case_version v on v.tenant_id = c.tenant_id and v.record_id = c.id and v.version = c.version
 where v.diagnosis_date < :before
   and exists (select from records.case_version w
                where w.tenant_id = c.tenant_id and w.record_id = c.id and w.birth_date_ct is not null)
"""

# Cases and reviews withdrawn because the patient opted out or objected, as long as anything that identifies is left.
_TO_ERASE = """
select c.tenant_id, c.id, c.local_case_id from records.case_record c
 where c.withdraw_reason = any(:reasons)
   and (exists (select from records.case_version v
                 where v.tenant_id = c.tenant_id and v.record_id = c.id and ({case_left}))
     or exists (select from records.rca_record r join records.rca_version v
                    on v.tenant_id = r.tenant_id and v.record_id = r.id
                 where r.tenant_id = c.tenant_id and r.local_case_id = c.local_case_id and ({rca_left})))
"""


def retire(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """Erase what has had its time. Gives how many cases lost their identifiers by term and by the patient's wish."""
    before = (at - timedelta(days=settings.counting.identifier_retention_days)).date()
    with store.transaction(role="hat_jobs") as connection:
        connection.execute(text("create temp table over on commit drop as " + _TERM_OVER), {"before": before})
        by_term = _erase(connection, RecordKind.CASE, IDENTIFIERS, "over")
        _note(connection, "over", "identifiers erased after their term")
    with store.transaction(role="hat_jobs") as connection:
        wish = _TO_ERASE.format(case_left=_left(RecordKind.CASE), rca_left=_left(RecordKind.RCA))
        connection.execute(text("create temp table wished on commit drop as " + wish), {"reasons": list(AT_ONCE)})
        by_wish = _erase(connection, RecordKind.CASE, _identifying(RecordKind.CASE), "wished")
        _erase_reviews(connection)
        _erase_payloads(connection)
        _note(connection, "wished", "identifiers and free text erased at the patient's wish")
    return {"by_term": by_term, "by_wish": by_wish}


def _identifying(kind: RecordKind) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind) if each.item.identifying)


def _sealed(kind: RecordKind, names: tuple[str, ...]) -> list[str]:
    return [column for each in fields(kind) if each.name in names for column in columns_of(each)]


def _left(kind: RecordKind) -> str:
    return " or ".join(f"v.{column} is not null" for column in _sealed(kind, _identifying(kind)))


def _erase(connection: Connection, kind: RecordKind, names: tuple[str, ...], chosen: str) -> int:
    """Empty the sealed columns in every version of the chosen cases, and the key under which the person is found."""
    emptied = ", ".join(f"{column} = null" for column in _sealed(kind, names))
    connection.execute(
        text(
            f"update records.{kind.value}_version v set {emptied} from {chosen} o "
            "where v.tenant_id = o.tenant_id and v.record_id = o.id"
        )
    )
    return connection.execute(
        text(
            f"update records.case_record c set nhs_key = null from {chosen} o "
            "where c.tenant_id = o.tenant_id and c.id = o.id"
        )
    ).rowcount


def _erase_reviews(connection: Connection) -> None:
    emptied = ", ".join(f"{column} = null" for column in _sealed(RecordKind.RCA, _identifying(RecordKind.RCA)))
    connection.execute(
        text(
            f"update records.rca_version v set {emptied} from wished o "
            "join records.rca_record r on r.tenant_id = o.tenant_id and r.local_case_id = o.local_case_id "
            "where v.tenant_id = r.tenant_id and v.record_id = r.id"
        )
    )


def _erase_payloads(connection: Connection) -> None:
    """The submitted bytes that carried any version of these cases or of their reviews."""
    carried = """
        select v.tenant_id, v.submission_id from wished o
          join records.case_version v on v.tenant_id = o.tenant_id and v.record_id = o.id
        union
        select v.tenant_id, v.submission_id from wished o
          join records.rca_record r on r.tenant_id = o.tenant_id and r.local_case_id = o.local_case_id
          join records.rca_version v on v.tenant_id = r.tenant_id and v.record_id = r.id
    """
    connection.execute(text(f"create temp table carried on commit drop as {carried}"))
    connection.execute(
        text(
            "delete from records.payload p using carried c "
            "where p.tenant_id = c.tenant_id and p.submission_id = c.submission_id"
        )
    )
    connection.execute(
        text(
            "update records.submission s set payload_deleted_at = now() from carried c "
            "where s.tenant_id = c.tenant_id and s.id = c.submission_id and s.payload_deleted_at is null"
        )
    )


def _note(connection: Connection, chosen: str, action: str) -> None:
    """One entry in the log of each trust concerned."""
    rows = connection.execute(text(f"select tenant_id, count(*) as cases from {chosen} group by tenant_id order by 1"))
    for row in rows.all():
        audit.record(
            connection,
            tenant=row.tenant_id,
            actor="worker",
            role="service",
            action=action,
            object_type="case",
            object_id="several",
            detail={"cases": row.cases},
        )
