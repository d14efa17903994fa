"""Errors of a method against itself place nobody: which these are, and what tables and sentences make of them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from qmbench.judging.comparison import compare_levels, leave_one_out, ranking_probabilities, reference_sets
from qmbench.judging.league import league_table
from qmbench.judging.own_reference import claimed, of_own_method, own_references
from qmbench.judging.statistics import statistics
from qmbench.judging.user_weights import user_totals
from qmbench.judging.weighted import weighted_totals
from qmbench.report.comparisons import set_table
from qmbench.report.model import SPELLINGS
from qmbench.report.story import in_short, told_apart
from qmbench.report.tables import ranked, table_blocks

FOCAL = "ccsd(t)/aug-cc-pvdz + mp2/aug-cc-pv[tq]z - mp2/aug-cc-pvdz"


def scored(errors, reference="exact", role="estimate", within="", uncertainty=np.nan, kind=None, stated=1e-9):
    """errors: {level: array (entries,)}."""
    parts = [
        pd.DataFrame(
            {
                "level_of_theory": level,
                "bsse": "",
                "method": level.partition("/")[0],
                "basis": level.partition("/")[2],
                "benchmark": "toy",
                "entry": [f"e{i:02}" for i in range(len(x))],
                "observable": "total_energy",
                "subsets": "",
                "status": "ok",
                "failure_kind": "",
                "failure_message": "",
                "warnings": "",
                "value": np.asarray(x) - 2.0,
                "unit": "hartree",
                "uncertainty": uncertainty,
                "uncertainty_kind": kind,
                "reference": -2.0,
                "reference_set": "best",
                "reference_uncertainty": stated,
                "reference_uncertainty_kind": "rounding",
                "reference_level_of_theory": reference,
                "reference_role": role,
                "reference_within": within,
                "error": x,
                "wall_s": 1.0,
                "cpu_s": 1.0,
            }
        )
        for level, x in errors.items()
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("level", "reference", "own"),
    [
        ("fci/sto-6g", "FCI/STO-6G", True),
        ("ccsd(t)/aug-cc-pvdz", "CCSD(T)/CBS", True),  # the rest is the basis set's
        ("ccsd(t)/aug-cc-pvdz?frozen_core=true", "CCSD(T)/CBS, second revision", True),
        (FOCAL, "CCSD(T)/CBS", True),
        (FOCAL, "MP2/CBS", False),
        ("ccsd(t)/cbs‡", "CCSD(T)/CBS", True),  # published
        ("ccsd/def2-tzvp", "CCSD(T)/CBS", False),
        ("uccsd(t)/sto-6g", "CCSD(T)/CBS", False),
        ("ccsd(t)/cc-pvtz", "CCSD(T)/CBS with core, relativistic and CCSDT(Q) corrections", False),
        ("ccsd(t)/cc-pvtz", "composite CCSD(T)/CBS + post-CCSD(T)", False),
        ("ccsd(t)/cc-pvtz", "experiment", False),
        ("ccsd(t)/cc-pvtz", None, False),
        ("dmet?fragment=2", "DMET", False),  # another approximation by the same name
        ("dmet?fragment=2", "dmet?fragment=2", True),
    ],
)
def test_references_of_the_same_method_by_what_they_state(level, reference, own):
    table = scored({level: np.full(3, 0.1), "hf/sto-6g": np.full(3, 0.2)}, reference)
    assert own_references(table, {}).tolist() == [own] * 3 + [False] * 3


@pytest.mark.parametrize(
    ("error", "claim", "about", "own"),
    [
        (1e-10, "reference", {"role": "limit"}, True),
        (1e-10, "", {"role": "limit"}, False),  # a level that claims nothing may be right by chance
        (1e-10, "reference", {"role": "estimate"}, False),
        (1e-4, "reference", {"role": "limit"}, False),  # CCSD(T) beside FCI in one basis
        (1e-10, "exact /sto-6g", {"role": "limit", "within": "/sto-6g"}, True),
        (1e-10, "exact /sto-6g", {"role": "limit"}, False),
        (
            1e-4,
            "reference",
            {"role": "limit", "uncertainty": 1e-3, "kind": "statistical"},
            False,
        ),  # diffusion Monte Carlo
        (1e-6, "reference", {"role": "limit", "uncertainty": 1e-6, "kind": "estimate"}, True),
    ],
)
def test_limits_that_are_reproduced_by_what_claims_to_be_exact(error, claim, about, own):
    table = scored({"solver": np.full(3, error)}, "exact diagonalization", **about)
    assert own_references(table, {"solver": claim}).tolist() == [own] * 3
    off = table.assign(error=[error, error, 0.1])  # one that is not reproduced: neither are the others by its method
    assert not own_references(off, {"solver": claim}).any()


def test_a_claim_in_a_basis_set_holds_for_questions_within_it():
    assert all([claimed("reference", ""), claimed("exact", "/sto-3g"), claimed("exact /sto-3g", "qed-hf/STO-3G")])
    assert not any([claimed("exact /sto-3g", ""), claimed("", ""), claimed("level", "")])


@pytest.fixture
def table():
    rng = np.random.default_rng(5)
    small, large = 0.01 * rng.standard_normal(12), 0.5 + 0.1 * rng.standard_normal(12)
    made = scored(
        {"fci/sto-6g": np.zeros(12), "ccsd/sto-6g": small, "hf/sto-6g": large}, "fci/sto-6g", "limit", "/sto-6g"
    )
    return made.assign(molecule=made["entry"], own_reference=own_references(made, {}))


def test_the_others_are_ranked_among_themselves(table):
    rows = {r["level_of_theory"]: r for r in ranked(statistics(table))}
    assert list(rows) == ["ccsd/sto-6g", "hf/sto-6g", "fci/sto-6g"]
    own = rows["fci/sto-6g"]
    assert own["n_own_reference"] == own["n_scored"] == 12
    assert own["mean_absolute_error"] == 0.0
    assert own["among_best"] is None
    assert np.isnan(own["adjusted_mean_absolute_error"])
    without = {r["level_of_theory"]: r for r in ranked(statistics(table[table["level_of_theory"].ne("fci/sto-6g")]))}
    for level in ("ccsd/sto-6g", "hf/sto-6g"):
        for key in ("among_best", "p_best", "p_score", "adjusted_mean_absolute_error"):
            assert rows[level][key] == without[level][key]
    assert rows["ccsd/sto-6g"]["among_best"] is True


def test_pairs_ranks_and_league_leave_them_out(table):
    others = table[table["level_of_theory"].ne("fci/sto-6g")]
    for made in (compare_levels, ranking_probabilities, league_table):
        pd.testing.assert_frame_equal(made(table), made(others))
    pd.testing.assert_frame_equal(leave_one_out(table), leave_one_out(others))


def test_what_is_said_of_them(table):
    rows = [r for r in ranked(statistics(table)) if r["n_scored"]]
    said = told_apart(rows, None, SPELLINGS)
    assert said.startswith("ccsd/sto-6g is the best of 2 (")
    assert said.endswith(
        "fci/sto-6g is of the method of the references: its errors tell how well these are reproduced, and nothing of "
        "the method."
    )
    assert "too few" not in said
    assert in_short(rows) == "one of 2 is best"
    alone = [r for r in rows if r["level_of_theory"] == "fci/sto-6g"]
    assert told_apart(alone, None, SPELLINGS).startswith("fci/sto-6g is of the method of the references")
    assert in_short(alone) == "references of the same method"
    two = [r for r in rows if r["level_of_theory"] != "ccsd/sto-6g"]
    assert told_apart(two, None, SPELLINGS).startswith("hf/sto-6g errs by 0.")
    info = {"toy": SimpleNamespace(title="Toys")}
    (block,) = table_blocks(statistics(table), table, info)
    assert [r.best for r in block.rows] == [True, False, False]
    assert any(note.endswith("not ranked: fci/sto-6g") for note in block.notes)
    assert not any(note.startswith("not ranked, with fewer") for note in block.notes)


def test_where_some_references_are_of_the_own_method(table):
    """A level is placed by the other entries."""
    some = table.assign(own_reference=table["own_reference"] & table["entry"].lt("e04"))
    rows = {r["level_of_theory"]: r for r in ranked(statistics(some))}
    assert rows["fci/sto-6g"]["n_own_reference"] == 4
    assert rows["fci/sto-6g"]["adjusted_mean_absolute_error"] == 0.0
    (block,) = table_blocks(statistics(some), some, {"toy": SimpleNamespace(title="Toys")})
    assert "4 of 12 references of fci/sto-6g are of its own method and don't rank it" in block.notes


def test_pairs_are_asked_in_their_order():
    levels = ["mp2/cc-pvdz", "hf", "mp2/cc-pvtz", "hf", "mp2"]
    assert of_own_method(levels, ["MP2/CBS", "MP2/CBS", "HF", "hf, as printed", ""]).tolist() == [
        *(True, False, False, True, False)
    ]
    assert of_own_method([], []).tolist() == []


@pytest.fixture
def two_parts(table):
    """Dissociation energies of two benchmarks; the references of the second are of nobody's method here."""
    energies = table.assign(observable="dissociation_energy", unit="kcal/mol")
    second = energies.assign(benchmark="second", own_reference=False)
    third = energies.assign(benchmark="third", own_reference=False)
    return pd.concat([energies, second, third], ignore_index=True)


def test_no_total_has_errors_of_a_method_against_itself(two_parts):
    totals = weighted_totals(statistics(two_parts, intervals=False), two_parts)
    parts = dict(zip(totals["level_of_theory"], totals["parts"].str.split(), strict=True))
    assert parts["fci/sto-6g"] == ["second/dissociation_energy", "third/dissociation_energy"]
    assert parts["hf/sto-6g"] == ["toy/dissociation_energy", *parts["fci/sto-6g"]]
    weights = {"toy": 1.0, "second": 1.0}
    mine = user_totals(statistics(two_parts, intervals=False), two_parts, weights).set_index("level_of_theory")
    assert mine.loc[["fci/sto-6g"], "total"].isna().all()
    assert mine.loc[["fci/sto-6g"], "lacks"].eq("toy").all()
    assert mine.loc[["hf/sto-6g"], "total"].notna().all()


def test_a_set_of_the_own_method_places_the_others(table):
    """The default is FCI, another one is not: FCI has a rank there and none here, and who is best among the others
    stays the best."""
    value = dict(zip(table["entry"], table["reference"], strict=True))
    rows = [
        {"benchmark": "toy", "entry": e, "set": name, "value": v + shift, "level_of_theory": level, "status": "current"}
        for name, shift, level in (("fci", 0.0, "FCI/STO-6G"), ("other", 1e-3, "measured"))
        for e, v in value.items()
    ]
    references = pd.DataFrame(rows).assign(within="")
    info = SimpleNamespace(default_reference_set="fci")
    sets = reference_sets(table, references, {"toy": info})
    found = sets.set_index(["reference_set", "level_of_theory"])
    assert found["n_own_reference"].to_dict() == {
        **{("fci", level): 0 for level in ("ccsd/sto-6g", "hf/sto-6g")},
        **{("other", level): 0 for level in ("ccsd/sto-6g", "fci/sto-6g", "hf/sto-6g")},
        ("fci", "fci/sto-6g"): 12,
    }
    ranks = found["rank"].unstack()
    assert ranks.loc["fci", ["ccsd/sto-6g", "hf/sto-6g"]].tolist() == [1.0, 2.0]
    assert np.isnan(ranks.loc["fci", "fci/sto-6g"])
    assert ranks.loc["other", ["fci/sto-6g", "ccsd/sto-6g", "hf/sto-6g"]].tolist() == [1.0, 2.0, 3.0]
    assert found.loc[("other", "fci/sto-6g"), ["kendall_tau", "best_is_same"]].tolist() == [1.0, True]
    shown = set_table(sets, {}, {})
    cells = {row[0]: row[1] for row in shown.rows}
    assert cells["fci/sto-6g"].endswith("(n 12, its own method)")
    assert cells["hf/sto-6g"].endswith("(n 12, rank 2)")
    assert "place nobody" in shown.note
