"""Whether a release is what was audited, approved and signed: every promise about it checked against what stands in the tables now."""

import json
from dataclasses import dataclass

from sqlalchemy import Connection, select

from registry import identifiers
from registry.errors import NotFound
from registry.publications.auditing import signed_words
from registry.publications.digests import released_hash
from registry.publications.transitions import APPROVALS_NEEDED
from registry.store import Store
from registry.store.releases import approval, audit_run, file
from registry.store.tables import publication, released

ROLE = "hat_national"


@dataclass(frozen=True, slots=True)
class Checked:
    """One promise, and whether it is kept."""

    words: str
    kept: bool


def verify(store: Store, signing_key: bytes, number: int) -> tuple[Checked, ...]:
    """Every promise about a release. Raises NotFound for a number that was never released."""
    with store.readonly(role=ROLE) as connection:
        head = connection.execute(select(released).where(released.c.number == number)).one_or_none()
        if head is None:
            raise NotFound
        now = released_hash(connection, head.id)
        passed = audit_run.c.state == "passed"
        mine = (audit_run.c.publication_id == head.id) & passed & (audit_run.c.data_hash == head.data_hash)
        run = connection.execute(select(audit_run).where(mine)).one_or_none()
        report = b"" if run is None else bytes(run.report)
        message = signed_words(number, head.data_hash or "", head.report_digest or "")
        signed = identifiers.is_signed(
            identifiers.public_key(signing_key), message, bytes.fromhex(head.signature or "")
        )
        return (
            Checked("What is public is what was audited and approved, to the last digit", now == head.data_hash),
            Checked(
                "The report of a passed audit is kept and is the one that was signed", _is(report, head.report_digest)
            ),
            Checked("The report is about exactly these figures", bool(report) and _about(report) == head.data_hash),
            Checked("The signature is ours", signed),
            Checked(
                "Two people who did not prepare the figures approved exactly these", _approved(connection, head.id, now)
            ),
            Checked("Every file is as it was made", _files(connection, head.id)),
        )


def _is(content: bytes, digest: str | None) -> bool:
    return bool(content) and identifiers.digest(content).hex() == digest


def _about(report: bytes) -> str | None:
    told: str | None = json.loads(report).get("data_hash")
    return told


def _approved(connection: Connection, ident: object, data_hash: str) -> bool:
    prepared_by = connection.scalar(select(publication.c.prepared_by).where(publication.c.id == ident))
    given = select(approval.c.person_id).where(approval.c.publication_id == ident, approval.c.data_hash == data_hash)
    people = set(connection.scalars(given))
    return len(people - {prepared_by}) >= APPROVALS_NEEDED


def _files(connection: Connection, ident: object) -> bool:
    rows = connection.execute(select(file.c.digest, file.c.content).where(file.c.release_id == ident))
    return all(identifiers.digest(bytes(row.content)).hex() == row.digest for row in rows)
