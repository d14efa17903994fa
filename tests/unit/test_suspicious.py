"""References that others speak against: wrong sign, wrong unit, far from every level, fragments cut through a bond."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from qmbench.data.benchmark import load_benchmark
from qmbench.data.lint import lint_benchmark
from qmbench.judging.suspicious import suspicious_references

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
LEVELS = {"mp2/cc-pvtz (cp)": -0.0190, "ccsd(t)/cc-pvtz (cp)": -0.0205, "b3lyp-d4/def2-tzvp (cp)": -0.0212}


def changed(folder, value, unit="kcal/mol"):
    path = folder / "references.csv"
    path.write_text(path.read_text().replace("he2,paper,-0.02,kcal/mol", f"he2,paper,{value},{unit}"))
    return load_benchmark(folder)


def said(folder, value, unit="kcal/mol", levels=LEVELS):
    return [f.message for f in suspicious_references(changed(folder, value, unit), {"he2": levels})]


def test_a_right_value_is_left_alone(folder):
    for value in (-0.02, -0.018, -0.0225):
        assert said(folder, value) == []


def test_the_wrong_sign(folder):
    (message,) = said(folder, 0.02)
    assert "entry 'he2', set paper: 0.02 kcal/mol has the opposite sign of mp2/cc-pvtz (cp)" in message


# What a value becomes that is converted once too often, or never, though its unit is said to be kcal/mol.
@pytest.mark.parametrize(
    ("factor", "unit"),
    [(627.5095, "hartree"), (1 / 627.5095, "hartree"), (4.184, "kJ/mol"), (1 / 4.184, "kJ/mol"), (23.0605, "eV")],
)
def test_the_wrong_unit(folder, factor, unit):
    (message,) = said(folder, -0.0203 * factor)
    assert f"as if {unit} and kcal/mol were mixed up" in message


def test_hartree_and_electronvolt(folder):
    """27.2, in a benchmark in hartree."""
    toml = folder / "benchmark.toml"
    toml.write_text(toml.read_text().replace('unit = "kcal/mol"', 'unit = "hartree"'))
    levels = {"a": -3.01e-5, "b": -3.2e-5}
    (message,) = said(folder, -3.1e-5 * 27.2114, "hartree", levels)
    assert "as if eV and hartree were mixed up" in message


def test_far_from_every_level(folder):
    (message,) = said(folder, -0.035)
    assert "is far from every level" in message
    assert "-0.0212 to -0.019" in message
    assert said(folder, -0.035, levels=dict(list(LEVELS.items())[:2])) == []  # two are too few to say so


def test_levels_that_are_at_odds_show_nothing(folder):
    assert said(folder, 0.02, levels={"hf": 0.01, "mp2": -0.03}) == []


@pytest.mark.parametrize("name", ["s22", "s12l", "l7", "rare_gas", "atoms", "diatomics", "polarizabilities"])
def test_no_shipped_reference_is_suspected(name):
    assert list(suspicious_references(load_benchmark(BENCHMARKS / name), {})) == []


@pytest.mark.parametrize("name", ["LNO-CCSD(T)", "FN-DMC-2021", "wB97M-V", "CCSD(T)-L14"])
def test_shipped_data_with_a_planted_unit_is(tmp_path, name):
    """A value of L7 in kJ/mol that is called kcal/mol, on an entry about which the others are alike."""
    folder = tmp_path / "l7"
    shutil.copytree(BENCHMARKS / "l7", folder)
    path = folder / "references.csv"
    with open(path, newline="") as handle:
        rows = list(csv.reader(handle))
    planted = next(row for row in rows if row[:2] == ["cbh", name])
    planted[2] = repr(float(planted[2]) * 4.184)
    with open(path, "w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    messages = [f.message for f in suspicious_references(load_benchmark(folder), {})]
    assert any(f"entry '{planted[0]}', set {name}" in m and "as if kJ/mol" in m for m in messages)


def test_one_sign_against_all_others(folder):
    entries, references = folder / "entries.csv", folder / "references.csv"
    with open(entries, "a") as e, open(references, "a") as r:
        for n in range(6):
            e.write(f"p{n},,,,,,,,,\n")
            r.write(f"p{n},paper,{'' if n == 4 else '-'}{n + 1}.5,kcal/mol,,,exact,10.1000/toy,Table 3,current,\n")
    messages = [f.message for f in lint_benchmark(folder) if f.severity == "warning"]
    assert any("entry 'p4', set paper: is the only positive interaction_energy of 9" in m for m in messages)


WATERS = """6
charge=0 multiplicity=1 fragments="{}"
O 0 0 0
H 0.96 0 0
H -0.24 0.93 0
O 0 0 2.9
H 0.96 0 2.9
H 0.1 0.93 2.9
"""


@pytest.mark.parametrize(
    ("fragments", "cut"),
    [("1-3:0:1 4-6:0:1", ""), ("1-2:-1:1 3-6:1:1", "O1–H3"), ("1,4:0:1 2-3,5-6:0:1", "and 3 more")],
)
def test_fragments_that_are_cut_through_a_bond(folder, fragments, cut):
    (folder / "systems" / "he2.xyz").write_text(WATERS.format(fragments))
    entries = folder / "entries.csv"
    entries.write_text(entries.read_text().replace("kind:x,he2,3.0,angstrom", "kind:x,,,"))
    messages = [f.message for f in lint_benchmark(folder) if "cut through a bond" in f.message]
    assert len(messages) == bool(cut)
    assert all(cut in m for m in messages)


@pytest.mark.parametrize(
    ("entry", "name", "factor", "said"),
    [
        ("ammonia_dimer", "S22", -1.0, "has the opposite sign of set S22A, set S22B"),
        ("water_dimer", "S22B", 4.184, "as if kJ/mol and kcal/mol were mixed up"),
    ],
)
def test_older_values_are_witnesses_and_suspects_too(tmp_path, entry, name, factor, said):
    """S22 and S22A are superseded: whoever judges by them still wants the right sign, and they know that of S22B."""
    folder = tmp_path / "s22"
    shutil.copytree(BENCHMARKS / "s22", folder)
    path = folder / "references.csv"
    with open(path, newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows:
        if (row["entry"], row["set"]) == (entry, name):
            row["value"] = str(float(row["value"]) * factor)
    with open(path, "w", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    (finding,) = suspicious_references(load_benchmark(folder), {})
    assert f"entry '{entry}', set {name}" in finding.message
    assert said in finding.message
