"""The picture of an interrupted series, in SVG: what was observed, what was fitted, and what would have been expected without the change.

As every drawing here it has a title and a description, no script and no colour that is needed to read it: the expected line is dashed, the
change a dotted line with a word, the phase-in a pale band.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor

from markupsafe import Markup

from registry.statistics.evaluation import Evaluation
from registry.web.drawing import GRID, INK, LINE, TARGET, dot, element, labelled, stroke, text, tick_words, ticks

STEPS = (1, 2, 3, 6, 12, 24, 60)


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn: values per 1,000 by place of the month, `None` where there is none."""

    ident: str
    title: str
    sentence: str
    unit: str
    labels: tuple[tuple[str, str], ...]
    observed: tuple[float | None, ...]
    fitted: tuple[float | None, ...]
    expected: tuple[float | None, ...]
    change: int
    after: int


@dataclass(frozen=True, slots=True)
class Shape:
    width: int
    height: int
    font: int
    left: int
    top: int
    right: int
    bottom: int
    number: int
    high: float
    step: float

    def x(self, place: float) -> float:
        inset = self.font
        return self.left + inset + place / max(1, self.number - 1) * (self.right - self.left - 2 * inset)

    def y(self, value: float) -> float:
        return self.bottom - min(1.0, max(0.0, value / self.high)) * (self.bottom - self.top)


def picture(ident: str, title: str, sentence: str, unit: str, found: Evaluation, per: int) -> Picture:
    """The picture of an evaluation; months whose count is not shown, or that are left out, are gaps."""
    series, segments = found.series, found.segments

    def values(events: Sequence[float | None]) -> tuple[float | None, ...]:
        return tuple(
            None if count is None or not one.population else per * count / one.population
            for one, count in zip(series, events, strict=True)
        )

    nothing: tuple[float | None, ...] = (None,) * len(series)
    seen = tuple(None if one.left_out or one.hidden else float(one.events) for one in series)
    places = [one.month for one in series]
    return Picture(
        ident,
        title,
        sentence,
        unit,
        tuple((f"{month:%b}", f"{month:%Y}") for month in places),
        values(seen),
        values(segments.expected or nothing),
        values(segments.counterfactual or nothing),
        sum(month < found.plan.change for month in places),
        sum(month < found.plan.after for month in places),
    )


def shape_of(what: Picture, narrow: bool) -> Shape:
    """320 units wide with 13 unit letters, or 720 with 16, as every chart here."""
    width, height, font = (320, 330, 13) if narrow else (720, 420, 16)
    reach = [value for line in (what.observed, what.fitted, what.expected) for value in line if value is not None]
    _, high, step = ticks(0, max(reach, default=1) or 1)
    left = round(max(len(tick_words(value, step)) for value in (0, high)) * font * 0.6) + 12
    bottom = height - round(font * (2.6 + 1.5 * (4 if narrow else 2)))
    return Shape(width, height, font, left, round(font * 3.4), width - 8, bottom, len(what.labels), high, step)


def drawing(what: Picture, *, narrow: bool = False) -> Markup:
    """One SVG element, labelled by its title and its sentence."""
    shape = shape_of(what, narrow)
    parts = [
        *_phase_in(what, shape),
        *_values(what, shape),
        *_months(what, shape),
        *_change(what, shape),
        *_line(what.expected, shape, what.change, TARGET, "8 4"),
        *_line(what.fitted, shape, what.change, LINE, "none"),
        *_dots(what, shape),
        *_legend(what, shape, narrow),
    ]
    return labelled(what.ident, what.title, what.sentence, parts, shape, narrow=narrow)


def _values(what: Picture, shape: Shape) -> Iterator[str]:
    yield text(what.unit[:1].upper() + what.unit[1:], 0, shape.font, font_weight="bold")
    for place in range(round(shape.high / shape.step) + 1):
        shown = place * shape.step
        height = shape.y(shown)
        yield stroke(shape.left, height, shape.right, height, INK if place == 0 else GRID, 1)
        yield text(tick_words(shown, shape.step), shape.left - 6, height + shape.font * 0.35, "end")


def _months(what: Picture, shape: Shape) -> Iterator[str]:
    room = max(1, floor((shape.right - shape.left) / (shape.font * 5.4)))
    step = next((size for size in STEPS if shape.number / size <= room), STEPS[-1])
    for place in range(0, shape.number, step):
        x, (month, year) = shape.x(place), what.labels[place]
        yield stroke(x, shape.bottom, x, shape.bottom + 6, INK, 1)
        yield text(month, x, shape.bottom + 6 + shape.font, "middle")
        yield text(year, x, shape.bottom + 6 + shape.font * 2, "middle")


def _change(what: Picture, shape: Shape) -> Iterator[str]:
    """A dotted line before the first month of the programme; none where it is not within the series."""
    if 0 < what.change < shape.number:
        x = shape.x(what.change - 0.5)
        yield stroke(x, shape.top, x, shape.bottom, INK, 1.5, stroke_dasharray="2 3", class_="hat-chart__change")
        late = what.change > shape.number / 2
        yield text("change", x - 4 if late else x + 4, shape.top - 4, "end" if late else "start", font_weight="bold")


def _phase_in(what: Picture, shape: Shape) -> Iterator[str]:
    if 0 < what.change < what.after <= shape.number:
        begin, end = shape.x(what.change - 0.5), shape.x(min(what.after, shape.number) - 0.5)
        yield element(
            "rect", x=begin, y=float(shape.top), width=end - begin, height=float(shape.bottom - shape.top), fill=GRID
        )


def _line(values: Sequence[float | None], shape: Shape, change: int, colour: str, dashes: str) -> Iterator[str]:
    """One polyline for each unbroken run; a run ends before the change, where the level may jump."""
    run: list[str] = []
    for place, value in enumerate((*values, None)):
        if (value is None or place == change) and len(run) > 1:
            yield element(
                "polyline", points=" ".join(run), fill="none", stroke=colour, stroke_width=3, stroke_dasharray=dashes
            )
        run = [] if value is None or place == change else run
        if value is not None:
            run.append(f"{shape.x(place):.2f},{shape.y(value):.2f}")


def _dots(what: Picture, shape: Shape) -> Iterator[str]:
    for place, value in enumerate(what.observed):
        if value is not None:
            words = f"{' '.join(what.labels[place])}: {value:.2f}"
            hollow = what.change <= place < what.after
            yield dot(shape.x(place), shape.y(value), shape.font / 4.5, hollow, words)


def _items(what: Picture) -> Iterator[tuple[str, str]]:
    yield "dot", "observed"
    if any(value is not None for value in what.fitted):
        yield "line", "fitted"
        yield "expected", "expected without the change"
    if what.after > what.change:
        yield "phase", "phase-in"


def _legend(what: Picture, shape: Shape, narrow: bool) -> Iterator[str]:
    wide = [shape.font * (2.9 + 0.55 * len(words)) for _, words in _items(what)]
    lines: list[list[tuple[str, str, float]]] = [[]]
    x = 2.0
    for (sign, words), size in zip(_items(what), wide, strict=True):
        if lines[-1] and (x + size > shape.width or narrow):
            lines.append([])
            x = 2.0
        lines[-1].append((sign, words, x))
        x += size
    for place, items in enumerate(lines):
        y = shape.bottom + shape.font * (3.9 + 1.5 * place)
        for sign, words, begin in items:
            yield _sign(sign, begin, y - shape.font * 0.35, shape.font)
            yield text(words, begin + shape.font * 1.9, y)


def _sign(sign: str, x: float, y: float, font: int) -> str:
    wide = font * 1.5
    if sign == "dot":
        return dot(x + wide / 2, y, font / 4.5, False)
    if sign == "phase":
        return element("rect", x=x, y=y - font / 2, width=wide, height=float(font), fill=GRID)
    colour, dashes = (LINE, "none") if sign == "line" else (TARGET, "8 4")
    return stroke(x, y, x + wide, y, colour, 3, stroke_dasharray=dashes)
