"""A publication in words: its audit, its revisions, its figures beside what is public."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from registry.measures import MEASURES, Measure
from registry.publications import published
from registry.publications.comparing import Revision
from registry.publications.published import Release
from registry.web import series
from registry.web.charts import Row
from registry.web.charts import rows as chart_rows
from registry.web.moments import in_london, said_time
from registry.web.open_data.words import table_words

SHOWN = 500


def revision(each: Revision) -> dict[str, Any]:
    return {"it": each, "table": table_words(each), "reasons": each.words}


def embargo_values(until: datetime | None) -> Mapping[str, str]:
    if until is None:
        return {}
    local = in_london(until)
    return {"until": f"{local:%Y-%m-%d}", "until_time": f"{local:%H:%M}"}


def audit_words(run: Any) -> list[tuple[str, str]]:
    """The audit in lines of what and how much."""
    if run is None:
        return []
    if run.report is None:
        done = f"{run.done:,} of {run.total:,}" if run.total > 1 else ""
        return [("Stage", run.stage or "Waiting for the worker"), *([("Done", done)] if done else [])]
    told = json.loads(run.report)
    lines = [
        ("Result", "Passed" if told["passed"] else "Failed"),
        ("Finished", said_time(run.finished_at)),
        ("Offsets drawn again before their first publication", f"{told['offsets_drawn_again']:,}"),
        ("Cells held at what an earlier release said", f"{told.get('cells_held', 0):,}"),
        ("Cells withheld", f"{told['cells_withheld']:,}"),
        *_findings(told["audit"]),
    ]
    return [*lines, ("Digest of the figures", run.data_hash), ("Digest of the report", run.report_digest)]


def _findings(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of each attacker: how many counts were tried, how they were decided, and the narrowest."""
    for name, words in (("outsider", "To everybody"), ("insider", "To who knows every addition")):
        found = told.get(name, {})
        if "least_width" in found:
            stages = f"{found['certificate']:,} by certificates, {found['lp']:,} by LP, {found['milp']:,} by MILP"
            yield f"{words}: counts tried", f"{found['targets']:,} ({stages})"
            least = found["least_width"]
            yield f"{words}: the narrowest leaves", "–" if least is None else f"{least + 1} possible counts"
    if told.get("outsider", {}).get("failing"):
        yield "Cells that are known too well", f"{len(told['outsider']['failing']):,}"


@dataclass(frozen=True, slots=True)
class Compared:
    """One period of a measure in one area: as it is public, and as the draft would make it."""

    label: str
    before: str
    after: Row

    @property
    def changed(self) -> bool:
        return self.before != self.after.value


def compared(connection: Connection, release: Release, current: Release | None) -> Iterator[dict[str, Any]]:
    """Each measure in the nations and in both together, period by period, the latest first."""
    for measure in MEASURES.values():
        before = _periods(connection, measure, current) if current else {}
        for area, rows in _periods(connection, measure, release).items():
            old = {row.period: row.value for row in before.get(area, [])}
            lines = [Compared(row.period, old.get(row.period, "–"), row) for row in reversed(rows)]
            yield {"measure": measure, "area": area, "lines": lines, "changed": sum(line.changed for line in lines)}


def _periods(connection: Connection, measure: Measure, release: Release) -> dict[str, list[Row]]:
    areas = series.areas(measure, published.places(connection, release, "region"))
    gathered = published.region_months(connection, release, measure)
    national = [area for area in areas if area.ident == series.BOTH or area.name in measure.nations]
    return {
        area.name: list(chart_rows(series.chart(measure, area, series.monthly(measure, area, gathered))))
        for area in national
    }
