"""Forces are minus the derivative of the energy that is reported, whichever way they were found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qmbench import Molecule, Resources, Unsupported, level

WATER = Molecule(("O", "H", "H"), ((0.0, 0.0, 0.12), (0.0, 1.45, -1.05), (0.05, -1.5, -0.9)), 0, 1)
HYDROXYL = Molecule(("O", "H"), ((0.0, 0.0, 0.0), (0.1, 0.2, 1.9)), 0, 2)
# Of functionals the hole in OH's π shell may turn on the quadrature grid from one geometry to the next; NH has none.
IMIDOGEN = Molecule(("N", "H"), ((0.0, 0.0, 0.0), (0.1, 0.2, 2.1)), 0, 3)
ANALYTIC, NUMERICAL = "analytic gradient", "central differences of the energy, 0.002 bohr"


def forces(text, molecule):
    found = level(text).make().run(molecule, ("forces",), Resources())
    return np.asarray(found.properties["forces"].value), found.settings["forces"]


def energy(text, molecule):
    return level(text).make().run(molecule, ("energy",), Resources()).properties["energy"].value


def moved(molecule, step):
    xyz = molecule.coordinates + step
    return replace(molecule, positions=tuple(tuple(map(float, row)) for row in xyz))


def slope(text, molecule, direction, h=0.01):
    """Minus the derivative of the energy along `direction`, good to the fourth order of h."""
    e = {n: energy(text, moved(molecule, n * h * direction)) for n in (-2, -1, 1, 2)}
    return -(8 * (e[1] - e[-1]) - (e[2] - e[-2])) / (12 * h)


@pytest.mark.parametrize(
    ("text", "molecule", "how"),
    [
        ("hf/6-31g", WATER, ANALYTIC),
        ("hf/6-31g", HYDROXYL, ANALYTIC),
        ("hf/6-31g?density_fitting=true", WATER, ANALYTIC),
        ("hf+d3bj/sto-3g", WATER, ANALYTIC),
        ("pbe/sto-3g", WATER, ANALYTIC),
        ("pbe/sto-3g?density_fitting=true", IMIDOGEN, ANALYTIC),
        ("b3lyp+d4/sto-3g", WATER, ANALYTIC),
        ("r2scan/sto-3g?grid=2", IMIDOGEN, ANALYTIC),
        ("wb97x-v/sto-3g?grid=2", WATER, ANALYTIC),
        ("mp2/6-31g?frozen_core=true", WATER, ANALYTIC),
        ("mp2/6-31g", HYDROXYL, ANALYTIC),
        ("mp2/6-31g?density_fitting=true", WATER, NUMERICAL),
        ("scs-mp2/sto-3g", WATER, NUMERICAL),
        ("ccsd/sto-3g", WATER, ANALYTIC),
        ("ccsd/sto-3g?frozen_core=true", HYDROXYL, ANALYTIC),
        ("ccsd(t)/sto-3g", WATER, NUMERICAL),
        ("fci/sto-3g", HYDROXYL, NUMERICAL),
        ("b2plyp/sto-3g?grid=2", IMIDOGEN, NUMERICAL),
    ],
)
def test_they_are_minus_the_derivative_of_the_energy(text, molecule, how):
    found, said = forces(text, molecule)
    assert said == how
    direction = np.random.default_rng(1).uniform(-1, 1, molecule.coordinates.shape)
    assert np.sum(found * direction) == pytest.approx(slope(text, molecule, direction), abs=2e-5)
    # nothing pushes the molecule as a whole; on a grid that moves with the nuclei, either
    assert found.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-5)


@pytest.mark.slow
def test_non_local_correlation_of_an_open_shell_is_differentiated_numerically():
    found, how = forces("wb97x-v/sto-3g?grid=1", IMIDOGEN)
    assert how == NUMERICAL
    direction = np.random.default_rng(1).uniform(-1, 1, (2, 3))
    assert np.sum(found * direction) == pytest.approx(slope("wb97x-v/sto-3g?grid=1", IMIDOGEN, direction), abs=1e-4)


def test_hartree_fock_by_hand():
    from pyscf import gto, scf

    atoms = list(zip(WATER.symbols, WATER.positions, strict=True))
    mf = scf.RHF(gto.M(atom=atoms, basis="6-31g", unit="bohr", verbose=0)).run(conv_tol=1e-12)
    found, _ = forces("hf/6-31g", WATER)
    assert found == pytest.approx(-mf.nuc_grad_method().kernel(), abs=1e-6)


def test_ghosts_have_none_and_change_those_of_the_others():
    ghost = Molecule(("O", "H", "H"), ((0, 0, 0), (0.1, 0.2, 1.9), (2.5, 0, 0.5)), 0, 2, ghosts=(False, False, True))
    found, _ = forces("hf/6-31g", ghost)
    assert found.shape == (2, 3)
    direction = np.zeros((3, 3))
    direction[:2] = np.random.default_rng(2).uniform(-1, 1, (2, 3))
    assert np.sum(found * direction[:2]) == pytest.approx(slope("hf/6-31g", ghost, direction), abs=2e-5)
    first = Molecule(ghost.symbols[::-1], ghost.positions[::-1], 0, 2, ghosts=ghost.ghosts[::-1])
    assert forces("hf+d3bj/6-31g", first)[0] == pytest.approx(forces("hf+d3bj/6-31g", ghost)[0][::-1], abs=1e-6)
    numerical, _ = forces("scs-mp2/sto-3g", ghost)
    assert numerical.shape == (2, 3)


def test_atoms_and_bare_nuclei():
    atom = Molecule(("N",), ((0, 0, 1.0),), 0, 4)
    for text in ("hf/sto-3g", "pbe/sto-3g", "ccsd(t)/sto-3g"):
        assert forces(text, atom)[0] == pytest.approx(np.zeros((1, 3)), abs=1e-6)
    protons = Molecule(("H", "H"), ((0, 0, 0), (0, 0, 2.0)), 2, 1)
    found = level("hf/sto-3g").make().run(protons, ("forces",), Resources()).properties["forces"].value
    assert found == pytest.approx(np.array([[0, 0, -0.25], [0, 0, 0.25]]))


def test_a_lattice_has_no_nuclei():
    from qmbench import LatticeModel

    with pytest.raises(Unsupported, match="forces"):
        level("hf").make().check(LatticeModel((4,), ("periodic",), 1.0, 2.0, 4, 1), frozenset({"forces"}))


def test_an_extrapolation_of_forces_is_the_force_of_the_extrapolation():
    text = "mp2/cc-pv[dt]z?frozen_core=true"
    made = level(text)
    from qmbench import compute

    hydrogen = Molecule(("H", "F"), ((0, 0, 0), (0.1, 0.2, 1.75)), 0, 1)
    found = np.asarray(compute(made, hydrogen, "forces").value)
    direction = np.random.default_rng(3).uniform(-1, 1, (2, 3))
    e = {n: compute(made, moved(hydrogen, 0.01 * n * direction)).value for n in (-2, -1, 1, 2)}
    expected = -(8 * (e[1] - e[-1]) - (e[2] - e[-2])) / 0.12
    assert np.sum(found * direction) == pytest.approx(expected, abs=2e-5)
