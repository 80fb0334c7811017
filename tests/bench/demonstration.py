"""The demonstration at full size: five years of 143 organisations and more, three releases with late cases, returns and reviews between them.

Everything is the service's own: files sent through the door, counted, prepared by one, audited with every release before, approved by two.
What is measured is what it kept: the signed report of each release, and the processor time that the audit log notes of each audit.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from registry.settings import Settings, load
from registry.store import Store
from registry.store.releases import audit_run
from registry.store.tables import audit, cell, publication, released
from tests.bench.disclosure import MINUTES
from tests.bench.measure import Cluster, Figure
from tests.running import free_port

MONTHS, RELEASES = 60, 3
FULL = ("-m", "registry", "demo", "--months", str(MONTHS), "--releases", str(RELEASES))


@dataclass(frozen=True, slots=True)
class Kept:
    """What the service kept of one release: its report, the rounds and seconds that its audit took, and how many of its cells are held, of how many."""

    number: int
    report: dict[str, Any]
    spent: dict[str, int]
    held: int
    cells: int


def demonstrated(_cluster: Cluster, folder: Path, program: Sequence[str] = FULL) -> list[Figure]:
    """Processor time of certificates and LP in all rounds of the last release's audit, and the five candidates that must be left in each release."""
    data = folder / "demonstration"
    environment = os.environ | {"HAT_DATA_DIR": str(data), "HAT_PORT": str(free_port())}
    with subprocess.Popen([sys.executable, *program], stdout=subprocess.PIPE, text=True, env=environment) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            sys.stderr.write(line)
            if "Ctrl-C" in line:
                break
        try:
            return figures_of(kept(load(data_dir=data)))
        finally:
            demo.send_signal(signal.SIGINT)


def kept(settings: Settings) -> list[Kept]:
    """Of each release in order."""
    store = Store.from_settings(settings, ("hat_national", "hat_auditor"))
    try:
        with store.readonly(role="hat_national") as connection:
            cells = (
                select(func.count(), func.count(cell.c.held_from))
                .where(cell.c.release_id == released.c.id, cell.c.state == "counted")
                .lateral()
            )
            query = (
                select(released.c.number, released.c.id, audit_run.c.report, *cells.c)
                .join(publication, publication.c.id == released.c.id)
                .join(audit_run, (audit_run.c.publication_id == publication.c.id) & (audit_run.c.state == "passed"))
                .join(cells, cells.c[0] >= 0)
                .order_by(released.c.number)
            )
            rows = connection.execute(query).all()
        with store.readonly(role="hat_auditor") as connection:
            spent = {
                row.object_id: row.detail
                for row in connection.execute(
                    select(audit.c.object_id, audit.c.detail).where(audit.c.action == "publication.audit_passed")
                )
            }
    finally:
        store.dispose()
    return [
        Kept(number, json.loads(bytes(report)), spent[str(ident)], held, count)
        for number, ident, report, count, held in rows
    ]


def figures_of(releases: Sequence[Kept]) -> list[Figure]:
    last = releases[-1]
    outsider = last.report["audit"]["outsider"]
    candidates = 1 + min(each.report["audit"]["outsider"]["least_width"] for each in releases)
    decided = last.spent["cpu_seconds"] - last.spent["milp_seconds"]
    told = (
        f"demonstration: audit of {outsider['targets']} cells of {len(releases)} releases ({outsider['certificate']} by certificate, "
        f"{outsider['lp']} LP, {outsider['milp']} MILP), all {last.spent['rounds']} rounds; MILP {last.spent['milp_seconds']} s besides"
    )
    return [
        Figure(told, decided, "CPU s", f"{MINUTES} CPU-minutes", MINUTES * 60, decided / (MINUTES * 60), 1.0),
        Figure("demonstration: candidates of the best known cell", candidates, "counts", "needed", 5, 5 / candidates, 1.0),
        Figure(
            "demonstration: cells held in the last release", last.held, "cells", "a tenth of them", last.cells / 10,
            10 * last.held / last.cells, 1.0,
        ),
    ]  # fmt: skip
