"""The doors for programs, on a real application and a real database."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import psycopg
import pytest
from sqlalchemy import Connection, text
from starlette.testclient import TestClient

from registry import submissions
from registry.access import Role
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.submissions import Door, checking, receiving
from tests.make import cases, csv_bytes, valid_case
from tests.registry.submissions.make import send
from tests.registry.web.programs import program, screened, send_file
from tests.registry.web.visitors import House, house

PROBLEM = "application/problem+json"


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    made = house(settings, store)
    screened(made)
    return made


@pytest.fixture
def client(full: House) -> TestClient:
    return program(full, "RRV")


def counted(body: dict[str, Any]) -> tuple[int, int, int, int]:
    counts = body["counts"]
    return counts["sent"], counts["stored"], counts["unchanged"], counts["refused"]


def work(full: House) -> None:
    keys = Secrets.load(full.settings.secrets_dir, ["master", "match"])
    submissions.work_waiting(full.store, keys, full.settings, datetime.now(UTC))


def count(admin: psycopg.Connection, table: str) -> int:
    row = admin.execute(f"select count(*) from records.{table}").fetchone()
    assert row is not None
    return int(row[0])


# --- sending


def test_a_small_file_is_answered_at_once_with_its_whole_receipt(client: TestClient) -> None:
    answer = send_file(client)
    body = answer.json()
    assert (answer.status_code, body["state"], counted(body)) == (201, "accepted", (3, 3, 0, 0))
    assert answer.headers["location"] == body["links"]["self"]
    assert client.get(body["links"]["self"]).json() == body


def test_a_file_in_a_form_is_the_same_as_the_file_itself(client: TestClient) -> None:
    content = csv_bytes(cases(2))
    first = send_file(client, content, key="k").json()
    asked = "/api/submissions?kind=case&opt_out_screened=true"
    again = client.post(asked, files={"file": ("my cases.csv", content)}, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()) == (200, first)


def test_the_same_key_is_the_same_receipt_and_never_another_file(client: TestClient, admin: psycopg.Connection) -> None:
    first = send_file(client, key="k")
    again = send_file(client, key="k")
    assert (again.status_code, again.json()) == (200, first.json())
    for other in (
        {"content": csv_bytes(cases(4))},
        {"mode": "accept-good-rows"},
        {"rehearsal": "true"},
        {"kind": "rca"},
    ):
        refused = send_file(client, key="k", **other)
        assert (refused.status_code, refused.headers["content-type"]) == (409, PROBLEM)
    assert count(admin, "submission") == 1


def test_a_refused_file_is_a_problem_that_carries_its_receipt(client: TestClient, admin: psycopg.Connection) -> None:
    content = csv_bytes([*cases(2), valid_case(local_case_id="X", sex="no-such-sex")])
    answer = send_file(client, content, key="k")
    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    assert body["errors"][0]["pointer"] == "row 4, column F"
    assert (body["submission"]["state"], counted(body["submission"])) == ("refused", (3, 0, 0, 3))
    assert (count(admin, "case_record"), count(admin, "submission")) == (0, 1)
    assert send_file(client, content, key="k").json() == body
    assert "no-such-sex" not in answer.text


def test_good_rows_are_accepted_beside_faulty_ones_where_the_sender_says_so(client: TestClient) -> None:
    content = csv_bytes([*cases(2), valid_case(local_case_id="X", sex="no-such-sex")])
    answer = send_file(client, content, mode="accept-good-rows")
    assert (answer.status_code, answer.json()["state"], counted(answer.json())) == (
        201,
        "partly_accepted",
        (3, 2, 0, 1),
    )


def test_a_rehearsal_tells_the_difference_and_stores_nothing(client: TestClient, admin: psycopg.Connection) -> None:
    send_file(client, csv_bytes(cases(4)))
    rows = [*cases(2), valid_case(local_case_id="NEW", nhs_number="", nhs_number_reason="overseas")]
    rows[0]["sex"] = "male"
    body = send_file(client, csv_bytes(rows), rehearsal="true").json()
    counts = body["counts"]
    assert (body["state"], counts["new"], counts["changed"], counts["unchanged"], counts["absent"]) == (
        "rehearsed", 1, 1, 1, 2,
    )  # fmt: skip
    assert body["changed_fields"] == {"sex": 1}
    assert count(admin, "case_version") == 4


def test_larger_files_are_received_and_left_to_the_worker(full: House, client: TestClient) -> None:
    few = full.settings.model_copy(update={"small_rows": 10})
    limited = House(few, full.store, full.ids)
    asking = program(limited, "RRV")
    answer = send_file(asking, csv_bytes(cases(11)))
    body = answer.json()
    assert (answer.status_code, body["state"], body["counts"]) == (202, "received", None)
    assert body["progress"] == {"done": None, "total": None}
    assert answer.headers["retry-after"]
    for path in ("annotated_xlsx", "failed_rows_csv"):
        assert body["links"][path] is None
    assert asking.get(f"{body['links']['self']}/annotated.xlsx").status_code == 409
    work(full)
    after = asking.get(answer.headers["location"]).json()
    assert (after["state"], counted(after)) == ("accepted", (11, 11, 0, 0))
    assert send_file(asking, csv_bytes(cases(10))).status_code == 201


def test_what_is_small_is_said_in_bytes_too(full: House) -> None:
    limited = House(full.settings.model_copy(update={"small_bytes": 100}), full.store, full.ids)
    assert send_file(program(limited, "RRV")).status_code == 202


def test_a_receipt_stands_when_the_check_cannot_be_made(
    full: House, client: TestClient, admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as gone:
        gone.setattr(checking, "store_outcome", fail)
        answer = send_file(client, key="k")
    assert (answer.status_code, answer.json()["state"]) == (202, "received")
    assert [count(admin, name) for name in ("submission", "payload", "case_record", "case_version")] == [1, 1, 0, 0]
    again = send_file(client, key="k")
    assert (again.status_code, again.json()["state"], again.json()["id"]) == (200, "accepted", answer.json()["id"])


def test_where_the_connection_is_cut_during_the_check_nothing_is_kept_and_it_may_be_sent_again(
    client: TestClient, admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(connection: Connection, *_: object, **__: object) -> None:
        admin.execute("select pg_terminate_backend(%s)", [connection.scalar(text("select pg_backend_pid()"))])
        connection.execute(text("select 1"))

    with monkeypatch.context() as falling:
        falling.setattr(checking, "store_outcome", cut)
        answer = send_file(client, key="k")
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert count(admin, "submission") == 0
    assert send_file(client, key="k").status_code == 201


def test_no_more_is_taken_while_too_much_of_one_trust_waits(full: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "MOST_WAITING", 1)
    slow = program(House(full.settings.model_copy(update={"small_rows": 1}), full.store, full.ids), "RRV")
    assert send_file(slow, key="first").status_code == 202
    refused = send_file(slow, key="second")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert send_file(slow, key="first").status_code == 202
    assert send_file(program(full, "RH5")).status_code == 201
    work(full)
    assert send_file(slow, key="second").status_code == 202


def test_one_file_from_many_clients_at_once_is_one_submission(full: House, admin: psycopg.Connection) -> None:
    clients = [program(full, "RRV") for _ in range(4)]
    content = csv_bytes(cases(200))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda client: send_file(client, content, key="k"), clients))
    assert {each.status_code for each in answers} <= {200, 201, 202}
    assert len({each.json()["id"] for each in answers}) == 1
    assert (count(admin, "submission"), count(admin, "case_version")) == (1, 200)


# --- what is asked


def test_every_fault_of_the_parameters_is_told_at_once(client: TestClient) -> None:
    answer = send_file(client, kind="cases", format="pdf", mode="some", rehearsal="maybe", surprise="1")
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    pointers = {each["pointer"] for each in answer.json()["errors"]}
    assert pointers == {"kind", "format", "mode", "rehearsal", "query"}
    assert "surprise" not in answer.text


@pytest.mark.parametrize("key", ["", "  ", "x" * 201, "caf\xe9"])
def test_a_file_needs_a_key(client: TestClient, key: str) -> None:
    headers = {b"Content-Type": b"text/csv"} | ({b"Idempotency-Key": key.encode("latin-1")} if key else {})
    answer = client.post("/api/submissions?kind=none", content=b"x", headers=headers)
    assert answer.status_code == 400
    assert {each["pointer"] for each in answer.json()["errors"]} == {"Idempotency-Key", "kind"}


def test_the_opt_out_is_declared_where_the_nation_asks_for_it(full: House, client: TestClient) -> None:
    missing = send_file(client, opt_out_screened="")
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "opt_out_screened")
    wales = program(full, "7A4")
    assert send_file(wales, opt_out_screened="").status_code == 201


def test_a_file_stands_over_what_was_corrected_online_only_where_its_sender_says_so(
    full: House, client: TestClient
) -> None:
    send_file(client)
    corrected = [cases(1)[0] | {"sex": "male"}]
    send(full.store, full.settings, full.ids["RRV"], corrected, door=Door.FORM)
    kept = send_file(client, key="kept").json()
    assert counted(kept) == (3, 0, 3, 0)
    told = client.get(kept["links"]["findings"]).json()["findings"]
    assert [(each["rule"], each["field"]) for each in told if each["field"] == "sex"] == [("HAT-308", "sex")]
    assert counted(send_file(client, key="over", overwrite_online="true").json()) == (3, 1, 2, 0)
    wrong = send_file(client, key="wrong", overwrite_online="perhaps")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "overwrite_online")


def test_the_organisation_is_named_where_there_are_several(full: House) -> None:
    several = program(full, "RRV", "7A4")
    assert send_file(several).json()["errors"][0]["pointer"] == "organisation"
    assert send_file(several, organisation="rrv").json()["organisation"] == "RRV"
    merged = program(full, "RH5")
    assert send_file(merged).json()["organisation"] == "RH5"
    refused = send_file(merged, organisation="RA4").json()["submission"]
    assert (refused["organisation"], refused["state"]) == ("RA4", "refused"), "it was closed when these were admitted"


def test_no_other_organisation_can_be_named(client: TestClient, admin: psycopg.Connection) -> None:
    others = [send_file(client, organisation=code) for code in ("7A4", "RH5", "XXX", "SYSTEM")]
    assert {(each.status_code, each.content) for each in others} == {(404, others[0].content)}
    assert count(admin, "submission") == 0


@pytest.mark.parametrize("media", ["application/json", "image/png", "text/html"])
def test_what_is_no_file_is_not_read(client: TestClient, media: str) -> None:
    answer = send_file(client, b"{}", media=media)
    assert (answer.status_code, answer.headers["content-type"]) == (415, PROBLEM)


def test_the_format_is_told_by_the_content_where_nothing_else_tells_it(client: TestClient) -> None:
    assert send_file(client, media="application/octet-stream").json()["format"] == "csv"
    refused = send_file(client, b"PK\x03\x04 is no whole workbook", media="application/octet-stream").json()
    assert refused["submission"]["format"] == "xlsx"


def test_too_large_a_file_is_refused_before_and_while_it_is_read(full: House) -> None:
    small = program(House(full.settings.model_copy(update={"max_upload_bytes": 100}), full.store, full.ids), "RRV")
    assert send_file(small, b"x" * 101).status_code == 413

    def parts() -> Iterator[bytes]:
        yield from (b"x" * 60, b"x" * 60)

    asked = "/api/submissions?kind=activity"
    headers = {"Idempotency-Key": "k", "Content-Type": "text/csv"}
    assert small.post(asked, content=parts(), headers=headers).status_code == 413
    assert small.post(asked, files={"file": b"x" * 101}, headers={"Idempotency-Key": "k"}).status_code == 413


def test_nothing_is_left_on_the_disk(full: House, client: TestClient) -> None:
    receipt = send_file(client).json()
    send_file(client, b"\xff\x00", key="bad")
    client.get(f"{receipt['links']['self']}/annotated.xlsx")
    assert list((full.settings.data_dir / "spool").iterdir()) == []


def test_what_a_killed_process_left_behind_is_removed(full: House, client: TestClient) -> None:
    import os

    spool = full.settings.data_dir / "spool"
    spool.mkdir(parents=True)
    old, new = spool / "upload-old", spool / "upload-new"
    for path in (old, new):
        path.write_bytes(b"rows")
    os.utime(old, (0, 0))
    send_file(client)
    assert [path.name for path in spool.iterdir()] == ["upload-new"]


# --- reading


def test_the_list_is_paged_from_the_newest(full: House, client: TestClient) -> None:
    sent = [send_file(client).json()["id"] for _ in range(5)]
    path: str | None = "/api/submissions?limit=2"
    seen: list[str] = []
    while path:
        page = client.get(path).json()
        seen += [each["id"] for each in page["submissions"]]
        path = page["next"]
    assert seen == sent[::-1]
    assert client.get(f"/api/submissions?before={uuid4()}").status_code == 404


def test_findings_are_paged_and_hold_no_value(client: TestClient) -> None:
    rows = [row | {"sex": "SECRET-VALUE"} for row in cases(7)]
    body = send_file(client, csv_bytes(rows)).json()["submission"]
    path = f"{body['links']['findings']}?limit=5"
    seen = []
    while path:
        page = client.get(path)
        assert "SECRET" not in page.text
        seen += page.json()["findings"]
        path = page.json()["next"]
    assert len(seen) == body["errors"] + body["warnings"]
    (sex,) = [each for each in body["tallies"] if each["field"] == "sex"]
    assert (sex["count"], sex["severity"]) == (7, "error")
    assert "{" not in sex["mend"]


def test_the_sender_gets_the_rows_back_and_the_log_knows_it(client: TestClient, admin: psycopg.Connection) -> None:
    rows = [*cases(2), valid_case(local_case_id="BAD", sex="no-such-sex")]
    links = send_file(client, csv_bytes(rows)).json()["submission"]["links"]
    listed = client.get(links["findings_csv"])
    assert listed.headers["content-type"].startswith("text/csv")
    failed = client.get(links["failed_rows_csv"])
    assert failed.content.count(b"\r\n") == 2
    assert b"BAD" in failed.content
    book = openpyxl.load_workbook(io.BytesIO(client.get(links["annotated_xlsx"]).content))
    assert book.sheetnames == ["Your rows", "Findings"]
    actions = [
        row[0] for row in admin.execute("select action from records.audit where tenant_id > 0 order by sequence")
    ]
    assert actions[-2:] == ["failed rows read", "annotated workbook read"]


def test_a_file_that_cannot_be_laid_out_is_mended_as_a_whole(client: TestClient) -> None:
    body = send_file(client, b'local_case_id,sex\r\n1,"male\r\n').json()["submission"]
    assert client.get(body["links"]["failed_rows_csv"]).status_code == 409
    assert client.get(body["links"]["annotated_xlsx"]).status_code == 200


def test_deleted_bytes_are_gone(client: TestClient, admin: psycopg.Connection) -> None:
    links = send_file(client).json()["links"]
    admin.execute("delete from records.payload")
    admin.execute("update records.submission set payload_deleted_at = now()")
    for name in ("annotated_xlsx", "failed_rows_csv"):
        assert client.get(links[name]).status_code == 410
    after = client.get(links["self"]).json()
    assert after["links"]["annotated_xlsx"] is None
    assert client.get(links["findings_csv"]).status_code == 200


def test_another_trusts_submission_is_as_absent(full: House, client: TestClient) -> None:
    theirs = send_file(program(full, "RH5")).json()["id"]
    for below in ("", "/findings", "/findings.csv", "/annotated.xlsx", "/failed-rows.csv"):
        hidden = client.get(f"/api/submissions/{theirs}{below}")
        absent = client.get(f"/api/submissions/{uuid4()}{below}")
        assert (hidden.status_code, hidden.content) == (404, absent.content)
    assert client.get(f"/api/submissions?before={theirs}").status_code == 404
    assert client.get("/api/submissions").json()["submissions"] == []


def test_national_roles_see_no_submission(full: House) -> None:
    national = program(full, role=Role.NATIONAL_LEAD)
    for path in ("/api/submissions", f"/api/submissions/{uuid4()}"):
        assert national.get(path).status_code == 404
    assert send_file(national).status_code == 404


def test_who_a_token_is(full: House) -> None:
    me = program(full, "RH5").get("/api/me").json()
    assert (me["kind"], me["roles"]) == ("token", ["trust_uploader"])
    assert [(each["code"], each["closed"], each["declare_opt_out"]) for each in me["organisations"]] == [
        ("RH5", False, True),
        ("RA4", True, True),
    ]


def test_a_signed_in_person_may_use_the_interface_with_the_form_token(full: House) -> None:
    browser = full.signed_in(full.person("nurse", (Role.VTE_NURSE, "RRV")))
    assert send_file(browser).status_code == 403
    from registry.web.forgery import FORM_HEADER
    from tests.registry.web.visitors import token_of

    token = token_of(browser.get("/account"))
    browser.headers[FORM_HEADER] = token
    assert send_file(browser).status_code == 201


# --- the dataset and the description


def test_the_dataset_is_public_and_as_it_was_published(full: House) -> None:
    stranger = full.browser()
    listed = stranger.get("/api/dataset").json()["artefacts"]
    assert {"case.csv", "case-core.xlsx", "case.schema.json", "guide.md"} <= {each["name"] for each in listed}
    from registry.web.api.dataset import PUBLISHED

    for each in listed:
        answer = stranger.get(each["href"])
        assert answer.content == (Path(PUBLISHED) / "1.0" / each["name"]).read_bytes()
        assert len(answer.content) == each["bytes"]


@pytest.mark.parametrize(
    "name", ["1.0/none.csv", "0.9/case.csv", "1.0/..%2f..%2fcase.py", "../case.py", "1.0/.gitattributes"]
)
def test_nothing_else_is_given_as_an_artefact(full: House, name: str) -> None:
    assert full.browser().get(f"/api/dataset/{name}").status_code in (401, 404)


def test_the_description_says_all_that_may_be_asked(full: House) -> None:
    described = full.browser().get("/api/openapi.json").json()
    sending = described["paths"]["/api/submissions"]["post"]
    assert {each["name"] for each in sending["parameters"]} == {
        "kind", "format", "mode", "rehearsal", "organisation", "opt_out_screened", "overwrite_online", "Idempotency-Key",
    }  # fmt: skip
    assert {"200", "201", "202", "422", "4XX", "5XX"} <= set(sending["responses"])
    assert set(sending["requestBody"]["content"]) >= {"text/csv", "multipart/form-data"}
    assert set(described["components"]["securitySchemes"]) == {"token", "session"}
    for path, operations in described["paths"].items():
        for operation in operations.values():
            public = path.startswith("/api/dataset")
            assert operation.get("security") == (None if public else [{"token": []}, {"session": []}]), path
            assert operation["summary"]


def test_what_curl_calls_a_body_is_a_file_too(client: TestClient) -> None:
    assert send_file(client, media="application/x-www-form-urlencoded").status_code == 201
