"""What is owed and what was sent by month, and how complete it is: counted by hand."""

from datetime import date, datetime

import psycopg
import pytest

from registry.settings import Settings
from registry.store import Store
from registry.submissions.due import Standing, calendar, due, next_month, overdue, quarters_before, yearly, years_before
from registry.submissions.quality import asked_items, by_month
from schemas.record import RecordKind
from tests.make import cases, nhs_number, valid, valid_activity, valid_case, valid_rca
from tests.registry.submissions.make import send
from tests.registry.web.programs import screened
from tests.registry.web.visitors import House, house

ON = date(2026, 1, 20)


@pytest.fixture
def full(settings: Settings, store: Store, admin: psycopg.Connection) -> House:
    made = house(settings, store)
    screened(made)
    admin.execute("update register.organisation set live_from = '2025-07-15' where code = 'RRV'")
    return made


def the_trust_sends(full: House) -> int:
    """Two cases of September, one of them reviewed to the end; one of October; three returns, one of them for a month to come."""
    trust = full.ids["RRV"]
    later = valid_case(
        local_case_id="OCT", nhs_number=nhs_number(9), admission_date="2025-10-01", discharge_date="2025-10-09",
        diagnosis_date="2025-10-20", died_within_90_days="",
    )  # fmt: skip
    send(full.store, full.settings, trust, [*cases(2), later])
    send(full.store, full.settings, trust, [valid_rca(local_case_id="HAT-000000")], kind=RecordKind.RCA)
    unfinished = valid("rca") | dict.fromkeys((name for name in valid("rca") if name != "local_case_id"), "")
    send(
        full.store,
        full.settings,
        trust,
        [unfinished | {"local_case_id": "OCT", "response_type": "mdt"}],
        kind=RecordKind.RCA,
    )
    returns = [
        valid_activity(month="2025-08", case_return="nil"),
        valid_activity(month="2025-09", case_return="partial"),
    ]
    send(full.store, full.settings, trust, returns, kind=RecordKind.ACTIVITY)
    return trust


def test_the_months_of_an_organisation(full: House) -> None:
    trust = the_trust_sends(full)
    with full.store.readonly(tenants=(trust,)) as connection:
        months = calendar(connection, (trust,), on=ON, months=24)[trust]
        owed = due(connection, (trust,), on=ON)[trust]
    assert [each.month for each in months] == [date(2025, month, 1) for month in (12, 11, 10, 9, 8, 7)]
    assert [each.standing(ON, 42) for each in months] == [
        Standing.MISSING, Standing.OVERDUE, Standing.OVERDUE, Standing.PARTIAL, Standing.NIL, Standing.OVERDUE,
    ]  # fmt: skip
    assert [(each.cases, each.reviewed) for each in months] == [(0, 0), (0, 0), (1, 0), (2, 1), (0, 0), (0, 0)]
    assert [each.month.month for each in overdue(months, on=ON, days=42)] == [7, 10, 11]
    assert months[0].due_on(42) == date(2026, 2, 12)
    assert months[3].sent_at is not None
    assert (len(owed.months), owed.unreviewed) == (6, 1)


def test_a_month_is_overdue_the_day_after_it_is_due(full: House) -> None:
    trust = full.ids["RRV"]
    with full.store.readonly(tenants=(trust,)) as connection:
        month = calendar(connection, (trust,), on=date(2025, 12, 12), months=1)[trust][0]
    assert month.month == date(2025, 11, 1)
    assert month.standing(date(2026, 1, 12), 42) is Standing.MISSING
    assert month.standing(date(2026, 1, 13), 42) is Standing.OVERDUE


def test_before_it_takes_part_an_organisation_owes_nothing(full: House) -> None:
    other = full.ids["RH5"]
    with full.store.readonly(tenants=(other,)) as connection:
        assert calendar(connection, (other,), on=ON, months=24) == {other: []}
        assert yearly(connection, other) == []


def test_years_and_quarters(full: House) -> None:
    board = full.ids["7A4"]
    send(full.store, full.settings, board, [valid("wales_quarter")], kind=RecordKind.WALES_QUARTER)
    send(full.store, full.settings, board, [valid("organisation_profile")], kind=RecordKind.ORGANISATION_PROFILE)
    with full.store.readonly(tenants=(board,)) as connection:
        found = {(each.kind.value, each.period): each.rows for each in yearly(connection, board)}
    assert found == {("wales_quarter", "2025-07-01"): 1, ("organisation_profile", "2024-25"): 1}
    assert years_before(ON, 3) == ("2025-26", "2024-25", "2023-24")
    assert years_before(date(2026, 4, 1), 1) == ("2026-27",)
    assert quarters_before(ON, 2) == (date(2025, 10, 1), date(2025, 7, 1))
    assert next_month(date(2025, 12, 1)) == date(2026, 1, 1)


def test_shares_are_as_counted_by_hand(full: House) -> None:
    trust = the_trust_sends(full)
    with full.store.readonly(tenants=(trust,)) as connection:
        months = {each.month.month: each for each in by_month(connection, trust, on=ON)}
    september, october, january = months[9], months[10], months[1]
    # Sixteen items of a case with a DVT, all answered but "died within 90 days" of October's.
    assert len(asked_items(RecordKind.CASE)) == 16
    assert (september.case_items, september.case_answers) == (32, 32)
    assert (october.case_items, october.case_answers, october.case_share) == (16, 15, 15 / 16)
    # A full review with every item that applies; and one with nothing but its kind.
    assert (september.reviews, september.review_items, september.review_answers) == (1, 19, 19)
    assert (october.reviews, october.review_items, october.review_answers) == (1, 14, 1)
    assert (september.complete_share, october.complete_share) == (0.5, 0.0)
    # Warnings are of the month of receipt: the files came in January.
    assert january.rows == 5
    assert (september.rows, september.warnings_per_100, january.case_share) == (0, None, None)


def test_only_standing_cases_in_scope_are_looked_at(full: House) -> None:
    trust = full.ids["RRV"]
    rows = cases(3)
    rows[0] |= {"vte_type": "superficial", "dvt_site": ""}
    send(full.store, full.settings, trust, rows)
    send(full.store, full.settings, trust, [rows[1] | {"withdraw_reason": "duplicate"}])
    with full.store.readonly(tenants=(trust,)) as connection:
        counted = {each.month: each.cases for each in by_month(connection, trust, on=ON)}
        held = {each.month: each.cases for each in calendar(connection, (trust,), on=ON, months=24)[trust]}
    assert counted[date(2025, 9, 1)] == held[date(2025, 9, 1)] == 1
    assert datetime(2026, 1, 1).date() in counted
