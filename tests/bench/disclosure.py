"""The attacker audit of a synthetic nation: processor time of certificates and linear programs, and how many candidates are left.

143 organisations, 60 months, three releases with late cases and completed reviews between them, published through the real grid and the
real rounding. Cells that fail before their first publication get another offset, as the release desk gives it; then all three releases
are audited together.
"""

import copy
from pathlib import Path

import numpy as np

from registry.disclosure.audit import Report, audit
from tests.bench.measure import Cluster, Figure
from tests.registry.disclosure.nation import Nation, nation, released

TRUSTS, REGIONS, MONTHS, RELEASES = 143, 9, 60, 3
MINUTES = 15
ROUNDS = 8
_CHANCE = 2026


def auditing(_cluster: Cluster, _folder: Path) -> list[Figure]:
    """Processor time against 15 minutes, and the five candidates that must be left against those that are."""
    made = nation(TRUSTS, REGIONS, MONTHS, np.random.default_rng(_CHANCE))
    attempts = settled(made)
    report = over_all(made, attempts)
    spent = report.cpu_seconds - report.milp_seconds
    if report.undecided or report.contradictory:
        raise RuntimeError("the audit of the synthetic nation left cells undecided")
    candidates = (report.min_width or 0) + 1
    tally = report.outsider
    told = f"audit of {tally.targets} cells of {RELEASES} releases ({tally.certificate} by certificate, {tally.lp} LP; {tally.milp} MILP in {report.milp_seconds:.0f} s besides)"
    return [
        Figure(told, spent, "CPU s", f"{MINUTES} CPU-minutes", MINUTES * 60, spent / (MINUTES * 60), 1.0),
        Figure("candidates of the best known cell", candidates, "counts", "needed", 5, 5 / candidates, 1.0),
    ]


def settled(made: Nation) -> dict[str, int]:
    """The offsets that the desk draws again before the first release, until nothing fails."""
    attempts: dict[str, int] = {}
    for _ in range(ROUNDS):
        releases, knows, _ = released(copy.deepcopy(made), 1, np.random.default_rng(_CHANCE), attempts=attempts)
        again = audit(releases, knows, seconds=4 * MINUTES * 60).rekey
        if not again:
            break
        attempts |= {name: attempts.get(name, 0) + 1 for name in again}
    return attempts


def over_all(made: Nation, attempts: dict[str, int]) -> Report:
    """The audit of all releases together, by an outsider and by an insider."""
    releases, knows, _ = released(copy.deepcopy(made), RELEASES, np.random.default_rng(_CHANCE), attempts=attempts)
    return audit(releases, knows, seconds=4 * MINUTES * 60)
