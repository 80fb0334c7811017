"""The summary of a quarter: drafted by the worker, edited and proposed by one, published by another; subscriptions and their letters."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree

import psycopg
import pytest
from sqlalchemy import text

from registry.access import Actor, Role
from registry.cases import actions
from registry.errors import Conflict, Forbidden, NotFound, TooMany, Unprocessable
from registry.lessons import keys, quarterly, subscriptions, summaries
from registry.lessons.feed import ATOM, TOMBSTONES
from registry.lessons.lists import Kind
from registry.lessons.subscriptions import MOST_AN_HOUR, UNCONFIRMED
from registry.lessons.summaries import STEPS, Act, State
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from registry.store.desk import outbox
from registry.store.letters import parted
from tests.registry.lessons.scene import FILED, TEXT, Scene, national, scene
from tests.registry.web.paper import needs_pango, words_of_pdf
from tests.registry.web.visitors import token_of, words_of
from tests.registry.web.welsh import all_translated, check_welsh

IN_QUARTER = datetime(2026, 2, 2, 10, tzinfo=UTC)
AFTER = datetime(2026, 4, 1, 5, tzinfo=UTC)


@pytest.fixture
def here(settings: Settings, store: Store, admin: psycopg.Connection) -> Scene:
    return scene(settings, store, admin)


@pytest.fixture
def second(here: Scene) -> Actor:
    return national(here.place, "another", Role.NATIONAL_ANALYST)


def work(here: Scene, at: datetime = AFTER) -> dict[str, int]:
    return dict(quarterly.run(here.store, here.secrets, here.place.settings, at))


def published(here: Scene, second: Actor) -> int:
    """A summary with one lesson, all the way."""
    with here.store.transaction(role="hat_national") as connection:
        [held] = [each for each in summaries.listed(connection) if each.state is State.DRAFT]
        assert summaries.edit(connection, held.number, "Look at charts.", held.chosen, seen=1, by=here.lead) == []
        summaries.propose(connection, held.number, seen=2, by=here.lead)
        summaries.publish(connection, held.number, seen=3, by=second, at=AFTER)
    return held.number


# --- quarters


@pytest.mark.parametrize(
    ("day", "begin", "after", "words"),
    [
        (date(2026, 1, 1), date(2026, 1, 1), date(2026, 4, 1), "January to March 2026"),
        (date(2026, 6, 30), date(2026, 4, 1), date(2026, 7, 1), "April to June 2026"),
        (date(2025, 12, 31), date(2025, 10, 1), date(2026, 1, 1), "October to December 2025"),
    ],
)
def test_quarters(day: date, begin: date, after: date, words: str) -> None:
    assert (summaries.quarter_of(day), summaries.quarter_after(begin)) == (begin, after)
    assert summaries.quarter_words(begin) == words


def test_a_quarter_ends_by_london_s_clock() -> None:
    """At midnight of 1 July it is 30 June still in UTC."""
    assert summaries.quarter_before(datetime(2026, 6, 30, 23, 30, tzinfo=UTC)) == date(2026, 4, 1)
    assert summaries.quarter_before(datetime(2026, 6, 30, 22, 30, tzinfo=UTC)) == date(2026, 1, 1)


# --- states


MEANT = {
    ("draft", "edit"): "draft",
    ("draft", "propose"): "proposed",
    ("draft", "discard"): "discarded",
    ("proposed", "edit"): "draft",
    ("proposed", "publish"): "published",
    ("proposed", "discard"): "discarded",
    ("published", "withdraw"): "withdrawn",
}


@pytest.mark.parametrize(("state", "act"), list(product(State, Act)))
def test_each_pair_leads_where_it_is_meant_to_or_nowhere(state: State, act: Act) -> None:
    assert STEPS.get((state, act)) == MEANT.get((state.value, act.value))


# --- the draft


def test_the_worker_drafts_the_quarter_that_ended_once(here: Scene) -> None:
    copy = here.published(at=IN_QUARTER)
    assert work(here)["drafted"] == 1
    assert work(here)["drafted"] == 0
    assert work(here, AFTER + timedelta(days=60))["drafted"] == 0
    with here.store.readonly(role="hat_national") as connection:
        [held] = summaries.listed(connection)
    assert (held.quarter, held.chosen, held.state) == (date(2026, 1, 1), (copy,), State.DRAFT)
    assert held.counts["new"] == ["missed_doses"]
    assert work(here, AFTER + timedelta(days=100))["drafted"] == 1


def test_a_theme_is_new_only_once(here: Scene) -> None:
    here.published(at=IN_QUARTER - timedelta(days=90))
    here.published(kind=Kind.PRACTICE, at=IN_QUARTER)
    work(here)
    with here.store.readonly(role="hat_national") as connection:
        [held] = summaries.listed(connection)
    assert (held.counts["new"], held.counts["numbers"]["practice"]) == ([], 1)


def test_an_action_that_is_done_since_is_shown_as_done(here: Scene) -> None:
    action = here.action()
    copy = here.published(FILED, Kind.ACTION, action, at=IN_QUARTER)
    anybody = here.place.house.browser()
    assert work(here)["done"] == 0
    assert "Under way" in words_of(anybody.get(f"/learning/{copy}"))
    with here.desk() as desk:
        actions.finish(desk, action, date(2026, 2, 1), "The charts are there")
    assert work(here)["done"] == 1
    assert work(here)["done"] == 0
    assert "Under way" not in words_of(anybody.get(f"/learning/{copy}"))
    assert here.point(copy).done is True


# --- two people


def test_whoever_had_a_hand_in_it_does_not_publish_it(here: Scene, second: Actor) -> None:
    work(here)
    with here.store.transaction(role="hat_national") as connection:
        summaries.edit(connection, 1, "Look.", [], seen=1, by=here.lead)
        summaries.propose(connection, 1, seen=2, by=here.lead)
    with here.store.transaction(role="hat_national") as connection, pytest.raises(Conflict, match="another person"):
        summaries.publish(connection, 1, seen=3, by=here.lead, at=AFTER)
    with here.store.transaction(role="hat_national") as connection, pytest.raises(Conflict):
        summaries.publish(connection, 1, seen=2, by=second, at=AFTER)
    with here.store.transaction(role="hat_national") as connection:
        summaries.publish(connection, 1, seen=3, by=second, at=AFTER)


def test_it_is_edited_and_proposed_on_its_page(here: Scene, admin: psycopg.Connection) -> None:
    here.published(at=IN_QUARTER)
    work(here)
    assert here.lead.id is not None
    lead, address = here.place.house.signed_in(here.lead.id), "/team/learning/summaries/1"
    given = {"form_token": token_of(lead.get(address)), "seen": "1", "introduction": "Look at charts."}
    assert lead.post(address, data=given | {"then": "propose"}).headers["location"].endswith("done=proposed")
    assert "Look at charts." in lead.get(address).text
    acts = admin.execute("select action from records.audit where object_type = 'learning_summary' order by sequence")
    assert acts.fetchall() == [("learning summary edited",), ("learning summary proposed",)]


def test_the_database_too_refuses_one_person(here: Scene, admin: psycopg.Connection) -> None:
    work(here)
    with pytest.raises(psycopg.errors.CheckViolation):
        admin.execute("update release.learning_summary set edited_by = '{person:1}', published_by = 'person:1'")


def test_an_introduction_is_screened(here: Scene) -> None:
    work(here)
    with here.store.transaction(role="hat_national") as connection:
        hits = summaries.edit(connection, 1, "Mrs Applegarth was missed.", [], seen=1, by=here.lead)
        assert [each.words.split(":")[0] for each in hits] == ["Characters 1 to 14"]
        assert summaries.find(connection, 1).introduction == ""
        with pytest.raises(Unprocessable):
            summaries.edit(connection, 1, "x" * 4001, [], seen=1, by=here.lead)
        with pytest.raises(Forbidden):
            summaries.edit(connection, 1, "x", [], seen=1, by=here.ours)
        with pytest.raises(NotFound):
            summaries.edit(connection, 2, "x", [], seen=1, by=here.lead)


# --- the public


def test_a_summary_is_a_page_a_feed_and_gone_when_withdrawn(here: Scene, second: Actor, tmp_path: Path) -> None:
    here.published(at=IN_QUARTER)
    work(here)
    anybody = here.place.house.browser()
    assert anybody.get("/learning/summaries/1").status_code == 404
    number = published(here, second)
    page = anybody.get(f"/learning/summaries/{number}")
    assert TEXT in page.text
    assert "Look at charts." in words_of(page)
    assert "January to March 2026" in words_of(anybody.get("/learning/summaries"))
    assert "January to March 2026" in anybody.get("/learning/feed.atom").text
    with all_translated(tmp_path):
        for path in (f"/summaries/{number}", "/summaries", ""):
            check_welsh(anybody.get(f"/cy/learning{path}"))
    with here.store.transaction(role="hat_national") as connection:
        summaries.withdraw(connection, number, "wrong", seen=4, by=here.lead, at=AFTER)
    gone = anybody.get(f"/learning/summaries/{number}")
    assert TEXT not in gone.text
    assert "Look at charts." not in gone.text
    assert "withdrawn on" in words_of(gone)
    assert "Look at charts." not in anybody.get("/learning/feed.atom").text


def test_what_is_taken_down_is_gone_from_its_summary_too(here: Scene, second: Actor) -> None:
    copy = here.published(at=IN_QUARTER)
    work(here)
    number = published(here, second)
    here.take_down(copy)
    page = here.place.house.browser().get(f"/learning/summaries/{number}")
    assert TEXT not in page.text
    assert "Withdrawn" in words_of(page)


def test_a_summary_on_paper(here: Scene, second: Actor) -> None:
    needs_pango()
    copy = here.published(at=IN_QUARTER)
    work(here)
    number = published(here, second)
    anybody = here.place.house.browser()

    def said() -> str:
        answer = anybody.get(f"/learning/summaries/{number}.pdf")
        assert answer.headers["content-type"] == "application/pdf"
        return words_of_pdf(answer.content)

    assert TEXT in said()
    here.take_down(copy)
    assert TEXT not in said()


def test_the_feed_is_atom_with_tombstones(here: Scene) -> None:
    copy = here.published(at=IN_QUARTER)
    anybody = here.place.house.browser()
    root = ElementTree.fromstring(anybody.get("/learning/feed.atom").content)
    [entry] = root.findall(f"{{{ATOM}}}entry")
    assert entry.findtext(f"{{{ATOM}}}id") == f"urn:uuid:{copy}"
    assert root.findtext(f"{{{ATOM}}}updated") == "2026-02-02T10:00:00Z"
    here.take_down(copy, at=AFTER)
    root = ElementTree.fromstring(anybody.get("/learning/feed.atom").content)
    assert root.findall(f"{{{ATOM}}}entry") == []
    [gone] = root.findall(f"{{{TOMBSTONES}}}deleted-entry")
    assert gone.attrib == {"ref": f"urn:uuid:{copy}", "when": "2026-04-01T05:00:00Z"}
    root = ElementTree.fromstring(anybody.get("/learning/feed.atom?theme=extended").content)
    assert root.findall(f"{{{TOMBSTONES}}}deleted-entry") != [], "an unknown theme is the whole feed"


# --- subscriptions


def ask(here: Scene, address: str = "reader@trust.example", *themes: str, at: datetime = IN_QUARTER) -> None:
    with here.store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        own = keys.own_keys(connection, here.secrets)
        subscriptions.ask(connection, own, here.place.settings, address, themes, at=at)


def letters(here: Scene) -> list[tuple[str, str]]:
    """Where letters go and what they say."""
    with here.store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        own = keys.own_keys(connection, here.secrets)
        rows = connection.execute(outbox.select().order_by(outbox.c.id)).all()
        return [
            (
                keys.unseal(own, "outbox", row.id, "to", row.to_ct) or "",
                keys.unseal(own, "outbox", row.id, "body", row.body_ct) or "",
            )
            for row in rows
        ]


def link_in(letter: str) -> str:
    found = re.search(r"/learning/subscription/\S+", letter)
    assert found is not None
    return found[0]


def press(here: Scene, link: str, **fields: str) -> int:
    return here.place.house.browser().post(link, data=fields).status_code


def test_an_address_is_told_only_after_its_holder_confirmed(here: Scene, second: Actor) -> None:
    ask(here)
    [(to, body)] = letters(here)
    assert to == "reader@trust.example"
    here.published(at=IN_QUARTER)
    assert here.place.house.browser().get(link_in(body)).status_code == 200
    assert press(here, link_in(body), then="confirm") == 303
    work(here)
    confirm_at(here, IN_QUARTER)
    published(here, second)
    assert work(here)["told"] == 1
    assert work(here)["told"] == 0
    assert len(letters(here)) == 2
    ended_at, digest = parted(letters(here)[-1][1])
    assert ended_at is not None
    assert ended_at.endswith(link_in(body))
    assert "Doses missed avoidably: 1 new" in digest
    assert TEXT not in digest


def confirm_at(here: Scene, at: datetime) -> None:
    """As if the holder had pressed then: the pages take the present."""
    with here.store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        connection.execute(text("update records.learning_subscriber set confirmed_at = :at"), {"at": at})


@pytest.mark.parametrize(("themes", "told"), [((), 1), (("missed_doses",), 1), (("extended",), 0)])
def test_only_of_its_themes(here: Scene, second: Actor, themes: tuple[str, ...], told: int) -> None:
    ask(here, "reader@trust.example", *themes)
    confirm_at(here, IN_QUARTER)
    here.published(at=IN_QUARTER)
    work(here)
    published(here, second)
    assert work(here)["told"] == told


def test_one_press_ends_it_and_the_address_is_gone(here: Scene, admin: psycopg.Connection) -> None:
    ask(here)
    link = link_in(letters(here)[0][1])
    assert press(here, link, **{"List-Unsubscribe": "One-Click"}) == 200
    assert admin.execute("select email_ct, email_mac from records.learning_subscriber").fetchone() == (None, None)
    assert here.place.house.browser().get(link).status_code == 404
    assert work(here)["forgotten"] == 1
    assert admin.execute("select count(*) from records.learning_subscriber").fetchone() == (0,)


def test_a_link_with_one_letter_wrong_leads_nowhere(here: Scene) -> None:
    ask(here)
    link = link_in(letters(here)[0][1])
    wrong = link[:-1] + ("0" if link[-1] != "0" else "1")
    absent = here.place.house.browser().get("/learning/nowhere/at/all")
    for answer in (here.place.house.browser().get(wrong), here.place.house.browser().get(link + "é")):
        assert (answer.status_code, answer.content) == (404, absent.content)


def test_who_does_not_confirm_is_forgotten(here: Scene) -> None:
    ask(here)
    assert work(here, IN_QUARTER + UNCONFIRMED)["forgotten"] == 0
    assert work(here, IN_QUARTER + UNCONFIRMED + timedelta(seconds=1))["forgotten"] == 1


def test_asking_again_tells_nothing_and_writes_once_an_hour(here: Scene) -> None:
    ask(here)
    ask(here, "Reader@Trust.example")
    assert len(letters(here)) == 1
    ask(here, at=IN_QUARTER + timedelta(hours=1))
    assert len(letters(here)) == 2
    anybody = here.place.house.browser()
    pages = {
        re.sub(r'value="[^"]*"', "", anybody.post("/learning/subscribe", data={"email": address}).text)
        for address in ("reader@trust.example", "new@trust.example")
    }
    assert len(pages) == 1


def test_very_many_at_once_are_refused(here: Scene, admin: psycopg.Connection) -> None:
    ask(here)
    admin.execute(
        "insert into records.learning_subscriber (tenant_id, themes, asked_at) select 0, '{}', %s from generate_series(1, %s)",
        [IN_QUARTER, MOST_AN_HOUR],
    )
    with pytest.raises(TooMany):
        ask(here, "new@trust.example")


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b", "a b@trust.example", "a@trust.example\nBcc: b@c.example", "x" * 250 + "@t.example"]
)
def test_what_is_no_address_is_refused(here: Scene, address: str) -> None:
    with pytest.raises(Unprocessable):
        ask(here, address)


def test_no_address_stands_in_clear(here: Scene, admin: psycopg.Connection) -> None:
    ask(here, "canary@trust.example")
    for table in ("learning_subscriber", "outbox", "audit"):
        rows = admin.execute(f"select t::text from records.{table} t".encode()).fetchall()
        assert not [row for row in rows if "canary" in row[0]]
        assert b"canary".hex() not in str(rows)


def test_choosing_themes_by_the_link(here: Scene, admin: psycopg.Connection) -> None:
    ask(here)
    link = link_in(letters(here)[0][1])
    assert press(here, link, then="change", themes="extended") == 303
    assert admin.execute("select themes from records.learning_subscriber").fetchone() == (["extended"],)


def test_a_number_of_nobody_s_is_no_subscription(here: Scene) -> None:
    with here.store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        own = keys.own_keys(connection, here.secrets)
        ident = UUID(int=1)
        with pytest.raises(NotFound):
            subscriptions.find(connection, own, ident, subscriptions.token(own, ident))
