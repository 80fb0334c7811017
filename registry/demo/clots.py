"""The clots: what was found, how it was confirmed and learnt of, and what came of the patient."""

from datetime import date

import numpy as np
import polars as pl

from registry.demo.chance import Floats, draw, draw_by, happens
from registry.demo.places import NEW_SOURCES, SOURCES
from registry.demo.scene import FOUND_MORE

col, lit = pl.col, pl.lit

Weights = dict[str | None, float]

_TYPES: Weights = {"pe": 42, "dvt": 47, "pe_and_dvt": 11}
_SITES: Weights = {
    "proximal_leg": 58,
    "distal_leg": 28,
    "upper_limb": 6,
    "pelvic": 4,
    "ivc": 1,
    "jugular": 1,
    "unknown": 1,
    "not_recorded": 1,
}
_LEGS: Weights = {"proximal_leg": 75, "distal_leg": 25}
_CONFIRMED: dict[str, Weights] = {
    "pe": {"ctpa": 92, "vq_scan": 5, "echocardiogram": 1, "post_mortem": 2},
    "dvt": {"ultrasound": 94, "venography": 4, "other_imaging": 2},
    "pe_and_dvt": {"ctpa": 90, "ultrasound": 10},
}
_SETTINGS: Weights = {"emergency_department": 42, "clinic": 30, "readmission": 22, "primary_care": 3, "other_trust": 3}
_EXTENTS: Weights = {"saddle": 3, "main": 12, "lobar": 25, "segmental": 38, "subsegmental": 12, "not_recorded": 10}
_HOW: dict[str, float] = {
    "imaging_list": 45,
    "coding": 18,
    "anticoagulant_clinic": 18,
    "medical_examiner": 5,
    "other_trust": 2,
    "clinician": 9,
    "incident": 2,
    "not_recorded": 1,
}
_SOURCE_OF = {"other_trust": "other_trusts"}


def with_clots(cases: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """What was found and how. A clot that a post mortem found was found on the day of death."""
    count = cases.height
    kind = draw(rng, count, _TYPES)
    confirmed = draw_by(rng, kind, _CONFIRMED)
    after_death = col("confirmation") == "post_mortem"
    frame = cases.with_columns(
        vte_type=kind,
        dvt_site=draw_by(rng, kind, {"pe": {None: 1}, "dvt": _SITES, "pe_and_dvt": _LEGS}),
        dvt_side=draw_by(rng, kind, {"pe": {None: 1}, "dvt": _sides(), "pe_and_dvt": _sides()}),
        pe_extent=draw_by(rng, kind, {"pe": _EXTENTS, "dvt": {None: 1}, "pe_and_dvt": _EXTENTS}),
        confirmation=confirmed,
        diagnosis_setting=draw(rng, count, _SETTINGS),
        present_on_admission=draw(rng, count, {"no": 95, "unknown": 5}),
        recurrent=draw(rng, count, {"yes": 12, "no": 80, "not_recorded": 8}),
        incidental=draw(rng, count, {"yes": 7, "no": 88, "not_recorded": 5}),
        line_related=draw(rng, count, {"yes": 25, "no": 75}),
        symptoms=pl.Series(rng.integers(0, 9, count)),
        has_symptoms=pl.Series(happens(rng, count, 0.7)),
    )
    upper = col("dvt_site").is_in(["upper_limb", "jugular"])
    return frame.with_columns(
        diagnosis_setting=pl.when(after_death)
        .then(lit("post_mortem"))
        .when(col("in_stay"))
        .then(lit("index_stay"))
        .otherwise("diagnosis_setting"),
        line_related=pl.when(upper).then("line_related"),
    )


def _sides() -> Weights:
    return {"left": 52, "right": 40, "both": 6, "not_recorded": 2}


def with_sources(
    cases: pl.DataFrame, traits: pl.DataFrame, found_more_from: date, rng: np.random.Generator
) -> pl.DataFrame:
    """How each case came to the team: by the sources that its organisation uses in that month."""
    frame = cases.join(traits.select("code", *SOURCES), on="code", how="left", maintain_order="left")
    since = (col("code") == FOUND_MORE) & (col("month") >= found_more_from)
    frame = frame.with_columns((col(source) | since).alias(source) for source in NEW_SOURCES)
    weights = np.column_stack([_weights(frame, how, weight) for how, weight in _HOW.items()])
    reached = rng.random(cases.height)[:, None] * weights.sum(axis=1, keepdims=True)
    place = (np.cumsum(weights, axis=1) <= reached).sum(axis=1)
    return cases.with_columns(how_found=pl.Series(list(_HOW)).gather(np.minimum(place, len(_HOW) - 1)))


def _weights(frame: pl.DataFrame, how: str, weight: float) -> Floats:
    source = _SOURCE_OF.get(how, how)
    used = frame[source].to_numpy() if source in SOURCES else np.ones(frame.height)
    return np.asarray(used * weight, dtype=np.float64)


def with_outcomes(cases: pl.DataFrame, today: int, rng: np.random.Generator) -> pl.DataFrame:
    """`stays_on dies_on died_within_90_days`: a death before the discharge ends the stay on its day."""
    count = cases.height
    after = pl.Series((rng.exponential(35, count)).astype(np.int64))
    post_mortem = col("confirmation") == "post_mortem"
    dies = pl.Series(happens(rng, count, 0.2)) | post_mortem
    known = pl.Series(happens(rng, count, 0.7))
    frame = cases.with_columns(
        dies_on=pl.when(post_mortem).then("found").when(dies & (after <= 90)).then(col("found") + after)
    ).with_columns(dies_on=pl.when(col("dies_on") <= today).then("dies_on"))
    dead = col("dies_on").is_not_null()
    soon = today - col("found") <= 90
    return frame.with_columns(
        left=pl.when(dead).then(pl.min_horizontal("left", "dies_on")).otherwise("left"),
        died_within_90_days=pl.when(dead)
        .then(lit("yes"))
        .when(soon)
        .then(pl.when(known).then(lit("not_yet")))
        .otherwise(draw(rng, count, {"no": 97, "unknown": 3})),
        death_cause=pl.when(dead).then(
            draw(rng, count, {"underlying": 15, "contributory": 20, "not_a_cause": 45, "not_recorded": 20})
        ),
    )
