"""Findings as a table on a terminal."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from ingest.report import Line

MOST_SHOWN = 200


def findings_table(lines: Iterable[Line]) -> Table:
    """One line each, errors in red. What comes from a sender's heading is shown as it is, never taken for markup."""
    table = Table()
    for heading in ("Row", "Col", "Heading", "Rule", "What is wrong", "What to do"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "Row" else "left")
    for each in lines:
        place = (str(each.row or ""), each.column or "", each.heading or each.field or "")
        style = "red" if each.severity == "error" else "yellow"
        table.add_row(*map(Text, (*place, each.rule, each.words, each.mend)), style=style)
    return table
