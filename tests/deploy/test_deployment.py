"""What is deployed names only what is there: settings, commands, secrets, files, hashes; and gives away no more than it has to."""

import configparser
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from typer.core import TyperGroup

from registry.__main__ import program
from registry.settings import Settings
from tests.journeys.browsing import program as needed

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
SCRIPTS = sorted(DEPLOY.rglob("*.sh"))
OURS = ("migrate", "web", "worker")
ABSENT = "Command /opt/hat/.venv/bin/hat is not executable"
"""What systemd-analyze says of every unit on a machine where the registry is not installed."""


def is_command(words: list[str]) -> bool:
    group: Any = typer.main.get_command(program)
    for word in words:
        if not isinstance(group, TyperGroup) or word not in group.commands:
            return False
        group = group.commands[word]
    return not isinstance(group, TyperGroup)


def unknown_settings(text: str) -> set[str]:
    """Names of settings that the registry does not have; of a nested one its part counts."""
    named = {each.partition("__")[0] for each in re.findall(r"\bHAT_[A-Z_]+", text)}
    return named - {f"HAT_{name.upper()}" for name in Settings.model_fields}


def unit(path: Path) -> configparser.ConfigParser:
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment,method-assign] # systemd's names keep their capitals
    read.read_string(path.read_text("utf-8"))
    return read


def test_every_setting_and_command_is_one_of_ours() -> None:
    for name in OURS:
        service = COMPOSE["services"][name]
        assert unknown_settings(str(service["environment"])) == set(), name
        assert is_command(service["command"]), name
    assert unknown_settings(DOCKERFILE) == set()
    for path in UNITS:
        service_of = unit(path)["Service"]
        assert unknown_settings(path.read_text("utf-8")) == set(), path.name
        assert is_command(service_of["ExecStart"].split()[1:]), path.name


@pytest.mark.parametrize("name", OURS)
def test_no_part_may_more_than_it_needs(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert "no-new-privileges:true" in service["security_opt"]
    folder = "migrator" if name == "migrate" else name
    assert f"./secrets/{folder}:/run/hat-secrets:ro" in service["volumes"]
    assert "ports" not in service
    assert service["networks"] == (["inside", "outside"] if name == "worker" else ["inside"])  # the worker sends mail
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_no_secret_stands_in_the_files() -> None:
    for path in (DEPLOY / "compose.yaml", DEPLOY / "Dockerfile", *UNITS):
        assert not re.search(r"(?i)(password|secret|key)\s*[:=]\s*[\"']?[A-Za-z0-9+/]{12,}", path.read_text("utf-8")), (
            path.name
        )


def test_files_that_are_mounted_are_there_or_made_by_the_operator() -> None:
    made = ("./secrets/", "./certificates", "./proxy/filled.conf")
    for name, service in COMPOSE["services"].items():
        for mounted in service.get("volumes", ()):
            source = mounted.split(":")[0]
            if source.startswith("./") and not source.startswith(made):
                assert (DEPLOY / source).exists(), (name, source)


def test_the_image_runs_as_nobody_special_and_checks_itself() -> None:
    assert re.search(r"^USER 10001$", DOCKERFILE, re.MULTILINE)
    assert "HEALTHCHECK" in DOCKERFILE
    assert "/healthz" in DOCKERFILE
    assert DOCKERFILE.count("--require-hashes") == 2
    copied = {
        word for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()
    }
    assert [each for each in copied if not (ROOT / each).exists()] == []
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]["packages"]
    assert set(packages) <= copied


def test_what_is_deployed_is_locked_to_the_same_versions_as_what_is_tested() -> None:
    def pins(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9._\[\]-]+)==([^ ;\\]+)", path.read_text("utf-8"), re.MULTILINE))

    tested, deployed = pins(ROOT / "requirements.lock"), pins(DEPLOY / "requirements.lock")
    assert deployed.items() <= tested.items()
    assert "pytest" not in deployed
    assert "playwright" not in deployed


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_are_read_by_systemd_and_keep_little(path: Path) -> None:
    read = unit(path)["Service"]
    assert read["NoNewPrivileges"] == "yes"
    assert read["ProtectSystem"] == "strict"
    assert read["CapabilityBoundingSet"] == ""
    assert read["User"] not in ("root", "")
    analyse = needed("systemd-analyze", "systemd")
    said = subprocess.run([analyse, "verify", str(path)], capture_output=True, text=True, check=False).stderr
    assert [line for line in said.splitlines() if path.name in line and ABSENT not in line] == []


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_expose_little_in_the_eyes_of_systemd(path: Path) -> None:
    """Its own measure, from 0 to 10: a unit that says nothing has 9.6, one that needs the network and a folder cannot have 0."""
    analyse = needed("systemd-analyze", "systemd")
    command = [analyse, "security", "--offline=true", "--no-pager", "--threshold=20", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_stop_at_their_first_fault(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("#!/bin/sh\n")
    assert "\nset -eu\n" in text
    assert path.stat().st_mode & 0o111
    assert subprocess.run(["/bin/sh", "-n", str(path)], check=False).returncode == 0
