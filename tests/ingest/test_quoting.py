"""The mark that keeps a spreadsheet from running a cell: every dangerous cell gets it, every reader takes exactly it off."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.quoting import quote, quoted, quoted_record, unquoted

DANGEROUS = "=+-@＝＋－＠﹢﹣﹦﹫−"
BLANKS = " \t\u00a0\u2003\u3000\u200b\u200e\ufeff\u00ad\u202e\u2066\u061c"
CELLS = st.text(st.sampled_from("'\r\n" + DANGEROUS + BLANKS + "a1é"), max_size=12)


def _through(expression: pl.Expr, cell: str) -> str:
    return str(pl.DataFrame({"cell": [cell]}).select(expression)["cell"][0])


@pytest.mark.parametrize("sign", DANGEROUS)
@pytest.mark.parametrize("before", ["", *BLANKS, " \u00a0", "\u200b\ufeff"])
def test_a_cell_that_a_spreadsheet_could_run_is_marked(sign: str, before: str) -> None:
    assert quote(f"{before}{sign}1+1").startswith("'")


@pytest.mark.parametrize(
    ("cell", "marked"),
    [
        ("=1+1", "'=1+1"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("patient declined\n- twice", "patient declined\n'- twice"),
        ("a\r\n=b", "a\r\n'=b"),
        ("a-b", "a-b"),
        ("2025-09-01", "2025-09-01"),
        ("O'Neil", "O'Neil"),
        ("'quoted'", "'quoted'"),
        ("", ""),
    ],
)
def test_marks_stand_where_they_must_and_nowhere_else(cell: str, marked: str) -> None:
    assert quote(cell) == marked
    assert _through(unquoted(pl.col("cell")), marked) == cell


@given(CELLS)
def test_the_reader_takes_off_what_the_writer_put_on(cell: str) -> None:
    once = _through(unquoted(pl.col("cell")), cell)
    assert _through(unquoted(pl.col("cell")), quote(once)) == once


@given(CELLS)
def test_a_column_is_marked_as_a_cell_is(cell: str) -> None:
    assert _through(quoted(pl.col("cell")), cell) == quote(cell)


@given(CELLS)
def test_no_line_of_a_marked_cell_begins_as_a_formula(cell: str) -> None:
    lines = quote(cell).replace("\r", "\n").split("\n")
    assert not any(line.lstrip(BLANKS).startswith(tuple(DANGEROUS)) for line in lines)
    assert not quote(cell).startswith(("\t", "\r", "\n"))


def test_texts_of_a_record_are_marked_and_numbers_are_not() -> None:
    assert quoted_record({"name": "=1+1 Trust", "rate": -0.5, "none": None}) == {
        "name": "'=1+1 Trust",
        "rate": -0.5,
        "none": None,
    }
