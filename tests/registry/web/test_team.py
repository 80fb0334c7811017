"""The pages of the nation's analysts and lead."""

import re
from datetime import date
from pathlib import Path

import httpx2 as httpx
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from registry.store.tables import official_import, organisation, risk_assessment
from tests.registry.web.at_release_desk import prepared, released, two_trusts
from tests.registry.web.visitors import House, token_of, words_of

EXAMPLES = Path(__file__).parents[1] / "examples"
FILE = EXAMPLES / "vte-risk-assessment-2024-25-q2.csv"
SPOILT = EXAMPLES / "vte-risk-assessment-spoilt.csv"
MARCH = date(2025, 3, 1)


@pytest.fixture
def doors(settings: Settings, store: Store) -> House:
    return two_trusts(settings, store)


@pytest.fixture
def analyst(doors: House) -> TestClient:
    return doors.signed_in(doors.person("analyst", (Role.NATIONAL_ANALYST, None)))


@pytest.fixture
def lead(doors: House) -> TestClient:
    return doors.signed_in(doors.person("lead", (Role.NATIONAL_LEAD, None)))


def upload(browser: TestClient, data: bytes) -> httpx.Response:
    token = token_of(browser.get("/team/official"))
    return browser.post("/team/official", data={"form_token": token}, files={"file": ("q2.csv", data, "text/csv")})


def confirm(browser: TestClient, preview: httpx.Response) -> httpx.Response:
    found = re.search(r'action="(/team/official/[^"]+/confirm)"', preview.text)
    assert found
    return browser.post(found[1], data={"form_token": token_of(preview)})


# --- exact aggregates


def test_an_analyst_sees_exact_figures_with_their_limits(analyst: TestClient) -> None:
    """40 of 8,000 is 5 per 1,000; 9 of 2,000 is 4.5 with exact limits 4.115 and 17.085 of 9 (statistics.md 1.1)."""
    words = words_of(analyst.get("/team/aggregates?period=2025-03"))
    assert "University College Trust (RRV) London 1 of 1 40 8,000 5.000" in words
    assert "Somerset Trust (RH5) South West 1 of 1 9 2,000 4.500 2.058 to 8.542" in words
    assert "2024-25" in words
    assert analyst.get("/team/aggregates?period=1999-01").status_code == 404


def test_the_lead_sees_no_exact_figure(lead: TestClient) -> None:
    assert lead.get("/team/aggregates").status_code == 404
    assert "/team/aggregates" not in lead.get("/team").text
    assert lead.get("/team/official").status_code == 404


def test_a_nurse_sees_nothing_of_it(doors: House) -> None:
    nurse = doors.signed_in(doors.person("nurse", (Role.VTE_NURSE, "RRV")))
    for path in ("/team", "/team/aggregates", "/team/official"):
        assert nurse.get(path).status_code == 404


# --- the official file


def test_the_official_file_is_seen_then_imported_then_released(
    analyst: TestClient, lead: TestClient, doors: House, store: Store
) -> None:
    preview = upload(analyst, FILE.read_bytes())
    assert preview.status_code == 200
    with store.readonly(role="hat_national") as connection:
        assert connection.execute(select(risk_assessment)).all() == []
    answer = confirm(analyst, preview)
    assert answer.status_code == 303
    with store.readonly(role="hat_national") as connection:
        rows = connection.execute(select(risk_assessment.c.assessed, risk_assessment.c.admissions)).all()
        joined = connection.execute(select(organisation).where(organisation.c.activity_only)).all()
        kept = connection.execute(select(official_import)).one()
    assert int(answer.headers["location"].rpartition("=")[2]) == len(rows) > 0
    assert joined
    assert (kept.state, bytes(kept.content)) == ("imported", FILE.read_bytes())
    released(doors, analyst, prepared(analyst))
    page = words_of(doors.browser().get("/figures/risk-assessment"))
    assert "95.3%" in page
    assert "The target of 95%" in page
    # London's only provider in the file joined the register a moment ago: its region is the file's
    assert "11,873 12,345" in words_of(doors.browser().get("/figures/risk-assessment?area=y56"))


def test_the_same_file_again_changes_nothing(analyst: TestClient) -> None:
    confirm(analyst, upload(analyst, FILE.read_bytes()))
    again = upload(analyst, FILE.read_bytes())
    assert "There is nothing to import" in words_of(again)


def test_a_later_file_replaces_what_it_says(analyst: TestClient, store: Store) -> None:
    lines = FILE.read_text().splitlines()
    confirm(analyst, upload(analyst, FILE.read_bytes()))
    head, first = lines[0].split(","), lines[1].split(",")
    at = head.index("number_of_vte_assessed_admissions")
    first[at] = str(int(first[at]) - 1)
    preview = upload(analyst, "\n".join([lines[0], ",".join(first)]).encode())
    assert "0 new figures, 1 that replace another" in words_of(preview)
    confirm(analyst, preview)
    with store.readonly(role="hat_national") as connection:
        assert int(first[at]) in set(connection.scalars(select(risk_assessment.c.assessed)))
        assert len(connection.execute(select(risk_assessment)).all()) > 1


def test_a_spoilt_file_tells_every_fault_and_a_preview_that_was_replaced_is_gone(analyst: TestClient) -> None:
    preview = upload(analyst, SPOILT.read_bytes())
    assert "What is wrong with the file" in words_of(preview)
    waiting = upload(analyst, FILE.read_bytes())
    upload(analyst, FILE.read_bytes() + b"\n")
    assert confirm(analyst, waiting).status_code == 409


@pytest.mark.parametrize("data", [b"", b"not,a,file\n1,2,3\n"])
def test_what_is_no_such_file_is_refused_in_words(analyst: TestClient, data: bytes) -> None:
    answer = upload(analyst, data)
    assert answer.status_code == (422 if not data else 200)
    assert ("Choose a file that is not empty" if not data else "Nothing in the file can be imported") in words_of(
        answer
    )
