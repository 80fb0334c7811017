"""Each kind of notice from what it is about: who is told and who is not, once, and never anything of a patient."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import UUID, uuid4

import psycopg
import pytest

from registry.access import Role
from registry.accounts import second_factor
from registry.cases import states
from registry.cases.states import CaseState
from registry.notices.kinds import KIND, KINDS
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from registry.store.tables import metadata
from schemas.record import RecordKind
from tests.make import nhs_number, valid_activity, valid_case
from tests.registry.cases.at_desk import OURS, THEIRS
from tests.registry.cases.reviews import case_in
from tests.registry.notices.telling import AT, Told, told
from tests.registry.submissions.make import send

OTHER = "7A4"


@pytest.fixture
def here(settings: Settings, store: Store, admin: psycopg.Connection) -> Told:
    return told(settings, store, admin)


def _me(here: Told) -> UUID:
    assert here.place.nurse.id is not None
    return here.place.nurse.id


def _case(here: Told, state: CaseState = CaseState.CONFIRMED, name: str = "A") -> UUID:
    return case_in(here.place, here.admin, state, name)


def _work(here: Told, case: UUID, **values: object) -> None:
    """Set what stands about the work on a case."""
    for name, value in values.items():
        here.admin.execute(f"update records.case_work set {name} = %s where case_id = %s".encode(), [value, case])


# --- one scene a kind: it makes what is to be told, and gives who is told and who, with rights of their own, is not


Scene = tuple[UUID, UUID]


def submission_done(here: Told) -> Scene:
    sender, other = here.person("sender", Role.TRUST_UPLOADER), here.person("other", Role.TRUST_UPLOADER)
    row = valid_case(local_case_id="S-1", nhs_number=nhs_number(77))
    send(here.place.store, here.settings, here.place.tenant, [row], at=AT)
    here.admin.execute("update records.submission set finished_at = %s, actor = %s", [AT, f"person:{sender}"])
    return sender, other


def case_assigned(here: Told) -> Scene:
    case, mate, other = _case(here), here.person("mate", Role.VTE_NURSE), here.person("other", Role.VTE_NURSE)
    with here.place.desk(at=AT) as desk:
        states.assign(desk, case, mate)
    return mate, other


def case_due(here: Told) -> Scene:
    case, other = _case(here), here.person("other", Role.VTE_NURSE)
    _work(here, case, assigned_to=_me(here), due_on=AT.date() + timedelta(days=3))
    return _me(here), other


def case_overdue(here: Told) -> Scene:
    case, other = _case(here), here.person("other", Role.TRUST_UPLOADER)
    _work(here, case, assigned_to=None, due_on=AT.date() - timedelta(days=1))
    return _me(here), other


def second_reading(here: Told) -> Scene:
    case, first = _case(here, CaseState.SECOND_READING), here.person("first", Role.VTE_NURSE)
    here.admin.execute(
        "insert into records.reading (tenant_id, case_id, place, reader) values (%s, %s, 'first', %s)",
        [here.place.tenant, case, f"person:{first}"],
    )
    return _me(here), first


def consultant_answered(here: Told) -> Scene:
    case, mate = _case(here, CaseState.RCA_OPEN), here.person("mate", Role.VTE_NURSE)
    _work(here, case, assigned_to=_me(here))
    here.admin.execute(
        "insert into records.case_event (tenant_id, case_id, at, actor, what, detail) values (%s, %s, %s, %s, %s, '{}')",
        [here.place.tenant, case, AT, f"link:{uuid4()}", "consultant answered"],
    )
    return _me(here), mate


def consultant_silent(here: Told) -> Scene:
    case, mate = _case(here, CaseState.WITH_CONSULTANT), here.person("mate", Role.VTE_NURSE)
    _work(here, case, assigned_to=_me(here), since=AT - timedelta(days=22))
    return _me(here), mate


def _told_of(here: Told, **more: object) -> None:
    values: dict[str, object] = {
        "tenant_id": here.place.tenant, "reporter_id": here.ids[THEIRS], "reported_case_id": uuid4(), "told_at": AT,
    } | more  # fmt: skip
    names, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    here.admin.execute(
        f"insert into records.attributed_case ({names}) values ({marks})".encode(), list(values.values())
    )


def attributed(here: Told) -> Scene:
    _told_of(here)
    return _me(here), here.person("other", Role.TRUST_UPLOADER)


def _attribution(here: Told, **more: object) -> None:
    values: dict[str, object] = {
        "tenant_id": here.place.tenant, "case_id": _case(here), "attributed_id": here.ids[THEIRS], "since": AT,
    } | more  # fmt: skip
    names, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    here.admin.execute(f"insert into records.attribution ({names}) values ({marks})".encode(), list(values.values()))


def attribution_answered(here: Told) -> Scene:
    _attribution(here, state="disputed", answered_by=f"person:{uuid4()}", answered_at=AT)
    return _me(here), here.person("other", Role.VTE_NURSE, THEIRS)


def decided(here: Told) -> Scene:
    _attribution(here, state="decided", decided_by=f"person:{uuid4()}", decided_at=AT)
    return _me(here), here.person("other", Role.VTE_NURSE, THEIRS)


def pair_offered(here: Told) -> Scene:
    here.admin.execute(
        "insert into records.offered_pair (tenant_id, pair_id, case_id, other_id, days_apart, agreeing, differing, state)"
        " values (%s, %s, %s, %s, 1, '{}', '{}', 'offered')",
        [here.place.tenant, uuid4(), _case(here), here.ids[THEIRS]],
    )
    return _me(here), here.person("other", Role.TRUST_UPLOADER)


def action_due(here: Told) -> Scene:
    here.admin.execute(
        "insert into records.action (tenant_id, case_id, owner_role, due_on, themes, made_by) values (%s, %s, 'matron', %s, '{}', 'x')",
        [here.place.tenant, _case(here, CaseState.RCA_OPEN), AT.date()],
    )
    return _me(here), here.person("other", Role.VTE_NURSE, OTHER)


def _sign_off(here: Told, **more: object) -> None:
    values: dict[str, object] = {
        "tenant_id": here.place.tenant, "month": "2025-11-01", "statement": "x", "signed_by": "x", "signed_at": AT,
    } | more  # fmt: skip
    names, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    here.admin.execute(f"insert into records.sign_off ({names}) values ({marks})".encode(), list(values.values()))


def unlock_asked(here: Told) -> Scene:
    lead, asker = here.person("lead", Role.TRUST_LEAD), here.person("asker", Role.TRUST_LEAD)
    _sign_off(here, unlock_asked_by=f"person:{asker}", unlock_asked_at=AT)
    return lead, asker


def month_unlocked(here: Told) -> Scene:
    asker, lead = here.person("asker", Role.TRUST_UPLOADER), here.person("lead", Role.TRUST_LEAD)
    _sign_off(here, unlock_asked_by=f"person:{asker}", unlock_asked_at=AT, unlocked_by=f"person:{lead}", unlocked_at=AT)
    return asker, lead


def _live(here: Told, since: str) -> None:
    here.admin.execute("update register.organisation set live_from = %s where code = %s", [since, OURS])


def return_missing(here: Told) -> Scene:
    _live(here, "2025-11-01")
    return here.person("sender", Role.TRUST_UPLOADER), here.person("other", Role.TRUST_UPLOADER, OTHER)


def nil_doubtful(here: Told) -> Scene:
    row = valid_activity(month="2025-10", case_return="nil")
    receipt = send(here.place.store, here.settings, here.place.tenant, [row], kind=RecordKind.ACTIVITY, at=AT)
    assert receipt.state == "accepted", receipt
    _told_of(here, admission_date="2025-10-09", answer="accepted", answered_at=AT)
    return here.person("sender", Role.TRUST_UPLOADER), here.person("other", Role.TRUST_UPLOADER, OTHER)


def _given_up(here: Told, tenant: int) -> None:
    here.admin.execute(
        "insert into records.outbox (tenant_id, subject, made_at, given_up_at, tries) values (%s, 'x', %s, %s, 10)",
        [tenant, AT, AT],
    )


def letter_failed(here: Told) -> Scene:
    _given_up(here, here.place.tenant)
    return _me(here), here.person("other", Role.VTE_NURSE, OTHER)


def mail_failed(here: Told) -> Scene:
    _given_up(here, 0)
    return here.person("chief", Role.ADMINISTRATOR, None), _me(here)


def released(here: Told) -> Scene:
    here.admin.execute(
        "insert into published.release (id, number, title, as_at, released_at, definition, grid_version, rules,"
        " prepared_by_name, released_by_name, latest) values (%s, 1, 'x', %s, %s, 'x', 1, '{}', 'x', 'x', true)",
        [uuid4(), AT, AT],
    )
    return here.person("national", Role.NATIONAL_LEAD, None), here.person("lead", Role.TRUST_LEAD)


def _point(here: Told, state: str) -> None:
    here.admin.execute(
        "insert into records.learning_point (tenant_id, case_id, kind, theme, stage, factor, year, edition, state, made_by, changed_at, copy_id)"
        " values (%s, %s, 'lesson', 'x', 'x', 'x', 2025, 1, %s, %s, %s, %s)",
        [here.place.tenant, uuid4(), state, f"person:{_me(here)}", AT, uuid4()],
    )


def _learning(here: Told, state: str) -> Scene:
    _point(here, state)
    return _me(here), here.person("other", Role.VTE_NURSE)


def learning_returned(here: Told) -> Scene:
    return _learning(here, "returned")


def learning_published(here: Told) -> Scene:
    return _learning(here, "published")


def learning_taken_down(here: Told) -> Scene:
    return _learning(here, "taken_down")


def learning_waits(here: Told) -> Scene:
    first = here.person("first", Role.MODERATOR, None)
    case = uuid4()
    here.admin.execute(
        "insert into records.moderation (tenant_id, id, from_tenant, point_id, kind, theme, stage, factor, year, edition, confirmed, state,"
        " author, since) values (0, %s, %s, %s, 'lesson', 'x', 'x', 'x', 2025, 1, '[]', 'read_once', 'x', %s)",
        [case, here.place.tenant, uuid4(), AT],
    )
    here.admin.execute(
        "insert into records.moderation_event (tenant_id, moderation_id, edition, at, actor, what) values (0, %s, 1, %s, %s, 'approved')",
        [case, AT, f"person:{first}"],
    )
    return here.person("second", Role.MODERATOR, None), first


def release_waits(here: Told) -> Scene:
    maker = here.person("maker", Role.NATIONAL_ANALYST, None)
    here.admin.execute("set session_replication_role = replica")  # past the guards of its states
    here.admin.execute(
        "insert into release.publication (state, title, cut_at, code_version, definition, grid_version, rules, prepared_by, prepared_by_name)"
        " values ('audited', 'x', %s, 'x', 'x', 1, '{}', %s, 'x')",
        [AT, maker],
    )
    here.admin.execute("set session_replication_role = origin")
    return here.person("national", Role.NATIONAL_LEAD, None), maker


def office_dispute(here: Told) -> Scene:
    here.admin.execute(
        "insert into linkage.dispute (reporter_id, reported_case_id, attributed_id, reason) values (%s, %s, %s, 'other')",
        [here.place.tenant, uuid4(), here.ids[THEIRS]],
    )
    return here.person("office", Role.REGISTRY_OFFICE, None), here.person("national", Role.NATIONAL_LEAD, None)


def outlier_notified(here: Told) -> Scene:
    here.admin.execute(
        "insert into figures.outlier_notice (organisation_id, outlier_id, year, reference_year, observed, expected, basis, alert_low,"
        " alert_high, alarm_low, alarm_high, ascertainment, verdict, side, words, notified_at)"
        " values (%s, %s, '2024-04-01', '2023-04-01', 90, 40, 'group', 0.7, 1.3, 0.5, 1.5, 'x', 'alarm', 'high', 'x', %s)",
        [here.place.tenant, uuid4(), AT],
    )
    return here.person("theirlead", Role.TRUST_LEAD), here.person("other", Role.VTE_NURSE)


def factor_reset(here: Told) -> Scene:
    mine, chief = here.person("mine", Role.NATIONAL_ANALYST, None), here.person("chief", Role.ADMINISTRATOR, None)
    with here.place.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        second_factor.reset(connection, mine, by=here.actor(chief))
    here.admin.execute("update register.second_factor set reset_at = %s where person_id = %s", [AT, mine])
    return mine, chief


def identifiers_shown(here: Told) -> Scene:
    lead, curious = here.person("lead", Role.TRUST_LEAD), here.person("curious", Role.TRUST_LEAD)
    for number in range(50):
        _entry(here, f"person:{curious}", number)
    for number in range(49):
        _entry(here, f"person:{lead}", number)
    return lead, curious


def _entry(here: Told, actor: str, number: int) -> None:
    """That a patient's identifiers were shown, past the chain: only this kind's query looks at it."""
    here.admin.execute(
        "insert into records.audit (tenant_id, sequence, at, actor, role, action, object_type, object_id, detail, mac) select %s, "
        "coalesce(max(sequence), 0) + 1, %s, %s, '', 'identifiers shown', 'case', %s, '{}', '' from records.audit where tenant_id = %s",
        [here.place.tenant, AT, actor, str(number), here.place.tenant],
    )


SCENES: dict[str, Callable[[Told], Scene]] = {
    each.__name__: each
    for each in (
        submission_done, case_assigned, case_due, case_overdue, second_reading, consultant_answered, consultant_silent,
        attributed, attribution_answered, decided, pair_offered, action_due, unlock_asked, month_unlocked, return_missing,
        nil_doubtful, letter_failed, mail_failed, released, office_dispute, learning_returned, learning_published,
        learning_taken_down, learning_waits, release_waits, outlier_notified, factor_reset, identifiers_shown,
    )
}  # fmt: skip


def test_every_kind_has_its_scene() -> None:
    assert set(SCENES) == {kind.name for kind in KINDS}


@pytest.mark.parametrize("name", SCENES)
def test_whoever_is_to_know_is_told_once_and_nobody_else(here: Told, name: str) -> None:
    who, other = SCENES[name](here)
    assert here.run()["notices"] > 0
    assert KIND[name].words(1) in here.words(who)
    assert KIND[name].words(1) not in here.words(other)
    here.admin.execute("update records.notice set read_at = %s", [AT])
    before = here.rows("select n::text from records.notice n order by 1")
    assert here.run(AT + timedelta(minutes=1)) == {"notices": 0, "letters": 0}
    assert here.rows("select n::text from records.notice n order by 1") == before, "it is told once"


@pytest.mark.parametrize("name", SCENES)
def test_its_link_leads_to_a_page_that_is_there_for_its_reader(here: Told, name: str) -> None:
    who, _ = SCENES[name](here)
    here.run()
    browser = here.place.house.signed_in(who)
    [(link,)] = here.rows("select link from records.notice where person_id = %s and kind = %s", who, name)
    if link == KIND[name].link:
        assert browser.get(link).status_code == 200, link
    else:  # it names what the scene has not made whole
        assert re.fullmatch(r"/[a-z]+(/[a-z]+)*/[0-9a-f-]{36}(/[a-z]+)?", link)


def test_of_a_learning_point_it_is_said_what_became_of_it(here: Told) -> None:
    """Each of the three by itself, also while the one before it is unread."""
    _point(here, "published")
    here.run()
    assert here.words(_me(here)) == ["1 learning point of yours was published"]
    here.admin.execute("update records.learning_point set state = 'taken_down'")
    _point(here, "returned")
    here.run(AT + timedelta(minutes=1))
    assert set(here.words(_me(here))) == {
        "1 learning point of yours was published",
        "1 learning point of yours was taken down",
        "1 learning point of yours was sent back: it waits for your changes",
    }


def test_nothing_but_kinds_counts_and_links_is_kept(here: Told) -> None:
    case_overdue(here)
    _told_of(here, vte_type="canary")
    _live(here, "2025-11-01")
    here.run()
    links = [link for (link,) in here.rows("select link from records.notice")]
    assert len(links) >= 3
    assert all(
        re.fullmatch(r"/[a-z/-]+(\?(whose|state)=[a-z_]+)?|/[a-z/-]+/[0-9a-f-]{36}(/review)?", link) for link in links
    )
    things = [about for (about,) in here.rows("select about from records.told")]
    assert all(re.fullmatch(r"[0-9a-f-]{36}( [0-9:.+ -]+)?|\d{4}-\d\d-\d\d \d+", about) for about in things), things
    assert {column.name for column in metadata.tables["records.notice"].columns} == {
        "tenant_id", "id", "person_id", "kind", "count", "link", "made_at", "read_at", "mailed_at",
    }  # fmt: skip


def test_more_of_a_kind_is_counted_up_while_it_is_unread(here: Told) -> None:
    cases = [_case(here, name=f"A-{place}") for place in range(3)]
    for case in cases[:2]:
        _work(here, case, assigned_to=None, due_on=AT.date() - timedelta(days=1))
    here.run()
    assert here.words(_me(here)) == ["2 cases are overdue"]
    _work(here, cases[2], assigned_to=None, due_on=AT.date() - timedelta(days=1))
    here.run(AT + timedelta(minutes=1))
    assert here.words(_me(here)) == ["3 cases are overdue"]


def test_nobody_is_told_of_their_own_act(here: Told) -> None:
    case = _case(here)
    with here.place.desk(at=AT) as desk:
        states.assign(desk, case, _me(here))
    here.run()
    assert "1 case was given to you" not in here.words(_me(here))


def test_what_happened_long_ago_is_told_to_nobody(here: Told) -> None:
    sender, _ = submission_done(here)
    here.run(AT + timedelta(days=15))
    assert here.words(sender) == []


def test_a_missing_return_is_asked_for_again_and_not_for_ever(here: Told) -> None:
    """The month of November is due 42 days after its end, on 12 January; then every 28 days, six times more."""
    _live(here, "2025-11-01")
    here.admin.execute("update register.organisation set closed_on = '2025-11-30' where code = %s", [OURS])
    due = datetime(2026, 1, 12, 12, tzinfo=UTC)
    last = [1 + 28 * place for place in range(8)]
    looked = sorted({0, 300, *last, *(day - 1 for day in last)})
    told_on = [day for day in looked if here.run(due + timedelta(days=day))["notices"]]
    assert told_on == [1, 29, 57, 85, 113, 141, 169]


@pytest.mark.parametrize("by", ["right", "account"])
def test_notices_are_gone_with_the_right(here: Told, by: str) -> None:
    attributed(here)
    mate = here.person("mate", Role.VTE_NURSE)
    here.run()
    assert len(here.words(mate)) == 1
    if by == "right":
        here.admin.execute("update register.membership set ended_at = now() where person_id = %s", [mate])
        assert here.words(mate) == []
    here.admin.execute("update register.person set disabled_at = now() where id = %s", [mate])
    _told_of(here)
    here.run(AT + timedelta(minutes=1))
    assert here.rows("select count from records.notice where person_id = %s", mate) == [(1,)]


def test_the_successor_s_people_are_told_of_the_predecessor_s_cases(here: Told) -> None:
    heir = here.person("heir", Role.VTE_NURSE, "RH5")
    _told_of(here, tenant_id=here.ids["RA4"], reporter_id=here.place.tenant)
    here.run()
    assert len(here.words(heir)) == 1


def test_actions_that_were_reminded_of_say_so(here: Told) -> None:
    action_due(here)
    here.run()
    assert here.rows("select reminded_on from records.action") == [(AT.date(),)]
    assert here.rows("select what from records.case_event where what = 'reminded'") == [("reminded",)]


@pytest.mark.slow
def test_a_run_that_finds_nothing_new_is_quick_however_much_waits(here: Told) -> None:
    """100,000 cases, of which a third are overdue and a seventh each wait for a second reader and for a silent consultant. Right after the
    first run the database knows nothing yet of how much was told; the second must not depend on that."""
    here.admin.execute(
        "insert into records.case_work (tenant_id, case_id, state, since, due_on, drawn) select %s, records.uuid7(),"
        " (array['suspected','confirmed','rca_open','with_consultant','second_reading','complete','closed'])[1 + g %% 7],"
        " %s::timestamptz - interval '30 days', %s::date + (g %% 60 - 30), false from generate_series(1, 100000) g",
        [here.place.tenant, AT, AT],
    )
    here.admin.execute("analyze records.case_work")
    began = monotonic()
    assert here.run()["notices"] == 3
    between = monotonic()
    assert here.run(AT + timedelta(minutes=1))["notices"] == 0
    assert monotonic() - between < between - began
