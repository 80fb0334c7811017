"""`/problems`: where the `type` of a refusal leads. Each kind of the one table has a page: when it comes, what became of it, what to do."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.errors import KINDS, NotFound
from registry.web.public import page

router = APIRouter(prefix="/problems")


@router.get("")
def index(request: Request) -> Response:
    """Every kind of refusal and fault, by status."""
    return page(request, "problems/index.html", kinds=tuple(KINDS.values()))


@router.get("/{slug}")
def one(request: Request, slug: str) -> Response:
    """One kind."""
    kind = next((each for each in KINDS.values() if each.slug == slug), None)
    if kind is None:
        raise NotFound
    return page(request, "problems/one.html", kind=kind)
