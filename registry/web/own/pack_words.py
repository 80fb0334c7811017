"""The sentences of a committee pack: the rate with its limits, the preventable share with its bounds, what was done and what is overdue.

Plain words for people who were not there; no patient, no case number. Every figure is exact and the trust's own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from registry.cases.own_figures import Themes
from registry.cases.own_work import ActionCounts, StateWork
from registry.cases.periods import Period
from registry.publications.aggregates import Exact
from registry.statistics.contrasts import rate_ratio
from registry.statistics.estimate import Estimate
from registry.statistics.rates import rate
from registry.submissions.due import Month
from registry.web.own.present import joined, percent


@dataclass(frozen=True, slots=True)
class Summed:
    """The months of a period that enter the rate, together; and those of it that do not, or that may still change."""

    period: Period
    cases: int
    admissions: int
    overnight_cases: int
    overnight_admissions: int
    inside: tuple[date, ...]
    outside: tuple[date, ...]
    provisional: tuple[date, ...]
    held_outside: int
    pending: int

    @property
    def rate(self) -> Estimate:
        return rate(self.cases, self.admissions)

    @property
    def overnight_rate(self) -> Estimate:
        return rate(self.overnight_cases, self.overnight_admissions)


def summed(months: Iterable[Exact], period: Period) -> Summed:
    """The months of a period together, provisional ones too: a committee meets before they are final."""
    held = [each for each in months if period.holds(each.start)]
    inside = [each for each in held if each.months]
    return Summed(
        period=period,
        cases=sum(each.cases for each in inside),
        admissions=sum(each.admissions for each in inside),
        overnight_cases=sum(each.overnight_cases for each in inside),
        overnight_admissions=sum(each.overnight_admissions for each in inside),
        inside=tuple(each.start for each in inside),
        outside=tuple(each for each in period.months if each not in {one.start for one in inside}),
        provisional=tuple(each.start for each in inside if each.provisional),
        held_outside=sum(each.held for each in held if not each.months),
        pending=sum(each.pending for each in held),
    )


# --- the rate


def of_rate(now: Summed, earlier: Summed, nation: str) -> list[str]:
    """The rate of a period, what it leaves out, and the same period a year before."""
    said = [_rate(now), *_left_out(now)]
    if now.inside:
        said += [*_overnight(now), *_against(now, earlier)]
    if nation:
        said.append(nation)
    return said


def _rate(now: Summed) -> str:
    estimate = now.rate
    if estimate.value is None:
        return f"There is no rate for {now.period.words} yet: no month of it has its admissions and a complete return."
    return (
        f"In {now.period.words} there {_were(now.cases, 'hospital-associated thrombosis (HAT)', 'hospital-associated thromboses (HAT)')} "
        f"among {now.admissions:,} admissions: {estimate.value:.2f} per 1,000 admissions{_limits(estimate)}."
    )


def _overnight(now: Summed) -> list[str]:
    estimate = now.overnight_rate
    if estimate.value is None:
        return []
    return [
        f"{now.overnight_cases:,} of these followed a stay of one night or more, among {now.overnight_admissions:,} such "
        f"admissions: {estimate.value:.2f} per 1,000{_limits(estimate)}."
    ]


def _left_out(now: Summed) -> list[str]:
    said = []
    if now.outside and now.inside:
        held = (
            f"; {now.held_outside:,} cases of {'it' if len(now.outside) == 1 else 'them'} are in no rate"
            if now.held_outside
            else ""
        )
        said.append(f"Without {_months(now.outside)}, of which no complete return has been counted{held}.")
    if now.provisional:
        said.append(
            f"{_months(now.provisional)} {'is' if len(now.provisional) == 1 else 'are'} provisional: cases may still arrive and the "
            "numbers may change."
        )
    if now.pending:
        said.append(
            f"{_were(now.pending, 'case', 'cases', begin=True)} attributed to this organisation and not answered, or disputed, and "
            f"{'is' if now.pending == 1 else 'are'} not counted here."
        )
    return said


def _against(now: Summed, earlier: Summed) -> list[str]:
    then = earlier.rate
    if then.value is None or not now.admissions:
        return []
    said = f"In {earlier.period.words} it was {then.value:.2f} per 1,000{_limits(then)}."
    contrast = rate_ratio(earlier.cases, earlier.admissions, now.cases, now.admissions).estimate
    if contrast.lower is None or contrast.upper is None or (contrast.lower <= 1 <= contrast.upper):
        return [f"{said} The difference is no more than chance may have made."]
    return [
        f"{said} The difference is more than chance is likely to have made; how cases are looked for may have made it."
    ]


# --- reviews


def of_reviews(found: Themes, floor: float) -> list[str]:
    """How many cases were reviewed, and the potentially preventable share with its bounds."""
    if not found.cases:
        return ["No case of this period stands in the trust's own records."]
    share = found.share(floor)
    said = [
        f"{found.reviewed:,} of {found.cases:,} cases that this organisation reported for the period have a complete review "
        f"({percent(found.reviewed / found.cases)})."
    ]
    estimate = share.share
    if estimate.value is not None:
        said.append(
            f"{_were(found.preventable, 'of these', 'of these', begin=True)} potentially preventable: {percent(estimate.value)}"
            f"{_share_limits(estimate)}."
        )
    elif found.reviewed:
        said.append(
            f"That is less than {percent(floor)}, so no share of preventable cases is given; {found.preventable:,} of the reviewed "
            "were found potentially preventable."
        )
    if share.least is not None and found.reviewed < found.cases:
        said.append(
            f"If none of the others were preventable, or all of them, the share of all cases would be {percent(share.least)} or "
            f"{percent(share.most)}."
        )
    if found.cases_with_missed_doses:
        said.append(
            f"In {found.cases_with_missed_doses:,} {_one(found.cases_with_missed_doses, 'case', 'cases')} doses were missed avoidably, "
            f"{found.missed_doses:,} in all."
        )
    return said


# --- actions and what is overdue


def of_actions(found: ActionCounts, period: Period) -> list[str]:
    """The actions in numbers."""
    if not (found.open or found.done or found.made):
        return ["No action is recorded."]
    return [
        f"{_were(found.made, 'action', 'actions', begin=True)} begun in {period.words} and {found.done:,} done.",
        f"{_are(found.open, 'action', 'actions')} open now, {found.overdue:,} of {'it' if found.open == 1 else 'them'} overdue."
        if found.open
        else "No action is open now.",
    ]


def of_overdue(work: Sequence[StateWork], late: Sequence[Month], unreviewed: int, period: Period) -> list[str]:
    """What is overdue today: work on cases, returns; and the reviews of the period that are not complete."""
    said = [
        f"{each.state.words[:1].upper() + each.state.words[1:]}: {each.open:,} {_one(each.open, 'case', 'cases')}, {each.overdue:,} overdue."
        for each in work
        if each.overdue
    ]
    if late:
        said.append(f"The return of {joined([f'{each.month:%B %Y}' for each in late])} is overdue.")
    if unreviewed:
        said.append(
            f"{unreviewed:,} {_one(unreviewed, 'case', 'cases')} of {period.words} {_one(unreviewed, 'has', 'have')} no complete review yet."
        )
    return said or ["Nothing is overdue."]


# --- words


def _months(months: Sequence[date]) -> str:
    return joined([f"{each:%B %Y}" for each in months])


def _one(number: int, one: str, more: str) -> str:
    return one if number == 1 else more


def _were(number: int, one: str, more: str, *, begin: bool = False) -> str:
    """`were 12 cases`; at the beginning of a sentence `12 cases were`."""
    counted = f"{number:,} {_one(number, one, more)}"
    verb = _one(number, "was", "were")
    return f"{counted} {verb}" if begin else f"{verb} {counted}"


def _are(number: int, one: str, more: str) -> str:
    return f"{number:,} {_one(number, one, more)} {_one(number, 'is', 'are')}"


def _limits(estimate: Estimate) -> str:
    return "" if estimate.lower is None else f" (95% limits {estimate.lower:.2f} to {estimate.upper:.2f})"


def _share_limits(estimate: Estimate) -> str:
    return "" if estimate.lower is None else f" (95% limits {percent(estimate.lower)} to {percent(estimate.upper)})"
