"""`python -m ingest` with FHIR: the same reading as the registry's, the same numbers of rules, no value on the screen."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fhir_units import batch, bundle, measure_report, ndjson, rca_bundle
from tests.make import ON, cases, valid_activity, valid_case, valid_rca

CANARY = "CanaryWard"


def _run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ingest", *map(str, arguments), "--on", ON.isoformat(), "--synthetic"]
    return subprocess.run(command, capture_output=True, text=True, env={"COLUMNS": "200", "PATH": ""}, check=False)


def _file(folder: Path, resource: dict[str, Any]) -> Path:
    path = folder / "sent.json"
    path.write_text(json.dumps(resource), "utf-8")
    return path


@pytest.mark.parametrize(
    "resource", [bundle(valid_case()), bundle(valid_case(), valid_rca()), rca_bundle(valid_rca()), batch([measure_report(valid_activity())])]
)  # fmt: skip
def test_a_good_unit_of_each_kind(tmp_path: Path, resource: dict[str, Any]) -> None:
    done = _run(_file(tmp_path, resource))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("1 units: 1 stand, 0 do not. 0 errors, 0 warnings.\n")


def test_a_fault_is_shown_at_its_element_without_its_value(tmp_path: Path) -> None:
    done = _run(_file(tmp_path, bundle(valid_case(sex=CANARY, main_specialty=CANARY))))
    assert done.returncode == 1
    assert all(words in done.stdout for words in ("HAT-033", "Bundle.entry[0].resource.gender"))
    assert "1 units: 0 stand, 1 do not. 2 errors" in done.stdout
    assert CANARY not in done.stdout + done.stderr


def test_what_is_no_json_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "sent.json"
    path.write_bytes(b'{"resourceType": "Bundle", ' + CANARY.encode())
    done = _run(path)
    assert done.returncode == 1
    assert "HAT-350" in done.stdout
    assert CANARY not in done.stdout + done.stderr


def test_each_line_of_a_file_stands_or_falls_alone(tmp_path: Path) -> None:
    rows = cases(3)
    rows[1] |= {"birth_date": "1951-02-30"}
    path, out = tmp_path / "sent.ndjson", tmp_path / "outcome.ndjson"
    path.write_bytes(ndjson(bundle(row) for row in rows) + b"\n{\n")
    done = _run(path, "--outcome", out)
    assert done.returncode == 1
    assert "4 units: 2 stand, 2 do not. 2 errors, 0 warnings." in done.stdout
    lines = [json.loads(line) for line in out.read_bytes().splitlines()]
    said = [{part["url"]: part for part in line["extension"][0]["extension"]} for line in lines]
    assert [each["ordinal"]["valuePositiveInt"] for each in said] == [1, 2, 3, 4]
    assert [each["disposition"]["valueCode"] for each in said] == ["accepted", "rejected", "accepted", "rejected"]


def test_what_is_no_record_is_only_looked_at_and_no_line_of_a_file(tmp_path: Path) -> None:
    patient = {"resourceType": "Patient", "gender": "female"}
    for each in (patient, {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}]}):
        done = _run(_file(tmp_path, each))
        assert done.returncode == 0
        assert "HAT-388" in done.stdout
    path = tmp_path / "sent.ndjson"
    path.write_bytes(ndjson([patient]))
    assert "HAT-370" in _run(path).stdout


def test_the_outcome_for_programs(tmp_path: Path) -> None:
    done = _run(_file(tmp_path, bundle(valid_case(sex=CANARY))), "--json")
    outcome = json.loads(done.stdout)
    assert {name: outcome[name] for name in ("units", "standing", "errors", "warnings")} == {
        "units": 1,
        "standing": 0,
        "errors": 1,
        "warnings": 0,
    }
    assert [(each["rule"], each["place"]) for each in outcome["issues"]] == [
        ("HAT-033", "Bundle.entry[0].resource.gender")
    ]


@pytest.mark.parametrize("wrong", [("--findings", "x.csv"), ("--kind", "case")])
def test_what_is_made_of_rows_is_not_made_of_fhir(tmp_path: Path, wrong: tuple[str, str]) -> None:
    assert _run(_file(tmp_path, bundle(valid_case())), *wrong).returncode == 2


def test_an_outcome_of_rows_is_not_offered(tmp_path: Path) -> None:
    path = tmp_path / "sent.csv"
    path.write_text("local_case_id\n")
    assert _run(path, "--outcome", "o").returncode == 2
