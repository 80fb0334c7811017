"""The fixed publication grid, version 1: which counts exist for the public, and the permanent name of each.

Source: statistics.md 6.3 item 1. Everything else on a public page is made of these cells; there is no cross filter on exact data.

    trust               x month           total
    trust               x financial year  total; by VTE type; by admission group; by preventability
    region              x month           total; by VTE type; by admission group; by preventability; by stay
    region              x financial year  by setting, what became of a PE, adequacy, review, what reviews found of assessment, doses and
                                          information, themes of reviews, second reading, group of overnight stays; no total
    independent sector  x financial year  total, by nation, only where at least 3 providers make it up

Wales is a region here. National figures, quarters and rolling windows are sums of rounded cells and have no cell of their own.
The split by stay exists for the rate among overnight admissions, top and bottom of stays of one night or more.

Preventability has three categories. `preventable` and `not_preventable` are the investigated cases; an investigated case that could not
be classified is among `not_preventable` (it stays in the denominator of the preventable share and is not counted as preventable).
`not_investigated` is every other case. A case found *not* to be hospital-associated is in none of them, nor in any other cell.

A region's financial year has cells once all its months are final, and where more than one was counted: with one month a part of the year
could be a part of the month drawn a second time. It has no total: that is the sum of the months. For the same reason no quantity has two
names there: who is not investigated stands under adequacy only, and `REVIEW` divides the investigated.

What each split divides is said by `WHOLE`, as data: the audit of a release draws its model from it. `WITHIN` names the categories of which
every case is also a case of another split's category. No `Count` is a subset of another: a case is not one of the admissions.

By VTE type, a pulmonary embolism with a deep vein thrombosis is a `pe`. A case whose category is not known is in the total and in no
category. An independent provider is no trust of this grid: it has no cells.

The name of a cell carries the version of the grid. A cell, once published, keeps name and meaning for ever: changing a category or what
is counted means a new version of the grid, never the same name for another quantity.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

GRID_VERSION = 1
INDEPENDENT_PROVIDERS = 3

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


class GeographyKind(StrEnum):
    TRUST = "trust"
    REGION = "region"
    INDEPENDENT_SECTOR = "independent_sector"


class PeriodKind(StrEnum):
    MONTH = "month"
    FINANCIAL_YEAR = "financial_year"


class Count(StrEnum):
    """What a cell counts."""

    HAT_CASES = "hat_cases"
    ADMISSIONS = "admissions"


class Split(StrEnum):
    """By what cases, or admissions, are told apart. What a case counts as is said in `registry.publications.counting`."""

    VTE_TYPE = "vte_type"
    ADMISSION_GROUP = "admission_group"
    PREVENTABILITY = "preventability"
    STAY = "stay"
    SETTING = "setting"
    PE_OUTCOME = "pe_outcome"
    ADEQUACY = "adequacy"
    REVIEW = "review"
    ASSESSED_IN_TIME = "assessed_within_14_hours"
    FIRST_DOSE_IN_TIME = "first_dose_within_14_hours"
    MISSED_DOSES = "missed_doses"
    INFORMATION_ADMISSION = "information_on_admission"
    INFORMATION_DISCHARGE = "information_on_discharge"
    SECOND_READING = "second_reading"
    OVERNIGHT_GROUP = "overnight_group"
    INADEQUACY = "inadequacy"
    CONTRIBUTORY_FACTOR = "contributory_factor"
    MISSED_DOSE_REASON = "missed_dose_reason"
    PRACTICE = "practice"


GROUPS = ("medical", "surgical", "obstetric", "critical_care", "orthopaedic_trauma")
IN_STAY = "in_stay"
DAYS_AFTER = ((0, 7), (8, 14), (15, 30), (31, 60), (61, 90))
"""The bands of whole days from discharge to diagnosis, first and last day included."""
REVIEW_DAYS = 90
"""A review is in time that was judged at most so many days after the diagnosis."""
_TIMELY = ("yes", "no", "not_applicable", "not_recorded")
_ANSWERED = ("yes", "no", "not_recorded")

CATEGORIES: dict[Split, tuple[str, ...]] = {
    Split.VTE_TYPE: ("pe", "dvt"),
    Split.ADMISSION_GROUP: GROUPS,
    Split.PREVENTABILITY: ("preventable", "not_preventable", "not_investigated"),
    Split.STAY: ("overnight", "not_overnight"),
    Split.SETTING: (IN_STAY, *(f"days_{first}_{last}" for first, last in DAYS_AFTER)),
    Split.PE_OUTCOME: ("died", "survived", "not_known"),
    Split.ADEQUACY: ("inadequate", "not_inadequate", "not_investigated"),
    Split.REVIEW: ("in_time", "late", "undated"),
    Split.ASSESSED_IN_TIME: _TIMELY,
    Split.FIRST_DOSE_IN_TIME: _TIMELY,
    Split.MISSED_DOSES: ("some", "none", "not_applicable", "not_recorded"),
    Split.INFORMATION_ADMISSION: _ANSWERED,
    Split.INFORMATION_DISCHARGE: _ANSWERED,
    Split.SECOND_READING: ("both_preventable", "first_only", "second_only", "neither_preventable"),
    Split.OVERNIGHT_GROUP: GROUPS,
    Split.INADEQUACY: (
        "not_assessed", "assessed_late", "assessed_wrongly", "not_prescribed", "wrong_agent", "wrong_dose", "delayed_start",
        "missed_doses", "refused_dose", "not_restarted", "mechanical", "extended", "not_reassessed", "documentation",
    ),
    Split.CONTRIBUTORY_FACTOR: (
        "person", "staff", "tasks", "communication", "team", "education", "tools", "environment", "organisation", "external",
    ),
    Split.MISSED_DOSE_REASON: (
        "refused", "patient_unavailable", "drug_not_available", "procedure_hold", "not_signed", "no_documented_reason",
        "clinical_decision",
    ),
    Split.PRACTICE: ("notable_practice",),
}  # fmt: skip

# Admissions have no clot: they are split only by what every admission has.
SPLITS_OF: dict[Count, frozenset[Split]] = {
    Count.HAT_CASES: frozenset(Split),
    Count.ADMISSIONS: frozenset({Split.ADMISSION_GROUP, Split.STAY, Split.OVERNIGHT_GROUP}),
}
AS_A_WHOLE = frozenset({(Count.ADMISSIONS, GeographyKind.TRUST), (Count.ADMISSIONS, GeographyKind.INDEPENDENT_SECTOR)})
"""What is counted of such places without any split: no measure of a trust needs its admissions by group."""

_CASE_SPLITS = frozenset({Split.VTE_TYPE, Split.ADMISSION_GROUP, Split.PREVENTABILITY})
_MONTHLY = _CASE_SPLITS | {Split.STAY}

SHAPES: dict[tuple[GeographyKind, PeriodKind], frozenset[Split]] = {
    (GeographyKind.TRUST, PeriodKind.MONTH): frozenset(),
    (GeographyKind.TRUST, PeriodKind.FINANCIAL_YEAR): _CASE_SPLITS,
    (GeographyKind.REGION, PeriodKind.MONTH): _MONTHLY,
    (GeographyKind.REGION, PeriodKind.FINANCIAL_YEAR): frozenset(Split) - _MONTHLY,
    (GeographyKind.INDEPENDENT_SECTOR, PeriodKind.FINANCIAL_YEAR): frozenset(),
}
"""The splits of each shape. `WITHOUT_TOTAL` are those that have no cell for all cases together."""

WITHOUT_TOTAL = frozenset({(GeographyKind.REGION, PeriodKind.FINANCIAL_YEAR)})

COUNTED_LATER = frozenset({Split.MISSED_DOSE_REASON})
"""Splits that came to the grid when releases had been made already: a release from before has no cell of them."""

Part = tuple[Split, str]
"""One category of a split."""


@dataclass(frozen=True, slots=True)
class Whole:
    """What the categories of a split are parts of: the total (no `parts`), or these categories together.

    `complete`: they add up to it; else some of it is in none of them. `overlapping`: a case may be in several, so that each by itself is
    at most the whole, and their sum may exceed it.
    """

    parts: tuple[Part, ...] = ()
    complete: bool = True
    overlapping: bool = False


_INVESTIGATED = ((Split.ADEQUACY, "inadequate"), (Split.ADEQUACY, "not_inadequate"))

WHOLE: dict[Split, Whole] = {
    Split.VTE_TYPE: Whole(),
    Split.ADMISSION_GROUP: Whole(),
    Split.PREVENTABILITY: Whole(),
    Split.STAY: Whole(),
    Split.SETTING: Whole(),
    Split.PE_OUTCOME: Whole(((Split.VTE_TYPE, "pe"),)),
    Split.ADEQUACY: Whole(),
    Split.REVIEW: Whole(_INVESTIGATED),
    Split.ASSESSED_IN_TIME: Whole(),
    Split.FIRST_DOSE_IN_TIME: Whole(),
    Split.MISSED_DOSES: Whole(),
    Split.INFORMATION_ADMISSION: Whole(),
    Split.INFORMATION_DISCHARGE: Whole(),
    Split.SECOND_READING: Whole(complete=False),
    Split.OVERNIGHT_GROUP: Whole(((Split.STAY, "overnight"),)),
    Split.INADEQUACY: Whole(_INVESTIGATED, complete=False, overlapping=True),
    Split.CONTRIBUTORY_FACTOR: Whole(_INVESTIGATED, complete=False, overlapping=True),
    Split.MISSED_DOSE_REASON: Whole(_INVESTIGATED, complete=False, overlapping=True),
    Split.PRACTICE: Whole(_INVESTIGATED, complete=False, overlapping=True),
}

WITHIN: dict[Part, Part] = {
    (Split.ADEQUACY, "not_investigated"): (Split.PREVENTABILITY, "not_investigated"),
    (Split.PREVENTABILITY, "not_investigated"): (Split.ADEQUACY, "not_investigated"),
    **{(Split.OVERNIGHT_GROUP, group): (Split.ADMISSION_GROUP, group) for group in GROUPS},
}
"""Each case of the first is one of the second. Two that name each other hold the same cases."""


@dataclass(frozen=True, slots=True)
class Geography:
    """A place of the grid: a trust by its ODS code, a region by its code, the independent sector by its nation."""

    kind: GeographyKind
    code: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.code):
            raise ValueError("the code of a geography is letters, digits, - and _")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A calendar month, or an NHS financial year (April to March), by its first day."""

    kind: PeriodKind
    start: date

    def __post_init__(self) -> None:
        if self.start.day != 1 or (self.kind is PeriodKind.FINANCIAL_YEAR and self.start.month != 4):
            raise ValueError("a month starts on its first day, a financial year on 1 April")

    @property
    def text(self) -> str:
        """`2026-03` for a month, `2025-26` for a financial year."""
        if self.kind is PeriodKind.MONTH:
            return f"{self.start:%Y-%m}"
        return f"{self.start.year}-{(self.start.year + 1) % 100:02d}"


def month(day: date) -> Period:
    """The calendar month of a day."""
    return Period(PeriodKind.MONTH, day.replace(day=1))


def financial_year(day: date) -> Period:
    """The financial year of a day: 1 April to 31 March."""
    return Period(PeriodKind.FINANCIAL_YEAR, date(day.year if day.month >= 4 else day.year - 1, 4, 1))


def months_of(year: Period) -> tuple[Period, ...]:
    """The twelve months of a financial year, in order."""
    if year.kind is not PeriodKind.FINANCIAL_YEAR:
        raise ValueError("only a financial year has months")
    begin = year.start.year
    return tuple(
        Period(PeriodKind.MONTH, date(begin + (place + 3) // 12, (place + 3) % 12 + 1, 1)) for place in range(12)
    )


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the grid. Making one that the grid does not have raises `ValueError`."""

    count: Count
    geography: Geography
    period: Period
    split: Split | None = None
    category: str | None = None

    def __post_init__(self) -> None:
        if (self.split is None) != (self.category is None):
            raise ValueError("a split needs a category, and a category its split")
        if not has_cell(self.count, self.geography.kind, self.period.kind, self.split):
            raise ValueError(f"the publication grid has no {self.geography.kind} by {self.period.kind} by {self.split}")
        if self.split is not None and self.category not in CATEGORIES[self.split]:
            raise ValueError(f"the publication grid has no such category of {self.split}")

    @property
    def id(self) -> str:
        """The permanent name, e.g. `grid-1/hat_cases/trust/RK9/financial_year/2025-26/vte_type/pe`, or `…/total`."""
        place = f"{self.geography.kind}/{self.geography.code}/{self.period.kind}/{self.period.text}"
        return f"grid-{GRID_VERSION}/{self.count}/{place}/" + (
            f"{self.split}/{self.category}" if self.split else "total"
        )


def has_cell(count: Count, geography: GeographyKind, period: PeriodKind, split: Split | None) -> bool:
    """Whether the grid has cells of this shape."""
    shape = SHAPES.get((geography, period))
    if shape is None or split is None:
        return shape is not None and (geography, period) not in WITHOUT_TOTAL
    return split in shape & SPLITS_OF[count] and (count, geography) not in AS_A_WHOLE


def cells(count: Count, geography: Geography, period: Period) -> Iterator[Cell]:
    """Every cell of one count, place and period: the total, then the splits in the order of `Split`. None where the grid has none."""
    if has_cell(count, geography.kind, period.kind, None):
        yield Cell(count, geography, period)
    for split in Split:
        if has_cell(count, geography.kind, period.kind, split):
            yield from (Cell(count, geography, period, split, category) for category in CATEGORIES[split])


def independent_sector(nation: str, providers: int) -> Geography | None:
    """The independent sector of a nation, or `None` where fewer than 3 providers make it up: then it has no cells."""
    if providers < INDEPENDENT_PROVIDERS:
        return None
    return Geography(GeographyKind.INDEPENDENT_SECTOR, nation)
