"""A trust's own figures by site, specialty and ward, and the cases behind each number, counted by hand."""

import re

import httpx2 as httpx
import psycopg
import pytest

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from tests.make import nhs_number
from tests.registry.submissions.make import send
from tests.registry.web.own.world import MEDICINE, YEAR, World, case, world
from tests.registry.web.test_cases_page import Heard
from tests.registry.web.visitors import words_of


@pytest.fixture
def made(settings: Settings, store: Store) -> World:
    return world(settings, store)


def breakdown(made: World, by: str, period: str = YEAR) -> httpx.Response:
    answer: httpx.Response = made.nurse.get(f"/trust/figures/breakdown?by={by}&period={period}")
    assert answer.status_code == 200
    return answer


def rows_of(page: httpx.Response, caption: str = "breakdown-caption") -> dict[str, list[str]]:
    """A table of the page: the words of each row by its first cell."""
    table = next(each for each in re.findall(r"<table.*?</table>", page.text, re.DOTALL) if f'id="{caption}"' in each)
    found = {}
    for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)[1:]:
        cells = [
            " ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)
        ]
        found[cells[0]] = cells[1:]
    return found


def test_cases_by_site_are_those_that_count(made: World) -> None:
    """Not counted: not HAT, not confirmed, the second report of one index stay, another year."""
    rows = rows_of(breakdown(made, "site"))
    assert rows["RRV01"][:3] == ["2", "2", "1"]
    assert rows["RRV02"][:3] == ["2", "1", "1"]
    assert rows["All"][:3] == ["4", "3", "2"]


def test_a_share_has_its_limits_and_below_four_in_five_only_its_bounds(made: World) -> None:
    """1 of 2: Wilson 9.5 % to 90.5 %. 1 of 1 reviewed of 2: between 50 % and 100 %."""
    rows = rows_of(breakdown(made, "site"))
    assert rows["RRV01"][3] == "50% (9% to 91%)"
    assert rows["RRV02"][3] == "between 50% and 100%"


def test_by_specialty_and_group_with_the_months(made: World) -> None:
    page = breakdown(made, "specialty")
    assert rows_of(page)["General Surgery"][0] == "2"
    assert rows_of(page)["General Internal Medicine"][0] == "2"
    assert rows_of(page, "months-caption")["General Surgery"][:3] == ["2", "0", "0"]
    assert rows_of(page, "months-caption")["All"][:3] == ["2", "2", "0"]
    assert rows_of(breakdown(made, "group"))["Surgical"][0] == "2"


def test_calendar_years_and_months_have_their_own(made: World) -> None:
    assert rows_of(breakdown(made, "site", "2024"))["All"][0] == "1"
    assert rows_of(breakdown(made, "site", "2025-05"))["All"][0] == "2"
    assert "There is no case of this period" in words_of(breakdown(made, "site", "2023-fy"))


def test_wards_are_opened_folded_and_noted(made: World, admin: psycopg.Connection) -> None:
    rows = rows_of(breakdown(made, "ward"))
    assert {name: cells[0] for name, cells in rows.items()} == {
        "Ward 7": "2", "Stroke unit": "1", "Not recorded": "1", "All": "4",
    }  # fmt: skip
    noted = admin.execute("select detail from records.audit where action = 'wards counted'").fetchall()
    assert noted == [({"wards": 3, "cases": 4},)]


def test_no_address_names_a_ward(made: World) -> None:
    page = breakdown(made, "ward")
    addresses = re.findall(r'href="([^"]*)"', page.text)
    assert any("by=ward&amp;key=" in each for each in addresses)
    assert not [each for each in addresses if "stroke" in each.lower() or "Ward" in each]


def test_a_number_leads_to_its_cases(made: World) -> None:
    page = breakdown(made, "ward")
    address = re.search(r'href="([^"]*)" aria-label="Ward 7: 2 cases"', page.text)
    assert address is not None
    listed = made.nurse.get(address[1].replace("&amp;", "&"))
    assert listed.status_code == 200
    words = words_of(listed)
    assert "One ward. 2 cases" in words
    assert "A-2 Admitted 10 April 2025 Discharged 15 April 2025 Diagnosed 20 May 2025" in words
    assert words.index("A-2") < words.index("A-1")
    assert re.search(r'href="/trust/cases/[0-9a-f-]{36}">A-1<', listed.text)
    assert nhs_number(1) not in listed.text


def test_each_outcome_has_its_list(made: World) -> None:
    def listed(query: str) -> set[str]:
        page = made.nurse.get(f"/trust/figures/cases?period={YEAR}&{query}")
        return set(re.findall(r">(A-\d)<", page.text))

    assert listed("") == {"A-1", "A-2", "A-3", "A-4"}
    assert listed("outcome=preventable") == {"A-1", "A-4"}
    assert listed("outcome=not_reviewed") == {"A-3"}
    assert listed("by=site&key=RRV02&outcome=reviewed") == {"A-4"}
    assert listed("by=ward&key=none") == {"A-4"}
    assert listed("by=ward&key=0123") == set()


def test_a_long_list_has_pages(made: World, store: Store, settings: Settings) -> None:
    many = [case(f"B-{place:03d}", "2023-03-04", 100 + place, **MEDICINE) for place in range(60)]
    send(store, settings, made.tenant, many)
    first = made.nurse.get("/trust/figures/cases?period=2023-03")
    second = made.nurse.get("/trust/figures/cases?period=2023-03&page=2")
    assert "60 cases, of which these are 1 to 50" in words_of(first)
    assert "60 cases, of which these are 51 to 60" in words_of(second)
    shown = [re.findall(r">(B-\d+)<", page.text) for page in (first, second)]
    assert [len(each) for each in shown] == [50, 10]
    assert len({*shown[0], *shown[1]}) == 60


def test_cases_reported_by_other_trusts_are_told_beside(made: World, admin: psycopg.Connection) -> None:
    for answer, counts_for in (("accepted", None), ("disputed", None), (None, None), ("shared", made.tenant)):
        admin.execute(
            "insert into records.attributed_case (tenant_id, id, reporter_id, reported_case_id, admission_date, told_at, answer, counts_for)"
            " values (%s, gen_random_uuid(), %s, gen_random_uuid(), '2025-07-01', now(), %s, %s)",
            (made.tenant, made.house.ids["RH5"], answer, counts_for),
        )
    assert "2 more were reported by other trusts and count for you" in words_of(breakdown(made, "site"))


def test_themes_are_counted_over_complete_reviews(made: World) -> None:
    words = words_of(made.nurse.get(f"/trust/figures/themes?period={YEAR}"))
    assert "3 of 4 cases have a complete review" in words
    assert "Potentially preventable: 2, between 50% and 75%" in words
    assert "In 2 of the reviewed cases doses were missed avoidably, 4 in all" in words
    for said in (
        "Inadequate prophylaxis 2 67%",
        "Prophylaxis failure: adequate prophylaxis was given 1 33%",
        "Doses missed avoidably 2 67%",
        "Communication and handover 2 67%",
        "Person: staff factors 1 33%",
        "Why doses were missed",
        "Not signed for 1 33%",
        "not enough data for a control chart: 2 of 14 potentially preventable cases",
        "No action is recorded",
    ):
        assert said in words


def test_the_days_between_preventable_cases_are_those_of_all_periods(made: World) -> None:
    words = words_of(made.nurse.get("/trust/figures/themes?period=2023-fy"))
    assert "There is no case of this period" in words
    assert "2 of 14 potentially preventable cases" in words


def test_what_is_asked_wrongly_is_not_there(made: World) -> None:
    for query in ("period=2025-13", "period=x", "period=1-fy", "outcome=perhaps", "by=consultant", "organisation=RH5"):
        assert made.nurse.get(f"/trust/figures/cases?{query}").status_code == 404, query
    assert made.nurse.get("/trust/figures/breakdown?organisation=RH5").status_code == 404
    assert made.nurse.get("/trust/figures/cases?page=0").status_code == 422


def test_another_trust_sees_none_of_it(made: World) -> None:
    other = made.house.signed_in(made.house.person("other", (Role.VTE_NURSE, "RH5")))
    assert "There is no case of this period" in words_of(other.get(f"/trust/figures/breakdown?period={YEAR}"))
    assert "A-1" not in other.get(f"/trust/figures/cases?period={YEAR}").text


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/breakdown?by=specialty&",
        "/breakdown?by=ward&",
        "/cases?",
        "/cases?by=ward&key=0&",
        "/themes?",
        "/pack?",
        "/exemplar?",
    ],
)
def test_a_page_asks_few_questions_however_many_cases_there_are(
    made: World, store: Store, settings: Settings, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, asked = Heard(monkeypatch), []
    heard.of(made.nurse, "/trust/figures")  # a first page opens connections, which asks by itself
    for more in (0, 40):
        if more:
            send(
                store,
                settings,
                made.tenant,
                [case(f"B-{place}", "2025-07-01", 50 + place, **MEDICINE) for place in range(more)],
            )
        given = f"{address}period={YEAR}" if "?" in address else address
        asked.append(heard.of(made.nurse, f"/trust/figures{given}"))
    assert asked[0] == asked[1]
    assert asked[0] <= 10
