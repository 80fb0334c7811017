"""The picture of a chart over time, in SVG.

It carries a title and a description, no script, no `style` attribute (the content policy forbids both) and no colour that is needed to
read it: a provisional point is hollow, a target dashed, a break a dotted line with a letter, a missing value a gap.

`drawing(chart)` is wide; `drawing(chart, narrow=True)` has the same content laid out for a column of 300 pixels. A page that has both
shows one of them by the classes `hat-chart__wide` and `hat-chart__narrow`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from math import ceil, floor, log10
from typing import Protocol

from markupsafe import Markup, escape

from registry.web.charts import Chart, Point, lettered, measured, months, sentence

INK, GRID, LINE, TARGET = "#212b32", "#d8dde0", "#005eb8", "#7c2855"
BAND_FROM = 30  # points: beyond this many, whiskers run together and a band is drawn
STEPS = (1, 2, 3, 6, 12, 24, 60)


@dataclass(frozen=True, slots=True)
class Frame:
    """Where things stand on the drawing, in its own units; `low`, `high` and `step` of the vertical axis as shown (percent as 0-100)."""

    width: int
    height: int
    font: int
    left: int
    top: int
    right: int
    bottom: int
    first: int
    last: int
    low: float
    high: float
    step: float
    scale: int

    def x(self, day: date) -> float:
        span = max(1, self.last - self.first)
        inset = self.font  # so that the first and the last point do not sit on the frame
        return self.left + inset + (months(day) - self.first) / span * (self.right - self.left - 2 * inset)

    def y(self, value: float) -> float:
        part = (value * self.scale - self.low) / (self.high - self.low)
        return self.bottom - min(1.0, max(0.0, part)) * (self.bottom - self.top)


def frame(chart: Chart, narrow: bool) -> Frame:
    """The layout: 320 units wide with 13 unit letters, or 720 with 16, so that a letter is never under 11 pixels where it is shown."""
    scale = 100 if chart.percent else 1
    reach = [limit for point in chart.points for limit in (point.value, point.upper) if limit is not None]
    reach += [limit for limit in (chart.target.value if chart.target else None, chart.axis_to) if limit is not None]
    most = max(reach, default=0)
    most = most if most > chart.axis_from else chart.axis_from + 1
    low, high, step = ticks(chart.axis_from * scale, (1 if chart.percent and most > 0.9 else most) * scale)
    width, height, font = (320, 300, 13) if narrow else (720, 400, 16)
    labels = max(len(tick_words(value, step)) for value in (low, high))
    places = [months(point.start) for point in chart.points] or [0]
    left = round(labels * font * 0.6) + 12
    rows_of_legend = len(list(legend_lines(chart, narrow, width, font)))
    bottom = height - round(font * (2.6 + 1.5 * rows_of_legend))
    high = min(high, 100) if chart.percent else high
    return Frame(
        width, height, font, left, round(font * 2.6), width - 8, bottom, places[0], places[-1], low, high, step, scale
    )


def ticks(low: float, high: float) -> tuple[float, float, float]:
    """The ends and the step of an axis that holds both values: 4 to 8 steps of 1, 2, 2.5 or 5 times a power of ten."""
    span = max(high - low, 1e-9)
    power = 10 ** floor(log10(span / 5))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if span / (size * power) <= 6)
    return floor(low / step) * step, max(ceil(high / step), floor(low / step) + 1) * step, step


def tick_words(value: float, step: float) -> str:
    digits = 0 if step == round(step) else max(1, -floor(log10(step)) + (1 if f"{step:e}"[2] == "5" else 0))
    return f"{value:,.{digits}f}"


def element(name: str, inside: str = "", /, **attributes: object) -> str:
    """One SVG element; `stroke_width` becomes `stroke-width`, `class_` `class`, a float two decimals. Attributes are escaped, `inside` is markup."""
    words = "".join([f' {_name(key)}="{_value(value)}"' for key, value in attributes.items()])
    return f"<{name}{words}>{inside}</{name}>" if inside else f"<{name}{words}/>"


@cache
def _name(key: str) -> str:
    """Of an attribute; there are as many as the pictures name."""
    return key.rstrip("_").replace("_", "-")


def _value(value: object) -> str:
    """Most are numbers, which need no escaping: a page of small charts has tens of thousands."""
    if isinstance(value, float):
        return f"{value:.2f}"
    return str(value) if isinstance(value, int) else str(escape(value))


class Sheet(Protocol):
    """The size of a picture, and of its letters, in units."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def font(self) -> int: ...


def labelled(ident: str, title: str, sentence: str, parts: Iterable[str], sheet: Sheet, *, narrow: bool) -> Markup:
    """Parts that are markup as one SVG element, labelled for screen readers by its title and its sentence."""
    name = f"{ident}-{'narrow' if narrow else 'wide'}"
    labels = element("title", str(escape(title)), id=f"{name}-title") + element(
        "desc", str(escape(sentence)), id=f"{name}-desc"
    )
    # markupsafe: every word from outside went through `escape` here or in `element`
    return Markup(  # noqa: S704
        element(
            "svg",
            labels + "".join(parts),
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {sheet.width} {sheet.height}",
            role="img",
            aria_labelledby=f"{name}-title {name}-desc",
            class_=f"hat-chart__{'narrow' if narrow else 'wide'}",
            font_family="Frutiger W01, Arial, sans-serif",
            font_size=sheet.font,
            fill=INK,
        )
    )


def drawing(chart: Chart, *, narrow: bool = False) -> Markup:
    """The chart as one SVG element, labelled for screen readers by its title and its sentence."""
    shape = frame(chart, narrow)
    parts = [
        *value_axis(chart, shape),
        *time_axis(chart, shape),
        *breaks(chart, shape),
        *target(chart, shape),
        *intervals(chart, shape),
        *line(chart, shape),
        *dots(chart, shape),
        *legend(chart, shape, narrow),
    ]
    return labelled(chart.ident, chart.title, sentence(chart), parts, shape, narrow=narrow)


def text(words: str, x: float, y: float, anchor: str = "start", **attributes: object) -> str:
    return element("text", str(escape(words)), x=float(x), y=float(y), text_anchor=anchor, **attributes)


def stroke(x1: float, y1: float, x2: float, y2: float, colour: str, width: float, **attributes: str) -> str:
    ends = {"x1": float(x1), "y1": float(y1), "x2": float(x2), "y2": float(y2)}
    return element("line", **ends, stroke=colour, stroke_width=width, **attributes)


def value_axis(chart: Chart, shape: Frame) -> Iterator[str]:
    """Grid lines with numbers, and the unit above them; says where the axis does not begin at nought."""
    begins = f" (axis starts at {tick_words(shape.low, shape.step)})" if shape.low else ""
    yield text(chart.unit[:1].upper() + chart.unit[1:] + begins, 0, shape.font, font_weight="bold")
    for place in range(round((shape.high - shape.low) / shape.step) + 1):
        shown = shape.low + place * shape.step
        height = shape.y(shown / shape.scale)
        yield stroke(shape.left, height, shape.right, height, INK if place == 0 else GRID, 1)
        yield text(tick_words(shown, shape.step), shape.left - 6, height + shape.font * 0.35, "end")


def time_axis(chart: Chart, shape: Frame) -> Iterator[str]:
    """Ticks at months counted from April, as many as have room, each with month and year."""
    room = max(1, floor((shape.right - shape.left) / (shape.font * 5.4)))
    span = shape.last - shape.first
    step = next((size for size in STEPS if span / size < room), STEPS[-1])
    base = shape.bottom
    for month in range(shape.first, shape.last + 1):
        if (month - 3) % step == 0 and chart.points:
            day = date(month // 12, month % 12 + 1, 1)
            yield stroke(shape.x(day), base, shape.x(day), base + 6, INK, 1)
            yield from (
                text(words, shape.x(day), base + 6 + shape.font * drop, "middle")
                for words, drop in ((f"{day:%b}", 1.0), (f"{day:%Y}", 2.0))
            )


def breaks(chart: Chart, shape: Frame) -> Iterator[str]:
    """A dotted line with a letter before the first point of the new series; outside the range of the chart nothing."""
    for letter, mark in lettered(chart):
        if shape.first < months(mark.start) <= shape.last:
            before = date((months(mark.start) - 1) // 12, (months(mark.start) - 1) % 12 + 1, 1)
            x = (shape.x(before) + shape.x(mark.start)) / 2
            inside = element("title", str(escape(mark.words)))
            inside += stroke(x, shape.top, x, shape.bottom, INK, 1.5, stroke_dasharray="2 3")
            yield element("g", inside + text(letter, x, shape.top - 4, "middle", font_weight="bold"))


def target(chart: Chart, shape: Frame) -> Iterator[str]:
    if chart.target is not None:
        height = shape.y(chart.target.value)
        yield stroke(
            shape.left, height, shape.right, height, TARGET, 2, stroke_dasharray="8 4", class_="hat-chart__target"
        )


def runs(chart: Chart) -> list[list[Point]]:
    """The points in unbroken runs: a missing value, a missing period or a break of the series ends one."""
    known = [point for point in chart.points if point.value is not None]
    step = min((months(b.start) - months(a.start) for a, b in pairwise(chart.points)), default=1)
    result: list[list[Point]] = []
    for place, point in enumerate(known):
        before = known[place - 1] if place else None
        joined = before is not None and months(point.start) - months(before.start) == step
        broken = before is not None and any(before.start < mark.start <= point.start for mark in chart.breaks)
        if joined and not broken:
            result[-1].append(point)
        else:
            result.append([point])
    return result


def banded(chart: Chart, narrow: bool) -> bool:
    return len(chart.points) > (BAND_FROM // 2 if narrow else BAND_FROM)


def intervals(chart: Chart, shape: Frame) -> Iterator[str]:
    """A whisker through each point with limits; a pale band instead where there are many points."""
    if banded(chart, shape.width < 400):
        yield from band(chart, shape)
        return
    for point in chart.points:
        if point.lower is not None and point.upper is not None:
            x, low, high = shape.x(point.start), shape.y(point.lower), shape.y(point.upper)
            yield stroke(x, low, x, high, LINE, 1.5, class_="hat-chart__interval")
            yield from (stroke(x - 3, end, x + 3, end, LINE, 1.5) for end in (low, high))


def band(chart: Chart, shape: Frame) -> Iterator[str]:
    for run in runs(chart):
        limited = [(shape.x(p.start), p.lower, p.upper) for p in run if p.lower is not None and p.upper is not None]
        if limited:
            edge = [(x, shape.y(high)) for x, _, high in limited] + [
                (x, shape.y(low)) for x, low, _ in reversed(limited)
            ]
            corners = " ".join(f"{x:.2f},{y:.2f}" for x, y in edge)
            yield element("polygon", points=corners, fill=LINE, fill_opacity="0.18", class_="hat-chart__interval")


def line(chart: Chart, shape: Frame) -> Iterator[str]:
    """One stroke between neighbours, dashed towards a provisional point."""
    for run in runs(chart):
        for a, b in pairwise(run):
            dashes = "4 3" if a.provisional or b.provisional else "none"
            here, there = (shape.x(a.start), shape.y(a.value or 0)), (shape.x(b.start), shape.y(b.value or 0))
            yield stroke(*here, *there, LINE, 2, stroke_dasharray=dashes)


def dots(chart: Chart, shape: Frame) -> Iterator[str]:
    radius = shape.font / 4
    for point in chart.points:
        if point.value is not None:
            words = f"{point.label}: {measured(chart, point)}{', provisional' if point.provisional else ''}"
            yield dot(shape.x(point.start), shape.y(point.value), radius, point.provisional, words)


def dot(x: float, y: float, radius: float, hollow: bool, words: str = "") -> str:
    inside = element("title", str(escape(words))) if words else ""
    fill, kind = ("#ffffff", "provisional") if hollow else (LINE, "final")
    return element(
        "circle", inside, cx=x, cy=y, r=radius, fill=fill, stroke=LINE, stroke_width=2, class_=f"hat-chart__{kind}"
    )


def legend_items(chart: Chart, narrow: bool) -> Iterator[tuple[str, str]]:
    """What of the legend this chart needs: the sign and its words."""
    if any(point.provisional and point.value is not None for point in chart.points):
        yield from (("final", "final"), ("provisional", "provisional"))
    if any(point.lower is not None for point in chart.points):
        yield "band" if banded(chart, narrow) else "interval", chart.interval
    if chart.target:
        yield "target", chart.target.words
    if chart.breaks:
        yield "break", "break in the series"


def legend_lines(chart: Chart, narrow: bool, width: int, font: int) -> Iterator[list[tuple[str, str, float]]]:
    """The items with their places, in as many lines as they need. A letter is taken as 0.55 of the font size wide."""
    line_now: list[tuple[str, str, float]] = []
    x = 2.0
    for sign, words in legend_items(chart, narrow):
        wide = font * (2.0 + 0.55 * len(words) + (0.6 if narrow else 1.4))
        if line_now and x + wide > width:
            yield line_now
            line_now, x = [], 2.0
        line_now.append((sign, words, x))
        x += wide
    if line_now:
        yield line_now


def legend(chart: Chart, shape: Frame, narrow: bool) -> Iterator[str]:
    for place, items in enumerate(legend_lines(chart, narrow, shape.width, shape.font)):
        y = shape.bottom + shape.font * (3.9 + 1.5 * place)
        for sign, words, x in items:
            yield mark_of(sign, x, y - shape.font * 0.35, shape.font)
            yield text(words, x + shape.font * 1.9, y)


def mark_of(sign: str, x: float, y: float, font: int) -> str:
    """The sign of a legend item, in a box of 1.5 letters."""
    wide, middle = font * 1.5, x + font * 0.75
    if sign in ("final", "provisional"):
        return dot(middle, y, font / 4, sign == "provisional")
    if sign == "band":
        return element("rect", x=x, y=y - font / 2, width=wide, height=float(font), fill=LINE, fill_opacity="0.18")
    if sign == "interval":
        return stroke(middle, y - font / 2, middle, y + font / 2, LINE, 1.5)
    if sign == "target":
        return stroke(x, y, x + wide, y, TARGET, 2, stroke_dasharray="8 4")
    return stroke(middle, y - font / 2, middle, y + font / 2, INK, 1.5, stroke_dasharray="2 3")
