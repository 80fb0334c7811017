"""The mark that keeps a spreadsheet from running a cell as a formula, put on in files we write and taken off in files we read.

A cell, or a line within a cell, that begins with `= + - @` (also the full-width and small forms, also after blanks or
invisible characters), or a cell that begins with a tab or a carriage return, gets an apostrophe before it. Every reader takes
exactly that apostrophe off again, so a file of ours may be mended and sent as it is: `unquote(quote(cell)) == unquote(cell)`.
"""

import re
from collections.abc import Mapping

import polars as pl

_BLANKS = (
    r"[ \t\x{a0}\x{ad}\x{61c}\x{1680}\x{180e}\x{2000}-\x{200f}\x{2028}-\x{202f}\x{205f}-\x{206f}\x{3000}\x{feff}]*"
)
_STARTS = r"[=+\-@\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}\x{fe62}\x{fe63}\x{fe66}\x{fe6b}\x{2212}]"
_LINE = rf"(\A|[\r\n])({_BLANKS}{_STARTS})"
_EDGE = r"\A([\t\r\n])"
_MARKED = rf"(\A|[\r\n])'({_BLANKS}{_STARTS})"
_MARKED_EDGE = r"\A'([\t\r\n])"


def _python(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\x\{([0-9a-f]+)\}", lambda found: f"\\u{int(found[1], 16):04x}", pattern))


_LINE_HERE, _EDGE_HERE = _python(_LINE), _python(_EDGE)


def quote(cell: str) -> str:
    """The cell as it may stand in a file for spreadsheets. Most begin with a letter or a digit and have one line: nothing marks these."""
    if cell[:1].isalnum() and "\n" not in cell and "\r" not in cell:
        return cell
    return _EDGE_HERE.sub(r"'\1", _LINE_HERE.sub(r"\1'\2", cell))


def quoted_record(record: Mapping[str, object]) -> dict[str, object]:
    """The values of a row by their columns, texts as they may stand in a file for spreadsheets; numbers are numbers."""
    return {name: quote(value) if isinstance(value, str) else value for name, value in record.items()}


def quoted(cells: pl.Expr) -> pl.Expr:
    """A column of cells as they may stand in a file for spreadsheets."""
    return cells.str.replace_all(_LINE, "$1'$2").str.replace(_EDGE, "'$1")


def unquoted(cells: pl.Expr) -> pl.Expr:
    """A column of cells without the marks."""
    return cells.str.replace(_MARKED_EDGE, "$1").str.replace_all(_MARKED, "$1$2")


def may_hold_marks(cells: pl.Expr) -> pl.Expr:
    """Whether any cell of a column may hold a mark: cheaper than looking for one."""
    return cells.str.contains("'", literal=True).any()
