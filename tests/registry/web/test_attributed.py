"""The pages between trusts: what the attributed trust sees and answers, what the office sees, and what nobody else sees."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import httpx2 as httpx
import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import Role
from registry.cases import attributed, between_trusts, find_pairs
from registry.cases.attributed import Contact
from registry.settings import Settings
from registry.store import Store
from tests.make import nhs_number, valid_case
from tests.registry.submissions.make import keys, send
from tests.registry.web.visitors import House, house, token_of, words_of
from tests.registry.web.visitors import send as post

SECRET = "The ward sister remembers it otherwise"
NUMBER = nhs_number(77)
BIRTH = "1951-04-12"
LOCAL = "LOCAL-ID-77"


@dataclass(frozen=True)
class Three:
    """A trust that reported, the one it named, a third, the office and an administrator, each with a browser."""

    full: House
    admin: psycopg.Connection
    reporter: TestClient
    named: TestClient
    third: TestClient
    office: TestClient

    def hold(self, code: str = "RRV", of: str = "RH5", name: str = LOCAL, **more: str) -> None:
        row = valid_case(local_case_id=name, nhs_number=NUMBER, attributed_organisation=of, **more)
        assert send(self.full.store, self.full.settings, self.full.ids[code], [row]).state == "accepted"

    def run(self) -> None:
        at = datetime.now(UTC) + timedelta(minutes=1)
        find_pairs(self.full.store, keys(self.full.settings), self.full.settings, at)
        between_trusts(self.full.store, keys(self.full.settings), self.full.settings, at)

    def one(self, query: str) -> UUID:
        row = self.admin.execute(query.encode()).fetchone()
        assert row is not None
        return UUID(str(row[0]))

    @property
    def case(self) -> str:
        return f"/trust/attributed/{self.one('select id from records.attributed_case')}"


@pytest.fixture
def three(settings: Settings, store: Store, admin: psycopg.Connection) -> Three:
    full = house(settings, store)
    ours, named, third = (
        full.signed_in(full.person(f"nurse-{code}", (Role.VTE_NURSE, code))) for code in ("RRV", "RH5", "7A4")
    )
    made = Three(full, admin, ours, named, third, full.signed_in(full.person("office", (Role.REGISTRY_OFFICE, None))))
    fields = {"basis": "Section 251", "reference": "25/CAG/0001"}
    day = {"from_date-day": "1", "from_date-month": "1", "from_date-year": "2026"}
    answer = post(full.administrator(), "/admin/attribution/england", fields | day, seen="/admin/attribution")
    assert answer.status_code == 303
    return made


def test_the_administrator_switches_a_nation_on_with_a_basis_only_and_off(settings: Settings, store: Store) -> None:
    chief = house(settings, store).administrator()
    page = chief.get("/admin/attribution")
    assert (page.status_code, page.text.count("nhsuk-tag--grey")) == (200, 2)
    refused = post(chief, "/admin/attribution/wales", {"basis": "x"}, seen="/admin/attribution")
    assert refused.status_code == 422
    assert "Enter the date from which it holds" in words_of(refused)
    assert post(chief, "/admin/attribution/wales/end", seen="/admin/attribution").status_code == 409
    assert post(chief, "/admin/attribution/scotland", seen="/admin/attribution").status_code == 404
    given = {
        "basis": "Support",
        "reference": "REF",
        "from_date-day": "1",
        "from_date-month": "1",
        "from_date-year": "2026",
    }
    assert post(chief, "/admin/attribution/wales", given, seen="/admin/attribution").status_code == 303
    assert chief.get("/admin/attribution").text.count("nhsuk-tag--green") == 1
    assert post(chief, "/admin/attribution/wales/end", seen="/admin/attribution").status_code == 303
    assert chief.get("/admin/attribution").text.count("nhsuk-tag--green") == 0


def test_the_named_trust_is_shown_the_case_and_answers(three: Three) -> None:
    three.hold()
    three.run()
    listed = three.named.get("/trust/attributed")
    assert "1 to answer" in words_of(listed)
    assert "University College Trust" in words_of(listed)
    page = three.named.get(three.case)
    assert page.status_code == 200
    for hidden in (NUMBER, BIRTH, LOCAL):
        assert hidden not in page.text + listed.text
    shown = post(three.named, f"{three.case}/show", seen=three.case)
    assert NUMBER in shown.text
    assert BIRTH in shown.text
    assert LOCAL not in shown.text
    done = _answer(three, answer="accepted", words=SECRET)
    assert (done.status_code, done.headers["location"]) == (303, f"{three.case}?done=answered")
    assert "to answer" not in words_of(three.named.get("/trust/attributed"))
    three.run()
    seen = words_of(three.reporter.get("/trust/attributed"))
    assert "Accepted" in seen
    assert SECRET in seen
    acts = three.admin.execute(
        "select action from records.audit where tenant_id = %s order by sequence", [three.full.ids["RH5"]]
    ).fetchall()
    assert [act for (act,) in acts if "ttributed" in act or "identifiers" in act] == [
        "attributed case read", "attributed case read", "identifiers shown", "attributed case read", "attributed case answered",
    ]  # fmt: skip


def test_the_named_trust_learns_whom_of_the_reporter_to_ask(three: Three) -> None:
    three.hold()
    three.run()
    assert "Whom to ask there Its thrombosis team" in words_of(three.named.get(three.case))
    lead = three.full.person("theirlead", (Role.TRUST_LEAD, "RRV"))
    three.full.person("ourlead", (Role.TRUST_LEAD, "RH5"))
    three.admin.execute("update register.person set email = 'lead@rrv.example' where id = %s", [lead])
    shown = words_of(three.named.get(three.case))
    assert "Whom to ask there Theirlead, lead@rrv.example" in shown
    assert "Ourlead" not in shown
    assert three.third.get(three.case).status_code == 404
    three.hold(of="RRV")
    three.run()
    assert "lead@rrv.example" not in three.named.get(three.case).text, "what is not told any more has no contact"
    three.admin.execute("update register.person set disabled_at = now() where id = %s", [lead])
    three.hold()
    three.run()
    assert "Theirlead" not in three.named.get(three.case).text


def test_of_a_closed_reporter_its_successor_is_asked(three: Three) -> None:
    three.hold()
    three.run()
    three.full.person("ourlead", (Role.TRUST_LEAD, "RH5"))
    ident, ours, closed = UUID(three.case.rpartition("/")[2]), three.full.ids["RH5"], three.full.ids["RA4"]
    with three.full.store.readonly(tenants=[ours]) as connection:
        held = attributed.one(connection, [ours], ident)
        merged = replace(held, reporter=replace(held.reporter, id=closed))
        assert attributed.contacts(connection, merged, date(2023, 3, 31)) == []
        assert attributed.contacts(connection, merged, date(2023, 4, 1)) == [Contact("Ourlead", "")]


def test_what_was_not_told_says_so(three: Three) -> None:
    three.hold(of="7A4")
    three.run()
    seen = words_of(three.reporter.get("/trust/attributed"))
    assert "Not told: the other organisation is told" in seen
    assert "Not answered" not in seen


def _answer(three: Three, **fields: str) -> httpx.Response:
    page = three.named.get(three.case)
    seen = page.text.split('name="seen" value="')[1].split('"')[0]
    return three.named.post(f"{three.case}/answer", data={"form_token": token_of(page), "seen": seen} | fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Choose an answer"),
        ({"answer": "disputed"}, "Choose why the case is not yours"),
        ({"answer": "disputed", "reason": "other"}, "Say what the other reason is"),
        ({"answer": "shared", "counts_for": "999"}, "Choose for which of the two the case counts"),
        ({"answer": "accepted", "words": "<b>" + "x" * 1100}, "Enter at most 1,000 characters"),
        ({"answer": "burn it"}, "Choose an answer"),
    ],
    ids=str,
)
def test_what_cannot_be_taken_is_told_and_nothing_typed_is_lost(
    three: Three, fields: dict[str, str], words: str
) -> None:
    three.hold()
    three.run()
    page = _answer(three, **fields)
    assert page.status_code == 422
    assert words in words_of(page)
    assert fields.get("words", "").replace("<b>", "&lt;b&gt;") in page.text
    assert "<b>" not in page.text


def test_a_form_from_before_another_answer_keeps_what_was_typed(three: Three) -> None:
    three.hold()
    three.run()
    page = three.named.get(three.case)
    assert _answer(three, answer="accepted").status_code == 303
    stale = three.named.post(
        f"{three.case}/answer",
        data={
            "form_token": token_of(page),
            "seen": "none.0",
            "answer": "disputed",
            "reason": "not_here",
            "words": SECRET,
        },
    )
    assert stale.status_code == 409
    assert "Somebody answered this case while you had it open" in words_of(stale)
    assert SECRET in stale.text


def test_a_third_trust_finds_nothing(three: Three) -> None:
    three.hold()
    three.hold("RH5", "RH5", "THEIR-OWN")
    three.run()
    pair = f"/trust/attributed/pairs/{three.one('select id from linkage.pair')}"
    dispute = f"/office/pairs/{pair.rsplit('/', 1)[1]}"
    token = token_of(three.third.get("/trust/upload"))
    nowhere = three.third.get("/trust/attributed/00000000-0000-4000-8000-000000000000")
    assert nowhere.status_code == 404
    for path in (three.case, pair, "/office", dispute):
        hidden, absent = three.third.get(path), three.third.get(f"/{path.split('/')[1]}/nowhere/at/all")
        assert (hidden.status_code, words_of(hidden)) == (404, words_of(absent)), path
    for path in (f"{three.case}/show", f"{three.case}/answer", f"{pair}/answer"):
        assert three.third.post(path, data={"form_token": token, "answer": "accepted"}).status_code == 404, path
    assert three.reporter.get(three.case).status_code == 404
    assert three.office.get(three.case).status_code == 404
    assert "There are none" in words_of(three.third.get("/trust/attributed"))


def test_a_pair_is_linked_by_both_on_their_pages(three: Three) -> None:
    three.hold("RRV", "RRV")
    three.hold("RH5", "RH5", "THEIR-OWN", diagnosis_date="2025-09-22")
    three.run()
    path = f"/trust/attributed/pairs/{three.one('select id from linkage.pair')}"
    for browser, own, other in ((three.reporter, LOCAL, "THEIR-OWN"), (three.named, "THEIR-OWN", LOCAL)):
        page = browser.get(path)
        assert own in page.text
        assert other not in page.text
        assert "2025-09-2" not in page.text
        seen = page.text.split('name="seen" value="')[1].split('"')[0]
        fields = {"form_token": token_of(page), "seen": seen, "answer": "link"}
        assert browser.post(f"{path}/answer", data=fields | {"answer": ""}).status_code == 422
        assert browser.post(f"{path}/answer", data=fields).status_code == 303
        assert browser.post(f"{path}/answer", data=fields).status_code == 303, "sent twice"
    three.run()
    assert "One event, linked" in words_of(three.named.get(path))
    assert (
        three.reporter.post(
            f"{path}/answer", data={"form_token": token_of(three.reporter.get(path)), "answer": "dismiss"}
        ).status_code
        == 409
    )


def test_the_office_sees_dates_and_reasons_and_nothing_that_identifies(three: Three) -> None:
    three.hold()
    three.hold("RH5", "RH5", "THEIR-OWN")
    three.run()
    assert _answer(three, answer="disputed", reason="later_stay", words=SECRET).status_code == 303
    three.run()
    dispute = f"/office/disputes/{three.one('select id from linkage.dispute')}"
    pair = f"/office/pairs/{three.one('select id from linkage.pair')}"
    pages = [three.office.get(path) for path in ("/office", dispute, pair)]
    assert [page.status_code for page in pages] == [200, 200, 200]
    for page in pages:
        for canary in (NUMBER, BIRTH, "12 April 1951", SECRET, LOCAL, "THEIR-OWN"):
            assert canary not in page.text
        assert page.headers["cache-control"] == "no-store"
    assert "There was a later stay elsewhere" in words_of(pages[1])
    assert "74 years" in words_of(pages[1])
    assert "11 days" in words_of(pages[1])
    looks = three.admin.execute(
        "select action from records.audit where tenant_id = 0 and object_type in ('dispute', 'pair') order by sequence"
    )
    assert [act for (act,) in looks.fetchall()] == ["disputes and pairs listed", "dispute looked at", "pair looked at"]


def test_the_office_decides_and_both_see_it(three: Three) -> None:
    three.hold()
    three.run()
    assert _answer(three, answer="disputed", reason="later_stay").status_code == 303
    three.run()
    path = f"/office/disputes/{three.one('select id from linkage.dispute')}"
    page = three.office.get(path)
    seen = page.text.split('name="seen" value="')[1].split('"')[0]
    fields = {"form_token": token_of(page), "seen": seen, "decided_for": str(three.full.ids["RRV"])}
    three.full.long_ago()
    wrong = three.office.post(f"{path}/decide", data=fields | {"code": "000000"})
    assert (wrong.status_code, "This code is not right" in words_of(wrong)) == (422, True)
    code = three.full.code("office")
    fields["form_token"] = token_of(page)
    assert three.office.post(f"{path}/decide", data=fields | {"code": code, "seen": "x"}).status_code == 409
    fields["form_token"] = token_of(three.office.get(path))
    assert three.office.post(f"{path}/decide", data=fields | {"decided_for": ""}).status_code == 422
    assert three.office.post(f"{path}/decide", data=fields | {"seen": "x"}).status_code == 409
    assert three.office.post(f"{path}/decide", data=fields).status_code == 303
    assert three.office.post(f"{path}/decide", data=fields).status_code == 303, "sent twice"
    three.run()
    assert "The registry office decided" in words_of(three.named.get(three.case))
    assert "Decided by the registry office" in words_of(three.reporter.get("/trust/attributed"))
    assert "Nothing is in dispute" in words_of(three.office.get("/office"))


def test_the_office_decides_on_a_pair(three: Three) -> None:
    three.hold()
    three.hold("RH5", "RH5", "THEIR-OWN")
    three.run()
    path = f"/office/pairs/{three.one('select id from linkage.pair')}"
    page = three.office.get(path)
    seen = page.text.split('name="seen" value="')[1].split('"')[0]
    fields = {"form_token": token_of(page), "seen": seen, "code": three.full.code("office")}
    assert three.office.post(f"{path}/decide", data=fields | {"answer": ""}).status_code == 422
    assert three.office.post(f"{path}/decide", data=fields | {"answer": "dismiss"}).status_code == 303
    assert "Nothing is in dispute" in words_of(three.office.get("/office"))
