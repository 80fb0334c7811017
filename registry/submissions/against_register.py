"""The rules that need the trust's own register: one question each to the staged rows, all asked in one statement.

Only what the trust itself may see is looked at, so no finding tells what another organisation has sent.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import polars as pl
from sqlalchemy import Connection, text

from ingest.check import FINDINGS, ROW, WITHDRAWAL
from registry.store.prepared import Prepared
from registry.store.records import MATCH_COLUMNS
from registry.submissions.meeting import OF_TRUST
from registry.submissions.request import Reference
from registry.submissions.staging import BRIEF, MET, ROWS
from schemas.codes import WithdrawReason
from schemas.counting import CaseScope
from schemas.dictionary import fields, key
from schemas.record import RecordKind
from schemas.rule import Rule
from schemas.rules import register

Question = Callable[[RecordKind], str]

_SENDER = "(select code from register.organisation where id = :tenant)"
_OWN = f"coalesce(s.attributed_organisation, {_SENDER})"


def _unknown_organisation(_: RecordKind) -> str:
    return _no_organisation("attributed_organisation")


def _unknown_sending_organisation(_: RecordKind) -> str:
    return _no_organisation("transferred_from")


def _no_organisation(name: str) -> str:
    return f"""from {BRIEF} s where s.{name} is not null
               and not exists (select from register.organisation o where o.code = s.{name})"""


def _organisation_not_open(_: RecordKind) -> str:
    return f"""from {BRIEF} s join register.organisation o on o.code = {_OWN}
               where (o.closed_on < s.admission_date or o.opened_on > s.admission_date)"""


def _organisation_merged(_: RecordKind) -> str:
    return f"""from {BRIEF} s join register.organisation o on o.code = {_OWN}
               where s.admission_date <= o.closed_on
                 and exists (select from register.succession u where u.predecessor_id = o.id)"""


def _case_of(conditions: str) -> str:
    """The trust's own cases for which the conditions hold, looked for row by row: `meeting` says why."""
    return f"""lateral (select held.* from records.case_record held
                         where {OF_TRUST} and {conditions} offset 0) c"""


_FIRST, _SECOND = (f"held.{name} = s.{name}" for name in MATCH_COLUMNS)
# By one index, then by the other: of either in one condition the planner takes none as long as it knows the table as small.
_OF_PERSON = f"""lateral (select held.* from records.case_record held where {OF_TRUST} and {_FIRST}
                          union all
                          select held.* from records.case_record held where {OF_TRUST} and {_SECOND} and ({_FIRST}) is not true
                          offset 0) c"""

_STANDING = """lateral (select * from records.case_version standing
                         where standing.tenant_id = :tenant and standing.record_id = c.id
                           and standing.version = c.version offset 0) v"""


def _review_without_case(_: RecordKind) -> str:
    return f"""from {BRIEF} s left join {_case_of("held.local_case_id = s.local_case_id")} on true
               where c.id is null"""


def _nil_while_cases_held(_: RecordKind) -> str:
    return f"""from {BRIEF} s where s.case_return = 'nil' and s.month in (
                   select v.index_month from records.case_record c cross join {_STANDING}
                    where c.tenant_id = :tenant and c.attributed_id = :tenant and c.withdrawn_at is null
                      and v.scope = '{CaseScope.IN}')"""


def _case_in_nil_month(_: RecordKind) -> str:
    return f"""from {BRIEF} s where s.scope = '{CaseScope.IN}' and {_OWN} = {_SENDER} and s.index_month = any(array(
                   select a.month from records.activity_record a
                     join records.activity_version v
                       on v.tenant_id = :tenant and v.record_id = a.id and v.version = a.version
                    where a.tenant_id = :tenant and v.case_return = 'nil'))"""


def _before_taking_part(kind: RecordKind) -> str:
    month = {
        RecordKind.CASE: "s.index_month",
        RecordKind.ACTIVITY: "s.month",
        RecordKind.WALES_QUARTER: "s.quarter",
    }[kind]
    live_from = "(select date_trunc('month', live_from) from register.organisation where id = :tenant)"
    return f"from {BRIEF} s where {month} < {live_from}"


def _same_event_held(_: RecordKind) -> str:
    return f"""from {BRIEF} s
              cross join {_OF_PERSON}
              cross join {_STANDING}
               where exists (select from records.case_record where tenant_id = :tenant)
                 and c.withdrawn_at is null and c.local_case_id <> s.local_case_id
                 and abs(v.diagnosis_date - s.diagnosis_date) <= 14
                 and not exists (select from {MET} x where x.record_id = c.id)"""


_ITS_CASE = f"""from {BRIEF} s cross join {_case_of("held.local_case_id = s.local_case_id")} cross join {_STANDING}"""


def _first_dose_before_admission(_: RecordKind) -> str:
    return f"{_ITS_CASE} where s.first_dose_at < v.admitted_at"


def _assessed_after_diagnosis(_: RecordKind) -> str:
    return f"{_ITS_CASE} where s.assessed_at > v.diagnosed_at"


def _assessment_time_differs(_: RecordKind) -> str:
    return f"{_ITS_CASE} where {_contradicts('s.assessed_at', 's.assessed_within_14_hours')}"


def _first_dose_time_differs(_: RecordKind) -> str:
    return f"{_ITS_CASE} where {_contradicts('s.first_dose_at', 's.first_dose_within_14_hours')}"


def _contradicts(moment: str, answer: str) -> str:
    in_time = f"{moment} - v.admitted_at <= interval '14 hours'"
    return f"(({in_time} and {answer} = 'no') or (not ({in_time}) and {answer} = 'yes'))"


def _judged_before_diagnosis(_: RecordKind) -> str:
    return f"{_ITS_CASE} where s.judged_on < v.diagnosis_date"


def _withdrawn_before(_: RecordKind) -> str:
    return f'from {MET} x join {BRIEF} s using ("row") where x.withdrawn'


def _erased_at_wish(_: RecordKind) -> str:
    return f"""from {MET} x join {BRIEF} s using ("row")
               where x.withdrawn_as in ('{WithdrawReason.OPT_OUT}', '{WithdrawReason.OBJECTION}')"""


def _withdrawn_unknown(_: RecordKind) -> str:
    return f"""from {BRIEF} s where s.withdraw_reason is not null
               and not exists (select from {MET} x where x."row" = s."row")"""


QUESTIONS: tuple[tuple[Rule, Question], ...] = (
    (register.UNKNOWN_ORGANISATION, _unknown_organisation),
    (register.UNKNOWN_SENDING_ORGANISATION, _unknown_sending_organisation),
    (register.ORGANISATION_NOT_OPEN, _organisation_not_open),
    (register.ORGANISATION_MERGED, _organisation_merged),
    (register.REVIEW_WITHOUT_CASE, _review_without_case),
    (register.NIL_WHILE_CASES_HELD, _nil_while_cases_held),
    (register.CASE_IN_NIL_MONTH, _case_in_nil_month),
    (register.BEFORE_TAKING_PART, _before_taking_part),
    (register.SAME_EVENT_HELD, _same_event_held),
    (register.FIRST_DOSE_BEFORE_ADMISSION, _first_dose_before_admission),
    (register.ASSESSED_AFTER_DIAGNOSIS, _assessed_after_diagnosis),
    (register.ASSESSMENT_TIME_DIFFERS, _assessment_time_differs),
    (register.FIRST_DOSE_TIME_DIFFERS, _first_dose_time_differs),
    (register.JUDGED_BEFORE_DIAGNOSIS, _judged_before_diagnosis),
    (register.WITHDRAWN_BEFORE, _withdrawn_before),
    (register.WITHDRAWN_UNKNOWN, _withdrawn_unknown),
    (register.ERASED_AT_WISH, _erased_at_wish),
)


def findings(connection: Connection, kind: RecordKind, reference: Reference) -> pl.DataFrame:
    """What the register says of the staged rows: `row`, `place` and `rule`, as the checker's own findings."""
    asked = _asked(kind)
    return pl.DataFrame(schema=FINDINGS) if asked is None else found(asked(connection, tenant=reference.tenant_id))


@cache
def _asked(kind: RecordKind) -> Prepared | None:
    query = questions(kind)
    return None if query is None else Prepared(query)


def questions(kind: RecordKind) -> str | None:
    """All questions about rows of a kind as one query, which gives one line for each rule, however many rows break it.

    It asks `brief` and `met`. None where nothing is asked.
    """
    asked = [(rule, question) for rule, question in QUESTIONS if kind.value in rule.kinds]
    if not asked:
        return None
    place = {each.name: number for number, each in enumerate(fields(kind))}
    parts = [
        f'select s."row", {place[_shown_at(rule, kind)]} as place, {rule.number} as rule {question(kind)}{_of(rule, kind)}'
        for rule, question in asked
    ]
    return f"""select place, rule, array_agg(distinct "row") as rows
                 from ({" union all ".join(parts)}) as broken group by place, rule"""


def found(lines: Iterable[Sequence[Any]]) -> pl.DataFrame:
    """The answers of `questions` as findings, in the order of the rows."""
    frames = [pl.DataFrame({ROW: rows, "place": place, "rule": rule}, schema=FINDINGS) for place, rule, rows in lines]
    return pl.concat([pl.DataFrame(schema=FINDINGS), *frames]).sort(ROW, "place", "rule")


def _of(rule: Rule, kind: RecordKind) -> str:
    """Of a row that withdraws its record nothing is asked but whether that record is there."""
    withdraws = any(each.name == WITHDRAWAL for each in fields(kind))
    return " and s.withdraw_reason is null" if withdraws and rule is not register.WITHDRAWN_UNKNOWN else ""


def _shown_at(rule: Rule, kind: RecordKind) -> str:
    names = {each.name for each in fields(kind)}
    return next((name for name in rule.fields if name in names), key(kind)[0])


def leave_out(connection: Connection, rows: pl.Series) -> None:
    """Take rows with an error out of the staged ones."""
    if rows.len():
        for table in (ROWS, BRIEF, MET):
            connection.execute(text(f'delete from {table} where "{ROW}" = any(:rows)'), {"rows": rows.to_list()})
