"""What the desk holds of a case goes with the case: at a patient's wish all of it, after the term what was carried to another trust."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from registry import cases
from registry.cases import drafts, states
from registry.cases.desk import events, seal
from registry.cases.states import CaseState
from registry.settings import Settings
from registry.store import Store
from registry.submissions import Door
from schemas.record import RecordKind
from tests.make import nhs_number, valid_case
from tests.registry.cases.at_desk import AT, Place, place
from tests.registry.cases.make import contents
from tests.registry.submissions.make import keys, send

TERM_OVER = datetime(2025, 9, 20, 12, tzinfo=UTC) + timedelta(days=2923)
ROWS = ("HAT-0001", "HAT-0002")


@pytest.fixture
def here(settings: Settings, store: Store, admin: psycopg.Connection) -> Place:
    """Two cases, each with a reason, a draft, an action, a consultant's link, an attribution and what was carried over of it."""
    made = place(settings, store)
    rows = [valid_case(local_case_id=name, nhs_number=nhs_number(n)) for n, name in enumerate(ROWS)]
    send(store, settings, made.tenant, rows)
    for name in ROWS:
        with made.desk() as desk:
            states.move(desk, made.case(name), CaseState.SUSPECTED, reason="Words about somebody")
            drafts.keep(desk, RecordKind.RCA, name, {"learning_point": "Words"}, 0)
            drafts.keep(desk, RecordKind.RCA, f"findings:{name}", {"learning_point": "Words"}, 0)
            sealed = seal(desk, "any", name, "any", "Words about somebody")
        _add(
            admin, "action", made, name, what_ct=sealed, evidence_ct=sealed, owner_role="matron", themes=[], made_by="x"
        )
        _add(
            admin, "consultant_link", made, name, link_digest=name.encode(), code_digest=b"c", sent_to_ct=sealed,
            made_by="x", expires_at=AT,
        )  # fmt: skip
        _add(admin, "attribution", made, name, attributed_id=0, state="disputed", words_ct=sealed, since=AT)
        carried = {"reporter_id": made.tenant, "reported_case_id": made.case(name), "birth_date_ct": sealed}
        carried |= {"tenant_id": made.house.ids["RH5"], "nhs_number_ct": sealed, "words_ct": sealed, "vte_type": "dvt"}
        _insert(admin, "attributed_case", carried)
    return made


def _add(admin: psycopg.Connection, table: str, here: Place, name: str, **values: object) -> None:
    _insert(admin, table, {"tenant_id": here.tenant, "case_id": here.case(name)} | values)


def _insert(admin: psycopg.Connection, table: str, values: Mapping[str, object]) -> None:
    names = ", ".join(values)
    statement = f"insert into records.{table} ({names}) values ({', '.join(['%s'] * len(values))})"
    admin.execute(statement.encode(), list(values.values()))


def _left(admin: psycopg.Connection, here: Place, name: str) -> dict[str, int]:
    """How many sealed cells of a case each table has."""
    case, found = here.case(name), {}
    asked = {
        "case_event": ("case_id", ("words_ct",)),
        "action": ("case_id", ("what_ct", "evidence_ct")),
        "consultant_link": ("case_id", ("sent_to_ct",)),
        "attribution": ("case_id", ("words_ct",)),
        "attributed_case": ("reported_case_id", ("nhs_number_ct", "birth_date_ct", "words_ct")),
    }
    for table, (key, columns) in asked.items():
        counts = " + ".join(f"count({column})" for column in columns)
        row = admin.execute(f"select {counts} from records.{table} where {key} = %s".encode(), [case]).fetchone()
        assert row is not None
        found[table] = row[0]
    row = admin.execute("select count(*) from records.draft where case_key like %s", [f"%{name}"]).fetchone()
    assert row is not None
    return found | {"draft": row[0]}


WHOLE = {"case_event": 1, "action": 2, "consultant_link": 1, "attribution": 1, "attributed_case": 3, "draft": 2}


@pytest.mark.parametrize("wish", ["opt_out", "objection"])
def test_at_a_patient_s_wish_all_goes_that_the_desk_holds(here: Place, admin: psycopg.Connection, wish: str) -> None:
    assert [_left(admin, here, name) for name in ROWS] == [WHOLE, WHOLE]
    send(here.store, here.settings, here.tenant, [valid_case(withdraw_reason=wish, nhs_number=nhs_number(0))])
    erased = cases.erase_wished(here.store, keys(here.settings), here.settings, AT)
    assert erased["cases"] == 1
    assert [_left(admin, here, name) for name in ROWS] == [dict.fromkeys(WHOLE, 0), WHOLE]
    ended = "select revoked_at is not null from records.consultant_link order by link_digest"
    assert admin.execute(ended).fetchall() == [(True,), (False,)]
    gone = "select ended_at is not null, vte_type from records.attributed_case where reported_case_id = %s"
    assert admin.execute(gone, [here.case(ROWS[0])]).fetchone() == (True, "dvt")
    with here.desk() as desk:
        assert [(each.what, each.words) for each in events(desk, here.case(ROWS[0]))] == [("moved", None)]
    before = contents(admin)
    assert cases.erase_wished(here.store, keys(here.settings), here.settings, AT) == {"cases": 0, "reviews": 0}
    assert contents(admin) == before


def test_what_is_written_after_that_goes_too(here: Place, admin: psycopg.Connection) -> None:
    send(here.store, here.settings, here.tenant, [valid_case(withdraw_reason="opt_out", nhs_number=nhs_number(0))])
    cases.erase_wished(here.store, keys(here.settings), here.settings, AT)
    with here.desk() as desk:
        drafts.keep(desk, RecordKind.RCA, ROWS[0], {"learning_point": "Words"}, 0)
    assert cases.erase_wished(here.store, keys(here.settings), here.settings, AT)["cases"] == 1
    assert _left(admin, here, ROWS[0])["draft"] == 0


def test_after_the_term_the_other_trust_s_identifiers_go_too(here: Place, admin: psycopg.Connection) -> None:
    assert cases.retire(here.store, keys(here.settings), here.settings, TERM_OVER) == {"cases": 2}
    for name in ROWS:
        assert _left(admin, here, name) == WHOLE | {"attributed_case": 1}


def test_what_was_erased_after_its_term_does_not_stand_as_a_blank(here: Place) -> None:
    """A case entered online, of which a file comes years later: its birth date is taken, as of any other."""
    row = valid_case(local_case_id="HAT-0003", nhs_number=nhs_number(7))
    send(here.store, here.settings, here.tenant, [row], door=Door.FORM)
    cases.retire(here.store, keys(here.settings), here.settings, TERM_OVER)
    receipt = send(here.store, here.settings, here.tenant, [row | {"sex": "male", "ward": "Elm ward"}])
    assert (receipt.state, receipt.changed_fields) == ("accepted", {"birth_date": 1, "nhs_number": 1, "ward": 1})
