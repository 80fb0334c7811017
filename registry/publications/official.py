"""The official quarterly file of risk assessments: kept as it came, seen by a person, then imported figure by figure.

A later file replaces what it says and leaves the rest; the same file twice changes nothing. Under `hat_national`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry.access import Actor
from registry.errors import Conflict, NotFound
from registry.official import RiskAssessment
from registry.store import SYSTEM_TENANT, audit
from registry.store.tables import official_import, organisation, risk_assessment

SOURCE = "NHS England, VTE risk assessment"


@dataclass(frozen=True, slots=True)
class Difference:
    """What a file would change: figures by month and provider, and who is not in the register. `withheld` figures are not kept."""

    months: tuple[date, ...]
    new: int
    changed: int
    same: int
    withheld: int
    unknown: tuple[RiskAssessment, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """One import that was made."""

    imported_at: datetime
    rows: int
    joined: int
    imported_by: str


def keep(connection: Connection, data: bytes, rows: int, by: Actor) -> UUID:
    """Keep a file until somebody has seen what it would change; one that waited before is dropped."""
    waiting = official_import.c.state == "waiting"
    connection.execute(update(official_import).where(waiting).values(state="dropped", content=b""))
    made: UUID = connection.execute(
        insert(official_import)
        .values(
            state="waiting", source=SOURCE, digest=hashlib.sha256(data).digest(), content=data, rows=rows, joined=0,
            imported_by=by.name,
        )
        .returning(official_import.c.id)
    ).scalar_one()  # fmt: skip
    return made


def waiting(connection: Connection, import_id: UUID) -> bytes:
    """The file that waits. Raises NotFound for none, Conflict for one that was imported or dropped meanwhile."""
    query = select(official_import.c.state, official_import.c.content).where(official_import.c.id == import_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound
    if row.state != "waiting":
        raise Conflict(
            "This file was imported, or replaced by another, meanwhile. Choose it again if it is still needed."
        )
    content: bytes = row.content
    return content


def difference(connection: Connection, rows: Iterable[RiskAssessment]) -> Difference:
    """The file against the figures that are held."""
    listed = list(rows)
    c = risk_assessment.c
    held = {
        (row.code, row.month): (row.assessed, row.admissions)
        for row in connection.execute(
            select(organisation.c.code, c.month, c.assessed, c.admissions).join_from(risk_assessment, organisation)
        )
    }
    known = set(connection.scalars(select(organisation.c.code)))
    given = {(row.code, row.month): (row.assessed, row.admissions) for row in listed if complete(row)}
    return Difference(
        months=tuple(sorted({row.month for row in listed})),
        new=len(given.keys() - held.keys()),
        changed=sum(given[key] != held[key] for key in given.keys() & held.keys()),
        same=sum(given[key] == held[key] for key in given.keys() & held.keys()),
        withheld=sum(not complete(row) for row in listed),
        unknown=tuple({row.code: row for row in listed if row.code not in known}.values()),
    )


def complete(row: RiskAssessment) -> bool:
    """Whether both numbers are published."""
    return row.assessed is not None and row.admissions is not None


def confirm(
    connection: Connection,
    import_id: UUID,
    rows: Iterable[RiskAssessment],
    ids: Mapping[str, int],
    joined: int,
    by: Actor,
) -> int:
    """Import the rows of a file that waits; `ids` are the organisations by code. Gives how many figures were kept."""
    figures = [
        {
            "organisation_id": ids[row.code],
            "month": row.month,
            "region_code": row.region_code or None,
            "assessed": row.assessed,
            "admissions": row.admissions,
            "import_id": import_id,
        }
        for row in rows
        if complete(row)
    ]
    if figures:
        query = insert_or(risk_assessment)
        new = {name: query.excluded[name] for name in ("region_code", "assessed", "admissions", "import_id")}
        connection.execute(query.on_conflict_do_update(index_elements=["organisation_id", "month"], set_=new), figures)
    made = {
        "state": "imported",
        "rows": len(figures),
        "joined": joined,
        "imported_by": by.name,
        "imported_at": func.now(),
    }
    connection.execute(update(official_import).where(official_import.c.id == import_id).values(made))
    audit.record(
        connection, tenant=SYSTEM_TENANT, actor=by.label, role=by.role, action="official.import",
        object_type="official_import", object_id=str(import_id), detail={"figures": len(figures), "joined": joined},
    )  # fmt: skip
    return len(figures)


def imports(connection: Connection) -> tuple[Imported, ...]:
    """The imports that were made, newest first."""
    c = official_import.c
    query = select(c.imported_at, c.rows, c.joined, c.imported_by).where(c.state == "imported")
    return tuple(Imported(*row) for row in connection.execute(query.order_by(c.imported_at.desc())))
