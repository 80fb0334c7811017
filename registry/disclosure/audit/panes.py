"""The published cells of one region, financial year and count in one release, laid out by place and period.

The blocks of the attacker are drawn from these. The shapes come from the declarations of the grid: a split is known as finely as the
finest place and the finest period in which the grid has it, and no finer.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from registry.disclosure.audit.releases import Published, Release, Told
from registry.disclosure.grid import (
    SHAPES,
    SPLITS_OF,
    Cell,
    Count,
    GeographyKind,
    Period,
    PeriodKind,
    Split,
    financial_year,
)
from registry.disclosure.protected import State

Part = tuple[Split | None, str | None]  # split and category; the total is (None, None)
TOTAL: Part = (None, None)
Parts = dict[Part, Published]
Group = tuple[str, date | None]  # the code of a place and the first day of a month, or none for the year
BlockKey = tuple[str, Period, Count]  # regions, financial year, count


@dataclass(slots=True)
class Pane:
    """One release of one block: published cells by place and period. Blanks are not in it."""

    release: int
    region_of: Mapping[str, str]
    revised: frozenset[tuple[str, date]] = frozenset()
    trusts: dict[Group, Parts] = field(default_factory=dict)
    regions: dict[Group, Parts] = field(default_factory=dict)
    sectors: dict[Group, Parts] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    _by_trust: dict[str, list[Group]] = field(default_factory=dict)
    _by_region: dict[Group, list[Group]] = field(default_factory=dict)

    def put(self, one: Published) -> None:
        """Lay one cell where it belongs."""
        home, group = self._place(one.cell)
        home.setdefault(group, {})[one.cell.split, one.cell.category] = one

    def has(self, cell: Cell) -> bool:
        """Whether the cell is published, and no blank."""
        home, group = self._place(cell)
        one = home.get(group, {}).get((cell.split, cell.category))
        return one is not None and one.value is not None

    def _place(self, cell: Cell) -> tuple[dict[Group, Parts], Group]:
        homes = {GeographyKind.TRUST: self.trusts, GeographyKind.REGION: self.regions}
        when = cell.period.start if cell.period.kind is PeriodKind.MONTH else None
        return homes.get(cell.geography.kind, self.sectors), (cell.geography.code, when)

    def index(self) -> None:
        """Once all cells are there: which trusts' months each trust and each region's month is made of, in order."""
        for trust, when in self.trust_months():
            self._by_trust.setdefault(trust, []).append((trust, when))
            self._by_region.setdefault((self.region_of[trust], when), []).append((trust, when))

    def trust_months(self) -> list[Group]:
        """The trusts' months with a published total, or one that is withheld or held as a blank, in order."""
        return sorted(
            ((trust, when) for (trust, when), parts in self.trusts.items() if when is not None and TOTAL in parts),
            key=lambda group: (group[0], group[1] or date.min),
        )

    def is_final(self, where: Group) -> bool:
        """Whether a trust's month is counted in its year and its region's year."""
        return not self.trusts[where][TOTAL].provisional

    def inside(self, place: str, when: date | None) -> list[Group]:
        """The trusts' months that a cell of a trust or region adds up: of a month all, of a year those that are final."""
        if when is not None:
            own = self.trusts.get((place, when), {})
            return [(place, when)] if TOTAL in own else self._by_region.get((place, when), [])
        months = self._by_trust.get(place)
        if months is None:
            months = [group for (code, _), groups in self._by_region.items() if code == place for group in groups]
        return [group for group in months if self.is_final(group)]

    def cells(self) -> Iterator[tuple[Group, Parts]]:
        """Every place and period with its published cells."""
        yield from self.trusts.items()
        yield from self.regions.items()
        yield from self.sectors.items()


def fineness(count: Count, split: Split) -> tuple[bool, bool]:
    """Whether the grid has a split for trusts, and whether for months."""
    shapes = [shape for shape, splits in SHAPES.items() if split in splits and split in SPLITS_OF[count]]
    return any(place is GeographyKind.TRUST for place, _ in shapes), any(when is PeriodKind.MONTH for _, when in shapes)


def panes(releases: Sequence[Release]) -> dict[BlockKey, list[Pane]]:
    """All releases taken apart into blocks, each with its panes in the order of the releases.

    Regions that a trust moved between from one release to another stand in one block.
    """
    together = _regions_together(releases)
    found: defaultdict[BlockKey, dict[int, Pane]] = defaultdict(dict)
    for release in releases:
        for one in release.cells:
            if one.state is not State.COUNTED:
                continue
            cell = one.cell
            key = _key(cell, release, together)
            pane = found[key].get(release.number)
            if pane is None:
                pane = Pane(release.number, release.regions, release.revised)
                found[key][release.number] = pane
            pane.put(one)
        for one in filter(_in_sums, release.cells):
            pane = found.get(_key(one.cell, release, together), {}).get(release.number)
            if pane is not None:
                pane.put(one)
        for told in release.told:
            _tell(found, told, release, together)
    for laid in found.values():
        for pane in laid.values():
            pane.index()
    ordered = sorted(found, key=_in_order)
    return {
        key: [found[key][release.number] for release in releases if release.number in found[key]] for key in ordered
    }


def by_block(releases: Sequence[Release]) -> dict[BlockKey, tuple[Release, ...]]:
    """The releases block by block, each with only the cells of the block: audited by themselves they say what all say together."""
    together = _regions_together(releases)
    found: defaultdict[BlockKey, dict[int, list[Published]]] = defaultdict(dict)
    told: defaultdict[tuple[BlockKey, int], list[Told]] = defaultdict(list)
    for release in releases:
        for one in release.cells:
            if one.state is State.COUNTED or _in_sums(one):
                found[_key(one.cell, release, together)].setdefault(release.number, []).append(one)
        for each in release.told:
            told[_key(each.cells[0], release, together), release.number].append(each)
    return {
        key: tuple(
            replace(one, cells=tuple(found[key].get(one.number, ())), told=tuple(told[key, one.number]))
            for one in releases
        )
        for key in sorted(found, key=_in_order)
    }


def _in_sums(one: Published) -> bool:
    """A trust's month without a number that its region's number holds all the same: withheld, or held as the blank that it was."""
    cell = one.cell
    month = cell.geography.kind is GeographyKind.TRUST and cell.period.kind is PeriodKind.MONTH and cell.split is None
    return month and one.value is None and (one.held or one.state is State.SUPPRESSED)


def _key(cell: Cell, release: Release, together: Mapping[str, str]) -> BlockKey:
    return _home(cell, release, together), financial_year(cell.period.start), cell.count


def _in_order(key: BlockKey) -> tuple[Count, Period, str]:
    return key[2], key[1], key[0]


def _tell(found: Mapping[BlockKey, dict[int, Pane]], told: Told, release: Release, together: Mapping[str, str]) -> None:
    """Lay what is told of cells where they are. Raises ValueError for cells of several blocks, or that the release does not have."""
    keys = {_key(cell, release, together) for cell in told.cells}
    panes_of = [found[key][release.number] for key in keys if release.number in found.get(key, {})]
    if len(keys) != 1 or not panes_of or not all(panes_of[0].has(cell) for cell in told.cells):
        raise ValueError("what is told of cells must be of cells that the release has, of one region, year and count")
    panes_of[0].told.append(told)


def _home(cell: Cell, release: Release, together: Mapping[str, str]) -> str:
    place = cell.geography
    if place.kind is GeographyKind.TRUST:
        if place.code not in release.regions:
            raise ValueError("a trust with published cells has no region in its release")
        return together[release.regions[place.code]]
    if place.kind is GeographyKind.REGION:
        return together.get(place.code, place.code)
    return f"{place.kind}-{place.code}"


def _regions_together(releases: Iterable[Release]) -> dict[str, str]:
    """Each region, to the name of all regions that it shares a trust with in any release, joined by +."""
    sets: dict[str, set[str]] = {}
    homes: defaultdict[str, set[str]] = defaultdict(set)
    for release in releases:
        for trust, region in release.regions.items():
            homes[trust].add(region)
    for regions in homes.values():
        merged = set().union(*(sets.get(region, {region}) for region in regions))
        sets.update(dict.fromkeys(merged, merged))
    return {region: "+".join(sorted(merged)) for region, merged in sets.items()}
