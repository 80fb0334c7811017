"""CSV and XLSX bytes → a table: headings matched to fields, faults of shape found, rows as frames of text with their places."""

from pathlib import Path
from typing import Literal

from ingest.csv_text import open_csv
from ingest.headings import Column, Headings, fold, letter
from ingest.table import Table
from ingest.xlsx import open_xlsx

__all__ = ["Column", "Format", "Headings", "Table", "fold", "letter", "open_table"]

Format = Literal["csv", "xlsx"]


def open_table(path: Path, format: Format, headings: Headings) -> Table:  # noqa: A002 (the name of the parameter at every door)
    """Open a spooled file and look over its shape. The file must stay where it is while the table is read.

    A fault of the file is a finding of the table, never an exception; OSError if the file cannot be opened at all.
    """
    return open_csv(path, headings) if format == "csv" else open_xlsx(path, headings)
