"""Comparing levels with each other, over reference sets and over benchmarks."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from qmbench.judging import bootstrap
from qmbench.judging.comparison import (
    compare_levels,
    kendall_tau,
    leave_one_out,
    ranking_probabilities,
    reference_sets,
)
from qmbench.judging.league import league_table
from qmbench.judging.statistics import statistics
from qmbench.judging.weighted import weighted_totals, wtmad2, wtmad4

GOLDEN = Path(__file__).parent.parent / "golden"


def scored(values, benchmark="b", unit="kcal/mol", reference=0.0):
    """{level: [error or None, …]} as a scored table; entries e0, e1, …"""
    rows = [
        {
            "level_of_theory": level,
            "bsse": "",
            "method": level,
            "basis": "",
            "benchmark": benchmark,
            "entry": f"e{i}",
            "observable": "interaction_energy",
            "subsets": "",
            "status": "failed" if x is None else "ok",
            "value": math.nan if x is None else reference + x,
            "unit": unit,
            "uncertainty": math.nan,
            "uncertainty_kind": None,
            "reference": reference,
            "reference_set": "best",
            "reference_uncertainty": math.nan,
            "reference_uncertainty_kind": None,
            "error": math.nan if x is None else x,
            "wall_s": 1.0,
            "cpu_s": 1.0,
        }
        for level, numbers in values.items()
        for i, x in enumerate(numbers)
    ]
    return pd.DataFrame(rows)


def published():
    with open(GOLDEN / "gmtkn55_pbeh3c.csv") as file:
        rows = list(csv.DictReader(file))
    columns = ("n", "mean_absolute_reference_kcal_mol", "mean_absolute_error_kcal_mol")
    return [r["part"] for r in rows], *(np.array([float(r[c]) for r in rows]) for c in columns)


# --- WTMAD ---


def test_wtmad2_reproduces_the_published_figure_of_pbeh3c_on_gmtkn55():
    _, n, mean_energy, mad = published()
    assert (len(n), n.sum()) == (55, 1505)
    assert wtmad2(mad, n, mean_energy).sum() == pytest.approx(11.127963, abs=1e-6)


def test_wtmad2_of_one_category_reproduces_its_published_figure():
    parts, n, mean_energy, mad = published()
    names = "ADIM6 AHB21 CARBHB12 CHB6 HAL59 HEAVY28 IL16 PNICO23 RG18 S22 S66 WATER27".split()
    pick = [parts.index(name) for name in names]
    got = wtmad2(mad[pick], n[pick], mean_energy[pick], scale=mean_energy.mean()).sum()
    assert got == pytest.approx(13.697174, abs=1e-6)


def test_wtmad4_of_typical_errors_is_their_mean_and_each_part_counts_alike():
    typical = np.array([0.1, 1.0, 10.0])
    assert wtmad4(typical, typical).sum() == pytest.approx(typical.mean())
    shares = wtmad4(2.0 * typical, typical)
    assert shares == pytest.approx([2 * typical.mean() / 3] * 3)


def test_totals_over_benchmarks_convert_units_and_keep_levels_with_missing_parts_apart():
    one = scored({"a": [1.0, 1.0], "b": [2.0, 2.0], "c": [1.0, 1.0], "d": [0.1, 0.1]}, "s22", reference=-5.0)
    two = scored({"a": [0.1, 0.1], "b": [0.1, 0.1], "c": [None, None], "d": [0.1, None]}, "bonds", "eV", reference=4.0)
    total = scored({"a": [1.0, 1.0], "b": [1.0, 1.0]}, "atoms", reference=-1e4).assign(observable="total_energy")
    table = pd.concat([one, two, total], ignore_index=True)
    totals = weighted_totals(statistics(table, intervals=False), table).set_index(["level_of_theory", "part"])
    ev = 23.060548
    scale = (5.0 + 4.0 * ev) / 2
    want = 0.5 * scale * (1.0 / 5.0 + 0.1 / 4.0)
    assert totals.loc[("a", "s22/interaction_energy"), "wtmad2"] == pytest.approx(want, rel=1e-6)
    shares = totals.loc["a", "wtmad2_share"]
    assert shares.sum() == pytest.approx(want, rel=1e-6)
    assert totals.loc["a", "wtmad4_share"].sum() == pytest.approx(totals.loc["a", "wtmad4"].iloc[0])
    # Neither a level without a part, nor one without an entry of it, is set beside those that have all.
    assert set(totals.index.get_level_values(0)) == {"a", "b"}
    assert set(totals["parts"]) == {"s22/interaction_energy bonds/interaction_energy"}


def test_a_counterpoise_treatment_that_has_no_meaning_elsewhere_does_not_divide_a_level():
    dimers = pd.concat([scored({"a": [1.0, 1.0]}).assign(bsse=t, benchmark="s22") for t in ("cp", "none")])
    bonds = scored({"a": [0.5, 0.5]}, "bonds", reference=9.0).assign(bsse="none")
    dimers.loc[dimers["bsse"].eq("none"), "error"] = 3.0
    dimers["reference"] = -5.0
    table = pd.concat([dimers, bonds], ignore_index=True)
    totals = weighted_totals(statistics(table, intervals=False), table).set_index(["bsse", "part"])
    assert totals.loc[("cp", "s22/interaction_energy"), "mean_absolute_error"] == 1.0
    assert totals.loc[("none", "s22/interaction_energy"), "mean_absolute_error"] == 3.0
    assert totals.loc[("cp", "bonds/interaction_energy"), "mean_absolute_error"] == 0.5


# --- pairs ---


def test_the_better_level_comes_first_and_is_judged_on_shared_entries_alone():
    pair = compare_levels(scored({"x": [1.0, -1.0, 1.0, 99.0], "y": [2.0, 0.5, 3.0, None]})).iloc[0]
    assert (pair["level_a"], pair["level_b"], pair["n_common"]) == ("x", "y", 3)
    assert pair["mean_absolute_error_a"] == 1.0
    assert pair["difference"] == pytest.approx(5.5 / 3 - 1.0)
    assert pair["improvement_probability"] == pytest.approx(2 / 3)
    assert pair["mean_gain"] == pytest.approx(1.5)  # (1 + 2) / 2
    assert pair["mean_loss"] == pytest.approx(-0.5)
    assert math.isnan(pair["difference_low"])
    assert math.isnan(pair["inversion_probability"])


def test_the_order_in_which_levels_come_does_not_matter():
    a, b = [0.5, 1.0, 0.2, 0.7, 0.1, 0.9], [0.4, 1.5, 0.9, 0.8, 0.3, 1.2]
    one, other = compare_levels(scored({"x": a, "y": b})).iloc[0], compare_levels(scored({"y": b, "x": a})).iloc[0]
    pd.testing.assert_series_equal(one, other)


def test_inversion_probability_agrees_with_the_normal_limit():
    from scipy.stats import norm

    rng = np.random.default_rng(2)
    a = np.abs(rng.normal(0, 1, 150))
    b = a + rng.normal(0.1, 1.0, 150)
    b = np.abs(b)
    d = b - a
    pair = compare_levels(scored({"x": list(a), "y": list(b)}), resamples=8000).iloc[0]
    want = norm.cdf(-abs(d.mean()) / (d.std() / math.sqrt(150)))
    assert pair["inversion_probability"] == pytest.approx(want, abs=0.02)


def test_identical_levels_are_a_toss_up():
    pair = compare_levels(scored({"x": [1.0] * 8, "y": [1.0] * 8})).iloc[0]
    assert pair["improvement_probability"] == 0.5
    assert pair["inversion_probability"] == 0.5


@pytest.mark.parametrize(("wins", "n"), [(0, 7), (3, 7), (7, 7), (11, 22)])
def test_proportion_interval_agrees_with_scipy(wins, n):
    from scipy.stats import binomtest

    want = binomtest(wins, n).proportion_ci(0.95, method="exact")
    low, high = bootstrap.proportion_interval(np.array([float(wins)]), np.array([n]), 0.95)
    assert (low[0], high[0]) == (pytest.approx(want.low), pytest.approx(want.high))


def test_rank_probabilities_sum_to_one_both_ways():
    rng = np.random.default_rng(1)
    table = ranking_probabilities(
        scored({k: list(rng.normal(0, s, 12)) for k, s in zip("abc", (1, 1.1, 5), strict=True)})
    )
    assert table.groupby("level_of_theory")["probability"].sum().to_numpy() == pytest.approx([1.0] * 3)
    assert table.groupby("rank")["probability"].sum().to_numpy() == pytest.approx([1.0] * 3)
    assert table.set_index(["level_of_theory", "rank"]).loc[("c", 3), "probability"] > 0.95


# --- other references, other entries ---


def test_a_change_of_reference_that_turns_the_ranking_round_is_seen():
    results = scored({"x": [1.0, 1.0, 1.0], "y": [2.0, 2.0, 2.0]})[
        "level_of_theory bsse method basis benchmark entry observable subsets status value unit uncertainty "
        "uncertainty_kind wall_s cpu_s".split()
    ]
    refs = pd.DataFrame(
        [
            {
                "benchmark": "b",
                "entry": f"e{i}",
                "set": name,
                "value": value,
                "unit": "kcal/mol",
                "uncertainty": math.nan,
                "uncertainty_kind": None,
                "level_of_theory": "",
                "source_doi": "",
                "source_place": "",
                "status": "current",
                "note": "",
            }
            for name, value in (("new", 1.1), ("old", 2.1), ("wide", 0.9))
            for i in range(3)
        ]
    )
    info = SimpleNamespace(id="b", default_reference_set="new", subsets={}, title="B", unit="kcal/mol", observable="e")
    table = reference_sets(results, refs, {"b": info}).set_index(["reference_set", "level_of_theory"])
    assert table.loc[("new", "x"), ["rank", "kendall_tau"]].tolist() == [1.0, 1.0]
    assert table.loc[("old", "y"), ["rank", "kendall_tau", "best_is_same"]].tolist() == [1.0, -1.0, False]
    assert table.loc[("wide", "x"), ["kendall_tau", "best_is_same"]].tolist() == [1.0, True]
    assert table.loc[("old", "x"), "mean_signed_error"] == pytest.approx(-1.1)


def test_entries_that_a_level_was_trained_on_score_it_against_no_reference_set():
    overlap = ["water (0.001)"] * 3 + [None] * 5
    results = scored({"learned": [0.0] * 3 + [2.0] * 5, "other": [1.0] * 8})
    results["training_overlap"] = [*overlap, *[None] * 8]
    references = pd.DataFrame(
        [
            {
                "benchmark": "b",
                "entry": f"e{i}",
                "set": "best",
                "value": 0.0,
                "level_of_theory": "",
                "status": "current",
                "within": "",
            }
            for i in range(8)
        ]
    )
    found = reference_sets(results, references, {"b": SimpleNamespace(default_reference_set="best")})
    row = found.set_index("level_of_theory").loc["learned"]
    assert (row["n"], row["mean_absolute_error"], row["rank"]) == (5, 2.0, 2.0)


def test_the_league_ranks_by_the_errors_that_statistics_rank_by():
    rng = np.random.default_rng(2)
    table = scored(
        {level: list(size * rng.standard_normal(12)) for level, size in (("x", 1.0), ("y", 2.0), ("z", 1.5))}
    )
    limit = table["level_of_theory"].eq("y")
    table["method_error"] = (0.2 * table["error"]).where(limit)
    table["basis_error"] = (0.8 * table["error"]).where(limit)
    table["basis_uncertainty"], table["basis_source"] = math.nan, None
    own = statistics(table).set_index("level_of_theory")["adjusted_mean_absolute_error"]
    found = league_table(table, resamples=100)
    assert set(found["level_a"]) | set(found["level_b"]) == {"x", "y", "z"}
    for end in ("a", "b"):
        assert found[f"adjusted_mean_absolute_error_{end}"].tolist() == own[found[f"level_{end}"]].tolist()
    assert found["level_a"].iloc[0] == "y"


def test_kendall_tau_agrees_with_scipy():
    from scipy.stats import kendalltau

    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, 9).astype(float), rng.integers(0, 6, 9).astype(float)
    assert kendall_tau(x, y) == pytest.approx(kendalltau(x, y).statistic)


def test_leaving_out_the_entry_that_decides():
    table = leave_one_out(scored({"x": [0.1, 0.1, 5.0], "y": [1.0, 1.0, 1.0]})).set_index("level_of_theory")
    assert table.loc["x", "most_influential"] == "e2"
    assert table.loc["x", "lowest"] == pytest.approx(0.1)
    assert table.loc["x", "highest"] == pytest.approx(2.55)
    assert table.loc["x", "change"] == pytest.approx(0.1 - 5.2 / 3)
    assert table.loc["y", "best_changes_without"] == "e2"


def test_a_level_that_did_a_sample_only_takes_no_rank_and_leaves_the_others_theirs():
    values = {"a": [1.0] * 8, "b": [2.0] * 8}
    sampled = values | {"sample": [0.5] + [None] * 7}
    rank = ranking_probabilities(scored(sampled), resamples=50)
    pd.testing.assert_frame_equal(rank, ranking_probabilities(scored(values), resamples=50))
    assert set(rank["level_of_theory"]) == {"a", "b"}
    left = leave_one_out(scored(sampled))
    assert left["best_changes_without"].eq("").all()
