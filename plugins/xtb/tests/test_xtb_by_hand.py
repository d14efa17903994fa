"""The numbers are those of the tblite library called by hand, and those that its own tests were written with."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from qmbench import Molecule, read_system

HAMILTONIANS = {"gfn1-xtb": "GFN1-xTB", "gfn2-xtb": "GFN2-xTB", "ipea1-xtb": "IPEA1-xTB"}
S66 = Path(__file__).parents[3] / "benchmarks" / "s66" / "systems.xyz"
BOLTZMANN = 3.166808578545117e-6  # as the documentation of tblite's Calculator.set has it


def by_hand(hamiltonian, molecule, *added, **settings):
    from tblite.interface import Calculator

    calculator = Calculator(
        hamiltonian,
        molecule.atomic_numbers,
        molecule.coordinates,
        charge=molecule.charge,
        uhf=molecule.multiplicity - 1,
    )
    calculator.set("verbosity", 0)
    for name, value in settings.items():
        calculator.set(name.replace("_", "-"), value)
    for interaction in added:
        calculator.add(*interaction)
    return calculator.singlepoint()


@pytest.mark.parametrize("system", ["water", "ammonium", "hydroxide", "oh", "o2", "methyl chloride cation"])
@pytest.mark.parametrize("method", HAMILTONIANS)
def test_energy_forces_dipole_and_charges(method, system, run, molecules):
    molecule = molecules[system]
    hand = by_hand(HAMILTONIANS[method], molecule)
    found = run(method, system, "energy", "forces", "dipole", "mulliken_charges").properties
    assert found["energy"].value == pytest.approx(float(hand.get("energy")), abs=1e-10)
    np.testing.assert_allclose(found["forces"].value, -hand.get("gradient"), atol=1e-10)
    np.testing.assert_allclose(found["dipole"].value, hand.get("dipole"), atol=1e-10)
    np.testing.assert_allclose(found["mulliken_charges"].value, hand.get("charges"), atol=1e-10)
    assert found["mulliken_charges"].value.sum() == pytest.approx(molecule.charge, abs=1e-8)


@pytest.mark.parametrize("name", ["01_water_water", "24_benzene_benzenepipi", "12_me_nh2_water"])
def test_complexes_of_s66(name, run):
    molecule = read_system(f"{S66}#{name}")
    hand = float(by_hand("GFN2-xTB", molecule).get("energy"))
    assert run("gfn2-xtb", molecule).properties["energy"].value == pytest.approx(hand, abs=1e-10)


CHOICES = [
    ("gfn2-xtb?alpb=water", [("alpb-solvation", "water")], {}),
    ("gfn1-xtb?alpb=thf&solution_state=bar1mol", [("alpb-solvation", "thf", "bar1mol")], {}),
    ("gfn2-xtb?gbsa=hexane&solution_state=reference", [("gbsa-solvation", "hexane", "reference")], {}),
    ("gfn1-xtb?gbsa=dmso", [("gbsa-solvation", "dmso")], {}),
    ("gfn2-xtb?cpcm=water", [("ddX-solvation", "water", "cpcm")], {}),
    ("ipea1-xtb?cosmo=4.7", [("ddX-solvation", 4.7, "cosmo")], {}),
    ("gfn2-xtb?pcm=toluene", [("ddX-solvation", "toluene", "pcm")], {}),
    ("gfn2-xtb?spin_polarization=true", [("spin-polarization", 1.0)], {}),
    ("gfn1-xtb?spin_polarization=true&alpb=water", [("spin-polarization", 1.0), ("alpb-solvation", "water")], {}),
    ("gfn2-xtb?electronic_temperature=5000", [], {"temperature": 5000 * BOLTZMANN}),
    ("gfn1-xtb?electronic_temperature=1000", [], {"temperature": 1000 * BOLTZMANN}),
    ("gfn2-xtb?accuracy=100", [], {"accuracy": 100.0}),
    ("gfn2-xtb?accuracy=0.0001", [], {"accuracy": 1e-4}),
]


@pytest.mark.parametrize(("level", "added", "settings"), CHOICES, ids=[choice[0] for choice in CHOICES])
def test_choices_are_the_librarys(level, added, settings, energy, molecules):
    """On an open-shell cation, which every one of them changes."""
    molecule = molecules["methyl chloride cation"]
    hamiltonian = HAMILTONIANS[level.partition("?")[0]]
    hand = float(by_hand(hamiltonian, molecule, *added, **settings).get("energy"))
    plain = float(by_hand(hamiltonian, molecule).get("energy"))
    assert hand != plain
    assert energy(level, molecule) == pytest.approx(hand, abs=1e-10)


def test_the_librarys_own_test(energy):
    """What the library's own tests have for these 16 atoms: -31.716158891203904 hartree, in GFN2-xTB."""
    symbols = ("H", "H", "C", "B", "H", "P", "O", "Cl", "Al", "P", "B", "H", "F", "P", "H", "P")
    positions = (
        (+2.79274810283778, +3.82998228828316, -2.79287054959216),
        (-1.43447454186833, +0.43418729987882, +5.53854345129809),
        (-3.26268343665218, -2.50644032426151, -1.56631149351046),
        (+2.14548759959147, -0.88798018953965, -2.24592534506187),
        (-4.30233097423181, -3.93631518670031, -0.48930754109119),
        (+0.06107643564880, -3.82467931731366, -2.22333344469482),
        (+0.41168550401858, +0.58105573172764, +5.56854609916143),
        (+4.41363836635653, +3.92515871809283, +2.57961724984000),
        (+1.33707758998700, +1.40194471661647, +1.97530004949523),
        (+3.08342709834868, +1.72520024666801, -4.42666116106828),
        (-3.02346932078505, +0.04438199934191, -0.27636197425010),
        (+1.11508390868455, -0.97617412809198, +6.25462847718180),
        (+0.61938955433011, +2.17903547389232, -6.21279842416963),
        (-2.67491681346835, +3.00175899761859, +1.05038813614845),
        (-4.13181080289514, -2.34226739863660, -3.44356159392859),
        (+2.85007173009739, -2.64884892757600, +0.71010806424206),
    )
    molecule = Molecule(symbols, positions, 0, 1)
    assert energy("gfn2-xtb", molecule) == pytest.approx(-31.716158891203904, abs=1e-9)


def test_the_documented_water_of_xtb(energy):
    """Vertical IPEA1 ionization potential of water as the documentation of the program xtb prints it: 13.7897 eV after
    its empirical shift of 4.8455 eV, at its own geometry, from which this one differs by some 0.01 ångström."""
    water = Molecule(("O", "H", "H"), ((0, 0, 0), (0, 1.43, 1.107), (0, -1.43, 1.107)), 0, 1)
    cation = dataclasses.replace(water, charge=1, multiplicity=2)
    potential = 27.211386245988 * (energy("ipea1-xtb", cation) - energy("ipea1-xtb", water))
    assert potential - 4.8455 == pytest.approx(13.79, abs=0.1)
