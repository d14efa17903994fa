"""A stochastic method from its numbers to the tables, the disagreement report, what to compute next, and the gate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from toy_runs import computed

from qmbench.judging.regression import baseline_text, check, make_baseline, parse_baseline

pytestmark = pytest.mark.usefixtures("toys")
HARTREE = 627.5094740631


def value(report, entry, level="toy-vmc"):
    return report.results.query("entry == @entry and method == @level").iloc[0]


def test_statistical_errors_of_the_parts_reach_the_tables(folder):
    report, stochastic = computed(folder, "toy", "toy-vmc?samples=10000")
    assert len(stochastic) == 1
    row = value(report, "he2")
    # A dimer and two equal atoms, of which one was computed and counts twice.
    assert row["uncertainty"] == pytest.approx(0.01 * math.sqrt(1 + 2**2) * HARTREE, rel=1e-9)
    assert row["uncertainty_kind"] == "statistical"
    scored = report.scored.query("entry == 'he2' and method == 'toy-vmc'").iloc[0]
    assert scored["error_uncertainty"] == pytest.approx(math.hypot(row["uncertainty"], 0.001))
    table = report.statistics.query("subset == 'all' and observable == 'interaction_energy'").set_index("method")
    per_entry = [value(report, e)["uncertainty"] for e in ("he2", "he2_far")]
    want = math.sqrt(sum(u**2 for u in per_entry) + 0.001**2) / 2
    assert table.loc["toy-vmc", "mean_signed_error_uncertainty"] == pytest.approx(want)
    assert table.loc["toy", "mean_signed_error_uncertainty"] == pytest.approx(0.001 / 2)


def test_kinds_stay_apart_in_the_disagreement_and_more_sampling_is_named(folder):
    report, _ = computed(folder, "toy", "toy-vmc?samples=100")
    entry = next(x for x in report.disagreement["entries"] if x["entry"] == "he2")
    votes = {v["method"]: v for v in entry["votes"]}
    sampled = next(v for name, v in votes.items() if name.startswith("toy-vmc"))
    assert sampled["uncertainty_kind"] == "statistical"
    assert votes["toy"]["uncertainty"] is None
    assert votes["toy"]["assumed_uncertainty"] > 0
    assert votes["paper"]["uncertainty_kind"] == "estimate"
    pair = next(p for p in report.disagreement["pairs"] if p["a"] == "toy" and p["b"].startswith("toy-vmc"))
    assert pair["max_z_statistical"] is not None
    assert entry["verdict"] == "inconclusive"
    more = [s for s in report.disagreement["next_calculations"] if s["kind"] == "sampling" and s["entry"] == "he2"]
    (suggested,) = more
    assert suggested["factor"] > 1
    # With that many times the samples the uncertainty is what the suggestion wants.
    wanted = sampled["uncertainty"] / math.sqrt(suggested["factor"])
    finer, _ = computed(folder, f"toy-vmc?samples={math.ceil(100 * suggested['factor'])}")
    assert value(finer, "he2")["uncertainty"] == pytest.approx(wanted, rel=0.01)


def judged(folder, before, after):
    """The findings of the run `after` against a baseline of the run `before`, under the latter's name."""
    old, _ = computed(folder, before)
    new, stochastic = computed(folder, after)
    old_name, new_name = (r.results["level_of_theory"].iloc[0] for r in (old, new))
    baseline = parse_baseline(baseline_text(make_baseline(old.results, {})), "b")
    for row in baseline["values"]:
        assert row["level_of_theory"] == old_name
        row["level_of_theory"] = new_name
    return check(new.results, baseline, stochastic)


def test_another_seed_passes_the_gate_and_a_shift_beyond_both_uncertainties_does_not(folder):
    found = [judged(folder, "toy-vmc?samples=10000", f"toy-vmc?samples=10000&seed={seed}") for seed in range(1, 9)]
    counts = np.sum([[f.counts.get(k, 0) for k in ("unchanged", "inconclusive", "changed")] for f in found], axis=0)
    assert counts[0] > 0.8 * counts.sum()
    assert counts[2] == 0
    # By a tolerance for deterministic numbers, these would have failed.
    said = [f.message.split("z = ")[1] for f in found[0].findings if "z = " in f.message]
    assert any(abs(float(text.split(";")[0])) > 0.1 for text in said)
    drifted = judged(folder, "toy-vmc?samples=100000000", "toy-vmc?samples=10")
    assert drifted.counts.get("inconclusive")
    assert any("times the sampling" in f.message for f in drifted.findings)
    assert drifted.exit_code in (1, 2)


def test_a_combined_uncertainty_is_weighed_as_a_whole(folder):
    report, stochastic = computed(folder, "toy-vmc?samples=10000&model_error=0.05")
    row = value(report, "he")
    assert row["uncertainty"] == pytest.approx(math.hypot(0.01, 0.05))
    assert row["uncertainty_kind"] == "combined"
    found = judged(folder, "toy-vmc?samples=10000&model_error=0.05", "toy-vmc?samples=10000&model_error=0.05&seed=3")
    assert found.counts.get("changed", 0) == 0
    assert check(report.results, make_baseline(report.results, {}), set()).exit_code == 0
    assert stochastic
