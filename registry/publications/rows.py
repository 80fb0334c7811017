"""Many rows into a table at once."""

import csv
import io
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from registry.store import copy_in


def copy_rows(connection: Connection, sql: str, rows: Iterable[Sequence[object]]) -> None:
    """COPY rows as CSV: a blank cell is a null, and no text of ours is ever empty."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    copy_in(connection, sql, [text.getvalue().encode()])
