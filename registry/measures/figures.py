"""A measure, and a figure of it: the words and numbers that a page, a file or a report is drawn from."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from registry.measures.counts import CellKey, Counts, ExactCounts
from registry.statistics.estimate import Estimate

ENGLAND, WALES = "England", "Wales"


class Shown(StrEnum):
    """By which periods a measure is published. Where too few cases make up a month, only the financial year is."""

    MONTH = "month"
    QUARTER = "quarter"
    FINANCIAL_YEAR = "financial_year"


@dataclass(frozen=True, slots=True)
class Number:
    """One side of a figure: as people read it, and as an open data file holds it."""

    words: str
    code: str


@dataclass(frozen=True, slots=True)
class Further:
    """What belongs beside a figure: cases of which it is not known, another statistic of the same counts. `code` is stable."""

    code: str
    title: str
    number: Number


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one place and period. `least`, `most` and `investigated` belong to shares among investigated cases."""

    estimate: Estimate
    top: Number
    bottom: Number
    least: float | None = None
    most: float | None = None
    investigated: float | None = None
    further: tuple[Further, ...] = ()


class Making(Protocol):
    """How a figure is made: of which cells or numbers, of published counts, and of an organisation's own exact ones."""

    @property
    def cells(self) -> tuple[CellKey, ...]: ...
    @property
    def numbers(self) -> tuple[str, ...]: ...
    def public(self, counts: Counts) -> Figure: ...
    def exact(self, counts: ExactCounts) -> Figure | None: ...


@dataclass(frozen=True, slots=True)
class Measure:
    """One national measure. `contributors` names the number that says how many organisations made it up."""

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
    theme: str
    making: Making
    headings: tuple[str, str]
    period: Shown = Shown.MONTH
    contributors: str = "trusts"
    contributor_words: tuple[str, str] = ("trust", "trusts")
    nations: tuple[str, ...] = (ENGLAND, WALES)
    percent: bool = False
    decimals: int = 2
    target: tuple[float, str] | None = None
    breaks: tuple[tuple[date, str], ...] = ()

    @property
    def cells(self) -> tuple[CellKey, ...]:
        """The cells of the publication grid that it is made of."""
        return self.making.cells

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers without need of protection that it is made of."""
        return self.making.numbers

    def figure(self, counts: Counts) -> Figure:
        """The figure of what is published about one place and period."""
        return self.making.public(counts)

    def own(self, counts: ExactCounts) -> Figure | None:
        """The exact figure of one organisation, for itself; None for a measure that is not made of its own counts."""
        return self.making.exact(counts)
