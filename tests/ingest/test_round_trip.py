"""Any typed row, written down in any way that the guide allows, reads back as the same row with the same findings.

Made from the dataset itself: each field type has its values and its spellings here, so a new field is covered as it comes.
"""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingest.characters import SPACES
from ingest.check import Context, check_frame
from ingest.files import open_file
from ingest.reading import Reading
from ingest.tabular import Format
from schemas import values as held
from schemas.codelist import CodeList, Nation
from schemas.days import LONDON
from schemas.dictionary import Field, fields, key
from schemas.record import RecordKind
from schemas.values import FieldType
from tests.make import ON, nhs_number
from tests.schemas.judging import SENDER, text_frame

NATION = {RecordKind.WALES_QUARTER: Nation.WALES}
SNOMED = ("59282003", "132281000119108", "706870000", "16332841000119106")
CASES: tuple[Callable[[str], str], ...] = (str, str.lower, str.upper, str.title)
# No apostrophe: before a sign it is a mark that every reader takes off. No carriage return: a workbook holds none.
CHARACTERS = st.sampled_from('abzAZ019 .,;:|"/()&%-+=@#_?!éß£–漢\U0001f600\u00a0\n')
few = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def context(kind: RecordKind) -> Context:
    return Context(nation=NATION.get(kind, Nation.ENGLAND), sender=SENDER, on=ON, synthetic=True)


# --- the values of each type


def _words(longest: int, characters: st.SearchStrategy[str] = CHARACTERS) -> st.SearchStrategy[str]:
    text = st.lists(characters, min_size=1, max_size=min(longest, 30)).map("".join)
    stripped = text.map(lambda words: words.strip(SPACES))
    # Not an error mark of spreadsheets, and not a formula or a mark of one.
    return stripped.filter(lambda words: bool(words) and words[0] not in "#=+-@" and "\n" not in words[:1])


def _plain(words: str) -> bool:
    """No line within the text begins like a formula: a reader takes the apostrophe before such a sign for a mark."""
    return not any(line.lstrip(SPACES).startswith(tuple("=+-@")) for line in words.split("\n"))


def _moments() -> st.SearchStrategy[datetime]:
    minutes = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))
    return minutes.map(lambda moment: moment.replace(second=0, microsecond=0))


def _codes(each: Field) -> tuple[CodeList, ...]:
    assert each.codes is not None
    return each.codes.of(NATION.get(each.kind, Nation.ENGLAND))


def _values(each: Field) -> st.SearchStrategy[Any]:
    holds = each.holds
    made: dict[type[FieldType], Callable[[], st.SearchStrategy[Any]]] = {
        held.LocalIdType: lambda: _words(40, st.sampled_from("AbZ019-/. é;,\"|")).map(lambda words: f"C{words}"[:40].strip(SPACES)),
        held.NHSNumberType: lambda: st.integers(0, 899_999).map(nhs_number),
        held.DateType: lambda: st.dates(date(1900, 1, 1), date(2100, 12, 31)),
        held.DateTimeType: _moments,
        held.MonthType: lambda: st.dates(date(1900, 1, 1), date(2100, 12, 31)).map(lambda day: day.replace(day=1)),
        held.FinancialYearType: lambda: st.integers(2000, 2098).map(lambda year: f"{year}-{(year + 1) % 100:02d}"),
        held.CountType: lambda: st.integers(0, getattr(holds, "most", 0)),
        held.NumberType: lambda: st.integers(int(getattr(holds, "least", 0)) * 100, int(getattr(holds, "most", 0)) * 100).map(lambda cents: cents / 100),
        held.OdsCodeType: lambda: st.text("ABRXZ0279", min_size=3, max_size=9),
        held.SnomedIdType: lambda: st.sampled_from(SNOMED),
        held.CodeType: lambda: st.sampled_from([code.value for code in _codes(each)]),
        held.CodesType: lambda: st.lists(st.sampled_from([code.value for code in _codes(each)]), min_size=1, max_size=4, unique=True).map(sorted),
        held.TextType: lambda: _words(getattr(holds, "longest", 0)).filter(_plain),
    }  # fmt: skip
    return made[type(holds)]()


def _row(kind: RecordKind) -> st.SearchStrategy[dict[str, Any]]:
    """A typed row: every required field, any of the others."""
    cells = {each.name: _values(each) if each.required else st.none() | _values(each) for each in fields(kind)}
    return st.fixed_dictionaries(cells)


# --- how a value may be written


@dataclass(frozen=True)
class Written:
    """A cell as text, and as what a spreadsheet may hold in its place (a number, a date)."""

    text: str
    cell: object = None


@st.composite
def _in_any_case(draw: st.DrawFn, words: str) -> str:
    how = draw(st.sampled_from(CASES))
    return how(words) if how(words).lower() == words.lower() else words


def _days(day: date) -> list[Written]:
    iso, slashed = Written(day.isoformat()), Written(f"{day:%d/%m}/{day.year}")
    # A spreadsheet's own dates begin in 1900, and wrongly: before March of that year they are a day off.
    return [iso, slashed, *([Written(iso.text, datetime.combine(day, time()))] if day >= date(1900, 3, 1) else [])]


def _times(moment: datetime) -> list[Written]:
    wall = moment.astimezone(LONDON)
    certain = [
        Written(f"{moment:%Y-%m-%dT%H:%M}Z"),
        Written(f"{moment:%Y-%m-%dT%H:%M:%S}+00:00"),
        Written(wall.isoformat()),
    ]
    if wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset():
        return certain  # the hour that comes twice can only be told by its offset
    naive = wall.replace(tzinfo=None)
    return [*certain, Written(f"{wall:%Y-%m-%d %H:%M}", naive), Written(f"{wall:%d/%m/%Y %H:%M}"), Written(f"{wall:%Y-%m-%dT%H:%M:%S}")]  # fmt: skip


def _digits(number: str) -> list[Written]:
    spaced = f"{number[:3]} {number[3:6]} {number[6:]}"
    return [Written(number, int(number)), Written(spaced), Written(spaced.replace(" ", "-"))]


def _months(month: date) -> list[Written]:
    return [*_days(month), Written(f"{month:%Y-%m}")]


def _spellings(each: Field, value: str) -> list[str]:
    """The code and its words, unless the words are another code's too."""
    code = next(code for code in _codes(each) if code.value == value)
    others = {other.value.lower() for other in _codes(each)} | {
        other.words.lower() for other in _codes(each) if other is not code
    }
    return [value, *([code.words] if code.words.lower() not in others else [])]


@st.composite
def _cell(draw: st.DrawFn, each: Field, value: Any) -> Written:
    """One of the ways to write a value of a field, blanks of any kind around it."""
    if value is None:
        return Written(draw(st.sampled_from(("", " ", "\u00a0"))))
    written = draw(_forms(each, value))
    before, after = draw(st.tuples(*[st.sampled_from(("", "", " ", "\u00a0", "\u2003"))] * 2))
    return Written(f"{before}{written.text}{after}", written.cell)


@st.composite
def _forms(draw: st.DrawFn, each: Field, value: Any) -> Written:
    match each.holds:
        case held.DateType():
            return draw(st.sampled_from(_days(value)))
        case held.DateTimeType():
            return draw(st.sampled_from(_times(value)))
        case held.MonthType():
            return draw(st.sampled_from(_months(value)))
        case held.NHSNumberType():
            return draw(st.sampled_from(_digits(value)))
        case held.FinancialYearType():
            return Written(draw(st.sampled_from((value, value.replace("-", "/")))))
        case held.CountType() | held.NumberType():
            return Written(f"{value:g}" if isinstance(value, float) else str(value), value)
        case held.OdsCodeType():
            return Written(draw(_in_any_case(value)))
        case held.CodeType():
            return Written(draw(_in_any_case(draw(st.sampled_from(_spellings(each, value))))))
        case held.CodesType():
            shuffled = draw(st.permutations(value))
            spelled = [draw(_in_any_case(draw(st.sampled_from(_spellings(each, code))))) for code in shuffled]
            return Written(draw(st.sampled_from(("|", " | ", "|\u00a0"))).join(spelled))
        case _:
            return Written(value)


@dataclass(frozen=True)
class Sheet:
    """Typed rows, and one way to write them down: the headings in their order and spelling, the cells beneath."""

    rows: list[dict[str, Any]]
    names: list[str]
    headings: list[str]
    cells: list[list[Written]]


@st.composite
def _heading(draw: st.DrawFn, name: str) -> str:
    return draw(
        _in_any_case(draw(st.sampled_from((name, name.replace("_", " "), name.replace("_", "-"), f" {name}\u00a0"))))
    )


@st.composite
def sheets(draw: st.DrawFn, kind: RecordKind) -> Sheet:
    rows = draw(st.lists(_row(kind), min_size=1, max_size=4))
    # A file names each record once: repeated ones are another matter.
    rows = list({tuple(row[name] for name in key(kind)): row for row in rows}.values())
    order = draw(st.permutations(fields(kind)))
    return Sheet(
        rows=rows,
        names=[each.name for each in order],
        headings=[draw(_heading(each.name)) for each in order],
        cells=[[draw(_cell(each, row[each.name])) for each in order] for row in rows],
    )


# --- writing, reading, comparing


def as_csv(sheet: Sheet, folder: Path, separator: str, encoding: str, quoting: int) -> Path:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, quoting=quoting, lineterminator="\r\n")  # type: ignore[arg-type] # any constant of csv
    writer.writerow(sheet.headings)
    writer.writerows([cell.text for cell in row] for row in sheet.cells)
    path = folder / "sent.csv"
    path.write_text(out.getvalue(), encoding=encoding, newline="")
    return path


def as_xlsx(sheet: Sheet, folder: Path) -> Path:
    path = folder / "sent.xlsx"
    with xlsxwriter.Workbook(path) as book:
        formats = {
            "day": book.add_format({"num_format": "dd/mm/yyyy"}),
            "time": book.add_format({"num_format": "dd/mm/yyyy hh:mm"}),
        }
        page = book.add_worksheet("Cases")
        for column, heading in enumerate(sheet.headings):
            page.write_string(0, column, heading)
        for place, row in enumerate(sheet.cells, 1):
            for column, cell in enumerate(row):
                _write(page, formats, place, column, cell)
    return path


def _write(page: Any, formats: dict[str, Any], row: int, column: int, cell: Written) -> None:
    if isinstance(cell.cell, datetime):
        page.write_datetime(
            row,
            column,
            cell.cell,
            formats["day" if cell.cell.time() == time() and len(cell.text.strip(SPACES)) <= 10 else "time"],
        )
    elif isinstance(cell.cell, int | float):
        page.write_number(row, column, cell.cell)
    else:
        page.write_string(row, column, cell.text)


def read(path: Path, form: Format, kind: RecordKind) -> tuple[pl.DataFrame, list[tuple[int, str, int]]]:
    """The typed fields of all rows, and row, field and rule of every finding."""
    reading: Reading = open_file(path, kind, form, context(kind))
    typed = [batch.typed for batch in reading.batches(rows=2)]
    assert not reading.report.refused_whole, [finding.words for finding in reading.report.listed]
    places = [(each.row or 0, each.field or "", each.rule) for each in reading.report.listed]
    return pl.concat(typed), sorted(places)


def expected(sheet: Sheet, kind: RecordKind) -> list[tuple[int, str, int]]:
    """What the validator says of the rows in their plainest spelling; rules across rows are told beside it."""
    plain = [{name: _plainest(value) for name, value in row.items()} for row in sheet.rows]
    checked = check_frame(text_frame(kind, plain), kind, context(kind))
    names = [each.name for each in fields(kind)]
    return sorted((row, names[place], rule) for row, place, rule in checked.findings.rows())


def _plainest(value: Any) -> str:
    match value:
        case None:
            return ""
        case list():
            return "|".join(value)
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%S}+00:00"
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def same_rows(typed: pl.DataFrame, sheet: Sheet) -> None:
    for name in sheet.names:
        assert typed[name].to_list() == [row[name] for row in sheet.rows], name


def of_one_row(findings: list[tuple[int, str, int]]) -> Iterator[tuple[int, str, int]]:
    return (each for each in findings if not 90 <= each[2] <= 99)


KINDS = pytest.mark.parametrize("kind", RecordKind)
SEPARATORS = st.sampled_from(",;\t")
ENCODINGS = st.sampled_from(("utf-8", "utf-8-sig", "utf-16"))
QUOTING = st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))


@KINDS
@settings(few, max_examples=16)
@given(data=st.data(), separator=SEPARATORS, encoding=ENCODINGS, quoting=QUOTING)
def test_a_typed_row_comes_back_from_csv(
    tmp_path: Path, kind: RecordKind, data: st.DataObject, separator: str, encoding: str, quoting: int
) -> None:
    sheet = data.draw(sheets(kind))
    typed, findings = read(as_csv(sheet, tmp_path, separator, encoding, quoting), "csv", kind)
    same_rows(typed, sheet)
    assert list(of_one_row(findings)) == expected(sheet, kind)


@KINDS
@few
@given(data=st.data())
def test_the_same_rows_in_csv_and_in_a_workbook_are_the_same(
    tmp_path: Path, kind: RecordKind, data: st.DataObject
) -> None:
    sheet = data.draw(sheets(kind))
    from_csv = read(as_csv(sheet, tmp_path, ",", "utf-8", csv.QUOTE_MINIMAL), "csv", kind)
    from_book = read(as_xlsx(sheet, tmp_path), "xlsx", kind)
    same_rows(from_book[0], sheet)
    assert from_book[0].equals(from_csv[0])
    assert from_book[1] == from_csv[1]


ANY_CELL = st.one_of(
    _words(30), st.sampled_from(("#N/A", "31/02/2025", "4/13/1951", "1e5", "-1", "||", "9434765918", "x" * 600))
)


@KINDS
@few
@given(data=st.data())
def test_whatever_the_cells_hold_csv_and_workbook_say_the_same(
    tmp_path: Path, kind: RecordKind, data: st.DataObject
) -> None:
    """Cells of text that may be anything: equal frames, equal findings, also where nothing can be read."""
    sheet = data.draw(sheets(kind))
    spoilt = [
        [Written(data.draw(ANY_CELL)) if data.draw(st.integers(0, 5)) == 0 else Written(cell.text) for cell in row]
        for row in sheet.cells
    ]
    written = Sheet(sheet.rows, sheet.names, sheet.headings, spoilt)
    from_csv = read(as_csv(written, tmp_path, ",", "utf-8", csv.QUOTE_MINIMAL), "csv", kind)
    from_book = read(as_xlsx(written, tmp_path), "xlsx", kind)
    assert from_book[0].equals(from_csv[0])
    assert from_book[1] == from_csv[1]


@few
@given(moment=_moments())
@example(moment=datetime(2025, 10, 26, 0, 30, tzinfo=UTC))
@example(moment=datetime(2025, 3, 30, 1, 0, tzinfo=UTC))
def test_every_spelling_of_a_moment_is_the_same_moment(moment: datetime) -> None:
    each = next(one for one in fields(RecordKind.CASE) if one.name == "admitted_at")
    cells = [written.text for written in _times(moment)]
    read_back = pl.DataFrame({"text": cells}).select(each.holds.read(pl.col("text"), Nation.ENGLAND))
    assert read_back.to_series().to_list() == [moment] * len(cells)
    assert moment.astimezone(LONDON) - moment == timedelta()
