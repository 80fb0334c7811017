"""The people and their stays: who was admitted when, when the clot was found, and what came of it.

Dates are whole days since 1970 until the files are written. Each function adds columns and leaves the others alone.
"""

import numpy as np
import polars as pl

from registry.demo.chance import Floats, Ints, days_about, draw, draw_by, happens, invented_nhs_numbers
from registry.demo.scene import GROUPS

col = pl.col

# Median nights, and share of the cases that were admitted overnight.
_NIGHTS = {"medical": 6.0, "surgical": 5.0, "obstetric": 2.5, "critical_care": 16.0, "orthopaedic_trauma": 8.0}
_OVERNIGHT = {"medical": 0.95, "surgical": 0.9, "obstetric": 0.95, "critical_care": 1.0, "orthopaedic_trauma": 0.88}
_DAY_CASE = {"medical": 0.3, "surgical": 0.85, "obstetric": 0.1, "critical_care": 0.0, "orthopaedic_trauma": 0.85}
_IN_STAY = 0.48
"""Of the clots of those who stayed two nights or more: found before they left."""
_WINDOW = 90
_DELAY = 30.0
_SPECIALTIES: dict[str, dict[str | None, float]] = {
    "medical": {"300": 6, "326": 3, "430": 3, "340": 2, "320": 2, "301": 2, "361": 1, "370": 2, "400": 1, "314": 1},
    "surgical": {"100": 6, "101": 2, "107": 1, "120": 1, "150": 1, "160": 1, "170": 1, "502": 2},
    "obstetric": {"501": 9, "560": 1},
    "critical_care": {"192": 1},
    "orthopaedic_trauma": {"110": 1},
}
_OTHERS: dict[str | None, float] = {"not_pregnant": 5, "not_applicable": 35, None: 60}
_PREGNANCY: dict[str, dict[str | None, float]] = dict.fromkeys(GROUPS, _OTHERS) | {
    "obstetric": {"pregnant": 25, "postnatal_6_weeks": 55, "postnatal_90_days": 20}
}


def each_case(months: pl.DataFrame, expected: Floats, rng: np.random.Generator) -> pl.DataFrame:
    """One row a clot: `code month age group` and the traits of its organisation that matter below."""
    counts = rng.poisson(expected)
    rows = np.repeat(np.arange(months.height), counts.sum(axis=1))
    group = np.repeat(np.tile(np.arange(len(GROUPS)), months.height), counts.ravel())
    known = months.select("code", "month", "age", "nation", "region", "mix", "closed_on").gather(rows)
    return known.with_columns(admission_group=pl.Series(GROUPS).gather(group))


def with_dates(cases: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """`admitted left found notified` and how the patient was in hospital. A clot in the stay is found after its first day."""
    count = cases.height
    group = cases["admission_group"]
    length = cases["month"].dt.month_end().dt.day().to_numpy()
    admitted = cases["month"].to_physical().to_numpy() + (rng.random(count) * length).astype(np.int64)
    overnight = happens(rng, count, _of(group, _OVERNIGHT))
    nights = np.where(overnight, np.maximum(days_about(rng, count, _of(group, _NIGHTS), 0.7, 80), 1), 0)
    in_stay = (nights >= 2) & happens(rng, count, _IN_STAY)
    during = 1 + (rng.random(count) * (nights - 1)).astype(np.int64)
    left = admitted + nights
    found = np.where(in_stay, admitted + during, left + _after_discharge(rng, count))
    day_case = ~overnight & happens(rng, count, _of(group, _DAY_CASE))
    lag = days_about(rng, count, 8.0, 0.9, 150)
    return cases.with_columns(
        admitted=pl.Series(admitted),
        left=pl.Series(left),
        found=pl.Series(found),
        notified=pl.Series(found + lag),
        in_stay=pl.Series(in_stay),
        patient_classification=pl.Series(np.where(day_case, "day_case", "ordinary"), dtype=pl.String),
    )


def _of(groups: pl.Series, values: dict[str, float]) -> Floats:
    return np.asarray(groups.replace_strict(values, return_dtype=pl.Float64).to_numpy())


def _after_discharge(rng: np.random.Generator, count: int) -> Ints:
    """Days from discharge to diagnosis, 1 to 90: most in the first weeks (an exponential, cut off)."""
    most = 1 - np.exp(-_WINDOW / _DELAY)
    days = -_DELAY * np.log(1 - rng.random(count) * most)
    return np.asarray(1 + days.astype(np.int64), dtype=np.int64)


def with_patients(cases: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Who they were: an NHS number that nobody has, age, sex, specialty."""
    count = cases.height
    obstetric = cases["admission_group"] == "obstetric"
    years = np.where(
        obstetric.to_numpy(), np.clip(rng.normal(31, 5, count), 18, 44), np.clip(rng.normal(68, 15, count), 17, 101)
    )
    sexes: dict[str | None, float] = {"female": 50, "male": 49.5, "unknown": 0.2, "not_recorded": 0.3}
    reasons: dict[str | None, float] = {"not_known": 2, "overseas": 3, "other_uk": 2}
    numbered = pl.Series(happens(rng, count, 0.985))
    ethnic: dict[str | None, float] = {"A": 70, "B": 2, "C": 5, "H": 3, "J": 3, "L": 2, "M": 2, "N": 3, "S": 2, "Z": 8}
    frame = cases.with_columns(
        born=col("admitted") - pl.Series((years * 365.25).astype(np.int64) + 20),
        sex=draw(rng, count, sexes),
        main_specialty=draw_by(rng, cases["admission_group"], _SPECIALTIES),
        nhs_number=invented_nhs_numbers(rng, count),
        nhs_number_reason=draw(rng, count, reasons),
        ethnic_category=draw(rng, count, ethnic),
        active_cancer=draw(rng, count, {"yes": 20, "no": 70, "unknown": 3, "not_recorded": 7}),
    )
    return frame.with_columns(
        sex=pl.when(obstetric).then(pl.lit("female")).otherwise("sex"),
        nhs_number=pl.when(numbered).then("nhs_number"),
        nhs_number_reason=pl.when(~numbered).then("nhs_number_reason"),
        nhs_number_status=pl.when(numbered).then(pl.lit("01")),
        pregnancy_status=draw_by(rng, cases["admission_group"], _PREGNANCY),
    )
