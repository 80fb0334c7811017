"""The rotation of the master key: all wrapped data keys are wrapped anew, in one transaction of a second or two."""

from dataclasses import replace

from sqlalchemy import Connection, insert, select, text, update

from registry import identifiers
from registry.access import Actor
from registry.keys.opened import MASTER_LOCK_ALONE, master_in_use
from registry.keys.rotation import DONE, Kind, Rotation, begin, keep, note
from registry.settings import Secrets
from registry.store.keys import key_version
from registry.store.tables import data_key

WRAPPING = "wrapping"


def rotate(connection: Connection, secrets: Secrets, version: int, by: Actor) -> Rotation:
    """Wrap every data key under a version of the master key whose file is there. Raises Conflict while a rotation is under way."""
    begun = begin(connection, Kind.MASTER, by, stage=WRAPPING)
    connection.execute(text(MASTER_LOCK_ALONE))
    before, master = master_in_use(connection), secrets.version("master", version)
    c = key_version.c
    connection.execute(update(key_version).where(c.kind == "master", c.version == before).values(state="over"))
    connection.execute(insert(key_version).values(kind="master", version=version, state="in use"))
    k = data_key.c
    found = connection.execute(
        select(k.organisation_id, k.version, k.wrapped).order_by(k.organisation_id, k.version)
    ).all()
    for row in found:
        old = secrets.version("master", identifiers.key_version(row.wrapped))
        data, root = identifiers.unwrap_with_root(old, row.organisation_id, row.wrapped)
        wrapped = identifiers.wrap(master, row.organisation_id, data, root=root, version=version)
        this = (k.organisation_id == row.organisation_id, k.version == row.version)
        connection.execute(update(data_key).where(*this).values(wrapped=wrapped))
    ended = replace(begun.staged(DONE), done=len(found))
    keep(connection, ended)
    note(connection, by.label, by.role, "master key rotated", {"version": version, "data keys": len(found)})
    return ended
