"""One possible world of a block, from published numbers alone: away from the edges of its intervals, its cases spread as they may well be.

The certificates of the audit are steps from this world, and there is room for steps where rows lie amid their intervals and no category
holds all cases of a month. It knows no true count: whoever has the published numbers can find it again.

1. An interior point of the linear program (rows drawn in by a margin): spread, but not whole.
2. Whole numbers near it, each group of categories adding up to its total (`_spread`). Some rows leave their intervals.
3. The nearest point, in sum of differences, at which none does: almost whole.
4. What is not, made whole by a small integer program around it, or if that has no solution by a larger one.
"""

import dataclasses

import highspy
import numpy as np
from scipy import sparse

from registry.disclosure.audit.block import UNBOUNDED, Block, Whole
from registry.disclosure.audit.solving import Point, around, model, quiet

MARGIN = 2  # how far from the ends of its interval a row should lie
_GAP = 10.0  # by how many rows too near to an end a world may be worse than the best
_TIGHT = 3.0  # a row one nearer to an end than the margin costs as much as three numbers that are one off
_GOLDEN = 0.6180339887498949


def central(block: Block, seconds: float, turn: int = 0) -> Whole | None:
    """A possible world, or `None`: none found in time, or there is none. Each `turn` gives another."""
    soft = _softened(block)
    cost = np.where(np.arange(soft.variables) < block.variables, 0.0, 1.0)
    inner = _solve(soft, cost, seconds, interior=True)
    if inner is None:
        return None
    near = _solve(*_nearest(soft, block.variables, _spread(block, inner, turn)), seconds)
    if near is None:
        return None
    for tried in (*(around(soft, near[: block.variables], room) for room in (0, 1)), soft):
        point = _solve(tried, cost, seconds, whole=block.variables)
        if point is not None and block.possible(world := np.rint(point[: block.variables]).astype(np.int64)):
            return world
    return None


def _softened(block: Block) -> Block:
    """The block with rows drawn in by the margin, and variables behind its own that give way again."""
    margin = np.minimum(MARGIN, (block.high - block.low) // 2)
    margin[block.high - block.low >= UNBOUNDED] = 0
    drawn_in = np.flatnonzero(margin > 0)
    give = sparse.csr_array(
        (np.ones(drawn_in.size, dtype=np.int64), (drawn_in, np.arange(drawn_in.size))),
        shape=(block.low.size, drawn_in.size),
    )
    return dataclasses.replace(
        block,
        lower=np.concatenate([block.lower, np.zeros(2 * drawn_in.size, dtype=np.int64)]),
        upper=np.concatenate([block.upper, np.tile(margin[drawn_in], 2)]),
        matrix=sparse.hstack([block.matrix, give, -give], format="csr"),
        low=block.low + margin,
        high=block.high - margin,
    )


def _spread(block: Block, inner: Point, turn: int) -> Whole:
    """Whole numbers near a point. The categories of a group add up to its total; what is over falls evenly, not to the largest always."""
    chance = np.random.default_rng(turn)
    moved = inner[: block.variables] + (chance.normal(0.0, 1.0, block.variables) if turn else 0.0)
    world = np.clip(np.rint(moved).astype(np.int64), block.lower, block.upper)
    weights = np.maximum(inner[: block.variables], 0.0) * (chance.gamma(2.0, 0.5, block.variables) if turn else 1.0)
    matrix = block.matrix
    for row in np.flatnonzero((block.low == 0) & (block.high == 0)):
        inside = slice(matrix.indptr[row], matrix.indptr[row + 1])
        columns, signs = matrix.indices[inside], matrix.data[inside]
        group, of = np.sort(columns[signs > 0]), columns[signs < 0]
        if group.size > 1 and of.size:
            start = int(of.min()) * _GOLDEN % 1.0
            world[group] = _divided(int(world[of].sum()), weights[group], start)
    return world


def _divided(total: int, weights: Point, start: float) -> Whole:
    """A total divided in proportion, in whole numbers: each part is at most one off its share."""
    shares = np.maximum(weights, 1e-9)
    ends = np.floor(np.cumsum(shares / shares.sum() * total) + start)
    ends[-1] = total
    return np.diff(np.minimum(ends, total), prepend=0.0).astype(np.int64)


def _nearest(soft: Block, known: int, world: Whole) -> tuple[Block, Point]:
    """The program whose optimum is the point nearest to a world: each variable is the world's, and what is added less what is taken."""
    whole = sparse.eye_array(known, dtype=np.int64, format="csr")
    others = sparse.csr_array((known, soft.variables - known), dtype=np.int64)
    above = sparse.hstack([soft.matrix, sparse.csr_array((soft.low.size, 2 * known), dtype=np.int64)])
    made = dataclasses.replace(
        soft,
        lower=np.concatenate([soft.lower, np.zeros(2 * known, dtype=np.int64)]),
        upper=np.concatenate([soft.upper, np.full(2 * known, UNBOUNDED)]),
        matrix=sparse.vstack([above, sparse.hstack([whole, others, -whole, whole])], format="csr"),
        low=np.concatenate([soft.low, world]),
        high=np.concatenate([soft.high, world]),
    )
    cost = np.concatenate([np.zeros(known), np.full(soft.variables - known, _TIGHT), np.ones(2 * known)])
    return made, cost


def _solve(block: Block, cost: Point, seconds: float, *, whole: int = 0, interior: bool = False) -> Point | None:
    """The best point, the first `whole` variables in whole numbers; `None` where there is none or time ran out."""
    program = model(block, cost)
    if whole:
        kinds = [highspy.HighsVarType.kInteger] * whole
        program.integrality_ = kinds + [highspy.HighsVarType.kContinuous] * (block.variables - whole)
    solver = quiet(seconds)
    solver.setOptionValue("mip_abs_gap", _GAP)
    if interior:
        solver.setOptionValue("solver", "ipm")
        solver.setOptionValue("run_crossover", "off")
    solver.passModel(program)
    solver.run()
    if not interior and solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return None
    return np.array(solver.getSolution().col_value)
