"""The worklist and the list of cases: what is shown to whom, in what order, page by page, and given to whom."""

import re
from datetime import date, timedelta
from uuid import UUID

import httpx2 as httpx
import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import Role
from registry.cases import states
from registry.cases.states import CaseState
from registry.settings import Settings
from registry.store import Store
from registry.web.trust.cases.worklist import PAGE
from schemas.record import RecordKind
from tests.make import nhs_number, valid_case, valid_rca
from tests.registry.cases.at_desk import OURS, THEIRS, Place, place
from tests.registry.submissions.make import send
from tests.registry.web.programs import screened
from tests.registry.web.visitors import token_of, words_of


@pytest.fixture
def here(settings: Settings, store: Store) -> Place:
    made = place(settings, store)
    screened(made.house)
    return made


@pytest.fixture
def nurse(here: Place) -> TestClient:
    assert here.nurse.id is not None
    return here.house.signed_in(here.nurse.id)


def hold(here: Place, *names: str, code: str = OURS, **more: str) -> None:
    """Cases of a trust, each of a person of its own."""
    rows = [
        valid_case(**{"local_case_id": name, "nhs_number": nhs_number(place * 7 + len(code)), **more})
        for place, name in enumerate(names, 1)
    ]
    assert send(here.store, here.settings, here.house.ids[code], rows).state == "accepted"


def take_in(here: Place, *names: str) -> None:
    with here.desk() as desk:
        for name in names:
            states.begin(desk, here.case(name))


def due(admin: psycopg.Connection, here: Place, name: str, on: date | None) -> None:
    admin.execute("update records.case_work set due_on = %s where case_id = %s", [on, here.case(name)])


def links(page: httpx.Response) -> list[str]:
    """The ids of the cases on a page, in order."""
    return list(dict.fromkeys(re.findall(r'href="/trust/cases/([0-9a-f-]{36})"', page.text)))


def press(browser: TestClient, path: str, fields: list[tuple[str, str]]) -> httpx.Response:
    token = token_of(browser.get("/trust/worklist"))
    body = httpx.QueryParams([("form_token", token), *fields])
    return browser.post(
        path, content=str(body), headers={"Content-Type": "application/x-www-form-urlencoded"}
    )


def test_the_longest_overdue_case_comes_first_and_one_without_a_date_last(
    here: Place, nurse: TestClient, admin: psycopg.Connection
) -> None:
    hold(here, "A", "B", "C", "D")
    take_in(here, "A", "B", "C", "D")
    today = date.today()
    for name, days in (("A", 3), ("B", -2), ("C", -9)):
        due(admin, here, name, today + timedelta(days=days))
    due(admin, here, "D", None)
    page = nurse.get("/trust/worklist")
    assert links(page) == [str(here.case(name)) for name in ("C", "B", "A", "D")]
    assert page.text.count(">Overdue</strong>") + page.text.count("Overdue\n") >= 2
    assert "Everybody’s 4 Overdue 2 Given to me 0 Nobody’s 4" in words_of(page)
    only = nurse.get("/trust/worklist?whose=overdue")
    assert links(only) == [str(here.case(name)) for name in ("C", "B")]
