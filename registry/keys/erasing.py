"""The erasure of one trust, in the database and in every backup of it.

A trust's data keys stand in the database, wrapped, and so in all its backups: deleting the rows would erase nothing there. What wraps
them is a leaf of the master key, which is a file and never in the database. The master key is made to forget that leaf, in all its
versions: from then on nobody opens what the trust sealed, wherever a copy of the database lies, and all other trusts' backups open as
before. Copies of the old files of the master key must be destroyed by whoever keeps them.

The keyed digests of NHS numbers hang on the match key. They are emptied here; those in backups are worth nothing once the match key has
been rotated and the file of its old version destroyed.
"""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select, text

from registry import identifiers
from registry.access import Actor
from registry.errors import Conflict, NotFound
from registry.keys.rotation import JOBS, LOCK, current, note
from registry.settings import Secrets, key_versions, replace_key
from registry.store import Store
from registry.store.tables import organisation

_DROP = text("delete from register.data_key where organisation_id = :tenant")
_FORGET = (
    "update records.case_record set nhs_key = null, nhs_key_2 = null where tenant_id = :tenant and coalesce(nhs_key, nhs_key_2) is not null",
    # What it told other trusts of its patients is sealed under their keys.
    """update records.attributed_case set nhs_number_ct = null, birth_date_ct = null, words_ct = null, contact_ct = null
        where reporter_id = :tenant""",
    "delete from records.payload where tenant_id = :tenant",
)


@dataclass(frozen=True, slots=True)
class Erased:
    """What was destroyed: data keys in the database, and files of the master key that had to forget the trust."""

    data_keys: int
    master_files: int


def erase(store: Store, folder: Path, code: str, by: Actor) -> Erased:
    """Destroy the keys of a trust. Done again it destroys what is left, and nothing where nothing is.

    Raises NotFound for an unknown code, Conflict while keys are rotated.
    """
    with store.alone(LOCK, role=JOBS) as ours:
        if not ours:
            raise Conflict("Keys are being rotated. Erase the trust when that has ended.")
        with store.transaction(role=JOBS) as connection:
            tenant, dropped = _from_database(connection, code, by)
        # Only now: had this come first and the commit failed, a living trust would have lost its keys.
        return Erased(dropped, _from_files(folder, tenant))


def _from_database(connection: Connection, code: str, by: Actor) -> tuple[int, int]:
    if current(connection) is not None:
        raise Conflict("A rotation of keys is under way. Let it end first: `hat keys rotate` goes on with it.")
    c = organisation.c
    tenant: int | None = connection.scalar(select(c.id).where(c.code == code, c.kind != "system"))
    if tenant is None:
        raise NotFound
    dropped: int = connection.execute(_DROP, {"tenant": tenant}).rowcount
    for each in _FORGET:
        connection.execute(text(each), {"tenant": tenant})
    if dropped:
        note(connection, by.label, by.role, "trust erased: its keys were destroyed", {"data keys": dropped}, tenant)
        note(connection, by.label, by.role, "trust erased: its keys were destroyed", {"organisation": tenant})
    return tenant, dropped


def _from_files(folder: Path, tenant: int) -> int:
    versions = key_versions(folder, "master")
    secrets, changed = Secrets.load(folder, ["master"]), 0
    for version in versions:
        before = secrets.version("master", version)
        after = identifiers.without(before, tenant)
        if after != before:
            replace_key(folder, "master", version, after)
            changed += 1
    return changed
