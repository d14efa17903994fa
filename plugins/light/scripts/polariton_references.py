"""Makes the systems, entries and references of the benchmark `polaritons`: python polariton_references.py FOLDER.

Published values are entered by hand below; those of the sets `exact/…` are computed here with QED-FCI, whose photon
cut-off is certified to 1e-10 hartree.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from qmbench import Resources, parse_level, read_system

SCRIPT = "scripts/polariton_references.py"
QED_CI = "mapol-chem/qed-ci, tests of LiH"
LIH_15 = {"E0": -7.878802702, "E1": -7.7614561393, "E2": -7.75645532, "E3": -7.7361601158}
LIH_14 = {"E0": -7.874955905456, "E1": -7.756654252046, "E2": -7.747674819146, "E3": -7.729087280856}
SHIFTS = (20, 50, 100, 150, 200)
SPLITTINGS = (10, 20, 50, 100)
MODES = {"lih": ("lih_1.5.xyz", 0.12086), "h2": ("h2.xyz", 0.466751)}
# The transition to S1 by FCI/STO-3G, so that the splitting vanishes with the coupling.
RESONANT = ("lih_1.5.xyz", 0.13806)
POLARITONS = (
    ("splitting", "molecular_polariton_splitting", "polariton_splitting"),
    ("rabi", "molecular_rabi_splitting", "rabi_splitting"),
    ("detuning", "molecular_detuning", "polariton_detuning"),
)
ENTRY = ["id", "stoichiometry", "observable", "state", "subset", "tags", "curve", "coordinate", "coordinate_unit"]
REFERENCE = ["entry", "set", "value", "unit", "uncertainty", "uncertainty_kind", "level_of_theory"]
REFERENCE += ["source_doi", "source_place", "status", "note"]


def exact(folder: Path, system: str, basis: str, prop: str, n_states: int) -> float:
    options = f"cutoff_tolerance=1e-10&energy_tolerance=1e-12&n_states={n_states}&spin=same"
    method = parse_level(f"qed-fci/{basis}?{options}").make()
    result = method.run(read_system(folder / "systems" / f"{system}.toml"), (prop,), Resources())
    return float(result.properties[prop].value)


def write_system(folder: Path, name: str, file: str, omega: float, coupling: float) -> None:
    text = f'kind = "molecule_in_cavity"\nmolecule = "../molecules/{file}"\n\n[[modes]]\n'
    text += f"frequency = {omega}\ncoupling = [0.0, 0.0, {coupling}]\n"
    (folder / "systems" / f"{name}.toml").write_text(text)


def write(folder: Path) -> None:
    entries, references = [], []

    def entry(name, terms, observable, state="", subset="", tags="", curve="", coordinate=""):
        unit = "a.u." if curve else ""
        entries.append([name, terms, observable, state, subset, tags, curve, coordinate, unit])

    def reference(name, group, value, uncertainty, level, doi, place, note=""):
        kind = "rounding" if note == "published" else "estimate"
        row = [name, group, value, "hartree", uncertainty, kind, level, doi, place, "current"]
        references.append([*row, "" if note == "published" else note])

    write_system(folder, "water", "water.xyz", 0.3, 0.05)
    entry("water", "water:1", "total_energy", subset="published cc-pvdz", tags="lambda:0.05")
    place = "psi4numpy, Polaritonic-Quantum-Chemistry/CQED_RHF.py"
    reference("water", "QED-HF/cc-pvdz", -76.016355284146, 1e-9, "qed-hf/cc-pvdz", "10.1063/5.0038748", place)
    write_system(folder, "lih_1.4", "lih_1.4.xyz", 0.12086, 0.05)
    for system, values in (("lih_l050", LIH_15), ("lih_1.4", LIH_14)):
        for state, value in values.items():
            name = f"{system}_{state}"
            entry(name, f"{system}:1", "polariton_energy", state, "published states sto-3g", "lambda:0.05")
            level = "qed-fci/sto-3g?photons=6" if system == "lih_l050" else "qed-fci/sto-3g?photons=10"
            reference(name, "exact/sto-3g", value, 1e-9, level, "", QED_CI, "largest change by more photons")
    for molecule, (file, omega) in MODES.items():
        write_system(folder, f"{molecule}_l000", file, omega, 0.0)
        bases = ("sto-3g", "cc-pvdz") if molecule == "h2" else ("sto-3g",)
        zero = {basis: exact(folder, f"{molecule}_l000", basis, "energy", 1) for basis in bases}
        for coupling in SHIFTS:
            system, at = f"{molecule}_l{coupling:03d}", coupling / 1000
            write_system(folder, system, file, omega, at)
            name = f"{molecule}_shift_{coupling:03d}"
            terms = f"{system}:1 {molecule}_l000:-1"
            entry(name, terms, "cavity_shift", "", f"shift {molecule} sto-3g", f"lambda:{at}", f"{molecule}_shift", at)
            for basis in bases:
                value = round(exact(folder, system, basis, "energy", 1) - zero[basis], 10)
                reference(
                    name, f"exact/{basis}", value, 1e-9, f"qed-fci/{basis}", "", "scripts/polariton_references.py"
                )
    for coupling in SPLITTINGS:
        system, at = f"lih_resonant_l{coupling:03d}", coupling / 1000
        write_system(folder, system, *RESONANT, at)
        for curve, observable, prop in POLARITONS:
            name = f"lih_{curve}_{coupling:03d}"
            entry(name, f"{system}:1", observable, "", f"{curve} lih sto-3g", f"lambda:{at}", f"lih_{curve}", at)
            value = round(exact(folder, system, "sto-3g", prop, 5), 10)
            # The shares of light are as far off as vectors, not as energies, are.
            reference(name, "exact/sto-3g", value, 1e-9 if curve == "splitting" else 1e-7, "qed-fci/sto-3g", "", SCRIPT)
    for file, head, rows in (("entries.csv", ENTRY, entries), ("references.csv", REFERENCE, references)):
        with open(folder / file, "w", newline="") as handle:
            csv.writer(handle, lineterminator="\n").writerows([head, *rows])


if __name__ == "__main__":
    write(Path(sys.argv[1]))
