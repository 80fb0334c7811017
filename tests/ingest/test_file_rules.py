"""Every rule about a file's shape: a file that breaks it and the nearest one that does not."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import xlsxwriter

from ingest.headings import MOST_COLUMNS, Headings
from ingest.table import Table
from ingest.tabular import open_table
from ingest.xlsx import open_xlsx
from schemas.finding import Severity
from schemas.rule import CATALOGUE, Scope
from tests.ingest.test_xlsx import HEAD, MAIN, OLE, SHEET, repacked

FHIR_FROM = 350
"""The rules of FHIR have examples of their own."""
HEADINGS = Headings(("first", "second", "third"), frozenset({"first", "second"}), {})
HEADER = b"first,second,third\n"
Sheets = dict[str, list[list[object]]]


@dataclass(frozen=True)
class Example:
    """`breaks` breaks the rule, `stands` does not; `quickly` gives the reader no time."""

    number: int
    breaks: Callable[[Path], bytes]
    stands: Callable[[Path], bytes]
    form: str = "csv"
    quickly: bool = False


def _text(content: bytes) -> Callable[[Path], bytes]:
    return lambda _: content


def _csv(number: int, breaks: bytes, stands: bytes) -> Example:
    """Rows beneath the headings."""
    return Example(number, _text(HEADER + breaks), _text(HEADER + stands))


def _book(**sheets: list[list[object]]) -> Callable[[Path], bytes]:
    def made(_: Path) -> bytes:
        out = io.BytesIO()
        with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
            for title, rows in sheets.items():
                sheet = book.add_worksheet(title)
                for place, row in enumerate(rows):
                    sheet.write_row(place, 0, row)
        return out.getvalue()

    return made


def _rows(body: str) -> Callable[[Path], bytes]:
    """A workbook whose sheet has these rows beneath a heading."""

    def made(folder: Path) -> bytes:
        part = f"<worksheet {MAIN}><sheetData>{TWO}{body}</sheetData></worksheet>"
        return repacked(folder / "made.xlsx", {SHEET: part}).read_bytes()

    return made


TWO = HEAD.replace("</row>", '<c r="B1" t="inlineStr"><is><t>second</t></is></c></row>')
ONE_ROW = "<row><c><v>1</v></c></row>"
FORMULA = '<row r="2"><c r="A2"><f>1+1</f>{}</c></row>'
CASES: list[list[object]] = [["first", "second", "third"], ["a", "b", "c"]]
GOOD_BOOK = _book(Cases=CASES)
GOOD = HEADER + b"a,b,c\n"
HALF_MEGABYTE = b",".join([b"x" * 32_000] * 16)

EXAMPLES = (
    Example(1, _text(b" \r\n"), _text(GOOD)),
    Example(2, _text(HEADER + b"a,\x81,c\n"), _text(HEADER + b"a,\xe9,c\n")),
    _csv(3, b"a,b\0,c\n", b"a,b,c\n"),
    _csv(4, b"a,b\rb,c\n", b'a,"b\rb",c\n'),
    _csv(5, b"a,b\n", b"a,b,\n"),
    _csv(6, b"a,b,c,d\n", b'a,b,"c,d"\n'),
    _csv(7, b'a,"b,c\n', b'a,b",c\n'),
    _csv(8, b'a,"b"b,c\n', b'a,"b""b",c\n'),
    _csv(9, b"a," + b"x" * 32_768 + b",c\n", b"a," + b"x" * 32_767 + b",c\n"),
    _csv(10, b"a,b," + b",".join([HALF_MEGABYTE] * 3) + b"\n", b"a,b," + HALF_MEGABYTE + b"\n"),
    _csv(11, b"a,b\x07,c\n", b"a,b\t,c\n"),
    _csv(12, "a,b\ufffd,c\n".encode(), "a,b\u00e9,c\n".encode()),
    _csv(13, b",,\n", b"a,,\n"),
    Example(14, _text(b"name,ward,bed\na,b,c\n"), _text(b"First,SECOND,bed\na,b,c\n")),
    Example(15, _text(b"first,third\na,c\n"), _text(b"first,second\na,c\n")),
    Example(16, _text(b"first,second,Second\na,b,c\n"), _text(b"first,second,third\na,b,c\n")),
    Example(17, _text(b"first,second,fourth\na,b,c\n"), _text(b"first,second,third\na,b,c\n")),
    Example(18, _text(b"first,second,\na,b,c\n"), _text(b"first,second,\na,b,\n")),
    Example(
        19,
        _text(b"first,second" + b",x" * (MOST_COLUMNS - 1) + b"\n"),
        _text(b"first,second" + b",x" * (MOST_COLUMNS - 2) + b"\n"),
    ),
    Example(20, _text(GOOD), GOOD_BOOK, "xlsx"),
    Example(21, _text(OLE + "EncryptedPackage".encode("utf-16-le")), GOOD_BOOK, "xlsx"),
    Example(22, _text(OLE + "Workbook".encode("utf-16-le")), GOOD_BOOK, "xlsx"),
    Example(23, lambda folder: GOOD_BOOK(folder)[:-40], GOOD_BOOK, "xlsx"),
    Example(24, _rows(("<row>" + "<c/>" * 1_000 + "</row>") * 3_600), _rows("<row>" + "<c/>" * 1_000 + "</row>" + ONE_ROW), "xlsx"),
    Example(25, _rows(ONE_ROW * 50_001), _rows(ONE_ROW * 50_000), "xlsx"),
    Example(26, GOOD_BOOK, GOOD_BOOK, "xlsx", quickly=True),
    Example(27, _book(Cases=CASES, Old=CASES), _book(Cases=CASES, Notes=[["first things first"]]), "xlsx"),
    Example(28, _rows(FORMULA.format("")), _rows(FORMULA.format("<v>2</v>")), "xlsx"),
    Example(29, GOOD_BOOK, _text(GOOD)),
)  # fmt: skip


def _opened(example: Example, make: Callable[[Path], bytes], folder: Path, *, quickly: bool) -> Table:
    path = folder / "sent"
    path.write_bytes(make(folder))
    if quickly:
        return open_xlsx(path, HEADINGS, deadline=0.0)
    return open_table(path, "xlsx" if example.form == "xlsx" else "csv", HEADINGS)


def _name(example: Example) -> str:
    return CATALOGUE[example.number].name


@pytest.mark.parametrize("example", EXAMPLES, ids=_name)
def test_the_file_breaks_the_rule_and_the_nearest_one_does_not(tmp_path: Path, example: Example) -> None:
    broken = _opened(example, example.breaks, tmp_path, quickly=example.quickly)
    assert example.number in {finding.rule for finding in broken.findings}
    assert broken.refused == (CATALOGUE[example.number].severity is Severity.ERROR)
    stands = _opened(example, example.stands, tmp_path, quickly=False)
    assert example.number not in {finding.rule for finding in stands.findings}


def test_every_rule_about_the_file_has_an_example() -> None:
    of_tables = {rule.number for rule in CATALOGUE if rule.scope is Scope.FILE and rule.number < FHIR_FROM}
    assert {example.number for example in EXAMPLES} == of_tables
