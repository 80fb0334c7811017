"""The picture of a funnel, in SVG: each trust by its size and its rate, and the limits within which chance would put it.

As in `registry.web.drawing` there is a wide and a narrow drawing, with title and description and without colour that is needed to read it:
95% limits are dashed, 99.8% limits drawn through; the one trust that a reader asks for has a ring and its name.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from registry.statistics.public_funnels import Band
from registry.web.drawing import GRID, INK, dot, element, labelled, stroke, text, tick_words, ticks

LIMIT = "#4c6272"
RING = "#aa2b00"
STEPS = 60
"""Into so many pieces the limit lines are divided."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One trust: its size, its rate, and in words what stands there."""

    name: str
    size: float
    value: float
    words: str
    asked_for: bool = False


@dataclass(frozen=True, slots=True)
class Funnel:
    """What is drawn. `band` gives the limits at a size, in the unit of the values; `centre` is the rate of all together."""

    ident: str
    title: str
    sentence: str
    unit: str
    across: str
    centre: float
    spots: tuple[Spot, ...]
    band: Callable[[float], Band | None]


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
    widest: float
    across_step: float
    high: float
    step: float

    def x(self, size: float) -> float:
        return self.left + min(1.0, size / self.widest) * (self.right - self.left)

    def y(self, value: float) -> float:
        return self.bottom - min(1.0, max(0.0, value / self.high)) * (self.bottom - self.top)


def shape_of(funnel: Funnel, narrow: bool) -> Shape:
    """320 units wide with 13 unit letters, or 720 with 16; both axes begin at nought."""
    _, widest, across_step = ticks(0, max((spot.size for spot in funnel.spots), default=1.0))
    _, high, step = ticks(0, 1.05 * max([spot.value for spot in funnel.spots] + [1.6 * funnel.centre]))
    width, height, font = (320, 330, 13) if narrow else (720, 440, 16)
    left = round(len(tick_words(high, step)) * font * 0.6) + 12
    bottom = height - round(font * (7.2 if narrow else 5.6))
    return Shape(
        width, height, font, left, round(font * 2.2), width - round(font * 1.6), bottom, widest, across_step, high, step
    )


def drawing(funnel: Funnel, *, narrow: bool = False) -> Markup:
    """The funnel as one SVG element, labelled by its title and its sentence."""
    shape = shape_of(funnel, narrow)
    parts = [
        *value_axis(funnel, shape),
        *size_axis(funnel, shape, narrow),
        *limit_lines(funnel, shape),
        *spots(funnel, shape),
        *legend(shape, any(spot.asked_for for spot in funnel.spots)),
    ]
    return labelled(funnel.ident, funnel.title, funnel.sentence, parts, shape, narrow=narrow)


def value_axis(funnel: Funnel, shape: Shape) -> Iterator[str]:
    yield text(funnel.unit[:1].upper() + funnel.unit[1:], 0, shape.font, font_weight="bold")
    for place in range(round(shape.high / shape.step) + 1):
        height = shape.y(place * shape.step)
        yield stroke(shape.left, height, shape.right, height, INK if place == 0 else GRID, 1)
        yield text(tick_words(place * shape.step, shape.step), shape.left - 6, height + shape.font * 0.35, "end")


def size_axis(funnel: Funnel, shape: Shape, narrow: bool) -> Iterator[str]:
    steps = round(shape.widest / shape.across_step)
    for place in range(0, steps + 1, 2 if narrow else 1):
        x = shape.x(place * shape.across_step)
        yield stroke(x, shape.bottom, x, shape.bottom + 6, INK, 1)
        yield text(
            tick_words(place * shape.across_step, shape.across_step),
            x,
            shape.bottom + 6 + shape.font,
            "end" if place == steps else "middle",
        )
    yield text(funnel.across, shape.right, shape.bottom + 6 + shape.font * 2.3, "end", font_weight="bold")


def limit_lines(funnel: Funnel, shape: Shape) -> Iterator[str]:
    """The rate of all, and the four limits, from the size at which they are on the drawing."""
    y = shape.y(funnel.centre)
    yield stroke(shape.left, y, shape.right, y, LIMIT, 1.5)
    sizes = [shape.widest * (place + 0.5) / STEPS for place in range(STEPS)]
    bands = [(size, band) for size in sizes if (band := funnel.band(size)) is not None]
    for name, dashes in (("lowest", "none"), ("low", "6 4"), ("high", "6 4"), ("highest", "none")):
        for (a, before), (b, after) in pairwise(bands):
            here, there = getattr(before, name), getattr(after, name)
            if 0 < here <= shape.high and 0 < there <= shape.high:
                yield stroke(shape.x(a), shape.y(here), shape.x(b), shape.y(there), LIMIT, 1.5, stroke_dasharray=dashes)


def spots(funnel: Funnel, shape: Shape) -> Iterator[str]:
    """The trust that was asked for last, so that nothing hides it."""
    for spot in sorted(funnel.spots, key=lambda each: each.asked_for):
        x, y = shape.x(spot.size), shape.y(spot.value)
        yield dot(x, y, shape.font / 4, spot.asked_for, spot.words)
        if spot.asked_for:
            yield element("circle", cx=x, cy=y, r=shape.font * 0.6, fill="none", stroke=RING, stroke_width=2.5)
            anchor = "end" if x > (shape.left + shape.right) / 2 else "start"
            off = -shape.font if anchor == "end" else shape.font
            halo = {"stroke": "#ffffff", "stroke_width": 5, "paint_order": "stroke"}
            yield text(spot.name, x + off, y - shape.font * 0.7, anchor, font_weight="bold", **halo)


def legend(shape: Shape, ringed: bool) -> Iterator[str]:
    items = [("dot", "a trust"), ("dashed", "95% limits"), ("line", "99.8% limits")]
    items += [("ring", "the trust you chose")] if ringed else []
    x, y = 2.0, shape.bottom + shape.font * 4.4
    for sign, words in items:
        wide = shape.font * (2.6 + 0.55 * len(words))
        if x + wide > shape.width:
            x, y = 2.0, y + shape.font * 1.5
        yield from _sign(sign, x, y - shape.font * 0.35, shape.font)
        yield text(words, x + shape.font * 1.9, y)
        x += wide


def _sign(sign: str, x: float, y: float, font: int) -> Iterator[str]:
    middle = x + font * 0.75
    if sign == "dot":
        yield dot(middle, y, font / 4, hollow=False)
    elif sign == "ring":
        yield dot(middle, y, font / 4, hollow=True)
        yield element("circle", cx=middle, cy=y, r=font * 0.6, fill="none", stroke=RING, stroke_width=2.5)
    else:
        yield stroke(x, y, x + font * 1.5, y, LIMIT, 1.5, stroke_dasharray="6 4" if sign == "dashed" else "none")
