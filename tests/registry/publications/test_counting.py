"""The exact counts, against cases counted by hand."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from registry.publications import counting
from registry.settings import CountingRules, Settings
from registry.store import Store
from registry.store.records import RECORD
from registry.store.tables import case_count, organisation, trust_month
from schemas.dictionary import fields
from schemas.record import RecordKind
from tests.registry.make import make_organisation
from tests.registry.publications.hold import (
    GROUPS,
    LOADED,
    STAYS,
    Case,
    hold_activity,
    hold_case,
    hold_pair,
    hold_review,
)

MARCH, APRIL = date(2025, 3, 1), date(2025, 4, 1)
AT = datetime(2026, 11, 20, tzinfo=UTC)
RULES = CountingRules()

Counts = dict[tuple[int, date, str, str, str], int]


@pytest.fixture
def trusts(store: Store, settings: Settings) -> tuple[int, int]:
    """Two trusts that report from March 2025."""
    made = [make_organisation(store, settings, code=code, live_from=MARCH) for code in ("RA1", "RB1")]
    return made[0], made[1]


@pytest.fixture
def counted(store: Store) -> Callable[..., tuple[dict[str, int], Counts]]:
    """Count, and give the effect and the counts."""

    def run(at: datetime = AT, rules: CountingRules = RULES) -> tuple[dict[str, int], Counts]:
        with store.transaction(role="hat_jobs") as connection:
            effect = counting.count(connection, rules, at)
        with store.readonly(role="hat_national") as connection:
            c = case_count.c
            rows = connection.execute(
                select(c.count, c.organisation_id, c.month, c.standing, c.split, c.category)
            ).all()
        return effect, {tuple(key): number for number, *key in rows}

    return run


def months_of(store: Store, tenant: int) -> dict[date, tuple[str | None, int | None, bool, bool]]:
    with store.readonly(role="hat_national") as connection:
        rows = connection.execute(select(trust_month).where(trust_month.c.organisation_id == tenant)).all()
    return {row.month: (row.case_return, row.admissions, row.enters, row.provisional) for row in rows}


def test_one_month_by_hand(
    store: Store, trusts: tuple[int, int], counted: Callable[..., tuple[dict[str, int], Counts]]
) -> None:
    mine, _ = trusts
    with store.transaction(role="hat_jobs") as connection:
        hold_activity(connection, mine, MARCH, admissions=1000, overnight=400)
        prevented = hold_case(connection, mine, Case(MARCH))
        hold_review(connection, prevented, category="inadequate_prophylaxis", preventability="preventable_psii")
        kept = hold_case(connection, mine, Case(MARCH, said={"vte_type": "dvt", "admission_group": "surgical"}))
        hold_review(connection, kept, category="unclassifiable", preventability="not_preventable")
        unfinished = hold_case(connection, mine, Case(MARCH, said={"overnight": False, "vte_type": "pe_and_dvt"}))
        hold_review(connection, unfinished, category="inadequate_prophylaxis")
        refuted = hold_case(connection, mine, Case(MARCH))
        hold_review(connection, refuted, category="not_hat")
        hold_case(connection, mine, Case(MARCH, withdrawn=LOADED))
        hold_case(connection, mine, Case(MARCH, said={"scope": "line_related"}))
        hold_case(connection, mine, Case(MARCH, said={"patient_classification": "day_case", "overnight": False}))
    effect, counts = counted()
    monthly = {"total", "vte_type", "admission_group", "stay", "preventability", "apart"}
    assert {key[3:]: number for key, number in counts.items() if key[3] in monthly} == {
        ("total", "total"): 4,
        ("vte_type", "pe"): 3,
        ("vte_type", "dvt"): 1,
        ("admission_group", "medical"): 3,
        ("admission_group", "surgical"): 1,
        ("stay", "overnight"): 2,
        ("stay", "not_overnight"): 2,
        ("preventability", "preventable"): 1,
        ("preventability", "not_preventable"): 1,
        ("preventability", "not_investigated"): 2,
        ("apart", "line_related"): 1,
        ("apart", "day_case"): 1,
    }
    assert {key[:3] for key in counts} == {(mine, MARCH, "agreed")}
    assert (effect["cases"], effect["entering"], effect["outside_rates"]) == (4, 1, 0)


def test_counting_again_changes_nothing(
    store: Store, trusts: tuple[int, int], counted: Callable[..., tuple[dict[str, int], Counts]]
) -> None:
    with store.transaction(role="hat_jobs") as connection:
        hold_activity(connection, trusts[0], MARCH)
        hold_case(connection, trusts[0], Case(MARCH))
    assert counted() == counted()


@pytest.mark.parametrize(
    ("case_return", "cases", "enters"),
    [("complete", 0, True), ("complete", 2, True), ("nil", 0, True), ("nil", 1, False), ("partial", 2, False)],
)
def test_which_month_enters(
    store: Store, trusts: tuple[int, int], counted: Callable[..., tuple[dict[str, int], Counts]],
    case_return: str, cases: int, enters: bool,
) -> None:  # fmt: skip
    with store.transaction(role="hat_jobs") as connection:
        hold_activity(connection, trusts[0], MARCH, case_return=case_return)
        for _ in range(cases):
            hold_case(connection, trusts[0], Case(MARCH))
    effect, _ = counted()
    assert months_of(store, trusts[0])[MARCH] == (case_return, 1000, enters, False)
    assert effect["outside_rates"] == (0 if enters else cases)
    assert effect["nil_with_cases"] == (case_return == "nil" and cases > 0)


def test_a_month_without_admissions_does_not_enter(
    store: Store, trusts: tuple[int, int], counted: Callable[..., tuple[dict[str, int], Counts]]
) -> None:
    with store.transaction(role="hat_jobs") as connection:
        hold_activity(connection, trusts[0], MARCH, admissions=0, overnight=0)
        hold_case(connection, trusts[0], Case(APRIL))
    effect, _ = counted()
    months = months_of(store, trusts[0])
    assert months[MARCH] == ("complete", 0, False, False)
    assert months[APRIL] == (None, None, False, False)
    assert effect["outside_rates"] == 1


def test_months_run_from_the_first_of_the_trust_to_the_last_that_ended(
    store: Store, settings: Settings, counted: Callable[..., tuple[dict[str, int], Counts]]
) -> None:
    late = make_organisation(store, settings, code="RC1", live_from=date(2026, 9, 1))
    never = make_organisation(store, settings, code="RD1")
    closed = make_organisation(store, settings, code="RE1", live_from=date(2026, 7, 1))
    with store.transaction() as connection:
        connection.execute(update(organisation).where(organisation.c.id == closed).values(closed_on=date(2026, 8, 31)))
    counted(at=datetime(2026, 11, 1, tzinfo=UTC))
    assert list(months_of(store, late)) == [date(2026, 9, 1), date(2026, 10, 1)]
    assert list(months_of(store, closed)) == [date(2026, 7, 1), date(2026, 8, 1)]
    assert months_of(store, never) == {}


def test_a_month_is_provisional_for_120_days(
    store: Store, trusts: tuple[int, int], counted: Callable[..., tuple[dict[str, int], Counts]]
) -> None:
    with store.transaction(role="hat_jobs") as connection:
        hold_activity(connection, trusts[0], MARCH)
    last_day = datetime(2025, 3, 31, tzinfo=UTC)
    counted(at=last_day + timedelta(days=119))
    assert months_of(store, trusts[0])[MARCH][3]
    counted(at=last_day + timedelta(days=120))
    assert not months_of(store, trusts[0])[MARCH][3]


def test_a_month_stays_provisional_while_reports_are_known_to_be_slow(
    store: Store, trusts: tuple[int, int], counted: Callable[..., tuple[dict[str, int], Counts]]
) -> None:
    """Half of January's cases came in January and half seven months later, so June is half complete after five months."""
    january, june = date(2026, 1, 1), date(2026, 6, 1)
    with store.transaction(role="hat_jobs") as connection:
        hold_activity(connection, trusts[0], june)
        for added in (datetime(2026, 1, 20, tzinfo=UTC), datetime(2026, 8, 5, tzinfo=UTC)):
            for _ in range(10):
                hold_case(connection, trusts[0], Case(january, added=added))
        hold_case(connection, trusts[0], Case(june, added=datetime(2026, 6, 20, tzinfo=UTC)))
    counted(at=datetime(2026, 11, 2, tzinfo=UTC))
    assert months_of(store, trusts[0])[june][3], "125 days old, but only half complete"


def test_what_was_loaded_of_the_past_says_nothing_about_delays(
    store: Store, trusts: tuple[int, int], counted: Callable[..., tuple[dict[str, int], Counts]]
) -> None:
    with store.transaction(role="hat_jobs") as connection:
        hold_activity(connection, trusts[0], MARCH)
        for month in (MARCH, APRIL, date(2026, 6, 1)):
            hold_case(connection, trusts[0], Case(month, added=LOADED))
    counted()
    with store.readonly(role="hat_national") as connection:
        rows = connection.execute(select(trust_month.c.completeness, trust_month.c.month)).all()
    assert all(row.completeness is None for row in rows)
    assert not months_of(store, trusts[0])[MARCH][3]


@pytest.mark.parametrize(
    ("attribution", "days", "standing"),
    [
        ("accepted", 0, "agreed"),
        ("proposed", 29, "pending"),
        ("proposed", 31, "agreed"),
        ("disputed", 400, "pending"),
    ],
)
def test_a_case_attributed_to_another_trust(
    store: Store, trusts: tuple[int, int], counted: Callable[..., tuple[dict[str, int], Counts]],
    attribution: str, days: int, standing: str,
) -> None:  # fmt: skip
    reporter, other = trusts
    with store.transaction(role="hat_jobs") as connection:
        case = Case(MARCH, attributed=other, attribution=attribution, since=AT - timedelta(days=days))
        hold_case(connection, reporter, case)
    _, counts = counted()
    assert {key[:3] for key in counts} == {(other, MARCH, standing)}


def test_one_person_and_stay_is_one_case_and_a_pe_if_any_report_is_one(
    store: Store, trusts: tuple[int, int], counted: Callable[..., tuple[dict[str, int], Counts]]
) -> None:
    mine, _ = trusts
    with store.transaction(role="hat_jobs") as connection:
        hold_case(connection, mine, Case(MARCH, person=b"1", diagnosed=date(2025, 3, 9), said={"vte_type": "dvt"}))
        hold_case(connection, mine, Case(MARCH, person=b"1", diagnosed=date(2025, 3, 20)))
        hold_case(connection, mine, Case(MARCH, person=b"1", day=25, said={"vte_type": "dvt"}))
        hold_case(connection, mine, Case(MARCH, person=b"2", said={"vte_type": "dvt"}))
    _, counts = counted()
    assert counts[mine, MARCH, "agreed", "total", "total"] == 3
    assert counts[mine, MARCH, "agreed", "vte_type", "pe"] == 1


def test_a_pair_reported_as_own_by_both_counts_nationally_for_the_first(
    store: Store, trusts: tuple[int, int], counted: Callable[..., tuple[dict[str, int], Counts]]
) -> None:
    one, two = trusts
    with store.transaction(role="hat_jobs") as connection:
        later = hold_case(connection, one, Case(MARCH, person=b"1", diagnosed=date(2025, 3, 20)))
        first = hold_case(connection, two, Case(MARCH, person=b"1", diagnosed=date(2025, 3, 10)))
        hold_pair(connection, later, first)
    _, counts = counted()
    assert {key[:3] for key in counts} == {(one, MARCH, "doubled"), (two, MARCH, "agreed")}


def test_a_pair_of_which_one_names_the_other_counts_for_the_named_one_only(
    store: Store, trusts: tuple[int, int], counted: Callable[..., tuple[dict[str, int], Counts]]
) -> None:
    one, two = trusts
    with store.transaction(role="hat_jobs") as connection:
        named = Case(MARCH, attributed=two, attribution="proposed", since=AT - timedelta(days=90), day=5)
        told = hold_case(connection, one, named)
        own = hold_case(connection, two, Case(MARCH))
        hold_pair(connection, told, own)
    _, counts = counted()
    assert [(key[:3], number) for key, number in counts.items() if key[3] == "total"] == [((two, MARCH, "agreed"), 1)]


def test_a_dismissed_pair_is_two_cases(
    store: Store, trusts: tuple[int, int], counted: Callable[..., tuple[dict[str, int], Counts]]
) -> None:
    with store.transaction(role="hat_jobs") as connection:
        held = [hold_case(connection, tenant, Case(MARCH)) for tenant in trusts]
        hold_pair(connection, held[0], held[1], state="dismissed")
    _, counts = counted()
    assert {key[:3] for key in counts} == {(trusts[0], MARCH, "agreed"), (trusts[1], MARCH, "agreed")}


def test_a_corrected_case_counts_as_it_stands_now(
    store: Store, trusts: tuple[int, int], counted: Callable[..., tuple[dict[str, int], Counts]]
) -> None:
    record = RECORD[RecordKind.CASE]
    with store.transaction(role="hat_jobs") as connection:
        held = hold_case(connection, trusts[0], Case(MARCH))
    assert counted()[0]["cases"] == 1
    with store.transaction(role="hat_jobs") as connection:
        connection.execute(update(record).where(record.c.id == held.id).values(withdrawn_at=AT))
    assert counted()[0]["cases"] == 0


def test_a_trust_sees_its_own_counts_and_no_others(
    store: Store, trusts: tuple[int, int], counted: Callable[..., tuple[dict[str, int], Counts]]
) -> None:
    with store.transaction(role="hat_jobs") as connection:
        for tenant in trusts:
            hold_activity(connection, tenant, MARCH)
            hold_case(connection, tenant, Case(MARCH))
    counted()
    for seen in ((trusts[0],), (trusts[1],), ()):
        with store.readonly(tenants=seen) as connection:
            for table in (case_count, trust_month):
                assert set(connection.scalars(select(table.c.organisation_id))) == set(seen)


def test_every_group_and_kind_of_stay_is_among_the_admissions(
    store: Store, trusts: tuple[int, int], counted: Callable[..., tuple[dict[str, int], Counts]]
) -> None:
    """1 + 2 + … + 20, of which the fourth of each group is overnight: 4 + 8 + 12 + 16 + 20, and obstetric 9 + 10 + 11 + 12."""
    names = [f"{group}_{stay}" for group in GROUPS for stay in STAYS]
    assert names == [each.name for each in fields(RecordKind.ACTIVITY) if each.item.section == "Admissions"]
    with store.transaction(role="hat_jobs") as connection:
        hold_activity(connection, trusts[0], MARCH, counts=dict(zip(names, range(1, 21), strict=True)))
    counted()
    with store.readonly(role="hat_national") as connection:
        row = connection.execute(select(trust_month).where(trust_month.c.case_return.is_not(None))).one()
    assert (row.admissions, row.admissions_overnight, row.admissions_maternity) == (210, 60, 42)
