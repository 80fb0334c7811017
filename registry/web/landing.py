"""Where one goes on to after signing in."""

from starlette.requests import Request

from registry.accounts import sessions
from registry.store import Store
from registry.web import pages
from registry.web.actor import limits


def landing(request: Request, secret: str) -> str:
    """The first page that is linked for this person and not for everybody; else the start page."""
    store: Store = request.app.state.store
    with store.transaction() as connection:
        actor = sessions.actor(connection, secret, limits(request.app.state.settings))
    return next((href for _, href, right in pages.NAVIGATION if actor and right and actor.may(right)), "/")


def ours(address: str) -> str:
    """The address, if it is a path of this service; else empty. A browser reads `//` and `/\\` as another host."""
    return address if address.startswith("/") and not address.startswith(("//", "/\\")) and "\\" not in address else ""
