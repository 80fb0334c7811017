"""Requests that another site makes in a signed-in person's name: the origin check and the form token.

Two layers over the cookie's SameSite=Lax. The origin check refuses before a handler runs; the token is asked for where a
form is read. A request with a bearer token and no cookie needs neither: no other site can make a browser send one.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from registry.errors import Forbidden

FORM_FIELD = "form_token"
FORM_HEADER = "X-Form-Token"
_NEW = "new_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def cookie_name(base_url: str) -> str:
    """The session cookie's name. `__Host-` binds it to this host over https; browsers refuse that prefix over http."""
    return "__Host-hat" if is_https(base_url) else "hat"


def is_https(base_url: str) -> bool:
    return urlsplit(base_url).scheme == "https"


def origin_of(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def forged(method: str, headers: Mapping[str, str], *, has_cookie: bool, base_url: str) -> bool:
    """Whether an unsafe request must be refused because it comes, or may come, from another site.

    Browsers say where a request comes from in Sec-Fetch-Site, older ones in Origin. A request that says neither is no
    browser's: it is let through only if it brings no session.
    """
    if method in SAFE_METHODS or ("authorization" in headers and not has_cookie):
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return has_cookie if origin is None else origin.lower() != origin_of(base_url)


def session_cookie(connection: HTTPConnection) -> str:
    """The cookie's value, or the one that this answer brings; empty without one. Worth nothing until it is looked up among the sessions."""
    new: str | None = getattr(connection.state, _NEW, None)
    if new is not None:
        return new
    return connection.cookies.get(cookie_name(str(connection.app.state.settings.base_url)), "")


def keep_session(connection: HTTPConnection, secret: str) -> None:
    """Let the answer bring this session's cookie, and the forms in it that session's token. Empty: the cookie is forgotten."""
    setattr(connection.state, _NEW, secret)


def new_cookie(connection: HTTPConnection, base_url: str) -> str | None:
    """The `Set-Cookie` of an answer that brings another session, or none any more; None where nothing changes."""
    secret: str | None = getattr(connection.state, _NEW, None)
    if secret is None:
        return None
    parts = [f"{cookie_name(base_url)}={secret}", "HttpOnly", "Path=/", "SameSite=lax"]
    return "; ".join([*parts, *(["Secure"] if is_https(base_url) else []), *([] if secret else ["Max-Age=0"])])


def form_token(connection: HTTPConnection) -> str:
    """The token that this session's forms carry; empty without a session.

    Derived from the cookie's secret, so it needs no store, ends with the session, and gives nothing of the secret away.
    """
    secret = session_cookie(connection)
    if not secret:
        return ""
    digest = hmac.new(secret.encode(), b"hat form token 1", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def check_form_token(connection: HTTPConnection, given: str | None) -> None:
    """Refuse (403) a request whose session's token was not sent, by header or form field. Without a session: nothing to forge."""
    expected = form_token(connection)
    sent = connection.headers.get(FORM_HEADER) or given or ""
    if not hmac.compare_digest(sent.encode(), expected.encode()):
        raise Forbidden("The form is no longer valid. Open the page again and send it once more.")
