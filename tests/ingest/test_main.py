"""`python -m ingest` as a program: its exit codes, what it prints and what it writes."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from tests.make import ON, cases, csv_bytes, valid_activity

CANARY = "CanaryWard"


def _run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ingest", *map(str, arguments), "--on", ON.isoformat(), "--synthetic"]
    return subprocess.run(command, capture_output=True, text=True, env={"COLUMNS": "200", "PATH": ""}, check=False)


def _file(folder: Path, rows: list[dict[str, str]]) -> Path:
    path = folder / "sent.csv"
    path.write_bytes(csv_bytes(rows))
    return path


def _spoilt(folder: Path) -> Path:
    rows = cases(3)
    rows[1] |= {"sex": CANARY, "local_case_id": f"=HYPERLINK({CANARY})"}
    return _file(folder, rows)


def test_a_file_without_fault(tmp_path: Path) -> None:
    done = _run(_file(tmp_path, cases(3)))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split("\n") == ["3 rows of case: 3 stand, 0 do not. 0 errors, 0 warnings.", ""]


def test_a_fault_is_shown_at_its_place_without_its_value(tmp_path: Path) -> None:
    done = _run(_spoilt(tmp_path))
    assert done.returncode == 1
    assert all(words in done.stdout for words in ("HAT-033", "│ F ", "sex", "Use one of: Male; Female"))
    assert "3 rows of case: 2 stand, 1 do not. 1 errors, 0 warnings." in done.stdout
    assert CANARY not in done.stdout + done.stderr


def test_the_outcome_for_programs(tmp_path: Path) -> None:
    done = _run(_spoilt(tmp_path), "--json")
    outcome = json.loads(done.stdout)
    assert done.returncode == 1
    assert CANARY not in done.stdout
    assert {name: outcome[name] for name in ("kind", "rows", "faulty_rows", "refused_whole", "errors", "warnings")} == {
        "kind": "case",
        "rows": 3,
        "faulty_rows": 1,
        "refused_whole": False,
        "errors": 1,
        "warnings": 0,
    }
    assert outcome["counts"] == [{"rule": "HAT-033", "field": "sex", "count": 1}]
    assert [(each["row"], each["column"], each["rule"]) for each in outcome["findings"]] == [(3, "F", "HAT-033")]


def test_the_files_for_the_sender_are_written(tmp_path: Path) -> None:
    book, failed, listed = tmp_path / "a.xlsx", tmp_path / "f.csv", tmp_path / "l.csv"
    done = _run(_spoilt(tmp_path), "--annotated", book, "--failed-rows", failed, "--findings", listed)
    assert done.returncode == 1
    assert openpyxl.load_workbook(book)["Your rows"].max_row == 4
    with failed.open(encoding="utf-8-sig", newline="") as file:
        assert [row["local_case_id"] for row in csv.DictReader(file)] == [f"'=HYPERLINK({CANARY})"]
    assert CANARY not in listed.read_text("utf-8")


def test_the_nation_decides_the_lists(tmp_path: Path) -> None:
    path = _file(tmp_path, [case | {"admission_method": "2A"} for case in cases(1)])
    assert _run(path, "--nation", "England").returncode == 0
    assert _run(path, "--nation", "Wales").returncode == 1


def test_a_file_refused_whole(tmp_path: Path) -> None:
    path = _file(tmp_path, cases(1))
    path.write_bytes(path.read_bytes() + b"HAT-2,x\r\n")
    done = _run(path, "--failed-rows", tmp_path / "f.csv")
    assert done.returncode == 1
    assert "The file cannot be read as case: 1 errors in its shape. Its rows were not checked." in done.stdout
    assert not (tmp_path / "f.csv").exists()


def test_a_kind_is_guessed_or_asked_for(tmp_path: Path) -> None:
    assert _run(_file(tmp_path, [valid_activity()])).returncode == 0
    path = _file(tmp_path, [{"local_case_id": "HAT-1", "withdraw_reason": "not_hat"}])
    asked = _run(path)
    assert asked.returncode == 2
    assert "Say it with --kind" in asked.stderr
    assert _run(path, "--kind", "case").returncode == 0


@pytest.mark.parametrize("arguments", [["absent.csv"], [], ["--kind", "letter"]])
def test_what_cannot_be_done_is_said(arguments: list[str]) -> None:
    done = _run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    done = _run(_spoilt(tmp_path), "--annotated", tmp_path / "absent" / "a.xlsx")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
