"""The mark in the data folder that says: this is a demonstration, made of so many months on that day, whole or begun."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

from registry.demo.sending import DemonstrationError
from registry.settings import Settings

FILE = "demonstration.json"


@dataclass(frozen=True, slots=True)
class Mark:
    """How a demonstration was begun, so that one that was interrupted goes on with the very same returns."""

    months: int
    on: str
    whole: bool = False
    releases: int = 1

    @property
    def day(self) -> date:
        return date.fromisoformat(self.on)


def mark_of(folder: Path) -> Mark | None:
    """The mark of a data folder; None where it holds no demonstration."""
    try:
        return Mark(**json.loads((folder / FILE).read_text("utf-8")))
    except FileNotFoundError:
        return None


def begin(settings: Settings, months: int, on: date, releases: int = 1) -> Mark:
    """The mark that is there, else a new one. Raises DemonstrationError for a folder that holds another registry."""
    found = mark_of(settings.data_dir)
    if found is not None:
        return found
    if settings.postgres_dir.exists():
        raise DemonstrationError(
            f"{settings.data_dir} holds a registry that is no demonstration. Set HAT_DATA_DIR to another folder."
        )
    return _write(settings.data_dir, Mark(months, on.isoformat(), releases=releases))


def finish(folder: Path, mark: Mark) -> Mark:
    """Say that the demonstration is whole."""
    return _write(folder, replace(mark, whole=True))


def _write(folder: Path, mark: Mark) -> Mark:
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{FILE}.part"
    part.write_text(json.dumps(asdict(mark)) + "\n", "utf-8")
    part.replace(folder / FILE)
    return mark


def as_demonstration(settings: Settings) -> Settings:
    """The settings with `demo` on where the data folder holds a demonstration, for whoever starts it again."""
    return settings.model_copy(update={"demo": True}) if mark_of(settings.data_dir) else settings
