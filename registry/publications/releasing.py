"""The way of a draft to the public: asked to be audited, approved by two who did not prepare it, released, frozen, superseded.

What may happen when and by whom stands in `transitions`; here it is done, each act in the caller's transaction under `hat_national`, one
after the other for all who act at once, with its entry in the audit log. What is released is the draft to the last digit: its digest is
taken anew from the tables at each step and compared with what was audited and approved.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, delete, insert, literal, select, update
from sqlalchemy.engine import Row

from registry.access import Actor
from registry.errors import Conflict, Fault, Forbidden, NotFound, Unprocessable
from registry.publications import comparing
from registry.publications.digests import draft_hash, released_hash
from registry.publications.protecting import discard_drafts, lock
from registry.publications.transitions import Action, Refused, Standing, State, next_state
from registry.store import SYSTEM_TENANT, audit
from registry.store.releases import approval, audit_run, draft_file, file
from registry.store.tables import (
    cell,
    denominator,
    draft_cell,
    draft_denominator,
    draft_place,
    place,
    publication,
    released,
)

COPIES = ((draft_cell, cell), (draft_denominator, denominator), (draft_place, place), (draft_file, file))
LONGEST_EMBARGO = timedelta(days=92)
MAY_NOT = {Refused.RIGHT, Refused.PERSON, Refused.PREPARER, Refused.REGISTRY}
CHANGED = "These figures have changed since you looked at them. Look at them again, then decide."

Publication = Row[tuple[object, ...]]


def ask_audit(connection: Connection, *, by: Actor | None, publication_id: UUID, at: datetime) -> None:
    """Hand a draft to the worker to be audited; `by` is None for the timetable. Raises NotFound, Conflict, Forbidden."""
    held = _held(connection, publication_id)
    _set(connection, held, _next(connection, held, Action.ASK_AUDIT, by))
    asked = {"publication_id": publication_id, "asked_by": by.name if by else held.prepared_by_name, "asked_at": at}
    connection.execute(insert(audit_run).values(**asked))
    _note(connection, by, "publication.ask_audit", publication_id)


def embargo(connection: Connection, *, by: Actor, publication_id: UUID, until: datetime | None, at: datetime) -> None:
    """Set, move or lift the time before which approved figures stay hidden; not once somebody has approved.

    Raises Unprocessable for a time that is over or more than three months away; else as `ask_audit`.
    """
    held = _held(connection, publication_id)
    if until is not None and not at < until <= at + LONGEST_EMBARGO:
        raise Unprocessable(errors=[Fault("until", "Enter a time to come, within the next three months")])
    _next(connection, held, Action.EMBARGO, by)
    mine = publication.c.id == publication_id
    connection.execute(update(publication).where(mine).values(embargo_until=until))
    change = audit.Change(held.embargo_until, until)
    _note(connection, by, "publication.embargo", publication_id, {"until": str(until)}, change=change)


def approve(connection: Connection, *, by: Actor, publication_id: UUID, seen: str, at: datetime) -> State:
    """Approve audited figures; `seen` is the digest of those that the person looked at. Gives the state that comes of it.

    The second approval releases them, unless there is an embargo. Raises Conflict where they changed, were approved by the same
    person, or are in no state for it; Forbidden for their preparer and whoever is no named person with the right; NotFound.
    """
    held = _held(connection, publication_id)
    after = _next(connection, held, Action.APPROVE, by)
    if not seen == held.data_hash == draft_hash(connection, publication_id):
        raise Conflict(CHANGED)
    given = {"person_id": by.id, "name": by.name, "approved_at": at, "data_hash": seen}
    connection.execute(insert(approval).values(publication_id=publication_id, **given))
    change = audit.Change([held.state], [after.value, seen])
    _note(connection, by, "publication.approve", publication_id, change=change)
    if after is not State.APPROVED:
        return State(held.state)
    _set(connection, held, after)
    return release(connection, publication_id=publication_id, at=at)


def release(connection: Connection, *, publication_id: UUID, at: datetime) -> State:
    """Make approved figures public, if no embargo stands against it, and let them supersede the latest release. Gives the state.

    Called with the second approval, and by the worker when an embargo ends. Raises NotFound; Conflict for what is not approved, and
    for what is not, to the last digit, what was approved.
    """
    held = _held(connection, publication_id)
    after = _next(connection, held, Action.RELEASE, None)
    if held.embargo_until is not None and held.embargo_until > at:
        return State(held.state)
    passed = _passed(connection, held)
    if draft_hash(connection, publication_id) != held.data_hash:
        raise Conflict("These figures are not those that were approved. They are not released; discard them.")
    names = " and ".join(_approvers(connection, held))
    connection.execute(update(released).where(released.c.latest).values(latest=False))
    before = select(publication.c.id).where(publication.c.state == State.RELEASED)
    _publish(connection, held, passed, names, at)
    comparing.keep_revisions(connection, held.id)
    connection.execute(update(publication).where(publication.c.id.in_(before)).values(state=State.SUPERSEDED))
    _set(connection, held, after, released_by_name=names, released_at=at)
    _check_published(connection, held)
    change = audit.Change([held.state, held.data_hash], [after.value, held.data_hash])
    _note(connection, None, "publication.release", publication_id, change=change)
    return after


def release_due(connection: Connection, at: datetime) -> int:
    """Release what is approved and whose embargo has ended; gives how many: 0 or 1."""
    query = select(publication.c.id).where(
        publication.c.state == State.APPROVED,
        (publication.c.embargo_until <= at) | publication.c.embargo_until.is_(None),
    )
    due = list(connection.scalars(query))
    return sum(release(connection, publication_id=each, at=at) is State.RELEASED for each in due)


def discard(connection: Connection, *, by: Actor, publication_id: UUID) -> None:
    """Discard what is not public yet; what is public stays as it is. Raises as `ask_audit`."""
    held = _held(connection, publication_id)
    _next(connection, held, Action.DISCARD, by)
    discard_drafts(connection, [held.state])
    _note(connection, by, "publication.discard", publication_id)


def standing(connection: Connection, publication_id: UUID) -> Standing:
    """What is known of a publication to whoever wants to act on it. Raises NotFound."""
    return _standing(connection, _read(connection, publication_id))


# --- how it is done


def _read(connection: Connection, publication_id: UUID) -> Publication:
    found = connection.execute(select(publication).where(publication.c.id == publication_id)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _held(connection: Connection, publication_id: UUID) -> Publication:
    """The publication, with everybody else who wants to act waiting."""
    lock(connection)
    return _read(connection, publication_id)


def _standing(connection: Connection, held: Publication) -> Standing:
    approvers = select(approval.c.person_id).where(approval.c.publication_id == held.id)
    return Standing(State(held.state), held.prepared_by, frozenset(connection.scalars(approvers)))


def _next(connection: Connection, held: Publication, action: Action, by: Actor | None) -> State:
    after = next_state(_standing(connection, held), action, by)
    if isinstance(after, State):
        return after
    raise Forbidden(after) if after in MAY_NOT else Conflict(after)


def _set(connection: Connection, held: Publication, state: State, **more: object) -> None:
    connection.execute(update(publication).where(publication.c.id == held.id).values(state=state, **more))


def _approvers(connection: Connection, held: Publication) -> list[str]:
    query = select(approval.c.name).where(approval.c.publication_id == held.id)
    return list(connection.scalars(query.order_by(approval.c.approved_at, approval.c.name)))


def _passed(connection: Connection, held: Publication) -> Publication:
    """The audit that exactly these figures have passed."""
    query = select(audit_run).where(
        audit_run.c.publication_id == held.id, audit_run.c.state == "passed", audit_run.c.data_hash == held.data_hash
    )
    found = connection.execute(query.order_by(audit_run.c.finished_at.desc()).limit(1)).one_or_none()
    if found is None:
        raise Conflict("These figures have not passed an audit. They are not released; discard them.")
    return found


def _publish(connection: Connection, held: Publication, passed: Publication, names: str, at: datetime) -> None:
    head = {
        "id": held.id, "number": held.number, "title": held.title, "as_at": held.cut_at, "released_at": at,
        "definition": held.definition, "grid_version": held.grid_version, "rules": held.rules,
        "prepared_by_name": held.prepared_by_name, "released_by_name": names, "latest": True, "note": held.note,
        "code_version": held.code_version, "data_hash": held.data_hash, "report_digest": passed.report_digest,
        "signature": passed.signature,
    }  # fmt: skip
    connection.execute(insert(released).values(**head))
    for source, target in COPIES:
        names_of = [column.name for column in target.columns if column.name != "release_id"]
        rows = select(literal(held.id), *(source.c[name] for name in names_of)).where(
            source.c.publication_id == held.id
        )
        connection.execute(insert(target).from_select(["release_id", *names_of], rows))


def _check_published(connection: Connection, held: Publication) -> None:
    """What is public is what was approved; then the copy that was the draft goes."""
    if released_hash(connection, held.id) != held.data_hash:
        raise Conflict("What would be published is not what was approved. Nothing is released.")
    for source, _ in COPIES:
        connection.execute(delete(source).where(source.c.publication_id == held.id))


def _note(
    connection: Connection,
    by: Actor | None,
    action: str,
    about: UUID,
    detail: Mapping[str, str] | None = None,
    change: audit.Change | None = None,
) -> None:
    audit.record(
        connection, tenant=SYSTEM_TENANT, actor=by.label if by else "timetable", role=by.role if by else "timetable",
        action=action, object_type="publication", object_id=str(about), detail=detail, change=change,
    )  # fmt: skip
