"""What a person filled in: the fields of a form read as words, dates and choices; every fault at once, each at its field."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from starlette.datastructures import FormData, UploadFile


@dataclass(frozen=True, slots=True)
class Fault:
    """A sentence for the error summary and beside the field that it is about."""

    field: str
    words: str


def faults(found: Iterable[tuple[str, str]]) -> list[Fault]:
    """Faults from (field, words)."""
    return [Fault(field, words) for field, words in found]


def text(form: FormData, name: str) -> str:
    """A field on one line, blanks at its ends and doubled ones removed; empty where it is not there."""
    value = form.get(name)
    return " ".join(value.split()) if isinstance(value, str) else ""


def texts(form: FormData) -> dict[str, str]:
    """Every field but files, for filling the form in again."""
    return {name: text(form, name) for name in form}


def codes(form: FormData, name: str) -> list[str]:
    """A field of several codes, divided by anything that is not in a code; in capitals, each once."""
    return list(dict.fromkeys(re.findall(r"[A-Z0-9]+", text(form, name).upper())))


def content(form: FormData, name: str) -> bytes:
    """A file's bytes; none where no file was chosen."""
    value = form.get(name)
    return value.file.read() if isinstance(value, UploadFile) else b""


def day(form: FormData, name: str) -> date | None:
    """A date from its three boxes; None where all are empty. Raises ValueError where they are no date."""
    parts = [text(form, f"{name}-{part}") for part in ("year", "month", "day")]
    if not any(parts):
        return None
    if not re.fullmatch(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", "-".join(parts)):
        raise ValueError("not a date")
    return date(*map(int, parts))


def day_or_fault(form: FormData, name: str, words: str) -> tuple[date | None, list[Fault]]:
    """A date, or the fault with these words."""
    try:
        return day(form, name), []
    except ValueError:
        return None, [Fault(name, words)]
