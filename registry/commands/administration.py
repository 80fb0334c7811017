"""`hat database`, `user`, `register`, `audit` and `publish`: what an operator does on the machine itself, in the operator's own name."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from rich.console import Console
from sqlalchemy import Connection

from registry import database, register, timeline, trail
from registry.access import OPERATOR
from registry.accounts import links, people, second_factor
from registry.settings import LOGINS, Secrets, Settings, load, role_url
from registry.store import SYSTEM_TENANT, Store
from registry.store.connections import DATABASE, address
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


def scrub_database() -> None:
    """Let the database's files forget what was erased."""
    settings = load()
    done = database.scrub(role_url(address(settings), settings.secrets_dir, "hat_migrator"))
    console.print(
        f"{done} tables were written anew. What was erased before is in none of the files; older backups still hold it."
    )


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


def reset_factor(user_name: str) -> None:
    """Take somebody's second factor away: also of the only administrator, whom nobody else can help."""
    settings = load()
    with _store(settings, "hat_app") as store, store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        second_factor.reset(connection, people.person_by_name(connection, user_name).id, by=OPERATOR)
    console.print(
        "The second factor was taken away and all sessions have ended. It is set up anew at the next sign-in."
    )


def _print_link(make: Callable[[Connection], str]) -> None:
    settings = load()
    with _store(settings, "hat_app") as store, store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        secret = make(connection)
    console.print("Hand this link over. It sets the password, works once, and for 24 hours:")
    console.print(links.address(settings.base_url, secret))


# --- the register of organisations


def import_register(path: Path) -> None:
    settings = load()
    secrets = Secrets.load(settings.secrets_dir, ["master"])
    data = path.read_bytes()
    with _store(settings, "hat_app") as store, store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        difference = register.import_register(connection, data, secrets=secrets, by=OPERATOR)
    for change in difference.changes:
        console.print(
            f"{change.what.value} {change.code} {change.name}: {change.before or '–'} → {change.after or '–'}"
        )
    console.print(f"{len(difference.new)} organisations joined, {len(difference.updates)} were changed.")


# --- the audit log


def verify_audit(anchors: Path | None) -> bool:
    """Whether every entry of every chain is as it was written, measured also against anchors kept elsewhere; then keep new ones.

    Without `anchors` the worker's newest note is taken. Raises TrailError for a file that is none.
    """
    settings = load()
    key = Secrets.load(settings.secrets_dir, ["audit"])["audit"]
    note = anchors if anchors is not None else trail.newest_note(settings.anchors_dir)
    before = trail.read_anchors(note) if note is not None and note.exists() else {}
    faults = 0
    with _store(settings, AUDITOR) as store, store.readonly(role=AUDITOR) as connection:
        after = trail.heads(connection)
        for tenant, fault in trail.faults_of(connection, key, {*after, *before}, before):
            faults += 1
            console.print(f"Organisation {tenant}, entry {fault.sequence}: {fault.words}.")
    console.print(f"{sum(link.sequence for link in after.values()):,} entries of {len(after)} chains, {faults} faults.")
    if anchors is not None and not faults:
        trail.write_anchors(anchors, after)
        console.print(f"{anchors} was written. Keep it where the database's owner cannot change it.")
    return not faults


def check_trail(path: Path, key_file: Path) -> bool:
    """Whether a trail that a trust took away is as it was written, by the trust's own key; needs no database."""
    try:
        key = bytes.fromhex(key_file.read_text("ascii").strip())
    except ValueError:
        console.print(f"{key_file} holds no key: it is 64 hexadecimal digits, as the page of the trail shows them.")
        return False
    number, faults = trail.check_file(path, key)
    for fault in faults:
        console.print(f"Entry {fault.sequence}: {fault.words}.")
    console.print(f"{number:,} entries, {len(faults)} faults.")
    return not faults


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
