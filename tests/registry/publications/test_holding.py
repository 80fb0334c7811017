"""What a release repeats of an earlier one, since its revision would tell too much beside what is public."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Table, select, text

from registry.disclosure.grid import GeographyKind
from registry.publications import auditing, comparing, holding, offsets, published, rebuilding, reviewing, verifying
from registry.publications.judging import Judge, Verdict
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.store.tables import cell, draft_cell, released
from tests.registry.publications.hold import Case, Held, hold_activity, hold_case, hold_review
from tests.registry.publications.make import AT, Team, approve, ask, count, make_team, make_trust, prepare

APRIL, MAY = date(2024, 4, 1), date(2024, 5, 1)
YEAR = [date(2024 + (month < 4), month, 1) for month in (4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3)]
TRUST, OTHER, REGION = "hat_cases/trust/RA1", "hat_cases/trust/RB1", "hat_cases/region/Y58"
Cells = Mapping[str, tuple[int | None, str, int | None]]


@pytest.fixture
def team(store: Store) -> Team:
    return make_team(store)


@pytest.fixture
def keys(settings: Settings) -> Secrets:
    return Secrets.load(settings.secrets_dir, ["offset", "signing"])


@pytest.fixture
def held(store: Store, settings: Settings) -> list[Held]:
    """Two trusts of one region, eleven cases each in each month of a year that is final."""
    trusts = [make_trust(store, settings, code, "Y58", APRIL) for code in ("RA1", "RB1")]
    with store.transaction(role="hat_jobs") as connection:
        for trust in trusts:
            for month in YEAR:
                hold_activity(connection, trust, month)
        return [hold_case(connection, t, Case(m)) for t in trusts for m in YEAR for _ in range(11)]


def cells(store: Store, table: Table = draft_cell) -> Cells:
    query = select(table.c.cell_id, table.c.value, table.c.state, table.c.held_from)
    if table is cell:
        query = query.join(released, released.c.id == cell.c.release_id).where(released.c.latest)
    with store.readonly(role="hat_national") as connection:
        return {name.removeprefix("grid-1/"): tuple(rest) for name, *rest in connection.execute(query)}


def telling(*verdicts: Verdict) -> Judge:
    """One verdict after the other, then all is well."""
    left = iter(verdicts)
    return lambda _matter, _tell: next(left, Verdict(True, report={"outsider": {"targets": 0}}))


def failing(*names: str) -> Verdict:
    return Verdict(False, failing=tuple(f"grid-1/{name}" for name in names))


def drafted(store: Store, settings: Settings, team: Team, keys: Secrets, day: int, *verdicts: Verdict) -> UUID:
    """Counted, prepared and audited, `day` days later."""
    at = AT + timedelta(days=day)
    count(store, settings, at)
    made = prepare(store, settings, team, at)
    ask(store, team, made, at)
    assert auditing.work(store, keys, settings, at, judge=telling(*verdicts))["audited"] == 1
    return made


def release(store: Store, settings: Settings, team: Team, keys: Secrets, day: int, *verdicts: Verdict) -> None:
    made = drafted(store, settings, team, keys, day, *verdicts)
    for by in (team.lead, team.second):
        approve(store, by, made, AT + timedelta(days=day))


def revise(store: Store, held: list[Held]) -> None:
    """Twenty late cases in each of two months of each trust, and reviews."""
    with store.transaction(role="hat_jobs") as connection:
        for trust in {each.tenant for each in held}:
            for month in (APRIL, MAY):
                for _ in range(20):
                    hold_case(connection, trust, Case(month))
        for each in held[:40]:
            hold_review(connection, each, category="inadequate_prophylaxis", preventability="preventable_psii")


def differing(before: Cells, after: Cells) -> set[str]:
    return {name for name in before if before[name][:2] != after[name][:2]}


def test_a_trust_that_fails_keeps_its_year_and_the_next_release_puts_it_right(
    store: Store, settings: Settings, team: Team, keys: Secrets, held: list[Held]
) -> None:
    release(store, settings, team, keys, 0)
    before = cells(store, cell)
    revise(store, held)
    release(store, settings, team, keys, 1, failing(f"{TRUST}/month/2024-04/total"))
    after = cells(store, cell)
    changed = differing(before, after)
    assert any(name.startswith(OTHER) for name in changed)
    assert any(name.startswith(REGION) for name in changed)
    assert not any(name.startswith(TRUST) for name in changed)
    marked = {name for name, (_, _, of) in after.items() if of is not None}
    lines = {name: holding.line_of(f"grid-1/{name}") for name in after}
    assert marked == {name for name, line in lines.items() if line.code == "RA1" and line.begin == APRIL}
    assert {after[name][2] for name in marked} == {1}
    with store.readonly(role="hat_reader") as connection:
        public = published.latest(connection)
        assert public is not None
        assert published.held_years(connection, public, GeographyKind.TRUST, "RA1") == {APRIL: 1}
        assert published.held_years(connection, public, GeographyKind.TRUST, "RB1") == {}
    release(store, settings, team, keys, 2)
    righted = cells(store, cell)
    assert all(of is None for _, _, of in righted.values())
    assert any(name.startswith(TRUST) for name in differing(after, righted))


def test_what_is_held_is_told_to_who_decides_and_to_the_public(
    store: Store, settings: Settings, team: Team, keys: Secrets, held: list[Held]
) -> None:
    release(store, settings, team, keys, 0)
    revise(store, held)
    made = drafted(store, settings, team, keys, 1, failing(f"{REGION}/month/2024-04/vte_type/pe"))
    number = sum(of is not None for _, _, of in cells(store).values())
    with store.readonly(role="hat_national") as connection:
        assert reviewing.changes(connection, made).held == number > 0
        lines = comparing.against_latest(connection, made)
        report = json.loads(auditing.latest_run(connection, made).report)
    assert sum(line.held for line in lines) == number == report["cells_held"]
    told = [line for line in lines if line.held]
    assert {line.geography_kind for line in told} == {"region"}
    assert all("Some counts repeat an earlier release" in " ".join(line.words) for line in told)


def test_a_release_with_held_cells_is_rebuilt_and_verified(
    store: Store, settings: Settings, team: Team, keys: Secrets, held: list[Held]
) -> None:
    release(store, settings, team, keys, 0)
    revise(store, held)
    release(store, settings, team, keys, 1, failing(f"{TRUST}/month/2024-04/total"))
    again = rebuilding.rebuild(store, keys["offset"], 2)
    assert (again.differing, again.identical) == (0, True)
    assert all(each.kept for each in verifying.verify(store, keys["signing"], 2))
    assert rebuilding.rebuild(store, keys["offset"], 1).identical


def test_held_again_names_the_release_that_first_said_it(
    store: Store, settings: Settings, team: Team, keys: Secrets, held: list[Held]
) -> None:
    release(store, settings, team, keys, 0)
    revise(store, held)
    wrong = failing(f"{TRUST}/month/2024-04/total")
    release(store, settings, team, keys, 1, wrong)
    release(store, settings, team, keys, 2, wrong)
    assert cells(store, cell)[f"{TRUST}/month/2024-04/total"][2] == 1
    assert rebuilding.rebuild(store, keys["offset"], 3).identical


@pytest.mark.parametrize("times", [2, 3])
def test_where_that_does_not_help_the_region_s_year_is_held_then_that_of_all_its_trusts(
    store: Store, settings: Settings, team: Team, keys: Secrets, held: list[Held], times: int
) -> None:
    release(store, settings, team, keys, 0)
    before = cells(store, cell)
    revise(store, held)
    wrong = failing(f"{TRUST}/month/2024-04/total")
    drafted(store, settings, team, keys, 1, *(wrong,) * times)
    moved = {holding.line_of(f"grid-1/{name}") for name in differing(before, cells(store))}
    assert {line.code for line in moved if line.begin == APRIL} == ({"RB1"} if times == 2 else set())


def test_a_year_that_no_release_had_is_withheld_beside_months_that_are_held(
    store: Store, settings: Settings, team: Team, keys: Secrets, held: list[Held]
) -> None:
    """Its sum would tell of the months what is not told of them."""
    release(store, settings, team, keys, 0)
    made = prepare(store, settings, team)
    with store.transaction(role="hat_national") as connection:
        name = f"grid-1/{TRUST}/financial_year/2024-25/total"
        renamed = text("update release.draft_cell set cell_id = 'new' where cell_id = :name")
        assert connection.execute(renamed, {"name": name}).rowcount == 1
        assert holding.hold(connection, made, [f"grid-1/{TRUST}/month/2024-04/total"])
        new = select(draft_cell.c.value, draft_cell.c.state, draft_cell.c.held_from).where(
            draft_cell.c.cell_id == "new"
        )
        assert connection.execute(new).one() == (None, "suppressed", None)


def test_before_the_first_release_there_is_nothing_to_hold(
    store: Store, settings: Settings, team: Team, keys: Secrets, held: list[Held]
) -> None:
    made = drafted(store, settings, team, keys, 0)
    with store.transaction(role="hat_national") as connection:
        assert holding.hold(connection, made, [f"grid-1/{TRUST}/month/2024-04/total"]) == 0


def test_of_who_returned_late_only_a_blank_was_published_and_the_offset_may_still_be_drawn_again(
    store: Store, settings: Settings, team: Team, keys: Secrets, held: list[Held]
) -> None:
    """Its region grew by just what it returned: two numbers for one count, which have to agree, or it would be known too well."""
    late = make_trust(store, settings, "RC1", "Y58", APRIL)
    release(store, settings, team, keys, 0)
    month = "month/2024-04/total"
    assert cells(store, cell)[f"hat_cases/trust/RC1/{month}"][1] == "no_return"
    with store.transaction(role="hat_jobs") as connection:
        hold_activity(connection, late, APRIL)
        for _ in range(11):
            hold_case(connection, late, Case(APRIL))
    wrong = [f"{REGION}/{month}", f"{TRUST}/{month}"]
    at = AT + timedelta(days=1)
    count(store, settings, at)
    made = prepare(store, settings, team, at)
    with store.readonly(role="hat_national") as connection:
        beside = offsets.new_beside(connection, made, [f"grid-1/{name}" for name in wrong])
    assert beside == {f"grid-1/{name}": [f"grid-1/hat_cases/trust/RC1/{month}"] for name in wrong}
    ask(store, team, made, at)
    auditing.work(store, keys, settings, at, judge=telling(failing(*wrong)))
    with store.readonly(role="hat_national") as connection:
        report = json.loads(auditing.latest_run(connection, made).report)
    assert (report["offsets_drawn_again"], report["cells_held"], report["passed"]) == (1, 0, True)
    for by in (team.lead, team.second):
        approve(store, by, made, at)
    with store.transaction(role="hat_national") as connection:
        again = offsets.rekey(connection, made, keys["offset"], [f"grid-1/hat_cases/trust/RC1/{month}"])
    assert again == 0  # now a number was published by it
