"""Rotating data keys: everything readable at every step, nothing under the old key at the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.access import OPERATOR
from registry.errors import Conflict
from registry.identifiers import IdentifierError
from registry.keys import data, open_keys
from registry.keys.rotation import JOBS, Step, current
from tests.conftest import Database
from tests.registry.cases.make import actions, chain_holds
from tests.registry.keys.make import Place, opened, place, rows, steps, versions
from tests.registry.submissions.make import send


@pytest.fixture
def here(database: Database, tmp_path: Path) -> Iterator[Place]:
    with place(database, tmp_path) as found:
        yield found


def begin(here: Place, organisation: int | None = None) -> None:
    with here.store.transaction(role=JOBS) as connection:
        data.start(connection, here.secrets, organisation, OPERATOR)


def test_at_every_step_all_is_readable_and_at_the_end_nothing_is_under_the_old_key(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "ROWS", 3)
    before, held = opened(here), here.secrets
    assert len(before) > 12
    begin(here)
    outcomes = []
    for outcome in steps(here, held):
        outcomes.append(outcome)
        assert opened(here) == before
    assert outcomes[-1] is Step.ENDED
    assert len(outcomes) > 20
    assert versions(here) == {2}
    with here.admin() as admin:
        assert admin.execute("select distinct version, state from register.data_key").fetchall() == [(2, "seals")]
        assert actions(admin, here.one)[-1] == "data key rotated"
        told = ["rotation of the data key begun", "data key rotated", "rotation of the data key ended"]
        assert actions(admin, 0)[-3:] == told
    assert chain_holds(here.store, here.settings, 0, here.one, here.other)


def test_what_is_sent_again_is_still_known_to_be_the_same(here: Place) -> None:
    begin(here)
    for _ in steps(here, here.secrets):
        receipt = send(here.store, here.settings, here.one, rows(here.one, here.one))
        assert receipt.unchanged == len(rows(here.one, here.one))
    changed = send(here.store, here.settings, here.one, [rows(here.one, here.one)[0] | {"ward": "Another"}])
    assert changed.changed_fields == {"ward": 1}


def test_nothing_moves_before_everybody_knows_of_the_new_key(here: Place) -> None:
    held = here.secrets
    with here.store.transaction(tenants=(here.one,)) as before:
        assert open_keys(before, held, here.one).version == 1
        begin(here)
        stepped = steps(here, held)
        assert [next(stepped), next(stepped)] == [Step.MOVED, Step.WAITS]
        with here.store.transaction(tenants=(here.one,)) as after:
            keys = open_keys(after, held, here.one)
            assert (keys.version, set(keys.opens)) == (1, {1, 2})
    assert next(stepped) is Step.MOVED
    with here.store.transaction(tenants=(here.one,)) as after:
        assert open_keys(after, held, here.one).version == 2


def test_rows_that_somebody_has_in_hand_are_come_back_to(here: Place) -> None:
    begin(here)
    stepped = steps(here, here.secrets)
    with here.admin() as admin, admin.transaction():
        admin.execute("select * from records.case_version where tenant_id = %s limit 1 for update", [here.one])
        while next(stepped) is not Step.WAITS:
            pass
        assert versions(here) == {1, 2}
    assert list(stepped)[-1] is Step.ENDED
    assert versions(here) == {2}


def test_one_trust_alone(here: Place) -> None:
    begin(here, here.one)
    list(steps(here, here.secrets))
    with here.admin() as admin:
        found = admin.execute("select organisation_id, version from register.data_key order by 1").fetchall()
    assert found == [(0, 1), (here.one, 2), (here.other, 1), (here.full, 1)]


def test_two_at_once_are_refused(here: Place) -> None:
    begin(here)
    with pytest.raises(Conflict, match="under way"):
        begin(here)
    with here.store.readonly(role=JOBS) as connection:
        held = current(connection)
    assert held is not None
    assert held.stage == data.ANNOUNCED


def test_a_trust_without_keys_cannot_be_rotated(here: Place) -> None:
    with pytest.raises(IdentifierError):
        begin(here, 999)
