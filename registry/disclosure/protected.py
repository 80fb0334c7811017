"""Protected counts, and what may be made of them: post-processing that sees rounded cells only, never a true count.

Source: statistics.md 6.3 items 3 and 4. A blank is a state, never a number: a trust that is not yet live has no nought. A function of
rounded cells cannot tell more than the cells do, so sums, rates and shares of them need no further protection; what a *sum* shows is
held back by the same rule as a cell: only where the cells themselves guarantee a true count of 6 or more.

Rates and shares of protected counts are in `registry.statistics.public`, which takes `ProtectedCount` as it stands.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from registry.disclosure.rounding import BASE, SHOWN_FROM
from registry.disclosure.rounding import rounded as round_count

CERTAIN_FROM = SHOWN_FROM - (BASE - 1)  # 6: the smallest true count behind a shown cell


class State(StrEnum):
    """What a published count is. All but `COUNTED` carry no number at all."""

    COUNTED = "counted"
    NOT_LIVE = "not_live"
    NOT_PARTICIPATING = "not_participating"
    NO_RETURN = "no_return"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Wording:
    words: str
    code: str  # the shorthand of the Government Statistical Service for open data tables, with [low] for fewer than 10


BLANKS: dict[State, Wording] = {
    State.NOT_LIVE: Wording("not yet live", "[z]"),
    State.NOT_PARTICIPATING: Wording("does not take part", "[z]"),
    State.NO_RETURN: Wording("no complete return", "[x]"),
    State.SUPPRESSED: Wording("withheld", "[c]"),
}
LOW = Wording("fewer than 10", "[low]")
LOW_SUM = Wording("too few to show", "[low]")


@dataclass(frozen=True, slots=True)
class ProtectedCount:
    """One rounded cell, or a sum of rounded cells, or a blank.

    `rounded` is the sum of the rounded cells (`None` for a blank), `cells` how many they are, and `least` the smallest true count they
    leave possible: the sum of max(0, v - 4).
    """

    state: State
    rounded: int | None
    cells: int
    least: int

    @property
    def shown(self) -> int | None:
        """The number that may be shown, or `None`: a blank, or too few."""
        return self.rounded if self.least >= CERTAIN_FROM else None

    @property
    def words(self) -> str:
        """What a reader sees: the number with thousands separators, or the words for its absence."""
        return f"{self.shown:,}" if self.shown is not None else self._absence().words

    @property
    def code(self) -> str:
        """What an open data file holds: the plain number, or a code in brackets."""
        return str(self.shown) if self.shown is not None else self._absence().code

    def _absence(self) -> Wording:
        if self.state is not State.COUNTED:
            return BLANKS[self.state]
        return LOW if self.cells == 1 else LOW_SUM


def protect(count: int, drawn: int) -> ProtectedCount:
    """The protected form of one cell's true count, with the cell's frozen offset."""
    return cell(round_count(count, drawn))


def cell(number: int) -> ProtectedCount:
    """One cell read back from the protected store. Raises `ValueError` for what no rounding gives."""
    if number < 0 or number % BASE:
        raise ValueError("a rounded cell is a multiple of 5, and not negative")
    return ProtectedCount(State.COUNTED, number, 1, max(0, number - (BASE - 1)))


@cache
def blank(state: State) -> ProtectedCount:
    """A count that is not there, for a reason. Raises `ValueError` for `COUNTED`."""
    if state is State.COUNTED:
        raise ValueError("a counted cell has a number")
    return ProtectedCount(state, None, 0, 0)


def total(parts: Iterable[ProtectedCount]) -> ProtectedCount:
    """The sum over places, e.g. the nation from its regions: blanks of places that do not take part add nothing.

    A withheld part withholds the sum; a sum of nothing but blanks is the first of them, of nothing at all `NO_RETURN`.
    """
    known = list(parts)
    if len(known) == 1:
        return known[0]
    if any(part.state is State.SUPPRESSED for part in known):
        return blank(State.SUPPRESSED)
    counted = [part for part in known if part.rounded is not None]
    if not counted:
        return blank(known[0].state if known else State.NO_RETURN)
    return _sum(counted)


def window(parts: Iterable[ProtectedCount]) -> ProtectedCount:
    """The sum over time, e.g. a quarter or twelve months: a blank in it leaves the whole window blank, never a shorter sum."""
    known = list(parts)
    blanks = [part for part in known if part.rounded is None]
    if blanks:
        return blank(blanks[0].state)
    return _sum(known) if known else blank(State.NO_RETURN)


def _sum(parts: list[ProtectedCount]) -> ProtectedCount:
    return ProtectedCount(
        State.COUNTED,
        sum(part.rounded or 0 for part in parts),
        sum(part.cells for part in parts),
        sum(part.least for part in parts),
    )
