"""The national measures, declared as data: words, cells of the publication grid, and how a figure is made of protected counts.

A measure is one entry of `MEASURES`; its page, its downloads and its definition are drawn from it. A figure is made of rounded cells
only, so nothing here can tell more than the cells do. The official figures are England's own publication and come as they are.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from registry.disclosure.grid import Count, Split
from registry.disclosure.protected import ProtectedCount, State, blank, total
from registry.statistics.estimate import Estimate, Reason, missing
from registry.statistics.public import public_rate, public_share_with_bounds
from registry.statistics.rates import INVESTIGATED_FLOOR

TOTAL = "total"
ENGLAND, WALES = "England", "Wales"


@dataclass(frozen=True, slots=True)
class CellKey:
    """What a cell counts, whatever its place and period."""

    quantity: Count
    split: str = TOTAL
    category: str = TOTAL


CASES, ADMISSIONS = CellKey(Count.HAT_CASES), CellKey(Count.ADMISSIONS)
OVERNIGHT_CASES, OVERNIGHT_ADMISSIONS = (CellKey(count, Split.STAY, "overnight") for count in Count)
PREVENTABLE, NOT_PREVENTABLE, NOT_INVESTIGATED = (
    CellKey(Count.HAT_CASES, Split.PREVENTABILITY, category)
    for category in ("preventable", "not_preventable", "not_investigated")
)


@dataclass(frozen=True, slots=True)
class Counts:
    """What is published about one place and period: protected cells, numbers that need no protection, and whether it may change.

    Below `investigated_floor` a share among investigated cases has its bounds only.
    """

    cells: Mapping[CellKey, ProtectedCount] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    provisional: bool = False
    investigated_floor: float = INVESTIGATED_FLOOR

    def cell(self, key: CellKey) -> ProtectedCount:
        """The cell; where it is absent, whatever the total is, and without a total no complete return."""
        found = self.cells.get(key) or self.cells.get(CellKey(key.quantity))
        return found if found is not None and (key in self.cells or found.rounded is None) else blank(State.NO_RETURN)


def together(parts: Iterable[Counts], add: Callable[[Iterable[ProtectedCount]], ProtectedCount] = total) -> Counts:
    """Several places (or, with `add=window`, several periods) as one: the sum of their rounded cells and of their numbers."""
    known = list(parts)
    keys = {key for each in known for key in each.cells}
    names = {name for each in known for name in each.numbers}
    return Counts(
        {key: add(each.cell(key) for each in known) for key in keys},
        {name: sum(each.numbers.get(name, 0) for each in known) for name in names},
        any(each.provisional for each in known),
        max((each.investigated_floor for each in known), default=INVESTIGATED_FLOOR),
    )


@dataclass(frozen=True, slots=True)
class Number:
    """One side of a figure: as people read it, and as an open data file holds it."""

    words: str
    code: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one place and period. `least`, `most` and `investigated` belong to shares among investigated cases."""

    estimate: Estimate
    top: Number
    bottom: Number
    least: float | None = None
    most: float | None = None
    investigated: float | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """`cells` are those of the grid that it is made of, `contributors` the number that says how many organisations did."""

    ident: str
    title: str
    subject: str
    unit: str
    definition: str
    numerator: str
    denominator: str
    exclusions: tuple[str, ...]
    limits: tuple[str, ...]
    revision: str
    source: str
    figure: Callable[[Counts], Figure]
    headings: tuple[str, str]
    cells: tuple[CellKey, ...] = ()
    numbers: tuple[str, ...] = ()
    contributors: str = "trusts"
    nations: tuple[str, ...] = (ENGLAND, WALES)
    percent: bool = False
    decimals: int = 2
    target: tuple[float, str] | None = None
    breaks: tuple[tuple[date, str], ...] = ()


def _number(count: ProtectedCount) -> Number:
    return Number(count.words, count.code)


def _rate(top: CellKey, bottom: CellKey) -> Callable[[Counts], Figure]:
    def figure(counts: Counts) -> Figure:
        events, population = counts.cell(top), counts.cell(bottom)
        return Figure(public_rate(events, population), _number(events), _number(population))

    return figure


def preventable_share(counts: Counts) -> Figure:
    """The share among investigated cases, with the bounds if none or all of the others were preventable."""
    yes, no, unknown = (counts.cell(key) for key in (PREVENTABLE, NOT_PREVENTABLE, NOT_INVESTIGATED))
    share = public_share_with_bounds(yes, no, unknown, counts.investigated_floor)
    return Figure(share.share, _number(yes), _number(total((yes, no))), share.least, share.most, share.investigated)


def risk_assessed_share(counts: Counts) -> Figure:
    """Exactly what the two published numbers give; a census has no interval."""
    assessed, admitted = (counts.numbers.get(name) for name in ("risk_assessed", "risk_assessment_admissions"))
    top, bottom = (
        Number("not published", "[x]") if number is None else Number(f"{number:,}", str(number))
        for number in (assessed, admitted)
    )
    if assessed is None or not admitted:
        return Figure(missing(Reason.BLANK if admitted is None else Reason.ZERO_DENOMINATOR), top, bottom)
    return Figure(Estimate(assessed / admitted), top, bottom)


_CASES_OUT = (
    "Superficial, cerebral, splanchnic and arterial thrombosis; line-related thrombosis of the arm or neck without a pulmonary embolism",
    "Thrombosis that was not confirmed by a test or at death",
    "Patients under 16 on admission",
    "Pregnancy-associated thrombosis without an admission in the 90 days before",
    "Lower-limb immobilisation without an admission",
    "Cases that a review found not to be hospital-associated, and withdrawn cases",
    "Months of trusts without admissions or without a complete (or nil) return of cases: out of the top and the bottom",
)
_REVISION = (
    "A month is provisional until 120 days after its end and until reports are estimated to be at least 95% complete; it is drawn hollow "
    "and is in no total. Later corrections appear in the next release; each release is kept."
)
_ASCERTAINMENT = (
    "A rate depends on how well cases are looked for. A trust that finds more of its cases has a higher rate; a high rate is not by "
    "itself poor care. Rates found by clinicians and rates found from hospital coding are not comparable."
)
_ROUNDED = (
    "Counts are rounded at random to a multiple of 5, and fewer than 10 is not shown as a number; rates are made of the rounded counts, "
    "and their intervals are widened for it."
)
_HAT = "A confirmed deep vein thrombosis or pulmonary embolism that arose in hospital or within 90 days of discharge"

HAT_RATE = Measure(
    ident="hat-rate",
    title="HAT per 1,000 admissions",
    subject="the rate of hospital-associated thrombosis",
    unit="per 1,000 admissions",
    definition="How many hospital-associated thromboses (HAT) there were for every 1,000 admissions of people aged 16 or over. "
    f"{_HAT} is counted once, in the month and the trust of admission of the stay it belongs to.",
    numerator="Hospital-associated thromboses by month of admission of the index stay",
    denominator="All admissions of people aged 16 or over in the same month and the same trusts, day cases included",
    exclusions=_CASES_OUT,
    limits=(
        _ASCERTAINMENT,
        "The number depends on how many day cases a trust has; trusts are better compared by the rate per 1,000 overnight admissions.",
        _ROUNDED,
    ),
    revision=_REVISION,
    source="Cases and admissions returned by trusts and health boards",
    figure=_rate(CASES, ADMISSIONS),
    headings=("Cases", "Admissions"),
    cells=(CASES, ADMISSIONS),
)

HAT_RATE_OVERNIGHT = Measure(
    ident="hat-rate-overnight",
    title="HAT per 1,000 overnight admissions",
    subject="the rate of hospital-associated thrombosis after an overnight stay",
    unit="per 1,000 overnight admissions",
    definition="How many hospital-associated thromboses followed a stay of at least one night, for every 1,000 such admissions of people "
    "aged 16 or over.",
    numerator="Hospital-associated thromboses whose index stay lasted one night or more, by month of its admission",
    denominator="Admissions of people aged 16 or over of one night or more, in the same month and the same trusts",
    exclusions=("Thromboses after day cases and stays without a night", *_CASES_OUT),
    limits=(_ASCERTAINMENT, _ROUNDED),
    revision=_REVISION,
    source="Cases and admissions returned by trusts and health boards",
    figure=_rate(OVERNIGHT_CASES, OVERNIGHT_ADMISSIONS),
    headings=("Cases", "Overnight admissions"),
    cells=(OVERNIGHT_CASES, OVERNIGHT_ADMISSIONS),
)

RISK_ASSESSMENT = Measure(
    ident="risk-assessment",
    title="Risk assessment within 14 hours",
    subject="the share risk-assessed within 14 hours",
    unit="% of admissions",
    definition="The share of admissions of people aged 16 or over in whom the risk of thrombosis and of bleeding was assessed within 14 "
    "hours, as NHS England publishes it for each quarter.",
    numerator="Admissions with a risk assessment within 14 hours",
    denominator="All admissions of people aged 16 or over, day cases, maternity and transfers included",
    exclusions=("Wales: there is no such return, which is not the same as a missing one",),
    limits=(
        "Shown exactly as NHS England publishes it, added up over providers of NHS-funded acute care; independent providers are included.",
        "A trust may assess groups of similar patients at low risk together, under a policy.",
        "The clock was described as 14 hours from admission, later as 14 hours from the decision to admit.",
        "An assessment that was done says nothing about whether it was right or acted on.",
    ),
    revision="NHS England revises its figures; a later file replaces the earlier one, figure by figure.",
    source="NHS England, VTE risk assessment data collection, under the Open Government Licence v3.0",
    figure=risk_assessed_share,
    headings=("Risk-assessed", "Admissions"),
    numbers=("risk_assessed", "risk_assessment_admissions"),
    contributors="risk_assessment_providers",
    nations=(ENGLAND,),
    percent=True,
    decimals=1,
    target=(0.95, "The target of 95%"),
    breaks=(
        (date(2019, 4, 1), "from April 2019 people aged 16 or over, before that 18 or over"),
        (date(2024, 4, 1), "the collection was suspended from April 2020 to March 2024"),
    ),
)

PREVENTABLE_SHARE = Measure(
    ident="preventable-share",
    title="Among patients with HAT: potentially preventable",
    subject="the share that was potentially preventable",
    unit="% of investigated cases",
    definition="Of the hospital-associated thromboses that were investigated, the share found to be potentially preventable. A case is "
    "investigated once its review has recorded a category and a judgement on preventability, whatever kind of review it was.",
    numerator="Investigated cases judged potentially preventable",
    denominator="All investigated cases, those that could not be classified included",
    exclusions=_CASES_OUT,
    limits=(
        "This is among patients who had a thrombosis. It does not say how many patients were given the right prophylaxis.",
        "The bounds say what the share of all cases would be if none, or all, of the cases not investigated were preventable. Where less "
        f"than {INVESTIGATED_FLOOR:.0%} of cases are investigated, only the bounds are shown.",
        "Preventability is a judgement, and reviewers differ.",
        _ROUNDED,
    ),
    revision=_REVISION,
    source="Reviews of cases returned by trusts and health boards",
    figure=preventable_share,
    headings=("Preventable", "Investigated"),
    cells=(PREVENTABLE, NOT_PREVENTABLE, NOT_INVESTIGATED),
    percent=True,
    decimals=1,
)

MEASURES: dict[str, Measure] = {
    each.ident: each for each in (HAT_RATE, HAT_RATE_OVERNIGHT, RISK_ASSESSMENT, PREVENTABLE_SHARE)
}
