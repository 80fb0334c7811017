"""The identifier screen: each rule by examples, and measured over synthetic learning points with Wilson limits."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.lessons.screen import Known, Patient, screen
from registry.lessons.screen.listed import close
from tests.registry.lessons.measuring import lists_of, measured, report, together
from tests.registry.lessons.points import PLAIN


def sorts(text: str, lists: Known | None = None) -> list[str]:
    return [each.sort.value for each in screen(text, lists)]


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("Doses of 999 000 0018 were missed", "number"),
        ("Number 9990000019 is mistyped", "number"),
        ("She lives at SW1A 2AA near", "postcode"),
        ("sent to cf14 4xw by car", "postcode"),
        ("Ring 020 7946 0958 now", "phone"),
        ("Ring +44 1632 960123 now", "phone"),
        ("bleep 1234 was busy", "phone"),
        ("ext 4567", "phone"),
        ("Write to jo@trust.example", "email"),
        ("on 12/03/2025 at noon", "date"),
        ("on 2025-03-12", "date"),
        ("on the 12th March", "date"),
        ("in March nothing was given", "date"),
        ("on 12.3.25", "date"),
        ("in 2024 we saw", "date"),
        ("on Christmas Day", "date"),
        ("Mrs Jones was missed", "title"),
        ("mr jones was missed", "title"),
        ("Dr. A Patel wrote", "title"),
        ("Sister O'Hanlon found", "title"),
        ("pt JS refused", "initials"),
        ("seen by J.S. at night", "initials"),
        ("MRN 123456 was wrong", "hospital_number"),
        ("RXH123456 was wrong", "hospital_number"),
        ("GMC 7123456 wrote", "professional"),
        ("a 94 year old", "age"),
        ("aged 101", "age"),
        ("a 92F was", "age"),
        ("in her nineties", "age"),
        ("on ward 12", "place"),
        ("on Nightingale Ward", "place"),
        ("in bed 7", "place"),
        ("from Ashgrove Infirmary", "place"),
        ("Margaret was missed", "person"),
        ("zero\u200bwidth", "hidden"),
        ("Given by the Applegarth team", "capital"),
        ("A 40 year old after a transplant", "rare"),
    ],
)
def test_what_is_found(text: str, sort: str) -> None:
    assert sorts(text) == [sort]


@pytest.mark.parametrize(
    "text",
    [
        *PLAIN,
        "Dr to review",
        "2/7 after surgery",
        "ward round",
        "Consultant Haematologist",
        "5 000 units",
        "TDS",
        "over 90 minutes",
    ],
)
def test_what_is_none(text: str) -> None:
    assert sorts(text) == []


LISTS = Known.of(
    patient=Patient("9990000018", "RRV-00123", date(1948, 3, 12), ("Bluebell",)),
    people=["Rebecca Thornbury", "Jo Ng"],
    organisations=["King's College Hospital NHS Foundation Trust"],
    towns=["Reading", "Taunton"],
    own=["the blue bay"],
)


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("number 9990000018", "own"),
        ("number 999 000 0081", "own"),
        ("number 999000018", "own"),
        ("number 9990000118", "own"),
        ("case rrv00123", "own"),
        ("case RRV-00124", "own"),
        ("case RRV-00132", "own"),
        ("was 77 since 1948", "own"),
        ("120348 on the label", "own"),
        ("in Bluebell all night", "own"),
        ("told by Thornbury", "person"),
        ("told by Thornbery", "person"),
        ("Thornburys", "person"),
        ("at King's College it was", "place"),
        ("in Taunton it was", "place"),
        ("in The Blue Bay", "place"),
    ],
)
def test_what_stands_on_a_list_is_found_exactly_and_nearly(text: str, sort: str) -> None:
    assert sorts(text, LISTS) == [sort]


@pytest.mark.parametrize("text", ["Reading the chart helps", "reading it", "the bay was blue"])
def test_what_only_looks_like_a_listed_word_is_none(text: str) -> None:
    assert sorts(text, LISTS) == []


@given(st.text(max_size=600))
def test_any_text_is_read_and_its_finds_lie_in_it(text: str) -> None:
    for each in screen(text, LISTS):
        assert 0 <= each.start < each.end <= len(text)
        assert each.words.startswith("Character")


@given(st.text(alphabet="abc123", min_size=5, max_size=12), st.data())
def test_one_wrong_character_is_close(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 1))
    assert close(word, word)
    assert close(word, f"{word[:place]}x{word[place + 1 :]}")
    assert close(word, word[:place] + word[place + 1 :])
    assert close(word, f"{word[:place]}x{word[place:]}")
    assert not close(word, f"xyz{word}")


def test_a_find_says_what_and_where_and_no_word_of_it() -> None:
    [found] = screen("Doses of Mrs Applegarth were missed")
    assert found.words == "Characters 10 to 23: a title with a name. Write the role instead."


# --- measured


@pytest.mark.parametrize(("lists", "floor"), [("none", 0.84), ("half", 0.90), ("whole", 0.97)])
def test_the_screen_measured(lists: str, floor: float) -> None:
    """`python -m tests.registry.lessons` prints it by sort, with Wilson limits."""
    recall, precision = measured(lists_of(lists))
    right, of = together(recall)
    assert of >= 400
    assert right / of >= floor, report("recall", recall)
    right, of = together(precision)
    assert right / of >= 0.95, report("precision", precision)
