"""Reading back: every version as it was, pages that lose and repeat nothing, and never another trust's."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event

from registry import identifiers
from registry.settings import Settings
from registry.store import Store
from registry.submissions import held
from registry.submissions.held import Held, Key, Wanted
from schemas.record import RecordKind
from tests.make import cases, nhs_number, valid_activity, valid_case, valid_rca
from tests.registry.make import make_organisation
from tests.registry.submissions.make import keys, send

CASE, RCA, ACTIVITY = (RecordKind.CASE,), (RecordKind.RCA,), (RecordKind.ACTIVITY,)


@pytest.fixture
def trust(store: Store, settings: Settings) -> int:
    return make_organisation(store, settings, code="RRV")


def all_held(store: Store, wanted: Wanted, limit: int = 100) -> list[Held]:
    with store.readonly(tenants=wanted.tenants) as connection:
        return held.page(connection, wanted, limit=limit)


def only(store: Store, tenant: int, kinds: tuple[RecordKind, ...] = CASE) -> Held:
    (found,) = all_held(store, Wanted(kinds=kinds, tenants=(tenant,)))
    return found


def test_a_record_comes_back_in_its_types_without_what_identifies(store: Store, settings: Settings, trust: int) -> None:
    send(store, settings, trust, [valid_case(ward="Ochterlony Ward", admitted_at="2025-09-01 08:05")])
    found = only(store, trust)
    assert (found.kind, found.tenant_id, found.organisation, found.version) == (RecordKind.CASE, trust, "RRV", 1)
    assert found.values["admission_date"] == date(2025, 9, 1)
    assert found.values["admitted_at"] == datetime(2025, 9, 1, 7, 5, tzinfo=UTC)
    assert not {"nhs_number", "birth_date", "ward"} & found.values.keys()
    assert "Ochterlony" not in repr(found)


def test_codes_and_months_come_back_too(store: Store, settings: Settings, trust: int) -> None:
    send(store, settings, trust, [valid_case()])
    send(store, settings, trust, [valid_rca(contributory_factors="staff|communication")], kind=RecordKind.RCA)
    send(store, settings, trust, [valid_activity()], kind=RecordKind.ACTIVITY)
    assert only(store, trust, RCA).values["contributory_factors"] == ["communication", "staff"]
    assert only(store, trust, ACTIVITY).values["month"] == date(2025, 9, 1)


def test_every_version_is_kept_and_the_newest_comes_first(store: Store, settings: Settings, trust: int) -> None:
    for sex in ("female", "male", "male", "unknown"):
        send(store, settings, trust, [valid_case(sex=sex)])
    record = only(store, trust).id
    with store.readonly(tenants=(trust,)) as connection:
        every = held.versions(connection, CASE, (trust,), record, limit=10)
        earlier = held.versions(connection, CASE, (trust,), record, below=3, limit=1)
        second = held.version(connection, CASE, (trust,), record, 2)
        none = [held.version(connection, CASE, (trust,), record, number) for number in (0, 4, -1)]
    assert [(each.version, each.values["sex"]) for each in every] == [(3, "unknown"), (2, "male"), (1, "female")]
    assert [each.version for each in earlier] == [2]
    assert second == every[1]
    assert none == [None, None, None]


def test_a_withdrawn_record_is_found_by_its_id_alone(store: Store, settings: Settings, trust: int) -> None:
    send(store, settings, trust, [valid_case()])
    record = only(store, trust).id
    send(store, settings, trust, [valid_case(withdraw_reason="not_hat")])
    assert all_held(store, Wanted(kinds=CASE, tenants=(trust,))) == []
    with store.readonly(tenants=(trust,)) as connection:
        found = held.standing(connection, CASE, (trust,), record)
        before = held.version(connection, CASE, (trust,), record, 1)
    assert found is not None
    assert before is not None
    assert (found.version, found.withdrawn, before.withdrawn) == (2, True, False)


def test_another_trusts_record_is_as_one_that_does_not_exist(store: Store, settings: Settings, trust: int) -> None:
    other = make_organisation(store, settings, code="RH5")
    send(store, settings, other, [valid_case()])
    record = only(store, other).id
    for tenants in ((trust,), (trust, other)):
        # The second claims more than its context holds: row-level security stands by itself.
        with store.readonly(tenants=(trust,)) as connection:
            assert held.standing(connection, CASE, tenants, record) is None
            assert held.version(connection, CASE, tenants, record, 1) is None
            assert held.page(connection, Wanted(kinds=CASE, tenants=tenants), limit=9) == []


def test_an_id_is_looked_for_in_every_kind(store: Store, settings: Settings, trust: int) -> None:
    send(store, settings, trust, [valid_case()])
    send(store, settings, trust, [valid_rca()], kind=RecordKind.RCA)
    both = (*CASE, *RCA)
    with store.readonly(tenants=(trust,)) as connection:
        for kinds in (CASE, RCA):
            found = held.standing(connection, both, (trust,), only(store, trust, kinds).id)
            assert found is not None
            assert (found.kind,) == kinds
        assert held.standing(connection, both, (trust,), uuid4()) is None


def test_pages_hold_each_record_once_in_the_order_of_change(store: Store, settings: Settings, trust: int) -> None:
    other = make_organisation(store, settings, code="RH5")
    for tenant in (trust, other):
        send(store, settings, tenant, cases(7))
    send(store, settings, trust, [{**cases(7)[3], "sex": "male"}])
    send(store, settings, trust, [valid_rca(local_case_id="HAT-000003")], kind=RecordKind.RCA)
    wanted = Wanted(kinds=(*CASE, *RCA), tenants=(trust, other))
    found: list[Held] = []
    with store.readonly(tenants=wanted.tenants) as connection:
        while more := held.page(connection, wanted, after=found[-1].place if found else None, limit=4):
            assert len(more) <= 4
            found += more
        assert held.count(connection, wanted) == 15
    assert [each.place for each in found] == sorted(each.place for each in found)
    assert len({each.id for each in found}) == len(found) == 15
    assert [(each.kind, each.version) for each in found[-2:]] == [(RecordKind.CASE, 2), (RecordKind.RCA, 1)]


def test_a_page_costs_as_many_queries_whatever_its_length(store: Store, settings: Settings, trust: int) -> None:
    send(store, settings, trust, cases(30))
    said: list[str] = []
    wanted = Wanted(kinds=CASE, tenants=(trust,))
    with store.readonly(tenants=(trust,)) as connection:
        event.listen(connection, "before_cursor_execute", lambda *given: said.append(given[2]))
        assert [len(held.page(connection, wanted, limit=limit)) for limit in (1, 30)] == [1, 30]
    assert len(said) == 2


def test_records_are_found_by_their_key(store: Store, settings: Settings, trust: int) -> None:
    other = make_organisation(store, settings, code="RH5")
    for tenant in (trust, other):
        send(store, settings, tenant, cases(3))
        send(store, settings, tenant, [valid_activity()], kind=RecordKind.ACTIVITY)
    tenants = (trust, other)

    def found(kinds: tuple[RecordKind, ...], *of: Key) -> list[tuple[str, int]]:
        listed = all_held(store, Wanted(kinds=kinds, tenants=tenants, keys=frozenset(of)))
        return sorted((each.organisation, each.version) for each in listed)

    assert found(CASE, Key("HAT-000001")) == [("RH5", 1), ("RRV", 1)]
    assert found(CASE, Key("HAT-000001", "RRV"), Key("HAT-000002", "RRV")) == [("RRV", 1), ("RRV", 1)]
    assert found(ACTIVITY, Key(date(2025, 9, 1), "RH5")) == [("RH5", 1)]
    assert found(CASE, Key("HAT-9"), Key("hat-000001")) == []
    assert found(CASE) == []


def test_records_are_found_by_when_they_last_changed(store: Store, settings: Settings, trust: int) -> None:
    send(store, settings, trust, cases(2))
    first = all_held(store, Wanted(kinds=CASE, tenants=(trust,)))[0].at
    send(store, settings, trust, [{**cases(2)[1], "sex": "male"}])
    last = all_held(store, Wanted(kinds=CASE, tenants=(trust,)))[1].at
    assert first < last

    def found(since: datetime | None, before: datetime | None) -> list[int]:
        listed = all_held(store, Wanted(kinds=CASE, tenants=(trust,), since=since, before=before))
        return [each.version for each in listed]

    assert found(None, None) == [1, 2]
    assert found(first, None) == [1, 2]
    assert found(first + timedelta(microseconds=1), None) == [2]
    assert found(None, last) == [1]
    assert found(last, last) == []


def test_months_are_found_by_their_period(store: Store, settings: Settings, trust: int) -> None:
    rows = [valid_activity(month=month) for month in ("2025-07", "2025-08", "2025-09")]
    send(store, settings, trust, rows, kind=RecordKind.ACTIVITY)
    wanted = Wanted(kinds=ACTIVITY, tenants=(trust,), months=(date(2025, 8, 1), date(2025, 9, 1)))
    assert [each.values["month"] for each in all_held(store, wanted)] == [date(2025, 8, 1)]


def test_a_persons_cases_and_reviews_are_found_by_the_match_key(store: Store, settings: Settings, trust: int) -> None:
    send(store, settings, trust, cases(5))
    send(store, settings, trust, [valid_rca(local_case_id="HAT-000002")], kind=RecordKind.RCA)
    match = keys(settings)["match"]

    def found(number: str) -> list[tuple[str, str]]:
        wanted = Wanted(kinds=(*CASE, *RCA), tenants=(trust,), person=[identifiers.match_key(match, number)])
        return [(each.kind.value, each.values["local_case_id"]) for each in all_held(store, wanted)]

    assert found(nhs_number(2)) == [("case", "HAT-000002"), ("rca", "HAT-000002")]
    assert found(nhs_number(77)) == []


def test_records_are_found_by_id(store: Store, settings: Settings, trust: int) -> None:
    send(store, settings, trust, cases(3))
    first = all_held(store, Wanted(kinds=CASE, tenants=(trust,)))[0]
    wanted = Wanted(kinds=CASE, tenants=(trust,), ids=frozenset({first.id, UUID(int=0)}))
    assert all_held(store, wanted) == [first]
