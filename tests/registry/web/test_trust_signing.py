"""Sign-off by the trust lead, unlocked on request with a reason; never a condition for counting."""

import re
from datetime import UTC, datetime

import httpx2 as httpx
import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from schemas.record import RecordKind
from tests.make import valid_activity
from tests.registry.submissions.make import send
from tests.registry.web.programs import screened
from tests.registry.web.visitors import House, house, token_of, words_of

PAGE = "/trust/sign-off"


@pytest.fixture
def full(settings: Settings, store: Store, admin: psycopg.Connection) -> House:
    made = house(settings, store)
    screened(made)
    admin.execute("update register.organisation set live_from = date_trunc('month', now()) - interval '3 months'")
    returned(made, admin)
    return made


def returned(full: House, admin: psycopg.Connection, **cells: str) -> str:
    """A complete return of last month but one; its month as `2025-09`."""
    row = admin.execute("select to_char(now() - interval '2 months', 'YYYY-MM')").fetchone()
    assert row is not None
    month = str(row[0])
    send(
        full.store,
        full.settings,
        full.ids["RRV"],
        [valid_activity(month=month, **cells)],
        kind=RecordKind.ACTIVITY,
        at=datetime.now(UTC),
    )
    return month


@pytest.fixture
def lead(full: House) -> TestClient:
    return full.signed_in(full.person("lead", (Role.TRUST_LEAD, "RRV")))


@pytest.fixture
def nurse(full: House) -> TestClient:
    return full.signed_in(full.person("nurse", (Role.VTE_NURSE, "RRV")))


def press(browser: TestClient, page: httpx.Response, action: str, **typed: str) -> httpx.Response:
    form = next(
        each for each in re.findall(r"<form.*?</form>", page.text, re.DOTALL) if f'action="{PAGE}/{action}"' in each
    )
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form))
    return browser.post(f"{PAGE}/{action}", data=hidden | typed)


def test_the_lead_signs_a_month_off_once(lead: TestClient, admin: psycopg.Connection) -> None:
    page = lead.get(PAGE)
    assert page.text.count(f'action="{PAGE}/sign"') == 1
    for _ in range(2):
        assert press(lead, page, "sign").status_code == 303
    assert admin.execute("select count(*) from records.sign_off").fetchone() == (1,)
    assert admin.execute("select count(*) from records.audit where action = 'month signed off'").fetchone() == (1,)
    words = words_of(lead.get(PAGE))
    assert re.search(r"“Every case of \w+ \d{4} that this organisation knows of is recorded: 0 cases\..*” Lead,", words)


def test_a_return_that_was_not_seen_is_not_signed(full: House, lead: TestClient, admin: psycopg.Connection) -> None:
    page = lead.get(PAGE)
    returned(full, admin, medical_overnight="7")
    answer = press(lead, page, "sign")
    assert answer.status_code == 409
    assert "Another return of this month has come" in words_of(answer)
    assert admin.execute("select count(*) from records.sign_off").fetchone() == (0,)


def test_a_return_after_the_sign_off_counts_and_is_told(
    full: House, lead: TestClient, admin: psycopg.Connection
) -> None:
    press(lead, lead.get(PAGE), "sign")
    returned(full, admin, medical_overnight="7")
    assert admin.execute("select max(version) from records.activity_version").fetchone() == (2,)
    assert "Another return of this month has come since" in words_of(lead.get(PAGE))


def test_a_month_is_unlocked_on_request_with_a_reason(
    lead: TestClient, nurse: TestClient, admin: psycopg.Connection
) -> None:
    press(lead, lead.get(PAGE), "sign")
    page = nurse.get(PAGE)
    assert f'action="{PAGE}/unlock"' not in page.text
    without = press(nurse, page, "ask", reason="")
    assert (without.status_code, "Say why the month is to be unlocked" in words_of(without)) == (422, True)
    for length in (501, 100_000):
        long = press(nurse, page, "ask", reason="x" * length)
        assert (long.status_code, "x" * length in long.text) == (422, True)
    assert press(nurse, page, "ask", reason="Two cases came <late>").status_code == 303
    sealed = admin.execute("select unlock_reason_ct from records.sign_off").fetchone()
    assert sealed is not None
    assert b"late" not in sealed[0]
    asked = lead.get(PAGE)
    assert "asked on" in words_of(asked)
    assert "Two cases came &lt;late&gt;" in asked.text
    assert press(lead, asked, "unlock", reason="").status_code == 303
    assert f'action="{PAGE}/sign"' in lead.get(PAGE).text
    assert press(lead, asked, "unlock", reason="again").status_code == 409
    actions = admin.execute("select action from records.audit where object_type = 'month' order by sequence").fetchall()
    assert [action for (action,) in actions] == ["month signed off", "unlock of month asked", "month unlocked"]
    press(lead, lead.get(PAGE), "sign")
    assert admin.execute("select count(*) from records.sign_off").fetchone() == (2,)


def test_the_lead_may_unlock_with_a_reason_of_their_own(lead: TestClient, admin: psycopg.Connection) -> None:
    press(lead, lead.get(PAGE), "sign")
    assert press(lead, lead.get(PAGE), "unlock", reason="").status_code == 422
    assert press(lead, lead.get(PAGE), "unlock", reason="The counts were of another month").status_code == 303


def test_only_the_lead_signs_and_only_for_the_own_trust(full: House, nurse: TestClient, lead: TestClient) -> None:
    page = nurse.get(PAGE)
    assert f'action="{PAGE}/sign"' not in page.text
    token = {"form_token": token_of(page)}
    assert nurse.post(f"{PAGE}/sign", data=token | {"month": "2025-09"}).status_code == 404
    assert nurse.post(f"{PAGE}/unlock", data=token | {"month": "2025-09"}).status_code == 404
    mine = {"form_token": token_of(lead.get(PAGE))}
    assert lead.post(f"{PAGE}/sign", data=mine | {"month": "2025-09", "organisation": "RH5"}).status_code == 404
    assert lead.post(f"{PAGE}/sign", data=mine | {"month": "soon"}).status_code == 404
    assert lead.post(f"{PAGE}/sign", data=mine | {"month": "2030-01", "version": "1"}).status_code == 409
    assert lead.get(f"{PAGE}?organisation=RH5").status_code == 404
