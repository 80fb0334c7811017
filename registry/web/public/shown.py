"""One measure in one area, ready for a page: the same from what is released and from a draft of it."""

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from sqlalchemy import Connection

from registry.errors import NotFound
from registry.measures import Measure
from registry.publications import published
from registry.publications.published import Release
from registry.web import series
from registry.web.charts import Chart, columns, notes
from registry.web.charts import rows as chart_rows
from registry.web.drawing import drawing
from registry.web.series import Area, Line


@dataclass(frozen=True, slots=True)
class Shown:
    """One measure in one area, ready for a page."""

    measure: Measure
    area: Area
    chart: Chart
    lines: list[Line]
    years: list[Line]

    @property
    def summary(self) -> str:
        return series.summary(self.chart, self.lines)

    @property
    def wide(self) -> Markup:
        return drawing(self.chart)

    @property
    def narrow(self) -> Markup:
        return drawing(self.chart, narrow=True)

    @property
    def columns(self) -> tuple[str, ...]:
        return columns(self.chart)

    @property
    def rows(self) -> tuple[Any, ...]:
        return chart_rows(self.chart)

    @property
    def year_rows(self) -> tuple[Any, ...]:
        return chart_rows(series.chart(self.measure, self.area, self.years))

    @property
    def notes(self) -> tuple[str, ...]:
        return notes(self.chart)

    @property
    def bounded(self) -> list[Line]:
        """The lines that have bounds."""
        return [line for line in self.lines if line.figure.least is not None]

    @property
    def provisional(self) -> bool:
        return any(line.provisional for line in self.lines)


def shown(connection: Connection, release: Release, measure: Measure, area: str) -> tuple[Shown, tuple[Area, ...]]:
    """A measure in the area that is asked for (the first, where none is). Raises NotFound for one that it is not published for."""
    choice = series.areas(measure, published.places(connection, release, "region"))
    chosen = next((one for one in choice if one.ident == area or not area), None)
    if chosen is None:
        raise NotFound
    gathered = published.region_months(connection, release, measure)
    lines = series.monthly(measure, chosen, gathered)
    drawn = series.chart(measure, chosen, lines)
    return Shown(measure, chosen, drawn, lines, series.yearly(measure, lines)), choice
