"""Entries of one molecule err together: intervals and probabilities draw molecules, each with all of its entries."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from qmbench import ErrorSample, Statistic
from qmbench.judging import bootstrap
from qmbench.judging.best import ranking
from qmbench.judging.comparison import (
    _probability_interval,
    compare_levels,
    inversion_probability,
    ranking_probabilities,
)
from qmbench.judging.statistics import statistics, summaries
from qmbench.judging.summaries import bare, evaluate
from qmbench.report.comparisons import level_against_next
from qmbench.report.heat import improvement_heat
from qmbench.report.tables import table_blocks

SETS, MOLECULES, POINTS = 400, 20, 8
OWN = np.repeat(np.arange(MOLECULES), POINTS)
NAMES = (
    "mean_signed_error mean_absolute_error root_mean_square_error median_absolute_error".split()
)  # a 95th percentile takes 72 molecules


def scored(errors, molecules, subsets=""):
    """errors: {(benchmark, level): array (entries,)}; as `score` makes it, with a molecule for each entry."""
    return pd.concat(
        pd.DataFrame(
            {
                "level_of_theory": level,
                "bsse": "",
                "method": level,
                "basis": "",
                "benchmark": benchmark,
                "entry": [f"e{i:03}" for i in range(len(x))],
                "observable": "energy",
                "subsets": subsets,
                "molecule": [f"m{k}" for k in molecules],
                "status": np.where(np.isnan(x), "failed", "ok"),
                "failure_kind": np.where(np.isnan(x), "not_converged", ""),
                "failure_message": "",
                "value": x,
                "unit": "kcal/mol",
                "uncertainty": np.nan,
                "uncertainty_kind": None,
                "reference": 0.0,
                "reference_set": "best",
                "reference_uncertainty": np.nan,
                "reference_uncertainty_kind": None,
                "error": x,
                "wall_s": 1.0,
                "cpu_s": 1.0,
            }
        )
        for (benchmark, level), x in errors.items()
    ).reset_index(drop=True)


def alike(rng, sets, own=OWN, share=0.9):
    """(entries, sets) standard normal numbers, of whose variance entries of one molecule have this share in common."""
    common = rng.normal(size=(own.max() + 1, sets))[own]
    return np.sqrt(share) * common + np.sqrt(1.0 - share) * rng.normal(size=(len(own), sets))


def covered(low, high, truth):
    return float(np.mean((low <= truth) & (truth <= high)))


# --- coverage, on synthetic sets with known truth ---


def test_intervals_of_statistics_cover_where_molecules_have_many_entries():
    x = alike(np.random.default_rng(1), SETS)
    made, independent = summaries(x, 0.95, 1000, OWN), summaries(x, 0.95, 1000)
    for name, truth in zip(NAMES, (0.0, np.sqrt(2 / np.pi), 1.0, 0.67449), strict=True):
        assert 0.90 <= covered(made[f"{name}_low"], made[f"{name}_high"], truth) <= 0.98, name
        assert covered(independent[f"{name}_low"], independent[f"{name}_high"], truth) < 0.70, name
    assert np.isnan(made["percentile_95_absolute_error_low"]).all()


def test_statistics_are_over_the_molecules_of_the_table():
    x = alike(np.random.default_rng(1), 2)
    table = statistics(scored({("b", "x"): x[:, 0], ("b", "y"): x[:, 1]}, OWN), resamples=1000)
    made = summaries(x, 0.95, 1000, OWN)
    for name in NAMES:
        for kind in (name, f"common_{name}") if name != "median_absolute_error" else (name,):
            assert table[f"{kind}_low"].to_numpy() == pytest.approx(made[f"{name}_low"], rel=1e-12)
            assert table[f"{kind}_high"].to_numpy() == pytest.approx(made[f"{name}_high"], rel=1e-12)
    assert set(table["n_molecules"]) == {MOLECULES}


def test_level_against_level_covers_where_molecules_have_many_entries():
    worse = alike(np.random.default_rng(2), SETS)  # differences of two levels that are equally good
    n = np.full(SETS, len(OWN))
    low, high = bootstrap.mean_intervals(worse, resamples=1000, molecules=OWN)
    assert 0.90 <= covered(low, high, 0.0) <= 0.98
    low, high = _probability_interval(worse, (worse > 0).sum(axis=0), n, 0.95, OWN)
    assert 0.90 <= covered(low, high, 0.5) <= 0.99
    low, high = _probability_interval(worse, (worse > 0).sum(axis=0), n, 0.95, None)
    assert covered(low, high, 0.5) < 0.70
    # One of the two is called the better one, almost surely, about once in twenty times.
    for molecules, least, most in ((OWN, 0.02, 0.10), (None, 0.30, 1.0)):
        p = inversion_probability(worse, molecules=molecules)
        assert least <= np.mean(np.minimum(p, 1.0 - p) < 0.025) <= most


@pytest.mark.parametrize("sizes", [[8] * 7, [1, 1, 2, 3, 5, 8, 9], [1, 2, 4, 8, 16] * 4, [3] * 250])
def test_means_are_covered_whatever_the_sizes_of_molecules(sizes):
    own = np.repeat(np.arange(len(sizes)), sizes)
    x = np.abs(alike(np.random.default_rng([3, *sizes]), 1000, own))
    low, high = bootstrap.mean_intervals(x, averaged="magnitude", molecules=own, resamples=1000)
    assert 0.91 <= covered(low, high, np.sqrt(2 / np.pi)) <= 0.98


def test_shares_are_covered_whatever_is_alike():
    rng = np.random.default_rng(4)
    for share in (0.0, 0.5, 1.0):
        wins = (alike(rng, 1000, share=share) > -1.0).astype(float)
        effective = bootstrap.effective_entries(wins, OWN)
        low, high = bootstrap.proportion_interval(wins.mean(axis=0) * effective, effective, 0.95)
        assert 0.93 <= covered(low, high, 0.841345) <= 0.995


# --- nothing changes where each entry is of its own molecule ---


@pytest.mark.parametrize("n", [12, 250])
def test_entries_of_their_own_molecules_have_the_intervals_they_had(n):
    rng = np.random.default_rng(5)
    x = rng.normal(0.4, 1.0, (n, 6))
    x[rng.random(x.shape) < 0.05] = np.nan
    own = np.arange(n) + 3
    for averaged, numbers in (("signed", x), ("magnitude", np.abs(x)), ("square", x**2)):
        plain = bootstrap.mean_intervals(numbers, averaged=averaged)
        np.testing.assert_array_equal(bootstrap.mean_intervals(numbers, averaged=averaged, molecules=own), plain)
    whole = np.nan_to_num(x)
    plain = bootstrap.quantile_intervals(whole, 0.5)
    np.testing.assert_array_equal(bootstrap.quantile_intervals(whole, 0.5, molecules=own), plain)


def test_tables_do_not_change_by_a_digit_where_each_entry_is_its_own_molecule():
    rng = np.random.default_rng(6)
    errors = {("b", level): rng.normal(0.3, s, 30) for level, s in (("x", 1.0), ("y", 1.2), ("z", 3.0))}
    errors["b", "z"][:4] = np.nan
    own = scored(errors, range(30))
    without = own.drop(columns="molecule")
    for made in (statistics, compare_levels, ranking_probabilities):
        pd.testing.assert_frame_equal(made(own), made(without), check_exact=True)
    x = statistics(own).set_index("level_of_theory").loc["x"]
    # What it was before entries had molecules.
    ends = [x[f"mean_absolute_error_{end}"] for end in ("low", "high")] + [x["root_mean_square_error_high"]]
    assert ends == pytest.approx([0.8240302673190624, 1.2810619279692947, 1.4947126248381686], rel=1e-12)


def test_the_same_entry_several_times_is_one_entry():
    x = np.random.default_rng(7).normal(0.3, 1.0, (25, 3))
    for averaged, numbers in (("signed", x), ("magnitude", np.abs(x)), ("square", x**2)):
        once = bootstrap.mean_intervals(numbers, averaged=averaged)
        again = bootstrap.mean_intervals(np.repeat(numbers, 4, axis=0), averaged=averaged, molecules=OWN_25)
        assert again == pytest.approx(once, rel=1e-9)
    table = compare_levels(scored({("b", "x"): x[:, 0], ("b", "y"): x[:, 1]}, range(25)))
    longer = compare_levels(scored({("b", "x"): np.repeat(x[:, 0], 4), ("b", "y"): np.repeat(x[:, 1], 4)}, OWN_25))
    for name in ("difference", "difference_low", "difference_high", "inversion_probability"):
        assert longer[name][0] == pytest.approx(table[name][0], rel=1e-9)
    width = [float(t["improvement_probability_high"][0] - t["improvement_probability_low"][0]) for t in (table, longer)]
    assert width[1] == pytest.approx(width[0], rel=0.1)


OWN_25 = np.repeat(np.arange(25), 4)


# --- against a plain loop ---


def test_the_interval_is_that_of_a_loop_over_resampled_molecules():
    rng = np.random.default_rng(8)
    sizes = [1, 2, 4, 3, 1, 5, 2, 2, 6]
    own = np.repeat(np.arange(9), sizes)
    x = rng.normal(0.5, 1.0, len(own))

    def mean_and_error(groups):
        n = sum(len(g) for g in groups)
        mean = sum(g.sum() for g in groups) / n
        return mean, np.sqrt(sum(((g - mean).sum()) ** 2 for g in groups)) / n

    groups = [x[own == k] for k in range(9)]
    mean, error = mean_and_error(groups)
    t = []
    for counts in bootstrap.resample_counts(9, 999).astype(int):
        drawn_mean, drawn_error = mean_and_error([groups[k] for k in range(9) for _ in range(counts[k])])
        t.append((drawn_mean - mean) / drawn_error)
    ends = np.sort(t)[np.rint(np.array([0.98, 0.02]) * 998).astype(int)]  # the risks of signed numbers: 0.8 of 2.5 %
    found = bootstrap.mean_intervals(x[:, None], averaged="signed", molecules=own, resamples=999)[:, 0]
    assert found == pytest.approx(mean - ends * error, rel=1e-9)


def test_effective_entries_lie_between_molecules_and_entries():
    rng = np.random.default_rng(9)
    same = np.repeat(rng.random((MOLECULES, 50)) < 0.5, POINTS, axis=0).astype(float)
    independent = (rng.random((len(OWN), 50)) < 0.5).astype(float)
    assert np.median(bootstrap.effective_entries(same, OWN)) == pytest.approx(0.9 * MOLECULES, rel=0.1)
    assert np.median(bootstrap.effective_entries(independent, OWN)) > 100
    assert bootstrap.effective_entries(np.ones((len(OWN), 1)), OWN)[0] == MOLECULES


# --- where there is no interval ---


def test_two_molecules_have_no_interval_and_the_table_says_why():
    rng = np.random.default_rng(10)
    table = scored({("b", level): rng.normal(0.5, 1.0, 30) for level in "xy"}, [0, 1] * 15)
    found = statistics(table)
    assert found["mean_absolute_error"].notna().all()
    ends = [c for c in found if c.endswith(("_low", "_high"))]
    assert found[ends].isna().all().all()
    assert list(found["n_molecules"]) == [2, 2]
    pair = compare_levels(table).iloc[0]
    none = "difference_low difference_high improvement_probability_low improvement_probability_high".split()
    assert pair[[*none, "inversion_probability"]].isna().all()
    assert pair[["difference", "improvement_probability"]].notna().all()
    assert ranking_probabilities(table).empty
    notes = notes_of(found, table)
    assert "too few different molecules for an interval (7 are needed)" in notes
    assert "30 entries of 2 molecules" in notes


def notes_of(found, table):
    return "\n".join(note for block in table_blocks(found, table, {}) for note in block.notes)


def test_a_level_without_an_interval_beside_others_is_named():
    rng = np.random.default_rng(11)
    errors = {("b", level): rng.normal(0.5, 1.0, 40) for level in "xyz"}
    errors["b", "z"][20:] = np.nan  # its entries are of four molecules
    table = scored(errors, np.repeat(np.arange(8), 5))
    found = statistics(table).set_index("level_of_theory")
    assert found["mean_absolute_error_low"].notna().to_dict() == {"x": True, "y": True, "z": False}
    assert found["among_best"].isna().to_dict() == {"x": False, "y": False, "z": True}
    notes = notes_of(found.reset_index(), table)
    assert "no interval, with too few different molecules" in notes
    assert "fewer than 7 entries of different molecules or half" in notes
    made = ranking(np.abs(np.array(list(errors.values())).T), list(np.repeat(np.arange(8), 5)))
    assert np.isfinite(made.low).tolist() == [True, True, False]


def test_a_molecule_with_most_of_the_entries_leaves_no_interval():
    x = np.abs(np.random.default_rng(12).normal(size=(41, 1)))
    assert np.isnan(bootstrap.mean_intervals(x, molecules=np.r_[np.arange(11), [11] * 30])).all()
    assert np.isfinite(bootstrap.mean_intervals(x, molecules=np.r_[np.arange(28), [28] * 13])).all()
    assert np.isnan(bootstrap.quantile_intervals(x, 0.5, molecules=np.r_[np.arange(11), [11] * 30])).all()


def test_a_subset_has_the_molecules_of_its_own_entries():
    rng = np.random.default_rng(13)
    x = rng.normal(0.5, 1.0, 40)
    own = np.repeat(np.arange(10), 4)
    first = ["minima" if i % 4 == 0 else "" for i in range(40)]
    table = statistics(scored({("b", "m"): x}, own, first)).set_index("subset")
    alone = statistics(scored({("b", "m"): x[::4]}, range(10))).iloc[0]
    assert table["n_molecules"].to_dict() == {"all": 10, "minima": 10}
    for name in NAMES:
        for end in ("low", "high"):
            assert table.loc["minima", f"{name}_{end}"] == alone[f"{name}_{end}"]


def test_an_interval_that_a_plugin_computes_sees_the_molecules():
    seen: list[ErrorSample] = []

    def interval(sample, confidence):
        seen.append(sample)
        return np.zeros((2, sample.error.shape[1]))

    mine = Statistic("mine", "mine", "M", "mine", "m", lambda s: s.error.mean(axis=0), interval=interval)
    x = np.random.default_rng(14).normal(size=(40, 2))
    assert np.isfinite(evaluate(bare(x, np.repeat(np.arange(8), 5)), [mine], 0.95, 10)["mine_low"]).all()
    assert seen[0].molecules.tolist() == np.repeat(np.arange(8), 5).tolist()
    assert np.isnan(evaluate(bare(x, np.repeat(np.arange(2), 20)), [mine], 0.95, 10)["mine_low"]).all()
    assert np.isfinite(evaluate(bare(x[:3]), [mine], 0.95, 10)["mine_low"]).all()
    assert len(seen) == 2


def test_tables_have_no_number_where_there_is_no_interval():
    rng = np.random.default_rng(15)
    table = scored({("b", level): rng.normal(0.5, 1.0, 30) for level in "xy"}, [0, 1] * 15)
    pairs, found = compare_levels(table), statistics(table)
    (row,) = level_against_next(pairs, found).rows
    assert row[4] == row[6] == ""
    assert "nan" not in str(improvement_heat(pairs))
