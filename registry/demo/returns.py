"""What organisations return beside cases: which months are complete, nil, partial or missing, and the yearly returns."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from registry.demo.chance import draw, happens
from registry.demo.places import CLASSES, COUNTS, NEW_SOURCES, SOURCES
from registry.demo.scene import FOUND_MORE, GROUPS, WITHOUT_HOSPITAL
from registry.demo.window import Window, financial_years, last_day, months_after
from schemas.dictionary import financial_year

col, lit = pl.col, pl.lit

MISSING = "missing"
# Complete, partial or missing by how many months ago: the last months are still to come from many.
_STATES: dict[int, dict[str | None, float]] = {
    0: {"complete": 25, "partial": 45, MISSING: 30},
    1: {"complete": 68, "partial": 22, MISSING: 10},
    2: {"complete": 88, "partial": 8, MISSING: 4},
}
_LATER: dict[str | None, float] = {"complete": 96.5, "partial": 2, MISSING: 1.5}
PARTIAL_SHARE = 0.6
"""Of the cases of a partial month, so many have been sent."""

_AGE_SHARES = {"16-39": 0.22, "40-59": 0.26, "60-74": 0.27, "75+": 0.25}
_OBSTETRIC_AGES = {"16-39": 0.95, "40-59": 0.05}


def with_states(months: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """`state` of each trust-month. Those with a part to play have sent everything but the last month, which is partial."""
    drawn = [draw(rng, months.height, _STATES.get(age, _LATER)) for age in range(4)]
    state = pl.coalesce(*(pl.when(col("age") == age).then(column) for age, column in enumerate(drawn[:3])), drawn[3])
    steady = pl.when(col("age") == 0).then(lit("partial")).otherwise(lit("complete"))
    return months.with_columns(state=pl.when("steady").then(steady).otherwise(state))


def activity(months: pl.DataFrame, cases: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """`code` and the fields of the activity return. A complete month for which nobody has sent a case is nil."""
    held = _months_with_cases(cases).with_columns(held=lit(value=True))
    frame = months.filter(col("state") != MISSING).join(held, on=["code", "month"], how="left", maintain_order="left")
    nil = (col("state") == "complete") & col("held").is_null()
    audited = pl.Series(rng.integers(60, 180, frame.height))
    candidates = pl.Series(rng.poisson(frame["candidates"].to_numpy()))
    frame = frame.with_columns(
        case_return=pl.when(nil).then(lit("nil")).otherwise("state"),
        patients_audited=pl.when("audits").then(audited),
        coded_candidates=pl.when("codes_candidates").then(pl.when(nil).then(0).otherwise(candidates)),
    )
    return _with_shares(frame, rng).select("code", "month", "case_return", *COUNTS, *_OPTIONAL)


_OPTIONAL = (
    "patients_audited",
    "appropriate_prophylaxis",
    "information_on_admission",
    "information_on_discharge",
    "coded_candidates",
    "risk_assessed",
    "risk_assessment_method",
)


def _with_shares(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Results of the audit, and in England a first figure of the risk assessments of the last months."""

    def part(low: float, high: float) -> pl.Expr:
        return (col("patients_audited") * pl.Series(rng.uniform(low, high, frame.height))).cast(pl.Int32)

    early = (col("nation") == "England") & (col("age") <= 2) & col("audits")
    share = pl.Series(rng.uniform(0.9, 0.99, frame.height))
    sample = pl.Series(happens(rng, frame.height, 0.05))
    return frame.with_columns(
        appropriate_prophylaxis=part(0.85, 1.0),
        information_on_admission=part(0.3, 0.95),
        information_on_discharge=part(0.2, 0.9),
        risk_assessed=pl.when(early).then(pl.sum_horizontal(COUNTS) * share).cast(pl.Int32),
        risk_assessment_method=pl.when(early).then(pl.when(sample).then(lit("sample")).otherwise(lit("census"))),
    )


def _months_with_cases(cases: pl.DataFrame) -> pl.DataFrame:
    """Each organisation and month for which a case was sent: by its sender and the one it is attributed to, by either stay."""
    first = pl.coalesce("earlier_from", "admitted").cast(pl.Int32).cast(pl.Date).dt.truncate("1mo")
    given = col("admitted").cast(pl.Int32).cast(pl.Date).dt.truncate("1mo")
    owner = pl.coalesce("attributed_organisation", "code")
    each = [cases.select(code=who, month=month) for who in (col("code"), owner) for month in (first, given)]
    return pl.concat(each).unique(maintain_order=True)


def profiles(months: pl.DataFrame, traits: pl.DataFrame, found_more_from: date) -> pl.DataFrame:
    """How each organisation found its cases, for every financial year in which it took part."""
    spans = months.group_by("code", maintain_order=True).agg(first=col("month").min(), last=col("month").max())
    rows = [
        (code, financial_year(year), (code == FOUND_MORE) and year >= found_more_from)
        for code, first, last in spans.iter_rows()
        for year in financial_years(first, last)
    ]
    frame = pl.DataFrame(rows, schema={"code": pl.String, "year": pl.String, "more": pl.Boolean}, orient="row")
    known = frame.join(traits.select("code", *SOURCES), on="code", maintain_order="left")
    used = [
        pl.when(col(source) | (col("more") & (source in NEW_SOURCES)))
        .then(lit("yes"))
        .otherwise(lit("no"))
        .alias(source)
        for source in SOURCES
    ]
    return known.select("code", "year", *used)


def strata(months: pl.DataFrame, window: Window) -> pl.DataFrame:
    """The admissions of the last whole financial year by age, sex and group, of those who give them."""
    year = date(window.last.year if window.last.month >= 4 else window.last.year - 1, 4, 1)
    if last_day(months_after(year, 11)) > last_day(window.last):
        year = date(year.year - 1, 4, 1)
    within = col("month").is_between(year, months_after(year, 11))
    given = months.filter(within & col("gives_strata"))
    sums = given.group_by("code", maintain_order=True).agg(col(COUNTS).sum(), many=pl.len()).filter(col("many") == 12)
    parts = [
        _stratum(sums, group, night, sex) for group in GROUPS for night in ("no", "yes") for sex in ("female", "male")
    ]
    return (
        pl.concat(parts)
        .filter(col("admissions") > 0)
        .select(
            "code",
            lit(financial_year(year)).alias("year"),
            "age_band",
            "sex",
            "admission_group",
            "overnight",
            "admissions",
        )
        .sort("code", maintain_order=True)
    )


def _stratum(sums: pl.DataFrame, group: str, night: str, sex: str) -> pl.DataFrame:
    """The admissions of one group, stay and sex by age."""
    classes = [each for each in CLASSES if (each == "overnight") == (night == "yes")]
    ages = _OBSTETRIC_AGES if group == "obstetric" else _AGE_SHARES
    part = {"obstetric": {"female": 1.0, "male": 0.0}}.get(group, {"female": 0.53, "male": 0.47})[sex]
    total = pl.sum_horizontal(f"{group}_{each}" for each in classes)
    bands = [
        sums.select("code", age_band=lit(band), admissions=(total * part * share).round().cast(pl.Int32))
        for band, share in ages.items()
    ]
    return pl.concat(bands).with_columns(sex=lit(sex), admission_group=lit(group), overnight=lit(night))


def wales_quarters(months: pl.DataFrame, boards: Sequence[str], rng: np.random.Generator) -> pl.DataFrame:
    """The Welsh count of each whole quarter, by the boards that have a district general hospital."""
    there = col("code").is_in([board for board in boards if board != WITHOUT_HOSPITAL])
    quarter = months.filter(there).with_columns(quarter=col("month").dt.truncate("3mo"))
    whole = quarter.group_by("code", "quarter", maintain_order=True).agg(
        many=pl.len(), expected=col("candidates").sum()
    )
    whole = whole.filter(col("many") == 3)
    found = rng.poisson(whole["expected"].to_numpy() * 0.62)
    return whole.select(
        "code", "quarter", potentially_preventable=pl.Series(rng.binomial(found, 0.2)), all_hat=pl.Series(found)
    )
