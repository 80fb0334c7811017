"""Statements that are asked with every request: compiled once, and from then on handed to the driver as they are.

What SQLAlchemy does anew at each execution (the key of its cache, a context, a result) takes five to ten times as long as the driver.
A transaction of one record asks some twenty statements, so that this is a third of all that it costs.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb
from sqlalchemy import ClauseElement, Connection, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call] # SQLAlchemy leaves its constructor untyped


class Prepared:
    """A statement of ours, or its text with `:name` for each value. `names` are the columns of an insert that are given values; all values are given by name.

    A list is compared with by `= any_(...)`: an IN would have another text for each length.
    """

    def __init__(self, query: ClauseElement | str, names: Sequence[str] | None = None) -> None:
        self._query = text(query) if isinstance(query, str) else query
        self._names = None if names is None else list(names)

    def __call__(self, connection: Connection, **values: Any) -> list[Any]:
        """Run it within the connection's transaction; gives its rows, whose cells have the columns' names.

        Raises DBAPIError as SQLAlchemy itself would, without the values.
        """
        driver = connection.connection.driver_connection
        if not isinstance(driver, psycopg.Connection):
            raise TypeError("prepared statements need psycopg")
        sql, fixed, documents = self._compiled
        given = {name: Jsonb(value) if name in documents else value for name, value in values.items()}
        try:
            with driver.cursor(row_factory=namedtuple_row) as cursor:
                cursor.execute(sql, fixed | given)
                return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise _told(connection, driver, error) from error

    @cached_property
    def _compiled(self) -> tuple[bytes, dict[str, Any], frozenset[str]]:
        """The text, the values that are part of the statement, and the names of those that travel as JSON."""
        compiled = self._query.compile(dialect=_DIALECT, column_keys=self._names)
        assert isinstance(compiled, SQLCompiler)
        required = {name for name, bound in compiled.binds.items() if bound.required}
        fixed = {name: value for name, value in compiled.params.items() if name not in required}
        documents = frozenset(name for name, bound in compiled.binds.items() if isinstance(bound.type, JSONB))
        return compiled.string.encode(), fixed, documents


def _told(connection: Connection, driver: "psycopg.Connection[Any]", error: psycopg.Error) -> DBAPIError:
    """The error in SQLAlchemy's shape; a connection that is lost with it goes back to no pool."""
    if driver.broken and not connection.invalidated:
        connection.invalidate()
    told = DBAPIError.instance(
        None, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=driver.broken, dialect=_DIALECT
    )
    assert isinstance(told, DBAPIError)
    return told
