"""The attacker's linear and integer programs, by HiGHS. One model a block: only the objective changes from target to target."""

import dataclasses
from typing import NamedTuple

import highspy
import numpy as np
from numpy.typing import NDArray

from registry.disclosure.audit.block import UNBOUNDED, Block, Whole

Point = NDArray[np.float64]
INFINITY = highspy.kHighsInf
MOST_NODES = 20_000
"""So far is an integer program searched: what is not settled by then is undecided, on a slow machine as on a fast one."""
WHOLE = 1e-6  # how far from a whole number the solver's answer may lie


class Answer(NamedTuple):
    """What a solver says: the optimum, the point where it lies, and whether it is proven."""

    value: float
    point: NDArray[np.float64]
    proven: bool


def model(block: Block, cost: NDArray[np.float64]) -> highspy.HighsLp:
    """The block as HiGHS takes it."""
    made = highspy.HighsLp()
    made.num_col_, made.num_row_ = block.variables, int(block.low.size)
    made.col_cost_ = cost
    made.col_lower_ = block.lower.astype(float)
    made.col_upper_ = np.where(block.upper >= UNBOUNDED, INFINITY, block.upper.astype(float))
    made.row_lower_ = np.where(block.low <= -UNBOUNDED, -INFINITY, block.low.astype(float))
    made.row_upper_ = np.where(block.high >= UNBOUNDED, INFINITY, block.high.astype(float))
    made.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    made.a_matrix_.start_ = block.matrix.indptr
    made.a_matrix_.index_ = block.matrix.indices
    made.a_matrix_.value_ = block.matrix.data.astype(float)
    return made


def quiet(seconds: float) -> highspy.Highs:
    """A solver that says nothing, uses one thread and always the same seed, and stops after some seconds."""
    solver = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy types its methods, but not this
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("random_seed", 0)
    solver.setOptionValue("time_limit", seconds)
    return solver


def around(block: Block, point: Point, room: int) -> Block:
    """The block with every variable near a point: within `room` where it is whole there, one further where it is not.

    Variables behind those of the point stay as they are.
    """
    close = np.rint(point)
    settled = np.abs(point - close) < WHOLE
    lower, upper = block.lower.copy(), block.upper.copy()
    known = point.size
    least = np.where(settled, close - room, np.floor(point) - 1 - room).astype(np.int64)
    most = np.where(settled, close + room, np.ceil(point) + 1 + room).astype(np.int64)
    lower[:known], upper[:known] = np.maximum(lower[:known], least), np.minimum(upper[:known], most)
    return dataclasses.replace(block, lower=lower, upper=upper)


class Attacker:
    """One block in the hands of HiGHS: the linear bounds of any target, and whole-number optima where asked."""

    def __init__(self, block: Block, seconds: float) -> None:
        self._block = block
        self._linear = quiet(seconds)
        for option, value in (("presolve", "off"), ("solver", "simplex"), ("simplex_strategy", 4)):
            self._linear.setOptionValue(option, value)
        self._linear.passModel(model(block, np.zeros(block.variables)))
        self._seconds = seconds

    def linear(self, target: int) -> tuple[Answer, Answer] | None:
        """The least and the most that a target can be without being whole; `None` where the solver does not say.

        The last basis is the start of the next: only the objective changed.
        """
        places, weights = self._target(target)
        found: list[Answer] = []
        for sign in (1.0, -1.0):
            self._linear.changeColsCost(places.size, places.astype(np.int32), sign * weights)
            self._linear.run()
            if self._linear.getModelStatus() != highspy.HighsModelStatus.kOptimal:
                found = []
                break
            point = np.array(self._linear.getSolution().col_value)
            found.append(Answer(float(weights @ point[places]), point, True))
        self._linear.changeColsCost(places.size, places.astype(np.int32), np.zeros(places.size))
        return (found[0], found[1]) if found else None

    def whole(self, target: int, sign: int, enough: int, near: Point, seconds: float) -> Answer | None:
        """The most (`sign` 1) or the least (-1) that a target can be in whole numbers; stops at `enough`.

        First looked for near a point, where it is soon found, then anywhere: only then, and only where `enough` is out of reach, is the
        optimum `proven`. `None` where no world was found in time.
        """
        places, weights = self._target(target)
        cost = np.zeros(self._block.variables)
        cost[places] = -sign * weights
        for tried in (around(self._block, near, 1), self._block):
            program = model(tried, cost)
            program.integrality_ = [highspy.HighsVarType.kInteger] * tried.variables
            solver = quiet(seconds)
            solver.setOptionValue("objective_target", float(-sign * enough))
            solver.setOptionValue("mip_abs_gap", 0.99)
            solver.setOptionValue("mip_rel_gap", 0.0)
            solver.setOptionValue("mip_max_nodes", MOST_NODES)
            solver.passModel(program)
            solver.run()
            if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
                continue
            point = np.array(solver.getSolution().col_value)
            value = float(weights @ point[places])
            proven = tried is self._block and solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
            if sign * value >= sign * enough - WHOLE or tried is self._block:
                return Answer(value, point, proven)
        return None

    def _target(self, target: int) -> tuple[Whole, NDArray[np.float64]]:
        row = self._block.targets[[target], :]
        return row.indices.astype(np.int64), row.data.astype(float)
