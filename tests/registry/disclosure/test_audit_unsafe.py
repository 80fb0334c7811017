"""The audit fails every publication that is known to be unsafe (statistics.md 6.2 and 6.4), and passes what is not."""

import numpy as np
import pytest

from registry.disclosure.audit import schemes
from registry.disclosure.audit.schemes import Interval
from registry.disclosure.rounding import offset, rounded
from tests.registry.disclosure.tables import bounds, failing, table

KEY = bytes(32)


def hidden(_: str, count: int) -> Interval:
    """1 to 7 as a star, everything else exactly."""
    return (1, 7) if 1 <= count <= 7 else (count, count)


def exact(_: str, count: int) -> Interval:
    return schemes.exact(count)


def hes(_: str, count: int) -> Interval:
    """The rule of Hospital Episode Statistics for one count."""
    return schemes.hes(None if 1 <= count <= 7 else 5 * round(count / 5))


def midpoint(_: str, count: int) -> Interval:
    return schemes.midpoint_6(0 if count == 0 else 6 * -(-count // 6) - 3)


def frozen(name: str, count: int) -> Interval:
    return schemes.rounded(rounded(count, offset(KEY, name)))


def test_two_suppressed_in_every_line_and_one_is_recomputable() -> None:
    """Rows w to z, columns a to d: two squares of hidden cells joined by w|b alone. Each line has two or more hidden, yet w|b is 47."""
    counts = {
        "wa": 5, "wb": 47, "wc": 4, "wd": 60,
        "xa": 3, "xb": 80, "xc": 6, "xd": 71,
        "ya": 90, "yb": 2, "yc": 55, "yd": 7,
        "za": 33, "zb": 5, "zc": 44, "zd": 3,
    }  # fmt: skip
    stars = {"wa", "wb", "wc", "xa", "xc", "yb", "yd", "zb", "zd"}
    lines = [[row + column for column in "abcd"] for row in "wxyz"]
    lines += [[row + column for row in "wxyz"] for column in "abcd"]
    assert all(len(stars & set(line)) >= 2 for line in lines)
    block = table(counts, lines, lambda name, count: None if name in stars else (count, count), exact)
    least, most = bounds(block)["wb"]
    assert (round(least), round(most)) == (47, 47)
    assert failing(block)["wb"] == 0


def test_rolling_windows_unrounded() -> None:
    """Sums of three months, exactly, beside rounded months: two windows differ by two months, and their difference is exact."""
    months = {f"m{place:02d}": count for place, count in enumerate([8, 3, 5, 0, 9, 12, 4, 6, 2, 7, 11, 5])}
    names = list(months)
    windows = [names[place : place + 3] for place in range(10)]
    unsafe = table(months, windows, frozen, exact)
    assert failing(unsafe)
    safe = table(months, [], frozen, exact)
    assert failing(safe) == {}


def test_region_minus_trusts() -> None:
    """The one small trust of a region, from the region's total and the other trusts."""
    counts = {"RAA": 31, "RBB": 4, "RCC": 18, "RDD": 22}
    block = table(counts, [list(counts)], lambda name, count: None if name == "RBB" else (count, count), exact)
    assert failing(block)["RBB"] == 0


def test_six_threes_under_a_three_are_all_one() -> None:
    """Midpoint 6: six cells of 1 to 6 whose sum is 1 to 6 too."""
    counts = {f"c{place}": 1 for place in range(6)}
    block = table(counts, [list(counts)], midpoint, midpoint)
    assert {name: tuple(map(round, both)) for name, both in bounds(block).items()} == dict.fromkeys(counts, (1, 1))
    assert failing(block) == dict.fromkeys(counts, 0)


def test_midpoint_6_shows_nought() -> None:
    block = table({"a": 0, "b": 9}, [], midpoint, midpoint)
    assert failing(block) == {"a": 0}


def test_a_star_narrowed_to_four_by_a_rounded_margin() -> None:
    """HES: a star beside a 10 that is at least 8, under a 10 that is at most 12: the star is 1 to 4, not 1 to 7."""
    block = table({"star": 2, "other": 9}, [["star", "other"]], hes, hes)
    assert tuple(map(round, bounds(block)["star"])) == (1, 4)
    assert failing(block)["star"] == 3


def linked_grid() -> tuple[dict[str, int], list[list[str]]]:
    """48 trust-months with their quarters, years and region-months."""
    chance = np.random.default_rng(36)
    counts = {f"t{t}m{m:02d}": int(chance.poisson(8)) for t in range(4) for m in range(12)}
    quarters = [[f"t{t}m{m:02d}" for m in range(q, q + 3)] for t in range(4) for q in range(0, 12, 3)]
    years = [[f"t{t}m{m:02d}" for m in range(12)] for t in range(4)]
    regions = [[f"t{t}m{m:02d}" for t in range(4)] for m in range(12)]
    return counts, quarters + years + regions


def test_the_linked_grid_by_suppression_hes_and_frozen_offsets() -> None:
    counts, sums = linked_grid()
    small = {name for name, count in counts.items() if 1 <= count <= 7}
    suppressed = failing(table(counts, sums, hidden, hidden), need=1)
    assert len(small & suppressed.keys()) == 22
    nearest = failing(table(counts, sums, hes, hes))
    assert len(small & nearest.keys()) == 1
    assert failing(table(counts, sums, frozen, frozen), need=1) == {}


def test_an_outlier_flag_can_tell_too_much() -> None:
    """A flag that says at least 9 beside a rounded 5, which says at most 9."""
    flag = schemes.flagged(9, 1000)
    published = frozen("a", 9)
    block = table({"a": 9}, [["a"]], lambda *_: (1, 9), lambda *_: flag)
    assert published[1] >= 9
    assert failing(block) == {"a": 0}
    assert schemes.unflagged(9) == (0, 8)


@pytest.mark.parametrize("wrong", [-5, 3])
def test_numbers_that_no_rounding_gives_are_refused(wrong: int) -> None:
    with pytest.raises(ValueError, match="multiple of 5"):
        schemes.rounded(wrong)
