"""The digest of what a publication would make public, or did: the same figures have the same, and one other digit another.

SHA-256 over the head and the three tables, each row as text in a fixed order. It is what an audit passes, what two people approve and
what a release is compared with when it is rebuilt. The head holds what figures depend on, not who prepared them nor when.
"""

import hashlib
import json
from uuid import UUID

from sqlalchemy import Connection, Table, select, text

from registry.publications.published import DRAFT, PUBLISHED, Tables
from registry.store.tables import publication

HEAD = ("title", "note", "cut_at", "code_version", "definition", "grid_version", "rules")
KEYS = {"publication_id", "release_id"}
OFTEN_NULL = {"held_from"}
"""Columns that came later: a row that has nothing there is the text that it always was."""


def draft_hash(connection: Connection, publication_id: UUID) -> str:
    """Of the draft as it stands in the tables now, in hexadecimal."""
    return _hash(connection, publication_id, DRAFT)


def released_hash(connection: Connection, publication_id: UUID) -> str:
    """Of what is published, in hexadecimal; equal to that of its draft. Under a role that reads both schemas."""
    return _hash(connection, publication_id, PUBLISHED)


def _hash(connection: Connection, publication_id: UUID, tables: Tables) -> str:
    columns = (publication.c[name] for name in HEAD)
    head = connection.execute(select(*columns).where(publication.c.id == publication_id)).one()
    parts = [json.dumps(head._asdict(), sort_keys=True, default=str)]
    parts += [_table_hash(connection, table, tables.key, publication_id) for table in tables[:3]]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _table_hash(connection: Connection, table: Table, key: str, publication_id: UUID) -> str:
    """Of the rows as text, sorted byte by byte, each value quoted as SQL does it, so that no two rows have the same text."""
    names = sorted(column.name for column in table.columns if column.name not in KEYS | OFTEN_NULL)
    later = sorted(column.name for column in table.columns if column.name in OFTEN_NULL)
    row = " || '|' || ".join(f"quote_nullable({name}::text)" for name in names)
    row += "".join(f" || coalesce('|{name} ' || {name}::text, '')" for name in later)
    found = connection.scalar(
        text(
            f"select encode(sha256(convert_to(coalesce(string_agg(line, E'\\n' order by line collate \"C\"), ''), 'UTF8')), 'hex') "  # noqa: S608 (names of our own tables and columns)
            f"from (select {row} as line from {table.fullname} where {key} = :id) lines"
        ),
        {"id": publication_id},
    )
    return str(found)
