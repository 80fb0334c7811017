"""Files of units over HTTP: sent, worked on, asked about, cancelled; on a real application and a real database."""

import gzip
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import orjson
import psycopg
import pytest
from fhir.resources.R4B import get_fhir_model_class
from starlette.testclient import TestClient

from registry import submissions
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.web.fhir.jobs import MOST_POLLS, NDJSON
from tests.fhir_units import bundle, ndjson
from tests.make import cases, csv_bytes, valid_activity, valid_case, valid_rca
from tests.registry.web.fhir.at_the_door import BASE, CANARY, kept, machine, outcome
from tests.registry.web.programs import program, screened
from tests.registry.web.visitors import House, house

OURS = "RRV"
PATH = f"{BASE}/$submit-cases"


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    made = house(settings, store)
    screened(made)
    return made


@pytest.fixture
def client(full: House) -> TestClient:
    return program(full, OURS)


def file(*changed: dict[str, str], count: int = 3) -> bytes:
    rows = [*cases(count), *(valid_case(local_case_id=f"X-{place}", **each) for place, each in enumerate(changed))]
    return ndjson(bundle(row, organisation=OURS) for row in rows)


def submit(
    client: TestClient, content: bytes, *, key: str = "", media: str = NDJSON, query: str = "", **headers: str
) -> httpx.Response:
    given = {"Content-Type": media, "Submission-Id": key or str(uuid4()), "Opt-Out-Screened": "true"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return client.post(f"{PATH}{query}", content=content, headers=given)


def work(full: House) -> None:
    keys = Secrets.load(full.settings.secrets_dir, ["master", "match"])
    submissions.work_waiting(full.store, keys, full.settings, datetime.now(UTC))


def address(answer: httpx.Response) -> str:
    assert answer.status_code == 202, answer.text
    return answer.headers["content-location"]


def worked_on(full: House, client: TestClient, content: bytes, **asked: str) -> dict[str, Any]:
    """The manifest of a file that was sent and worked on."""
    where = address(submit(client, content, **asked))
    work(full)
    answer = client.get(where)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return] # JSON


def lines(client: TestClient, manifest: dict[str, Any]) -> list[dict[str, Any]]:
    (named,) = manifest["outcome"]
    answer = client.get(named["url"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, NDJSON)
    assert int(answer.headers["content-length"]) == len(answer.content)
    found = [orjson.loads(line) for line in answer.content.splitlines()]
    for each in found:
        get_fhir_model_class("OperationOutcome").model_validate(each)
    return found


def dispositions(found: list[dict[str, Any]]) -> list[str]:
    parts = [{part["url"]: part for part in each["extension"][0]["extension"]} for each in found]
    assert [each["ordinal"]["valuePositiveInt"] for each in parts] == list(range(1, len(found) + 1))
    return [each["disposition"]["valueCode"] for each in parts]


def test_a_file_is_taken_worked_on_and_told_of_unit_by_unit(
    full: House, client: TestClient, admin: psycopg.Connection
) -> None:
    where = address(submit(client, file({"sex": "nothing"}), Prefer="respond-async"))
    waiting = client.get(where)
    assert (waiting.status_code, waiting.content) == (202, b"")
    assert int(waiting.headers["retry-after"]) > 0
    assert waiting.headers["x-progress"]
    work(full)
    done = client.get(where)
    manifest = done.json()
    assert (done.status_code, done.headers["content-type"]) == (200, "application/json")
    assert parsedate_to_datetime(done.headers["expires"]) > datetime.now(UTC)
    assert manifest["extension"]["units"] == {"received": 4, "accepted": 3, "unchanged": 0, "rejected": 1}
    assert (manifest["requiresAccessToken"], manifest["output"]) == (True, [])
    assert dispositions(lines(client, manifest)) == ["accepted"] * 3 + ["rejected"]
    assert kept(admin)["records.case_version"] == 3


def test_the_manifest_names_the_senders_own_number(full: House, client: TestClient) -> None:
    key = str(uuid4())
    manifest = worked_on(full, client, file(), key=key)
    assert manifest["submissionId"] == key
    assert datetime.fromisoformat(manifest["transactionTime"]).tzinfo
    severities = [each["code"] for each in manifest["outcome"][0]["countSeverity"]]
    assert severities == ["information", "warning", "error"]


def test_all_units_refused_is_a_job_that_ended_well(full: House, client: TestClient) -> None:
    manifest = worked_on(full, client, file({"sex": "nothing"}, {"sex": "none"}, count=0))
    assert manifest["extension"]["units"] == {"received": 2, "accepted": 0, "unchanged": 0, "rejected": 2}


def test_the_same_number_is_the_same_job(client: TestClient, admin: psycopg.Connection) -> None:
    key, content = str(uuid4()), file()
    first = address(submit(client, content, key=key))
    before = kept(admin)
    assert address(submit(client, content, key=f"urn:uuid:{key.upper()}")) == first
    assert outcome(submit(client, file(count=2), key=key), 409)[0]["code"] == "conflict"
    assert kept(admin) == before


def test_a_dry_run_stores_nothing_and_tells_everything(
    full: House, client: TestClient, admin: psycopg.Connection
) -> None:
    manifest = worked_on(full, client, file({"sex": "nothing"}), query="?dryrun=true")
    assert manifest["extension"] == {
        "units": {"received": 4, "accepted": 3, "unchanged": 0, "rejected": 1},
        "dryrun": True,
    }
    assert kept(admin)["records.case_record"] == 0


def test_a_file_may_be_packed(full: House, client: TestClient) -> None:
    manifest = worked_on(full, client, gzip.compress(file()), Content_Encoding="gzip")
    assert manifest["extension"]["units"]["accepted"] == 3


def test_rows_of_csv_go_the_same_way(full: House, client: TestClient) -> None:
    rows = [*cases(2), valid_case(local_case_id="X", sex="nothing")]
    manifest = worked_on(full, client, csv_bytes(rows), media="text/csv; charset=utf-8")
    found = lines(client, manifest)
    assert dispositions(found) == ["accepted", "accepted", "rejected"]
    assert "nothing" not in orjson.dumps(found[2]["issue"]).decode()
    reviews = worked_on(
        full,
        client,
        csv_bytes([valid_rca(local_case_id=rows[0]["local_case_id"])]),
        media="text/csv",
        query="?kind=rca",
    )
    assert reviews["extension"]["units"]["accepted"] == 1
    months = worked_on(full, client, csv_bytes([valid_activity()]), media="text/csv", query="?kind=activity")
    assert months["extension"]["units"]["accepted"] == 1


@pytest.mark.parametrize("content", ["a,b\r\n1,2\r\n".encode("utf-16"), b"PK\x03\x04nothing"])
def test_a_file_that_cannot_be_read_at_all(full: House, client: TestClient, content: bytes) -> None:
    where = address(submit(client, content, media="text/csv"))
    work(full)
    assert outcome(client.get(where), 400)


def test_a_line_that_is_no_json_is_a_unit_that_is_refused(full: House, client: TestClient) -> None:
    content = file(count=1) + b'{"resourceType": "' + CANARY.encode() + b"\n" + file(count=1)
    manifest = worked_on(full, client, content)
    found = lines(client, manifest)
    assert dispositions(found)[1] == "rejected"
    assert CANARY not in str(found)


# --- ended by its sender


def test_a_job_is_cancelled_and_is_not_there_any_more(
    full: House, client: TestClient, admin: psycopg.Connection
) -> None:
    where = address(submit(client, file()))
    assert client.delete(where).status_code == 202
    outcome(client.get(where), 404)
    outcome(client.get(f"{where}/outcome.ndjson"), 404)
    outcome(client.delete(where), 404)
    work(full)
    assert kept(admin)["records.case_record"] == 0


def test_what_has_ended_is_not_cancelled(full: House, client: TestClient) -> None:
    where = address(submit(client, file()))
    work(full)
    assert outcome(client.delete(where), 409)
    assert client.get(where).status_code == 200


# --- who, and in what form


def test_a_job_is_its_trusts_alone(full: House, client: TestClient) -> None:
    where = address(submit(client, file()))
    other, stranger = program(full, "RH5"), full.browser()
    for path in (where, f"{where}/outcome.ndjson"):
        assert other.get(path).content == other.get(f"{BASE}/async/{uuid4()}").content
        outcome(other.get(path), 404)
        outcome(stranger.get(path), 401)
    outcome(other.delete(where), 404)


@pytest.mark.parametrize("job", ["x", "00000000-0000-4000-8000-000000000000", "0" * 32, "%7B%7D"])
def test_other_names_lead_nowhere(client: TestClient, job: str) -> None:
    outcome(client.get(f"{BASE}/async/{job}"), 404)
    outcome(client.get(f"{BASE}/async/{job}/outcome.ndjson"), 404)


def test_a_file_sent_to_the_other_door_is_no_job(full: House, client: TestClient) -> None:
    sent = client.post(
        "/api/submissions?kind=case&opt_out_screened=true",
        content=csv_bytes(cases(1)),
        headers={"Content-Type": "text/csv", "Idempotency-Key": "k"},
    )
    outcome(client.get(f"{BASE}/async/{sent.json()['id']}"), 404)


def test_the_outcome_is_given_when_there_is_one(client: TestClient) -> None:
    where = address(submit(client, file()))
    assert outcome(client.get(f"{where}/outcome.ndjson"), 409)[0]["code"] == "conflict"


def test_a_scope_is_needed_by_machine_clients(full: House) -> None:
    where = address(submit(machine(full), file()))
    without = machine(full, scope="system/Bundle.c")
    outcome(submit(without, file()), 403)
    for ask in (without.get, without.delete):
        outcome(ask(where), 403)


def test_whoever_asks_without_end_is_asked_to_wait(client: TestClient) -> None:
    where = address(submit(client, file()))
    answers = [client.get(where) for _ in range(4 * MOST_POLLS)]
    refused = [each for each in answers if each.status_code == 429]
    if (answers[-1].elapsed * len(answers)).total_seconds() < 2:  # a slow machine asks too slowly to be refused
        assert refused
    for each in refused:
        assert outcome(each, 429)[0]["code"] == "throttled"
        assert int(each.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"query": "?organisation=RH5"}, 403),
        ({"query": "?organisation=XX9"}, 403),
        ({"query": f"?organization={CANARY}"}, 400),
        ({"query": f"?dryrun={CANARY}"}, 400),
        ({"query": f"?kind={CANARY}", "media": "text/csv"}, 400),
        ({"query": "?kind=rca"}, 400),
        ({"key": CANARY}, 400),
        ({"media": "application/fhir+json"}, 415),
        ({"media": "application/fhir+xml"}, 415),
        ({"media": "text/csv; charset=utf-16"}, 415),
        ({"Content_Encoding": "br"}, 415),
        ({"Content_Encoding": "gzip"}, 400),
        ({"Opt_Out_Screened": "false"}, 400),
        ({"Accept": "application/xml"}, 406),
    ],
)
def test_what_is_not_taken_is_not_kept(
    client: TestClient, admin: psycopg.Connection, asked: dict[str, str], status: int
) -> None:
    before = kept(admin)
    outcome(submit(client, file(), **asked), status)
    outcome(submit(client, b""), 400)
    assert kept(admin) == before


def test_another_organisations_name_is_answered_like_one_that_nobody_has(client: TestClient) -> None:
    answers = [submit(client, file(), query=f"?organisation={code}").content for code in ("RH5", "XX9")]
    assert answers[0] == answers[1]


def test_whoever_sends_for_several_names_one(full: House) -> None:
    several = program(full, OURS, "RH5")
    outcome(submit(several, file()), 400)
    address(submit(several, file(), query="?organisation=rrv"))


def test_a_file_beyond_the_limit_is_refused(full: House, admin: psycopg.Connection) -> None:
    few = full.settings.model_copy(update={"max_upload_bytes": 10_000})
    client = program(House(few, full.store, full.ids), OURS)
    before = kept(admin)
    for content, headers in ((b"x" * 10_001, {}), (gzip.compress(b"x" * 10_001), {"Content_Encoding": "gzip"})):
        assert outcome(submit(client, content, **headers), 413)[0]["code"] == "too-long"
    assert kept(admin) == before


def test_a_unit_of_another_trust_is_refused_and_the_others_stand(full: House, client: TestClient) -> None:
    content = file(count=1) + ndjson([bundle(valid_case(local_case_id="Y"), organisation="RH5")])
    found = lines(client, worked_on(full, client, content))
    assert dispositions(found) == ["accepted", "rejected"]
    assert found[1]["issue"][0]["code"] == "forbidden"
