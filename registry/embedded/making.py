"""Making the data directory, once, and starting the program's processes."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from registry.embedded.files import (
    EmbeddedPostgresError,
    data_path,
    log_since,
    log_size,
    open_log,
    password_path,
    read_password,
    write,
)
from registry.embedded.program import ENVIRONMENT, Account, give, major

SUPERUSER = "postgres"
INITDB = (
    "--auth=scram-sha-256",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--encoding=UTF8",
    "--data-checksums",
    f"--username={SUPERUSER}",
)


def spawn(
    command: Sequence[str], folder: Path, handle: int, account: Account | None, log: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a process of Postgres: unprivileged, in a session of its own (Ctrl-C is for us), holding the folder."""
    return subprocess.Popen(  # noqa: S603 (the program is the package's, the arguments ours)
        command,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        cwd=folder,
        env=ENVIRONMENT,
        umask=0o077,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(handle,),
        start_new_session=True,
    )


def initialise(folder: Path, view: Path, handle: int, program: Path, account: Account | None) -> str:
    """Make the data directory once, whole or not at all; gives the superuser's password."""
    data = data_path(folder)
    if (data / "PG_VERSION").exists():
        return read_password(folder)
    if data.exists():
        raise EmbeddedPostgresError(
            f"{data} is no Postgres data directory. Move it away, or set HAT_DATA_DIR elsewhere."
        )
    if not password_path(folder).exists():
        write(password_path(folder), f"{secrets.token_urlsafe(32)}\n", 0o400)
    password = read_password(folder)
    fresh, shown = folder / "data.new", folder / "password.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    write(shown, f"{password}\n", 0o400)
    try:
        give([fresh, shown], account)
        names = [f"--pgdata={view / fresh.name}", f"--pwfile={view / shown.name}"]
        since = log_size(folder)
        with open_log(folder) as log:
            status = spawn([str(program / "bin" / "initdb"), *INITDB, *names], folder, handle, account, log).wait()
        if status != 0:
            raise EmbeddedPostgresError(f"Postgres could not make its files in {folder}.\n{log_since(folder, since)}")
    finally:
        shown.unlink()
    fresh.rename(data)
    os.fsync(handle)
    return password


def same_version(folder: Path, program: Path, account: Account | None) -> None:
    kept, offered = (data_path(folder) / "PG_VERSION").read_text("ascii").strip(), major(program, account)
    if kept != offered:
        raise EmbeddedPostgresError(
            f"The data in {folder} were written by Postgres {kept}; this program brings {offered}. Dump them with the "
            "version that wrote them and load them into a new HAT_DATA_DIR."
        )
