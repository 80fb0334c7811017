"""The same figures as scipy and statsmodels give where they have them, on counts drawn at random and always the same."""

from collections.abc import Iterator
from random import Random

import pytest
from scipy.stats import chi2, poisson
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from statsmodels.stats.rates import test_poisson_2indep as poisson_2indep

from registry.statistics.agreement import cohen_kappa
from registry.statistics.contrasts import rate_ratio, share_difference
from registry.statistics.funnels import ratio_limit
from registry.statistics.rates import count_limits, proportion


def drawn() -> Iterator[Random]:
    random = Random(5)
    return (random for _ in range(60))


def test_exact_limits_are_those_of_the_chi_square() -> None:
    for events in range(1, 10):
        wanted = chi2.ppf(0.025, 2 * events) / 2, chi2.ppf(0.975, 2 * events + 2) / 2
        assert count_limits(events) == pytest.approx(wanted, rel=1e-12)


def test_shares_and_their_difference() -> None:
    for random in drawn():
        whole, other = random.randint(1, 5000), random.randint(1, 5000)
        part, before = random.randint(0, whole), random.randint(0, other)
        share = proportion(part, whole)
        assert (share.lower, share.upper) == pytest.approx(proportion_confint(part, whole, method="wilson"), abs=1e-12)
        found = share_difference(before, other, part, whole).estimate
        wanted = confint_proportions_2indep(part, whole, before, other, method="newcomb", compare="diff")
        assert (found.lower, found.upper) == pytest.approx(wanted, abs=1e-12)


def test_the_p_of_a_rate_ratio() -> None:
    for random in drawn():
        after, before = random.randint(0, 60), random.randint(1, 60)
        people, others = random.randint(100, 9000), random.randint(100, 9000)
        wanted = poisson_2indep(after, people, before, others, method="exact-cond").pvalue
        assert rate_ratio(before, others, after, people).p == pytest.approx(wanted, abs=1e-12)


def test_kappa_and_its_error() -> None:
    for random in drawn():
        table = [[random.randint(1, 40) for _ in range(3)] for _ in range(3)]
        wanted = cohens_kappa(table)
        assert cohen_kappa(table) == pytest.approx((wanted.kappa, wanted.std_kappa), rel=1e-9)


def test_funnel_limits_are_interpolated_between_the_counts_around_them() -> None:
    for random in drawn():
        expected = random.uniform(0.5, 200)
        for tail in (0.001, 0.025, 0.975, 0.999):
            count = poisson.ppf(tail, expected)
            here, before = poisson.cdf([count, count - 1], expected)
            wanted = max(0.0, (count - (here - tail) / (here - before)) / expected)
            assert ratio_limit(expected, tail) == pytest.approx(wanted, abs=1e-12)
