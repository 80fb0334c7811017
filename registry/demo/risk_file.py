"""England's quarterly risk-assessment file in its official layout, with made-up figures near those that providers sent.

It ends with the last quarter that would have been published by then, and holds two providers that are not in the register.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from registry.demo.places import COUNTS
from registry.demo.scene import Member
from registry.demo.window import Window, last_day, months_after

col, lit = pl.col, pl.lit

RESTARTED = date(2024, 4, 1)
"""The collection was suspended in March 2020 and began again with this month."""
PUBLISHED_AFTER_DAYS = 60
STANDARD = 0.95
YEARLY_CHANGE = 0.9
"""Of those not assessed in time: so many are left a year later."""

# Two invented providers that only the official file knows.
_UNKNOWN = (
    ("8ZZ21", "Demonstration Surgical Centre", "East of England", 310),
    ("8ZZ22", "Demonstration Day Clinic", "South East", 150),
)
_INDEPENDENT, _NHS = "Independent sector provider", "NHS acute care provider"


def risk_assessment_file(everybody: Sequence[Member], months: pl.DataFrame, window: Window, *, seed: int) -> bytes:
    """CSV as NHS England publishes it. `months` are the trust-months with their admissions; England's of the window are used."""
    rng = np.random.default_rng((seed, 1))
    published = col("month").is_between(max(RESTARTED, window.first), last_published(window.on))
    known = months.filter((col("nation") == "England") & published).select(
        "code", "month", admissions=pl.sum_horizontal(COUNTS).cast(pl.Int64)
    )
    each = pl.concat([known, _unknown(known["month"].unique().sort(), rng)])
    counted = _counted(each, rng).join(_names(everybody), on="code", how="left", maintain_order="left")
    return counted.select(*_layout()).write_csv().encode()


def last_published(on: date) -> date:
    """The last month of the last quarter that ended long enough before the day `on`."""
    quarter = months_after(on.replace(day=1), -((on.month - 1) % 3) - 1)
    while (on - last_day(quarter)).days < PUBLISHED_AFTER_DAYS:
        quarter = months_after(quarter, -3)
    return quarter


def _unknown(months: pl.Series, rng: np.random.Generator) -> pl.DataFrame:
    rows = [(code, month, int(rng.poisson(size))) for code, _, _, size in _UNKNOWN for month in months]
    return pl.DataFrame(rows, schema={"code": pl.String, "month": pl.Date, "admissions": pl.Int64}, orient="row")


def _counted(each: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Each provider assesses about the same share every month, a little more each year; half of them reach the standard."""
    codes = each["code"].unique(maintain_order=True)
    missed = np.clip(0.05 * np.exp(0.75 * rng.standard_normal(codes.len())), 0.002, 0.4)
    shares = each.join(pl.DataFrame({"code": codes, "missed": missed}), on="code", how="left", maintain_order="left")
    noise = np.exp(0.08 * rng.standard_normal(each.height))
    passed = (each["month"].to_physical() - each["month"].to_physical().min()).to_numpy() / 365
    share = 1 - np.clip(shares["missed"].to_numpy() * noise * YEARLY_CHANGE**passed, 0.001, 0.5)
    return each.with_columns(assessed=pl.Series(rng.binomial(each["admissions"].to_numpy(), share)))


def _names(everybody: Sequence[Member]) -> pl.DataFrame:
    register = [
        (each.code, each.organisation.name, each.organisation.icb_name, each.organisation.region_name, each.group or "")
        for each in everybody
    ]
    unknown = [(code, name, "", region, "Demonstration Group D") for code, name, region, _ in _UNKNOWN]
    columns = ("code", "name", "icb", "region", "group")
    return pl.DataFrame([*register, *unknown], schema=dict.fromkeys(columns, pl.String), orient="row")


def _layout() -> tuple[pl.Expr, ...]:
    share = col("assessed") / col("admissions")
    return (
        col("code").alias("org_code"),
        col("name").str.to_uppercase().alias("org_name"),
        col("icb").str.to_uppercase().alias("icb_name"),
        col("region").str.to_uppercase().alias("region"),
        col("group").str.to_uppercase().alias("operated_by"),
        pl.when(col("group") != "").then(lit(_INDEPENDENT)).otherwise(lit(_NHS)).alias("org_type"),
        col("assessed").alias("number_of_vte_assessed_admissions"),
        col("admissions").alias("total_admissions"),
        share.round(4).alias("percentage_of_admitted_patients_risk_assessed_for_vte"),
        pl.when(share >= STANDARD).then(lit("yes")).otherwise(lit("no")).alias("operational_standard_met"),
        col("month").dt.strftime("%Y-%m-%d").alias("date"),
    )
