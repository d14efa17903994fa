"""The stored reference set and the page of numbers are what the code gives."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CHARGE = {"he": 2.0, "li+": 3.0, "be2+": 4.0}


def references(which):
    with open(ROOT / "benchmarks" / "helium_excitations" / "references.csv", newline="") as handle:
        return {row["entry"]: row for row in csv.DictReader(handle) if row["set"] == which}


@pytest.mark.parametrize("system", CHARGE)
@pytest.mark.parametrize("name", ["2 3S", "2 1S", "2 1P"])
def test_stored_exact_values(system, name):
    from qmbench_edft.multiplets import GROUND, multiplet
    from qmbench_edft.perimetric import solve_state

    z = CHARGE[system]
    value = solve_state(z, multiplet(name), 14).energy - solve_state(z, GROUND, 14).energy
    stored = float(references("exact")[f"{system}_{name.replace(' ', '_')}"]["value"])
    assert value == pytest.approx(stored, abs=3e-7)


def test_exact_and_literature_agree_within_their_uncertainties():
    exact, literature = references("exact"), references("literature")
    assert len(exact) == 24 + 16
    assert len(literature) == 8
    for entry, row in literature.items():
        allowed = float(exact[entry]["uncertainty"]) + 2 * float(row["uncertainty"])
        assert abs(float(exact[entry]["value"]) - float(row["value"])) < allowed, entry


def test_curve_entries_are_flat_in_the_reference_and_leave_other_subsets_alone():
    from qmbench.data.benchmark import find_benchmark

    benchmark = find_benchmark("helium_excitations")
    exact = references("exact")
    points = benchmark.select("weight_curves")
    assert len(points) == 16
    for entry in points:
        base = benchmark.entry(entry.curve)
        assert entry.id == f"{entry.curve}_w{entry.coordinate}"
        assert entry.state == f"{base.state} w={entry.coordinate}"
        assert entry.subsets == ("weight_curves",)
        assert (entry.terms, entry.tags) == (base.terms, base.tags)
        columns = ("value", "unit", "uncertainty", "uncertainty_kind", "source_doi")
        assert [exact[entry.id][c] for c in columns] == [exact[base.id][c] for c in columns]
        assert "weight" in exact[entry.id]["note"]
    sizes = {"low": 12, "rydberg": 12, "helium": 8, "ions": 16, "small": 4}
    assert {subset: len(benchmark.select(subset)) for subset in sizes} == sizes
    assert len(benchmark.entries) == 24 + 16


def test_a_curve_entry_is_answered(tmp_path):
    from qmbench import Resources, parse_level
    from qmbench_edft.methods import helium

    program = Path(sys.executable).with_name("qmbench")
    command = [program, "compute", "edft?functional=sehx&curve=true"]
    command += ["helium_excitations/he_2_3S_w0.5", "--store", str(tmp_path / "store"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    level = parse_level("edft?functional=sehx&weight=0.5")
    alone = level.make().compute(helium(), level.method.properties, Resources()).properties["excitation_energies"]
    document = json.loads(done.stdout)
    assert document["observable"]["value"] == pytest.approx(alone.value["2 3S"], abs=1e-10)


@pytest.mark.slow
def test_tables_of_the_page():
    script = ROOT / "plugins" / "edft" / "scripts" / "ensemble_tables.py"
    page = ROOT / "docs" / "explanation" / "helium-ensembles.md"
    done = subprocess.run([sys.executable, script, "--check", page], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
