"""Rotating the match key: at every step every match is found, old or new, and at the end nothing is under the old key."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry import cases, identifiers
from registry.access import OPERATOR
from registry.cases import listing
from registry.cases.listing import Wanted
from registry.errors import Conflict
from registry.keys import data, match, person_keys
from registry.keys.rotation import JOBS, Step
from registry.settings import make_key
from tests.conftest import Database
from tests.make import nhs_number, valid_case
from tests.registry.cases.make import chain_holds
from tests.registry.keys.make import NUMBERS, Place, place, steps
from tests.registry.submissions.make import AT, send


@pytest.fixture
def here(database: Database, tmp_path: Path) -> Iterator[Place]:
    with place(database, tmp_path) as found:
        yield found


def begin(here: Place, version: int = 2) -> None:
    make_key(here.folder, "match", version)
    with here.store.transaction(role=JOBS) as connection:
        match.start(connection, here.secrets, version, OPERATOR)


def found(here: Place, number: str) -> int:
    """How many cases the two trusts' page finds by an NHS number."""
    tenants = (here.one, here.other)
    with here.store.readonly(tenants=tenants) as connection:
        keys = person_keys(connection, here.secrets, number)
        return len(listing.cases(connection, tenants, Wanted(person=keys), limit=100))


def pairs(here: Place) -> int:
    cases.find_pairs(here.store, here.secrets, here.settings, AT)
    with here.admin() as admin:
        return len(admin.execute("select id from linkage.pair where state = 'found'").fetchall())


def test_at_every_step_every_match_is_found(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "ROWS", 4)
    held = here.secrets
    assert (pairs(here), found(here, nhs_number(1))) == (1, 2)
    begin(here)
    outcomes = []
    for sent, outcome in enumerate(steps(here, held), 1):
        outcomes.append(outcome)
        # The same patient is reported by both, while the key is rotated.
        new = valid_case(nhs_number=nhs_number(200 + sent))
        send(here.store, here.settings, here.one, [new | {"local_case_id": f"NEW-{sent:04}"}])
        send(here.store, here.settings, here.other, [new | {"local_case_id": f"NEW-{sent:04}"}])
        assert pairs(here) == 1 + sent
        assert [found(here, nhs_number(1)), found(here, nhs_number(200 + sent))] == [2, 2]
    assert outcomes[-1] is Step.ENDED
    assert len(outcomes) > 10
    with here.admin() as admin:
        key = here.secrets.version("match", 2)
        rows = admin.execute(
            "select nhs_key, nhs_key_2 from records.case_record where tenant_id = %s", [here.one]
        ).fetchall()
        assert len(rows) == NUMBERS + len(outcomes)
        wanted = {
            identifiers.match_key(key, nhs_number(n))
            for n in (*range(1, NUMBERS + 1), *range(201, 201 + len(outcomes)))
        }
        assert {bytes(row[1]) for row in rows} == wanted
        assert {row[0] for row in rows} == {None}
        states = admin.execute(
            "select version, state, place from register.key_version where kind = 'match' order by 1"
        ).fetchall()
        assert states == [(1, "over", None), (2, "in use", "nhs_key_2")]
    assert chain_holds(here.store, here.settings, 0)


def test_the_same_event_twice_is_told_at_every_step(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "ROWS", 4)

    def told(number: int) -> int:
        twice = valid_case(local_case_id="TWICE", nhs_number=nhs_number(number), diagnosis_date="2025-09-21")
        return send(here.store, here.settings, here.one, [twice], rehearsal=True).warnings or 0

    assert (told(99), told(2)) == (1, 2), "what is said of any such case, and the case of the same patient that is held"
    begin(here)
    for _ in steps(here, here.secrets):
        assert told(2) == 2


def test_it_is_rotated_again_into_the_first_column(here: Place) -> None:
    for version in (2, 3):
        begin(here, version)
        assert list(steps(here, here.secrets))[-1] is Step.ENDED
        assert found(here, nhs_number(1)) == 2
    (here.folder / "match.key").unlink()
    (here.folder / "match.2.key").unlink()
    assert found(here, nhs_number(1)) == 2
    assert pairs(here) == 1


def test_no_figure_is_counted_anew_for_it(here: Place) -> None:
    with here.admin() as admin:
        admin.execute("delete from figures.touched")
        begin(here)
        list(steps(here, here.secrets))
        assert admin.execute("select count(*) from figures.touched").fetchall() == [(0,)]
        admin.execute("update records.case_record set nhs_key_2 = 'another' where tenant_id = %s", [here.one])
        assert admin.execute("select count(*) from figures.touched").fetchall() == [(NUMBERS,)]


def test_a_key_that_was_lost_is_filled_anew_from_the_sealed_numbers(here: Place) -> None:
    """So is a backup whose match key was destroyed after it."""
    (here.folder / "match.key").unlink()
    make_key(here.folder, "match", 2)
    begin(here)
    assert list(steps(here, here.secrets))[-1] is Step.ENDED
    assert found(here, nhs_number(1)) == 2


def test_two_at_once_are_refused_of_whatever_kind(here: Place) -> None:
    begin(here)
    with pytest.raises(Conflict, match="under way"), here.store.transaction(role=JOBS) as connection:
        data.start(connection, here.secrets, None, OPERATOR)
