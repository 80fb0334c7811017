"""One unit on its way into the register: for which organisation it is sent, whether it stands, and what its sender is told.

A transaction is one unit; an entry of a batch and a return by itself are units too, and go the same way.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import select
from starlette.datastructures import State
from starlette.requests import Request

from ingest.check import Context
from ingest.fhir.issue import Issue
from ingest.fhir.issue_types import fault
from ingest.fhir.outcome import outcome
from ingest.fhir.reading import CheckedUnits, check_units
from ingest.fhir.unit import Unit
from registry import submissions
from registry.access import Actor, Right
from registry.errors import Conflict, NotFound, PreconditionFailed
from registry.store import Store
from registry.store.tables import submission
from registry.submissions import Door, Format, Mode, units
from registry.submissions.senders import Sender, only_sender, senders
from registry.submissions.units import Refused, Settled
from registry.web.fhir import asking, entries, refusals
from registry.web.uploads import secrets_of
from schemas import fhir
from schemas.days import LONDON
from schemas.rules import fhir as rules

DECLARE = (
    "Apply the national data opt-out to what you send, and say so: "
    f"{asking.OPT_OUT}=true in the address, or the header {asking.OPT_OUT_HEADER}: true."
)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who sends, for which organisations, when, and what is declared with it."""

    state: State
    actor: Actor
    senders: tuple[Sender, ...]
    screened: bool
    at: datetime

    @property
    def store(self) -> Store:
        held: Store = self.state.store
        return held

    def sender(self, unit: Unit) -> Sender | None:
        """The organisation under which a unit is sent; None where it may not send for it, or none is named among several."""
        if unit.organisation is None:
            return only_sender(self.senders)
        code = unit.organisation.strip().upper()
        return next((each for each in self.senders if each.code == code), None)


@dataclass(frozen=True, slots=True)
class Taken:
    """A unit that stands in the register, with the entries of its answer."""

    entries: list[dict[str, Any]]
    replayed: bool


@dataclass(frozen=True, slots=True)
class Declined:
    """A unit of which nothing was kept, and why."""

    status: int
    outcome: dict[str, Any]


def asker(request: Request, actor: Actor, *, screened: bool) -> Asker:
    """Raises NotFound for somebody who may send for no organisation."""
    store: Store = request.app.state.store
    with store.readonly() as connection:
        found = senders(connection, actor.tenants(Right.SUBMIT))
    if not found:
        raise NotFound
    return Asker(request.app.state, actor, found, screened, datetime.now(UTC))


def take(by: Asker, unit: Unit, content: bytes, key: str) -> Taken | Declined:
    """Store one unit, or say why not. `content` are the bytes that are kept as evidence; `key` is what a repetition has in common.

    Raises Unavailable while something of the same organisation is in the way, Conflict where its key was destroyed.
    """
    sender = by.sender(unit)
    if sender is None:
        return declined(ungranted(by, unit), unit.root)
    wanted = submissions.Request(
        tenant_id=sender.id,
        kind=units.kind_of(unit),
        format=Format.FHIR,
        mode=Mode.ALL_OR_NOTHING,
        rehearsal=False,
        door=Door.FHIR,
        actor=by.actor.label,
        role=by.actor.role,
        idempotency_key=key,
        opt_out_screened=by.screened,
    )
    if sender.must_declare(wanted.kind) and not by.screened:
        return _undeclared(by, unit, sender)

    def respond(checked: CheckedUnits, settled: Settled) -> bytes:
        return orjson.dumps(entries.entries_of(unit, settled, checked.issues(unit.ordinal), by.at))

    try:
        done = units.store_unit(
            by.store, wanted, content, unit, secrets_of(by.state), by.state.settings, at=by.at, respond=respond
        )
    except PreconditionFailed:
        return declined([fault(rules.IF_MATCH_FAILED, entries.if_match_at(unit))], unit.root)
    except Conflict:
        if not _was_used(by, sender, key):
            raise
        return declined([fault(rules.REPLAY_DIFFERS, "Bundle.identifier")], unit.root)
    if isinstance(done, Refused):
        return declined(done.checked.issues(unit.ordinal), unit.root)
    return Taken(orjson.loads(done.response), done.replayed)


def _was_used(by: Asker, sender: Sender, key: str) -> bool:
    """Whether something else was sent under the key before."""
    used = select(submission.c.id).where(submission.c.tenant_id == sender.id, submission.c.idempotency_key == key)
    with by.store.readonly(tenants=(sender.id,)) as connection:
        return connection.execute(used).first() is not None


def declined(issues: Sequence[Issue], root: str) -> Declined:
    return Declined(entries.refused_status(issues), outcome(issues, root=root))


def _undeclared(by: Asker, unit: Unit, sender: Sender) -> Declined:
    """Nothing is stored without the declaration; all else that is wrong is told with it."""
    found = declined(checked_against_register(by, [unit], sender).issues(unit.ordinal), unit.root)
    told = [refusals.issue("required", DECLARE), *found.outcome["issue"]]
    return Declined(400, found.outcome | {"issue": told})


def checked_against_register(by: Asker, several: Sequence[Unit], sender: Sender) -> CheckedUnits:
    """Everything that would be found on storing them; nothing is kept."""
    return units.validate(by.store, sender.id, several, secrets_of(by.state), by.state.settings, at=by.at)


def ungranted(by: Asker, unit: Unit) -> list[Issue]:
    """What is wrong with a unit that is not for any of the sender's organisations: that first, then its own faults.

    The words are the same whether there is such an organisation or not, and the register is not asked about it.
    """
    if unit.organisation is None:
        named = fault(rules.MISSING_IDENTIFIER, unit.organisation_at, system=fhir.ODS_CODE, type="the sender")
    else:
        named = fault(rules.NOT_GRANTED, unit.organisation_at)
    return [named, *check_units([unit], _context(by, unit)).issues(unit.ordinal)]


def findings(by: Asker, several: Sequence[Unit]) -> list[Issue]:
    """All that is wrong with these units, each fault once: against the register of the organisation that each is for."""
    told: list[Issue] = []
    of: defaultdict[Sender, list[Unit]] = defaultdict(list)
    for unit in several:
        sender = by.sender(unit)
        if not unit.records:
            told += unit.issues
        elif sender is None:
            told += ungranted(by, unit)
        else:
            of[sender].append(unit)
    for sender, theirs in of.items():
        checked = checked_against_register(by, theirs, sender)
        told += [each for unit in theirs for each in checked.issues(unit.ordinal)]
    return list({(each.finding.rule, each.expressions): each for each in told}.values())


def _context(by: Asker, unit: Unit) -> Context:
    settings = by.state.settings
    return Context(
        nation=by.senders[0].nation,
        sender=unit.organisation or by.senders[0].code,
        on=by.at.astimezone(LONDON).date(),
        synthetic=settings.demo,
        transfer_hours=settings.counting.transfer_hours,
    )
