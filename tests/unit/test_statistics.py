"""Errors and their statistics: against exact cases, hand-made formulas and SciPy, then for honesty about gaps."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmbench import InputError
from qmbench.judging import bootstrap
from qmbench.judging.statistics import SUMMARIES, score, statistics


def benchmark(name="b", unit="kcal/mol", default="best"):
    return SimpleNamespace(
        id=name, title=name.upper(), unit=unit, observable="energy", default_reference_set=default, subsets={}
    )


def results(values, benchmark="b", **columns):
    """values: {level: [value or None or (kind, message), …]}; entries e0, e1, …"""
    rows = []
    for level, numbers in values.items():
        for i, x in enumerate(numbers):
            failed = x is None or isinstance(x, tuple)
            kind, message = x if isinstance(x, tuple) else ("not_converged", "no convergence") if failed else ("", "")
            rows.append(
                {
                    "level_of_theory": level,
                    "bsse": "",
                    "method": level.split("/")[0],
                    "basis": "",
                    "benchmark": benchmark,
                    "entry": f"e{i}",
                    "observable": "energy",
                    "state": "",
                    "subsets": "",
                    "tags": "",
                    "curve": "",
                    "coordinate": math.nan,
                    "status": ("unsupported" if kind == "unsupported" else "failed") if failed else "ok",
                    "failure_kind": kind,
                    "failure_message": message,
                    "value": math.nan if failed else float(x),
                    "unit": "kcal/mol",
                    "uncertainty": math.nan,
                    "uncertainty_kind": None,
                    "wall_s": 1.0,
                    "cpu_s": 1.0,
                    "cached": False,
                }
                | {k: v[i] if isinstance(v, list) else v for k, v in columns.items()}
            )
    return pd.DataFrame(rows)


def references(values, benchmark="b", **columns):
    rows = []
    for i, x in enumerate(values):
        row = {
            "benchmark": benchmark,
            "entry": f"e{i}",
            "set": "best",
            "value": x,
            "unit": "kcal/mol",
            "uncertainty": math.nan,
            "uncertainty_kind": None,
            "level_of_theory": "",
            "source_doi": "",
            "source_place": "",
            "status": "current",
            "note": "",
        }
        rows.append(row | {k: v[i] if isinstance(v, list) else v for k, v in columns.items()})
    return pd.DataFrame(rows)


def table(values, refs, result_columns=None, reference_columns=None, **options):
    scored = score(
        results(values, **(result_columns or {})), references(refs, **(reference_columns or {})), {"b": benchmark()}
    )
    return statistics(scored, **options).set_index(["subset", "level_of_theory"])


# --- exact cases ---


def test_the_summaries_are_what_their_names_say():
    row = table({"m": [1.0, -2.0, 3.0, 0.0]}, [0.0, 0.0, 0.0, 4.0]).loc[("all", "m")]
    assert row["mean_signed_error"] == pytest.approx((1 - 2 + 3 - 4) / 4)
    assert row["mean_absolute_error"] == pytest.approx((1 + 2 + 3 + 4) / 4)
    assert row["root_mean_square_error"] == pytest.approx(math.sqrt((1 + 4 + 9 + 16) / 4))
    assert row["median_absolute_error"] == pytest.approx(2.5)
    assert row["percentile_95_absolute_error"] == pytest.approx(np.quantile([1, 2, 3, 4], 0.95))
    assert (row["max_absolute_error"], row["max_entry"]) == (4.0, "e3")


def test_perfect_agreement_has_zero_errors_and_an_interval_of_no_width():
    row = table({"m": [1.0] * 8}, [1.0] * 8).loc[("all", "m")]
    for name in SUMMARIES:
        assert row[name] == row[f"{name}_low"] == row[f"{name}_high"] == 0.0


def test_one_entry_has_no_interval():
    row = table({"m": [1.0]}, [0.5]).loc[("all", "m")]
    assert row["mean_absolute_error"] == 0.5
    ends = [c for c in row.index if c.endswith(("_low", "_high"))]
    # of the six statistics, of three over shared entries, of method and basis parts, and the adjusted one
    assert len(ends) == 6 + 6 + 4 + 6 + 4 + 2
    assert row[ends].isna().all()


@pytest.mark.parametrize("n", [2, 3, 4])
def test_a_handful_of_entries_has_no_bootstrap_interval(n):
    row = table({"m": np.arange(n) + 1.0}, [0.0] * n).loc[("all", "m")]
    assert math.isnan(row["mean_absolute_error_low"])
    assert math.isnan(row["mean_absolute_error_high"])


# --- intervals against other implementations and known truth ---


@pytest.mark.parametrize(("averaged", "n"), [("signed", 25), ("magnitude", 8), ("square", 25)])
def test_bootstrap_t_agrees_with_scipy_resampling(averaged, n):
    """The same studentized interval from SciPy's resampling of the pivot, up to the resampling noise of both."""
    from scipy import stats

    x = np.random.default_rng(5).gamma(2.0, 1.0, n)

    def pivot(sample, axis):
        with np.errstate(divide="ignore"):
            return (sample.mean(axis=axis) - x.mean()) / sample.std(axis=axis)

    t = stats.bootstrap(
        (x,), pivot, n_resamples=40000, method="percentile", rng=np.random.default_rng(1)
    ).bootstrap_distribution
    below, above = (0.025 * r.item() for r in bootstrap.RISKS[averaged](np.array([n]), np.array([x.std() / x.mean()])))
    want = x.mean() - np.quantile(t, [1.0 - below, above]) * x.std()
    got = bootstrap.mean_intervals(x[:, None], resamples=40000, averaged=averaged)[:, 0]
    assert got == pytest.approx(want, rel=0.04)


DRAWS = {
    "normal": lambda rng, size: rng.normal(0.0, 1.0, size),
    "shifted": lambda rng, size: rng.normal(0.5, 1.0, size),
    "heavy": lambda rng, size: rng.standard_t(5, size) + 0.3,
    "peaked": lambda rng, size: rng.laplace(0.0, 1.0, size),
    "skewed": lambda rng, size: rng.gamma(2.0, 1.0, size) - 1.0,
}


def coverages(shape, n, sets, seed):
    """statistic -> how often its 95 % interval, as `statistics` makes it, holds the population's value."""
    from qmbench.judging.statistics import summaries

    rng = np.random.default_rng([seed, n])
    population = DRAWS[shape](rng, 4_000_000)
    made = summaries(DRAWS[shape](rng, (n, sets)), 0.95, bootstrap.RESAMPLES)
    absolute = np.abs(population)
    truths = {
        "mean_signed_error": population.mean(),
        "mean_absolute_error": absolute.mean(),
        "root_mean_square_error": np.sqrt((population**2).mean()),
        "median_absolute_error": np.median(absolute),
        "percentile_95_absolute_error": np.quantile(absolute, 0.95),
    }
    out = {}
    for name, truth in truths.items():
        low, high = made[f"{name}_low"], made[f"{name}_high"]
        assert np.isfinite(low).all() == np.isfinite(high).all()
        if np.isfinite(low).all():
            out[name] = float(np.mean((low <= truth) & (truth <= high)))
    return out


@pytest.mark.parametrize("shape", ["normal", "heavy"])
@pytest.mark.parametrize("n", [10, 80])
def test_95_percent_intervals_cover_93_to_97_percent(shape, n):
    found = coverages(shape, n, 1000, 1)
    assert len(found) == (5 if n == 80 else 4)
    assert all(0.93 <= covered <= 0.97 for covered in found.values()), found


@pytest.mark.slow
@pytest.mark.parametrize("shape", DRAWS)
@pytest.mark.parametrize("n", [7, 8, 9, 10, 12, 15, 22, 30, 40, 60, 100, 250])
def test_95_percent_intervals_cover_93_to_97_percent_at_every_size(shape, n):
    """Every statistic that has an interval, on 4,000 synthetic sets with known truth (standard error 0.35 %)."""
    found = coverages(shape, n, 4000, 2)
    assert ("root_mean_square_error" in found) == (n >= 8)
    assert ("percentile_95_absolute_error" in found) == (n >= 73)
    assert all(0.93 <= covered <= 0.97 for covered in found.values()), found


@pytest.mark.slow
@pytest.mark.parametrize("n", [8, 12, 22, 60])
@pytest.mark.parametrize("draw", [lambda r, s: r.uniform(-1, 1, s), lambda r, s: r.normal(2, 1, s)])
def test_errors_without_tails_or_with_a_large_bias_are_covered_at_least_as_often(draw, n):
    rng = np.random.default_rng([3, n])
    truth = (draw(rng, 4_000_000) ** 2).mean()
    low, high = bootstrap.mean_intervals(draw(rng, (n, 3000)) ** 2, averaged="square")
    assert 0.93 <= np.mean((low <= truth) & (truth <= high)) <= 0.99


@pytest.mark.parametrize("p", [0.5, 0.95])
@pytest.mark.parametrize("n", [7, 22, 80, 250])
def test_interpolated_quantile_intervals_lie_within_the_exact_ones(n, p):
    """SciPy's interval from whole order statistics covers at least 95 %; the interpolated one may be tighter."""
    from scipy.stats import quantile_test

    x = np.sort(np.random.default_rng(n).gamma(2.0, 1.0, n))
    low, high = bootstrap.quantile_intervals(x[:, None], p)[:, 0]
    wide = quantile_test(x, q=x[0], p=p).confidence_interval(0.95)
    if math.isnan(low):
        assert (p, n < 73) == (0.95, True)
        assert math.isnan(wide.low) or math.isnan(wide.high)
        return
    assert wide.low <= low < high <= wide.high
    k = np.searchsorted(x, wide.low)
    assert low <= x[k + 1]  # between the last rank that is safe and the first that is not


def test_known_ranks_of_the_median():
    # Tables of the sign-test interval, e.g. Conover, Practical Nonparametric Statistics: n = 22, ranks 6 and 17.
    low, high = bootstrap.quantile_interval_positions(22, 0.5)
    assert (int(low), math.ceil(high)) == (5, 16)
    assert low == pytest.approx(21 - high)
    assert bootstrap.quantile_interval_positions(5, 0.5) is None


def test_levels_with_gaps_are_resampled_alike_in_small_and_large_benchmarks():
    rng = np.random.default_rng(3)
    x = rng.normal(1.0, 2.0, (400, 1))
    gaps = x.copy()
    gaps[rng.random(400) < 0.3] = np.nan
    alone = bootstrap.mean_intervals(gaps[~np.isnan(gaps[:, 0])], resamples=8000)
    together = bootstrap.mean_intervals(np.hstack([gaps, x]), resamples=8000)[:, :1]
    assert together == pytest.approx(alone, abs=0.03 * float(np.diff(alone, axis=0)[0, 0]))


# --- uncertainties ---


def test_independent_uncertainties_average_down_and_systematic_ones_do_not():
    refs = [0.0] * 9
    independent = table({"m": [1.0] * 9}, refs, reference_columns={"uncertainty": 0.3, "uncertainty_kind": "estimate"})
    systematic = table({"m": [1.0] * 9}, refs, reference_columns={"uncertainty": 0.3, "uncertainty_kind": "systematic"})
    for name in SUMMARIES:
        assert independent.loc[("all", "m"), f"{name}_uncertainty"] == pytest.approx(0.1)
        assert systematic.loc[("all", "m"), f"{name}_uncertainty"] == pytest.approx(0.3)


def test_a_common_shift_cancels_in_the_absolute_error_of_both_signs():
    row = table(
        {"m": [1.0, -1.0]}, [0.0, 0.0], reference_columns={"uncertainty": 0.3, "uncertainty_kind": "systematic"}
    ).loc[("all", "m")]
    assert row["mean_signed_error_uncertainty"] == pytest.approx(0.3)
    assert row["mean_absolute_error_uncertainty"] == pytest.approx(0.0, abs=1e-12)


def test_propagation_agrees_with_monte_carlo():
    rng = np.random.default_rng(0)
    errors, u_ref, u_own = rng.normal(2.0, 1.5, 12), rng.uniform(0.01, 0.1, 12), rng.uniform(0.01, 0.1, 12)
    row = table(
        {"m": errors},
        [0.0] * 12,
        {"uncertainty": list(u_own), "uncertainty_kind": "statistical"},
        {"uncertainty": list(u_ref), "uncertainty_kind": "estimate"},
    ).loc[("all", "m")]
    noisy = errors + rng.normal(size=(100_000, 12)) * np.hypot(u_ref, u_own)
    assert row["mean_signed_error_uncertainty"] == pytest.approx(noisy.mean(1).std(), rel=0.02)
    assert row["mean_absolute_error_uncertainty"] == pytest.approx(np.abs(noisy).mean(1).std(), rel=0.02)
    assert row["root_mean_square_error_uncertainty"] == pytest.approx(np.sqrt((noisy**2).mean(1)).std(), rel=0.02)


def test_unknown_uncertainty_is_unknown_and_not_zero():
    row = table({"m": [1.0] * 5}, [0.0] * 5).loc[("all", "m")]
    assert math.isnan(row["mean_signed_error_uncertainty"])
    assert row["n_reference_uncertainty"] == 0


def test_rounding_alone_is_no_statement_of_uncertainty_but_of_exact_references():
    values = {"a": [1.0, 2.0]}
    for role, known in (("estimate", 0), ("limit", 2)):
        kinds = {"uncertainty": [0.05] * 2, "uncertainty_kind": ["rounding"] * 2, "role": [role] * 2}
        row = table(values, [0.9, 1.9], reference_columns=kinds)
        assert row["n_reference_uncertainty"].tolist() == [known]
        assert np.isnan(row["mean_absolute_error_uncertainty"].iloc[0]) == (known == 0)


def test_the_combined_interval_encloses_the_other_in_quadrature():
    errors = [0.1, 0.5, -0.2, 0.9, 1.4, 0.3, 0.7, -0.4]
    row = table({"m": errors}, [0.0] * 8, reference_columns={"uncertainty": 2.0, "uncertainty_kind": "systematic"}).loc[
        ("all", "m")
    ]
    reach = row["mean_signed_error_high"] - row["mean_signed_error"]
    want = math.hypot(reach, 1.959964 * 2.0)
    assert row["mean_signed_error_combined_high"] - row["mean_signed_error"] == pytest.approx(want, rel=1e-6)
    assert row["mean_absolute_error_combined_low"] == 0.0


# --- gaps ---


def test_failures_are_counted_and_never_averaged():
    values = {"m": [1.0, None, ("unsupported", "no lattices"), 3.0, ("timeout", "600 s")]}
    row = table(values, [0.0] * 5).loc[("all", "m")]
    assert (row["n"], row["n_ok"], row["n_failed"], row["n_unsupported"], row["n_scored"]) == (5, 2, 2, 1, 2)
    assert row["coverage"] == pytest.approx(0.4)
    assert row["mean_absolute_error"] == 2.0


def test_levels_are_compared_on_the_entries_they_share():
    rows = table({"whole": [1.0, 1.0, 1.0, 9.0], "part": [2.0, 2.0, 2.0, None]}, [0.0] * 4)
    assert rows["n_differs"].all()
    assert rows["n_common"].eq(3).all()
    assert rows.loc[("all", "whole"), "mean_absolute_error"] == 3.0
    assert rows.loc[("all", "whole"), "common_mean_absolute_error"] == 1.0
    assert rows.loc[("all", "part"), "common_mean_absolute_error"] == 2.0


def test_a_level_with_a_sample_of_the_entries_does_not_empty_the_common_set():
    rows = table({"one": [1.0, 2.0, 3.0], "two": [2.0, 2.0, 2.0], "sample": [None, None, 0.5]}, [0.0] * 3)
    assert rows["n_common"].eq(3).all()
    assert not rows["n_differs"].any()
    assert rows.loc[("all", "one"), "common_mean_absolute_error"] == 2.0
    assert rows.loc[("all", "sample"), "mean_absolute_error"] == 0.5
    assert math.isnan(rows.loc[("all", "sample"), "common_mean_absolute_error"])


def test_a_level_that_failed_everywhere_does_not_empty_the_common_set():
    rows = table({"good": [1.0, 2.0], "dead": [None, None]}, [0.0, 0.0])
    assert not rows["n_differs"].any()
    assert rows.loc[("all", "good"), "n_common"] == 2
    assert math.isnan(rows.loc[("all", "dead"), "mean_absolute_error"])
    assert rows.loc[("all", "dead"), "n_failed"] == 2


def test_entries_without_reference_count_as_computed_but_not_as_scored():
    scored = score(results({"m": [1.0, 2.0]}), references([0.0]), {"b": benchmark()})
    row = statistics(scored).iloc[0]
    assert (row["n"], row["n_ok"], row["n_scored"]) == (2, 2, 1)


def test_subsets_hold_their_entries():
    columns = {"subsets": ["near small", "near", "far", ""]}
    rows = table({"m": [1.0, 2.0, 3.0, 4.0]}, [0.0] * 4, columns)
    assert rows["mean_absolute_error"].to_dict() == {
        ("all", "m"): 2.5,
        ("near", "m"): 1.5,
        ("small", "m"): 1.0,
        ("far", "m"): 3.0,
    }


def test_nothing_in_gives_an_empty_table_with_all_columns():
    empty = statistics(score(results({"m": [1.0]}).iloc[:0], references([0.0]), {"b": benchmark()}))
    assert len(empty) == 0
    assert list(empty.columns) == list(table({"m": [1.0]}, [0.0]).reset_index()[empty.columns].columns)


# --- references ---


def two_sets():
    older = references([0.0, 0.0], set="old")
    newer = references([1.0, 1.0], set="new")
    return pd.concat([older, newer], ignore_index=True)


def test_any_reference_set_can_be_the_judge():
    info = {"b": benchmark(default="new")}
    rows = results({"m": [1.0, 1.0]})
    assert score(rows, two_sets(), info)["error"].tolist() == [0.0, 0.0]
    assert score(rows, two_sets(), info, "old")["error"].tolist() == [1.0, 1.0]
    with pytest.raises(InputError, match=r"'odl'; did you mean 'old'"):
        score(rows, two_sets(), info, "odl")


def test_benchmarks_without_the_named_set_keep_their_default():
    rows = pd.concat([results({"m": [1.0]}), results({"m": [1.0]}, benchmark="c")])
    refs = pd.concat([two_sets(), references([5.0], benchmark="c", set="only")])
    scored = score(rows, refs, {"b": benchmark(default="new"), "c": benchmark("c", default="only")}, "old")
    assert scored["reference_set"].tolist() == ["old", "only"]


def test_superseded_values_do_not_judge_and_current_ones_go_before_disputed():
    refs = pd.concat(
        [
            references([7.0], status="superseded"),
            references([5.0], status="disputed"),
            references([3.0], status="current"),
        ]
    )
    assert score(results({"m": [3.0]}), refs, {"b": benchmark()})["reference"].tolist() == [3.0]
    assert score(results({"m": [3.0]}), refs[:2], {"b": benchmark()})["reference"].tolist() == [5.0]


def test_two_current_values_in_one_set_are_refused():
    refs = pd.concat([references([7.0]), references([5.0])])
    with pytest.raises(InputError, match="two current values of entry 'e0'"):
        score(results({"m": [3.0]}), refs, {"b": benchmark()})


def test_two_results_of_one_entry_are_refused():
    rows = pd.concat([results({"m": [3.0]})] * 2)
    with pytest.raises(InputError, match="m has two results of b/e0"):
        score(rows, references([1.0]), {"b": benchmark()})


# --- invariances ---


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(-50, 50), min_size=5, max_size=12),
    st.sampled_from([1e-3, 0.25, 4.184, 627.5]),
    st.randoms(use_true_random=False),
)
def test_unit_and_order_of_rows_do_not_matter(errors, factor, random):
    base = statistics(score(results({"m": errors}), references([0.0] * len(errors)), {"b": benchmark()})).iloc[0]
    rows = results({"m": [factor * e for e in errors]})
    order = list(range(len(rows)))
    random.shuffle(order)
    other = statistics(score(rows.iloc[order], references([0.0] * len(errors)), {"b": benchmark()})).iloc[0]
    for name in SUMMARIES:
        assert other[name] == pytest.approx(factor * base[name], rel=1e-9, abs=1e-9 * factor)
        for end in ("low", "high"):
            a, b = factor * base[f"{name}_{end}"], other[f"{name}_{end}"]
            assert (math.isnan(a) and math.isnan(b)) or b == pytest.approx(a, rel=1e-3, abs=1e-3 * factor)


@pytest.mark.parametrize(("n", "resamples"), [(7, 100), (3001, 777)])
def test_resamples_drawn_in_blocks_are_those_drawn_at_once(n, resamples, monkeypatch):
    monkeypatch.setattr(bootstrap, "BLOCK", 10_000)
    found = bootstrap.resample_counts.__wrapped__(n, resamples)
    draws = np.random.default_rng([20260101, n, resamples]).integers(0, n, (resamples, n))
    assert found.shape == (resamples, n)
    assert np.array_equal(found, [np.bincount(row, minlength=n) for row in draws])
