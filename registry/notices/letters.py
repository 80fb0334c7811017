"""A letter to an address, laid into the outbox with whatever else the transaction does: sealed, for what is in it may be a secret."""

from uuid import UUID

from sqlalchemy import func, insert, select

from registry.cases.desk import Desk, seal
from registry.store.desk import outbox


def post(desk: Desk, to: str, subject: str, body: str) -> UUID:
    """Lay a letter into the outbox of a trust, address and text sealed under its key. The subject stands in clear."""
    row: UUID = desk.connection.execute(select(func.records.uuid7())).scalar_one()
    desk.connection.execute(
        insert(outbox).values(
            tenant_id=desk.tenant_id,
            id=row,
            to_ct=seal(desk, "outbox", row, "to", to),
            subject=subject,
            body_ct=seal(desk, "outbox", row, "body", body),
            made_at=desk.at,
        )
    )
    return row
