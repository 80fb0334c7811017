"""Rates, the preventable share and the official share against figures worked out by hand."""

from dataclasses import replace

import pytest

from registry.disclosure.grid import Count, Split
from registry.disclosure.protected import ProtectedCount, State, blank, cell, window
from registry.measures import (
    ADMISSIONS,
    CASES,
    HAT_RATE,
    HAT_RATE_MEDICAL,
    HAT_RATE_OBSTETRIC,
    HAT_RATE_OVERNIGHT,
    HAT_RATE_SURGICAL,
    NOT_INVESTIGATED,
    NOT_PREVENTABLE,
    OVERNIGHT_ADMISSIONS,
    OVERNIGHT_CASES,
    PREVENTABLE,
    PREVENTABLE_SHARE,
    RISK_ASSESSMENT,
    CellKey,
    Counts,
    ExactCounts,
    together,
)
from registry.statistics.estimate import Reason

NAMES: dict[str, CellKey] = {
    "cases": CASES,
    "admissions": ADMISSIONS,
    "overnight_cases": OVERNIGHT_CASES,
    "overnight": OVERNIGHT_ADMISSIONS,
    "yes": PREVENTABLE,
    "no": NOT_PREVENTABLE,
    "unknown": NOT_INVESTIGATED,
    "medical": CellKey(Count.HAT_CASES, Split.OVERNIGHT_GROUP, "medical"),
    "medical_admissions": CellKey(Count.ADMISSIONS, Split.OVERNIGHT_GROUP, "medical"),
    "surgical": CellKey(Count.HAT_CASES, Split.OVERNIGHT_GROUP, "surgical"),
    "surgical_admissions": CellKey(Count.ADMISSIONS, Split.OVERNIGHT_GROUP, "surgical"),
    "obstetric_admissions": CellKey(Count.ADMISSIONS, Split.ADMISSION_GROUP, "obstetric"),
}


def counts(**cells: int) -> Counts:
    return Counts({NAMES[name]: cell(number) for name, number in cells.items()})


def test_hat_rate_by_hand() -> None:
    """Two regions: 120 + 55 of 80,000 + 40,000 are 175 / 120,000 = 1.4583 per 1,000. Byar at z = 1.96 sqrt(183/175) widens the limits for
    two rounded cells of 4 each."""
    figure = HAT_RATE.figure(together([counts(cases=120, admissions=80_000), counts(cases=55, admissions=40_000)]))
    assert figure.estimate.value == pytest.approx(175 / 120)
    z = 1.959963984540054 * (183 / 175) ** 0.5
    low = 175 * (1 - 1 / (9 * 175) - z / (3 * 175**0.5)) ** 3
    high = 176 * (1 - 1 / (9 * 176) + z / (3 * 176**0.5)) ** 3
    assert figure.estimate.lower == pytest.approx(low / 120)
    assert figure.estimate.upper == pytest.approx(high / 120)
    assert (figure.top.words, figure.bottom.words) == ("175", "120,000")
    assert (figure.top.code, figure.bottom.code) == ("175", "120000")


def test_overnight_rate_by_hand() -> None:
    """90 of 30,000 overnight admissions: 3 per 1,000, whatever all admissions are."""
    figure = HAT_RATE_OVERNIGHT.figure(counts(cases=120, admissions=80_000, overnight_cases=90, overnight=30_000))
    assert figure.estimate.value == pytest.approx(3.0)
    assert (figure.top.words, figure.bottom.words) == ("90", "30,000")


def test_preventable_share_by_hand() -> None:
    """30 of 30 + 70 investigated is 30%; with 20 more cases the bounds are 30/120 = 25% and 50/120 = 41.7%; 100/120 investigated."""
    figure = PREVENTABLE_SHARE.figure(counts(yes=30, no=70, unknown=20))
    assert figure.estimate.value == pytest.approx(0.30)
    assert (figure.least, figure.most, figure.investigated) == pytest.approx((0.25, 50 / 120, 100 / 120))
    assert (figure.top.words, figure.bottom.words) == ("30", "100")


def test_a_trusts_own_preventable_share_by_hand() -> None:
    """3 of 10 investigated, 2 more not: 30%, with bounds 3/12 and 5/12."""
    figure = PREVENTABLE_SHARE.own(exact(yes=3, no=7, unknown=2))
    assert figure is not None
    assert figure.estimate.value == pytest.approx(0.3)
    assert (figure.least, figure.most, figure.investigated) == pytest.approx((3 / 12, 5 / 12, 10 / 12))
    assert [(each.code, each.number.words) for each in figure.further] == [("not_investigated", "2")]
    assert PREVENTABLE_SHARE.own(exact(0)) is not None


def test_below_80_percent_investigated_only_the_bounds() -> None:
    figure = PREVENTABLE_SHARE.figure(counts(yes=30, no=70, unknown=30))
    assert figure.estimate.value is None
    assert (figure.least, figure.most) == pytest.approx((30 / 130, 60 / 130))


def test_the_floor_of_the_release_decides() -> None:
    figure = PREVENTABLE_SHARE.figure(replace(counts(yes=30, no=70, unknown=30), investigated_floor=0.75))
    assert figure.estimate.value == pytest.approx(0.30)


def test_risk_assessment_by_hand() -> None:
    """950 of 1,000 is exactly the target; England's numbers come without rounding and without an interval."""
    figure = RISK_ASSESSMENT.figure(
        together(
            [
                Counts(numbers={"risk_assessed": 451, "risk_assessment_admissions": 500}),
                Counts(numbers={"risk_assessed": 499, "risk_assessment_admissions": 500}),
            ]
        )
    )
    assert (figure.estimate.value, figure.estimate.lower) == (0.95, None)
    assert (figure.top.words, figure.bottom.words) == ("950", "1,000")


def test_what_is_not_there_is_a_blank_and_no_nought() -> None:
    for measure in (HAT_RATE, HAT_RATE_OVERNIGHT, PREVENTABLE_SHARE, RISK_ASSESSMENT):
        assert measure.figure(Counts()).estimate.value is None
    not_live = Counts({CASES: blank(State.NOT_LIVE), ADMISSIONS: blank(State.NOT_LIVE)})
    assert HAT_RATE.figure(not_live).top.words == "not yet live"
    assert PREVENTABLE_SHARE.figure(not_live).top.words == "not yet live", "a part of a blank total is that blank"


def test_few_cases_are_never_a_number() -> None:
    figure = HAT_RATE.figure(counts(cases=5, admissions=4_000))
    assert figure.estimate.value is None
    assert (figure.top.words, figure.top.code) == ("fewer than 10", "[low]")


def test_places_that_do_not_take_part_add_nothing_but_a_blank_month_blanks_a_window() -> None:
    here, away = counts(cases=20, admissions=1_000), Counts({CASES: blank(State.NO_RETURN)})
    assert together([here, away]).cell(CASES) == ProtectedCount(State.COUNTED, 20, 1, 16)
    assert together([here, away], window).cell(CASES).state is State.NO_RETURN


def test_one_provisional_part_makes_the_whole_provisional() -> None:
    assert together([counts(cases=10), Counts(provisional=True)]).provisional


def group_counts(group: str, split: Split, events: int, admissions: int) -> Counts:
    return Counts(
        {
            CellKey(Count.HAT_CASES, split, group): cell(events),
            CellKey(Count.ADMISSIONS, split, group): cell(admissions),
        }
    )


def test_rates_of_groups_by_hand() -> None:
    """60 of 15,000 overnight medical admissions are 4 per 1,000; 45 of 30,000 surgical 1.5; 30 of 100,000 maternity admissions 0.3."""
    medical = HAT_RATE_MEDICAL.figure(group_counts("medical", Split.OVERNIGHT_GROUP, 60, 15_000))
    surgical = HAT_RATE_SURGICAL.figure(group_counts("surgical", Split.OVERNIGHT_GROUP, 45, 30_000))
    obstetric = HAT_RATE_OBSTETRIC.figure(group_counts("obstetric", Split.ADMISSION_GROUP, 30, 100_000))
    assert [each.estimate.value for each in (medical, surgical, obstetric)] == pytest.approx([4.0, 1.5, 0.3])
    assert (obstetric.top.words, obstetric.bottom.words) == ("30", "100,000")


def exact(months: int = 12, **cells: int) -> ExactCounts:
    return ExactCounts({NAMES[name]: number for name, number in cells.items()}, months)


def test_a_trusts_own_rates_by_hand() -> None:
    """9 of 41,233 with exact limits (statistics.md 1.1), 3 of 1,000 and so on; what is not counted is nought, not blank."""
    figure = HAT_RATE.own(exact(cases=9, admissions=41_233))
    assert figure is not None
    assert figure.estimate.value == pytest.approx(9 / 41.233)
    assert figure.estimate.lower == pytest.approx(0.0998077534)
    assert figure.estimate.upper == pytest.approx(0.4143478149)
    overnight = HAT_RATE_OVERNIGHT.own(exact(overnight_cases=3, overnight=1_000))
    medical = HAT_RATE_MEDICAL.own(exact(medical=4, medical_admissions=500))
    surgical = HAT_RATE_SURGICAL.own(exact(surgical=1, surgical_admissions=400))
    obstetric = HAT_RATE_OBSTETRIC.own(exact(obstetric_admissions=300))
    made = [each.estimate.value for each in (overnight, medical, surgical, obstetric) if each is not None]
    assert made == pytest.approx([3.0, 8.0, 2.5, 0.0])


def test_no_month_and_no_admissions_are_no_figure() -> None:
    for counts, reason in ((exact(0), Reason.BLANK), (exact(1, cases=2), Reason.ZERO_DENOMINATOR)):
        figure = HAT_RATE.own(counts)
        assert figure is not None
        assert (figure.estimate.value, figure.estimate.reason) == (None, reason)
