"""The public pages: what they show is made of what is released, and they are there before anything is."""

import csv
import io
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from registry.app import create_app
from registry.measures import MEASURES
from registry.settings import Settings
from registry.store import Store
from registry.store.tables import cell
from tests.conftest import Database
from tests.registry.web.released import Published, month, publish, trust
from tests.registry.web.visitors import words_of
from tests.registry.web.welsh import all_translated, check_welsh

MONTHS = (
    [date(2025, month, 1) for month in range(4, 13)]
    + [date(2026, month, 1) for month in (1, 2, 3)]
    + [date(2026, 9, 1)]
)
PAGES = (
    "/", "/figures", "/figures/trusts", "/about/data", "/about/patients", "/accessibility", "/fhir",
    *(f"/figures/{ident}" for ident in MEASURES),
)  # fmt: skip


@pytest.fixture
def http(settings: Settings, store: Store) -> TestClient:
    """A browser that may use the public database role and nothing else."""
    reader = Store.from_settings(settings, roles=["hat_reader"])
    return TestClient(create_app(settings, reader), base_url=settings.base_url, follow_redirects=False)


@pytest.fixture
def released(database: Database) -> None:
    """A year of two trusts and a board, one of them late; September 2026 is provisional; three independents make a sector."""
    members = [trust("RA1", "Y58"), trust("RB1", "Y56"), trust("7A4", "W92000004")]
    late = replace(trust("RL1", "Y56"), live_from=date(2026, 3, 1))
    independents = [replace(trust(f"NV{n}", "Y58"), kind="independent") for n in range(3)]
    months = [
        month(each, start, 36 + 6 * number, provisional=start == MONTHS[-1])
        for start in MONTHS
        for number, each in enumerate(members)
    ]
    months += [month(provider, MONTHS[0], 8, 2_000) for provider in independents]
    months.append(month(late, MONTHS[-2], 0, case_return="partial"))
    publish(database, Published(months, [*members, late, *independents]))


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_there_before_anything_is_released(http: TestClient, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 200
    assert "<h1" in answer.text
    assert answer.headers["cache-control"] == "public, max-age=300"


def test_there_is_no_download_and_no_trust_before_anything_is_released(http: TestClient) -> None:
    for path in ("/figures/hat-rate.csv", "/figures/hat-rate.json", "/figures/trusts.csv", "/figures/trusts/RA1"):
        assert http.get(path).status_code == 404


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize("path", [*PAGES, "/figures/trusts/RA1", "/figures/trusts/RL1", "/figures/trusts?year=2025"])
def test_every_page_is_there_after_a_release(http: TestClient, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 200
    assert "None" not in words_of(answer)
    assert "nan" not in words_of(answer).split()


@pytest.mark.usefixtures("released")
def test_every_page_is_welsh_as_a_whole_once_it_is_translated(http: TestClient, tmp_path: Path) -> None:
    with all_translated(tmp_path):
        for path in (*PAGES, "/figures/trusts/RA1", "/figures/trusts/RL1"):
            if path != "/fhir":
                check_welsh(http.get("/cy" if path == "/" else f"/cy{path}"))


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize(
    "path",
    ["/figures/no-such", "/figures/hat-rate?area=nowhere", "/figures/trusts/XX9", "/figures/trusts?year=1999", "/figures/risk-assessment?area=wales"],
)  # fmt: skip
def test_what_is_not_published_is_not_there(http: TestClient, path: str) -> None:
    assert http.get(path).status_code == 404


@pytest.mark.usefixtures("released")
def test_the_rate_is_the_sum_of_rounded_regions_and_nothing_else(http: TestClient, store: Store) -> None:
    period = "month/2025-04/total"
    with store.readonly(role="hat_reader") as connection:
        values = {row.cell_id: row.value for row in connection.execute(select(cell))}
    cases = sum(values[f"grid-1/hat_cases/region/{region}/{period}"] for region in ("Y58", "Y56", "W92000004"))
    admissions = sum(values[f"grid-1/admissions/region/{region}/{period}"] for region in ("Y58", "Y56", "W92000004"))
    rows = csv.DictReader(io.StringIO(http.get("/figures/hat-rate.csv").content.decode("utf-8-sig")))
    april = next(row for row in rows if (row["area"], row["period"]) == ("england-and-wales", "2025-04"))
    assert (april["numerator"], april["denominator"]) == (str(cases), str(admissions))
    assert float(april["value"]) == pytest.approx(1000 * cases / admissions, abs=1e-6)
    assert (april["status"], april["organisations"]) == ("final", "3")
    words = words_of(http.get("/figures/hat-rate"))
    assert f"{1000 * cases / admissions:.2f}" in words


@pytest.mark.usefixtures("released")
def test_no_exact_count_is_on_any_page(http: TestClient, store: Store) -> None:
    """The years of the three trusts are 432, 504 and 576 cases: whatever is shown of them is a multiple of five."""
    shown = re.findall(r"(\d+) [\d,]+ \d\.\d\d \d", words_of(http.get("/figures/trusts?year=2025")))
    assert len(shown) == 3
    assert all(int(number) % 5 == 0 for number in shown)


@pytest.mark.usefixtures("released")
def test_a_provisional_month_is_hollow_and_never_the_latest(http: TestClient) -> None:
    page = http.get("/figures/hat-rate?area=england")
    words = words_of(page)
    assert "In March 2026 the rate" in words
    assert "September 2026" in words
    assert "hat-chart__provisional" in page.text


@pytest.mark.usefixtures("released")
def test_a_trust_that_joined_late_is_blank_before_and_in_no_constant_series(http: TestClient) -> None:
    words = words_of(http.get("/figures/trusts/RL1"))
    assert "not yet live" in words
    assert "The same trusts throughout (3)" in words_of(http.get("/figures/hat-rate"))


@pytest.mark.usefixtures("released")
def test_independents_are_one_line_and_no_provider(http: TestClient) -> None:
    """Three of 8 cases each: 24 rounded is 20 or 25, of 6,000 admissions."""
    page = words_of(http.get("/figures/trusts?year=2025"))
    assert re.search(
        r"Independent sector .* England 2[05] cases, 6,000 admissions|England 2[05] cases, 6,005 admissions", page
    )
    assert "NV0" not in page
    assert http.get("/figures/trusts/NV0").status_code == 404


@pytest.mark.usefixtures("released")
def test_the_preventable_share_has_its_bounds(http: TestClient) -> None:
    rows = list(csv.DictReader(io.StringIO(http.get("/figures/preventable-share.csv").content.decode("utf-8-sig"))))
    april = next(row for row in rows if (row["area"], row["period"]) == ("england-and-wales", "2025-04"))
    assert float(april["share_if_none"]) <= float(april["value"]) <= float(april["share_if_all"])
    assert 0.8 < float(april["share_investigated"]) <= 1


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize("path", ["/figures/hat-rate.csv", "/figures/hat-rate.json", "/figures/trusts.csv"])
def test_a_download_is_sent_again_only_when_it_changed(http: TestClient, path: str) -> None:
    first = http.get(path)
    again = http.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert http.get(path, headers={"If-None-Match": '"other"'}).content == first.content


@pytest.mark.usefixtures("released")
def test_the_json_explains_itself(http: TestClient) -> None:
    content = http.get("/figures/hat-rate.json").json()
    assert content["definition"]["measure"] == "hat-rate"
    assert content["release"]["prepared_by"] == "An Analyst"
    assert content["codes"]["[low]"]
    assert {row["area"] for row in content["figures"]} == {"england-and-wales", "england", "wales", "y58", "y56"}


@pytest.mark.usefixtures("released")
def test_nothing_of_the_offsets_or_of_a_trusts_month_by_category_is_public(http: TestClient, store: Store) -> None:
    with store.readonly(role="hat_reader") as connection:
        rows = connection.execute(
            select(cell.c.split).where(cell.c.geography_kind == "trust", cell.c.period_kind == "month")
        )
        assert set(rows.scalars()) == {"total"}
    assert "offset" not in http.get("/figures/hat-rate.json").text


def test_patients_are_told_the_terms_that_hold(settings: Settings, store: Store) -> None:
    """Each number on the page is the setting by which the job erases, not a copy of it."""
    counting = settings.counting.model_copy(
        update={
            "identifier_retention_days": 1096,
            "payload_days_committed": 41,
            "payload_days_refused": 13,
            "one_time_link_days": 9,
        }
    )
    reader = Store.from_settings(settings, roles=["hat_reader"])
    app = create_app(settings.model_copy(update={"counting": counting}), reader)
    words = words_of(TestClient(app, base_url=settings.base_url).get("/about/patients"))
    assert "date of birth: 3 years after the diagnosis" in words
    assert "41 days, or 13 days if it was refused" in words
    assert "The link ends after 9 days" in words
    for told in ("How to object", "within minutes", "Copies for emergencies", "no end is set for these"):
        assert told.casefold() in words.casefold()
