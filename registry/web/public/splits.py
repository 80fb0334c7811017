"""The one-way splits of a trust's years: type, group, preventability, each with the share that was preventable and its bounds."""

from typing import Any

from registry.measures import CASES, PREVENTABLE_SHARE
from registry.web.series import Line

SPLIT_WORDS = (
    ("What was found", "vte_type", (("pe", "Pulmonary embolism"), ("dvt", "Deep vein thrombosis only"))),
    (
        "Group of the admission",
        "admission_group",
        (
            ("medical", "Medical"),
            ("surgical", "Surgical"),
            ("obstetric", "Obstetric"),
            ("critical_care", "Critical care"),
            ("orthopaedic_trauma", "Trauma and orthopaedic"),
        ),
    ),
    (
        "Judgement on preventability",
        "preventability",
        (
            ("preventable", "Potentially preventable"),
            ("not_preventable", "Not preventable"),
            ("not_investigated", "Not investigated"),
        ),
    ),
)


def splits(years: list[Line]) -> list[dict[str, Any]]:
    """For each year with cases the splits as words, and the share that was preventable; the latest first."""
    found = []
    for line in reversed(years):
        cells = {
            (key.split, key.category): count.words
            for key, count in line.counts.cells.items()
            if key.quantity == CASES.quantity
        }
        tables = [
            (title, [(words, cells[split, category]) for category, words in categories if (split, category) in cells])
            for title, split, categories in SPLIT_WORDS
        ]
        if any(rows for _, rows in tables):
            share = Line(line.start, line.label, PREVENTABLE_SHARE.figure(line.counts), line.counts)
            found.append({"line": line, "tables": tables, "share": share})
    return found
