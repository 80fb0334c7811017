"""The evaluation of typed counts, through the page: every worked number of statistics.md 4.1 and 4.2 and the bounds of counting.md 4.4."""

from collections.abc import Mapping

import pytest
from starlette.testclient import TestClient

from registry.settings import Settings
from registry.store import Store
from tests.registry.web.visitors import House, house, words_of

SICILY_EVENTS = (
    728, 659, 791, 734, 757, 726, 760, 740, 720, 814, 795, 858, 887, 766, 851, 769, 781, 756, 766, 752, 765, 831, 879, 928,
    914, 808, 937, 840, 916, 828, 845, 818, 860, 839, 887, 886, 831, 796, 833, 820, 877, 758, 767, 738, 781, 843, 850, 908,
    1021, 859, 976, 888, 962, 838, 810, 876, 843, 936, 912,
)  # fmt: skip
SICILY_PEOPLE = (
    379875.3, 376495.5, 377040.8, 377116.4, 377383.4, 374113.1, 379513.3, 376295.5, 374653.2, 378485.6, 375955.5, 378349.7,
    376762.4, 379032.3, 379360.4, 376162, 377972.4, 381830.7, 379888.6, 380872.2, 380966.9, 381240.4, 382104.9, 381802.7,
    381656.3, 383680, 383504.2, 386462.9, 383783.1, 380836.8, 383483, 380906.2, 382926.8, 384052.4, 384449.6, 383428.4,
    388153.2, 388373.2, 386470.1, 386033.2, 383686.4, 385509.3, 385901.9, 386516.6, 388436.5, 383255.2, 390148.7, 385874.9,
    391613.6, 391750.4, 394005.6, 391364.9, 391664.6, 389022.3, 391878.5, 388575.3, 392989, 390018.8, 390712.3,
)  # fmt: skip
"""Acute coronary events in Sicily by month from January 2002, and the standardised population: the published data of the tutorial
by Lopez Bernal, Cummins and Gasparrini, Int J Epidemiol 2017;46:348-355. The ban of smoking began in January 2005."""


def sicily() -> str:
    rows = zip(SICILY_EVENTS, SICILY_PEOPLE, strict=True)
    return "\n".join(
        f"{2002 + at // 12}-{at % 12 + 1:02d}\t{events}\t{people}" for at, (events, people) in enumerate(rows)
    )


@pytest.fixture
def doors(settings: Settings, store: Store) -> House:
    return house(settings, store)


@pytest.fixture
def anybody(doors: House) -> TestClient:
    return doors.browser()


def compared(browser: TestClient, **values: object) -> str:
    answer = browser.post("/evaluation/counts", data={name: str(value) for name, value in values.items()})
    assert answer.status_code == 200, words_of(answer)
    assert answer.headers["cache-control"] == "no-store"
    return words_of(answer)


def evaluated(browser: TestClient, **values: str) -> str:
    answer = browser.post("/evaluation/series", data=values)
    assert answer.status_code == 200, words_of(answer)
    return words_of(answer)


# --- two periods


def test_plymouth_s_counts_print_the_recomputed_results(anybody: TestClient) -> None:
    words = compared(
        anybody, before_name="2010", after_name="2016", before_events=217, before_population="103,845", after_events=176,
        after_population="119,128", before_part=50, before_investigated=217, after_part=7, after_investigated=176,
    )  # fmt: skip
    assert "exact conditional Ratio of the rates 0.707008563 0.576207854 to 0.866527223 0.000686230" in words
    assert "Wald, rates Ratio of the rates 0.707008563 0.579533604 to 0.862523079" in words
    assert "Wald, risks Ratio of the rates 0.707008563 0.579634569 to 0.862372839" in words
    assert "Wald, risks Ratio of the shares 0.172613636 0.080278126 to 0.371153000" in words
    assert "Woolf Odds ratio 0.138343195 0.060970048 to 0.313905604 0.000000034" not in words  # shown by its digits
    assert "Woolf Odds ratio 0.138343195 0.060970048 to 0.313905604 3.412214e-08" in words
    assert "Newcombe Difference of the shares -0.190642019 -0.254409980 to -0.125767766" in words
    assert "Fisher Test of the shares 3.412214e-08" in words
    assert "217 103,845 2.0896" in words
    assert (
        "The rate after was 29% lower than before (ratio 0.707, 95% interval 0.576 to 0.867, exact conditional)"
        in words
    )


def test_king_s_counts_print_the_bounds_and_that_they_overlap(anybody: TestClient) -> None:
    words = compared(
        anybody, before_name="2010", after_name="2011", before_events=236, after_events=192, before_part=57,
        before_investigated=152, before_cases=236, after_part=37, after_investigated=165, after_cases=192,
    )  # fmt: skip
    assert "taken as equal" in words
    assert "ratio 0.814" in words
    wald = words.split("Wald, rates Ratio of the rates ")[1].split()
    assert [round(float(wald[place]), 3) for place in (0, 1, 3)] == [0.814, 0.672, 0.984]
    assert "24.2–59.7 %" in words
    assert "19.3–33.3 %" in words
    assert "The bounds overlap (24.2–59.7 % 2010, 19.3–33.3 % 2011)" in words
    assert "Fewer than 80% of the cases were investigated (2010): quote the bounds there" in words
    assert "57 of 152 37.5%" in words
    assert "37 of 165 22.4%" in words
    for test, p in (("Fisher", 0.0045), ("chi-square, continuity-corrected", 0.0049), ("chi-square", 0.0033)):
        assert round(float(words.split(f" {test} Test of the shares ")[1].split()[0]), 4) == p


def test_king_s_shares_over_all_cases(anybody: TestClient) -> None:
    words = compared(anybody, before_part=87, before_investigated=232, after_part=43, after_investigated=192)
    assert float(words.split(" chi-square Test of the shares ")[1].split()[0]) == pytest.approx(0.0008, abs=2e-4)


def test_king_s_published_ratio_contradicts_itself(anybody: TestClient) -> None:
    words = compared(
        anybody, claim_ratio=0.88, claim_lower=0.74, claim_upper=0.98, claim_p=0.014, claim_events=425
    )  # fmt: skip
    assert "narrower than so many events allow" in words
    for said in ("0.852", "0.074", "0.795 to 0.97", "0.0970", "0.728 to 1.064"):
        assert said in words


def test_no_event_after_has_an_upper_limit_and_a_p(anybody: TestClient) -> None:
    words = compared(anybody, before_events=6, before_population=4100, after_events=0, after_population=4000)
    assert "exact conditional Ratio of the rates 0.000000000 0.000000000 to 0.8" in words
    assert "Wald, rates Ratio of the rates 0.000000000" in words


def test_nobody_in_a_population_has_a_reason(anybody: TestClient) -> None:
    words = compared(anybody, before_events=6, before_population=0, after_events=1, after_population=40)
    assert "There is no ratio of the rates before and after: zero denominator" in words


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "Type the counts of two periods"),
        ({"before_events": "12"}, "Events after: write a whole number"),
        ({"before_events": "-3", "after_events": "2"}, "Events before: write a whole number"),
        ({"before_events": "1.5", "after_events": "2"}, "Events before: write a whole number"),
        (
            {"before_events": "1", "after_events": "2", "before_population": "5"},
            "Population after: write a whole number",
        ),
        (
            {"before_part": "9", "before_investigated": "8", "after_part": "1", "after_investigated": "2"},
            "cannot be more",
        ),
        (
            {
                "before_part": "1",
                "before_investigated": "8",
                "before_cases": "7",
                "after_part": "1",
                "after_investigated": "2",
            },
            "more investigated than there are cases",
        ),
        ({"claim_ratio": "0"}, "a number above 0"),
        ({"claim_ratio": "1", "claim_lower": "2"}, "Write both limits"),
        ({"claim_ratio": "1", "claim_p": "1.2"}, "p lies between 0 and 1"),
        ({"claim_ratio": "1", "claim_events": "1"}, "at least 2 events"),
        ({"before_events": "9" * 30, "after_events": "2"}, "Events before: write a whole number"),
    ],
)
def test_what_cannot_be_compared_is_said_at_its_field(
    anybody: TestClient, values: Mapping[str, str], said: str
) -> None:
    answer = anybody.post("/evaluation/counts", data=dict(values))
    assert answer.status_code == 422
    assert said in words_of(answer)


# --- two sources


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((10, 15, 5), ("28.333", "21.94 to 64.67")),
        ((425, 390, 352), ("470.858", "466.10 to 480.38", "90.3%")),
        ((4, 5, 0), ("no case is in both sources",)),
    ],
)
def test_two_linked_sources(anybody: TestClient, counts: tuple[int, int, int], said: tuple[str, ...]) -> None:
    """The worked numbers of statistics.md 5.3."""
    values = dict(zip(("first", "second", "both"), map(str, counts), strict=True))
    answer = anybody.post("/evaluation/sources", data=values)
    assert answer.status_code == 200
    words = words_of(answer)
    assert all(each in words for each in said)
    assert "read it as “at least”" in words


def test_what_is_no_pair_of_sources_is_said(anybody: TestClient) -> None:
    answer = anybody.post("/evaluation/sources", data={"first": "3", "second": "x", "both": "1"})
    assert "Cases in the second source: write a whole number" in words_of(answer)
    assert "more cases in both" in words_of(
        anybody.post("/evaluation/sources", data={"first": "3", "second": "4", "both": "5"})
    )


# --- a series


def test_sicily_s_series_gives_the_published_regression(anybody: TestClient) -> None:
    """statistics.md 4.3; R stops its iteration a little earlier, so errors differ from it in the sixth digit at most."""
    words = evaluated(
        anybody, series=sicily(), change="2005-01", changes="level", events="events", population="person-months"
    )
    assert "Change of level -0.1116284426 0.894377" in words
    poisson, quasi, robust = (words.split(f" {name} ")[-1].split() for name in ("Poisson", "quasi-Poisson", "lag 3)"))
    assert float(poisson[0]) == pytest.approx(0.0172247651, rel=3e-6)
    assert float(quasi[0]) == pytest.approx(0.0324959454, rel=3e-6)
    assert float(robust[0]) == pytest.approx(0.0319959413, rel=3e-6)
    assert [round(float(poisson[place]), 3) for place in (1, 3)] == [0.865, 0.925]
    dispersion = words.split("degrees of freedom) ")[1].split()[0]
    assert float(dispersion) == pytest.approx(3.559194632, rel=3e-6)
    assert "0.894 times what was expected without it (95% interval 0.839 to 0.953, quasi-Poisson)" in words
    assert "36 (Jan 2002 to Dec 2004)" in words
    assert "23 (Jan 2005 to Nov 2006)" in words


def test_a_series_is_uploaded_and_downloaded(anybody: TestClient) -> None:
    file = ("month,events,population\n" + sicily().replace("\t", ",")).encode("utf-8-sig")
    values = {"change": "Jan 2005", "phase_in": "3", "harmonics": "2", "changes": "level-slope"}
    page = anybody.post("/evaluation/series", data=values, files={"file": ("s.csv", file, "text/csv")})
    assert page.status_code == 200
    words = words_of(page)
    assert "Change of slope, a month" in words
    assert "January 2005 to March 2005" in words
    assert "two waves a year" in words
    assert page.text.count("<svg") == 2
    answer = anybody.post("/evaluation/series.csv", data=values | {"series": sicily()})
    lines = answer.text.lstrip("\ufeff").splitlines()
    assert lines[0] == "month,period,events,population,left_out,fitted_events,expected_without_change"
    assert lines[1].startswith("2002-01,before,728,379875.3,,")
    assert lines[37].startswith("2005-01,phase-in,831,")
    assert len(lines) == 60
    assert lines[-1].split(",")[-1]


def test_a_short_series_is_compared_and_not_fitted(anybody: TestClient) -> None:
    short = "\n".join(f"2024-{month:02d}; {20 - month}; 8 000" for month in range(1, 13))
    words = evaluated(anybody, series=short, change="2024-07")
    assert "at least 12 final months on each side" in words
    assert "Before 6 (Jan 2024 to Jun 2024) 99 48,000" in words


def test_months_calmer_than_chance_make_no_interval_narrower(anybody: TestClient) -> None:
    calm = "\n".join(f"{2023 + at // 12}-{at % 12 + 1:02d},{(40 if at < 12 else 30) + at % 3},8000" for at in range(24))
    words = evaluated(anybody, series=calm, change="2024-01")
    quoted = words.split("expected without it (95% interval ")[1]
    assert quoted.split(")")[0].endswith("Poisson")
    assert "quasi" not in quoted.split(")")[0]
    poisson = words.split(" Poisson ")[1].split()
    assert quoted.startswith(f"{float(poisson[1]):.3f} to {float(poisson[3]):.3f}")


def test_provisional_months_and_gaps_are_left_out_and_told(anybody: TestClient) -> None:
    lines = [f"2024-{month:02d},{20 - month},8000,{'provisional' if month > 10 else ''}" for month in range(1, 13)]
    words = evaluated(anybody, series="\n".join([*lines[:4], *lines[5:]]), change="2024-07")
    assert "provisional: Nov 2024, Dec 2024" in words
    assert "no figure for this month: May 2024" in words
    assert "After 4 (Jul 2024 to Oct 2024) 46 32,000" in words


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ("", "Paste a line for each month"),
        ("2024-01,3", "there are not three cells"),
        ("2024-01,3,8000\nnever,3,8000", "Line 2: the first cell is no month"),
        ("2024-01,x,8000", "Line 1: the events are no whole number"),
        ("2024-01,3,-8", "Line 1: the population is no number"),
        ("2024-01,3,8\n2024-01,4,8", "January 2024 stands there more than once"),
        ("1901-01,3,8\n2199-01,4,8", "there are more than 600"),
    ],
)
def test_what_is_no_series_is_said_by_its_line(anybody: TestClient, series: str, said: str) -> None:
    answer = anybody.post("/evaluation/series", data={"series": series, "change": "2024-06"})
    assert answer.status_code == 422
    assert said in words_of(answer)
    assert anybody.post("/evaluation/series.csv", data={"series": series, "change": "2024-06"}).status_code == 422


def test_a_change_has_to_be_declared(anybody: TestClient) -> None:
    answer = anybody.post(
        "/evaluation/series", data={"series": sicily(), "change": "", "phase_in": "40", "harmonics": "7"}
    )
    assert answer.status_code == 422
    for said in ("in which month the programme began", "months from 0 to 24", "no season, one wave a year or two"):
        assert said in words_of(answer)


def test_what_was_typed_stays_in_the_form_and_harmless(anybody: TestClient) -> None:
    answer = anybody.post(
        "/evaluation/counts", data={"before_name": "<b>x</b>", "before_events": "1", "after_events": "2"}
    )
    assert "<b>x</b>" not in answer.text
    binary = anybody.post(
        "/evaluation/series", data={"change": "2024-01"}, files={"file": ("x", b"\xff\xfe\x00", "text/csv")}
    )
    assert binary.status_code == 422
    assert "Save the sheet as CSV" in words_of(binary)
