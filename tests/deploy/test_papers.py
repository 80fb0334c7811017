"""What the papers name is there: tests, files, commands, settings, addresses, routes; each hazard and threat has its evidence; and what
was written from the code is as the code says."""

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer.main
from fastapi.routing import iter_route_contexts
from typer.core import TyperGroup

from registry.__main__ import program
from registry.access import ROUTES
from registry.accounts import assertions
from registry.app import create_app
from registry.cases import consultant
from registry.database import migrate
from registry.settings import Settings
from registry.store import Store
from registry.store.held import kept
from tests.deploy.test_deployment import unknown_settings
from tests.deploy.written import PARTS, papers, renewed
from tests.house.committed import ROOT, paths
from tests.house.test_readme import commands

PAPERS = list(papers())
EXPECTED = {"README.md", "dpia.md", "dspt.md", "dtac.md", "hazard-log.md", "threats.md"}
CODE = re.compile(r"`([^`\n]+)`")
NODE = re.compile(r"(tests/[\w/]+\.py)::(\w+)")
ENTRY = re.compile(r"^### ([HTN])(\d+)[. ]+(.+)$", re.MULTILINE)
ENTRIES = {"hazard-log.md": ("H", 10), "threats.md": ("T", 25)}
"""Which entries a paper has, and how many at least; they are numbered without a gap."""
FILES = (".csv", ".json", ".key", ".md", ".password", ".toml")


def named(text: str) -> list[str]:
    return CODE.findall(text)


@cache
def functions_of(path: str) -> frozenset[str]:
    module = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(module) if isinstance(node, ast.FunctionDef))


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def is_test(file: str, name: str) -> bool:
    return name.startswith("test_") and (ROOT / file).is_file() and name in functions_of(file)


def entries(text: str) -> Iterator[tuple[str, int, str, str]]:
    """Letter, number, title and text of each entry; the text ends at the next heading."""
    found = list(ENTRY.finditer(text))
    for one in found:
        rest = text[one.end() :]
        end = re.search(r"^#{1,3} ", rest, re.MULTILINE)
        yield one[1], int(one[2]), one[3], rest[: end.start()] if end else rest


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.name)
def test_every_test_that_is_named_is_there(path: Path) -> None:
    text = path.read_text("utf-8")
    assert [node[0] for node in NODE.finditer(text) if not is_test(node[1], node[2])] == []
    assert text.count("::") == len(NODE.findall(text))


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_has_its_evidence(name: str) -> None:
    letter, fewest = ENTRIES[name]
    found = list(entries((ROOT / "deploy/papers" / name).read_text("utf-8")))
    numbers = [number for kind, number, _, _ in found if kind == letter]  # `N`: next in line
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= fewest
    assert [f"{kind}{number}" for kind, number, _, said in found if not NODE.search(said)] == []


def test_the_scores_of_every_hazard_are_left_to_the_safety_officer() -> None:
    text = (ROOT / "deploy/papers/hazard-log.md").read_text("utf-8")
    scored = re.findall(r"^\| H(\d+) \| (.+?) \| (\w+) \| (\w+) \| (\w+) \| (\w+) \|$", text, re.MULTILINE)
    assert [(int(number), title) for number, title, *_ in scored] == [
        (number, title) for _, number, title, _ in entries(text)
    ]
    assert {score for _, _, *scores in scored for score in scores} == {"open"}


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.name)
def test_every_file_is_there(path: Path) -> None:
    listed = {str(each) for each in paths()} | {f"{folder}/" for each in paths() for folder in each.parents}
    files = [each.partition("::")[0] for each in named(path.read_text("utf-8"))]
    asked = [each for each in files if re.fullmatch(r"[\w.][\w./-]*/[\w./-]*", each)]
    assert [each for each in asked if each not in listed] == []
    links = re.findall(r"\]\(([^)#:]+)[^)]*\)", path.read_text("utf-8"))
    assert [each for each in links if not (path.parent / each).exists()] == []


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.name)
def test_every_command_and_setting_is_there(path: Path) -> None:
    text = path.read_text("utf-8")
    group = typer.main.get_command(program)
    assert isinstance(group, TyperGroup)
    known = set(commands(group))
    asked = {words.strip() for each in named(text) for words in re.findall(r"^(hat(?: [a-z-]+)+)", each)}
    assert [words for words in asked if not any(f"{words} ".startswith(f"{each} ") for each in known)] == []
    assert unknown_settings(text) == set()


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.name)
def test_every_address_and_route_is_there(path: Path) -> None:
    app = create_app(Settings(base_url="http://127.0.0.1:8000"), Store({}))
    known = {getattr(route, "path", "") for route in iter_route_contexts(app.routes)}
    said = named(path.read_text("utf-8"))
    assert [each for each in said if each.startswith("/") and each not in known] == []
    dotted = [each for each in said if re.fullmatch(r"[a-z_]+(\.[a-z_]+){1,4}", each)]
    known |= {*ROUTES, *kept()}
    unknown = [each for each in dotted if each not in known and Path(each).suffix not in FILES and not is_module(each)]
    assert unknown == []


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.name)
def test_what_is_written_from_the_code_is_as_the_code_says(path: Path) -> None:
    text = path.read_text("utf-8")
    assert renewed(text) == text, "python -m tests.deploy.written"
    assert text.count("<!-- written:") == text.count("<!-- end -->")


def test_every_part_and_every_paper_is_there() -> None:
    assert {path.name for path in PAPERS} == EXPECTED
    written = set(re.findall(r"<!-- written: ([a-z-]+) -->", "".join(path.read_text("utf-8") for path in PAPERS)))
    assert written == set(PARTS)
    index = (ROOT / "deploy/papers/README.md").read_text("utf-8")
    assert [name for name in sorted(EXPECTED - {"README.md"}) if f"]({name})" not in index] == []


PATIENCE = int(inspect.signature(migrate).parameters["lock_milliseconds"].default)
WORDS = {2: "two", 5: "five", 10: "ten"}
SETTINGS = Settings.model_fields
PROXY = (ROOT / "deploy/proxy/nginx.conf").read_text("utf-8")
SAID = {
    "a session's end": (
        "threats.md",
        f"{SETTINGS['session_idle_minutes'].default} minutes without a request and after {SETTINGS['session_hours'].default} hours",
    ),
    "a link's tries": ("hazard-log.md", f"{WORDS[consultant.MOST_TRIES]} wrong ones kill the link"),
    "an assertion's life": ("threats.md", f"for {WORDS[assertions.LIFE.seconds // 60]} minutes at most"),
    "sign-ins a minute": ("threats.md", f"{WORDS[int(re.findall(r'rate=([0-9]+)r/m', PROXY)[0])]} sign-ins a minute"),
    "a migration's patience": ("threats.md", f"after {WORDS[PATIENCE // 1000]} seconds"),
}


@pytest.mark.parametrize("what", SAID)
def test_a_number_in_words_is_that_of_the_code(what: str) -> None:
    name, words = SAID[what]
    assert words in " ".join((ROOT / "deploy/papers" / name).read_text("utf-8").split())
