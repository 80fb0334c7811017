"""The worklist of outliers: what is to be done next, by when, and the steps that were taken, each with actor, time and evidence.

Everything runs under `hat_national`, but for what a trust answers, which it writes under its own context and the nation takes in. A step is
taken on what was seen: whoever comes second is told and changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select, text, update

from registry.access import Actor, Kind, Right
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.publications import judging, outlier_policy
from registry.publications.outlier_cycles import Limits
from registry.publications.outlier_policy import Adopted, Stage
from registry.publications.outlier_states import STEPS, State, Step
from registry.store import SYSTEM_TENANT, audit
from registry.store.outliers import outlier, outlier_cycle, outlier_notice, outlier_step

SHORTEST, LONGEST = 20, 4000
TELLS_TOO_MUCH = (
    "Beside the figures that are public this verdict would leave fewer than five possible counts. It may not be published; "
    "say in what is published that the organisation was reviewed, without a verdict."
)
MEANWHILE = "This changed while you had it open. Nothing was changed. Look at it again."
LOW_FIRST = "Fewer cases than expected. Read it first as cases that were not found: an organisation that begins to look better goes up."
HIGH_FIRST = "More cases than expected. An organisation that looks better than others finds more: read it beside how its cases are found."


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle with the snapshot that it was computed from."""

    id: UUID
    year: date
    metric: str
    policy_version: int
    reference_year: date
    data_hash: str
    reference_hash: str
    code_version: str
    compared: int
    scale: str | None
    phi: float | None
    tau2: float | None
    computed_by_name: str
    computed_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One organisation of a cycle: its verdict, and of an outlier where it stands. `since`: when it came there."""

    id: UUID
    organisation_id: int
    code: str
    name: str
    nation: str
    year: date
    months: int
    observed: int
    expected: float | None
    basis: str | None
    limits: Limits | None
    ascertainment: str
    verdict: str
    side: str | None
    reason: str | None
    state: State | None
    steps: int
    since: datetime | None
    policy_version: int

    @property
    def ratio(self) -> float | None:
        return self.observed / self.expected if self.expected else None

    def next_stage(self, adopted: Adopted) -> Stage | None:
        """The stage that has to follow, in the nation's timetable."""
        if self.state is None or not self.state.open:
            return None
        return adopted.policy.stage(self.nation, self.state.value)

    def due(self, adopted: Adopted) -> date | None:
        """The day by which the next stage has to be reached."""
        if self.state is None or not self.state.open or self.since is None:
            return None
        return adopted.policy.due(self.nation, self.state.value, self.since.date())


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken."""

    number: int
    state: State
    actor: str
    actor_name: str
    at: datetime
    evidence: str


_LINES = """
    select l.*, c.year, c.policy_version, o.code, o.name, o.nation, s.at as since
      from figures.outlier l
      join figures.outlier_cycle c on c.id = l.cycle_id
      join register.organisation o on o.id = l.organisation_id
      left join figures.outlier_step s on s.outlier_id = l.id and s.number = l.steps
"""


def cycles(connection: Connection) -> list[Cycle]:
    """Every cycle, the latest year first."""
    columns = [outlier_cycle.c[name] for name in Cycle.__slots__]
    return [Cycle(**row._mapping) for row in connection.execute(select(*columns).order_by(outlier_cycle.c.year.desc()))]


def of_cycle(connection: Connection, cycle: UUID) -> list[Line]:
    """Every organisation of a cycle, by name: no ranking."""
    rows = connection.execute(text(f"{_LINES} where l.cycle_id = :cycle order by o.name, o.id"), {"cycle": cycle})
    return [_line(row._mapping) for row in rows]


def open_lines(connection: Connection) -> list[Line]:
    """The outliers of all cycles in which something has to follow."""
    over = {"over": [state.value for state in State if not state.open]}
    rows = connection.execute(
        text(f"{_LINES} where l.state is not null and l.state <> all(:over) order by o.name, o.id"), over
    )
    return [_line(row._mapping) for row in rows]


def one(connection: Connection, ident: UUID) -> Line:
    """One outlier. Raises NotFound, also for what is none."""
    row = connection.execute(text(f"{_LINES} where l.id = :id and l.state is not null"), {"id": ident}).one_or_none()
    if row is None:
        raise NotFound
    return _line(row._mapping)


def taken(connection: Connection, ident: UUID) -> list[Taken]:
    """The steps of an outlier in order."""
    c = outlier_step.c
    rows = connection.execute(select(outlier_step).where(c.outlier_id == ident).order_by(c.number))
    return [Taken(row.number, State(row.state), row.actor, row.actor_name, row.at, row.evidence) for row in rows]


def _line(row: Mapping[Any, Any]) -> Line:
    names = [name for name in Line.__slots__ if name not in ("limits", "state")]
    known = row["alert_low"] is not None
    return Line(
        **{name: row[name] for name in names},
        limits=Limits(**{name: row[name] for name in Limits.__slots__}) if known else None,
        state=State(row["state"]) if row["state"] else None,
    )


# --- on


def ways(line: Line, by: Actor, done: list[Taken], due: date | None, on: date) -> list[Step]:
    """What this person may do next with an outlier."""
    if line.state is None:
        return []
    checked = {each.actor for each in done if each.state is State.DATA_CHECKED}
    return [
        step
        for step in STEPS[line.state]
        if step.right is not Right.ANSWER_OUTLIERS
        and by.may(step.right)
        and not (step.another and by.label in checked)
        and not (step.after_due and due is not None and on <= due)
    ]


def move(
    connection: Connection, ident: UUID, to: State, evidence: str, *, seen: int, by: Actor, at: datetime, on: date
) -> None:
    """Lead an outlier one step on. `seen`: how many steps it had. The same step again by the same person is no second one.

    Raises NotFound, Unprocessable without evidence, Forbidden for whoever may not, Conflict where it moved on since it was seen.
    """
    if by.kind is not Kind.PERSON:
        raise Forbidden("Steps are taken by named people, signed in.")
    connection.execute(select(outlier.c.id).where(outlier.c.id == ident).with_for_update())
    line = one(connection, ident)
    done = taken(connection, ident)
    if line.steps != seen:
        if line.steps == seen + 1 and (done[-1].state, done[-1].actor, done[-1].evidence) == (to, by.label, evidence):
            return
        raise Conflict(MEANWHILE)
    if not SHORTEST <= len(evidence) <= LONGEST:
        raise Unprocessable(
            errors=[("evidence", f"Write {SHORTEST} to {LONGEST:,} letters: a later reader has to understand it")]
        )
    adopted = outlier_policy.numbered(connection, line.policy_version)
    due = line.due(adopted)
    if not any(step.to is to for step in ways(line, by, done, due, on)):
        raise Forbidden("This step is not open to you: another person has to take it, or it is not its turn.")
    if to is State.NOTIFIED:
        _notify(connection, line, adopted, evidence, at)
    elif to is State.PUBLISHED and not judging.may_be_flagged(connection, ident):
        raise Conflict(TELLS_TOO_MUCH)
    if to in (State.CONFIRMED, State.NOT_CONFIRMED, State.PUBLISHED):
        connection.execute(
            update(outlier_notice)
            .where(outlier_notice.c.organisation_id == line.organisation_id, outlier_notice.c.outlier_id == ident)
            .values(outcome=to.value, outcome_at=at)
        )
    add(connection, line, to, evidence, by.label, by.name, at)
    audit.record(
        connection, tenant=SYSTEM_TENANT, actor=by.label, role=by.role, action=f"outlier {to.value}", object_type="outlier",
        object_id=str(ident), detail={"step": line.steps + 1}, change=audit.Change(line.state, [to, evidence]),
    )  # fmt: skip


def _notify(connection: Connection, line: Line, adopted: Adopted, words: str, at: datetime) -> None:
    """Give the trust what it has to know: its own exact numbers, and our words."""
    assert line.limits is not None
    frozen = connection.execute(
        select(outlier_cycle.c.reference_year)
        .join(outlier, outlier.c.cycle_id == outlier_cycle.c.id)
        .where(outlier.c.id == line.id)
    ).scalar_one()
    connection.execute(
        insert(outlier_notice).values(
            organisation_id=line.organisation_id, outlier_id=line.id, year=line.year, reference_year=frozen,
            observed=line.observed, expected=line.expected, basis=line.basis, ascertainment=line.ascertainment,
            verdict=line.verdict, side=line.side, words=words, notified_at=at,
            respond_by=adopted.policy.due(line.nation, State.NOTIFIED.value, at.date()),
            **{name: getattr(line.limits, name) for name in Limits.__slots__},
        )
    )  # fmt: skip


def add(connection: Connection, line: Line, to: State, evidence: str, actor: str, name: str, at: datetime) -> None:
    """Write the next step of an outlier. Two at once cannot both: the second breaks the key."""
    connection.execute(
        insert(outlier_step).values(
            outlier_id=line.id,
            number=line.steps + 1,
            state=to.value,
            actor=actor,
            actor_name=name,
            at=at,
            evidence=evidence,
        )
    )
    connection.execute(update(outlier).where(outlier.c.id == line.id).values(state=to.value, steps=line.steps + 1))
