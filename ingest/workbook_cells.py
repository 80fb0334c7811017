"""The text of a workbook's cell: numbers as plain digits, dates and times as ISO. Standard library only, as `ingest.workbook` asks."""

import re
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from math import isinf

from ingest.characters import SPACES

_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_DIGITS = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)?T?(?:(\d\d:\d\d)(?::(\d\d)(?:\.\d+)?)?)?Z?")
_NOT_IN_FORMAT = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
BUILT_IN = {
    **dict.fromkeys(map(str, (*range(14, 18), *range(27, 32), 36, *range(50, 55), 57, 58)), "date"),
    **dict.fromkeys(map(str, (*range(18, 22), *range(32, 36), 45, 47, 55, 56)), "time"),
    "22": "datetime",
    "46": "elapsed",
}
"""The number formats that a workbook does not spell out, by number (ECMA-376 part 1, 18.8.30): what those of dates and times show."""
_LAST_DAY = 2_958_465  # 31 December 9999


def format_kind(code: str) -> str:
    """What a number format shows, by the letters outside quotes and brackets of its first section."""
    if code.casefold() == "general":
        return ""
    bare = _NOT_IN_FORMAT.sub("", code).partition(";")[0].casefold()
    if "[" in bare:
        return "elapsed"
    clock = "h" in bare or "s" in bare
    day = "y" in bare or "d" in bare or ("m" in bare and not clock)
    return {(True, True): "datetime", (True, False): "date", (False, True): "time", (False, False): ""}[day, clock]


def plain(text: str) -> str:
    """A cell's text trimmed, with `_x000D_` and its like as the characters that they stand for."""
    if "_x" in text:
        text = _ESCAPED.sub(_unescape, text)
    return text.strip(SPACES)


def _unescape(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    return found[0] if "\ud800" <= letter <= "\udfff" else letter


@lru_cache(1 << 16)
def number(value: str, kind: str, epoch_1904: bool) -> str:
    """A number as a person sees it: plain digits, 15 that count, never an exponent; under a format of dates or times, as those."""
    value = value.strip()
    if kind:
        serial = float(value)
        if 0 <= serial < _LAST_DAY + 1:
            with suppress(OverflowError):  # beyond the year 9999 no date is shown
                return moment(serial, kind, epoch_1904)
    if _DIGITS.fullmatch(value):
        return value
    if not _NUMBER.fullmatch(value) or isinf(float(value)):
        return value
    shortest = format(float(value), ".15g")
    return format(Decimal(shortest), "f") if "e" in shortest else shortest


def moment(serial: float, kind: str, epoch_1904: bool) -> str:
    """A day number with its fraction as ISO text: `2024-02-29`, `2024-02-29 13:05`, `13:05`; seconds only if there are any.

    A date that has a time shows it, since it is in the cell. Day 60 of the 1900 system is its 29 February 1900, which never was.
    """
    if kind == "elapsed":
        return clock(round(serial * 86_400))
    if kind == "time" and serial < 1:
        return clock(min(round(serial * 86_400), 86_399))
    day, second = divmod(round(serial * 86_400), 86_400)
    return day_of(day, epoch_1904) if kind == "date" and not second else f"{day_of(day, epoch_1904)} {clock(second)}"


def day_of(day: int, epoch_1904: bool) -> str:
    if epoch_1904:
        return (date(1904, 1, 1) + timedelta(day)).isoformat()
    if day in (0, 60):
        return "1900-02-29" if day else "1900-01-00"
    return (date(1899, 12, 31 if day < 60 else 30) + timedelta(day)).isoformat()


def clock(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{second:02}" if second else text


def iso(text: str, kind: str) -> str:
    """A cell that holds ISO text as its date, in the spelling of `moment`."""
    found = _ISO.fullmatch(text)
    if found is None or not text:
        return text
    day, minute, second = found.groups()
    if minute is None or (day and kind == "date" and minute == "00:00" and second in (None, "00")):
        return day or text
    return f"{day or ''} {minute}{f':{second}' if second and second != '00' else ''}".strip()
