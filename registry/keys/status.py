"""What can be said of the keys without showing one."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from registry import identifiers
from registry.keys.rotation import Rotation, latest
from registry.settings import key_file, key_versions
from registry.store.keys import key_version
from registry.store.tables import data_key, organisation


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the master or the match key; `wraps`: so many data keys are under it; `file`: whether its file is here."""

    kind: str
    version: int
    state: str
    file: bool
    wraps: int


@dataclass(frozen=True, slots=True)
class Status:
    """`several`: trusts with more than one data key, which is so during a rotation only; `without`: those that have none."""

    versions: list[Version]
    trusts: int
    several: int
    without: list[str]
    rotations: list[Rotation]


def status(connection: Connection, folder: Path) -> Status:
    """The versions, what is under them, and the last rotations."""
    keys = connection.execute(select(data_key.c.organisation_id, data_key.c.wrapped)).all()
    wraps = Counter(identifiers.key_version(row.wrapped) for row in keys)
    held = Counter(row.organisation_id for row in keys)
    files = {key_file(kind, number) for kind in ("master", "match") for number in key_versions(folder, kind)}
    c = key_version.c
    versions = [
        Version(
            row.kind,
            row.version,
            row.state,
            key_file(row.kind, row.version) in files,
            wraps[row.version] if row.kind == "master" else 0,
        )
        for row in connection.execute(select(c.kind, c.version, c.state).order_by(c.kind, c.version))
    ]
    o = organisation.c
    senders = connection.execute(select(o.id, o.code).where(o.kind != "system", ~o.activity_only).order_by(o.code))
    without = [row.code for row in senders if row.id not in held]
    return Status(versions, len(held), sum(count > 1 for count in held.values()), without, latest(connection))
