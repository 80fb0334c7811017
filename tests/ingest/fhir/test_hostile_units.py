"""Whatever JSON stands in the place of any element, a unit is read, checked and answered without an exception, and told no value."""

import copy
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.check import Context
from ingest.fhir import models
from ingest.fhir.outcome import outcome, outcome_line
from ingest.fhir.reading import CheckedUnits, check_units, read_unit, units_of_batch
from ingest.fhir.unit import Unit
from schemas.codelist import Nation
from tests.fhir_units import Resource, batch, bundle, case_answers, measure_report, review
from tests.make import ON, valid_activity, valid_case, valid_rca

CONTEXT = Context(nation=Nation.ENGLAND, sender="RJZ", on=ON, synthetic=True)
CANARY = "CANARY"
JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 1e300, 10**30, "", " ", CANARY, f"{CANARY}\u0000", "x" * 70_000, [], {}, [[]], [None], [5], [CANARY],
    {"a": []}, {CANARY: CANARY}, {"resourceType": CANARY}, {"system": [], "code": {}, "value": []}, {"reference": CANARY},
    {"coding": {"code": CANARY}}, "2025-09-01T10:00:00.123456789123+01:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
)  # fmt: skip
SENT = (
    bundle(valid_case(admitted_at="2025-09-01 10:15"), valid_rca()),
    batch([measure_report(valid_activity()), review(valid_rca())]),
    case_answers(valid_case()),
    measure_report(valid_activity()),
)

many = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def ways(held: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every element."""
    steps = held.items() if isinstance(held, dict) else enumerate(held) if isinstance(held, list) else ()
    for step, each in steps:
        yield (*way, step)
        yield from ways(each, (*way, step))


WAYS = [(sent, way) for sent in SENT for way in ways(sent)]


def put(sent: Resource, way: tuple[Any, ...], junk: Any) -> None:
    held: Any = sent
    for step in way[:-1]:
        if not isinstance(held, dict | list) or (isinstance(held, list) and not isinstance(step, int)):
            return
        held = (
            held[step]
            if isinstance(held, list) and step < len(held)
            else held.get(step)
            if isinstance(held, dict)
            else None
        )
    if isinstance(held, dict) or (isinstance(held, list) and isinstance(way[-1], int) and way[-1] < len(held)):
        held[way[-1]] = copy.deepcopy(junk)


def read(sent: Any) -> list[Unit]:
    return units_of_batch(sent) if isinstance(sent, dict) and sent.get("type") == "batch" else [read_unit(sent)]


def judged(units: list[Unit]) -> bytes:
    """All that is said about units, each with an ordinal of its own."""
    checked = check_units(units, CONTEXT)
    return b"".join(_told(unit, checked) for unit in units)


def _told(unit: Unit, checked: CheckedUnits) -> bytes:
    issues = checked.issues(unit.ordinal)
    whole = outcome(issues, root=unit.root)
    line = outcome_line(unit, issues, "rejected" if unit.ordinal in checked.faulty else "accepted")
    assert orjson.loads(line)["resourceType"] == "OperationOutcome"
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return models.write(whole)


@many
@given(changes=st.lists(st.tuples(st.sampled_from(range(len(WAYS))), st.sampled_from(JUNK)), min_size=1, max_size=3))
def test_junk_anywhere(changes: list[tuple[int, Any]]) -> None:
    first = changes[0][0]
    sent = copy.deepcopy(WAYS[first][0])
    for place, junk in changes:
        if WAYS[place][0] is WAYS[first][0]:
            put(sent, WAYS[place][1], junk)
    assert CANARY.encode() not in judged(read(sent))


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_junk_by_itself(junk: Any) -> None:
    assert CANARY.encode() not in judged(read(junk))
    assert CANARY.encode() not in judged(read([junk]))


@pytest.mark.slow
@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_the_junk_at_each_element(junk: Any) -> None:
    units: list[Unit] = []
    for sent, way in WAYS:
        other = copy.deepcopy(sent)
        put(other, way, junk)
        for unit in read(other):
            unit.ordinal = len(units) + 1
            units.append(unit)
    assert CANARY.encode() not in judged(units)
