"""The statements of each migration as the database is given them, and what Squawk, which knows what locks whom, says of them."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event, text

import migrations
from registry.database import OLDEST, OWNER, PATCHED
from registry.store.connections import engine

SQUAWK = Path(sys.executable).with_name("squawk")
HARNESS = "set local lock_timeout = '2s';\nset local statement_timeout = '600s';\n"
"""What `hat database migrate` and the migrator's login set before every migration."""


def revisions() -> list[str]:
    """All of them, the oldest first."""
    return [each.revision for each in reversed(list(ScriptDirectory.from_config(_config(None)).walk_revisions()))]


def statements(url: str) -> Iterator[tuple[str, str]]:
    """Migrate an empty database, `hat_migrator`'s, and give each revision with its statements."""
    opened = engine(url, "hat_migrator", pooled=False)
    said: list[str] = []
    _listen(opened, said)
    with opened.begin() as connection:
        connection.execute(text(f"set local role {OWNER}"))
        connection.execute(text("create schema sec"))
        for revision in revisions():
            said.clear()
            upgrade(connection, revision)
            yield revision, "\n".join(said)


def upgrade(connection: Connection, revision: str) -> None:
    """Bring the database behind the connection, which acts as the owner, to one revision."""
    command.upgrade(_config(connection), revision)


def _config(connection: Connection | None) -> Config:
    config = Config(attributes={} if connection is None else {"connection": connection})
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return config


def _listen(opened: Engine, said: list[str]) -> None:
    """What is asked is left out, and what is said to alembic's own table."""

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        first = statement.split(None, 1)[0].lower()
        if not parameters and first not in ("select", "with") and "sec.migration" not in statement:
            said.append(statement.strip().rstrip(";") + ";")

    event.listen(opened, "before_cursor_execute", hear)


def faults(sql: str, folder: Path) -> set[str]:
    """The names of the rules that some statements break, run as one transaction under the harness."""
    path = folder / "migration.sql"
    path.write_text(HARNESS + sql, "utf-8")
    version = f"--pg-version={OLDEST}.{PATCHED[OLDEST]}"
    done = subprocess.run(
        [SQUAWK, "--assume-in-transaction", version, "--reporter", "json", path],
        capture_output=True,
        text=True,
        check=False,
    )
    found: list[Mapping[str, str]] = json.loads(done.stdout)
    return {each["rule_name"] for each in found}
