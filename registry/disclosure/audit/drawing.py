"""From panes to a block: one unknown number for each total and each category, one row for each published cell.

*Atoms.* A trust's month has its total and, for each split that trusts have, a number for each category; because splits are one-way, a
product table realises any consistent margins, so no joint categories are needed. A split that only regions have is known for the region's
month, or year, as a whole. Categories add up to their total.

*Sums.* A year is the sum of the months that are counted and final, a region the sum of its trusts; both are public.

*Releases.* Which numbers the attacker takes for unchanged from one release to the next is said in `linking`. An unchanged number is the
same variable in both. Where the true count behind a cell may differ between releases, the secret offset of the cell is a variable of its
own, 0 to 4 and the same in all of them. A cell that a release holds at what an earlier one said has no row there: it was said before, and
says nothing of the numbers of its own time. Nor has a trust's month that is withheld; both are in the sums of their region.

What a split divides, and which categories hold the same cases as another's, is read from `WHOLE` and `WITHIN` of the grid.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from registry.disclosure.audit import linking, schemes
from registry.disclosure.audit.block import UNBOUNDED, Block, Draft, Target
from registry.disclosure.audit.panes import TOTAL, BlockKey, Group, Pane, Part, fineness
from registry.disclosure.audit.releases import Published
from registry.disclosure.grid import CATEGORIES, SPLITS_OF, WHOLE, WITHIN, GeographyKind, Split
from registry.disclosure.rounding import BASE

Interval = Callable[[Published], schemes.Interval]
Members = tuple[int, ...]
Fineness = dict[Split, tuple[bool, bool]]


@dataclass(slots=True)
class View:
    """Where the variables of one release stand: totals by trust and month, categories by split and group."""

    pane: Pane
    totals: dict[Group, int] = field(default_factory=dict)
    parts: dict[Split, dict[Group, list[int]]] = field(default_factory=dict)
    inside: dict[Split, dict[Group, Members]] = field(default_factory=dict)


class Place(NamedTuple):
    """Where one published cell of one release stands in the block."""

    row: int
    target: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A block with the shape of the grid in it, which the search for certificates uses. `offsets` are
    variables, by the name of the cell; `places` are rows and targets, by the name of the cell and the release."""

    block: Block
    views: tuple[View, ...]
    fine: Fineness
    offsets: dict[str, int]
    places: dict[tuple[str, int], Place]


def outsider(one: Published) -> schemes.Interval:
    """What anybody knows of one published cell."""
    if one.value is None:
        raise ValueError("a counted cell has a number")
    return schemes.rounded(one.value)


def draw(
    key: BlockKey, panes: Sequence[Pane], interval: Interval = outsider, *, linked: bool = True, apart: int = 0
) -> Drawn:
    """The block of one region, year and count over all the releases given.

    Without `linked` no number is taken for unchanged between releases. `apart` is by how many cases the attacker lets a region differ from
    the sum of its trusts, either way (cases that wait for their attribution, or that two trusts reported).
    """
    draft = Draft("/".join((key[2], key[0], key[1].text)))
    fine = {split: fineness(key[2], split) for split in Split if split in SPLITS_OF[key[2]]}
    views: list[View] = []
    for pane in panes:
        views.append(_view(draft, pane, views[-1] if views and linked else None, fine))
    cells: dict[str, list[tuple[Members, Published, int]]] = {}
    for view in views:
        for members, one in _cells(draft, view, fine):
            cells.setdefault(one.cell.id, []).append((members, one, view.pane.release))
    offsets: dict[str, int] = {}
    places: dict[tuple[str, int], Place] = {}
    for name, all_rows in cells.items():
        rows = [each for each in all_rows if not each[1].held and each[1].value is not None]
        if len({members for members, _, _ in rows}) > 1:
            offsets[name] = draft.variable(0, BASE - 1)
        for members, one, release in rows:
            row = _row(draft, members, one, interval, apart, offsets.get(name))
            places[name, release] = Place(row, draft.target(members, Target(name, release, one.value or 0)))
    _told(draft, views, cells)
    return Drawn(draft.done(), tuple(views), fine, offsets, places)


def _view(draft: Draft, pane: Pane, before: View | None, fine: Fineness) -> View:
    view = View(pane)
    same = linking.same_totals(before.pane, pane) if before is not None else set()
    for where in pane.trust_months():
        view.totals[where] = before.totals[where] if before is not None and where in same else draft.variable()
    published = {split for _, parts in pane.cells() for split, _ in parts}
    for split in fine:
        if split in published:
            _split(draft, view, before, split, fine)
    for part, whole in WITHIN.items():
        if part[0] in view.parts and whole[0] in view.parts:
            _within(draft, view, part, whole, fine)
    return view


def _split(draft: Draft, view: View, before: View | None, split: Split, fine: Fineness) -> None:
    """The variables of one split, each group of them adding up to what the split divides."""
    parts: dict[Group, list[int]] = {}
    inside: dict[Group, Members] = {}
    whole = WHOLE[split]
    for group, totals in _groups(view, *fine[split]).items():
        members = tuple(each for part in whole.parts or (TOTAL,) for each in _members(view, part, totals, fine))
        if (
            before is not None
            and before.inside.get(split, {}).get(group) == members
            and linking.same_split(before.pane, view.pane, split, group)
        ):
            parts[group] = before.parts[split][group]
        else:
            parts[group] = draft.variables(len(CATEGORIES[split]))
        for sum_of in [[each] for each in parts[group]] if whole.overlapping else [parts[group]]:
            draft.row(sum_of, 0 if whole.complete else -UNBOUNDED, 0, minus=members)
        inside[group] = members
    view.parts[split], view.inside[split] = parts, inside


def _within(draft: Draft, view: View, part: tuple[Split, str], whole: tuple[Split, str], fine: Fineness) -> None:
    """Each of the first is one of the second; where they name each other, both are the same number."""
    same = WITHIN.get(whole) == part
    by_trust, by_month = (one and other for one, other in zip(fine[part[0]], fine[whole[0]], strict=True))
    for totals in _groups(view, by_trust, by_month).values():
        smaller, larger = _members(view, part, totals, fine), _members(view, whole, totals, fine)
        draft.row(smaller, 0 if same else -UNBOUNDED, 0, minus=larger)


def _groups(view: View, by_trust: bool, by_month: bool) -> dict[Group, list[Group]]:
    """The trusts' months by the place and period that a split is known for."""
    found: dict[Group, list[Group]] = {}
    for trust, when in view.totals:
        if by_month or view.pane.is_final((trust, when)):
            place = trust if by_trust else view.pane.region_of[trust]
            found.setdefault((place, when if by_month else None), []).append((trust, when))
    return found


def _cells(draft: Draft, view: View, fine: Fineness) -> Iterator[tuple[Members, Published]]:
    """Every published cell of a view with the variables that it is the sum of."""
    pane = view.pane
    for (place, when), parts in pane.cells():
        totals = pane.inside(place, when)
        for part, one in parts.items():
            members = _members(view, part, totals, fine)
            yield (members or (draft.variable(),)), one  # a cell whose parts are not published tells only of itself


def _members(view: View, part: Part, totals: Sequence[Group], fine: Fineness) -> Members:
    split, category = part
    if split is None:
        return tuple(view.totals[each] for each in totals)
    by_trust, by_month = fine[split]
    groups = dict.fromkeys(
        (trust if by_trust else view.pane.region_of[trust], month if by_month else None) for trust, month in totals
    )
    known = view.parts[split]
    position = CATEGORIES[split].index(category or "")
    return tuple(known[group][position] for group in groups if group in known)


def _told(draft: Draft, views: Sequence[View], cells: dict[str, list[tuple[Members, Published, int]]]) -> None:
    """The rows of what releases tell of cells besides the cells."""
    for view in views:
        for told in view.pane.told:
            members = [
                each
                for cell in told.cells
                for known, _, release in cells[cell.id]
                if release == view.pane.release
                for each in known
            ]
            most = UNBOUNDED if told.most is None else told.most
            if not told.part:
                draft.row(members, told.least, most)
                continue
            some = draft.variable()
            draft.row([some], told.least, most)
            draft.row([some], -UNBOUNDED, 0, minus=members)
            draft.target([some], Target(told.name, view.pane.release, told.least))


def _row(draft: Draft, members: Members, one: Published, interval: Interval, apart: int, offset: int | None) -> int:
    """The row of one cell in one release. Where it stands on different numbers in others, with its offset, the same in all."""
    low, high = interval(one)
    allowed = apart if one.cell.geography.kind is GeographyKind.REGION else 0
    if offset is None or one.value is None:
        return draft.row(members, max(0, low - allowed), high + allowed)
    return draft.row((*members, offset), one.value - allowed, one.value + BASE - 1 + allowed)
