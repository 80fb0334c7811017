"""R4's primitive types: what is written right, what is not, and no value at all that makes a check fail."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.fhir.primitives import MOST_CHARACTERS, PRIMITIVES

RIGHT: dict[str, tuple[object, ...]] = {
    "boolean": (True, False),
    "integer": (0, -1, -(2**31), 2**31 - 1),
    "unsignedInt": (0, 2**31 - 1),
    "positiveInt": (1, 2**31 - 1),
    "decimal": (0, 5, -1.5, 1e30, 2**62, Decimal("1.10")),
    "string": ("a", " ", "é\n\t\r", "𝄞", "\xa0"),
    "markdown": ("# a\n\n- b\n",),
    "code": ("a", "a b", "12", "<=", "a-B.c"),
    "id": ("a", "A-1.b", "a" * 64),
    "uri": (
        "a",
        "urn:uuid:0f6b8a3e-6a0e-4b7e-9b1d-5d2f0c7f9a11",
        "http://a/b?c=d|e",
        "Patient?identifier=a|b",
        "http://a/é",
    ),
    "url": ("http://a/b", "mailto:a@b"),
    "canonical": ("http://a/b|1.0#c", "#a"),
    "oid": ("urn:oid:1.2.3", "urn:oid:2.16.840.1.113883"),
    "uuid": ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:00000000-0000-1000-8000-000000000000"),
    "date": ("2024-02-29", "2000-02-29", "1951", "1951-07", "2026-12-31", "0001-01-01"),
    "dateTime": ("1951", "1951-07", "2024-02-29", "2026-02-28T23:59:60Z", "2026-02-28T00:00:00.123456789+14:00"),
    "instant": ("2026-02-28T10:00:00Z", "2026-02-28T10:00:00.1-05:30"),
    "time": ("00:00:00", "23:59:60", "12:00:00.5"),
    "base64Binary": ("AAAA", "AAA=", "AA==", "AAAA\r\nBBBB", "  AAAA BBBB "),
}
WRONG: dict[str, tuple[object, ...]] = {
    "boolean": ("true", "false", 1, 0, "", None),
    "integer": (5.0, 5.5, "5", True, 2**31, -(2**31) - 1, None, 1e3),
    "unsignedInt": (-1, False, "1"),
    "positiveInt": (0, -1, 1.0),
    "decimal": ("1.0", True, float("nan"), float("inf"), None, [], Decimal("NaN")),
    "string": ("", "a\x00", "\x07", "\x1b", 1, True, [], {}),
    "markdown": ("", "\x0b"),
    "code": ("", " a", "a ", "a  b", "a\tb", "a\n", 1, "a\x00"),
    "id": ("", "a" * 65, "a b", "a_b", "a/b", "é", "a\n", 1),
    "uri": ("", "a b", " a", "a\n", "a\tb", 1),
    "url": ("http://a b",),
    "canonical": ("http://a |1",),
    "oid": ("1.2.3", "urn:oid:3.1", "urn:oid:1.02", "urn:oid:1", "urn:oid:"),
    "uuid": ("c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520", "urn:uuid:1"),
    "date": (
        "2026-02-30",
        "2025-02-29",
        "1900-02-29",
        "2026-04-31",
        "2026-13",
        "2026-1-1",
        "0000",
        "26",
        "2026-01-01T00:00:00Z",
        "2026-01-01 ",
        "٢٠٢٦",
        2026,
    ),
    "dateTime": (
        "2026-01-01T10:00",
        "2026-01-01T10:00Z",
        "2026-01-01T10:00:00",
        "2026-01-01 10:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T10:00:00+14:30",
        "2026-01-01T10:00:00.Z",
        "2026-01T10:00:00Z",
        "20260101",
    ),
    "instant": ("2026-02-28", "2026-02-28T10:00Z", "2026-02-28T10:00:00", "2026-02-30T10:00:00Z"),
    "time": ("12:00", "24:00:00", "12:00:00Z", "12:60:00", "1:00:00"),
    "base64Binary": ("AAA", "AA=A", "====", "AA AA", "A-A_", "", 1),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in RIGHT.items() for value in values])
def test_it_is_right(name: str, value: object) -> None:
    assert PRIMITIVES[name].right(value)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_it_is_wrong(name: str, value: object) -> None:
    assert not PRIMITIVES[name].right(value)


def test_a_text_has_at_most_a_megabyte() -> None:
    for character in "a\n":
        assert PRIMITIVES["string"].right(character * MOST_CHARACTERS)
        assert not PRIMITIVES["string"].right(character * (MOST_CHARACTERS + 1))


def test_every_type_of_r4_is_shown() -> None:
    assert set(RIGHT) == set(WRONG) == set(PRIMITIVES) - {"xhtml"}


@given(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.lists(st.integers())
    | st.dictionaries(st.text(), st.none())
)
def test_no_value_makes_a_check_fail(value: object) -> None:
    assert all(primitive.right(value) in (True, False) for primitive in PRIMITIVES.values())


@given(st.dates())
def test_every_day_is_a_date_and_a_moment(day: object) -> None:
    assert PRIMITIVES["date"].right(str(day))
    assert PRIMITIVES["instant"].right(f"{day}T00:00:00Z")
