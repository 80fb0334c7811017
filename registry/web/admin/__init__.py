"""The administrators' pages: organisations, people, tokens, machine clients, the opt-out, telling between trusts, letters. They show who may come in, and never a case."""

from typing import Annotated

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.web.actor import require
from registry.web.admin import basis, clients, imports, letters, opt_out, organisations, people, tokens
from registry.web.pages import render

router = APIRouter()


@router.get("/admin")
def index(request: Request, actor: Annotated[Actor, require(Right.MANAGE_SETTINGS)]) -> Response:  # noqa: ARG001 -- asked for
    """What there is to administer."""
    return render(request, "admin/index.html")


for each in (imports, organisations, people, tokens, clients, opt_out, basis, letters):
    router.include_router(each.router)
