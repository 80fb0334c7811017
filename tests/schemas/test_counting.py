"""Cases made by hand for every scope and every boundary of the counting rules."""

from dataclasses import dataclass, field
from datetime import date

import pytest

from schemas.counting import DERIVED, CaseScope, IndexStay
from schemas.dictionary import fields
from schemas.record import RecordKind
from tests.make import valid_case
from tests.schemas.judging import check

THIS, EARLIER = IndexStay.THIS, IndexStay.EARLIER
SEPTEMBER, AUGUST = date(2025, 9, 1), date(2025, 8, 1)


@dataclass(frozen=True)
class Hand:
    """What a case comes to, worked out by hand. The valid case: in from 1 to 9 September, clot on 20 September 2025."""

    said: str
    changes: dict[str, str] = field(default_factory=dict)
    scope: CaseScope = CaseScope.IN
    stay: IndexStay | None = THIS
    month: date = SEPTEMBER
    age: int = 74
    overnight: bool = True


def _in_stay(day: str, **more: str) -> dict[str, str]:
    return {"diagnosis_date": day, "diagnosis_setting": "index_stay", **more}


BEFORE = {"earlier_admission_date": "2025-08-03", "earlier_discharge_date": "2025-08-10"}
NONE = None

HANDS = (
    Hand("after discharge"),
    Hand("on day 90 after discharge", {"diagnosis_date": "2025-12-08"}),
    Hand("on day 91 after discharge", {"diagnosis_date": "2025-12-09"}, CaseScope.NO_INDEX_STAY, NONE),
    Hand("on the day of discharge", {"diagnosis_date": "2025-09-09"}),
    Hand("in the stay", _in_stay("2025-09-05")),
    Hand("in the stay, still in", _in_stay("2025-09-05", discharge_date="", still_in="yes")),
    Hand("day after admission, no times", _in_stay("2025-09-02")),
    Hand("on the day of admission", _in_stay("2025-09-01"), CaseScope.NO_INDEX_STAY, NONE),
    Hand(
        "24 hours to the minute after admission",
        _in_stay("2025-09-02", admitted_at="2025-09-01 15:00", diagnosed_at="2025-09-02 15:00"),
        CaseScope.NO_INDEX_STAY,
        NONE,
    ),
    Hand(
        "a minute more than 24 hours after admission",
        _in_stay("2025-09-02", admitted_at="2025-09-01 15:00", diagnosed_at="2025-09-02 15:01"),
    ),
    Hand(
        "24 hours by the clock, 25 elapsed: the clocks went back",
        _in_stay(
            "2025-10-26",
            admission_date="2025-10-25",
            discharge_date="2025-11-02",
            admitted_at="2025-10-25 15:00",
            diagnosed_at="2025-10-26 15:00",
        ),
        month=date(2025, 10, 1),
    ),
    Hand(
        "on the day of admission, an earlier stay before",
        _in_stay("2025-09-01", **BEFORE),
        stay=EARLIER,
        month=AUGUST,
    ),
    Hand(
        "there on admission, an earlier stay before",
        _in_stay("2025-09-04", present_on_admission="yes", **BEFORE),
        stay=EARLIER,
        month=AUGUST,
    ),
    Hand(
        "there on admission, nothing before",
        _in_stay("2025-09-04", present_on_admission="yes"),
        CaseScope.NO_INDEX_STAY,
        NONE,
    ),
    Hand(
        "there on admission, unknown: taken as arisen in the stay",
        _in_stay("2025-09-04", present_on_admission="unknown", **BEFORE),
    ),
    Hand(
        "there on admission, earlier stay 90 days before the diagnosis",
        _in_stay("2025-09-01", earlier_admission_date="2025-05-30", earlier_discharge_date="2025-06-03"),
        stay=EARLIER,
        month=date(2025, 5, 1),
    ),
    Hand(
        "there on admission, earlier stay 91 days before the diagnosis",
        _in_stay("2025-09-01", earlier_admission_date="2025-05-30", earlier_discharge_date="2025-06-02"),
        CaseScope.NO_INDEX_STAY,
        NONE,
    ),
    Hand("after discharge, also an earlier stay: the later discharge counts", dict(BEFORE)),
    Hand("begun by transfer, in the stay after 24 hours", _in_stay("2025-09-03", transferred_from="RJ1")),
    Hand(
        "a day case",
        {"patient_classification": "day_case", "discharge_date": "2025-09-01"},
        overnight=False,
    ),
    Hand("an ordinary admission without a night", {"discharge_date": "2025-09-01"}, overnight=False),
    Hand(
        "a regular night attender",
        {"patient_classification": "regular_night", "discharge_date": "2025-09-02"},
    ),
    Hand(
        "readmitted with the clot to a day unit; the earlier stay had nights",
        _in_stay("2025-09-01", patient_classification="day_case", discharge_date="2025-09-01", **BEFORE),
        stay=EARLIER,
        month=AUGUST,
    ),
    Hand(
        "an earlier stay without a night",
        _in_stay("2025-09-01", earlier_admission_date="2025-08-10", earlier_discharge_date="2025-08-10"),
        stay=EARLIER,
        month=AUGUST,
        overnight=False,
    ),
    Hand("sixteen on the day", {"birth_date": "2009-09-01"}, age=16),
    Hand("sixteen tomorrow", {"birth_date": "2009-09-02"}, CaseScope.UNDER_16, age=15),
    Hand(
        "sixteen only since the earlier stay",
        _in_stay("2025-09-01", birth_date="2009-08-20", **BEFORE),
        CaseScope.UNDER_16,
        EARLIER,
        AUGUST,
        15,
    ),
    Hand(
        "born on 29 February, in on 28 February",
        _in_stay("2026-03-03", birth_date="1952-02-29", admission_date="2026-02-28", discharge_date="2026-03-09"),
        month=date(2026, 2, 1),
        age=73,
    ),
    Hand("a hundred and five in December", {"birth_date": "1919-12-31"}, age=105),
    Hand("clinical only", {"confirmation": "clinical_only"}, CaseScope.NOT_CONFIRMED),
    Hand("from the death certificate only", {"confirmation": "death_certificate", "died_within_90_days": "yes"}),
    *(
        Hand(f"{kind}", {"vte_type": kind, "dvt_site": ""}, CaseScope.OTHER_SITE)
        for kind in ("superficial", "cerebral", "splanchnic", "arterial", "other")
    ),
    *(Hand(f"in the {site}", {"dvt_site": site}) for site in ("distal_leg", "pelvic", "ivc", "unknown")),
    Hand("a pulmonary embolism", {"vte_type": "pe", "dvt_site": "", "confirmation": "ctpa"}),
    Hand("in the arm, no line", {"dvt_site": "upper_limb", "line_related": "no"}),
    Hand("in the arm, line not asked", {"dvt_site": "upper_limb"}),
    Hand("in the arm, of a line", {"dvt_site": "upper_limb", "line_related": "yes"}, CaseScope.LINE_RELATED),
    Hand("in the neck, of a line", {"dvt_site": "jugular", "line_related": "yes"}, CaseScope.LINE_RELATED),
    Hand(
        "of a line, and a pulmonary embolism",
        {"vte_type": "pe_and_dvt", "dvt_site": "upper_limb", "line_related": "yes", "confirmation": "ctpa"},
    ),
    Hand(
        "not admitted, leg immobilised",
        {"patient_classification": "not_admitted", "discharge_date": "2025-09-01"},
        CaseScope.IMMOBILISATION,
        overnight=False,
    ),
    Hand(
        "obstetric, 40 days after discharge",
        {
            "admission_group": "obstetric",
            "birth_date": "1994-02-03",
            "pregnancy_status": "postnatal_6_weeks",
            "diagnosis_date": "2025-10-19",
        },
        age=31,
    ),
    Hand(
        "pregnant, came in with the clot, no stay before",
        _in_stay(
            "2025-09-01",
            admission_group="obstetric",
            birth_date="1994-02-03",
            pregnancy_status="pregnant",
            present_on_admission="yes",
        ),
        CaseScope.PREGNANCY_ASSOCIATED,
        NONE,
        age=31,
    ),
    Hand(
        "pregnant, came in with the clot, antenatal stay in August",
        _in_stay(
            "2025-09-01",
            admission_group="obstetric",
            birth_date="1994-02-03",
            pregnancy_status="pregnant",
            present_on_admission="yes",
            **BEFORE,
        ),
        stay=EARLIER,
        month=AUGUST,
        age=31,
    ),
    Hand(
        "the first reason against holds: under 16 and clinical only",
        {"birth_date": "2015-01-01", "confirmation": "clinical_only"},
        CaseScope.UNDER_16,
        age=10,
    ),
)


@pytest.mark.parametrize("hand", HANDS, ids=lambda hand: hand.said)
def test_the_case_comes_to_what_was_worked_out_by_hand(hand: Hand) -> None:
    row = check(RecordKind.CASE, [valid_case(**hand.changes)]).typed.row(0, named=True)
    found = (row["scope"], row["index_stay"], row["index_month"], row["age_at_admission"], row["overnight"])
    assert found == (hand.scope, hand.stay, hand.month, hand.age, hand.overnight)


def test_every_scope_is_shown() -> None:
    assert {hand.scope for hand in HANDS} == set(CaseScope)


def test_all_cases_together_come_to_the_same_as_each_alone() -> None:
    together = check(RecordKind.CASE, [valid_case(**hand.changes) for hand in HANDS]).typed
    assert together["scope"].to_list() == [hand.scope.value for hand in HANDS]


def test_the_derived_columns_are_those_declared() -> None:
    frame = check(RecordKind.CASE, [valid_case()]).typed
    sent = {"row", *(each.name for each in fields(RecordKind.CASE))}
    derived = {name: kind for name, kind in frame.schema.items() if name not in sent}
    assert derived == dict(DERIVED)


def test_a_case_that_could_not_be_read_has_no_age_and_no_stay_but_breaks_nothing() -> None:
    blank = dict.fromkeys((each.name for each in fields(RecordKind.CASE)), "")
    row = check(RecordKind.CASE, [blank]).typed.row(0, named=True)
    assert (row["index_stay"], row["index_month"], row["age_at_admission"], row["overnight"]) == (
        None,
        None,
        None,
        False,
    )
