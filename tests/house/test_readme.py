"""What the README tells a reader to type is there: targets of the Makefile, commands and options of the programs, files, settings."""

import re
from collections.abc import Iterator

import pytest
import typer.main
from typer.core import TyperGroup

from registry.__main__ import program
from registry.settings import Settings
from tests.house.committed import ROOT, paths

README = (ROOT / "README.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def code() -> Iterator[str]:
    """Every line of an indented block and everything between single backticks."""
    yield from re.findall(r"^ {4}(\S.*)$", README, re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", README)


def commands(group: TyperGroup, before: str = "hat") -> Iterator[str]:
    for name, command in group.commands.items():
        words = f"{before} {name}"
        yield from commands(command, words) if isinstance(command, TyperGroup) else [words]


def test_every_target_is_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    named = {name for line in code() for name in re.findall(r"\bmake ([a-z]+)", line)}
    assert {"demo", "test", "bench"} <= named <= targets


def test_every_command_is_there() -> None:
    group = typer.main.get_command(program)
    assert isinstance(group, TyperGroup)
    known = set(commands(group))
    named = {" ".join(words.split()) for line in code() for words in re.findall(r"\bhat ((?:[a-z-]+ ?)+)", line)}
    unknown = [words for words in named if not any(f"hat {words} ".startswith(f"{each} ") for each in known)]
    assert named
    assert not unknown


def test_every_setting_is_there() -> None:
    known = {f"HAT_{name.upper()}" for name in Settings.model_fields} | {"HAT_TOKEN", "HAT_BASE_URL"}
    assert set(re.findall(r"\bHAT_[A-Z_]+", README)) <= known


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:[a-z_.]+/)+[A-Za-z_.]*)`", README))))
def test_every_file_is_there(path: str) -> None:
    made = (".hat/", "build/")
    listed = {str(each) for each in paths()}
    assert path.startswith(made) or path in listed or any(f"/{path}" in f"/{each}" for each in listed)
