"""Mixed derivatives by nuclear charges and fields or positions: identities, and differences of other quantities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qmbench import Molecule, Unsupported, parse_level
from qmbench_pyscf import properties_with_charges
from qmbench_pyscf.forces import displaced, numerical_forces
from qmbench_pyscf.specification import Perturbation, along

NITROGEN = Molecule(("N", "N"), ((0, 0, -1.05), (0, 0, 1.05)), 0, 1)
OXIDE = Molecule(("C", "O"), ((0, 0, 0), (0.1, 0.2, 2.1)), 0, 1)
HYDROXYL = Molecule(("O", "H"), ((0, 0, 0), (0.1, 0.2, 1.9)), 0, 2)
HYDRIDE = Molecule(("He", "H"), ((0, 0, 0), (0.1, 0.2, 1.46)), 1, 1)
GHOST = Molecule(("H", "O", "H"), ((2.5, 0, 0.5), (0, 0, 0), (0.1, 0.2, 1.9)), 0, 2, ghosts=(True, False, False))

COUPLED = "coupled-perturbed equations"
GRADIENTS = "central differences of the gradient, fields 0.005 and 0.01"
DIPOLES = "central differences of the dipole, 0.05 and 0.1 e"
FORCES = "central differences of forces, 0.05 and 0.1 e; forces by "
ANALYTIC, NUMERICAL = FORCES + "analytic gradient", FORCES + "central differences of the energy, 0.002 bohr"

LEVELS = [
    ("hf/6-31g", OXIDE, COUPLED, ANALYTIC),
    ("hf/6-31g?density_fitting=true", OXIDE, COUPLED, ANALYTIC),
    ("hf/6-31g", HYDROXYL, COUPLED, ANALYTIC),
    ("hf/6-31g", GHOST, DIPOLES, ANALYTIC),
    ("pbe/sto-3g?grid=2&energy_tolerance=1e-12", OXIDE, COUPLED, ANALYTIC),
    ("mp2/sto-3g", OXIDE, GRADIENTS, ANALYTIC),
    ("mp2/sto-3g", HYDROXYL, GRADIENTS, ANALYTIC),
    ("ccsd/sto-3g", OXIDE, GRADIENTS, ANALYTIC),
    ("scs-mp2/sto-3g", HYDRIDE, DIPOLES, NUMERICAL),
    ("fci/6-31g", HYDRIDE, DIPOLES, NUMERICAL),
]


@pytest.fixture(scope="module")
def at(resources):
    """at(level, molecule, **what is added): the energy."""
    return lambda level, molecule, **added: (
        parse_level(level).make().point(molecule, Perturbation(**added), resources).energy
    )


def mixed(energy, h, k):
    """∂²E/∂a∂b of energy(a, b) to the fourth order in the steps h and k."""

    def slope(b):
        near, far = (energy(n * h, b) - energy(-n * h, b) for n in (1, 2))
        return (8 * near - far) / (12 * h)

    near, far = (slope(n * k) - slope(-n * k) for n in (1, 2))
    return (8 * near - far) / (12 * k)


def charges(molecule, centre, by):
    return tuple(by if n == centre else 0.0 for n in range(len(molecule.symbols)))


@pytest.mark.parametrize(("level", "molecule", "how", "_"), LEVELS)
def test_dipoles_are_mixed_derivatives_of_the_energy(level, molecule, how, _, run, at):
    found = run(level, molecule, "alchemical_dipole")
    assert found.settings["alchemical_dipole"] == how
    quantity = found.properties["alchemical_dipole"]
    assert quantity.value.shape == (len(molecule.real), 3)
    row, centre = 1, int(molecule.real[1])
    direction = np.array([0.0, 0.0, 1.0])
    if molecule is HYDROXYL:  # A field across the axis turns the hole of a Π state, as far as an SCF gets with it.
        direction = np.subtract(*molecule.positions[::-1]) / np.linalg.norm(np.subtract(*molecule.positions))

    def energy(z, f):
        return at(level, molecule, charges=charges(molecule, centre, z), field=tuple(f * direction))

    # 1e-10 hartree in the energies are 1e-6 here
    assert quantity.value[row] @ direction == pytest.approx(-mixed(energy, 0.04, 0.004), abs=1e-5)
    assert (quantity.uncertainty is None) == (how == COUPLED)


@pytest.mark.parametrize(("level", "molecule", "_", "how"), LEVELS)
def test_forces_are_mixed_derivatives_of_the_energy(level, molecule, _, how, run, at):
    found = run(level, molecule, "alchemical_forces")
    assert found.settings["alchemical_forces"] == how
    quantity = found.properties["alchemical_forces"]
    count = len(molecule.real)
    assert quantity.value.shape == quantity.uncertainty.shape == (count, count, 3)
    # The energy of the electrons stays where it is when all nuclei are shifted, whatever their charges; ghosts stay.
    assert (np.abs(quantity.value.sum(axis=1)).max() < 1e-5) == (not any(molecule.ghosts))
    row, centre = 0, int(molecule.real[0])
    moved = int(molecule.real[1])

    def energy(z, r):
        return at(level, displaced(molecule, moved, 2, r), charges=charges(molecule, centre, z))

    assert quantity.value[row, 1, 2] == pytest.approx(-mixed(energy, 0.05, 0.02), abs=2e-5)


@pytest.mark.parametrize("level", ["hf/6-31g", "pbe/sto-3g?grid=2", "mp2/sto-3g", "ccsd/sto-3g", "fci/sto-3g"])
def test_forces_and_dipoles_at_fractional_charges(level, at, resources):
    """Derivatives of the energy with those charges, of molecules that have a mirror without them."""
    molecule = NITROGEN if not level.startswith("fci") else replace(NITROGEN, symbols=("H", "H"))
    added = (0.3, -0.2)
    method = parse_level(level).make()
    wanted = frozenset({"energy", "dipole", "forces"})
    found, _, _ = properties_with_charges(method, molecule, [added], wanted, resources)
    assert found["energy"] == pytest.approx([at(level, molecule, charges=added)], abs=1e-9)
    forces = numerical_forces(molecule, lambda moved: at(level, moved, charges=added))
    assert found["forces"][0] == pytest.approx(forces, abs=5e-6)
    h = 0.002
    near, far = (
        at(level, molecule, charges=added, field=along(2, -n * h))
        - at(level, molecule, charges=added, field=along(2, n * h))
        for n in (1, 2)
    )
    assert found["dipole"][0] == pytest.approx([0, 0, (8 * near - far) / (12 * h)], abs=1e-6)
    assert abs(found["dipole"][0, 2]) > 0.05


def test_potentials_leave_forces_with_charges_as_they_are(resources):
    """Of one mean field: PySCF's gradient is replaced for the potentials, and put back."""
    method = parse_level("mp2/sto-3g").make()
    point = method.point(OXIDE, Perturbation(charges=(0.3, -0.2)), resources)
    before = point.forces()
    point.charge_gradient()
    assert point.forces() == pytest.approx(before, abs=1e-10)


def test_polarizability_at_fractional_charges(resources):
    """Coupled-perturbed equations and finite fields, and of what has no density fields alone."""
    added, wanted = [(0.3, -0.2)], frozenset({"polarizability"})
    analytic, fields, exact = (
        properties_with_charges(parse_level(level).make(), OXIDE, added, wanted, resources)[0]["polarizability"][0]
        for level in ("hf/sto-3g", "hf/sto-3g?field_strength=0.002", "hf/sto-3g?energy_tolerance=1e-13")
    )
    assert analytic == pytest.approx(fields, abs=1e-4)
    assert analytic == pytest.approx(exact, abs=1e-6)


def test_the_mirror_of_nitrogen(run):
    """What a charge on one nucleus does to the dipole is the opposite of what it does on the other."""
    for level in ("hf/6-31g", "pbe/sto-3g?grid=2", "mp2/sto-3g"):
        found = run(level, NITROGEN, "alchemical_dipole", "alchemical_forces").properties
        dipole, forces = found["alchemical_dipole"].value, found["alchemical_forces"].value
        assert dipole[0] == pytest.approx(-dipole[1], abs=1e-5)
        # Electrons follow the charge.
        assert dipole[1, 2] < -0.5
        assert forces[0] == pytest.approx(-forces[1, ::-1], abs=1e-5)
        # Forces are along the bond, and turning the molecule gives no others.
        assert np.abs(forces[..., :2]).max() < 1e-5


def test_one_electron(run):
    """Hydrogen's electron goes with its nucleus: no dipole, no force by its charge, in any field-free basis."""
    found = run("hf/cc-pvtz", "h", "alchemical_dipole", "alchemical_forces").properties
    assert found["alchemical_dipole"].value == pytest.approx(np.zeros((1, 3)), abs=1e-7)
    assert found["alchemical_forces"].value == pytest.approx(np.zeros((1, 1, 3)), abs=1e-7)
    # Of one electron Hartree–Fock is exact, for both derivatives.
    ion = Molecule(("H", "H"), ((0, 0, 0), (0.1, 0.2, 2.0)), 1, 2)
    mean, exact = (
        run(f"{level}/6-31g", ion, "alchemical_dipole", "alchemical_forces").properties for level in ("hf", "fci")
    )
    for name in mean:
        difference = np.abs(mean[name].value - exact[name].value)
        assert np.all(difference <= exact[name].uncertainty)
        assert difference.max() < 2e-4  # of steps in the charge, which moves one electron far


def test_two_electrons_are_exact_in_coupled_cluster(run):
    ccsd, exact = (
        run(f"{level}/6-31g", HYDRIDE, "alchemical_dipole", "alchemical_forces").properties for level in ("ccsd", "fci")
    )
    for name in exact:
        assert ccsd[name].value == pytest.approx(exact[name].value, abs=2e-5)


def test_bare_nuclei(run):
    protons = Molecule(("H", "H"), ((0, 0, 0), (0, 0, 2.0)), 2, 1)
    found = run("hf/sto-3g", protons, "alchemical_dipole", "alchemical_forces").properties
    assert np.array_equal(found["alchemical_dipole"].value, np.zeros((2, 3)))
    assert np.array_equal(found["alchemical_forces"].value, np.zeros((2, 2, 3)))


def test_core_potentials_are_no_nuclei():
    iodide = Molecule(("H", "I"), ((0, 0, 0), (0, 0, 3.04)), 0, 1)
    for name in ("alchemical_dipole", "alchemical_forces"):
        with pytest.raises(Unsupported, match="all-electron"):
            parse_level("hf/def2-svp").make().check(iodide, frozenset({name}))


def test_a_mean_field_with_charges_holds_nothing_in_memory(resources):
    """Its files are gone before a collector of cycles comes round."""
    import gc
    import weakref

    point = parse_level("hf/sto-3g").make().point(OXIDE, Perturbation(charges=(0.3, -0.2)), resources)
    point.forces()
    gc.collect()
    gc.disable()
    try:
        mf = weakref.ref(point.state)
        point.forces()
        del point
        assert mf() is None
    finally:
        gc.enable()
