"""How a trust's own figures are said to people: charts with their tables, shares with their bounds, codes in words, periods to choose."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from registry.cases.own_figures import NOT_RECORDED, Dimension
from registry.cases.periods import Period, Span, containing, parsed
from registry.errors import NotFound
from registry.measures import HAT_RATE, HAT_RATE_OVERNIGHT
from registry.publications import aggregates
from registry.publications.cells import TrustMonth
from registry.statistics.estimate import Estimate
from registry.statistics.rates import Share
from registry.web.control import Control
from registry.web.own.control import monthly, rate_chart
from schemas.codelist import CodeList
from schemas.codes import AdmissionGroup, MainSpecialty

SETTLED_AFTER = timedelta(days=120)
"""A page begins with the financial year in which cases can have arrived and been reviewed."""
YEARS = 12


def control_chart(rows: list[TrustMonth], *, overnight: bool) -> Control:
    """The control chart of one of the two rates over a trust's months."""
    measure = HAT_RATE_OVERNIGHT if overnight else HAT_RATE
    months = monthly(rows, aggregates.months(rows), overnight=overnight)
    return rate_chart(measure.ident, measure.title, measure.unit, months)


# --- periods


def period_of(code: str, on: date) -> Period:
    """The period that an address names; without one the financial year of four months ago. NotFound for anything else."""
    if not code:
        return containing(on - SETTLED_AFTER, Span.FINANCIAL_YEAR)
    try:
        return parsed(code)
    except ValueError:
        raise NotFound from None


def choices(chosen: Period, on: date) -> list[tuple[str, list[Period]]]:
    """The periods to choose among, by kind; the chosen one is among them."""
    kinds = (
        (
            "Financial year",
            [
                Period(date(containing(on, Span.FINANCIAL_YEAR).first.year - place, 4, 1), Span.FINANCIAL_YEAR)
                for place in range(YEARS)
            ],
        ),
        ("Calendar year", [Period(date(on.year - place, 1, 1), Span.CALENDAR_YEAR) for place in range(YEARS)]),
    )
    if any(chosen in found for _, found in kinds):
        return list(kinds)
    return [("Chosen", [chosen]), *kinds]


# --- numbers in words


def percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def share_words(share: Share) -> str:
    """`30% (15% to 52%)`; too few reviewed: `between 24% and 44%`; nothing to divide by: a dash."""
    estimate = share.share
    if estimate.value is not None:
        return f"{percent(estimate.value)}{interval(estimate)}"
    if share.least is None:
        return "–"
    return f"between {percent(share.least)} and {percent(share.most)}"


def interval(estimate: Estimate) -> str:
    """The limits of a share in brackets, after a blank."""
    return "" if estimate.lower is None else f" ({percent(estimate.lower)} to {percent(estimate.upper)})"


# --- codes in words

_LISTS: Mapping[Dimension, type[CodeList]] = {
    Dimension.SPECIALTY: MainSpecialty,
    Dimension.GROUP: AdmissionGroup,
}
TITLES = {
    Dimension.SITE: "Site",
    Dimension.SPECIALTY: "Main specialty",
    Dimension.GROUP: "Group of the admission",
    Dimension.WARD: "Ward",
}


def value_words(dimension: Dimension, value: str | None) -> str:
    """A site, specialty, group or ward as people read it."""
    if value is None or value == NOT_RECORDED:
        return "Not recorded"
    known = _LISTS.get(dimension)
    return code_words(known, value) if known else value


def code_words(codes: type[CodeList], value: str) -> str:
    """The words of a code; a code that the list does not hold stands for itself."""
    return codes(value).words if value in set(codes) else value


def counted(found: Mapping[str, int], codes: type[CodeList], of: int) -> list[tuple[str, int, str]]:
    """Counts by code as lines: words, number, share of `of`."""
    return [(code_words(codes, code), number, percent(number / of if of else None)) for code, number in found.items()]


def joined(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
