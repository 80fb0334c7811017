"""Settings from the environment, secrets from files, and the refusals of both."""

import json
import os
import secrets as randomness
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg.conninfo
import pytest
from pydantic import ValidationError

from registry import settings
from registry.settings import BACKUP_LOGIN, KEYS, LOGINS, CountingRules, Secrets, SettingsError


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("HAT_"):
            monkeypatch.delenv(name)


def test_the_defaults_are_for_one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = settings.load()
    assert found.data_dir == tmp_path / ".hat"
    assert found.secrets_dir == tmp_path / ".hat" / "secrets"
    assert found.postgres_dir == tmp_path / ".hat" / "postgres"
    assert (found.host, found.port, found.base_url, found.secure) == ("127.0.0.1", 8080, "http://127.0.0.1:8080", False)
    assert (found.database_url, found.demo) == (None, False)
    assert (found.max_upload_bytes, found.small_rows, found.small_bytes) == (200_000_000, 2_000, 2_000_000)
    assert (found.session_idle_minutes, found.session_hours) == (30, 12)


def test_the_environment_sets_what_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "HAT_DATA_DIR": str(tmp_path),
        "HAT_PORT": "9000",
        "HAT_DEMO": "1",
        "HAT_DATABASE_URL": "postgresql://db.example:5433/hat?sslmode=verify-full",
        "HAT_BASE_URL": "https://registry.example/",
        "HAT_COUNTING__TRANSFER_HOURS": "48",
    }.items():
        monkeypatch.setenv(name, value)
    found = settings.load()
    assert (found.secrets_dir, found.port, found.demo) == (tmp_path / "secrets", 9000, True)
    assert (found.base_url, found.secure) == ("https://registry.example", True)
    assert found.database_url == "postgresql://db.example:5433/hat?sslmode=verify-full"
    assert found.counting.transfer_hours == 48
    assert found.counting.match_days == 14
    assert settings.load(port=9001).port == 9001
    with pytest.raises(ValidationError):
        found.port = 1


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAT_DATABASE_URL", "")
    assert settings.load().database_url is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HAT_PORT", "99999canary"),
        ("HAT_PORT", "0"),
        ("HAT_DATABASE_URL", "postgresql://hat_app:canary@db.example:5432/hat"),
        ("HAT_DATABASE_URL", "postgresql://db.example/hat?password=canary"),
        ("HAT_DATABASE_URL", "mysql://canary/hat"),
        ("HAT_DATABASE_URL", "postgresql://canary:port/hat"),
        ("HAT_DATABASE_URL", "postgresql://canary:5432"),
        ("HAT_BASE_URL", "http://canary.example"),
        ("HAT_BASE_URL", "canary"),
        ("HAT_COUNTING__INVESTIGATED_SHARE_FLOOR", "80"),
        ("HAT_COUNTING__TRANSFER_DAYS", "3"),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not_shown(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name.removesuffix("__MODE")) as caught:
        settings.load()
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


def test_every_host_that_is_listened_on_has_an_address() -> None:
    assert settings.load(host="0.0.0.0").base_url == "http://127.0.0.1:8080"
    assert settings.load(host="::1", port=81).base_url == "http://[::1]:81"


def test_the_counting_rules_have_the_agreed_defaults() -> None:
    assert CountingRules().recorded() == {
        "transfer_hours": 72,
        "match_days": 14,
        "attribution_silence_days": 30,
        "second_reading_share": 0.10,
        "consultant_reply_days": 21,
        "provisional_days": 120,
        "completeness_for_final": 0.95,
        "investigated_share_floor": 0.80,
        "ascertainment_sources_needed": 2,
        "independent_minimum_providers": 3,
        "one_time_link_days": 14,
        "payload_days_committed": 30,
        "payload_days_refused": 7,
        "identifier_retention_days": 2922,
    }


def test_the_counting_rules_can_be_kept_with_a_release_and_read_back() -> None:
    rules = CountingRules(transfer_hours=48)
    assert CountingRules.model_validate(json.loads(json.dumps(rules.recorded()))) == rules


def test_secrets_are_made_once_and_never_again(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "secrets"
    made = settings.make_secrets(folder)
    assert set(made) == {f"{name}.key" for name in KEYS} | {f"{role}.password" for role in (*LOGINS, BACKUP_LOGIN)}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o400}
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "match.key").unlink()
    assert settings.make_secrets(folder) == ("match.key",)
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"match.key"}
    assert settings.make_secrets(folder) == ()


def test_of_two_that_make_a_secret_at_once_one_wins(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: settings.make_secrets(tmp_path), range(8)))
    assert sorted(name for names in made for name in names) == sorted(path.name for path in tmp_path.iterdir())


def test_a_process_holds_only_the_keys_it_asked_for_and_never_shows_them(tmp_path: Path) -> None:
    settings.make_secrets(tmp_path)
    (tmp_path / "audit.key").unlink()
    held = Secrets.load(tmp_path, ("match", "master"))
    assert len(held["match"]) == 32
    assert held["match"] != held["master"]
    assert repr(held) == "Secrets(match=…, master=…)"
    assert held["match"].hex() not in f"{held} {held!r}"
    with pytest.raises(SettingsError, match="has not been given the context key"):
        held["context"]
    with pytest.raises(SettingsError, match=r"audit\.key is missing"):
        Secrets.load(tmp_path, KEYS)


def _put(path: Path, words: bytes, mode: int = 0o400) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(words)
    path.chmod(mode)


@pytest.mark.parametrize(
    "words",
    [b"", b"00" * 32, b"ab" * 31, b"0123456789abcdef" * 5, b"0123456789abcdef" * 4, b"change-me", b"\xff\xfe" * 32],
)
def test_samples_and_keys_of_the_wrong_length_are_refused(tmp_path: Path, words: bytes) -> None:
    _put(tmp_path / "match.key", words)
    with pytest.raises(SettingsError, match=r"match\.key") as caught:
        Secrets.load(tmp_path, ["match"])
    assert "abab" not in str(caught.value)


def test_equal_keys_are_refused(tmp_path: Path) -> None:
    settings.make_secrets(tmp_path)
    _put(tmp_path / "audit.key", (tmp_path / "match.key").read_bytes())
    with pytest.raises(SettingsError, match="equal"):
        Secrets.load(tmp_path, ["match", "audit"])


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o644, 0o420])
def test_files_that_others_may_open_are_refused(tmp_path: Path, mode: int) -> None:
    settings.make_secrets(tmp_path)
    (tmp_path / "match.key").chmod(mode)
    (tmp_path / "hat_app.password").chmod(mode)
    with pytest.raises(SettingsError, match="open to others"):
        Secrets.load(tmp_path, ["match"])
    with pytest.raises(SettingsError, match="open to others"):
        settings.role_password(tmp_path, "hat_app")


def test_a_role_s_address_carries_its_own_password(tmp_path: Path) -> None:
    settings.make_secrets(tmp_path)
    _put(tmp_path / "hat_app.password", b"p:/@ and the rest of it\n")
    url = settings.role_url("postgresql://db.example:5433/hat?sslmode=verify-full", tmp_path, "hat_app")
    assert psycopg.conninfo.conninfo_to_dict(url) == {
        "user": "hat_app",
        "password": "p:/@ and the rest of it",
        "host": "db.example",
        "port": "5433",
        "dbname": "hat",
        "sslmode": "verify-full",
    }
    _put(tmp_path / "hat_app.password", b"short")
    with pytest.raises(SettingsError, match="shorter"):
        settings.role_password(tmp_path, "hat_app")


def test_reading_the_settings_costs_no_database_and_no_frames() -> None:
    code = "import sys, registry.settings; print([m for m in ('polars', 'psycopg', 'sqlalchemy', 'fastapi') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


@pytest.mark.parametrize(
    "words",
    [
        b"change-me-please-1",
        b"Password-Password-9",
        b"sample-for-the-compose-file",
        b"aaaaaaaaaaaaaaaaaaaa",
        b"abcabcabcabcabcabcabc",
    ],
)
def test_a_sample_password_is_refused_at_the_start_of_every_process(tmp_path: Path, words: bytes) -> None:
    settings.make_secrets(tmp_path)
    _put(tmp_path / "hat_jobs.password", words)
    with pytest.raises(SettingsError, match=r"hat_jobs\.password is a sample") as caught:
        Secrets.load(tmp_path, ["context"])
    assert words.decode() not in str(caught.value)


def test_whatever_lies_in_the_folder_is_looked_at_whoever_asks_for_what(tmp_path: Path) -> None:
    settings.make_secrets(tmp_path)
    Secrets.load(tmp_path, [])
    _put(tmp_path / "offset.key", (tmp_path / "signing.key").read_bytes())
    with pytest.raises(SettingsError, match=r"equal: offset\.key, signing\.key"):
        Secrets.load(tmp_path, ["context"])
    _put(tmp_path / "offset.key", b"short")
    with pytest.raises(SettingsError, match=r"offset\.key must hold"):
        Secrets.load(tmp_path, ["context"])
    (tmp_path / "offset.key").unlink()
    settings.make_secrets(tmp_path)
    (tmp_path / "hat_backup.password").chmod(0o440)
    with pytest.raises(SettingsError, match="open to others"):
        Secrets.load(tmp_path, ["context"])


def test_a_key_that_is_rotated_is_read_in_all_versions_and_a_new_one_when_it_is_asked_for(tmp_path: Path) -> None:
    settings.make_secrets(tmp_path)
    held = Secrets.load(tmp_path, ["match"])
    assert settings.make_key(tmp_path, "match", 2)
    before = (tmp_path / "match.2.key").read_bytes()
    assert not settings.make_key(tmp_path, "match", 2)
    assert (tmp_path / "match.2.key").read_bytes() == before
    assert settings.key_versions(tmp_path, "match") == [1, 2]
    assert held.version("match", 1) == held["match"] != held.version("match", 2)
    with pytest.raises(SettingsError, match=r"match\.3\.key is missing"):
        held.version("match", 3)
    with pytest.raises(SettingsError, match="not been given version 1 of the master key"):
        held.version("master", 1)
    (tmp_path / "match.key").unlink()
    assert settings.make_secrets(tmp_path) == (), "a version that was destroyed is not made again"
    assert Secrets.load(tmp_path, ["match"]).version("match", 2) == held.version("match", 2)


def test_a_key_is_replaced_whole_and_stays_closed_to_others(tmp_path: Path) -> None:
    settings.make_secrets(tmp_path)
    words = "".join(f"{digit} {randomness.token_hex(32)}\n" for digit in "0123")
    settings.replace_key(tmp_path, "master", 1, words.encode())
    assert Secrets.load(tmp_path, ["master"])["master"] == words.strip().encode()
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o400
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".part")] == []
    settings.replace_key(tmp_path, "match", 1, words.encode())
    with pytest.raises(SettingsError, match=r"match\.key must hold"):
        Secrets.load(tmp_path, ["match"])
