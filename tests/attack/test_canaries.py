"""Nothing of a patient where it must not be: an invented patient is sent in by every way, in good files and in spoilt ones, and
then looked for in what the database holds, in the logs, and in everything that was answered."""

import io
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2 as httpx
import pytest
import xlsxwriter

from registry.access import Role
from registry.embedded import Server
from registry.settings import Settings
from registry.store import Store
from tests.attack import canaries
from tests.attack.canaries import CASE, FILE_NAME, NUMBER, REVIEW, STORY
from tests.attack.rows import dump_everything
from tests.conftest import Database
from tests.make import cases, csv_bytes, valid_case, valid_rca
from tests.registry.web.programs import screened
from tests.registry.web.visitors import PASSWORD, House, house, token_of
from tests.running import ROOT, Service, environment_of, free_port, service, token, until

pytestmark = pytest.mark.slow

LOCAL = "CANARY-CASE"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OWN_FILES = ("/annotated.xlsx", "/failed-rows.csv")
"""What a sender gets back of its own: the only answers that may hold a value."""
LARGE_ROWS = 2_100


@dataclass
class Heard:
    """All that was answered, by where it came from."""

    answers: dict[str, bytes] = field(default_factory=dict)
    own: dict[str, bytes] = field(default_factory=dict)

    def note(self, answer: httpx.Response) -> None:
        answer.read()
        request = answer.request
        name = f"{len(self.answers)} {request.method} {request.url.path} {answer.status_code}"
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items()).encode()
        if request.url.path.endswith(OWN_FILES) and answer.status_code == 200:
            self.own[name] = answer.content
            self.answers[name] = head
        else:
            self.answers[name] = head + b"\n" + answer.content

    def client(self, address: str, **more: str) -> httpx.Client:
        return httpx.Client(
            base_url=address, timeout=60, headers=more, event_hooks={"response": [self.note]}, follow_redirects=True
        )


@dataclass
class Scene:
    """A running service with one trust, a program and a person of it."""

    service: Service
    house: House
    heard: Heard
    program: httpx.Client
    person: httpx.Client

    def send(self, content: bytes, *, key: str, media: str = "text/csv", **asked: str) -> httpx.Response:
        parameters = {"kind": "case", "opt_out_screened": "true", "mode": "accept-good-rows"} | asked
        headers = {"Content-Type": media, "Idempotency-Key": key}
        return self.program.post("/api/submissions", params=parameters, content=content, headers=headers)

    def send_form(self, content: bytes, *, key: str) -> httpx.Response:
        return self.program.post(
            "/api/submissions",
            params={"kind": "case", "opt_out_screened": "true"},
            files={"file": (FILE_NAME, content, "text/csv")},
            headers={"Idempotency-Key": key},
        )

    def upload(self, content: bytes, *, name: str = FILE_NAME) -> httpx.Response:
        """As a person does: the page after the redirect shows what would be stored."""
        form_token = token_of(self.person.get("/trust/upload"))
        fields = {"form_token": form_token, "kind": "case", "mode": "accept-good-rows", "opt_out_screened": "true"}
        return self.person.post("/trust/upload", data=fields, files={"file": (name, content, "text/csv")})

    def store(self, page: httpx.Response) -> httpx.Response:
        return self.person.post(
            f"{page.url.path}/store", data={"form_token": token_of(page), "mode": "accept-good-rows"}
        )


@pytest.fixture
def scene(settings: Settings, store: Store) -> Iterator[Scene]:
    here = settings.model_copy(update={"port": (port := free_port()), "base_url": f"http://127.0.0.1:{port}"})
    full, heard = house(here, store), Heard()
    screened(full)
    full.person("uploader", (Role.VTE_NURSE, "RRV"))
    bearer = {"Authorization": f"Bearer {token(full, 'RRV')}"}
    with (
        service(here) as running,
        heard.client(here.base_url, **bearer) as program,
        heard.client(here.base_url, **{"Sec-Fetch-Site": "same-origin"}) as person,
    ):
        person.post("/sign-in", data={"user_name": "uploader", "password": PASSWORD})
        form = {"form_token": token_of(person.get("/second-factor")), "code": full.code("uploader")}
        assert person.post("/second-factor", data=form).url.path == "/trust"
        yield Scene(running, full, heard, program, person)


def patient(number: int, **changes: str) -> dict[str, str]:
    return valid_case(**({"local_case_id": f"{LOCAL}-{number}"} | CASE | changes))


def good(number: int) -> bytes:
    return csv_bytes([patient(number)])


def workbook(rows: list[dict[str, str]]) -> bytes:
    into = io.BytesIO()
    with xlsxwriter.Workbook(into) as book:
        sheet = book.add_worksheet("cases")
        for at, cells in enumerate([list(rows[0]), *(row.values() for row in rows)]):
            sheet.write_row(at, 0, cells)
    return into.getvalue()


def spoilt() -> Mapping[str, bytes]:
    """The canaries where they do not belong, and files that cannot be read as tables."""
    one = csv_bytes([patient(90)])
    head, rest = one.split(b"\r\n", 1)
    wrong: dict[str, dict[str, str]] = {
        "number-as-case": {"local_case_id": NUMBER},
        "number-as-sex": {"sex": NUMBER},
        "number-as-specialty": {"main_specialty": NUMBER},
        "number-as-organisation": {"attributed_organisation": NUMBER},
        "name-as-group": {"admission_group": "Ochterlony"},
        "name-as-number": {"nhs_number": "Zibeline Ochterlony"},
        "birth-as-admission": {"admission_date": "19.07.1931", "discharge_date": canaries.BIRTH.isoformat()},
        "birth-unreadable": {"birth_date": "19.07.1931"},
        "number-of-no-one": {"nhs_number": NUMBER[:9] + str((int(NUMBER[9]) + 1) % 10)},
        "story-as-reason": {"withdraw_reason": STORY},
    }
    files = {name: csv_bytes([patient(100 + at, **changes)]) for at, (name, changes) in enumerate(wrong.items())}
    return files | {
        "no-headings": rest,
        "number-as-heading": head + b"," + NUMBER.encode() + b"\r\n" + rest.rstrip(b"\r\n") + b",x\r\n",
        "unknown-column": head + b",Local remark\r\n" + rest.rstrip(b"\r\n") + b"," + STORY.encode() + b"\r\n",
        "doubled-column": head + b",ward\r\n" + rest.rstrip(b"\r\n") + b"," + STORY.encode() + b"\r\n",
        "short-row": one + b",".join([NUMBER.encode(), STORY.encode()]) + b"\r\n",
        "long-row": one.rstrip(b"\r\n") + b"," + STORY.encode() + b"," + NUMBER.encode() + b"\r\n",
        "open-quote": one + b'"' + STORY.encode() + b"," + NUMBER.encode(),
        "after-quote": one + b'"' + STORY.encode() + b'"x,' + NUMBER.encode() + b"\r\n",
        "nul": one + STORY.encode() + b"\0" + NUMBER.encode() + b"\r\n",
        "no-table": STORY.encode() + b" " + NUMBER.encode(),
        "broken-workbook": b"PK\x03\x04" + STORY.encode() + NUMBER.encode(),
    }


def _send_all(scene: Scene) -> list[httpx.Response]:
    """By every way; gives the answers that are receipts."""
    good_ones = [
        scene.send(good(1), key="raw"),
        scene.send(good(1), key="raw"),
        scene.send_form(good(2), key="form"),
        scene.send(workbook([patient(3)]), key="workbook", media=XLSX),
        scene.send(good(4), key="rehearsal", rehearsal="true"),
        scene.send(csv_bytes([valid_rca(local_case_id=f"{LOCAL}-1", **REVIEW)]), key="review", kind="rca"),
        scene.send(
            csv_bytes([patient(5, birth_date="19/07/1931", nhs_number=f"{NUMBER[:3]} {NUMBER[3:6]} {NUMBER[6:]}")]),
            key="as-written",
        ),
        scene.send(csv_bytes([*cases(LARGE_ROWS), patient(6), patient(7, sex=STORY)]), key="large"),
    ]
    assert [each.status_code for each in good_ones] == [201, 200, 201, 201, 201, 201, 201, 202], [
        x.text for x in good_ones
    ]
    # What is sent later of the same kind waits for it, however small it is.
    large = f"/api/submissions/{good_ones[7].json()['id']}"
    until(lambda: scene.program.get(large).json()["state"] != "received", 60, "the worker does not take it")
    scene.send(good(8), key="raw")  # other bytes under a key that was used: 409
    pages = [scene.upload(good(9)), scene.upload(csv_bytes([patient(10, sex=NUMBER), patient(11)]))]
    pages = [scene.store(page) for page in pages]
    assert [page.status_code for page in pages] == [200, 200]
    bad = [scene.send(content, key=name) for name, content in spoilt().items()]
    assert all(each.status_code in (201, 422) for each in bad), [(x.status_code, x.text) for x in bad]
    for name, content in spoilt().items():
        scene.upload(content, name=f"{name}-{FILE_NAME}")
    return good_ones + bad


def _enter_by_form(scene: Scene) -> None:
    """The same patient typed into the form of a case: kept as a draft by the page's script, stored, then looked for by NHS number."""
    row = {name: value for name, value in patient(30).items() if value}
    days = {name: value.split("-") for name, value in row.items() if name.endswith("_date")}
    boxes = {
        f"{name}-{part}": value
        for name, parts in days.items()
        for part, value in zip(("year", "month", "day"), parts, strict=True)
    }
    page = scene.person.get("/trust/cases/new")
    typed = {"form_token": token_of(page), "organisation": "RRV", "base_version": "0", "opt_out_screened": "true"}
    typed |= {name: value for name, value in row.items() if name not in days} | boxes
    assert scene.person.post("/trust/cases/new/draft", data=typed).status_code == 200
    # Whatever is warned of is confirmed: a form that comes back has in it what was typed.
    confirmed = ",".join(map(str, range(1, 1000)))
    stored = scene.person.post("/trust/cases/new", data=typed | {"wants": "save", "confirmed": confirmed})
    assert "The case is in the register." in stored.text
    scene.person.post("/trust/cases/find", data={"form_token": token_of(page), "nhs_number": NUMBER})


def _look_at_cases(scene: Scene) -> None:
    """The lists, each case on them, its story and its form as they are opened: masked."""
    lists = [scene.person.get(path).text for path in ("/trust/worklist", "/trust/cases")]
    found = sorted(set(re.findall(r'href="(/trust/cases/[0-9a-f-]{36})"', " ".join(lists))))
    assert found
    for address in found[:30]:
        for way in ("", "/edit", "/withdraw"):
            assert scene.person.get(address + way).status_code in (200, 409)


def _look_everywhere(scene: Scene) -> None:
    """Every receipt, every page and file of it; addresses and headers with canaries in them too."""
    listed = scene.program.get("/api/submissions", params={"limit": "100"}).json()["submissions"]
    for each in listed:
        for way in ("", "/findings", "/findings.csv", *OWN_FILES):
            scene.program.get(f"/api/submissions/{each['id']}{way}")
            scene.person.get(f"/trust/submissions/{each['id']}{way}")
        scene.person.get("/trust/match/case", params={"submission": each["id"]})
    for path in ("/trust", "/trust/submissions", "/trust/match", "/", "/account"):
        scene.person.get(path)
    for word in (STORY, NUMBER):
        for client in (scene.program, scene.person):
            client.get(f"/api/submissions/{word}")
            client.get(f"/{word}")
            client.get("/api/submissions", params={"before": word, word: "1"})
        scene.person.get(f"/trust/submissions/{word}")
        for name in ("organisation", "kind", "mode", "format", "rehearsal", word):
            scene.send(good(12), key="strange", **{name: word})
    scene.person.post("/sign-in", data={"user_name": NUMBER, "password": STORY})


def test_an_invented_patient_is_found_nowhere(scene: Scene, database: Database, server: Server, tmp_path: Path) -> None:
    _send_all(scene)
    _enter_by_form(scene)
    _look_everywhere(scene)
    _look_at_cases(scene)
    printed = _submit_by_command(scene, tmp_path)
    scene.service.stop()

    assert canaries.found(scene.heard.own, canaries.written()), (
        "the own files have nothing in them: nothing is shown by this"
    )
    assert not [name for name in scene.heard.answers if name.endswith(" 500")], scene.service.words()
    assert [each for each in canaries.found(scene.heard.answers, canaries.written()) if not _offered(*each)] == []
    assert canaries.found(printed, canaries.written()) == []
    assert canaries.found(_logs(scene, server), canaries.written()) == []
    assert list((scene.house.settings.data_dir / "spool").iterdir()) == []

    dump = {"dump": dump_everything(database)}
    assert f"{LOCAL}-1".encode() in dump["dump"], "the cases are not in it: nothing is shown by this"
    assert canaries.found(dump, canaries.stored()) == []


def _offered(place: str, term: str) -> bool:
    """What stands in a column of codes is offered to the sender for matching where it could be a local code: so not its digits."""
    return " /trust/match/case " in place and term.replace(" ", "").isalpha()


def _submit_by_command(scene: Scene, folder: Path) -> dict[str, bytes]:
    """`hat submit`, with a good file and a spoilt one; what it prints."""
    printed = {}
    for name, content in {"good": good(20), "spoilt": csv_bytes([patient(21, sex=NUMBER)])}.items():
        path = folder / f"{name}.csv"
        path.write_bytes(content)
        done = subprocess.run(
            [sys.executable, "-m", "registry", "submit", path, "--kind", "case", "--opt-out-screened"],
            env=environment_of(scene.house.settings)
            | {"HAT_BASE_URL": scene.service.address, "HAT_TOKEN": scene.program.headers["Authorization"].split()[1]},
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        assert done.returncode == (0 if name == "good" else 1), done.stderr.decode()
        printed[name] = done.stdout + done.stderr
    return printed


def _logs(scene: Scene, server: Server) -> dict[str, bytes]:
    files = (scene.service.web.log, scene.service.worker.log, server.folder / "postgres.log")
    found = {path.name: path.read_bytes() for path in files}
    assert all(found.values()), {name: len(content) for name, content in found.items()}
    return found
