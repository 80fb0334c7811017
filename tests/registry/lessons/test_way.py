"""The way of a learning point: offered, read by two, published, taken down; who sees its text on the way."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import select

from registry import cases
from registry.access import Role
from registry.accounts.actors import actor_of_person
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.lessons import homes, keys, moderating, offering, published, sources
from registry.lessons.lists import Kind
from registry.lessons.offering import Filed
from registry.lessons.screen import Sort
from registry.lessons.transitions import State
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from registry.store.lessons import learning_edition, moderation
from tests.attack.rows import dump_everything
from tests.conftest import Database
from tests.make import valid_case
from tests.registry.lessons.scene import AT, FILED, TEXT, Scene, national, scene
from tests.registry.submissions.make import send


@pytest.fixture
def here(settings: Settings, store: Store, admin: psycopg.Connection) -> Scene:
    return scene(settings, store, admin)


def test_two_moderators_and_a_lead_bring_it_to_everybody(here: Scene) -> None:
    copy = here.offered()
    assert here.public() == []
    assert here.approve(here.theirs, copy) is State.READ_ONCE
    assert here.approve(here.ours, copy) is State.APPROVED
    assert here.public() == []
    here.publish(copy)
    [shown] = here.public()
    assert (shown.text, shown.theme, shown.year) == (TEXT, "missed_doses", here.point(copy).year)
    assert here.point(copy).state is State.PUBLISHED


def test_what_is_published_says_nothing_of_where_it_came_from(here: Scene, admin: psycopg.Connection) -> None:
    here.published()
    row = admin.execute("select to_jsonb(l) from published.lesson l").fetchone()
    assert row is not None
    assert set(row[0]) == {
        "id", "kind", "theme", "year", "done", "text", "published_at", "taken_down_at", "taken_down_by", "reason",
    }  # fmt: skip


def test_one_of_the_two_belongs_to_another_trust(here: Scene) -> None:
    fourth = national(here.place, "petra", Role.MODERATOR)
    with here.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        assert fourth.id is not None
        homes.record(connection, fourth.id, "RRV", by=here.place.nurse, at=AT)
    copy = here.offered()
    here.approve(here.ours, copy)
    with pytest.raises(Conflict, match="another trust"):
        here.approve(fourth, copy)
    with pytest.raises(Conflict, match="already"):
        here.approve(here.ours, copy)
    here.approve(here.others, copy)


def test_nobody_moderates_what_they_wrote(here: Scene) -> None:
    both = here.place.house.person("both", (Role.VTE_NURSE, "RRV"), (Role.MODERATOR, None))
    with here.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        homes.record(connection, both, "RH5", by=here.place.nurse, at=AT)
        author = actor_of_person(connection, both)
    with here.desk(author) as desk:
        own = keys.own_keys(desk.connection, here.secrets)
        given = sources.source(desk, here.case, Kind.LESSON)
        made = offering.offer(desk, own, given, FILED, sources.known(desk, here.case))
    assert isinstance(made, UUID)
    copy = here.copy_of(made)
    for act in (
        lambda: here.approve(author, copy),
        lambda: here.send_back(author, copy),
        lambda: here.read(author, copy),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_change_after_approval_begins_again(here: Scene) -> None:
    copy = here.offered()
    here.approve(here.theirs, copy)
    here.approve(here.ours, copy)
    point = here.point(copy)
    here.revise(point.id, Filed("missed_doses", "transfer", "team", "Charts are read at each handover"), seen=1)
    assert here.point(copy).state is State.OFFERED
    with pytest.raises(Conflict):
        here.publish(copy, seen=1)
    with pytest.raises(Conflict):
        here.publish(copy, seen=2)
    here.approve(here.theirs, copy, seen=2)
    with pytest.raises(Conflict):
        here.publish(copy, seen=2)
    here.approve(here.others, copy, seen=2)
    here.publish(copy, seen=2)
    assert [each.text for each in here.public()] == ["Charts are read at each handover"]


def test_a_text_is_sent_back_with_a_reason_and_a_note(here: Scene) -> None:
    copy = here.offered()
    with pytest.raises(Unprocessable):
        here.send_back(here.theirs, copy, reason="because")
    here.send_back(here.theirs, copy, "person", "There is a name in the middle")
    found = here.point(copy)
    assert (found.state, found.reason, found.note) == (State.RETURNED, "person", "There is a name in the middle")
    with pytest.raises(Conflict):
        here.approve(here.others, copy)


def test_an_edition_that_was_not_looked_at_is_not_approved(here: Scene) -> None:
    copy = here.offered()
    here.revise(here.point(copy).id, FILED, seen=1)
    with pytest.raises(Conflict):
        here.approve(here.theirs, copy, seen=1)
    with pytest.raises(Conflict):
        here.revise(here.point(copy).id, FILED, seen=1)


def test_what_the_screen_finds_is_kept_nowhere(here: Scene, admin: psycopg.Connection) -> None:
    assert here.found("Mrs Applegarth missed doses") == [Sort.TITLE]
    for table in ("learning_point", "learning_edition", "moderation"):
        assert admin.execute(f"select count(*) from records.{table}".encode()).fetchone() == (0,)


def test_what_the_screen_asks_about_has_to_be_confirmed(here: Scene) -> None:
    text = "Handover to the Applegarth team missed doses"
    assert here.found(text) == [Sort.CAPITAL]
    copy = here.offered(Filed("missed_doses", "transfer", "team", text, confirmed=True))
    read = here.read(here.theirs, copy)
    assert [each["sort"] for each in read.confirmed] == ["capital"]


def test_the_patient_s_own_number_is_found_with_one_digit_wrong(here: Scene) -> None:
    with here.desk() as desk:
        known = sources.known(desk, here.case)
        number = known.patient.nhs_number
    assert len(number) == 10
    wrong = f"{number[:4]}{(int(number[4]) + 1) % 10}{number[5:]}"
    assert here.found(f"Doses of {wrong} were missed") == [Sort.OWN]


def test_the_same_is_offered_once(here: Scene) -> None:
    here.offered()
    with pytest.raises(Conflict):
        here.offer()
    point = here.point(here.offered(kind=Kind.PRACTICE))
    with here.desk() as desk:
        offering.withdraw(desk, point.id)
    here.offered(kind=Kind.PRACTICE)


def test_a_form_with_faults_says_which(here: Scene) -> None:
    with pytest.raises(Unprocessable) as refused:
        here.offer(Filed("x", "y", "z", "a" * 501))
    assert [each.pointer for each in refused.value.errors] == ["theme", "stage", "factor", "text"]
    assert "aaa" not in str(refused.value.errors)


def test_only_a_review_that_is_complete_is_offered(here: Scene, admin: psycopg.Connection) -> None:
    admin.execute("update records.case_work set state = 'rca_open'")
    with pytest.raises(Conflict):
        here.offer()


def test_somebody_without_the_right_offers_nothing(here: Scene) -> None:
    reader = here.place.person("reader", Role.TRUST_UPLOADER)
    with here.desk(reader) as desk:
        own = keys.own_keys(desk.connection, here.secrets)
        given = sources.source(desk, here.case, Kind.LESSON)
        known = sources.known(desk, here.case)
        with pytest.raises(Forbidden):
            offering.offer(desk, own, given, FILED, known)


def test_what_is_taken_down_is_gone_and_leaves_a_line(here: Scene, admin: psycopg.Connection) -> None:
    copy = here.published()
    here.take_down(copy)
    assert here.public() == []
    with here.store.readonly(role="hat_reader") as connection:
        gone = published.one(connection, copy)
    assert gone is not None
    assert (gone.text, gone.reason, gone.taken_down_at) == (None, "identifies", AT)
    assert here.point(copy).state is State.TAKEN_DOWN
    events = admin.execute("select what, actor, reason from records.moderation_event order by id").fetchall()
    assert events[-1] == ("taken_down", here.lead.label, "identifies")
    with pytest.raises(Conflict):
        here.publish(copy)


def test_publishing_that_was_cut_off_half_way_is_done_again(here: Scene, admin: psycopg.Connection) -> None:
    copy = here.published()
    admin.execute("update records.moderation set state = 'approved'")
    admin.execute("update records.learning_point set state = 'approved'")
    here.publish(copy, at=AT + timedelta(days=1))
    assert [each.published_at for each in here.public()] == [AT]


def test_only_a_lead_publishes(here: Scene) -> None:
    copy = here.offered()
    here.approve(here.theirs, copy)
    here.approve(here.ours, copy)
    with pytest.raises(Forbidden):
        here.publish(copy, by=here.ours)


# --- who sees the text


def test_an_unpublished_text_is_read_by_its_trust_and_moderators_only(here: Scene, database: Database) -> None:
    copy = here.offered(Filed("missed_doses", "transfer", "team", "canary of an unpublished text"))
    assert b"canary of an unpublished text" not in dump_everything(database)
    other = here.place.house.ids["RH5"]
    with here.store.readonly(tenants=(other,)) as connection:
        assert connection.execute(select(moderation)).all() == []
        assert connection.execute(select(learning_edition)).all() == []
    assert here.read(here.theirs, copy).text == "canary of an unpublished text"


def test_a_moderator_reads_no_trust_and_no_author(here: Scene) -> None:
    copy = here.offered()
    with here.store.readonly(tenants=(SYSTEM_TENANT,)) as connection:
        [listed] = moderating.waiting(connection, here.moderator(here.theirs))
    said = f"{listed} {here.read(here.theirs, copy)}".lower()
    for word in ("university college", "rrv", str(here.place.nurse.id), "person:", "case-a", str(here.case)):
        assert word not in said


def test_a_look_is_audited(here: Scene, admin: psycopg.Connection) -> None:
    here.read(here.theirs, here.offered())
    row = admin.execute("select tenant_id, actor from records.audit where action = 'learning text read'").fetchone()
    assert row == (SYSTEM_TENANT, here.theirs.label)


def test_the_originals_are_kept_edition_by_edition(here: Scene, admin: psycopg.Connection) -> None:
    copy = here.offered()
    here.revise(here.point(copy).id, FILED, seen=1)
    assert admin.execute("select edition from records.learning_edition order by 1").fetchall() == [(1,), (2,)]


def test_a_trust_s_own_words_are_found(here: Scene) -> None:
    with here.desk() as desk:
        sources.keep_own_words(desk, "Nightingale\n\n  the  blue   bay \n")
        assert sources.own_words(desk) == ("Nightingale", "the blue bay")
    assert here.found("In the Blue Bay doses were missed") == [Sort.PLACE]


# --- a patient's wish


def test_what_is_offered_of_a_case_goes_with_it_at_its_patient_s_wish(here: Scene, admin: psycopg.Connection) -> None:
    copy = here.offered()
    here.published(kind=Kind.PRACTICE)
    row = valid_case(local_case_id="CASE-A", withdraw_reason="objection")
    assert send(here.store, here.place.settings, here.place.tenant, [row]).state == "accepted"
    done = cases.erase_wished(here.store, here.secrets, here.place.settings, AT)
    assert done["cases"] == 1
    assert cases.erase_wished(here.store, here.secrets, here.place.settings, AT)["cases"] == 0
    assert here.point(copy).state is State.WITHDRAWN
    with pytest.raises(NotFound):
        here.read(here.theirs, copy)
    for table in ("learning_point", "learning_edition", "moderation"):
        assert admin.execute(f"select count(text_ct) from records.{table}".encode()).fetchone() == (0,)
    assert len(here.public()) == 1


# --- at once


def test_two_who_approve_at_the_same_moment_are_two(here: Scene) -> None:
    copy = here.offered()
    with ThreadPoolExecutor(2) as pool:
        reached = list(pool.map(lambda by: here.approve(by, copy), (here.theirs, here.others)))
    assert sorted(reached) == [State.APPROVED, State.READ_ONCE]


def test_a_change_at_the_same_moment_is_not_approved_unread(here: Scene) -> None:
    """Whoever comes second finds that it has moved on."""
    copy = here.offered()
    point = here.point(copy)

    def approve() -> bool:
        with suppress(Conflict):
            here.approve(here.theirs, copy)
            return True
        return False

    with ThreadPoolExecutor(2) as pool:
        approved = pool.submit(approve)
        changed = pool.submit(here.revise, point.id, FILED, 1)
        changed.result()
        approved.result()
    found = here.point(copy)
    assert (found.edition, found.state) == (2, State.OFFERED)


def test_a_predecessor_is_no_other_trust(here: Scene) -> None:
    """RA4 was merged into RH5."""
    ids = here.place.house.ids
    with here.store.readonly() as connection:
        assert homes.kin(connection, ids["RH5"]) == homes.kin(connection, ids["RA4"]) == {ids["RH5"], ids["RA4"]}
        assert homes.kin(connection, ids["RRV"]) == {ids["RRV"]}
