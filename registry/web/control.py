"""What is on a control chart, for whoever draws one: a trust's own exact figures, or protected ones for everybody.

Pure. Which chart a series can bear is decided where the series is known; `registry.web.control_drawing` makes the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from registry.statistics.control_charts import RuleSet, Signal, Variation

RULES = RuleSet.MDC7
EVENTS_FROM = 3
"""With fewer events a period a control chart of the rate would mislead."""
SPREAD_OF_ADMISSIONS = 0.25
"""Where the bottom of the fraction stays this near its mean, XmR stands; else each point has limits of its own."""
NOT_ENOUGH = "not enough data"


@dataclass(frozen=True, slots=True)
class Mark:
    """One point. `value` None: a gap, `words` says why. `high`: on which side a signal lies. `open_still`: it may change, and is in no limit.

    `begins` says why a new phase begins with it, where one does: the points before are not in its limits.
    """

    label: str
    value: float | None
    words: str = ""
    signal: Signal = Signal.COMMON
    high: bool | None = None
    open_still: bool = False
    centre: float | None = None
    lower: float | None = None
    upper: float | None = None
    begins: str = ""

    @property
    def special(self) -> bool:
        return self.signal is not Signal.COMMON


@dataclass(frozen=True, slots=True)
class Control:
    """A control chart, or a line where there is not enough data. `kind` is its name, `sentence` what it says in words."""

    ident: str
    title: str
    unit: str
    kind: str
    marks: tuple[Mark, ...]
    sentence: str
    icon: Variation | None = None
    note: str = ""
    decimals: int = 2
    axis_from: float = 0

    @property
    def phases(self) -> tuple[tuple[str, str], ...]:
        """A letter for each new phase, and why it begins."""
        words = [f"{mark.label}: {mark.begins}" for mark in self.marks if mark.begins]
        return tuple((chr(ord("A") + place), each) for place, each in enumerate(words))

    @property
    def enough(self) -> bool:
        return any(mark.upper is not None for mark in self.marks)

    def number(self, value: float | None) -> str:
        return "" if value is None else f"{value:,.{self.decimals}f}"


SAID = {
    Signal.ASTRONOMICAL: "it lies outside the {side} limit",
    Signal.TREND: f"it is one of {RULES.run} or more {{periods}} in a row that {{move}}",
    Signal.TWO_OF_THREE: "it is one of two in three {periods} near the {side} limit",
    Signal.SHIFT: f"it is one of {RULES.run} or more {{periods}} in a row {{where}} the mean",
}


def last_final(marks: Sequence[Mark]) -> Mark | None:
    """The last point that has a value and may no longer change."""
    return next((mark for mark in reversed(marks) if mark.value is not None and not mark.open_still), None)


def variation_words(marks: Sequence[Mark], icon: Variation | None, period: str = "month") -> str:
    """What the last point shows, in a sentence; nothing where there are no limits."""
    last = last_final(marks)
    if icon is None or last is None:
        return ""
    if not last.special:
        return f"It varies as it always does: nothing about this {period} needs a cause of its own."
    words = SAID[last.signal].format(
        side="upper" if last.high else "lower",
        move="rise" if last.high else "fall",
        where="above" if last.high else "below",
        periods=f"{period}s",
    )
    return f"This is more than chance: {words}. Look for what changed, in care or in how cases are found."


def rules_words() -> str:
    """The set of rules by its name, and what it holds: printed on the chart."""
    return (
        f"Limits and signals by the rules of Making Data Count ({RULES.value}): a point outside a limit, {RULES.run} in a row on one side of "
        f"the mean, {RULES.run} in a row rising or falling, two of three near a limit."
    )
