"""How numbers and methods of an evaluation are said: to nine decimals where another calculation is to be held against them."""

from dataclasses import dataclass
from typing import Any

from registry.statistics.contrasts import Contrast
from registry.statistics.estimate import Estimate


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


def six(value: float | None) -> str:
    """To six decimals."""
    return "–" if value is None else f"{value:.6f}"
