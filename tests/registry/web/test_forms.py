"""Questions drawn from the dataset, and the answers read back: what was there comes back as it was, whatever it was."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import FormData, UploadFile

from registry.cases.review import CARE
from registry.web import forms, pages
from registry.web.forms import Look
from schemas import codes
from schemas.codelist import CodeList, Nation
from schemas.dictionary import fields
from schemas.record import RecordKind
from schemas.rules import cell
from tests.make import valid

CASE, RCA = RecordKind.CASE, RecordKind.RCA
NAMES = {kind: [each.name for each in fields(kind)] for kind in RecordKind}
WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=30)


def html_of(form: forms.Form) -> str:
    """The form as the template writes it."""
    source = '{% from "forms/questions.html" import sections with context %}{{ sections(form) }}'
    return pages.environment().from_string(source).render(form=form)


class Browser(HTMLParser):
    """What a browser would send of a form that nobody touched."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, str | UploadFile]] = []
        self._text = self._name = ""
        self._select: list[tuple[str, bool]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        name, value = found.get("name", ""), found.get("value", "")
        match tag:
            case "input" if found.get("type") not in ("radio", "checkbox") or "checked" in found:
                self.sent.append((name, value))
            case "select":
                self._select, self._name = [], name
            case "option" if self._select is not None:
                self._select.append((value, "selected" in found))
            case "textarea":
                self._name, self._text = name, "\n"

    def handle_data(self, data: str) -> None:
        if self._text:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select is not None:
            chosen = [value for value, chosen in self._select if chosen] or [self._select[0][0]]
            self.sent.append((self._name, chosen[-1]))
            self._select = None
        if tag == "textarea":
            self.sent.append((self._name, self._text[1:]))
            self._text = ""


def sent(form: forms.Form) -> FormData:
    browser = Browser()
    browser.feed(html_of(form))
    return FormData(browser.sent)


def back(kind: RecordKind, values: Mapping[str, str], prefix: str = "") -> dict[str, str]:
    """The values after a page has shown them and was sent untouched."""
    names = NAMES[kind]
    made = forms.questions(kind, names, values, Nation.ENGLAND, prefix=prefix)
    return dict.fromkeys(names, "") | forms.answers(sent(made), kind, names, prefix=prefix)


@pytest.mark.parametrize("kind", RecordKind)
def test_a_valid_row_comes_back_as_it_was(kind: RecordKind) -> None:
    row = valid(kind)
    assert back(kind, row, prefix="r7-") == row


def test_moments_numbers_and_lists_come_back() -> None:
    row = {"assessed_at": "2025-09-01 14:05", "weight_kg": "70.5", "thrombosis_factors": "age_over_60|obesity"}
    assert {name: value for name, value in back(RCA, row).items() if value} == row


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(NAMES[CASE]), value=WORDS)
def test_whatever_stood_in_a_cell_is_still_there(name: str, value: str) -> None:
    """Blanks aside, which no cell keeps, and but for a code's own spelling and a date written otherwise."""
    shown = " ".join(value.split())
    returned = back(CASE, {name: shown})[name]
    spelt = {one.words.lower(): one.value for one in fields_of(name)} | {
        one.value.lower(): one.value for one in fields_of(name)
    }
    assert returned in (shown, spelt.get(shown.lower()), *dates(shown))


def fields_of(name: str) -> list[CodeList]:
    listed = next(each.codes for each in fields(CASE) if each.name == name)
    return [] if listed is None else list(listed.of(Nation.ENGLAND))


def dates(words: str) -> list[str]:
    """The same date with other blanks and noughts."""
    parts = [part.strip() for part in re.split(r"[/-]", words)]
    if len(parts) != 3:
        return []
    whole = "/".join(parts)
    if all(part.isascii() and part.isdigit() for part in parts):
        day, month, year = parts if len(parts[2]) == 4 else parts[::-1]
        return [whole, f"{year}-{int(month):02d}-{int(day):02d}"]
    return [whole]


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_a_day_is_typed_in_boxes(day: date) -> None:
    typed = FormData([("x-day", f"{day.day}"), ("x-month", f"{day.month}"), ("x-year", f"{day.year}")])
    assert forms.answers(
        FormData([(k.replace("x-", "birth_date-"), v) for k, v in typed.items()]), CASE, ["birth_date"]
    ) == {"birth_date": day.isoformat()}


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (("31", "2", "1951"), "1951-02-31"),
        (("4", "", "1951"), "4//1951"),
        (("4", "April", "1951"), "4/April/1951"),
        (("4", "4", "51"), "4/4/51"),
        (("", "", ""), ""),
    ],
)
def test_what_is_no_day_is_read_as_it_was_typed(typed: tuple[str, str, str], read: str) -> None:
    form = FormData(
        [(f"birth_date-{part}", value) for part, value in zip(("day", "month", "year"), typed, strict=True)]
    )
    assert forms.answers(form, CASE, ["birth_date"]) == {"birth_date": read}
    assert back(CASE, {"birth_date": read})["birth_date"] == read


def test_a_list_from_which_everything_was_taken_is_empty_and_not_absent() -> None:
    assert forms.answers(FormData([("inadequacies", "")]), RCA, ["inadequacies"]) == {"inadequacies": ""}
    assert forms.answers(FormData([]), RCA, ["inadequacies", "judged_on", "category"]) == {}
    several = FormData([("inadequacies", ""), ("inadequacies", "missed_doses"), ("inadequacies", "late_first_dose")])
    assert forms.answers(several, RCA, ["inadequacies"]) == {"inadequacies": "late_first_dose|missed_doses"}


def test_why_doses_were_missed_is_asked_beneath_how_many() -> None:
    """Optional, and yet beside the question of the core that it belongs to; by itself it is among the rest."""
    care = forms.questions(RCA, CARE, {}, Nation.ENGLAND)
    [core] = [each for each in care.sections if each.title == "Prophylaxis" and not each.rest]
    names = [each.name for each in core.questions]
    assert names[names.index("doses_missed_avoidably") + 1] == "missed_dose_reasons"
    assert [each.words for each in care.questions if each.name == "missed_dose_reasons"] == [
        "Why doses were missed (optional)"
    ]
    assert sorted(each.name for each in care.questions) == sorted(CARE)
    [alone] = forms.questions(RCA, ["missed_dose_reasons"], {}, Nation.ENGLAND).sections
    assert alone.rest


def test_the_core_comes_first_and_the_rest_is_folded() -> None:
    made = forms.questions(CASE, NAMES[CASE], {"ward": "4"}, Nation.ENGLAND)
    rest = [section.rest for section in made.sections]
    assert rest == sorted(rest)
    assert rest.count(True)
    assert len(made.questions) == len(NAMES[CASE])
    html = html_of(made)
    assert html.count("<details") == rest.count(True)
    assert "more questions (1 answered)" in html


def test_findings_stand_beside_their_questions_and_lead_to_them() -> None:
    findings = [
        cell.MISSING.finding(field="sex", wanted="a code"),
        cell.UNREADABLE.finding(field="birth_date", wanted="a date"),
        cell.DOUBLED_HOUR.finding(field="admitted_at", wanted=""),
    ]
    made = forms.questions(
        CASE, ["sex", "birth_date", "admitted_at"], {}, Nation.ENGLAND, findings=findings, prefix="r2-"
    )
    html = html_of(made)
    assert [fault.field for fault in made.faults] == ["r2-sex", "r2-birth_date"]
    for fault in made.faults:
        assert f'id="{fault.field}"' in html
        assert fault.words.split(": ", 1)[1] in unescape(html)
    asked = next(each for each in made.questions if each.field.name == "admitted_at")
    assert (asked.errors, cell.DOUBLED_HOUR.words in asked.hint) == ((), True)


def test_lists_are_those_of_the_nation() -> None:
    name = "response_type"
    england, wales = (
        forms.questions(RCA, [name], {}, nation).questions[0] for nation in (Nation.ENGLAND, Nation.WALES)
    )
    assert {one.value for one in england.choices} == {one.value for one in codes.ResponseType.of(Nation.ENGLAND)}
    assert {one.value for one in wales.choices} == {one.value for one in codes.ResponseType.of(Nation.WALES)}


def test_long_lists_fold_into_a_select() -> None:
    looks = {
        name: forms.questions(CASE, [name], {}, Nation.ENGLAND).questions[0].look for name in ("sex", "main_specialty")
    }
    assert looks == {"sex": Look.RADIOS, "main_specialty": Look.SELECT}


def test_no_answer_writes_markup() -> None:
    html = html_of(forms.questions(CASE, NAMES[CASE], dict.fromkeys(NAMES[CASE], '"><script>'), Nation.ENGLAND))
    assert "<script" not in html


def test_values_of_a_record_become_the_text_in_which_they_are_sent() -> None:
    values = {
        "a": None,
        "b": date(2025, 3, 1),
        "c": datetime.fromisoformat("2025-07-01T12:30:00+00:00"),
        "d": ["y", "x"],
        "e": 70.0,
        "f": 70.5,
        "g": 3,
    }
    assert forms.texts_of(values) == {
        "a": "",
        "b": "2025-03-01",
        "c": "2025-07-01 13:30",
        "d": "x|y",
        "e": "70",
        "f": "70.5",
        "g": "3",
    }
