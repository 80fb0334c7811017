"""Small tables as blocks of the attacker: published by any scheme, with whatever margins and linked sums."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from registry.disclosure.audit.block import Block, Draft, Target
from registry.disclosure.audit.deciding import Decision, decide
from registry.disclosure.audit.drawing import Drawn
from registry.disclosure.audit.schemes import Interval
from registry.disclosure.audit.searching import search
from registry.disclosure.audit.solving import Attacker
from registry.disclosure.audit.worlds import central

Publishing = Callable[[str, int], Interval]
"""What a sum of cells is published as, by the names of the cells and the sum."""


def table(
    cells: Mapping[str, int],
    sums: Iterable[Sequence[str]],
    each: Callable[[str, int], Interval | None],
    margin: Publishing,
) -> Block:
    """A block of these true counts: `each` says what a cell is published as (`None`: not at all), `margin` what a sum of cells is.

    Every cell that is published or part of a sum is a target.
    """
    draft = Draft("table")
    places = {name: draft.variable() for name in cells}
    for name, count in cells.items():
        interval = each(name, count)
        if interval is not None:
            draft.row([places[name]], *interval)
        draft.target([places[name]], Target(name, 1, 0))
    for names in sums:
        draft.row([places[name] for name in names], *margin("+".join(names), sum(cells[name] for name in names)))
    return draft.done()


def decided(block: Block, need: int = 4) -> Decision:
    """The audit's own decision on a block that no grid has drawn."""
    drawn = Drawn(block, (), {}, {}, {})
    base = central(block, 60.0)
    assert base is not None
    return decide(drawn, base, range(len(block.named)), need, search, float("inf"))


def failing(block: Block, need: int = 4) -> dict[str, int]:
    """The cells that are known too well, each with its width."""
    found = decided(block, need)
    assert not found.undecided
    return {block.named[target].cell: width for target, width in found.failing.items()}


def bounds(block: Block) -> dict[str, tuple[float, float]]:
    """The linear bounds of every target."""
    attacker = Attacker(block, 60.0)
    found = {}
    for place, one in enumerate(block.named):
        answer = attacker.linear(place)
        assert answer is not None
        found[one.cell] = (answer[0].value, answer[1].value)
    return found
