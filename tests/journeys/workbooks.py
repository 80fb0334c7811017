"""A data manager's workbook: cases of the demonstration's generator, faults typed into some of them, saved by LibreOffice."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import openpyxl
import polars as pl
from openpyxl.worksheet.worksheet import Worksheet

from ingest.check import Context
from ingest.files import open_file
from registry.demo.generating import make_returns
from registry.demo.scene import members
from schemas.codelist import Nation
from schemas.dictionary import fields
from schemas.record import RecordKind
from tests.journeys.browsing import program

CASES = 500
SEED = 7
UNREGISTERED = "RZZ"
"""The hospital that sent the first patient: a warning, since the register does not have it."""
SOME, MONTHS = 12, 13
ZEROS = ("nhs_number_status",)
"""Left out: of its codes, such as 01, a spreadsheet that opens a CSV file makes 1."""
BRITISH_CSV = "Text - txt - csv (StarCalc):44,34,76,1,,2057,false,true"
"""Comma, double quote, UTF-8, from the first line, British; numbers and days are recognised, as when a person opens it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What stands in a cell instead of what should, and the rule that finds it."""

    field: str
    typed: str | None
    rule: str


FAULTS = (
    Fault("sex", "femal", "HAT-033"),
    Fault("birth_date", "31/02/1950", "HAT-036"),
    Fault("nhs_number", "9990000681", "HAT-045"),
    Fault("diagnosis_date", None, "HAT-030"),
)
"""One a row, in turn, until as many rows are faulty as are wanted."""
FAULTY = {12 + 24 * place: FAULTS[place % len(FAULTS)] for place in range(20)}
"""By the row of the sheet."""


def generated(code: str, on: date, first: date, last: date, folder: Path) -> pl.DataFrame:
    """500 cases admitted from one day to another, as some trusts would know them on a day, under the numbers of one; the check finds
    nothing in them."""
    trusts = [each for each in members() if each.organisation.nation == "England" and each.mix == "general"][:SOME]
    made = make_returns(trusts, months=MONTHS, on=on, seed=SEED).frames[RecordKind.CASE]
    known = [each.name for each in fields(RecordKind.CASE) if each.name in made.columns and each.name not in ZEROS]
    own = pl.col("attributed_organisation").is_null() & pl.col("earlier_admission_date").is_null()
    inside = made.filter(own, pl.col("admission_date").is_between(first, last))
    sound = _sound(inside.unique("nhs_number", maintain_order=True).select(known), code, on, folder).sort(
        "admission_date"
    )
    assert sound.height >= CASES, "the generator made too few cases"
    spread = sound[[place * sound.height // CASES for place in range(CASES)]]
    place = pl.int_range(1, pl.len() + 1)
    unknown = pl.when(place == 1).then(pl.lit(UNREGISTERED))
    return spread.with_columns(
        local_case_id=pl.lit(f"{code}-") + place.cast(pl.String).str.zfill(4), transferred_from=unknown
    )


def _sound(cases: pl.DataFrame, code: str, on: date, folder: Path) -> pl.DataFrame:
    """The cases without those in which the check finds something."""
    path = folder / "all.csv"
    cases.write_csv(path)
    reading = open_file(path, RecordKind.CASE, "csv", Context(Nation.ENGLAND, code, on, synthetic=True))
    for _ in reading.batches():
        pass
    found = [each.row - 2 for each in reading.report.listed if each.row is not None]
    return cases.with_row_index("place").filter(~pl.col("place").is_in(found)).drop("place")


def workbook(cases: pl.DataFrame, faults: Mapping[int, Fault], folder: Path, name: str) -> Path:
    """The cases as a workbook that LibreOffice saved, with faults in some of its rows."""
    rows = cases.with_columns(pl.col(pl.Date).dt.strftime("%Y-%m-%d")).cast(pl.String)
    lines = rows.to_dicts()
    for row, fault in faults.items():
        lines[row - 2][fault.field] = fault.typed
    path = folder / f"{name}.csv"
    pl.DataFrame(lines, schema=dict.fromkeys(rows.columns, pl.String)).write_csv(path)
    return saved_by_libreoffice(path, folder)


def saved_by_libreoffice(path: Path, folder: Path) -> Path:
    """The file opened and saved as a workbook by the real program, with a profile of its own."""
    out = folder / "saved"
    options = [f"-env:UserInstallation={(folder / 'office').as_uri()}", "--headless", "--convert-to", "xlsx"]
    reading = [f"--infilter={BRITISH_CSV}"] if path.suffix == ".csv" else []
    command = [program("soffice", "libreoffice-calc"), *options, *reading, "--outdir", str(out), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    return out / f"{path.stem}.xlsx"


def mended(annotated: Path, right: pl.DataFrame, rows: set[int]) -> None:
    """Type what is right into some rows of the annotated workbook, where it marks a cell."""
    book = openpyxl.load_workbook(annotated)
    sheet = book["Your rows"]
    assert isinstance(sheet, Worksheet)
    headings = [str(cell.value).strip() for cell in sheet[1]]
    place = headings.index("Row in your file")
    for line in sheet.iter_rows(min_row=2):
        own = int(str(line[place].value))
        for heading, cell in zip(headings, line, strict=True):
            if own in rows and cell.comment is not None:
                cell.value = right[heading][own - 2]
    book.save(annotated)
