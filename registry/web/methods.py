"""A method that an address does not take: said so (405) to whoever may see the address; for all others it is as for an address that
leads nowhere, since those methods that there are would tell what there is. What the published description of the interface tells
everybody is told to everybody who has signed in.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from re import Pattern

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from registry.access import PUBLIC, ROUTES, Kind, Right
from registry.errors import NotFound, RegistryError, for_status
from registry.web.actor import SignInNeededError, name_of, stranger, to_sign_in, who
from registry.web.problems import answer, respond


@dataclass(frozen=True, slots=True)
class Taken:
    """The methods that one route takes, at which addresses, and what it asks for."""

    path: str
    addresses: Pattern[str]
    methods: frozenset[str]
    right: Right | None


def install(app: FastAPI) -> None:
    """Take over what is answered to a method that is not taken. Call it when all routes are there."""
    table = tuple(_table(app))

    async def refused(request: Request, error: Exception) -> Response:
        found = [each for each in table if each.addresses.match(request.scope["path"])]
        if not found:
            return answer(request, error)  # a file's
        try:
            methods = await run_in_threadpool(_visible, request, found)
        except SignInNeededError as needed:
            return await to_sign_in(request, needed)
        except RegistryError as refusal:
            return answer(request, refusal)
        return respond(request, for_status(HTTPStatus.METHOD_NOT_ALLOWED), {"Allow": ", ".join(sorted(methods))})

    app.add_exception_handler(HTTPStatus.METHOD_NOT_ALLOWED, refused)


def _table(app: FastAPI) -> Iterable[Taken]:
    for route in iter_route_contexts(app.routes):
        if route.endpoint is not None and not isinstance(route.original_route, Mount):
            right = ROUTES.get(name_of(route.endpoint), PUBLIC)
            yield Taken(route.path or "", route.path_regex, frozenset(route.methods or ()), right)


def _visible(request: Request, found: Collection[Taken]) -> frozenset[str]:
    """The methods that whoever asks may use here. Raises as an address that leads nowhere does, where there are none."""
    if all(each.right is PUBLIC for each in found):
        return frozenset().union(*(each.methods for each in found))
    actor = who(request)
    described = request.app.openapi()["paths"] if actor.kind is not Kind.PUBLIC else ()
    methods = [
        each.methods for each in found if each.right is PUBLIC or each.path in described or actor.may(each.right)
    ]
    if methods:
        return frozenset().union(*methods)
    raise stranger(request) if actor.kind is Kind.PUBLIC else NotFound
