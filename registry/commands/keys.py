"""`hat keys`: rotate them, see how far that is, and erase a trust by destroying its keys."""

from pathlib import Path
from threading import Event

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, func, select

from registry.access import OPERATOR
from registry.errors import BadRequest, Conflict, NotFound
from registry.keys import data, erasing, master, match
from registry.keys.moves import MOVES
from registry.keys.rotation import JOBS, LOCK, Kind, Rotation, Step, current, step
from registry.keys.status import Version, status
from registry.settings import Secrets, Settings, key_file, load, make_key
from registry.store import Store
from registry.store.keys import key_version
from registry.store.tables import organisation

console = Console(highlight=False, soft_wrap=True)
PAUSE_SECONDS = 0.2


def make(kind: str) -> None:
    """Write the file of the next version, where it is not there yet."""
    settings = load()
    store = Store.from_settings(settings, roles=(JOBS,))
    with store.readonly(role=JOBS) as connection:
        version = _next_version(connection, kind)
    store.dispose()
    _made(settings, kind, version)


def rotate(kind: Kind, code: str | None) -> None:
    """Begin a rotation, or go on with the one of this kind that was begun, to its end. Raises Conflict for one of another kind."""
    settings = load()
    store = Store.from_settings(settings, roles=(JOBS,))
    try:
        with store.alone(LOCK, role=JOBS) as ours:
            if not ours:
                raise Conflict("Somebody goes on with a rotation just now. `hat keys status` shows how far it is.")
            if _begun(store, settings, kind, code):
                _to_the_end(store, Secrets.load(settings.secrets_dir, ["master", "match"]))
    finally:
        store.dispose()


def _begun(store: Store, settings: Settings, kind: Kind, code: str | None) -> bool:
    """Whether a rotation is to be gone on with; that of the master key is over when it has begun."""
    with store.readonly(role=JOBS) as connection:
        held, version = current(connection), _next_version(connection, kind.value)
        tenant = None if code is None else _tenant(connection, code)
    if held is not None:
        if (held.kind, held.organisation_id) != (kind.value, tenant):
            raise Conflict(
                f"A rotation of the {held.kind} key is under way. Let it end first: hat keys rotate {held.kind}"
            )
        console.print(f"Going on with rotation {held.id}, begun {held.begun_at:%Y-%m-%d %H:%M}.")
        return True
    if kind is not Kind.DATA:
        _made(settings, kind.value, version)
    secrets = Secrets.load(settings.secrets_dir, ["master", "match"])
    with store.transaction(role=JOBS) as connection:
        if kind is Kind.MASTER:
            ended = master.rotate(connection, secrets, version, OPERATOR)
            console.print(f"{ended.done:,} data keys are wrapped under version {version} of the master key.")
            return False
        if kind is Kind.MATCH:
            match.start(connection, secrets, version, OPERATOR)
        else:
            data.start(connection, secrets, tenant, OPERATOR)
    return True


def _to_the_end(store: Store, secrets: Secrets) -> None:
    shown = ""
    while (outcome := step(store, secrets, MOVES)) in (Step.MOVED, Step.WAITS):
        with store.readonly(role=JOBS) as connection:
            held = current(connection)
        if held is not None and held.stage != shown:
            shown = held.stage
            console.print(f"{shown}: {held.done:,} moved so far")
        if outcome is Step.WAITS:
            Event().wait(PAUSE_SECONDS)
    console.print("The rotation has ended. Nothing is under the old key any more.")


def _next_version(connection: Connection, kind: str) -> int:
    newest = connection.scalar(select(func.max(key_version.c.version)).where(key_version.c.kind == kind))
    return int(newest or 1) + 1


def _made(settings: Settings, kind: str, version: int) -> None:
    path = settings.secrets_dir / f"{key_file(kind, version)}.key"
    if make_key(settings.secrets_dir, kind, version):
        console.print(
            f"{path} was written. Keep a copy of it apart from the database's backups, and give it to each part."
        )
    else:
        console.print(f"{path} is there.")


def _tenant(connection: Connection, code: str) -> int:
    tenant: int | None = connection.scalar(select(organisation.c.id).where(organisation.c.code == code))
    if tenant is None:
        raise NotFound
    return tenant


def erase(code: str, confirm: str) -> None:
    """Destroy a trust's keys. Raises BadRequest unless the code is confirmed."""
    if confirm != code:
        raise BadRequest(f"Nothing was changed. To destroy what {code} sealed, for good, add --confirm {code}")
    settings = load()
    store = Store.from_settings(settings, roles=(JOBS,))
    try:
        erased = erasing.erase(store, settings.secrets_dir, code, OPERATOR)
    finally:
        store.dispose()
    console.print(
        f"{erased.data_keys} data keys were destroyed; {erased.master_files} files of the master key have forgotten {code}."
    )
    console.print(
        "Now put the new files in the place of every copy of the old ones, restart web and worker, then rotate the match key."
    )


def show() -> None:
    """Versions, what is under them, and how far a rotation is."""
    settings = load()
    store = Store.from_settings(settings, roles=(JOBS,))
    with store.readonly(role=JOBS) as connection:
        found = status(connection, settings.secrets_dir)
    store.dispose()
    table = Table("Key", "Version", "State", "Data keys under it", "File")
    for each in found.versions:
        table.add_row(
            each.kind,
            str(each.version),
            each.state,
            f"{each.wraps:,}" if each.kind == "master" else "",
            _file(each, settings.secrets_dir),
        )
    console.print(table)
    console.print(f"{found.trusts:,} organisations have data keys, {found.several:,} of them more than one.")
    if found.without:
        console.print(f"Without a data key: {', '.join(found.without)}.")
    for rotation in found.rotations:
        console.print(_words(rotation))


def _file(each: Version, folder: Path) -> str:
    path = f"{key_file(each.kind, each.version)}.key"
    if each.file:
        return path
    return f"{path} is missing in {folder}" if each.state != "over" or each.wraps else "gone"


def _words(rotation: Rotation) -> str:
    if rotation.finished_at is not None:
        return f"Rotation {rotation.id} of the {rotation.kind} key: ended {rotation.finished_at:%Y-%m-%d %H:%M}, {rotation.done:,} moved."
    return f"Rotation {rotation.id} of the {rotation.kind} key: {rotation.stage}, {rotation.done:,} moved so far."
