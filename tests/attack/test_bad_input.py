"""Bad input through the real door, row by row of the table of what naive handlers did with it.

In each case: a 4xx in the one shape, nothing of what was sent in the answer or in the log, and the data before and after intact.
"""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import httpx2 as httpx
import psycopg
import pytest

from registry.embedded import Server
from registry.settings import LOGINS, load
from registry.store import Store
from tests.attack.door import Door, State, open_door
from tests.conftest import copy_of
from tests.ingest.test_xlsx import MAIN, SHEET, repacked
from tests.make import cases, csv_bytes, valid_activity, valid_case
from tests.registry.web.programs import screened
from tests.registry.web.visitors import House, house
from tests.running import token

PROBLEM = "application/problem+json"
CANARY = "QX7canaryZ9"
LIMIT = 3_000_000  # bytes of a file, as this service is set
LARGE = 40_000_000  # bytes that a client offers


@pytest.fixture(scope="module")
def standing(
    server: Server, secrets_folder: Path, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[House, Door, psycopg.Connection]]:
    """One service for all of this module, with good data in it."""
    with ExitStack() as stack:
        database = stack.enter_context(copy_of(server, secrets_folder, template))
        settings = load(
            data_dir=tmp_path_factory.mktemp("bad") / "data",
            secrets_dir=database.secrets,
            database_url=database.address,
            max_upload_bytes=LIMIT,
        )
        store = Store.from_settings(settings, roles=LOGINS)
        stack.callback(store.dispose)
        made = house(settings, store)
        screened(made)
        door = stack.enter_context(open_door(made, token(made, "RRV")))
        admin = stack.enter_context(psycopg.connect(database.admin_url, autocommit=True))
        for kind, rows in (("case", cases(20)), ("activity", [valid_activity()])):
            with door.client() as client:
                assert submit(client, csv_bytes(rows), kind=kind).status_code == 201
        yield made, door, admin


@pytest.fixture
def door(standing: tuple[House, Door, psycopg.Connection]) -> Iterator[Door]:
    """The door; after the test nothing that was sent stands in the log, and no fault of ours either."""
    _, opened, _ = standing
    opened.logged.lines.clear()
    yield opened
    text = "\n".join(opened.logged.lines)
    assert CANARY not in text
    assert "Traceback" not in text
    assert " answered 5" not in text


@pytest.fixture
def client(door: Door) -> Iterator[httpx.Client]:
    with door.client() as opened:
        yield opened


@pytest.fixture
def admin(standing: tuple[House, Door, psycopg.Connection]) -> psycopg.Connection:
    return standing[2]


@pytest.fixture
def before(admin: psycopg.Connection) -> State:
    return State.of(admin)


def submit(client: httpx.Client, content: bytes, *, media: str = "text/csv", **parameters: str) -> httpx.Response:
    asked = {"kind": "case", "opt_out_screened": "true"} | parameters
    headers = {"Content-Type": media, "Idempotency-Key": uuid4().hex}
    return client.post("/api/submissions", params=asked, content=content, headers=headers)


def is_refusal(answer: httpx.Response, status: int | None = None) -> None:
    """A 4xx in the one shape, with nothing of what was sent."""
    assert 400 <= answer.status_code < 500, answer.text[:500]
    assert status is None or answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert (
        {"type", "title", "status", "detail"}
        <= body.keys()
        <= {"type", "title", "status", "detail", "errors", "submission"}
    )
    assert body["status"] == answer.status_code
    assert CANARY.lower() not in answer.text.lower()


def is_refused_file(answer: httpx.Response) -> list[str]:
    """A file that was received and refused; gives the rules that it broke."""
    is_refusal(answer, 422)
    receipt = answer.json()["submission"]
    assert (receipt["state"], receipt["counts"]["stored"]) == ("refused", 0)
    assert receipt["errors"] > 0
    return sorted({each["rule"] for each in receipt["tallies"] if each["severity"] == "error"})


# --- JSON, and bodies that are no file


JSON = {
    "100,000 levels": b"[" * 100_000 + b"]" * 100_000,
    "5,000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "NaN": b'{"a": NaN}',
    "1e400": b'{"a": 1e400}',
    "duplicate keys": b'{"a": 1, "a": 2}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a lone surrogate": b'{"a": "\\ud800"}',
    "NUL": b'{"a": "\\u0000"}',
    "too large for int4": b'{"a": 3000000000}',
    "not JSON": f"{CANARY}".encode(),
}


@pytest.mark.parametrize("body", JSON.values(), ids=JSON.keys())
def test_a_body_that_is_no_file_is_not_read(
    client: httpx.Client, admin: psycopg.Connection, before: State, body: bytes
) -> None:
    for media in ("application/json", "application/fhir+json", "text/html"):
        is_refusal(submit(client, body, media=media), 415)
    assert before.same(State.of(admin)) == []


@pytest.mark.parametrize("body", JSON.values(), ids=JSON.keys())
def test_it_is_refused_as_a_file_too(
    client: httpx.Client, admin: psycopg.Connection, before: State, body: bytes
) -> None:
    is_refused_file(submit(client, body))
    is_refused_file(submit(client, body, format="xlsx", media="application/octet-stream"))
    assert before.intact(State.of(admin)) == []


# --- the address


RAW_PATHS = {
    "NUL in the path": b"/api/submissions/%00" + CANARY.encode(),
    "NUL in a query": b"/api/submissions?before=%00" + CANARY.encode(),
    "no UTF-8": b"/api/submissions/%ff" + CANARY.encode(),
    "half a surrogate pair": b"/api/submissions/%ed%a0%80" + CANARY.encode(),
    "a line break": b"/api/submissions/%0d%0aSet-Cookie:x",
    "a parameter twice": b"/api/submissions?limit=1&limit=2",
    "too large for int4": b"/api/submissions?limit=3000000000",
    "5,000 digits": b"/api/submissions?limit=" + b"9" * 5000,
    "full-width digits": "/api/submissions?limit=１２".encode().replace("１２".encode(), b"%EF%BC%91%EF%BC%92"),
    "an underscore": b"/api/submissions?limit=1_0",
    "no number": b"/api/submissions?limit=" + CANARY.encode(),
    "no UUID": b"/api/submissions/" + CANARY.encode(),
    "a path outside": b"/api/dataset/1.0/..%2f..%2f..%2fcase.py",
}


@pytest.mark.parametrize("target", RAW_PATHS.values(), ids=RAW_PATHS.keys())
def test_an_address_that_no_honest_client_sends(
    door: Door, admin: psycopg.Connection, before: State, target: bytes
) -> None:
    head, _, body = door.get(target).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 4"), head
    assert PROBLEM.encode() in head
    assert CANARY.encode() not in head + body
    assert json.loads(body)["status"] == int(head[9:12])
    assert before.same(State.of(admin)) == []


LINES = {
    "a method that is none": b"BREW /api/me HTTP/1.1\r\nHost: x\r\n",
    "a method in small letters": b"get /api/me HTTP/1.1\r\nHost: x\r\n",
    "a method of 300 letters": b"A" * 300 + b" /api/me HTTP/1.1\r\nHost: x\r\n",
    "CONNECT": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n",
    "TRACE": b"TRACE /api/me HTTP/1.1\r\nHost: x\r\nMax-Forwards: 0\r\n",
    "OPTIONS of all": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n",
    "a proxy's address": b"GET http://canary-host.example/api/me HTTP/1.1\r\nHost: x\r\n",
    "no host": b"GET /api/me HTTP/1.1\r\n",
    "two hosts": b"GET /api/me HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
    "half an address as host": b"GET /api/me HTTP/1.1\r\nHost: [\r\n",
    "a blank before the colon": b"GET /api/me HTTP/1.1\r\nHost : x\r\n",
    "another version": b"GET /api/me HTTP/3.0\r\nHost: x\r\n",
    "an upgrade": b"GET /api/me HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
    "no version": b"GET /api/me\r\n",
    "a piece of no length": b"POST /api/submissions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "packed pieces": b"POST /api/submissions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n",
    "two lengths": b"POST /api/submissions HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
    "a length and pieces": b"POST /api/submissions HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
    "a length below nothing": b"POST /api/submissions HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_a_request_that_no_honest_client_sends(
    door: Door, admin: psycopg.Connection, before: State, line: bytes
) -> None:
    """Nobody's: refused in the shape of all refusals, never to be stored, and nothing of it comes back."""
    answer = door.raw(line + f"X-Canary: {CANARY}\r\nConnection: close\r\n\r\n0\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 4"), answer[:200]
    assert PROBLEM.encode() in answer or b"<h1" in answer, answer[:500]
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert b"cache-control: no-store" in head
    assert b"content-security-policy: default-src 'none'" in head
    assert CANARY.encode() not in answer
    assert b"canary-host" not in answer
    assert before.same(State.of(admin)) == []


PARAMETERS = [
    {"kind": CANARY},
    {"mode": CANARY},
    {"format": CANARY},
    {"rehearsal": CANARY},
    {CANARY: CANARY},
    {"organisation": CANARY},
    {"organisation": "7A4"},
    {"kind": ""},
]


@pytest.mark.parametrize("changed", PARAMETERS, ids=[",".join(each) for each in PARAMETERS])
def test_parameters_that_cannot_be(
    client: httpx.Client, admin: psycopg.Connection, before: State, changed: dict[str, str]
) -> None:
    is_refusal(submit(client, csv_bytes(cases(1)), **changed))
    assert before.same(State.of(admin)) == []


# --- forms and sizes


def parts(count: int) -> tuple[bytes, str]:
    """A form of so many small files."""
    one = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nx\r\n'
    return one * count + b"--b--\r\n", "multipart/form-data; boundary=b"


FORMS: dict[str, tuple[bytes, str]] = {
    "1,000 parts": parts(1_000),
    "two files": parts(2),
    "no file": (
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n',
        "multipart/form-data; boundary=b",
    ),
    "1,000 fields": (
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 1_000 + b"--b--\r\n",
        "multipart/form-data; boundary=b",
    ),
    "a field of a megabyte": (
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 1_000_000 + b"\r\n--b--\r\n",
        "multipart/form-data; boundary=b",
    ),
    "endless headers": (b"--b\r\n" + b"X-A: b\r\n" * 10_000 + b"\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    "cut short": (
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nx',
        "multipart/form-data; boundary=b",
    ),
    "no boundary": (b"x", "multipart/form-data"),
    "another encoding": (b"x", "multipart/form-data; boundary=b; charset=utf-7"),
    "NUL in a name": (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a\x00b"\r\n\r\nx\r\n--b--\r\n',
        "multipart/form-data; boundary=b",
    ),
}


# the form parser leaves it to the garbage collector to close the part of a form that was cut short
@pytest.mark.filterwarnings("ignore:.*SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_form_that_is_too_much_or_too_little(
    client: httpx.Client, admin: psycopg.Connection, before: State, form: tuple[bytes, str]
) -> None:
    content, media = form
    is_refusal(submit(client, content, media=media))
    assert before.same(State.of(admin)) == []


def test_a_form_of_endless_fields_at_a_page(
    standing: tuple[House, Door, psycopg.Connection], door: Door, admin: psycopg.Connection
) -> None:
    before = State.of(admin)
    with httpx.Client(base_url=door.address, timeout=60) as stranger:
        answer = stranger.post(
            "/sign-in",
            content=b"&".join(b"a%d=1" % number for number in range(10_000)),
            headers={"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"},
        )
    assert answer.status_code == 400
    assert "<h1" in answer.text
    assert before.same(State.of(admin)) == []


def test_a_body_without_an_end_is_cut_off(door: Door, admin: psycopg.Connection, before: State) -> None:
    sent = 0

    def blocks() -> Iterator[bytes]:
        nonlocal sent
        while sent < LARGE:
            sent += 100_000
            yield b"x" * 100_000

    headers = {"Content-Type": "text/csv", "Idempotency-Key": "endless"}
    with door.client() as client:
        try:
            answer = client.post("/api/submissions?kind=activity", content=blocks(), headers=headers)
        except httpx.TransportError:  # it was cut off while it was still being sent
            assert sent < LARGE
        else:
            is_refusal(answer, 413)
    assert before.same(State.of(admin)) == []


def test_a_body_that_declares_too_much_is_not_read(door: Door, admin: psycopg.Connection, before: State) -> None:
    host = door.address.removeprefix("http://")
    head = (
        f"POST /api/submissions?kind=activity HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {door.token}\r\n"
        f"Content-Type: text/csv\r\nIdempotency-Key: k\r\nConnection: close\r\nContent-Length: {LIMIT + 1}\r\n\r\n"
    )
    assert door.raw(head.encode()).startswith(b"HTTP/1.1 413")
    assert before.same(State.of(admin)) == []


def test_too_large_a_form_is_refused(client: httpx.Client, admin: psycopg.Connection, before: State) -> None:
    content = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + b"x" * (LIMIT + 1)
    is_refusal(submit(client, content + b"\r\n--b--\r\n", media="multipart/form-data; boundary=b"), 413)
    assert before.same(State.of(admin)) == []


def test_an_empty_file_is_refused(client: httpx.Client, admin: psycopg.Connection, before: State) -> None:
    is_refusal(submit(client, b""), 400)
    assert before.same(State.of(admin)) == []


# --- the shape of a table


HEAD, ROW = csv_bytes(cases(1)).split(b"\r\n")[:2]


def table(*rows: bytes, head: bytes = HEAD) -> bytes:
    return b"\r\n".join([head, *rows, b""])


def cell_of(**changes: str) -> bytes:
    return csv_bytes([valid_case(local_case_id="BAD", **changes)])


SHAPES: dict[str, bytes] = {
    "an unclosed quote": table(ROW.replace(b"HAT", b'"' + CANARY.encode()), ROW, ROW),
    "text after a closing quote": table(ROW.replace(b"HAT-000000", f'"{CANARY}"x'.encode())),
    "NUL": table(ROW.replace(b"HAT", CANARY.encode() + b"\x00")),
    "a cell over 131,072 characters": table(ROW.replace(b"HAT", CANARY.encode() * 20_000)),
    "a line beyond a megabyte": table(b"x" * 1_500_000),
    "a short row": table(ROW.rsplit(b",", 3)[0]),
    "a long row": table(ROW + b"," + CANARY.encode()),
    "a lone carriage return": table(ROW.replace(b"HAT", CANARY.encode() + b"\r")),
    "a control character": table(ROW.replace(b"HAT", CANARY.encode() + b"\x1b[2J")),
    "a column twice": table(ROW + b",x", head=HEAD + b",sex"),
    "a column missing": table(ROW, head=HEAD.replace(b"sex", b"gender")),
    "a column without heading": table(ROW + b",x", head=HEAD + b","),
    "a zero-width heading of another alphabet": table(ROW, head=HEAD.replace(b"sex", "ѕех\u200b".encode())),
    "no headings": table(ROW, ROW, head=ROW),
    "a workbook called CSV": b"PK\x03\x04" + CANARY.encode(),
    "nothing but a byte order mark": b"\xef\xbb\xbf",
    "UTF-16 cut in half": table(ROW).decode().encode("utf-16")[:-1],
}


@pytest.mark.parametrize("content", SHAPES.values(), ids=SHAPES.keys())
def test_a_table_that_is_none(client: httpx.Client, admin: psycopg.Connection, before: State, content: bytes) -> None:
    is_refused_file(submit(client, content))
    is_refused_file(submit(client, content, mode="accept-good-rows"))
    assert before.intact(State.of(admin)) == []


# --- cells


CASE_CELLS = {
    "a date in one piece": {"diagnosis_date": "20250920"},
    "a week": {"diagnosis_date": "2025-W38-6"},
    "two digits of the year": {"birth_date": "12/04/51"},
    "a day that is not": {"diagnosis_date": "31/02/2025"},
    "no leap year": {"discharge_date": "29/02/2025"},
    "the month first": {"diagnosis_date": "09/20/2025"},
    "a serial of a spreadsheet": {"diagnosis_date": "45920"},
    "serial 60": {"diagnosis_date": "60"},
    "year 1": {"birth_date": "0001-01-01"},
    "year 10000": {"diagnosis_date": "10000-01-01"},
    "other digits": {"diagnosis_date": "２０２５-０９-２０"},
    "now": {"diagnosis_date": "now"},
    "infinity": {"diagnosis_date": "infinity"},
    "a wrong check digit": {"nhs_number": "9434765910"},
    "zeros": {"nhs_number": "0000000000"},
    "an exponent": {"nhs_number": "9.43477E+09"},
    "Arabic digits": {"nhs_number": "٩٤٣٤٧٦٥٩١٩"},
    "an error of a spreadsheet": {"sex": "#N/A"},
    "no code of the list": {"sex": CANARY},
    "another nation's look": {"admission_group": "medical\u202e"},
    "a formula": {"vte_type": f"=cmd|'/c {CANARY}'!A1"},
    "SQL": {"sex": f"'; drop table records.case_record; -- {CANARY}"},
    "diagnosed before admission": {
        "admission_date": "2025-09-21",
        "discharge_date": "2025-09-22",
        "diagnosis_date": "2025-01-01",
    },
}


@pytest.mark.parametrize("changes", CASE_CELLS.values(), ids=CASE_CELLS.keys())
def test_a_cell_that_cannot_be_read_keeps_the_file_out(
    client: httpx.Client, admin: psycopg.Connection, before: State, changes: dict[str, str]
) -> None:
    is_refused_file(submit(client, cell_of(**changes)))
    assert before.intact(State.of(admin)) == []


COUNTS = ["3000000000", "１２３", "٣", "1_0", " nan ", "1e3", "1.5", "-1", "0x10", "9" * 5000, "Infinity", "", CANARY]


@pytest.mark.parametrize("count", COUNTS, ids=[each[:12] or "empty" for each in COUNTS])
def test_a_count_that_is_none(client: httpx.Client, admin: psycopg.Connection, before: State, count: str) -> None:
    row = valid_activity(month="2025-08", medical_day_case=count)
    is_refused_file(submit(client, csv_bytes([row]), kind="activity"))
    assert before.intact(State.of(admin)) == []


def test_line_breaks_of_other_alphabets_do_not_divide_a_row(client: httpx.Client, admin: psycopg.Connection) -> None:
    row = valid_case(local_case_id="A\u2028B", nhs_number="", nhs_number_reason="overseas")
    before = State.of(admin)
    receipt = submit(client, csv_bytes([row]), rehearsal="true").json()
    assert receipt["counts"]["sent"] == 1
    assert before.intact(State.of(admin)) == []


# --- workbooks


def bomb(path: Path, row: str, times: int) -> bytes:
    rows = f"<worksheet {MAIN}><sheetData>{row * times}</sheetData></worksheet>"
    return repacked(path, {SHEET: rows}).read_bytes()


def dense(path: Path) -> bytes:
    return bomb(path, "<row>" + "<c><v>1</v></c>" * 1_000 + "</row>", 4_000)


def last_row(path: Path) -> bytes:
    head = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in HEAD.decode().split(","))
    return bomb(path, f'<row r="1">{head}</row><row r="1048576"><c r="A1048576"><v>1</v></c></row>', 1)


def entities(path: Path) -> bytes:
    declared = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else CANARY}">' for n in range(10))
    sheet = f"<!DOCTYPE worksheet [{declared}]><worksheet {MAIN}><sheetData><row><c t='str'><v>&e9;</v></c></row></sheetData></worksheet>"
    return repacked(path, {SHEET: sheet}).read_bytes()


def outside_entity(path: Path) -> bytes:
    sheet = (
        '<!DOCTYPE worksheet [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
        f"<worksheet {MAIN}><sheetData><row><c t='str'><v>&e;</v></c></row></sheetData></worksheet>"
    )
    return repacked(path, {SHEET: sheet}).read_bytes()


def no_workbook(path: Path) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(f"../../{CANARY}", CANARY)
    return made.getvalue()


def cut_short(path: Path) -> bytes:
    return dense(path)[:-100]


@pytest.mark.parametrize("make", [dense, last_row, entities, outside_entity, no_workbook, cut_short])
def test_a_workbook_that_would_hurt(
    client: httpx.Client, admin: psycopg.Connection, before: State, tmp_path: Path, make: Callable[[Path], bytes]
) -> None:
    content = make(tmp_path / "sent.xlsx")
    assert len(content) < 1_000_000
    is_refused_file(submit(client, content, media="application/octet-stream"))
    assert before.intact(State.of(admin)) == []


# --- afterwards


def test_the_service_still_takes_good_files(
    standing: tuple[House, Door, psycopg.Connection], client: httpx.Client
) -> None:
    answer = submit(client, csv_bytes(cases(20)))
    assert (answer.status_code, answer.json()["counts"]["unchanged"]) == (201, 20)
    assert list((standing[0].settings.data_dir / "spool").iterdir()) == []
