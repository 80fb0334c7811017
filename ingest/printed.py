"""Findings as a table on a terminal; those of FHIR are read from the OperationOutcomes in which they are told."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from ingest.report import Line
from schemas.fhir import SOURCE_UNIT

MOST_SHOWN = 200
STYLES = {"fatal": "red", "error": "red", "warning": "yellow", "information": ""}
"""The severities of R4, the worst first."""


@dataclass(frozen=True, slots=True)
class Told:
    """One issue of an OperationOutcome. `unit` is its place in the file, empty for one that was sent by itself."""

    unit: str
    severity: str
    place: str
    rule: str
    words: str


def findings_table(lines: Iterable[Line]) -> Table:
    """One line each, errors in red. What comes from a sender's heading is shown as it is, never taken for markup."""
    table = Table()
    for heading in ("Row", "Col", "Heading", "Rule", "What is wrong", "What to do"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "Row" else "left")
    for each in lines:
        place = (str(each.row or ""), each.column or "", each.heading or each.field or "")
        style = "red" if each.severity == "error" else "yellow"
        table.add_row(*map(Text, (*place, each.rule, each.words, each.mend)), style=style)
    return table


def issues_table(issues: Iterable[Told]) -> Table:
    """One line each, errors in red, in the order given."""
    table = Table()
    for heading in ("Unit", "Element", "Rule", "What is wrong, and what to do"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "Unit" else "left")
    for each in issues:
        table.add_row(*map(Text, (each.unit, each.place, each.rule, each.words)), style=STYLES.get(each.severity, ""))
    return table


def told(outcome: Mapping[str, Any]) -> Iterator[Told]:
    """The issues of an OperationOutcome, as it has them."""
    unit = _part(outcome, "ordinal", "valuePositiveInt")
    for each in outcome["issue"]:
        details = each.get("details") or {}
        rule = next((str(coding["code"]) for coding in details.get("coding") or () if "code" in coding), each["code"])
        place = next(iter(each.get("expression") or ()), "")
        yield Told(unit, each["severity"], place, rule, details.get("text", ""))


def disposition(outcome: Mapping[str, Any]) -> str:
    """What became of a unit: `accepted`, `unchanged`, `rejected`; empty where it is not said."""
    return _part(outcome, "disposition", "valueCode")


def worth_telling(issue: Told, *, alone: bool) -> bool:
    """Whether people want to read it: not that all is well, and of many units nothing that is mere information."""
    return issue.severity != "information" or (alone and bool(issue.place))


def worst(issues: Iterable[Told], most: int = MOST_SHOWN) -> list[Told]:
    """The first `most`, errors before warnings before information, in the order sent."""
    kept: dict[str, list[Told]] = {severity: [] for severity in STYLES}
    for each in issues:
        if len(kept[each.severity]) < most:
            kept[each.severity].append(each)
    return [each for severity in STYLES for each in kept[severity]][:most]


def _part(outcome: Mapping[str, Any], name: str, value: str) -> str:
    """A part of the extension that says which unit an outcome is about."""
    parts = (
        part
        for extension in outcome.get("extension") or ()
        if extension["url"] == SOURCE_UNIT
        for part in extension.get("extension") or ()
    )
    return next((str(part[value]) for part in parts if part["url"] == name and value in part), "")
