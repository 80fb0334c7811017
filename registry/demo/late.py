"""What is sent before the first release of the demonstration, and what comes later: returns, cases and reviews that trusts were late with.

Some organisations return their activity late, others their reviews. Of all others a few cases are found late, mostly of late months, and a
few reviews are sent unfinished first and completed later. Whoever has been sent everything has what was made, whatever came when.
"""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import polars as pl

from registry.demo.chance import Ints, happens
from registry.demo.generating import SEED, Returns
from registry.demo.reviews import UNFINISHED
from registry.demo.scene import FIRST_TRUST, SECOND_TRUST, WELSH_BOARD, Member
from registry.demo.written import Batch, batches
from schemas.record import RecordKind

col = pl.col

LATE_CASES, LATE_CASES_OF_LATE_MONTHS = 0.002, 0.03
COMPLETED_LATER = 0.005
LATE_DAYS = 150
"""Cases diagnosed so many days before the last are of late months."""
AT_ONCE = frozenset({FIRST_TRUST, SECOND_TRUST, WELSH_BOARD})
"""Whoever signs in for these finds everything there."""


def sendings(everybody: Sequence[Member], made: Returns, times: int) -> list[list[Batch]]:
    """The files of each of so many times, organisation by organisation; the same for the same returns.

    A case stands before its review and before the activity of its month, as they must be sent.
    """
    rng = np.random.default_rng(SEED + 1)
    late = [each.code for each in everybody if each.code not in AT_ONCE]
    frames = dict(made.frames)
    cases = frames[RecordKind.CASE].with_columns(at=pl.Series(_found_late(frames[RecordKind.CASE], times, rng)))
    frames[RecordKind.CASE] = cases
    frames[RecordKind.ACTIVITY] = _returned_late(frames[RecordKind.ACTIVITY], late[7::48], times)
    frames[RecordKind.RCA] = _reviewed_late(frames[RecordKind.RCA], cases, late[3::24], times, rng)
    place = {each.code: number for number, each in enumerate(everybody)}
    files = [
        [one for kind, frame in frames.items() for one in batches(kind, _sent(frame, time), made.traits)]
        for time in range(times)
    ]
    return [sorted(each, key=lambda one: place[one.code]) for each in files]


def _found_late(cases: pl.DataFrame, times: int, rng: np.random.Generator) -> pl.Series:
    """At which time each case is sent, 0 for nearly all."""
    recent = cases["diagnosis_date"] >= cases["diagnosis_date"].max() - timedelta(days=LATE_DAYS)  # type: ignore[operator]  # a date
    share = np.where(recent.to_numpy(), LATE_CASES_OF_LATE_MONTHS, LATE_CASES)
    late = happens(rng, cases.height, share) & ~cases["code"].is_in(list(AT_ONCE)).to_numpy()
    return pl.Series(np.where(late, _some_time(rng, cases.height, times), 0))


def _some_time(rng: np.random.Generator, count: int, times: int) -> Ints:
    return rng.integers(1, times, count) if times > 1 else np.zeros(count, dtype=np.int64)


def _returned_late(frame: pl.DataFrame, codes: Sequence[str], times: int) -> pl.DataFrame:
    """Everything of some organisations late, each at a time of its own."""
    when = {code: 1 + number % (times - 1) for number, code in enumerate(codes)} if times > 1 else {}
    return frame.with_columns(at=col("code").replace_strict(when, default=0, return_dtype=pl.Int64))


def _reviewed_late(
    frame: pl.DataFrame, cases: pl.DataFrame, codes: Sequence[str], times: int, rng: np.random.Generator
) -> pl.DataFrame:
    """A review comes with its case or later; `complete_at` is when one that was sent unfinished is whole."""
    key = ["code", "local_case_id"]
    frame = _returned_late(frame, codes, times).join(
        cases.select(*key, case_at="at"), on=key, how="left", maintain_order="left"
    )
    frame = frame.with_columns(at=pl.max_horizontal("at", "case_at")).drop("case_at")
    begun = happens(rng, frame.height, COMPLETED_LATER) & ~frame["code"].is_in(list(AT_ONCE)).to_numpy()
    later = pl.Series(_some_time(rng, frame.height, times))
    return frame.with_columns(complete_at=pl.when(pl.Series(begun) & (col("at") == 0)).then(later).otherwise(0))


def _sent(frame: pl.DataFrame, time: int) -> pl.DataFrame:
    """What is sent of a frame at a time, as it is known then."""
    if "at" not in frame.columns:
        return frame if time == 0 else frame.clear()
    if "complete_at" not in frame.columns:
        return frame.filter(col("at") == time).drop("at")
    sent = frame.filter((col("at") == time) | ((col("complete_at") == time) & (time > 0)))
    unknown = [name for name in sent.columns if name not in ("code", "at", "complete_at", *UNFINISHED)]
    blank = [pl.when(col("complete_at") <= time).then(name).alias(name) for name in unknown]
    return sent.with_columns(blank).drop("at", "complete_at")
