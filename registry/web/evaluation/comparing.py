"""Two periods, a published claim and two sources as people read them: every count, every method by name."""

from dataclasses import dataclass

from registry.statistics.ascertainment import Ascertainment, two_sources
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
from registry.statistics.rates import INVESTIGATED_FLOOR, Share, rate, share_with_bounds
from registry.web.evaluation.asking import Claim, Part, Rates, Sources
from registry.web.evaluation.saying import Line, limits, line, probability, ratio_sentence, short, six

PER = 1000


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
                    "–" if equal else f"{found.value:.6f}", "" if equal else limits(found, six),
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


@dataclass(frozen=True, slots=True)
class SourcesShown:
    """Chapman's number of cases from two linked sources, and what it takes for granted."""

    given: Sources

    @property
    def found(self) -> Ascertainment:
        return two_sources(self.given.first, self.given.second, self.given.both)

    @property
    def sentence(self) -> str:
        found = self.found
        if found.cases.value is None or found.first is None:
            return "Nothing can be said: no case is in both sources."
        return (
            f"There are at least about {found.cases.value:,.0f} cases (95% interval {found.cases.lower:,.0f} to {found.cases.upper:,.0f}); "
            f"the first source has {found.first:.1%} of them."
        )

    @property
    def rows(self) -> list[tuple[str, str]]:
        found = self.found
        if found.cases.value is None or found.first is None or found.second is None or found.error is None:
            return []
        return [
            ("Seen in either source", f"{self.given.first + self.given.second - self.given.both:,}"),
            ("Chapman's number of cases", f"{found.cases.value:.3f}"),
            ("95% limits (transformed logit, Sadinle)", f"{found.cases.lower:.2f} to {found.cases.upper:.2f}"),
            ("Standard error (Chapman's variance)", f"{found.error:.3f}"),
            ("Ascertainment of the first source", f"{found.first:.1%}"),
            ("Ascertainment of the second source", f"{found.second:.1%}"),
        ]
