"""The release desk: prepared by one, audited, approved by two others, hidden until it is time."""

import json
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from registry.access import Role
from registry.publications import auditing
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.store.tables import audit, draft_cell, publication
from schemas.days import LONDON
from tests.registry.publications.make import hold_counts, split_counts
from tests.registry.web.at_release_desk import approve, audited, prepared, released, two_trusts
from tests.registry.web.visitors import House, send, token_of, words_of

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


@pytest.fixture
def second(doors: House) -> TestClient:
    return doors.signed_in(doors.person("second", (Role.NATIONAL_ANALYST, None)))


def test_one_prepares_and_two_others_release(
    analyst: TestClient, lead: TestClient, second: TestClient, doors: House, store: Store
) -> None:
    address = prepared(analyst, "A trust sent March again.")
    own = words_of(analyst.get(address))
    assert "You prepared these figures. Two other people have to approve them." in own
    assert approve(lead, address).status_code == 409, "nobody has audited it"
    audited(doors, analyst, address)
    assert approve(analyst, address).status_code == 403
    assert 'action="' + address + '/approve"' not in analyst.get(address).text
    assert doors.browser().get("/figures/trusts/RRV").status_code == 404
    assert approve(lead, address).headers["location"] == f"{address}?done=approved"
    waits = words_of(lead.get(address))
    assert "You have approved these figures. A second person has to approve them too." in waits
    assert approve(lead, address).status_code == 409
    assert doors.browser().get("/figures/trusts/RRV").status_code == 404
    assert "Approve and release" in words_of(second.get(address))
    assert approve(second, address).headers["location"] == "/team?done=released"
    assert doors.browser().get("/figures/trusts/RRV").status_code == 200
    done = words_of(lead.get(address))
    assert "Approved by Lead" in done
    assert "Approved by Second" in done
    assert approve(second, address).status_code == 409
    with store.readonly(role="hat_auditor") as connection:
        actions = list(connection.scalars(select(audit.c.action).where(audit.c.object_type == "publication")))
    assert sorted(actions) == [
        "publication.approve",
        "publication.approve",
        "publication.ask_audit",
        "publication.audit_passed",
        "publication.prepare",
        "publication.release",
    ]


def test_a_wrong_code_approves_nothing(analyst: TestClient, lead: TestClient, doors: House) -> None:
    address = prepared(analyst)
    audited(doors, analyst, address)
    doors.long_ago()
    answer = approve(lead, address, code="000000")
    assert answer.status_code == 422
    assert "This code is not right" in words_of(answer)
    assert "Approved by" not in words_of(lead.get(address))


def test_figures_that_changed_since_they_were_looked_at_are_not_approved(
    analyst: TestClient, lead: TestClient, doors: House, store: Store
) -> None:
    address = prepared(analyst)
    audited(doors, analyst, address)
    assert approve(lead, address, seen="0" * 64).status_code == 409
    with store.transaction(role="hat_national") as connection:
        connection.execute(update(draft_cell).values(value=draft_cell.c.value + 5))
    answer = approve(lead, address)
    assert answer.status_code == 409
    assert "These figures have changed since you looked at them" in words_of(answer)


def test_a_draft_shows_protected_figures_only_and_what_they_change(
    analyst: TestClient, doors: House, store: Store
) -> None:
    released(doors, analyst, prepared(analyst))
    with store.transaction(role="hat_jobs") as connection:
        counts = split_counts(80, overnight=60, preventable=20, not_investigated=2)
        hold_counts(connection, doors.ids["RRV"], date(2025, 4, 1), counts)
    address = prepared(analyst)
    words = words_of(analyst.get(address))
    assert "0 published counts would change" in words
    assert "Trusts by month: cases" in words
    assert "Months or years were added." in words
    assert "April 2025 –" in words_of(analyst.get(f"{address}/figures"))
    with store.readonly(role="hat_national") as connection:
        values = set(connection.scalars(select(draft_cell.c.value)))
    assert all(value is None or value % 5 == 0 for value in values)


def test_the_report_is_the_desk_s_and_its_digest_everybody_s(analyst: TestClient, doors: House) -> None:
    address = prepared(analyst)
    assert analyst.get(f"{address}/report.json").status_code == 404
    audited(doors, analyst, address)
    given = analyst.get(f"{address}/report.json")
    assert json.loads(given.content)["passed"] is True
    assert doors.browser().get(f"{address}/report.json").status_code == 303
    nurse = doors.signed_in(doors.person("nurse", (Role.VTE_NURSE, "RRV")))
    assert nurse.get(f"{address}/report.json").status_code == 404


def test_under_an_embargo_approved_figures_stay_hidden_until_it_ends(
    analyst: TestClient, lead: TestClient, second: TestClient, doors: House
) -> None:
    address = prepared(analyst)
    until = datetime.now(LONDON) + timedelta(days=2)
    fields = {"until": f"{until:%Y-%m-%d}", "until_time": "09:30"}
    assert send(analyst, f"{address}/embargo", fields, seen=address).headers["location"] == f"{address}?done=embargo"
    audited(doors, analyst, address)
    approve(lead, address)
    moved = send(lead, f"{address}/embargo", {"until": ""}, seen=address)
    assert moved.status_code == 409, "an approval is of the figures as they are announced"
    assert approve(second, address).headers["location"] == f"{address}?done=waiting"
    keys = Secrets.load(doors.settings.secrets_dir, ["offset", "signing"])
    hidden = {path: doors.browser().get(path).content for path in ("/figures", "/figures/trusts/RRV")}
    assert auditing.work(doors.store, keys, doors.settings, datetime.now(LONDON))["released"] == 0
    assert {path: doors.browser().get(path).content for path in hidden} == hidden
    assert "Hidden until" in words_of(lead.get(address))
    assert auditing.work(doors.store, keys, doors.settings, until + timedelta(days=1))["released"] == 1
    assert doors.browser().get("/figures/trusts/RRV").status_code == 200


@pytest.mark.parametrize("until", ["yesterday", "2020-01-01", "2099-01-01"])
def test_an_embargo_ends_at_a_time_to_come(analyst: TestClient, until: str) -> None:
    address = prepared(analyst)
    answer = send(analyst, f"{address}/embargo", {"until": until}, seen=address)
    assert answer.status_code == 422
    assert "There is a problem" in words_of(answer)


def test_what_is_not_public_yet_can_be_discarded_and_then_prepared_anew(
    analyst: TestClient, lead: TestClient, doors: House, store: Store
) -> None:
    address = prepared(analyst)
    audited(doors, analyst, address)
    refused = send(analyst, "/team/publications", seen="/team")
    assert refused.status_code == 409
    assert "There are figures on their way to release already" in words_of(refused)
    answer = send(lead, f"{address}/discard", seen=address)
    assert answer.headers["location"] == "/team?done=discarded"
    with store.readonly(role="hat_national") as connection:
        assert connection.scalar(select(publication.c.state)) == "discarded"
    assert prepared(analyst) != address


def test_the_lead_does_not_prepare(lead: TestClient) -> None:
    assert lead.post("/team/publications", data={"form_token": token_of(lead.get("/team"))}).status_code == 404
