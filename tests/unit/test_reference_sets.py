"""Roles of reference sets: like is weighed with like, and what is not said well is refused."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pandas as pd
import pytest

from qmbench import InputError
from qmbench.data.benchmark import benchmark_folders, load_benchmark
from qmbench.data.lint import lint_benchmark
from qmbench.data.reference_sets import holds_within
from qmbench.judging.columns import groups
from qmbench.judging.disagree_document import disagree_document
from qmbench.judging.frame import REFERENCE_COLUMNS, RESULT_COLUMNS

TRUTH = {"x": -2.9, "y": -7.4, "z": -14.6}


def results(shifts):
    """{level: shift from the truth} on the three entries."""
    rows = [
        {
            **dict.fromkeys(RESULT_COLUMNS),
            "level_of_theory": level,
            "bsse": "",
            "benchmark": "b",
            "entry": entry,
            "observable": "total_energy",
            "status": "ok",
            "value": truth + shift,
            "unit": "hartree",
            "uncertainty": math.nan,
            "wall_s": 1.0,
            "cpu_s": 1.0,
        }
        for level, shift in shifts.items()
        for entry, truth in TRUTH.items()
    ]
    return pd.DataFrame(rows, columns=RESULT_COLUMNS)


def references(sets):
    """{set: (shift, role, within)}; every uncertainty is the rounding of a digit."""
    rows = [
        {
            **dict.fromkeys(REFERENCE_COLUMNS, ""),
            "benchmark": "b",
            "entry": entry,
            "set": name,
            "value": truth + shift,
            "unit": "hartree",
            "uncertainty": 1e-6,
            "uncertainty_kind": "rounding",
            "status": "current",
            "role": role,
            "within": within,
        }
        for name, (shift, role, within) in sets.items()
        for entry, truth in TRUTH.items()
    ]
    return pd.DataFrame(rows, columns=REFERENCE_COLUMNS)


def document(shifts, sets, default="exact"):
    info = SimpleNamespace(id="b", default_reference_set=default, subsets={}, title="B", unit="hartree", observable="x")
    return disagree_document(results(shifts), references(sets), {"b": info})


LEVELS = {"hf/cc-pvtz": 0.05001, "mp2/cc-pvtz": 0.0001, "ccsd(t)/cc-pvtz": 0.00005}
SETS = {
    "exact": (0.0, "limit", ""),
    "HF-limit": (0.05, "limit", "hf"),
    "measured": (-0.02, "estimate", "relativity included"),
    "old": (0.5, "superseded", ""),
}


def test_a_limit_of_an_approximation_is_weighed_with_that_approximation_alone():
    found = document(LEVELS, SETS)
    votes = {(x["entry"], x["within"]): {v["method"] for v in x["votes"]} for x in found["entries"]}
    assert votes["x", ""] == {*LEVELS, "exact"}
    assert votes["x", "hf"] == {"hf/cc-pvtz", "HF-limit"}
    assert set(votes) == {(e, w) for e in TRUTH for w in ("", "hf")}
    verdicts = {(x["within"], x["verdict"], *x["outliers"]) for x in found["entries"]}
    assert verdicts == {("", "one_outlier", "hf/cc-pvtz"), ("hf", "agree")}


def test_without_the_role_the_limit_would_have_been_called_a_contradiction():
    careless = document(LEVELS, {**SETS, "HF-limit": (0.05, "estimate", "")})
    assert any(
        "HF-limit" in {*x["outliers"], *(name for camp in x["camps"] for name in camp)} for x in careless["entries"]
    )


def test_a_reference_within_a_basis_is_weighed_with_levels_in_that_basis():
    sets = {
        "FCI/sto-6g": (0.3, "limit", "/sto-6g"),
        "RHF/sto-6g": (0.35, "estimate", "/sto-6g"),
        "best": (0.0, "estimate", ""),
    }
    shifts = {"hf/sto-6g": 0.35, "fci/sto-6g?x=1": 0.3, "hf/cc-pvtz": 0.05, "edft": 0.0}
    frames = results(shifts), references(sets)
    info = SimpleNamespace(
        id="b", default_reference_set="FCI/sto-6g", subsets={}, title="B", unit="hartree", observable="x"
    )
    made = {g.within: [c.name for c in g.columns] for g in groups(*frames, {"b": info})}
    assert made == {
        "/sto-6g": ["hf/sto-6g", "fci/sto-6g?x=1", "FCI/sto-6g", "RHF/sto-6g"],
        "": ["hf/cc-pvtz", "edft", "best"],
    }


def test_rounding_is_all_the_uncertainty_of_a_limit_and_none_of_an_estimate():
    levels = {"a/b": 0.0, "c/b": 0.00001}
    exact = document(levels, {"exact": (0.0, "limit", ""), "other": (0.0002, "limit", "")})
    rough = document(levels, {"exact": (0.0, "estimate", ""), "other": (0.0002, "estimate", "")})
    assert {x["verdict"] for x in exact["entries"]} != {"agree"}
    assert {x["verdict"] for x in rough["entries"]} == {"agree"}
    (vote,) = (v for v in rough["entries"][0]["votes"] if v["method"] == "exact")
    assert (vote["uncertainty"], vote["uncertainty_kind"]) == (1e-6, "rounding")
    assert vote["assumed_uncertainty"] >= 1e-6


@pytest.mark.parametrize(
    ("level", "within", "wanted"),
    [
        ("hf/cc-pvtz", "hf", True),
        ("HF/cc-pVTZ?stability=false", "hf", True),
        ("pbe+d4/def2-svp", "pbe", False),
        ("fci/sto-6g", "/STO-6G", True),
        ("fci/sto-6g", "hf/sto-6g", False),
        ("edft", "/sto-6g", False),
        ("hf/cc-pvtz", "relativity included", False),
    ],
)
def test_what_holds_within_an_approximation_is_read_from_the_parsed_level(level, within, wanted):
    assert holds_within(level, within) is wanted


TOML = """
id = "b"
version = "1.0.0"
title = "B"
observable = "total_energy"
unit = "hartree"
sign = "negative"
bsse = ["none"]
default_reference_set = "s"
licence = "CC0-1.0"
citations = []
[reference_sets.s]
title = "S"
"""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('role = "limits"', "role is estimate, limit, superseded, level, not 'limits'; did you mean 'limit'"),
        ('rol = "limit"', "unknown key 'rol'; did you mean 'role'"),
        ('within = "/"', "within names an approximation"),
        ('families = "CCSD(T)"', "families is a table of texts"),
    ],
)
def test_what_is_not_said_well_is_refused_in_one_line(tmp_path, line, message):
    (tmp_path / "benchmark.toml").write_text(TOML + line + "\n")
    (tmp_path / "entries.csv").write_text("id,stoichiometry\n")
    (tmp_path / "references.csv").write_text("entry,set,value,unit,status\n")
    with pytest.raises(InputError) as caught:
        load_benchmark(tmp_path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_superseded_default_is_a_fault(tmp_path):
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "benchmark.toml").write_text(TOML + 'role = "superseded"\n')
    (folder / "entries.csv").write_text("id,stoichiometry\nx,\n")
    (folder / "references.csv").write_text("entry,set,value,unit,status,source_place\nx,s,1.0,hartree,current,here\n")
    assert any("'s' is superseded" in f.message for f in lint_benchmark(folder))


@pytest.mark.parametrize("name", sorted(benchmark_folders()))
def test_every_shipped_reference_set_says_its_role(name):
    sets = load_benchmark(benchmark_folders()[name]).meta["reference_sets"]
    assert [s for s, about in sets.items() if "role" not in about] == []


def test_an_approximation_in_any_spelling_is_that_of_the_level():
    from qmbench.data.reference_sets import holds_within

    for within in ("/6-31G*", "/6-31g(d)", "pbeh/631g*", "hyb_gga_xc_pbeh", "PBE0/6-31g(d)", ""):
        assert holds_within("pbe0/6-31g(d)?cartesian=d", within), within
    for within in ("/6-31g**", "pbe", "pbe/6-31g*", "restricted hf", "relativity included"):
        assert not holds_within("pbe0/6-31g(d)?cartesian=d", within), within
    assert holds_within("hf/sto-6g", "/sto6g")
    assert holds_within("fci", "fci")
