"""The port of the numbers, and how the web's processes come to count together."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from registry.operation import exposed
from registry.operation.dead import Dead
from registry.settings import MetricsRules, Settings, SettingsError
from tests.running import free_port


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv(exposed.TOGETHER, raising=False)
    return Settings(data_dir=tmp_path, metrics=MetricsRules(web_port=9464))


def test_nothing_imports_the_library_before_it_is_settled_that_processes_count_together() -> None:
    program = "import sys, registry.commands.service; assert 'prometheus_client' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_first_process_makes_the_folder_anew_and_others_find_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = exposed.together(settings, first=True)
    assert folder == settings.data_dir / "metrics" / "9464"
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / "counter_1.db").touch()
    assert exposed.together(settings, first=False) == folder
    assert (folder / "counter_1.db").exists()
    assert exposed.together(settings, first=True) == folder
    assert list(folder.iterdir()) == []
    assert os.environ[exposed.TOGETHER] == str(folder)
    monkeypatch.delenv(exposed.TOGETHER)


def test_without_a_port_nothing_is_kept_and_nothing_listens(settings: Settings) -> None:
    without = settings.model_copy(update={"metrics": MetricsRules()})
    assert exposed.together(without, first=True) is None
    assert exposed.TOGETHER not in os.environ
    with exposed.at("127.0.0.1", None, CollectorRegistry()):
        assert not (settings.data_dir / "metrics").exists()


def test_a_port_that_is_taken_is_told_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = f"Port {port} of 127.0.0.1 for metrics cannot be had"
        with pytest.raises(SettingsError, match=words), exposed.at("127.0.0.1", port, CollectorRegistry()):
            raise AssertionError("it was had")


def test_the_port_is_given_back_at_the_end() -> None:
    port = free_port()
    with exposed.at("127.0.0.1", port, CollectorRegistry()):
        socket.create_connection(("127.0.0.1", port)).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_what_a_dead_process_had_in_hand_is_forgotten_and_what_it_counted_is_kept(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    names = [f"gauge_livesum_{ended.pid}.db", f"counter_{ended.pid}.db", f"gauge_livesum_{os.getpid()}.db"]
    for name in names:
        (tmp_path / name).touch()
    assert list(Dead(tmp_path).collect()) == []
    assert {each.name for each in tmp_path.iterdir()} == set(names[1:])
