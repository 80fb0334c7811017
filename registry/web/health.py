"""What a supervisor or a proxy asks: whether this process lives, and whether it may be sent callers."""

from fastapi import APIRouter
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from registry import timeline
from registry.errors import Unavailable
from registry.operation.standby import standing
from registry.store import Store
from registry.web import problems

router = APIRouter()

READER = "hat_reader"


@router.get("/healthz")
def healthz() -> Response:
    """This process answers. Nothing else is asked: a supervisor that kills the web because the database is away helps nobody."""
    return JSONResponse({"status": "alive"})


@router.get("/readyz")
def readyz(request: Request) -> Response:
    """The database answers to both of our roles and is the registry's; else 503, with which of these is not so.

    Where a standby answers the public pages, also whether it follows and how many seconds it is behind; that alone is no reason for 503.
    """
    store: Store = request.app.state.store
    found = {"service": _answers(store), "public": _answers(store, READER), "adopted": _is_adopted(store)}
    more = _standby(store)
    if all(found.values()):
        return JSONResponse({"status": "ready", "checks": found} | more)
    refusal = Unavailable().problem()
    body = refusal.body() | {"checks": found} | more
    return JSONResponse(body, refusal.status, headers=refusal.headers(), media_type=problems.MEDIA_TYPE)


def _answers(store: Store, role: str = "hat_app") -> bool:
    try:
        with store.readonly(role=role) as connection:
            connection.execute(text("select 1"))
    except DBAPIError:
        return False
    return True


def _standby(store: Store) -> dict[str, object]:
    try:
        with store.readonly(role=READER) as connection:
            found = standing(connection)
    except DBAPIError:
        return {}
    return {"standby": {"follows": found.follows, "behind_seconds": found.behind}} if found.standby else {}


def _is_adopted(store: Store) -> bool:
    try:
        with store.readonly() as connection:
            return timeline.is_adopted(connection)
    except DBAPIError:
        return False
