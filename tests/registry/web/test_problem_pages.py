"""The type of a refusal is the address of a page that says what it means and what to do."""

import pytest
from starlette.testclient import TestClient

from registry.errors import KINDS
from registry.settings import Settings
from registry.store import Store
from tests.registry.web.visitors import house, words_of


@pytest.fixture
def anybody(settings: Settings, store: Store) -> TestClient:
    return house(settings, store).browser()


def test_every_kind_has_its_page(anybody: TestClient) -> None:
    index = anybody.get("/problems")
    for kind in KINDS.values():
        page = anybody.get(kind.type)
        assert page.status_code == 200, kind.slug
        for words in (kind.title, kind.meaning, kind.detail):
            assert words in words_of(page), kind.slug
        assert page.headers["cache-control"] == "public, max-age=300"
        assert f'href="{kind.type}"' in index.text


def test_slugs_and_statuses_are_each_of_one_kind() -> None:
    assert len({kind.slug for kind in KINDS.values()}) == len(KINDS)
    assert all(kind.status == status for status, kind in KINDS.items())
    assert all(words.endswith(".") for kind in KINDS.values() for words in (kind.detail, kind.meaning))


@pytest.mark.parametrize("path", ["/problems/none", "/problems/", "/problems/not-found/x", "/cy/problems"])
def test_what_is_no_kind_is_not_there(anybody: TestClient, path: str) -> None:
    assert anybody.get(path).status_code in (307, 404)


def test_a_refusal_leads_to_its_page(anybody: TestClient) -> None:
    refused = anybody.get("/api/submissions")
    assert anybody.get(refused.json()["type"]).status_code == 200
    shown = anybody.get("/no/such/page")
    assert f'href="{KINDS[404].type}"' in shown.text
