"""Systems without electrons: their energy is the repulsion of the nuclei, and proton affinities follow."""

from __future__ import annotations

import csv

import numpy as np
import pytest

import qmbench
from qmbench import Molecule

PROTON = Molecule(("H",), ((0.3, 0.0, -1.0),), 1, 1, name="proton")
METHODS = ["hf/sto-3g", "pbe/6-31g", "b3lyp+d4/6-31g", "mp2/cc-pvdz", "ccsd(t)/cc-pvdz", "fci/sto-3g"]


@pytest.mark.parametrize("level", METHODS)
def test_a_proton_has_no_energy(level, run):
    result = run(level, PROTON, "energy", "dipole", "polarizability")
    assert result.properties["energy"].value == 0.0
    np.testing.assert_array_equal(result.properties["dipole"].value, [0.3, 0.0, -1.0])
    np.testing.assert_array_equal(result.properties["polarizability"].value, np.zeros((3, 3)))


def test_bare_nuclei_repel(run):
    nuclei = Molecule(("H", "He", "H"), ((0, 0, 0), (0, 0, 2.0), (0, 3.0, 0)), 4, 1)
    by_hand = 1 * 2 / 2.0 + 1 * 1 / 3.0 + 2 * 1 / 13.0**0.5
    assert run("pbe/sto-3g", nuclei).properties["energy"].value == pytest.approx(by_hand, abs=1e-14)


def test_a_ghost_beside_a_proton_does_not_repel_it(run):
    pair = Molecule(("H", "O"), ((0, 0, 0), (0, 0, 2.0)), 1, 1, ghosts=(False, True))
    assert run("hf/sto-3g", pair).properties["energy"].value == 0.0


def test_the_proton_affinity_of_water(tmp_path):
    """Of a benchmark's folder: E(base) + E(proton) - E(protonated base), against PySCF by itself."""
    from pyscf import gto, scf

    water = "O 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692\n"
    hydronium = "O 0 0 0.0762\nH 0 0.9326 -0.2032\nH 0.8077 -0.4663 -0.2032\nH -0.8077 -0.4663 -0.2032\n"
    folder = tmp_path / "protons"
    (folder / "systems").mkdir(parents=True)
    (folder / "systems" / "water.xyz").write_text(f"3\ncharge=0 multiplicity=1\n{water}")
    (folder / "systems" / "hydronium.xyz").write_text(f"4\ncharge=1 multiplicity=1\n{hydronium}")
    (folder / "systems" / "proton.xyz").write_text("1\ncharge=1 multiplicity=1\nH 0 0 0\n")
    (folder / "benchmark.toml").write_text(
        'id = "protons"\nversion = "1"\ntitle = "Protons"\nobservable = "proton_affinity"\nunit = "kcal/mol"\n'
        'sign = "positive"\nbsse = ["none"]\nlicence = "CC0-1.0"\ncitations = []\n'
    )
    rows = [["id", "stoichiometry", "note"], ["water", "water:1 proton:1 hydronium:-1", "no reference"]]
    with open(folder / "entries.csv", "w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    (folder / "references.csv").write_text("entry,set,value,unit,status,source_doi,source_place\n")

    made = qmbench.run(qmbench.Suite.of(str(folder), "hf/6-31g"), store=tmp_path / "store.sqlite", progress=False)
    energy = [
        scf.RHF(gto.M(atom=text, charge=charge, basis="6-31g", verbose=0)).kernel()
        for text, charge in ((water, 0), (hydronium, 1))
    ]
    value = made.results["value"].iloc[0]
    assert value == pytest.approx((energy[0] - energy[1]) * 627.509474, abs=1e-4)
    assert 160 < value < 190  # measured, with zero-point energies: 165
