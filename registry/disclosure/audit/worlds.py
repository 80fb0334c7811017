"""One possible world of a block, from published numbers alone, away from the edges of its intervals.

The certificates of the audit are steps from this world. It knows no true count: whoever has the published numbers can find it again.
"""

import dataclasses

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from registry.disclosure.audit.block import UNBOUNDED, Block, Whole
from registry.disclosure.audit.solving import model, quiet

MARGIN = 2  # how far from the ends of its interval a row should lie
_GAP = 10.0  # rows nearer to an end than could be: what a world may be worse than the best one


def central(block: Block, seconds: float) -> Whole | None:
    """A possible world with as few rows near the ends of their intervals as is easily had, or `None`: none found, or none there is.

    The linear program says where the centre lies; its fractions are then made whole by a small integer program around it, and if that
    has no solution by one over the whole block.
    """
    soft = _softened(block)
    cost = np.concatenate([np.zeros(block.variables), np.ones(soft.variables - block.variables)])
    point = _solve(soft, cost, seconds, 0)
    if point is None:
        return None
    for tried in (*(_around(soft, point[: block.variables], room) for room in (0, 1)), soft):
        whole = _solve(tried, cost, seconds, block.variables)
        if whole is not None and block.possible(world := np.rint(whole[: block.variables]).astype(np.int64)):
            return world
    return None


def _softened(block: Block) -> Block:
    """The block with rows drawn in by the margin, and variables that give way again, at a cost."""
    margin = np.minimum(MARGIN, (block.high - block.low) // 2)
    margin[block.high - block.low >= UNBOUNDED] = 0
    idle = np.flatnonzero(margin > 0)
    give = sparse.csr_array(
        (np.ones(idle.size, dtype=np.int64), (idle, np.arange(idle.size))), shape=(block.low.size, idle.size)
    )
    return dataclasses.replace(
        block,
        lower=np.concatenate([block.lower, np.zeros(2 * idle.size, dtype=np.int64)]),
        upper=np.concatenate([block.upper, np.tile(margin[idle], 2)]),
        matrix=sparse.hstack([block.matrix, give, -give], format="csr"),
        low=block.low + margin,
        high=block.high - margin,
    )


def _around(soft: Block, point: NDArray[np.float64], room: int) -> Block:
    """The same with every variable of the world near the point: within `room` where it is whole there, one further where it is not."""
    close = np.rint(point)
    settled = np.abs(point - close) < 1e-6
    lower, upper = soft.lower.copy(), soft.upper.copy()
    known = point.size
    lower[:known] = np.maximum(
        lower[:known], np.where(settled, close - room, np.floor(point) - 1 - room).astype(np.int64)
    )
    upper[:known] = np.minimum(
        upper[:known], np.where(settled, close + room, np.ceil(point) + 1 + room).astype(np.int64)
    )
    return dataclasses.replace(soft, lower=lower, upper=upper)


def _solve(block: Block, cost: NDArray[np.float64], seconds: float, whole: int) -> NDArray[np.float64] | None:
    """The best point, the first `whole` variables in whole numbers; `None` where there is none or time ran out."""
    program = model(block, cost)
    if whole:
        kinds = [highspy.HighsVarType.kInteger] * whole
        program.integrality_ = kinds + [highspy.HighsVarType.kContinuous] * (block.variables - whole)
    solver = quiet(seconds)
    solver.setOptionValue("mip_abs_gap", _GAP)
    solver.passModel(program)
    solver.run()
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    return np.array(solver.getSolution().col_value)
