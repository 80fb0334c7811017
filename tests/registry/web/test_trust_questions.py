"""A page of uploads and returns asks the database few questions, and as many however much there is."""

from datetime import UTC, datetime

import psycopg
import pytest

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from registry.submissions import Receipt
from schemas.record import RecordKind
from tests.make import cases, valid_activity
from tests.registry.submissions.make import send
from tests.registry.web.programs import screened
from tests.registry.web.test_cases_page import Heard
from tests.registry.web.visitors import House, house

MOST = 10
FIXED = ("/trust", "/trust/submissions", "/trust/calendar", "/trust/quality", "/trust/activity", "/trust/sign-off")


@pytest.fixture
def full(settings: Settings, store: Store, admin: psycopg.Connection) -> House:
    made = house(settings, store)
    screened(made)
    admin.execute("update register.organisation set live_from = '2025-01-01'")
    return made


def outcomes(full: House, rows: int) -> list[Receipt]:
    """A stored file, one with warnings and faults rehearsed, and one that changes and withdraws what is held."""
    trust, now = full.ids["RRV"], datetime.now(UTC)
    sent = cases(rows)
    stored = send(full.store, full.settings, trust, sent, at=now)
    spoilt = [row | {"sex": "x", "transferred_from": "ZZ9"} for row in sent]
    faulty = send(full.store, full.settings, trust, spoilt, at=now, rehearsal=True)
    changed = [row | {"recurrent": "yes"} for row in sent[1:]] + [sent[0] | {"withdraw_reason": "duplicate"}]
    return [stored, faulty, send(full.store, full.settings, trust, changed, at=now, rehearsal=True)]


def paths(receipts: list[Receipt]) -> list[str]:
    stored, faulty, changing = (f"/trust/submissions/{each.id}" for each in receipts)
    return [stored, f"{stored}/progress", faulty, f"{faulty}/mend", changing, f"{changing}/changes"]


@pytest.mark.slow
def test_few_questions_however_much_there_is(full: House, monkeypatch: pytest.MonkeyPatch) -> None:
    lead = full.signed_in(full.person("lead", (Role.TRUST_LEAD, "RRV")))
    few = outcomes(full, 3)
    heard = Heard(monkeypatch)
    who = heard.of(lead, "/trust/nowhere", 404)

    def counted(addresses: list[str]) -> list[int]:
        return [heard.of(lead, path) - who for path in addresses]

    fixed, small = counted(list(FIXED)), counted(paths(few))
    # Opening what was sent and noting it take some beside: the bytes, the keys, the chain of the audit log.
    assert {path: count for path, count in zip(FIXED, fixed, strict=True) if count > MOST} == {}
    assert {
        path: count for path, count in zip(paths(few), small, strict=True) if count > MOST and "mend" not in path
    } == {}
    months = [valid_activity(month=f"2025-{month:02d}") for month in range(1, 13)]
    send(full.store, full.settings, full.ids["RRV"], months, kind=RecordKind.ACTIVITY, at=datetime.now(UTC))
    many = outcomes(full, 40)
    assert counted(list(FIXED)) == fixed
    assert counted(paths(many)) == small
