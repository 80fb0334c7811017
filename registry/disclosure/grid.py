"""The fixed publication grid, version 1: which counts exist for the public, and the permanent name of each.

Source: statistics.md 6.3 item 1. Everything else on a public page is made of these cells; there is no cross filter on exact data.

    trust               x month           total
    trust               x financial year  total; by VTE type; by admission group; by preventability
    region              x month           total; by VTE type; by admission group; by preventability; by stay
    independent sector  x financial year  total, by nation, only where at least 3 providers make it up

Wales is a region here. National figures, quarters and rolling windows are sums of rounded cells and have no cell of their own.
The split by stay exists for the rate among overnight admissions, top and bottom of stays of one night or more.

Preventability has three categories. `preventable` and `not_preventable` are the investigated cases; an investigated case that could not
be classified is among `not_preventable` (it stays in the denominator of the preventable share and is not counted as preventable).
`not_investigated` is every other case. A case found *not* to be hospital-associated is in none of them, nor in any other cell.

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
    VTE_TYPE = "vte_type"
    ADMISSION_GROUP = "admission_group"
    PREVENTABILITY = "preventability"
    STAY = "stay"


CATEGORIES: dict[Split, tuple[str, ...]] = {
    Split.VTE_TYPE: ("pe", "dvt"),
    Split.ADMISSION_GROUP: ("medical", "surgical", "obstetric", "critical_care", "orthopaedic_trauma"),
    Split.PREVENTABILITY: ("preventable", "not_preventable", "not_investigated"),
    Split.STAY: ("overnight", "not_overnight"),
}

# Admissions have no clot: they are split only by what every admission has.
SPLITS_OF: dict[Count, frozenset[Split]] = {
    Count.HAT_CASES: frozenset(Split),
    Count.ADMISSIONS: frozenset({Split.ADMISSION_GROUP, Split.STAY}),
}

_CASE_SPLITS = frozenset({Split.VTE_TYPE, Split.ADMISSION_GROUP, Split.PREVENTABILITY})

SHAPES: dict[tuple[GeographyKind, PeriodKind], frozenset[Split]] = {
    (GeographyKind.TRUST, PeriodKind.MONTH): frozenset(),
    (GeographyKind.TRUST, PeriodKind.FINANCIAL_YEAR): _CASE_SPLITS,
    (GeographyKind.REGION, PeriodKind.MONTH): _CASE_SPLITS | {Split.STAY},
    (GeographyKind.INDEPENDENT_SECTOR, PeriodKind.FINANCIAL_YEAR): frozenset(),
}


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
    return shape is not None and (split is None or split in shape & SPLITS_OF[count])


def cells(count: Count, geography: Geography, period: Period) -> Iterator[Cell]:
    """Every cell of one count, place and period: the total, then the splits in the order of `Split`. None where the grid has none."""
    if not has_cell(count, geography.kind, period.kind, None):
        return
    yield Cell(count, geography, period)
    for split in Split:
        if has_cell(count, geography.kind, period.kind, split):
            yield from (Cell(count, geography, period, split, category) for category in CATEGORIES[split])


def independent_sector(nation: str, providers: int) -> Geography | None:
    """The independent sector of a nation, or `None` where fewer than 3 providers make it up: then it has no cells."""
    if providers < INDEPENDENT_PROVIDERS:
        return None
    return Geography(GeographyKind.INDEPENDENT_SECTOR, nation)
