"""Files of units from receipt to manifest, on the real database."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from ingest.fhir.lines import LONGEST
from registry import submissions
from registry.access import Actor, Kind
from registry.errors import Conflict, NotFound
from registry.settings import Settings
from registry.store import Store
from registry.submissions import Format, Mode, State, again, units
from registry.submissions.units import batch, lines, sheet
from registry.submissions.units.batch import Batch
from schemas.record import RecordKind
from tests.fhir_units import bundle, measure_report, ndjson, rca_bundle
from tests.make import cases, csv_bytes, valid_activity, valid_case, valid_rca
from tests.registry.make import make_organisation
from tests.registry.submissions.make import AT, keys, send
from tests.registry.submissions.units.make import ODS, bundle_of, codes, look, source, store_one, submit, work


@pytest.fixture
def tenant(store: Store, settings: Settings) -> int:
    return make_organisation(store, settings, code=ODS)


@pytest.fixture(params=[2_000, 3], ids=["one chunk", "chunks of three"])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many units are committed together."""
    for module in (batch, lines, sheet):
        monkeypatch.setattr(module, "CHUNK", request.param)
    return int(request.param)


def count(admin: psycopg.Connection, what: str) -> int:
    row = admin.execute(f"select count(*) from {what}".encode()).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.usefixtures("chunk")
def test_every_unit_has_a_line_in_its_place(store: Store, settings: Settings, tenant: int) -> None:
    store_one(store, settings, tenant, bundle_of(1))
    sent = [bundle_of(number) for number in range(8)]
    sent[2] = bundle_of(2, sex="what")
    sent[5] = bundle_of(5, attributed_organisation="R9Z")
    ended = work(store, settings, tenant, ndjson(sent))
    told = [source(line) for line in ended.lines]
    assert [(ordinal, identifier) for ordinal, identifier, _ in told] == [
        (number + 1, f"HAT-{number:06d}") for number in range(8)
    ]
    assert [disposition for *_, disposition in told] == [
        "accepted", "unchanged", "rejected", "accepted", "accepted", "rejected", "accepted", "accepted",
    ]  # fmt: skip
    assert (codes(ended.lines[2])[0], codes(ended.lines[5])[0]) == ("HAT-033", "HAT-300")
    assert (ended.counts, ended.status.state) == ((8, 5, 1, 2), State.PARTLY_ACCEPTED)
    assert (ended.status.issues["error"], ended.status.unreadable, ended.status.finished) == (2, False, True)


def test_the_receipt_counts_units_and_lists_what_was_found(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection, chunk: int
) -> None:
    sent = [*(bundle_of(number) for number in range(5)), bundle_of(9, sex="what"), bundle_of(1, ward="Elm")]
    ended = work(store, settings, tenant, ndjson(sent))
    with store.readonly(tenants=(tenant,)) as connection:
        receipt = submissions.get(connection, ended.status.reference)
        listed = submissions.findings(connection, ended.status.reference)
        tallies = submissions.tallies(connection, ended.status.reference)
        faulty = submissions.faulty_rows(connection, ended.status.reference)
    assert (receipt.rows, receipt.new, receipt.changed, receipt.refused) == (7, 5, 1, 1)
    assert (receipt.changed_fields, receipt.absent, receipt.waiting) == ({"ward": 1}, None, False)
    assert [each.row for each in listed if each.rule == 33] == [6]
    assert [(each.field, each.count) for each in tallies if each.rule == 33] == [("sex", 1)]
    assert faulty == [6]
    assert (count(admin, "records.case_record"), count(admin, "records.rca_record")) == (5, 5)
    chunks = -(-len(sent) // chunk)
    assert count(admin, "records.audit") == 2 + chunks  # the receipt, each chunk, the outcome


def test_lines_that_are_no_unit_are_rejected_and_blank_ones_are_none(
    store: Store, settings: Settings, tenant: int
) -> None:
    long = b'{"resourceType": "Bundle", "x": "' + b"x" * LONGEST + b'"}\n'
    sent = [
        b"\xef\xbb\xbf",
        ndjson([bundle_of(1)]),
        b"\r\n  \n{not json\n",
        long,
        b"[]\n",
        b'{"resourceType":"Patient"}\n',
    ]
    content = b"".join([*sent, ndjson([bundle_of(2)])[:-1]])
    ended = work(store, settings, tenant, content)
    assert [source(line)[2] for line in ended.lines] == ["accepted", *["rejected"] * 4, "accepted"]
    assert [codes(line)[0] for line in ended.lines[1:4]] == ["HAT-350", "HAT-385", "HAT-357"]
    assert "HAT-385" not in codes(ended.lines[5])


@pytest.mark.parametrize("content", [b"\n \n", "{}\n".encode("utf-16"), b"<Bundle/>\n"], ids=["blank", "utf-16", "xml"])
def test_a_file_that_is_none_is_refused_whole(store: Store, settings: Settings, tenant: int, content: bytes) -> None:
    ended = work(store, settings, tenant, content)
    assert (ended.status.state, ended.status.unreadable, ended.counts) == (State.REFUSED, True, (0, 0, 0, 0))
    assert len(ended.lines) == 1
    assert ended.lines[0]["issue"][0]["severity"] == "error"


def test_reviews_and_returns_come_in_files_too(store: Store, settings: Settings, tenant: int) -> None:
    store_one(store, settings, tenant, bundle_of(1, review=False))
    review = rca_bundle(valid_rca(local_case_id="HAT-000001"), organisation=ODS)
    returned = measure_report(valid_activity(), organisation=ODS)
    ended = work(store, settings, tenant, ndjson([review, returned]))
    assert ended.counts == (2, 2, 0, 0)


def test_a_unit_for_another_organisation_is_rejected(store: Store, settings: Settings, tenant: int) -> None:
    ended = work(store, settings, tenant, ndjson([bundle(valid_case(), organisation="RXX")]))
    assert (ended.counts, codes(ended.lines[0])[0]) == ((1, 0, 0, 1), "HAT-383")


# --- rehearsal


@pytest.mark.usefixtures("chunk")
def test_a_dry_run_says_what_would_be_and_stores_nothing(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    """Also what depends on an earlier chunk: reviews whose cases come first."""
    sent = [bundle_of(number, review=False) for number in range(6)]
    sent += [rca_bundle(valid_rca(local_case_id=f"HAT-{number:06d}"), organisation=ODS) for number in range(7)]
    ended = work(store, settings, tenant, ndjson(sent), rehearsal=True)
    assert (ended.status.state, ended.counts) == (State.REHEARSED, (13, 12, 0, 1))
    assert count(admin, "records.case_record") + count(admin, "records.rca_record") == 0
    real = work(store, settings, tenant, ndjson(sent))
    assert real.lines == ended.lines
    assert (real.status.state, real.counts) == (State.PARTLY_ACCEPTED, ended.counts)


# --- rows


@pytest.mark.usefixtures("chunk")
def test_rows_of_a_csv_are_units(store: Store, settings: Settings, tenant: int) -> None:
    rows = [*cases(7), valid_case(local_case_id="X", sex="what")]
    ended = work(store, settings, tenant, csv_bytes(rows), format=Format.CSV)
    told = [source(line) for line in ended.lines]
    assert told == [
        *((number + 1, f"HAT-{number:06d}", "accepted") for number in range(7)), (8, "X", "rejected"),
    ]  # fmt: skip
    columns = [
        each["valueString"]
        for issue in ended.lines[7]["issue"]
        for each in issue["extension"]
        if each["url"].endswith("hat-csv-column")
    ]
    assert columns[0] == "sex"
    with store.readonly(tenants=(tenant,)) as connection:
        assert submissions.faulty_rows(connection, ended.status.reference) == [9]


@pytest.mark.usefixtures("chunk")
def test_what_only_the_whole_file_shows_is_known_from_the_first_row(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    """A repeated key and a month-first date at the end keep out rows of the first chunk."""
    rows = cases(8)
    rows[7]["local_case_id"] = rows[0]["local_case_id"]
    ended = work(store, settings, tenant, csv_bytes(rows), format=Format.CSV)
    dispositions = [source(line)[2] for line in ended.lines]
    assert dispositions == ["rejected", *["accepted"] * 6, "rejected"]
    assert "HAT-090" in codes(ended.lines[0])
    slashed = [row | {"diagnosis_date": "05/09/2025"} for row in cases(8)]
    slashed[7]["diagnosis_date"] = "09/20/2025"
    ended = work(store, settings, tenant, csv_bytes(slashed), format=Format.CSV)
    assert ended.counts == (8, 0, 0, 8)
    assert count(admin, "records.case_version where diagnosis_date = '2025-09-05'") == 0


def test_a_csv_without_its_headings_is_refused_whole(store: Store, settings: Settings, tenant: int) -> None:
    ended = work(store, settings, tenant, b"a,b\r\n1,2\r\n", format=Format.CSV)
    assert (ended.status.state, ended.status.unreadable, len(ended.lines)) == (State.REFUSED, True, 1)


def test_what_is_said_of_a_readable_csv_as_a_whole_is_in_its_receipt(
    store: Store, settings: Settings, tenant: int
) -> None:
    rows = [row | {"colour": "red"} for row in cases(2)]
    ended = work(store, settings, tenant, csv_bytes(rows), format=Format.CSV)
    assert (ended.counts, ended.status.unreadable, len(ended.lines)) == ((2, 2, 0, 0), False, 2)
    with store.readonly(tenants=(tenant,)) as connection:
        listed = submissions.findings(connection, ended.status.reference)
    assert [each.heading for each in listed if each.row is None] == ["colour"] or listed[0].heading == "colour"


# --- how far, and the end before the end


class Stopped(Exception):  # noqa: N818 (it is no error, it stands for a kill)
    pass


def _stop_after(monkeypatch: pytest.MonkeyPatch, chunks: int) -> None:
    """Let the reading end, as a kill would, after so many chunks."""
    real = lines.Units.batches

    def some(held: lines.Units, after: int) -> Iterator[Batch]:
        for number, each in enumerate(real(held, after)):
            if number == chunks:
                raise Stopped
            yield each

    monkeypatch.setattr(lines.Units, "batches", some)


def _started(
    store: Store, settings: Settings, tenant: int, monkeypatch: pytest.MonkeyPatch, units_sent: int, chunks: int
) -> submissions.Reference:
    monkeypatch.setattr(lines, "CHUNK", 2)
    reference = submit(store, settings, tenant, ndjson([bundle_of(number) for number in range(units_sent)]))
    with monkeypatch.context() as inside:
        _stop_after(inside, chunks)
        with pytest.raises(Stopped):
            units.work_job(store, reference, keys(settings), settings, at=AT)
    return reference


def test_it_goes_on_after_the_last_unit_that_has_an_outcome(
    store: Store, settings: Settings, tenant: int, monkeypatch: pytest.MonkeyPatch, admin: psycopg.Connection
) -> None:
    reference = _started(store, settings, tenant, monkeypatch, 7, 2)
    halfway = look(store, reference)
    assert (halfway.status.finished, halfway.status.done, halfway.status.total) == (False, 4, 7)
    assert count(admin, "records.case_record") == 4
    assert units.work_job(store, reference, keys(settings), settings, at=AT) is State.ACCEPTED
    ended = look(store, reference)
    assert [source(line)[0] for line in ended.lines] == [1, 2, 3, 4, 5, 6, 7]
    assert (ended.counts, count(admin, "records.case_version")) == ((7, 7, 0, 0), 7)
    assert units.work_job(store, reference, keys(settings), settings, at=AT) is None


def test_a_cancelled_job_stores_no_more(
    store: Store, settings: Settings, tenant: int, monkeypatch: pytest.MonkeyPatch, admin: psycopg.Connection
) -> None:
    reference = _started(store, settings, tenant, monkeypatch, 7, 1)
    assert units.cancel(store, reference, actor="a system", role="trust_system", at=AT)
    assert not units.cancel(store, reference, actor="a system", role="trust_system", at=AT)
    assert submissions.work_waiting(store, keys(settings), settings, AT) == {}
    assert count(admin, "records.case_record") == 2
    ended = look(store, reference)
    assert (ended.status.state, ended.counts, len(ended.lines)) == (State.CANCELLED, (2, 2, 0, 0), 2)
    with store.readonly(tenants=(tenant,)) as connection:
        assert (receipt := submissions.get(connection, reference)).rows == 2, receipt
        with pytest.raises(NotFound):
            units.find_job(connection, [tenant], reference.id)


def test_a_job_that_is_cancelled_while_it_is_worked_on_ends(
    store: Store, settings: Settings, tenant: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "CHUNK", 2)
    reference = submit(store, settings, tenant, ndjson([bundle_of(number) for number in range(6)]))
    real = lines.Units.batches

    def cancelling(held: lines.Units, after: int) -> Iterator[Batch]:
        for number, each in enumerate(real(held, after)):
            if number == 1:
                assert units.cancel(store, reference, actor="a system", role="trust_system", at=AT)
            yield each

    monkeypatch.setattr(lines.Units, "batches", cancelling)
    assert units.work_job(store, reference, keys(settings), settings, at=AT) is None
    assert look(store, reference).counts == (2, 2, 0, 0)


def test_two_workers_share_no_unit(
    store: Store, settings: Settings, tenant: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a second one gets hold of a job all the same, the first stops."""
    monkeypatch.setattr(lines, "CHUNK", 2)
    reference = submit(store, settings, tenant, ndjson([bundle_of(number) for number in range(6)]))
    real = lines.Units.batches
    calls: list[int] = []

    def overtaken(held: lines.Units, after: int) -> Iterator[Batch]:
        calls.append(after)
        mine = len(calls) == 1
        for number, each in enumerate(real(held, after)):
            if mine and number == 1:
                assert units.work_job(store, reference, keys(settings), settings, at=AT) is State.ACCEPTED
            yield each

    monkeypatch.setattr(lines.Units, "batches", overtaken)
    assert units.work_job(store, reference, keys(settings), settings, at=AT) is None
    assert calls == [0, 2]
    assert [source(line)[0] for line in look(store, reference).lines] == [1, 2, 3, 4, 5, 6]


def test_what_a_worker_has_in_hand_no_other_takes(store: Store, settings: Settings, tenant: int) -> None:
    reference = submit(store, settings, tenant, ndjson([bundle_of(1)]))
    with store.alone(f"submission {reference.id}") as ours:
        assert ours
        with store.alone(f"submission {reference.id}") as theirs:
            assert not theirs
        assert submissions.work_waiting(store, keys(settings), settings, AT) == {}
    assert submissions.work_waiting(store, keys(settings), settings, AT) == {"accepted": 1}


def test_tries_that_lead_nowhere_end_it_and_what_is_stored_stays(
    store: Store, settings: Settings, tenant: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = _started(store, settings, tenant, monkeypatch, 6, 1)

    def broken(*_: object) -> Iterator[Batch]:
        raise ValueError

    monkeypatch.setattr(lines.Units, "batches", broken)
    ended: dict[str, int] = {}
    for _ in range(12):
        ended |= submissions.work_waiting(store, keys(settings), settings, AT)
    assert ended == {"failed": 1}
    told = look(store, reference)
    assert (told.status.state, told.counts) == (State.FAILED, (2, 2, 0, 0))


# --- order, keys, and what is no job


def test_files_of_either_form_wait_for_each_other(store: Store, settings: Settings, tenant: int) -> None:
    """A CSV of cases or reviews comes after a FHIR file that came before it, and the other way round."""
    first = submit(store, settings, tenant, ndjson([bundle_of(1, ward="Fhir")]))
    receipt = send(store, settings, tenant, [valid_case(local_case_id="HAT-000001")], at=AT + timedelta(minutes=1))
    assert receipt.state == "received"
    later = submit(store, settings, tenant, ndjson([bundle_of(1, ward="Last")]), at=AT + timedelta(minutes=2))
    units_done = submissions.work_waiting(store, keys(settings), settings, AT)
    assert units_done == {"accepted": 3}
    assert [look(store, each).counts for each in (first, later)] == [(1, 1, 0, 0)] * 2
    other = send(store, settings, tenant, [valid_activity(month="2025-08")], kind=RecordKind.ACTIVITY)
    assert other.state == "accepted"


def test_the_same_key_is_the_same_job(store: Store, settings: Settings, tenant: int) -> None:
    content = ndjson([bundle_of(1)])
    first = submit(store, settings, tenant, content, key="k")
    assert submit(store, settings, tenant, content, key="k", at=AT + timedelta(minutes=1)) == first
    with pytest.raises(Conflict):
        submit(store, settings, tenant, ndjson([bundle_of(2)]), key="k")


def test_a_file_and_a_single_unit_are_no_jobs(store: Store, settings: Settings, tenant: int) -> None:
    receipt = send(store, settings, tenant, cases(1))
    done = store_one(store, settings, tenant, bundle_of(5))
    assert isinstance(done, units.Stored)
    job = submit(store, settings, tenant, ndjson([bundle_of(6)]))
    other = make_organisation(store, settings, code="RJ1")
    with store.readonly(tenants=(tenant, other)) as connection:
        for no_job in (receipt.id, done.reference.id, uuid4()):
            with pytest.raises(NotFound):
                units.find_job(connection, [tenant, other], no_job)
        with pytest.raises(NotFound):
            units.find_job(connection, [other], job.id)
        assert units.find_job(connection, [tenant, other], job.id) == job


def test_a_rehearsed_file_is_stored_from_its_bytes_in_chunks(
    store: Store, settings: Settings, tenant: int, tmp_path: Path
) -> None:
    """As from the page that shows what it would do."""
    content = ndjson([bundle_of(1), bundle_of(2)])
    rehearsed = work(store, settings, tenant, content, rehearsal=True).status.reference
    by = Actor(Kind.PERSON, uuid4(), "A Nurse", frozenset())
    with store.transaction(tenants=(tenant,)) as connection:
        opened = submissions.open_keys(connection, keys(settings), tenant)
        wanted = again.storing(connection, rehearsed, opened, mode=Mode.ACCEPT_GOOD_ROWS, by=by)
        path = tmp_path / "again"
        path.write_bytes(b"".join(submissions.stored_bytes(connection, rehearsed, opened)))
        reference = submissions.receive(connection, wanted, opened, path, at=AT)
        assert submissions.check(connection, reference, keys(settings), settings, at=AT) is None
        with pytest.raises(Conflict):
            again.rehearsing(connection, rehearsed, opened, by=by)
    assert submissions.work_waiting(store, keys(settings), settings, AT) == {"accepted": 1}
    assert look(store, reference).counts == (2, 2, 0, 0)
