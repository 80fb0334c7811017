"""`hat submit` with FHIR against a served application on a real database: one Bundle, and files of them as jobs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from registry import client as sending
from registry.__main__ import program
from registry.fhir_client import FhirClient
from registry.store import Store
from tests.conftest import Database
from tests.fhir_units import batch, bundle, measure_report, ndjson
from tests.make import cases, valid_activity, valid_case
from tests.registry.serving import registry_at_its_address, worker
from tests.registry.web import programs
from tests.registry.web.visitors import House

CANARY = "CanaryWard"


@pytest.fixture
def full(database: Database, store: Store, tmp_path: Path) -> Iterator[House]:
    with registry_at_its_address(database, store, tmp_path) as made:
        yield made


@pytest.fixture
def token(full: House) -> str:
    return programs.program(full, "RRV").headers["Authorization"].removeprefix("Bearer ")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "ASK_SECONDS", 0.02)


def _file(folder: Path, resource: dict[str, Any]) -> Path:
    path = folder / "sent.json"
    path.write_text(json.dumps(resource), "utf-8")
    return path


def _many(folder: Path, rows: list[dict[str, str]]) -> Path:
    path = folder / "sent.ndjson"
    path.write_bytes(ndjson(bundle(row, organisation="RRV") for row in rows))
    return path


def _hat(full: House, token: str, *arguments: str | Path) -> Result:
    """`hat submit` with these arguments."""
    given = ["submit", *map(str, arguments), "--url", full.settings.base_url, "--opt-out-screened"]
    environment = {"HAT_TOKEN": token, "COLUMNS": "200"}
    return CliRunner().invoke(program, given, env=environment, catch_exceptions=False)


def _plain(result: Result) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", result.output)


def _held(admin: psycopg.Connection) -> int:
    row = admin.execute("select count(*) from records.case_record").fetchone()
    return 0 if row is None else int(row[0])


def test_a_case_is_taken_once_however_often_it_is_sent(
    full: House, token: str, tmp_path: Path, admin: psycopg.Connection
) -> None:
    path = _file(tmp_path, bundle(valid_case(), organisation="RRV"))
    first, again = _hat(full, token, path), _hat(full, token, path)
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "sent.json: taken. 0 errors." in _plain(first)
    assert "sent.json: sent before; this is the first answer again." in _plain(again)
    assert _held(admin) == 1


def test_a_refused_case_shows_its_faults_without_a_value(
    full: House, token: str, tmp_path: Path, admin: psycopg.Connection
) -> None:
    path, out = _file(tmp_path, bundle(valid_case(sex=CANARY), organisation="RRV")), tmp_path / "outcome.ndjson"
    result = _hat(full, token, path, "--outcome", out)
    assert result.exit_code == 1
    assert all(words in _plain(result) for words in ("HAT-033", "Bundle.entry[0].resource.gender", "refused (4"))
    assert CANARY not in result.output + out.read_text("utf-8")
    assert json.loads(out.read_bytes())["resourceType"] == "OperationOutcome"
    assert _held(admin) == 0


def test_a_rehearsal_keeps_nothing(full: House, token: str, tmp_path: Path, admin: psycopg.Connection) -> None:
    good = _hat(full, token, _file(tmp_path, bundle(valid_case(), organisation="RRV")), "--rehearsal")
    bad = _hat(full, token, _file(tmp_path, bundle(valid_case(sex=CANARY), organisation="RRV")), "--rehearsal")
    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert "checked, nothing was kept. 0 errors." in _plain(good)
    assert "checked, nothing was kept. 1 errors." in _plain(bad)
    assert _held(admin) == 0


def test_a_batch_tells_the_faults_of_each_entry(full: House, token: str, tmp_path: Path) -> None:
    months = [
        measure_report(valid_activity(), organisation="RRV"),
        measure_report(valid_activity(month="2025-08", medical_overnight="-1"), organisation="RRV"),
    ]
    result = _hat(full, token, _file(tmp_path, batch(months)))
    assert result.exit_code == 1
    assert "Bundle.entry[1].resource" in _plain(result)


def test_a_file_of_cases_is_a_job_and_each_stands_alone(
    full: House, token: str, tmp_path: Path, admin: psycopg.Connection
) -> None:
    rows, out = cases(8), tmp_path / "outcome.ndjson"
    rows[3] |= {"main_specialty": CANARY}
    with worker(full.settings, full.store):
        result = _hat(full, token, _many(tmp_path, rows), "--outcome", out)
    assert result.exit_code == 1
    assert "sent.ndjson: 8 units: 7 accepted, 1 rejected. Job " in _plain(result)
    assert "Bundle.entry[3].resource.item" in _plain(result)
    assert CANARY not in result.output + out.read_text("utf-8")
    assert len(out.read_bytes().splitlines()) == 8
    assert _held(admin) == 7


def test_the_same_key_is_the_same_job_and_a_rehearsal_keeps_nothing(
    full: House, token: str, tmp_path: Path, admin: psycopg.Connection
) -> None:
    path, key = _many(tmp_path, cases(3)), "2f0e6c3a-6a0e-4b7e-9b1d-5d2f0c7f9a11"
    with worker(full.settings, full.store):
        tried = _hat(full, token, path, "--rehearsal")
        assert "3 units: 3 accepted." in _plain(tried)
        assert _held(admin) == 0
        results = [_hat(full, token, path, "--key", key) for _ in range(2)]
    assert [each.exit_code for each in results] == [0, 0]
    assert len({_plain(each) for each in results}) == 1
    assert _held(admin) == 3


def test_a_job_that_cannot_run_is_told_in_the_services_words(full: House, tmp_path: Path) -> None:
    result = _hat(full, "hat_wrong_canary", _many(tmp_path, cases(1)))
    assert result.exit_code == 2
    assert result.stderr.startswith("401 ")
    assert "canary" not in result.output


def test_a_place_named_by_the_service_is_asked_for_at_that_service_only(
    full: House, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = {"outcome": [{"url": "https://elsewhere.example/fhir/r4/metadata"}]}
    with FhirClient(full.settings.base_url, token) as client:
        lines = list(client.lines(manifest))
    assert b"CapabilityStatement" in b"".join(lines)


def test_without_kind_a_file_of_rows_is_not_sent(full: House, token: str, tmp_path: Path) -> None:
    path = tmp_path / "sent.csv"
    path.write_text("local_case_id\n")
    result = _hat(full, token, path)
    assert result.exit_code == 2
    assert "--kind" in _plain(result)
