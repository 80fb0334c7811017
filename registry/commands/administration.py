"""`hat database`, `user`, `register`, `audit` and `publish`: what an operator does on the machine itself, in the operator's own name."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from rich.console import Console
from sqlalchemy import Connection, select

from registry import database, register, timeline
from registry.access import OPERATOR
from registry.accounts import links, people
from registry.settings import LOGINS, Secrets, Settings, load, role_url
from registry.store import SYSTEM_TENANT, Store, audit
from registry.store.connections import DATABASE, address
from registry.store.tables import audit as audit_table
from schemas import publish as artefacts

console = Console(highlight=False, soft_wrap=True)
AUDITOR, WORKER = "hat_auditor", "hat_jobs"


# --- database


def create_database(admin_url: str) -> None:
    settings = load()
    name = urlsplit(settings.database_url).path.strip("/") if settings.database_url else DATABASE
    written = database.create(admin_url, settings.secrets_dir, name)
    console.print(f"Roles and database “{name}” stand.")
    for each in written:
        console.print(
            f"{settings.secrets_dir / each} was written. Keep a copy of it apart from the database's backups."
        )


def migrate_database() -> None:
    settings = load()
    database.migrate(role_url(address(settings), settings.secrets_dir, "hat_migrator"), settings.secrets_dir)
    console.print("The database is at the newest migration.")


def adopt_database() -> None:
    """Say that the registry goes on in this database, which was restored or took over from another."""
    with _store(load(), WORKER) as store, store.transaction(role=WORKER) as connection:
        ended = timeline.adopt(connection, OPERATOR)
    if not ended:
        console.print("This database is the registry already. Nothing was changed.")
        return
    what = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in ended.items())
    console.print(f"The registry goes on here. Ended or given up: {what}. Everybody signs in again.")


def check_database() -> bool:
    """Whether every role that signs in can, and the server is as it must be."""
    settings = load()
    faults = [fault for role in LOGINS for fault in _sign_in_faults(settings, role)]
    if not faults:
        with _store(settings, "hat_app") as store, store.readonly() as connection:
            faults = database.check_server(connection)
    for fault in faults:
        console.print(fault)
    if not faults:
        console.print("All roles can sign in, and the server is set up as it must be.")
    return not faults


def _sign_in_faults(settings: Settings, role: str) -> Iterator[str]:
    try:
        psycopg.connect(role_url(address(settings), settings.secrets_dir, role), connect_timeout=5).close()
    except psycopg.OperationalError:
        yield f"{role} cannot sign in to {address(settings)}. See that it runs, then `hat database create` sets the roles."


# --- people


def create_admin(user_name: str, display_name: str) -> None:
    def make(connection: Connection) -> str:
        return links.create_admin(connection, user_name=user_name, display_name=display_name, by=OPERATOR)

    _print_link(make)


def reset(user_name: str) -> None:
    def make(connection: Connection) -> str:
        return links.make(connection, people.person_by_name(connection, user_name).id, by=OPERATOR)

    _print_link(make)


def _print_link(make: Callable[[Connection], str]) -> None:
    settings = load()
    with _store(settings, "hat_app") as store, store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        secret = make(connection)
    console.print("Hand this link over. It sets the password, works once, and for 24 hours:")
    console.print(links.address(settings.base_url, secret))


# --- the register of organisations


def import_register(path: Path) -> None:
    settings = load()
    master = Secrets.load(settings.secrets_dir, ["master"])["master"]
    data = path.read_bytes()
    with _store(settings, "hat_app") as store, store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        difference = register.import_register(connection, data, master_key=master, by=OPERATOR)
    for change in difference.changes:
        console.print(
            f"{change.what.value} {change.code} {change.name}: {change.before or '–'} → {change.after or '–'}"
        )
    console.print(f"{len(difference.new)} organisations joined, {len(difference.updates)} were changed.")


# --- the audit log


def verify_audit(anchors: Path | None) -> bool:
    """Whether every entry of every chain is as it was written, measured also against anchors kept elsewhere; then keep new ones."""
    settings = load()
    key = Secrets.load(settings.secrets_dir, ["audit"])["audit"]
    before = _read_anchors(anchors)
    faults, after = 0, {}
    with _store(settings, AUDITOR) as store, store.readonly(role=AUDITOR) as connection:
        tenants = connection.scalars(select(audit_table.c.tenant_id).distinct()).all()
        for tenant in sorted({*tenants, *before}):
            for fault in audit.verify(connection, tenant, key, before.get(tenant)):
                faults += 1
                console.print(f"Organisation {tenant}, entry {fault.sequence}: {fault.words}.")
            after[tenant] = audit.head(connection, tenant)
    console.print(f"{sum(link.sequence for link in after.values()):,} entries of {len(after)} chains, {faults} faults.")
    if anchors is not None and not faults:
        _write_anchors(anchors, after)
    return not faults


def _read_anchors(path: Path | None) -> dict[int, audit.Link]:
    if path is None or not path.exists():
        return {}
    held = json.loads(path.read_text("ascii"))
    return {int(tenant): audit.Link(each["sequence"], bytes.fromhex(each["mac"])) for tenant, each in held.items()}


def _write_anchors(path: Path, links: dict[int, audit.Link]) -> None:
    held = {str(tenant): {"sequence": link.sequence, "mac": link.mac.hex()} for tenant, link in links.items()}
    path.write_text(json.dumps(held, indent=2) + "\n", "ascii")
    console.print(f"{path} was written. Keep it where the database's owner cannot change it.")


# --- the dataset


def publish() -> None:
    for path in artefacts.write():
        console.print(path.name)


@contextmanager
def _store(settings: Settings, role: str) -> Iterator[Store]:
    store = Store.from_settings(settings, roles=(role,))
    try:
        yield store
    finally:
        store.dispose()
