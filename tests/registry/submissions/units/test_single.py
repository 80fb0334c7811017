"""One unit in one transaction, on the real database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import orjson
import psycopg
import pytest

from ingest.fhir.reading import read_unit
from registry import submissions
from registry.errors import BadRequest, Conflict, PreconditionFailed, Unavailable
from registry.settings import Settings
from registry.store import Store, audit
from registry.submissions import units
from registry.submissions.units import Refused, Stored
from schemas.finding import rule_id
from schemas.record import RecordKind
from tests.fhir_units import measure_report, rca_bundle
from tests.make import cases, csv_bytes, valid_activity, valid_rca
from tests.registry.make import make_organisation
from tests.registry.submissions.make import AT, keys, receive, send
from tests.registry.submissions.units.make import ODS, bundle_of, named, request, store_one, stored

KEPT = "select (select count(*) from records.{0}) "
TABLES = (
    "submission",
    "payload",
    "finding",
    "tally",
    "unit_outcome",
    "case_record",
    "case_version",
    "rca_record",
    "audit",
)


@pytest.fixture
def tenant(store: Store, settings: Settings) -> int:
    return make_organisation(store, settings, code=ODS)


def kept(admin: psycopg.Connection) -> dict[str, int]:
    counts = {}
    for table in TABLES:
        row = admin.execute(f"select count(*) from records.{table}".encode()).fetchone()
        assert row is not None
        counts[table] = int(row[0])
    return counts


def rules(refused: Stored | Refused) -> list[str]:
    assert isinstance(refused, Refused)
    return [rule_id(each.finding.rule) for each in refused.checked.issues(1) if each.error]


def test_a_case_and_its_review_are_stored_with_bytes_and_response(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    sent = bundle_of(1)
    done = store_one(store, settings, tenant, sent)
    assert isinstance(done, Stored)
    assert not done.replayed
    assert {kind: told[:2] for kind, told in orjson.loads(done.response).items()} == {
        "case": ["new", 1],
        "rca": ["new", 1],
    }
    counts = kept(admin)
    assert (counts["case_record"], counts["rca_record"], counts["payload"], counts["unit_outcome"]) == (1, 1, 1, 1)
    with store.readonly(tenants=(tenant,)) as connection:
        opened = submissions.open_keys(connection, keys(settings), tenant)
        assert b"".join(submissions.stored_bytes(connection, done.reference, opened)) == orjson.dumps(sent)
        receipt = submissions.get(connection, done.reference)
        assert audit.head(connection, tenant).sequence == 1
    assert (receipt.state, receipt.format, receipt.door, receipt.rows, receipt.new) == (
        "accepted",
        "fhir",
        "fhir",
        1,
        1,
    )
    assert admin.execute("select distinct door from records.case_version").fetchall() == [("fhir",)]


def test_a_new_version_is_made_for_what_changed_alone(store: Store, settings: Settings, tenant: int) -> None:
    stored(store, settings, tenant, bundle_of(1))
    assert stored(store, settings, tenant, bundle_of(1, name=2)) == {
        "case": ("unchanged", 1),
        "rca": ("unchanged", 1),
    }
    changed = bundle_of(1, sex="male", birth_date="1950-01-02", name=3)
    assert stored(store, settings, tenant, changed) == {"case": ("changed", 2), "rca": ("unchanged", 1)}
    withdrawn = bundle_of(1, review=False, withdraw_reason="entered_in_error", name=4)
    assert stored(store, settings, tenant, withdrawn) == {"case": ("withdrawn", 3)}
    assert stored(store, settings, tenant, bundle_of(1, review=False, name=5)) == {"case": ("changed", 4)}


def test_the_changed_fields_are_named_sealed_ones_too(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    stored(store, settings, tenant, bundle_of(1, ward="Elm ward"))
    stored(store, settings, tenant, bundle_of(1, ward="Oak ward", sex="male", name=2))
    assert admin.execute("select changed from records.case_version where version = 2").fetchall() == [
        (["sex", "ward"],)
    ]


def test_the_same_as_csv_is_the_same_content(store: Store, settings: Settings, tenant: int) -> None:
    """One digest for both ways: a case that came as FHIR is unchanged when a file brings it, and the other way round."""
    stored(store, settings, tenant, bundle_of(1, review=False))
    rows = cases(2)
    receipt = send(store, settings, tenant, rows[1:])
    assert (receipt.unchanged, receipt.changed) == (1, 0)
    send(store, settings, tenant, rows[:1])
    assert stored(store, settings, tenant, bundle_of(0, review=False)) == {"case": ("unchanged", 1)}


def test_a_repetition_gets_the_response_that_was_given_then(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    first = store_one(store, settings, tenant, bundle_of(1))
    stored(store, settings, tenant, bundle_of(1, sex="male", name=2))
    before = kept(admin)
    again = store_one(store, settings, tenant, bundle_of(1), at=AT + timedelta(days=1))
    assert isinstance(first, Stored)
    assert again == Stored(first.reference, first.response, replayed=True)
    assert kept(admin) == before


def test_the_same_name_for_something_else_is_a_conflict(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    stored(store, settings, tenant, bundle_of(1, name=1))
    before = kept(admin)
    with pytest.raises(Conflict):
        store_one(store, settings, tenant, bundle_of(2, name=1))
    assert kept(admin) == before
    other = make_organisation(store, settings, code="RJ1")
    assert store_one(store, settings, other, bundle_of(1, name=1)) is not None


def test_the_name_of_a_file_is_not_free_for_a_unit(
    store: Store, settings: Settings, tenant: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(csv_bytes(cases(1)))
    receive(store, settings, tenant, path, key=named(1))
    with pytest.raises(Conflict):
        store_one(store, settings, tenant, bundle_of(1, name=1))


@pytest.mark.parametrize(
    ("sent", "rule"),
    [
        (bundle_of(1, sex="what"), "HAT-033"),
        (bundle_of(1, attributed_organisation="R9Z"), "HAT-300"),
        (rca_bundle(valid_rca(local_case_id="HAT-000001"), organisation=ODS), "HAT-304"),
    ],
    ids=["by itself", "against the register", "review without case"],
)
def test_of_a_refused_unit_nothing_is_kept(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection, sent: dict[str, object], rule: str
) -> None:
    before = kept(admin)
    assert rule in rules(store_one(store, settings, tenant, sent))
    assert kept(admin) == before


def test_a_review_that_falls_takes_its_case_with_it(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    """The review of a patient who objected may not come back, so neither does the case that came with it."""
    stored(store, settings, tenant, bundle_of(1))
    objected = valid_rca(local_case_id="HAT-000001", withdraw_reason="objection")
    assert send(store, settings, tenant, [objected], kind=RecordKind.RCA).withdrawn == 1
    before = kept(admin)
    assert rules(store_one(store, settings, tenant, bundle_of(1, sex="male", name=2))) == ["HAT-319"]
    assert kept(admin) == before


def test_warnings_are_listed_and_keep_nothing_out(store: Store, settings: Settings, tenant: int) -> None:
    stored(store, settings, tenant, bundle_of(1))
    same_person = bundle_of(2, nhs_number=str(bundle_of(1)["entry"][0]["resource"]["identifier"][0]["value"]))
    done = store_one(store, settings, tenant, same_person)
    assert isinstance(done, Stored)
    with store.readonly(tenants=(tenant,)) as connection:
        receipt = submissions.get(connection, done.reference)
        listed = submissions.findings(connection, done.reference)
        tallies = submissions.tallies(connection, done.reference)
    assert (receipt.state, receipt.errors, receipt.warnings) == ("accepted", 0, 2)
    assert sorted((each.rule, each.row) for each in listed) == [(105, 1), (309, 1)]
    assert sorted((each.rule, each.count) for each in tallies) == [(105, 1), (309, 1)]


# --- the version that a sender expects


@pytest.mark.parametrize(
    ("tag", "stands"), [('W/"1"', True), ('"1"', True), ("*", True), ('W/"2"', False), ("1", False)]
)
def test_if_match_names_the_version_that_is_held(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection, tag: str, stands: bool
) -> None:
    stored(store, settings, tenant, bundle_of(1, review=False))
    before = kept(admin)
    changed = bundle_of(1, review=False, sex="male", name=2)
    if stands:
        assert stored(store, settings, tenant, changed, if_match=tag) == {"case": ("changed", 2)}
        return
    with pytest.raises(PreconditionFailed):
        store_one(store, settings, tenant, changed, if_match=tag)
    assert kept(admin) == before


@pytest.mark.parametrize("tag", ["*", 'W/"1"', 'W/"0"'])
def test_no_version_is_held_of_what_was_never_sent(store: Store, settings: Settings, tenant: int, tag: str) -> None:
    with pytest.raises(PreconditionFailed):
        store_one(store, settings, tenant, bundle_of(1), if_match=tag)


# --- order


def test_two_at_once_make_two_versions(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    sent = [bundle_of(1, name=number, ward=f"Ward {number}") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda each: stored(store, settings, tenant, each)["case"], sent))
    assert sorted(version for _, version in done) == [1, 2, 3, 4, 5, 6]
    assert admin.execute("select version from records.case_record").fetchall() == [(6,)]


def test_the_same_request_twice_at_once_is_stored_once(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: store_one(store, settings, tenant, bundle_of(1)), range(4)))
    assert all(isinstance(each, Stored) for each in done)
    assert len({each.response for each in done if isinstance(each, Stored)}) == 1
    assert sorted(each.replayed for each in done if isinstance(each, Stored)) == [False, True, True, True]
    assert kept(admin)["submission"] == 1


def test_an_earlier_file_that_waits_comes_first(store: Store, settings: Settings, tenant: int, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(csv_bytes(cases(2)))
    receive(store, settings, tenant, path)
    with pytest.raises(Unavailable):
        store_one(store, settings, tenant, bundle_of(1))
    submissions.work_waiting(store, keys(settings), settings, AT)
    assert stored(store, settings, tenant, bundle_of(1, review=False)) == {"case": ("unchanged", 1)}


def test_the_opt_out_must_be_declared(store: Store, settings: Settings, tenant: int, admin: psycopg.Connection) -> None:
    before = kept(admin)
    with pytest.raises(BadRequest):
        store_one(store, settings, tenant, bundle_of(1), screened=False)
    assert kept(admin) == before
    assert stored(store, settings, tenant, measure_report(valid_activity(), organisation=ODS), screened=False) == {
        "activity": ("new", 1)
    }


# --- validate


def test_validating_says_the_same_and_keeps_nothing(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    before = kept(admin)
    sent = [bundle_of(1), bundle_of(2, attributed_organisation="R9Z"), bundle_of(3, sex="what")]
    read = [read_unit(each, ordinal) for ordinal, each in enumerate(sent, 1)]
    checked = units.validate(store, tenant, read, keys(settings), settings, at=AT)
    assert [[each.finding.rule for each in checked.issues(number) if each.error] for number in (1, 2, 3)] == [
        [],
        [300],
        [33],
    ]
    assert kept(admin) == before


def test_how_much_stands_is_known_of_reviews_that_came_with_cases(
    store: Store, settings: Settings, tenant: int
) -> None:
    """A file of one review afterwards names one of two that are held."""
    stored(store, settings, tenant, bundle_of(1))
    stored(store, settings, tenant, bundle_of(2))
    receipt = send(store, settings, tenant, [valid_rca(local_case_id="HAT-000001")], kind=RecordKind.RCA)
    assert (receipt.unchanged, receipt.absent) == (1, 1)


def test_another_trusts_case_is_another_case(store: Store, settings: Settings, tenant: int) -> None:
    other = make_organisation(store, settings, code="RJ1")
    stored(store, settings, tenant, bundle_of(1))
    assert stored(store, settings, other, bundle_of(1)) == {"case": ("new", 1), "rca": ("new", 1)}


def test_a_refused_response_undoes_all(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    """What goes wrong while the answer is made leaves nothing behind."""
    before = kept(admin)
    content = orjson.dumps(bundle_of(1))
    unit = read_unit(orjson.loads(content))

    def fails(*_: object) -> bytes:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        units.store_unit(store, request(tenant, unit), content, unit, keys(settings), settings, at=AT, respond=fails)
    assert kept(admin) == before
