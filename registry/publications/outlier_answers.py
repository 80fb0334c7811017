"""What a trust is told of its own figure and what it answers: its own exact numbers, from the notification on, and nothing of another's.

The trust reads its notices and writes its answers under its own context; the nation takes the first answer in as a step of the outlier.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, insert, select, text

from registry.access import Actor, Kind, Right
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.publications.outlier_states import State
from registry.publications.outliers import LONGEST, MEANWHILE, SHORTEST, add, one
from registry.store import audit
from registry.store.outliers import outlier_notice, outlier_response

_ANSWERS = text(
    """
    select r.* from figures.outlier_response r join figures.outlier l on l.id = r.outlier_id
    where l.state = 'provider_notified' and r.number = 1 for update of l
    """
)


def take_in_answers(connection: Connection) -> int:
    """Lead on every outlier whose trust has answered, in the name of who did; gives how many. Nothing is taken in twice."""
    found = connection.execute(_ANSWERS).all()
    for row in found:
        said = "The data are right." if row.data_right else "The data are not right."
        add(
            connection, one(connection, row.outlier_id), State.RESPONSE, f"{said} {row.words}", row.responded_by,
            row.responded_by_name, row.responded_at,
        )  # fmt: skip
    return len(found)


@dataclass(frozen=True, slots=True)
class Notice:
    """What a trust was told of its own figure, exactly."""

    organisation_id: int
    outlier_id: UUID
    year: date
    reference_year: date
    observed: int
    expected: float
    basis: str
    alert_low: float
    alert_high: float
    alarm_low: float
    alarm_high: float
    ascertainment: str
    verdict: str
    side: str
    words: str
    notified_at: datetime
    respond_by: date | None
    outcome: str | None
    outcome_at: datetime | None

    @property
    def ratio(self) -> float:
        return self.observed / self.expected


@dataclass(frozen=True, slots=True)
class Answer:
    number: int
    words: str
    data_right: bool
    responded_by_name: str
    responded_at: datetime


def notices(connection: Connection, tenant: int) -> list[Notice]:
    """What a trust was notified of, the latest first. Under its own context."""
    c = outlier_notice.c
    rows = connection.execute(select(outlier_notice).where(c.organisation_id == tenant).order_by(c.notified_at.desc()))
    return [Notice(**row._mapping) for row in rows]


def notice(connection: Connection, tenant: int, ident: UUID) -> Notice:
    """One of them. Raises NotFound for another's, and for what was not notified."""
    found = next((each for each in notices(connection, tenant) if each.outlier_id == ident), None)
    if found is None:
        raise NotFound
    return found


def answers(connection: Connection, tenant: int, ident: UUID) -> list[Answer]:
    """What a trust answered to a notice, in order."""
    c = outlier_response.c
    columns = [c[name] for name in Answer.__slots__]
    query = select(*columns).where(c.organisation_id == tenant, c.outlier_id == ident).order_by(c.number)
    return [Answer(**row._mapping) for row in connection.execute(query)]


def answer(
    connection: Connection,
    tenant: int,
    ident: UUID,
    words: str,
    *,
    data_right: bool,
    seen: int,
    by: Actor,
    at: datetime,
) -> None:
    """Answer a notice, or add to an answer, as the trust's own, under its context. `seen`: how many answers there were.

    Raises NotFound, Forbidden, Unprocessable, Conflict once the outlier is decided or where a colleague answered meanwhile.
    """
    if by.kind is not Kind.PERSON or tenant not in by.tenants(Right.ANSWER_OUTLIERS):
        raise Forbidden("The lead of the trust answers, signed in.")
    held = notice(connection, tenant, ident)
    if held.outcome is not None:
        raise Conflict("This has been decided. Write to the registry about it.")
    if not SHORTEST <= len(words) <= LONGEST:
        raise Unprocessable(errors=[("words", f"Write {SHORTEST} to {LONGEST:,} letters")])
    known = answers(connection, tenant, ident)
    if len(known) != seen:
        if len(known) == seen + 1 and (known[-1].words, known[-1].data_right) == (words, data_right):
            return
        raise Conflict(MEANWHILE)
    connection.execute(
        insert(outlier_response).values(
            organisation_id=tenant, outlier_id=ident, number=seen + 1, words=words, data_right=data_right,
            responded_by=by.label, responded_by_name=by.name, responded_at=at,
        )
    )  # fmt: skip
    audit.record(
        connection, tenant=tenant, actor=by.label, role=by.role, action="outlier answered", object_type="outlier",
        object_id=str(ident), detail={"answer": seen + 1}, change=audit.Change(None, [words, data_right]),
    )  # fmt: skip
