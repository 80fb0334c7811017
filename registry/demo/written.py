"""The frames as the files that trusts send: every trust in its own way of writing."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from registry.demo.chance import draw, draw_by, happens
from schemas.dictionary import fields
from schemas.record import RecordKind

col, lit = pl.col, pl.lit

Weights = dict[str | None, float]

_METHODS: dict[str, Weights] = {
    "medical": {"21": 70, "22": 15, "24": 10, "12": 5},
    "surgical": {"11": 45, "12": 15, "21": 40},
    "obstetric": {"31": 70, "32": 30},
    "critical_care": {"21": 80, "11": 20},
    "orthopaedic_trauma": {"11": 50, "12": 10, "21": 40},
}
_SNOMED = {"pe": "59282003", "dvt": "128053003"}
# Optional items that everybody sends where they are known; a core-only file has no others.
_KEPT_WHERE_KNOWN = (
    "transferred_from",
    "readmission_date",
    "pregnancy_status",
    "earlier_admission_date",
    "earlier_discharge_date",
    "line_related",
)
_HEADINGS = "code", "core_only", "slashed"


@dataclass(frozen=True, slots=True)
class Batch:
    """One file of one organisation: `content` is CSV in UTF-8."""

    code: str
    kind: RecordKind
    rows: int
    content: bytes


def with_local_ids(cases: pl.DataFrame) -> pl.DataFrame:
    """The sender's own numbers: its code, the month of admission and a number within the month."""
    month = col("admitted").cast(pl.Int32).cast(pl.Date).dt.strftime("%y%m")
    number = pl.int_range(1, pl.len() + 1).over("code", month).cast(pl.String).str.zfill(4)
    return cases.with_columns(local_case_id=pl.concat_str("code", month, number, separator="-"))


def case_fields(cases: pl.DataFrame, today: int, rng: np.random.Generator) -> pl.DataFrame:
    """The cases under the names of the dataset, with the optional items that follow from what is known."""
    count = cases.height
    left = pl.when(col("left") <= today).then("left")
    back = (col("diagnosis_setting") == "readmission") & col("earlier_to").is_null()
    in_hospital = col("dies_on") == left
    cut = col("admission_group").is_in(["surgical", "orthopaedic_trauma"]) & (
        col("patient_classification") != "not_admitted"
    )
    operated = cut & pl.Series(happens(rng, count, 0.7)) & col("earlier_to").is_null()
    symptoms = pl.max_horizontal(col("found") - col("symptoms"), col("admitted"))
    dated = cases.with_columns(
        admission_date=_day(col("admitted")),
        discharge_date=_day(left),
        still_in=pl.when(left.is_null()).then(lit("yes")),
        diagnosis_date=_day(col("found")),
        readmission_date=_day(pl.when(back).then("found")),
        birth_date=_day(col("born")),
        earlier_admission_date=_day(col("earlier_from")),
        earlier_discharge_date=_day(col("earlier_to")),
        death_date=_day(col("dies_on")),
        symptom_onset_date=_day(pl.when("has_symptoms").then(symptoms)),
        procedure_date=_day(pl.when(operated).then("admitted")),
        diagnosis_snomed=col("vte_type").replace_strict(_SNOMED, default=None),
        discharge_method=pl.when(left.is_not_null()).then(pl.when(in_hospital).then(lit("4")).otherwise(lit("1"))),
        discharge_destination=pl.when(left.is_not_null()).then(
            pl.when(in_hospital).then(lit("79")).otherwise(lit("19"))
        ),
        admission_method=pl.when(col("transferred_from").is_not_null())
        .then(lit("81"))
        .otherwise(draw_by(rng, cases["admission_group"], _METHODS)),
        anaesthetic=pl.when(operated).then(draw(rng, count, {"general": 70, "regional": 25, "local": 5})),
        anaesthetic_minutes=pl.when(operated).then(pl.Series(rng.integers(25, 240, count))),
    )
    known = [each.name for each in fields(RecordKind.CASE) if each.name in dated.columns]
    return dated.select("code", *known)


def _day(days: pl.Expr) -> pl.Expr:
    return days.cast(pl.Int32).cast(pl.Date)


def batches(kind: RecordKind, frame: pl.DataFrame, traits: pl.DataFrame) -> Iterator[Batch]:
    """A file for each organisation that has rows: dates as it writes them, only the core where it sends no more."""
    ways = {code: (core, slashed) for code, core, slashed in traits.select(_HEADINGS).iter_rows()}
    for (code,), rows in frame.partition_by("code", as_dict=True, include_key=False, maintain_order=True).items():
        core, slashed = ways[str(code)]
        wanted = _core_columns(kind, rows) if core else rows.columns
        text = rows.select(_as_written(name, rows.schema[name], slashed) for name in wanted)
        yield Batch(str(code), kind, text.height, text.write_csv(line_terminator="\r\n" if slashed else "\n").encode())


def _core_columns(kind: RecordKind, rows: pl.DataFrame) -> list[str]:
    kept = {each.name for each in fields(kind) if each.core} | set(_KEPT_WHERE_KNOWN)
    return [name for name in rows.columns if name in kept]


def _as_written(name: str, dtype: pl.DataType, slashed: bool) -> pl.Expr:
    if name in ("month", "quarter"):
        return col(name).dt.strftime("01/%m/%Y" if slashed else "%Y-%m")
    if dtype == pl.Date and slashed:
        return col(name).dt.strftime("%d/%m/%Y")
    return col(name)
