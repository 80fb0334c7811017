"""`POST /fhir/r4/token`: a signed assertion for an access token (SMART Backend Services; RFC 6749, 4.4 and RFC 7523, 2.2).

Answers and refusals are RFC 6749's JSON. What was wrong with an assertion is not told: every one that is not believed is `invalid_client`.
"""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from sqlalchemy import func, select
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from registry.accounts import clients
from registry.accounts.clients import Access
from registry.errors import BadRequest
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from registry.web.bodies import read_form
from registry.web.forgery import check_form_token, session_cookie

PATH: Final = "/fhir/r4/token"
BODY_LIMIT = 32 * 1024  # bytes
FORM = "application/x-www-form-urlencoded"
GRANT = "client_credentials"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}

UNREADABLE = "invalid_request"
OTHER_GRANT = "unsupported_grant_type"
WORDS: Final[Mapping[str, str]] = {
    UNREADABLE: f"Send a form ({FORM}) with grant_type, scope, client_assertion_type and client_assertion, each once.",
    OTHER_GRANT: f"The grant_type must be {GRANT}.",
    clients.INVALID_CLIENT: "The client assertion is not valid.",
    clients.INVALID_SCOPE: "The client has none of the scopes asked for.",
}

router = APIRouter()

Fields = Mapping[str, str]


def token_url(settings: Settings) -> str:
    """The address of the token endpoint, which assertions must name as their audience."""
    return f"{settings.base_url}{PATH}"


async def asked(request: Request) -> Fields | None:
    """The fields of the form; None where there is no form, or a field comes twice. Raises Forbidden as `read_form`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        if session_cookie(request):  # a browser's: no other site may send it
            check_form_token(request, None)
        return None
    try:
        form = await read_form(request)
    except (BadRequest, MultiPartException, UnicodeError):
        return None
    except HTTPException as refusal:  # the framework's own shape for what its reader of forms refuses
        if refusal.status_code != 400:
            raise
        return None
    fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    return dict(fields) if len({name for name, _ in fields}) == len(fields) else None


@router.post(PATH, max_body_size=BODY_LIMIT)
def give(request: Request, fields: Annotated[Fields | None, Depends(asked)]) -> Response:
    """An access token, for five minutes."""
    wrong = _wrong(fields or {})
    if wrong is not None or fields is None:
        return refused(wrong or UNREADABLE)
    store: Store = request.app.state.store
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        found = clients.exchange(
            connection,
            fields["client_assertion"],
            fields.get("scope", ""),
            token_url(request.app.state.settings),
            connection.execute(select(func.now())).scalar_one(),
            client_id=fields.get("client_id"),
        )
    return _given(found) if isinstance(found, Access) else refused(found.error)


def _wrong(fields: Fields) -> str | None:
    """What is wrong with the request before its assertion is looked at."""
    if not fields.get("grant_type"):
        return UNREADABLE
    if fields["grant_type"] != GRANT:
        return OTHER_GRANT
    if not fields.get("client_assertion_type") or not fields.get("client_assertion"):
        return UNREADABLE
    return None if fields["client_assertion_type"] == ASSERTION else clients.INVALID_CLIENT


def _given(access: Access) -> Response:
    told = {
        "access_token": access.secret,
        "token_type": "bearer",
        "expires_in": access.expires_in,
        "scope": " ".join(access.scopes),
    }
    return JSONResponse(told, headers=NOT_KEPT)


def refused(error: str) -> Response:
    """A refusal in RFC 6749's words; 401 where it is the client that is not believed."""
    told = {"error": error, "error_description": WORDS[error]}
    if error == clients.INVALID_CLIENT:
        return JSONResponse(told, 401, headers=NOT_KEPT | {"WWW-Authenticate": "Bearer"})
    return JSONResponse(told, 400, headers=NOT_KEPT)
