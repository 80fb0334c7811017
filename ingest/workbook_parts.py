"""The parts of a workbook's package: within limits, and as streams of XML. Standard library only, as `ingest.workbook` asks."""

import zipfile
from collections.abc import Callable
from typing import Any
from xml.parsers import expat

MOST_UNPACKED = 256 << 20
DENSE_FROM, MOST_DENSE = 64 << 20, 50
"""Beyond so many bytes unpacked, packing denser than this is a bomb's: sheets of data pack 5 to 20 times."""
MOST_SMALL = 32 << 20
MOST_PARTS = 2_000
PIECE = 1 << 16


class StopReadingError(Exception):
    """The workbook is refused, by the rule of that name."""


def parser(start: Callable[..., None], **handlers: Callable[..., Any]) -> expat.XMLParserType:
    """A streaming XML parser that refuses document types, and with them entities."""
    made = expat.ParserCreate(namespace_separator=" ")
    made.buffer_text = True
    made.StartDoctypeDeclHandler = _refuse_doctype
    made.StartElementHandler = start
    for name, handler in handlers.items():
        setattr(made, name, handler)
    return made


def feed(archive: zipfile.ZipFile, part: str, to: expat.XMLParserType) -> None:
    """Stream one part of the workbook through a parser."""
    with archive.open(part) as file:
        while piece := file.read(PIECE):
            to.Parse(piece)
    to.Parse(b"", True)


def _refuse_doctype(*_: object) -> None:
    raise StopReadingError("damaged_workbook")


def local(name: str) -> str:
    """An element's or attribute's name without its namespace, which strict and transitional workbooks spell differently."""
    return name.rpartition(" ")[2]


def walk(archive: zipfile.ZipFile, part: str, each: Callable[[str, dict[str, str]], None]) -> None:
    """Show each element of a small part, with its attributes."""
    if archive.getinfo(part).file_size > MOST_SMALL:
        raise StopReadingError("workbook_too_large")

    def start(name: str, attributes: dict[str, str]) -> None:
        each(local(name), {local(key): value for key, value in attributes.items()})

    feed(archive, part, parser(start))


def targets(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """What a part refers to: relation id → (kind, path of the part)."""
    folder, _, name = part.rpartition("/")
    relations = f"{folder}/_rels/{name}.rels".lstrip("/")
    found: dict[str, tuple[str, str]] = {}

    def each(element: str, attributes: dict[str, str]) -> None:
        if element == "Relationship" and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            found[attributes.get("Id", "")] = kind, _path(folder, attributes.get("Target", ""))

    if relations in archive.namelist():
        walk(archive, relations, each)
    return found


def _path(folder: str, target: str) -> str:
    steps: list[str] = []
    for step in (target if target.startswith("/") else f"{folder}/{target}").split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


def check_archive(archive: zipfile.ZipFile) -> None:
    """Refuse what no spreadsheet program writes."""
    names = [part.filename for part in archive.infolist()]
    if len(names) > MOST_PARTS:
        raise StopReadingError("workbook_too_large")
    if len(set(names)) != len(names):
        raise StopReadingError("damaged_workbook")
    if any(part.flag_bits & 1 for part in archive.infolist()):
        raise StopReadingError("protected_workbook")


def check_sizes(archive: zipfile.ZipFile, parts: list[str]) -> None:
    """Refuse parts that unpack to too much. zipfile never unpacks more of a part than it declares."""
    found = [archive.getinfo(part) for part in parts]
    unpacked, packed = sum(part.file_size for part in found), sum(part.compress_size for part in found)
    if unpacked > MOST_UNPACKED or (unpacked > DENSE_FROM and unpacked > MOST_DENSE * packed):
        raise StopReadingError("workbook_too_large")
