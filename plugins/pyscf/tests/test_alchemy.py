"""Derivatives by nuclear charges: of the very energies that the methods give, and the published and exact ones."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import InputError, LatticeModel, Molecule, Unsupported, parse_level
from qmbench_pyscf.specification import Perturbation

NITROGEN = Molecule(("N", "N"), ((0, 0, 0), (0, 0, 2.1)), 0, 1)
OXIDE = Molecule(("C", "O"), ((0, 0, 0), (0.1, 0.2, 2.1)), 0, 1)
IMIDOGEN = Molecule(("N", "H"), ((0, 0, 0), (0.1, 0.2, 1.9)), 0, 3)
HYDROXYL = Molecule(("O", "H"), ((0, 0, 0), (0.1, 0.2, 1.9)), 0, 2)
GHOST = Molecule(("H", "O", "H"), ((2.5, 0, 0.5), (0, 0, 0), (0.1, 0.2, 1.9)), 0, 2, ghosts=(True, False, False))

DENSITY, COUPLED = "potential of the density at the nuclei", "coupled-perturbed equations"
GRADIENTS, ENERGIES = (f"central differences of the {what}, 0.05 and 0.1 e" for what in ("gradient", "energy"))


def derivatives(run, level, molecule):
    found = run(level, molecule, "alchemical_gradient", "alchemical_hessian")
    how = found.settings["alchemical_gradient"], found.settings["alchemical_hessian"]
    return found.properties["alchemical_gradient"], found.properties["alchemical_hessian"], how


@pytest.fixture(scope="module")
def along(resources):
    """along(level, molecule, direction, step): first and second derivative of the energy, to the sixth order."""

    def differentiate(level, molecule, direction, step=0.05):
        method = parse_level(level).make()

        def energy(n):
            charges = tuple(float(n * step * d) for d in direction)
            return method.point(molecule, Perturbation(charges=charges) if n else Perturbation(), resources).energy

        e = {n: energy(n) for n in range(-3, 4)}
        first = sum(w * (e[n] - e[-n]) for n, w in ((1, 45), (2, -9), (3, 1))) / 60
        second = sum(w * (e[n] - 2 * e[0] + e[-n]) for n, w in ((1, 270), (2, -27), (3, 2))) / 180
        return first / step, second / step**2

    return differentiate


@pytest.mark.parametrize(
    ("level", "molecule", "how"),
    [
        ("hf/6-31g", OXIDE, (DENSITY, COUPLED)),
        ("hf/6-31g", HYDROXYL, (DENSITY, COUPLED)),
        ("hf/6-31g?density_fitting=true", OXIDE, (DENSITY, COUPLED)),
        ("pbe/sto-3g?grid=2&energy_tolerance=1e-13", IMIDOGEN, (DENSITY, COUPLED)),
        ("r2scan/sto-3g?grid=2", OXIDE, (DENSITY, COUPLED)),
        ("wb97x-v/sto-3g?grid=1", OXIDE, (DENSITY, COUPLED)),
        ("mp2/6-31g", OXIDE, (DENSITY, GRADIENTS)),
        ("mp2/6-31g?frozen_core=true", IMIDOGEN, (DENSITY, GRADIENTS)),
        ("mp2/6-31g?density_fitting=true", OXIDE, (ENERGIES, ENERGIES)),
        ("ccsd/sto-3g", OXIDE, (DENSITY, GRADIENTS)),
        ("ccsd/6-31g?frozen_core=true", OXIDE, (DENSITY, GRADIENTS)),
        ("ccsd/sto-3g", IMIDOGEN, (DENSITY, GRADIENTS)),
        ("ccsd(t)/sto-3g", OXIDE, (ENERGIES, ENERGIES)),
        ("fci/sto-3g", HYDROXYL, (DENSITY, GRADIENTS)),
        ("b2plyp/sto-3g?grid=1", OXIDE, (ENERGIES, ENERGIES)),
    ],
)
def test_they_are_derivatives_of_the_energy(level, molecule, how, run, along):
    gradient, hessian, said = derivatives(run, level, molecule)
    assert said == how
    direction = np.array([0.7, -0.4])
    first, second = along(level, molecule, direction)
    # 1e-10 hartree in the energies are 4e-9 and 1e-7 here
    assert gradient.value @ direction == pytest.approx(first, abs=2e-8 if said[0] == DENSITY else 1e-6)
    assert direction @ hessian.value @ direction == pytest.approx(second, abs=3e-6)
    assert np.allclose(hessian.value, hessian.value.T, atol=1e-10)
    for quantity, text in ((gradient, said[0]), (hessian, said[1])):
        assert (quantity.uncertainty is None) == (text in (DENSITY, COUPLED))


def test_the_potential_at_the_nuclei_by_hand(run):
    """The electrostatic integral of the density of a Hartree–Fock that PySCF converges by itself."""
    from pyscf import gto, scf

    atoms = list(zip(NITROGEN.symbols, NITROGEN.positions, strict=True))
    mf = scf.RHF(gto.M(atom=atoms, basis="def2-tzvp", unit="bohr", verbose=0)).run(conv_tol=1e-13)
    with mf.mol.with_rinv_at_nucleus(1):
        expected = -np.sum(mf.mol.intor("int1e_rinv") * mf.make_rdm1())
    gradient, hessian, _ = derivatives(run, "hf/def2-tzvp", NITROGEN)
    assert gradient.value == pytest.approx([expected, expected], abs=1e-8)
    assert gradient.value == pytest.approx([-21.59777] * 2, abs=5e-6)
    transmutation = np.array([1.0, -1.0])
    assert transmutation @ hessian.value @ transmutation == pytest.approx(-6.4932, abs=5e-5)


def test_one_electron(run):
    """Hydrogen: E = −Z²/2, so that dE/dZ is −1; the fixed basis allows less than the −1 of the second derivative."""
    gradient, hessian, _ = derivatives(run, "hf/unc-cc-pv5z", "h")
    assert gradient.value == pytest.approx([-1.0], abs=2e-3)
    assert -1.0 < hessian.value.item() < -0.9
    assert derivatives(run, "mp2/unc-cc-pv5z", "h")[0].value == pytest.approx(gradient.value, abs=1e-8)


def test_two_electrons_are_exact_in_coupled_cluster(run):
    hydride = Molecule(("He", "H"), ((0, 0, 0), (0, 0, 1.46)), 1, 1)
    ccsd, exact = (derivatives(run, f"{name}/6-31g", hydride) for name in ("ccsd", "fci"))
    assert ccsd[0].value == pytest.approx(exact[0].value, abs=1e-7)
    assert ccsd[1].value == pytest.approx(exact[1].value, abs=1e-5)


def test_ghosts_have_none_and_change_those_of_the_others(run, along):
    for level in ("hf/6-31g", "scs-mp2/sto-3g"):
        gradient, hessian, _ = derivatives(run, level, GHOST)
        first, second = along(level, GHOST, (0.0, 0.7, -0.4))
        assert gradient.value @ (0.7, -0.4) == pytest.approx(first, abs=1e-6)
        assert np.array([0.7, -0.4]) @ hessian.value @ (0.7, -0.4) == pytest.approx(second, abs=5e-6)


def test_bare_nuclei(run):
    protons = Molecule(("H", "H"), ((0, 0, 0), (0, 0, 2.0)), 2, 1)
    found = run("hf/sto-3g", protons, "alchemical_gradient", "alchemical_hessian").properties
    assert np.array_equal(found["alchemical_gradient"].value, np.zeros(2))
    assert np.array_equal(found["alchemical_hessian"].value, np.zeros((2, 2)))


def test_no_empty_orbital_no_response(run):
    assert derivatives(run, "hf/sto-3g", "he")[1].value.item() == 0.0


@pytest.mark.parametrize("level", ["hf+d3bj/sto-3g", "pbe+d4/sto-3g", "b2plyp+d3bj/sto-3g", "r2scan-3c"])
def test_dispersion_of_a_fractional_nucleus_is_undefined(level):
    with pytest.raises((InputError, Unsupported), match="alchemical_gradient"):
        parse_level(level).make().check(OXIDE, frozenset({"alchemical_gradient"}))


def test_core_potentials_are_no_nuclei():
    iodide = Molecule(("H", "I"), ((0, 0, 0), (0, 0, 3.04)), 0, 1)
    with pytest.raises(Unsupported, match="all-electron"):
        parse_level("hf/def2-svp").make().check(iodide, frozenset({"alchemical_hessian"}))


def test_a_lattice_has_no_nuclei():
    with pytest.raises(Unsupported, match="alchemical_gradient"):
        parse_level("hf").make().check(
            LatticeModel((4,), ("periodic",), 1.0, 2.0, 4, 1), frozenset({"alchemical_gradient"})
        )
