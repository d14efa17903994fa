"""A saddle point is never reported as the ground state, and non-convergence is never a number."""

from __future__ import annotations

import pytest

from qmbench import Molecule, NotConverged, Unsupported
from qmbench_pyscf import ScfSpecification, converged_scf, scf_settings, to_mole


def first_solution(molecule, basis):
    """What an unrestricted SCF from PySCF's default guess ends in, and whether PySCF calls it stable."""
    from pyscf import scf

    mf = scf.UHF(to_mole(molecule, basis)).set(conv_tol=1e-10, max_cycle=200).run()
    _, _, stable, _ = mf.stability(return_status=True)
    return mf.e_tot, stable


def stable_by_pyscf(mf):
    return mf.stability(return_status=True)[2]


def test_known_saddle_of_oxygen_cation(resources):
    """O+ as a doublet: the default guess converges to a saddle point 0.1 hartree above the minimum."""
    molecule = Molecule(("O",), ((0, 0, 0),), 1, 2)
    naive, stable = first_solution(molecule, "cc-pvdz")
    mf = converged_scf(molecule, ScfSpecification("cc-pvdz"), resources=resources)
    assert not stable
    assert mf.e_tot < naive - 0.05
    assert stable_by_pyscf(mf)


def test_known_saddle_of_oxygen_molecule(resources, molecules):
    naive, stable = first_solution(molecules["o2"], "sto-3g")
    mf = converged_scf(molecules["o2"], ScfSpecification("sto-3g"), resources=resources)
    assert not stable
    assert mf.e_tot < naive - 1e-4
    assert stable_by_pyscf(mf)


@pytest.mark.parametrize(("symbol", "multiplicity"), [("B", 2), ("C", 3), ("O", 3), ("F", 2), ("Al", 2), ("S", 3)])
def test_atoms_are_minima(symbol, multiplicity, resources):
    atom = Molecule((symbol,), ((0, 0, 0),), 0, multiplicity)
    mf = converged_scf(atom, ScfSpecification("6-31g"), resources=resources)
    assert scf_settings(mf)["stability"] == "minimum"
    assert stable_by_pyscf(mf)


def test_stretched_nitrogen_restricted_and_unrestricted(run, molecules):
    restricted = run("hf/sto-3g", "n2_long")
    unrestricted = run("hf/sto-3g?reference=unrestricted", "n2_long")
    assert restricted.settings["external_instability"]
    assert any("reference=unrestricted" in line for line in restricted.warnings)
    assert restricted.settings["s_squared"] == pytest.approx(0.0, abs=1e-10)
    # Near dissociation: two quartet atoms, ⟨S²⟩ close to 3 and the energy close to theirs.
    atom = run("hf/sto-3g", Molecule(("N",), ((0, 0, 0),), 0, 4)).properties["energy"].value
    energy = unrestricted.properties["energy"].value
    assert energy < restricted.properties["energy"].value - 0.2
    assert energy == pytest.approx(2 * atom, abs=0.02)
    assert 2.5 < unrestricted.settings["s_squared"] < 3.1
    assert not unrestricted.warnings


def test_fluorine_molecule_is_unstable_at_its_bond_length(run):
    f2 = Molecule(("F", "F"), ((0, 0, 0), (0, 0, 2.668)), 0, 1)
    result = run("hf/6-31g", f2)
    assert result.settings["external_instability"]
    lower = run("hf/6-31g?reference=unrestricted", f2).properties["energy"].value
    assert lower < result.properties["energy"].value - 1e-3


def test_bound_water_is_stable(run):
    result = run("hf/6-31g?reference=unrestricted", "water")
    restricted = run("hf/6-31g", "water")
    assert not restricted.settings["external_instability"]
    assert not restricted.warnings
    assert result.properties["energy"].value == pytest.approx(restricted.properties["energy"].value, abs=1e-8)


def test_stability_switched_off_says_so(run):
    assert run("hf/sto-3g?stability=false", "water").settings["stability"] == "not looked at"


@pytest.mark.parametrize("level", ["hf/6-31g?max_cycle=1", "pbe/sto-3g?max_cycle=1&grid=0", "ccsd/6-31g?max_cycle=3"])
@pytest.mark.parametrize("system", ["water", "oh"])
def test_no_convergence_raises(level, system, run):
    with pytest.raises(NotConverged):
        run(level, system)


def test_tda_is_needed_on_an_unstable_reference(run, molecules):
    with pytest.raises(Unsupported, match="tda=true"):
        run("hf/sto-3g", "n2_long", "excitation_energies")
