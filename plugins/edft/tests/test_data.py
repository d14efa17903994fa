"""The stored reference set and the page of numbers are what the code gives."""

from __future__ import annotations

import csv
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
    from qmbench_edft.perimetric import solve_state
    from qmbench_edft.states import GROUND, state

    z = CHARGE[system]
    value = solve_state(z, state(name), 14).energy - solve_state(z, GROUND, 14).energy
    stored = float(references("exact")[f"{system}_{name.replace(' ', '_')}"]["value"])
    assert value == pytest.approx(stored, abs=3e-7)


def test_exact_and_literature_agree_within_their_uncertainties():
    exact, literature = references("exact"), references("literature")
    assert len(exact) == 24
    assert len(literature) == 8
    for entry, row in literature.items():
        allowed = float(exact[entry]["uncertainty"]) + 2 * float(row["uncertainty"])
        assert abs(float(exact[entry]["value"]) - float(row["value"])) < allowed, entry


@pytest.mark.slow
def test_tables_of_the_page():
    script = ROOT / "plugins" / "edft" / "scripts" / "ensemble_tables.py"
    page = ROOT / "docs" / "explanation" / "helium-ensembles.md"
    done = subprocess.run([sys.executable, script, "--check", page], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
