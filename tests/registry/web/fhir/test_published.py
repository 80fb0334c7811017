"""Released figures as MeasureReports: the numbers of the protected store and no other, nothing that is withheld, no token needed."""

from datetime import UTC, date, datetime
from typing import Any

import httpx2 as httpx
import pytest
from fhir.resources.R4B import get_fhir_model_class
from sqlalchemy import select
from starlette.testclient import TestClient

from registry.app import create_app
from registry.measures import MEASURES, Shown
from registry.settings import Settings
from registry.store import Store
from registry.store.tables import cell
from schemas import fhir
from tests.registry.publications.make import Team, hold_counts, make_team, make_trust, prepare, release, split_counts

BASE = "/fhir/r4"
MONTHS = [date(2025, month, 1) for month in range(4, 13)] + [date(2026, month, 1) for month in (1, 2, 3, 9)]
HAT_RATE = f"{fhir.CANONICAL}/Measure/hat-rate"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


@pytest.fixture
def http(settings: Settings, store: Store) -> TestClient:
    """A program without a token, before a process that may use the public database role and nothing else."""
    reader = Store.from_settings(settings, roles=["hat_reader"])
    return TestClient(create_app(settings, reader), base_url=settings.base_url, follow_redirects=False)


@pytest.fixture
def team(store: Store, settings: Settings) -> Team:
    """A year of two trusts and a board and one late, small trust; September 2026 is provisional. Not released yet."""
    made = make_team(store)
    trusts = [
        make_trust(store, settings, code, region, MONTHS[0])
        for code, region in (("RA1", "Y58"), ("RB1", "Y56"), ("7A4", "W92000004"))
    ]
    late = make_trust(store, settings, "RL1", "Y56", date(2026, 2, 1))
    with store.transaction(role="hat_jobs") as connection:
        for month in MONTHS:
            for number, trust in enumerate(trusts):
                cases = 36 + 6 * number
                counts = split_counts(cases, overnight=24 + 4 * number, preventable=cases // 3, not_investigated=3)
                hold_counts(connection, trust, month, counts, provisional=month == MONTHS[-1])
        few = split_counts(3, overnight=2, preventable=1, not_investigated=0)
        hold_counts(connection, late, date(2026, 2, 1), few, admissions=2_000)
        hold_counts(connection, late, date(2026, 3, 1), {}, case_return="partial")
    return made


@pytest.fixture
def released(store: Store, settings: Settings, team: Team) -> None:
    release(store, team, prepare(store, settings, team))


def found(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/fhir+json; fhirVersion=4.0"
    assert answer.headers["cache-control"] == "public, max-age=300"
    get_fhir_model_class("Bundle").model_validate(answer.json())
    return [entry["resource"] for entry in answer.json().get("entry", ())]


def search(http: TestClient, *periods: str, measure: str = HAT_RATE, **more: str) -> list[dict[str, Any]]:
    asked = {"measure": measure, "period": list(periods), **more}
    return found(http.get(f"{BASE}/MeasureReport", params=asked))


def strata(report: dict[str, Any], name: str) -> dict[str, list[int | str]]:
    """The two counts of each stratum by its code; where there is none, the reason."""
    listed = [each for each in report["group"][0]["stratifier"] if each["code"][0]["coding"][0]["code"] == name]
    return {each["value"]["coding"][0]["code"]: counts(each) for one in listed for each in one["stratum"]}


def counts(holder: dict[str, Any]) -> list[int | str]:
    return [each["count"] if "count" in each else reason(each) for each in holder["population"]]


def reason(population: dict[str, Any]) -> str:
    (told,) = population["_count"]["extension"]
    assert told["url"] == ABSENT
    return str(told["valueCode"])


def test_there_is_none_before_anything_is_released(http: TestClient) -> None:
    assert found(http.get(f"{BASE}/MeasureReport")) == []
    assert http.get(f"{BASE}/MeasureReport/hat-rate.1.2025-04").status_code == 404


@pytest.mark.usefixtures("released")
def test_every_number_is_that_of_the_protected_store(http: TestClient, store: Store) -> None:
    with store.readonly(role="hat_reader") as connection:
        values = {row.cell_id: row.value for row in connection.execute(select(cell))}

    def of(kind: str, code: str, period: str) -> list[int]:
        return [values[f"grid-1/{count}/{kind}/{code}/{period}/total"] for count in ("hat_cases", "admissions")]

    (april,) = search(http, "2025-04")
    month, year = "month/2025-04", "financial_year/2025-26"
    assert strata(april, "region") == {code: of("region", code, month) for code in ("Y58", "Y56")}
    trusts = {code: of("trust", code, month) for code in ("RA1", "RB1", "7A4")}
    assert strata(april, "organisation") == trusts | {"RL1": ["not-applicable", "not-applicable"]}
    wales = of("region", "W92000004", month)
    england = [a + b for a, b in zip(of("region", "Y58", month), of("region", "Y56", month), strict=True)]
    assert strata(april, "nation") == {"GB-ENG": england, "GB-WLS": wales}
    assert counts(april["group"][0]) == [a + b for a, b in zip(england, wales, strict=True)]
    (whole,) = (each for each in search(http, "ge2025-04-01", "le2026-03-31") if ".fy" in each["id"])
    assert whole["period"] == {"start": "2025-04-01", "end": "2026-03-31"}
    assert strata(whole, "organisation")["RA1"] == of("trust", "RA1", year)


@pytest.mark.usefixtures("released")
def test_what_is_withheld_is_absent_with_its_reason(http: TestClient) -> None:
    (february,) = search(http, "2026-02")
    (march,) = search(http, "2026-03")
    few, admissions = strata(february, "organisation")["RL1"]
    assert (few, admissions) in {("masked", 2000), ("masked", 2005), ("masked", 1995)}
    assert strata(march, "organisation")["RL1"] == ["unknown", "unknown"]


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize("measure", MEASURES)
def test_every_report_is_valid_and_no_exact_count_is_in_any(http: TestClient, measure: str) -> None:
    reports = search(http, measure=f"Measure/{measure}")
    assert bool(reports) == (not measure.startswith("risk-assessment"))
    for report in reports:
        get_fhir_model_class("MeasureReport").model_validate(report)
        assert report["measure"] == f"{fhir.CANONICAL}/Measure/{measure}|{fhir.VERSION}"
        groups = [report["group"][0], *(each for one in report["group"][0]["stratifier"] for each in one["stratum"])]
        numbers = [each for group in groups for each in counts(group) if isinstance(each, int)]
        of_patients = bool(MEASURES[measure].cells)
        assert not of_patients or all(each % 5 == 0 and each >= 10 for each in numbers)
        of_trusts = measure == "hat-rate" or (measure in ("preventable-share", "pe-share") and ".fy" in report["id"])
        assert bool(strata(report, "organisation")) == of_trusts


@pytest.mark.usefixtures("released")
def test_what_may_still_change_is_tagged(http: TestClient) -> None:
    tags = {each["id"]: each["meta"]["tag"][0]["code"] for each in search(http, "ge2026-03")}
    assert tags == {
        "hat-rate.1.2026-09": "provisional", "hat-rate.1.fy2025-26": "final",
        "hat-rate.1.2026-03": "final",
    }  # fmt: skip


@pytest.mark.usefixtures("released")
def test_a_report_has_an_address_for_good(http: TestClient, store: Store, settings: Settings, team: Team) -> None:
    (april,) = search(http, "2025-04")
    address = f"{BASE}/MeasureReport/{april['id']}"
    answer = http.get(address)
    assert (april["id"], answer.json()) == ("hat-rate.1.2025-04", april)
    again = http.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    later = datetime(2026, 12, 20, tzinfo=UTC)
    release(store, team, prepare(store, settings, team, later), later)
    assert [each["id"] for each in search(http, "2025-04")] == ["hat-rate.2.2025-04"]
    assert http.get(address).json() == april


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize(
    "ident",
    [
        "hat-rate.1.2020-01", "hat-rate.1.2025-26", "hat-rate.1.fy2024-25", "hat-rate.9.2025-04", "hat-rate.01.2025-04", "hat-rate.1",
        "hat-rate", "no-such.1.2025-04", "hat-rate.1.2025-04.x", f"hat-rate.{'1' * 30}.2025-04", "hat-rate.١.2025-04", "x" * 65,
    ],
)  # fmt: skip
def test_what_is_not_published_is_not_there(http: TestClient, ident: str) -> None:
    assert http.get(f"{BASE}/MeasureReport/{ident}").status_code == 404


@pytest.mark.usefixtures("released")
def test_pages_stay_in_the_release_in_which_they_began(
    http: TestClient, store: Store, settings: Settings, team: Team
) -> None:
    first = http.get(f"{BASE}/MeasureReport", params={"measure": HAT_RATE, "_count": "9"})
    later = datetime(2026, 12, 20, tzinfo=UTC)
    release(store, team, prepare(store, settings, team, later), later)
    following = next(each["url"] for each in first.json()["link"] if each["relation"] == "next")
    second = http.get(following)
    assert [each["relation"] for each in second.json()["link"]] == ["self"]
    idents = [each["id"] for each in found(first) + found(second)]
    assert len(idents) == len(set(idents)) == 14
    assert {each.split(".")[1] for each in idents} == {"1"}


@pytest.mark.usefixtures("released")
def test_reports_are_chosen_by_measure_period_and_id(http: TestClient) -> None:
    def idents(**asked: str) -> list[str]:
        return [each["id"] for each in found(http.get(f"{BASE}/MeasureReport", params=asked))]

    assert idents(measure=f"{HAT_RATE}|{fhir.VERSION}", period="2025-12") == ["hat-rate.1.2025-12"]
    assert idents(measure=f"{HAT_RATE}|2.0.0") == idents(measure="https://elsewhere.example/Measure/hat-rate") == []
    assert idents(_id="hat-rate.1.2025-12,preventable-share.1.2025-12") == [
        "hat-rate.1.2025-12",
        "preventable-share.1.2025-12",
    ]
    everything = http.get(f"{BASE}/MeasureReport", params={"_summary": "count"}).json()
    monthly = [
        each for each in MEASURES.values() if each.period is Shown.MONTH and each.nations == ("England", "Wales")
    ]
    yearly = [each for each in MEASURES.values() if each.period is Shown.FINANCIAL_YEAR]
    assert everything["total"] == len(monthly) * 14 + len(yearly)
    assert len(idents()) == 12


@pytest.mark.parametrize(
    "query", ["measure=a&_cursor=x", "_cursor=7.0", "period=soon", "reporter=RA1", "subject=1", "_count=-1"]
)
def test_what_cannot_be_heeded_is_refused(http: TestClient, query: str) -> None:
    answer = http.get(f"{BASE}/MeasureReport?{query}")
    assert (answer.status_code, answer.json()["resourceType"]) == (400, "OperationOutcome")


@pytest.mark.usefixtures("released")
def test_whoever_brings_a_token_is_shown_the_same(http: TestClient) -> None:
    without = http.get(f"{BASE}/MeasureReport?period=2025-04")
    brought = http.get(f"{BASE}/MeasureReport?period=2025-04", headers={"Authorization": "Bearer of nobody"})
    assert (brought.status_code, brought.content) == (200, without.content)


def test_own_returns_are_never_shown_without_a_token(http: TestClient) -> None:
    for query in (
        f"identifier={fhir.RETURN_ID}|RA1-2025-04",
        f"measure={fhir.ACTIVITY_MEASURE}",
        "measure=Measure/hat-activity",
    ):
        assert http.get(f"{BASE}/MeasureReport?{query}").status_code == 401
