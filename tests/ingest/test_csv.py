"""A CSV file in all the ways that spreadsheets and export programs write it, and each fault of its shape."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ingest.csv_text import open_csv
from ingest.headings import Headings
from ingest.table import Table
from ingest.tabular import open_table
from schemas.rule import Rule
from schemas.rules import file as rules

HEADINGS = Headings(("nhs_number", "sex", "note"), frozenset({"nhs_number", "sex"}), {})
HEAD = b"nhs_number,sex,note\n"
Opener = Callable[[bytes], Table]


@pytest.fixture(params=["auto", "careful", "tiny blocks"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Opens bytes as a CSV file, in each lane and with records cut by blocks."""

    def opened(content: bytes) -> Table:
        path = tmp_path / "sent.csv"
        path.write_bytes(content)
        block = 16 if request.param == "tiny blocks" else 1 << 16
        return open_csv(path, HEADINGS, block=block, careful=request.param == "careful")

    return opened


def rows(table: Table) -> list[tuple[object, ...]]:
    assert not table.refused, [finding.words for finding in table.findings]
    frames = list(table.frames())
    assert sum(frame.height for frame in frames) == table.rows
    return [row for frame in frames for row in frame.rows()]


def faults(table: Table) -> list[tuple[int, int | None, str | None]]:
    assert table.refused or not table.findings or all(finding.severity == "warning" for finding in table.findings)
    return [(finding.rule, finding.row, finding.column) for finding in table.findings]


def fault(rule: Rule, row: int | None = None, column: str | None = None) -> tuple[int, int | None, str | None]:
    return rule.number, row, column


TEXT = "NHS Number;Sex;note\r\n1;female;£é\u00a0\r\n2;; two \r\n"
WANTED = [(2, "1", "female", "£é"), (3, "2", None, "two")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_encodings_separators_and_line_ends(opening: Opener, encoding: str, separator: str, ending: str) -> None:
    text = TEXT.replace(";", separator).replace("\r\n", ending)
    content = (b"\xfe\xff" if encoding == "utf-16-be" else b"") + text.encode(encoding)
    assert rows(opening(content)) == WANTED
    assert rows(opening(content.rstrip(b"\r\n\0") + (b"\0" if encoding == "utf-16" else b""))) == WANTED


def test_quoted_headings_and_quotes_around_whole_cells(opening: Opener) -> None:
    table = opening(b'"NHS Number","sex","note"\r\n"1","male","a"\r\n2,"",""\r\n"3",female,"a, b ""c""\r\nd"\r\n')
    assert rows(table) == [(2, "1", "male", "a"), (3, "2", None, None), (4, "3", "female", 'a, b "c"\r\nd')]


def test_frames_have_one_schema_and_can_be_read_again(opening: Opener) -> None:
    table = opening(HEAD + b"1,a,b\n" * 50)
    first, second = (list(table.frames(rows=20)) for _ in range(2))
    assert sum(frame.height for frame in first) == 50
    assert max(frame.height for frame in first) <= 20
    assert dict(first[0].schema) == {"row": pl.UInt32, "0": pl.String, "1": pl.String, "2": pl.String}
    assert all(one.equals(other) for one, other in zip(first, second, strict=True))
    assert table.place(7, "note") == (7, "C", "note")


def test_blank_rows_are_left_out_but_counted(opening: Opener) -> None:
    table = opening(HEAD + b'\n1,a,b\n,,\n\r\n" ","\xc2\xa0",\n , ,\t\n2,c,d\n,,\n\n')
    assert rows(table) == [(3, "1", "a", "b"), (8, "2", "c", "d")]


def test_an_embedded_line_end_makes_no_row(opening: Opener) -> None:
    table = opening(HEAD + b'1,"a\n\nb",c\n2,d,e\n')
    assert rows(table) == [(2, "1", "a\n\nb", "c"), (3, "2", "d", "e")]


def test_other_line_separators_of_unicode_are_text(opening: Opener) -> None:
    table = opening(HEAD + "1,a\u2028b,c\u2029d\n".encode())
    assert rows(table) == [(2, "1", "a\u2028b", "c\u2029d")]


def test_a_quote_inside_an_unquoted_cell_stays(opening: Opener) -> None:
    assert rows(opening(HEAD + b'1,5" cuff,x"\n')) == [(2, "1", '5" cuff', 'x"')]


def test_trailing_empty_columns_and_rows_are_dropped(opening: Opener) -> None:
    table = opening(b"nhs_number,sex,,\r\n1,a,, \r\n,,,\r\n,,,\r\n")
    assert [column.index for column in table.columns] == [0, 1]
    assert rows(table) == [(2, "1", "a")]


def test_title_lines_above_the_headings(opening: Opener) -> None:
    table = opening(b'HAT return,,\n"made, by us",,\n\nsex,nhs_number,note\na,1,b\n')
    assert table.heading_row == 4
    assert rows(table) == [(5, "a", "1", "b")]


def test_cells_under_a_blank_heading(opening: Opener) -> None:
    table = opening(b"nhs_number,,sex,\r\n1,,a,\r\n2,x,b,y\r\n3,x,b,\r\n")
    assert faults(table) == [fault(rules.BLANK_HEADING, 1, "B"), fault(rules.BLANK_HEADING, 1, "D")]


def test_every_fault_of_shape_at_once(opening: Opener) -> None:
    lines = [
        b"1,a",
        b"1,a,b,c",
        b"1,a,b",
        b"1,a\0,b",
        b"1,a,b\x1b\x7f",
        b"1,\xef\xbf\xbd,\xc2\x85",
        b"1,a\rb,c",
        b'1,"a"b,c',
        b'1,"a\r\nb" ,c',
        b"1," + b"x" * 32_768 + b",c",
        b"1,a,\xef\xbf\xbe",
        b'1,"a\rb",c',
        b'1,"a"\rb,c',
        b"1,a,b\r",
    ]
    table = opening(HEAD + b"".join(line + b"\r\n" for line in lines) + b'1,"b,c\r\nd')
    assert faults(table) == [
        fault(rules.SHORT_ROW, 2),
        fault(rules.LONG_ROW, 3),
        fault(rules.NUL_CHARACTER, 5, "B"),
        fault(rules.CONTROL_CHARACTER, 6, "C"),
        fault(rules.CONTROL_CHARACTER, 7, "C"),
        fault(rules.DAMAGED_CHARACTER, 7, "B"),
        fault(rules.LONE_CARRIAGE_RETURN, 8, "B"),
        fault(rules.TEXT_AFTER_QUOTE, 9, "B"),
        fault(rules.TEXT_AFTER_QUOTE, 10, "B"),
        fault(rules.CELL_TOO_LONG, 11, "B"),
        fault(rules.CONTROL_CHARACTER, 12, "C"),
        fault(rules.LONE_CARRIAGE_RETURN, 14, "B"),
        fault(rules.LONE_CARRIAGE_RETURN, 15, "C"),
        fault(rules.UNCLOSED_QUOTE, 16, "B"),
    ]
    assert table.rows == 15
    with pytest.raises(ValueError, match="no rows to read"):
        table.frames()


def test_a_lost_character_is_only_a_warning(opening: Opener) -> None:
    table = opening(HEAD + b"1,a,caf\xef\xbf\xbd\n")
    assert faults(table) == [fault(rules.DAMAGED_CHARACTER, 2, "C")]
    assert rows(table) == [(2, "1", "a", "caf\ufffd")]


def test_a_quoted_cell_beyond_the_csv_modules_own_limit(opening: Opener) -> None:
    table = opening(HEAD + b'1,"' + b"x" * 140_000 + b'",c\n2,a,b\n')
    assert faults(table) == [fault(rules.CELL_TOO_LONG, 2, "B")]


@pytest.mark.parametrize("block", [1 << 13, 1 << 20])
def test_a_quote_that_swallows_the_file_is_found_early(tmp_path: Path, block: int) -> None:
    path = tmp_path / "sent.csv"
    path.write_bytes(HEAD + b'1,"a,b\n' + b"1,a,b\n" * 30_000)
    assert faults(open_csv(path, HEADINGS, block=block)) == [fault(rules.UNCLOSED_QUOTE, 2, "B")]


def test_a_line_of_twenty_megabytes(opening: Opener, request: pytest.FixtureRequest) -> None:
    size = (2 if "tiny" in request.node.name else 20) << 20
    table = opening(HEAD + b"1,a," + b"x" * size + b"\n1,b\n")
    assert faults(table) == [fault(rules.LINE_TOO_LONG, 2), fault(rules.SHORT_ROW, 3)]


def test_findings_are_listed_up_to_a_thousand_and_all_counted(opening: Opener) -> None:
    table = opening(HEAD + b"1,a\n" * 1_500 + b"1,a,b,c\n")
    assert len(table.findings) == 1_001
    assert table.counts == {(rules.SHORT_ROW.number, None): 1_500, (rules.LONG_ROW.number, None): 1}


@pytest.mark.parametrize(
    ("content", "rule", "row"),
    [
        (b"", rules.EMPTY_FILE, None),
        (b" \r\n\xc2\xa0\n", rules.EMPTY_FILE, None),
        (b"\xff\xfe", rules.EMPTY_FILE, None),
        (HEAD, rules.NO_ROWS, None),
        (HEAD + b",,\n\n", rules.NO_ROWS, None),
        (HEAD + b"1,a,b\n2,\x81,c\n", rules.UNREADABLE_TEXT, 3),
        (b"\xef\xbb\xbf" + HEAD + b"1,\xe9,b\n", rules.UNREADABLE_TEXT, 2),
        ("\ufeffnhs_number,sex\n1,a".encode("utf-16-le") + b"\n", rules.UNREADABLE_TEXT, 2),
        ("nhs_number,sex\n1,a\n".encode("utf-16-le"), rules.NUL_CHARACTER, 1),
        (b"nhs_number,sex\r1,a\r2,b\r", rules.LONE_CARRIAGE_RETURN, 1),
        (b"9434765919,female\n9434765870,male\n", rules.HEADINGS_NOT_FOUND, None),
        (b"nhs_number|sex|note\n1|a|b\n", rules.HEADINGS_NOT_FOUND, None),
        (b'nhs_number,sex,"note\n1,a,b\n', rules.UNCLOSED_QUOTE, 1),
        (b'nhs_number,sex,"note"x\n1,a,b\n', rules.TEXT_AFTER_QUOTE, 1),
        (b"nhs_number,sex" + b",x" * 1_000 + b"\n", rules.TOO_MANY_COLUMNS, 1),
        (b"PK\x03\x04whatever", rules.WORKBOOK_SENT_AS_TEXT, None),
        (b"\xd0\xcf\x11\xe0whatever", rules.WORKBOOK_SENT_AS_TEXT, None),
    ],
)
def test_files_that_are_refused_whole(opening: Opener, content: bytes, rule: Rule, row: int | None) -> None:
    assert faults(opening(content)) == [fault(rule, row)]


def test_no_value_stands_in_any_message(opening: Opener) -> None:
    canary = b"9434765919"
    table = opening(HEAD + canary + b",a\n" + canary + b"\0,a,b\n1,2,3,4\n" + b'"' + canary + b'"x,a,b\n')
    assert len(table.findings) == 4
    assert canary.decode() not in repr(table.findings)


def test_the_door_takes_csv(tmp_path: Path) -> None:
    path = tmp_path / "sent.csv"
    path.write_bytes(HEAD + b"1,a,b\n")
    assert rows(open_table(path, "csv", HEADINGS)) == [(2, "1", "a", "b")]
