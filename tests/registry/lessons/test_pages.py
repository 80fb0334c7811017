"""The pages of learning: every one of them as its reader has it, and as whoever has no right to it."""

import re
from html import unescape
from uuid import UUID

import httpx2 as httpx
import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import Role
from registry.lessons.lists import Kind
from registry.lessons.offering import Filed
from registry.settings import Settings
from registry.store import Store
from tests.registry.lessons.scene import FILED, TEXT, Scene, scene
from tests.registry.web.test_cases_page import Heard
from tests.registry.web.visitors import words_of


@pytest.fixture
def here(settings: Settings, store: Store, admin: psycopg.Connection) -> Scene:
    return scene(settings, store, admin)


def browser(here: Scene, person: object) -> TestClient:
    assert isinstance(person, UUID)
    return here.place.house.signed_in(person)


def nurse(here: Scene) -> TestClient:
    return browser(here, here.place.nurse.id)


def fields(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that goes to an address."""
    form = next(
        each for each in re.findall(r"<form.*?</form>", page, re.DOTALL) if f'action="{action}"' in unescape(each)
    )
    return {
        name: unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
    }


def send(browser: TestClient, page: str, action: str, **given: str) -> httpx.Response:
    opened = browser.get(page)
    assert opened.status_code == 200, words_of(opened)
    return browser.post(action, data={**fields(opened.text, action), **given})


def test_a_nurse_offers_what_the_review_says(here: Scene) -> None:
    nurses = nurse(here)
    address = f"/trust/learning/offer?case={here.case}&kind=lesson"
    opened = nurses.get(address)
    assert opened.status_code == 200
    given = {"theme": "missed_doses", "stage": "transfer", "factor": "team", "text": "Charts are read at handover"}
    answer = nurses.post(address, data={**fields(opened.text, address), **given})
    assert answer.status_code == 303
    page = nurses.get(answer.headers["location"])
    assert "Charts are read at handover" in page.text
    assert "Waits for two moderators" in words_of(page)
    assert "Waits for two moderators" in words_of(nurses.get("/trust/learning"))


def test_what_the_screen_finds_is_said_by_kind_and_place_and_not_again(here: Scene) -> None:
    nurses = nurse(here)
    address = f"/trust/learning/offer?case={here.case}&kind=lesson"
    given = {"theme": "missed_doses", "stage": "transfer", "factor": "team", "text": "Given late by Mrs Applegarth"}
    answer = nurses.post(address, data={**fields(nurses.get(address).text, address), **given})
    assert answer.status_code == 422
    words = words_of(answer)
    assert "Characters 15 to 28: a title with a name" in words
    assert answer.text.count("Applegarth") == 1


def test_a_warning_is_confirmed(here: Scene) -> None:
    nurses = nurse(here)
    address = f"/trust/learning/offer?case={here.case}&kind=lesson"
    given = {"theme": "missed_doses", "stage": "transfer", "factor": "team", "text": "Missed by the Applegarth team"}
    hidden = fields(nurses.get(address).text, address)
    asked = nurses.post(address, data={**hidden, **given})
    assert asked.status_code == 422
    assert "I have looked at each of these places" in words_of(asked)
    assert nurses.post(address, data={**hidden, **given, "confirmed": "yes"}).status_code == 303


def test_a_moderator_reads_sends_back_and_approves(here: Scene) -> None:
    copy = here.offered()
    moderator = browser(here, here.theirs.id)
    page = moderator.get(f"/moderation/{copy}")
    assert TEXT in page.text
    assert "University College" not in page.text
    assert words_of(moderator.get("/moderation")).count("Learning point") >= 1
    address = f"/moderation/{copy}/return"
    wrong = moderator.post(address, data=fields(page.text, address))
    assert wrong.status_code == 422
    sent = moderator.post(address, data={**fields(page.text, address), "reason": "person", "note": "A name in it"})
    assert sent.status_code == 303
    point = here.point(copy)
    seen = nurse(here).get(f"/trust/learning/{point.id}")
    assert "A name in it" in words_of(seen)
    here.revise(point.id, Filed("missed_doses", "transfer", "team", "Read the chart"), seen=1)
    address = f"/moderation/{copy}/approve"
    page = moderator.get(f"/moderation/{copy}")
    assert moderator.post(address, data=fields(page.text, address)).headers["location"] == "/moderation?done=read_once"
    assert "already" in words_of(moderator.get(f"/moderation/{copy}"))


def test_a_lead_publishes_and_takes_down(here: Scene) -> None:
    copy = here.offered()
    here.approve(here.theirs, copy)
    here.approve(here.ours, copy)
    lead = browser(here, here.lead.id)
    anybody = here.place.house.browser()
    assert anybody.get(f"/learning/{copy}").status_code == 404
    assert send(lead, "/team/learning", f"/team/learning/{copy}/publish").status_code == 303
    assert TEXT in anybody.get(f"/learning/{copy}").text
    assert TEXT in anybody.get("/learning").text
    assert TEXT in anybody.get("/learning?theme=missed_doses&q=two+wards").text
    assert TEXT not in anybody.get("/learning?theme=extended").text
    assert TEXT in anybody.get("/learning/feed.atom").text
    down = f"/team/learning/{copy}/take-down"
    assert send(lead, down, down).status_code == 422
    assert send(lead, down, down, reason="identifies").status_code == 303
    for address in ("/learning", f"/learning/{copy}", "/learning?q=two+wards", "/learning/feed.atom"):
        assert TEXT not in anybody.get(address).text
    assert "Withdrawn" in words_of(anybody.get(f"/learning/{copy}"))
    trace = words_of(lead.get("/team/learning"))
    assert trace.count("Leader") == 2, "in the head of the page, and in the trace"
    assert "It may tell who somebody is" in trace
    assert "deleted-entry" in anybody.get("/learning/feed.atom").text


def test_pages_of_others_are_as_if_they_were_not_there(here: Scene) -> None:
    copy = here.offered()
    point = here.point(copy)
    other = here.place.house.signed_in(here.place.house.person("stranger", (Role.VTE_NURSE, "RH5")))
    absent = other.get(f"/trust/learning/{copy}")
    assert absent.status_code == 404
    for address in (
        f"/trust/learning/{point.id}",
        f"/trust/learning/{point.id}/change",
        f"/trust/learning/offer?case={here.case}",
    ):
        answer = other.get(address)
        assert (answer.status_code, answer.content) == (404, absent.content), address
    assert nurse(here).get(f"/moderation/{copy}").status_code == 404
    assert browser(here, here.theirs.id).get(f"/trust/learning/{point.id}").status_code == 404
    assert browser(here, here.lead.id).get(f"/moderation/{copy}").status_code == 404
    assert "canary" not in other.get("/trust/learning").text


def test_an_unpublished_text_is_on_no_page_but_its_own(here: Scene) -> None:
    copy = here.offered(Filed("missed_doses", "transfer", "team", "canary in a text"))
    other = here.place.house.signed_in(here.place.house.person("stranger", (Role.TRUST_LEAD, "RH5")))
    lead, chief = browser(here, here.lead.id), here.place.house.administrator()
    for who in (other, lead, chief, here.place.house.browser()):
        for address in (
            "/learning", "/learning?q=canary", "/learning/feed.atom", f"/learning/{copy}", "/trust/learning", "/team/learning",
            "/moderation", f"/moderation/{copy}", "/admin/moderators",
        ):  # fmt: skip
            assert "canary in" not in who.get(address).text, address


def test_a_moderator_whose_home_is_not_recorded_is_told_so(here: Scene) -> None:
    new = here.place.house.person("newcomer", (Role.MODERATOR, None))
    page = browser(here, new).get("/moderation")
    assert "not recorded to which organisation you belong" in words_of(page)
    copy = here.offered()
    assert browser(here, new).get(f"/moderation/{copy}").status_code == 409


def test_an_administrator_records_where_a_moderator_belongs(here: Scene) -> None:
    chief = here.place.house.administrator()
    new = here.place.house.person("newcomer", (Role.MODERATOR, None))
    page = chief.get("/admin/moderators")
    assert "they cannot moderate yet" in words_of(page)
    hidden = fields(page.text, "/admin/moderators")
    assert chief.post("/admin/moderators", data={**hidden, "person": str(new), "code": "NONE"}).status_code == 422
    assert chief.post("/admin/moderators", data={**hidden, "person": str(new), "code": "RRV"}).status_code == 303
    assert "they cannot moderate yet" not in words_of(chief.get("/admin/moderators"))


def test_an_action_is_offered_with_whether_it_is_done(here: Scene) -> None:
    copy = here.published(FILED, Kind.ACTION, here.action())
    assert "Under way" in words_of(here.place.house.browser().get(f"/learning/{copy}"))


def test_a_nurse_changes_it_and_takes_it_back(here: Scene) -> None:
    nurses, address = nurse(here), f"/trust/learning/{here.point(here.offered()).id}"
    given = {"theme": "missed_doses", "stage": "transfer", "factor": "team", "text": "Charts are read at handover"}
    changed = send(nurses, f"{address}/change", f"{address}/change", **given)
    assert changed.headers["location"] == f"{address}?done=revised"
    assert "Charts are read at handover" in nurses.get(address).text
    gone = send(nurses, address, f"{address}/withdraw")
    assert gone.headers["location"] == f"{address}?done=withdrawn"


def test_a_trust_keeps_words_of_its_own(here: Scene) -> None:
    nurses = nurse(here)
    hidden = fields(nurses.get("/trust/learning/words").text, "/trust/learning/words")
    answer = nurses.post("/trust/learning/words", data={**hidden, "words": "Nightingale\nBlue Bay"})
    assert answer.status_code == 303
    assert "Nightingale" in nurses.get("/trust/learning/words").text


# --- queries


def test_a_page_asks_few_questions_however_much_there_is(here: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = here.offered()
    here.approve(here.ours, copy)
    shown = here.published(kind=Kind.PRACTICE)
    point = here.point(copy)
    nurses, moderator, lead = nurse(here), browser(here, here.theirs.id), browser(here, here.lead.id)
    anybody = here.place.house.browser()
    pages = [
        (nurses, "/trust/learning"), (nurses, f"/trust/learning/{point.id}"), (nurses, f"/trust/learning/{point.id}/change"),
        (nurses, f"/trust/learning/offer?case={here.case}"), (moderator, "/moderation"), (moderator, f"/moderation/{copy}"),
        (lead, "/team/learning"), (lead, f"/team/learning/{shown}/take-down"), (anybody, "/learning"), (anybody, f"/learning/{shown}"),
    ]  # fmt: skip
    for each, path in pages:
        each.get(path)  # connections are open, the registry's own key is made
    heard = Heard(monkeypatch)
    before = {path: heard.of(each, path) for each, path in pages}
    assert max(before.values()) <= 10, before
    here.published(kind=Kind.ACTION, action=here.action())
    assert {path: heard.of(each, path) for each, path in pages} == before
