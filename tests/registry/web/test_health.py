"""What supervisors and proxies ask."""

import psycopg
from starlette.testclient import TestClient

from registry.app import create_app
from registry.settings import Settings
from registry.store import Store

NOWHERE = "postgresql://hat_app:x@127.0.0.1:9/hat"


def test_a_process_with_its_database_is_ready(settings: Settings, store: Store) -> None:
    http = TestClient(create_app(settings, store), base_url=settings.base_url)
    assert http.get("/healthz").json() == {"status": "alive"}
    ready = http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert ready.headers["cache-control"] == "no-store"


def test_without_its_database_it_lives_and_is_not_ready(settings: Settings) -> None:
    away = Store({"hat_app": NOWHERE, "hat_reader": NOWHERE.replace("hat_app", "hat_reader")})
    http = TestClient(create_app(settings, away), base_url=settings.base_url)
    assert http.get("/healthz").status_code == 200
    refused = http.get("/readyz")
    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["checks"] == {"service": False, "public": False, "adopted": False}
    assert int(refused.headers["retry-after"]) > 0


def test_on_a_copy_that_nobody_adopted_it_is_not_ready(
    settings: Settings, store: Store, admin: psycopg.Connection
) -> None:
    admin.execute("delete from register.timeline")
    admin.commit()
    http = TestClient(create_app(settings, store), base_url=settings.base_url)
    assert http.get("/readyz").json()["checks"] == {"service": True, "public": True, "adopted": False}
