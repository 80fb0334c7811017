"""Both lanes of the CSV reader give one frame and the same findings, wherever blocks are cut."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.characters import SPACES
from ingest.csv_text import open_csv
from ingest.headings import Headings
from ingest.table import Table

FIELDS = ("first", "second", "third")
HEADINGS = Headings(FIELDS, frozenset(FIELDS), {})
quick = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

PLAIN = st.text(st.sampled_from("aB9 -\u00a0é£\u2003\t|'£"), max_size=6)
QUOTED = st.text(st.sampled_from('a9 ,;\t\n\r"\u00a0é\u2028'), max_size=6)
BROKEN = st.text(st.sampled_from('a, \n\r"\0\x1b\x7f\x85\ufffd\uffff\u00a0é'), max_size=60)
SEPARATOR = st.sampled_from(",;\t")
BLOCK = st.integers(5, 200)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sent.csv"


def frame(table: Table) -> pl.DataFrame:
    frames: Iterator[pl.DataFrame] = table.frames(rows=3)
    return pl.concat(
        [pl.DataFrame(schema={"row": pl.UInt32, **{str(each.index): pl.String for each in table.columns}}), *frames]
    )


def same(path: Path, block: int) -> Table:
    """The table, after all ways to read it gave the same one."""
    careful = open_csv(path, HEADINGS, careful=True)
    for table in (open_csv(path, HEADINGS), open_csv(path, HEADINGS, block=block)):
        assert table.columns == careful.columns
        assert table.findings == careful.findings
        assert table.counts == careful.counts
        assert table.rows == careful.rows
        if not careful.refused:
            assert frame(table).equals(frame(careful))
    return careful


def written(rows: list[list[str]], separator: str, quoting: int, ending: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, quoting=quoting, lineterminator=ending).writerows([FIELDS, *rows])  # type: ignore[arg-type] # any constant of csv
    return out.getvalue()


def wanted(rows: list[list[str]]) -> list[tuple[int | str | None, ...]]:
    kept = ((at, [cell.strip(SPACES) or None for cell in row]) for at, row in enumerate(rows, 2))
    return [(at, *row) for at, row in kept if any(row)]


@quick
@given(rows=st.lists(st.lists(PLAIN, min_size=3, max_size=3), max_size=12), separator=SEPARATOR, block=BLOCK)
def test_a_table_without_need_of_quotes_reads_the_same_quoted_and_unquoted(
    path: Path, rows: list[list[str]], separator: str, block: int
) -> None:
    rows = [[cell.replace(separator, "") for cell in row] for row in rows]
    frames = []
    for quoting, ending in (
        (csv.QUOTE_NONE, "\n"),
        (csv.QUOTE_NONE, "\r\n"),
        (csv.QUOTE_ALL, "\n"),
        (csv.QUOTE_ALL, "\r\n"),
    ):
        path.write_text(written(rows, separator, quoting, ending), newline="")
        table = same(path, block)
        assert table.rows == len(wanted(rows))
        if table.rows:
            frames.append(frame(table).rows())
    assert all(each == wanted(rows) for each in frames)


@quick
@given(
    rows=st.lists(st.lists(st.one_of(PLAIN, QUOTED), min_size=3, max_size=3), min_size=1, max_size=12),
    separator=SEPARATOR,
    block=BLOCK,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_any_cell_comes_back_as_it_was_written(
    path: Path, rows: list[list[str]], separator: str, block: int, encoding: str
) -> None:
    path.write_text(written(rows, separator, csv.QUOTE_MINIMAL, "\r\n"), newline="", encoding=encoding)
    table = same(path, block)
    assert table.rows == len(wanted(rows))
    if table.rows:
        assert frame(table).rows() == wanted(rows)


@settings(quick, max_examples=200)
@given(body=BROKEN, block=BLOCK)
def test_broken_text_gives_the_same_findings_in_both_lanes(path: Path, body: str, block: int) -> None:
    path.write_text("first,second,third\n" + body, newline="")
    same(path, block)


@settings(quick, max_examples=200)
@given(
    lines=st.lists(
        st.sampled_from(
            [
                "a,b,c",
                '"a","b","c"',
                '"a",b,',
                "a,b",
                "a,b,c,d",
                ",,",
                '" ",,',
                '"a\nb",c,d',
                '"a,b",c,d',
                '"",b',
                '""""',
                'a"b,c,d',
                '"a" ,b,c',
                "a\rb,c,d",
                '"a,b,c',
                "",
                "\r",
                '\r""',
                '"a",\r"b",c',
            ]
        ),
        max_size=10,
    ),
    ending=st.sampled_from(["\n", "\r\n"]),
    block=BLOCK,
    blank=st.booleans(),
)
def test_lines_of_all_sorts_give_the_same_in_both_lanes(
    path: Path, lines: list[str], ending: str, block: int, blank: bool
) -> None:
    headings = "first,second,third" if not blank else "first,second,"
    path.write_text(ending.join([headings, *lines]), newline="")
    same(path, block)


@quick
@given(content=st.binary(max_size=200))
def test_no_bytes_raise(path: Path, content: bytes) -> None:
    for start in (b"", b"first,second,third\n", b"\xff\xfe", b"first;second;third\r\n"):
        path.write_bytes(start + content)
        same(path, 64)
