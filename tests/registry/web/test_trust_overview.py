"""The calendar of returns, and completeness and data quality over time."""

import re
from datetime import UTC, datetime

import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from schemas.record import RecordKind
from tests.make import cases, valid, valid_activity, valid_rca
from tests.registry.submissions.make import send
from tests.registry.web.programs import screened
from tests.registry.web.visitors import House, house, words_of


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    made = house(settings, store)
    screened(made)
    return made


@pytest.fixture
def lead(full: House) -> TestClient:
    return full.signed_in(full.person("lead", (Role.TRUST_LEAD, "RRV"), (Role.TRUST_LEAD, "7A4")))


def month_before(admin: psycopg.Connection, months: int) -> str:
    row = admin.execute(f"select to_char(now() - interval '{months} months', 'YYYY-MM')").fetchone()
    assert row is not None
    return str(row[0])


def test_what_is_overdue_stands_first(full: House, lead: TestClient, admin: psycopg.Connection) -> None:
    assert "Nothing is due" in words_of(lead.get("/trust/calendar?organisation=RRV"))
    admin.execute("update register.organisation set live_from = date_trunc('month', now()) - interval '4 months'")
    nil = valid_activity(month=month_before(admin, 3), case_return="nil")
    send(full.store, full.settings, full.ids["RRV"], [nil], kind=RecordKind.ACTIVITY, at=datetime.now(UTC))
    page = lead.get("/trust/calendar?organisation=RRV")
    assert page.status_code == 200
    overdue = re.findall(r'href="/trust/activity\?from=([0-9-]+)&amp;organisation=RRV"', page.text)
    assert overdue[0] == month_before(admin, 4)
    assert month_before(admin, 3) not in overdue
    for said in ("Overdue", "Nil", "Not sent yet"):
        assert said in words_of(page)
    assert lead.get("/trust/calendar?organisation=RH5").status_code == 404


def test_the_quarters_of_wales_are_asked_of_boards_only(full: House, lead: TestClient) -> None:
    send(
        full.store,
        full.settings,
        full.ids["7A4"],
        [valid("organisation_profile")],
        kind=RecordKind.ORGANISATION_PROFILE,
    )
    welsh, english = (words_of(lead.get(f"/trust/calendar?organisation={code}")) for code in ("7A4", "RRV"))
    assert "Welsh quarterly count" in welsh
    assert "Welsh quarterly count" not in english
    assert re.search(r"2024-25\s+State\s+Sent", welsh)


def test_data_quality_as_charts_and_as_a_table(full: House, lead: TestClient) -> None:
    empty = lead.get("/trust/quality?organisation=RRV")
    assert "nothing of the last two years" in words_of(empty)
    trust = full.ids["RRV"]
    send(full.store, full.settings, trust, cases(4))
    send(full.store, full.settings, trust, [valid_rca(local_case_id="HAT-000000")], kind=RecordKind.RCA)
    page = lead.get("/trust/quality?organisation=RRV")
    words = words_of(page)
    assert page.text.count("hat-chart__narrow") == 4
    for said in ("September 2025", "25% 1 of 4", "100% 64 of 64", "no cases"):
        assert said in words, said
    assert lead.get("/trust/quality?organisation=RH5").status_code == 404


def test_strangers_and_other_roles_see_nothing(full: House) -> None:
    analyst = full.signed_in(full.person("analyst", (Role.NATIONAL_ANALYST, None)))
    for path in ("/trust/calendar", "/trust/quality"):
        assert analyst.get(path).status_code == 404
        assert full.browser().get(path).status_code == 303
