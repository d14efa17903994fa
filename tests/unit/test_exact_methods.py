"""Where a method is exact in a complete basis set, all of its error beside an exact reference is the basis set's."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from qmbench.data.benchmark import find_benchmark
from qmbench.judging.exact_methods import exact_for_few, says_exact
from qmbench.judging.frame import RESULT_COLUMNS, references_frame
from qmbench.judging.statistics import score, statistics

FOCAL = "ccsd(t)/cc-pcvtz + mp2/cc-pcv[tq]z - mp2/cc-pcvtz"
FEW = ["he_ionization", "h", "he", "h-", "li+"]
MANY = ["li", "be", "li_ionization"]


@pytest.fixture(scope="module")
def atoms():
    return find_benchmark("atoms")


def results(benchmark, level, limit=math.nan):
    """Values 0.01 hartree above the default references; limit: by how much the limit that is known lies above them."""
    entries = {e.id: e for e in benchmark.entries}
    references = {r.entry: r.quantity.value for r in benchmark.references if r.set == benchmark.default_reference_set}
    rows = [
        {
            **dict.fromkeys(RESULT_COLUMNS),
            "level_of_theory": level,
            "method": level.partition("/")[0],
            "basis": "cc-pcvtz",
            "bsse": "",
            "benchmark": benchmark.id,
            "entry": name,
            "observable": entries[name].observable,
            "subsets": "",
            "status": "ok",
            "value": references[name] + 0.01,
            "unit": benchmark.unit_of(entries[name]),
            "uncertainty": math.nan,
            "wall_s": 1.0,
            "cpu_s": 1.0,
            "basis_uncertainty": math.nan,
            "basis_source": "",
            "basis_limit": references[name] + limit,
            "basis_error": 0.01 - limit,
        }
        for name in (*FEW, *MANY)
    ]
    return pd.DataFrame(rows, columns=RESULT_COLUMNS).astype({"basis_limit_level": object})


@pytest.mark.parametrize(
    ("level", "exact"),
    [
        (FOCAL, True),
        ("ccsd(t)/cc-pcvtz", True),
        ("ccsd/cc-pcv[tq]z", True),
        ("fci/cc-pcvtz", True),
        ("mp2/cc-pcvtz", False),
        ("hf/cc-pcvtz", False),
        ("ccsd(t)/cc-pcvtz?frozen_core=true", False),  # of Li+ nothing is left to be correlated
    ],
)
def test_two_electrons_have_no_error_of_coupled_cluster(atoms, level, exact):
    scored = score(results(atoms, level, limit=0.004), references_frame([atoms]), {"atoms": atoms}).set_index("entry")
    assert scored["error"].to_numpy() == pytest.approx(0.01)
    method, basis = (0.0, 0.01) if exact else (0.004, 0.006)
    assert scored.loc[FEW, "method_error"].to_numpy() == pytest.approx(method)
    assert scored.loc[FEW, "basis_error"].to_numpy() == pytest.approx(basis)
    assert scored.loc[MANY, "method_error"].to_numpy() == pytest.approx(0.004)
    assert scored.loc[MANY, "basis_error"].to_numpy() == pytest.approx(0.006)
    if exact:  # its limit is the exact solution
        assert (scored["value"] - scored["basis_limit"]).to_numpy() == pytest.approx(scored["basis_error"].to_numpy())


def test_where_no_limit_was_computed(atoms):
    scored = score(results(atoms, "ccsd/cc-pcvtz"), references_frame([atoms]), {"atoms": atoms}).set_index("entry")
    assert scored.loc[FEW, "method_error"].to_numpy() == pytest.approx(0.0)
    assert scored.loc[MANY, "method_error"].isna().all()
    assert not scored.loc[FEW, "basis_unknown"].any()
    assert scored.loc[MANY, "basis_unknown"].all()
    ions = scored.loc[["h", "he", "h-", "li+"]].reset_index()
    (row,) = statistics(ions).query("subset == 'all'").to_dict("records")
    assert row["method_mean_absolute_error"] == 0.0
    assert row["basis_limited"]


def test_beside_references_that_are_not_exact(atoms):
    """Measured values hold more than a nonrelativistic method can give; those of an approximation ask for less."""
    for name in ("experiment", "HF-limit"):
        scored = score(results(atoms, "ccsd/cc-pcvtz"), references_frame([atoms]), {"atoms": atoms}, name)
        assert scored["error"].notna().any()
        assert scored["method_error"].isna().all()


def test_benchmarks_without_systems_have_no_electrons(atoms):
    scored = score(results(atoms, FOCAL, limit=0.004), references_frame([atoms]), {"atoms": atoms})
    bare = SimpleNamespace(default_reference_set="nonrelativistic")
    assert not exact_for_few(scored, {"atoms": bare}).any()
    assert np.array_equal(exact_for_few(scored, {"atoms": atoms}), scored["entry"].isin(FEW))


def test_words_that_say_exact():
    assert all(map(says_exact, ["exact", "Exact nonrelativistic, clamped nuclei", "estimated exact, as quoted"]))
    assert not any(map(says_exact, ["", "inexact", "exactly fitted", "experiment", "FCI/cc-pvdz", "nearly exact"]))
