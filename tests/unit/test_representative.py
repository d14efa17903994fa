"""Representative subsets: the exact optimum where it can be enumerated, invariance, and an honest cross-validation."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmbench.domain.errors import InputError
from qmbench.judging.core_statistics import CORE_STATISTICS
from qmbench.judging.representative import representative

STATISTICS = {s.name: s for s in CORE_STATISTICS}
MAE = STATISTICS["mean_absolute_error"]


def made(seed=0, n=16, levels=6):
    """Errors in a few directions that levels share, as those of methods are, and some of their own."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 2)) * rng.lognormal(size=(n, 1))
    return shared @ rng.normal(size=(2, levels)) + 0.3 * rng.normal(size=(n, levels)), rng.normal(size=n)


def chosen(error, reference, size=4, statistic=MAE, methods=None, **options):
    methods = methods or [f"m{j}" for j in range(error.shape[1])]
    return representative(error, reference, size, statistic, methods, **options)


@pytest.mark.parametrize("seed", range(5))
def test_the_search_finds_what_trying_all_finds(seed):
    error, reference = made(seed, n=14)
    whole = np.abs(error).mean(axis=0)

    def cost(entries):
        return (((np.abs(error[list(entries)]).mean(axis=0) - whole) / whole) ** 2).mean()

    best = min(combinations(range(14), 4), key=cost)
    found = chosen(error, reference)
    assert cost(found.chosen) == pytest.approx(cost(best), rel=1e-6)
    assert found.fitted.relative == pytest.approx(np.sqrt(cost(best)), rel=1e-6)
    assert found.fitted.mean == pytest.approx(np.abs(np.abs(error[list(best)]).mean(axis=0) - whole).mean(), rel=1e-6)


@pytest.mark.parametrize("name", STATISTICS)
def test_every_statistic_is_stood_for_better_than_by_chance(name):
    error, reference = made(n=40)
    found = chosen(error, reference, 8, STATISTICS[name])
    assert found.fitted.relative < 0.5 * found.random.relative
    # What is reported is the statistic of these very entries.
    values = [
        {
            "mean_signed_error": lambda e: e.mean(axis=0),
            "mean_absolute_error": lambda e: np.abs(e).mean(axis=0),
            "root_mean_square_error": lambda e: np.sqrt((e**2).mean(axis=0)),
            "median_absolute_error": lambda e: np.median(np.abs(e), axis=0),
            "percentile_95_absolute_error": lambda e: np.quantile(np.abs(e), 0.95, axis=0),
            "max_absolute_error": lambda e: np.abs(e).max(axis=0),
        }[name](part)
        for part in (error, error[found.chosen])
    ]
    assert found.whole == pytest.approx(values[0], rel=1e-12)
    assert found.subset == pytest.approx(values[1], rel=1e-12)


@given(seed=st.integers(0, 50), factor=st.sampled_from([1e-3, 4.184, 627.5]), shift=st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_units_and_the_order_and_names_of_levels_change_nothing(seed, factor, shift):
    error, reference = made(seed)
    expected = chosen(error, reference)
    turned = np.roll(np.arange(6), shift)
    found = chosen(factor * error[:, turned], factor * reference, methods=[f"z{5 - j}" for j in range(6)])
    assert list(found.chosen) == list(expected.chosen)
    for key in ("fitted", "validated", "random"):
        one, other = getattr(found, key), getattr(expected, key)
        assert one.mean == pytest.approx(factor * other.mean, rel=1e-6)
        assert one.relative == pytest.approx(other.relative, rel=1e-6)
        assert one.tau == pytest.approx(other.tau)


def test_the_same_seed_gives_the_same_and_another_level_of_a_method_adds_nothing():
    error, reference = made(3)
    expected = chosen(error, reference)
    assert list(chosen(error, reference).chosen) == list(expected.chosen)
    twice = np.column_stack([error, error[:, :1]])
    found = chosen(twice, reference, methods=["m0", "m1", "m2", "m3", "m4", "m5", "m0"])
    assert list(found.chosen) == list(expected.chosen)
    assert found.folds == 6
    assert found.validated.relative == pytest.approx(expected.validated.relative, rel=1e-9)


def test_methods_left_out_are_not_seen():
    """Levels that have nothing in common: a subset fits those it was chosen by, and no others than chance does."""
    rng = np.random.default_rng(7)
    error = rng.standard_t(3, size=(60, 8))
    found = chosen(error, np.ones(60), 10)
    assert found.fitted.relative < 0.2 * found.random.relative
    assert found.validated.relative > 0.5 * found.random.relative
    # Levels that are one level but for a factor: what fits one fits all.
    alike = rng.standard_t(3, size=(60, 1)) * np.arange(1.0, 9.0)
    same = chosen(alike, np.ones(60), 10)
    assert same.validated.relative < 0.05 * same.random.relative
    assert same.beaten > 0.95


def test_only_candidates_are_chosen_and_the_whole_stays_the_whole():
    error, reference = made(n=30)
    able = np.arange(30) % 2 == 0
    found = chosen(error, reference, 5, candidates=able)
    assert able[found.chosen].all()
    assert found.whole == pytest.approx(np.abs(error).mean(axis=0))


@pytest.mark.parametrize(
    ("size", "levels", "options", "said"),
    [
        (16, 6, {}, "the whole has 16, so that it takes 1 to 15"),
        (40, 6, {}, "a subset of 40 entries"),
        (4, 3, {}, "errors of 3 methods are known on all of these entries, and it takes 4"),
        (4, 6, {"methods": ["a", "a", "b", "b", "c", "c"]}, "errors of 3 methods"),
        (4, 6, {"candidates": np.arange(16) < 3}, "there are 3 to choose from"),
    ],
)
def test_what_can_not_be_is_one_line(size, levels, options, said):
    error, reference = made()
    with pytest.raises(InputError, match=said):
        chosen(error[:, :levels], reference, size, **options)
