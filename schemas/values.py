"""The field types: one strict reading of a cell's text, the same for CSV, XLSX, FHIR and web forms.

A type's `read` gives the typed value, or null where the text cannot stand. `faults` explain such a cell: the first whose
expression is true names what is wrong. `cautions` are looked for in cells that were read. All are polars expressions over
a column of text that is already stripped, so a type is written once and evaluated for whole columns.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, partial
from typing import Annotated, Any

import numpy as np
import polars as pl

from schemas.codelist import CodeList, Nation
from schemas.days import LONDON, days, moments
from schemas.rule import Rule
from schemas.rules import cell

Text_ = pl.Expr
When = Callable[[pl.Expr], pl.Expr]
Explanation = tuple[Rule, When]
# What is looked for in a cell that was read: true by its text and its value.
Caution = tuple[Rule, Callable[[pl.Expr, pl.Expr], pl.Expr]]

_ERROR_MARK = r"^#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|SPILL!|CALC!|GETTING_DATA)$"


def _always(text: pl.Expr) -> pl.Expr:
    return text.is_not_null()


def spreadsheet_error(text: pl.Expr) -> pl.Expr:
    """A spreadsheet's error mark, which is neither an empty cell nor a value."""
    return text.str.contains(_ERROR_MARK)


def _shaped(text: pl.Expr, pattern: str, least: int, most: int) -> pl.Expr:
    """Text of plain characters of a pattern and so many of them. A repetition with bounds would be slow to prepare, cell by cell."""
    return text.str.len_bytes().is_between(least, most) & text.str.contains(pattern)


@dataclass(frozen=True)
class FieldType:
    """What a field holds. `wanted` completes "It must hold …"; `dtype` is the polars type of the value that was read."""

    name: str
    wanted: str
    dtype: pl.DataType | type[pl.DataType]

    def read(self, text: pl.Expr, nation: Nation) -> pl.Expr:
        raise NotImplementedError  # every type below has its own reading

    def faults(self, nation: Nation) -> tuple[Explanation, ...]:
        """In order of precedence; the last one always holds."""
        return ((cell.SPREADSHEET_ERROR, spreadsheet_error), *self.explain(nation), (cell.UNREADABLE, _always))

    def explain(self, nation: Nation) -> tuple[Explanation, ...]:
        return ()

    def cautions(self, nation: Nation) -> tuple[Caution, ...]:
        return ()

    def wanted_in(self, nation: Nation) -> str:
        return self.wanted

    def unsaid(self, nation: Nation) -> tuple[CodeList, ...]:
        """The codes of a list that is too long for `wanted_in` to say whole, which is shown beside it where there is room; else none."""
        return ()

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string"}


@dataclass(frozen=True)
class TextType(FieldType):
    """Text as sent. `screened` text is looked through for identifiers of people."""

    longest: int = 200
    screened: bool = False

    def read(self, text: pl.Expr, nation: Nation) -> pl.Expr:
        return pl.when((text.str.len_chars() <= self.longest) & ~spreadsheet_error(text)).then(text)

    def explain(self, nation: Nation) -> tuple[Explanation, ...]:
        return ((cell.TOO_LONG, lambda text: text.str.len_chars() > self.longest),)

    def cautions(self, nation: Nation) -> tuple[Caution, ...]:
        return ((cell.IDENTIFIER_IN_TEXT, _names_somebody),) if self.screened else ()

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.longest}


_TEN_DIGITS = r"\b[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}\b"
_POSTCODE = r"\b[A-Za-z]{1,2}[0-9][0-9A-Za-z]? ?[0-9][A-Za-z]{2}\b"
_EMAIL = r"[^\s@]+@[^\s@]+\.[^\s@]+"
_TELEPHONE = r"(?:\+44|\b0)[0-9 ]{9,12}\b"


def _names_somebody(text: pl.Expr, _: pl.Expr) -> pl.Expr:
    return text.str.contains("|".join((_TEN_DIGITS, _POSTCODE, _EMAIL, _TELEPHONE)))


@dataclass(frozen=True)
class LocalIdType(FieldType):
    """The trust's own case number: unique in the trust, never the NHS number."""

    def read(self, text: pl.Expr, nation: Nation) -> pl.Expr:
        fits = (
            text.str.len_chars().is_between(1, 40)
            & ~text.str.contains(r"[\x00-\x1f\x7f]")
            & ~spreadsheet_error(text)
            & ~_valid_nhs_number(text)
        )
        return pl.when(fits).then(text)

    def explain(self, nation: Nation) -> tuple[Explanation, ...]:
        return (
            (cell.NHS_NUMBER_AS_ID, _valid_nhs_number),
            (cell.TOO_LONG, lambda text: text.str.len_chars() > 40),
            (cell.CONTROL_CHARACTER, lambda text: text.str.contains(r"[\x00-\x1f\x7f]")),
        )

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": 40}


def _ten_digits(text: pl.Expr) -> pl.Expr:
    """The digits of an NHS number written in one piece or as 3-3-4, null for any other shape."""
    shape = text.str.contains(r"^[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}$")
    return pl.when(shape).then(text.str.replace_all(r"[ -]", ""))


_WEIGHTS = np.array([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], dtype=np.int64)
# polars binds numpy when it first meets an array, and fails where two threads do so together: so it is bound here.
pl.Series(_WEIGHTS)


def _check_digits_fit(digits: pl.Series) -> pl.Series:
    """Modulus 11 over ten digits: weights 10 to 2 and the check digit itself sum to a multiple of 11 (a 10 cannot occur).

    One product of a matrix for the whole column; as expressions the sum would read the column ten times. Null is no number.
    """
    text = "".join(["0" * 10 if cell is None else cell for cell in digits.to_list()]).encode()
    sums = (np.frombuffer(text, dtype=np.uint8).reshape(-1, 10) - np.uint8(ord("0"))) @ _WEIGHTS
    return pl.Series(digits.name, (sums % 11 == 0) & (sums > 0))


def _valid_nhs_number(text: pl.Expr) -> pl.Expr:
    return _ten_digits(text).map_batches(_check_digits_fit, return_dtype=pl.Boolean)


@dataclass(frozen=True)
class NHSNumberType(FieldType):
    """Ten digits with a modulus 11 check digit; spaces or hyphens as 3-3-4 are taken out."""

    def read(self, text: pl.Expr, nation: Nation) -> pl.Expr:
        return pl.when(_valid_nhs_number(text)).then(_ten_digits(text))

    def explain(self, nation: Nation) -> tuple[Explanation, ...]:
        return (
            (cell.NHS_NUMBER_SPREADSHEET, lambda text: text.str.contains(r"^[0-9](\.[0-9]+)?[eE]\+?[0-9]{1,3}$")),
            (cell.NHS_NUMBER_CHECK_DIGIT, lambda text: _ten_digits(text).is_not_null()),
            (cell.NHS_NUMBER_SHAPE, _always),
        )

    def cautions(self, nation: Nation) -> tuple[Caution, ...]:
        # Issued in England and Wales: first digit 4, 6 or 7; England also 3xx. 999 is for tests and for the demonstration.
        return ((cell.UNUSUAL_NHS_NUMBER, lambda _, number: ~number.str.contains(r"^(?:[3467]|999)")),)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[0-9]{10}$"}


_ISO_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_UK_DATE = r"[0-9]{2}/[0-9]{2}/[0-9]{4}"
_DATE_SHAPE = f"^(?:{_ISO_DATE}|{_UK_DATE})$"
# The years 1900 to 2100, as part of the shape: a comparison afterwards would read the whole column once more.
_YEAR = r"(?:19[0-9]{2}|20[0-9]{2}|2100)"
_ISO_DAY = rf"{_YEAR}-[0-9]{{2}}-[0-9]{{2}}"
_UK_DAY = rf"[0-9]{{2}}/[0-9]{{2}}/{_YEAR}"


def _calendar_date(text: pl.Expr, shape: str = _DATE_SHAPE) -> pl.Expr:
    """ISO or day first; null for any other shape and for days that do not exist."""
    days = pl.coalesce(text.str.to_date("%Y-%m-%d", strict=False), text.str.to_date("%d/%m/%Y", strict=False))
    return pl.when(text.str.contains(shape)).then(days)


def month_first(text: pl.Expr) -> pl.Expr:
    """A date with slashes that can only be month first: its middle number is 13 to 31 and its first a month."""
    return text.str.contains(r"^(?:0?[1-9]|1[0-2])/(?:1[3-9]|2[0-9]|3[01])/[0-9]{4}(?:[ T].*)?$")


_DATE_FAULTS: tuple[Explanation, ...] = (
    (cell.MONTH_FIRST, month_first),
    (
        cell.SHORT_YEAR,
        lambda text: text.str.contains(r"^[0-9]{1,2}[/. -][0-9A-Za-z]{1,9}[/. -][0-9]{2}\b|^[A-Za-z]{3}-[0-9]{2}$"),
    ),
    (cell.DATE_SERIAL, lambda text: text.str.contains(r"^[0-9]{5}(\.[0-9]+)?$")),
    (cell.NOT_A_DATE, lambda text: text.str.contains(_DATE_SHAPE) & _calendar_date(text).is_null()),
    (cell.DATE_OUT_OF_RANGE, lambda text: _calendar_date(text).is_not_null()),
)


def read_days(cells: pl.Series) -> pl.Series:
    """The strict reading of a column of days, cell by cell."""
    return cells.to_frame().select(_strict_days()).to_series()


@cache
def _strict_days() -> pl.Expr:
    return _calendar_date(pl.first(), f"^(?:{_ISO_DAY}|{_UK_DAY})$")


@dataclass(frozen=True)
class DateType(FieldType):
    """A day: `yyyy-mm-dd` or `dd/mm/yyyy`, 1900 to 2100. Slashes always mean day first."""

    def read(self, text: pl.Expr, nation: Nation) -> pl.Expr:
        return text.map_batches(partial(days, strictly=read_days), return_dtype=pl.Date)

    def explain(self, nation: Nation) -> tuple[Explanation, ...]:
        return _DATE_FAULTS

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


@dataclass(frozen=True)
class MonthType(FieldType):
    """A month, as its first day: `yyyy-mm`, `yyyy-mm-01` or `01/mm/yyyy`."""

    def read(self, text: pl.Expr, nation: Nation) -> pl.Expr:
        whole = pl.when(text.str.len_bytes() == 7).then(text + "-01").otherwise(text)
        return _calendar_date(whole, rf"^(?:{_YEAR}-[0-9]{{2}}-01|01/[0-9]{{2}}/{_YEAR})$")

    def explain(self, nation: Nation) -> tuple[Explanation, ...]:
        return _DATE_FAULTS[:-1]

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}(-01)?$"}


_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"
_OFFSET = r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
_WALL_FORMS = ("%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S")


def _wall_time(text: pl.Expr) -> pl.Expr:
    """Date and time without an offset, null for any other shape. Seconds may be left out."""
    shaped = text.str.contains(f"^(?:{_ISO_DAY}[ T]|{_UK_DAY} ){_CLOCK}$")
    seconds = pl.when(text.str.len_bytes() == 16).then(text + ":00").otherwise(text)
    spaced = seconds.str.replace("T", " ", literal=True)
    wall = pl.coalesce(spaced.str.to_datetime(form, strict=False) for form in _WALL_FORMS)
    return pl.when(shaped).then(wall)


def _instant(text: pl.Expr) -> pl.Expr:
    """Date and time with an offset, as UTC; null for any other shape."""
    shaped = text.str.contains(f"^{_ISO_DAY}T{_CLOCK}{_OFFSET}$")
    whole = text.str.replace(r"^(.{16})(Z|[+-])", "${1}:00${2}").str.replace(r"Z$", "+00:00")
    return pl.when(shaped).then(whole.str.to_datetime("%Y-%m-%dT%H:%M:%S%z", strict=False))


def _in_london(wall: pl.Expr, ambiguous: str = "earliest") -> pl.Expr:
    return wall.dt.replace_time_zone(LONDON.key, ambiguous=ambiguous, non_existent="null")  # type: ignore[arg-type] # a Literal


def _doubled(text: pl.Expr, moment: pl.Expr) -> pl.Expr:
    """Wall times in the hour that happens twice: 01:00 to 01:59 on the last Sunday of October, read as the first, 00:xx UTC."""
    in_hour = (moment.dt.month() == 10) & (moment.dt.day() >= 25) & (moment.dt.weekday() == 7) & (moment.dt.hour() == 0)
    return in_hour & (text.str.len_bytes() <= 19) & ~text.str.ends_with("Z")


def read_moments(cells: pl.Series) -> pl.Series:
    """The strict reading of a column of moments, cell by cell."""
    return cells.to_frame().select(_strict_moments()).to_series()


@cache
def _strict_moments() -> pl.Expr:
    wall = _in_london(_wall_time(pl.first())).dt.convert_time_zone("UTC")
    return pl.coalesce(wall, _instant(pl.first()))


@dataclass(frozen=True)
class DateTimeType(FieldType):
    """A moment: Europe/London wall time, or ISO with an offset. Kept in UTC, so intervals are elapsed hours."""

    def read(self, text: pl.Expr, nation: Nation) -> pl.Expr:
        return text.map_batches(partial(moments, strictly=read_moments), return_dtype=pl.Datetime("us", "UTC"))

    def explain(self, nation: Nation) -> tuple[Explanation, ...]:
        return (
            (cell.NO_SUCH_HOUR, lambda text: _wall_time(text).is_not_null() & _in_london(_wall_time(text)).is_null()),
            (cell.NO_TIME, lambda text: _calendar_date(text).is_not_null()),
            *_DATE_FAULTS[:3],
        )

    def cautions(self, nation: Nation) -> tuple[Caution, ...]:
        return ((cell.DOUBLED_HOUR, _doubled),)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


@dataclass(frozen=True)
class FinancialYearType(FieldType):
    """April to March, `2025-26`."""

    def read(self, text: pl.Expr, nation: Nation) -> pl.Expr:
        first = text.str.slice(2, 2).cast(pl.Int16, strict=False)
        second = text.str.slice(5, 2).cast(pl.Int16, strict=False)
        fits = text.str.contains(r"^20[0-9]{2}[-/][0-9]{2}$") & ((first + 1) % 100 == second)
        return pl.when(fits).then(text.str.replace("/", "-", literal=True))

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^20[0-9]{2}-[0-9]{2}$"}


@dataclass(frozen=True)
class CountType(FieldType):
    """A whole number from 0 to `most`, in plain ASCII digits."""

    most: int = 9_999_999

    def read(self, text: pl.Expr, nation: Nation) -> pl.Expr:
        number = text.cast(pl.Int64, strict=False)
        return pl.when(text.str.contains(r"^[0-9]{1,9}$") & (number <= self.most)).then(number).cast(pl.Int32)

    def explain(self, nation: Nation) -> tuple[Explanation, ...]:
        return (
            (cell.NEGATIVE, lambda text: text.str.contains(r"^-[0-9]")),
            (cell.OUT_OF_RANGE, lambda text: text.str.contains(r"^[0-9]+$")),
            (cell.NOT_WHOLE, _always),
        )

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": 0, "maximum": self.most}


@dataclass(frozen=True)
class NumberType(FieldType):
    """A measurement in `unit` between `least` and `most`, at most two decimals."""

    least: float = 0
    most: float = 1_000
    unit: str = ""

    def read(self, text: pl.Expr, nation: Nation) -> pl.Expr:
        number = text.cast(pl.Float64, strict=False)
        fits = text.str.contains(r"^[0-9]{1,5}(\.[0-9]{1,2})?$") & number.is_between(self.least, self.most)
        return pl.when(fits).then(number)

    def explain(self, nation: Nation) -> tuple[Explanation, ...]:
        return ((cell.OUT_OF_RANGE, lambda text: text.str.contains(r"^-?[0-9]+(\.[0-9]+)?$")),)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class OdsCodeType(FieldType):
    """An organisation or site code of the Organisation Data Service."""

    def read(self, text: pl.Expr, nation: Nation) -> pl.Expr:
        return pl.when(_shaped(text, r"^[0-9A-Za-z]+$", 3, 9)).then(text.str.to_uppercase())

    def explain(self, nation: Nation) -> tuple[Explanation, ...]:
        return ((cell.ODS_SHAPE, _always),)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[0-9A-Z]{3,9}$"}


# Verhoeff's dihedral multiplication and permutation tables (J. Verhoeff, Error Detecting Decimal Codes, 1969).
_TIMES = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
    (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
    (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
_SHIFT = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 5, 7, 6, 2, 8, 3, 0, 9, 4),
    (5, 8, 0, 3, 7, 9, 6, 1, 4, 2),
    (8, 9, 1, 6, 0, 4, 3, 5, 2, 7),
    (9, 4, 5, 3, 1, 2, 6, 8, 7, 0),
    (4, 2, 8, 6, 5, 7, 3, 9, 0, 1),
    (2, 7, 9, 3, 8, 0, 6, 4, 1, 5),
    (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)


def verhoeff_fits(digits: str) -> bool:
    """Whether a string of ASCII digits carries a right Verhoeff check digit at its end."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = _TIMES[check][_SHIFT[place % 8][int(digit)]]
    return check == 0


def _verhoeff(text: pl.Expr) -> pl.Expr:
    """Worked out in Python over a column's distinct values: ids repeat, and no expression says Verhoeff well."""

    def fits(column: pl.Series) -> pl.Series:
        cells = column.to_list()
        good = {value for value in set(cells) if value is not None and verhoeff_fits(value)}
        return pl.Series(column.name, [value in good for value in cells], pl.Boolean)

    shaped = pl.when(_shaped(text, r"^[1-9][0-9]+$", 6, 18)).then(text)
    return shaped.map_batches(fits, return_dtype=pl.Boolean).fill_null(False)


@dataclass(frozen=True)
class SnomedIdType(FieldType):
    """A SNOMED CT id: 6 to 18 digits with a Verhoeff check digit, kept as text from end to end."""

    def read(self, text: pl.Expr, nation: Nation) -> pl.Expr:
        return pl.when(_verhoeff(text)).then(text)

    def explain(self, nation: Nation) -> tuple[Explanation, ...]:
        damaged = r"^[0-9](\.[0-9]+)?[eE]\+?[0-9]{1,3}$|^[1-9][0-9]{14}0{1,3}$"
        return (
            (cell.SNOMED_SPREADSHEET, lambda text: text.str.contains(damaged)),
            (cell.SNOMED_CHECK_DIGIT, lambda text: text.str.contains(r"^[1-9][0-9]{5,17}$")),
        )

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[1-9][0-9]{5,17}$"}


@cache
def _spellings(codes: tuple[CodeList, ...]) -> dict[str, str]:
    """What a cell may hold for each code: its words or its value, in lower case. A value wins over another's words, and both over a value
    without its leading zeros, which is what a spreadsheet program makes of it when it opens a CSV file."""
    shorn = {code.value.lstrip("0"): code.value for code in codes if re.fullmatch(r"0+[1-9][0-9]*", code.value)}
    words = {code.words.lower(): code.value for code in codes}
    return shorn | words | {code.value.lower(): code.value for code in codes}


LONGEST_LIST = 600
"""All codes of a list are said with their words where they need no more characters than this; else some of them are, and where all stand."""
EXAMPLES = 4


def _wanted(codes: tuple[CodeList, ...]) -> str:
    """The codes of a list as people know them, each with the code where that is another word."""
    if not _too_long(codes):
        return _listed(codes)
    some = _listed(codes[:: len(codes) // EXAMPLES][:EXAMPLES])
    return f"{some}; or another of the {len(codes)} answers that the guide to the dataset lists under {type(codes[0]).__name__}"


@cache
def _too_long(codes: tuple[CodeList, ...]) -> bool:
    return len(_listed(codes)) > LONGEST_LIST


def _listed(codes: tuple[CodeList, ...]) -> str:
    return "; ".join(_said(code) for code in codes)


def _unsaid(codes: tuple[CodeList, ...]) -> tuple[CodeList, ...]:
    return codes if _too_long(codes) else ()


def _said(code: CodeList) -> str:
    """`Not recorded`, but `Pulmonary embolism (pe)`. Words and code are read alike."""
    words, code_as_words = code.words.lower(), code.value.lower().replace("_", " ")
    return (
        code.words if words == code_as_words or words.endswith(f"({code_as_words})") else f"{code.words} ({code.value})"
    )


@dataclass(frozen=True)
class CodeType(FieldType):
    """One code of a list, by the nation of the trust."""

    codes: type[CodeList] = field(default=CodeList)

    def read(self, text: pl.Expr, nation: Nation) -> pl.Expr:
        return text.map_batches(partial(self._known, nation), return_dtype=pl.String)

    def _known(self, nation: Nation, cells: pl.Series) -> pl.Series:
        codes = self.spelt(cells.unique(), nation)
        return cells if codes is None else cells.replace_strict(codes, default=None, return_dtype=pl.String)

    def spelt(self, distinct: Iterable[str | None], nation: Nation) -> dict[str, str | None] | None:
        """The code, or None, for each of a column's distinct cells, which are few; None where all are codes already."""
        spellings, pattern = _spellings(self.codes.of(nation)), self.codes.open_pattern()
        codes = {cell: spellings.get(cell.lower()) for cell in distinct if cell is not None}
        if pattern is not None:
            codes = {cell: code or (cell if re.search(pattern, cell) else None) for cell, code in codes.items()}
        return None if all(cell == code for cell, code in codes.items()) else codes

    def explain(self, nation: Nation) -> tuple[Explanation, ...]:
        return (
            (cell.OTHER_NATION, lambda text: text.str.to_lowercase().is_in(list(_spellings(tuple(self.codes))))),
            (cell.NOT_IN_LIST, _always),
        )

    def cautions(self, nation: Nation) -> tuple[Caution, ...]:
        if self.codes.open_pattern() is None:
            return ()
        known = list(_spellings(self.codes.of(nation)))
        return ((cell.UNLISTED_CODE, lambda text, _: ~text.str.to_lowercase().is_in(known)),)

    def wanted_in(self, nation: Nation) -> str:
        return _wanted(self.codes.of(nation))

    def unsaid(self, nation: Nation) -> tuple[CodeList, ...]:
        return _unsaid(self.codes.of(nation))

    def json_schema(self) -> dict[str, Any]:
        if self.codes.open_pattern() is not None:
            return {"type": "string", "pattern": self.codes.open_pattern()}
        return {"type": "string", "enum": [code.value for code in self.codes]}


@dataclass(frozen=True)
class CodesType(FieldType):
    """Several codes of a list in one cell, separated by `|`. Kept once each, in alphabetical order."""

    codes: type[CodeList] = field(default=CodeList)

    def read(self, text: pl.Expr, nation: Nation) -> pl.Expr:
        each = (
            pl.element()
            .str.strip_chars()
            .replace_strict(_spellings(self.codes.of(nation)), default=None, return_dtype=pl.String)
        )
        many = text.str.to_lowercase().str.split("|").list.eval(each)
        complete = many.list.eval(pl.element().is_null()).list.any().not_()
        return pl.when(complete).then(many.list.unique().list.sort())

    def explain(self, nation: Nation) -> tuple[Explanation, ...]:
        return (
            (cell.EMPTY_CHOICE, lambda text: text.str.contains(r"^\s*\||\|\s*\||\|\s*$")),
            (cell.NOT_IN_LIST, _always),
        )

    def wanted_in(self, nation: Nation) -> str:
        return _wanted(self.codes.of(nation))

    def unsaid(self, nation: Nation) -> tuple[CodeList, ...]:
        return _unsaid(self.codes.of(nation))

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "array",
            "items": {"type": "string", "enum": [code.value for code in self.codes]},
            "uniqueItems": True,
        }


LocalId = Annotated[str, LocalIdType("local id", "a case number of up to 40 characters", pl.String)]
NHSNumber = Annotated[str, NHSNumberType("NHS number", "a ten-digit NHS number", pl.String)]
Date = Annotated[date, DateType("date", "a date as yyyy-mm-dd or dd/mm/yyyy", pl.Date)]
DateTime = Annotated[
    datetime,
    DateTimeType("date and time", "a date and time as yyyy-mm-dd hh:mm or dd/mm/yyyy hh:mm", pl.Datetime("us", "UTC")),
]
Month = Annotated[date, MonthType("month", "a month as yyyy-mm, or its first day", pl.Date)]
FinancialYear = Annotated[str, FinancialYearType("financial year", "a financial year as 2025-26", pl.String)]
OdsCode = Annotated[str, OdsCodeType("organisation code", "an ODS code such as RJZ", pl.String)]
SnomedId = Annotated[str, SnomedIdType("SNOMED CT id", "a SNOMED CT id as text", pl.String)]
Count = Annotated[int, CountType("count", "a whole number, 0 or more", pl.Int32)]
SmallCount = Annotated[int, CountType("count", "a whole number from 0 to 9,999", pl.Int32, most=9_999)]
ShortText = Annotated[str, TextType("text", "at most 80 characters", pl.String, longest=80)]
LearningText = Annotated[str, TextType("free text", "at most 500 characters", pl.String, longest=500, screened=True)]
Weight = Annotated[
    float, NumberType("weight", "a weight in kg from 20 to 400", pl.Float64, least=20, most=400, unit="kg")
]
Clearance = Annotated[
    float,
    NumberType(
        "creatinine clearance", "a creatinine clearance in ml/min from 0 to 300", pl.Float64, most=300, unit="ml/min"
    ),
]
Minutes = Annotated[int, CountType("minutes", "whole minutes from 0 to 2,880", pl.Int32, most=2_880)]
