"""The attacker audit of a synthetic nation: processor time of certificates and linear programs, and how many candidates are left.

143 organisations, 60 months, three releases with late cases and completed reviews between them, published through the real grid and the
real rounding. As at the release desk, cells that fail before their first publication get another offset, and what was published before
is held where its revision would tell too much; each release is audited together with all before it.
"""

import json
from pathlib import Path

import numpy as np
from rich.console import Console

from registry.disclosure.audit.playing import Players
from registry.publications import judging
from registry.publications.judging import Verdict
from tests.bench.measure import Cluster, Figure
from tests.registry.disclosure.desk import Desk, three_releases
from tests.registry.disclosure.nation import nation

TRUSTS, REGIONS, MONTHS, RELEASES = 143, 9, 60, 3
MINUTES = 15
_CHANCE = 2026


def auditing(_cluster: Cluster, _folder: Path) -> list[Figure]:
    """Processor time of the audit of all releases against 15 minutes, and the five candidates that must be left against those that are."""
    made = nation(TRUSTS, REGIONS, MONTHS, np.random.default_rng(_CHANCE))
    with Players() as players:
        desk = Desk(judging.attacker(players), tell)
        firsts = three_releases(desk, made, RELEASES, np.random.default_rng(_CHANCE))
        last = desk.last
    over_all = firsts[-1]
    outsider = last.report["outsider"]
    spent, candidates = over_all.cpu_seconds - over_all.milp_seconds, outsider["least_width"] + 1
    told = f"audit of {outsider['targets']} cells of {RELEASES} releases ({stages(last)}; MILP {over_all.milp_seconds:.0f} s besides)"
    cells = sum(one.value is not None for one in desk.releases[-1].cells)
    return [
        Figure(told, spent, "CPU s", f"{MINUTES} CPU-minutes", MINUTES * 60, spent / (MINUTES * 60), 1.0),
        Figure("candidates of the best known cell", candidates, "counts", "needed", 5, 5 / candidates, 1.0),
        Figure(f"cells held, of {RELEASES - 1} later releases", desk.held, "cells", "a tenth of them", cells / 5, desk.held / (cells / 5), 1.0),
    ]  # fmt: skip


def stages(verdict: Verdict) -> str:
    outsider = verdict.report["outsider"]
    return f"{outsider['certificate']} by certificate, {outsider['lp']} LP, {outsider['milp']} MILP"


def tell(words: str, verdict: Verdict) -> None:
    """A line for each audit, so that a long run shows where it is."""
    Console(stderr=True, width=200).print(
        f"{words}: {stages(verdict)}; least width {verdict.report['outsider']['least_width']}, {len(verdict.failing)} fail, "
        f"{len(verdict.rekey)} to draw again, {len(verdict.report['outsider']['undecided'])} undecided, "
        f"contradictory {json.dumps(verdict.report['outsider']['contradictory_blocks'])}; "
        f"CPU {verdict.cpu_seconds:.0f} s, of that MILP {verdict.milp_seconds:.0f} s",
        highlight=False,
    )
