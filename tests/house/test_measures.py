"""The law of measures: each is defined in words, made of cells that the grid has, and counted by hand in a test."""

import re
from pathlib import Path

import pytest

from registry import measures
from registry.disclosure.grid import CATEGORIES, GeographyKind, PeriodKind, Split, has_cell
from registry.measures import MEASURES, TOTAL, Measure

TESTS = Path(__file__).parents[1] / "registry" / "test_measures.py"


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES.keys())
def test_a_measure_is_defined_in_words(measure: Measure) -> None:
    assert re.fullmatch(r"[a-z][a-z-]+", measure.ident)
    said = (measure.title, measure.subject, measure.unit, measure.definition, measure.numerator, measure.denominator)
    lists = (measure.exclusions, measure.limits, measure.headings)
    assert all(said)
    assert all(lists)
    assert measure.revision
    assert measure.source


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES.keys())
def test_a_measure_is_made_of_cells_that_regions_have_each_month_or_of_official_numbers(measure: Measure) -> None:
    assert bool(measure.cells) != bool(measure.numbers)
    for key in measure.cells:
        split = None if key.split == TOTAL else Split(key.split)
        assert has_cell(key.quantity, GeographyKind.REGION, PeriodKind.MONTH, split)
        assert split is None or key.category in CATEGORIES[split]


@pytest.mark.parametrize("name", [name for name, value in vars(measures).items() if isinstance(value, Measure)])
def test_a_measure_is_in_the_table_and_counted_by_hand(name: str) -> None:
    assert getattr(measures, name) in MEASURES.values()
    assert re.search(rf"{name}\.figure\(", TESTS.read_text()), f"{name} has no figure counted by hand"


def test_a_measure_among_cases_says_so_in_its_title() -> None:
    for measure in MEASURES.values():
        among_cases = bool(measure.cells) and not any(key.quantity == "admissions" for key in measure.cells)
        assert measure.title.startswith("Among patients with HAT") == among_cases
