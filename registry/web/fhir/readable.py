"""The types of resource that a trust's own records are read as: how each is written, who may read it, and the note that it was read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import Connection
from starlette.requests import Request

from ingest.fhir import writing
from ingest.fhir.writing import Head
from registry.access import Actor, Right, Scope
from registry.store import Store, audit
from registry.submissions.held import Held
from registry.web.actor import needs_scope, require
from registry.web.fhir import bundles
from schemas.record import RecordKind

CASE, RCA, ACTIVITY = RecordKind.CASE, RecordKind.RCA, RecordKind.ACTIVITY
LAST_UPDATED = "_lastUpdated"
PERSON = frozenset(f"{name}{mark}identifier" for name in ("patient", "subject") for mark in ".:")
"""By which an NHS number is asked for."""

Reading = Annotated[Actor, require(Right.READ_CASES)]
Write = Callable[[Mapping[str, Any], Head], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Readable:
    """A type of resource that is read: how each kind of record is written as it, by what it is searched, and with which scope."""

    type: str
    writers: Mapping[RecordKind, Write]
    parameters: frozenset[str]
    scope: Scope
    gone: str = ""

    @property
    def kinds(self) -> tuple[RecordKind, ...]:
        return tuple(self.writers)


_COMMON = frozenset({"_id", "identifier", LAST_UPDATED})
_WITHDRAWN = "was withdrawn. What it was can be read in its history: add /_history to the address."
READABLE = {
    each.type: each
    for each in (
        Readable(
            "Condition",
            {CASE: writing.condition},
            _COMMON | PERSON,
            Scope.CONDITION_READ_SEARCH,
            f"This case {_WITHDRAWN}",
        ),
        Readable(
            "QuestionnaireResponse",
            {CASE: writing.case_answers, RCA: writing.review},
            _COMMON | PERSON | {"questionnaire"},
            Scope.QUESTIONNAIRE_RESPONSE,
            f"The case or review that this belongs to {_WITHDRAWN}",
        ),
        Readable(
            "MeasureReport",
            {ACTIVITY: writing.activity_report},
            _COMMON | {"measure", "period"},
            Scope.MEASURE_REPORT,
        ),
    )
}


def resource(asked: Readable, found: Held) -> dict[str, Any]:
    return asked.writers[found.kind](found.values, Head(found.id, found.version, found.at, found.organisation))


def asked_type(request: Request, actor: Actor) -> Readable:
    """The type that the address names, if the actor's token is good for it."""
    found = READABLE[request.url.path.removeprefix(f"{bundles.BASE}/").partition("/")[0]]
    needs_scope(actor, found.scope)
    return found


def read_uuid(text: str) -> UUID | None:
    """An id as the registry writes it, and in no other spelling."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None


def store_of(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


def note(
    connection: Connection, actor: Actor, read: Sequence[Held], action: str, object_type: str, object_id: str
) -> None:
    """Note in the log of each trust what was read of it. Monthly returns hold no patient; reading them is not noted."""
    patients = [each for each in read if each.kind is not ACTIVITY]
    noted = partial(
        audit.record, connection, actor=actor.label, role=actor.role, action=action, object_type=object_type
    )
    for tenant in sorted({each.tenant_id for each in patients}):
        count = sum(each.tenant_id == tenant for each in patients)
        noted(tenant=tenant, object_id=object_id, detail={"door": "fhir", "given": count})
