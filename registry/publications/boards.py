"""England's integrated care boards: sums of the rounded cells of their trusts, so they tell no more than these. Wales has none."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from registry.disclosure.grid import GeographyKind
from registry.measures import Counts, together
from registry.publications.published import Release, all_trusts


@dataclass(frozen=True, slots=True)
class Board:
    """One board in one financial year: its trusts by code, those that are counted among them, and the sum of their cells."""

    code: str
    name: str
    trusts: tuple[str, ...]
    counted: int
    counts: Counts


def boards(connection: Connection, release: Release, year: date) -> tuple[Board, ...]:
    """The boards of a release by name. A trust belongs to the board that the register had for it when the draft was prepared."""
    c = release.tables.places.c
    rows = select(c.geography, c.icb, c.icb_name).where(
        c[release.tables.key] == release.id, c.geography_kind == GeographyKind.TRUST, c.icb.is_not(None)
    )
    members: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for code, icb, name in connection.execute(rows):
        members[icb, name or icb].append(code)
    figures = all_trusts(connection, release, year)
    return tuple(
        _board(icb, name, sorted(codes), figures)
        for (icb, name), codes in sorted(members.items(), key=lambda one: one[0][1])
    )


def _board(code: str, name: str, trusts: list[str], figures: dict[str, Counts]) -> Board:
    parts = [figures[trust] for trust in trusts if trust in figures]
    summed = together(parts)
    counted = sum(any(count.rounded is not None for count in part.cells.values()) for part in parts)
    return Board(code, name, tuple(trusts), counted, summed)
