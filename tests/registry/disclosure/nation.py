"""A synthetic nation, published through the real grid and the real rounding: releases with revisions, and what an insider knows."""

import copy
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from registry.disclosure.audit import Insider, Published, Release
from registry.disclosure.grid import (
    CATEGORIES,
    SPLITS_OF,
    WHOLE,
    Cell,
    Count,
    Geography,
    GeographyKind,
    Period,
    PeriodKind,
    Split,
    financial_year,
    has_cell,
)
from registry.disclosure.protected import State
from registry.disclosure.rounding import offset, rounded

KEY = bytes(range(32))
PROVISIONAL_MONTHS = 4
Whole = NDArray[np.int64]


@dataclass
class Nation:
    """True counts of trusts by month: totals, and for each split by category. `regions` says where each trust is."""

    trusts: list[str]
    regions: dict[str, str]
    months: list[date]
    totals: dict[Count, Whole]
    parts: dict[tuple[Count, Split], Whole]

    def more_known(self, rng: np.random.Generator, last: int) -> None:
        """What comes to be known before the next release: late cases, mostly of late months, and reviews that were completed."""
        age = np.arange(len(self.months))[::-1]
        cases = self.totals[Count.HAT_CASES]
        late = rng.poisson(np.where(age < last, 0.35, 0.004)[None, :] * np.ones_like(cases))
        cases += late
        for name, more in _parts(Count.HAT_CASES, late, rng).items():
            self.parts[name] += more
        self._reviewed(rng, 0.01)

    def _reviewed(self, rng: np.random.Generator, share: float) -> None:
        """Some of those not investigated are found preventable, or not, in time."""
        preventability, adequacy, review = (
            self.parts[Count.HAT_CASES, split] for split in (Split.PREVENTABILITY, Split.ADEQUACY, Split.REVIEW)
        )
        done = rng.binomial(preventability[..., 2], share)
        for parts in (preventability, adequacy):
            judged = rng.binomial(done, 0.4)
            parts[..., 2] -= done
            parts[..., 0] += judged
            parts[..., 1] += done - judged
        review[..., 0] += done


SHARES: dict[Split, tuple[float, ...]] = {
    Split.VTE_TYPE: (0.42, 0.58),
    Split.ADMISSION_GROUP: (0.42, 0.26, 0.04, 0.08, 0.20),
    Split.PREVENTABILITY: (0.25, 0.45, 0.30),
    Split.SETTING: (0.4, 0.15, 0.1, 0.15, 0.1, 0.1),
    Split.PE_OUTCOME: (0.2, 0.7, 0.1),
    Split.REVIEW: (0.7, 0.25, 0.05),
}


def _shares(split: Split) -> tuple[float, ...]:
    return SHARES.get(split) or (1 / len(CATEGORIES[split]),) * len(CATEGORIES[split])


def _parts(count: Count, totals: Whole, rng: np.random.Generator) -> dict[tuple[Count, Split], Whole]:
    """Every split of one count, as the grid says what each divides and what is within what."""
    made: dict[Split, Whole] = {}
    for split in (each for each in Split if each in SPLITS_OF[count]):
        whole = WHOLE[split]
        number = sum((made[of][..., CATEGORIES[of].index(part)] for of, part in whole.parts), start=0 * totals)
        number = number if whole.parts else totals
        made[split] = rng.multinomial(number if whole.complete else number // 10, _shares(split))
        if split is Split.ADEQUACY:
            same = made[Split.PREVENTABILITY][..., 2]
            inadequate = rng.binomial(totals - same, 0.4)
            made[split] = np.stack([inadequate, totals - same - inadequate, same], axis=-1)
        if split is Split.STAY:
            nights = rng.binomial(made[Split.ADMISSION_GROUP], 0.9)
            made[Split.OVERNIGHT_GROUP] = nights
            made[split] = np.stack([nights.sum(axis=-1), totals - nights.sum(axis=-1)], axis=-1)
        if split is Split.OVERNIGHT_GROUP:
            made[split] = nights
    return {(count, split): parts for split, parts in made.items()}


def nation(trusts: int, regions: int, months: int, rng: np.random.Generator, mean: float = 8.0) -> Nation:
    """`mean` cases a trust and month, unevenly over trusts; the last month is March 2026."""
    codes = [f"T{place:03d}" for place in range(trusts)]
    last = 2026 * 12 + 2
    starts = [date(place // 12, place % 12 + 1, 1) for place in range(last - months + 1, last + 1)]
    size = rng.gamma(3.0, 1 / 3.0, size=trusts)
    cases = rng.poisson(mean * size[:, None] * np.ones(months))
    admitted = rng.poisson(900 * mean * size[:, None] * np.ones(months))
    totals = {count: np.zeros_like(cases) for count in Count} | {Count.HAT_CASES: cases, Count.ADMISSIONS: admitted}
    parts = {name: each for count in Count for name, each in _parts(count, totals[count], rng).items()}
    return Nation(codes, {code: f"R{place % regions}" for place, code in enumerate(codes)}, starts, totals, parts)


def publish(
    made: Nation, number: int, provisional: int = PROVISIONAL_MONTHS, attempts: dict[str, int] | None = None
) -> tuple[Release, dict[str, int], dict[str, int]]:
    """One release of the nation as it stands: what is published, the true counts and the offsets, by the name of the cell."""
    final = [place < len(made.months) - provisional for place in range(len(made.months))]
    cells: list[Published] = []
    counts: dict[str, int] = {}
    offsets: dict[str, int] = {}
    for cell, count, open_still in _exact(made, final):
        name = cell.id
        counts[name], offsets[name] = count, offset(KEY, name, (attempts or {}).get(name, 0))
        cells.append(Published(cell, rounded(count, offsets[name]), State.COUNTED, open_still))
    return Release(number, tuple(cells), made.regions), counts, offsets


def _exact(made: Nation, final: list[bool]) -> Iterator[tuple[Cell, int, bool]]:
    years = sorted({financial_year(month) for month in made.months})
    for count in Count:
        for place, rows in _places(made):
            for position, month in enumerate(made.months):
                yield from _cells(
                    made, count, place, Period(PeriodKind.MONTH, month), rows, [position], not final[position]
                )
            for year in years:
                inside = [p for p, month in enumerate(made.months) if financial_year(month) == year]
                counted = [p for p in inside if final[p]]
                if (
                    len(counted) == len(inside) > 1
                ):  # a year that grows month by month would be its months drawn a second time
                    yield from _cells(made, count, place, year, rows, counted, False)


def _places(made: Nation) -> Iterator[tuple[Geography, list[int]]]:
    for row, code in enumerate(made.trusts):
        yield Geography(GeographyKind.TRUST, code), [row]
    for region in sorted(set(made.regions.values())):
        inside = [row for row, code in enumerate(made.trusts) if made.regions[code] == region]
        yield Geography(GeographyKind.REGION, region), inside


def _cells(
    made: Nation, count: Count, place: Geography, period: Period, rows: list[int], months: list[int], open_still: bool
) -> Iterator[tuple[Cell, int, bool]]:
    picked = np.ix_(rows, months)
    if has_cell(count, place.kind, period.kind, None):
        yield Cell(count, place, period), int(made.totals[count][picked].sum()), open_still
    for split in Split:
        if has_cell(count, place.kind, period.kind, split):
            for position, category in enumerate(CATEGORIES[split]):
                number = int(made.parts[count, split][picked][..., position].sum())
                yield Cell(count, place, period, split, category), number, open_still


def released(
    made: Nation,
    releases: int,
    rng: np.random.Generator,
    *,
    told: bool = True,
    attempts: dict[str, int] | None = None,
) -> tuple[tuple[Release, ...], Insider, dict[int, Nation]]:
    """Several releases, with what came to be known between them, and the nation as it was at each.

    `told`: the list of revisions names every month of a trust in which any number changed. `attempts`: cells that were given another offset.
    """
    done: list[Release] = []
    counts: dict[int, dict[str, int]] = {}
    offsets: dict[str, int] = {}
    stood: dict[int, Nation] = {}
    for number in range(1, releases + 1):
        if number > 1:
            made.more_known(rng, PROVISIONAL_MONTHS + 2)
        release, exact, drawn = publish(made, number, PROVISIONAL_MONTHS + releases - number, attempts)
        stood[number] = copy.deepcopy(made)
        revised = _revised(stood[number - 1], made) if told and number > 1 else frozenset()
        done.append(dataclasses.replace(release, revised=revised))
        counts[number] = exact
        offsets |= drawn
    return tuple(done), Insider(offsets, counts), stood


def _revised(before: Nation, after: Nation) -> frozenset[tuple[str, date]]:
    changed = np.zeros_like(after.totals[Count.HAT_CASES], dtype=bool)
    for name, parts in after.parts.items():
        changed |= (parts != before.parts[name]).any(axis=-1)
    return frozenset((after.trusts[row], after.months[column]) for row, column in np.argwhere(changed))
