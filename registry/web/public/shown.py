"""One measure in one area, ready for a page: the same from what is released and from a draft of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from markupsafe import Markup

from registry.errors import NotFound
from registry.measures import Further, Measure, Shown
from registry.publications.whole import Whole
from registry.web import series
from registry.web.charts import Chart, assessable_words, columns, notes
from registry.web.charts import rows as chart_rows
from registry.web.control import Control
from registry.web.control_drawing import Drawn
from registry.web.drawing import drawing
from registry.web.public import controlling
from registry.web.series import Area, Line


@dataclass(frozen=True)
class Picture:
    """One measure in one area: its periods, its years where it is monthly, and everything that a page says of them."""

    measure: Measure
    area: Area
    lines: list[Line]
    years: list[Line]
    joined: Mapping[date, str] | None = None
    """When which trust was merged into this one."""
    clusters: int = 1
    """Of how many rounded cells a count of it is made."""

    @cached_property
    def chart(self) -> Chart:
        return series.chart(self.measure, self.area, self.lines)

    @cached_property
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

    @cached_property
    def rows(self) -> tuple[Any, ...]:
        """The latest first."""
        return chart_rows(self.chart)[::-1]

    @property
    def year_rows(self) -> tuple[Any, ...]:
        return chart_rows(series.chart(self.measure, self.area, self.years))[::-1]

    @property
    def notes(self) -> tuple[str, ...]:
        return notes(self.chart)

    @property
    def bounded(self) -> list[Line]:
        """The lines that have bounds, the latest first."""
        return [line for line in reversed(self.lines) if line.figure.least is not None]

    @property
    def provisional(self) -> bool:
        """Whether a hollow point is drawn."""
        return any(line.provisional and line.figure.estimate.value is not None for line in self.lines)

    @property
    def drawable(self) -> bool:
        """Whether any period has a value: without one there is nothing to draw, only reasons."""
        return any(line.figure.estimate.value is not None for line in self.lines)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why periods have no value, each reason once, the latest first."""
        return tuple(
            dict.fromkeys(series.absence(line) for line in reversed(self.lines) if line.figure.estimate.value is None)
        )

    @cached_property
    def latest(self) -> Line | None:
        """The last final period that has a value."""
        final = [line for line in self.lines if not line.provisional and line.figure.estimate.value is not None]
        return final[-1] if final else None

    @property
    def beside(self) -> tuple[Further, ...]:
        """What stands beside the latest figure."""
        return self.latest.figure.further if self.latest else ()

    @property
    def contributed(self) -> str:
        """How many organisations are in the latest figure, of how many."""
        if self.latest is None:
            return ""
        point = next(point for point in self.chart.points if point.start == self.latest.start)
        if point.trusts is None:
            return ""
        words = self.chart.contributors[point.trusts != 1]
        return f"{point.trusts:,} of {point.of:,} {words} that take part" if point.of else f"{point.trusts:,} {words}"

    @property
    def ascertainment(self) -> str | None:
        """What can be told of how well cases were looked for; None for what is not found by looking for cases."""
        if self.measure.numbers or self.latest is None:
            return None
        point = next(point for point in self.chart.points if point.start == self.latest.start)
        return assessable_words(point)

    @property
    def control(self) -> Drawn | None:
        """The control chart; none for a measure of years, and without any value."""
        made = self.control_chart
        return Drawn(made) if made else None

    @cached_property
    def control_chart(self) -> Control | None:
        if self.measure.period is not Shown.MONTH or not self.drawable:
            return None
        return controlling.chart(
            self.measure, self.area.ident, self.lines, cells=self.clusters, joined=self.joined or {}
        )


def areas(whole: Whole, measure: Measure) -> tuple[Area, ...]:
    return series.areas(measure, whole.of_kind("region"))


def in_area(whole: Whole, measure: Measure, ident: str) -> Picture:
    """A measure in the area that is asked for (the first, where none is). Raises NotFound for one that it is not published for."""
    chosen = next((one for one in areas(whole, measure) if one.ident == ident or not ident), None)
    if chosen is None:
        raise NotFound
    return of_area(whole, measure, chosen)


def of_area(whole: Whole, measure: Measure, area: Area) -> Picture:
    lines = series.lines(measure, area, whole.months, whole.years)
    years = (
        series.with_years(measure, area, series.yearly(measure, lines), whole.years)
        if measure.period is Shown.MONTH
        else []
    )
    return Picture(measure, area, lines, years, clusters=len(area.places))
