"""Lines of the log: one object each, whatever stands in them; a fault by kind and place; the request's number."""

import json
import logging
import sys

import pytest

from registry import logs

CANARY = "canary9434765919"


@pytest.fixture
def formatter() -> logging.Formatter:
    return logs._Lines()


def _record(words: str, *values: object, fault: Exception | None = None) -> logging.LogRecord:
    info = (type(fault), fault, fault.__traceback__) if fault else None
    return logging.LogRecord("registry.x", logging.WARNING, __file__, 1, words, values, info)


@pytest.mark.parametrize("given", ["a\nb", 'x"}\n{"level": "error', "\u2028\x85\x0b\x1b[2J", "\ud800", "\r\n\r\n"])
def test_nothing_that_is_told_can_look_like_another_line(formatter: logging.Formatter, given: str) -> None:
    line = formatter.format(_record("told: %s", given))
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert json.loads(line)["words"] == f"told: {given}"


def test_a_fault_has_its_kind_and_its_places_and_no_words(formatter: logging.Formatter) -> None:
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        line = formatter.format(_record("it failed", fault=error))
    said = json.loads(line)
    assert said["fault"] == "ValueError"
    assert said["places"][0].endswith(sys._getframe().f_code.co_name)
    assert CANARY not in line


def test_what_is_done_for_a_request_bears_its_number(formatter: logging.Formatter) -> None:
    before = logs.request_number.set("0123456789abcdef")
    try:
        assert json.loads(formatter.format(_record("x")))["request_id"] == "0123456789abcdef"
    finally:
        logs.request_number.reset(before)
    assert "request_id" not in json.loads(formatter.format(_record("x")))


def test_facts_are_members_of_the_line(formatter: logging.Formatter) -> None:
    record = _record("answered")
    setattr(record, logs.FACTS, {"status": 200, "milliseconds": 1.5})
    assert json.loads(formatter.format(record)).items() >= {"status": 200, "milliseconds": 1.5}.items()
