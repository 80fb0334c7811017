"""What the nation's protected figures say, to stand beside a trust's own: as released, through the public role."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection

from registry.measures import Measure
from registry.publications import published
from registry.publications.published import Release
from registry.web import series
from registry.web.series import Line


@dataclass(frozen=True, slots=True)
class Nation:
    """The financial years of a nation's measure by their first day, of the latest release."""

    name: str
    release: Release
    years: dict[date, Line]


def beside(connection: Connection, measure: Measure, nation: str) -> Nation | None:
    """The nation's figures of a measure; None before the first release. `connection` is the public role's."""
    release = published.latest(connection)
    if release is None:
        return None
    key = (release.id, measure.ident, nation)
    years = _KEPT.get(key)
    if years is None:
        years = _years(connection, release, measure, nation)
        if len(_KEPT) >= MOST_KEPT:
            _KEPT.clear()
        _KEPT[key] = years
    return Nation(nation, release, years)


_KEPT: dict[tuple[UUID, str, str], dict[date, Line]] = {}
"""Read once and kept: a release never changes."""
MOST_KEPT = 32


def _years(connection: Connection, release: Release, measure: Measure, nation: str) -> dict[date, Line]:
    regions = published.places(connection, release, "region")
    area = next((one for one in series.areas(measure, regions) if one.name == nation), None)
    if area is None:
        return {}
    gathered = published.region_months(connection, release, measure)
    return {line.start: line for line in series.yearly(measure, series.monthly(measure, area, gathered))}
