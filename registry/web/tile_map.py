"""A map of the NHS regions of England and of Wales as tiles, drawn here: each where it lies, all of one size, with its figure.

A link is named by what stands on it. Tiles of one size say what a map of areas hides: a region counts by its people and not by its fields. Each tile is a link; its figure, and
whether its interval lies above or below the nation's figure, stand on it in words and signs, so that no colour is needed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from registry.web.drawing import INK, LINE, element, text

PLACES: dict[str, tuple[int, int]] = {
    "Y62": (1, 0),
    "Y63": (2, 0),
    "W92000004": (0, 1),
    "Y60": (1, 1),
    "Y61": (2, 1),
    "Y58": (0, 2),
    "Y59": (1, 2),
    "Y56": (2, 2),
}
"""Column and row of each region: North West, North East and Yorkshire; Wales, Midlands, East of England; South West, South East, London."""
SIGNS = {"above": "▲", "below": "▼", "": ""}
FILLS = {"above": "#d2e3f3", "below": "#ffffff", "": "#f0f4f5"}
LETTERS_OF_LINE = 15


@dataclass(frozen=True, slots=True)
class Tile:
    """One region: where it leads, its figure as words, its interval, and on which side of the nation's figure that lies."""

    code: str
    name: str
    href: str
    value: str
    interval: str = ""
    side: str = ""


def drawing(ident: str, title: str, sentence: str, tiles: Sequence[Tile], *, narrow: bool = False) -> Markup:
    """The map as one SVG element; regions that it does not know stand in a row below."""
    width, font = (320, 13) if narrow else (720, 17)
    gap = 6
    side, high = (width - 2 * gap) / 3, (96 if narrow else 116)
    known = {tile.code: tile for tile in tiles if tile.code in PLACES}
    others = [tile for tile in tiles if tile.code not in PLACES]
    rows = 3 + (len(others) + 2) // 3
    name = f"{ident}-{'narrow' if narrow else 'wide'}"
    spots = [(tile, PLACES[code]) for code, tile in known.items()]
    spots += [(tile, (place % 3, 3 + place // 3)) for place, tile in enumerate(others)]
    parts = [
        element("title", str(escape(title)), id=f"{name}-title"),
        element("desc", str(escape(sentence)), id=f"{name}-desc"),
    ]
    parts += [
        _tile(tile, column * (side + gap), row * (high + gap), side, high, font, narrow)
        for tile, (column, row) in sorted(spots, key=lambda each: (each[1][1], each[1][0]))
    ]
    # markupsafe: every word from outside went through `escape` above or in `element`
    return Markup(  # noqa: S704
        element(
            "svg",
            "".join(parts),
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {width} {round(rows * (high + gap))}",
            role="group",
            aria_labelledby=f"{name}-title {name}-desc",
            class_=f"hat-chart__{'narrow' if narrow else 'wide'} hat-map",
            font_family="Frutiger W01, Arial, sans-serif",
            font_size=font,
            fill=INK,
        )
    )


def _tile(tile: Tile, x: float, y: float, wide: float, high: float, font: int, narrow: bool) -> str:
    inside = element(
        "rect", x=x + 2, y=y + 2, width=wide - 4, height=high - 4, fill=FILLS[tile.side], stroke=LINE, stroke_width=2
    )
    inside += "".join(_words(tile, x + wide / 2, y, font, narrow))
    return element("a", inside, href=tile.href, class_="hat-map__tile")


def _words(tile: Tile, middle: float, y: float, font: int, narrow: bool) -> Iterator[str]:
    lines = _broken(tile.name) if narrow else [tile.name]
    for place, line in enumerate(lines):
        yield text(
            f"{line} ", middle, y + font * (1.7 + 1.15 * place), "middle", fill=LINE, text_decoration="underline"
        )
    shown = f"{tile.value} {SIGNS[tile.side]}".strip()
    large = round(font * (1.2 if len(tile.value) > 12 else 1.7)) if not narrow else font
    yield text(f"{shown} ", middle, y + font * (4.0 if narrow else 3.9), "middle", font_weight="bold", font_size=large)
    if tile.interval:
        small = font if not narrow else 12
        yield text(f"{tile.interval} ", middle, y + font * (5.4 if narrow else 5.6), "middle", font_size=small)


def _broken(name: str) -> list[str]:
    """The name in lines of a narrow tile, at most three."""
    lines: list[str] = []
    for word in name.split():
        if lines and len(lines[-1]) + 1 + len(word) <= LETTERS_OF_LINE:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines[:3]
