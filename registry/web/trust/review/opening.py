"""What every page of a review stands on: the case, where it is, the review as it stands, and whether its judgement may be shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection
from starlette.requests import Request

from registry.access import Actor, Right
from registry.cases import online, second_reading, states
from registry.cases.desk import Desk, open_desk, record
from registry.cases.online import Held
from registry.cases.review import is_judged
from registry.cases.reviewing import Reviewed, reviewed
from registry.cases.second_reading import LOOKED, Waiting
from registry.cases.states import CaseState, Work
from registry.errors import Conflict
from registry.store import Store
from registry.submissions.keys import Ring
from registry.web.uploads import secrets_of
from schemas.record import RecordKind

RCA = RecordKind.RCA

EDITED = (CaseState.CONFIRMED, CaseState.RCA_OPEN, CaseState.WITH_CONSULTANT)
"""In these states the answers of a review may be changed."""


@dataclass(frozen=True, slots=True)
class Opened:
    """One review, open in one transaction. `waiting` only while the case is at second reading."""

    desk: Desk
    case: Reviewed
    work: Work
    review: Held
    waiting: Waiting | None

    @property
    def hidden(self) -> bool:
        """Whether what was judged is not to be shown to whoever asks: a second reader is to judge blind."""
        return self.waiting is not None and self.waiting.hidden_from(self.desk.by)

    @property
    def judged(self) -> bool:
        return is_judged(self.review.text)

    @property
    def connection(self) -> Connection:
        return self.desk.connection

    @property
    def href(self) -> str:
        return address(self.case.case_id)

    def note_looked(self) -> None:
        """Say in the audit log that the review was shown; call it last. Whoever was shown a judgement does not read blind any more."""
        record(self.desk, self.case.case_id, LOOKED if self.judged and not self.hidden else "review opened")

    @property
    def editable(self) -> bool:
        """Whether the answers may be changed."""
        return self.work.state in EDITED and not self.case.withdrawn

    def must_be_open(self, *, kept: bool = False) -> None:
        """Raises Conflict where the answers may not be changed any more; `kept`: what was typed is in the person's draft."""
        if not self.editable:
            words = "withdrawn" if self.case.withdrawn else self.work.state.words
            lost = " Nothing is lost: what you typed is kept as your draft." if kept else ""
            raise Conflict(
                f"This case is {words}, so its review is not open to changes.{lost} To change it, move the case back on its own page first."
            )


def address(case_id: UUID) -> str:
    return f"/trust/cases/{case_id}/review"


@contextmanager
def opened(request: Request, actor: Actor, right: Right, case_id: UUID) -> Iterator[Opened]:
    """The review of a case of an organisation over which the right is held. Raises NotFound for any other."""
    tenants = actor.tenants(right)
    with store_of(request).transaction(tenants=tenants) as connection:
        case = reviewed(connection, tenants, case_id)
        yield open_review(request, connection, actor, case)


def open_review(request: Request, connection: Connection, actor: Actor, case: Reviewed) -> Opened:
    """The rest of what stands about a case that was found already."""
    desk = desk_of(request, connection, actor, case.tenant_id, case.ring)
    work = states.of(connection, case.tenant_id, case.case_id)
    review = online.current(desk, RCA, case.local_case_id)
    at_second = work.state is CaseState.SECOND_READING
    waiting = second_reading.waiting(connection, case.tenant_id, case.case_id) if at_second else None
    return Opened(desk, case, work, review, waiting)


def desk_of(request: Request, connection: Connection, actor: Actor, tenant_id: int, ring: Ring | None = None) -> Desk:
    state, at = request.app.state, datetime.now(UTC)
    return open_desk(connection, secrets_of(state), state.settings, tenant_id, by=actor, at=at, ring=ring)


def store_of(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
