"""The database, opened in plain sight: `Store`, its transactions, and the roles under which they run.

A transaction opens at the edge (`with store.transaction(tenants=(3,)) as connection:`) and nothing below it commits.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Self

from psycopg import Connection as Psycopg
from sqlalchemy import URL, Connection, Engine, text

from registry.settings import Secrets, Settings, role_url
from registry.store import context
from registry.store.connections import address_for, engine

__all__ = ["SYSTEM_TENANT", "Store", "copy_in"]

SYSTEM_TENANT = 0
"""The registry's own organisation (code SYSTEM): sign-ins and administration are audited under it."""

APP = "hat_app"


class Store:
    """Engines by role, opened when first used. Safe to share between threads; not between processes."""

    def __init__(
        self,
        urls: Mapping[str, URL | str],
        context_key: bytes | None = None,
        audit_key: bytes | None = None,
        shared_by: int = 1,
    ) -> None:
        """`urls` are the roles that this process may use; `context_key` is needed for `hat_app`, `audit_key` to audit. So many
        processes as `shared_by` says have the connections between them."""
        self._urls = dict(urls)
        self._shared_by = shared_by
        self._context_key = context_key
        self._audit_key = audit_key
        self._engines: dict[str, Engine] = {}
        self._lock = Lock()

    @classmethod
    def from_settings(cls, settings: Settings, roles: Collection[str] = (APP,), *, shared_by: int = 1) -> Self:
        """Reads the named roles' passwords, and the keys these roles need, and nothing else of the secrets.

        Raises SettingsError when one is missing or the database's address is not known.
        """
        wanted = [*(["context"] if APP in roles else []), *(["audit"] if set(roles) & AUDITING else [])]
        keys = Secrets.load(settings.secrets_dir, wanted)
        return cls(
            {role: role_url(address_for(settings, role), settings.secrets_dir, role) for role in roles},
            context_key=keys["context"] if "context" in wanted else None,
            audit_key=keys["audit"] if "audit" in wanted else None,
            shared_by=shared_by,
        )

    @contextmanager
    def transaction(self, *, tenants: Collection[int] = (), role: str = APP) -> Iterator[Connection]:
        """A read-write transaction: committed at the end of the block, rolled back when it raises.

        Under `hat_app` only rows of `tenants` exist; without any, none. The other roles have rights of their own, and
        naming tenants for them is a ValueError. Raises ValueError for a role that this process was not given.
        """
        with self._engine(role).connect() as connection, connection.begin():
            self._enter(connection, tenants, role)
            yield connection

    @contextmanager
    def readonly(self, *, tenants: Collection[int] = (), role: str = APP) -> Iterator[Connection]:
        """As `transaction`, for reading only; all its queries see the database as of the first."""
        with self._engine(role).connect() as connection:
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                self._enter(connection, tenants, role)
                yield connection

    @contextmanager
    def alone(self, of: str, *, role: str = APP) -> Iterator[bool]:
        """Whether no other process has a thing in hand that `of` names; if so, none has it as long as the block lasts.

        It is given up with the block, and with the connection of a process that ends in any other way.
        """
        with self._engine(role).connect() as connection:
            key = {"of": of}
            taken = bool(connection.scalar(text("select pg_try_advisory_lock(hashtext('alone'), hashtext(:of))"), key))
            connection.commit()
            try:
                yield taken
            finally:
                if taken:
                    connection.execute(text("select pg_advisory_unlock(hashtext('alone'), hashtext(:of))"), key)
                    connection.commit()

    def dispose(self) -> None:
        """Close all connections; the store opens new ones when it is used again."""
        with self._lock:
            for each in self._engines.values():
                each.dispose()
            self._engines.clear()

    def _enter(self, connection: Connection, tenants: Collection[int], role: str) -> None:
        if role != APP:
            if tenants:
                raise ValueError(f"tenants bind {APP} only; {role} has rights of its own")
        elif not tenants:
            context.leave(connection)
        elif self._context_key is None:
            raise ValueError("this store holds no context key, so it cannot act for a tenant")
        else:
            context.enter(connection, self._context_key, tenants)

    def _engine(self, role: str) -> Engine:
        with self._lock:
            if role not in self._engines:
                if role not in self._urls:
                    raise ValueError(f"this process was not given the role {role}")
                opened = engine(self._urls[role], role, shared_by=self._shared_by)
                self._engines[role] = opened.execution_options(audit_key=self._audit_key)
            return self._engines[role]


AUDITING = frozenset({"hat_app", "hat_jobs", "hat_national"})


def copy_in(connection: Connection, sql: str, blocks: Iterable[bytes]) -> int:
    """COPY … FROM STDIN inside this connection's transaction; gives the rows copied. `sql` is ours, never a caller's."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, Psycopg):
        raise TypeError("COPY needs psycopg")
    with driver.cursor() as cursor:
        with cursor.copy(sql.encode()) as copy:
            for block in blocks:
                copy.write(block)
        return cursor.rowcount
