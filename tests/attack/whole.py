"""Whether what the database holds of a batch is whole: receipt, bytes, rows, findings and audit, each once; or nothing at all."""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from registry import submissions
from registry.settings import Secrets, Settings
from registry.store import Store, audit
from registry.store.tables import audit as log
from registry.submissions import Reference
from tests.attack.sending import BAD_ROWS, Batch, Sort

COUNTS = """
    select s.*,
           (select count(*) from records.case_version v where v.tenant_id = s.tenant_id and v.submission_id = s.id) as versions,
           (select count(*) from records.finding f where f.tenant_id = s.tenant_id and f.submission_id = s.id) as findings,
           (select coalesce(sum(count), 0) from records.tally t where t.tenant_id = s.tenant_id and t.submission_id = s.id) as tallied
      from records.submission s
     where s.tenant_id = %s and s.idempotency_key = %s
"""
STANDING = """
    select r.local_case_id
      from records.case_version v join records.case_record r on r.tenant_id = v.tenant_id and r.id = v.record_id
     where v.tenant_id = %s and v.submission_id = %s and v.version = 1 and r.version = 1
"""
NOTED = f"select action from {log.schema}.{log.name} where tenant_id = %s and object_id = %s order by sequence"


@dataclass(frozen=True)
class Held:
    """A look at the whole database, past all rights, and the keys to open what it holds."""

    admin: psycopg.Connection
    store: Store
    settings: Settings

    def check(self, batch: Batch) -> bool:
        """Whether the batch is there, whole; fails where it is there twice or in part, or is not there though acknowledged."""
        with self.admin.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(COUNTS, [batch.tenant, batch.key]).fetchall()
        if not found:
            assert not batch.acknowledged, f"{batch.key} was acknowledged and is lost"
            return False
        (row,) = found
        assert {given for _, given in batch.given} <= {row["id"]}, f"{batch.key} was given more than one receipt"
        self._outcome(batch, row)
        self._rows(batch, row["id"])
        self._bytes(batch, row["id"])
        noted = [action for (action,) in self.admin.execute(NOTED.encode(), [batch.tenant, str(row["id"])])]
        assert noted == ["submission received", f"submission {batch.sort.state}"], (batch.key, noted)
        return True

    def _outcome(self, batch: Batch, row: dict[str, Any]) -> None:
        stored, bad = len(batch.stored), BAD_ROWS if batch.sort in (Sort.PARTLY, Sort.FAULTY) else 0
        counted = {name: row[name] for name in ("state", "rows", "new", "changed", "unchanged", "refused", "errors")}
        wanted = {
            "state": batch.sort.state,
            "rows": batch.rows,
            "new": stored,
            "changed": 0,
            "unchanged": 0,
            "refused": batch.rows - stored,
            "errors": bad,
        }
        assert counted == wanted, (batch, counted)
        found = (row["versions"], row["findings"], row["tallied"])
        assert found == (stored, bad + row["warnings"], bad + row["warnings"]), (batch.key, found)

    def _rows(self, batch: Batch, submission: UUID) -> None:
        standing = [name for (name,) in self.admin.execute(STANDING, [batch.tenant, submission])]
        assert len(standing) == len(batch.stored), batch.key
        assert frozenset(standing) == batch.stored, batch.key

    def _bytes(self, batch: Batch, submission: UUID) -> None:
        keys = Secrets.load(self.settings.secrets_dir, ["master", "match"])
        running = hashlib.sha256()
        with self.store.readonly(tenants=(batch.tenant,)) as connection:
            opened = submissions.open_keys(connection, keys, batch.tenant)
            for part in submissions.stored_bytes(connection, Reference(batch.tenant, submission), opened):
                running.update(part)
        assert running.digest() == hashlib.sha256(batch.content).digest(), batch.key

    def check_chains(self, tenants: list[int]) -> None:
        """Every trust's audit log is as it was written."""
        key = Secrets.load(self.settings.secrets_dir, ["audit"])["audit"]
        with self.store.readonly(role="hat_auditor") as connection:
            for tenant in tenants:
                assert audit.verify(connection, tenant, key) == []

    def check_nothing_else(self) -> None:
        """No row without its submission, no record without a version, no record twice."""
        for words in (
            "select count(*) from records.case_version v where not exists (select from records.submission s "
            "where s.tenant_id = v.tenant_id and s.id = v.submission_id)",
            "select count(*) from records.case_record r where not exists (select from records.case_version v "
            "where v.tenant_id = r.tenant_id and v.record_id = r.id and v.version = r.version)",
            "select count(*) - count(distinct (tenant_id, local_case_id)) from records.case_record",
            "select count(*) from records.submission where state = 'received'",
        ):
            row = self.admin.execute(words.encode()).fetchone()
            assert row == (0,), words
