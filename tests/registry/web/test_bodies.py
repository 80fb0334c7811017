"""The table of bad input, row by row, against the one JSON reader and the one form reader."""

import contextlib
import gzip
import json
import zlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from registry.errors import BadRequest, PayloadTooLarge
from registry.web.bodies import MAX_DEPTH, read_json
from tests.registry.web.small import CANARY, UNPACKED_LIMIT, client

GOOD = b'{"kind": "case", "count": 1}'

REFUSED = {
    "100,000 levels of lists": b"[" * 100_000 + b"]" * 100_000,
    "100,000 levels of objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "one level too many": b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    "levels behind an escaped quote": b'["\\"",' + b"[" * 100 + b"]" * 101,
    "5,000 digits": b'{"count": ' + b"9" * 5000 + b"}",
    "5,000 decimals": b'{"count": 0.' + b"1" * 5000 + b"}",
    "NaN": b'{"count": NaN}',
    "Infinity": b'{"count": Infinity}',
    "minus Infinity": b'{"count": -Infinity}',
    "1e400": b'{"count": 1e400}',
    "1e-400": b'{"count": 1e-400}',
    "an exponent beyond Decimal": b'{"count": 1e99999999999999999999}',
    "duplicate keys": b'{"count": 1, "count": 2}',
    "duplicate keys, one escaped": b'{"count": 1, "c\\u006funt": 2}',
    "duplicate keys deeper": b'[{"a": {"b": 1, "b": 1}}]',
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-16 without a mark": GOOD.decode().encode("utf-16-le"),
    "UTF-32": GOOD.decode().encode("utf-32"),
    "Windows-1252": '{"kind": "é"}'.encode("cp1252"),
    "two marks": b"\xef\xbb\xbf\xef\xbb\xbf" + GOOD,
    "a lone surrogate": b'{"kind": "\\ud800"}',
    "a lone surrogate in a key": b'{"\\udfff": 1}',
    "a surrogate in raw bytes": b'{"kind": "\xed\xa0\x80"}',
    "NUL escaped": b'{"kind": "\\u0000"}',
    "NUL in a key": b'{"a\\u0000": 1}',
    "NUL raw": b'{"kind": "\x00"}',
    "an escape character": b'{"kind": "\\u001b[2J"}',
    "empty": b"",
    "cut short": GOOD[:-1],
    "two values": GOOD + GOOD,
    "a trailing comma": b"[1,]",
    "other digits": '{"count": ١٢٣}'.encode(),
    "a leading zero": b'{"count": 01}',
    "an underscore": b'{"count": 1_0}',
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read_json(body)


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_refused_at_a_route_with_a_model(body: bytes) -> None:
    response = client().post("/api/things/a", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)  # an empty body is a missing one
    assert response.headers["content-type"] == "application/problem+json"


def test_a_text_beyond_the_limit_is_too_large() -> None:
    with pytest.raises(PayloadTooLarge):
        read_json(b"1" * 11, limit=10)


def test_strings_with_many_quotes_are_read_in_linear_time() -> None:
    with pytest.raises(BadRequest):
        read_json(b'"' + b'\\"' * 500_000)


def test_a_byte_order_mark_is_let_pass() -> None:
    assert read_json(b"\xef\xbb\xbf" + GOOD) == {"kind": "case", "count": 1}


def test_decimals_keep_their_digits() -> None:
    value = read_json(b"[0.1, 1.10, 1e3, -0.0, 12345678901234567890]")
    assert value == [Decimal("0.1"), Decimal("1.10"), Decimal("1e3"), Decimal("-0.0"), 12345678901234567890]
    assert isinstance(value, list)
    assert str(value[1]) == "1.10"


def test_honest_text_passes() -> None:
    text = "Glân\u00a0🏥\n\tzweite Zeile\r\n\u200f"
    assert read_json(json.dumps([text]).encode()) == [text]
    assert read_json(json.dumps([text], ensure_ascii=False).encode()) == [text]
    assert read_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert read_json(b'["' + b"[" * 1000 + b'"]') == ["[" * 1000]


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@given(JSON)
def test_whatever_python_writes_is_read_back(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    with contextlib.suppress(BadRequest):
        read_json(body)


def test_a_number_beyond_the_column_is_refused_by_the_model() -> None:
    response = client().post("/api/things/a", json={"kind": "case", "count": 3_000_000_000})
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/body/count"


@pytest.fixture(scope="module")
def http() -> TestClient:
    return client()


def parts(count: int, *, file: bool = False) -> bytes:
    name = '; filename="a.csv"' if file else ""
    part = f'--b\r\nContent-Disposition: form-data; name="p"{name}\r\n\r\nx\r\n'
    return (part * count + "--b--\r\n").encode()


MULTIPART = "multipart/form-data; boundary=b"
URLENCODED = "application/x-www-form-urlencoded"

FORMS = {
    "1,001 parts": (MULTIPART, parts(1001)),
    "21 fields": (MULTIPART, parts(21)),
    "two files": (MULTIPART, parts(2, file=True)),
    "no boundary": ("multipart/form-data", parts(1)),
    "no name": (MULTIPART, b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
    "broken head": (MULTIPART, b"--b\r\nno colon here\r\n\r\nx\r\n--b--\r\n"),
    "another boundary": (MULTIPART, b"--c\r\n"),
    "a field of 600 KB": (MULTIPART, parts(1).replace(b"x", b"x" * 600_000)),
    "endless fields": (URLENCODED, b"a=1&" * 5000),
    "NUL": (URLENCODED, b"a=%00"),
    "NUL in a name": (URLENCODED, b"a%00=1"),
    "lone surrogate": (URLENCODED, b"a=%ED%A0%80"),
    "bytes that are no UTF-8": (URLENCODED, b"a=%FF"),
    "NUL in multipart": (MULTIPART, parts(1).replace(b"x", b"\x00")),
    "NUL in a file name": (MULTIPART, parts(1, file=True).replace(b"a.csv", b"a\x00.csv")),
    "line break in a file name": (MULTIPART, parts(1, file=True).replace(b"a.csv", b"a\x1b.csv")),
    "UTF-7": (MULTIPART + "; charset=utf-7", parts(1)),
    "a codec that is none": (MULTIPART + "; charset=undefined", parts(1)),
    "escapes as a codec": (MULTIPART + "; charset=unicode_escape", parts(1).replace(b"x", b"\\ud800")),
}


@pytest.mark.parametrize(("kind", "body"), FORMS.values(), ids=FORMS.keys())
def test_refused_forms(http: TestClient, kind: str, body: bytes) -> None:
    response = http.post("/form", content=body, headers={"Content-Type": kind})
    assert response.status_code == 400
    assert "<h1" in response.text
    assert "nhsuk" in response.text


def test_a_good_form_passes(http: TestClient) -> None:
    response = http.post("/form", data={"a": "Glân\n🏥"}, files={"file": ("Jänner.csv", CANARY.encode())})
    assert response.json() == {"names": ["a", "file"], "size": 10}
    assert http.post("/form", data={"a": "1", "b": "x" * 60_000}).status_code == 200
    assert (
        http.post("/form", content=b"a=1", headers={"Content-Type": URLENCODED + "; charset=UTF-8"}).status_code == 200
    )


# --- packed bodies


def packed_post(content: bytes, encoding: str = "gzip") -> tuple[int, int | None]:
    """Status, and how many bytes came out."""
    answer = client().post("/api/unpacked", content=content, headers={"Content-Encoding": encoding})
    return answer.status_code, answer.json().get("bytes")


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_a_body_packed_with_gzip_is_unpacked(encoding: str) -> None:
    content = b"cases" * 1_000
    assert packed_post(gzip.compress(content), encoding) == (200, len(content))
    assert packed_post(gzip.compress(content) + gzip.compress(b"more"), encoding) == (200, len(content) + 4)


def test_a_body_that_is_not_packed_comes_as_it_is() -> None:
    assert packed_post(b"cases", "identity") == (200, 5)
    assert packed_post(b"", "gzip") == (200, 0)


@pytest.mark.parametrize(
    "content",
    [b"cases", gzip.compress(b"cases" * 99)[:-1], gzip.compress(b"c")[:5], gzip.compress(b"cases") + b"x", b"\x1f\x8b"],
    ids=["no gzip", "cut off", "cut off early", "something after it", "only its mark"],
)
def test_what_is_no_gzip_is_refused(content: bytes) -> None:
    assert packed_post(content)[0] == 400


@pytest.mark.parametrize("encoding", ["br", "deflate", "compress", "gzip, gzip", "zstd", "aws-chunked"])
def test_other_encodings_are_refused(encoding: str) -> None:
    assert packed_post(zlib.compress(b"cases"), encoding)[0] == 415


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    assert packed_post(gzip.compress(bytes(UNPACKED_LIMIT)))[0] == 200
    assert packed_post(gzip.compress(bytes(UNPACKED_LIMIT + 1)))[0] == 413
    assert packed_post(gzip.compress(gzip.compress(bytes(200 * UNPACKED_LIMIT))))[0] == 200
    assert packed_post(gzip.compress(bytes(200 * UNPACKED_LIMIT)))[0] == 413
