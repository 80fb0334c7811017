"""A registry in a folder of its own, on an embedded Postgres that archives its log, and the programs that back it up and restore it."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from registry import embedded
from registry.embedded import Server
from registry.embedded.program import account_for, program_for
from registry.settings import BACKUP_LOGIN, role_password

BACKUP = Path(__file__).parents[2] / "deploy" / "backup"
DATABASE = "hat"


@dataclass(frozen=True, slots=True)
class Cluster:
    """`folder` is the data folder of a registry; `archive` and `backups` stand beside it, as on other machines."""

    folder: Path
    archive: Path
    backups: Path

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def start(self) -> Server:
        """Start Postgres on the folder, archiving each segment of its log."""
        command = f'{BACKUP / "archive-wal.sh"} {self.archive} "%p" %f'
        settings = {"archive_mode": "on", "archive_command": command, "wal_level": "replica"}
        return embedded.start(self.folder / "postgres", settings=settings)

    def run(self, script: str, *given: str, server: Server | None = None) -> str:
        """Run one of the scripts as the user that Postgres runs as; gives what it prints."""
        postgres = self.folder / "postgres"
        account = account_for(postgres)
        program = program_for(postgres, postgres, account)
        environment = {"PATH": f"{program / 'bin'}:/usr/bin:/bin", "LC_ALL": "C"}
        if server is not None:
            environment |= self._backup_login(server)
        done = subprocess.run(
            [str(BACKUP / script), *given],
            env=environment, user=account.uid if account else None, group=account.gid if account else None, cwd="/",
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _backup_login(self, server: Server) -> Mapping[str, str]:
        password = self.backups / f"pgpass-{server.port}"
        password.write_text(f"127.0.0.1:{server.port}:*:{BACKUP_LOGIN}:{role_password(self.secrets, BACKUP_LOGIN)}\n")
        password.chmod(0o600)
        _hand_over(self.folder, password)
        return {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": BACKUP_LOGIN, "PGPASSFILE": str(password)}


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Folders below /tmp that everybody may walk to, since as root Postgres runs as somebody else."""
    with tempfile.TemporaryDirectory(prefix="hat-restore-") as root:
        place = Path(root)
        place.chmod(0o755)
        made = Cluster(place / "registry", place / "archive", place / "backups")
        for folder in (made.folder, made.archive, made.backups):
            folder.mkdir()
        for folder in (made.archive, made.backups):
            _hand_over(made.folder, folder)
        yield made


def _hand_over(folder: Path, path: Path) -> None:
    account = account_for(folder / "postgres")  # before there is one: whom it will run as
    if account is not None:
        os.chown(path, account.uid, account.gid)


def archived(server: Server) -> None:
    """End the segment of the log that is being written, and wait until it is in the archive."""
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        row = admin.execute("select pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None
        while not _has(admin, row[0]):
            admin.execute("select pg_sleep(0.05)")


def _has(admin: psycopg.Connection, segment: str) -> bool:
    row = admin.execute("select last_archived_wal >= %s, last_failed_wal from pg_stat_archiver", [segment]).fetchone()
    assert row is not None
    assert row[1] is None, "a segment could not be archived"
    return bool(row[0])


def counts(server: Server) -> dict[str, int]:
    """How many rows each of our tables holds that outlive a crash: the others are emptied by one and no backup has their rows."""
    with psycopg.connect(_inside(server)) as admin:
        names = admin.execute(
            "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' "
            "and c.relpersistence = 'p' and n.nspname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        found = {}
        for schema, table in names:
            row = admin.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))).fetchone()
            assert row is not None
            found[f"{schema}.{table}"] = int(row[0])
    return found


def heads(server: Server) -> list[tuple[int, int, bytes]]:
    """The newest link of each organisation's audit chain."""
    with psycopg.connect(_inside(server)) as admin:
        return admin.execute(
            "select distinct on (tenant_id) tenant_id, sequence, mac from records.audit order by tenant_id, sequence desc"
        ).fetchall()


def _inside(server: Server) -> str:
    return server.admin_url.rpartition("/")[0] + f"/{DATABASE}"
