"""ASE's atoms as systems: nothing guessed, units converted, the same refusals as for files."""

from __future__ import annotations

import io

import ase
import ase.io
import numpy as np
import pytest

import qmbench
from qmbench.data.target import target_of

WATER = ase.Atoms("OHH", [[0, 0, 0.117790], [0, 0.755453, -0.471161], [0, -0.755453, -0.471161]])


def test_the_same_molecule_as_from_a_file():
    text = '2\ncharge=0 multiplicity=1 fragments="1:0:1 2:0:1"\nHe 0 0 0\nHe 0 0 3.0\n'
    atoms = ase.io.read(io.StringIO(text), format="extxyz")
    assert atoms.info["charge"] == 0
    assert qmbench.from_ase(atoms) == qmbench.Molecule.from_text(text, "x", "x")
    assert qmbench.from_ase(atoms).hash == qmbench.Molecule.from_text(text, "x", "x").hash


def test_charge_and_multiplicity_are_given_or_in_info_and_the_given_ones_count():
    assert qmbench.from_ase(WATER, 0, 1).name == "H2O"
    atoms = WATER.copy()
    atoms.info.update(charge=np.int64(1), multiplicity=2)
    cation = qmbench.from_ase(atoms)
    assert (cation.charge, cation.multiplicity) == (1, 2)
    assert qmbench.from_ase(atoms, charge=0, multiplicity=1).charge == 0
    assert np.allclose(cation.coordinates * qmbench.units.BOHR_IN_ANGSTROM, WATER.positions, atol=1e-12)


@pytest.mark.parametrize(
    ("info", "given", "message"),
    [
        ({}, {}, r"H2O: the charge is missing; give charge=, or set atoms.info\['charge'\]"),
        ({"charge": 0}, {}, "the multiplicity is missing"),
        ({"charge": 0, "spin": 0}, {}, r"'spin' is 2S to some programs and 2S\+1 to others"),
        ({"charge": 0.5, "multiplicity": 1}, {}, "charge must be a whole number, not 0.5"),
        ({}, {"charge": 0, "multiplicity": 2}, "multiplicity"),
        ({"fragments": "1-3"}, {"charge": 0, "multiplicity": 1}, "a fragment is ATOMS:CHARGE:MULTIPLICITY"),
    ],
)
def test_what_is_missing_or_wrong_is_one_line(info, given, message):
    atoms = WATER.copy()
    atoms.info.update(info)
    with pytest.raises(qmbench.InputError, match=message) as caught:
        qmbench.from_ase(atoms, **given)
    assert "\n" not in str(caught.value)


def test_periodic_atoms_are_a_crystal_or_refused():
    cell = 2.7 * (1 - np.eye(3))
    silicon = ase.Atoms("Si2", scaled_positions=[[0, 0, 0], [0.25, 0.25, 0.25]], cell=cell, pbc=True)
    crystal = qmbench.from_ase(silicon, 0, 1)
    assert isinstance(crystal, qmbench.Crystal)
    assert crystal.volume * qmbench.units.BOHR_IN_ANGSTROM**3 == pytest.approx(2 * 2.7**3)
    silicon.pbc = (True, True, False)
    with pytest.raises(qmbench.InputError, match="no slabs or wires"):
        qmbench.from_ase(silicon, 0, 1)
    silicon.pbc = False
    assert isinstance(qmbench.from_ase(silicon, 0, 1), qmbench.Molecule)
    silicon.pbc, silicon.cell = True, np.zeros((3, 3))
    with pytest.raises(qmbench.InputError, match="the cell has no room"):
        qmbench.from_ase(silicon, 0, 1)


def test_other_things_are_no_atoms():
    with pytest.raises(qmbench.InputError, match=r"takes ase.Atoms, not list"):
        qmbench.from_ase([WATER], 0, 1)
    with pytest.raises(qmbench.InputError, match="not list; one at a time"):
        target_of([WATER])


@pytest.mark.usefixtures("elsewhere")
def test_atoms_are_computed():
    made = qmbench.compute("sabotage", WATER, charge=1, multiplicity=2, engine="here")
    assert made.value == -9.0
    assert made.name == "H2O"
