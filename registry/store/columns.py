"""Columns that many tables have alike."""

from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey, Integer, Uuid, func, text

Moment = DateTime(timezone=True)


def now(name: str) -> Column[Any]:
    """The database's clock, so that no process's own clock orders anything."""
    return Column(name, Moment, nullable=False, server_default=func.now())


def tenant() -> Column[Any]:
    """The organisation whose row it is; every key begins with it."""
    return Column("tenant_id", Integer, ForeignKey("register.organisation.id"), nullable=False)


def grown_id() -> Column[Any]:
    """An id that grows with time."""
    return Column("id", Uuid, nullable=False, server_default=text("records.uuid7()"))
