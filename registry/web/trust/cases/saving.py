"""A form of a case on its way into the register, and its draft: what both pages of the form do with what was typed."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection
from starlette.requests import Request

from registry.access import Actor
from registry.cases import confirming, drafts, online
from registry.cases.desk import Desk, open_desk
from registry.cases.drafts import Draft
from registry.cases.online import Faulty, Form, Saved, Stale, Unconfirmed
from registry.errors import BadRequest, Conflict, PayloadTooLarge, Unavailable
from registry.settings import Settings
from registry.store import Store
from registry.web.fields import Fault
from registry.web.trust.cases.filling import CASE, KEY, Filled, Sheet, differing, warnings
from registry.web.trust.present import said_time
from registry.web.uploads import secrets_of

OPT_OUT = "Say that the national data opt-out was applied to this case"
HELD_ALREADY = "You hold a case with this number already. Find it under Cases if it is the same one, or give this one a number of its own."


def desk_of(request: Request, connection: Connection, tenant: int, actor: Actor) -> Desk:
    """The desk of a trust for whoever asks, now."""
    settings: Settings = request.app.state.settings
    return open_desk(connection, secrets_of(request.app.state), settings, tenant, by=actor, at=datetime.now(UTC))


def store_of(request: Request) -> Store:
    held: Store = request.app.state.store
    return held


def save(request: Request, actor: Actor, sheet: Sheet, given: Filled) -> Saved | Sheet:
    """What was stored; or the form again with all that keeps it from being stored."""
    if sheet.sender.screened and not given.screened:
        return replace(sheet, faults=(Fault("opt_out_screened", OPT_OUT),))
    form = Form(
        kind=CASE,
        key=sheet.key or " ".join(given.answers.get(KEY, "").split()),
        text=given.answers,
        base_version=given.base_version,
        once=given.once,
        opt_out_screened=given.screened,
        confirmed=given.confirmed,
    )
    try:
        return _stored(request, actor, sheet, form)
    except (BadRequest, Conflict, PayloadTooLarge, Unavailable) as refused:
        return replace(sheet, faults=(Fault("", refused.detail),))


def _stored(request: Request, actor: Actor, sheet: Sheet, form: Form) -> Saved | Sheet:
    done = online.save(
        store_of(request),
        sheet.sender.id,
        form,
        secrets=secrets_of(request.app.state),
        settings=request.app.state.settings,
        by=actor,
        at=datetime.now(UTC),
    )
    match done:
        case Unconfirmed(findings):
            return replace(sheet, findings=findings, to_confirm=warnings(findings))
        case Faulty(findings):
            return replace(sheet, findings=findings)
        case Stale() if sheet.new:
            return replace(sheet, faults=(Fault(KEY, HELD_ALREADY),))
        case Stale(held, found, merged):
            return replace(sheet, answers=merged, base_version=held.version, differing=differing(found))
    _after(request, actor, sheet, done)
    return done


def _after(request: Request, actor: Actor, sheet: Sheet, done: Saved) -> None:
    """The draft is over, and the case stands where its record says."""
    tenant = sheet.sender.id
    with store_of(request).transaction(tenants=(tenant,)) as connection:
        desk = desk_of(request, connection, tenant, actor)
        drafts.drop(desk, CASE, sheet.key)
        if done.case_id is not None and not sheet.new and not done.again:
            held = online.current(desk, CASE, sheet.key)
            confirming.follow(desk, done.case_id, held.text.get("confirmation"))


def keep_draft(request: Request, actor: Actor, tenant: int, key: str, given: Filled) -> str:
    """What was typed so far, kept for this person; gives the words that say so."""
    with store_of(request).transaction(tenants=(tenant,)) as connection:
        at = drafts.keep(
            desk_of(request, connection, tenant, actor), CASE, key, dict(given.answers), given.base_version
        )
    return f"Saved as a draft at {said_time(at).rpartition(', ')[2]}. Nothing of it is in the register yet."


def drop_draft(request: Request, actor: Actor, tenant: int, key: str) -> None:
    with store_of(request).transaction(tenants=(tenant,)) as connection:
        drafts.drop(desk_of(request, connection, tenant, actor), CASE, key)


def found_draft(desk: Desk, key: str) -> Draft | None:
    """The person's own draft of a case; of a new one where the key is empty."""
    return drafts.find(desk, CASE, key)


def case_address(case_id: UUID | None) -> str:
    return f"/trust/cases/{case_id}"
