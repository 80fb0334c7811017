"""The templates: for each record a CSV and a workbook, in full and with the core only, and a filled-in example.

The headings are the field names, so a template that was filled in is read as it stands. The workbook keeps ids as text, since a
spreadsheet would change long numbers, and dates as dates.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from schemas.codelist import CodeList
from schemas.dictionary import RECORDS, VERSION, Field, fields
from schemas.item import Stage
from schemas.publish import examples
from schemas.record import RecordKind
from schemas.values import CodeType, CountType, DateTimeType, DateType, MonthType, NumberType

# The same bytes at every run: a workbook carries the day on which its version of the dataset was made.
_MADE = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_LAST_ROW = 50_000
_LONGEST_MESSAGE = 255
_LONGEST_TITLE = 32

STAGES = {
    Stage.NOTIFICATION: "at notification",
    Stage.COMPLETION: "when the review is completed",
    Stage.OPTIONAL: "optional",
}
_LIST_SHEET = "Lists"


def artefacts(kind: RecordKind) -> dict[str, bytes]:
    """Every template of a record by file name; core-only ones where the core is not everything."""
    whole = fields(kind)
    core = tuple(each for each in whole if each.core)
    files = {
        f"{kind}.csv": template(whole),
        f"{kind}.xlsx": workbook(kind, whole),
        f"{kind}-example.csv": example(kind, whole),
    }
    if len(core) < len(whole):
        files |= {
            f"{kind}-core.csv": template(core),
            f"{kind}-core.xlsx": workbook(kind, core),
            f"{kind}-core-example.csv": example(kind, core),
        }
    return files


def template(columns: Sequence[Field]) -> bytes:
    """A CSV file of headings."""
    return _csv([[each.name for each in columns]])


def example(kind: RecordKind, columns: Sequence[Field]) -> bytes:
    """A CSV file of headings and made-up rows."""
    names = [each.name for each in columns]
    return _csv([names, *([row[name] for name in names] for row in examples.rows(kind))])


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def workbook(kind: RecordKind, columns: Sequence[Field]) -> bytes:
    """A workbook with the sheet to fill in first, then guide and example; only the first is read."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.set_properties({"title": RECORDS[kind].title, "comments": f"HAT dataset {VERSION}", "created": _MADE})
    sheets = [book.add_worksheet(name) for name in (kind.value, "Guide", "Example", _LIST_SHEET)]
    places = _write_lists(sheets[3], columns)
    _write_data(book, sheets[0], columns, places)
    _write_guide(book, sheets[1], columns)
    _write_example(book, sheets[2], kind, columns)
    book.close()
    return buffer.getvalue()


def _write_lists(sheet: Worksheet, columns: Sequence[Field]) -> dict[type[CodeList], str]:
    """The words of every code list on a hidden sheet, and where each stands, for the choices offered in a cell.

    Without headings: those of the lists are much like those of the fields, and the sheet would be taken for data.
    """
    sheet.hide()
    lists = dict.fromkeys(each.codes for each in columns if each.codes)
    places = {}
    for place, codes in enumerate(each for each in lists if each):
        for row, code in enumerate(codes):
            sheet.write_string(row, place, code.words)
        letter = xl_col_to_name(place)
        places[codes] = f"={_LIST_SHEET}!${letter}$1:${letter}${len(codes)}"
    return places


def _write_data(book: Workbook, sheet: Worksheet, columns: Sequence[Field], places: dict[type[CodeList], str]) -> None:
    heads = {
        True: book.add_format({"bold": True, "font_color": "#ffffff", "bg_color": "#005eb8", "num_format": "@"}),
        False: book.add_format({"bold": True, "bg_color": "#d8dde0", "num_format": "@"}),
    }
    shapes: dict[str, Format] = {}
    for place, field in enumerate(columns):
        shape = _shape(field)
        if shape not in shapes:
            shapes[shape] = book.add_format({"num_format": shape})
        sheet.set_column(place, place, max(12, len(field.name) + 2), shapes[shape])
        sheet.write_string(0, place, field.name, heads[field.core])
        sheet.data_validation(1, place, _LAST_ROW, place, _choices(field, places))
    sheet.freeze_panes(1, 1)


def _shape(field: Field) -> str:
    """The number format of a column. Everything that is not a date or a count is text, so that no spreadsheet changes it."""
    by_type = (
        (DateTimeType, "yyyy-mm-dd hh:mm"),
        (DateType, "yyyy-mm-dd"),
        (MonthType, "yyyy-mm"),
        (CountType, "0"),
        (NumberType, "0.##"),
    )
    return next((shape for holds, shape in by_type if isinstance(field.holds, holds)), "@")


def _choices(field: Field, places: dict[type[CodeList], str]) -> dict[str, Any]:
    """What a spreadsheet offers and says in a cell of the column. It warns but lets other content in: a trust's own codes
    may have been matched, and the reader says precisely what is wrong."""
    offered: dict[str, Any] = {"validate": "any"}
    if isinstance(field.holds, CodeType) and field.codes:
        offered = {"validate": "list", "source": places[field.codes]}
    elif isinstance(field.holds, CountType):
        offered = {"validate": "integer", "criteria": "between", "minimum": 0, "maximum": field.holds.most}
    elif isinstance(field.holds, DateType):
        earliest, latest = date(1900, 3, 1), date(2100, 12, 31)
        offered = {"validate": "date", "criteria": "between", "minimum": earliest, "maximum": latest}
    if offered["validate"] != "any":
        offered |= {"error_type": "warning", "error_title": "Please check", "error_message": _wanted(field)}
    if len(field.name) <= _LONGEST_TITLE:
        offered["input_title"] = field.name
    return offered | {"input_message": _message(field)}


def _wanted(field: Field) -> str:
    return f"It must hold {field.holds.wanted}."


def _message(field: Field) -> str:
    """Question, hint and what it must hold: as many whole sentences as a spreadsheet shows."""
    sentences = [f"{field.item.question}.".replace("?.", "?"), _wanted(field), _applies(field), field.item.hint]
    message = ""
    for sentence in filter(None, sentences):
        longer = f"{message} {sentence}".strip()
        message = longer if len(longer) <= _LONGEST_MESSAGE else message
    return message


def _applies(field: Field) -> str:
    return f"Only when {field.item.applies}." if field.item.applies else ""


_GUIDE: tuple[tuple[str, int, Callable[[Field], str]], ...] = (
    ("Heading", 34, lambda field: field.name),
    ("Question", 44, lambda field: field.item.question),
    ("Must be filled", 14, lambda field: "always" if field.required else _applies(field) or "no"),
    ("Asked", 18, lambda field: STAGES[field.item.stage]),
    ("Holds", 34, lambda field: field.holds.wanted),
    ("Hint", 44, lambda field: field.item.hint),
    ("Codes", 70, lambda field: "\n".join(_code_lines(field))),
)


def _code_lines(field: Field) -> list[str]:
    codes = field.codes or ()
    return [f"{code.value} = {code.words}" + (f" (only {code.nation})" if code.nation else "") for code in codes]


def _write_guide(book: Workbook, sheet: Worksheet, columns: Sequence[Field]) -> None:
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    for place, (title, width, _) in enumerate(_GUIDE):
        sheet.set_column(place, place, width)
        sheet.write_string(0, place, title, bold)
    for row, field in enumerate(columns, 1):
        for place, (_, _, said) in enumerate(_GUIDE):
            sheet.write_string(row, place, said(field), wrapped)
    sheet.freeze_panes(1, 1)


def _write_example(book: Workbook, sheet: Worksheet, kind: RecordKind, columns: Sequence[Field]) -> None:
    """One made-up record beside the other, downwards: rows like those of the first sheet would be taken for data."""
    bold, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
    rows = examples.rows(kind)
    for place, title in enumerate(("Heading", *(f"Example {number}" for number in range(1, len(rows) + 1)))):
        sheet.write_string(0, place, title, bold)
    for line, field in enumerate(columns, 1):
        for place, cell in enumerate((field.name, *(row[field.name] for row in rows))):
            sheet.write_string(line, place, cell, text)
    sheet.set_column(0, len(rows), 36)
    sheet.freeze_panes(1, 1)
