"""The worklist and the list of cases: what is shown to whom, in what order, page by page, given to whom, and how one is found."""

import re
from datetime import date, timedelta

import httpx2 as httpx
import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import Role
from registry.cases import states
from registry.cases.number import case_number
from registry.cases.states import CaseState
from registry.settings import Settings
from registry.store import Store
from registry.web.pages import MOST_COUNTED
from registry.web.trust.cases.worklist import PAGE
from tests.make import nhs_number
from tests.registry.cases.at_desk import THEIRS
from tests.registry.web.at_cases import Ward, ward
from tests.registry.web.visitors import token_of, words_of

WORK = "/trust/worklist"


@pytest.fixture
def here(settings: Settings, store: Store) -> Ward:
    return ward(settings, store)


def due(admin: psycopg.Connection, here: Ward, name: str, on: date | None) -> None:
    admin.execute("update records.case_work set due_on = %s where case_id = %s", [on, here.place.case(name)])


def links(page: httpx.Response) -> list[str]:
    """The addresses of the cases on a page, in order."""
    return list(dict.fromkeys(re.findall(r'href="(/trust/cases/[0-9a-f-]{36})"', page.text)))


def send(browser: TestClient, path: str, *fields: tuple[str, str], seen: str = WORK) -> httpx.Response:
    """Send a form, in which a name may stand several times."""
    body = httpx.QueryParams([("form_token", token_of(browser.get(seen))), *fields])
    return browser.post(path, content=str(body), headers={"Content-Type": "application/x-www-form-urlencoded"})


def ticked_on(page: httpx.Response) -> set[str]:
    """The cases whose boxes are ticked."""
    return set(re.findall(r'name="case" type="checkbox" value="([^"]*)" checked', page.text))


# --- what is to be done


def test_the_longest_overdue_case_comes_first_and_one_without_a_date_last(
    here: Ward, admin: psycopg.Connection
) -> None:
    names = ("A", "B", "C", "D")
    here.hold(*names)
    here.take_in(*names)
    today = date.today()
    for name, days in (("A", 3), ("B", -2), ("C", -9)):
        due(admin, here, name, today + timedelta(days=days))
    due(admin, here, "D", None)
    page = here.nurse.get(WORK)
    assert links(page) == [here.path(name) for name in ("C", "B", "A", "D")]
    assert page.text.count(">Overdue</strong>") == 2
    assert "Everybody’s 4 Overdue 2 Given to me 0 Nobody’s 4" in words_of(page)
    assert "Worklist 2 overdue" in words_of(page)
    assert links(here.nurse.get(f"{WORK}?whose=overdue")) == [here.path(name) for name in ("C", "B")]


def test_page_follows_page_without_a_gap_or_a_double(here: Ward, admin: psycopg.Connection) -> None:
    names = [f"N{place:02d}" for place in range(2 * PAGE + 5)]
    here.hold(*names)
    here.take_in(*names)
    for place, name in enumerate(names):
        due(admin, here, name, None if place % 9 == 0 else date(2026, 1, 1 + place % 4))
    for first in (WORK, "/trust/cases"):
        found, address = list[str](), first
        while address:
            page = here.nurse.get(address)
            found += links(page)
            further = re.search(r'href="([^"]*after=[^"]*)"', page.text)
            address = further[1].replace("&amp;", "&") if further else ""
        assert sorted(found) == sorted(here.path(name) for name in names)


def test_what_is_over_or_out_of_scope_does_not_wait_for_anybody(here: Ward) -> None:
    here.hold("A", "B")
    here.take_in("A", "B")
    with here.place.desk() as desk:
        states.move(desk, here.place.case("A"), CaseState.RCA_OPEN)
    here.review("A")
    with here.place.desk() as desk:
        states.judged(desk, here.place.case("A"))
    assert links(here.nurse.get(WORK)) == [here.path("B")]


def test_the_list_is_narrowed_by_state_and_by_whose_it_is(here: Ward) -> None:
    here.hold("A", "B", "C")
    here.take_in("A", "B", "C")
    with here.place.desk() as desk:
        states.move(desk, here.place.case("A"), CaseState.RCA_OPEN)
        states.assign(desk, here.place.case("B"), here.place.nurse.id)
    assert links(here.nurse.get(f"{WORK}?state=rca_open")) == [here.path("A")]
    assert links(here.nurse.get(f"{WORK}?whose=mine")) == [here.path("B")]
    assert set(links(here.nurse.get(f"{WORK}?whose=nobody"))) == {here.path("A"), here.path("C")}
    for odd in ("state=closed", "state=x", "whose=x", "organisation=RH5", "after=x", "after=2026-01-01_x"):
        assert here.nurse.get(f"{WORK}?{odd}").status_code == 404, odd


def test_cases_are_given_out_together_or_not_at_all(here: Ward) -> None:
    here.hold("A", "B", "C")
    here.hold("Z", code=THEIRS)
    here.take_in("A", "B", "C")
    ticked = [("case", str(here.place.case(name))) for name in ("A", "B")]
    me = ("person", str(here.place.nurse.id))
    nothing = send(here.nurse, f"{WORK}/assign", me)
    assert (nothing.status_code, f'value="{me[1]}" selected' in nothing.text) == (422, True)
    to_nobody = send(here.nurse, f"{WORK}/assign", *ticked)
    assert (to_nobody.status_code, ticked_on(to_nobody)) == (422, {value for _, value in ticked})
    done = send(here.nurse, f"{WORK}/assign", *ticked, me, ("whose", "nobody"))
    assert (done.status_code, done.headers["location"]) == (303, f"{WORK}?whose=nobody&done=assigned")
    assert "given out as you said" in words_of(here.nurse.get(done.headers["location"]))
    assert set(links(here.nurse.get(f"{WORK}?whose=mine"))) == {here.path("A"), here.path("B")}
    other = here.house.store
    with other.readonly(tenants=(here.house.ids[THEIRS],)) as connection:
        theirs = connection.exec_driver_sql("select id from records.case_record").scalar()
    both = send(here.nurse, f"{WORK}/assign", ("case", str(here.place.case("C"))), ("case", str(theirs)), me)
    assert both.status_code == 404
    assert here.path("C") in links(here.nurse.get(f"{WORK}?whose=nobody"))
    stranger = here.house.person("stranger", (Role.VTE_NURSE, THEIRS))
    refused = send(here.nurse, f"{WORK}/assign", *ticked, ("person", str(stranger)))
    assert refused.status_code == 422
    assert "cannot work on cases here" in words_of(refused)
    assert ticked_on(refused) == {value for _, value in ticked}


def test_another_trust_s_work_is_not_there_and_a_reader_gives_out_nothing(here: Ward) -> None:
    here.hold("A")
    here.take_in("A")
    other = here.browser("other", Role.VTE_NURSE, THEIRS)
    assert links(other.get(WORK)) == links(other.get("/trust/cases")) == []
    assert "overdue" not in words_of(other.get("/trust"))
    reader = here.browser("reader", Role.TRUST_UPLOADER)
    assert links(reader.get(WORK)) == [here.path("A")]
    assert "Give out" not in words_of(reader.get(WORK))
    assert send(reader, f"{WORK}/assign", ("person", "nobody"), seen="/trust").status_code == 404


def test_the_number_in_the_head_of_each_page_ends_where_it_says_nothing_more(
    here: Ward, admin: psycopg.Connection
) -> None:
    here.hold("A")
    here.take_in("A")
    due(admin, here, "A", date(2025, 1, 1))
    assert "Worklist 1 overdue" in words_of(here.nurse.get("/trust"))
    admin.execute(
        "insert into records.case_work (tenant_id, case_id, state, since, due_on, drawn) select tenant_id, gen_random_uuid(), state,"
        " since, due_on, drawn from records.case_work, generate_series(1, 120)"
    )
    assert f"Worklist {MOST_COUNTED}+ overdue" in words_of(here.nurse.get("/trust"))


# --- all cases


def test_cases_are_listed_by_what_is_asked_of_them(here: Ward, admin: psycopg.Connection) -> None:
    here.hold("A")
    here.hold("B", main_specialty="340", admission_date="2025-08-30", vte_type="pe", dvt_site="", confirmation="ctpa")
    here.hold("C", attributed_organisation="RH5", withdraw_reason="")
    here.take_in("A", "B", "C")
    listed = "/trust/cases"
    for query, names in (
        ("month=2025-08", ["B"]),
        ("specialty=340", ["B"]),
        ("vte_type=dvt", ["C", "A"]),
        ("attribution=proposed", ["C"]),
        ("attribution=own&vte_type=dvt", ["A"]),
        ("state=confirmed", ["C", "B", "A"]),
        ("state=withdrawn", []),
    ):
        assert links(here.nurse.get(f"{listed}?{query}")) == [here.path(name) for name in names], query
    for odd in ("month=x", "state=x", "specialty=x", "vte_type=x", "attribution=x", "organisation=RH5", "after=x"):
        assert here.nurse.get(f"{listed}?{odd}").status_code in (404, 422), odd


def test_a_case_is_found_by_its_number_the_registry_s_or_the_nhs_number(here: Ward, admin: psycopg.Connection) -> None:
    here.hold("A", nhs_number=nhs_number(5))
    here.hold("B", nhs_number=nhs_number(5), diagnosis_date="2025-10-01")
    here.hold("C", code=THEIRS, nhs_number=nhs_number(5))
    find, seen = "/trust/cases/find", "/trust/cases"
    registry = case_number(here.place.case("B")).lower().replace("-", " ")
    for typed, name in (("A", "A"), (registry, "B")):
        found = send(here.nurse, find, ("case", typed), seen=seen)
        assert found.headers.get("location") == here.path(name), typed
    number = nhs_number(5)
    page = send(here.nurse, find, ("nhs_number", f"{number[:3]} {number[3:6]} {number[6:]}"), seen=seen)
    assert set(links(page)) == {here.path("A"), here.path("B")}
    assert number not in page.text
    noted = admin.execute("select tenant_id, detail from records.audit where action like %s", ["cases searched%"])
    assert noted.fetchall() == [(here.place.tenant, {"door": "page", "given": 2})]
    for fields, words in (
        ((), "Enter the number of the case"),
        ((("nhs_number", "123"),), "Enter the ten digits"),
    ):
        assert words in words_of(send(here.nurse, find, *fields, seen=seen))
    assert "No case of yours was found" in words_of(send(here.nurse, find, ("case", "nowhere"), seen=seen))
    assert here.nurse.get(find).status_code in (404, 405, 422)


def test_no_list_shows_what_identifies(here: Ward) -> None:
    here.hold("A", nhs_number=nhs_number(5), ward="Ward 12")
    here.take_in("A")
    for path in (WORK, "/trust/cases"):
        text = here.nurse.get(path).text
        assert not [hidden for hidden in (nhs_number(5), "1951", "Ward 12") if hidden in text]
