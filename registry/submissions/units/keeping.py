"""All that is kept of a unit beside its records, in one statement: its receipt, its bytes, its outcome, what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Connection, Table, insert
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB

from registry.store.prepared import Prepared
from registry.store.tables import finding, payload, submission, tally, unit_outcome
from registry.submissions.request import Reference
from registry.submissions.units.outcomes import Outcome, outcome_values
from schemas.finding import Finding

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves its constructor untyped
_FINDING = ("number", *(each.name for each in fields(Finding)))
_TALLY = ("rule", "field", "count")


def keep_unit(
    connection: Connection, reference: Reference, received: Mapping[str, Any], sealed: Sequence[bytes], told: Outcome
) -> bool:
    """Keep a unit; `received` are the columns of its submission, `sealed` its bytes. False, and nothing kept, where there is a
    submission under its key already."""
    counts = told.counts
    outcome = outcome_values(told)
    found = [_found(number, each) for number, each in enumerate(counts.listed, 1)]
    tallied = [{"rule": rule, "field": name, "count": count} for (rule, name), count in counts.tally.items()]
    asked = {
        "tenant": reference.tenant_id,
        "submission": reference.id,
        "sealed": sealed[0],
        "found": orjson.dumps(found).decode(),
        "tallied": orjson.dumps(tallied).decode(),
        **_parameters(submission, received, "s"),
        **_parameters(unit_outcome, outcome, "o"),
    }
    added = _keeping(tuple(received), tuple(outcome))(connection, **asked)
    for part, each in enumerate(sealed[1:], 1):
        more = {"tenant_id": reference.tenant_id, "submission_id": reference.id, "part": part, "sealed": each}
        connection.execute(insert(payload).values(more))
    return bool(added)


def _found(number: int, each: Finding) -> dict[str, object]:
    return {"number": number} | {name: getattr(each, name) for name in _FINDING[1:]}


def _parameters(table: Table, values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {
        f"{prefix}_{name}": orjson.dumps(value).decode() if isinstance(table.c[name].type, JSONB) else value
        for name, value in values.items()
    }


@cache
def _keeping(received: tuple[str, ...], outcome: tuple[str, ...]) -> Prepared:
    return Prepared(
        f"""
        with added as (
                insert into records.submission ({_names(received)}) values ({_cast(submission, received, "s")})
                on conflict (tenant_id, idempotency_key) do nothing returning tenant_id, id),
             kept as (
                insert into records.payload (tenant_id, submission_id, part, sealed) select tenant_id, id, 0, :sealed from added),
             told as (
                insert into records.unit_outcome (tenant_id, submission_id, {_names(outcome)})
                select tenant_id, id, {_cast(unit_outcome, outcome, "o")} from added),
             listed as ({_listing(finding, _FINDING, "found")}),
             tallied as ({_listing(tally, _TALLY, "tallied")})
        select id from added
        """
    )


def _names(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _cast(table: Table, names: Sequence[str], prefix: str) -> str:
    return ", ".join(f"cast(:{prefix}_{name} as {_type(table, name)})" for name in names)


def _listing(table: Table, names: Sequence[str], document: str) -> str:
    """The insert of a JSON document's rows."""
    typed = ", ".join(f'"{name}" {_type(table, name)}' for name in names)
    return f"""insert into records.{table.name} (tenant_id, submission_id, {_names(names)})
                select tenant_id, id, sent.* from added, jsonb_to_recordset(cast(:{document} as jsonb)) as sent({typed})"""


def _type(table: Table, name: str) -> str:
    return table.c[name].type.compile(_DIALECT)
