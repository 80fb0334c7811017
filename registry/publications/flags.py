"""Outlier flags as the attacker reads them: what the publication of a verdict tells of a trust's year, beside the protected cells.

Whoever knows the expected count and the limits, and both may be guessed well, learns from "alert" or "alarm" between which counts the
cases after overnight stays lie. These are a part of the year's cases. So a flag is a row of the audit and a target of its own; it belongs
to the release that was public when its cycle was computed.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select

from registry.disclosure.audit import Release, Told
from registry.disclosure.grid import Cell, Count, Geography, GeographyKind, financial_year
from registry.disclosure.protected import State
from registry.publications import outlier_states
from registry.publications.outlier_cycles import Implied, Limits, implied
from registry.store.outliers import outlier, outlier_cycle
from registry.store.tables import organisation


class Flag(NamedTuple):
    """The published verdict on one trust: what it implies, and when it was computed."""

    code: str
    tells: Implied
    computed_at: datetime


def published(connection: Connection, *, with_one: UUID | None = None) -> list[Flag]:
    """Every verdict that is recorded as published, under `hat_national`; and one that might be."""
    query = (
        select(outlier, outlier_cycle.c.year, outlier_cycle.c.computed_at, organisation.c.code)
        .join(outlier_cycle, outlier_cycle.c.id == outlier.c.cycle_id)
        .join(organisation, organisation.c.id == outlier.c.organisation_id)
        .where((outlier.c.state == outlier_states.State.PUBLISHED.value) | (outlier.c.id == with_one))
        .order_by(outlier_cycle.c.year, organisation.c.code)
    )
    return [
        Flag(
            row.code,
            implied(
                row.organisation_id,
                row.year,
                row.expected,
                Limits(**{name: getattr(row, name) for name in Limits.__slots__}),
                row.verdict,
                row.side,
            ),
            row.computed_at,
        )
        for row in connection.execute(query)
    ]


def told(releases: Sequence[Release], as_at: Sequence[datetime], flags: Sequence[Flag]) -> tuple[Release, ...]:
    """The releases with each flag in the one that it belongs to; one of a year that no release has tells of no cell."""
    found = [list(release.told) for release in releases]
    for flag in flags:
        year = financial_year(flag.tells.year)
        total = Cell(Count.HAT_CASES, Geography(GeographyKind.TRUST, flag.code), year)
        having = [place for place, release in enumerate(releases) if _says(release, total)]
        before = [place for place in having if as_at[place] <= flag.computed_at]
        if having:
            home = before[-1] if before else having[0]
            found[home].append(Told((total,), flag.tells.least, flag.tells.most, part=True))
    return tuple(replace(release, told=tuple(each)) for release, each in zip(releases, found, strict=True))


def _says(release: Release, cell: Cell) -> bool:
    return any(one.cell == cell and one.state is State.COUNTED and not one.held for one in release.cells)
