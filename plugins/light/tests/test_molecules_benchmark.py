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
    "molecular_polariton_splitting": "polariton_splitting",
    "molecular_rabi_splitting": "rabi_splitting",
    "molecular_detuning": "polariton_detuning",
}
QUICK = ("water", "lih_1.4_E1", "lih_l050_E3", "h2_shift_050", "h2_shift_200", "lih_splitting_050")
SHARES = ("lih_rabi_050", "lih_detuning_050")


def test_every_entry_has_a_reference():
    assert {row["entry"] for row in rows("references.csv")} == set(ENTRIES)


@pytest.mark.parametrize(
    "row", [r for r in rows("references.csv") if r["entry"] in QUICK + SHARES], ids=lambda r: r["entry"]
)
def test_references(row):
    """At more photons than the reference has, and in the number basis where it has the coherent one."""
    entry = ENTRIES[row["entry"]]
    level = row["level_of_theory"].split("?")[0]
    level += "" if level.startswith("qed-hf") else "?photons=8&photon_basis=number"
    found = value_of(level, entry["stoichiometry"], PROPERTY[entry["observable"]], entry["state"])
    assert found == pytest.approx(float(row["value"]), abs=1e-7 if row["entry"] in SHARES else 3e-9)


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


def test_a_transition_elsewhere_is_no_error_of_the_coupling():
    """QED-CIS has the molecule's S1 where CIS has it, away from the mode: its splitting is too large, its coupling is
    too small, and the detuning tells the two apart."""
    exact = {r["entry"]: float(r["value"]) for r in rows("references.csv") if r["set"] == "exact/sto-3g"}
    system = read_system(FOLDER / "systems" / "lih_resonant_l010.toml")
    cis = (
        parse_level("hf/sto-3g?tda=true&n_states=3").make().run(system.molecule, ("excitation_energies",), Resources())
    )
    singlets = [e for label, e in cis.properties["excitation_energies"].value.items() if label.startswith("S")]
    made = parse_level("qed-cis/sto-3g").make().run(system, tuple(PROPERTY.values())[-3:], Resources()).properties
    found = {prop: made[prop].value for prop in tuple(PROPERTY.values())[-3:]}
    assert found["polariton_detuning"] == pytest.approx(min(singlets) - system.modes[0].frequency, abs=2e-4)
    assert found["polariton_splitting"] > 5 * exact["lih_splitting_010"]
    assert 0.5 * exact["lih_rabi_010"] < found["rabi_splitting"] < exact["lih_rabi_010"]
    squares = found["rabi_splitting"] ** 2 + found["polariton_detuning"] ** 2
    assert found["polariton_splitting"] ** 2 == pytest.approx(squares, rel=1e-12)


def test_lint():
    command = [sys.executable, "-c", "from qmbench.cli import main; main()", "lint", str(FOLDER)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "0 errors, 0 warnings" in " ".join((done.stdout + done.stderr).split())  # a long path wraps the line
    assert done.returncode == 0
