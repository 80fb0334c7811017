"""Figures as programs read them: the rows of a file, the definition of a measure, the head of a release."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from ingest.quoting import quoted_record
from registry.measures import Measure, Shown
from registry.publications.published import Release
from registry.web.series import Area, Line, contributors

COLUMNS = (
    "measure", "area", "area_name", "period", "status", "numerator", "denominator", "value", "lower_95", "upper_95", "note",
    "share_if_none", "share_if_all", "share_investigated", "organisations", "organisations_taking_part", "organisations_assessable",
    "further",
)  # fmt: skip


def record(measure: Measure, area: Area, line: Line) -> dict[str, Any]:
    """One figure as a program reads it. Numbers that may not be shown are codes in brackets, explained on the page about the data."""
    figure, estimate = line.figure, line.figure.estimate
    cells = (
        measure.ident, area.ident, area.name, period_code(measure.period, line.start), "provisional" if line.provisional else "final",
        figure.top.code, figure.bottom.code, digits(estimate.value), digits(estimate.lower), digits(estimate.upper),
        estimate.reason.value if estimate.reason else None, digits(figure.least), digits(figure.most),
        digits(figure.investigated), contributors(measure, line.counts), line.counts.numbers.get("trusts_taking_part"),
        line.counts.numbers.get("trusts_assessable"), "; ".join(f"{one.code}={one.number.code}" for one in figure.further) or None,
    )  # fmt: skip
    return dict(zip(COLUMNS, cells, strict=True))


def period_code(kind: Shown, start: date) -> str:
    """`2026-03` for a month, `2026-Q1` for a quarter of the calendar, `2025-26` for a financial year."""
    if kind is Shown.MONTH:
        return f"{start:%Y-%m}"
    if kind is Shown.QUARTER:
        return f"{start.year}-Q{(start.month + 2) // 3}"
    return f"{start.year}-{(start.year + 1) % 100:02d}"


def digits(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def as_csv(records: Iterable[Mapping[str, Any]], release: Release, columns: Iterable[str] = COLUMNS) -> bytes:
    """UTF-8 with a byte order mark, so that a spreadsheet reads names as they are; no cell begins like a formula.

    Each line says of which release it is, and as at when that was counted: lines are copied without their file.
    """
    told = {"release": release.number, "counted_as_at": release.as_at.isoformat()}
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*columns, *told], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(quoted_record(each) | told for each in records)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def definition(measure: Measure) -> dict[str, Any]:
    """The words of a measure, for programs."""
    return {
        "measure": measure.ident,
        "title": measure.title,
        "unit": measure.unit,
        "definition": measure.definition,
        "numerator": measure.numerator,
        "denominator": measure.denominator,
        "exclusions": list(measure.exclusions),
        "limits": list(measure.limits),
        "revision": measure.revision,
        "source": measure.source,
        "cells": [f"{key.quantity}/{key.split}/{key.category}" for key in measure.cells],
    }


def release_head(release: Release) -> dict[str, Any]:
    """The head of a release, for programs."""
    return {
        "number": release.number,
        "title": release.title,
        "as_at": release.as_at.isoformat(),
        "released_at": release.released_at.isoformat(),
        "prepared_by": release.prepared_by_name,
        "released_by": release.released_by_name,
        "counting_definition": release.definition,
        "grid_version": release.grid_version,
        "opt_out": release.rules.get("opt_out_in_force", {}),
    }
