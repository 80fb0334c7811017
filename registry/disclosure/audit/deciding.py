"""One block decided: certificates first, then linear bounds, then integer programs for what those leave open."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from registry.disclosure.audit.block import Block, Whole
from registry.disclosure.audit.certificates import Certificate, change, digest, verify, verify_all
from registry.disclosure.audit.drawing import Drawn
from registry.disclosure.audit.solving import WHOLE, Attacker, Point
from registry.disclosure.audit.worlds import central

Search = Callable[[Drawn, Whole, int, Sequence[int]], list[Certificate]]
TURNS = 2  # how many worlds certificates are looked for from


class Stage(StrEnum):
    """By what a target was decided."""

    CERTIFICATE = "certificate"
    LP = "lp"
    MILP = "milp"


@dataclass(slots=True)
class Witnesses:
    """Certificates that share a base world."""

    base: Whole
    certificates: list[Certificate] = field(default_factory=list)


@dataclass(slots=True)
class Decision:
    """What came of one block. `width` holds the width that is proven for each target that passed: it may be more."""

    name: str
    stages: dict[Stage, int] = field(default_factory=lambda: dict.fromkeys(Stage, 0))
    width: dict[int, int] = field(default_factory=dict)
    failing: dict[int, int] = field(default_factory=dict)
    undecided: list[int] = field(default_factory=list)
    witnesses: list[Witnesses] = field(default_factory=list)
    digest: str = ""


def decide(drawn: Drawn, base: Whole, wanted: Sequence[int], need: int, search: Search, ends: float) -> Decision:
    """Whether each wanted target can lie at least `need` apart, from a possible world.

    What is not decided when the processor time of this process reaches `ends` is undecided.
    """
    made = Decision(drawn.block.name)
    left = _certified(made, drawn, base, wanted, need, search, ends)
    if left:
        attacker = Attacker(drawn.block, max(1.0, remaining(ends)))
        for target in left:
            if remaining(ends) > 0:
                _solved(made, drawn.block, attacker, target, need, ends)
            else:
                made.undecided.append(target)
    made.digest = digest(drawn.block.name, [(each.base, each.certificates) for each in made.witnesses])
    return made


def remember(decision: Decision) -> Decision:
    """A decision without its worlds, which need not be kept: their digest is."""
    return dataclasses.replace(decision, witnesses=[])


def remaining(ends: float) -> float:
    """The seconds of processor time that are left."""
    return max(0.0, ends - time.process_time())


def _certified(
    made: Decision, drawn: Drawn, base: Whole, wanted: Sequence[int], need: int, search: Search, ends: float
) -> list[int]:
    """Stage 1, from one world after another; gives what it leaves. The first world is kept also where nothing was found from it."""
    left = list(wanted)
    for turn in range(TURNS):
        world = base if turn == 0 else central(drawn.block, remaining(ends), turn)
        if world is None:
            break
        made.witnesses.append(Witnesses(world))
        found = search(drawn, world, need, left)
        for each, stands in zip(found, verify_all(found, drawn.block, world), strict=True):
            if stands and each.width >= need:
                _passed(made, made.witnesses[-1], each, Stage.CERTIFICATE)
        left = [target for target in left if target not in made.width]
        if not left or not found:
            break
    return left


def _passed(made: Decision, witnesses: Witnesses, certificate: Certificate, stage: Stage) -> None:
    made.stages[stage] += 1
    made.width[certificate.target] = certificate.width
    witnesses.certificates.append(certificate)


def _solved(made: Decision, block: Block, attacker: Attacker, target: int, need: int, ends: float) -> None:
    """Stages 2 and 3. The linear bounds are the widest that the truth can have: narrower than needed fails for certain."""
    linear = attacker.linear(target)
    if linear is None:
        made.undecided.append(target)
        return
    least, most = int(np.ceil(linear[0].value - WHOLE)), int(np.floor(linear[1].value + WHOLE))
    if most - least < need:
        made.stages[Stage.LP] += 1
        made.failing[target] = most - least
    elif not _stood(made, block, target, need, linear[0].point, linear[1].point, Stage.LP):
        _whole(made, block, attacker, target, need, (linear[0].point, linear[1].point), (least, most), ends)


def _whole(
    made: Decision,
    block: Block,
    attacker: Attacker,
    target: int,
    need: int,
    points: tuple[Point, Point],
    bounds: tuple[int, int],
    ends: float,
) -> None:
    """Stage 3: the highest world that is needed, and one that lies far enough below it; first near the linear optima, then anywhere."""
    middle = sum(bounds) // 2
    high = attacker.whole(target, 1, min(bounds[1], middle + need), points[1], remaining(ends))
    aim = round(high.value) - need if high is not None else bounds[0]
    low = attacker.whole(target, -1, max(bounds[0], aim), points[0], remaining(ends)) if high is not None else None
    if low is None or high is None:
        made.undecided.append(target)
    elif _stood(made, block, target, need, low.point, high.point, Stage.MILP):
        return
    elif low.proven and high.proven:
        made.stages[Stage.MILP] += 1
        made.failing[target] = round(high.value) - round(low.value)
    else:
        made.undecided.append(target)


def _stood(made: Decision, block: Block, target: int, need: int, low: Point, high: Point, stage: Stage) -> bool:
    """Whether two points of a solver are whole worlds that make a certificate; if so the target has passed."""
    witnesses = made.witnesses[0]
    worlds = [np.rint(point).astype(np.int64) for point in (low, high)]
    width = int((block.targets[[target], :] @ (worlds[1] - worlds[0]))[0])
    certificate = Certificate(target, width, *(change(witnesses.base, world) for world in worlds))
    if width < need or not verify(certificate, block, witnesses.base):
        return False
    _passed(made, witnesses, certificate, stage)
    return True


def no_search(*_: object) -> list[Certificate]:
    """No certificates: every target goes to the solver."""
    return []
