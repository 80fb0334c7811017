"""Units settled together: in their order, whole or not at all, and alike however many they are."""

from uuid import uuid4

import polars as pl
import psycopg
import pytest
from sqlalchemy import Connection

from ingest.fhir.checked import CheckedUnits, check_units
from ingest.fhir.reading import read_unit
from registry.settings import Settings
from registry.store import Store, audit
from registry.submissions import Door, Reference
from registry.submissions.order import one_at_a_time
from registry.submissions.request import Record
from registry.submissions.units import Settled, few, many, settle_units, settling
from registry.submissions.units.runs import runs
from registry.submissions.units.trust import open_trust
from schemas.record import RecordKind
from tests.fhir_units import Resource, bundle, rca_bundle
from tests.make import valid_rca
from tests.registry.make import make_organisation
from tests.registry.submissions.make import AT, keys, send
from tests.registry.submissions.units.make import ODS, bundle_of, case_and_review

CASE, RCA = RecordKind.CASE, RecordKind.RCA
ALL = (
    "select {0}_record.local_case_id, {0}_record.version, v.version, v.changed, {0}_record.withdraw_reason "
    "from records.{0}_record join records.{0}_version v on v.record_id = id order by 1, 3"
)


@pytest.fixture
def tenant(store: Store, settings: Settings) -> int:
    return make_organisation(store, settings, code=ODS)


@pytest.fixture(params=["few", "many"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the two ways in which rows are settled, for any number of them."""
    monkeypatch.setattr(settling, "MOST", 0 if request.param == "many" else 1_000_000)
    return str(request.param)


def settle(
    store: Store, settings: Settings, tenant: int, sent: list[Resource], expected: dict[int, int] | None = None
) -> tuple[Settled, CheckedUnits]:
    """Check and settle units in one transaction."""
    read = [read_unit(each, ordinal) for ordinal, each in enumerate(sent, 1)]
    with store.transaction(tenants=(tenant,)) as connection:
        trust = open_trust(connection, keys(settings), tenant)
        checked = check_units(read, trust.context(settings, AT))
        one_at_a_time(connection, tenant, checked.kinds)
        reference = Reference(tenant, uuid4())
        wanted = {} if expected is None else {CASE: expected}
        settled = settle_units(connection, reference, checked, Door.FHIR, trust.keys, wanted)
        audited(connection, reference)
        return settled, checked


def audited(connection: Connection, reference: Reference) -> None:
    """Without an entry the database refuses the commit; whoever calls this in the service writes it."""
    audit.record(
        connection,
        tenant=reference.tenant_id,
        actor="a program",
        role="client",
        action="submission stored",
        object_type="submission",
        object_id=str(reference.id),
    )


def did(settled: Settled, count: int) -> list[Record | None]:
    return [settled.did(ordinal) for ordinal in range(1, count + 1)]


def errors(checked: CheckedUnits, ordinal: int) -> list[int]:
    return [each.finding.rule for each in checked.issues(ordinal) if each.error]


@pytest.mark.usefixtures("way")
def test_what_is_new_changed_unchanged_and_withdrawn_is_told_apart(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    settle(store, settings, tenant, [bundle_of(number) for number in range(1, 5)])
    sent = [
        bundle_of(1),
        bundle_of(2, sex="male", ward="Elm ward"),
        bundle_of(3, review=False, withdraw_reason="duplicate"),
        bundle_of(5),
        bundle_of(6, review=False, withdraw_reason="entered_in_error"),
        bundle_of(7, sex="what"),
    ]
    settled, _ = settle(store, settings, tenant, sent)
    assert did(settled, 6) == [Record.UNCHANGED, Record.CHANGED, Record.WITHDRAWN, Record.NEW, Record.WITHDRAWN, None]
    assert settled.gained == {CASE: 0, RCA: 1}
    assert settled.changed_fields == {"sex": 1, "ward": 1, "withdraw_reason": 1}
    versions = [settled.standing(CASE, ordinal) for ordinal in range(1, 6)]
    assert [each.version for each in versions if each is not None] == [1, 2, 2, 1, 1]
    held = admin.execute("select id, version from records.case_record order by local_case_id").fetchall()
    told = {(each.record_id, each.version) for each in versions if each is not None}
    assert told <= set(held)
    settled, _ = settle(store, settings, tenant, [bundle_of(3)])
    assert (did(settled, 1), settled.gained[CASE]) == ([Record.CHANGED], 1)


@pytest.mark.usefixtures("way")
def test_a_review_sees_the_case_of_its_own_unit(store: Store, settings: Settings, tenant: int) -> None:
    """Also what that case says now: the review is judged after the diagnosis as corrected."""
    settle(store, settings, tenant, [bundle_of(1)])
    later = bundle_of(1, diagnosis_date="2025-11-20", admission_date="2025-11-01", discharge_date="2025-11-09")
    settled, checked = settle(store, settings, tenant, [later])
    assert settled.did(1) is Record.CHANGED
    assert 316 in [each.finding.rule for each in checked.issues(1)]


@pytest.mark.usefixtures("way")
def test_units_that_fell_take_nothing_with_them(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    """A review that may not stand takes its own case with it, and the reviews of that case, and nothing else."""
    settle(store, settings, tenant, [bundle_of(2)])
    objected = valid_rca(local_case_id="HAT-000002", withdraw_reason="objection")
    send(store, settings, tenant, [objected], kind=RCA)
    case, _ = case_and_review(3)
    review_of_unknown = bundle(case, valid_rca(local_case_id="HAT-000003"), organisation=ODS)
    sent = [bundle_of(1), bundle_of(2, sex="male"), review_of_unknown]
    settled, checked = settle(store, settings, tenant, sent)
    assert did(settled, 3) == [Record.NEW, None, Record.NEW]
    assert [errors(checked, ordinal) for ordinal in (1, 2, 3)] == [[], [319], []]
    assert admin.execute(ALL.format("case").encode()).fetchall() == [
        ("HAT-000001", 1, 1, None, None),
        ("HAT-000002", 1, 1, None, None),
        ("HAT-000003", 1, 1, None, None),
    ]


@pytest.mark.usefixtures("way")
def test_a_review_whose_case_fell_with_another_unit_falls_too(store: Store, settings: Settings, tenant: int) -> None:
    settle(store, settings, tenant, [bundle_of(1)])
    send(store, settings, tenant, [valid_rca(local_case_id="HAT-000001", withdraw_reason="objection")], kind=RCA)
    send(store, settings, tenant, [case_and_review(1)[0] | {"withdraw_reason": "duplicate"}])
    alone = rca_bundle(valid_rca(local_case_id="HAT-000009"), organisation=ODS)
    settled, checked = settle(store, settings, tenant, [bundle_of(1, sex="male"), alone])
    assert did(settled, 2) == [None, None]
    assert (errors(checked, 1), errors(checked, 2)) == ([319], [304])


@pytest.mark.usefixtures("way")
def test_a_later_unit_corrects_an_earlier_one(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    sent = [
        bundle_of(1, ward="First"),
        bundle_of(2),
        bundle_of(1, ward="Second"),
        bundle_of(1, ward="Third", review=False),
    ]
    settled, _ = settle(store, settings, tenant, sent)
    assert did(settled, 4) == [Record.NEW, Record.NEW, Record.CHANGED, Record.CHANGED]
    assert admin.execute(ALL.format("case").encode()).fetchall() == [
        ("HAT-000001", 3, 1, None, None),
        ("HAT-000001", 3, 2, ["ward"], None),
        ("HAT-000001", 3, 3, ["ward"], None),
        ("HAT-000002", 1, 1, None, None),
    ]


@pytest.mark.usefixtures("way")
def test_a_review_before_its_case_has_none(store: Store, settings: Settings, tenant: int) -> None:
    review = rca_bundle(valid_rca(local_case_id="HAT-000001"), organisation=ODS)
    settled, checked = settle(store, settings, tenant, [review, bundle_of(1, review=False), review])
    assert did(settled, 3) == [None, Record.NEW, Record.NEW]
    assert errors(checked, 1) == [304]


@pytest.mark.usefixtures("way")
def test_a_unit_that_expects_another_version_is_left_out(store: Store, settings: Settings, tenant: int) -> None:
    settle(store, settings, tenant, [bundle_of(1), bundle_of(2)])
    sent = [bundle_of(1, sex="male"), bundle_of(2, sex="male"), bundle_of(3)]
    settled, _ = settle(store, settings, tenant, sent, {1: 1, 2: 7, 3: 1})
    assert did(settled, 3) == [Record.CHANGED, None, None]
    assert settled.stale == {2, 3}


@pytest.mark.parametrize("work", [few.Few, many.Many])
def test_both_ways_find_the_same(
    store: Store, settings: Settings, tenant: int, work: type[few.Few | many.Many]
) -> None:
    """What the register says and what it holds afterwards does not depend on the number of rows."""
    settle(store, settings, tenant, [bundle_of(1), bundle_of(2)])
    rows = [
        bundle_of(1, name=5, sex="male"),
        bundle_of(3, attributed_organisation="R9Z"),
        bundle_of(4, transferred_from="R9Y"),
    ]
    read = [read_unit(each, ordinal) for ordinal, each in enumerate(rows, 1)]
    with store.transaction(tenants=(tenant,)) as connection:
        trust = open_trust(connection, keys(settings), tenant)
        checked = check_units(read, trust.context(settings, AT))
        one_at_a_time(connection, tenant, [CASE])
        reference = Reference(tenant, uuid4())
        opened = work(connection, CASE, checked.standing(CASE), reference, Door.FHIR, trust.keys)
        found = opened.findings().select("row", "rule").rows()
        assert found == [(2, 300), (3, 301)]
        opened.leave_out(pl.Series("row", [2], dtype=pl.UInt32))
        assert opened.held() == {1: 1}
        settled = opened.settle()
        audited(connection, reference)
    assert {number: (each.version, each.did) for number, each in settled.standings.items()} == {
        1: (2, Record.CHANGED),
        3: (1, Record.NEW),
    }
    assert (settled.gained, dict(settled.changed_fields)) == (1, {"sex": 1})


def frames(cases: list[str], reviews: list[str | None]) -> dict[RecordKind, pl.DataFrame]:
    """Units of a case each, and reviews by the unit's place."""
    held = [(place, number) for place, number in enumerate(reviews, 1) if number is not None]
    return {
        CASE: pl.DataFrame(
            {"row": range(1, len(cases) + 1), "local_case_id": cases}, schema_overrides={"row": pl.UInt32}
        ),
        RCA: pl.DataFrame(held, schema={"row": pl.UInt32, "local_case_id": pl.String}, orient="row"),
    }


@pytest.mark.parametrize(
    ("cases", "reviews", "rows"),
    [
        (["a", "b", "c"], ["a", "b", "c"], [[1, 2, 3]]),
        (["a", "b", "a", "c", "a"], [], [[1, 2], [3, 4], [5]]),
        (["a", "b", "c"], ["b", None, None], [[1], [2, 3]]),
        (["a", "b", "c"], [None, "a", None], [[1, 2, 3]]),
        (["a", "b", "c"], [None, "a", "a"], [[1, 2], [3]]),
    ],
)
def test_a_run_ends_where_a_record_comes_again(
    cases: list[str], reviews: list[str | None], rows: list[list[int]]
) -> None:
    found = list(runs(frames(cases, reviews)))
    assert [each[CASE]["row"].to_list() for each in found] == rows
