"""What one case counts as in each split, by hand."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from registry.disclosure.grid import CATEGORIES, Split
from registry.publications import counting
from registry.settings import CountingRules, Settings
from registry.store import Store
from registry.store.tables import case_count
from tests.registry.make import make_organisation
from tests.registry.publications.hold import Case, Held, hold_case, hold_readings, hold_review

MARCH = date(2025, 3, 1)
AT = datetime(2026, 11, 20, tzinfo=UTC)
ADMITTED = datetime(2025, 3, 3, 10, tzinfo=UTC)
DONE = {"category": "prophylaxis_failure", "preventability": "not_preventable"}

Said = Mapping[str, Any]
Splits = dict[tuple[str, str], int]
Counted = Callable[..., Splits]


@pytest.fixture
def trust(store: Store, settings: Settings) -> int:
    return make_organisation(store, settings, code="RA1", live_from=MARCH)


@pytest.fixture
def counted(store: Store, trust: int) -> Counted:
    """The splits of one case with its review."""

    def run(said: Said | None = None, review: Said | None = None, **more: Any) -> Splits:
        with store.transaction(role="hat_jobs") as connection:
            held = hold_case(connection, trust, Case(MARCH, said=said or {}, **more))
            if review is not None:
                hold_review(connection, held, **review)
        return _splits(store)

    return run


def _splits(store: Store) -> Splits:
    with store.transaction(role="hat_jobs") as connection:
        counting.count(connection, CountingRules(), AT)
        rows = connection.execute(select(case_count.c.split, case_count.c.category, case_count.c.count)).all()
    return {(split, category): number for split, category, number in rows}


def only(found: Splits, split: Split) -> str | None:
    """The one category of a split in which the case is, or None."""
    categories = [category for of, category in found if of == split]
    assert len(categories) <= 1
    assert all(category in CATEGORIES[split] for category in categories)
    return categories[0] if categories else None


def discharged(days: int) -> Said:
    """Admitted on the 3rd, left on the 10th, found so many days after."""
    return {"index_discharge_date": date(2025, 3, 10), "diagnosis_date": date(2025, 3, 10) + timedelta(days=days)}


@pytest.mark.parametrize(
    ("said", "setting"),
    [
        ({}, "in_stay"),
        (discharged(-2), "in_stay"),
        (discharged(0), "in_stay"),
        (discharged(1), "days_0_7"),
        (discharged(7), "days_0_7"),
        (discharged(8), "days_8_14"),
        (discharged(15), "days_15_30"),
        (discharged(31), "days_31_60"),
        (discharged(60), "days_31_60"),
        (discharged(61), "days_61_90"),
        (discharged(90), "days_61_90"),
        ({**discharged(0), "index_stay": "earlier"}, "days_0_7"),
    ],
)
def test_setting(counted: Counted, said: Said, setting: str) -> None:
    """On the day of discharge it was found in the stay, unless a later stay found what began in the earlier one."""
    assert only(counted(said), Split.SETTING) == setting


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({"vte_type": "dvt", "died_within_90_days": "yes"}, None),
        ({"died_within_90_days": "yes"}, "died"),
        (
            {"died_within_90_days": "not_yet", "diagnosis_date": date(2025, 3, 5), "death_date": date(2025, 6, 3)},
            "died",
        ),
        ({"died_within_90_days": "no"}, "survived"),
        (
            {"died_within_90_days": "unknown", "diagnosis_date": date(2025, 3, 5), "death_date": date(2025, 6, 4)},
            "not_known",
        ),
        ({}, "not_known"),
    ],
)
def test_pe_outcome(counted: Counted, said: Said, outcome: str | None) -> None:
    """The 90th day is 3 June; the 91st does not count."""
    assert only(counted(said), Split.PE_OUTCOME) == outcome


def test_of_two_reports_of_one_stay_whatever_one_of_them_knows(store: Store, trust: int, counted: Counted) -> None:
    with store.transaction(role="hat_jobs") as connection:
        hold_case(connection, trust, Case(MARCH, person=b"1", said={"vte_type": "dvt", "died_within_90_days": "yes"}))
    found = counted({"died_within_90_days": "no"}, person=b"1")
    assert found["total", "total"] == 1
    assert (only(found, Split.VTE_TYPE), only(found, Split.PE_OUTCOME)) == ("pe", "died")


@pytest.mark.parametrize(
    ("review", "adequacy"),
    [
        (None, "not_investigated"),
        ({"category": "inadequate_prophylaxis", "inadequacies": ["wrong_dose"]}, "not_investigated"),
        ({**DONE, "category": "inadequate_prophylaxis", "inadequacies": ["documentation", "wrong_dose"]}, "inadequate"),
        (
            {**DONE, "category": "inadequate_prophylaxis", "inadequacies": ["assessed_late", "refused_dose"]},
            "not_inadequate",
        ),
        ({**DONE, "category": "inadequate_prophylaxis"}, "not_inadequate"),
        ({**DONE, "inadequacies": ["missed_doses"]}, "not_inadequate"),
        ({**DONE, "category": "unclassifiable"}, "not_inadequate"),
    ],
)
def test_inadequate_prophylaxis_needs_an_inadequacy_of_prophylaxis_itself(
    counted: Counted, review: Said | None, adequacy: str
) -> None:
    assert only(counted(review=review), Split.ADEQUACY) == adequacy


@pytest.mark.parametrize(
    ("judged_on", "state"),
    [(None, "undated"), (date(2025, 6, 26), "in_time"), (date(2025, 6, 27), "late"), (date(2025, 3, 27), "in_time")],
)
def test_a_review_is_in_time_within_90_days(counted: Counted, judged_on: date | None, state: str) -> None:
    """Diagnosed on 28 March; the 90th day is 26 June."""
    assert only(counted(review={**DONE, "judged_on": judged_on}), Split.REVIEW) == state


def test_what_is_not_investigated_is_no_review(counted: Counted) -> None:
    assert only(counted(review={"category": "contraindicated", "judged_on": date(2025, 4, 1)}), Split.REVIEW) is None


TIMES = {"admitted_at": ADMITTED, "index_stay": "this"}


@pytest.mark.parametrize(
    ("said", "review", "answer"),
    [
        ({}, None, "not_recorded"),
        ({}, {"assessed_within_14_hours": "yes"}, "yes"),
        ({}, {"assessed_within_14_hours": "not_applicable"}, "not_applicable"),
        ({}, {"risk_assessed": "no"}, "no"),
        ({}, {"risk_assessed": "no", "assessed_within_14_hours": "not_recorded"}, "no"),
        ({}, {"risk_assessed": "exempt_cohort"}, "not_applicable"),
        (TIMES, {"assessed_at": ADMITTED + timedelta(hours=14)}, "yes"),
        (TIMES, {"assessed_at": ADMITTED - timedelta(days=9)}, "yes"),
        (TIMES, {"assessed_at": ADMITTED + timedelta(hours=14, minutes=1)}, "no"),
        (TIMES, {"assessed_at": ADMITTED, "assessed_within_14_hours": "no"}, "no"),
        ({**TIMES, "index_stay": "earlier"}, {"assessed_at": ADMITTED}, "not_recorded"),
    ],
)
def test_assessed_within_14_hours(counted: Counted, said: Said, review: Said | None, answer: str) -> None:
    """An answer stands; without one the times of the same stay decide."""
    assert only(counted(said, review), Split.ASSESSED_IN_TIME) == answer


@pytest.mark.parametrize(
    ("review", "answer"),
    [
        (None, "not_recorded"),
        ({"first_dose_within_14_hours": "no"}, "no"),
        ({"first_dose_at": ADMITTED + timedelta(hours=3)}, "yes"),
        ({"prophylaxis_indicated": "declined"}, "not_applicable"),
        ({"prophylaxis_indicated": "yes", "prophylaxis_given": "no"}, "no"),
        ({"prophylaxis_indicated": "yes"}, "not_recorded"),
    ],
)
def test_first_dose_within_14_hours(counted: Counted, review: Said | None, answer: str) -> None:
    assert only(counted(TIMES, review), Split.FIRST_DOSE_IN_TIME) == answer


@pytest.mark.parametrize(
    ("review", "answer"),
    [
        ({"doses_missed_avoidably": 2, "prophylaxis_prescribed": "no"}, "some"),
        ({"doses_missed_avoidably": 0}, "none"),
        ({"doses_missed_avoidably": 0, "prophylaxis_prescribed": "no"}, "not_applicable"),
        ({"prophylaxis_given": "yes"}, "none"),
        ({"prophylaxis_given": "not_applicable"}, "not_applicable"),
        ({"prophylaxis_given": "partly"}, "not_recorded"),
        ({}, "not_recorded"),
    ],
)
def test_missed_doses(counted: Counted, review: Said, answer: str) -> None:
    assert only(counted(review=review), Split.MISSED_DOSES) == answer


def test_information(counted: Counted) -> None:
    found = counted(review={"information_on_admission": "no", "information_on_discharge": "unknown"})
    assert only(found, Split.INFORMATION_ADMISSION) == "no"
    assert only(found, Split.INFORMATION_DISCHARGE) == "not_recorded"


def test_the_group_of_overnight_stays(counted: Counted) -> None:
    assert only(counted({"admission_group": "surgical"}), Split.OVERNIGHT_GROUP) == "surgical"


def test_a_stay_without_a_night_is_in_no_group_of_overnight_stays(counted: Counted) -> None:
    assert only(counted({"overnight": False}), Split.OVERNIGHT_GROUP) is None


def test_themes_are_of_the_investigated_and_overlap(counted: Counted) -> None:
    review = {
        **DONE,
        "inadequacies": ["wrong_dose", "missed_doses"],
        "contributory_factors": ["team"],
        "missed_dose_reasons": ["not_signed", "refused"],
        "notable_practice_ct": b"x",
    }
    found = counted(review=review)
    groups = ("inadequacy", "contributory_factor", "missed_dose_reason", "practice")
    themes = {key: number for key, number in found.items() if key[0] in groups}
    assert themes == {
        ("inadequacy", "wrong_dose"): 1,
        ("inadequacy", "missed_doses"): 1,
        ("contributory_factor", "team"): 1,
        ("missed_dose_reason", "not_signed"): 1,
        ("missed_dose_reason", "refused"): 1,
        ("practice", "notable_practice"): 1,
    }
    unfinished = counted(review={"inadequacies": ["delayed_start"], "missed_dose_reasons": ["clinical_decision"]})
    assert not {("inadequacy", "delayed_start"), ("missed_dose_reason", "clinical_decision")} & unfinished.keys()


@pytest.mark.parametrize(
    ("first", "second", "cell"),
    [
        ("preventable", "preventable_psii", "both_preventable"),
        ("preventable", "not_preventable", "first_only"),
        ("not_preventable", "preventable", "second_only"),
        ("not_preventable", "not_preventable", "neither_preventable"),
        ("preventable", None, None),
    ],
)
def test_second_readings(store: Store, trust: int, first: str, second: str | None, cell: str | None) -> None:
    held = _held(store, trust)
    hold_readings(store, held, first, second, AT, blind=True)
    assert only(_splits(store), Split.SECOND_READING) == cell


def test_a_second_reading_that_was_not_blind_does_not_count(store: Store, trust: int) -> None:
    hold_readings(store, _held(store, trust), "preventable", "preventable", AT, blind=False)
    assert only(_splits(store), Split.SECOND_READING) is None


def _held(store: Store, trust: int) -> Held:
    with store.transaction(role="hat_jobs") as connection:
        return hold_case(connection, trust, Case(MARCH))
