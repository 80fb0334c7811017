"""An evaluation of a series as people read it: sentences, tables with every count, the picture, the rows of a download."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from registry.statistics.estimate import Estimate
from registry.statistics.evaluation import Evaluation, Observed, Side, interval
from registry.web.evaluation.asking import phase_words
from registry.web.evaluation.drawing import Picture, drawing, picture
from registry.web.evaluation.saying import Line, limits, line, number, ratio_sentence, short, six

if TYPE_CHECKING:
    from registry.statistics.interrupted import Change

PER = 1000

NO_LIMITS = "not of rounded counts"


@dataclass(frozen=True, slots=True)
class PeriodRow:
    name: str
    months: str
    events: str
    population: str
    rate: str
    limits: str
    contributors: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change of level or of slope with its three errors: the logarithm to ten decimals, ratios to six."""

    what: str
    log_ratio: str
    ratio: str
    errors: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class SeriesRow:
    month: str
    place: str
    events: str
    population: str
    observed: str
    fitted: str
    expected: str
    note: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An evaluation of a series ready for a page. `events` and `population` name what is counted."""

    ident: str
    title: str
    events: str
    population: str
    found: Evaluation
    per: int = PER

    @property
    def unit(self) -> str:
        return f"per {self.per:,} {self.population}"

    @property
    def sentence(self) -> str:
        return ratio_sentence(self.found.contrasts[0])

    @property
    def regression(self) -> str:
        """What the segmented regression says, or why there is none."""
        segments = self.found.segments
        if segments.level is None:
            return f"There is no segmented regression. {self.found.refusal}"
        level, method = self._quoted(segments.level)
        said = [f"Just after the change the rate was {short(level.value)} times what was expected without it "
                f"(95% interval {limits(level, short)}, {method})."]  # fmt: skip
        if segments.slope is not None:
            slope, _ = self._quoted(segments.slope)
            said.append(
                f"From then on it changed by a factor of {slope.value or 0:.4f} a month more than before "
                f"(95% interval {limits(slope, lambda value: f'{value:.4f}')})."
            )
        last = next(
            (at for at in reversed(range(len(segments.expected))) if segments.counterfactual[at] is not None), None
        )
        if last is not None:
            fitted, expected = (
                self._rate(last, segments.expected[last]),
                self._rate(last, segments.counterfactual[last]),
            )
            said.append(
                f"In {self.found.series[last].month:%B %Y} it was {fitted} {self.unit} as fitted, and {expected} would have been "
                "expected without the change."
            )
        return " ".join(said)

    def _quoted(self, change: "Change") -> tuple[Estimate, str]:
        """What the sentence quotes: quasi-Poisson limits; Poisson's where months lie closer to the line than chance would have them, since
        chance alone must not make an interval narrower."""
        calm = self.found.segments.dispersion is not None and self.found.segments.dispersion < 1
        return (interval(change, change.poisson_error), "Poisson") if calm else (change.ratio, "quasi-Poisson")

    def _rate(self, at: int, events: float | None) -> str:
        people = self.found.series[at].population
        return "" if events is None or not people else f"{self.per * events / people:.3f}"

    @property
    def picture(self) -> Picture:
        words = f"{self.sentence} {self.regression}"
        return picture(self.ident, self.title, words, self.unit, self.found, self.per)

    @property
    def wide(self) -> Markup:
        return drawing(self.picture)

    @property
    def narrow(self) -> Markup:
        return drawing(self.picture, narrow=True)

    @property
    def periods(self) -> list[PeriodRow]:
        return [self._period("Before", self.found.before), self._period("After", self.found.after)]

    def _period(self, name: str, side: Side) -> PeriodRow:
        months = f"{len(side.months)}"
        if side.months:
            months += f" ({side.months[0]:%b %Y} to {side.months[-1]:%b %Y})"
        known = side.contributors
        who = "" if not known else f"{min(known)}" if min(known) == max(known) else f"{min(known)} to {max(known)}"
        if side.hidden:
            return PeriodRow(name, months, "too few to show", number(side.population), "–", "", who)
        found = side.rate
        shown = f"{found.value:.6f}" if found.value is not None else str(found.reason.value if found.reason else "–")
        between = (
            limits(found, lambda value: f"{value:.6f}") if found.lower is not None else NO_LIMITS if side.cells else ""
        )
        return PeriodRow(name, months, f"{side.events:,}", number(side.population), shown, between, who)

    @property
    def contributors(self) -> bool:
        return any(row.contributors for row in self.periods)

    @property
    def lines(self) -> list[Line]:
        return [line("Ratio of the rates", each) for each in self.found.contrasts]

    @property
    def rounding(self) -> list[str]:
        """What the rounding of the counts does to the ratio; empty where they are exact."""
        found = self.found.rounding
        if found is None:
            return []
        before, after = self.found.before, self.found.after
        said = [
            f"The counts are sums of cells that were each rounded at random to a multiple of 5: {before.cells:,} cells before and "
            f"{after.cells:,} after.",
            f"Rounding moves the sum before by {found.deviation[0]:.0f} as a standard deviation and by {found.most[0]:,} at the very most, the sum after "
            f"by {found.deviation[1]:.0f} and {found.most[1]:,}. The interval above is widened for it; that of exact counts would be narrower.",
        ]
        if found.least_ratio is not None and found.most_ratio is not None and not (before.hidden or after.hidden):
            said.append(
                f"If every cell had been moved by 4 in the direction that changes the ratio most, it would lie between {short(found.least_ratio)} "
                f"and {short(found.most_ratio)}; so much cannot come about by chance."
            )
        return said

    @property
    def changes(self) -> list[ChangeRow]:
        found = self.found.segments
        rows = []
        for what, change in (("Change of level", found.level), ("Change of slope, a month", found.slope)):
            if change is not None:
                rows.append(ChangeRow(what, f"{change.log_ratio:.10f}", six(change.ratio.value), _errors(change)))
        return rows

    @property
    def fit(self) -> list[tuple[str, str]]:
        """How well the regression fits, and what was declared."""
        found, plan = self.found.segments, self.found.plan
        rows = [
            ("Change", f"{plan.change:%B %Y}"),
            ("Phase-in", phase_words(plan.change, plan.phase_in) if plan.phase_in else "none"),
            ("Season", ("not modelled", "one wave a year", "two waves a year")[plan.harmonics]),
        ]
        if found.level is not None:
            rows += [
                ("Months fitted", f"{sum(each is not None for each in found.expected)}"),
                ("Dispersion (Pearson chi-square over its degrees of freedom)", six(found.dispersion)),
                ("Durbin-Watson (near 2 without autocorrelation)", short(found.durbin_watson)),
            ]
        return rows

    @property
    def left_out(self) -> list[str]:
        """Which months are in no calculation, and why."""
        reasons: dict[str, list[date]] = {}
        for one in self.found.series:
            if one.left_out:
                reasons.setdefault(one.left_out, []).append(one.month)
        return [f"{why}: {_some(months)}" for why, months in reasons.items()]

    @property
    def rows(self) -> list[SeriesRow]:
        """Every month, the earliest first."""
        segments = self.found.segments
        return [
            SeriesRow(
                f"{one.month:%B %Y}",
                self.found.plan.place(one.month),
                _events(one),
                number(one.population),
                "" if one.left_out or one.hidden else self._rate(at, float(one.events)),
                self._rate(at, segments.expected[at] if segments.expected else None),
                self._rate(at, segments.counterfactual[at] if segments.counterfactual else None),
                one.left_out,
            )
            for at, one in enumerate(self.found.series)
        ]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows of a download: month, counts, place in the plan, and the expected events."""
        segments = self.found.segments
        return [
            {
                "month": f"{one.month:%Y-%m}",
                "period": self.found.plan.place(one.month),
                "events": "[low]" if one.hidden else one.events,
                "population": one.population,
                "left_out": one.left_out,
                "fitted_events": _digits(segments.expected[at] if segments.expected else None),
                "expected_without_change": _digits(segments.counterfactual[at] if segments.counterfactual else None),
            }
            for at, one in enumerate(self.found.series)
        ]


COLUMNS = ("month", "period", "events", "population", "left_out", "fitted_events", "expected_without_change")


def _events(one: Observed) -> str:
    if one.hidden and not one.left_out:
        return "fewer than 10" if one.cells == 1 else "too few to show"
    return "" if one.left_out and not one.events else f"{one.events:,}"


def _digits(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _errors(change: "Change") -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (name, f"{error:.10f}", limits(interval(change, error), six))
        for name, error in (
            ("Poisson", change.poisson_error),
            ("quasi-Poisson", change.quasi_error),
            ("HAC (Newey-West, lag 3)", change.robust_error),
        )
    )


def _some(months: Sequence[date]) -> str:
    words = [f"{month:%b %Y}" for month in months]
    return ", ".join(words) if len(words) <= 6 else f"{', '.join(words[:3])} … {words[-1]} ({len(words)} months)"
