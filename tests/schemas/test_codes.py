"""The code lists: nothing ambiguous in a cell, the nations' lists apart, ways of not knowing apart."""

import polars as pl
import pytest

from schemas.codelist import CodeList, Nation, Sure
from schemas.codes import (
    OF_PROPHYLAXIS,
    AdmissionMethod,
    Agent,
    DischargeMethod,
    EthnicCategory,
    NHSNumberStatus,
    VteType,
)
from schemas.dictionary import code_lists, fields
from schemas.publish.guide import markdown
from schemas.record import RecordKind
from schemas.values import LONGEST_LIST, CodeType, FieldType, verhoeff_fits

LISTS = code_lists()


def _title(codes: type[CodeList]) -> str:
    return codes.__name__


def _type_of(codes: type[CodeList]) -> CodeType:
    return CodeType(name="code", wanted="a code", dtype=pl.String(), codes=codes)


def _read(kind: FieldType, cells: list[str], nation: Nation) -> list[str | None]:
    frame = pl.DataFrame({"cell": cells}, schema={"cell": pl.String})
    return frame.select(kind.read(pl.col("cell"), nation).alias("read"))["read"].to_list()


@pytest.mark.parametrize("codes", LISTS, ids=_title)
@pytest.mark.parametrize("nation", Nation)
def test_value_and_words_are_read_in_any_case(codes: type[CodeList], nation: Nation) -> None:
    members = codes.of(nation)
    wanted = [code.value for code in members]
    for spell in (str.lower, str.upper, str.title):
        assert _read(_type_of(codes), [spell(code.value) for code in members], nation) == wanted
        assert _read(_type_of(codes), [spell(code.words) for code in members], nation) == wanted


@pytest.mark.parametrize("codes", LISTS, ids=_title)
@pytest.mark.parametrize("nation", Nation)
def test_no_cell_could_mean_two_codes(codes: type[CodeList], nation: Nation) -> None:
    members = codes.of(nation)
    spellings = [spelling.lower() for code in members for spelling in {code.value.lower(), code.words.lower()}]
    assert len(spellings) == len(set(spellings))


def test_a_code_that_a_spreadsheet_program_made_a_number_of_is_read() -> None:
    """Opened as CSV, 01 becomes 1. No code of any list is spelt like another without its zeros."""
    assert _read(_type_of(NHSNumberStatus), ["1", "08", "0", "10", "001"], Nation.ENGLAND) == [
        "01",
        "08",
        None,
        None,
        None,
    ]
    for codes in LISTS:
        shorn = [code.value.lstrip("0") for code in codes if code.value[:1] == "0"]
        assert not set(shorn) & {code.value for code in codes}


@pytest.mark.parametrize("codes", LISTS, ids=_title)
def test_a_list_is_fit_for_a_cell(codes: type[CodeList]) -> None:
    assert codes.__doc__
    for code in codes:
        assert code.words
        assert not set('|,;\n\t"') & set(code.value)
        assert code.value == code.value.strip()
        assert len(code.value) <= 40
        assert isinstance(code.sure, Sure)


@pytest.mark.parametrize("codes", LISTS, ids=_title)
def test_unknown_and_not_recorded_are_different_answers(codes: type[CodeList]) -> None:
    values = {code.value for code in codes}
    assert values.isdisjoint({"n/a", "na", "other_unknown", "unknown_or_not_recorded"})
    assert _read(_type_of(codes), ["unknown or not recorded"], Nation.ENGLAND) == [None]


def test_the_nations_lists_differ_where_the_nations_do() -> None:
    def only(codes: type[CodeList], nation: Nation) -> set[str]:
        return {code.value for code in codes if code.nation is nation}

    assert only(DischargeMethod, Nation.WALES) == {"2"}
    assert only(DischargeMethod, Nation.ENGLAND) == {"6", "7", "9"}
    assert only(AdmissionMethod, Nation.WALES) == {"27"}
    assert only(AdmissionMethod, Nation.ENGLAND) == {"2A", "2B", "2C", "2D", "98", "99"}
    assert only(NHSNumberStatus, Nation.WALES) == {"nn"}


def test_ethnic_categories_are_the_national_ones() -> None:
    assert {code.value for code in EthnicCategory} == {*"ABCDEFGHJKLMNPRSZ", "99"}


@pytest.mark.parametrize("code", [code for codes in (VteType, Agent) for code in codes if code.code], ids=str)
def test_snomed_codes_of_a_list_fit_their_check_digit(code: CodeList) -> None:
    assert code.code is not None
    assert verhoeff_fits(code.code)


def test_inadequacies_of_prophylaxis_leave_out_assessment_papers_and_refusal() -> None:
    left = {"not_assessed", "assessed_late", "assessed_wrongly", "refused_dose", "not_reassessed", "documentation"}
    assert left.isdisjoint(code.value for code in OF_PROPHYLAXIS)


def test_every_list_is_used_by_a_field() -> None:
    used = {each.codes for kind in RecordKind for each in fields(kind) if each.codes}
    assert used == set(LISTS)
    assert used == {codes for codes in _subclasses() if codes.__module__ == "schemas.codes"}


def _subclasses() -> list[type[CodeList]]:
    return list(CodeList.__subclasses__())


def test_a_short_list_is_said_in_words_with_its_codes_and_a_long_one_by_some_and_where_all_stand() -> None:
    wanted = {each.name: each.holds.wanted_in(Nation.ENGLAND) for each in fields(RecordKind.CASE)}
    assert wanted["sex"].startswith("Male; Female; Not specified (indeterminate); Not known (unknown)")
    assert wanted["vte_type"].startswith("Pulmonary embolism (pe); Deep vein thrombosis (dvt); ")
    assert wanted["main_specialty"] == (
        "General Surgery (100); Cardiothoracic Surgery (170); Rehabilitation (314); Neurology (400); "
        "or another of the 35 answers that the guide to the dataset lists under MainSpecialty"
    )


@pytest.mark.parametrize("nation", Nation)
@pytest.mark.parametrize("kind", RecordKind)
def test_every_answer_of_a_coded_field_is_said_in_words_or_the_guide_says_where(
    kind: RecordKind, nation: Nation
) -> None:
    guide = markdown()
    for each in fields(kind):
        if each.codes is None:
            continue
        wanted, unsaid = each.holds.wanted_in(nation), each.holds.unsaid(nation)
        assert len(wanted) <= LONGEST_LIST
        if unsaid:
            assert unsaid == each.codes.of(nation)
            assert f"\n### {each.codes.__name__}\n" in guide
            assert wanted.endswith(each.codes.__name__)
        else:
            assert all(code.words in wanted for code in each.codes.of(nation))
