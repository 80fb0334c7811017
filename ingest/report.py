"""What goes back to the sender: the list of findings, the faulty rows to mend and send again, and (`ingest.annotated`) a workbook.

The last two hold what was sent, identifying fields too: they are for the sender alone. The list of findings holds no value. All take a
table and findings, so a file that was just read and one whose findings were kept are answered alike.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields

import polars as pl

from ingest.annotated import annotated_workbook
from ingest.check import ROW
from ingest.files import rows_as_sent
from ingest.quoting import quote, quoted, unquoted
from ingest.table import Table
from schemas.finding import Finding, rule_id

__all__ = ["Line", "annotated_workbook", "failed_rows", "findings_csv", "line"]

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """One finding as people and programs read it in a list."""

    row: int | None
    column: str | None
    heading: str | None
    field: str | None
    rule: str
    severity: str
    words: str
    mend: str


def line(finding: Finding) -> Line:
    return Line(
        row=finding.row,
        column=finding.column,
        heading=finding.heading,
        field=finding.field,
        rule=rule_id(finding.rule),
        severity=finding.severity.value,
        words=finding.words,
        mend=finding.mend,
    )


def findings_csv(findings: Iterable[Finding]) -> Iterator[bytes]:
    """The list of findings, a line each, as CSV in UTF-8 with BOM. It holds no value of any cell."""
    yield BOM + _csv_line([each.name for each in fields(Line)])
    for finding in findings:
        yield _csv_line(["" if each is None else quote(str(each)) for each in astuple(line(finding))])


def failed_rows(table: Table, faulty: pl.Series) -> Iterator[bytes]:
    """The headings and the faulty rows as sent (trimmed), as CSV in UTF-8 with BOM: to be mended and sent again as it is.

    `faulty` are the sheet's numbers of the rows. Cells that a spreadsheet would run are marked (`ingest.quoting`). Raises ValueError
    where the rows do not stand under their headings (`files.readable`): such a file is mended as a whole.
    """
    yield BOM + _csv_line([quote(column.heading) for column in table.columns])
    wanted = pl.col(ROW).is_in(faulty.cast(pl.UInt32).implode())
    cells = [_marked(pl.col(str(column.index))) for column in table.columns]
    for frame in rows_as_sent(table):
        rows = frame.filter(wanted).select(cells)
        if rows.height:
            yield rows.write_csv(include_header=False, line_terminator="\r\n").encode()


def _marked(cells: pl.Expr) -> pl.Expr:
    """Marked once, also where the sender's cell was marked already."""
    return quoted(unquoted(cells))


def _csv_line(cells: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()
