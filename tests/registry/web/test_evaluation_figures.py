"""Evaluations of the registry's own figures: public on rounded counts, exact for analysts and for a trust, and for nobody else."""

from datetime import date
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from registry.access import Role
from registry.settings import Settings
from registry.statistics.evaluation import months_on
from registry.store import Store
from tests.registry.publications.make import hold_counts, make_team, prepare, release, split_counts
from tests.registry.web.visitors import House, house, words_of
from tests.registry.web.welsh import all_translated, check_welsh

START = date(2023, 4, 1)
CHANGE = months_on(START, 13)
CASES = [40, 44, 38, 42, 41, 39, 43, 40, 37, 45, 40, 41, 42, 30, 28, 33, 29, 31, 27, 32, 30, 28, 31, 29, 30, 33]
"""26 months: 13 about 41, then 13 about 30 a month, among 8,000 admissions."""


@pytest.fixture
def doors(settings: Settings, store: Store) -> House:
    made = house(settings, store)
    with store.transaction(role="hat_jobs") as connection:
        for at, cases in enumerate(CASES):
            counts = split_counts(cases, overnight=cases - 10, preventable=5, not_investigated=5)
            hold_counts(connection, made.ids["RRV"], months_on(START, at), counts)
            few = split_counts(9, overnight=6, preventable=1, not_investigated=4)
            hold_counts(connection, made.ids["RH5"], months_on(START, at), few, admissions=2_000, overnight=900)
        late = split_counts(99, overnight=80, preventable=5, not_investigated=5)
        hold_counts(connection, made.ids["RRV"], months_on(START, 26), late, provisional=True)
        hold_counts(connection, made.ids["RH5"], months_on(START, 26), {}, case_return="partial", provisional=True)
    return made


@pytest.fixture
def analyst(doors: House) -> TestClient:
    return doors.signed_in(doors.person("analyst", (Role.NATIONAL_ANALYST, None)))


@pytest.fixture
def nurse(doors: House) -> TestClient:
    return doors.signed_in(doors.person("nurse", (Role.VTE_NURSE, "RRV")))


# --- inside


def test_an_analyst_evaluates_a_trust_on_exact_counts(analyst: TestClient) -> None:
    page = analyst.get(f"/team/evaluation?place=o-RRV&change={CHANGE:%Y-%m}")
    words = words_of(page)
    assert page.status_code == 200
    assert "Before 13 (Apr 2023 to Apr 2024) 532 104,000" in words
    assert "After 13 (May 2024 to May 2025) 391 104,000" in words
    assert "exact conditional Ratio of the rates 0.734962406" in words  # 391/532
    assert "Change of level" in words
    assert "provisional: Jun 2025" in words
    assert page.text.count("hat-chart__change") == 2
    assert "rounded" not in words.split("What this does not say")[0].replace("not protected", "")


def test_an_analyst_evaluates_nations_and_regions_and_downloads(analyst: TestClient) -> None:
    both = words_of(analyst.get(f"/team/evaluation?change={CHANGE:%Y-%m}&rate=overnight&phase_in=1"))
    assert "England and Wales" in both
    assert "(Jun 2024 to May 2025)" in both
    assert "2 " in both
    region = words_of(analyst.get(f"/team/evaluation?place=r-Y58&change={CHANGE:%Y-%m}"))
    assert "Before 13 (Apr 2023 to Apr 2024) 117 26,000" in region
    file = analyst.get(f"/team/evaluation/months.csv?place=o-RRV&change={CHANGE:%Y-%m}")
    assert file.text.splitlines()[1].startswith("2023-04,before,40,8000,,")
    assert file.text.splitlines()[-1].startswith("2025-06,after,99,8000,provisional,")
    assert analyst.get("/team/evaluation?place=o-XXX").status_code == 404
    assert analyst.get("/team/evaluation?rate=none").status_code == 404
    wrong = analyst.get("/team/evaluation?change=never")
    assert wrong.status_code == 422
    assert "in which month the programme began" in words_of(wrong)


def test_a_trust_evaluates_its_own_and_no_other_s(nurse: TestClient) -> None:
    page = nurse.get(f"/trust/figures/evaluation?change={CHANGE:%Y-%m}&harmonics=1")
    words = words_of(page)
    assert "Before 13 (Apr 2023 to Apr 2024) 532 104,000" in words
    assert "one wave a year" in words
    assert "Somerset" not in words
    assert nurse.get("/trust/figures/evaluation?organisation=RH5").status_code == 404
    file = nurse.get("/trust/figures/evaluation/months.csv?rate=overnight")
    assert file.text.splitlines()[1].startswith("2023-04,before,30,3000,")


def test_before_anything_is_counted_each_page_says_so(settings: Settings, store: Store) -> None:
    empty = house(settings, store)
    own = empty.signed_in(empty.person("nurse", (Role.VTE_NURSE, "RRV"))).get("/trust/figures/evaluation")
    assert "Nothing has been counted of yours" in words_of(own)
    inside = empty.signed_in(empty.person("analyst", (Role.NATIONAL_ANALYST, None))).get("/team/evaluation")
    assert "Nothing has been counted" in words_of(inside)
    assert "No figures have been released yet" in words_of(empty.browser().get("/evaluation"))
    assert empty.browser().get("/evaluation/months.csv").status_code == 404


@pytest.mark.parametrize("role", [Role.NATIONAL_LEAD, Role.REGISTRY_OFFICE, Role.MODERATOR, Role.ADMINISTRATOR])
def test_exact_evaluations_are_the_analysts_own(doors: House, role: Role) -> None:
    somebody = doors.signed_in(doors.person("somebody", (role, None)))
    for path in ("/team/evaluation", "/team/evaluation/months.csv", "/trust/figures/evaluation"):
        assert somebody.get(path).status_code == 404


# --- public


@pytest.fixture
def public(doors: House, settings: Settings, store: Store) -> TestClient:
    team = make_team(store)
    release(store, team, prepare(store, settings, team))
    return doors.browser()


def test_anybody_evaluates_released_counts_and_is_told_what_rounding_does(public: TestClient, tmp_path: Path) -> None:
    page = public.get(f"/evaluation?area=y56&change={CHANGE:%Y-%m}")
    words = words_of(page)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "public, max-age=300"
    assert "Wald, rates, widened for rounding" in words
    assert "13 cells before and 13 after" in words
    assert "by 52 at the very most" in words
    assert "Rounding moves the sum before by 7 as a standard deviation" in words
    assert "exact conditional" not in words
    shown = int(words.split("(Apr 2023 to Apr 2024) ")[1].split()[0])
    assert shown % 5 == 0
    assert abs(shown - 532) <= 52
    assert "532" not in words.split()
    assert "provisional: Jun 2025" in words
    for wanted in ("Change of level", "is in the quasi-Poisson and HAC errors", "Release 1"):
        assert wanted in words
    with all_translated(tmp_path):
        check_welsh(public.get(f"/cy/evaluation?area=y56&change={CHANGE:%Y-%m}"))


def test_an_area_with_hidden_months_has_no_regression(public: TestClient) -> None:
    words = words_of(public.get(f"/evaluation?area=y58&change={CHANGE:%Y-%m}"))
    assert "There is no segmented regression. In some months the count is fewer than 10" in words
    assert "fewer than 10" in words


def test_the_nations_and_the_same_trusts(public: TestClient) -> None:
    words = words_of(public.get(f"/evaluation?change={CHANGE:%Y-%m}&trusts=same"))
    assert "England and Wales" in words
    assert "26 cells before and 26 after" in words
    noted = words_of(public.get(f"/evaluation?change={CHANGE:%Y-%m}&trusts=same&rate=overnight"))
    assert "The same trusts throughout are known for the nations and all admissions only" in noted


def test_the_download_tells_what_the_page_tells(public: TestClient) -> None:
    file = public.get(f"/evaluation/months.csv?area=y58&change={CHANGE:%Y-%m}")
    assert file.status_code == 200
    assert {line.split(",")[2] for line in file.text.splitlines()[1:-1]} <= {"[low]", "10"}
    assert public.get("/evaluation?area=nowhere").status_code == 404
    assert public.get("/evaluation?rate=none").status_code == 404
    assert public.get("/evaluation?change=x").status_code == 422
