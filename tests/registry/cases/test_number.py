"""The registry's number of a case: the same each time, found again, and no slip of the pen gives another one."""

from itertools import combinations
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from registry.cases.number import ALPHABET, case_number, tail_of

ID = UUID("01990b2e-7c41-7d52-9b1a-3fe8c0d47a65")
IDS = st.uuids()


def test_the_number_of_a_known_case() -> None:
    assert case_number(ID) == "P6HZ-X30D-8YK5-S"
    assert case_number(UUID(int=0)) == "0000-0000-0000-0"
    assert case_number(UUID(int=1)) == "0000-0000-0001-2"


@given(IDS)
def test_a_number_leads_back_to_the_end_of_its_id(record_id: UUID) -> None:
    assert tail_of(case_number(record_id)) == record_id.hex[-15:]


@given(IDS)
def test_how_it_is_typed_does_not_matter(record_id: UUID) -> None:
    number = case_number(record_id)
    typed = number.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert tail_of(f" {typed} ") == tail_of(number)


@given(IDS)
def test_one_wrong_letter_is_found_out(record_id: UUID) -> None:
    letters = case_number(record_id).replace("-", "")
    for place, right in enumerate(letters):
        for wrong in set(ALPHABET) - {right}:
            assert tail_of(letters[:place] + wrong + letters[place + 1 :]) is None


@given(IDS)
def test_any_two_letters_that_changed_places_are_found_out(record_id: UUID) -> None:
    letters = case_number(record_id).replace("-", "")
    for first, second in combinations(range(len(letters)), 2):
        if letters[first] != letters[second]:
            swapped = list(letters)
            swapped[first], swapped[second] = swapped[second], swapped[first]
            assert tail_of("".join(swapped)) is None


def test_what_is_no_number_is_none() -> None:
    for typed in ("", "HAT-0001", "0000-0000-0000", "0000-0000-0000-U", "0000-0000-0000-00", "é" * 13):
        assert tail_of(typed) is None
