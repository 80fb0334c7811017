"""Every measure of a trust's own, exact, on one page; counted by hand."""

import re
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import update

from registry import publications
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.store.tables import organisation
from schemas.record import RecordKind
from tests.make import valid_activity
from tests.registry.submissions.make import send
from tests.registry.web.own.test_own_figures import rows_of
from tests.registry.web.own.world import YEAR, World, world
from tests.registry.web.visitors import words_of

AT = datetime(2026, 11, 20, tzinfo=UTC)
ADMITTED = {
    name: "0" for name, text in valid_activity().items() if re.search(r"_(day_case|regular_attender|no_night|overnight)$", name)
}  # fmt: skip


def returned(month: str) -> dict[str, str]:
    """1,000 admissions: 300 surgical and 500 medical overnight, 200 maternity day cases."""
    counts = {"surgical_overnight": "300", "medical_overnight": "500", "obstetric_day_case": "200"}
    return valid_activity(month=month, case_return="complete", **(ADMITTED | counts))


@pytest.fixture
def made(settings: Settings, store: Store) -> World:
    """The trust of `world` with complete returns for April and May 2025, counted."""
    full = world(settings, store)
    with store.transaction() as connection:
        ours = organisation.c.id == full.tenant
        connection.execute(update(organisation).where(ours).values(live_from=date(2025, 4, 1)))
    receipt = send(store, settings, full.tenant, [returned("2025-04"), returned("2025-05")], kind=RecordKind.ACTIVITY)
    assert (receipt.new, receipt.refused) == (2, 0), receipt
    publications.count(store, Secrets.load(settings.secrets_dir, []), settings, AT)
    return full


def test_measures_are_listed_by_theme(made: World) -> None:
    """4 cases of 2,000 admissions, two of each group of 600 and 1,000 overnight; 3 reviewed, 2 of them preventable."""
    page = made.nurse.get(f"/trust/figures/measures?period={YEAR}")
    assert page.status_code == 200
    often = rows_of(page, "theme-1")
    assert often["HAT per 1,000 admissions"][0] == "2.00"
    assert often["HAT per 1,000 admissions"][2:4] == ["4", "2,000"]
    assert often["HAT per 1,000 overnight surgical admissions"][::2][:2] == ["3.33", "2"]
    assert often["HAT per 1,000 overnight medical admissions"][::2][:2] == ["2.00", "2"]
    assert often["HAT per 1,000 maternity admissions"][:4] == ["0.00", "0.00 to 9.22", "0", "400"]
    found = rows_of(page, "theme-2")
    preventable = found["Among patients with HAT: potentially preventable"]
    assert preventable == ["too few investigated", "between 50.0% and 75.0%", "2", "3", "Cases not investigated: 1"]
    assert found["Among patients with HAT: found after discharge"][2:] == ["4", "4", "Found during the stay: 0"]
    words = words_of(page)
    assert "2 of the 12 months in which your organisation took part are in these figures" in words
    assert "half of 4 cases were found within 35 days of discharge" in words


def test_without_a_month_that_enters_each_measure_says_why(made: World) -> None:
    page = made.nurse.get("/trust/figures/measures?period=2023-fy")
    for row in rows_of(page, "theme-1").values():
        assert row[:2] == ["no figure to calculate from", "–"]
    assert "0 of the 0 months" in words_of(page)
