"""Trends of errors: planted ones are found, chance is not, and nothing depends on names, units and orders."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qmbench.data.benchmark import find_benchmark
from qmbench.judging.disagreement import benjamini_hochberg_cut
from qmbench.judging.error_trends import Covariate, covariates, error_trends, find_trends
from qmbench.judging.trends import rank_p, regress, without_one
from qmbench.report.disagree_text import error_trend_lines, error_trend_text


def numbers(rng, n):
    """What errors might depend on, as alike to each other as they are in benchmarks."""
    electrons = rng.integers(10, 100, n).astype(float)
    yield Covariate("electrons", "electrons", electrons)
    yield Covariate("atoms", "atoms", np.round(electrons / 3 + 3 * rng.normal(size=n)))
    for k in range(3):
        yield Covariate("element", f"E{k}", (rng.random(n) < 0.3).astype(float))
    kind = rng.integers(0, 3, n)
    for k in range(3):
        yield Covariate("class", f"c{k}", (kind == k).astype(float))


def claimed(error, about, **options):
    found, tried = find_trends(error, about, **options)
    p = np.array([f.p for f in found])
    cut = benjamini_hochberg_cut(p[p <= 0.05], tried, 0.05)
    return [f for f in found if f.p <= cut]


DRAWS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "heavy": lambda rng, shape: rng.standard_t(2, size=shape),
    "skewed": lambda rng, shape: np.exp(rng.normal(size=shape)),
    "outliers": lambda rng, shape: rng.normal(size=shape) * np.where(rng.random(shape) < 0.05, 30, 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("n", [12, 66])
def test_chance_is_not_claimed(n, draw):
    """In at most 7 % of series without any dependence is one claimed, of levels that err alike."""
    claims = 0
    for seed in range(120):
        rng = np.random.default_rng([seed, n])
        error = 0.7 * DRAWS[draw](rng, (n, 1)) + DRAWS[draw](rng, (n, 4))
        claims += bool(claimed(error, list(numbers(rng, n))))
    # 7 % of 120, and two standard errors of a rate of 5 %.
    assert claims <= 0.07 * 120 + 2 * np.sqrt(120 * 0.05 * 0.95)


def test_a_single_far_entry_is_no_trend():
    rng = np.random.default_rng(3)
    n = 40
    electrons = np.concatenate([rng.integers(10, 30, n - 1), [200]]).astype(float)
    error = rng.normal(size=(n, 1))
    error[-1] = 30.0
    assert not claimed(error, [Covariate("electrons", "electrons", electrons)])


@pytest.mark.parametrize("n", [20, 66])
def test_planted_slopes_are_found_with_their_size(n):
    hits, covered = 0, 0
    for seed in range(20):
        rng = np.random.default_rng([seed, n])
        about = list(numbers(rng, n))
        error = rng.normal(size=(n, 3))
        error[:, 1] -= 0.08 * about[0].x
        found = [f for f in claimed(error, about) if f.level == 1 and f.covariate == 0 and f.of == "error"]
        hits += bool(found)
        covered += bool(found) and found[0].fit["slope_low"] <= -0.08 <= found[0].fit["slope_high"]
    assert hits >= 19
    assert covered >= 17  # 95 % of 20, less two standard errors


def test_a_planted_class_is_found_and_explains_what_it_planted():
    rng = np.random.default_rng(1)
    n = 50
    inside = np.zeros(n)
    inside[rng.choice(n, 8, replace=False)] = 1.0
    error = 0.3 * rng.normal(size=(n, 2))
    error[:, 0] += 4.0 * inside
    (found,) = [f for f in claimed(error, [Covariate("class", "ions", inside)]) if f.of == "error"]
    assert found.level == 0
    assert found.fit["slope"] == pytest.approx(4.0, abs=0.4)
    assert (found.largest, found.explained) == (6, 6)


def test_errors_that_scatter_more_in_large_systems():
    rng = np.random.default_rng(5)
    electrons = rng.integers(10, 100, 80).astype(float)
    error = electrons[:, None] / 20 * rng.normal(size=(80, 1))
    found = claimed(error, [Covariate("electrons", "electrons", electrons)])
    assert [f.of for f in found] == ["absolute_error"]
    assert found[0].fit["slope"] > 0


def test_entries_of_one_molecule_are_one_point():
    """Eight molecules with ten entries each are eight points, too few for a trend."""
    rng = np.random.default_rng(2)
    electrons = np.repeat(np.arange(10.0, 90.0, 10.0), 10)
    error = (electrons + rng.normal(size=80))[:, None]
    about = [Covariate("electrons", "electrons", electrons)]
    assert claimed(error, about)
    assert not claimed(error, about, molecules=[f"m{i // 10}" for i in range(80)])


def test_rank_correlation_is_that_of_scipy():
    rng = np.random.default_rng(0)
    x, y = np.round(rng.normal(size=30), 1), rng.normal(size=30)
    assert rank_p(x, y) == pytest.approx(stats.spearmanr(x, y).pvalue, rel=1e-9)


def test_the_larger_p_of_both_tests_counts():
    rng = np.random.default_rng(4)
    about = list(numbers(rng, 30))[:2]
    error = 0.03 * about[0].x[:, None] + rng.normal(size=(30, 6))
    found, _ = find_trends(error, about)
    larger = []
    for f in found:
        x, y = about[f.covariate].x, error[:, f.level]
        y = np.abs(y) if f.of == "absolute_error" else y
        line = without_one(x, y, np.zeros(30), regress(x, y))[1]["p"]
        ranks = stats.spearmanr(x, y).pvalue
        assert f.p == pytest.approx(max(line, ranks), rel=1e-9)
        larger.append(line > ranks)
    assert any(larger)
    assert not all(larger)


class Toy:
    """A benchmark of chains of hydrogen molecules, H2 to H40."""

    entries = tuple(SimpleNamespace(id=f"e{i:02d}", terms=(SimpleNamespace(system=str(i)),)) for i in range(1, 41))

    def systems_of(self, entry):
        n = 2 * int(entry.terms[0].system)
        return (SimpleNamespace(n_parts=n, n_electrons=n, composition={"H": n}, charge=0, fragments=()),)


def scored(seed=0, factor=1.0, order=None, names=("a", "b")):
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(2, 40))
    rows = []
    for j, level in enumerate(names):
        for i in range(40):
            error = factor * (noise[j, i] + (0.1 * 2 * (i + 1) if j == 0 else 0.0))
            rows.append(("t", "energy", f"e{i + 1:02d}", level, "", error, np.nan, "", "", "kcal/mol"))
    columns = "benchmark observable entry level_of_theory bsse error error_uncertainty subsets tags unit".split()
    frame = pd.DataFrame(rows, columns=columns)
    return frame if order is None else frame.sample(frac=1.0, random_state=order)


def test_in_words():
    found = error_trends(scored(), {"t": Toy()})
    signed = [t for t in found if t["of"] == "error" and t["on"] == "electrons"]
    assert [t["method"] for t in signed] == ["a"]
    text = error_trend_text(signed[0])
    assert text.startswith("t: errors of a grow with the number of electrons by +0.")
    assert "kcal/mol per electron, which explains 6 of the 6 largest" in text
    assert len(error_trend_lines({"error_trends": found})) == 1  # the surest of each level


@given(factor=st.sampled_from([1e-3, 4.184, 627.5]), order=st.integers(0, 99), swap=st.booleans())
@settings(max_examples=15, deadline=None)
def test_units_orders_and_names_change_nothing(factor, order, swap):
    names = ("z", "b") if swap else ("a", "b")
    expected = error_trends(scored(), {"t": Toy()})
    found = error_trends(scored(factor=factor, order=order, names=names), {"t": Toy()})
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert one["method"] == {"a": names[0], "b": "b"}[other["method"]]
        keys = ("of", "on", "kind", "n", "leaning_on", "largest", "explained")
        assert {k: one[k] for k in keys} == {k: other[k] for k in keys}
        assert one["slope"] == pytest.approx(factor * other["slope"], rel=1e-4)


def test_what_a_real_entry_is_about():
    """The water dimer of S66 has 20 electrons and 6 atoms; acetic acid with uracil has C, H, N and O."""
    b = find_benchmark("s66")
    names = ["01_water_water", "22_ac_ohuracil"]
    about = {(c.kind, c.name): c.x for c in covariates(b, names, {names[0]: ["small", "number:1"]})}
    assert list(about["electrons", "electrons"]) == [20, 32 + 58]
    assert list(about["atoms", "atoms"]) == [6, 8 + 12]
    assert list(about["charge", "charge"]) == [0, 0]
    assert {name for kind, name in about if kind == "element"} == {"H", "C", "N", "O"}
    assert list(about["element", "N"]) == [0, 1]
    assert list(about["class", "small"]) == [1, 0]
    assert ("class", "number:1") not in about  # a number in a paper is no class


def test_charges_of_fragments_count():
    b = find_benchmark("ionic")
    entries = [e.id for e in b.entries if "ion_pair" in e.subsets]
    about = {c.kind: c.x for c in covariates(b, entries)}
    assert (about["charge"] >= 1).all()
