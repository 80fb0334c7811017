"""What the registry holds, and why: every column of every table with its purpose, every table with how long its rows are kept.

The words stand in `registry/reference`: a table a line in `tables.txt`, a name of a column in `columns.txt`. A column of the dataset
has the question it answers for its purpose. A column without a purpose is a KeyError, so that nothing is held for which nobody has a
reason.
"""

import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module, resources

from sqlalchemy import Table

import registry.store
from registry import reference
from registry.store.tables import metadata
from schemas.dictionary import fields
from schemas.record import RecordKind

SEALED = "_ct"
"""At the end of a column's name: sealed under the trust's data key."""
VERSION = "_version"


@dataclass(frozen=True, slots=True)
class Held:
    """One column. `sealed`: whoever has the database alone cannot read it."""

    table: str
    column: str
    purpose: str
    retention: str
    sealed: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """One table."""

    name: str
    purpose: str
    retention: str


def tables() -> tuple[Table, ...]:
    """Every table that the registry declares, by name."""
    for each in pkgutil.iter_modules(registry.store.__path__):
        import_module(f"{registry.store.__name__}.{each.name}")
    return tuple(sorted(metadata.sorted_tables, key=lambda table: table.fullname))


@cache
def kept() -> Mapping[str, Kept]:
    """Each table's purpose and retention, by its name."""
    lines = (line.split(" | ") for line in _lines("tables.txt"))
    return {name: Kept(name, purpose, retention) for name, purpose, retention in lines}


@cache
def purposes() -> Mapping[str, str]:
    """The purpose of each name that a column may have."""
    lines = (line.partition(": ") for line in _lines("columns.txt"))
    return {name: words for name, _, words in lines}


@cache
def asked() -> Mapping[str, str]:
    """The question that each field of the dataset answers."""
    return {each.name: each.item.question for kind in RecordKind for each in fields(kind)}


def held() -> Iterator[Held]:
    """Every column. Raises KeyError for a table or column without words."""
    for table in tables():
        about = kept()[table.fullname]
        for column in table.columns:
            name = column.name
            yield Held(table.fullname, name, _purpose(table, name), about.retention, name.endswith(SEALED))


def page() -> str:
    """All of it as Markdown."""
    found: dict[str, list[Held]] = {}
    for each in held():
        found.setdefault(each.table, []).append(each)
    parts = [HEAD, *(_of_table(kept()[name], columns) for name, columns in found.items())]
    return "\n".join(parts)


HEAD = """# What the registry holds

Every table with its purpose and how long its rows are kept, every column with its purpose. Written by `python -m registry.store.held`
from the tables themselves; the build fails for a column without a purpose. *Sealed*: encrypted under the trust's own key, which is not
in the database.
"""


def _of_table(table: Kept, columns: list[Held]) -> str:
    rows = [f"| `{each.column}` | {each.purpose}{' *Sealed.*' if each.sealed else ''} |" for each in columns]
    head = [f"## {table.name}", "", f"{table.purpose[0].upper()}{table.purpose[1:]}. How long: {table.retention}.", ""]
    return "\n".join([*head, "| column | for |", "|---|---|", *rows, ""])


def _purpose(table: Table, column: str) -> str:
    of_dataset = asked().get(column.removesuffix(SEALED)) if table.name.endswith(VERSION) else None
    return of_dataset.replace("|", "/") if of_dataset else purposes()[column]


def _lines(name: str) -> list[str]:
    return [line for line in resources.files(reference).joinpath(name).read_text("utf-8").splitlines() if line]


if __name__ == "__main__":
    print(page())  # noqa: T201 (that is what it is for)
