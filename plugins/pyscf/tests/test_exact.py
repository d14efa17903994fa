"""Exact results and identities: what must hold whatever the numbers are."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import Molecule, Resources
from qmbench_pyscf import ScfSpecification, converged_scf, to_mole

ALL = ["hf", "pbe", "mp2", "ccsd", "ccsd(t)", "fci"]


def lowest_one_electron_energy(molecule, basis):
    """h c = e S c solved apart from any SCF."""
    from scipy.linalg import eigh

    mole = to_mole(molecule, basis)
    h = mole.intor("int1e_kin") + mole.intor("int1e_nuc")
    return eigh(h, mole.intor("int1e_ovlp"), eigvals_only=True)[0] + mole.energy_nuc()


@pytest.mark.parametrize("method", ["hf", "mp2", "ccsd", "ccsd(t)", "fci"])
@pytest.mark.parametrize("system", ["h", "he_plus"])
def test_one_electron_is_exact_in_the_basis(method, system, energy, molecules):
    exact = lowest_one_electron_energy(molecules[system], "aug-cc-pvtz")
    assert energy(f"{method}/aug-cc-pvtz", system) == pytest.approx(exact, abs=1e-9)


def test_hydrogen_atom_reaches_one_half(energy):
    # The basis-set error of aug-cc-pV5Z for hydrogen, which is above -1/2 by the variational principle.
    assert -0.5 < energy("hf/aug-cc-pv5z", "h") < -0.5 + 1e-5


def test_one_electron_molecule(energy, molecules):
    h2_plus = Molecule(("H", "H"), ((0, 0, 0), (0, 0, 2.0)), 1, 2)
    exact = lowest_one_electron_energy(h2_plus, "cc-pvqz")
    for method in ("hf", "fci"):
        assert energy(f"{method}/cc-pvqz", h2_plus) == pytest.approx(exact, abs=1e-9)
    # Exact H2+ at 2 bohr: -0.6026346191 (Schaad and Hicks, J. Chem. Phys. 53, 851 (1970)).
    assert -0.6026347 < exact < -0.6026347 + 5e-4


@pytest.mark.parametrize("system", ["h2", "he"])
def test_two_electrons_ccsd_is_full_ci(system, energy):
    exact = energy("fci/cc-pvdz", system)
    assert energy("ccsd/cc-pvdz", system) == pytest.approx(exact, abs=1e-8)
    assert energy("ccsd(t)/cc-pvdz", system) == pytest.approx(exact, abs=1e-8)


def test_two_parallel_electrons(energy):
    # No ↓ electrons: triplet helium, where CCSD is full CI as well.
    assert energy("ccsd/cc-pvtz", "he_triplet") == pytest.approx(energy("fci/cc-pvtz", "he_triplet"), abs=1e-8)
    hf, mp2, fci = (energy(f"{method}/cc-pvtz", "he_triplet") for method in ("hf", "mp2", "fci"))
    assert fci < mp2 < hf


def test_order_of_the_hierarchy(energy):
    hf, ccsd, fci = (energy(f"{m}/6-31g", "lih") for m in ("hf", "ccsd", "fci"))
    assert fci < ccsd < hf


@pytest.mark.parametrize("method", ALL)
def test_size_consistency(method, energy):
    far = Molecule(("He", "He"), ((0, 0, 0), (0, 0, 60.0)), 0, 1)
    assert energy(f"{method}/6-31g", far) == pytest.approx(2 * energy(f"{method}/6-31g", "he"), abs=1e-7)


@pytest.mark.parametrize("method", ["hf", "mp2", "ccsd", "ccsd(t)"])
def test_size_consistency_of_open_shells(method, energy):
    far = Molecule(("Li", "He"), ((0, 0, 0), (0, 0, 80.0)), 0, 2)
    apart = energy(f"{method}/6-31g", "li") + energy(f"{method}/6-31g", "he")
    assert energy(f"{method}/6-31g", far) == pytest.approx(apart, abs=1e-7)


@pytest.mark.parametrize("method", ["hf", "mp2", "ccsd", "ccsd(t)"])
@pytest.mark.parametrize("system", ["water", "oh"])
def test_place_orientation_and_order_of_atoms_do_not_matter(method, system, energy, molecules, moved):
    here = energy(f"{method}/6-31g", system)
    assert energy(f"{method}/6-31g", moved(molecules[system])) == pytest.approx(here, abs=1e-8)


def test_orientation_on_the_grid(energy, molecules, moved):
    here = energy("pbe/6-31g", "water")
    assert energy("pbe/6-31g", moved(molecules["water"])) == pytest.approx(here, abs=2e-6)


@pytest.mark.parametrize(("symbol", "multiplicity"), [("B", 2), ("C", 3), ("O", 3), ("F", 2)])
def test_atoms_do_not_know_where_their_open_shell_points(symbol, multiplicity, energy):
    """A distant ghost along several directions turns the p shell without changing its energy."""
    bare = energy("hf/cc-pvdz", Molecule((symbol,), ((0, 0, 0),), 0, multiplicity))
    for direction in ((25.0, 0, 0), (0, 0, 25.0), (12.0, 15.0, 18.0)):
        pair = Molecule((symbol, "He"), ((0, 0, 0), direction), 0, multiplicity, ghosts=(False, True))
        assert energy("hf/cc-pvdz", pair) == pytest.approx(bare, abs=2e-6)


@pytest.mark.parametrize("method", ["hf", "pbe", "mp2", "ccsd"])
def test_ghosts_bring_functions_and_no_electrons(method, run):
    ghosted = Molecule(("He", "He"), ((0, 0, 0), (0, 0, 4.0)), 0, 1, ghosts=(False, True))
    lone, pair = run(f"{method}/6-31g", "he"), run(f"{method}/6-31g", ghosted)
    assert pair.settings["n_basis_functions"] == 2 * lone.settings["n_basis_functions"]
    gain = lone.properties["energy"].value - pair.properties["energy"].value
    assert -1e-6 < gain < 1e-2
    far = Molecule(("He", "He"), ((0, 0, 0), (0, 0, 90.0)), 0, 1, ghosts=(False, True))
    assert run(f"{method}/6-31g", far).properties["energy"].value == pytest.approx(
        lone.properties["energy"].value, abs=1e-7
    )


def test_exchange_correlation_of_one_electron_dispersion(energy):
    # One atom has no partner to disperse with.
    assert energy("hf+d3bj/6-31g", "he") == energy("hf/6-31g", "he")
    assert energy("hf+d4/6-31g", "he") == pytest.approx(energy("hf/6-31g", "he"), abs=1e-12)


@pytest.mark.parametrize(("system", "xc"), [("water", None), ("oh", "PBE"), ("water", "R2SCAN"), ("c", None)])
def test_the_artifact_changes_nothing(system, xc, molecules, tmp_path):
    spec = ScfSpecification("sto-3g", xc)
    first, again, apart = (
        converged_scf(molecules[system], spec, resources=Resources(artifacts=tmp_path / folder))
        for folder in ("one", "one", "two")
    )
    assert first.e_tot == again.e_tot
    assert apart.e_tot == pytest.approx(first.e_tot, abs=1e-10)
    # What was rebuilt is the solution: its own energy expression gives the energy that was stored.
    assert again.energy_tot(dm=again.make_rdm1()) == pytest.approx(first.e_tot, abs=1e-9)
    assert np.allclose(again.make_rdm1(), first.make_rdm1(), atol=1e-12)


def test_methods_share_one_scf(run, tmp_path, monkeypatch):
    from qmbench_pyscf import scf

    solved = []
    plain = scf._closed_shell
    monkeypatch.setattr(scf, "_closed_shell", lambda *given: solved.append(given) or plain(*given))
    shared = Resources(artifacts=tmp_path)
    for method in ("hf", "mp2", "ccsd", "ccsd(t)"):
        run(f"{method}/sto-3g", "water", with_resources=shared)
    assert len(solved) == 1


def test_frozen_core_of_an_open_shell_is_the_core(energy):
    """A hydrogen atom far away changes nothing: its carbon monoxide is that of a closed shell, with the same core."""
    far = Molecule(("H", "C", "O"), ((0, 0, 0), (0, 0, 40.0), (0, 0, 42.1)), 0, 2)
    alone = Molecule(("C", "O"), ((0, 0, 40.0), (0, 0, 42.1)), 0, 1)
    hydrogen = energy("hf/sto-3g", "h")
    level = "fci/sto-3g?frozen_core=true"
    assert energy(level, far) == pytest.approx(energy(level, alone) + hydrogen, abs=1e-6)


@pytest.mark.parametrize("system", ["oh", "nh"])
def test_frozen_core_of_an_open_shell_by_hand(system, energy, molecules):
    """PySCF with the core of a restricted open-shell determinant, which is another one by less than 1e-6 hartree."""
    from pyscf import gto, mcscf, scf

    molecule = molecules[system]
    atoms = list(zip(molecule.symbols, molecule.positions, strict=True))
    mole = gto.M(atom=atoms, unit="B", basis="sto-3g", spin=molecule.multiplicity - 1, verbose=0)
    solver = mcscf.CASCI(scf.ROHF(mole).newton().run(), mole.nao - 1, (mole.nelec[0] - 1, mole.nelec[1] - 1))
    solver.fix_spin_(ss=(molecule.multiplicity**2 - 1) / 4)
    assert energy("fci/sto-3g?frozen_core=true", system) == pytest.approx(solver.kernel()[0], abs=2e-6)
