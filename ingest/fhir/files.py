"""A file of FHIR on disk, checked as the registry checks it: one Bundle or resource as JSON, or many with one a line."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from ingest.check import Context
from ingest.fhir.issue_types import fault
from ingest.fhir.outcome import outcome_line
from ingest.fhir.parsing import parse
from ingest.fhir.reading import check_units, only_checked, read_unit, units_of_batch
from ingest.fhir.unit import Unit
from schemas.rules import fhir as rules

MANY = (".ndjson", ".jsonl")
UNITS_AT_ONCE = 1_000
"""So many go through the validator in one frame."""


def outcome_lines(path: Path, context: Context) -> Iterator[bytes]:
    """The outcome of each unit in order, one OperationOutcome a line: `accepted` where the registry would keep it."""
    for chunk in _chunks(_units(path)):
        checked = check_units(chunk, context)
        for unit in chunk:
            issues = checked.issues(unit.ordinal)
            refused = unit.ordinal in checked.faulty
            yield outcome_line(unit, issues, "rejected" if refused else "accepted")


def _units(path: Path) -> Iterator[Unit]:
    if path.suffix.lower() not in MANY:
        yield from _whole(path.read_bytes())
        return
    with path.open("rb") as file:
        sent = (line for line in file if line.strip())
        for ordinal, line in enumerate(sent, start=1):
            yield _in_file(_unit(line, ordinal))


def _in_file(unit: Unit) -> Unit:
    """A line is sent to be kept, so what is no record is a fault."""
    if not unit.records and not unit.faulty:
        unit.issues.append(fault(rules.NO_UNIT, unit.root))
    return unit


def _whole(content: bytes) -> list[Unit]:
    """A file of one: a transaction or a resource is one unit, a batch as many as it has entries. Other Bundles are only looked at."""
    value, issues = parse(content)
    if issues or not isinstance(value, dict) or value.get("resourceType") != "Bundle":
        return [_unit(content, 1)]
    match value.get("type"):
        case "transaction":
            return [_unit(content, 1)]
        case "batch":
            return units_of_batch(value)
    return [only_checked(value)]


def _unit(content: bytes, ordinal: int) -> Unit:
    value, issues = parse(content)
    if value is None:
        return Unit(ordinal, issues=issues)
    unit = read_unit(value, ordinal)
    unit.issues += issues
    return unit


def _chunks(units: Iterable[Unit]) -> Iterator[list[Unit]]:
    units = iter(units)
    while chunk := list(islice(units, UNITS_AT_ONCE)):
        yield chunk
