"""Cases in review, for tests: sent, and put into a state past all rules."""

from uuid import UUID

import psycopg

from registry.cases import states
from registry.cases.states import CaseState
from schemas.record import RecordKind
from tests.make import valid_case, valid_rca
from tests.registry.cases.at_desk import Place
from tests.registry.submissions.make import send


def case_in(
    here: Place, admin: psycopg.Connection, state: CaseState, name: str = "A", *, reviewed: bool = False
) -> UUID:
    """A case in a state; `reviewed`: with a whole review that came by file."""
    assert send(here.store, here.settings, here.tenant, [valid_case(local_case_id=name)]).state == "accepted"
    if reviewed:
        rows = [valid_rca(local_case_id=name)]
        assert send(here.store, here.settings, here.tenant, rows, kind=RecordKind.RCA).state == "accepted"
    case = here.case(name)
    with here.desk() as desk:
        states.begin(desk, case)
    admin.execute("update records.case_work set state = %s, drawn = false where case_id = %s", [state.value, case])
    return case


def found_none(here: Place, name: str = "A") -> None:
    """The review of a case says by now that it was none."""
    row = valid_rca(local_case_id=name, category="not_hat", preventability="", inadequacies="")
    assert send(here.store, here.settings, here.tenant, [row], kind=RecordKind.RCA).state == "accepted"
