"""Control charts of a trust's own figures: which chart a series can bear, what its points show, and the sentence that says it.

Which one (statistics.md 2): fewer than 13 final months are a line only. With 3 events a month or more and admissions within a quarter of
their mean, XmR with the rules of Making Data Count; where admissions vary more, a u chart, widened where the months vary by more than
chance. With fewer events the days between them say more: a t chart, or a g chart where two fell on one day.

The HAT rate has no good direction: who looks better finds more. So its signals are called high or low, never better or worse. More
days between potentially preventable cases are better.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from registry.publications.aggregates import Exact
from registry.publications.cells import TrustMonth
from registry.statistics.control_charts import (
    POINTS_FROM,
    T_POWER,
    Direction,
    Limits,
    Signal,
    Variation,
    g_chart,
    t_chart,
    u_chart,
    variation,
    xmr,
)
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
from registry.web.moments import said_day

LATEST = 60
"""So many months are on a chart at most."""


# --- a rate by month


@dataclass(frozen=True, slots=True)
class Monthly:
    """One month of a series: events and admissions, where it enters the rate."""

    month: date
    enters: bool
    provisional: bool
    events: int
    population: int

    @property
    def value(self) -> float | None:
        return 1000 * self.events / self.population if self.enters and self.population else None


def monthly(rows: Sequence[TrustMonth], exact: Sequence[Exact], *, overnight: bool) -> list[Monthly]:
    """The months of a trust as a series of the one rate or the other, in order of time."""
    both = sorted(zip(rows, exact, strict=True), key=lambda pair: pair[0].month)
    return [
        Monthly(
            row.month,
            row.enters,
            row.provisional,
            one.overnight_cases if overnight else one.cases,
            row.overnight if overnight else row.admissions,
        )
        for row, one in both
    ][-LATEST:]


def rate_chart(ident: str, title: str, unit: str, months: Sequence[Monthly]) -> Control:
    """The chart that a monthly rate can bear."""
    final = [each for each in months if not each.provisional]
    known = [each for each in final if each.value is not None]
    mean = sum(each.events for each in known) / len(known) if known else 0.0
    if len(known) < POINTS_FROM or mean < EVENTS_FROM:
        return _line(ident, title, unit, months, len(known))
    if _steady(known):
        return _xmr(ident, title, unit, months, final)
    return _u(ident, title, unit, months, final)


def _steady(known: Sequence[Monthly]) -> bool:
    mean = sum(each.population for each in known) / len(known)
    return all(abs(each.population - mean) <= SPREAD_OF_ADMISSIONS * mean for each in known)


def _mark(each: Monthly) -> Mark:
    why = "nobody was admitted" if each.enters else "not in the rate: no complete return"
    why = "" if each.value is not None else why
    return Mark(f"{each.month:%B %Y}", each.value, why, open_still=each.provisional)


def _shown(mark: Mark, signal: Signal, high: bool | None, limits: Limits) -> Mark:
    return replace(mark, signal=signal, high=high, centre=limits.centre, lower=limits.lower, upper=limits.upper)


def _line(ident: str, title: str, unit: str, months: Sequence[Monthly], points: int) -> Control:
    if points < POINTS_FROM:
        why = f"There is {NOT_ENOUGH} for control limits: {points} final {_plural(points, 'month')} of {POINTS_FROM}."
    else:
        why = (
            f"There are fewer than {EVENTS_FROM} cases a month on average, so a control chart of the rate would mislead. The days "
            "between cases say more."
        )
    sentence = " ".join(part for part in (_latest(months, unit), why) if part)
    return Control(ident, title, unit, "Line", tuple(_mark(each) for each in months), sentence)


def _xmr(ident: str, title: str, unit: str, months: Sequence[Monthly], final: Sequence[Monthly]) -> Control:
    chart = xmr([each.value for each in final], rules=RULES)
    limits = chart.points[-1].limits
    drawn = [
        _shown(_mark(each), point.signal, point.high, limits) for each, point in zip(final, chart.points, strict=True)
    ]
    drawn += [_mark(each) for each in months if each.provisional]
    icon = variation(chart, Direction.NEUTRAL)
    sentence = f"{_latest(months, unit)} {variation_words(drawn, icon)} {_within(limits, unit)}"
    return Control(ident, title, unit, "XmR chart", tuple(drawn), sentence, icon, rules_words())


def _u(ident: str, title: str, unit: str, months: Sequence[Monthly], final: Sequence[Monthly]) -> Control:
    counted = [(each.events, each.population) if each.enters else (0, 0) for each in final]
    ratios = u_chart([events for events, _ in counted], [population for _, population in counted])
    centre = 1000 * (ratios.centre or 0)
    drawn = []
    for each, low, high in zip(final, ratios.lower, ratios.upper, strict=True):
        lower, upper = (None if limit is None else 1000 * limit for limit in (low, high))
        side = _outside(each.value, lower, upper)
        signal = Signal.COMMON if side is None else Signal.ASTRONOMICAL
        drawn.append(_shown(_mark(each), signal, side, Limits(centre, lower, upper)))
    drawn += [_mark(each) for each in months if each.provisional]
    icon = _icon(drawn)
    kind = "u' chart" if ratios.corrected else "u chart"
    sentence = f"{_latest(months, unit)} {variation_words(drawn, icon)} The mean is {centre:.2f}; the limits follow the number of admissions."
    note = "Admissions vary by more than a quarter, so each month has limits of its own; only points outside them are marked."
    return Control(ident, title, unit, kind, tuple(drawn), sentence, icon, note)


def _outside(value: float | None, lower: float | None, upper: float | None) -> bool | None:
    if value is None or lower is None or upper is None:
        return None
    return True if value > upper else False if value < lower else None


def _icon(drawn: Sequence[Mark]) -> Variation | None:
    last = last_final(drawn)
    if last is None or last.upper is None:
        return None
    return Variation.COMMON if not last.special else Variation.NEUTRAL_HIGH if last.high else Variation.NEUTRAL_LOW


def _latest(months: Sequence[Monthly], unit: str) -> str:
    last = next((each for each in reversed(months) if each.value is not None and not each.provisional), None)
    if last is None or last.value is None:
        return "No month is final and in the rate yet."
    return f"In {last.month:%B %Y}, the last final month, there were {last.value:.2f} cases {unit}."


def _within(limits: Limits, unit: str) -> str:
    assert limits.lower is not None
    assert limits.upper is not None
    return f"The mean is {limits.centre:.2f}; as things are, expect {max(0.0, limits.lower):.2f} to {limits.upper:.2f} cases {unit} in a month."


def _plural(number: int, one: str) -> str:
    return one if number == 1 else f"{one}s"


# --- days between rare events


def gaps_chart(ident: str, title: str, what: str, days: Sequence[date], on: date) -> Control:
    """The days between events, in order of time, as at a day. `what` names the events: "potentially preventable cases"."""
    gaps = [(after - before).days for before, after in pairwise(days)]
    since = (on - days[-1]).days if days else None
    unit = f"days between {what}"
    known = _since(what, days, since)
    if len(gaps) < POINTS_FROM:
        why = f"There is {NOT_ENOUGH} for a control chart: {len(days)} of {POINTS_FROM + 1} {what}."
        marks = tuple(Mark(said_day(day), float(gap)) for day, gap in zip(days[1:], gaps, strict=True))
        return Control(ident, title, unit, "Line", marks, f"{known} {why}".strip(), decimals=0)
    limits = t_chart(gaps) if min(gaps) > 0 else g_chart(gaps)
    assert limits is not None
    assert since is not None
    marks, icon = _gap_marks(days, gaps, limits)
    open_mark = Mark(
        f"since {said_day(days[-1])}", float(since), open_still=True, centre=limits.centre, upper=limits.upper
    )
    kind = "t chart" if min(gaps) > 0 else "g chart"
    sentence = f"{known} {_gap_words(icon, limits, since)}"
    note = "More days between are better. The last, hollow point is still growing and in no limit. Reviews come later than cases, so the last gaps may still be divided."
    return Control(ident, title, unit, kind, (*marks, open_mark), sentence, icon, note, 0)


def _gap_marks(days: Sequence[date], gaps: Sequence[int], limits: Limits) -> tuple[tuple[Mark, ...], Variation | None]:
    """Signals on the scale on which the gaps are near normal; of a g chart only points outside its upper limit."""
    if min(gaps) > 0:
        chart = xmr([gap ** (1 / T_POWER) for gap in gaps], rules=RULES)
        shown = [(point.signal, point.high) for point in chart.points]
        icon = variation(chart, Direction.HIGHER_IS_BETTER)
    else:
        shown = [(Signal.ASTRONOMICAL, True) if gap > (limits.upper or 0) else (Signal.COMMON, None) for gap in gaps]
        icon = Variation.IMPROVEMENT if shown[-1][1] else Variation.COMMON
    marks = tuple(
        _shown(Mark(said_day(day), float(gap)), signal, high, limits)
        for day, gap, (signal, high) in zip(days[1:], gaps, shown, strict=True)
    )
    return marks, icon


def _since(what: str, days: Sequence[date], since: int | None) -> str:
    if since is None:
        return f"There are no {what} in this time."
    return f"{len(days)} {what} in this time; the last was diagnosed {since:,} {_plural(since, 'day')} ago."


def _gap_words(icon: Variation | None, limits: Limits, since: int) -> str:
    usual = f"Half of them came within about {limits.centre:.0f} days of the one before."
    if limits.upper is not None and since > limits.upper:
        return f"{usual} The time since the last is longer than chance would give: an improvement, if all cases were reviewed."
    if icon is Variation.CONCERN:
        return f"{usual} They come closer together than chance would give: look for what changed."
    if icon is Variation.IMPROVEMENT:
        return f"{usual} They come further apart than chance would give: an improvement, if all cases were reviewed."
    return f"{usual} They come as they always did: nothing needs a cause of its own."
