"""A deliberate act: the password asked for again, on the form that does what must not happen by a session left open.

Wrong ones are noted, and after a few nobody is asked again for a while: a session that was taken over is no way to a password.
"""

from starlette.datastructures import FormData
from starlette.requests import Request

from registry.access import Actor, Kind
from registry.accounts import asked_again, passwords
from registry.errors import Forbidden, TooMany
from registry.store import SYSTEM_TENANT, Store
from registry.web.fields import Fault

FIELD = "password"
WRONG = Fault(FIELD, "This is not your password")


def confirmed(request: Request, actor: Actor, form: FormData) -> Fault | None:
    """None where the form's `password` is that of the person who is signed in; else the fault to show on the form.

    Raises TooMany after five wrong ones in a quarter of an hour, Forbidden for a program.
    """
    if actor.kind is not Kind.PERSON:
        raise Forbidden("Only a person who is signed in can do this.")
    store: Store = request.app.state.store
    with store.readonly(tenants=[SYSTEM_TENANT]) as connection:
        kept, too_often = asked_again.kept_hash(connection, actor), asked_again.too_often(connection, actor)
    if too_often:
        wait = int(asked_again.WAIT.total_seconds())
        raise TooMany("The password was wrong too often. Wait a quarter of an hour and try again.", retry_after=wait)
    typed = form.get(FIELD)
    if passwords.matches(kept, typed if isinstance(typed, str) else ""):
        return None
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        asked_again.refused(connection, actor)
    return WRONG
