"""The law of measures: each is defined in words, made of cells that the grid has, and counted by hand in a test."""

import re
from pathlib import Path

import pytest

from registry import measures
from registry.disclosure.grid import CATEGORIES, GeographyKind, PeriodKind, Split, has_cell
from registry.measures import MEASURES, THEMES, TOTAL, CellKey, Measure, Shown

TESTS = Path(__file__).parents[1] / "registry" / "measures"
EVERY = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES.keys())
JARGON = re.compile(
    r"\b(numerator|denominator|cohort|stratum|strata|cell|KPI|utili[sz]e|NHS England's collection)\b", re.IGNORECASE
)


@EVERY
def test_a_measure_is_defined_in_words(measure: Measure) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]+", measure.ident)
    said = (measure.title, measure.subject, measure.unit, measure.definition, measure.numerator, measure.denominator)
    lists = (measure.exclusions, measure.limits, measure.headings)
    assert all(said)
    assert all(lists)
    assert measure.revision
    assert measure.source
    assert measure.theme in THEMES


@EVERY
def test_a_measure_speaks_plain_english(measure: Measure) -> None:
    sentences = (measure.definition, *measure.limits, measure.revision)
    assert all(sentence.endswith(".") for sentence in sentences)
    for words in (
        measure.title,
        measure.subject,
        *sentences,
        measure.numerator,
        measure.denominator,
        *measure.exclusions,
    ):
        assert not JARGON.search(words), words
        assert max(len(sentence.split()) for sentence in re.split(r"[.;:] ", words)) < 60, words
        assert "  " not in words


def test_titles_and_subjects_tell_measures_apart() -> None:
    for words in ([each.title for each in MEASURES.values()], [each.subject for each in MEASURES.values()]):
        assert len(set(words)) == len(MEASURES) >= 14


def _has(measure: Measure, key: CellKey, period: PeriodKind) -> bool:
    split = None if key.split == TOTAL else Split(key.split)
    assert split is None or key.category in CATEGORIES[split]
    return has_cell(key.quantity, GeographyKind.REGION, period, split)


@EVERY
def test_a_measure_is_made_of_cells_that_regions_have_or_of_numbers(measure: Measure) -> None:
    """By month, or by financial year; a yearly one may be the sum of months."""
    assert bool(measure.cells) != bool(measure.numbers)
    assert len(set(measure.cells)) <= len(measure.cells)
    periods = {period for period in PeriodKind if all(_has(measure, key, period) for key in measure.cells)}
    assert measure.numbers or (PeriodKind.MONTH in periods if measure.period is Shown.MONTH else periods)
    assert measure.period is not Shown.QUARTER or measure.numbers


@pytest.mark.parametrize("name", [name for name, value in vars(measures).items() if isinstance(value, Measure)])
def test_a_measure_is_in_the_table_and_counted_by_hand(name: str) -> None:
    assert getattr(measures, name) in MEASURES.values()
    tests = "\n".join(path.read_text() for path in TESTS.glob("test_*.py"))
    assert re.search(rf"{name}\.figure\(", tests), f"{name} has no public figure counted by hand"
    assert getattr(measures, name).numbers or re.search(rf"{name}\.own\(", tests), (
        f"{name} has no own figure counted by hand"
    )


def test_every_measure_has_a_name() -> None:
    """… under which tests and pages can speak of it."""
    named = [value for value in vars(measures).values() if isinstance(value, Measure)]
    assert {each.ident for each in named} == set(MEASURES)


def test_a_measure_among_cases_says_so_in_its_title() -> None:
    for measure in MEASURES.values():
        among_cases = bool(measure.cells) and not any(key.quantity == "admissions" for key in measure.cells)
        assert measure.title.startswith("Among patients with HAT") == among_cases
