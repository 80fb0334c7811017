"""The monthly returns of one organisation as they stand, month by month, as the text in which they are sent; and rows of them as a file."""

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, select

from registry.store.desk import sign_off
from registry.store.records import RECORD, VERSION
from registry.store.tables import submission
from schemas.dictionary import fields
from schemas.record import RecordKind

ACTIVITY = RecordKind.ACTIVITY
NAMES = tuple(each.name for each in fields(ACTIVITY) if each.name not in ("organisation", "month"))
"""What is asked of a month, in the order of the dataset."""
COUNTS = tuple(each.name for each in fields(ACTIVITY) if each.item.section == "Admissions")

Cells = Mapping[str, str]
"""One month: text by field."""


@dataclass(frozen=True, slots=True)
class Held:
    """The return of one month as it stands; of a month without one the version is 0 and there is no text."""

    month: date
    version: int
    submission_id: UUID | None
    cells: Cells
    signed_at: datetime | None


def held(connection: Connection, tenant: int, months: Collection[date]) -> dict[date, Held]:
    """The returns of some months."""
    r, v = RECORD[ACTIVITY].c, VERSION[ACTIVITY].c
    standing = and_(v.tenant_id == r.tenant_id, v.record_id == r.id, v.version == r.version)
    rows = connection.execute(
        select(r.month, v.version, v.submission_id, *(v[name] for name in NAMES))
        .join_from(RECORD[ACTIVITY], VERSION[ACTIVITY], standing)
        .where(r.tenant_id == tenant, r.month.in_(months))
    )
    signed = _signed(connection, tenant, months)
    found = {month: Held(month, 0, None, dict.fromkeys(NAMES, ""), signed.get(month)) for month in months}
    for month, version, submission_id, *values in rows:
        cells = {name: _text(value) for name, value in zip(NAMES, values, strict=True)}
        found[month] = Held(month, version, submission_id, cells, signed.get(month))
    return found


def _signed(connection: Connection, tenant: int, months: Collection[date]) -> dict[date, datetime]:
    c = sign_off.c
    rows = connection.execute(
        select(c.month, c.signed_at).where(c.tenant_id == tenant, c.month.in_(months), c.unlocked_at.is_(None))
    )
    return {row.month: row.signed_at for row in rows}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def changed(before: Mapping[date, Held], typed: Mapping[date, Cells]) -> list[date]:
    """The months of which something else is typed than stands."""
    return [month for month in sorted(typed) if dict(typed[month]) != dict(before[month].cells)]


def as_file(months: Mapping[date, Cells]) -> bytes:
    """The months as CSV, the earliest first: the row of a month in the sheet is its place and two."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["month", *NAMES])
    for month, cells in sorted(months.items()):
        writer.writerow([f"{month:%Y-%m}", *(cells.get(name, "") for name in NAMES)])
    return text.getvalue().encode()


def sent_as(connection: Connection, tenant: int, beginning: str) -> UUID | None:
    """The newest submission whose idempotency key begins so; None where there is none."""
    c = submission.c
    asked = select(c.id).where(c.tenant_id == tenant, c.idempotency_key.startswith(beginning, autoescape=True))
    return connection.execute(asked.order_by(c.received_at.desc()).limit(1)).scalar()
