"""Verdicts on planted cases, and that names, order and units never change them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from qmbench.data.benchmark import benchmark_folders, find_benchmark
from qmbench.judging.columns import Column, Group, approximation
from qmbench.judging.disagree_document import disagree_document, has_numerical_bars
from qmbench.judging.disagreement import (
    _prepare,
    benjamini_hochberg_cut,
    disagreement,
    independent_votes,
    judge,
)
from qmbench.judging.frame import REFERENCE_COLUMNS, RESULT_COLUMNS, references_frame
from qmbench.judging.grouping import (
    SPLIT_SIGNIFICANCE,
    agglomerate,
    critical_gap,
    largest_gap,
    scatter_within,
    split_by_gaps,
)
from qmbench.judging.trends import (
    HUBER,
    HUBER_VARIANCE,
    class_p,
    level_differences,
    rank_p,
    regress,
    regress_each,
    trends,
    tried_trends,
    without_one,
    without_one_each,
)
from qmbench.report.disagree_text import COLUMNS, legend_lines, rows, summary_lines, verdict_text, z_text

NAMES = ("ref", "a", "b", "c", "d", "e")


def group(
    values, uncertainties, names=NAMES, unit="kcal/mol", observable="interaction_energy", reference="ref", **more
):
    """values: (entries, methods); uncertainties: the same, or a number, or None for none stated."""
    value = np.atleast_2d(np.array(values, dtype=float))
    u = np.full(value.shape, np.nan if uncertainties is None else 1.0)
    u = u if uncertainties is None else u * np.array(uncertainties, dtype=float)
    shape = value.shape
    columns = tuple(Column(n, "computed", n, is_default_reference=n == reference) for n in names[: shape[1]])
    fields = {
        "benchmark": "planted",
        "observable": observable,
        "unit": unit,
        "entries": tuple(f"e{i}" for i in range(shape[0])),
        "columns": columns,
        "value": value,
        "uncertainty": u,
        "kind": np.where(np.isfinite(u), "statistical", None),
        "wall_s": np.full(shape, np.nan),
        "status": np.full(shape, "ok", dtype=object),
        "tags": ((),) * shape[0],
        "subsets": ((),) * shape[0],
        "curve": ("",) * shape[0],
        "coordinate": np.full(shape[0], np.nan),
    }
    return Group(**{**fields, **more})


def verdict(values, uncertainties, **options):
    (judged,) = disagreement([group(values, uncertainties, **options)])
    return judged.verdicts[0], [c.name for c in judged.group.columns]


# --- planted cases ---

CAMPS = [-20.0, -20.1, -20.2, -18.0, -18.1, -17.9]
PLANTED = {
    "agree": ([-20.0, -20.1, -19.9, -20.05, -19.95, -20.0], 0.1, "agree", []),
    "one outlier": ([-20.0, -20.1, -19.9, -17.0, -19.95, -20.0], 0.1, "one_outlier", ["c"]),
    "two camps": (CAMPS, 0.1, "camps", []),
    "a wrong reference": ([-15.0, -20.1, -19.9, -20.05, -19.95, -20.0], 0.1, "suspect_reference", ["ref"]),
    "huge uncertainties": (CAMPS, 8.0, "inconclusive", []),
}


@pytest.mark.parametrize("case", PLANTED)
def test_planted_case(case):
    values, u, wanted, outliers = PLANTED[case]
    found, names = verdict(values, u)
    assert found.verdict == wanted, found.reason
    assert [names[i] for i in found.outliers] == outliers


@pytest.mark.parametrize("case", ["agree", "one outlier", "two camps", "a wrong reference"])
def test_planted_case_without_stated_uncertainties(case):
    values, _, wanted, outliers = PLANTED[case]
    found, names = verdict(values, None)
    assert found.verdict == wanted, found.reason
    assert [names[i] for i in found.outliers] == outliers


def test_the_camps_are_named():
    found, names = verdict(CAMPS, 0.1)
    assert sorted(sorted(names[i] for i in camp) for camp in found.camps) == [["a", "b", "ref"], ["c", "d", "e"]]


def test_planted_cases_are_found_nearly_always():
    """2,000 noisy realisations of each case; wrong verdicts stay rare at a false discovery rate of 5 %."""
    rng = np.random.default_rng(11)
    n, u = 2000, 0.1
    cases = {
        "agree": np.zeros(6),
        "one_outlier": np.array([0, 0, 0, 1.0, 0, 0]),
        "camps": np.array([0, 0, 0, 1.0, 1.0, 1.0]),
        "suspect_reference": np.array([1.0, 0, 0, 0, 0, 0]),
    }
    truth = np.repeat(list(cases.values()), n, axis=0) - 20.0
    (judged,) = disagreement([group(truth + u * rng.standard_normal(truth.shape), u)])
    for k, wanted in enumerate(cases):
        counts = Counter(v.verdict for v in judged.verdicts[k * n : (k + 1) * n])
        assert counts[wanted] >= 0.93 * n, (wanted, counts)


def test_noise_alone_is_called_a_contradiction_at_the_stated_rate():
    """Without any real difference, the chance that a report holds a contradiction is 5 % at most (three sigma)."""
    rng = np.random.default_rng(1)
    alarms, reports = 0, 500
    for _ in range(reports):
        (judged,) = disagreement([group(-20 + 0.1 * rng.standard_normal((10, 5)), 0.1)])
        alarms += any(v.verdict != "agree" for v in judged.verdicts)
    assert alarms / reports <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / reports)


def test_two_methods_that_contradict_each_other_are_two_camps():
    found, _ = verdict([-20.0, -18.0], 0.1)
    assert found.verdict == "camps"
    assert found.outliers == ()


def test_two_deterministic_methods_can_not_be_judged():
    assert verdict([-20.0, -15.0], None)[0].verdict == "inconclusive"
    assert verdict([-20.0, -20.0001], None)[0].verdict == "agree"


def test_a_value_too_uncertain_to_take_sides_takes_none():
    found, names = verdict([-20.0, -20.1, -19.0, -18.0, -18.1], [0.1, 0.1, 3.0, 0.1, 0.1])
    assert found.verdict == "camps"
    assert [names[i] for i in found.undecided] == ["b"]


def test_methods_that_share_an_approximation_are_one_vote():
    shared = (("functional", "pbe"),)
    columns = [Column(n, "computed", n, families=shared) for n in "abc"]
    assert independent_votes(columns) == 1
    assert independent_votes([*columns, Column("d", "computed", "d")]) == 2
    chain = [
        Column("x", "computed", "x", families=(("functional", "pbe"), ("program", "p"))),
        Column("y", "computed", "y", families=(("reference", "hf"), ("functional", "pbe"))),
        Column("z", "computed", "z", families=(("reference", "hf"), ("program", "q"))),
    ]
    assert independent_votes(chain) == 1
    same_program = [Column(n, "computed", n, families=(("program", "p"),)) for n in "ab"]
    assert independent_votes(same_program) == 2


def test_what_the_outsider_shares_too_can_not_explain_why_it_differs():
    basis = (("basis", "cc-pvdz"),)
    camp = [Column(n, "computed", n, families=basis) for n in "ab"]
    assert independent_votes(camp, Column("c", "computed", "c", families=basis)) == 2
    assert independent_votes(camp, Column("reference", "reference", "")) == 1


def test_a_precise_reference_is_not_convicted_by_methods_that_scatter_widely():
    """Dissociation energy of N2: two precise values, and four without stated uncertainty, 130 kcal/mol apart."""
    g = group(
        [[228.4, 97.0, 240.0, 212.0, 200.0, 228.9]],
        [[0.01, np.nan, np.nan, np.nan, np.nan, 0.01]],
        names=("exact", "hf", "pbe", "mp2", "ccsd(t)", "experiment"),
        reference="exact",
    )
    (judged,) = disagreement([g])
    found = judged.verdicts[0]
    assert found.verdict == "camps"
    assert {tuple(g.columns[i].name for i in c) for c in found.camps} >= {("exact",), ("experiment",)}


def test_agreement_within_one_family_does_not_convict_an_outsider():
    g = group([-20.0, -20.1, -19.9, -15.0], 0.1, reference="")
    family = tuple(Column(c.name, "computed", c.name, families=(("functional", "pbe"),)) for c in g.columns[:3])
    (judged,) = disagreement([Group(**{**g.__dict__, "columns": (*family, g.columns[3])})])
    assert judged.verdicts[0].verdict == "camps"


def test_total_energies_are_judged_by_differences_not_by_their_size():
    values = [-76.0, -76.3, -76.31, -76.305]
    close = [-76.3, -76.3001, -76.30005, -76.30002]
    options = {"unit": "hartree", "observable": "total_energy", "reference": ""}
    assert verdict(values, None, **options)[0].verdict == "one_outlier"
    assert verdict(close, None, **options)[0].verdict == "agree"
    assert verdict([-76.3, -76.2, -76.4], 0.1, **options)[0].verdict == "inconclusive"


# --- what must not matter ---


@st.composite
def cases(draw):
    n = draw(st.integers(2, 7))
    values = draw(st.lists(st.floats(-30, -5), min_size=n, max_size=n))
    stated = draw(st.lists(st.sampled_from([None, 0.05, 0.3, 1.0, 5.0]), min_size=n, max_size=n))
    order = draw(st.permutations(range(n)))
    names = draw(st.lists(st.text("abcxyz/()-", min_size=1, max_size=8), min_size=n, max_size=n, unique=True))
    return np.array(values), np.array([math.nan if u is None else u for u in stated]), list(order), names


@settings(max_examples=80, deadline=None)
@given(cases(), st.sampled_from(["hartree", "kJ/mol", "cm-1", "meV"]))
def test_names_order_and_units_never_change_a_verdict(case, unit):
    from qmbench.domain.units import factor

    values, u, order, names = case
    base, old = verdict(values, u, names=[f"m{i}" for i in range(len(values))], reference="m0")
    f = factor("kcal/mol", unit)
    new_names = [names[i] for i in order]
    other, new = verdict(f * values[order], f * u[order], names=new_names, reference=names[0], unit=unit)
    back = {name: f"m{i}" for i, name in enumerate(names)}
    assert other.verdict == base.verdict
    assert {back[new[i]] for i in other.outliers} == {old[i] for i in base.outliers}
    assert {frozenset(back[new[i]] for i in c) for c in other.camps} == {
        frozenset(old[i] for i in c) for c in base.camps
    }


# --- the parts ---


def test_benjamini_hochberg_agrees_with_scipy():
    from scipy.stats import false_discovery_control

    rng = np.random.default_rng(3)
    p = np.concatenate([rng.uniform(0, 1, 500), rng.uniform(0, 1e-3, 40)])
    cut = benjamini_hochberg_cut(p[p <= 0.05], len(p), 0.05)
    assert (p <= cut).sum() == (false_discovery_control(p) <= 0.05).sum()
    assert benjamini_hochberg_cut(np.array([0.04]), 10, 0.05) == 0.0


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2])
def test_benjamini_hochberg_agrees_with_statsmodels(rate):
    rng = np.random.default_rng(17)
    for share in (0.0, 0.1, 0.6):
        p = np.where(rng.random(400) < share, rng.beta(0.2, 20, 400), rng.uniform(0, 1, 400))
        cut = benjamini_hochberg_cut(p[p <= rate], len(p), rate)
        assert (p <= cut).tolist() == multipletests(p, rate, "fdr_bh")[0].tolist()


def test_discoveries_are_the_same_pairs_that_scipy_finds():
    from scipy.stats import false_discovery_control, norm

    rng = np.random.default_rng(9)
    values, u = -20 + rng.normal(0, 0.4, (30, 5)), rng.uniform(0.05, 0.4, (30, 5))
    (judged,) = disagreement([group(values, u)])
    i, j = np.triu_indices(5, 1)
    z = np.abs(values[:, i] - values[:, j]) / np.hypot(u[:, i], u[:, j])
    wanted = false_discovery_control(2 * norm.sf(z.ravel())).reshape(z.shape) <= 0.05
    assert judged.significant.tolist() == wanted.sum(axis=1).tolist()
    assert judged.max_z == pytest.approx(z.max(axis=1))


@pytest.mark.parametrize("n", [3, 5, 9, 20])
def test_normal_scatter_is_split_as_seldom_as_promised(n):
    samples = np.sort(np.random.default_rng(n).standard_normal((20000, n)), axis=1)
    assert np.mean(largest_gap(samples)[1] > critical_gap(n)) == pytest.approx(SPLIT_SIGNIFICANCE, abs=0.012)


def test_two_far_outliers_on_both_sides_do_not_hide_each_other():
    values = np.array([-78.3, -42.3, -41.1, -37.7, -36.3, -33.7, -28.4, -28.2, -27.5, -25.8, 12.5])
    groups = split_by_gaps(values, 1.0)
    assert [len(g) for g in groups] == [1, 9, 1]


def test_agglomeration_keeps_homogeneous_values_together():
    values, u = np.array([0.0, 0.1, 5.0, 5.1, 0.05]), np.full(5, 0.1)
    assert [sorted(c.tolist()) for c in agglomerate(values, u)] == [[0, 1, 4], [2, 3]]


# --- trends ---


def student_reach(n):
    from scipy.stats import t

    return float(t.ppf(0.975, n - 2))


@pytest.mark.parametrize("n", [6, 12, 60])
def test_regression_without_uncertainties_is_huber_s_proposal_2(n):
    """An independent implementation: statsmodels."""
    from statsmodels.api import RLM, add_constant
    from statsmodels.robust.norms import HuberT
    from statsmodels.robust.scale import HuberScale

    rng = np.random.default_rng(n)
    x = rng.uniform(0, 10, n)
    y = 0.3 * x + rng.standard_t(2, n)
    scale = HuberScale(d=HUBER, tol=1e-11, maxiter=2000)
    want = RLM(y, add_constant(x), M=HuberT(HUBER)).fit(scale_est=scale, tol=1e-11, maxiter=2000)
    got = regress(x, y)
    assert (got["intercept"], got["slope"]) == pytest.approx(tuple(want.params), rel=1e-5)
    assert got["slope_high"] - got["slope"] == pytest.approx(student_reach(n) * want.bse[1], rel=1e-5)


def test_regression_weighs_by_uncertainties():
    """Where they explain the scatter, and nothing is far off, it is weighted least squares, also by statsmodels."""
    from statsmodels.api import WLS, add_constant

    rng = np.random.default_rng(2)
    x, u = np.arange(12.0), rng.uniform(0.5, 4.0, 12)
    y = 1.0 - 0.2 * x + 0.5 * u * rng.uniform(-1, 1, 12)
    want = WLS(y, add_constant(x), weights=1 / u**2).fit()
    got = regress(x, y, u)
    assert (got["intercept"], got["slope"]) == pytest.approx(tuple(want.params), rel=1e-4)
    error = np.sqrt(want.normalized_cov_params[1, 1])  # of the stated uncertainties, not of the smaller scatter
    assert got["slope_high"] - got["slope"] == pytest.approx(
        np.sqrt(HUBER_VARIANCE) * student_reach(12) * error, rel=0.01
    )


def test_a_line_does_not_depend_on_those_that_are_fitted_beside_it():
    """Nor does what is left of it without one entry: of series with other lengths, scatters and points missing."""
    rng = np.random.default_rng(11)
    shape = (40, 17)
    x, u = rng.integers(0, 9, shape) * 1.0, rng.uniform(0, 0.3, shape)
    y = 0.2 * x + 10.0 ** rng.uniform(-3, 3, (40, 1)) * rng.standard_t(2, shape)
    y[rng.uniform(size=shape) < 0.3] = np.nan
    x[rng.uniform(size=shape) < 0.1] = np.nan
    x[3], x[4], y[5, 4:] = 1.0, 2.0, np.nan  # nothing to fit, all but one the same, too few points
    x[4, 0], y[4, 0] = 1.0, 0.0
    together = regress_each(x, y, u)
    alone = [regress(*row) for row in zip(x, y, u, strict=True)]
    assert together[3] is None
    assert together[5] is None
    there = [k for k, fit in enumerate(alone) if fit is not None]
    assert len(there) >= 35
    assert [k for k, fit in enumerate(together) if fit is not None] == there
    for k in there:
        assert together[k] == pytest.approx(alone[k], rel=1e-9)
        has = np.isfinite(x[k]) & np.isfinite(y[k])
        assert regress(x[k, has], y[k, has], u[k, has]) == pytest.approx(alone[k], rel=1e-9)
    without = without_one_each(x[there], y[there], u[there], [alone[k] for k in there])
    for k, (entry, fit) in zip(there, without, strict=True):
        one, wanted = without_one(x[k], y[k], u[k], alone[k])
        assert entry == one
        if k == 4:
            assert (entry, fit["slope_low"], fit["p"]) == (0, None, 1.0)
            continue
        assert fit == pytest.approx(wanted, rel=1e-9)
        # By hand: that entry's fit is what counts, where there is less of a trend without it.
        left = regress(np.delete(x[k], entry), np.delete(y[k], entry), np.delete(u[k], entry))
        if left is not None:
            assert fit["p"] == pytest.approx(max(left["p"], alone[k]["p"]), rel=1e-6)


def test_intervals_cover_and_false_trends_are_as_rare_as_they_say():
    """2000 series without a trend, of points with very different error bars, some too small by a common scatter."""
    rng = np.random.default_rng(3)
    x = np.arange(10.0)
    small = 0
    for _ in range(2000):
        u = rng.choice([0.1, 0.3, 2.0], 10)
        small += regress(x, rng.normal(0, np.sqrt(u**2 + 0.2**2)), u)["p"] < 0.05
    assert 0.02 * 2000 < small < 0.075 * 2000


def series(noisy=0.0, slope=0.0, seed=4, sigma=2.0, last=130.0):
    """Two methods on 12 systems that grow, the last one off by `noisy` times 2 and said to be known to `sigma`."""
    rng = np.random.default_rng(seed)
    size = np.append(np.arange(20.0, 130.0, 10.0), last)
    u = np.full((12, 2), 0.05)
    a = -0.2 * size + u[:, 0] * rng.standard_normal(12)
    b = -0.2 * size + slope * size + u[:, 1] * rng.standard_normal(12)
    u[-1, 1] = sigma
    b[-1] += noisy * 2.0
    tags = tuple((f"atoms:{int(s)}",) for s in size)
    g = group(np.stack([a, b], axis=1), u, names=("cc", "dmc"), tags=tags)
    return next(t for t in trends(g, u) if t["on"] == "atoms")


@pytest.mark.parametrize("sigma", [2.0, 0.05])
@pytest.mark.parametrize("noisy", [-3.0, 2.0, 10.0])
@pytest.mark.parametrize("last", [130.0, 1000.0])
def test_one_noisy_entry_makes_no_trend(noisy, sigma, last):
    """Nor does one that is as far off and does not say so (sigma = 0.05), or one much larger than the others."""
    trend = series(noisy, sigma=sigma, last=last)
    assert trend["p"] > 0.05
    assert trend["slope_low"] < 0 < trend["slope_high"]


@pytest.mark.parametrize("sigma", [2.0, 0.05])
@pytest.mark.parametrize("noisy", [0.0, -3.0, 10.0])
def test_one_noisy_entry_hides_no_trend(noisy, sigma):
    trend = series(noisy, slope=0.02, sigma=sigma)
    assert trend["p"] < 0.01
    assert trend["slope_low"] < -0.02 < trend["slope_high"] < 0
    assert trend["slope"] == pytest.approx(-0.02, abs=0.002)


def test_a_class_of_which_one_entry_is_all_the_difference_makes_no_trend():
    rng = np.random.default_rng(6)
    d = 0.01 * rng.standard_normal(10)
    d[0] += 22.0
    tags = tuple(("radical",) if e < 3 else () for e in range(10))
    g = group(np.stack([d, np.zeros(10)], axis=1), np.nan, names=("a", "b"), tags=tags)
    trend = next(t for t in trends(g) if t["on"] == "radical")
    assert trend["kind"] == "class"
    assert trend["p"] > 0.05


def test_numbers_that_agree_have_no_trend():
    """Of differences of 1e-15 between numbers of electrons, on one that is as large as they are."""
    value = np.stack([[0.0, 0.0, 0.0, 1e-15, 4e-15, 2e-15], np.zeros(6)], axis=1)
    tags = tuple((f"atoms:{i}",) for i in range(6))
    assert trends(group(value, np.nan, unit="electrons", tags=tags)) == []
    g = group(value + np.linspace(1.0, 2.0, 6)[:, None], np.nan, tags=tags)
    assert trends(g) == []


def test_a_few_values_that_scatter_are_no_class_apart_beyond_what_ranks_can_say():
    """Five of one class beside 23 that hardly scatter at all."""
    rng = np.random.default_rng(5)
    d = np.concatenate([[0.0, -0.006, -0.025, -0.027, -0.123], 1e-4 * rng.standard_normal(23)])
    tags = tuple(("stretched",) if e < 5 else () for e in range(28))
    g = group(np.stack([d, np.zeros(28)], axis=1), np.nan, unit="kcal/mol", tags=tags)
    trend = next(t for t in trends(g) if t["on"] == "stretched")
    assert trend["p"] > 0.1


def test_a_small_class_that_scatters_more_is_told_from_the_others_as_rarely_as_said():
    """Welch's test as SciPy has it, and its false claims where ranks make too many."""
    rng = np.random.default_rng(9)
    x = np.repeat([1.0, 0.0], [4, 24])
    small = np.zeros(2)
    for _ in range(2000):
        y = np.concatenate([10.0 * rng.standard_normal(4), 0.1 * rng.standard_normal(24)])
        p = class_p(x, y)
        small += p < 0.01, rank_p(x, y) < 0.01
    assert p == pytest.approx(stats.ttest_ind(y[:4], y[4:], equal_var=False).pvalue, rel=1e-9)
    assert small[0] < 0.02 * 2000
    assert small[1] > 0.05 * 2000
    assert class_p(x[3:], y[3:]) == 1.0


def test_points_of_three_molecules_are_three_points():
    rng = np.random.default_rng(7)
    coupling = np.tile(np.linspace(0.1, 1.0, 11), 3)
    d = coupling * np.repeat([0.5, 0.6, 0.7], 11) + 0.001 * rng.standard_normal(33)
    tags = tuple((f"g:{x}",) for x in coupling)
    g = group(np.stack([d, np.zeros(33)], axis=1), np.nan, tags=tags)
    assert next(t for t in trends(g) if t["on"] == "g")["p"] < 1e-6
    together = replace(g, molecules=tuple(f"m{i // 11}" for i in range(33)))
    assert not [t for t in trends(together) if t["on"] == "g"]
    # A number that belongs to the molecules is of as many points as there are of them.
    size = np.repeat(np.arange(11.0), 3)
    d = 0.5 * size + 0.1 * rng.standard_normal(33)
    sizes = group(np.stack([d, np.zeros(33)], axis=1), np.nan, tags=tuple((f"size:{x}",) for x in size))
    trend = next(t for t in trends(replace(sizes, molecules=tuple(f"m{x}" for x in size))) if t["on"] == "size")
    assert (trend["n"], trend["slope"]) == (11, pytest.approx(0.5, abs=0.02))
    assert trend["leaning_on"] in {f"e{3 * k}" for k in range(11)}


def test_false_trends_of_many_pairs_are_rare():
    """Heavy tails, scatter that differs from column to column, classes and numbers: of 60 documents few have any."""
    rng = np.random.default_rng(11)
    wrong = 0
    for _ in range(60):
        n = 24
        value = rng.standard_t(2, (n, 5)) * rng.uniform(0.1, 10.0, 5)
        tags = tuple((f"atoms:{rng.integers(3, 30)}", "x" if i % 4 == 0 else "y") for i in range(n))
        found, tried = tried_trends(group(value, np.nan, tags=tags))
        p = np.array([t["p"] for t in found])
        wrong += bool((p <= benjamini_hochberg_cut(p[p <= 0.05], tried, 0.05)).any())
    assert wrong <= 6


def test_it_says_on_which_entry_a_trend_leans_most():
    # The ends of the series carry a slope; the last entry has no weight, with its σ of 2.
    assert series(slope=0.02)["leaning_on"] in ("e0", "e10")
    assert series()["leaning_on"] is None


def test_a_gap_that_grows_along_a_series_is_found():
    rng = np.random.default_rng(8)
    size = np.arange(20.0, 140.0, 10.0)
    a = -0.2 * size + 0.05 * rng.standard_normal(12)
    b = a + 0.02 * size + 0.05 * rng.standard_normal(12)
    tags = tuple((f"atoms:{int(s)}",) for s in size)
    first = trends(group(np.stack([a, b], axis=1), 0.1, names=("cc", "dmc"), tags=tags))
    trend = next(t for t in first if t["on"] == "atoms")
    assert trend["slope_low"] < -0.02 < trend["slope_high"] < 0


def test_what_differs_besides_the_method_comes_from_the_parsed_level():
    columns = tuple(
        Column(level, "computed", level, bsse)
        for level, bsse in (("hf/cc-pvdz", "cp"), ("mp2/cc-pvdz?frozen_core=true", "cp"), ("mp2/cc-pvtz", "none"))
    )
    found = level_differences(columns)
    assert set(found["basis"]) == {"cc-pvdz", "cc-pvtz"}
    assert found["bsse"] == {"cp": ["hf/cc-pvdz", "mp2/cc-pvdz?frozen_core=true"], "none": ["mp2/cc-pvtz"]}


@pytest.mark.parametrize(
    ("level", "wanted"),
    [
        ("lno-ccsd(t)/cbs", "coupled cluster"),
        ("fn-dmc", "quantum Monte Carlo"),
        ("mp2/cc-pvdz", "perturbation theory"),
        ("hf/sto-3g", "Hartree–Fock"),
        ("experiment, corrected back", "experiment"),
        ("pbe/def2-svp", ""),
    ],
)
def test_broad_class_of_a_level(level, wanted):
    assert approximation(level) == wanted


# --- published methods, without any calculation ---


@pytest.fixture(scope="module")
def published():
    found = {name: find_benchmark(name) for name in ("l7", "s12l")}
    document = disagree_document(pd.DataFrame(columns=RESULT_COLUMNS), references_frame(found.values()), found)
    return {(x["benchmark"], x["entry"]): x for x in document["entries"]}, document


@pytest.mark.parametrize("entry", ["c2c2pd", "c3gc"])
def test_coupled_cluster_and_monte_carlo_contradict_each_other_where_the_paper_says(published, entry):
    """Al-Hamdani et al., Nat. Commun. 12, 3927 (2021): the coronene dimer and circumcoronene with a GC pair."""
    found = published[0]["l7", entry]
    assert found["verdict"] == "camps"
    camp = {name: i for i, names in enumerate(found["camps"]) for name in names}
    assert camp["LNO-CCSD(T)"] == camp["DLPNO-CCSD(T0)"]
    assert camp["FN-DMC-2021"] == camp["FN-DMC-2020"]
    assert camp["LNO-CCSD(T)"] != camp["FN-DMC-2021"]


@pytest.mark.parametrize("entry", ["cbh", "phe"])
def test_and_agree_where_the_paper_says(published, entry):
    assert published[0]["l7", entry]["verdict"] == "agree"


def test_the_overbinding_of_mp2_on_stacked_complexes_is_named(published):
    assert published[0]["l7", "c3a"]["outliers"] == ["MP2"]
    assert published[0]["l7", "ggg"]["outliers"] == ["MP2"]


def test_superseded_values_do_not_vote(published):
    assert all(v["method"] != "QCISD(T)-2013" for v in published[0]["l7", "c2c2pd"]["votes"])


def test_the_document_has_the_shape_that_was_promised(published):
    entries, document = published
    for x in entries.values():
        assert {
            "benchmark",
            "entry",
            "observable",
            "unit",
            "verdict",
            "outliers",
            "camps",
            "consensus",
            "spread",
        } <= set(x)
        assert {"value", "uncertainty"} <= set(x["consensus"])
        known = [v["uncertainty"] for v in x["votes"]]
        assert all(u is None or u > 0 for u in known)
    place = {"surprising": 0, "expected": 1, "none": 2}
    ranks = [
        (place[x["tier"]], x["nothing_known"], -round(x["surprise"], 3) if not place[x["tier"]] else 0)
        for x in document["entries"]
    ]
    assert ranks == sorted(ranks)
    expected = [x["max_z"] for x in document["entries"] if x["tier"] == "expected" and not has_numerical_bars(x)]
    assert expected == sorted(expected, reverse=True)
    for x in document["entries"]:
        assert 0.0 <= x["surprise"] <= 1.0
        assert bool(x["why_surprising"]) == (x["tier"] == "surprising") == bool(x["to_settle"])
    assert set(document) >= {"entries", "pairs", "summary"}
    pair = next(p for p in document["pairs"] if {p["a"], p["b"]} == {"LNO-CCSD(T)", "FN-DMC-2021"})
    assert pair["n"] == 7


# --- computed levels beside them ---


def tidy(values, uncertainty=0.01, **columns):
    rows = [
        {
            **dict.fromkeys(RESULT_COLUMNS),
            "level_of_theory": level,
            "method": level,
            "bsse": "",
            "benchmark": "b",
            "entry": entry,
            "observable": "interaction_energy",
            "subsets": "",
            "tags": "",
            "curve": "",
            "coordinate": math.nan,
            "status": "ok" if x is not None else "failed",
            "value": math.nan if x is None else x,
            "unit": "kcal/mol",
            "uncertainty": math.nan if x is None else uncertainty,
            "uncertainty_kind": None if x is None else "statistical",
            "wall_s": 10.0,
            "cpu_s": 10.0,
            "cached": False,
            **columns,
        }
        for level, numbers in values.items()
        for entry, x in numbers.items()
    ]
    return pd.DataFrame(rows, columns=RESULT_COLUMNS)


def planted_references(values):
    rows = [
        {
            **dict.fromkeys(REFERENCE_COLUMNS, ""),
            "benchmark": "b",
            "entry": entry,
            "set": "best",
            "value": x,
            "unit": "kcal/mol",
            "uncertainty": 0.01,
            "uncertainty_kind": "estimate",
            "status": "current",
        }
        for entry, x in values.items()
    ]
    return pd.DataFrame(rows, columns=REFERENCE_COLUMNS)


INFO = {
    "b": SimpleNamespace(id="b", default_reference_set="best", subsets={}, title="B", unit="kcal/mol", observable="x")
}


def test_a_computed_outlier_is_ranked_first_and_the_cheapest_next_run_is_named():
    values = {
        "m1": {"x": -5.0, "y": -7.0},
        "m2": {"x": -5.01, "y": -7.01},
        "m3": {"x": -3.0, "y": None},
    }
    references = planted_references({"x": -5.0, "y": -6.0})
    document = disagree_document(tidy(values), references, INFO)
    assert [(x["entry"], x["verdict"], x["outliers"]) for x in document["entries"]] == [
        ("x", "one_outlier", ["m3"]),
        ("y", "suspect_reference", ["best"]),
    ]
    noisy = disagree_document(tidy(values, uncertainty=3.0), planted_references({"x": -5.0, "y": -6.0}), INFO)
    assert {x["verdict"] for x in noisy["entries"]} == {"inconclusive"}
    kinds = {(s["kind"], s["entry"], s["method"]) for s in noisy["next_calculations"]}
    assert ("level", "y", "m3") in kinds
    sampling = next(s for s in noisy["next_calculations"] if s["kind"] == "sampling" and s["entry"] == "x")
    assert sampling["factor"] == pytest.approx((3.0 / (0.5 / math.sqrt(2))) ** 2, rel=0.01)
    assert sampling["estimated_wall_s"] == pytest.approx(10.0 * sampling["factor"])


def test_bars_of_rounding_and_convergence_make_no_surprise_of_a_difference():
    """Three pairs of values: two that are known to all digits, and one with bars that matter and more between them."""
    values = {"a": {"e0": 1.0, "e1": 2.0, "e2": 3.0}, "b": {"e0": 1.2, "e1": 2.9, "e2": 3.9}}
    results = tidy(values)
    results["uncertainty"] = results["entry"].map({"e0": 1e-11, "e1": 0.02, "e2": 1e-6})
    nothing = pd.DataFrame(columns=REFERENCE_COLUMNS)
    document = disagree_document(results, nothing, {})
    found = {x["entry"]: x for x in document["entries"]}
    cells = {x["entry"]: row for x, row in zip(document["entries"], rows(document), strict=True)}
    z = COLUMNS.index("max |z|")
    assert [has_numerical_bars(found[e]) for e in ("e0", "e1", "e2")] == [True, False, True]
    assert [cells[e][z] for e in ("e0", "e1", "e2")] == ["beyond numerical bars", "31.8", "beyond numerical bars"]
    assert found["e0"]["max_z"] == pytest.approx(0.2 / math.hypot(1e-11, 1e-11))  # in JSON as it is
    # By size: 0.9/0.245 and 0.2/0.11 of what matters, less than 31.8 times the bars.
    assert [x["entry"] for x in document["entries"]] == ["e1", "e2", "e0"]
    assert any(line.startswith("beyond numerical bars: ") for line in summary_lines(document))


@pytest.mark.parametrize(("z", "text"), [(2.34, "2.3"), (120.4, "120"), (999.0, "999"), (8e4, "> 1000")])
def test_no_digits_of_z_that_mean_nothing(z, text):
    entry = {
        "max_z": z,
        "resolution": 1.0,
        "max_pair": {"difference": 0.05 * z, "uncertainty_by_kind": {"assumed": 0.05}},
    }
    assert z_text(entry) == text


def test_words_of_the_table_are_explained_below_it(published):
    _, document = published
    told = legend_lines(document)
    said = {word for x in document["entries"] for word in verdict_text(x).replace("but ", "").split(", ")}
    assert {line.partition(": ")[0] for line in told} == said
    for line in told:
        assert line in summary_lines(document)
    odd = {"verdict": "agree", "tier": "surprising", "nothing_known": False}
    assert verdict_text(odd) == "agree, but surprising"
    assert verdict_text({**odd, "verdict": "camps"}) == "camps, surprising"
    assert verdict_text({**odd, "verdict": "inconclusive", "tier": "none"}) == "inconclusive"


def test_one_level_with_two_counterpoise_treatments_is_two_methods():
    both = pd.concat([tidy({"m": {"x": -5.0}}, bsse="cp"), tidy({"m": {"x": -6.0}}, bsse="none")])
    document = disagree_document(both, planted_references({"x": -5.0}), INFO)
    assert {v["method"] for v in document["entries"][0]["votes"]} == {"m [cp]", "m [none]", "best"}


def between(entry, a, b):
    """(difference, its standard uncertainty) of two votes on an entry, in kcal/mol."""
    votes = {v["method"]: v for v in entry["votes"]}
    u = math.hypot(votes[a]["uncertainty"], votes[b]["uncertainty"])
    return votes[a]["value"] - votes[b]["value"], u


@pytest.mark.parametrize(
    ("entry", "difference", "z", "verdict"),
    [
        ("c2c2pd", -2.5, -3.4, "camps"),
        ("c3gc", -4.5, -3.7, "camps"),
        ("gcgc", -1.3, -2.6, "camps"),
        ("c3a", -1.5, -1.7, "one_outlier"),
        ("ggg", -0.6, -1.6, "one_outlier"),
        ("cbh", 0.4, 0.9, "agree"),
        ("phe", 1.1, 1.6, "agree"),
    ],
)
def test_the_table_of_the_readme_of_l7(published, entry, difference, z, verdict):
    found = published[0]["l7", entry]
    d, u = between(found, "LNO-CCSD(T)", "FN-DMC-2021")
    assert d == pytest.approx(difference, abs=0.05 + 1e-9)
    assert d / u == pytest.approx(z, abs=0.05 + 1e-9)
    assert found["verdict"] == verdict
    text = (benchmark_folders()["l7"] / "README.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if f"`{entry}`" in line)
    assert f"{difference:+.1f}".replace("-", "−").lstrip("+") in row


def test_complexes_beyond_l7_with_both_kinds_of_value(published):
    found = published[0]["l7", "dna_ellipticine"]
    assert between(found, "DLPNO-CCSD(T0)", "FN-DMC-2014") == (pytest.approx(-5.0), pytest.approx(2.4, abs=0.05))
    assert found["verdict"] == "inconclusive"


def test_the_buckycatcher_divides_coupled_cluster_from_monte_carlo_and_experiment(published):
    found = published[0]["s12l", "4a"]
    camp = {name: i for i, names in enumerate(found["camps"]) for name in names}
    assert camp["FN-DMC-2014"] == camp["experiment-2021"] != camp["DLPNO-CCSD(T0)"]
    d, u = between(found, "DLPNO-CCSD(T0)", "FN-DMC-2014")
    assert (d, u) == (pytest.approx(-15.3), pytest.approx(3.8, abs=0.05))
    d, u = between(found, "experiment-2021", "FN-DMC-2014")
    assert (d, u) == (pytest.approx(-2.6), pytest.approx(1.6, abs=0.05))


def test_coupled_cluster_values_are_one_family(published):
    (group,) = (m for m in published[1]["methods"] if m["benchmark"] == "l7")
    families = {a["name"]: a["families"].get("approximation") for a in group["about"]}
    assert families["LNO-CCSD(T)"] == families["DLPNO-CCSD(T0)"] == families["CCSD(T)-L14"] == "CCSD(T)"
    assert families["FN-DMC-2021"] == families["FN-DMC-2020"] != families["LNO-CCSD(T)"]


def test_a_level_trained_on_the_entry_convicts_nobody():
    """Two independent values convict a third; when one of the two was trained on the entry, they don't."""
    columns = [Column(name, "computed", name) for name in "abc"]
    given = (np.array([1.0, 1.001, 2.0]), np.full(3, 0.01), True, 0.1, np.zeros(3, bool), None, columns)
    assert judge(*given).verdict == "one_outlier"
    assert judge(*given, trained=np.array([False, True, False])).verdict == "camps"
    assert judge(*given, trained=np.array([True, True, False])).verdict == "camps"
    assert judge(*given, trained=np.array([False, False, True])).verdict == "one_outlier"


def test_the_first_trends_are_the_first_of_all():
    rng = np.random.default_rng(1)
    tags = tuple((f"atoms:{i}", "x" if i % 3 else "y") for i in range(30))
    g = group(rng.standard_normal((30, 6)) + 0.05 * np.arange(30)[:, None] * rng.standard_normal(6), np.nan, tags=tags)
    everything = trends(g)
    for most in (1, 7, 20):
        assert trends(g, None, most) == everything[:most]


def test_a_trend_is_told_once() -> None:
    """Of two columns that are one, `exact` as a reference and as a level, say."""
    from qmbench.report.comparisons import trend_table
    from qmbench.report.disagree_text import trend_lines

    trend = {"benchmark": "many", "unit": "E0", "slope": 0.618, "slope_low": 0.531, "slope_high": 0.726, "n": 33}
    same = {**trend, "kind": "number", "on": "g", "p": 1e-9}
    rows = [{**same, "a": "RWA", "b": b} for b in ("exact", "exact-cavity")]
    rows += [{**same, "a": "Bloch", "b": "exact", "slope": 0.3}, {**same, "a": "RWA", "b": "exact", "p": 0.002}]
    assert trend_lines({"trends": rows}, 5) == [
        "many: RWA − exact and RWA − exact-cavity change by 0.618 (0.531 … 0.726) E0 per unit of g (n = 33, p = 1e-09)",
        "many: Bloch − exact changes by 0.3 (0.531 … 0.726) E0 per unit of g (n = 33, p = 1e-09)",
        "many: RWA − exact changes by 0.618 (0.531 … 0.726) E0 per unit of g (n = 33, p = 0.002)",
    ]
    (line,) = trend_lines({"trends": [{**rows[0], "on": "magnitude"}]}, 5)
    assert "E0 per E0 of the reference value's size (n = 33" in line
    assert len(trend_lines({"trends": rows}, 1)) == 1
    (line,) = trend_lines({"trends": [{**rows[0], "kind": "class", "on": "deep"}]}, 5)
    assert "changes by 0.618 (0.531 … 0.726) E0 from other entries to deep ones (" in line
    shown = [{**row, "within": ""} for row in rows]
    assert [row[1:3] for row in trend_table(shown).rows] == [
        ("RWA − exact and RWA − exact-cavity", "g"),
        ("Bloch − exact", "g"),
        ("RWA − exact", "g"),  # of another p
    ]
    assert trend_table([{**shown[0], "kind": "class", "on": "deep"}]).rows[0][2] == "deep or not"


@pytest.mark.parametrize("seed", range(4))
def test_all_entries_at_once_are_each_by_itself(seed: int) -> None:
    """A group of 60 entries is judged as 60 groups of one: with gaps, missing values and camps, stated and not."""
    rng = np.random.default_rng(seed)
    entries, columns = 60, 7
    value = rng.normal(10.0, 0.3, (entries, columns)) + 5.0 * (rng.random((entries, columns)) < 0.15)
    value[rng.random(value.shape) < 0.3] = np.nan
    stated = np.where(rng.random(value.shape) < 0.4, 10.0 ** rng.uniform(-3, 1, value.shape), np.nan)
    stated[::3] = np.nan
    names = tuple("abcdefg")
    whole = group(value, stated, names)
    for significance in (0.05, 0.0):  # without discoveries, and so without camps, too
        (together,) = disagreement([whole], significance)
        for e in range(entries):
            alone = _prepare(group(value[e : e + 1], stated[e : e + 1], names))
            assert np.array_equal(together.uncertainty[e], alone.uncertainty[0], equal_nan=True)
            assert together.freedom[e] == alone.freedom[0]
            here = np.flatnonzero(np.isfinite(value[e]))
            assert together.verdicts[e].verdict == (
                judge(
                    value[e, here],
                    together.uncertainty[e, here],
                    bool(together.significant[e]),
                    float(together.resolution[e]),
                    together.assumed[e, here],
                    None,
                    [whole.columns[c] for c in here],
                ).verdict
            )
            if len(here) >= 3 and np.isnan(stated[e, here]).all() and np.isfinite(together.freedom[e]):
                parts = split_by_gaps(value[e, here], together.resolution[e] / 2.0)
                scatter, freedom = scatter_within(value[e, here], parts)
                assert (together.uncertainty[e, here] == scatter).all()
                assert together.freedom[e] == freedom
    assert len({v.reason for v in together.verdicts}) >= 4
