"""One journey, without scripts: a trust finds the clot of a stay in another; that one disputes it, the registry office decides, the answer
comes back, and the figures of the two differ by this one case."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from registry import register
from registry.access import OPERATOR, Role
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from registry.submissions.due import months_before
from registry.web.trust.present import today
from schemas.record import RecordKind
from tests.journeys import world as worlds
from tests.journeys.browsing import Visitor
from tests.journeys.world import World
from tests.make import nhs_number, valid_activity, valid_case
from tests.registry.submissions.make import send

pytestmark = pytest.mark.slow

FINDER, HOME = "RRV", "RH5"
FINDER_NAME, HOME_NAME = "University College Trust", "Somerset Trust"
CASE, PATIENT = "UCL-100", 100
SAID = "Our own system shows no such stay"


@pytest.fixture
def world(settings: Settings, store: Store, tmp_path: Path) -> Iterator[World]:
    with worlds.world(settings, store, tmp_path, "two trusts", scripts=False) as made:
        yield made


def test_a_case_found_by_another_trust(world: World) -> None:
    given_two_trusts_with_a_case_each(world)
    with world.signed_in("chief") as chief:
        when_the_administrator_records_the_legal_basis(chief)
    with world.signed_in("finder") as finder:
        before = the_months_figures(finder, world)
        when_the_nurse_enters_the_case_and_names_the_other_trust(finder)
        when_the_worker_tells_them(world)
        then_it_stands_as_reported_for_others(finder)
    with world.signed_in("home") as home:
        alone = the_months_figures(home, world, counted=True)
        then_they_are_shown_only_what_finds_the_patient(home)
        when_they_dispute_it(home)
    when_the_worker_tells_them(world)
    with world.signed_in("office") as office:
        then_the_office_sees_no_patient(office)
        when_the_office_decides_for_the_trust_of_the_stay(office)
    when_the_worker_tells_them(world)
    with world.signed_in("finder") as finder:
        then_the_decision_is_told(finder)
        assert the_months_figures(finder, world, counted=True).cases == before.cases
    with world.signed_in("home", phone=True) as home:
        now = the_months_figures(home, world)
        assert (alone.cases, alone.pending) == (1, 1)
        assert (now.cases, now.pending) == (2, 0)
        assert now.admissions == alone.admissions


# --- given


def given_two_trusts_with_a_case_each(world: World) -> None:
    """Both returned the month of the stay whole."""
    house = world.house
    for code, name, place in ((FINDER, "finder", 1), (HOME, "home", 2)):
        house.person(name, (Role.VTE_NURSE, code))
        with house.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
            register.edit(connection, house.ids[code], group=None, live_from=_month(), by=OPERATOR)
        own = valid_case(local_case_id=f"{code}-1", nhs_number=nhs_number(place), **_stay())
        activity = valid_activity(month=f"{_month():%Y-%m}")
        for kind, row in ((RecordKind.CASE, own), (RecordKind.ACTIVITY, activity)):
            receipt = send(house.store, house.settings, house.ids[code], [row], kind=kind, at=worlds.now())
            assert receipt.state == "accepted"
    house.person("office", (Role.REGISTRY_OFFICE, None))
    house.person("chief", (Role.ADMINISTRATOR, None))
    world.run("work", "figures")


def _month() -> date:
    return months_before(today(), 5)


def _stay() -> dict[str, str]:
    admitted = _month() + timedelta(days=1)
    return {
        "admission_date": admitted.isoformat(),
        "discharge_date": (admitted + timedelta(days=6)).isoformat(),
        "diagnosis_date": (admitted + timedelta(days=20)).isoformat(),
        "died_within_90_days": "",
    }


# --- when


def when_the_administrator_records_the_legal_basis(chief: Visitor) -> None:
    chief.open("/admin/attribution")
    chief.sees("Telling between trusts")
    england = chief.page.locator("form").filter(has=chief.page.get_by_role("button", name="Record for England"))
    chief.answer("Legal basis in England", "Section 251 support")
    chief.answer("Reference", "25/CAG/0001", inside=england)
    chief.answer("From", _month().isoformat(), inside=england)
    chief.press("Record for England")
    chief.sees("Switch off for England")


def when_the_nurse_enters_the_case_and_names_the_other_trust(finder: Visitor) -> None:
    finder.follow("Worklist")
    finder.follow("Enter a case")
    finder.sees("The core is asked first")
    finder.shows_the_guide("enter-a-case")
    for question, answer in _answers().items():
        finder.answer(question, answer)
    finder.choose("The national data opt-out was applied: this patient has not opted out")
    finder.press("Save the case")
    finder.sees("Please look at this again")
    finder.complaints.clear()  # the browser's own word for a refusal
    finder.answer("Died within 90 days of the diagnosis", "No")
    finder.press("Save the case")
    finder.sees("What happened")


def _answers() -> dict[str, str]:
    stay = _stay()
    return {
        "Your own number for this case": CASE,
        "Organisation the case belongs to": HOME,
        "NHS number": nhs_number(PATIENT),
        "Date of birth": "1951-04-12",
        "Sex": "Female",
        "Date of admission of the index stay": stay["admission_date"],
        "Date of discharge of the index stay": stay["discharge_date"],
        "How the patient was in hospital": "Ordinary admission",
        "Group of the admission": "Medical",
        "Main specialty": "General Internal Medicine",
        "What was found": "Deep vein thrombosis",
        "Where the DVT was": "Leg, proximal (popliteal or above)",
        "Date of diagnosis": stay["diagnosis_date"],
        "Where it was diagnosed": "Ambulatory or DVT clinic",
        "How it was confirmed": "Compression or Doppler ultrasound",
        "Was the clot there on admission?": "No",
        "How you learnt of the case": "List of imaging results",
        "Died within 90 days of the diagnosis": "Not yet known",
    }


def when_the_worker_tells_them(world: World) -> None:
    """By hand; else within some minutes."""
    world.run("work", "pairs", "attribution")


def when_they_dispute_it(home: Visitor) -> None:
    home.choose("Dispute: the case is not ours")
    home.press("Answer")
    home.sees("Choose why the case is not yours")
    home.complaints.clear()  # the browser's own word for a refusal
    home.select("If you dispute it: why", "There was a later stay elsewhere")
    home.write("In your words (optional)", SAID)
    home.press("Answer")
    home.sees("Disputed")


def when_the_office_decides_for_the_trust_of_the_stay(office: Visitor) -> None:
    office.choose(HOME_NAME)
    office.confirms()
    office.press("Decide")
    office.sees("Nothing is in dispute")


# --- then


def then_it_stands_as_reported_for_others(finder: Visitor) -> None:
    finder.follow("Between trusts")
    finder.sees("Reported by you for others")
    assert HOME_NAME in finder.row(CASE).inner_text()


def then_they_are_shown_only_what_finds_the_patient(home: Visitor) -> None:
    home.page.get_by_role("link", name="Between trusts").click()
    home.sees("Reported for you by others")
    home.shows_the_guide("between-trusts")
    home.row(FINDER_NAME).get_by_role("link").click()
    home.sees(f"Case reported by {FINDER_NAME}")
    assert nhs_number(PATIENT) not in home.words()
    home.press("Show who the patient is")
    home.sees(nhs_number(PATIENT))
    assert CASE not in home.words()


def then_the_office_sees_no_patient(office: Visitor) -> None:
    office.follow("Registry office")
    office.sees("Disputes")
    office.row(FINDER_NAME, HOME_NAME).get_by_role("link").click()
    office.sees("There was a later stay elsewhere")
    for words in (nhs_number(PATIENT), CASE, SAID, "12 April 1951"):
        assert words not in office.page.content()


def then_the_decision_is_told(finder: Visitor) -> None:
    finder.page.get_by_role("link", name="Between trusts").click()
    finder.sees("Decided by the registry office")
    row = finder.row(CASE).inner_text()
    assert HOME_NAME in row
    assert SAID in row


@dataclass(frozen=True)
class Figures:
    """The line of the month in a trust's own figures."""

    cases: int
    admissions: int
    pending: int


def the_months_figures(nurse: Visitor, world: World, *, counted: bool = False) -> Figures:
    """As they stand on the trust's page; counted anew before, or else in the night."""
    if counted:
        world.run("figures")
    nurse.follow("Your figures")
    nurse.sees("For use inside your organisation")
    row = nurse.page.get_by_role("table", name="By month").get_by_role("row").filter(has_text=f"{_month():%B %Y}")
    cells = row.locator("td").all_inner_texts()
    return Figures(int(cells[1]), int(cells[2].replace(",", "")), int(cells[-2]))
