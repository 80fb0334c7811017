"""A trust's own map: its headings to our fields, its local codes to ours. A person confirms it once; each change is a new version.

The map is kept for each organisation and kind, never changed, and named in each receipt. Nothing is ever matched by guessing.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from sqlalchemy import Connection, insert, select

from ingest.files import Sent, open_sent
from ingest.headings import fold, shown
from ingest.tabular import Format
from registry.access import Actor
from registry.errors import Conflict, Unprocessable
from registry.store import audit
from registry.store.tables import match_map
from registry.submissions.receiving import newest_map_version
from schemas.codelist import Nation
from schemas.dictionary import Field, fields
from schemas.record import RecordKind
from schemas.values import CodesType

MOST_HEADINGS = 1_000
MOST_CODES = 200
"""Unknown codes offered of one field; of a field with more, something else is wrong than its spelling."""
LONGEST_CODE = 40
IGNORED = ""
"""In the map: the trust's column is left out."""

# What may be a number of a person, a date, an address, or several words of somebody: shown nowhere, counted only.
_UNFIT = re.compile(r"\d\D{0,2}\d\D{0,2}\d\D{0,2}\d\D{0,2}\d|@|\d[/.-]\d|[A-Za-z]{1,2}\d[0-9A-Za-z]? ?\d[A-Za-z]{2}\b")


@dataclass(frozen=True, slots=True)
class Map:
    """`headings`: folded heading to field, or "" for a column left out. `codes`: field to {local code in lower case: code}."""

    version: int | None = None
    headings: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading that is not known: the spelling it is kept under, and as it may be shown."""

    folded: str
    shown: str


@dataclass(frozen=True, slots=True)
class LocalCodes:
    """The codes in one field that are not in its list; `hidden` of them may be something else and are not shown."""

    field: Field
    values: tuple[str, ...]
    hidden: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """What a file holds that nobody has matched yet, and the fields that none of its columns holds."""

    headings: tuple[Heading, ...]
    codes: tuple[LocalCodes, ...]
    free: tuple[Field, ...]

    @property
    def nothing(self) -> bool:
        return not self.headings and not self.codes


def map_of(connection: Connection, tenant: int, kind: RecordKind, version: int | None) -> Map:
    """One version of an organisation's map; the empty map for None."""
    row = connection.execute(
        select(match_map.c.headings, match_map.c.codes).where(
            match_map.c.tenant_id == tenant, match_map.c.kind == kind.value, match_map.c.version == version
        )
    ).one_or_none()
    return Map() if row is None else Map(version, row.headings, row.codes)


def newest_map(connection: Connection, tenant: int, kind: RecordKind) -> Map:
    """The map that now holds."""
    return map_of(connection, tenant, kind, newest_map_version(connection, tenant, kind))


def code_fields(kind: RecordKind, nation: Nation) -> Mapping[str, Mapping[str, str]]:
    """The fields whose local codes may be matched, each with the codes of its list and their words. Never an identifying one."""
    return {
        each.name: {code.value: code.words for code in each.codes.of(nation)}
        for each in fields(kind)
        if each.codes is not None and not each.item.identifying
    }


# --- what is unknown in a file


def unknown(path: Path, kind: RecordKind, format: Format, held: Map, nation: Nation) -> Unknown:  # noqa: A002 (the name at every door)
    """What of a file is not known under a map. Of a file whose rows cannot be laid out, the headings only."""
    sent = open_sent(path, kind, format, held.headings)
    columns = sent.table.columns
    known = {column.field for column in columns}
    headings = {
        fold(column.heading): Heading(fold(column.heading), shown(column.heading))
        for column in columns
        if column.field is None and fold(column.heading) not in held.headings and fit_to_show(column.heading)
    }
    return Unknown(
        headings=tuple(headings.values())[:MOST_HEADINGS],
        codes=tuple(_local_codes(sent, kind, held, nation)) if not sent.refused else (),
        free=tuple(each for each in fields(kind) if each.name not in known),
    )


def _local_codes(sent: Sent, kind: RecordKind, held: Map, nation: Nation) -> Iterator[LocalCodes]:
    wanted = [each for each in fields(kind) if each.name in code_fields(kind, nation)]
    found: dict[str, set[str]] = {each.name: set() for each in wanted}
    for frame in sent.frames():
        for each in wanted:
            if each.name in frame.columns and len(found[each.name]) <= MOST_CODES:
                found[each.name] |= _unread(frame[each.name], each, held.codes.get(each.name, {}), nation)
    for each in wanted:
        if found[each.name]:
            fit = sorted(code for code in found[each.name] if fit_to_show(code))
            yield LocalCodes(each, tuple(fit[:MOST_CODES]), len(found[each.name]) - len(fit[:MOST_CODES]))


def _unread(column: pl.Series, each: Field, matched: Mapping[str, str], nation: Nation) -> set[str]:
    """The distinct cells of a column, in lower case, that the field's type cannot read and nobody has matched.

    The map replaces whole cells, so a cell that lists several codes is not offered.
    """
    frame = pl.DataFrame({"cell": column.drop_nulls().unique().str.to_lowercase()})
    frame = frame.filter(~pl.col("cell").is_in(list(matched)))
    if isinstance(each.holds, CodesType):
        frame = frame.filter(~pl.col("cell").str.contains("|", literal=True))
    return set(frame.filter(each.holds.read(pl.col("cell"), nation).is_null())["cell"].to_list())


def fit_to_show(code: str) -> bool:
    """Whether a heading, or a cell of a field of codes, looks like one: short, and nothing that could name a person, a day or a
    place. Where a file has no headings its first patient stands in their place."""
    return len(code) <= LONGEST_CODE and not _UNFIT.search(code)


# --- what a person confirms


def confirm(connection: Connection, tenant: int, kind: RecordKind, nation: Nation, wanted: Map, *, by: Actor) -> int:
    """Keep a map as the organisation's next version and give its number; the same map again gives the version that holds.

    `wanted.version` is the version that the person saw. Raises Conflict if another has been confirmed since, Unprocessable for
    a field or code that does not exist, a field given to two headings, or a spelling that no file can hold.
    """
    held = newest_map(connection, tenant, kind)
    if wanted.version != held.version:
        raise Conflict(
            "Somebody else has confirmed a map since you opened this page. Look at it, then confirm yours again."
        )
    if faults := list(_faults(kind, nation, wanted)):
        raise Unprocessable(errors=faults)
    if held.version is not None and (wanted.headings, wanted.codes) == (held.headings, held.codes):
        return held.version
    version = (held.version or 0) + 1
    connection.execute(
        insert(match_map).values(
            tenant_id=tenant,
            kind=kind.value,
            version=version,
            headings=dict(wanted.headings),
            codes={name: dict(codes) for name, codes in wanted.codes.items() if codes},
            confirmed_by=by.label,
        )
    )
    audit.record(
        connection,
        tenant=tenant,
        actor=by.label,
        role=by.role,
        action="match map confirmed",
        object_type="match map",
        object_id=f"{kind.value} {version}",
        detail={"headings": len(wanted.headings), "codes": sum(map(len, wanted.codes.values()))},
    )
    return version


def _faults(kind: RecordKind, nation: Nation, wanted: Map) -> Iterator[tuple[str, str]]:
    names = {each.name for each in fields(kind)}
    for folded, name in wanted.headings.items():
        if fold(folded) != folded or not folded or len(folded) > 200:
            yield "headings", "One of the headings cannot be kept in this spelling"
        if name != IGNORED and name not in names:
            yield "headings", "One of the headings is matched to a field that does not exist"
    offered = code_fields(kind, nation)
    for name, codes in wanted.codes.items():
        if name not in offered:
            yield "codes", "The codes of one of the fields cannot be matched"
        elif not set(codes.values()) <= offered[name].keys():
            yield "codes", f"A local code of {name} is matched to a code that is not in its list"
        elif not all(code and code == code.lower() and fit_to_show(code) for code in codes):
            yield "codes", f"A local code of {name} cannot be kept in this spelling"
    if max(len(wanted.headings), *map(len, wanted.codes.values()), 0) > MOST_HEADINGS:
        yield "headings", f"A map holds at most {MOST_HEADINGS:,} headings, and as many codes of a field"
