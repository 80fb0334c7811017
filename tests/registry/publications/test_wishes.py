"""The national data opt-out and objections: what a patient keeps out is in no figure and in nothing that is published."""

from datetime import UTC, date, datetime

import psycopg
import pytest

from registry import publications
from registry.errors import BadRequest
from registry.settings import Secrets, Settings
from registry.store import Store
from schemas.record import RecordKind
from tests.make import nhs_number, valid_activity, valid_case, valid_rca
from tests.registry.publications.make import AT, count, make_team, make_trust, prepare
from tests.registry.submissions.make import send

SENT = datetime(2026, 1, 20, 9, 30, tzinfo=UTC)
LIVE = date(2025, 9, 1)
CASES = 30
WISHES = {"HAT-0003": "opt_out", "HAT-0007": "objection"}


def rows(shift: int, *without: str) -> list[dict[str, str]]:
    """Cases of one month, with all that is counted of them."""
    kinds = ("dvt", "pe")
    made = [
        valid_case(
            local_case_id=f"HAT-{n:04}", nhs_number=nhs_number(shift + n), vte_type=kinds[n % 2],
            dvt_site="proximal_leg" if n % 2 == 0 else "",
        )
        for n in range(1, CASES + 1)
    ]  # fmt: skip
    return [row for row in made if row["local_case_id"] not in without]


def filled(store: Store, settings: Settings, code: str, shift: int, *without: str) -> int:
    tenant = make_trust(store, settings, code, "Y58", LIVE)
    made = rows(shift, *without)
    send(store, settings, tenant, made, at=SENT)
    reviews = [valid_rca(local_case_id=row["local_case_id"]) for row in made]
    send(store, settings, tenant, reviews, kind=RecordKind.RCA, at=SENT)
    send(store, settings, tenant, [valid_activity(month="2025-09")], kind=RecordKind.ACTIVITY, at=SENT)
    return tenant


def counted(admin: psycopg.Connection, tenant: int) -> set[tuple[object, ...]]:
    found = admin.execute(
        "select month, standing, split, category, count from figures.case_count where organisation_id = %s", [tenant]
    )
    return set(found.fetchall())


def published(admin: psycopg.Connection, code: str) -> dict[str, int]:
    """The exact counts from which the newest draft of a release was made, of one trust."""
    found = admin.execute(
        "select replace(d.cell_id, %s, ''), e.count from release.draft_cell d join release.exact_cell e using (publication_id, cell_id) "
        "join release.publication p on p.id = d.publication_id "
        "where d.geography = %s and d.quantity <> 'admissions' and p.number = (select max(number) from release.publication)",
        [code, code],
    )
    return dict(found.fetchall())


def test_who_is_kept_out_is_in_no_figure(store: Store, settings: Settings, admin: psycopg.Connection) -> None:
    kept_out = filled(store, settings, "RK9", 0)
    never = filled(store, settings, "RA9", 1000, *WISHES)
    count(store, settings)
    assert counted(admin, kept_out) != counted(admin, never)

    withdrawn = [{"local_case_id": each, "withdraw_reason": wish} for each, wish in WISHES.items()]
    send(store, settings, kept_out, withdrawn, at=SENT)
    publications.refresh(store, Secrets.load(settings.secrets_dir, []), settings, AT)
    assert counted(admin, kept_out) == counted(admin, never), "at the next count of what was touched"
    count(store, settings)
    assert counted(admin, kept_out) == counted(admin, never), "and at the nightly count of everything"
    totals = {row[2:] for row in counted(admin, never) if row[2] == "total"}
    assert ("total", "total", CASES - len(WISHES)) in totals

    prepare(store, settings, make_team(store))
    assert published(admin, "RK9") == published(admin, "RA9")
    assert CASES - len(WISHES) in published(admin, "RK9").values()


def test_who_is_kept_out_does_not_come_back_with_the_next_file(
    store: Store, settings: Settings, admin: psycopg.Connection
) -> None:
    tenant = filled(store, settings, "RK9", 0)
    send(store, settings, tenant, [{"local_case_id": "HAT-0003", "withdraw_reason": "opt_out"}], at=SENT)
    again = send(store, settings, tenant, rows(0), at=SENT)
    assert (again.errors, again.new, again.changed) == (1, 0, 0)
    count(store, settings)
    totals = {row[4] for row in counted(admin, tenant) if row[2] == "total"}
    assert totals == {CASES - 1}


def test_where_senders_screen_a_file_that_does_not_say_so_reaches_nothing(
    store: Store, settings: Settings, admin: psycopg.Connection
) -> None:
    tenant = make_trust(store, settings, "RK9", "Y58", LIVE)
    board = make_trust(store, settings, "7A4", "W92000004", LIVE)
    for mode, reference, taken in (("screened", None, False), ("exempt", "23/CAG/0001", True)):
        admin.execute("delete from register.opt_out_mode")
        admin.execute(
            "insert into register.opt_out_mode (nation, mode, reference, dated_on) values ('England', %s, %s, '2026-01-01'), "
            "('Wales', 'not applicable', null, null)", [mode, reference],
        )  # fmt: skip
        if taken:
            assert send(store, settings, tenant, rows(0), at=SENT, screened=False).new == CASES
        else:
            with pytest.raises(BadRequest, match="opt-out was applied"):
                send(store, settings, tenant, rows(0), at=SENT, screened=False)
            assert admin.execute("select count(*) from records.submission").fetchall() == [(0,)]
    assert send(store, settings, board, rows(500), at=SENT, screened=False).new == CASES
