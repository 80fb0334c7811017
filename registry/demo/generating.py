"""The generator: the returns of all organisations, the same for the same members, months, day and seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from registry.demo import clots, planted, returns, stays
from registry.demo.chance import Floats
from registry.demo.places import admissions, expected_cases, traits, trust_months
from registry.demo.reviews import reviews
from registry.demo.scene import FIRST_TRUST, SECOND_TRUST, Member, found_more_from
from registry.demo.window import Window
from registry.demo.written import Batch, batches, case_fields, with_local_ids
from schemas.record import RecordKind

col = pl.col

SEED = 20_100_601  # the month in which risk assessment became mandatory
_CODED_PER_CASE = 1.6
_OF_TRAITS = ("code", "reviewed", "preventable")


@dataclass(frozen=True, slots=True)
class Returns:
    """All that is sent, by kind, each frame with the sender's `code` beside the fields; `traits` says how each writes."""

    traits: pl.DataFrame
    months: pl.DataFrame
    frames: dict[RecordKind, pl.DataFrame]


def generate(everybody: Sequence[Member], *, months: int, on: date, seed: int = SEED) -> Iterator[Batch]:
    """The files of every member for the last `months` whole months before the day `on`, organisation by organisation.

    A case stands before its review and before the activity of its month, as they must be sent.
    """
    yield from files_of(everybody, make_returns(everybody, months=months, on=on, seed=seed))


def files_of(everybody: Sequence[Member], made: Returns) -> list[Batch]:
    """The returns as files, organisation by organisation."""
    files = [each for kind, frame in made.frames.items() for each in batches(kind, frame, made.traits)]
    place = {each.code: number for number, each in enumerate(everybody)}
    return sorted(files, key=lambda each: place[each.code])


def make_returns(everybody: Sequence[Member], *, months: int, on: date, seed: int = SEED) -> Returns:
    """The same as frames. Raises ValueError for fewer than three months."""
    if months < 3:
        raise ValueError("the demonstration needs at least three months")
    rng = np.random.default_rng(seed)
    window = Window(months, on)
    about = traits(everybody, rng)
    each = trust_months(everybody, window).join(about, on="code", how="left", maintain_order="left")
    each = returns.with_states(admissions(each, rng), rng)
    expected = expected_cases(each, found_more_from(window))
    each = each.with_columns(candidates=pl.Series(expected.sum(axis=1) * _CODED_PER_CASE))
    cases = _cases(each, about, expected, window, rng)
    return Returns(about, each, _frames(cases, each, about, window, rng))


def _cases(
    months: pl.DataFrame, about: pl.DataFrame, expected: Floats, window: Window, rng: np.random.Generator
) -> pl.DataFrame:
    """The cases that are known by the day of sending, with everything about them."""
    today = _days(window.on)
    cases = stays.each_case(months, expected, rng)
    cases = stays.with_patients(stays.with_dates(cases, rng), rng)
    cases = planted.with_twists(clots.with_clots(cases, rng), rng)
    cases = clots.with_sources(cases, about, found_more_from(window), rng)
    cases = clots.with_outcomes(_sent(cases, months, today, rng), today, rng)
    cases = planted.with_other_trusts(planted.with_neighbours(cases, about, rng), rng)
    return with_local_ids(planted.with_pairs(cases, today, rng))


def _sent(cases: pl.DataFrame, months: pl.DataFrame, today: int, rng: np.random.Generator) -> pl.DataFrame:
    """Without what is not known yet, and without what is still to come of the partial months."""
    states = cases.join(
        months.select("code", "month", "state"), on=["code", "month"], how="left", maintain_order="left"
    )
    kept = pl.Series(rng.random(cases.height) < returns.PARTIAL_SHARE)
    known = (col("notified") <= today) & (col("found") <= today)
    shown = col("code").is_in([FIRST_TRUST, SECOND_TRUST])
    return states.filter(known & ((col("state") != "partial") | kept | shown)).drop("state")


def _frames(
    cases: pl.DataFrame, months: pl.DataFrame, about: pl.DataFrame, window: Window, rng: np.random.Generator
) -> dict[RecordKind, pl.DataFrame]:
    today = _days(window.on)
    boards = about.filter((col("nation") == "Wales") & (col("mix") != "independent"))["code"].to_list()
    reviewed = cases.join(about.select(_OF_TRAITS), on="code", how="left", maintain_order="left")
    return {
        RecordKind.ORGANISATION_PROFILE: returns.profiles(months, about, found_more_from(window)),
        RecordKind.CASE: case_fields(cases, today, rng),
        RecordKind.RCA: reviews(reviewed, today, rng),
        RecordKind.ACTIVITY: returns.activity(months, cases, rng),
        RecordKind.ACTIVITY_STRATA: returns.strata(months, window),
        RecordKind.WALES_QUARTER: returns.wales_quarters(months, boards, rng),
    }


def _days(day: date) -> int:
    return (day - date(1970, 1, 1)).days
