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
from registry.disclosure.audit.solving import WHOLE, Answer, Attacker, Point
from registry.disclosure.audit.worlds import central

Search = Callable[[Drawn, Whole, int, Sequence[int]], list[Certificate]]
FEW = 2  # so many are left to the solver: another world costs as much
TURNS = 3  # how many worlds certificates are looked for from


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
    milp_seconds: float = 0.0


def decide(drawn: Drawn, base: Whole, wanted: Sequence[int], need: int, search: Search, ends: float) -> Decision:
    """Whether each wanted target can lie at least `need` apart, from a possible world.

    What is not decided when the processor time of this process reaches `ends` is undecided.
    """
    made = Decision(drawn.block.name)
    seen = Seen(drawn.block, need)
    left = _certified(made, seen, drawn, base, wanted, search, ends)
    if left:
        attacker = Attacker(drawn.block, max(1.0, remaining(ends)))
        for target in left:
            if target in made.width:
                continue  # by worlds that another target's solution brought
            if remaining(ends) > 0:
                _solved(made, seen, attacker, target, left, ends)
            else:
                made.undecided.append(target)
    made.digest = digest(drawn.block.name, [(each.base, each.certificates) for each in made.witnesses])
    return made


def remember(decision: Decision) -> Decision:
    """A decision without its worlds, which need not be kept: their digest is."""
    return dataclasses.replace(decision, witnesses=[], milp_seconds=0.0)


def remaining(ends: float) -> float:
    """The seconds of processor time that are left."""
    return max(0.0, ends - time.process_time())


@dataclass(slots=True)
class Seen:
    """The possible worlds that were found, whatever for: any two between which a target lies far enough apart are its certificate."""

    block: Block
    need: int
    worlds: list[Whole] = field(default_factory=list)
    values: list[Whole] = field(default_factory=list)

    def add(self, point: Point | Whole) -> None:
        """Keep the whole world at a point, if it is one."""
        world = np.rint(point).astype(np.int64)
        if self.block.possible(world):
            self.worlds.append(world)
            self.values.append(self.block.targets @ world)

    def certificate(self, target: int) -> Certificate | None:
        """The two worlds in which the target is least and most, as changes of the first world, if they lie far enough apart."""
        values = [int(each[target]) for each in self.values]
        low, high = int(np.argmin(values)), int(np.argmax(values))
        width = values[high] - values[low]
        if width < self.need:
            return None
        base = self.worlds[0]
        made = Certificate(target, width, change(base, self.worlds[low]), change(base, self.worlds[high]))
        return made if verify(made, self.block, base) else None


def _certified(
    made: Decision, seen: Seen, drawn: Drawn, base: Whole, wanted: Sequence[int], search: Search, ends: float
) -> list[int]:
    """Stage 1, from one world after another; gives what it leaves. The first world is kept also where nothing was found from it."""
    left = list(wanted)
    for turn in range(TURNS):
        world = base if turn == 0 else central(drawn.block, remaining(ends), turn)
        if world is None:
            break
        made.witnesses.append(Witnesses(world))
        seen.add(world)
        found = search(drawn, world, seen.need, left)
        for each, stands in zip(found, verify_all(found, drawn.block, world), strict=True):
            if stands and each.width >= seen.need:
                _passed(made, made.witnesses[-1], each, Stage.CERTIFICATE)
        _also(made, seen, left, Stage.CERTIFICATE)
        left = [target for target in left if target not in made.width]
        if len(left) <= FEW:
            break
    return left


def _also(made: Decision, seen: Seen, left: Sequence[int], stage: Stage) -> None:
    """What the worlds found so far certify by themselves."""
    for target in left:
        if target not in made.width and (certificate := seen.certificate(target)) is not None:
            _passed(made, made.witnesses[0], certificate, stage)


def _passed(made: Decision, witnesses: Witnesses, certificate: Certificate, stage: Stage) -> None:
    made.stages[stage] += 1
    made.width[certificate.target] = certificate.width
    witnesses.certificates.append(certificate)


def _solved(made: Decision, seen: Seen, attacker: Attacker, target: int, left: Sequence[int], ends: float) -> None:
    """Stages 2 and 3. The linear bounds are the widest that the truth can have: narrower than needed fails for certain."""
    linear = attacker.linear(target)
    if linear is None:
        made.undecided.append(target)
        return
    least, most = int(np.ceil(linear[0].value - WHOLE)), int(np.floor(linear[1].value + WHOLE))
    if most - least < seen.need:
        made.stages[Stage.LP] += 1
        made.failing[target] = most - least
        return
    for answer in linear:
        seen.add(answer.point)
    _also(made, seen, left, Stage.LP)
    if target not in made.width:
        began = time.process_time()
        _whole(made, seen, attacker, target, left, (linear[0].point, linear[1].point), (least, most), ends)
        made.milp_seconds += time.process_time() - began


def _whole(
    made: Decision,
    seen: Seen,
    attacker: Attacker,
    target: int,
    left: Sequence[int],
    points: tuple[Point, Point],
    bounds: tuple[int, int],
    ends: float,
) -> None:
    """Stage 3: a world as high as is needed above the lowest seen, then one as far below that; near the linear optima, else anywhere."""
    known = [int(values[target]) for values in seen.values]
    high = attacker.whole(target, 1, min(bounds[1], min(known) + seen.need), points[1], remaining(ends))
    if high is not None:
        seen.add(high.point)
    top = max(max(known), round(high.value) if high is not None else bounds[0])
    low = None
    if seen.certificate(target) is None:
        low = attacker.whole(target, -1, max(bounds[0], top - seen.need), points[0], remaining(ends))
        if low is not None:
            seen.add(low.point)
    _also(made, seen, left, Stage.MILP)
    if target in made.width:
        return
    if low is not None and high is not None and _certain(low, bounds[0]) and _certain(high, bounds[1]):
        made.stages[Stage.MILP] += 1
        made.failing[target] = round(high.value) - round(low.value)
    else:
        made.undecided.append(target)


def _certain(answer: Answer, bound: int) -> bool:
    """Whether nothing lies beyond an answer: proven, or at the linear bound."""
    return answer.proven or round(answer.value) == bound


def no_search(*_: object) -> list[Certificate]:
    """No certificates: every target goes to the solver."""
    return []
