"""What a workbook may not do to us: unpack without end, hold millions of cells, take hours or all memory."""

import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from ingest.headings import Headings
from ingest.xlsx import open_xlsx
from schemas.rule import Rule
from schemas.rules import file as rules
from tests.ingest.test_xlsx import HEAD, MAIN, SHEET, repacked

ONE = Headings(("first",), frozenset(), {})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sent.xlsx"


def refused_by(path: Path) -> list[int]:
    return [finding.rule for finding in open_xlsx(path, ONE).findings]


def streamed(path: Path, body: str, times: int, strings: str = "") -> Path:
    """A workbook whose sheet repeats its rows so many times."""
    parts: dict[str, str | bytes] = {
        SHEET: f"<worksheet {MAIN}><sheetData>{HEAD}{body * times}</sheetData></worksheet>"
    }
    if strings:
        parts["xl/sharedStrings.xml"] = f"<sst {MAIN}>{strings}</sst>"
        relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        parts["xl/_rels/workbook.xml.rels"] = (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="rId1" Type="{relation}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="rId2" Type="{relation}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
        )
    return repacked(path, parts)


@pytest.mark.parametrize(
    ("row", "times", "rule"),
    [
        ("<row>" + "<c><v>1</v></c>" * 1_000 + "</row>", 4_500, rules.WORKBOOK_TOO_LARGE),  # dense beyond 64 MiB
        ("<row>" + "<c/>" * 1_000 + "</row>", 3_600, rules.WORKBOOK_TOO_LARGE),  # formatted but empty cells
        ("<row><c><v>1</v></c></row>", 50_001, rules.TOO_MANY_ROWS),
    ],
)
def test_too_much_of_anything_is_refused_soon(path: Path, row: str, times: int, rule: Rule) -> None:
    streamed(path, row, times)
    assert path.stat().st_size < 400_000
    start = time.process_time(), time.monotonic()
    assert refused_by(path) == [rule.number]
    assert time.process_time() - start[0] < 1, "the work is done by the process with limits"


def test_fifty_thousand_rows_are_read(path: Path) -> None:
    table = open_xlsx(streamed(path, "<row><c><v>1</v></c></row>", 50_000), ONE)
    assert (table.rows, table.findings) == (50_000, ())


def test_one_string_in_a_million_cells_is_refused(path: Path) -> None:
    cells = "<row>" + '<c t="s"><v>0</v></c>' * 100 + "</row>"
    streamed(path, cells, 100, f"<si><t>{'x' * 32_000}</t></si>")
    assert refused_by(path) == [rules.WORKBOOK_TOO_LARGE.number]


def test_a_cell_of_fifty_megabytes_is_refused_in_time(path: Path) -> None:
    streamed(path, f"<row><c t='str'><v>{'x' * (50 << 20)}</v></c></row>", 1)
    assert refused_by(path) == [rules.CELL_TOO_LONG.number]


def test_a_part_that_declares_less_than_it_holds_is_damaged(path: Path) -> None:
    streamed(path, "<row><c><v>1</v></c></row>", 10_000)
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(SHEET).file_size.to_bytes(4, "little")
    content = path.read_bytes()
    path.write_bytes(content.replace(size, (1_000).to_bytes(4, "little")))
    assert refused_by(path) == [rules.DAMAGED_WORKBOOK.number]


def test_the_deadline_stops_the_reading(path: Path) -> None:
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet().write_column(0, 0, ["first", "a"])
    table = open_xlsx(path, ONE, deadline=0.0)
    assert [finding.rule for finding in table.findings] == [rules.READING_STOPPED.number]


@pytest.mark.parametrize(("act", "fault"), [("bytearray(3 << 30)", b"MemoryError"), ("file.write(b'x')", b"OSError")])
def test_the_reading_process_is_bounded(tmp_path: Path, act: str, fault: bytes) -> None:
    program = f"import sys; from ingest.workbook import limit; file = open(sys.argv[1], 'wb', 0); limit(); {act}"
    run = subprocess.run([sys.executable, "-c", program, tmp_path / "file"], capture_output=True, check=False)
    assert fault in run.stderr
