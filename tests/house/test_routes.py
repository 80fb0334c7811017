"""Every route has its line in the table of rights, and asks for just that; every form is safe from other sites."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount
from starlette.testclient import TestClient

from registry.access import NATIONAL_ROLES, ORGANISATION_ROLES, PUBLIC, ROUTES, Right
from registry.app import create_app
from registry.settings import Settings
from registry.store import Store
from registry.web.actor import Asked, name_of
from tests.registry.web.visitors import House, house

BASE_URL = "http://127.0.0.1:8000"
ABSENT = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(Settings(base_url=BASE_URL), Store({}))


def routes(app: FastAPI) -> Iterator[Any]:
    """Every route but the folder of static files."""
    return (route for route in iter_route_contexts(app.routes) if not isinstance(route.original_route, Mount))


def rights_asked(dependant: Dependant) -> set[Right]:
    own = {dependant.call.right} if isinstance(dependant.call, Asked) else set()
    return own.union(*(rights_asked(below) for below in dependant.dependencies))


def test_every_route_has_an_entry_and_every_entry_a_route(app: FastAPI) -> None:
    named = [name_of(route.endpoint) for route in routes(app)]
    assert sorted(set(named)) == sorted(ROUTES)


def test_every_handler_asks_for_what_the_table_says(app: FastAPI) -> None:
    differ = {}
    for route in routes(app):
        asked = rights_asked(route.dependant) if isinstance(route.original_route, APIRoute) else set()
        meant = ROUTES.get(name_of(route.endpoint), PUBLIC)
        if asked != ({meant} if meant else set()):
            differ[name_of(route.endpoint)] = asked
    assert not differ


def test_the_right_is_asked_before_anything_of_the_body_is_read(app: FastAPI) -> None:
    late = []
    for route in routes(app):
        if not isinstance(route.original_route, APIRoute) or ROUTES[name_of(route.endpoint)] is PUBLIC:
            continue
        first = route.dependant.dependencies[0]
        if not isinstance(first.call, Asked) or route.dependant.body_params:
            late.append(name_of(route.endpoint))
    assert not late


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    return house(settings, store)


@pytest.fixture
def holder_of_everything(full: House) -> TestClient:
    """Somebody who holds every role, so that nothing is refused for want of a right."""
    roles = [(role, "RRV") for role in ORGANISATION_ROLES] + [(role, None) for role in NATIONAL_ROLES]
    return full.signed_in(full.person("everything", *roles))


def test_nothing_is_changed_from_another_site_or_without_the_form_token(
    app: FastAPI, holder_of_everything: TestClient
) -> None:
    let_through = []
    for route in routes(app):
        for method in set(route.methods or ()) - {"GET", "HEAD", "OPTIONS"}:
            address = re.sub(r"\{[^}]*\}", ABSENT, route.path)
            for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"X-Form-Token": "of another session"}):
                if holder_of_everything.request(method, address, headers=headers).status_code != 403:
                    let_through.append((method, route.path, headers))
    assert not let_through


def test_a_stranger_sees_no_difference_between_what_is_and_what_is_not(app: FastAPI, full: House) -> None:
    stranger = full.browser()
    for route in routes(app):
        if ROUTES[name_of(route.endpoint)] is PUBLIC or "GET" not in (route.methods or ()):
            continue
        there, nowhere = re.sub(r"\{[^}]*\}", ABSENT, route.path), f"/{route.path.split('/')[1]}/nowhere/at/all"
        answers = [stranger.get(address) for address in (there, nowhere)]
        assert len({answer.status_code for answer in answers}) == 1, route.path
        if route.path.startswith(("/api/", "/fhir/")):
            assert [answer.status_code for answer in answers] == [401, 401]
            assert answers[0].content == answers[1].content
        else:
            assert [answer.headers["location"] for answer in answers] == [
                f"/sign-in?next={a}" for a in (there, nowhere)
            ]


def test_without_the_right_each_page_is_as_if_it_were_not_there(app: FastAPI, full: House) -> None:
    nobody = full.signed_in(full.person("nobody"))
    absent = {area: nobody.get(f"{area}/nowhere/at/all") for area in ("/admin", "/account")}
    assert absent["/admin"].status_code == 404
    for route in routes(app):
        if ROUTES[name_of(route.endpoint)] is PUBLIC:
            continue
        for method in route.methods or ():
            answer = nobody.request(method, re.sub(r"\{[^}]*\}", ABSENT, route.path))
            if not route.path.startswith(("/api/", "/fhir/")):
                assert (answer.status_code, answer.content) == (404, absent["/admin"].content), route.path
