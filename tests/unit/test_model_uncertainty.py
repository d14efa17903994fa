"""The uncertainty of a learned level from its parts to the tables, the disagreement report and the gate."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from toy_runs import computed

from qmbench.judging.regression import baseline_text, check, make_baseline, parse_baseline
from qmbench.judging.statistics import score, statistics

pytestmark = pytest.mark.usefixtures("toys")
HARTREE = 627.5094740631


def he2(report):
    return report.results.query("entry == 'he2' and method == 'toy-learned'").iloc[0]


@pytest.mark.parametrize(
    ("atom_kind", "kind", "terms"),
    [
        ("model", "model", 1 + 2**2),  # the atom occurs twice, with one error
        ("exact", "model", 1),
        ("statistical", "combined", 1 + 2**2),
        ("systematic", "combined", 1 + 2**2),
    ],
)
def test_an_interaction_energy_has_the_kind_of_its_parts(folder, atom_kind, kind, terms):
    report, _ = computed(folder, f"toy-learned?atom_kind={atom_kind}")
    row = he2(report)
    assert row["uncertainty_kind"] == kind
    assert row["uncertainty"] == pytest.approx(1e-3 * math.sqrt(terms) * HARTREE)
    scored = report.scored.query("entry == 'he2'").iloc[0]
    assert scored["uncertainty_kind"] == kind
    assert scored["error_uncertainty"] == pytest.approx(math.hypot(row["uncertainty"], 0.001))


def spread(results, references, benchmarks, kind):
    table = statistics(score(results.assign(uncertainty_kind=kind), references, benchmarks))
    return table.query("subset == 'all' and observable == 'interaction_energy'").iloc[0][
        "mean_signed_error_uncertainty"
    ]


def test_over_entries_model_errors_average_out_and_systematic_ones_do_not(folder):
    report, _ = computed(folder, "toy-learned")
    about = (report.results, report.references, report.benchmarks)
    each = he2(report)["uncertainty"]
    assert spread(*about, "model") == pytest.approx(math.sqrt(2 * each**2 + 0.001**2) / 2)
    assert spread(*about, "systematic") == pytest.approx(each, rel=1e-3)


def test_in_the_disagreement_it_is_a_stated_uncertainty_that_no_sampling_reduces(folder):
    report, _ = computed(folder, "toy", "toy-learned?error=0.1", "toy-vmc?samples=100")
    entry = next(x for x in report.disagreement["entries"] if x["entry"] == "he2")
    votes = {v["method"].partition("?")[0]: v for v in entry["votes"]}
    assert votes["toy-learned"]["uncertainty_kind"] == "model"
    assert votes["toy-learned"]["uncertainty"] == pytest.approx(he2(report)["uncertainty"])
    assert votes["toy-learned"]["assumed_uncertainty"] is None
    pairs = {(p["a"].partition("?")[0], p["b"].partition("?")[0]): p for p in report.disagreement["pairs"]}
    assert pairs["toy", "toy-learned"]["max_z_statistical"] is None
    assert pairs["toy", "toy-vmc"]["max_z_statistical"] is not None
    asked = {s["method"].partition("?")[0] for s in report.disagreement["next_calculations"] if s["kind"] == "sampling"}
    assert asked == {"toy-vmc"}


def test_the_largest_difference_names_the_kinds_of_its_uncertainty(folder):
    report, _ = computed(folder, "toy-learned", "toy-learned?error=0.01")
    entry = next(x for x in report.disagreement["entries"] if x["entry"] == "he2")
    parts = [x["max_pair"]["uncertainty_by_kind"] for x in report.disagreement["entries"] if x["max_pair"]]
    assert "model" in entry["max_pair"]["uncertainty_by_kind"]
    assert {name for p in parts for name in p} <= {"model", "estimate", "assumed"}


@pytest.mark.parametrize("atom_kind", ["model", "systematic"])
def test_a_deterministic_level_is_held_to_the_tolerance_whatever_error_it_states(folder, atom_kind):
    """A wide error bar of the model, or one of mixed kinds, must not hide that the program gives another number."""
    report, stochastic = computed(folder, f"toy-learned?atom_kind={atom_kind}")
    assert not stochastic
    before = parse_baseline(baseline_text(make_baseline(report.results, {})), "b")
    assert check(report.results, before).exit_code == 0
    after: pd.DataFrame = report.results.copy()
    after.loc[after["entry"] == "he2", "value"] += 0.1 * he2(report)["uncertainty"]
    found = check(after, before)
    assert {f.key[3] for f in found.findings if f.outcome == "changed"} == {"he2"}
    assert found.exit_code == 1
