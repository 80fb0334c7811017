"""What could be demanded of the registry: all that it holds has a purpose and a time, and of one patient and one person it is just this."""

from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from registry.store import held
from tests.attack.nation import OWN, Nation
from tests.running import ROOT

OF_A_PATIENT = frozenset({"records.audit", "records.case_event", "records.case_record", "records.case_version", "records.case_work", "linkage.pair", "linkage.dispute", "records.attribution", "records.attributed_case", "records.notice", "records.learning_point"})  # fmt: skip
"""Where a case is named by its id. All else of it (its review, what was said about it) hangs on these."""
OF_A_PERSON = frozenset({"register.person", "register.membership", "register.session", "records.audit", "register.api_token", "records.notice", "register.second_factor", "register.recovery_code", "records.learning_point", "records.learning_edition", "records.moderation", "records.moderation_event"})  # fmt: skip
"""Where somebody who signs in is named by their id."""


def test_every_column_has_a_purpose_and_every_table_a_time() -> None:
    columns = list(held.held())
    assert len(columns) > 900
    assert all(each.purpose and each.retention for each in columns)


def test_there_are_words_for_nothing_that_is_not_held() -> None:
    assert set(held.kept()) == {table.fullname for table in held.tables()}
    assert set(held.purposes()) <= {each.column for each in held.held()}


def test_the_page_says_what_the_tables_say() -> None:
    assert (ROOT / "deploy/held.md").read_text("utf-8") == held.page() + "\n", (
        "run python -m registry.store.held > deploy/held.md"
    )


def test_what_identifies_is_sealed() -> None:
    identifying = {name for name in held.asked() if name in ("nhs_number", "birth_date")}
    assert not [each for each in held.held() if each.column in identifying]


def naming(admin: psycopg.Connection, ident: UUID) -> set[str]:
    """The tables in which an id stands anywhere."""
    found = set()
    for table in held.tables():
        name = sql.Identifier(str(table.schema), table.name)
        query = sql.SQL("select exists (select from {} t where to_jsonb(t)::text like %s)").format(name)
        row = admin.execute(query, [f"%{ident}%"]).fetchone()
        if row is not None and row[0]:
            found.add(table.fullname)
    return found


@pytest.mark.slow
def test_of_one_patient_there_is_no_more_than_this(nation: Nation) -> None:
    rows = nation.admin.execute(
        "select id from records.case_record where tenant_id = %s", [nation.tenant(OWN)]
    ).fetchall()
    found = set().union(*(naming(nation.admin, ident) for (ident,) in rows[:10]))
    assert {"records.case_record", "records.case_version"} <= found <= OF_A_PATIENT


@pytest.mark.slow
def test_of_one_person_there_is_no_more_than_this(nation: Nation) -> None:
    found = naming(nation.admin, nation.people["rjz.nurse"])
    assert {"register.person", "register.membership"} <= found <= OF_A_PERSON
