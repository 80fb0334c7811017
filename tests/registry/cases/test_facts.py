"""What is said beside the questions of a review, worked out by hand: elapsed hours, extended prophylaxis, expected ticks."""

from datetime import UTC, date, datetime

import pytest

from registry.cases.facts import beside, facts, prefilled
from schemas.codelist import Sure
from schemas.dictionary import fields
from schemas.record import RecordKind

ADMITTED = datetime(2025, 9, 1, 9, 0, tzinfo=UTC)  # ten o'clock in London
CASE = {"index_stay": "this", "admitted_at": ADMITTED, "admission_group": "medical", "age_at_admission": 55}


@pytest.mark.parametrize(
    ("assessed", "words", "timely"),
    [
        ("2025-09-01 10:00", "0 h 00 min after admission: within 14 hours", "yes"),
        ("2025-09-02 00:00", "14 h 00 min after admission: within 14 hours", "yes"),
        ("2025-09-02 00:01", "14 h 01 min after admission: later than 14 hours", "no"),
        ("2025-09-01 08:30", "1 h 30 min before admission", "yes"),
        ("2025-09-01T09:30:00+00:00", "0 h 30 min after admission: within 14 hours", "yes"),
    ],
)
def test_hours_count_from_admission_to_assessment_and_first_dose(assessed: str, words: str, timely: str) -> None:
    found = facts(CASE, {"assessed_at": assessed, "first_dose_at": assessed})
    assert found.assessed is not None
    assert found.assessed == found.first_dose
    assert found.assessed.words == words
    filled = prefilled(CASE, {"assessed_at": assessed}, date(2026, 2, 2))
    assert filled == {"assessed_within_14_hours": timely, "judged_on": "2026-02-02"}


def test_hours_are_elapsed_hours_across_a_change_of_the_clocks() -> None:
    """The night of 26 October 2025 has an hour twice: from 22:00 to 12:00 are 15 hours."""
    case = CASE | {"admitted_at": datetime(2025, 10, 25, 21, 0, tzinfo=UTC)}
    found = facts(case, {"assessed_at": "2025-10-26 12:00"})
    assert found.assessed is not None
    assert found.assessed.hours == 15


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ({"admitted_at": None}, "The case has no time of admission."),
        ({"index_stay": "earlier"}, "The index stay is an earlier one, of which only the days are known."),
    ],
)
def test_without_the_time_of_admission_of_the_index_stay_there_are_no_hours(case: dict[str, object], why: str) -> None:
    found = facts(CASE | case, {"assessed_at": "2025-09-01 11:00"})
    assert (found.assessed, found.first_dose, found.why_no_hours) == (None, None, why)


def test_what_is_answered_is_not_filled_in_again() -> None:
    answered = {"assessed_at": "2025-09-01 11:00", "assessed_within_14_hours": "no", "judged_on": "2026-01-01"}
    assert prefilled(CASE, answered, date(2026, 2, 2)) == {}


@pytest.mark.parametrize("text", ["", "soon", "2025-13-01 10:00", "1/9/2025 10:00"])
def test_a_time_that_is_none_gives_no_hours(text: str) -> None:
    assert facts(CASE, {"assessed_at": text}).assessed is None


@pytest.mark.parametrize(
    ("case", "ticked", "expects"),
    [
        ({}, "", []),
        ({"procedure_snomed": "52734007"}, "THA2", ["28 to 38 days after elective hip replacement"]),
        ({"procedure_snomed": "609588000"}, "", ["14 days after elective knee replacement"]),
        ({}, "THA2", ["28 to 38 days after elective hip replacement; 14 days after elective knee replacement"]),
        ({}, "THA3|THP2", ["about a month after a fragility fracture of pelvis, hip or upper thigh bone"]),
        ({"admission_group": "surgical", "active_cancer": "yes"}, "", ["28 days after major cancer surgery of the abdomen"]),
        ({"procedure_date": date(2025, 9, 1)}, "THP1", ["28 days after major cancer surgery of the abdomen"]),
        ({"active_cancer": "yes"}, "", []),
        ({"patient_classification": "not_admitted"}, "",
         ["for as long as a leg is immobilised where the risk is high; reconsidered after 42 days"]),
        ({"pregnancy_status": "postnatal_90_days"}, "", []),
        ({"pregnancy_status": "pregnant"}, "",
         ["at least 7 days in pregnancy and up to 6 weeks after a birth where it is begun (RCOG's assessment)"]),
    ],
)  # fmt: skip
def test_extended_prophylaxis_that_ng89_expects_is_a_hint(
    case: dict[str, object], ticked: str, expects: list[str]
) -> None:
    found = facts(CASE | case, {"thrombosis_factors": ticked}).extended
    assert [each.expects for each in found] == expects
    assert all(each.sure is Sure.MEMORY and not each.certain for each in found)
    words = beside(CASE | case, {"thrombosis_factors": ticked}).get("extended", "")
    assert words.count("A hint, not yet confirmed in the source.") == len(expects)


def test_the_ticks_that_the_case_would_give_are_said_and_not_made() -> None:
    case = CASE | {"age_at_admission": 61, "active_cancer": "yes", "anaesthetic_minutes": 91}
    said = beside(case, {})["thrombosis_factors"]
    assert said == (
        "By the case itself one would expect: Age over 60; Active cancer or cancer treatment; "
        "Anaesthetic and surgical time over 90 minutes."
    )
    assert "thrombosis_factors" not in prefilled(case, {}, date(2026, 2, 2))


def test_no_harm_is_ever_filled_in_or_said() -> None:
    case = CASE | {"vte_type": "pe", "died_within_90_days": "yes", "death_cause": "underlying"}
    harm = {each.name for each in fields(RecordKind.RCA) if "harm" in each.name} | {"candour_threshold_met"}
    assert len(harm) == 3
    assert not harm & prefilled(case, {}, date(2026, 2, 2)).keys()
    assert not harm & beside(case, {}).keys()
