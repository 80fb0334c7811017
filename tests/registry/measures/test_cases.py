"""Measures among cases against figures worked out by hand, of rounded cells and of a trust's own exact counts."""

from collections.abc import Mapping

import pytest

from registry.disclosure.grid import CATEGORIES, Count, Split
from registry.disclosure.protected import State, blank, cell
from registry.measures import (
    AFTER_DISCHARGE_SHARE,
    ASSESSED_SHARE,
    CASES,
    FATAL_PE_SHARE,
    FIRST_DOSE_SHARE,
    INADEQUATE_SHARE,
    INFORMATION_ADMISSION_SHARE,
    INFORMATION_DISCHARGE_SHARE,
    MEASURES,
    MISSED_DOSES_SHARE,
    PE_SHARE,
    READER_AGREEMENT,
    REVIEW_COMPLETED,
    REVIEW_IN_TIME,
    TIME_TO_DIAGNOSIS,
    CellKey,
    Counts,
    ExactCounts,
    Figure,
    Measure,
    together,
)
from registry.statistics.estimate import Reason
from registry.statistics.rates import wilson_limits


def of(split: Split, *numbers: int) -> dict[CellKey, int]:
    """The categories of a split in their order."""
    categories = CATEGORIES[split]
    return {CellKey(Count.HAT_CASES, split, one): number for one, number in zip(categories, numbers, strict=True)}


def rounded(*splits: Mapping[CellKey, int]) -> Counts:
    return Counts({key: cell(number) for split in splits for key, number in split.items()})


def own(*splits: Mapping[CellKey, int]) -> ExactCounts:
    return ExactCounts({key: number for split in splits for key, number in split.items()}, months=12)


def beside(figure: Figure | None) -> dict[str, str]:
    assert figure is not None
    return {each.code: each.number.words for each in figure.further}


def value(figure: Figure | None) -> float | None:
    assert figure is not None
    return figure.estimate.value


def test_pe_share_by_hand() -> None:
    """80 of 80 + 120; rounding adds 4 (0.6² + 0.4²)/200² to the variance, in quadrature on each side of Wilson's limits."""
    figure = PE_SHARE.figure(rounded(of(Split.VTE_TYPE, 80, 120)))
    assert figure.estimate.value == pytest.approx(0.4)
    low, high = wilson_limits(80, 200, 1.959963984540054)
    extra = 1.959963984540054**2 * 4 * (0.6**2 + 0.4**2) / 200**2
    assert figure.estimate.lower == pytest.approx(0.4 - ((0.4 - low) ** 2 + extra) ** 0.5)
    assert figure.estimate.upper == pytest.approx(0.4 + ((high - 0.4) ** 2 + extra) ** 0.5)
    assert (figure.top.words, figure.bottom.words) == ("80", "200")
    assert value(PE_SHARE.own(own(of(Split.VTE_TYPE, 2, 3)))) == pytest.approx(0.4)


def test_fatal_pe_by_hand() -> None:
    """15 of 15 + 60 of known outcome; 25 not known stand beside it."""
    figure = FATAL_PE_SHARE.figure(rounded(of(Split.PE_OUTCOME, 15, 60, 25)))
    assert figure.estimate.value == pytest.approx(0.2)
    assert (figure.top.words, figure.bottom.words) == ("15", "75")
    assert beside(figure) == {"not_known": "25"}
    mine = FATAL_PE_SHARE.own(own(of(Split.PE_OUTCOME, 1, 3, 2)))
    assert (value(mine), beside(mine)) == (0.25, {"not_known": "2"})


def test_inadequate_share_by_hand() -> None:
    """The share of King's abstract 363, rounded: 35 of 35 + 130 with 25 not investigated: 35/165, between 35/190 and 60/190.
    Exactly: 37 of 165 investigated of 192, between 37/192 and 64/192 (counting rules 4.4: 19.3% to 33.3%)."""
    figure = INADEQUATE_SHARE.figure(rounded(of(Split.ADEQUACY, 35, 130, 25)))
    assert figure.estimate.value == pytest.approx(35 / 165)
    assert (figure.least, figure.most) == pytest.approx((35 / 190, 60 / 190))
    mine = INADEQUATE_SHARE.own(own(of(Split.ADEQUACY, 37, 128, 27)))
    assert mine is not None
    assert (mine.least, mine.most) == pytest.approx((0.193, 0.333), abs=5e-4)
    assert mine.estimate.value == pytest.approx(37 / 165)


def test_kings_first_year_has_bounds_only() -> None:
    """57 of 152 investigated of 236: under 80%, so no share; 24.2% to 59.7%."""
    mine = INADEQUATE_SHARE.own(own(of(Split.ADEQUACY, 57, 95, 84)))
    assert mine is not None
    assert (mine.estimate.value, mine.estimate.reason) == (None, Reason.NOT_INVESTIGATED)
    assert (mine.least, mine.most) == pytest.approx((0.242, 0.597), abs=5e-4)


def test_after_discharge_by_hand() -> None:
    """100 in the stay; 40 + 30 + 30 + 30 + 20 = 150 after it: 150/250."""
    figure = AFTER_DISCHARGE_SHARE.figure(rounded(of(Split.SETTING, 100, 40, 30, 30, 30, 20)))
    assert figure.estimate.value == pytest.approx(0.6)
    assert (figure.top.words, figure.bottom.words) == ("150", "250")
    assert beside(figure) == {"in_stay": "100"}
    assert value(AFTER_DISCHARGE_SHARE.own(own(of(Split.SETTING, 1, 1, 1, 0, 0, 1)))) == 0.75


def test_time_to_diagnosis_by_hand() -> None:
    """Of 400 after discharge 160 + 80 + 60 = 300 within 30 days. A quarter (100) lies in the first band whatever rounding did (at least 156 of
    it); the half (200) in 8 to 14; three quarters (300) exactly at the end of 15 to 30, so perhaps one band later."""
    figure = TIME_TO_DIAGNOSIS.figure(rounded(of(Split.SETTING, 90, 160, 80, 60, 60, 40)))
    assert figure.estimate.value == pytest.approx(0.75)
    assert (figure.top.words, figure.bottom.words) == ("300", "400")
    assert beside(figure) == {
        "lower_quartile": "0 to 7 days",
        "median": "8 to 14 days",
        "upper_quartile": "15 to 60 days",
    }
    mine = TIME_TO_DIAGNOSIS.own(own(of(Split.SETTING, 9, 2, 1, 1, 0, 0)))
    assert value(mine) == 1.0
    assert beside(mine) == {"lower_quartile": "0 to 7 days", "median": "0 to 7 days", "upper_quartile": "8 to 14 days"}


@pytest.mark.parametrize(
    ("measure", "split"),
    [(ASSESSED_SHARE, Split.ASSESSED_IN_TIME), (FIRST_DOSE_SHARE, Split.FIRST_DOSE_IN_TIME), (MISSED_DOSES_SHARE, Split.MISSED_DOSES)],
)  # fmt: skip
def test_care_by_hand(measure: Measure, split: Split) -> None:
    """60 of 60 + 20; 10 to whom it does not apply and 45 of whom it is not known stand beside it."""
    figures = {
        ASSESSED_SHARE.ident: ASSESSED_SHARE.figure(rounded(of(split, 60, 20, 10, 45))),
        FIRST_DOSE_SHARE.ident: FIRST_DOSE_SHARE.figure(rounded(of(split, 60, 20, 10, 45))),
        MISSED_DOSES_SHARE.ident: MISSED_DOSES_SHARE.figure(rounded(of(split, 60, 20, 10, 45))),
    }
    exact = {
        ASSESSED_SHARE.ident: ASSESSED_SHARE.own(own(of(split, 6, 2, 1, 4))),
        FIRST_DOSE_SHARE.ident: FIRST_DOSE_SHARE.own(own(of(split, 6, 2, 1, 4))),
        MISSED_DOSES_SHARE.ident: MISSED_DOSES_SHARE.own(own(of(split, 6, 2, 1, 4))),
    }
    ident = measure.ident
    figure, mine = figures[ident], exact[ident]
    assert figure.estimate.value == pytest.approx(0.75)
    assert (figure.top.words, figure.bottom.words) == ("60", "80")
    assert beside(figure) == {"not_applicable": "10", "not_recorded": "45"}
    assert (value(mine), beside(mine)) == (0.75, {"not_applicable": "1", "not_recorded": "4"})


def test_information_by_hand() -> None:
    """25 of 25 + 75 on admission, 30 of 30 + 20 on discharge."""
    admission = INFORMATION_ADMISSION_SHARE.figure(rounded(of(Split.INFORMATION_ADMISSION, 25, 75, 50)))
    discharge = INFORMATION_DISCHARGE_SHARE.figure(rounded(of(Split.INFORMATION_DISCHARGE, 30, 20, 100)))
    assert (admission.estimate.value, discharge.estimate.value) == pytest.approx((0.25, 0.6))
    assert beside(discharge) == {"not_recorded": "100"}
    assert value(INFORMATION_ADMISSION_SHARE.own(own(of(Split.INFORMATION_ADMISSION, 1, 3, 5)))) == 0.25
    assert value(INFORMATION_DISCHARGE_SHARE.own(own(of(Split.INFORMATION_DISCHARGE, 3, 2, 1)))) == 0.6


def test_reviews_completed_and_in_time_by_hand() -> None:
    """40 + 120 of 200 cases completed: 80%. Of these 100 in time, 50 late and 10 without a date: 100 of 100 + 50 + 40 not completed."""
    counts = rounded(of(Split.ADEQUACY, 40, 120, 40), of(Split.REVIEW, 100, 50, 10))
    done, timely = REVIEW_COMPLETED.figure(counts), REVIEW_IN_TIME.figure(counts)
    assert done.estimate.value == pytest.approx(0.8)
    assert (done.top.words, done.bottom.words) == ("160", "200")
    assert timely.estimate.value == pytest.approx(100 / 190)
    assert (timely.top.words, timely.bottom.words) == ("100", "190")
    assert beside(timely) == {"late": "50", "not_completed": "40", "undated": "10"}
    mine = own(of(Split.ADEQUACY, 1, 3, 1), of(Split.REVIEW, 2, 1, 1))
    assert value(REVIEW_COMPLETED.own(mine)) == pytest.approx(0.8)
    assert value(REVIEW_IN_TIME.own(mine)) == pytest.approx(2 / 4)


def test_reader_agreement_by_hand() -> None:
    """Worked numbers of statistics.md 5.1 are 88, 5, 6, 1; exactly so for a trust. Rounded to 90, 5, 5, 0 the readers agree on 90 of 100."""
    mine = READER_AGREEMENT.own(own(of(Split.SECOND_READING, 88, 5, 6, 1)))
    assert value(mine) == pytest.approx(0.89)
    assert beside(mine) == {"ac1": "0.87 (0.80 to 0.95)", "kappa": "0.10 (-0.18 to 0.37)"}
    figure = READER_AGREEMENT.figure(rounded(of(Split.SECOND_READING, 90, 5, 5, 0)))
    assert figure.estimate.value == pytest.approx(0.9)
    assert (figure.top.words, figure.bottom.words) == ("90", "100")
    assert set(beside(figure)) == {"ac1", "kappa"}


def test_below_30_read_twice_only_the_percentage() -> None:
    mine = READER_AGREEMENT.own(own(of(Split.SECOND_READING, 20, 3, 3, 3)))
    assert value(mine) == pytest.approx(23 / 29)
    assert set(beside(mine).values()) == {"fewer than 30 rated twice"}
    figure = READER_AGREEMENT.figure(rounded(of(Split.SECOND_READING, 15, 5, 0, 5)))
    assert value(figure) == pytest.approx(20 / 25)
    assert set(beside(figure).values()) == {"fewer than 30 rated twice"}


AMONG_CASES = [each for each in MEASURES.values() if each.cells and each.title.startswith("Among")]


@pytest.mark.parametrize("measure", AMONG_CASES, ids=lambda each: each.ident)
def test_noughts_and_blanks_have_a_reason(measure: Measure) -> None:
    made = MEASURES[measure.ident]
    noughts = Counts({key: cell(0) for key in made.cells})
    withheld = Counts({key: blank(State.SUPPRESSED) for key in made.cells})
    not_live = Counts({CASES: blank(State.NOT_LIVE)})
    for counts in (noughts, withheld, not_live, Counts()):
        estimate = made.figure(counts).estimate
        assert (estimate.value, estimate.lower, estimate.upper) == (None, None, None)
        assert estimate.reason is not None
    for exact in (ExactCounts({}, 0), ExactCounts({}, 3)):
        figure = made.own(exact)
        assert figure is not None
        assert figure.estimate.value is None
        assert figure.estimate.reason is not None


def test_a_nation_is_the_sum_of_its_rounded_regions() -> None:
    both = together([rounded(of(Split.PE_OUTCOME, 15, 60, 25)), rounded(of(Split.PE_OUTCOME, 10, 40, 5))])
    figure = FATAL_PE_SHARE.figure(both)
    assert (figure.top.words, figure.bottom.words, beside(figure)["not_known"]) == ("25", "125", "30")
    assert figure.estimate.value == pytest.approx(0.2)
