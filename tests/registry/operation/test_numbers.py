"""The numbers that the running service shows: by template and outcome, of all its processes together, and off the public port."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from registry.settings import MetricsRules, Settings
from registry.store import Store
from tests.make import cases, csv_bytes
from tests.registry.web.visitors import house
from tests.running import Service, free_port, service, token, until

pytestmark = pytest.mark.slow

Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]
CANARY = "canary-of-an-address"
PAGES = 12
TRUST = "RRV"


@pytest.fixture
def running(settings: Settings) -> Iterator[Service]:
    port = free_port()
    rules = MetricsRules(web_port=free_port(), worker_port=free_port())
    changed = {"port": port, "base_url": f"http://127.0.0.1:{port}", "metrics": rules, "web_processes": 2}
    with service(settings.model_copy(update=changed)) as started:
        yield started


def numbers(port: int | None) -> Numbers:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30).raise_for_status().text
    assert CANARY not in text
    assert TRUST not in text
    samples = (each for family in text_string_to_metric_families(text) for each in family.samples)
    return {(each.name, frozenset(each.labels.items())): each.value for each in samples}


def count(found: Numbers, name: str, **labels: str) -> float:
    """The sum of a metric's samples with these labels."""
    return sum(value for (of, given), value in found.items() if of == name and labels.items() <= set(given))


def test_what_the_service_does_is_counted(running: Service, store: Store) -> None:
    """One story, since each start of the service costs seconds."""
    ports = running.settings.metrics
    sent = token(house(running.settings, store), TRUST)
    folder = running.settings.data_dir / "metrics" / str(ports.web_port)
    until(lambda: len(list(folder.glob("gauge_livesum_*.db"))) == 2, 120, "the other process does not start")
    number = _asks_for_pages(running)
    _sends(running, sent)
    _web_shows_both_processes_together(running, ports.web_port)
    _a_killed_process_s_counts_stay(running, ports.web_port)
    until(
        lambda: count(numbers(ports.worker_port), "hat_submissions", state="accepted", door="api") == 1,
        60,
        "it is not shown",
    )
    _worker_shows_what_was_done(numbers(ports.worker_port))
    _no_number_is_on_the_public_port(running)
    _each_line_of_the_log_is_an_object(running, number)


def _asks_for_pages(running: Service) -> str:
    for _ in range(PAGES):  # each on a connection of its own, so that both processes get some
        page = httpx.get(running.address)
        assert page.status_code == 200
    assert httpx.get(f"{running.address}/figures/{CANARY}").status_code in (401, 404)
    assert httpx.request("BREW", f"{running.address}/{CANARY}").status_code in (401, 404, 405)
    return page.headers["x-request-id"]


def _sends(running: Service, secret: str) -> None:
    answer = httpx.post(
        f"{running.address}/api/submissions?kind=case&format=csv&opt_out_screened=true",
        content=csv_bytes(cases(2)),
        headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": CANARY, "Content-Type": "text/csv"},
        timeout=60,
    )
    assert answer.status_code in (200, 201, 202), answer.text


def _web_shows_both_processes_together(running: Service, port: int | None) -> None:
    found = numbers(port)
    assert count(found, "hat_requests_total", route="/", status="200", method="GET") >= PAGES
    assert count(found, "hat_requests_total", method="other") == 1
    assert count(found, "hat_request_seconds_count", route="/") >= PAGES
    assert count(found, "hat_requests_total", method="POST", route="/api/submissions") == 1
    assert count(found, "hat_requests_at_work") == 0
    assert ("hat_connections_in_use", frozenset({("role", "hat_app")})) in found
    assert count(found, "hat_public_database_up") == 1
    assert 0 < count(found, "hat_disk_free_ratio", disk="data") < 1
    assert count(found, "hat_spool_bytes") == 0
    for kind in ("master", "match", "data"):
        assert count(found, "hat_key_since_timestamp_seconds", kind=kind) > 1_700_000_000
    folder = running.settings.data_dir / "metrics" / str(port)
    assert folder.stat().st_mode & 0o777 == 0o700


def _a_killed_process_s_counts_stay(running: Service, port: int | None) -> None:
    before = count(numbers(port), "hat_requests_total")
    sibling = next(each for each in psutil.process_iter() if "--beside" in _words(each) and _serves(each, running))
    sibling.send_signal(signal.SIGKILL)
    sibling.wait(20)
    found = numbers(port)
    assert count(found, "hat_requests_total") >= before
    folder = running.settings.data_dir / "metrics" / str(port)
    assert not list(folder.glob(f"gauge_live*_{sibling.pid}.db"))


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _serves(process: psutil.Process, running: Service) -> bool:
    return process.environ().get("HAT_PORT") == str(running.settings.port)


def _worker_shows_what_was_done(found: Numbers) -> None:
    assert count(found, "hat_database_up") == 1
    assert count(found, "hat_submissions_waiting") == 0
    assert count(found, "hat_submissions_oldest_waiting_seconds") == 0
    assert count(found, "hat_worker_runs_total", job="submissions", outcome="good") > 0
    assert count(found, "hat_worker_last_success_timestamp_seconds", job="submissions") > 1_700_000_000
    assert count(found, "hat_database_bytes") > 1_000_000
    assert count(found, "hat_database_connections", role="hat_jobs") > 0
    assert count(found, "hat_letters_waiting") == 0


def _no_number_is_on_the_public_port(running: Service) -> None:
    assert httpx.get(f"{running.address}/metrics").status_code in (303, 401, 404)


def _each_line_of_the_log_is_an_object(running: Service, number: str) -> None:
    lines = [line for line in running.web.log.read_text("utf-8").splitlines() if line]
    said = [json.loads(line) for line in lines]
    assert {"at", "level", "process", "from", "words"} <= set.intersection(*(set(each) for each in said))
    answered = [each for each in said if each["words"] == "answered"]
    one = next(each for each in answered if each["request_id"] == number)
    assert (one["method"], one["route"], one["status"]) == ("GET", "/", 200)
    assert 0 < one["milliseconds"] < 60_000
    assert CANARY not in running.web.log.read_text("utf-8") + running.worker.log.read_text("utf-8")


def test_a_database_that_is_away_is_said_to_be(settings: Settings, tmp_path: Path) -> None:
    from prometheus_client import generate_latest

    from registry.operation.exposed import of_worker
    from registry.operation.runs import Tally
    from registry.operation.standby import standby
    from registry.operation.work import Work

    away = settings.model_copy(update={"database_url": f"postgresql://127.0.0.1:{free_port()}/hat"})
    store = Store.from_settings(away, roles=("hat_jobs", "hat_reader"))
    tally = Tally()
    tally.add("letters", good=True)
    shown = generate_latest(of_worker(Work(store, tally), standby(store))).decode()
    assert "hat_database_up 0.0" in shown
    assert "hat_public_database_up 0.0" in shown
    assert 'hat_worker_runs_total{job="letters",outcome="good"} 1.0' in shown
    assert "hat_submissions" not in shown
    store.dispose()
