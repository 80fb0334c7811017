"""How the database is reached: its address, and an engine for one role."""

import select
from typing import Any

import psycopg
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import NullPool

from registry.embedded import HOST
from registry.settings import Settings, SettingsError

DATABASE = "hat"
CONNECT_SECONDS = 2  # after a restart of Postgres, and before it is back, callers get their answer within this

# The roles that serve people at once; the pools of one process, together with another such, stay below the roles' limits.
POOLS = {"hat_app": (10, 10), "hat_reader": (4, 4), "hat_national": (2, 3), "hat_jobs": (2, 3)}
SMALL_POOL = (1, 1)
POOL_SECONDS = 10
PUBLIC_ROLE = "hat_reader"
# Whoever waits for a page is one of many at once: workers beside it and compiled expressions cost more processor time than they save.
PLANNED = {"hat_app": "-c max_parallel_workers_per_gather=0 -c jit=off"}


def address(settings: Settings) -> str:
    """The database's address without user and password: the outside Postgres of the settings, else the embedded one.

    Raises SettingsError while neither is there.
    """
    if settings.database_url is not None:
        return settings.database_url
    try:
        port = int((settings.postgres_dir / "port").read_text("ascii"))
    except (FileNotFoundError, ValueError):
        raise SettingsError(
            "There is no database yet. Run `hat up`, which starts the embedded Postgres, or set HAT_DATABASE_URL."
        ) from None
    return f"postgresql://{HOST}:{port}/{DATABASE}"


def address_for(settings: Settings, role: str) -> str:
    """As `address`, for one role: public pages may be answered by a standby."""
    if role == PUBLIC_ROLE and settings.public_database_url is not None:
        return settings.public_database_url
    return address(settings)


def engine(url: URL | str, role: str, *, pooled: bool = True, shared_by: int = 1) -> Engine:
    """An engine on psycopg. A connection that died is noticed before it is used; errors never show parameters.

    `shared_by` processes have the role's connections between them.
    """
    size, overflow = (max(1, most // shared_by) for most in POOLS.get(role, SMALL_POOL))
    # The connection that was used last is used next: on it statements are prepared and tables for rows are there.
    pool = {"pool_size": size, "max_overflow": overflow, "pool_timeout": POOL_SECONDS, "pool_use_lifo": True}
    opened = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        **(pool if pooled else {"poolclass": NullPool}),
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": role,
            **({"options": PLANNED[role]} if role in PLANNED else {}),
        },
    )
    event.listen(opened, "checkout", _living)
    return opened


def _living(driver: "psycopg.Connection[Any]", _record: object, _proxy: object) -> None:
    """Let the pool open another connection in the place of one that has ended.

    The server says nothing on a connection that is not in use but that it ends it, so there is no need to ask it before each use.
    """
    if driver.closed:
        raise DisconnectionError
    waiting = select.poll()
    waiting.register(driver.fileno(), select.POLLIN)
    if waiting.poll(0):
        raise DisconnectionError
