"""A deliberate act: a fresh code asked for on the form that does what must not happen by a session left open.

Nothing is asked for while the last code is fresh. Whoever came by a provider's word is sent there instead. With a right code the session
gets a new id; wrong ones are noted, and slow down who tries.
"""

from dataclasses import replace

from starlette.datastructures import FormData
from starlette.requests import Request

from registry.access import Actor, Kind
from registry.accounts import secret_digest
from registry.errors import Forbidden
from registry.web import proving
from registry.web.actor import confirm_first
from registry.web.fields import Fault, text
from registry.web.forgery import keep_session

FIELD = "code"
MISSING = Fault(FIELD, "Enter the code that your authenticator app shows now")
WRONG = Fault(FIELD, "This code is not right, or was used already. Enter the one that your app shows now")


def confirmed(request: Request, actor: Actor, form: FormData) -> Fault | None:
    """None where whoever is signed in proved it within the last minutes, or does now with the form's `code`; else the fault to show on it.

    Raises TooMany after too many wrong ones, Forbidden for a program.
    """
    if actor.kind is not Kind.PERSON:
        raise Forbidden("Only a person who is signed in can do this.")
    if actor.fresh:
        return None
    if actor.by_provider:
        confirm_first(request, actor)
    return prove(request, actor, text(form, FIELD))


def prove(request: Request, actor: Actor, typed: str) -> Fault | None:
    """None where this is a right code; the session is another then, and the answer brings it."""
    if not typed:
        return MISSING
    secret = proving.renew(request, actor, typed)
    if secret is None:
        return WRONG
    keep_session(request, secret)
    request.state.actor = replace(actor, session=secret_digest(secret), fresh=True)
    return None
