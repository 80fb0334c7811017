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
from registry.web.open_data.words import table_words
from registry.web.pages import LONDON

SHOWN = 500


def revision(each: Revision) -> dict[str, Any]:
    return {"it": each, "table": table_words(each), "reasons": each.words}


def london(moment: datetime | None) -> str:
    """`31 December 2026, 09:30`, by the clocks of London."""
    if moment is None:
        return ""
    local = moment.astimezone(LONDON)
    return f"{local.day} {local:%B %Y, %H:%M}"


def embargo_values(until: datetime | None) -> Mapping[str, str]:
    if until is None:
        return {}
    local = until.astimezone(LONDON)
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
        ("Finished", london(run.finished_at)),
        ("Cells given another offset", f"{told['cells_given_another_offset']:,}"),
        *_findings(told["audit"]),
    ]
    return [*lines, ("Digest of the figures", run.data_hash), ("Digest of the report", run.report_digest)]


def _findings(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Whatever the report says in one number."""
    for name, value in told.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield name.replace("_", " ").capitalize(), f"{value:,}"


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
