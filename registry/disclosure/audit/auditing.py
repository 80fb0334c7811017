"""The gate: every block of every release, against an outsider, and the draft against an insider."""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from registry.disclosure.audit import schemes
from registry.disclosure.audit.deciding import Decision, Stage, decide, remaining, remember
from registry.disclosure.audit.drawing import Drawn, Interval, draw
from registry.disclosure.audit.panes import BlockKey, Pane, panes
from registry.disclosure.audit.releases import Insider, Published, Release
from registry.disclosure.audit.report import Narrow, Report, Tally, data_hash
from registry.disclosure.audit.searching import search
from registry.disclosure.audit.worlds import central

OUTSIDER_WIDTH = 4  # five candidates
INSIDER_WIDTH = 2
SMALL = range(1, schemes.SMALL + 1)
APART = (0, 2, 4, 8, 16, 32)
"""By how many cases a region may be assumed to differ from its trusts, from the strongest assumption to the weakest."""


_REMEMBERED: OrderedDict[tuple[str, tuple[int, ...], int], Decision] = OrderedDict()
"""Decisions of this process by all that they depend on: when some cells get other offsets, only the blocks of these are worked again."""
_MOST_REMEMBERED = 2048


@dataclass(slots=True)
class _Found:
    """What is gathered over the blocks."""

    outsider: list[tuple[Drawn, Decision]] = field(default_factory=list)
    insider: list[tuple[Drawn, Decision]] = field(default_factory=list)
    apart: dict[str, int] = field(default_factory=dict)
    unlinked: list[str] = field(default_factory=list)
    contradictory: list[str] = field(default_factory=list)


def audit(
    releases: Sequence[Release],
    knows: Insider | None = None,
    *,
    targets: Collection[str] | None = None,
    blocks: Callable[[BlockKey], bool] = lambda _: True,
    seconds: float = 900.0,
    code_version: str = "",
) -> Report:
    """Whether the last of the releases may be published beside all the others.

    `releases` are all that the public has or will have, the draft last; `targets` are the names of the cells to look at (all of them
    unless said), `blocks` which parts of the grid. `seconds` of processor time are spent; what is not decided by then is undecided, and the
    audit is not passed. Raises ValueError for no release at all, or numbers of releases out of order.
    """
    if not releases or [each.number for each in releases] != sorted({each.number for each in releases}):
        raise ValueError("the audit needs releases in the order of their numbers")
    ends = time.process_time() + seconds
    found = _Found()
    known = {one.cell.id for release in releases[:-1] for one in release.cells if one.value is not None}
    for key, laid in panes(releases).items():
        if blocks(key):
            _outsider(found, key, laid, targets, ends)
            if knows is not None and laid[-1].release == releases[-1].number:
                _insider(found, key, laid[-1], knows, targets, ends)
    return _report(releases, found, known, code_version, seconds - (ends - time.process_time()))


def _outsider(found: _Found, key: BlockKey, laid: Sequence[Pane], targets: Collection[str] | None, ends: float) -> None:
    """The strongest outsider whose assumptions do not contradict what is published."""
    drawn: Drawn | None = None
    for linked in (True, False) if len(laid) > 1 else (True,):
        for apart in APART:
            drawn = draw(key, laid, linked=linked, apart=apart)
            wanted = [place for place, one in enumerate(drawn.block.named) if targets is None or one.cell in targets]
            decision = _decided(drawn, wanted, OUTSIDER_WIDTH, ends)
            if decision is None:
                continue
            if apart:
                found.apart[drawn.block.name] = apart
            if not linked:
                found.unlinked.append(drawn.block.name)
            found.outsider.append((drawn, decision))
            return
    if drawn is not None:
        found.contradictory.append(drawn.block.name)


def _decided(drawn: Drawn, wanted: Sequence[int], need: int, ends: float) -> Decision | None:
    """The decision on a block, or `None` where no possible world was found: what is assumed contradicts what is published."""
    key = drawn.block.fingerprint(), tuple(wanted), need
    known = _REMEMBERED.get(key)
    if known is not None:
        return known
    base = central(drawn.block, max(1.0, remaining(ends)))
    if base is None:
        return None
    made = decide(drawn, base, wanted, need, search, ends)
    if not made.undecided:
        _REMEMBERED[key] = remember(made)
        while len(_REMEMBERED) > _MOST_REMEMBERED:
            _REMEMBERED.popitem(last=False)
    return made


def _insider(
    found: _Found, key: BlockKey, pane: Pane, knows: Insider, targets: Collection[str] | None, ends: float
) -> None:
    counts = knows.counts[pane.release]
    interval = _known_additions(knows, pane.release)
    for apart in APART:
        drawn = draw(key, [pane], interval, apart=apart)
        wanted = [
            place
            for place, one in enumerate(drawn.block.named)
            if counts.get(one.cell) in SMALL and (targets is None or one.cell in targets)
        ]
        decision = _decided(drawn, wanted, INSIDER_WIDTH, ends) if wanted else None
        if decision is not None:
            found.insider.append((drawn, decision))
        if decision is not None or not wanted:
            return
    found.contradictory.append(f"{drawn.block.name} (insider)")


def _known_additions(knows: Insider, release: int) -> Interval:
    """To who knows every addition: n + U, and that no release before held fewer than none."""
    histories = [counts for number, counts in knows.counts.items() if number <= release]

    def interval(one: Published) -> schemes.Interval:
        name = one.cell.id
        count = knows.counts[release][name]
        low, high = schemes.known_additions(count + knows.offsets[name])
        return max(low, count - min(counts[name] for counts in histories if name in counts)), high

    return interval


def _report(releases: Sequence[Release], found: _Found, known: set[str], code_version: str, spent: float) -> Report:
    failing = sorted(
        Narrow(drawn.block.named[target].cell, drawn.block.named[target].release, width)
        for drawn, decision in found.outsider
        for target, width in decision.failing.items()
    )
    undecided = {drawn.block.named[target].cell for drawn, decision in found.outsider for target in decision.undecided}
    again = {one.cell for one in failing if one.release == releases[-1].number} - known
    narrow = {drawn.block.named[target].cell for drawn, decision in found.insider for target in decision.failing}
    open_still = sum(len(decision.undecided) for _, decision in found.insider)
    return Report(
        passed=not (failing or undecided or found.contradictory or narrow - known or open_still),
        releases=tuple(release.number for release in releases),
        data_hash=data_hash(releases),
        code_version=code_version,
        need=OUTSIDER_WIDTH,
        min_width=_least(found.outsider),
        outsider=_tally(found.outsider),
        insider=_tally(found.insider),
        failing=tuple(failing),
        undecided=tuple(sorted(undecided)),
        contradictory=tuple(found.contradictory),
        apart=tuple(sorted(found.apart.items())),
        unlinked=tuple(found.unlinked),
        witnesses=tuple((decision.name, decision.digest) for _, decision in found.outsider),
        insider_need=INSIDER_WIDTH,
        insider_min_width=_least(found.insider),
        insider_undecided=open_still,
        insider_frozen_narrow=len(narrow & known),
        insider_narrow=len(narrow - known),
        rekey=tuple(sorted((narrow - known) | again)),
        cpu_seconds=spent,
        milp_seconds=sum(decision.milp_seconds for _, decision in (*found.outsider, *found.insider)),
    )


def _least(found: Sequence[tuple[Drawn, Decision]]) -> int | None:
    widths = [width for _, each in found for width in (*each.width.values(), *each.failing.values())]
    return min(widths, default=None)


def _tally(found: Sequence[tuple[Drawn, Decision]]) -> Tally:
    by_stage = {stage: sum(decision.stages[stage] for _, decision in found) for stage in Stage}
    undecided = sum(len(decision.undecided) for _, decision in found)
    return Tally(
        sum(by_stage.values()) + undecided, by_stage[Stage.CERTIFICATE], by_stage[Stage.LP], by_stage[Stage.MILP]
    )
