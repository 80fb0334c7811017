"""A block pasted from a spreadsheet as months and counts: with headings or without, months across or down.

Nothing is guessed that the block does not say: a month or a row that is not known is told, and what cannot be placed is left out.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from ingest.headings import fold
from registry.submissions.monthly import COUNTS, NAMES
from schemas.codes import CaseReturn
from schemas.dictionary import field as field_of
from schemas.record import RecordKind

MOST_LINES = 200
MOST_CHARACTERS = 50_000
_FORMS = ("%Y-%m", "%Y-%m-%d", "%d/%m/%Y", "%m/%Y", "%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%b %y", "%B-%Y", "%d %B %Y")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:[,  ][0-9]{3})+")
_RETURNS = {word.lower() for each in CaseReturn for word in (each.value, each.words)}

Row = list[str]


@dataclass(frozen=True, slots=True)
class Pasted:
    """What was read: the text of each cell by month and field, and what could not be placed, in words."""

    cells: dict[tuple[date, str], str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


def read(text: str, months: Sequence[date]) -> Pasted:
    """Read a pasted block for a page of some months. Cells are divided by tabs, or else by semicolons or commas."""
    if len(text) > MOST_CHARACTERS:
        return Pasted(faults=("That is far more than a table of twelve months. Paste the cells of your sheet only.",))
    rows = _rows(text)
    if not rows:
        return Pasted(faults=("There is nothing to fill in: paste the cells of your sheet first.",))
    if len(rows) > MOST_LINES:
        return Pasted(faults=(f"That is more than {MOST_LINES} lines. Paste one table of twelve months.",))
    for reader in (_months_across, _months_down, _fields_down, _bare):
        found = reader(rows, months)
        if found is not None:
            return _within(found, months)
    return Pasted(
        faults=(
            "It is not clear which cell belongs to which month. Paste the headings too, or exactly the twelve columns of months, or a "
            f"row for each month with all {len(COUNTS)} counts of admissions.",
        )
    )


def month_of(cell: str) -> date | None:
    """A month as people and spreadsheets write it, as its first day."""
    words = " ".join(cell.split())
    for form in _FORMS:
        try:
            found = datetime.strptime(words, form)  # noqa: DTZ007 -- a month has no time zone
        except ValueError:
            continue
        return date(found.year, found.month, 1) if 2000 <= found.year < 2100 else None
    return None


def name_of(cell: str) -> str | None:
    """The field that a heading names: by its name, its question, or its question without what all admissions have in common."""
    return _SPELLINGS.get(fold(" ".join(cell.split())))


def _spellings() -> dict[str, str]:
    found = {}
    for name in NAMES:
        question = field_of(RecordKind.ACTIVITY, name).item.question
        for spelling in (name, question, question.partition(": ")[2] or question):
            found[fold(spelling)] = name
    return found


_SPELLINGS = _spellings()


# --- how a block may be laid out

Cells = list[tuple[date | None, str | None, str]]
"""Month, field and text of each cell that has any text; None where a heading is not known."""


def _months_across(rows: list[Row], _: Sequence[date]) -> Cells | None:
    """Months in the first line, a field at the beginning of each other."""
    head, body = rows[0], rows[1:]
    if not body or sum(month_of(cell) is not None for cell in head) == 0 or name_of(body[0][0]) is None:
        return None
    if any(name_of(cell) for cell in head[1:]):
        return None
    return [
        (month_of(heading), name_of(row[0]), cell)
        for row in body
        for heading, cell in zip(head[1:], row[1:], strict=False)
    ]


def _months_down(rows: list[Row], _: Sequence[date]) -> Cells | None:
    """A month at the beginning of each line; fields in the first line, or else in the order of the page."""
    head, body = rows[0], rows[1:]
    if month_of(head[0]) is not None:
        names: list[str | None] = list(NAMES if _returns(rows) else NAMES[1:])
        head, body = ["", *(name or "" for name in names)], rows
    else:
        names = [name_of(cell) for cell in head[1:]]
        if not body or not any(names) or month_of(body[0][0]) is None:
            return None
    return [(month_of(row[0]), name, cell) for row in body for name, cell in zip(names, row[1:], strict=False)]


def _fields_down(rows: list[Row], months: Sequence[date]) -> Cells | None:
    """A field at the beginning of each line, and the months of the page in their order."""
    if not all(name_of(row[0]) for row in rows) or any(len(row) > len(months) + 1 for row in rows):
        return None
    return [(month, name_of(row[0]), cell) for row in rows for month, cell in zip(months, row[1:], strict=False)]


def _bare(rows: list[Row], months: Sequence[date]) -> Cells | None:
    """Counts of admissions alone: a line for each count and a column for each month, or the other way round."""
    if not all(_is_count(cell) for row in rows for cell in row):
        return None
    wide = {len(row) for row in rows}
    if len(rows) == len(COUNTS) and wide == {len(months)}:
        return [
            (month, name, cell)
            for name, row in zip(COUNTS, rows, strict=True)
            for month, cell in zip(months, row, strict=True)
        ]
    if len(rows) == len(months) and wide == {len(COUNTS)}:
        return [
            (month, name, cell)
            for month, row in zip(months, rows, strict=True)
            for name, cell in zip(COUNTS, row, strict=True)
        ]
    return None


def _is_count(cell: str) -> bool:
    return not cell or re.fullmatch("[0-9]+", _plain(cell)) is not None


def _returns(rows: list[Row]) -> bool:
    """Whether the second cell of the lines says how complete the cases are."""
    return any(len(row) > 1 and row[1].lower() in _RETURNS for row in rows)


# --- what was read


def _within(cells: Cells, months: Sequence[date]) -> Pasted:
    """The cells of the page's months and fields; the rest told."""
    placed: dict[tuple[date, str], str] = {}
    others: set[date] = set()
    unknown = twice = False
    for month, name, cell in cells:
        if not cell:
            continue
        if month is None or name is None:
            unknown = True
        elif month not in months:
            others.add(month)
        else:
            twice = twice or placed.get((month, name), _plain(cell)) != _plain(cell)
            placed[month, name] = _plain(cell)
    return Pasted(placed, tuple(_faults(sorted(others), unknown, twice, nothing=not placed)))


def _faults(others: list[date], unknown: bool, twice: bool, *, nothing: bool) -> Iterator[str]:
    if others:
        yield f"Not on this page, so left out: {', '.join(f'{month:%B %Y}' for month in others[:12])}."
    if unknown:
        yield "Some headings or months are not known, so their cells are left out."
    if twice:
        yield "Some cells are there twice with different content; the last one was taken."
    if nothing and not others and not unknown:
        yield "There is nothing to fill in: every cell is empty."


def _plain(cell: str) -> str:
    """A count without the marks between its thousands; any other text as it is."""
    return re.sub(r"[^0-9]", "", cell) if _THOUSANDS.fullmatch(cell) else cell


def _rows(text: str) -> list[Row]:
    """The lines that hold anything, as cells without blanks at their ends."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return []
    divider = next((mark for mark in "\t;" if any(mark in line for line in lines)), ",")
    # One line at a time: a quote that is never closed swallows no other line.
    read = ([cell.strip() for cell in next(csv.reader(io.StringIO(line), delimiter=divider), [])] for line in lines)
    return [row for row in read if any(row)]
