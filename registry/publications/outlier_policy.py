"""The outlier policy: what is judged, from which thresholds on, and by when what has to follow, for each nation.

It is adopted by named people and kept in versions in the database; a cycle keeps the version that it was computed under. Nothing of it is
fixed here. `PROPOSAL` is a place to begin, written before the guidance of HQIP of January 2024 could be read in full (statistics.md 3.3
and 9): its days and its addressees have to be set from that document by the audit team before anything is computed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import Connection, func, insert, select

from registry.access import Actor, Kind, Right
from registry.errors import Conflict, Forbidden, Unprocessable
from registry.store import SYSTEM_TENANT, audit
from registry.store.outliers import outlier_policy

NATIONS = ("England", "Wales")
METRIC = "Overnight HAT, observed over expected, one financial year"
"""The primary metric, fixed in advance: cases after stays of one night or more over those expected by case mix."""
STEPS = ("data_checked", "provider_notified", "provider_response", "confirmed", "published")
"""The stages with a time of their own; not confirmed is due when confirmed is."""
SOURCE_SHORTEST, SOURCE_LONGEST = 10, 500


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Stage(_Frozen):
    """One stage: so many days after the one before, and who has to be told then."""

    state: Literal["data_checked", "provider_notified", "provider_response", "confirmed", "published"]
    days: Annotated[int, Field(ge=0, le=730)]
    working: bool
    """Mondays to Fridays only; bank holidays are not known here."""
    tell: tuple[Annotated[str, Field(min_length=1, max_length=120)], ...] = ()


class Policy(_Frozen):
    """The thresholds and the timetable. Shares lie between 0 and 1."""

    expected_from: Annotated[float, Field(ge=5, le=1000)] = 5
    """With fewer cases expected an organisation cannot be assessed; never below 5."""
    months_from: Annotated[int, Field(ge=1, le=12)] = 12
    """… nor with fewer months of the year that enter the rates: the coverage of the denominator."""
    sources_from: Annotated[int, Field(ge=1, le=5)] = 2
    """… nor with fewer sources of cases, unless coded candidates are counted every month."""
    coded_share_from: Annotated[float, Field(ge=0, le=1)] = 0.5
    """… nor with fewer cases reported for each coded candidate than this, where they are counted."""
    nations: Mapping[str, tuple[Stage, ...]]

    @model_validator(mode="after")
    def _every_stage_once(self) -> "Policy":
        if sorted(self.nations) != sorted(NATIONS):
            raise ValueError("the timetable is that of England and of Wales")
        if any(tuple(stage.state for stage in stages) != STEPS for stages in self.nations.values()):
            raise ValueError("each stage stands once, in order")
        return self

    def stage(self, nation: str, state: str) -> Stage:
        """The stage that is next to be reached when something stands in `state`."""
        wanted = {"detected": 0, "data_checked": 1, "provider_notified": 2, "provider_response": 3, "confirmed": 4}[
            state
        ]
        return self.nations[nation][wanted]

    def due(self, nation: str, state: str, since: date) -> date:
        """The day by which the next stage has to be reached."""
        stage = self.stage(nation, state)
        return working_days_on(since, stage.days) if stage.working else since + timedelta(days=stage.days)


def working_days_on(day: date, number: int) -> date:
    """The Monday to Friday so many of them later."""
    weeks, rest = divmod(number, 5)
    found = day + timedelta(weeks=weeks)
    while rest:
        found += timedelta(days=1)
        rest -= found.weekday() < 5
    while found.weekday() >= 5:
        found += timedelta(days=1)
    return found


def _stages(country: tuple[str, ...]) -> tuple[Stage, ...]:
    provider = ("the lead clinician of the provider", "its medical director", "its chief executive")
    return (
        Stage(state="data_checked", days=10, working=True),
        Stage(state="provider_notified", days=5, working=True, tell=provider[:1]),
        Stage(state="provider_response", days=25, working=True),
        Stage(state="confirmed", days=30, working=True, tell=(*provider, *country)),
        Stage(state="published", days=90, working=False, tell=country),
    )


PROPOSAL = Policy(
    nations={
        "England": _stages(("the Care Quality Commission", "NHS England")),
        "Wales": _stages(("the Welsh Government",)),
    }
)
"""A STARTING PROPOSAL, not the guidance: see the head of this module."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """A version of the policy, who adopted it, and the document it follows."""

    version: int
    policy: Policy
    source: str
    made_by_name: str
    made_at: datetime


def read(content: Mapping[str, Any]) -> Policy:
    """A policy from plain JSON. Raises Unprocessable, naming each member that is wrong."""
    try:
        return Policy.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
    raise Unprocessable(errors=[("-".join(map(str, each["loc"])) or "policy", str(each["msg"])) for each in found])


def versions(connection: Connection) -> list[Adopted]:
    """Every version, the latest first."""
    c = outlier_policy.c
    return [
        Adopted(row.version, read(row.content), row.source, row.made_by_name, row.made_at)
        for row in connection.execute(select(outlier_policy).order_by(c.version.desc()))
    ]


def current(connection: Connection) -> Adopted | None:
    """What stands; `None` before anything was adopted."""
    return next(iter(versions(connection)), None)


def numbered(connection: Connection, version: int) -> Adopted:
    """One version."""
    return next(each for each in versions(connection) if each.version == version)


def adopt(connection: Connection, policy: Policy, source: str, *, by: Actor, at: datetime, seen: int) -> int:
    """Adopt a policy as the next version after `seen`; gives its number. What is computed already keeps its own.

    Raises Forbidden, Unprocessable without the document that it follows, Conflict where somebody adopted another meanwhile.
    """
    if by.kind is not Kind.PERSON or not by.may(Right.DECIDE_OUTLIERS):
        raise Forbidden("A policy is adopted by a national lead, signed in.")
    if not SOURCE_SHORTEST <= len(source) <= SOURCE_LONGEST:
        raise Unprocessable(
            errors=[("source", "Say in 10 to 500 letters which document it follows, and where it was read")]
        )
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("outlier policy"))))
    latest = connection.scalar(select(func.max(outlier_policy.c.version))) or 0
    if latest != seen:
        raise Conflict(
            "Somebody adopted another version while you had this open. Nothing was changed. Look at it again."
        )
    connection.execute(
        insert(outlier_policy).values(
            version=latest + 1, content=policy.model_dump(mode="json"), source=source, made_by=by.label,
            made_by_name=by.name, made_at=at,
        )
    )  # fmt: skip
    audit.record(
        connection, tenant=SYSTEM_TENANT, actor=by.label, role=by.role, action="outlier policy adopted",
        object_type="outlier policy", object_id=str(latest + 1),
        change=audit.Change(latest or None, [policy.model_dump(mode="json"), source]),
    )  # fmt: skip
    return latest + 1
