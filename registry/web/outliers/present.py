"""How case mix and outliers are said to people: ratios with their limits, verdicts, due days, the funnel."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from markupsafe import Markup

from registry.publications.case_mix import PLOTTED_FROM, Mix
from registry.publications.outlier_cycles import FALSE_ALARMS, FALSE_ALERTS, Limits, Spread
from registry.publications.outlier_cycles import limits as limits_at
from registry.publications.outlier_policy import Adopted
from registry.publications.outlier_states import State
from registry.publications.outliers import Line
from registry.statistics.estimate import Estimate
from registry.statistics.funnels import Scale
from registry.statistics.public_funnels import Band
from registry.web.funnel_drawing import Funnel, Spot, drawing
from registry.web.trust.present import said_day

VERDICTS = {
    "within": ("Within the limits", "grey"),
    "alert": ("Alert", "yellow"),
    "alarm": ("Alarm", "red"),
    "cannot_assess": ("Cannot be assessed", "blue"),
}
SIDES = {"low": "fewer than expected", "high": "more than expected"}
NOT_WITH_EACH_OTHER = (
    "Each ratio has weights of its own: it compares with 1 only. Two organisations cannot be compared by their ratios, and there is no order "
    "of rank in them."
)
READ_LOW = (
    "A low ratio is read first as cases that were not found. Who begins to look better goes up, and is no worse for it; a high ratio is read "
    "beside how well cases are looked for."
)


def year_words(start: date) -> str:
    return f"April {start.year} to March {start.year + 1}"


def year_code(start: date) -> str:
    """`2024-25`, as it stands in an address."""
    return f"{start.year}-{(start.year + 1) % 100:02d}"


def year_of(code: str, among: Sequence[date]) -> date | None:
    """The year that an address names, among those that there are; the first where it names none."""
    return next((each for each in among if not code or year_code(each) == code), None)


def number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def between(found: Estimate) -> str:
    return "" if found.lower is None or found.upper is None else f"{found.lower:.3f} to {found.upper:.3f}"


def verdict_words(verdict: str, side: str | None) -> str:
    return f"{VERDICTS[verdict][0]}{f', {SIDES[side]}' if side else ''}"


def multiplicity(judged: int) -> str:
    """How many are flagged though nothing differs."""
    return (
        f"If nothing differed between {judged} organisations, {judged * FALSE_ALERTS:.2f} of them would be beyond the 95% limits and "
        f"{judged * FALSE_ALARMS:.2f} beyond the 99.8% limits by chance alone."
    )


@dataclass(frozen=True, slots=True)
class MixRow:
    """One organisation's case mix as words."""

    mix: Mix

    @property
    def name(self) -> str:
        return self.mix.year.organisation.name

    @property
    def basis(self) -> str:
        if self.mix.basis is None:
            return f"not standardised: {self.mix.why}"
        return f"by {self.mix.basis}{f' only: {self.mix.why}' if self.mix.why else ''}"

    @property
    def expected(self) -> str:
        return number(self.mix.expected, 2)

    @property
    def ratio(self) -> str:
        if self.mix.expected is not None and not self.mix.plotted:
            return "fewer than 1 expected: not given"
        found = self.mix.ratio()
        return number(found.value) if found.value is not None else (found.reason.value if found.reason else "–")

    @property
    def limits(self) -> str:
        return between(self.mix.ratio()) if self.mix.plotted else ""

    @property
    def wide(self) -> str:
        return between(self.mix.ratio(0.998)) if self.mix.plotted else ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A funnel ready for a page."""

    funnel: Funnel

    @property
    def wide(self) -> Markup:
        return drawing(self.funnel)

    @property
    def narrow(self) -> Markup:
        return drawing(self.funnel, narrow=True)


def funnel(ident: str, title: str, mixes: Iterable[Mix], by: Spread, asked_for: int | None = None) -> Drawn | None:
    """Observed over expected beside the expected count; who has fewer than one expected is not on it."""
    plotted = [one for one in mixes if one.plotted and one.expected is not None]
    if not plotted:
        return None
    spots = tuple(
        Spot(
            one.year.organisation.name,
            one.expected or 0,
            one.observed / (one.expected or 1),
            f"{one.year.organisation.name}: {one.observed} observed, {one.expected:.1f} expected",
            one.year.organisation.id == asked_for,
        )
        for one in plotted
    )
    outside = sum(_outside(one, by) for one in plotted)
    sentence = f"{outside} of {len(plotted)} organisations lie beyond the 95% limits. Limits: {by.words}."
    return Drawn(
        Funnel(
            ident, title, sentence, "observed over expected", "Expected cases", 1.0, spots, lambda size: band(size, by)
        )
    )


def _outside(one: Mix, by: Spread) -> bool:
    assert one.expected is not None
    found, ratio = limits_at(one.expected, by), one.observed / one.expected
    return not found.alert_low <= ratio <= found.alert_high


def band(expected: float, by: Spread) -> Band | None:
    """The limits as the drawing asks for them; none where fewer than one is expected."""
    if expected < PLOTTED_FROM:
        return None
    found = limits_at(expected, by)
    return Band(found.alarm_low, found.alert_low, found.alert_high, found.alarm_high)


def spread_of(scale: str | None, phi: float | None, tau2: float | None, compared: int) -> Spread:
    """What a cycle's limits were made by, as it was kept."""
    return Spread(compared, Scale(scale) if scale else None, phi, tau2)


# --- the worklist


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the worklist. Exact counts are for those who may read aggregates; the ratio and its limits for all who see it."""

    line: Line
    adopted: Adopted
    on: date

    @property
    def due(self) -> date | None:
        return self.line.due(self.adopted)

    @property
    def overdue(self) -> bool:
        return self.due is not None and self.due < self.on

    @property
    def due_words(self) -> str:
        return "" if self.due is None else said_day(self.due)

    @property
    def state(self) -> str:
        return self.line.state.words if self.line.state else ""

    @property
    def verdict(self) -> str:
        return verdict_words(self.line.verdict, self.line.side)

    @property
    def tag(self) -> dict[str, Any]:
        words, colour = VERDICTS[self.line.verdict]
        return {"text": words, "classes": f"nhsuk-tag--{colour}"}

    @property
    def side(self) -> str:
        return SIDES[self.line.side] if self.line.side else ""

    @property
    def ratio(self) -> str:
        return number(self.line.ratio, 2)

    @property
    def next_words(self) -> str:
        stage = self.line.next_stage(self.adopted)
        return State(stage.state).words if stage else ""

    @property
    def tell(self) -> tuple[str, ...]:
        stage = self.line.next_stage(self.adopted)
        return stage.tell if stage else ()


def ordered(rows: Iterable[Row]) -> list[Row]:
    """Overdue first, then by the day on which it is due, then by name."""
    return sorted(rows, key=lambda row: (not row.overdue, row.due or date.max, row.line.name))


def limit_words(found: Limits | None, digits: int = 3) -> list[tuple[str, str]]:
    """The four limits as words, the lowest first. They tell the expected count, so whoever reads no exact one gets fewer digits."""
    if found is None:
        return []
    names = ("Alarm below", "Alert below", "Alert above", "Alarm above")
    return [(name, f"{getattr(found, field):.{digits}f}") for name, field in zip(names, Limits.__slots__, strict=True)]
