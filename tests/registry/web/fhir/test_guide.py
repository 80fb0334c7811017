"""The page for those who build a sending system: each request on it is made against the real service, in the order of the page."""

import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from joserfc.jwk import ECKey
from starlette.testclient import TestClient

from registry import submissions
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.web.fhir.examples import examples
from tests.registry.accounts import make
from tests.registry.web import programs
from tests.registry.web.visitors import House, house

REQUEST = re.compile(r'<pre class="hat-request" data-status="(\d+)"><code>(.*?)</code></pre>', re.DOTALL)
WITH_VALUE = ("-X", "-H", "--data-binary", "--data-urlencode")
ALONE = ("-s", "-O", "-i", "-G", "-sO")


@dataclass(frozen=True)
class Typed:
    """A request as it stands on the page, and the status that stands below it."""

    command: str
    status: int


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    made = house(settings, store)
    programs.screened(made)
    return made


def typed(page: str) -> list[Typed]:
    return [Typed(unescape(command), int(status)) for status, command in REQUEST.findall(page)]


def words_of(command: str, variables: dict[str, str]) -> list[str]:
    """The command as a shell divides it, with its variables."""
    whole = command.replace("\\\n", " ")
    given = re.sub(r"(?<!\\)\$([A-Z]+)", lambda found: variables[found[1]], whole)
    return shlex.split(given.replace("\\$", "$"))


def ask(http: TestClient, words: list[str], folder: Path) -> httpx.Response:
    """What curl does with these words."""
    assert words[0] == "curl"
    flags, options, address, rest = set(), [], "", iter(words[1:])
    for word in rest:
        if word in WITH_VALUE:
            options.append((word, next(rest)))
        elif word in ALONE:
            flags.add(word)
        else:
            assert not word.startswith("-"), word
            address = word
    headers = dict(value.split(": ", 1) for name, value in options if name == "-H")
    form = dict(value.split("=", 1) for name, value in options if name == "--data-urlencode")
    body = [(folder / value.removeprefix("@")).read_bytes() for name, value in options if name == "--data-binary"]
    if "-G" in flags:
        return http.get(address, params=form, headers=headers)
    if body:
        return http.post(address, content=body[0], headers=headers)
    answer = http.post(address, data=form, headers=headers) if form else http.get(address, headers=headers)
    if "-sO" in flags:
        (folder / address.rpartition("/")[2]).write_bytes(answer.content)
    return answer


def assertion(page: str, full: House, folder: Path) -> str:
    """What the program on the page makes, with the key of a client that is registered."""
    found = re.search(r'<pre class="hat-request" id="assertion"><code>(.*?)</code></pre>', page, re.DOTALL)
    assert found is not None
    key = ECKey.generate_key("P-384", {"kid": "one"})
    client = make.registered(full, document=json.dumps({"keys": [key.as_dict(private=False)]}))
    (folder / "key.json").write_text(json.dumps(key.as_dict(private=True)))
    (folder / "assertion.py").write_text(unescape(found[1]))
    arguments = (str(client), str(folder / "key.json"), f"{full.settings.base_url}/fhir/r4/token")
    done = subprocess.run(
        [sys.executable, str(folder / "assertion.py"), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def made(full: House, tmp_path: Path) -> list[tuple[Typed, httpx.Response]]:
    """Every request of the page with its answer, in order; the worker works as soon as a job is there."""
    http = full.browser()
    http.headers.pop("Sec-Fetch-Site", None)
    page = http.get("/fhir").text
    variables = {"HAT": full.settings.base_url, "ASSERTION": assertion(page, full, tmp_path)}
    answers = []
    for request in typed(page):
        answer = ask(http, words_of(request.command, variables), tmp_path)
        answers.append((request, answer))
        if "access_token" in answer.text:
            variables["TOKEN"] = answer.json()["access_token"]
        if "Content-Location" in answer.headers:
            variables["JOB"] = answer.headers["Content-Location"]
            keys = Secrets.load(full.settings.secrets_dir, ["master", "match"])
            submissions.work_waiting(full.store, keys, full.settings, datetime.now(UTC))
    return answers


def _of(made: list[tuple[Typed, httpx.Response]], part: str) -> list[httpx.Response]:
    return [answer for request, answer in made if part in request.command]


def test_every_request_is_answered_as_the_page_says(made: list[tuple[Typed, httpx.Response]]) -> None:
    assert len(made) > 20
    different = [
        (each.command, each.status, got.status_code, got.text[:500])
        for each, got in made
        if got.status_code != each.status
    ]
    assert not different


def test_the_answers_are_what_the_page_tells(made: list[tuple[Typed, httpx.Response]]) -> None:
    first, again = _of(made, "@case.json")
    assert again.headers["Idempotent-Replay"] == "true"
    assert again.json()["entry"] == first.json()["entry"]
    checked, refused = _of(made, "@faulty.json")
    assert errors(checked.json()) == errors(refused.json())
    assert len(errors(checked.json())) == 3
    assert _of(made, "@returns.json")[0].json()["entry"][0]["response"]["status"][:3] in ("200", "201")
    lines = _of(made, "outcome.ndjson")[0].text.splitlines()
    assert len(lines) == 2
    assert not any(errors(json.loads(line)) for line in lines)
    by_number, news, answered = _of(made, "r4/Condition")[0], _of(made, "_lastUpdated")[0], _of(made, "_search")[0]
    assert [len(each.json()["entry"]) for each in (by_number, news, answered)] == [1, 2, 2]


def errors(outcome: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (issue["details"]["coding"][0]["code"], issue["expression"][0])
        for issue in outcome["issue"]
        if issue["severity"] == "error"
    ]


def test_each_example_is_offered_on_the_page_and_nothing_else_is_there(full: House) -> None:
    http = full.browser()
    offered = re.findall(r'href="(/fhir/examples/[^"]+)"', http.get("/fhir").text)
    assert sorted(offered) == sorted(f"/fhir/examples/{name}" for name in examples())
    for address in offered:
        answer = http.get(address)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("application/fhir+")
    assert http.get("/fhir/examples/other.json").status_code == 404
