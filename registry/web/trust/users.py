"""`/trust/users`: the people of an organisation, managed by its lead: invited, given other roles, shut out and let in again.

Roles elsewhere are not on these pages, and whether an invited address has an account already is not either.
"""

import re
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import ORGANISATION_ROLES, Actor, Right, Role
from registry.accounts import invitations, own_people, second_factor
from registry.accounts.invitations import Invited
from registry.cases import domains
from registry.errors import Conflict, Unprocessable
from registry.notices import letters
from registry.store import SYSTEM_TENANT, Store
from registry.web import step_up
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, faults, text, texts
from registry.web.pages import render
from registry.web.trust.choosing import Choice, choose
from registry.web.trust.present import said_time
from registry.web.trust.review.opening import desk_of

router = APIRouter(prefix="/trust/users")

Leading = Annotated[Actor, require(Right.MANAGE_OWN_PEOPLE)]
Form = Annotated[FormData, Depends(submitted_form)]
Work = Callable[[Connection, Choice], None]
ONCE = re.compile(r"[0-9a-f]{32}")
DONE = {
    "invited": "The invitation was sent by e-mail. Its link holds for three days.",
    "withdrawn": "The invitation was taken back. Its link leads nowhere any more.",
    "changed": "The roles were changed.",
    "shut-out": "The person was shut out. All their sessions have ended.",
    "let-in": "The person was let in again, with the same roles.",
    "reset": "The second factor was reset, and all sessions have ended. The person sets up an app at the next sign-in and is told of it.",
}
WORDS = {
    Role.TRUST_UPLOADER: "sends files and admissions, and sees cases",
    Role.VTE_NURSE: "also enters cases and completes reviews",
    Role.TRUST_LEAD: "also signs months off and manages users",
    Role.CONSULTANT_REVIEWER: "answers for cases that are put before them, and sees nothing else",
}


@router.get("")
def index(request: Request, actor: Leading, organisation: str = "", done: str = "") -> Response:
    """Everybody with a role at the organisation, those shut out of it, and the invitations that wait."""
    choice = choose(request, actor, Right.MANAGE_OWN_PEOPLE, organisation)
    with _store(request).readonly() as connection:
        people = own_people.listed(connection, choice.chosen.id)
        waiting = invitations.waiting_at(connection, choice.chosen.id)
    return render(
        request,
        "trust/users/index.html",
        choice=choice,
        people=people,
        waiting=waiting,
        done=DONE.get(done),
        said_time=said_time,
    )


@router.get("/invite")
def ask_invite(request: Request, actor: Leading, organisation: str = "") -> Response:
    """The form for an invitation."""
    return _invite_page(request, choose(request, actor, Right.MANAGE_OWN_PEOPLE, organisation))


def _invite_page(request: Request, choice: Choice, form: FormData | None = None, **words: object) -> Response:
    """The form again with what was typed, but the password; or the link of the invitation that was made."""
    typed: dict[str, object] = {}
    if form is not None:
        typed = {**texts(form), "roles": form.getlist("roles"), step_up.FIELD: ""}
    once = text(form, "once") if form is not None and ONCE.fullmatch(text(form, "once")) else secrets.token_hex(16)
    page = {"choice": choice, "values": typed, "roles": _role_choices(), "once": once, "faults": [], **words}
    return render(request, "trust/users/invite.html", status=422 if page["faults"] else 200, **page)


@router.post("/invite")
def invite(request: Request, actor: Leading, form: Form) -> Response:
    """Invite somebody: by a letter where mail is set up; else the link is shown, once."""
    choice = choose(request, actor, Right.MANAGE_OWN_PEOPLE, text(form, "organisation"))
    once = text(form, "once")
    wanted = Invited(text(form, "name"), text(form, "address"), _chosen(form), once)
    if not ONCE.fullmatch(once):
        raise Conflict("The form is no longer valid. Open the page again and send it once more.")
    with _work(request, choice) as connection:
        wrong = faults(invitations.faults(wanted, domains.allowed(connection, choice.chosen.id)))
    wrong += _unconfirmed(request, actor, form) if not wrong else []
    if wrong:
        return _invite_page(request, choice, form, faults=wrong)
    try:
        link = _laid(request, actor, choice, wanted)
    except Conflict as refused:
        return _invite_page(request, choice, form, faults=[Fault("address", refused.detail)])
    if request.app.state.settings.mail.host is None:
        return _shown(request, choice, form, link)
    return RedirectResponse(_index(choice, "invited"), 303)


def _shown(request: Request, choice: Choice, form: FormData, link: str | None) -> Response:
    """The link, once; of a form that was sent before, how to get another."""
    if link is None:
        words = "This invitation was made already, and its link was shown then. Send the form again for a new link"
        return _invite_page(request, choice, form, faults=[Fault("address", words)], once=secrets.token_hex(16))
    return _invite_page(request, choice, link=link, invited=text(form, "name"))


def _laid(request: Request, actor: Actor, choice: Choice, wanted: Invited) -> str | None:
    """The link of an invitation and its letter, in one transaction; None for a form that was sent before."""
    with _work(request, choice) as connection:
        allowed = domains.allowed(connection, choice.chosen.id)
        secret = invitations.invite(connection, choice.chosen.id, wanted, domains=allowed, by=actor)
        if secret is None:
            return None
        link = invitations.address(request.app.state.settings.base_url, secret)
        desk = desk_of(request, connection, actor, choice.chosen.id)
        letters.post(desk, wanted.address, "You are invited to the HAT registry", _letter(choice, link))
    return link


def _letter(choice: Choice, link: str) -> str:
    return (
        f"{choice.chosen.name} invites you to act for it in the registry of hospital-associated thrombosis.\n\n"
        f"Accept the invitation here, within three days:\n{link}\n\n"
        "The link is good once. If you did not expect this letter, do nothing: nothing was set up in your name.\n"
    )


@router.post("/invitations/{invitation_id}/withdraw")
def withdraw(request: Request, actor: Leading, invitation_id: UUID, form: Form) -> Response:
    """Take an invitation back."""
    choice = choose(request, actor, Right.MANAGE_OWN_PEOPLE, text(form, "organisation"))
    with _work(request, choice) as connection:
        invitations.withdraw(connection, choice.chosen.id, invitation_id, by=actor)
    return RedirectResponse(_index(choice, "withdrawn"), 303)


@router.get("/{person_id}")
def one(request: Request, actor: Leading, person_id: UUID, organisation: str = "", done: str = "") -> Response:
    """One person, their roles here, and what may be done."""
    choice = choose(request, actor, Right.MANAGE_OWN_PEOPLE, organisation)
    return _page(request, actor, choice, person_id, done=DONE.get(done))


def _page(
    request: Request, actor: Actor, choice: Choice, person_id: UUID, wrong: list[Fault] | None = None, **words: object
) -> Response:
    with _store(request).readonly() as connection:
        known = own_people.one(connection, choice.chosen.id, person_id)
        factor = second_factor.standing(connection, person_id)
    page = {
        "known": known,
        "factor": factor,
        "choice": choice,
        "faults": wrong or [],
        "roles": _role_choices(),
        "oneself": actor.id,
    }
    chosen = {"chosen": [role.value for role in known.roles]}
    return render(request, "trust/users/one.html", status=422 if wrong else 200, **page | chosen | words)


@router.post("/{person_id}/roles")
def change_roles(request: Request, actor: Leading, person_id: UUID, form: Form) -> Response:
    """Let the person have the roles that are ticked, and no others."""

    def work(connection: Connection, choice: Choice) -> None:
        allowed = domains.allowed(connection, choice.chosen.id)
        own_people.change_roles(
            connection, choice.chosen.id, person_id, _chosen(form), seen=text(form, "seen"), domains=allowed, by=actor
        )

    return _done(request, actor, person_id, form, work, "changed")


@router.post("/{person_id}/shut-out")
def shut_out(request: Request, actor: Leading, person_id: UUID, form: Form) -> Response:
    """End the person's roles here and all their sessions."""

    def work(connection: Connection, choice: Choice) -> None:
        own_people.shut_out(connection, choice.chosen.id, person_id, by=actor)

    return _done(request, actor, person_id, form, work, "shut-out")


@router.post("/{person_id}/let-in")
def let_in(request: Request, actor: Leading, person_id: UUID, form: Form) -> Response:
    """Give the person the same roles again."""

    def work(connection: Connection, choice: Choice) -> None:
        allowed = domains.allowed(connection, choice.chosen.id)
        own_people.let_in(connection, choice.chosen.id, person_id, domains=allowed, by=actor)

    return _done(request, actor, person_id, form, work, "let-in")


@router.post("/{person_id}/second-factor/reset")
def reset_factor(request: Request, actor: Leading, person_id: UUID, form: Form) -> Response:
    """Take the person's second factor away: they set it up anew after the next password."""

    def work(connection: Connection, choice: Choice) -> None:
        own_people.reset_factor(connection, choice.chosen.id, person_id, by=actor)

    return _done(request, actor, person_id, form, work, "reset")


def _done(request: Request, actor: Actor, person_id: UUID, form: FormData, work: Work, done: str) -> Response:
    """Do it and show the person again; the form again where something is wrong with it, or with the password."""
    choice = choose(request, actor, Right.MANAGE_OWN_PEOPLE, text(form, "organisation"))
    with _store(request).readonly() as connection:
        own_people.one(connection, choice.chosen.id, person_id)
    wrong = _unconfirmed(request, actor, form)
    try:
        if not wrong:
            with _work(request, choice) as connection:
                work(connection, choice)
    except Unprocessable as refused:
        wrong = faults((each.pointer, each.words) for each in refused.errors)
    if wrong:
        at = {"chosen": form.getlist("roles"), "doing": done} if done == "changed" else {"doing": done}
        return _page(request, actor, choice, person_id, wrong, **at)
    return RedirectResponse(f"{router.prefix}/{person_id}?organisation={choice.chosen.code}&done={done}", 303)


def _unconfirmed(request: Request, actor: Actor, form: FormData) -> list[Fault]:
    wrong = step_up.confirmed(request, actor, form)
    return [] if wrong is None else [wrong]


def _chosen(form: FormData) -> tuple[Role, ...]:
    return own_people.in_order(str(each) for each in form.getlist("roles"))


def _role_choices() -> list[tuple[str, str, str]]:
    return [(role.value, role.words, WORDS[role]) for role in ORGANISATION_ROLES]


def _index(choice: Choice, done: str) -> str:
    return f"{router.prefix}?organisation={choice.chosen.code}&done={done}"


def _work(request: Request, choice: Choice) -> AbstractContextManager[Connection]:
    """A transaction of the organisation in which accounts may be written to."""
    return _store(request).transaction(tenants=(SYSTEM_TENANT, choice.chosen.id))


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
