"""JSON is read strictly, quickly, and told about without an excerpt."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.fhir.parsing import parse
from ingest.fhir.structure import MOST_LEVELS, faults
from tests.ingest.fhir.sent import case_bundle

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


def told(content: bytes, root: str = "") -> list[tuple[int, str | None]]:
    return [(each.finding.rule, next(iter(each.expressions), None)) for each in parse(content, root=root)[1]]


@given(JSON)
def test_what_is_json_is_read_as_it_is(value: object) -> None:
    for option in (None, orjson.OPT_INDENT_2):
        content = orjson.dumps(value, option=option)
        assert parse(content) == (value, [])
        assert parse(b"\xef\xbb\xbf" + content) == (value, [])


@given(st.binary(max_size=60))
def test_no_bytes_make_it_fail(content: bytes) -> None:
    value, issues = parse(content)
    assert value is not None or issues or content.strip() == b"null"


@pytest.mark.parametrize(
    ("content", "rule", "words"),
    [
        (b"", 350, "line 1, column 1"),
        (b' \r\n\t {"a":\n 01}', 350, "line 3, column"),
        (b"[Infinity]", 350, "line 1, column 2"),
        (b"[-NaN]", 350, "line 1, column"),
        (b"{'a': 1}", 350, "line 1, column 2"),
        (b'{"a": 1} {}', 350, "line 1, column 10"),
        (b'["\x01"]', 350, "line 1, column"),
        (b'\n{"a": "\xe9"}', 351, "line 2, column 8"),
        (b'["\\udc00"]', 351, "surrogate"),
        ("[1]".encode("utf-16"), 351, "UTF-16"),
        ("[1]".encode("utf-16-be"), 351, "UTF-16"),
        ("[1]".encode("utf-32"), 351, "UTF-32"),
        (b"\xef\xbb\xbf\n<Bundle/>", 352, "XML"),
        (b"[" * 2_000, 353, str(MOST_LEVELS)),
        (b"[" * 200, 350, "line 1, column 200"),
        (b"[" * 2_000 + b"]" * 2_000, 353, str(MOST_LEVELS)),
        (b"[" * 100_000 + b"]" * 100_000, 353, str(MOST_LEVELS)),
        (b'{"a":' * 33 + b"1e400" + b"}" * 33, 353, str(MOST_LEVELS)),
    ],
)
def test_what_cannot_be_read_is_told_once_and_clearly(content: bytes, rule: int, words: str) -> None:
    value, issues = parse(content)
    assert value is None
    (issue,) = issues
    assert issue.finding.rule == rule
    assert issue.error
    assert words in issue.finding.words


def test_the_depth_that_is_allowed_is_read() -> None:
    assert parse(b"[" * MOST_LEVELS + b"]" * MOST_LEVELS)[1] == []
    assert [rule for rule, _ in told(b"[" * (MOST_LEVELS + 1) + b"]" * (MOST_LEVELS + 1))] == [353]


@pytest.mark.parametrize("style", [b":", b" :", b"\n:", b": "])
def test_every_key_that_is_there_twice_is_told_at_its_place(style: bytes) -> None:
    content = (
        b'{"resourceType":"Observation","subject":{"identifier":{"value":"1","value":"2"}},'
        b'"valueString":"a","valueString":"a","_valueString":{"id":"x","id":"y"},"note":[{},{"text":"a","text":"b:"}]}'
    ).replace(b'":', b'"' + style)
    value, _ = parse(content)
    assert value["subject"] == {"identifier": {"value": "2"}}
    assert told(content) == [
        (354, "Observation.value"),
        (354, "Observation.subject.identifier.value"),
        (354, "Observation.value.id"),
        (354, "Observation.note[1].text"),
    ]


def test_the_same_key_in_two_objects_is_no_fault_nor_is_a_text_that_looks_like_one() -> None:
    assert told(b'{"resourceType":"Patient","name":[{"text":"\\"text\\":"},{"text":" : \\"text\\" : "}]}') == []


def test_a_path_ends_before_a_key_that_may_be_data() -> None:
    assert told(b'{"resourceType":"Patient","contact":[{"999 000 0018":1,"999 000 0018":2}]}') == [
        (354, "Patient.contact[0]")
    ]


@pytest.mark.parametrize(
    "number", ["9223372036854775808", "-9223372036854775809", "1" * 400, "1" * 5_000, "1e400", "-1e400"]
)
def test_a_number_that_cannot_be_kept_is_told_at_its_place(number: str) -> None:
    content = (
        b'{"resourceType":"Bundle","entry":[{"search":{"score":1,"mode":"a"}},{"search":{"score":%s}}]}'
        % number.encode()
    )
    value, _ = parse(content)
    assert value["resourceType"] == "Bundle"
    assert told(content, root="Parameters") == [(355, "Parameters.entry[1].search.score")]


@pytest.mark.parametrize(
    "number", ["9223372036854775807", "-9223372036854775808", "1e308", "0.1234567890123456789012", "-0", "1E-400"]
)
def test_other_numbers_are_read(number: str) -> None:
    assert told(b"[%s]" % number.encode()) == []


def test_a_huge_number_is_told_once() -> None:
    value, issues = parse(b'{"resourceType":"Patient","multipleBirthInteger":9223372036854775808}')
    assert [each.finding.rule for each in (*issues, *faults(value))] == [355]


def test_a_long_run_of_digits_in_a_text_is_no_number() -> None:
    assert told(b'["urn:oid:2.16.840.1.113883.12345678901234567890123"]') == []


def test_a_case_is_read_as_orjson_reads_it() -> None:
    content = orjson.dumps(case_bundle())
    assert parse(content) == (orjson.loads(content), [])
