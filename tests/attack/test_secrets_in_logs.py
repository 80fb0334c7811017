"""Nothing that opens a door where it must not be: passwords, codes, links, tokens, assertions, what a provider of sign-ins says, and keys are
made and used through the running service, rightly and wrongly, and then looked for in logs, traces, numbers, answers, files and the database.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2 as httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from registry.embedded import Server
from registry.settings import MetricsRules, Settings, TraceRules, load
from registry.store import Store
from tests.attack.opening import ALL, Scene
from tests.attack.rows import dump_everything
from tests.conftest import Database
from tests.registry.accounts.provider import CLIENT, SECRET, STRONG
from tests.registry.accounts.provider import running as running_provider
from tests.registry.make import with_secret
from tests.registry.operation.test_traces import collector
from tests.registry.web.programs import screened
from tests.registry.web.reviewing import team
from tests.running import free_port, service

pytestmark = pytest.mark.slow

IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}|[A-Za-z0-9_-]{40,}|/\d+(/|$)|RRV|anna", re.IGNORECASE)


@pytest.fixture
def traced() -> Iterator[tuple[str, list[Any]]]:
    with collector() as found:
        yield found


@pytest.fixture
def scene(
    settings: Settings, store: Store, admin: psycopg.Connection, traced: tuple[str, list[Any]], tmp_path: Path
) -> Iterator[Scene]:
    admin.autocommit = True
    with ExitStack() as stack:
        provider = stack.enter_context(running_provider())
        port = free_port()
        knowing = with_secret(settings, tmp_path / "secrets", "provider.secret", SECRET)
        here = load(
            **knowing.model_dump(exclude={"port", "base_url", "provider", "metrics", "traces"}),
            port=port,
            base_url=f"http://127.0.0.1:{port}",
            provider={"name": "Care Identity", "issuer": provider.issuer, "client_id": CLIENT, "acr": [STRONG]},
            metrics=MetricsRules(web_port=free_port(), worker_port=free_port()),
            traces=TraceRules(endpoint=traced[0]),
        )
        full = team(here, store, admin)
        screened(full.house)
        full.allow()
        yield Scene(stack.enter_context(service(here)), full.house, full, provider)


def test_no_secret_is_left_anywhere(
    scene: Scene, database: Database, server: Server, traced: tuple[str, list[Any]]
) -> None:
    for make_and_use in ALL:
        make_and_use(scene)
    numbers = {
        f"numbers {each}": httpx.get(f"http://127.0.0.1:{each}/metrics", timeout=30).content
        for each in (scene.house.settings.metrics.web_port, scene.house.settings.metrics.worker_port)
    }
    scene.service.stop()
    places = _files(scene, server) | numbers | {"traces": b"".join(each.SerializeToString() for each in traced[1])}
    assert len(scene.secrets) >= 25, sorted(scene.secrets)
    assert all(places.values()), [name for name, content in places.items() if not content]
    assert b"/second-factor" in places["traces"]
    assert found(scene.secrets, places) == []
    assert found(scene.secrets, scene.shown) == []
    lasting = {name: secret for name, secret in scene.secrets.items() if not secret.isdigit()}
    assert found(lasting, {"dump": dump_everything(database)}) == []
    _labels_name_nothing(numbers)


def test_a_secret_would_be_found() -> None:
    secrets = {"code": "123456", "token": "abc"}
    assert found(secrets, {"log": b'{"code": "123456"}', "trace": b"/x/abc/y"}) == [("log", "code"), ("trace", "token")]
    assert found(secrets, {"log": b"12:00:00.123456 7123456 0x123456"}) == []


def found(secrets: dict[str, str], places: dict[str, bytes]) -> list[tuple[str, str]]:
    return [
        (place, name) for name, secret in secrets.items() for place, content in places.items() if _in(secret, content)
    ]


def _in(secret: str, content: bytes) -> bool:
    """A code of six digits is one where it stands alone: not a part of a second, of a number or of a digest."""
    if re.fullmatch(r"\d{6,8}", secret):
        return re.search(rb"(?<![\w.:#-])%b(?![\w.:-])" % secret.encode(), content) is not None
    return secret.encode() in content


def _files(scene: Scene, server: Server) -> dict[str, bytes]:
    """Every file of the service but letters, in which a link may stand; and the log of the database's server."""
    folder = scene.house.settings.data_dir
    files = [
        each
        for each in folder.rglob("*")
        if each.is_file() and each.suffix != ".eml" and "postgres" not in each.relative_to(folder).parts[0]
    ]
    logs = [scene.service.web.log, scene.service.worker.log, server.folder / "postgres.log"]
    return {each.name: each.read_bytes() for each in [*files, *logs] if each in logs or each.stat().st_size}


def _labels_name_nothing(numbers: dict[str, bytes]) -> None:
    labels = {
        value
        for text in numbers.values()
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        for value in sample.labels.values()
    }
    assert {"/second-factor", "/invitation/{link}"} <= labels
    assert [each for each in labels if IDS.search(each)] == []
