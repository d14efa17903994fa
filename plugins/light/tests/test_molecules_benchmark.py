"""The benchmark `polaritons`: its references are what the levels give, and what they disagree about is there."""

from __future__ import annotations

import csv
import subprocess
import sys

import pytest

from qmbench import Resources, parse_level, read_system
from qmbench_light.molecules import BENCHMARKS

FOLDER = BENCHMARKS / "polaritons"


def rows(name):
    with open(FOLDER / name) as handle:
        return list(csv.DictReader(handle))


ENTRIES = {row["id"]: row for row in rows("entries.csv")}


def value_of(level, terms, prop, state=""):
    total = 0.0
    for term in terms.split():
        system, coefficient = term.split(":")
        result = parse_level(level).make().run(read_system(FOLDER / "systems" / f"{system}.toml"), (prop,), Resources())
        value = result.properties[prop].value
        total += float(coefficient) * (value[state] if state else value)
    return total


PROPERTY = {
    "total_energy": "energy",
    "cavity_shift": "energy",
    "polariton_energy": "energies",
    "molecular_rabi_splitting": "polariton_splitting",
}
QUICK = ("water", "lih_1.4_E1", "lih_l050_E3", "h2_shift_050", "h2_shift_200", "lih_splitting_050")


def test_every_entry_has_a_reference():
    assert {row["entry"] for row in rows("references.csv")} == set(ENTRIES)


@pytest.mark.parametrize("row", [r for r in rows("references.csv") if r["entry"] in QUICK], ids=lambda r: r["entry"])
def test_references(row):
    """At more photons than the reference has, and in the number basis where it has the coherent one."""
    entry = ENTRIES[row["entry"]]
    level = row["level_of_theory"].split("?")[0]
    level += "" if level.startswith("qed-hf") else "?photons=8&photon_basis=number"
    found = value_of(level, entry["stoichiometry"], PROPERTY[entry["observable"]], entry["state"])
    assert found == pytest.approx(float(row["value"]), abs=3e-9)


@pytest.mark.parametrize("molecule", ["h2", "lih"])
def test_the_disagreement_is_there(molecule):
    """QED-HF, then QED-CIS above the exact curve, and the more so the stronger the coupling: as λ² at first."""
    exact = {r["entry"]: float(r["value"]) for r in rows("references.csv") if r["set"] == "exact/sto-3g"}
    errors = {}
    for level in ("qed-hf/sto-3g", "qed-cis/sto-3g"):
        for name in (f"{molecule}_shift_020", f"{molecule}_shift_050"):
            errors[level, name[-3:]] = value_of(level, ENTRIES[name]["stoichiometry"], "energy") - exact[name]
    assert errors["qed-hf/sto-3g", "050"] > errors["qed-cis/sto-3g", "050"] > 1e-4
    assert errors["qed-hf/sto-3g", "050"] / errors["qed-hf/sto-3g", "020"] == pytest.approx(6.25, rel=0.05)


def test_lint():
    command = [sys.executable, "-c", "from qmbench.cli import main; main()", "lint", str(FOLDER)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "0 errors, 0 warnings" in " ".join((done.stdout + done.stderr).split())  # a long path wraps the line
    assert done.returncode == 0
