"""A block pasted from a spreadsheet: what was written in any layout is read as it was, and nothing that is pasted ever breaks the page."""

from collections.abc import Callable, Mapping
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.submissions.monthly import COUNTS, NAMES
from registry.web.trust.paste import month_of, name_of, read
from schemas.dictionary import field
from schemas.record import RecordKind

MONTHS = [date(2025 + (place + 2) // 12, (place + 2) % 12 + 1, 1) for place in range(12)]
Grid = Mapping[tuple[date, str], str]

counts = st.integers(0, 9_999_999).map(str)
returns = st.sampled_from(["complete", "nil", "partial"])
grids = st.fixed_dictionaries(
    {
        (month, name): returns if name == "case_return" else counts
        for month in MONTHS
        for name in ("case_return", *COUNTS)
    }
)
dividers = st.sampled_from(["\t", ",", ";"])


def across(grid: Grid, divider: str, heading: Callable[[date], str], called: Callable[[str], str]) -> str:
    names = list(dict.fromkeys(name for _, name in grid))
    lines = [["", *(heading(month) for month in MONTHS)]]
    lines += [[called(name), *(grid[month, name] for month in MONTHS)] for name in names]
    return "\r\n".join(divider.join(line) for line in lines)


def down(grid: Grid, divider: str, heading: Callable[[date], str], called: Callable[[str], str]) -> str:
    names = list(dict.fromkeys(name for _, name in grid))
    lines = [["Month", *map(called, names)]]
    lines += [[heading(month), *(grid[month, name] for name in names)] for month in MONTHS]
    return "\n".join(divider.join(line) for line in lines)


HEADINGS: tuple[Callable[[date], str], ...] = (
    lambda month: f"{month:%Y-%m}",
    lambda month: f"{month:%b %Y}",
    lambda month: f"{month:%B %Y}",
    lambda month: f"{month:%b-%y}",
    lambda month: f"{month:%d/%m/%Y}",
)
CALLED: tuple[Callable[[str], str], ...] = (
    lambda name: name,
    lambda name: name.replace("_", " ").title(),
    lambda name: field(RecordKind.ACTIVITY, name).item.question.partition(": ")[2] or name,
)


@given(grids, dividers, st.sampled_from(HEADINGS), st.sampled_from(CALLED), st.sampled_from([across, down]))
def test_a_table_with_headings_is_read_in_either_direction(
    grid: Grid,
    divider: str,
    heading: Callable[[date], str],
    called: Callable[[str], str],
    laid: Callable[[Grid, str, Callable[[date], str], Callable[[str], str]], str],
) -> None:
    # The questions of the dataset have commas of their own.
    if divider == "," and any("," in called(name) for name in COUNTS):
        divider = "\t"
    pasted = read(laid(grid, divider, heading, called), MONTHS)
    assert pasted.cells == grid
    assert pasted.faults == ()


@given(grids, st.booleans())
def test_counts_alone_are_read_in_the_order_of_the_page(grid: Grid, by_month: bool) -> None:
    wanted = {key: cell for key, cell in grid.items() if key[1] != "case_return"}
    if by_month:
        lines = ["\t".join(grid[month, name] for name in COUNTS) for month in MONTHS]
    else:
        lines = ["\t".join(grid[month, name] for month in MONTHS) for name in COUNTS]
    pasted = read("\n".join(lines), MONTHS)
    assert (pasted.cells, pasted.faults) == (wanted, ())


@given(st.text(max_size=400))
def test_nothing_that_is_pasted_breaks_it(text: str) -> None:
    pasted = read(text, MONTHS)
    assert pasted.cells or pasted.faults
    assert all(month in MONTHS and name in NAMES for month, name in pasted.cells)


@given(
    st.lists(
        st.lists(st.sampled_from(["", "1", "2025-03", "Apr 2025", "medical_overnight", "x", "nil"]), max_size=5),
        max_size=6,
    )
)
def test_odd_tables_are_read_or_told(rows: list[list[str]]) -> None:
    pasted = read("\n".join("\t".join(row) for row in rows), MONTHS)
    assert pasted.cells or pasted.faults


@pytest.mark.parametrize(
    ("text", "cells", "fault"),
    [
        ("month\tmedical_overnight\n2024-01\t5\n2025-03\t6", {(MONTHS[0], "medical_overnight"): "6"}, "January 2024"),
        ("month\tmedical_overnight\tTotal\n2025-03\t6\t7", {(MONTHS[0], "medical_overnight"): "6"}, "not known"),
        ("month\tmedical_overnight\n2025-03\t6\n2025-03\t7", {(MONTHS[0], "medical_overnight"): "7"}, "twice"),
        ("month\tmedical_overnight\n2025-03\t12,345", {(MONTHS[0], "medical_overnight"): "12345"}, ""),
        ('month,medical_overnight\n2025-03,"1,200"', {(MONTHS[0], "medical_overnight"): "1200"}, ""),
        ("month\tmedical_overnight\n2025-03\tabout 5", {(MONTHS[0], "medical_overnight"): "about 5"}, ""),
        ("medical_overnight\t5\t6", {(MONTHS[0], "medical_overnight"): "5", (MONTHS[1], "medical_overnight"): "6"}, ""),
        ("2025-03\tnil\t1", {(MONTHS[0], "case_return"): "nil", (MONTHS[0], "medical_day_case"): "1"}, ""),
        ("2025-03\t4\t1", {(MONTHS[0], "medical_day_case"): "4", (MONTHS[0], "medical_regular_attender"): "1"}, ""),
        ("1\t2\n3\t4", {}, "not clear"),
        ("month\tmedical_overnight\n2025-03\t", {}, "every cell is empty"),
        ("\n \n", {}, "nothing to fill in"),
        ("1\n" * 300, {}, "more than 200 lines"),
    ],
)
def test_what_is_read_and_what_is_told(text: str, cells: Grid, fault: str) -> None:
    pasted = read(text, MONTHS)
    assert pasted.cells == cells
    assert (fault in " ".join(pasted.faults)) if fault else pasted.faults == ()


def test_months_and_fields_by_their_names() -> None:
    assert {month_of(words) for words in ("2025-03", "March 2025", "Mar-25", "03/2025", "01/03/2025")} == {MONTHS[0]}
    assert [month_of(words) for words in ("", "13/2025", "1850-01", "soon")] == [None] * 4
    assert name_of("Medical, one night or more") == "medical_overnight"
    assert name_of("CASE RETURN") == "case_return"
    assert name_of("Total") is None
