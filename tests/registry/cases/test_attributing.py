"""Between trusts: what is told and what is not, answers carried back, disputes decided, each event counted once; and the second run does nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import insert

from registry import cases
from registry.access import Actor, Role
from registry.cases import attributed
from registry.cases.answers import Answer, Reason
from registry.cases.attributed import Given
from registry.cases.desk import open_desk
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.settings import Settings
from registry.store import Store
from registry.store.desk import attribution_basis
from schemas.record import RecordKind
from tests.make import nhs_number, valid_case, valid_rca
from tests.registry.cases.at_desk import OURS, THEIRS, Place, place
from tests.registry.cases.make import actions, chain_holds, contents
from tests.registry.submissions.make import keys, send

AT = datetime(2026, 2, 2, 10, tzinfo=UTC)
SOON = AT + timedelta(minutes=5)
WELSH = "7A4"


@dataclass(frozen=True)
class Both:
    """A trust that reports for another one, and the two desks."""

    here: Place
    admin: psycopg.Connection
    theirs: int
    their_nurse: Actor

    def hold(self, name: str = "A", *, code: str = OURS, of: str = THEIRS, number: int = 1, **more: str) -> None:
        row = valid_case(
            **{"local_case_id": name, "nhs_number": nhs_number(number), "attributed_organisation": of} | more
        )
        receipt = send(self.here.store, self.here.settings, self.here.house.ids[code], [row])
        assert receipt.state == "accepted", receipt

    def basis(self, *nations: str, ended_on: date | None = None) -> None:
        with self.here.store.transaction() as connection:
            for nation in nations:
                connection.execute(
                    insert(attribution_basis).values(
                        nation=nation, basis="Approval", reference="25/CAG/0001", from_date=date(2026, 1, 1),
                        ended_on=ended_on, recorded_by="test",
                    )
                )  # fmt: skip

    def run(self, at: datetime = AT) -> Mapping[str, int]:
        return cases.pass_on(self.here.store, keys(self.here.settings), self.here.settings, at)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.admin.execute(query.encode()).fetchall()

    def told(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "select tenant_id, reporter_id, vte_type, diagnosis_date, admission_date, discharge_date, "
            "nhs_number_ct is not null, birth_date_ct is not null, ended_at is null from records.attributed_case order by id"
        )

    def standing(self) -> list[tuple[int, str]]:
        return self.rows("select attributed_id, attribution from records.case_record order by tenant_id, local_case_id")

    def ident(self) -> UUID:
        [(found,)] = self.rows("select id from records.attributed_case")
        return UUID(str(found))

    def answer(self, given: Given, *, seen: str | None = None, at: datetime = SOON, by: Actor | None = None) -> None:
        store, settings = self.here.store, self.here.settings
        ident = self.ident()
        with store.transaction(tenants=(self.theirs,)) as connection:
            desk = open_desk(connection, keys(settings), settings, self.theirs, by=by or self.their_nurse, at=at)
            known = attributed.one(connection, (self.theirs,), ident).seen if seen is None else seen
            attributed.answer(desk, ident, given, seen=known)


@pytest.fixture
def both(settings: Settings, store: Store, admin: psycopg.Connection) -> Both:
    here = place(settings, store)
    return Both(here, admin, here.house.ids[THEIRS], here.person("theirs", Role.VTE_NURSE, THEIRS))


def test_the_attributed_trust_is_told_what_may_be_told(both: Both) -> None:
    both.basis("England")
    both.hold()
    assert both.run() == {"ended": 0, "told": 1, "answered": 1}
    [row] = both.told()
    assert row[:2] == (both.theirs, both.here.tenant)
    assert row[2:] == ("dvt", date(2025, 9, 20), date(2025, 9, 1), date(2025, 9, 9), True, True, True)
    with both.here.store.transaction(tenants=(both.theirs,)) as connection:
        desk = open_desk(
            connection, keys(both.here.settings), both.here.settings, both.theirs, by=both.their_nurse, at=AT
        )
        assert attributed.identifying(desk, both.ident())["nhs_number"] == nhs_number(1)
    before = contents(both.admin)
    assert both.run(SOON) == {"ended": 0, "told": 0, "answered": 0}
    assert contents(both.admin) == before
    assert chain_holds(both.here.store, both.here.settings, both.here.tenant, both.theirs)
