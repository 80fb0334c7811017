"""An evaluation as people read it: sentences, tables with every count and the name of each method, the picture, the rows of a download."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from registry.statistics.claims import Checked, check_ratio
from registry.statistics.contrasts import (
    Contrast,
    odds_ratio,
    rate_ratio,
    risk_ratio,
    share_difference,
    share_tests,
    wald_rate_ratio,
)
from registry.statistics.estimate import Estimate
from registry.statistics.evaluation import Evaluation, Observed, Side, interval
from registry.statistics.rates import INVESTIGATED_FLOOR, Share, rate, share_with_bounds
from registry.web.evaluation.asking import Claim, Part, Rates, phase_words
from registry.web.evaluation.drawing import Picture, drawing, picture

if TYPE_CHECKING:
    from registry.statistics.interrupted import Change

PER = 1000

# --- numbers


def nine(value: float | None) -> str:
    """To nine decimals, so that another calculation can be held against it."""
    return "–" if value is None else f"{value:.9f}"


def probability(p: float | None) -> str:
    """To nine decimals; below a millionth with seven digits and a power of ten."""
    return "" if p is None else f"{p:.9f}" if p >= 1e-6 else f"{p:.6e}"


def short(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def limits(found: Estimate, of: Any = nine) -> str:
    """`0.576 to 0.867`; one limit alone where there is only one; else why there are none."""
    if found.lower is not None and found.upper is not None:
        return f"{of(found.lower)} to {of(found.upper)}"
    if found.lower is not None:
        return f"from {of(found.lower)}"
    return found.reason.value if found.reason else "no limits"


def number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


@dataclass(frozen=True, slots=True)
class Line:
    """One method of a table: its result, interval and p, to nine decimals."""

    method: str
    what: str
    value: str
    limits: str
    p: str


def line(what: str, found: Contrast) -> Line:
    value = found.estimate.value
    words = nine(value) if value is not None else str(found.estimate.reason.value if found.estimate.reason else "–")
    return Line(found.method, what, words, limits(found.estimate), probability(found.p))


def direction(ratio: float) -> str:
    """`29% lower`, `4% higher`, `the same`."""
    change = round(100 * (ratio - 1))
    return "the same" if not change else f"{abs(change)}% {'higher' if change > 0 else 'lower'}"


def ratio_sentence(found: Contrast, before: str = "before", after: str = "after") -> str:
    """The ratio in plain words, with its interval, its method and whether the interval holds 1."""
    estimate = found.estimate
    if estimate.value is None:
        why = estimate.reason.value if estimate.reason else "no figure"
        return f"There is no ratio of the rates {before} and {after}: {why}."
    said = (
        f"The rate {after} was {direction(estimate.value)} than {before}"
        if round(100 * (estimate.value - 1))
        else (f"The rate {after} was the same as {before}")
    )
    if estimate.lower is None or estimate.upper is None:
        return f"{said} (ratio {short(estimate.value)}; {limits(estimate, short)})."
    inside = estimate.lower <= 1 <= estimate.upper
    chance = "Chance alone may give such a difference." if inside else "The interval does not hold 1."
    return f"{said} (ratio {short(estimate.value)}, 95% interval {limits(estimate, short)}, {found.method}). {chance}"


# --- a series


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
        said = [f"Just after the change the rate was {short(segments.level.ratio.value)} times what was expected without it "
                f"(95% interval {limits(segments.level.ratio, short)}, quasi-Poisson)."]  # fmt: skip
        if segments.slope is not None:
            said.append(
                f"From then on it changed by a factor of {segments.slope.ratio.value or 0:.4f} a month more than before "
                f"(95% interval {limits(segments.slope.ratio, lambda value: f'{value:.4f}')})."
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
        between = limits(found, lambda value: f"{value:.6f}") if found.lower is not None else ""
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
                rows.append(ChangeRow(what, f"{change.log_ratio:.10f}", _six(change.ratio.value), _errors(change)))
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
                ("Dispersion (Pearson chi-square over its degrees of freedom)", _six(found.dispersion)),
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


def _six(value: float | None) -> str:
    return "–" if value is None else f"{value:.6f}"


def _digits(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _errors(change: "Change") -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (name, f"{error:.10f}", limits(interval(change, error), _six))
        for name, error in (
            ("Poisson", change.poisson_error),
            ("quasi-Poisson", change.quasi_error),
            ("HAC (Newey-West, lag 3)", change.robust_error),
        )
    )


def _some(months: Sequence[date]) -> str:
    words = [f"{month:%b %Y}" for month in months]
    return ", ".join(words) if len(words) <= 6 else f"{', '.join(words[:3])} … {words[-1]} ({len(words)} months)"


# --- two periods


@dataclass(frozen=True, slots=True)
class RatesShown:
    """Two rates compared. `equal`: their populations were taken as equal."""

    given: Rates
    names: tuple[str, str]
    per: int = PER

    @property
    def rows(self) -> list[tuple[str, str, str, str, str]]:
        both = ((self.given.before, self.given.population_before), (self.given.after, self.given.population_after))
        rows = []
        for name, (events, population) in zip(self.names, both, strict=True):
            found = rate(events, population)
            equal = self.given.equal or found.value is None
            rows.append(
                (
                    name, f"{events:,}", "taken as equal" if self.given.equal else f"{population:,}",
                    "–" if equal else f"{found.value:.6f}", "" if equal else limits(found, _six),
                )
            )  # fmt: skip
        return rows

    @property
    def contrasts(self) -> list[Contrast]:
        given = (self.given.before, self.given.population_before, self.given.after, self.given.population_after)
        found = [rate_ratio(*given), wald_rate_ratio(*given)]
        subset = self.given.before <= self.given.population_before and self.given.after <= self.given.population_after
        return [*found, risk_ratio(*given)] if subset and not self.given.equal else found

    @property
    def lines(self) -> list[Line]:
        return [line("Ratio of the rates", each) for each in self.contrasts]

    @property
    def sentence(self) -> str:
        return ratio_sentence(self.contrasts[0])


@dataclass(frozen=True, slots=True)
class SharesShown:
    """Two shares among investigated cases compared, with the bounds over all cases."""

    given: tuple[Part, Part]
    names: tuple[str, str]

    @property
    def shares(self) -> list[Share]:
        return [
            share_with_bounds(one.part, one.investigated - one.part, one.cases - one.investigated, 0)
            for one in self.given
        ]

    @property
    def rows(self) -> list[tuple[str, str, str, str, str, str]]:
        """Name, part of investigated, share with Wilson's limits, investigated of all, bounds over all."""
        rows = []
        for name, one, share in zip(self.names, self.given, self.shares, strict=True):
            value = share.share.value
            rows.append(
                (
                    name,
                    f"{one.part:,} of {one.investigated:,}",
                    "–" if value is None else f"{value:.1%}",
                    limits(share.share, lambda value: f"{value:.1%}") if value is not None else "",
                    "–"
                    if share.investigated is None
                    else f"{one.investigated:,} of {one.cases:,} ({share.investigated:.1%})",
                    _bounds(share),
                )
            )
        return rows

    @property
    def lines(self) -> list[Line]:
        one, other = self.given
        counts = (one.part, one.investigated, other.part, other.investigated)
        found = [
            line("Ratio of the shares", risk_ratio(*counts)),
            line("Odds ratio", odds_ratio(*counts)),
            line("Difference of the shares", share_difference(*counts)),
        ]
        return found + [
            Line(name, "Test of the shares", "", "", probability(p)) for name, p in share_tests(*counts).items()
        ]

    @property
    def bounded(self) -> bool:
        return any(one.cases > one.investigated for one in self.given)

    @property
    def sentence(self) -> str:
        """Whether the bounds over all cases overlap, and what that means."""
        known = [
            (share.least, share.most) for share in self.shares if share.least is not None and share.most is not None
        ]
        if len(known) < 2:
            return "In one of the periods there is no case, so the shares cannot be compared."
        if not self.bounded:
            return "Every case was investigated, so there is nothing for bounds to add."
        (low0, high0), (low1, high1) = known
        if low0 <= high1 and low1 <= high0:
            return (
                f"The bounds overlap ({_bounds(self.shares[0])} {self.names[0].lower()}, {_bounds(self.shares[1])} {self.names[1].lower()}): if the "
                "cases that were not investigated were otherwise than those that were, the share over all cases may not have changed at all."
            )
        return f"The bounds do not overlap ({_bounds(self.shares[0])} and {_bounds(self.shares[1])}): whatever the others were, the share changed."

    @property
    def floor(self) -> str:
        """A caution where too few were investigated for the share to be quoted."""
        short_of = [
            name for name, share in zip(self.names, self.shares, strict=True)
            if share.investigated is not None and share.investigated < INVESTIGATED_FLOOR
        ]  # fmt: skip
        if not short_of:
            return ""
        return (
            f"Fewer than {INVESTIGATED_FLOOR:.0%} of the cases were investigated ({', '.join(short_of).lower()}): quote the bounds there, not the share. "
            "The tests below compare investigated cases only."
        )


def _bounds(share: Share) -> str:
    return "–" if share.least is None or share.most is None else f"{100 * share.least:.1f}–{100 * share.most:.1f} %"


@dataclass(frozen=True, slots=True)
class ClaimShown:
    """A published ratio held against itself."""

    given: Claim

    @property
    def checked(self) -> Checked:
        given = self.given
        return check_ratio(given.ratio, lower=given.lower, upper=given.upper, p=given.p, events=given.events)

    @property
    def rows(self) -> list[tuple[str, str]]:
        found, rows = self.checked, []
        if found.centre is not None:
            rows.append(("Middle of the interval (geometric); it should be the ratio", f"{found.centre:.3f}"))
            rows.append(("p that the interval gives", f"{found.p_of_interval or 0:.3f}"))
        if found.interval_of_p is not None:
            rows.append(("95% interval that the p gives", limits(found.interval_of_p, short)))
        if found.least_error is not None and found.narrowest is not None:
            rows.append(("Smallest standard error that so many events allow", f"{found.least_error:.4f}"))
            rows.append(("Narrowest 95% interval from so many events", limits(found.narrowest, short)))
        return rows

    @property
    def sentence(self) -> str:
        found = self.checked
        if found.narrower_than_possible:
            return "The published interval is narrower than so many events allow, however they are split: no method of counts gives it."
        if found.centre is not None and abs(found.centre / self.given.ratio - 1) > 0.02:
            return "The published interval does not lie around the ratio on the log scale: the two were not made by the same usual method."
        return "Nothing here contradicts the published figures."
