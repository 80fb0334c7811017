"""The release desk on the synthetic nation: offsets drawn again before a first publication, and what is held afterwards."""

import copy
import dataclasses
from collections.abc import Callable

import numpy as np

from registry.disclosure.audit import Insider, Published, Release
from registry.disclosure.grid import GeographyKind, financial_year
from registry.disclosure.protected import State
from registry.publications.holding import Line, line_of
from registry.publications.judging import Judge, Matter, Verdict
from tests.registry.disclosure.nation import PROVISIONAL_MONTHS, Nation, publish

ROUNDS = 12


@dataclasses.dataclass
class Desk:
    """What is public so far, with the exact counts behind it, and the attempt at each offset."""

    judge: Judge
    told: Callable[[str, Verdict], None] = lambda _words, _verdict: None
    releases: list[Release] = dataclasses.field(default_factory=list)
    counts: dict[int, dict[str, int]] = dataclasses.field(default_factory=dict)
    attempts: dict[str, int] = dataclasses.field(default_factory=dict)
    held: int = 0
    redrawn: int = 0
    last: Verdict = dataclasses.field(default_factory=lambda: Verdict(False))

    def release(self, made: Nation, provisional: int) -> Verdict:
        """Prepare, audit, mend and audit again until it passes; gives the first verdict, and raises where none passes."""
        number, lines, first = len(self.releases) + 1, set[Line](), None
        public = {one.cell.id for release in self.releases for one in release.cells}
        for turn in range(ROUNDS):
            draft, counts, offsets = publish(made, number, provisional, self.attempts)
            draft = self._holding(draft, lines)
            exact = self.counts | {number: counts}
            verdict = self.judge(Matter((*self.releases, draft), Insider(offsets, exact)), lambda *_: None)
            self.told(f"release {number}, round {turn + 1}", verdict)
            first = first or verdict
            self.last = verdict
            if verdict.passed:
                self.releases.append(draft)
                self.counts[number] = counts
                self.held += sum(one.held for one in draft.cells)
                return first
            new = {*verdict.rekey, *verdict.failing} - public
            self.redrawn += len(new)
            self.attempts |= {name: self.attempts.get(name, 0) + 1 for name in new}
            lines |= _widened(made, lines, {line_of(name) for name in {*verdict.rekey, *verdict.failing} & public})
        raise AssertionError("the nation cannot be published")

    def _holding(self, draft: Release, lines: set[Line]) -> Release:
        if not lines:
            return draft
        before = {one.cell.id: one for one in self.releases[-1].cells}
        return dataclasses.replace(
            draft, cells=tuple(_held(one, before.get(one.cell.id), lines) for one in draft.cells)
        )


def _widened(made: Nation, lines: set[Line], failing: set[Line]) -> set[Line]:
    """The years of the places that fail; of those held already their regions', then all of these regions' trusts'."""
    found = failing - lines
    for line in failing & lines:
        region = Line("region", made.regions.get(line.code, line.code), line.begin)
        inside = {Line("trust", code, line.begin) for code, home in made.regions.items() if home == region.code}
        found |= {region} - lines or inside
    return found


def _held(one: Published, before: Published | None, lines: set[Line]) -> Published:
    place = one.cell.geography
    if Line(place.kind, place.code, financial_year(one.cell.period.start).start) not in lines:
        return one
    if before is not None:
        return before._replace(held=True)
    yearly = one.cell.period.kind == "financial_year"
    return one._replace(value=None, state=State.SUPPRESSED) if yearly and place.kind in GeographyKind else one


def three_releases(desk: Desk, made: Nation, releases: int, rng: np.random.Generator) -> list[Verdict]:
    """So many releases with what came to be known between them; gives the first verdict on each."""
    found = []
    stands = copy.deepcopy(made)
    for number in range(1, releases + 1):
        if number > 1:
            stands.more_known(rng, PROVISIONAL_MONTHS + 2)
        found.append(desk.release(stands, PROVISIONAL_MONTHS + releases - number))
    return found
