"""Days and moments in their usual forms, read with whole-array arithmetic: a quarter of the time that parsing takes.

Only a cell that beyond doubt holds a day that exists, or a minute of London's time at which no clock changes, is read here.
All others are left to the strict reading of `values`, which gives the same values for these (a property test shows it).
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int32]
Which = npt.NDArray[np.bool_]
Strictly = Callable[[pl.Series], pl.Series]
"""The reading of a column that decides whatever is left to it."""

LONDON: Final = ZoneInfo("Europe/London")
FIRST_YEAR, LAST_YEAR = 1900, 2100
# Where the digits of year, month and day stand, and what stands where between them.
_ISO = ((0, 1, 2, 3), (5, 6), (8, 9), {4: ord("-"), 7: ord("-")})
_UK = ((6, 7, 8, 9), (3, 4), (0, 1), {2: ord("/"), 5: ord("/")})
# The first day of each month as days since 1970; one month more shows how long the last is.
_MONTHS = np.arange(f"{FIRST_YEAR}-01", f"{LAST_YEAR + 1}-02", dtype="datetime64[M]")
_FIRST_DAYS: Numbers = _MONTHS.astype("datetime64[D]").astype(np.int32)
# London's clocks change at night: of such a day only the hours before this minute are in doubt.
_MORNING = 6 * 60
_CLOCKS_CHANGE = -1


def days(text: pl.Series, strictly: Strictly) -> pl.Series:
    """The dates of a column; quick for `yyyy-mm-dd` and `dd/mm/yyyy`."""
    return _read(text, 10, _days, pl.Date(), strictly)


def moments(text: pl.Series, strictly: Strictly) -> pl.Series:
    """The moments of a column in UTC; quick for London's wall time as `yyyy-mm-dd hh:mm`, also with a T, and `dd/mm/yyyy hh:mm`."""
    return _read(text, 16, _microseconds, pl.Datetime("us", "UTC"), strictly)


def _read(
    text: pl.Series,
    length: int,
    quickly: Callable[[Bytes], tuple[npt.NDArray[np.signedinteger], Which]],
    dtype: pl.DataType,
    strictly: Strictly,
) -> pl.Series:
    """`quickly` gets the cells of that length, byte under byte, and tells which of them it has read."""
    if text.null_count() == len(text):
        return text.cast(dtype)
    chosen, cells = _cells(text, length)
    values, sure = quickly(cells)
    if chosen is not None:
        values, sure = _among(values, chosen), _among(sure, chosen)
    read = pl.Series(text.name, values).cast(dtype)
    if sure.all():
        return read
    read = read.set(pl.Series(~sure), None)
    left = np.flatnonzero(~sure if text.null_count() == 0 else ~sure & text.is_not_null().to_numpy())
    return read.scatter(left, strictly(text.gather(left))) if len(left) else read


def _cells(text: pl.Series, length: int) -> tuple[Which | None, Bytes]:
    """The cells of that length, byte under byte, and which they are; None where it is all of them.

    Each question to a column of some thousand cells costs more than its answer, so first it is asked whether all are.
    """
    if not text.null_count():
        joined = np.frombuffer((text.str.join("\n").item() + "\n").encode(), np.uint8)
        if len(joined) == (length + 1) * len(text):
            cells = joined.reshape(-1, length + 1).T
            if (cells[length] == ord("\n")).all() and np.count_nonzero(joined == ord("\n")) == len(text):
                return None, np.ascontiguousarray(cells[:length])
    fits = (text.str.len_bytes() == length).fill_null(value=False)
    chosen = text.filter(fits).str.join("").item() if fits.any() else ""
    return fits.to_numpy(), np.ascontiguousarray(np.frombuffer(chosen.encode(), np.uint8).reshape(-1, length).T)


def _among(values: npt.NDArray[Any], chosen: Which) -> npt.NDArray[Any]:
    """The values at the places of the chosen, zeros elsewhere."""
    every = np.zeros(len(chosen), values.dtype)
    every[chosen] = values
    return every


def _number(digits: Bytes, places: tuple[int, ...]) -> Numbers:
    number: Numbers = digits[places[0]].astype(np.int32)
    for place in places[1:]:
        number = number * np.int32(10) + digits[place]
    return number


def _days(cells: Bytes) -> tuple[Numbers, Which]:
    """Days since 1970, and for which cells that is sure."""
    if cells.shape[1] and cells[4, 0] != ord("-"):
        return _merged(_days_as(cells, _UK), _days_as(cells, _ISO))
    read = _days_as(cells, _ISO)
    return read if read[1].all() else _merged(read, _days_as(cells, _UK))


def _merged(first: tuple[Numbers, Which], second: tuple[Numbers, Which]) -> tuple[Numbers, Which]:
    return np.where(first[1], first[0], second[0]), first[1] | second[1]


def _days_as(
    cells: Bytes, form: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], dict[int, int]]
) -> tuple[Numbers, Which]:
    in_year, in_month, in_day, between = form
    digits = cells - np.uint8(ord("0"))  # what is below 0 wraps far beyond 9
    sure = np.logical_and.reduce([cells[place] == mark for place, mark in between.items()])
    for place in (*in_year, *in_month, *in_day):
        sure &= digits[place] <= 9
    year, month, day = (_number(digits, places) for places in (in_year, in_month, in_day))
    sure &= (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12)
    at = np.where(sure, (year - np.int32(FIRST_YEAR)) * np.int32(12) + month - np.int32(1), np.int32(0))
    first = _FIRST_DAYS[at]
    sure &= (day >= 1) & (day <= _FIRST_DAYS[at + 1] - first)
    return first + day - np.int32(1), sure


def _microseconds(cells: Bytes) -> tuple[npt.NDArray[np.int64], Which]:
    """Microseconds since 1970 in UTC, and for which cells that is sure."""
    day, sure = _days(cells[:10])
    digits = cells - np.uint8(ord("0"))
    for place in (11, 12, 14, 15):
        sure &= digits[place] <= 9
    hour, minute = _number(digits, (11, 12)), _number(digits, (14, 15))
    iso = cells[4] == ord("-")
    sure &= (cells[10] == ord(" ")) | (iso & (cells[10] == ord("T")))
    sure &= (cells[13] == ord(":")) & (hour <= 23) & (minute <= 59)
    part = (np.where(sure, day, np.int32(0)) - _FIRST_DAYS[0]) * 2 + (hour >= _MORNING // 60)
    ahead = _ahead()[part]
    sure &= ahead != _CLOCKS_CHANGE
    minutes = day.astype(np.int64) * (24 * 60) + hour * np.int32(60) + minute - ahead
    return minutes * 60_000_000, sure


@cache
def _ahead() -> Numbers:
    """By how many minutes London's clocks are ahead of UTC in each part of a day from 1900 on; `_CLOCKS_CHANGE` where they change."""
    first, last = int(_FIRST_DAYS[0]), int(_FIRST_DAYS[-1])
    starts = np.stack([np.zeros(last - first + 1, np.int64), np.full(last - first + 1, _MORNING)], axis=1)
    minutes = (np.arange(first, last + 1)[:, np.newaxis] * (24 * 60) + starts).reshape(-1)
    wall = pl.Series(minutes * 60_000_000).cast(pl.Datetime("us"))
    london = wall.dt.replace_time_zone(LONDON.key, ambiguous="null", non_existent="null").dt.convert_time_zone("UTC")
    ahead = (wall - london.dt.replace_time_zone(None)).dt.total_minutes()
    # An hour that is doubled or left out within a part would show as another distance at its end.
    steady = (ahead == ahead.shift(-1)).fill_null(value=False)
    return ahead.set(~steady, _CLOCKS_CHANGE).cast(pl.Int32).to_numpy()
