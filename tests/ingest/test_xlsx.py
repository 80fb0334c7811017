"""XLSX workbooks as spreadsheet programs and libraries write them: places are the sheet's own, cells come as a person sees them."""

import io
import zipfile
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from ingest.characters import SPACES
from ingest.headings import Headings
from ingest.table import Table
from ingest.tabular import open_table
from ingest.xlsx import open_xlsx
from schemas.rule import Rule
from schemas.rules import file as rules

FIELDS = ("first", "second", "third")
HEADINGS = Headings(FIELDS, frozenset({"first", "second"}), {})
ONE = Headings(("first",), frozenset(), {})


def rows(table: Table) -> list[tuple[object, ...]]:
    assert not table.refused, [finding.words for finding in table.findings]
    found = [row for frame in table.frames() for row in frame.rows()]
    assert len(found) == table.rows
    return found


def faults(table: Table) -> list[tuple[int, int | None, str | None]]:
    return [(finding.rule, finding.row, finding.column) for finding in table.findings]


def fault(rule: Rule, row: int | None = None, column: str | None = None) -> tuple[int, int | None, str | None]:
    return rule.number, row, column


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sent.xlsx"


def column(path: Path, fill: Callable[[Any, Any], None], **options: object) -> list[object]:
    """The cells of column A beneath its heading, after `fill` wrote them with xlsxwriter."""
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet("Cases")
        sheet.write(0, 0, "first")
        fill(book, sheet)
    return [row[1] for row in rows(open_xlsx(path, ONE))]


def written(path: Path, *lines: Iterable[object], title: str = "Cases") -> Path:
    """A workbook by openpyxl."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for line in lines:
        sheet.append(list(line))
    book.save(path)
    return path


@pytest.mark.parametrize("epoch_1904", [False, True])
def test_a_table_that_starts_at_b3(path: Path, epoch_1904: bool) -> None:
    with xlsxwriter.Workbook(path, {"date_1904": epoch_1904}) as book:
        sheet = book.add_worksheet("Cases")
        day, clock = book.add_format({"num_format": "dd/mm/yyyy"}), book.add_format({"num_format": "hh:mm"})
        sheet.write_row(2, 1, ["First", "second", "THIRD"])
        sheet.write_formula(4, 1, "=NA()", None, "#N/A")
        sheet.write_datetime(4, 2, time(13, 5), clock)
        sheet.write_number(4, 3, 1234567890123456)
        sheet.write_datetime(6, 1, date(2024, 2, 29), day)
        sheet.write_string(6, 3, " \u00a0text\u00a0")
    table = open_table(path, "xlsx", HEADINGS)
    assert rows(table) == [(5, "#N/A", "13:05", "1234567890123456"), (7, "2024-02-29", None, "text")]
    assert [(each.index, each.letter, each.heading, each.field) for each in table.columns] == [
        (1, "B", "First", "first"),
        (2, "C", "second", "second"),
        (3, "D", "THIRD", "third"),
    ]
    assert (table.heading_row, table.sheet) == (3, "Cases")
    assert table.place(7, "third") == (7, "D", "THIRD")
    assert dict(next(table.frames()).schema) == {"row": pl.UInt32, "1": pl.String, "2": pl.String, "3": pl.String}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-5, "-5"),
        (3.0, "3"),
        (0.1, "0.1"),
        (0.1 + 0.2, "0.3"),
        (1e-7, "0.0000001"),
        (1e21, "1000000000000000000000"),
        (450557009, "450557009"),
        (999999000000101, "999999000000101"),
    ],
)
def test_numbers_come_as_plain_digits(path: Path, value: float, text: str) -> None:
    assert column(path, lambda _, sheet: sheet.write_number(1, 0, value)) == [text]


@pytest.mark.parametrize("constant_memory", [False, True])
@pytest.mark.parametrize("shown", ["0.00E+00", "[Red]0.0", '0 "days"', "0%", "General", '"yyyy"0', "0_d"])
def test_a_format_of_numbers_makes_no_date(path: Path, shown: str, constant_memory: bool) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_number(1, 0, 45000, book.add_format({"num_format": shown}))

    assert column(path, fill, constant_memory=constant_memory) == ["45000"]


@pytest.mark.parametrize(
    ("serial", "shown", "text"),
    [
        (45000, "dd/mm/yyyy", "2023-03-15"),
        (45000, "[$-809]dd mmmm yyyy;@", "2023-03-15"),
        (45000, "mmm yyyy", "2023-03-15"),
        (45000, "mmm", "2023-03-15"),
        (45000.5, "dd/mm/yyyy", "2023-03-15 12:00"),
        (45000, "dd/mm/yyyy hh:mm", "2023-03-15 00:00"),
        (45000 + 1 / 86400, "yyyy-mm-dd hh:mm:ss", "2023-03-15 00:00:01"),
        (45000.99999999, "dd/mm/yyyy hh:mm", "2023-03-16 00:00"),
        (45000.75, "hh:mm", "2023-03-15 18:00"),
        (0.25, "hh:mm", "06:00"),
        (0.25, "h:mm AM/PM", "06:00"),
        (0.999999, "hh:mm", "23:59:59"),
        (0, "hh:mm", "00:00"),
        (1.5, "[h]:mm", "36:00"),
        (1.5, "[mm]:ss", "36:00"),
        (61, "dd/mm/yyyy", "1900-03-01"),
        (60, "dd/mm/yyyy", "1900-02-29"),
        (59, "dd/mm/yyyy", "1900-02-28"),
        (1, "dd/mm/yyyy", "1900-01-01"),
        (0, "dd/mm/yyyy", "1900-01-00"),
        (-5, "dd/mm/yyyy", "-5"),
        (2958465, "dd/mm/yyyy", "9999-12-31"),
        (2958466, "dd/mm/yyyy", "2958466"),
        (4e9, "dd/mm/yyyy", "4000000000"),
        (2958465.9999999, "dd/mm/yyyy hh:mm", "2958465.9999999"),
    ],
)
def test_dates_and_times_come_as_iso(path: Path, serial: float, shown: str, text: str) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_number(1, 0, serial, book.add_format({"num_format": shown}))

    assert column(path, fill) == [text]


@pytest.mark.parametrize(("number", "text"), [(14, "2023-03-15"), (22, "2023-03-15 00:00"), (20, "2023-03-15 00:00")])
def test_built_in_formats(path: Path, number: int, text: str) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_number(1, 0, 45000, book.add_format({"num_format": number}))

    assert column(path, fill) == [text]


def test_the_1904_system_has_another_first_day(path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        shown = book.add_format({"num_format": "dd/mm/yyyy"})
        for at, serial in enumerate((0, 60, 43_538, 2_958_465), 1):
            sheet.write_number(at, 0, serial, shown)

    assert column(path, fill, date_1904=True) == ["1904-01-01", "1904-03-01", "2023-03-15", "2958465"]


@pytest.mark.parametrize("mark", ["#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NULL!", "#NUM!"])
def test_an_error_cell_is_there(path: Path, mark: str) -> None:
    assert column(path, lambda _, sheet: sheet.write_formula(1, 0, "=1/0", None, mark)) == [mark]


def test_booleans_formulas_and_strings(path: Path) -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.write_boolean(1, 0, True)
        sheet.write_boolean(2, 0, False)
        sheet.write_formula(3, 0, '="a"&"b"', None, "ab")
        sheet.write_formula(4, 0, "=1+1", None, 2)
        sheet.write_string(5, 0, "line one\nline two")
        sheet.write_string(6, 0, "_x0041_")
        sheet.write_rich_string(7, 0, "one ", sheet_bold, "two ", "three")

    with xlsxwriter.Workbook(path) as book:
        sheet_bold = book.add_format({"bold": True})
        sheet = book.add_worksheet()
        sheet.write(0, 0, "first")
        fill(book, sheet)
    texts = [row[1] for row in rows(open_xlsx(path, ONE))]
    assert texts == ["TRUE", "FALSE", "ab", "2", "line one\nline two", "_x0041_", "one two three"]


def test_rich_text_by_openpyxl(path: Path) -> None:
    text = CellRichText("one ", TextBlock(InlineFont(b=True), "two"), " three")
    assert rows(open_xlsx(written(path, ["first"], [text]), ONE)) == [(2, "one two three")]


CELLS = st.one_of(
    st.none(),
    st.text(st.sampled_from("aZ09 _x-/é£\u00a0\u2028\n\t;,\"'<&>]"), max_size=12),
    st.integers(-(10**14), 10**14),
    st.booleans(),
    st.dates(date(1900, 3, 1), date(2100, 1, 1)),
    st.datetimes(datetime(1900, 3, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(microsecond=0)),
)


def seen(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S" if value.second else "%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return None if value is None else str(value).strip(SPACES) or None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=6))
def test_any_cell_by_openpyxl_comes_back(path: Path, lines: list[list[object]]) -> None:
    def kept(value: object) -> object:
        return value.replace("=", "") if isinstance(value, str) else value

    lines = [[kept(value) for value in line] for line in lines]
    table = open_xlsx(written(path, FIELDS, *lines), HEADINGS)
    wanted = [(at, *cells) for at, line in enumerate(lines, 2) if any(cells := [seen(value) for value in line])]
    if wanted:
        assert rows(table) == wanted
    else:
        assert faults(table) == [fault(rules.NO_ROWS)]


def test_a_formula_without_its_result_is_a_finding(path: Path) -> None:
    table = open_xlsx(written(path, FIELDS, ["a", "=1+1", None], ["b", '=""', None]), HEADINGS)
    assert faults(table) == [fault(rules.UNCALCULATED_FORMULA, 2, "B"), fault(rules.UNCALCULATED_FORMULA, 3, "B")]
    assert column(path, lambda _, sheet: sheet.write_formula(1, 0, '=""&"x"', None, "x")) == ["x"]


def test_headings_are_matched_and_their_faults_named(path: Path) -> None:
    lines: list[list[object]] = [
        ["Return of the trust"],
        ["FIRST", "third", "Third ", "secnd", None, "ward"],
        [1, 2, 3, 4, "x", 6],
    ]
    table = open_xlsx(written(path, *lines), HEADINGS)
    assert table.heading_row == 2
    assert faults(table) == [
        fault(rules.MISSING_COLUMN, 2),
        fault(rules.DOUBLED_COLUMN, 2, "C"),
        fault(rules.UNKNOWN_COLUMN, 2, "D"),
        fault(rules.UNKNOWN_COLUMN, 2, "F"),
        fault(rules.BLANK_HEADING, 2, "E"),
    ]
    assert table.findings[0].words.endswith("Is it column D, “secnd”?")


def test_the_sheet_with_the_headings_is_read(path: Path) -> None:
    book = openpyxl.Workbook()
    for title, lines, state in (
        ("Guide", [["How to fill this in"], ["first"]], "visible"),
        ("Old", [FIELDS, ["hidden", "row", 1]], "hidden"),
        ("Partly", [["first", "second"], ["a", "b"]], "visible"),
        ("Cases", [FIELDS, ["c", "d", "e"]], "visible"),
        ("Empty", [FIELDS], "visible"),
    ):
        sheet = book.create_sheet(title)
        sheet.sheet_state = state
        for line in lines:
            sheet.append(line)
    book.remove(book.worksheets[0])
    book.save(path)
    table = open_xlsx(path, HEADINGS)
    assert table.sheet == "Cases"
    assert rows(table) == [(2, "c", "d", "e")]
    assert faults(table) == [fault(rules.OTHER_SHEETS)]
    assert "“Cases”" in table.findings[0].words
    assert "Partly" in table.findings[0].words


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        ([], rules.EMPTY_FILE),
        ([["9434765919", "female"]], rules.HEADINGS_NOT_FOUND),
        ([FIELDS], rules.NO_ROWS),
        ([FIELDS, [None, " ", ""]], rules.NO_ROWS),
        ([[*FIELDS, *(f"x{at}" for at in range(1_000))], [1]], rules.TOO_MANY_COLUMNS),
    ],
)
def test_sheets_without_a_table(path: Path, lines: list[list[object]], rule: Rule) -> None:
    assert faults(open_xlsx(written(path, *lines), HEADINGS))[-1][0] == rule.number


SHEET = "xl/worksheets/sheet1.xml"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
HEAD = '<row r="1"><c r="A1" t="inlineStr"><is><t>first</t></is></c></row>'


def repacked(path: Path, parts: dict[str, str | bytes]) -> Path:
    """A workbook by openpyxl with some of its parts replaced or added."""
    source = io.BytesIO()
    openpyxl.Workbook().save(source)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, content in parts.items():
            new.writestr(name, content)
    return path


def sheet(body: str, namespace: str = MAIN) -> dict[str, str | bytes]:
    return {SHEET: f"<worksheet {namespace}><sheetData>{HEAD}{body}</sheetData></worksheet>"}


def only(path: Path, body: str) -> list[object]:
    return [row[1] for row in rows(open_xlsx(repacked(path, sheet(body)), ONE))]


def test_cells_without_places_and_pretty_printed_text(path: Path) -> None:
    body = """
    <row><c><v> 12 </v></c></row>
    <row><c t="inlineStr"><is><r><t>a</t></r>
        <r><t xml:space="preserve"> b</t></r><rPh sb="0" eb="1"><t>aloud</t></rPh></is></c></row>
    <row r="9"><c r="A9" t="d"><v>2024-02-29T13:05:00</v></c></row>
    <row><c t="str"><f>x</f><v></v></c></row>
    <row><c><v>junk</v></c></row>
    """
    table = open_xlsx(repacked(path, sheet(body)), ONE)
    assert rows(table) == [(2, "12"), (3, "a b"), (9, "2024-02-29 13:05"), (11, "junk")]


def test_a_prefixed_and_strict_workbook(path: Path) -> None:
    body = '<x:row r="1"><x:c r="A1" t="str"><x:v>first</x:v></x:c></x:row><x:row r="2"><x:c><x:v>1</x:v></x:c></x:row>'
    strict = 'xmlns:x="http://purl.oclc.org/ooxml/spreadsheetml/main"'
    table = open_xlsx(
        repacked(path, {SHEET: f"<x:worksheet {strict}><x:sheetData>{body}</x:sheetData></x:worksheet>"}), ONE
    )
    assert rows(table) == [(2, "1")]


def test_unwanted_characters_and_long_cells_are_placed(path: Path) -> None:
    body = "".join(
        f'<row r="{row}"><c t="inlineStr"><is><t>{text}</t></is></c></row>'
        for row, text in enumerate(["a_x0000_", "_x0007_", "�", "x" * 32_768, "_xD800_", "y_x000D_\nz"], 2)
    )
    table = open_xlsx(repacked(path, sheet(body)), ONE)
    assert faults(table) == [
        fault(rules.NUL_CHARACTER, 2, "A"),
        fault(rules.CONTROL_CHARACTER, 3, "A"),
        fault(rules.DAMAGED_CHARACTER, 4, "A"),
        fault(rules.CELL_TOO_LONG, 5, "A"),
    ]


def test_a_cell_in_the_last_row_costs_nothing(path: Path) -> None:
    table = open_xlsx(repacked(path, sheet('<row r="1048576"><c r="A1048576"><v>1</v></c></row>')), ONE)
    assert rows(table) == [(1_048_576, "1")]


ENTITIES = "".join(f'<!ENTITY e{at + 1} "{f"&e{at};" * 10}">' for at in range(9))


@pytest.mark.parametrize(
    "body",
    [
        f'<!DOCTYPE x [<!ENTITY e0 "boom">{ENTITIES}]><worksheet {MAIN}><sheetData>&e9;</sheetData></worksheet>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><worksheet/>',
        f"<worksheet {MAIN}><sheetData><row></sheetData></worksheet>",
        f'<worksheet {MAIN}><sheetData>{HEAD}<row r="1"><c><v>1</v></c></row></sheetData></worksheet>',
        f'<worksheet {MAIN}><sheetData>{HEAD}<row r="1048577"><c><v>1</v></c></row></sheetData></worksheet>',
        f'<worksheet {MAIN}><sheetData>{HEAD}<row r="2"><c r="?2"><v>1</v></c></row></sheetData></worksheet>',
        f'<worksheet {MAIN}><sheetData>{HEAD}<row r="2"><c r="A2"><v>1</v></c><c r="A2"><v>2</v></c></row></sheetData></worksheet>',
        f'<worksheet {MAIN}><sheetData>{HEAD}<row r="2"><c t="s"><v>99</v></c></row></sheetData></worksheet>',
        f'<worksheet {MAIN}><sheetData>{HEAD}<row r="two"/></sheetData></worksheet>',
        "",
        "no XML",
        b"\xff\xfe\0",
    ],
)
def test_a_damaged_or_hostile_part_is_refused(path: Path, body: str | bytes) -> None:
    assert faults(open_xlsx(repacked(path, {SHEET: body}), ONE)) == [fault(rules.DAMAGED_WORKBOOK)]


def zipped(names: Iterable[str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", rules.EMPTY_FILE),
        (b"first,second\n1,2\n", rules.NOT_A_WORKBOOK),
        (zipped(["mimetype", "content.xml"]), rules.NOT_A_WORKBOOK),
        (zipped(["xl/worksheets/sheet1.xml"]), rules.NOT_A_WORKBOOK),
        (b"PK\x03\x04" + b"x" * 100, rules.DAMAGED_WORKBOOK),
        (OLE + b"\0" * 1_000 + "Workbook".encode("utf-16-le"), rules.OLD_WORKBOOK),
        (OLE + b"\0" * 1_000 + "EncryptedPackage".encode("utf-16-le"), rules.PROTECTED_WORKBOOK),
    ],
)
def test_other_files_are_named_for_what_they_are(path: Path, content: bytes, rule: Rule) -> None:
    path.write_bytes(content)
    assert faults(open_xlsx(path, HEADINGS)) == [fault(rule)]


def test_a_binary_workbook_is_named(path: Path) -> None:
    relation = '<Relationship Id="a" Type="http://x/officeDocument" Target="xl/workbook.bin"/>'
    repacked(path, {"_rels/.rels": f"<Relationships>{relation}</Relationships>", "xl/workbook.bin": b"\x83\x01"})
    assert faults(open_xlsx(path, ONE)) == [fault(rules.OLD_WORKBOOK)]


def test_a_cut_off_or_changed_workbook_is_damaged(path: Path) -> None:
    whole = written(path, FIELDS, ["a", "b", "c"]).read_bytes()
    at = whole.index(SHEET.encode()) + len(SHEET)
    for content in (whole[: len(whole) // 2], whole[: at + 20] + b"\0" * 40 + whole[at + 60 :]):
        path.write_bytes(content)
        assert faults(open_xlsx(path, HEADINGS)) == [fault(rules.DAMAGED_WORKBOOK)]


def test_an_encrypted_member_is_named(path: Path) -> None:
    content = bytearray(written(path, FIELDS, ["a", "b", "c"]).read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    path.write_bytes(bytes(content))
    assert faults(open_xlsx(path, HEADINGS)) == [fault(rules.PROTECTED_WORKBOOK)]


def test_no_value_stands_in_any_message(path: Path) -> None:
    canary = "9434765919"
    lines = [["first", "second", canary], [canary, f"={canary}", canary + "\ufffd"]]
    findings = open_xlsx(written(path, *lines), HEADINGS).findings
    assert len(findings) == 3
    assert canary not in repr(findings)


def test_times_between_dates_are_hours(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["first"])
    sheet.append([timedelta(hours=30, minutes=15)])
    book.save(path)
    assert rows(open_xlsx(path, ONE)) == [(2, "30:15:00".removesuffix(":00"))]
