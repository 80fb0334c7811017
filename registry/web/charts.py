"""Charts over time: what is on one, the sentence that says the same, and the rows of the table beside it.

Pure: small frozen records in, words out. `registry.web.drawing` makes the picture of a `Chart`. A missing value has its reason in words
and is never a nought; a provisional value is never called the latest.
"""

import re
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Point:
    """One period. `value` and limits are raw (a share is 0 to 1); `absent` says in words why there is no value.

    `top` and `bottom` are the words of the counts behind the value, as they may be shown. `trusts` are in it, `of` so many that take part;
    of `assessable` ones it can be told how well they look for their cases. `bare` says why a value has no limits.
    """

    start: date
    label: str
    value: float | None
    lower: float | None = None
    upper: float | None = None
    provisional: bool = False
    trusts: int | None = None
    top: str = ""
    bottom: str = ""
    absent: str = "not available"
    of: int | None = None
    assessable: int | None = None
    bare: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    value: float
    words: str


@dataclass(frozen=True, slots=True)
class Break:
    """A change of definition or a pause: values before and from `start` are not to be compared."""

    start: date
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A series over time. `subject` begins the sentence ("the HAT rate"); `unit` follows a value ("per 1,000 admissions").

    With `percent` values are shares and shown as percentages. `axis_from` is where the vertical axis begins, `axis_to` how
    far it reaches at least, in raw values.
    """

    ident: str
    title: str
    subject: str
    unit: str
    points: tuple[Point, ...]
    percent: bool = False
    decimals: int = 2
    target: Target | None = None
    breaks: tuple[Break, ...] = ()
    axis_from: float = 0
    axis_to: float | None = None
    interval: str = "95% interval"
    headings: tuple[str, str] = ("Events", "Admissions")
    contributors: tuple[str, str] = ("trust", "trusts")

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", self.ident):
            raise ValueError("the ident of a chart is small letters, digits and hyphens")
        starts = [point.start for point in self.points]
        if starts != sorted(set(starts)):
            raise ValueError("the points of a chart are in order of time, one for each period")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table beside the chart, as words."""

    period: str
    value: str
    interval: str
    top: str
    bottom: str
    trusts: str
    status: str


def number(chart: Chart, value: float) -> str:
    """A value as it is shown: the only place where it is rounded."""
    return f"{value * 100:.{chart.decimals}f}%" if chart.percent else f"{value:,.{chart.decimals}f}"


def limits(chart: Chart, point: Point) -> str:
    """`1.35 to 1.49`, or nothing."""
    if point.lower is None or point.upper is None:
        return ""
    return f"{number(chart, point.lower)} to {number(chart, point.upper)}"


def columns(chart: Chart) -> tuple[str, ...]:
    """The headings of the table, in the order of the fields of `Row`."""
    return (
        "Period",
        chart.unit[:1].upper() + chart.unit[1:],
        chart.interval,
        *chart.headings,
        chart.contributors[1].capitalize(),
        "Status",
    )


def rows(chart: Chart) -> tuple[Row, ...]:
    """The whole content of the drawing as a table: every period, blanks with their reason."""
    return tuple(
        Row(
            point.label,
            number(chart, point.value) if point.value is not None else point.absent,
            limits(chart, point) or (point.bare if point.value is not None else ""),
            point.top,
            point.bottom,
            trusts_words(point),
            "provisional" if point.provisional else "final",
        )
        for point in chart.points
    )


def trusts_words(point: Point) -> str:
    """`71`, or `71 of 84` where it is known how many take part."""
    if point.trusts is None:
        return ""
    return f"{point.trusts:,}" if point.of is None else f"{point.trusts:,} of {point.of:,}"


def assessable_words(point: Point) -> str:
    """Of how many of the trusts in it case finding can be assessed."""
    if point.assessable is None or not point.trusts:
        return "cannot be assessed"
    return f"{point.assessable:,} of {point.trusts:,}" if point.assessable else "cannot be assessed"


def notes(chart: Chart) -> tuple[str, ...]:
    """What the letters on the drawing mean."""
    return tuple(f"{letter}: {mark.words}" for letter, mark in lettered(chart))


def lettered(chart: Chart) -> list[tuple[str, Break]]:
    """The breaks in order of time, each with its letter."""
    return [
        (chr(ord("A") + place), mark) for place, mark in enumerate(sorted(chart.breaks, key=lambda mark: mark.start))
    ]


def sentence(chart: Chart) -> str:
    """The latest final value in plain words, with its interval, the number of trusts, the target, and a year earlier where comparable."""
    final = [point for point in chart.points if point.value is not None and not point.provisional]
    if not final:
        return _nothing(chart)
    latest = final[-1]
    return " ".join(part for part in (_latest(chart, latest), _against(chart, latest), _earlier(chart, final)) if part)


def _nothing(chart: Chart) -> str:
    """Why no period can be said: none is final, or those that are have a reason each."""
    why = dict.fromkeys(point.absent for point in reversed(chart.points) if not point.provisional)
    if not why:
        return f"There is no final figure for {chart.subject} yet."
    return f"There is no final figure for {chart.subject} that could be shown here: {'; '.join(why)}."


def _latest(chart: Chart, point: Point) -> str:
    said = f"In {point.label} {chart.subject} was {measured(chart, point)}"
    between = f" ({chart.interval} {limits(chart, point)})" if limits(chart, point) else ""
    trusts = "" if point.trusts is None else f"; {point.trusts:,} {chart.contributors[point.trusts != 1]}"
    return f"{said}{between}{trusts}."


def measured(chart: Chart, point: Point) -> str:
    """The value of a point with its unit: `1.42 per 1,000 admissions`, `89.0% of admissions`."""
    return f"{number(chart, point.value or 0)} {chart.unit.removeprefix('% ')}".strip()


def _against(chart: Chart, point: Point) -> str:
    if chart.target is None or point.value is None:
        return ""
    return f"{chart.target.words} was {'reached' if point.value >= chart.target.value else 'not reached'}."


def _earlier(chart: Chart, final: list[Point]) -> str:
    latest = final[-1]
    then = [point for point in final if months(point.start) == months(latest.start) - 12]
    if not then or any(then[0].start < mark.start <= latest.start for mark in chart.breaks):
        return ""
    return f"In {then[0].label} it was {number(chart, then[0].value or 0)}."


def months(day: date) -> int:
    """Months since the year 0: the horizontal axis."""
    return day.year * 12 + day.month - 1
