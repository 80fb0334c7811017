"""Bytes to a JSON value, with everything that is wrong with them as JSON: nothing is guessed, nothing believed by half.

orjson reads quickly, but keeps the last of two equal keys and turns integers beyond 64 bits into floating point. A count of keys shows
whether the first can have happened, and a look for long runs of digits whether the second can; only then the bytes are read again, by
Python's own reader, which tells of both. An issue names a line and a column, or an element, never an excerpt.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import orjson

from ingest.fhir import paths, structure
from ingest.fhir.issue import Issue
from ingest.fhir.primitives import Huge
from ingest.fhir.structure import MOST_LEVELS
from schemas.rule import Rule
from schemas.rules import fhir as rules

_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_BLANKS = (b" ", b"\t", b"\r", b"\n")
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG = b"0" * 19
"""A number beyond 64 bits has at least 19 digits: 9223372036854775808."""
_SURROGATE = re.compile("[\ud800-\udfff]")

Steps = tuple[str | int, ...]


def parse(content: bytes, *, root: str = "") -> tuple[Any, list[Issue]]:
    """The JSON value, or None where it could not be had; and what is wrong with it as JSON.

    Beside a value there may be errors (a key written twice, a number too large); the walk over its structure finds the rest. `root`
    begins each FHIRPath; "": the resource's own type.
    """
    refused = _not_json(content)
    if refused is not None:
        return None, [refused]
    content = content.removeprefix(_BOM)
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        line, column = error.lineno, error.colno
    else:
        return _looked_over(content, value, root)
    return _explained(content, line, column, root)


def _not_json(content: bytes) -> Issue | None:
    """What is plainly something else: another encoding, XML, or nothing at all."""
    name = next((name for mark, name in _OTHER_BOMS if content.startswith(mark)), None)
    if name is None and b"\x00" in content[:4]:
        name = "UTF-16 or UTF-32"
    if name is not None:
        return _encoding(f"this is {name}", 1, 1)
    start = content[:64].removeprefix(_BOM).lstrip()
    if start.startswith(b"<"):
        return structure.told_issue(rules.XML_SENT)
    if not start and not content.removeprefix(_BOM).strip():
        return _malformed("nothing stands there", 1, 1)
    return None


def _looked_over(content: bytes, value: Any, root: str) -> tuple[Any, list[Issue]]:
    keys, deep = _counted(value)
    if deep and (refused := _too_deep(value, root)):
        return None, [refused]
    if _may_repeat(content, keys) or _LONG in content.translate(_DIGITS):
        value = _slowly(content.decode())
        return value, _doubts(value, root)
    return value, []


def _explained(content: bytes, line: int, column: int, root: str) -> tuple[Any, list[Issue]]:
    """Why orjson could not read the bytes. A number like 1e400 still leaves a value in which the rest can be looked over."""
    try:
        value = _slowly(content.decode())
    except UnicodeDecodeError as error:
        return None, [_encoding("a byte belongs to no character", *_position(content, error.start))]
    except ValueError:
        return None, [_malformed("something stands there that may not", line, column)]
    except RecursionError:
        return None, [structure.told_issue(rules.TOO_DEEP, limit=str(MOST_LEVELS))]
    if refused := _too_deep(value, root):
        return None, [refused]
    if any(isinstance(held, str) and _SURROGATE.search(held) for _, held in _all(value)):
        return None, [_encoding("half of a surrogate pair stands alone", line, column)]
    return value, _doubts(value, root) or [_malformed("something stands there that may not", line, column)]


def _counted(value: Any) -> tuple[int, bool]:
    """The keys of all objects together, and whether the value is nested too deep; level by level, so that no depth harms."""
    keys = 0
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MOST_LEVELS):
        below: list[Any] = []
        for held in level:
            inside: Any = held
            if held.__class__ is dict:
                keys += len(held)
                inside = held.values()
            for each in inside:
                if each.__class__ is dict or each.__class__ is list:
                    below.append(each)
        if not below:
            return keys, False
        level = below
    return keys, True


def _may_repeat(content: bytes, keys: int) -> bool:
    """Whether a key can have been written twice: each key ends with `":`, unless a blank stands before a colon somewhere."""
    return content.count(b'":') != keys or any(blank in content and blank + b":" in content for blank in _BLANKS)


class _Object(dict[str, Any]):
    """An object some of whose keys were written `twice`."""

    twice: tuple[str, ...] = ()


def _slowly(text: str) -> Any:
    """Read by Python's own reader, which is shown every key. ValueError or RecursionError where it cannot."""
    return json.loads(
        text, object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) == len(pairs):
        return held
    doubled = _Object(held)
    keys = [key for key, _ in pairs]
    doubled.twice = tuple(key for key in held if keys.count(key) > 1)
    return doubled


def _integer(text: str) -> float:
    value = int(text) if len(text) <= 20 else 2**63
    return value if -(2**63) <= value < 2**63 else Huge()


def _decimal(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else Huge()


def _constant(_: str) -> float:
    """NaN and Infinity, which Python would read."""
    raise ValueError


def _doubts(value: Any, root: str) -> list[Issue]:
    """The keys written twice and the huge numbers in a value that was read slowly."""
    issues = []
    for steps, held in _all(value):
        if isinstance(held, Huge):
            issues.append(_at(rules.HUGE_NUMBER, value, steps, root))
        elif isinstance(held, _Object):
            issues += [_at(rules.DUPLICATE_KEY, value, (*steps, key), root) for key in held.twice]
    return issues


def _all(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Everything in a value, each with the keys and indices that lead to it. Keys are told as they are."""
    yield steps, value
    if isinstance(value, dict):
        for key, held in value.items():
            yield (*steps, key), key
            yield from _all(held, (*steps, key))
    elif isinstance(value, list):
        for index, held in enumerate(value):
            yield from _all(held, (*steps, index))


def _too_deep(value: Any, root: str) -> Issue | None:
    """The issue about nesting, at one of the elements that are too deep; None where none is."""
    level: list[tuple[Steps, Any]] = [((), value)] if isinstance(value, (dict, list)) else []
    for _ in range(MOST_LEVELS):
        below = []
        for steps, held in level:
            inside = held.items() if isinstance(held, dict) else enumerate(held)
            below += [((*steps, step), each) for step, each in inside if isinstance(each, (dict, list))]
        if not below:
            return None
        level = below
    return _at(rules.TOO_DEEP, value, level[0][0], root, limit=str(MOST_LEVELS))


def _at(rule: Rule, value: Any, steps: Steps, root: str, **placeholders: str) -> Issue:
    return structure.told_issue(rule, paths.place(value, steps, root), **placeholders)


def _position(content: bytes, offset: int) -> tuple[int, int]:
    """Line and column from 1, columns in bytes."""
    before = content[:offset]
    return before.count(b"\n") + 1, offset - before.rfind(b"\n")


def _malformed(found: str, line: int, column: int) -> Issue:
    return structure.told_issue(rules.NOT_JSON, found=found, position=_said(line, column))


def _encoding(found: str, line: int, column: int) -> Issue:
    return structure.told_issue(rules.WRONG_ENCODING, found=found, position=_said(line, column))


def _said(line: int, column: int) -> str:
    return f"line {line}, column {column}"
