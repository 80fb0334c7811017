"""The ways of making a figure: rates and shares, once of protected counts for the public and once of an organisation's exact ones."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from registry.disclosure.protected import ProtectedCount, total
from registry.measures.counts import CellKey, Counts, ExactCounts
from registry.measures.figures import Figure, Further, Number
from registry.statistics.estimate import Estimate, Reason, missing
from registry.statistics.public import public_rate, public_share, public_share_with_bounds
from registry.statistics.rates import Share, proportion, rate, share_with_bounds

NOT_PUBLISHED = Number("not published", "[x]")


@dataclass(frozen=True, slots=True)
class Beside:
    """Cases that a share leaves out, counted beside it."""

    code: str
    title: str
    cells: tuple[CellKey, ...]


@dataclass(frozen=True, slots=True)
class Rate:
    """Events per 1,000."""

    top: CellKey
    bottom: CellKey
    numbers: tuple[str, ...] = field(default=(), init=False)

    @property
    def cells(self) -> tuple[CellKey, ...]:
        return self.top, self.bottom

    def public(self, counts: Counts) -> Figure:
        events, population = counts.cell(self.top), counts.cell(self.bottom)
        return Figure(public_rate(events, population), protected(events), protected(population))

    def exact(self, counts: ExactCounts) -> Figure:
        events, population = counts.sum([self.top]), counts.sum([self.bottom])
        return Figure(_entered(counts, rate(events, population)), exactly(events), exactly(population))


@dataclass(frozen=True, slots=True)
class ShareOf:
    """`part` of `part` and `rest`, where all of them are known; what is not known is `beside`."""

    part: tuple[CellKey, ...]
    rest: tuple[CellKey, ...]
    beside: tuple[Beside, ...] = ()
    numbers: tuple[str, ...] = field(default=(), init=False)

    @property
    def cells(self) -> tuple[CellKey, ...]:
        return (*self.part, *self.rest, *(key for each in self.beside for key in each.cells))

    def public(self, counts: Counts) -> Figure:
        part, rest = counts.sum(self.part), counts.sum(self.rest)
        further = tuple(Further(each.code, each.title, protected(counts.sum(each.cells))) for each in self.beside)
        return Figure(public_share((part, rest), 0), protected(part), protected(_both(part, rest)), further=further)

    def exact(self, counts: ExactCounts) -> Figure:
        part, rest = counts.sum(self.part), counts.sum(self.rest)
        further = tuple(Further(each.code, each.title, exactly(counts.sum(each.cells))) for each in self.beside)
        estimate = _entered(counts, proportion(part, part + rest))
        return Figure(estimate, exactly(part), exactly(part + rest), further=further)


@dataclass(frozen=True, slots=True)
class Investigated:
    """The share among investigated cases, with the bounds if none or all of the others were so."""

    yes: CellKey
    no: CellKey
    unknown: CellKey
    numbers: tuple[str, ...] = field(default=(), init=False)

    @property
    def cells(self) -> tuple[CellKey, ...]:
        return self.yes, self.no, self.unknown

    def public(self, counts: Counts) -> Figure:
        yes, no, unknown = (counts.cell(key) for key in self.cells)
        share = public_share_with_bounds(yes, no, unknown, counts.investigated_floor)
        return self._figure(share, protected(yes), protected(total((yes, no))), protected(unknown))

    def exact(self, counts: ExactCounts) -> Figure:
        yes, no, unknown = (counts.sum([key]) for key in self.cells)
        if not counts.months:
            return self._figure(Share(missing(Reason.BLANK), None, None, None), *(exactly(0) for _ in self.cells))
        share = share_with_bounds(yes, no, unknown, counts.investigated_floor)
        return self._figure(share, exactly(yes), exactly(yes + no), exactly(unknown))

    @staticmethod
    def _figure(share: Share, top: Number, bottom: Number, unknown: Number) -> Figure:
        beside = (Further("not_investigated", "Cases not investigated", unknown),)
        return Figure(share.share, top, bottom, share.least, share.most, share.investigated, beside)


@dataclass(frozen=True, slots=True)
class Published:
    """A share of two numbers that need no protection; a census has no interval. Not made of an organisation's own counts."""

    top: str
    bottom: str
    beside: tuple[tuple[str, str], ...] = ()
    cells: tuple[CellKey, ...] = field(default=(), init=False)

    @property
    def numbers(self) -> tuple[str, ...]:
        return (self.top, self.bottom, *(name for name, _ in self.beside))

    def public(self, counts: Counts) -> Figure:
        part, whole = counts.numbers.get(self.top), counts.numbers.get(self.bottom)
        further = tuple(Further(name, title, _told(counts.numbers.get(name))) for name, title in self.beside)
        return Figure(_census(part, whole), _told(part), _told(whole), further=further)

    def exact(self, _counts: ExactCounts) -> None:
        return None


def _census(part: int | None, whole: int | None) -> Estimate:
    if part is None or not whole:
        return missing(Reason.BLANK if whole is None else Reason.ZERO_DENOMINATOR)
    return Estimate(part / whole)


def _told(number: int | None) -> Number:
    return NOT_PUBLISHED if number is None else exactly(number)


def _entered(counts: ExactCounts, estimate: Estimate) -> Estimate:
    """No month that enters is no figure, and not a nought."""
    return estimate if counts.months else missing(Reason.BLANK)


def _both(one: ProtectedCount, other: ProtectedCount) -> ProtectedCount:
    absent = [each for each in (one, other) if each.rounded is None]
    return absent[0] if absent else total((one, other))


def protected(count: ProtectedCount) -> Number:
    """A protected count as it may be shown."""
    return Number(count.words, count.code)


def exactly(count: int) -> Number:
    """A count that needs no protection, or is shown to its own organisation."""
    return Number(f"{count:,}", str(count))


def summed(keys: Iterable[CellKey], counts: Counts) -> list[ProtectedCount]:
    """Each of the cells, in their order."""
    return [counts.cell(key) for key in keys]
