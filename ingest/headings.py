"""How a heading finds its field: any case, order and spelling of spaces; missing, doubled and unknown columns by name."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from ingest.characters import SPACES
from schemas.finding import Finding
from schemas.rules import file as rules

HEAD_ROWS = 20
"""The row of headings must be among the first so many rows."""
MOST_COLUMNS = 1_000
_RUN = re.compile(rf"[{re.escape(SPACES)}_\-\u2010-\u2015]+")
_WRAPPING = "\"'“”‘’*:_"
_LONGEST_SHOWN = 80
_UNTOLD = "…"
_LINE_ENDS = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")
"""What some programs end a line with and no file of this kind does: behind one of these the row of headings goes on with patients."""
_NUMBERLIKE = re.compile(r"\d[\d\s/.\-]{5,}")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the sender's sheet. `field` None: not known, or ignored at the trust's wish."""

    index: int
    letter: str
    heading: str
    field: str | None


@dataclass(frozen=True, slots=True)
class Headings:
    """What headings may stand for: the record's fields in order, those that must be there, and the trust's own confirmed map.

    `confirmed` goes from a folded heading to a field, or to "" for a column that the trust wants ignored.
    """

    fields: tuple[str, ...]
    required: frozenset[str]
    confirmed: Mapping[str, str]


def fold(heading: str) -> str:
    """The spelling under which headings are compared and a trust's map is kept: `" NHS\u00a0Number*"` is `nhs_number`."""
    visible = heading if heading.isascii() else "".join(each for each in heading if unicodedata.category(each) != "Cf")
    return _RUN.sub("_", visible.casefold()).strip(_WRAPPING)


def letter(index: int) -> str:
    """The spreadsheet's name of a column counted from 0: 0 is A, 25 is Z, 26 is AA."""
    name = ""
    index += 1
    while index:
        index, place = divmod(index - 1, 26)
        name = chr(65 + place) + name
    return name


def shown(heading: str) -> str:
    """A heading as it may stand in a message: shortened, and left out if it looks like a number or date out of a patient's row."""
    visible = "".join(letter for letter in heading if unicodedata.category(letter)[0] != "C")
    if _NUMBERLIKE.search(visible):
        return _UNTOLD
    return visible if len(visible) <= _LONGEST_SHOWN else visible[: _LONGEST_SHOWN - 1] + "…"


class Matcher:
    """The headings of one kind of record, ready for look-up."""

    def __init__(self, headings: Headings) -> None:
        self._headings = headings
        self._known = _squashed(headings.fields)
        self._found: dict[str, str | None] = {}
        fields = {"", *headings.fields}
        self._confirmed = {fold(key): field for key, field in headings.confirmed.items() if field in fields}

    @property
    def fewest(self) -> int:
        """So many known headings make a row the row of headings."""
        return min(2, len(self._headings.fields))

    def field(self, heading: str) -> str | None:
        """The field of a heading; "" for one to be ignored; None for an unknown one."""
        if heading not in self._found:
            self._found[heading] = self._look_up(heading)
        return self._found[heading]

    def _look_up(self, heading: str) -> str | None:
        folded = fold(heading)
        confirmed = self._confirmed.get(folded)
        return self._known.get(_squash(folded)) if confirmed is None else confirmed

    def known(self, cells: Iterable[str]) -> int:
        """How many different fields the cells of a row name."""
        return len({field for cell in cells if cell and (field := self.field(cell)) is not None})

    def heading_row(self, rows: Sequence[Sequence[str]]) -> int | None:
        """The index of the first row that names enough fields."""
        return next((index for index, cells in enumerate(rows) if self.known(cells) >= self.fewest), None)

    def columns(self, cells: Sequence[str], row: int, first: int = 0) -> tuple[tuple[Column, ...], list[Finding]]:
        """The columns under a row of headings, and what is wrong with them. `first` is the index of the first cell's column.

        A blank heading makes no column; whether cells stand beneath it is for the reader to see. Where the rows beneath may have run
        into this one, no heading that is not known is told.
        """
        run_on = any(_LINE_ENDS.search(cell) for cell in cells)
        columns = tuple(
            Column(
                index,
                letter(index),
                _UNTOLD if run_on and self.field(heading) is None else heading,
                self.field(heading) or None,
            )
            for index, cell in enumerate(cells, first)
            if (heading := _clean(cell))
        )
        unknown = [column for column in columns if self.field(column.heading) is None]
        named = {column.field for column in columns}
        missing = [field for field in self._headings.fields if field not in named]
        return columns, [
            *_missing([field for field in missing if field in self._headings.required], unknown, row),
            *_doubled(columns, row),
            *_unknown(unknown, missing, row),
        ]


@cache
def _squashed(fields: tuple[str, ...]) -> Mapping[str, str]:
    """The fields by the spelling under which a heading finds them."""
    return {_squash(fold(field)): field for field in fields}


def _squash(folded: str) -> str:
    return folded.replace("_", "")


def _clean(cell: str) -> str:
    return re.sub(rf"[{re.escape(SPACES)}]+", " ", cell).strip(SPACES)


def _closest(wanted: str, offered: Iterable[str]) -> str | None:
    near = difflib.get_close_matches(wanted, list(offered), n=1, cutoff=0.6)
    return near[0] if near else None


def _missing(missing: list[str], unknown: list[Column], row: int) -> list[Finding]:
    headings = {fold(column.heading)[:_LONGEST_SHOWN]: column for column in unknown}
    findings = []
    for field in missing:
        near = _closest(field, headings)
        hint = "" if near is None else f" Is it column {headings[near].letter}, “{shown(headings[near].heading)}”?"
        findings.append(rules.MISSING_COLUMN.finding(row=row, field=field, missing=field, hint=hint))
    return findings


def _doubled(columns: Sequence[Column], row: int) -> list[Finding]:
    first: dict[str, Column] = {}
    findings = []
    for column in columns:
        if column.field is None:
            continue
        earlier = first.setdefault(column.field, column)
        if earlier is not column:
            findings.append(
                rules.DOUBLED_COLUMN.finding(
                    row=row,
                    column=column.letter,
                    heading=shown(column.heading),
                    field=column.field,
                    doubled=column.field,
                    first=earlier.letter,
                    second=column.letter,
                )
            )
    return findings


def _unknown(unknown: list[Column], missing: list[str], row: int) -> list[Finding]:
    findings = []
    for column in unknown:
        near = _closest(fold(column.heading)[:_LONGEST_SHOWN], missing)
        findings.append(
            rules.UNKNOWN_COLUMN.finding(
                row=row,
                column=column.letter,
                heading=shown(column.heading),
                unknown=shown(column.heading),
                hint="" if near is None else f" Did you mean “{near}”?",
            )
        )
    return findings
