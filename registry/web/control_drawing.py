"""The picture of a control chart, in SVG: the line, its mean and limits, and its signals by shape as well as colour.

As in `registry.web.drawing` there is a wide and a narrow drawing, with title and description, without script or `style`. A signal is a
diamond, common cause a dot, a point that may still change a hollow dot; mean and limits are dashed lines.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from markupsafe import Markup, escape

from registry.statistics.control_charts import Variation
from registry.web.control import Control, Mark
from registry.web.drawing import GRID, INK, LINE, dot, element, labelled, stroke, text, tick_words, ticks

LIMIT, MEAN = "#4c6272", "#4c6272"
SPECIAL = "#aa2b00"
LETTERS = {
    Variation.IMPROVEMENT: ("B", "#005eb8"),
    Variation.CONCERN: ("W", "#aa2b00"),
    Variation.NEUTRAL_HIGH: ("H", "#57276c"),
    Variation.NEUTRAL_LOW: ("L", "#57276c"),
    Variation.COMMON: ("", "#4c6272"),
}
WORDS = {
    Variation.IMPROVEMENT: "Special cause: better",
    Variation.CONCERN: "Special cause: worse",
    Variation.NEUTRAL_HIGH: "Special cause: high",
    Variation.NEUTRAL_LOW: "Special cause: low",
    Variation.COMMON: "Common cause",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """Where things stand on the drawing."""

    width: int
    height: int
    font: int
    left: int
    top: int
    right: int
    bottom: int
    count: int
    low: float
    high: float
    step: float

    def x(self, place: int) -> float:
        inset = self.font
        span = self.right - self.left - 2 * inset
        return self.left + inset + (place / max(1, self.count - 1)) * span

    def y(self, value: float) -> float:
        part = (value - self.low) / (self.high - self.low)
        return self.bottom - min(1.0, max(0.0, part)) * (self.bottom - self.top)


def shape_of(chart: Control, narrow: bool) -> Shape:
    """320 units wide with 13 unit letters, or 720 with 16. The axis begins at nought, or where the chart says, and has room for
    every point and limit."""
    reach = [value for mark in chart.marks for value in (mark.value, mark.upper) if value is not None]
    low, high, step = ticks(chart.axis_from, max([*reach, chart.axis_from]) or 1.0)
    width, height, font = (320, 300, 13) if narrow else (720, 380, 16)
    left = round(len(tick_words(high, step)) * font * 0.6) + 12
    rows = len(list(legend_lines(chart, width, font)))
    bottom = height - round(font * (2.6 + 1.5 * rows))
    return Shape(width, height, font, left, round(font * 2.6), width - 8, bottom, len(chart.marks), low, high, step)


def drawing(chart: Control, *, narrow: bool = False) -> Markup:
    """The chart as one SVG element, labelled by its title and its sentence."""
    shape = shape_of(chart, narrow)
    parts = [
        *value_axis(chart, shape),
        *place_axis(chart, shape),
        *limit_lines(chart, shape),
        *phase_lines(chart, shape),
        *joined(chart, shape),
        *points(chart, shape),
        *legend(chart, shape),
    ]
    return labelled(chart.ident, f"{chart.title}: {chart.kind}", chart.sentence, parts, shape, narrow=narrow)


def icon(variation: Variation) -> Markup:
    """The variation icon: a letter in a ring; common cause has a level line for it. The words stand beside it."""
    letter, colour = LETTERS[variation]
    inside = element("circle", cx=16.0, cy=16.0, r=13.0, fill="#ffffff", stroke=colour, stroke_width=3)
    if letter:
        inside += text(letter, 16, 22, "middle", font_weight="bold", fill=colour)
    else:
        inside += element("polyline", points="8,18 13,14 19,18 24,14", fill="none", stroke=colour, stroke_width=2)
    return Markup(  # noqa: S704 -- as above
        element(
            "svg",
            inside,
            xmlns="http://www.w3.org/2000/svg",
            viewBox="0 0 32 32",
            width=32,
            height=32,
            aria_hidden="true",
            focusable="false",
            font_family="Frutiger W01, Arial, sans-serif",
            font_size=16,
            class_="hat-icon",
        )
    )


def value_axis(chart: Control, shape: Shape) -> Iterator[str]:
    begins = f" (axis starts at {tick_words(shape.low, shape.step)})" if shape.low else ""
    yield text(chart.unit[:1].upper() + chart.unit[1:] + begins, 0, shape.font, font_weight="bold")
    for place in range(round((shape.high - shape.low) / shape.step) + 1):
        shown = shape.low + place * shape.step
        height = shape.y(shown)
        yield stroke(shape.left, height, shape.right, height, INK if place == 0 else GRID, 1)
        yield text(tick_words(shown, shape.step), shape.left - 6, height + shape.font * 0.35, "end")


def place_axis(chart: Control, shape: Shape) -> Iterator[str]:
    """As many labels as have room: the last two words of each point's own (month and year), one below the other."""
    if not chart.marks:
        return
    room = max(1, int((shape.right - shape.left) / (shape.font * 5.4)))
    step = max(1, ceil(len(chart.marks) / room))
    for place in range(0, len(chart.marks), step):
        month, year = chart.marks[place].label.split()[-2:]
        x = shape.x(place)
        yield stroke(x, shape.bottom, x, shape.bottom + 6, INK, 1)
        yield text(month[:3], x, shape.bottom + 6 + shape.font, "middle")
        yield text(year, x, shape.bottom + 6 + shape.font * 2, "middle")


def limit_lines(chart: Control, shape: Shape) -> Iterator[str]:
    """Mean and limits, a piece for each point, so that they follow where they change."""
    half = (shape.x(1) - shape.x(0)) / 2 if len(chart.marks) > 1 else shape.font
    for place, mark in enumerate(chart.marks):
        begin, end = max(shape.left, shape.x(place) - half), min(shape.right, shape.x(place) + half)
        for value, dashes in ((mark.centre, "none"), (mark.lower, "6 4"), (mark.upper, "6 4")):
            drawn = value is not None and (value > shape.low + (shape.high - shape.low) / 100 or dashes == "none")
            if value is not None and drawn:
                yield stroke(begin, shape.y(value), end, shape.y(value), LIMIT, 1.5, stroke_dasharray=dashes)


def phase_lines(chart: Control, shape: Shape) -> Iterator[str]:
    """A dotted line with a letter before the first point of each new phase."""
    places = [place for place, mark in enumerate(chart.marks) if mark.begins]
    for place, (letter, words) in zip(places, chart.phases, strict=True):
        x = (shape.x(max(0, place - 1)) + shape.x(place)) / 2
        inside = element("title", str(escape(words)))
        inside += stroke(x, shape.top, x, shape.bottom, INK, 1.5, stroke_dasharray="2 3")
        yield element("g", inside + text(letter, x, shape.top - 4, "middle", font_weight="bold"))


def joined(chart: Control, shape: Shape) -> Iterator[str]:
    """One stroke between neighbours, dashed towards a point that may still change; none over a gap."""
    for place, (a, b) in enumerate(pairwise(chart.marks)):
        if a.value is not None and b.value is not None and not b.begins:
            dashes = "4 3" if a.open_still or b.open_still else "none"
            yield stroke(
                shape.x(place),
                shape.y(a.value),
                shape.x(place + 1),
                shape.y(b.value),
                LINE,
                2,
                stroke_dasharray=dashes,
            )


def points(chart: Control, shape: Shape) -> Iterator[str]:
    for place, mark in enumerate(chart.marks):
        if mark.value is not None:
            yield point(
                mark, shape.x(place), shape.y(mark.value), shape.font / 4, f"{mark.label}: {described(chart, mark)}"
            )


def point(mark: Mark, x: float, y: float, radius: float, words: str = "") -> str:
    if not mark.special:
        return dot(x, y, radius, mark.open_still, words)
    return diamond(x, y, radius * 1.6, words)


def diamond(x: float, y: float, reach: float, words: str = "") -> str:
    corners = " ".join(f"{a:.2f},{b:.2f}" for a, b in ((x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)))
    inside = element("title", str(escape(words))) if words else ""
    return element("polygon", inside, points=corners, fill=SPECIAL, class_="hat-chart__special")


def described(chart: Control, mark: Mark) -> str:
    """A point in words, without its label."""
    said = chart.number(mark.value)
    if mark.special:
        said += f", {mark.signal.value}"
    return f"{said}, may still change" if mark.open_still else said


def legend_items(chart: Control) -> Iterator[tuple[str, str]]:
    if chart.enough:
        yield "mean", "mean" if chart.kind.startswith(("XmR", "u")) else "centre"
        yield "limit", "control limits"
    if any(mark.special for mark in chart.marks):
        yield "special", "more than chance"
    if any(mark.open_still and mark.value is not None for mark in chart.marks):
        yield "open", "may still change"


def legend_lines(chart: Control, width: int, font: int) -> Iterator[list[tuple[str, str, float]]]:
    """The items with their places, in as many lines as they need."""
    now: list[tuple[str, str, float]] = []
    x = 2.0
    for sign, words in legend_items(chart):
        wide = font * (2.6 + 0.55 * len(words))
        if now and x + wide > width:
            yield now
            now, x = [], 2.0
        now.append((sign, words, x))
        x += wide
    if now:
        yield now


def legend(chart: Control, shape: Shape) -> Iterator[str]:
    for place, items in enumerate(legend_lines(chart, shape.width, shape.font)):
        y = shape.bottom + shape.font * (3.9 + 1.5 * place)
        for sign, words, x in items:
            yield sign_of(sign, x, y - shape.font * 0.35, shape.font)
            yield text(words, x + shape.font * 1.9, y)


def sign_of(sign: str, x: float, y: float, font: int) -> str:
    wide = font * 1.5
    if sign == "special":
        return diamond(x + wide / 2, y, font * 0.4)
    if sign == "open":
        return dot(x + wide / 2, y, font / 4, True)
    return stroke(x, y, x + wide, y, MEAN, 1.5, stroke_dasharray="none" if sign == "mean" else "6 4")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A control chart ready for a page, with the table that says the same."""

    chart: Control

    @property
    def wide(self) -> Markup:
        return drawing(self.chart)

    @property
    def narrow(self) -> Markup:
        return drawing(self.chart, narrow=True)

    @property
    def icon(self) -> Markup | None:
        return icon(self.chart.icon) if self.chart.icon else None

    @property
    def icon_words(self) -> str:
        return WORDS[self.chart.icon or Variation.COMMON]

    @property
    def rows(self) -> list[tuple[str, str, str, str, str, str]]:
        """The latest first: period, value, lower limit, centre, upper limit, what it shows."""
        number = self.chart.number
        return [
            (
                mark.label,
                number(mark.value) or "–",
                number(None if mark.lower is None else max(0.0, mark.lower)),
                number(mark.centre),
                number(mark.upper),
                mark.words or described(self.chart, mark).removeprefix(number(mark.value)).lstrip(", ") or "–",
            )
            for mark in reversed(self.chart.marks)
        ]
