"""Control charts of protected figures: which chart a series can bear, its phases, and the sentence that says what it shows.

Sources: statistics.md 2 and 6.3 item 5. Fewer than 13 final periods in a phase are a line only. A series in which some counts are too few to
show has no limits at all: to leave these out would lift its mean. With a steady bottom of the fraction XmR and the rules of Making Data
Count; else a u chart of a rate, a p chart of a share, each widened where the periods vary by more than chance.

The rounding is in the limits. XmR takes its limits from the moving ranges of the rounded figures, which hold the rounding's variance of 4
for each cell already; to the limits of u and p charts, which are worked out from the counts, it is added: both are wider by
sqrt((mean + 4k)/mean) than those of exact counts, and the chart says by how much.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from math import sqrt

from registry.measures import Measure
from registry.statistics.control_charts import (
    POINTS_FROM,
    Assurance,
    Direction,
    Limits,
    Ratios,
    Signal,
    Variation,
    assurance,
    p_chart,
    u_chart,
    variation,
    xmr,
)
from registry.statistics.estimate import Reason
from registry.statistics.public import CELL_VARIANCE
from registry.web.control import (
    EVENTS_FROM,
    NOT_ENOUGH,
    RULES,
    SPREAD_OF_ADMISSIONS,
    Control,
    Mark,
    last_final,
    rules_words,
    variation_words,
)
from registry.web.series import Line, absence

LATEST = 60
"""So many periods are on a chart at most."""
TOLD_FROM = 1.005
"""A widening below this is not told."""
DIRECTIONS = {
    "risk-assessment": Direction.HIGHER_IS_BETTER,
    "preventable-share": Direction.LOWER_IS_BETTER,
    "returns-received": Direction.HIGHER_IS_BETTER,
    "returns-late": Direction.LOWER_IS_BETTER,
}
"""All others have no good direction: who looks better finds more."""


def chart(
    measure: Measure,
    area: str,
    lines: Sequence[Line],
    *,
    cells: int,
    joined: Mapping[date, str],
    period: str = "month",
) -> Control:
    """The control chart that these periods can bear. `joined` says when which organisation was merged into this one: a new phase begins."""
    shown = list(lines)[-LATEST:]
    scale = 100.0 if measure.percent else 1.0
    marks = _begun([_mark(line, scale) for line in shown], shown, joined)
    drawn, kind, icon, note, more = _limited(measure, shown, marks, cells, scale)
    sentence = " ".join(part for part in (_latest(measure, drawn), variation_words(drawn, icon, period), more) if part)
    return Control(
        f"control-{measure.ident}-{area}",
        measure.title,
        measure.unit,
        kind,
        tuple(drawn),
        sentence,
        icon,
        note,
        measure.decimals,
        _axis_from(drawn) if measure.target else 0,
    )


def _axis_from(marks: Sequence[Mark]) -> float:
    """Beside a target the axis begins at the ten below the lowest value or limit, at 80 at the most."""
    lowest = min((value for mark in marks for value in (mark.value, mark.lower) if value is not None), default=80.0)
    return min(80.0, max(0.0, lowest // 10 * 10))


def _mark(line: Line, scale: float) -> Mark:
    value = line.figure.estimate.value
    shown = None if value is None else scale * value
    return Mark(line.label, shown, "" if value is not None else absence(line), open_still=line.provisional)


def _begun(marks: Sequence[Mark], lines: Sequence[Line], joined: Mapping[date, str]) -> list[Mark]:
    """The first period that ends after each merger begins a phase; what was before all periods begins none."""
    made = list(marks)
    for on, words in sorted(joined.items()):
        place = next((place for place, line in enumerate(lines) if line.start >= on.replace(day=1)), None)
        if place:
            before = f"{made[place].begins}; " if made[place].begins else ""
            made[place] = replace(made[place], begins=before + words)
    return made


Made = tuple[list[Mark], str, Variation | None, str, str]


def _limited(measure: Measure, lines: Sequence[Line], marks: list[Mark], cells: int, scale: float) -> Made:
    """The marks with limits and signals, the name of the chart, its icon, note, and what the sentence says of the limits."""
    final = [place for place, line in enumerate(lines) if not line.provisional]
    why = _refusal([lines[place] for place in final], [marks[place] for place in final])
    if why:
        return marks, "Line", None, "", why
    known = [place for place in final if marks[place].value is not None]
    counts = {place: _fraction(lines[place]) for place in known}
    whole = [bottom for _, bottom in counts.values()]
    if all(counts.values()) and not _steady(whole):
        return _ratio(measure, final, marks, counts, cells, scale)
    return _xmr(measure, final, marks, _mean_top(counts), cells, scale)


def _refusal(lines: Sequence[Line], marks: Sequence[Mark]) -> str:
    """Why the final periods bear no limits, or nothing."""
    if any(line.figure.estimate.reason is Reason.FEW_EVENTS for line in lines):
        return "Some periods have fewer than 10 cases, which are not shown as numbers, so the series has no control limits."
    last = next((place for place in reversed(range(len(marks))) if marks[place].begins), 0)
    points = sum(mark.value is not None for mark in marks[last:])
    if points < POINTS_FROM and not last:
        return f"There is {NOT_ENOUGH} for control limits: {points} final of {POINTS_FROM} periods."
    numbers = [top for line in lines if (top := _fraction(line)[0])]
    if numbers and sum(numbers) / len(numbers) < EVENTS_FROM:
        return f"There are fewer than {EVENTS_FROM} events a period on average, so a control chart would mislead."
    return ""


def _fraction(line: Line) -> tuple[int, int]:
    """Top and bottom as they may be shown; (0, 0) where one may not."""
    top, bottom = line.figure.top.code, line.figure.bottom.code
    return (int(top), int(bottom)) if top.isdigit() and bottom.isdigit() else (0, 0)


def _steady(whole: Sequence[int]) -> bool:
    mean = sum(whole) / len(whole) if whole else 0
    return all(abs(each - mean) <= SPREAD_OF_ADMISSIONS * mean for each in whole)


def _mean_top(counts: Mapping[int, tuple[int, int]]) -> float:
    return sum(top for top, _ in counts.values()) / len(counts) if counts else 0.0


def widening(mean: float, cells: int) -> float:
    """By how much limits of counts with this mean are wider for the rounding of so many cells."""
    return sqrt((mean + CELL_VARIANCE * cells) / mean) if mean > 0 else 1.0


def widening_words(measure: Measure, mean: float, cells: int) -> str:
    """The label that says so; nothing where counts are exact, or the difference is too small to be seen."""
    by = 1.0 if measure.numbers else widening(mean, cells)
    if by < TOLD_FROM:
        return ""
    return f"Counts are rounded: the limits are about {by:.2f} times as wide as those of exact counts."


def _xmr(measure: Measure, final: Sequence[int], marks: list[Mark], mean: float, cells: int, scale: float) -> Made:
    starts = [place for place, index in enumerate(final) if marks[index].begins]
    made = xmr([marks[index].value for index in final], rebase=starts, rules=RULES)
    drawn = list(marks)
    for index, point in zip(final, made.points, strict=True):
        drawn[index] = _with_limits(marks[index], point.limits, point.signal, point.high)
    direction = DIRECTIONS.get(measure.ident, Direction.NEUTRAL)
    icon = variation(made, direction)
    target = assurance(made, measure.target[0] * scale, direction) if measure.target else None
    limits = made.points[-1].limits
    note = " ".join(part for part in (rules_words(), widening_words(measure, mean, cells)) if part)
    return drawn, "XmR chart", icon, note, _said(measure, limits, target)


def _with_limits(mark: Mark, limits: Limits, signal: Signal, high: bool | None) -> Mark:
    if limits.upper is None or limits.lower is None:
        return mark
    return replace(mark, signal=signal, high=high, centre=limits.centre, lower=limits.lower, upper=limits.upper)


def _ratio(
    measure: Measure,
    final: Sequence[int],
    marks: list[Mark],
    counts: Mapping[int, tuple[int, int]],
    cells: int,
    scale: float,
) -> Made:
    """u or p: phase by phase, limits of each period's own; only points outside them are signals."""
    drawn, corrected = list(marks), False
    per = scale if measure.percent else 1000.0
    begins = [place for place, index in enumerate(final) if marks[index].begins]
    for first, last in pairwise([0, *begins, len(final)]):
        phase = final[first:last]
        if sum(index in counts for index in phase) < POINTS_FROM:
            continue
        made = _ratios(measure, [counts.get(index, (0, 0)) for index in phase])
        corrected = corrected or made.corrected
        mean = _mean_top({index: counts[index] for index in phase if index in counts})
        by = 1.0 if measure.numbers else widening(mean, cells)
        for index, limits in zip(phase, _limits(made, by, per), strict=True):
            if limits is not None:
                side = _outside(marks[index].value, limits)
                drawn[index] = _with_limits(
                    marks[index], limits, Signal.COMMON if side is None else Signal.ASTRONOMICAL, side
                )
    name = ("p" if measure.percent else "u") + ("′" if corrected else "")
    note = (
        f"The number of {measure.headings[1].lower()} varies by more than a quarter, so each period has limits of its own; only points "
        "outside them are marked."
    )
    words = widening_words(measure, _mean_top(counts), cells)
    return drawn, f"{name} chart", _icon(measure, drawn), f"{note} {words}".strip(), ""


def _ratios(measure: Measure, counts: Sequence[tuple[int, int]]) -> Ratios:
    tops, bottoms = [top for top, _ in counts], [bottom for _, bottom in counts]
    if measure.percent and all(top <= bottom for top, bottom in counts):
        return p_chart(tops, bottoms)
    return u_chart(tops, bottoms)


def _limits(made: Ratios, by: float, per: float) -> list[Limits | None]:
    """The limits of each period, moved outwards for the rounding."""
    centre = made.centre
    found: list[Limits | None] = []
    for upper in made.upper:
        if centre is None or upper is None:
            found.append(None)
        else:
            width = (upper - centre) * by
            found.append(Limits(per * centre, max(0.0, per * (centre - width)), per * (centre + width)))
    return found


def _outside(value: float | None, limits: Limits) -> bool | None:
    if value is None or limits.lower is None or limits.upper is None:
        return None
    return True if value > limits.upper else False if value < limits.lower else None


def _icon(measure: Measure, marks: Sequence[Mark]) -> Variation | None:
    last = last_final(marks)
    if last is None or last.upper is None:
        return None
    if not last.special:
        return Variation.COMMON
    direction = DIRECTIONS.get(measure.ident, Direction.NEUTRAL)
    if direction is Direction.NEUTRAL:
        return Variation.NEUTRAL_HIGH if last.high else Variation.NEUTRAL_LOW
    better = last.high == (direction is Direction.HIGHER_IS_BETTER)
    return Variation.IMPROVEMENT if better else Variation.CONCERN


def _value(measure: Measure, value: float) -> str:
    return f"{value:.{measure.decimals}f}%" if measure.percent else f"{value:,.{measure.decimals}f}"


def _latest(measure: Measure, marks: Sequence[Mark]) -> str:
    last = last_final(marks)
    if last is None or last.value is None:
        return "There is no final figure yet."
    return f"In {last.label} it was {_value(measure, last.value)} {measure.unit.removeprefix('% ')}."


ASSURED = {
    Assurance.PASS: "As things are, the target is reached every time.",
    Assurance.FAIL: "As things are, the target is not reached: something has to change for it.",
    Assurance.HIT_AND_MISS: "As things are, the target is now reached, now missed, by chance.",
}


def _said(measure: Measure, limits: Limits, target: Assurance | None) -> str:
    if limits.centre is None or limits.lower is None or limits.upper is None:
        return "The phase since the merger has too few final periods for limits of its own."
    low = _value(measure, max(0.0, limits.lower))
    high = min(100.0, limits.upper) if measure.percent else limits.upper
    said = f"The mean is {_value(measure, limits.centre)}; as things are, expect {low} to {_value(measure, high)}."
    return f"{said} {ASSURED[target]}" if target else said
