"""The Bundles in which resources are read: pages of a search and histories. Knows no store, so every reading address may use it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from registry.web.fhir.parameters import COUNT, CURSOR, Search

Resource = dict[str, Any]

BASE = "/fhir/r4"


def address(request: Request, *parts: str) -> str:
    """The address of a resource or of a type, as programs call it."""
    return "/".join([f"{request.app.state.settings.base_url}{BASE}", *parts])


def searchset(
    request: Request, resource_type: str, search: Search, found: Sequence[Resource], *, cursor: str | None = None
) -> Resource:
    """A page of a search; `cursor` is where the next begins, None at the end. How many there are in all is not told."""
    here = address(request, resource_type)
    entries = [{**_entry(request, each), "search": {"mode": "match"}} for each in found]
    links = _links(here, search, cursor)
    return {"resourceType": "Bundle", "type": "searchset", "link": links} | ({"entry": entries} if entries else {})


def total(request: Request, resource_type: str, search: Search, number: int) -> Resource:
    """How many there are, and none of them."""
    links = _links(address(request, resource_type), search, None)
    return {"resourceType": "Bundle", "type": "searchset", "total": number, "link": links}


def history(
    request: Request,
    here: str,
    search: Search,
    found: Iterable[tuple[Resource, Mapping[str, str]]],
    *,
    cursor: str | None,
) -> Resource:
    """The versions of one resource, the newest first, each with the answer that was given to it."""
    entries = [
        {
            **_entry(request, resource),
            "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
            "response": dict(response),
        }
        for resource, response in found
    ]
    return {"resourceType": "Bundle", "type": "history", "link": _links(here, search, cursor), "entry": entries}


def _entry(request: Request, resource: Resource) -> Resource:
    return {"fullUrl": address(request, resource["resourceType"], resource["id"]), "resource": resource}


def _links(here: str, search: Search, cursor: str | None) -> list[Resource]:
    links = [{"relation": "self", "url": _url(here, search.given)}]
    if cursor is not None:
        links.append({"relation": "next", "url": _url(here, _following(search, cursor))})
    return links


def _following(search: Search, cursor: str) -> Iterator[tuple[str, str]]:
    yield from (pair for pair in search.given if pair[0] != COUNT)
    yield COUNT, str(search.count)
    yield CURSOR, cursor


def _url(here: str, given: Iterable[tuple[str, str]]) -> str:
    query = urlencode(list(given))
    return f"{here}?{query}" if query else here
