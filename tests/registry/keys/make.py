"""A registry with a secrets folder of its own, something sealed in every table, and what can be asked of its keys."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Connection, Engine, Row, create_engine, true

from registry import identifiers
from registry.keys import make_data_key, open_keys
from registry.keys.moves import MOVES
from registry.keys.rotation import JOBS, Step, step
from registry.keys.sealed import SEALED, Sealed
from registry.settings import LOGINS, Secrets, Settings, load
from registry.store import SYSTEM_TENANT, Store
from registry.store.tables import payload
from schemas.record import RecordKind
from tests.attack.rows import fill
from tests.conftest import Database
from tests.make import nhs_number, valid_case, valid_rca
from tests.registry.make import make_organisation
from tests.registry.submissions.make import send

NUMBERS = 10
"""Cases of each trust; the first number is a patient of both."""
WORDS = "what was written"


@dataclass(frozen=True)
class Place:
    """A registry with two trusts."""

    settings: Settings
    store: Store
    database: Database
    one: int
    other: int
    full: int
    """A trust with one row in every table; its rows are no sense, but sealed."""

    @property
    def folder(self) -> Path:
        return self.settings.secrets_dir

    @property
    def secrets(self) -> Secrets:
        """As a process reads them that starts now."""
        return Secrets.load(self.folder, ["master", "match"])

    def admin(self) -> psycopg.Connection:
        return psycopg.connect(self.database.admin_url, autocommit=True)


@contextmanager
def place(database: Database, folder: Path) -> Iterator[Place]:
    """Two trusts that have sent."""
    secrets = folder / "secrets"
    shutil.copytree(database.secrets, secrets)
    settings = load(data_dir=folder / "data", secrets_dir=secrets, database_url=database.address)
    store = Store.from_settings(settings, roles=LOGINS)
    try:
        one, other, full = (make_organisation(store, settings, code=code) for code in ("RA1", "RB2", "RC3"))
        found = Place(settings, store, database, one, other, full)
        for tenant in (one, other):
            _sent(found, tenant)
        _everywhere(found)
        yield found
    finally:
        store.dispose()


def _sent(found: Place, tenant: int) -> None:
    send(found.store, found.settings, tenant, rows(tenant, found.one))
    reviews = [
        valid_rca(local_case_id=row["local_case_id"], learning_point=WORDS) for row in rows(tenant, found.one)[:3]
    ]
    send(found.store, found.settings, tenant, reviews, kind=RecordKind.RCA)


def rows(tenant: int, one: int) -> list[dict[str, str]]:
    """A trust's cases; the first is of a patient whom both trusts have."""
    shift = 0 if tenant == one else 100
    return [
        valid_case(local_case_id=f"HAT-{n:04}", nhs_number=nhs_number(1 if n == 1 else n + shift), ward=f"Ward {n}")
        for n in range(1, NUMBERS + 1)
    ]


def _everywhere(found: Place) -> None:
    """A row with all its cells sealed in every table of a trust of its own, and of the registry's."""
    with found.store.transaction(role=JOBS) as connection:
        make_data_key(connection, found.secrets, SYSTEM_TENANT)
        keys = {tenant: open_keys(connection, found.secrets, tenant).data for tenant in (found.full, SYSTEM_TENANT)}
    with found.admin() as admin:
        fill(admin, found.full, "x")
        admin.execute("insert into register.person (user_name, display_name) values ('somebody', 'Somebody')")
        admin.execute(
            "insert into register.second_factor (person_id, secret_ct, last_step) select id, 'x', 1 from register.person"
        )
        admin.execute(
            "update records.payload set sealed = %s where tenant_id = %s", [_part(found, keys[found.full]), found.full]
        )
    with _engine(found) as engine, engine.begin() as connection:
        for each in SEALED:
            if each.table is not payload:
                _seal(connection, each, found.full if each.of_trusts else SYSTEM_TENANT, keys)


def words(name: str) -> str:
    return nhs_number(300) if name == "nhs_number" else WORDS


def _part(found: Place, data: bytes) -> bytes:
    submission = UUID("018f0000-0000-7000-8000-000000000001").bytes
    return identifiers.seal_part(
        data, b"bytes", identifiers.canonical("hat", "payload", found.full, submission), 1, last=True
    )


def _seal(connection: Connection, each: Sealed, tenant: int, keys: Mapping[int, bytes]) -> None:
    mine = each.table.c.tenant_id == tenant if each.of_trusts else true()
    row = connection.execute(each.table.select().where(mine)).one()
    cells = {
        column: identifiers.seal(
            keys[tenant], words(name), identifiers.cell_aad(tenant, each.kind, each.place(row), name)
        )
        for column, name in each.cells.items()
    }
    connection.execute(each.table.update().where(mine).values(**cells))


def opened(found: Place) -> dict[str, int]:
    """Everything sealed, opened; by table how many cells. Raises IdentifierError where one does not open."""
    counts: dict[str, int] = {}
    with _engine(found) as engine, engine.connect() as connection:
        for tenant in (found.one, found.other, found.full, SYSTEM_TENANT):
            keys = open_keys(connection, found.secrets, tenant)
            for each in SEALED:
                if each.of_trusts or tenant == SYSTEM_TENANT:
                    counts[each.kind] = counts.get(each.kind, 0) + _opened(connection, each, tenant, keys.opens)
    return counts


@contextmanager
def _engine(found: Place) -> Iterator[Engine]:
    engine = create_engine(found.database.admin_url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        yield engine
    finally:
        engine.dispose()


def _opened(connection: Connection, each: Sealed, tenant: int, keys: Mapping[int, bytes]) -> int:
    mine = each.table.c.tenant_id == tenant if each.of_trusts else true()
    rows = connection.execute(each.table.select().where(mine).order_by(*each.table.primary_key)).all()
    if each.table is payload:
        return sum(
            len(_file(tenant, list(parts), keys)) > 0 for _, parts in groupby(rows, lambda row: row.submission_id)
        )
    count = 0
    for column, name in each.cells.items():
        held = [row for row in rows if row._mapping[column] is not None]
        places = identifiers.cell_aads(tenant, each.kind, [each.place(row) for row in held], name)
        count += len(identifiers.open_column(keys, [bytes(row._mapping[column]) for row in held], places))
    return count


def _file(tenant: int, parts: Sequence[Row[Any]], keys: Mapping[int, bytes]) -> bytes:
    place_of = identifiers.canonical("hat", "payload", tenant, parts[0].submission_id.bytes)
    last = parts[-1].part
    return b"".join(
        identifiers.open_part(keys, bytes(row.sealed), place_of, row.part, last=row.part == last) for row in parts
    )


def versions(found: Place) -> set[int]:
    """The versions of data keys under which anything at all is sealed."""
    seen: set[int] = set()
    with found.admin() as admin:
        for each in SEALED:
            for column in each.cells:
                seen |= {
                    row[0]
                    for row in admin.execute(
                        f"select distinct get_byte({column}, 0) from {each.table.fullname} where {column} is not null"
                    )
                }
    return seen


def steps(found: Place, secrets: Secrets) -> Iterator[Step]:
    """The steps of the rotation that is under way, one at a time, to its end."""
    while True:
        outcome = step(found.store, secrets, MOVES)
        yield outcome
        if outcome in (Step.ENDED, Step.NOTHING):
            return
