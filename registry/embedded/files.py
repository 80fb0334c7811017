"""The small files beside the data: password, log, notes; each written whole or not at all."""

import os
from pathlib import Path
from typing import IO

LOG_BYTES = 10_000_000


class EmbeddedPostgresError(RuntimeError):
    """The embedded Postgres cannot be made, started or stopped; the words say which and what to do."""


def data_path(folder: Path) -> Path:
    return folder / "data"


def password_path(folder: Path) -> Path:
    return folder / "superuser.password"


def log_path(folder: Path) -> Path:
    return folder / "postgres.log"


def read_password(folder: Path) -> str:
    try:
        return password_path(folder).read_text("ascii").strip()
    except FileNotFoundError:
        raise EmbeddedPostgresError(
            f"{password_path(folder)} is missing, so nobody can sign in to the Postgres beside it. Put the file back."
        ) from None


def write(path: Path, text: str, mode: int) -> None:
    """Write a whole file or none, on disk when this returns; `mode` holds from its first byte."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        os.fchmod(handle, mode)
        file.flush()
        os.fsync(handle)
    part.replace(path)


def open_log(folder: Path) -> IO[bytes]:
    return os.fdopen(os.open(log_path(folder), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def log_size(folder: Path) -> int:
    """Where the next line of the log will stand; a log grown large is put aside first."""
    path = log_path(folder)
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.stat().st_size if path.exists() else 0


def log_since(folder: Path, since: int) -> str:
    with log_path(folder).open("rb") as file:
        file.seek(since)
        return file.read(4000).decode("utf-8", "replace").strip() or f"See {log_path(folder)}."
