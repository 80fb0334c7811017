"""What the generator makes of each organisation, and its admissions month by month."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from registry.demo.chance import Floats, happens
from registry.demo.scene import (
    FIRST_TRUST,
    FOUND_MORE,
    GROUPS,
    JOINED_LATE,
    MIXES,
    SECOND_TRUST,
    WELSH_BOARD,
    Member,
    months_of,
)
from registry.demo.window import Window

col = pl.col

CLASSES = ("day_case", "regular_attender", "no_night", "overnight")
COUNTS = tuple(f"{group}_{each}" for group in GROUPS for each in CLASSES)

# How the admissions of a group divide into CLASSES.
_CLASS_SHARES = (
    (0.34, 0.10, 0.16, 0.40),
    (0.55, 0.01, 0.10, 0.34),
    (0.12, 0.00, 0.33, 0.55),
    (0.00, 0.00, 0.03, 0.97),
    (0.45, 0.005, 0.065, 0.48),
)
CASES_PER_1000 = 1.35
"""Cases found per 1,000 admissions of all kinds, between the 1.2 and 2.1 that clinicians in the United Kingdom report."""
# Of each group, against all admissions: critical care and orthopaedics have most, obstetrics fewest.
_RELATIVE_RISK = np.array((0.95, 0.80, 0.31, 3.3, 2.0))
_YEARLY_CHANGE = 0.95
_SEASON = 0.04
_FOUND_BEFORE, _FOUND_SINCE = 0.55, 1.25

SOURCES = {
    "imaging_list": 0.92,
    "coding": 0.6,
    "anticoagulant_clinic": 0.7,
    "medical_examiner": 0.5,
    "other_trusts": 0.3,
}
NEW_SOURCES = ("coding", "medical_examiner")
_ALWAYS_COMPLETE = (FIRST_TRUST, SECOND_TRUST, WELSH_BOARD, JOINED_LATE)


def traits(everybody: Sequence[Member], rng: np.random.Generator) -> pl.DataFrame:
    """One row an organisation: its size, how many clots it finds, how it reviews and how it writes its files."""
    count = len(everybody)
    medians = np.array([MIXES[each.mix][1] for each in everybody], dtype=np.float64)
    spread = np.array([0.42 if each.mix == "general" else 0.25 for each in everybody])
    size = np.clip(medians * np.exp(spread * rng.standard_normal(count)), medians / 3, medians * 3)
    frame = pl.DataFrame(
        {
            "code": [each.code for each in everybody],
            "nation": [each.organisation.nation for each in everybody],
            "region": [each.organisation.region_code for each in everybody],
            "mix": [each.mix for each in everybody],
            "closed_on": pl.Series([each.organisation.closed_on for each in everybody], dtype=pl.Date),
            "size": size,
            "finding": np.clip(np.exp(0.22 * rng.standard_normal(count)), 0.5, 1.8),
            "reviewed": np.clip(rng.beta(9, 1.3, count), 0.45, 0.99),
            "preventable": rng.uniform(0.13, 0.30, count),
            "core_only": happens(rng, count, 0.4),
            "slashed": happens(rng, count, 0.35),
            "audits": happens(rng, count, 0.25),
            "codes_candidates": happens(rng, count, 0.4),
            "gives_strata": happens(rng, count, 0.4),
            **{source: happens(rng, count, share) for source, share in SOURCES.items()},
        }
    )
    return _with_parts(frame)


def _with_parts(frame: pl.DataFrame) -> pl.DataFrame:
    """The organisations that play a part play it whatever was drawn."""
    shown = col("code").is_in([FIRST_TRUST, SECOND_TRUST, WELSH_BOARD])
    late = col("code") == FOUND_MORE
    few = pl.when(col("mix") == "independent").then(0.4).otherwise(1.0)
    others = pl.any_horizontal(source for source in SOURCES if source != "imaging_list")
    return frame.with_columns(imaging_list=col("imaging_list") | ~others).with_columns(
        size=pl.when(shown).then(9_500.0).otherwise("size"),
        finding=pl.when(shown).then(1.0).otherwise(col("finding") * few),
        core_only=col("core_only") & ~shown,
        steady=col("code").is_in(_ALWAYS_COMPLETE) | col("closed_on").is_not_null(),
        **{
            source: pl.when(late).then(source in ("imaging_list", "anticoagulant_clinic")).otherwise(source)
            for source in SOURCES
        },
    )


def trust_months(everybody: Sequence[Member], window: Window) -> pl.DataFrame:
    """`code month age`: every month of every organisation that takes part in it."""
    rows = [(each.code, month, window.age(month)) for each in everybody for month in months_of(each, window)]
    return pl.DataFrame(rows, schema={"code": pl.String, "month": pl.Date, "age": pl.Int32}, orient="row")


def admissions(months: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """`months` (joined with the traits) with the counts of the activity return beside them."""
    shares = np.array([_shares(mix) for mix in MIXES])
    mix = months["mix"].replace_strict(list(MIXES), list(range(len(MIXES))), return_dtype=pl.Int32).to_numpy()
    busy = months["size"].to_numpy() * _season(months["month"]) * (1 + 0.03 * rng.standard_normal(months.height))
    counts = rng.poisson(busy[:, None] * shares[mix])
    return months.with_columns(pl.Series(name, counts[:, place], dtype=pl.Int32) for place, name in enumerate(COUNTS))


def _shares(mix: str) -> Floats:
    """The share of each of COUNTS in all admissions."""
    groups = np.array(MIXES[mix][0])
    return np.asarray(groups[:, None] * np.array(_CLASS_SHARES), dtype=np.float64).ravel()


def _season(months: pl.Series) -> Floats:
    """A little more in winter."""
    turn = (months.dt.month().to_numpy() - 1) / 12 * 2 * np.pi
    return np.asarray(1 + _SEASON * np.cos(turn), dtype=np.float64)


def expected_cases(months: pl.DataFrame, found_more_from: date) -> Floats:
    """The cases to expect in each trust-month by GROUPS: so many per 1,000 admissions, falling a little every year."""
    columns = [months.select(pl.sum_horizontal(f"{group}_{each}" for each in CLASSES)).to_series() for group in GROUPS]
    admitted = np.column_stack([column.to_numpy() for column in columns])
    later = months["month"] >= found_more_from
    grown = np.where(later.to_numpy(), _FOUND_SINCE, _FOUND_BEFORE)
    finding = months["finding"].to_numpy() * np.where((months["code"] == FOUND_MORE).to_numpy(), grown, 1.0)
    trend = _YEARLY_CHANGE ** (-months["age"].to_numpy() / 12)
    return np.asarray(admitted / 1000 * CASES_PER_1000 * _RELATIVE_RISK * (finding * trend)[:, None])
