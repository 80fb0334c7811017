"""One journey: the trust lead invites a nurse, signs off a month, unlocks it on request, and shuts the nurse out, whose session ends at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry import register
from registry.access import OPERATOR, Role
from registry.accounts.second_factor import code_of, step_at
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from registry.submissions.due import months_before
from registry.web.trust.present import today
from schemas.record import RecordKind
from tests.journeys import world as worlds
from tests.journeys.browsing import Visitor
from tests.journeys.world import World
from tests.make import valid_activity
from tests.registry.submissions.make import send

pytestmark = pytest.mark.slow

TRUST, NAME = "RRV", "University College Trust"
ADDRESS, NURSE = "new.nurse@trust.example", "New Nurse"
OWN_PASSWORD = "seven herons wade at dusk"
WHY = "Day cases of one site were missing"


@pytest.fixture
def world(settings: Settings, store: Store, tmp_path: Path) -> Iterator[World]:
    with worlds.world(settings, store, tmp_path, "trust lead", scripts=False) as made:
        yield made


def test_a_lead_and_their_people(world: World) -> None:
    given_a_lead_and_the_return_of_last_month(world)
    with world.signed_in("lead") as lead, world.window("nurse", phone=True) as nurse:
        link = when_the_lead_invites_a_nurse(lead)
        codes = when_the_nurse_accepts(nurse, link)
        then_the_nurse_is_at_the_worklist(nurse)
        then_the_nurse_cannot_invite(nurse)
        when_the_lead_signs_off_last_month(lead)
        when_the_nurse_asks_to_have_it_unlocked(nurse)
        when_the_lead_unlocks_it(lead)
        when_the_lead_gives_another_role(lead)
        when_the_lead_disables_the_nurse(lead)
        then_the_nurse_is_signed_out_at_once(nurse, codes[3])


# --- given


def given_a_lead_and_the_return_of_last_month(world: World) -> None:
    house = world.house
    house.person("lead", (Role.TRUST_LEAD, TRUST))
    with house.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        register.edit(connection, house.ids[TRUST], group=None, live_from=months_before(today(), 1), by=OPERATOR)
    row = valid_activity(month=f"{months_before(today(), 1):%Y-%m}")
    receipt = send(house.store, house.settings, house.ids[TRUST], [row], kind=RecordKind.ACTIVITY, at=worlds.now())
    assert receipt.state == "accepted"


def _month() -> str:
    return f"{months_before(today(), 1):%B %Y}"


# --- when


def when_the_lead_invites_a_nurse(lead: Visitor) -> str:
    lead.follow("Your returns")
    lead.follow("Users")
    lead.sees(f"Users of {NAME}")
    lead.press("Invite a person")
    lead.write("Name", NURSE)
    lead.write("E-mail address", ADDRESS)
    lead.choose("VTE nurse")
    lead.picture("invitation filled in")
    lead.press("Invite")
    lead.sees("Invitation made")
    return lead.page.locator("#link").inner_text()


def when_the_nurse_accepts(nurse: Visitor, link: str) -> list[str]:
    """Gives the recovery codes."""
    nurse.page.goto(link)
    nurse.sees("You are invited")
    nurse.write("Password", OWN_PASSWORD)
    nurse.write("The same password again", OWN_PASSWORD)
    nurse.press("Accept and set the password")
    nurse.write("User name", ADDRESS)
    nurse.write("Password", OWN_PASSWORD)
    nurse.press("Sign in")
    nurse.sees("Set up an authenticator app")
    nurse.page.get_by_role("img", name="QR code of the secret").wait_for()
    nurse.open("/trust/worklist")
    assert "/sign-in" in nurse.page.url, "a password alone opens nothing"
    nurse.open("/second-factor")
    secret = nurse.page.locator("#secret").inner_text().replace(" ", "")
    nurse.write("Code", code_of(secret, step_at(worlds.now())))
    nurse.press("Continue")
    nurse.sees("Keep your recovery codes")
    codes = nurse.page.locator("main li code").all_inner_texts()
    nurse.page.get_by_role("button", name="I have kept them").click()
    return codes


def when_the_lead_signs_off_last_month(lead: Visitor) -> None:
    lead.open("/trust/sign-off")
    lead.press(f"Sign off {_month()}")
    lead.sees("Signed off")


def when_the_nurse_asks_to_have_it_unlocked(nurse: Visitor) -> None:
    nurse.open("/trust/sign-off")
    nurse.unfold(f"Ask to have unlocked: {_month()}")
    nurse.write("Reason", WHY)
    nurse.press(f"Ask to unlock {_month()}")
    nurse.sees(WHY)


def when_the_lead_unlocks_it(lead: Visitor) -> None:
    lead.open("/trust/sign-off")
    lead.sees(WHY)
    lead.unfold(f"Unlock {_month()}")
    lead.press(f"Unlock {_month()}")
    lead.page.get_by_role("button", name=f"Sign off {_month()}").wait_for()


def when_the_lead_gives_another_role(lead: Visitor) -> None:
    _to_the_nurse_s_page(lead)
    lead.choose("Trust uploader")
    lead.press("Change the roles")
    assert lead.page.get_by_label("Trust uploader", exact=True).is_checked()
    lead.picture("roles changed")


def when_the_lead_disables_the_nurse(lead: Visitor) -> None:
    _to_the_nurse_s_page(lead)
    lead.press("Disable")
    lead.sees("Disabled")


def _to_the_nurse_s_page(lead: Visitor) -> None:
    lead.open("/trust/users")
    lead.sees(f"Users of {NAME}")
    lead.follow(NURSE)
    lead.sees(NURSE)


# --- then


def then_the_nurse_is_at_the_worklist(nurse: Visitor) -> None:
    nurse.open("/trust/worklist")
    nurse.sees("Nothing here waits for anybody")


def then_the_nurse_cannot_invite(nurse: Visitor) -> None:
    nurse.open("/trust")
    assert nurse.page.get_by_role("link", name="Users").count() == 0
    nurse.open("/trust/users")
    nurse.sees("There is nothing here for you")
    nurse.complaints.clear()  # the browser's own word for a page that is not there


def then_the_nurse_is_signed_out_at_once(nurse: Visitor, code: str) -> None:
    nurse.open("/trust/worklist")
    assert "/sign-in" in nurse.page.url
    nurse.signs_in(ADDRESS, OWN_PASSWORD, code)
    nurse.page.get_by_role("button", name="Sign out").wait_for()
    nurse.open("/trust/worklist")
    assert nurse.heading() != "Worklist"
    nurse.complaints.clear()  # the browser's own word for a refusal
