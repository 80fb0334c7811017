"""A trust's own exact figures, from its files to the page; and what of the same counts is public."""

import re
from datetime import UTC, date, datetime
from html import unescape

import pytest

from registry import publications
from registry.access import Role
from registry.publications import aggregates
from registry.settings import Secrets, Settings
from registry.store import Store
from schemas.record import RecordKind
from tests.make import nhs_number, valid_activity, valid_case
from tests.registry.publications.hold import GROUPS, STAYS
from tests.registry.publications.make import hold_counts, make_team, make_trust, prepare, release, split_counts
from tests.registry.submissions.make import send
from tests.registry.web.visitors import House, house, words_of

AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
YEARS = {2010: (217, 103_845), 2016: (176, 119_128)}


@pytest.fixture
def doors(settings: Settings, store: Store) -> House:
    return house(settings, store)


def cases_of(year: int, number: int, first: int) -> list[dict[str, str]]:
    """So many cases spread over the months of a year, a clot ten days after discharge each."""
    rows = []
    for place in range(number):
        month = place % 12 + 1
        rows.append(
            valid_case(
                local_case_id=f"P-{year}-{place:04d}", nhs_number=nhs_number(first + place),
                admission_date=f"{year}-{month:02d}-03", discharge_date=f"{year}-{month:02d}-08",
                diagnosis_date=f"{year}-{month:02d}-18",
            )
        )  # fmt: skip
    return rows


def activity_of(year: int, admissions: int) -> list[dict[str, str]]:
    """The admissions of a year as twelve returns: so many overnight, the rest day cases."""
    nothing = {f"{group}_{stay}": "0" for group in GROUPS for stay in STAYS}
    rows = []
    for month in range(1, 13):
        share = admissions // 12 + (admissions % 12 if month == 12 else 0)
        counts = {"medical_overnight": str(share // 2), "surgical_day_case": str(share - share // 2)}
        rows.append(valid_activity(month=f"{year}-{month:02d}", case_return="complete", **(nothing | counts)))
    return rows


@pytest.fixture
def plymouth(store: Store, settings: Settings) -> int:
    """Plymouth's published counts (Rowswell and Nokes 2017), sent as files and counted."""
    tenant = make_trust(store, settings, "RK9", "Y58", date(2010, 1, 1))
    for year, (number, admissions) in YEARS.items():
        assert send(store, settings, tenant, cases_of(year, number, year)).new == number
        assert send(store, settings, tenant, activity_of(year, admissions), kind=RecordKind.ACTIVITY).new == 12
    publications.count(store, Secrets.load(settings.secrets_dir, []), settings, AT)
    return tenant


def test_plymouths_published_counts_give_its_published_rates(store: Store, plymouth: int) -> None:
    """statistics.md 1.1 for the limits: Byar's, 217 of 103,845 and 176 of 119,128."""
    with store.readonly(tenants=[plymouth]) as connection:
        years = {one.start.year: one for one in aggregates.calendar_years(aggregates.read(connection))}
    first, second = years[2010], years[2016]
    assert (first.cases, first.admissions, second.cases, second.admissions) == (217, 103_845, 176, 119_128)
    assert first.rate.value == pytest.approx(2.08965, abs=5e-5)
    assert second.rate.value == pytest.approx(1.47740, abs=5e-5)
    assert first.rate.lower == pytest.approx(1.82084, abs=1e-5)
    assert first.rate.upper == pytest.approx(2.38697, abs=1e-5)
    assert second.rate.lower == pytest.approx(1.26718, abs=1e-5)
    assert second.rate.upper == pytest.approx(1.71253, abs=1e-5)
    assert years[2012].cases == years[2012].months == 0


def test_the_trust_sees_them_exactly_and_the_public_protected(
    store: Store, settings: Settings, plymouth: int, doors: House
) -> None:
    nurse = House(settings, store, {"RK9": plymouth})
    own = words_of(nurse.signed_in(nurse.person("nurse", (Role.VTE_NURSE, "RK9"))).get("/trust/figures"))
    assert "2010 12 of 12 217 103,845 2.090" in own
    assert "2016 12 of 12 176 119,128 1.477" in own
    team = make_team(store)
    release(store, team, prepare(store, settings, team))
    public = words_of(doors.browser().get("/figures/trusts/RK9"))
    assert "217" not in public.split()
    assert "103,845" not in public.split()
    assert "January to March 2010" in public


def test_a_trust_sees_no_other(store: Store, settings: Settings, doors: House) -> None:
    month = date(2025, 4, 1)
    with store.transaction(role="hat_jobs") as connection:
        for code, number in (("RRV", 7), ("RH5", 11)):
            counts = split_counts(number, overnight=3, preventable=1, not_investigated=0)
            hold_counts(connection, doors.ids[code], month, counts)
    nurse = doors.signed_in(doors.person("nurse", (Role.VTE_NURSE, "RRV")))
    words = words_of(nurse.get("/trust/figures"))
    assert "University College Trust" in words
    assert "Somerset" not in words
    assert nurse.get("/trust/figures?organisation=RH5").status_code == 404


def test_somebody_of_two_trusts_chooses(store: Store, settings: Settings, doors: House) -> None:
    with store.transaction(role="hat_jobs") as connection:
        for code in ("RRV", "RH5"):
            hold_counts(connection, doors.ids[code], date(2025, 4, 1), {})
    nurse = doors.signed_in(doors.person("nurse", (Role.VTE_NURSE, "RRV"), (Role.TRUST_LEAD, "RH5")))
    assert "Somerset Trust" in words_of(nurse.get("/trust/figures?organisation=RH5"))


def test_the_nation_stands_beside_it_as_it_was_released(store: Store, settings: Settings, doors: House) -> None:
    """120 of 96,000 are 1.250, Byar's 1.036 to 1.495; the nation's is made of twelve rounded months, each at most 4 away from 10."""
    with store.transaction(role="hat_jobs") as connection:
        for month in (
            date(2025, 4, 1),
            *(date(2025 + (place > 12), (place - 1) % 12 + 1, 1) for place in range(5, 16)),
        ):
            counts = split_counts(10, overnight=3, preventable=1, not_investigated=0)
            hold_counts(connection, doors.ids["RRV"], month, counts)
    browser = doors.signed_in(doors.person("nurse", (Role.VTE_NURSE, "RRV")))
    assert "No national figures have been released yet" in words_of(browser.get("/trust/figures"))
    team = make_team(store)
    release(store, team, prepare(store, settings, team))
    words = words_of(browser.get("/trust/figures"))
    assert "Beside England" in words
    found = re.search(r"2025 to 2026 12 of 12 1\.250 1\.036 to 1\.495 ([0-9.]+)", words)
    assert found is not None, words
    assert abs(float(found[1]) - 1.25) <= 12 * 4 / 96


def test_few_months_are_a_line_and_each_number_leads_to_its_cases(
    store: Store, settings: Settings, plymouth: int
) -> None:
    """The chart has the latest sixty months, in which nothing was returned; the years before are in the tables."""
    nurse = House(settings, store, {"RK9": plymouth})
    browser = nurse.signed_in(nurse.person("nurse", (Role.VTE_NURSE, "RK9")))
    page = browser.get("/trust/figures?rate=overnight")
    assert "HAT per 1,000 overnight admissions" in words_of(page)
    assert "not enough data for control limits" in words_of(page)
    listed = re.search(r'href="([^"]*)" aria-label="2010: 217 cases"', page.text)
    assert listed is not None
    assert "217 cases, of which these are 1 to 50" in words_of(browser.get(unescape(listed[1])))


def test_before_the_first_count_the_page_says_so(doors: House) -> None:
    nurse = doors.signed_in(doors.person("nurse", (Role.VTE_NURSE, "RRV")))
    assert "Nothing has been counted for you yet" in words_of(nurse.get("/trust/figures"))
