"""The reviews of the cases: most are done, some have begun, some are still to come."""

import numpy as np
import polars as pl

from registry.demo.chance import days_about, draw, draw_by, happens

col, lit = pl.col, pl.lit

Weights = dict[str | None, float]

_NOT_PREVENTABLE: Weights = {
    "prophylaxis_failure": 68,
    "contraindicated": 12,
    "not_indicated": 10,
    "unclassifiable": 5,
    "not_hat": 4,
    "inadequate_prophylaxis": 1,
}
_FELL_SHORT: Weights = {
    "missed_doses": 31,
    "not_prescribed": 24,
    "delayed_start": 15,
    "wrong_dose": 12,
    "extended": 8,
    "mechanical": 6,
    "not_restarted": 4,
}
_FACTORS: Weights = {
    "communication": 25,
    "staff|tasks": 15,
    "tasks": 15,
    "communication|team": 15,
    "tools": 10,
    "person": 10,
    "organisation|staff": 10,
}
_REASONS: Weights = {
    "refused": 22,
    "not_signed": 20,
    "no_documented_reason": 18,
    "patient_unavailable": 14,
    "drug_not_available": 10,
    "procedure_hold": 6,
    "clinical_decision": 4,
    "not_signed|patient_unavailable": 6,
}
_RESPONSES: Weights = {"mdt": 45, "thematic": 20, "after_action": 20, "swarm": 10, "rca": 5}
_JUDGES: Weights = {
    "thrombosis_consultant": 40,
    "vte_nurse": 25,
    "index_consultant": 15,
    "panel": 15,
    "pharmacist": 5,
}
_AGENTS: Weights = {
    "enoxaparin": 50,
    "dalteparin": 30,
    "tinzaparin": 10,
    "fondaparinux": 3,
    "heparin": 4,
    "apixaban": 3,
}
_LEARNT: Weights = {
    "Missed doses were marked as refused without anybody asking why.": 3,
    "The dose was not looked at again after the weight had been measured.": 2,
    "Nobody took charge of restarting prophylaxis after the second operation.": 2,
    "The extended course was planned but left out of the discharge prescription.": 2,
    "The assessment was copied from the earlier stay.": 1,
}
_PRACTICE: Weights = {
    "The pharmacist corrected the dose on the first ward round.": 1,
    "Written information was explained with an interpreter.": 1,
}
UNFINISHED = ("local_case_id", "response_type", "risk_assessed", "assessed_within_14_hours")
"""The fields of a review that has only begun."""


def reviews(cases: pl.DataFrame, today: int, rng: np.random.Generator) -> pl.DataFrame:
    """`code` and the fields of a review, for cases that their own organisation reviews. `cases` has the traits beside it."""
    own = cases.filter(
        col("attributed_organisation").is_null() & (col("twist").is_null() | (col("twist") == "earlier_stay_given"))
    )
    taken_up = happens(rng, own.height, own["reviewed"].to_numpy())
    judged = own["notified"].to_numpy() + days_about(rng, own.height, 40.0, 0.6, 180)
    # Drawn by a generator of its own: what else is made stays as it was before this was asked.
    [aside] = rng.spawn(1)
    frame = own.with_columns(judged=pl.Series(judged), done=pl.Series(taken_up & (judged <= today)))
    begun = pl.Series(happens(rng, own.height, 0.35))
    frame = frame.filter(col("done") | (begun & (col("notified") + 7 <= today)))
    for step in (_found, _assessed, _prevented, _concluded):
        frame = step(frame, rng)
    frame = frame.with_columns(missed_dose_reasons=_reasons(frame, aside))
    fields = [name for name in _FIELDS if name not in UNFINISHED]
    return frame.select("code", *UNFINISHED, *(pl.when("done").then(name).alias(name) for name in fields))


_FIELDS = (
    *UNFINISHED[:2],
    "judged_by",
    "judged_on",
    *UNFINISHED[2:],
    "assessment_correct",
    "prophylaxis_indicated",
    "prophylaxis_prescribed",
    "prophylaxis_given",
    "first_dose_within_14_hours",
    "doses_missed_avoidably",
    "mechanical",
    "extended",
    "category",
    "inadequacies",
    "preventability",
    "would_have_changed_outcome",
    "contributory_factors",
    "candour_threshold_met",
    "candour_told_on",
    "learning_point",
    "notable_practice",
    "actions",
    "agent",
    "dose_fit",
    "missed_dose_reasons",
)


def _found(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Finding, preventability, and what fell short. A failure of adequate prophylaxis names nothing."""
    count = frame.height
    preventable = pl.Series(happens(rng, count, frame["preventable"].to_numpy()))
    serious = pl.Series(happens(rng, count, 0.08)) & (frame["nation"] == "England")
    gap = draw(rng, count, {None: 88, "assessed_late": 7, "documentation": 5})
    frame = frame.with_columns(
        category=pl.when(preventable).then(lit("inadequate_prophylaxis")).otherwise(draw(rng, count, _NOT_PREVENTABLE)),
        preventability=pl.when(preventable & serious)
        .then(lit("preventable_psii"))
        .when(preventable)
        .then(lit("preventable"))
        .otherwise(lit("not_preventable")),
        is_preventable=preventable,
    )
    inadequate = col("category") == "inadequate_prophylaxis"
    frame = frame.with_columns(
        short=pl.when(inadequate).then(draw(rng, count, _FELL_SHORT)),
        gap=pl.when(col("category") != "prophylaxis_failure").then(gap),
    )
    return frame.with_columns(
        inadequacies=pl.concat_str("short", "gap", separator="|", ignore_nulls=True).replace("", None)
    )


def _assessed(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    count = frame.height
    late = col("gap").eq_missing(lit("assessed_late"))
    drawn = draw(rng, count, {"complete": 94, "incomplete": 3, "no": 2, "exempt_cohort": 1})
    frame = frame.with_columns(risk_assessed=pl.when(late).then(lit("complete")).otherwise(drawn))
    none = col("risk_assessed") == "no"
    return frame.with_columns(
        assessed_within_14_hours=pl.when(none)
        .then(lit("not_applicable"))
        .when(late)
        .then(lit("no"))
        .otherwise(draw(rng, count, {"yes": 93, "no": 3, "not_recorded": 4})),
        assessment_correct=pl.when(none)
        .then(lit("not_applicable"))
        .otherwise(draw(rng, count, {"correct": 88, "incorrect": 6, "cannot_say": 6})),
    )


def _short(what: str) -> pl.Expr:
    return col("short").eq_missing(lit(what))


def _prevented(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The answers about prophylaxis, in agreement with the finding."""
    count = frame.height
    category = col("category")
    answers = frame.with_columns(
        prophylaxis_indicated=category.replace_strict(
            {"contraindicated": "contraindicated", "not_indicated": "no", "unclassifiable": "unknown"}, default="yes"
        ),
        prophylaxis_prescribed=pl.when(category.is_in(["contraindicated", "not_indicated"]) | _short("not_prescribed"))
        .then(lit("no"))
        .otherwise(lit("yes")),
        mechanical=pl.when(_short("mechanical"))
        .then(lit("omitted"))
        .when(category == "contraindicated")
        .then(lit("applied"))
        .otherwise(draw(rng, count, {"none_indicated": 60, "applied": 40})),
        extended=pl.when(_short("extended")).then(lit("omitted")).otherwise(_extended(frame, rng)),
        doses_missed_avoidably=pl.when(_short("missed_doses")).then(pl.Series(rng.integers(1, 7, count))).otherwise(0),
    )
    none = col("prophylaxis_prescribed") == "no"
    return answers.with_columns(
        prophylaxis_given=pl.when(none)
        .then(lit("not_applicable"))
        .when(_short("missed_doses"))
        .then(lit("partly"))
        .otherwise(lit("yes")),
        first_dose_within_14_hours=pl.when(none)
        .then(lit("not_applicable"))
        .when(_short("delayed_start"))
        .then(lit("no"))
        .otherwise(lit("yes")),
        agent=pl.when(none).then(lit("none")).otherwise(draw(rng, count, _AGENTS)),
        dose_fit=pl.when(none)
        .then(lit("not_applicable"))
        .when(_short("wrong_dose"))
        .then(lit("too_low"))
        .otherwise(lit("right")),
    )


def _reasons(frame: pl.DataFrame, rng: np.random.Generator) -> pl.Expr:
    """Why doses were missed, of most reviews in which any were."""
    said = pl.Series(happens(rng, frame.height, 0.8))
    return pl.when(_short("missed_doses") & said).then(draw(rng, frame.height, _REASONS))


def _extended(frame: pl.DataFrame, rng: np.random.Generator) -> pl.Series:
    seldom: Weights = {"not_expected": 97, "not_recorded": 3}
    weights = dict.fromkeys(("medical", "obstetric", "critical_care"), seldom)
    often: dict[str, Weights] = {
        "surgical": {"not_expected": 70, "given": 30},
        "orthopaedic_trauma": {"not_expected": 30, "given": 70},
    }
    return draw_by(rng, frame["admission_group"], weights | often)


def _concluded(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Who judged and when, candour, learning, and the kind of response: a screening review only where nothing fell short."""
    count = frame.height
    preventable = col("is_preventable")
    candour = preventable & pl.Series(happens(rng, count, 0.5))
    writes = pl.Series(happens(rng, count, 0.35))
    frame = frame.with_columns(
        judged_by=draw(rng, count, _JUDGES),
        judged_on=col("judged").cast(pl.Int32).cast(pl.Date),
        would_have_changed_outcome=pl.when(preventable)
        .then(draw(rng, count, {"likely": 35, "cannot_say": 50, "unlikely": 15}))
        .otherwise(draw(rng, count, {"unlikely": 70, "cannot_say": 30})),
        contributory_factors=pl.when(preventable).then(draw(rng, count, _FACTORS)),
        candour_threshold_met=pl.when(candour).then(lit("yes")).otherwise(lit("no")),
        candour_told_on=pl.when(candour)
        .then(col("found") + pl.Series(rng.integers(0, 4, count)))
        .cast(pl.Int32)
        .cast(pl.Date),
        learning_point=pl.when(preventable & writes).then(draw(rng, count, _LEARNT)),
        notable_practice=pl.when(~preventable & pl.Series(happens(rng, count, 0.03))).then(draw(rng, count, _PRACTICE)),
        actions=pl.when(preventable).then(pl.Series(rng.integers(0, 4, count))).otherwise(0),
    )
    return frame.with_columns(response_type=_response(frame, rng))


def _response(frame: pl.DataFrame, rng: np.random.Generator) -> pl.Expr:
    clean = (
        ~col("is_preventable")
        & col("inadequacies").is_null()
        & col("risk_assessed").is_in(["complete", "exempt_cohort"])
        & pl.Series(happens(rng, frame.height, 0.65))
    )
    return (
        pl.when(col("nation") == "Wales")
        .then(lit("rca"))
        .when(clean)
        .then(lit("screening"))
        .when(col("preventability") == "preventable_psii")
        .then(lit("psii"))
        .otherwise(draw(rng, frame.height, _RESPONSES))
    )
