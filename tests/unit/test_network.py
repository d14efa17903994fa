"""The network of comparisons against a published worked example, and the set of best levels against hand
calculations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmbench.judging.best import _entries_needed, model_confidence_set, ranking
from qmbench.judging.network import adjusted_means, arm_weights, components, graph_estimate, p_scores

# Senn, Gavini, Magrez & Scheen, Stat. Methods Med. Res. 22, 169 (2013): glucose-lowering drugs, mean change of HbA1c;
# contrasts and standard errors as in the data set Senn2013 of the R package netmeta.
SENN = """
DeFronzo metf plac -1.90 .1414|Lewin metf plac -.82 .0992|Willms metf acar -.20 .3579|Davidson rosi plac -1.34 .1435
Wolffenbuttel rosi plac -1.10 .1141|Kipnes piog plac -1.30 .1268|Kerenyi rosi plac -.77 .1078
Hanefeld piog metf .16 .0849|Derosa piog rosi .10 .1831|Baksi rosi plac -1.30 .1014|Rosenstock rosi plac -1.09 .2263
Zhu rosi plac -1.50 .1624|Yang rosi metf -.14 .2239|Vongthavaravat rosi sulf -1.20 .1436|Oyama acar sulf -.40 .1549
Costa acar plac -.80 .1432|Hermansen sita plac -.57 .1291|Garber vild plac -.70 .1273|Alex metf sulf -.37 .1184
Johnston94 migl plac -.74 .1839|Johnston98a migl plac -1.41 .2235|Kim rosi metf 0 .2339|Johnston98b migl plac -.68 .2828
Gonzalez metf plac -.40 .4356|Stucci benf plac -.23 .3467|Moulin benf plac -1.01 .1366|Willms metf plac -1.20 .3758
Willms acar plac -1.00 .4669
"""
# What netmeta prints for its common-effect model: estimate against placebo, and P-score (Rücker & Schwarzer 2015).
PRINTED = {
    "acar": (-0.8274, 0.4792),
    "benf": (-0.9052, 0.5727),
    "metf": (-1.1141, 0.8513),
    "migl": (-0.9439, 0.6200),
    "piog": (-1.0664, 0.7686),
    "rosi": (-1.2018, 0.9789),
    "sita": (-0.5700, 0.2386),
    "sulf": (-0.4395, 0.1395),
    "vild": (-0.7000, 0.3512),
}


@pytest.fixture(scope="module")
def senn():
    rows = [line.split() for line in SENN.replace("\n", "|").split("|") if line]
    names = sorted({x for r in rows for x in r[1:3]})
    first, second = (np.array([names.index(r[k]) for r in rows]) for k in (1, 2))
    effect, variance = (np.array([float(r[k]) for r in rows]) for k in (3, 4))
    weight = variance**-2.0
    three = [k for k, r in enumerate(rows) if r[0] == "Willms"]
    arms = sorted({*first[three], *second[three]})
    v = np.zeros((3, 3))
    for k in three:
        a, b = arms.index(first[k]), arms.index(second[k])
        v[a, b] = v[b, a] = variance[k] ** 2
    w = arm_weights(v)
    for k in three:
        weight[k] = w[arms.index(first[k]), arms.index(second[k])]
    study = np.array([r[0] for r in rows])
    return names, first, second, effect, weight, study


def test_a_published_network_is_reproduced_to_its_last_digit(senn):
    names, *given_, study = senn
    found = graph_estimate(*given_, len(names), study)
    against = found.effects - found.effects[names.index("plac")]
    scores = p_scores(found.effects, found.covariance)
    for name, (effect, score) in PRINTED.items():
        assert against[names.index(name)] == pytest.approx(effect, abs=6e-5)
        assert scores[names.index(name)] == pytest.approx(score, abs=6e-5)
    assert found.q == pytest.approx(96.99, abs=0.006)
    assert found.freedom == 18


def test_the_network_is_the_weighted_regression_of_statsmodels(senn):
    from statsmodels.api import WLS

    names, first, second, effect, weight, study = senn
    two_arms = study != "Willms"
    design = np.zeros((two_arms.sum(), len(names)))
    design[np.arange(len(design)), first[two_arms]] = 1.0
    design[np.arange(len(design)), second[two_arms]] -= 1.0
    plac = names.index("plac")
    fit = WLS(effect[two_arms], np.delete(design, plac, axis=1), weights=weight[two_arms]).fit(cov_type="fixed scale")
    ours = graph_estimate(first[two_arms], second[two_arms], effect[two_arms], weight[two_arms], len(names))
    np.testing.assert_allclose(np.delete(ours.effects - ours.effects[plac], plac), fit.params, atol=1e-10)
    c = ours.covariance
    u = np.sqrt(np.diag(c) + c[plac, plac] - 2.0 * c[:, plac])
    np.testing.assert_allclose(np.delete(u, plac), fit.bse, atol=1e-10)


def test_a_full_table_gives_the_mean_absolute_errors():
    absolute = np.abs(np.random.default_rng(1).standard_normal((20, 5)))
    np.testing.assert_allclose(adjusted_means(absolute), absolute.mean(axis=0), rtol=1e-12)


def test_resampled_means_without_gaps_are_those_that_a_gap_leaves_as_they_are():
    rng = np.random.default_rng(5)
    absolute = rng.gamma(2.0, size=(30, 4))
    counts = np.array([np.bincount(rng.integers(0, 30, 30), minlength=30) for _ in range(20)], dtype=np.float32)
    ours = adjusted_means(absolute, counts)
    np.testing.assert_allclose(ours, counts @ absolute / 30, rtol=1e-6)
    # An entry with a gap that is never drawn takes the other way to the same means.
    gap = np.concatenate([absolute, [[1.0, np.nan, 2.0, 3.0]]])
    other = adjusted_means(gap, np.concatenate([counts, np.zeros((20, 1), np.float32)], axis=1))
    np.testing.assert_allclose(other, ours, rtol=1e-8)


def test_what_is_missing_is_made_up_by_what_levels_share():
    """Errors that are hardness times quality: whatever is missing, the full table comes back."""
    rng = np.random.default_rng(2)
    absolute = np.outer(rng.uniform(0.1, 10.0, 40), rng.uniform(0.2, 3.0, 6))
    gaps = absolute.copy()
    gaps[20:, 0] = np.nan  # one level lacks half
    gaps[absolute[:, 0] > np.median(absolute[:, 0]), 1] = np.nan  # and one the hard half
    assert not np.allclose(np.nanmean(gaps, axis=0), absolute.mean(axis=0), rtol=0.05)
    np.testing.assert_allclose(adjusted_means(gaps), absolute.mean(axis=0), rtol=1e-6)


def test_poisson_pseudo_likelihood_agrees_with_statsmodels():
    from statsmodels.api import GLM, families

    rng = np.random.default_rng(3)
    absolute = np.abs(rng.standard_normal((12, 4))) * np.array([1.0, 2.0, 0.5, 1.5])
    absolute[rng.random(absolute.shape) < 0.25] = np.nan
    i, j = np.nonzero(np.isfinite(absolute))
    design = np.zeros((len(i), 12 + 3))
    design[np.arange(len(i)), i] = 1.0
    design[np.flatnonzero(j), 12 + j[j > 0] - 1] = 1.0
    fit = GLM(absolute[i, j], design, family=families.Poisson()).fit(tol=1e-12)
    ours = adjusted_means(absolute)
    np.testing.assert_allclose(np.log(ours[1:] / ours[0]), fit.params[12:], atol=1e-6)


def test_parts_that_share_nothing_are_kept_apart():
    has = np.zeros((6, 4), bool)
    has[:3, :2] = has[3:, 2:] = True
    assert components(has).tolist() == [0, 0, 1, 1]


def test_model_confidence_set_by_hand():
    """Three models and four equally likely resamples.

    Differences from the best are 1 and 4; deviations of the resamples are ±1 for the second and ±2 for the third, so
    the largest t is 4/2 = 2 (third − first), and |deviation|/error reaches at most 1 in each pair of the first with
    another; for the second and third it is 1/1 or 3/3. None reaches 2: the third goes with p = 0. Then t = 1, reached
    by all.
    """
    losses = np.array([1.0, 2.0, 5.0])
    resampled = losses + np.array([[0, 1, 2], [0, -1, -2], [0, 1, 2], [0, -1, -2]], dtype=float)
    np.testing.assert_allclose(model_confidence_set(losses, resampled), [1.0, 1.0, 0.0])


@pytest.mark.parametrize(("n", "equal"), [(10, True), (20, False), (50, True)])
def test_the_best_level_is_in_the_set_as_often_as_promised(n, equal):
    rng = np.random.default_rng(n)
    kept, size, trials = 0, 0, 200
    for _ in range(trials):
        errors = 0.7 * rng.standard_normal((n, 1)) + 0.7 * rng.standard_normal((n, 5))
        if not equal:
            errors[:, 1:] *= 2.0
        found = ranking(np.abs(errors), resamples=300)
        kept += bool(found.among_best[0])
        size += found.among_best.sum()
    assert kept >= 0.92 * trials  # 95 %, less two standard errors of 200 trials
    if not equal:
        assert size < 4.0 * trials  # and it is not everything


@pytest.mark.parametrize("n", [11, 40])
def test_a_few_entries_that_have_most_of_the_error_hide_no_difference_and_make_none(n):
    """Hardness of entries by a log-normal law: levels that are alike stay together as often as promised, and those
    that are thirty times as bad, on every entry, are told apart, where plain means are too skewed."""
    rng = np.random.default_rng(n)
    kept, size, trials = 0, 0, 200

    def errors(spread):
        return np.exp(spread * rng.standard_normal((n, 1))) * np.abs(rng.standard_normal((n, 5)))

    for _ in range(trials):
        kept += bool(ranking(errors(1.0), resamples=300).among_best[0])
    assert kept >= 0.92 * trials  # 95 %, less two standard errors of 200 trials
    for _ in range(50):
        found = ranking(errors(2.0) * np.array([1.0, 30.0, 30.0, 30.0, 30.0]), resamples=300)
        assert found.among_best[0]
        size += found.among_best.sum()
    assert size < 1.5 * 50


def test_levels_without_any_error_and_of_rounding_alone_are_alike():
    rng = np.random.default_rng(2)
    absolute = np.abs(rng.standard_normal((20, 4)))
    absolute[:, 1], absolute[:, 2] = 0.0, 1e-13 * absolute[:, 3]
    assert ranking(absolute, resamples=200).among_best.tolist() == [False, True, True, False]
    assert ranking(np.zeros((20, 3)), resamples=200).among_best.all()


def test_few_entries_say_nothing_and_name_what_is_needed():
    rng = np.random.default_rng(5)
    few = ranking(np.abs(rng.standard_normal((6, 3))))
    assert not few.decided.any()
    assert not few.among_best.any()
    alike = ranking(np.abs(rng.standard_normal((30, 2)) + 0.1 * np.arange(2)))
    assert alike.entries_needed is not None
    assert alike.entries_needed > 30


def test_points_of_few_molecules_do_not_make_a_level_the_best():
    """Three levels on ten points of each of three molecules, of which the first is far better; a fourth has ten more
    molecules, and nothing to be compared with on most of them."""
    rng = np.random.default_rng(3)
    absolute = np.full((40, 4), np.nan)
    absolute[:30, :3] = np.abs(rng.standard_normal((30, 3))) * np.array([0.1, 1.0, 2.0])
    absolute[20:, 3] = 5.0 * np.abs(rng.standard_normal(20))
    molecules = [*(f"curve {i // 10}" for i in range(30)), *map(str, range(10))]
    found = ranking(absolute, molecules, resamples=200)
    assert not found.decided.any()  # nor is the fourth, alone, the best of its kind
    assert not found.among_best.any()
    assert np.isnan(found.low[:3]).all()
    assert ranking(absolute, list(range(40)), resamples=200).among_best.tolist() == [True, False, False, False]


def test_means_are_those_over_the_entries_that_compared_levels_have():
    rng = np.random.default_rng(4)
    absolute = np.full((30, 3), np.nan)
    absolute[:20, :2] = rng.uniform(0.5, 1.5, (20, 2))
    absolute[18:26, 2] = rng.uniform(5.0, 9.0, 8)  # a sample, most of it of entries that are harder
    found = ranking(absolute, resamples=0)
    assert found.mean[:2] == pytest.approx(absolute[:20, :2].mean(axis=0), rel=1e-7)  # of iterations


def test_a_level_with_fewer_than_half_of_the_entries_is_not_compared():
    """Not among the best, and not worse either; its mean and interval stand."""
    rng = np.random.default_rng(3)
    absolute = np.abs(rng.standard_normal((40, 3)))
    absolute[19:, 2] = np.nan
    found = ranking(absolute, resamples=200)
    assert found.decided.tolist() == [True, True, False]
    assert not found.among_best[2]
    assert np.isfinite([found.mean[2], found.low[2], found.high[2]]).all()
    two = ranking(absolute[:, :2], resamples=200)
    np.testing.assert_allclose(found.p_best[:2], two.p_best, atol=0.02)  # the third stands for nothing
    absolute[19, 2] = 1.0  # half of them are enough
    assert ranking(absolute, resamples=200).decided.all()


def test_the_number_of_entries_that_is_named_tells_the_two_apart():
    """By hand: Δ = 0.1 and a standard error of 0.1 from 25 entries need 25·(1.95996 + 0.84162)² = 196.2 entries."""
    spread = np.tile([-0.1, 0.1], 500)
    resampled = np.array([1.0, 1.1]) + np.column_stack([np.zeros(1000), spread])
    assert _entries_needed(np.array([1.0, 1.1]), resampled, 25, 0.95) == 197
    assert _entries_needed(np.array([1.0, 1.3]), resampled, 25, 0.95) is None  # three standard errors: told apart
    # With that many entries, such a difference is significant in four of five cases.
    z = np.random.default_rng(6).normal(0.1 / (0.1 * np.sqrt(25 / 197)), 1.0, 4000)
    assert (np.abs(z) > 1.95996).mean() == pytest.approx(0.8, abs=0.02)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.sampled_from([0.001, 627.5, 4.184]))
def test_ranking_does_not_depend_on_order_names_or_units(seed, factor):
    rng = np.random.default_rng(seed)
    absolute = np.abs(rng.standard_normal((15, 4))) * np.array([1.0, 1.3, 2.0, 0.7])
    absolute[rng.random(absolute.shape) < 0.2] = np.nan
    truth = rng.standard_normal(15)
    one = ranking(absolute, order=np.argsort(truth), resamples=200)
    rows, columns = rng.permutation(15), rng.permutation(4)
    other = ranking(absolute[rows][:, columns] * factor, order=np.argsort(truth[rows]), resamples=200)
    np.testing.assert_allclose(other.mean, one.mean[columns] * factor, rtol=1e-6)
    np.testing.assert_allclose(other.low, one.low[columns] * factor, rtol=1e-4)
    np.testing.assert_array_equal(other.among_best, one.among_best[columns])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_level_that_is_far_worse_changes_nothing_for_the_others(seed):
    rng = np.random.default_rng(seed)
    absolute = np.abs(rng.standard_normal((20, 4)))
    more = np.column_stack([absolute, 50.0 + absolute[:, 0]])
    one, other = ranking(absolute, resamples=200), ranking(more, resamples=200)
    np.testing.assert_allclose(other.mean[:4], one.mean, rtol=1e-9)
    np.testing.assert_allclose(other.p_best[:4], one.p_best)
    assert not other.among_best[4]


def test_the_league_table_compares_levels_that_share_no_entry():
    """Errors that are hardness times quality: two levels are compared through a third, exactly."""
    import pandas as pd

    from qmbench.judging.league import league_table

    rng = np.random.default_rng(8)
    hard, quality = rng.uniform(0.5, 5.0, 20), {"a": 1.0, "b": 2.0, "c": 3.0}
    rows = [
        {"benchmark": "x", "observable": "o", "unit": "u", "level_of_theory": level, "bsse": "", "entry": f"e{i}",
         "reference": float(i), "error": (-1.0) ** i * h * q}
        for level, q in quality.items()
        for i, h in enumerate(hard)
        if not (level == "a" and i >= 10) and not (level == "c" and i < 10)
    ]  # fmt: skip
    table = league_table(pd.DataFrame(rows), resamples=200).set_index(["level_a", "level_b"])
    assert table.loc[("a", "c"), "n_common"] == 0
    assert table.loc[("a", "c"), "difference"] == pytest.approx(2.0 * hard.mean(), rel=1e-6)
    assert table.loc[("a", "c"), "difference_low"] > 0.0
    assert table.loc[("a", "b"), "difference"] == pytest.approx(hard.mean(), rel=1e-6)
