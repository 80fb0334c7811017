"""One block decided: certificates first, then linear bounds, then integer programs for what those leave open."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from registry.disclosure.audit.block import Block, Whole
from registry.disclosure.audit.certificates import Certificate, change, digest, verify, verify_all
from registry.disclosure.audit.drawing import Drawn
from registry.disclosure.audit.solving import WHOLE, Answer, Attacker

Search = Callable[[Drawn, Whole, int, Sequence[int]], list[Certificate]]


class Stage(StrEnum):
    """By what a target was decided."""

    CERTIFICATE = "certificate"
    LP = "lp"
    MILP = "milp"


@dataclass(slots=True)
class Decision:
    """What came of one block. `width` holds the least width that is proven for each target that passed."""

    name: str
    stages: dict[Stage, int] = field(default_factory=lambda: dict.fromkeys(Stage, 0))
    width: dict[int, int] = field(default_factory=dict)
    failing: dict[int, int] = field(default_factory=dict)
    undecided: list[int] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)
    witnesses: str = ""
    cpu: float = 0.0


def decide(drawn: Drawn, base: Whole, wanted: Sequence[int], need: int, search: Search, seconds: float) -> Decision:
    """Whether each wanted target can lie at least `need` apart, from a possible world. What time does not allow to decide is undecided."""
    began = time.process_time()
    block = drawn.block
    made = Decision(block.name)
    found = search(drawn, base, need, wanted)
    for each, stands in zip(found, verify_all(found, block, base), strict=True):
        if stands and each.width >= need:
            _passed(made, each, Stage.CERTIFICATE)
    left = [target for target in wanted if target not in made.width]
    attacker = Attacker(block, seconds) if left else None
    for target in left:
        remaining = seconds - (time.process_time() - began)
        if attacker is None or remaining <= 0:
            made.undecided.append(target)
        else:
            _solve(made, block, base, attacker, target, need, remaining)
    made.witnesses = digest(made.certificates, block, base)
    made.cpu = time.process_time() - began
    return made


def _passed(made: Decision, certificate: Certificate, stage: Stage) -> None:
    made.stages[stage] += 1
    made.width[certificate.target] = certificate.width
    made.certificates.append(certificate)


def _solve(
    made: Decision, block: Block, base: Whole, attacker: Attacker, target: int, need: int, seconds: float
) -> None:
    """Stages 2 and 3. The linear bounds are the widest that the truth can have: narrower than needed fails for certain."""
    linear = attacker.linear(target)
    if linear is None:
        made.undecided.append(target)
        return
    least, most = np.ceil(linear[0].value - WHOLE), np.floor(linear[1].value + WHOLE)
    if most - least < need:
        made.stages[Stage.LP] += 1
        made.failing[target] = int(most - least)
        return
    seen = _pair(block, base, target, linear[0], linear[1])
    if seen is not None and seen.width >= need and verify(seen, block, base):
        _passed(made, seen, Stage.LP)
        return
    _whole(made, block, base, attacker, target, need, (int(least), int(most)), seconds)


def _whole(
    made: Decision,
    block: Block,
    base: Whole,
    attacker: Attacker,
    target: int,
    need: int,
    bounds: tuple[int, int],
    seconds: float,
) -> None:
    """Stage 3: the highest world, then one that lies far enough below it."""
    high = attacker.whole(target, 1, bounds[1], base, seconds)
    low = attacker.whole(target, -1, round(high.value) - need, base, seconds) if high is not None else None
    seen = _pair(block, base, target, low, high) if low is not None and high is not None else None
    if seen is None or low is None or high is None:
        made.undecided.append(target)
    elif seen.width >= need and verify(seen, block, base):
        _passed(made, seen, Stage.MILP)
    elif low.proven and high.proven:
        made.stages[Stage.MILP] += 1
        made.failing[target] = seen.width
    else:
        made.undecided.append(target)


def _pair(block: Block, base: Whole, target: int, low: Answer, high: Answer) -> Certificate | None:
    """Two answers of a solver as a certificate, where both are whole."""
    worlds = []
    for answer in (low, high):
        world = np.rint(answer.point).astype(np.int64)
        if np.abs(answer.point - world).max(initial=0) > 1e-5 or not block.possible(world):
            return None
        worlds.append(world)
    row = block.targets[[target], :]
    return Certificate(
        target, int((row @ (worlds[1] - worlds[0]))[0]), change(base, worlds[0]), change(base, worlds[1])
    )


def no_search(*_: object) -> list[Certificate]:
    """No certificates: every target goes to the solver."""
    return []
