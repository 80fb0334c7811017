"""Drafts and releases: what is protected, who may do what, and what never changes."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Table, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, ProgrammingError

from registry.access import Actor, Kind, Role
from registry.disclosure.audit import Insider
from registry.disclosure.audit.panes import by_block
from registry.disclosure.rounding import offset
from registry.errors import Conflict, Forbidden, NotFound
from registry.publications import auditing, drafting, judging, offsets, protecting, releasing
from registry.publications.judging import Tell, Verdict
from registry.settings import CountingRules, Secrets, Settings
from registry.store import Store
from registry.store.releases import audit_run
from registry.store.tables import (
    cell,
    cell_offset,
    denominator,
    draft_cell,
    draft_place,
    exact_cell,
    organisation,
    place,
    publication,
    released,
    trust_month,
)
from tests.registry.publications.hold import Case, hold_activity, hold_case
from tests.registry.publications.make import (
    AT,
    KEYS,
    Team,
    approve,
    ask,
    audit,
    count,
    make_team,
    make_trust,
    offset_key,
    prepare,
    release,
    safe,
)

MARCH, APRIL = date(2025, 3, 1), date(2025, 4, 1)


@pytest.fixture
def team(store: Store) -> Team:
    return make_team(store)


@pytest.fixture
def trust(store: Store, settings: Settings) -> int:
    """A trust with 13 cases among 1,000 admissions (7 of 400 overnight) in March 2025."""
    made = make_trust(store, settings, "RA1", "Y58", MARCH)
    with store.transaction(role="hat_jobs") as connection:
        hold_activity(connection, made, MARCH, admissions=1000, overnight=400)
        for place_in_row in range(13):
            hold_case(connection, made, Case(MARCH, said={"overnight": place_in_row < 7}))
    count(store, settings)
    return made


def cells(store: Store, table: Table = draft_cell) -> dict[str, tuple[int | None, str, bool]]:
    with store.readonly(role="hat_national") as connection:
        rows = connection.execute(select(table.c.cell_id, table.c.value, table.c.state, table.c.provisional)).all()
    return {row.cell_id: (row.value, row.state, row.provisional) for row in rows}


def exact_counts(store: Store) -> dict[str, int]:
    with store.readonly(role="hat_national") as connection:
        return dict(connection.execute(select(exact_cell.c.cell_id, exact_cell.c.count)).all())


def test_each_cell_is_its_count_rounded_with_its_own_offset(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    made = prepare(store, settings, team)
    drafted = cells(store)
    with store.readonly(role="hat_national") as connection:
        drafts = set(connection.scalars(select(exact_cell.c.publication_id)))
        own = {row.cell_id: row.offset for row in connection.execute(select(cell_offset))}
        drawn = offsets.used(connection, made)
    exact = exact_counts(store)
    assert exact.keys() == drawn.keys()
    assert drafts == {made}
    for name, (value, state, _) in drafted.items():
        if state == "counted":
            assert own[name] == offset(offset_key(settings), name)
            assert value == 5 * ((exact[name] + drawn[name]) // 5)
    month = "grid-1/hat_cases/region/Y58/month/2025-03"
    assert [exact[f"{month}/{part}"] for part in ("total", "stay/overnight", "vte_type/pe", "vte_type/dvt")] == [
        13,
        7,
        13,
        0,
    ]
    assert drafted["grid-1/hat_cases/trust/RA1/financial_year/2024-25/total"] == (None, "suppressed", False), (
        "one month"
    )
    admissions = "grid-1/admissions/region/Y58/month/2025-03"
    assert [exact[f"{admissions}/{part}"] for part in ("total", "stay/overnight", "stay/not_overnight")] == [
        1000,
        400,
        600,
    ]


def test_preparing_again_gives_the_same_and_discards_the_draft_before(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    first = prepare(store, settings, team)
    before = cells(store)
    count(store, settings)
    second = prepare(store, settings, team)
    assert cells(store) == before
    with store.readonly(role="hat_national") as connection:
        states = {row.id: row.state for row in connection.execute(select(publication))}
        assert set(connection.scalars(select(draft_cell.c.publication_id))) == {second}
    assert states == {first: "discarded", second: "draft"}


def test_an_offset_outlives_its_key(store: Store, settings: Settings, team: Team, trust: int) -> None:
    prepare(store, settings, team)
    before = cells(store)
    with store.transaction(role="hat_national") as connection:
        protecting.prepare(
            connection, by=team.analyst, at=AT, key=b"another key of 32 bytes in length", rules=CountingRules(), code_version="t"
        )  # fmt: skip
    assert cells(store) == before


def test_a_month_that_does_not_enter_is_a_blank_and_a_month_before_the_trust_joined_another(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    late = make_trust(store, settings, "RB1", "Y58", APRIL)
    make_trust(store, settings, "RC1", "Y56", MARCH, closed_on=date(2025, 3, 31))
    with store.transaction(role="hat_jobs") as connection:
        hold_activity(connection, late, APRIL, case_return="partial")
        hold_case(connection, late, Case(APRIL))
    count(store, settings)
    prepare(store, settings, team)
    drafted = cells(store)
    assert drafted["grid-1/hat_cases/trust/RB1/month/2025-03/total"] == (None, "not_live", False)
    assert drafted["grid-1/hat_cases/trust/RB1/month/2025-04/total"] == (None, "no_return", False)
    assert drafted["grid-1/hat_cases/trust/RB1/financial_year/2024-25/total"] == (None, "not_live", False)
    assert drafted["grid-1/hat_cases/region/Y56/month/2025-03/total"] == (None, "no_return", False)
    assert "grid-1/hat_cases/trust/RC1/month/2025-04/total" not in drafted
    march = cells(store)["grid-1/hat_cases/region/Y58/month/2025-03/total"]
    april = cells(store)["grid-1/hat_cases/region/Y58/month/2025-04/total"]
    assert (march[1], april[1]) == ("counted", "no_return"), "a case of a partial month is in no rate"


def test_a_trust_that_takes_no_part_is_named_so_and_one_of_the_official_file_not_at_all(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    for code, only in (("RN1", False), ("RN2", True)):
        made = make_trust(store, settings, code, "Y58", MARCH, activity_only=only)
        with store.transaction() as connection:
            connection.execute(update(organisation).where(organisation.c.id == made).values(live_from=None))
    prepare(store, settings, team)
    drafted = cells(store)
    assert drafted["grid-1/hat_cases/trust/RN1/financial_year/2024-25/total"] == (None, "not_participating", False)
    assert not any("RN2" in name for name in drafted)
    with store.readonly(role="hat_national") as connection:
        assert "RN2" not in set(connection.scalars(select(draft_place.c.geography)))


def test_a_year_is_there_once_all_of_it_is_final(store: Store, settings: Settings, team: Team, trust: int) -> None:
    """Of 2025-26 two months came and all are final on 20 November 2026; 2026-27 is not over."""
    months = [APRIL, date(2025, 5, 1), date(2026, 4, 1), date(2026, 8, 1)]
    with store.transaction(role="hat_jobs") as connection:
        for month in months:
            hold_activity(connection, trust, month)
            for _ in range(6):
                hold_case(connection, trust, Case(month))
    count(store, settings)
    prepare(store, settings, team)
    exact = exact_counts(store)
    drafted = cells(store)
    year = "grid-1/hat_cases/trust/RA1/financial_year"
    assert exact[f"{year}/2025-26/total"] == 12
    assert not drafted[f"{year}/2025-26/total"][2]
    assert f"{year}/2026-27/total" not in drafted
    assert drafted["grid-1/hat_cases/trust/RA1/month/2026-08/total"][2]


def test_a_pending_case_is_in_the_region_and_in_no_trust(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    reporter = make_trust(store, settings, "RB1", "Y56", MARCH)
    with store.transaction(role="hat_jobs") as connection:
        disputed = Case(MARCH, attributed=trust, attribution="disputed")
        hold_case(connection, reporter, disputed)
    count(store, settings)
    prepare(store, settings, team)
    exact = exact_counts(store)
    assert exact["grid-1/hat_cases/region/Y58/month/2025-03/total"] == 14
    assert exact["grid-1/hat_cases/trust/RA1/month/2025-03/total"] == 13


@pytest.mark.parametrize("providers", [2, 3])
def test_independents_are_a_sector_of_three_or_nothing(
    store: Store, settings: Settings, team: Team, trust: int, providers: int
) -> None:
    for number in range(providers):
        made = make_trust(store, settings, f"NT{number}", "Y58", MARCH, kind="independent")
        with store.transaction(role="hat_jobs") as connection:
            hold_activity(connection, made, MARCH, admissions=50, overnight=10)
            hold_case(connection, made, Case(MARCH))
    count(store, settings)
    prepare(store, settings, team)
    names = {name for name in cells(store) if "NT" in name or "independent" in name}
    sector = "independent_sector/England/financial_year/2024-25/total"
    assert names == ({f"grid-1/hat_cases/{sector}", f"grid-1/admissions/{sector}"} if providers == 3 else set())
    exact = exact_counts(store)
    assert exact["grid-1/hat_cases/region/Y58/month/2025-03/total"] == 13, "never among the trusts of a region"
    assert exact.get(f"grid-1/hat_cases/{sector}") == (3 if providers == 3 else None)


def test_nothing_is_prepared_before_anything_was_counted(store: Store, settings: Settings, team: Team) -> None:
    with pytest.raises(Conflict):
        prepare(store, settings, team)


def test_a_trust_without_a_region_stops_the_draft(store: Store, settings: Settings, team: Team, trust: int) -> None:
    with store.transaction() as connection:
        connection.execute(update(organisation).values(region_code=None))
    with pytest.raises(Conflict, match="has no region"):
        prepare(store, settings, team)


def test_only_two_named_people_who_did_not_prepare_release(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    made = prepare(store, settings, team)
    audit(store, team, made)
    token = Actor(Kind.TOKEN, uuid4(), "a program", frozenset({Role.NATIONAL_LEAD}))
    for refused in (team.analyst, token):
        with pytest.raises(Forbidden):
            approve(store, refused, made)
    with pytest.raises(NotFound):
        approve(store, team.lead, uuid4())
    assert approve(store, team.lead, made) == "audited"
    with pytest.raises(Conflict):
        approve(store, team.lead, made)
    assert cells(store, cell) == {}
    assert approve(store, team.second, made) == "released"
    with pytest.raises(Conflict):
        approve(store, team.second, made)


def test_what_is_released_is_the_draft_to_the_last_digit(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    made = prepare(store, settings, team)
    drafted = cells(store)
    with store.transaction(role="hat_jobs") as connection:
        for _ in range(40):
            hold_case(connection, trust, Case(MARCH))
    count(store, settings)
    release(store, team, made, AT)
    assert cells(store, cell) == drafted
    with store.readonly(role="hat_reader") as connection:
        head = connection.execute(select(released)).one()
        assert (head.latest, head.as_at, head.prepared_by_name, head.released_by_name) == (
            True,
            AT,
            "An Analyst",
            "A Lead and Another Analyst",
        )
        assert {row.name for row in connection.execute(select(place))} == {"Trust RA1", "South West", "England"}
        trusts = select(denominator.c.value).where(denominator.c.quantity == "trusts", denominator.c.month == MARCH)
        assert list(connection.scalars(trusts)) == [1]


def test_a_later_release_supersedes_and_keeps_the_offsets(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    first = prepare(store, settings, team)
    release(store, team, first)
    with store.transaction(role="hat_jobs") as connection:
        hold_case(connection, trust, Case(MARCH))
    count(store, settings, AT + timedelta(days=1))
    second = prepare(store, settings, team, AT + timedelta(days=1))
    release(store, team, second, AT + timedelta(days=1))
    name = "grid-1/hat_cases/trust/RA1/month/2025-03/total"
    with store.readonly(role="hat_national") as connection:
        drawn = connection.scalar(select(cell_offset.c.offset).where(cell_offset.c.cell_id == name))
        states = {row.id: row.state for row in connection.execute(select(publication))}
        latest = {row.id: row.latest for row in connection.execute(select(released))}
        values = {
            row.release_id: row.value for row in connection.execute(select(cell).where(cell.c.cell_id == name)).all()
        }
    assert drawn is not None
    assert values == {first: 5 * ((13 + drawn) // 5), second: 5 * ((14 + drawn) // 5)}
    assert states == {first: "superseded", second: "released"}
    assert latest == {first: False, second: True}


def test_a_discarded_draft_is_gone_and_the_release_stays(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    release(store, team, prepare(store, settings, team))
    made = prepare(store, settings, team)
    with store.transaction(role="hat_national") as connection:
        releasing.discard(connection, by=team.lead, publication_id=made)
    with pytest.raises(Conflict):
        release(store, team, made)
    with store.readonly(role="hat_reader") as connection:
        assert connection.scalar(select(released.c.latest)) is True


@pytest.mark.parametrize("table", [draft_cell, exact_cell, cell_offset, publication, trust_month])
def test_the_public_role_reads_nothing_but_what_is_released(store: Store, table: Table) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), store.readonly(role="hat_reader") as connection:
        connection.execute(select(table))


@pytest.mark.parametrize("table", [cell, cell_offset, denominator])
def test_what_is_released_is_never_changed(store: Store, table: Table) -> None:
    column = next(iter(table.c))
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        store.transaction(role="hat_national") as connection,
    ):
        connection.execute(update(table).values({column: column}))


def test_cells_that_count_the_same_months_of_the_same_trusts_have_one_offset(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    """One trust in its region: one quantity, drawn once. With a second trust the region is another."""
    alike = [
        "grid-1/hat_cases/trust/RA1/month/2025-03/total",
        "grid-1/hat_cases/region/Y58/month/2025-03/total",
    ]
    made = prepare(store, settings, team)
    with store.readonly(role="hat_national") as connection:
        used = offsets.used(connection, made)
    assert len({used[name] for name in alike}) == 1
    assert len({cells(store)[name] for name in alike}) == 1
    other = make_trust(store, settings, "RB1", "Y58", MARCH)
    with store.transaction(role="hat_jobs") as connection:
        hold_activity(connection, other, MARCH)
    count(store, settings)
    made = prepare(store, settings, team)
    with store.readonly(role="hat_national") as connection:
        own = dict(
            connection.execute(
                select(exact_cell.c.cell_id, exact_cell.c.offset_of).where(exact_cell.c.publication_id == made)
            ).all()
        )
    assert own[alike[0]] is own[alike[1]] is None


def test_cells_get_another_offset_before_they_are_published_and_never_after(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    name = "grid-1/hat_cases/trust/RA1/month/2025-03/total"
    key = offset_key(settings)
    made = prepare(store, settings, team)
    with store.transaction(role="hat_national") as connection:
        before = offsets.used(connection, made)
        assert offsets.rekey(connection, made, key, [name]) == 1
        after = offsets.used(connection, made)
        hashed = connection.scalar(select(publication.c.data_hash))
    assert after[name] != before[name]
    assert {each for each in after if after[each] != before[each]} == {
        name,
        "grid-1/hat_cases/region/Y58/month/2025-03/total",
    }
    assert cells(store)[name][0] == 5 * ((13 + after[name]) // 5)
    release(store, team, made)
    with store.readonly(role="hat_reader") as connection:
        assert connection.scalar(select(released.c.data_hash)) is not None
    with store.transaction(role="hat_national") as connection:
        assert connection.scalar(select(publication.c.data_hash)) is not None
        assert offsets.rekey(connection, made, key, [name]) == 0
    late = insert(cell_offset).values(cell_id=name, attempt=9, offset=1)
    with pytest.raises(DBAPIError, match="frozen"), store.transaction(role="hat_national") as connection:
        connection.execute(late)
    assert hashed


@pytest.mark.parametrize("table", [cell_offset, exact_cell, draft_cell, publication])
def test_a_refresh_cannot_touch_an_offset(store: Store, table: Table) -> None:
    """The role under which everything is counted reads and writes nothing of the release desk."""
    for statement in (select(table), delete(table), text(f"insert into {table.fullname} default values")):
        with pytest.raises(ProgrammingError), store.transaction(role="hat_jobs") as connection:
            connection.execute(statement)


@pytest.mark.parametrize("table", [cell, denominator, place, released, exact_cell])
def test_what_is_released_is_neither_added_to_nor_taken_from(
    store: Store, settings: Settings, team: Team, trust: int, table: Table
) -> None:
    made = prepare(store, settings, team)
    release(store, team, made)
    key = "publication_id" if table is exact_cell else "id" if table is released else "release_id"
    for statement in (delete(table), update(table).values({key: made})):
        with pytest.raises(DBAPIError), store.transaction(role="hat_national") as connection:
            connection.execute(statement)
    if table in (cell, denominator, place):
        first = select(*table.c).limit(1)
        name = "cell_id" if table is cell else "geography"
        with store.readonly(role="hat_national") as connection:
            row = dict(connection.execute(first).mappings().one()) | {name: "another"}
        with (
            pytest.raises(DBAPIError, match="only what is approved"),
            store.transaction(role="hat_national") as connection,
        ):
            connection.execute(insert(table).values(**row))


def test_two_who_approve_at_once_are_two(store: Store, settings: Settings, team: Team, trust: int) -> None:
    made = prepare(store, settings, team)
    audit(store, team, made)
    with ThreadPoolExecutor(2) as pool:
        became = list(pool.map(lambda by: approve(store, by, made), (team.lead, team.second)))
    assert sorted(became) == ["audited", "released"]


def test_one_who_approves_twice_at_once_is_one(store: Store, settings: Settings, team: Team, trust: int) -> None:
    made = prepare(store, settings, team)
    audit(store, team, made)

    def attempt(_: int) -> str:
        try:
            return approve(store, team.lead, made)
        except Conflict as refused:
            return refused.detail

    with ThreadPoolExecutor(2) as pool:
        became = set(pool.map(attempt, range(2)))
    assert became == {"audited", "You have approved these figures. A second person has to approve them too."}
    assert cells(store, cell) == {}


def test_an_audit_whose_worker_ended_is_done_again(store: Store, settings: Settings, team: Team, trust: int) -> None:
    made = prepare(store, settings, team)
    ask(store, team, made)

    def ends(_matter: object, _tell: object) -> Verdict:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        auditing.work(store, KEYS, settings, AT, judge=ends)
    with store.readonly(role="hat_national") as connection:
        assert connection.scalar(select(audit_run.c.state)) == "running"
    assert auditing.work(store, KEYS, settings, AT, judge=safe)["audited"] == 1
    assert auditing.work(store, KEYS, settings, AT) == {"audited": 0, "refused": 0, "released": 0}


def test_the_attacker_himself_finds_nothing_in_figures_drawn_once(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    """The whole audit, on the smallest of registries: one trust, one month; then with a later release beside it."""
    made = prepare(store, settings, team)
    assert audit(store, team, made, judge=judging.attacker())["audited"] == 1
    approve(store, team.lead, made)
    approve(store, team.second, made)
    with store.transaction(role="hat_jobs") as connection:
        for _ in range(9):
            hold_case(connection, trust, Case(MARCH))
    count(store, settings, AT + timedelta(days=1))
    again = prepare(store, settings, team, AT + timedelta(days=1))
    assert audit(store, team, again, judge=judging.attacker())["audited"] == 1
    with store.readonly(role="hat_national") as connection:
        report = json.loads(auditing.latest_run(connection, again).report)
    assert report["audit"]["releases"] == [1, 2]
    assert report["audit"]["outsider"]["least_width"] >= 4


def test_what_no_offset_helps_before_its_first_publication_is_withheld(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    """The parts of the split are left out; the total stays."""
    again = prepare(store, settings, team)
    ask(store, team, again)
    month = "grid-1/hat_cases/region/Y58/month/2025-03"
    told = iter(
        [Verdict(False, failing=(f"{month}/vte_type/pe", f"{month}/vte_type/dvt", f"{month}/total")), Verdict(True)]
    )
    assert auditing.work(store, KEYS, settings, AT, judge=lambda _matter, _tell: next(told))["audited"] == 1
    drafted = cells(store)
    assert drafted[f"{month}/vte_type/pe"] == drafted[f"{month}/vte_type/dvt"] == (None, "suppressed", False)
    assert drafted[f"{month}/total"][1] == "counted"
    with store.readonly(role="hat_national") as connection:
        report = json.loads(auditing.latest_run(connection, again).report)
    assert (report["offsets_drawn_again"], report["cells_held"], report["cells_withheld"]) == (0, 0, 2)


def test_of_a_trust_whose_total_cannot_be_helped_the_whole_year_is_withheld(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    """Its months and its year tell each other's; of the region and of its admissions nothing is withheld."""
    again = prepare(store, settings, team)
    before = cells(store)
    ask(store, team, again)
    trust_s = "grid-1/hat_cases/trust/RA1/"
    told = iter([Verdict(False, failing=(f"{trust_s}month/2025-03/total",)), Verdict(True)])
    assert auditing.work(store, KEYS, settings, AT, judge=lambda _matter, _tell: next(told))["audited"] == 1
    after = cells(store)
    counted = {name for name, (_, state, _) in before.items() if state == "counted"}
    gone = {name for name in counted if after[name][1] == "suppressed"}
    assert gone == {name for name in counted if name.startswith(trust_s)} != set()
    assert all(after[name] == before[name] for name in before.keys() - gone)


def test_another_offset_is_judged_again_though_the_number_stays(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    """What an insider knows is the offset: the same published number by another offset is another matter."""
    made = prepare(store, settings, team)
    with store.readonly(role="hat_national") as connection:
        matter = judging.read(connection, made)
    others = Insider({name: (drawn + 1) % 5 for name, drawn in matter.insider.offsets.items()}, matter.insider.counts)
    for releases in by_block(matter.releases).values():
        same, again, other = (judging._part(releases, each) for each in (matter.insider, matter.insider, others))
        assert judging._fingerprint(same) == judging._fingerprint(again) != judging._fingerprint(other)


def test_one_worker_audits_at_a_time(store: Store, settings: Settings, team: Team, trust: int) -> None:
    made = prepare(store, settings, team)
    ask(store, team, made)
    with store.alone("the audit of a release", role="hat_national") as mine:
        assert mine
        assert auditing.work(store, KEYS, settings, AT)["audited"] == 0


def test_what_fails_is_refused_and_can_only_be_discarded(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    made = prepare(store, settings, team)
    ask(store, team, made)
    fails = auditing.work(
        store, KEYS, settings, AT, judge=lambda _matter, _tell: Verdict(False, report={"why": "unsafe"})
    )
    assert fails == {"audited": 0, "refused": 1, "released": 0}
    with pytest.raises(Conflict):
        approve(store, team.lead, made)
    with store.readonly(role="hat_national") as connection:
        report = json.loads(connection.execute(select(audit_run.c.report)).scalar_one())
    assert (report["passed"], report["audit"]) == (False, {"why": "unsafe"})
    assert prepare(store, settings, team) != made


def test_figures_discarded_while_they_are_audited_stay_so(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    made = prepare(store, settings, team)
    ask(store, team, made)

    def discards(_matter: object, _tell: object) -> Verdict:
        with store.transaction(role="hat_national") as connection:
            releasing.discard(connection, by=team.lead, publication_id=made)
        return Verdict(True)

    assert auditing.work(store, KEYS, settings, AT, judge=discards) == {"audited": 0, "refused": 0, "released": 0}
    assert cells(store) == {}


def test_an_audit_ends_as_soon_as_its_figures_are_discarded(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    made = prepare(store, settings, team)
    ask(store, team, made)
    played: list[int] = []

    def discarded_after_one_part(_matter: object, tell: Tell) -> Verdict:
        for part in range(3):
            played.append(part)
            if part == 1:
                with store.transaction(role="hat_national") as connection:
                    releasing.discard(connection, by=team.lead, publication_id=made)
            tell("Playing", part + 1, 3)
        return Verdict(True)

    nothing = {"audited": 0, "refused": 0, "released": 0}
    assert auditing.work(store, KEYS, settings, AT, judge=discarded_after_one_part) == nothing
    assert played == [0, 1]
    assert auditing.work(store, KEYS, settings, AT, judge=discarded_after_one_part) == nothing
    assert played == [0, 1], "nor is it begun again"


def test_the_month_s_draft_is_made_once_and_waits_for_two(
    store: Store, settings: Settings, team: Team, trust: int
) -> None:
    keys = Secrets.load(settings.secrets_dir, ["offset", "signing"])
    assert drafting.draft_of_the_month(store, keys, settings, AT) == {"drafts": 1}
    assert drafting.draft_of_the_month(store, keys, settings, AT) == {"drafts": 0}
    assert auditing.work(store, keys, settings, AT, judge=safe)["audited"] == 1
    with store.readonly(role="hat_national") as connection:
        made, by, name = connection.execute(
            select(publication.c.id, publication.c.prepared_by, publication.c.prepared_by_name)
        ).one()
    assert (by, name) == (None, "The timetable")
    assert approve(store, team.analyst, made) == "audited"
    assert approve(store, team.lead, made) == "released"
    assert drafting.draft_of_the_month(store, keys, settings, AT) == {"drafts": 0}, "nothing was counted since"
    count(store, settings, AT + timedelta(days=31))
    assert drafting.draft_of_the_month(store, keys, settings, AT + timedelta(days=31)) == {"drafts": 1}
