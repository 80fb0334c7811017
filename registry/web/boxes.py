"""Dates in boxes: a day, a moment or a month as text in a file, and as the parts of it that a person types; one into the other.

Text that has no parts gives None and is shown whole. Parts that make no date are joined as they were typed, so that the check of the
dataset says what is wrong with them.
"""

import re
from collections.abc import Mapping

_ISO = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_SLASHED = re.compile(r"([^/]{0,20})/([^/]{0,20})/([^/]{0,20})")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{1,2})(?:-01)?")
_CLOCKED = re.compile(r"(.*?)(?:[ T]([0-9]{1,2}:[0-9]{2})(?::00)?)?")
_DAY_TYPED = re.compile(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}")
_MONTH_TYPED = re.compile(r"[0-9]{1,2}/[0-9]{4}")

Parts = Mapping[str, str]


def day_parts(value: str) -> Parts | None:
    """`2025-03-27` or `27/3/2025` as day, month and year; None for any other text."""
    if not value:
        return {"day": "", "month": "", "year": ""}
    if found := _ISO.fullmatch(value):
        return {"day": str(int(found[3])), "month": str(int(found[2])), "year": found[1]}
    if found := _SLASHED.fullmatch(value):
        return {"day": found[1].strip(), "month": found[2].strip(), "year": found[3].strip()}
    return None


def moment_parts(value: str) -> Parts | None:
    """A day and a time of day; None for any other text."""
    found = _CLOCKED.fullmatch(value)
    parts = None if found is None else day_parts(found[1])
    return None if found is None or parts is None else {**parts, "time": found[2] or ""}


def month_parts(value: str) -> Parts | None:
    """`2025-03` as month and year; None for any other text."""
    if not value:
        return {"month": "", "year": ""}
    found = _MONTH.fullmatch(value)
    return None if found is None else {"month": str(int(found[2])), "year": found[1]}


def day(parts: Parts) -> str:
    """The text of a day, with its time where there is one."""
    typed = "/".join(parts.get(name, "").replace("/", " ") for name in ("day", "month", "year"))
    if _DAY_TYPED.fullmatch(typed):
        first, month, year = typed.split("/")
        typed = f"{year}-{int(month):02d}-{int(first):02d}"
    return " ".join(each for each in ("" if typed == "//" else typed, parts.get("time", "")) if each)


def month(parts: Parts) -> str:
    """The text of a month."""
    typed = f"{parts.get('month', '')}/{parts.get('year', '')}"
    if _MONTH_TYPED.fullmatch(typed):
        number, year = typed.split("/")
        return f"{year}-{int(number):02d}"
    return "" if typed == "/" else typed
