"""Two minutes of the soak that `make bench ARGS=soak` makes for twenty: memory and answers do not grow while trusts send on and on."""

from pathlib import Path

import pytest

from tests.bench.measure import cluster
from tests.bench.soak import soaking

pytestmark = pytest.mark.slow

SECONDS = 120
GROWTH = 1.2
"""Two minutes on a busy machine: caches still fill, and a neighbour may take a processor for a while."""
SLOWER = 3.0
ANSWERED = 5_000.0
"""Milliseconds that are quick enough, however much quicker the first ones were."""


def test_two_minutes_of_sending_leave_memory_and_answers_as_they_were(tmp_path: Path) -> None:
    with cluster() as running:
        figures = list(soaking(running, tmp_path, SECONDS))
    assert len(figures) == 3
    *memory, answers = figures
    assert all(each.ratio <= GROWTH for each in memory), memory
    assert answers.ratio <= SLOWER or answers.figure <= ANSWERED, answers
