"""A job's receipt lists which records its units changed and in which fields, as that of a file of rows does."""

from datetime import timedelta
from typing import Any

import pytest

from registry.settings import Settings
from registry.store import Store
from registry.submissions import Format, Reference, changes
from registry.submissions.changes import Change
from registry.submissions.units import batch, lines, sheet
from tests.fhir_units import bundle, ndjson
from tests.make import cases, csv_bytes
from tests.registry.make import make_organisation
from tests.registry.submissions.make import AT
from tests.registry.submissions.units.make import ODS, bundle_of, case_and_review, work

LATER = AT + timedelta(minutes=5)


@pytest.fixture
def tenant(store: Store, settings: Settings) -> int:
    return make_organisation(store, settings, code=ODS)


@pytest.fixture(params=[2_000, 2], ids=["one chunk", "chunks of two"])
def _chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (batch, lines, sheet):
        monkeypatch.setattr(module, "CHUNK", request.param)


def listed(store: Store, reference: Reference) -> list[Change]:
    with store.readonly(tenants=(reference.tenant_id,)) as connection:
        return changes.page(connection, reference, start=0, limit=changes.LISTED)


def sent_again() -> list[dict[str, Any]]:
    """Of four cases with reviews: the first as it was, the second and the review of the third changed, a fifth that is new; the fourth
    withdrawn."""
    case, review = case_and_review(3)
    return [
        bundle_of(1),
        bundle_of(2, ward="Elm", sex="male"),
        bundle(case, review | {"judged_by": "panel"}, organisation=ODS),
        bundle_of(5),
        bundle_of(4, review=False, withdraw_reason="duplicate"),
    ]


EXPECTED = [
    (2, "HAT-000002", "changed", {"sex", "ward"}),
    (3, "HAT-000003", "changed", {"judged_by"}),
    (5, "HAT-000004", "withdrawn", {"withdraw_reason"}),
]


def told(found: list[Change]) -> list[tuple[int, str, str, set[str]]]:
    return [(each.row, each.key, each.does, set(each.fields)) for each in found]


@pytest.mark.usefixtures("_chunk")
@pytest.mark.parametrize("rehearsal", [False, True], ids=["stored", "rehearsed"])
def test_the_records_that_units_change_are_listed_with_their_fields(
    store: Store, settings: Settings, tenant: int, rehearsal: bool
) -> None:
    first = work(store, settings, tenant, ndjson([bundle_of(number) for number in range(1, 5)]))
    assert listed(store, first.status.reference) == []
    again = work(store, settings, tenant, ndjson(sent_again()), at=LATER, rehearsal=rehearsal)
    assert again.counts == (5, 4, 1, 0)
    assert told(listed(store, again.status.reference)) == EXPECTED


def test_so_many_are_listed_as_there_is_room_for(
    store: Store, settings: Settings, tenant: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(store, settings, tenant, ndjson([bundle_of(number) for number in range(1, 5)]))
    monkeypatch.setattr(batch, "CHUNK", 2)
    monkeypatch.setattr(lines, "CHUNK", 2)
    monkeypatch.setattr(changes, "LISTED", 2)
    again = work(store, settings, tenant, ndjson(sent_again()), at=LATER)
    assert told(listed(store, again.status.reference)) == EXPECTED[:2]


def test_it_is_alike_for_a_file_of_rows_sent_as_a_job(store: Store, settings: Settings, tenant: int) -> None:
    rows = cases(3)
    work(store, settings, tenant, csv_bytes(rows), format=Format.CSV)
    rows[1]["ward"] = "Elm"
    again = work(store, settings, tenant, csv_bytes(rows), format=Format.CSV, at=LATER)
    assert [(each.row, each.fields) for each in listed(store, again.status.reference)] == [(3, ["ward"])]
