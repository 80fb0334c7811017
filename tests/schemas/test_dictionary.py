"""The dataset as plain rows: names, order, keys and what is kept from other eyes."""

from datetime import date

import pytest

from schemas.dictionary import RECORDS, fields, financial_year, key
from schemas.item import Stage
from schemas.record import RecordKind
from schemas.rules.returns import COUNTS


@pytest.mark.parametrize("kind", RecordKind)
def test_names_are_headings_and_columns(kind: RecordKind) -> None:
    names = [each.name for each in fields(kind)]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() and name == name.lower() and len(name) <= 40 for name in names)


@pytest.mark.parametrize("kind", RecordKind)
def test_the_core_comes_first(kind: RecordKind) -> None:
    core = [each.core for each in fields(kind)]
    assert core == sorted(core, reverse=True)


@pytest.mark.parametrize("kind", RecordKind)
def test_keys_are_required_fields(kind: RecordKind) -> None:
    required = {each.name for each in fields(kind) if each.required}
    assert set(key(kind)) <= required


@pytest.mark.parametrize("kind", RecordKind)
def test_every_field_asks_a_question_of_its_own(kind: RecordKind) -> None:
    questions = [each.item.question for each in fields(kind)]
    assert len(questions) == len(set(questions))
    for each in fields(kind):
        assert each.item.section
        assert not each.item.question.endswith((".", " "))
        assert not each.item.hint or each.item.hint.endswith(".")


def test_what_could_name_a_person_is_marked() -> None:
    marked = {(kind.value, each.name) for kind in RecordKind for each in fields(kind) if each.item.identifying}
    assert marked == {
        ("case", "nhs_number"),
        ("case", "birth_date"),
        ("case", "ward"),
        ("rca", "learning_point"),
        ("rca", "notable_practice"),
        ("rca", "dose"),
        ("rca", "incident_reference"),
    }


def test_nothing_is_asked_that_is_never_collected() -> None:
    names = {each.name for kind in RecordKind for each in fields(kind)}
    for never in ("name", "surname", "address", "postcode", "consultant", "email", "telephone"):
        assert not any(part == never for name in names for part in name.split("_"))


def test_the_eighteen_questions_at_notification() -> None:
    """A question may take two columns: NHS number or reason, discharge date or still in."""
    core = [each.name for each in fields(RecordKind.CASE) if each.item.stage is Stage.NOTIFICATION]
    assert len(core) - 2 == 18


def test_a_review_may_arrive_unfinished() -> None:
    assert [each.name for each in fields(RecordKind.RCA) if each.required] == ["local_case_id", "response_type"]


def test_activity_counts_every_group_by_class() -> None:
    assert [each.name for each in fields(RecordKind.ACTIVITY) if each.name in COUNTS] == list(COUNTS)
    assert len(COUNTS) == 20


def test_every_kind_has_its_record() -> None:
    assert set(RECORDS) == set(RecordKind)
    assert all(record.title and record.__doc__ for record in RECORDS.values())


@pytest.mark.parametrize(
    ("day", "year"),
    [(date(2025, 3, 31), "2024-25"), (date(2025, 4, 1), "2025-26"), (date(2099, 12, 31), "2099-00")],
)
def test_the_financial_year_begins_in_april(day: date, year: str) -> None:
    assert financial_year(day) == year
