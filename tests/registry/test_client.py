"""`hat submit` and its client against a served application on a real database, over real sockets."""

import csv
import io
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import psycopg
import pytest
from typer.testing import CliRunner, Result

from registry import client as sending
from registry.__main__ import program
from registry.client import Client, ClientError, Order
from registry.store import Store
from registry.submissions import Door
from tests.conftest import Database
from tests.make import cases, csv_bytes
from tests.registry.serving import registry_at_its_address, worker
from tests.registry.submissions.make import send
from tests.registry.web import programs
from tests.registry.web.visitors import House

CANARY = "CanaryWard"


@pytest.fixture
def full(database: Database, store: Store, tmp_path: Path) -> Iterator[House]:
    """A registry that answers at its address; files of more than five rows wait for a worker."""
    with registry_at_its_address(database, store, tmp_path) as made:
        yield made


@pytest.fixture
def token(full: House) -> str:
    return programs.program(full, "RRV").headers["Authorization"].removeprefix("Bearer ")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "ASK_SECONDS", 0.02)


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "sent.csv"
    path.write_bytes(content)
    return path


def _spoilt(folder: Path) -> Path:
    rows = cases(3)
    rows[1] |= {"sex": CANARY}
    return _file(folder, csv_bytes(rows))


def _hat(full: House, token: str, *arguments: str | Path) -> Result:
    """`hat submit` with these arguments."""
    given = ["submit", *map(str, arguments), "--kind", "case", "--url", full.settings.base_url, "--opt-out-screened"]
    environment = {"HAT_TOKEN": token, "COLUMNS": "200"}
    return CliRunner().invoke(program, given, env=environment, catch_exceptions=False)


def _plain(result: Result) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", result.output)


def test_a_good_file_is_stored_and_its_receipt_shown(full: House, token: str, tmp_path: Path) -> None:
    result = _hat(full, token, _file(tmp_path, csv_bytes(cases(3))))
    assert result.exit_code == 0
    assert "sent.csv: accepted. Receipt " in _plain(result)
    assert "3 rows sent: 3 stored, 0 unchanged, 0 refused, 3 new, 0 changed, 0 withdrawn, 0 absent." in _plain(result)


def test_a_refused_file_shows_its_findings_without_a_value_and_fetches_what_goes_back(
    full: House, token: str, tmp_path: Path
) -> None:
    book, failed, listed = tmp_path / "a.xlsx", tmp_path / "f.csv", tmp_path / "l.csv"
    wanted = ("--annotated", book, "--failed-rows", failed, "--findings", listed)
    result = _hat(full, token, _spoilt(tmp_path), *wanted)
    assert result.exit_code == 1
    assert all(words in _plain(result) for words in ("HAT-033", "sex", "refused", "1 errors"))
    assert CANARY not in result.output + listed.read_text("utf-8")
    assert openpyxl.load_workbook(book)["Your rows"].max_row == 4
    assert [row["sex"] for row in csv.DictReader(io.StringIO(failed.read_text("utf-8-sig")))] == [CANARY]


def test_the_good_rows_may_be_taken(full: House, token: str, tmp_path: Path) -> None:
    result = _hat(full, token, _spoilt(tmp_path), "--mode", "accept-good-rows")
    assert result.exit_code == 1
    assert "partly accepted" in _plain(result)
    assert "3 rows sent: 2 stored, 0 unchanged, 1 refused" in _plain(result)


def test_a_file_may_be_told_to_stand_over_what_was_corrected_online(full: House, token: str, tmp_path: Path) -> None:
    path, corrected = _file(tmp_path, csv_bytes(cases(3))), [cases(1)[0] | {"sex": "male"}]
    _hat(full, token, path)
    send(full.store, full.settings, full.ids["RRV"], corrected, door=Door.FORM)
    assert "0 stored, 3 unchanged" in _plain(_hat(full, token, path))
    assert "1 stored, 2 unchanged" in _plain(_hat(full, token, path, "--overwrite-online"))


def test_a_rehearsal_stores_nothing(full: House, token: str, tmp_path: Path, admin: psycopg.Connection) -> None:
    result = _hat(full, token, _file(tmp_path, csv_bytes(cases(3))), "--rehearsal")
    assert result.exit_code == 0
    assert "rehearsed" in _plain(result)
    assert admin.execute("select count(*) from records.case_record").fetchone() == (0,)


def test_a_large_file_is_waited_for(full: House, token: str, tmp_path: Path) -> None:
    with worker(full.settings, full.store):
        result = _hat(full, token, _file(tmp_path, csv_bytes(cases(20))))
    assert result.exit_code == 0
    assert "20 rows sent: 20 stored" in _plain(result)


def test_a_workbook_is_sent_as_one(full: House, token: str, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    rows = cases(2)
    assert book.active is not None
    for row in ([*rows[0]], *([*each.values()] for each in rows)):
        book.active.append(row)
    book.save(tmp_path / "sent.xlsx")
    assert _hat(full, token, tmp_path / "sent.xlsx").exit_code == 0


def test_the_same_key_is_the_same_submission(full: House, token: str, tmp_path: Path) -> None:
    path = _file(tmp_path, csv_bytes(cases(2)))
    receipts = {re.findall(r"Receipt (\S+)\.", _plain(_hat(full, token, path, "--key", "k1")))[0] for _ in range(2)}
    assert len(receipts) == 1
    path.write_bytes(csv_bytes(cases(3)))
    other = _hat(full, token, path, "--key", "k1")
    assert other.exit_code == 2
    assert other.stderr.startswith("409 ")


def test_without_a_key_each_sending_is_a_submission_of_its_own(full: House, token: str, tmp_path: Path) -> None:
    path = _file(tmp_path, csv_bytes(cases(2)))
    receipts = {re.findall(r"Receipt (\S+)\.", _plain(_hat(full, token, path)))[0] for _ in range(2)}
    assert len(receipts) == 2


def test_a_wrong_token_is_told_and_not_shown(full: House, tmp_path: Path) -> None:
    result = _hat(full, "hat_wrong_canary", _file(tmp_path, csv_bytes(cases(1))))
    assert result.exit_code == 2
    assert result.stderr.startswith("401 ")
    assert "canary" not in result.output


def test_the_token_may_come_from_a_file_and_must_come_from_somewhere(full: House, token: str, tmp_path: Path) -> None:
    path = _file(tmp_path, csv_bytes(cases(1)))
    (tmp_path / "token").write_text(f"{token}\n", "ascii")
    assert _hat(full, "", path, "--token-file", tmp_path / "token").exit_code == 0
    assert _hat(full, "", path).exit_code == 2


def _order(folder: Path) -> Order:
    path = _file(folder, csv_bytes(cases(1)))
    return Order(
        path=path, kind="case", format="csv", mode="all-or-nothing", rehearsal=False, key="k", opt_out_screened=True
    )


@pytest.mark.parametrize("address", ["http://registry.example", "ftp://127.0.0.1", "registry.example"])
def test_a_token_is_not_sent_in_the_open(address: str) -> None:
    with pytest.raises(ClientError, match="https"):
        Client(address, "secret")


def test_a_service_that_is_away_is_tried_again_and_then_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PAUSE_SECONDS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with (
        Client(f"http://127.0.0.1:{port}", "secret") as client,
        pytest.raises(ClientError, match="ConnectError, 6 tries"),
    ):
        client.submit(_order(tmp_path), lambda *_: None)


def test_a_service_that_comes_back_gets_the_file_once(
    full: House, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, admin: psycopg.Connection
) -> None:
    monkeypatch.setattr(sending, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(sending, "BUSY", (201, 503))  # the first answer gets lost
    with Client(full.settings.base_url, token) as client:
        receipt = client.submit(_order(tmp_path), lambda *_: None)
    assert receipt.state == "accepted"
    assert admin.execute("select count(*) from records.submission").fetchone() == (1,)
