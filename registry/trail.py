"""The audit trail outside the database: where its chains end, noted each hour where the database's owner cannot write; and a chain as a
file of lines, which a trust takes away and checks by itself.

A note is one file, `anchors-<time>.json`: each organisation's newest entry by number and MAC. Cutting off the end of a chain, which the
chain itself cannot show, shows against the newest note.
"""

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from registry.settings import Secrets, Settings
from registry.store import Store, audit
from registry.store.audit import ChainFault, Link

log = logging.getLogger(__name__)

JOBS = "hat_jobs"


_HEADS = text(
    "select distinct on (tenant_id) tenant_id, sequence, mac from records.audit order by tenant_id, sequence desc"
)


class TrailError(ValueError):
    """A file that is no trail, or no note of ours; the words say so."""


# --- where the chains end


def heads(connection: Connection) -> dict[int, Link]:
    """Where each organisation's chain ends now."""
    return {row.tenant_id: Link(row.sequence, bytes(row.mac)) for row in connection.execute(_HEADS)}


def read_anchors(path: Path) -> dict[int, Link]:
    """The links of a note. Raises TrailError for another file."""
    try:
        held = json.loads(path.read_text("ascii"))
        return {int(tenant): Link(int(each["sequence"]), bytes.fromhex(each["mac"])) for tenant, each in held.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise TrailError(f"{path} is no note of where the audit chains end.") from None


def write_anchors(path: Path, links: Mapping[int, Link]) -> None:
    """Write a note whole, or not at all; it is not to be written again."""
    held = {str(tenant): {"sequence": link.sequence, "mac": link.mac.hex()} for tenant, link in links.items()}
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(held, indent=2) + "\n", "ascii")
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.chmod(0o444)
    part.replace(path)


def newest_note(folder: Path) -> Path | None:
    """The latest note in a folder."""
    return max(folder.glob("anchors-*.json"), default=None)


# --- jobs


def note_heads(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:  # noqa: ARG001 (a job's signature)
    """Note where all chains end, in a file of its own named by the time."""
    with store.readonly(role=JOBS) as connection:
        found = heads(connection)
    folder = settings.anchors_dir
    folder.mkdir(parents=True, exist_ok=True)
    write_anchors(folder / f"anchors-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}.json", found)
    return {"chains": len(found), "entries": sum(link.sequence for link in found.values())}


def verify_all(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:  # noqa: ARG001 (a job's signature)
    """Check every chain against the newest note. Faults go to the log, which says where; `hat audit verify` says it again."""
    note = newest_note(settings.anchors_dir)
    anchors = read_anchors(note) if note is not None else {}
    faults = 0
    with store.readonly(role=JOBS) as connection:
        found = heads(connection)
        for tenant, each in faults_of(connection, secrets["audit"], {*found, *anchors}, anchors):
            faults += 1
            log.critical("the audit trail of organisation %d: entry %d: %s", tenant, each.sequence, each.words)
    return {"chains": len(found), "entries": sum(link.sequence for link in found.values()), "faults": faults}


def faults_of(
    connection: Connection, key: bytes, tenants: Iterable[int], anchors: Mapping[int, Link]
) -> Iterator[tuple[int, ChainFault]]:
    """What is wrong with these chains under the audit key, organisation by organisation."""
    for tenant in sorted(tenants):
        for each in audit.verify(connection, tenant, key, anchors.get(tenant)):
            yield tenant, each


# --- a chain as a file


def line_of(entry: Mapping[str, Any]) -> str:
    """One entry as a line of JSON, with all that its MAC is made of."""
    at: datetime = entry["at"]
    plain = {**entry, "at": at.astimezone(UTC).isoformat(timespec="microseconds"), "mac": bytes(entry["mac"]).hex()}
    return json.dumps(plain, sort_keys=True, ensure_ascii=True)


def entries_of(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of such a file. Raises TrailError, naming the line, for what is none."""
    with path.open("r", encoding="ascii", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            try:
                held = json.loads(line)
                yield {**held, "at": datetime.fromisoformat(held["at"]), "mac": bytes.fromhex(held["mac"])}
            except (ValueError, KeyError, TypeError):
                raise TrailError(f"Line {number} of {path} is no entry of an audit trail.") from None


def check_file(path: Path, key: bytes, anchor: Link | None = None) -> tuple[int, list[ChainFault]]:
    """How many entries a file has, and what is wrong with them under the chain's own key."""
    written = list(entries_of(path))
    try:
        return len(written), audit.check(written, key, anchor)
    except (KeyError, TypeError, ValueError):
        raise TrailError(f"{path} has entries that lack a part.") from None
