"""What was corrected online stands against units too: alone, in a file of them, in rows sent as a job."""

from typing import Any

import orjson
import pytest

from ingest.fhir.reading import read_unit
from registry.settings import Settings
from registry.store import Store
from registry.submissions import Door, Format, units
from registry.submissions.keys import open_keys
from registry.submissions.opened import Opened, opened
from registry.submissions.units import Refused, Stored, batch, lines, sheet
from schemas.record import RecordKind
from tests.fhir_units import bundle, ndjson
from tests.make import csv_bytes
from tests.registry.make import make_organisation
from tests.registry.submissions.make import AT, keys, send
from tests.registry.submissions.units.make import ODS, bundle_of, case_and_review, codes, store_one, stored, work

CASE, RCA = RecordKind.CASE, RecordKind.RCA
KEY = "HAT-000001"


@pytest.fixture
def tenant(store: Store, settings: Settings) -> int:
    return make_organisation(store, settings, code=ODS)


@pytest.fixture(params=[2_000, 3], ids=["one chunk", "chunks of three"])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many units are committed together."""
    for module in (batch, lines, sheet):
        monkeypatch.setattr(module, "CHUNK", request.param)
    return int(request.param)


@pytest.fixture
def corrected(store: Store, settings: Settings, tenant: int) -> int:
    """Eight cases with their reviews; of one the sex and the learning point were corrected online."""
    for number in range(8):
        stored(store, settings, tenant, bundle_of(number))
    case, review = case_and_review(1, sex="male")
    send(store, settings, tenant, [case], door=Door.FORM)
    send(store, settings, tenant, [review | {"learning_point": "Weigh patients"}], kind=RCA, door=Door.FORM)
    return tenant


def _held(store: Store, settings: Settings, tenant: int, kind: RecordKind = CASE) -> Opened:
    with store.readonly(tenants=(tenant,)) as connection:
        return opened(connection, open_keys(connection, keys(settings), tenant), tenant, kind, [KEY])[KEY]


def _sent(place: int = 1, **changes: str) -> dict[str, Any]:
    case, review = case_and_review(place, **changes)
    return bundle(case, review, organisation=ODS)


def test_a_single_unit_keeps_it_and_is_told_where(store: Store, settings: Settings, corrected: int) -> None:
    assert stored(store, settings, corrected, _sent(main_specialty="320")) == {
        "case": ("changed", 3),
        "rca": ("unchanged", 2),
    }
    assert (
        _held(store, settings, corrected).text["sex"],
        _held(store, settings, corrected).text["main_specialty"],
    ) == ("male", "320")
    unit = read_unit(orjson.loads(orjson.dumps(_sent(main_specialty="330"))))
    checked = units.validate(store, corrected, [unit], keys(settings), settings, at=AT)
    told = [
        (each.finding.rule, each.finding.field, each.expressions[0])
        for each in checked.issues(1)
        if each.finding.rule == 308
    ]
    assert [(rule, field) for rule, field, _ in told] == [(308, "sex")]
    assert told[0][2].endswith(".gender")


def test_a_unit_that_agrees_takes_the_mark_away(store: Store, settings: Settings, corrected: int) -> None:
    stored(store, settings, corrected, _sent(sex="male"))
    assert _held(store, settings, corrected).corrected == frozenset()
    stored(store, settings, corrected, _sent(main_specialty="320"))
    assert _held(store, settings, corrected).text["sex"] == "female"


def test_what_stands_and_what_the_unit_says_are_checked_together(store: Store, settings: Settings, tenant: int) -> None:
    stored(store, settings, tenant, bundle_of(1))
    send(store, settings, tenant, [case_and_review(1, discharge_date="2025-09-05")[0]], door=Door.FORM)
    assert isinstance(store_one(store, settings, tenant, _sent(admission_date="2025-09-07")), Refused)
    assert isinstance(store_one(store, settings, tenant, _sent(admission_date="2025-09-02")), Stored)


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize("rehearsal", [True, False])
def test_a_file_of_units_keeps_it(store: Store, settings: Settings, corrected: int, rehearsal: bool) -> None:
    sent = [_sent(number, main_specialty="320") for number in range(8)]
    ended = work(store, settings, corrected, ndjson(sent), rehearsal=rehearsal)
    assert ended.counts == (8, 8, 0, 0)
    assert [ordinal for ordinal, line in enumerate(ended.lines) if "HAT-308" in codes(line)] == [1]
    held = _held(store, settings, corrected)
    assert (held.text["sex"], held.text["main_specialty"]) == ("male", "300" if rehearsal else "320")
    assert held.corrected == {"sex"}
    assert _held(store, settings, corrected, RCA).text["learning_point"] == "Weigh patients"


@pytest.mark.usefixtures("chunk")
def test_rows_sent_as_a_job_keep_it(store: Store, settings: Settings, corrected: int) -> None:
    rows = [case_and_review(number, main_specialty="320")[0] for number in range(8)]
    ended = work(store, settings, corrected, csv_bytes(rows), format=Format.CSV)
    assert ended.counts == (8, 8, 0, 0)
    assert [ordinal for ordinal, line in enumerate(ended.lines) if "HAT-308" in codes(line)] == [1]
    assert _held(store, settings, corrected).text["sex"] == "male"
