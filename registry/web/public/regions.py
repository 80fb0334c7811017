"""Regions in public: one measure over all of them as a map and as small charts with the same axis, and a page for each region."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from fastapi import APIRouter
from markupsafe import Markup
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from registry.disclosure.grid import GeographyKind
from registry.errors import NotFound
from registry.measures import HAT_RATE, MEASURES, THEMES, WALES, Figure, Measure, Shown
from registry.publications.boards import Board, boards
from registry.publications.published import Place
from registry.publications.whole import Whole
from registry.web import series, tile_map
from registry.web.charts import Chart, Row, columns, limits, number
from registry.web.charts import rows as chart_rows
from registry.web.drawing import drawing
from registry.web.public import records
from registry.web.public.frame import released_page
from registry.web.public.measures import named
from registry.web.public.shown import Picture, areas, in_area, of_area
from registry.web.public.trusts import chosen_year, held_words, trust_rows
from registry.web.series import Area, Line
from registry.web.tile_map import Tile

router = APIRouter()

NO_FIGURE = "no figure"


@dataclass(frozen=True, slots=True)
class Small:
    """One region among the small charts: the axis is that of all, so that heights may be compared."""

    area: Area
    href: str
    shown: Picture
    chart: Chart

    @property
    def drawn(self) -> Markup:
        return drawing(self.chart, narrow=True)

    @property
    def sentence(self) -> str:
        return self.shown.summary


@dataclass(frozen=True, slots=True)
class Regions:
    """A measure over all regions in one period: the map, the table beside it and its sentence."""

    measure: Measure
    label: str
    nation: Row | None
    tiles: tuple[Tile, ...]
    rows: tuple[tuple[Tile, Row], ...]

    @property
    def title(self) -> str:
        return f"{self.measure.title} by region, {self.label}"

    @property
    def sentence(self) -> str:
        """In how many regions the interval lies on which side of the figure of all together."""
        if self.nation is None:
            return f"There is no figure of {self.measure.subject} for {self.label} to compare regions with."
        above, below = (sum(tile.side == side for tile in self.tiles) for side in ("above", "below"))
        said = f"In {self.label} {self.measure.subject} was {self.nation.value} over all regions together"
        if not any(tile.interval for tile in self.tiles):
            return f"{said}; the figures of the regions have no intervals to compare it with."
        same = sum(bool(tile.interval) for tile in self.tiles) - above - below
        return (
            f"{said}. In {above} of {len(self.tiles)} regions the 95% interval lies above it, in {below} below it, in {same} it holds it. "
            "A higher figure may come of better case finding."
        )

    @property
    def wide(self) -> Markup:
        return tile_map.drawing(f"map-{self.measure.ident}", self.title, self.sentence, self.tiles)

    @property
    def narrow(self) -> Markup:
        return tile_map.drawing(f"map-{self.measure.ident}", self.title, self.sentence, self.tiles, narrow=True)


@router.get("/figures/{ident}/regions")
@router.get("/cy/figures/{ident}/regions")
def beside_each_other(request: Request, ident: str, year: str = "") -> Response:
    """One measure over all regions: map, table and small charts."""
    asked = named(ident)

    def words(_: Connection, whole: Whole) -> Mapping[str, Any]:
        pictures = [of_area(whole, asked, area) for area in areas(whole, asked) if _is_region(asked, area)]
        together = in_area(whole, asked, "")
        choice = _periods(together)
        chosen = next((start for start, code, _ in choice if code == year or not year), None)
        if year and chosen is None:
            raise NotFound
        here = str(request.url.path).rsplit("/regions", 1)[0]
        return {
            "periods": choice,
            "chosen": chosen,
            "regions": _regions(asked, chosen, together, pictures, here) if chosen else None,
            "small": _small(pictures, here),
            "columns": columns(together.chart),
        }

    return released_page(request, "public/regions.html", words, year, measure=asked, chosen=None)


def _is_region(measure: Measure, area: Area) -> bool:
    """Each region of England, and Wales, which is one region and one nation."""
    return len(area.places) == 1 and (area.name == WALES or area.name not in measure.nations)


def _periods(picture: Picture) -> list[tuple[date, str, str]]:
    """The years, or quarters, that can be shown: all of them final, the latest first, each with its code and words."""
    kind = _kind(picture.measure)
    found = [line for line in reversed(_yearly(picture)) if not line.provisional]
    return [
        (line.start, records.period_code(kind, line.start), series.PERIOD_WORDS[kind](line.start)) for line in found
    ]


def _kind(measure: Measure) -> Shown:
    return Shown.QUARTER if measure.period is Shown.QUARTER else Shown.FINANCIAL_YEAR


def _yearly(picture: Picture) -> list[Line]:
    return picture.years if picture.measure.period is Shown.MONTH else picture.lines


def _line(picture: Picture, start: date) -> Line | None:
    return next((line for line in _yearly(picture) if line.start == start and not line.provisional), None)


def _regions(measure: Measure, start: date, together: Picture, pictures: list[Picture], here: str) -> Regions:
    nation = _line(together, start)
    value = nation.figure.estimate.value if nation else None
    found = [(picture, _line(picture, start)) for picture in pictures]
    rows = tuple((_tile(picture, line, value, here), _row(picture, line)) for picture, line in found)
    return Regions(
        measure,
        series.PERIOD_WORDS[_kind(measure)](start),
        _row(together, nation) if nation and value is not None else None,
        tuple(tile for tile, _ in rows),
        rows,
    )


def _row(picture: Picture, line: Line | None) -> Row:
    if line is None:
        return Row(picture.area.name, "no final figure of this period", "", "", "", "", "")
    return replace(chart_rows(series.chart(picture.measure, picture.area, [line]))[0], period=picture.area.name)


def _tile(picture: Picture, line: Line | None, nation: float | None, here: str) -> Tile:
    area, chart = picture.area, picture.chart
    code = area.places[0][1] if area.places[0][0] == "region" else area.ident
    href = f"{here}?area={area.ident}"
    if line is None or line.figure.estimate.value is None:
        return Tile(code, area.name, href, NO_FIGURE)
    estimate = line.figure.estimate
    point = series.chart(picture.measure, area, [line]).points[0]
    side = ""
    if nation is not None and estimate.lower is not None and estimate.upper is not None:
        side = "above" if estimate.lower > nation else "below" if estimate.upper < nation else ""
    return Tile(code, area.name, href, number(chart, estimate.value or 0), limits(chart, point), side)


def _small(pictures: list[Picture], here: str) -> list[Small]:
    """The regions' charts with one axis."""
    reach = [
        value
        for picture in pictures
        for point in picture.chart.points
        for value in (point.value, point.upper)
        if value is not None
    ]
    least = min((picture.chart.axis_from for picture in pictures), default=0.0)
    return [
        Small(
            picture.area,
            f"{here}?area={picture.area.ident}",
            picture,
            replace(
                picture.chart,
                ident=f"small-{picture.chart.ident}",
                title=picture.area.name,
                axis_from=least,
                axis_to=max(reach, default=None),
            ),
        )
        for picture in pictures
    ]


@router.get("/figures/regions/{code}")
@router.get("/cy/figures/regions/{code}")
def one(request: Request, code: str, year: str = "") -> Response:
    """One region, or Wales: every measure that is published for it, and its trusts by name."""

    def words(connection: Connection, whole: Whole) -> Mapping[str, Any]:
        place = next((one for one in whole.of_kind("region") if one.code.lower() == code.lower()), None)
        if place is None:
            raise NotFound
        chosen = chosen_year(whole.final_years, year)
        rows = [row for row in trust_rows(whole, chosen) if row.place.region == place.code] if chosen else []
        return {
            "place": place,
            "found": _measures(whole, place),
            "themes": THEMES,
            "years": whole.final_years,
            "chosen": chosen,
            "rows": rows,
            "held": held_words(connection, whole.release, GeographyKind.REGION, place.code),
            "boards": _boards(connection, whole, chosen, {row.place.code for row in rows}) if chosen else [],
        }

    return released_page(request, "public/region.html", words, year, before=False)


def _boards(connection: Connection, whole: Whole, year: date, trusts: set[str]) -> list[tuple[Board, Figure]]:
    """The boards that have a trust here, each the sum of its rounded trusts."""
    return [
        (board, HAT_RATE.figure(board.counts))
        for board in boards(connection, whole.release, year)
        if trusts & set(board.trusts)
    ]


def _measures(whole: Whole, place: Place) -> list[Picture]:
    """Every measure that this region, or nation of one region, has."""
    found = []
    for measure in MEASURES.values():
        area = next((one for one in areas(whole, measure) if _is_of(place, one)), None)
        if area is not None:
            found.append(of_area(whole, measure, area))
    return found


def _is_of(place: Place, area: Area) -> bool:
    return area.places == (("region", place.code),) or (place.name == place.nation and area.name == place.nation)
