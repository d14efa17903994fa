"""Dipoles, polarizabilities and excited states: identities, and PySCF by hand."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import Molecule, Unsupported
from qmbench_pyscf.specification import Perturbation


def test_dipole_of_a_charged_system_is_about_the_origin(run):
    shift = np.array([0.3, -0.7, 1.9])
    here = Molecule(("He", "H"), ((0, 0, 0), (0, 0, 1.46)), 1, 1)
    there = Molecule(here.symbols, tuple(map(tuple, here.coordinates + shift)), 1, 1)
    for level in ("hf/6-31g", "mp2/6-31g"):
        difference = (
            run(level, there, "dipole").properties["dipole"].value
            - run(level, here, "dipole").properties["dipole"].value
        )
        assert np.allclose(difference, shift, atol=2e-5)


@pytest.mark.parametrize("level", ["hf/6-31g", "pbe/sto-3g?grid=2"])
def test_expectation_value_is_the_energy_derivative(level, run, resources):
    """Hellmann–Feynman for a variational energy."""
    from qmbench import parse_level

    method = parse_level(level).make()
    water = Molecule(("O", "H", "H"), ((0, 0, 0.22), (0, 1.43, -0.89), (0, -1.43, -0.89)), 0, 1)
    dipole = run(level, water, "dipole").properties["dipole"].value
    f = 0.001
    plus, minus = (method.point(water, Perturbation(field=(0.0, 0.0, s)), resources).energy for s in (f, -f))
    assert -(plus - minus) / (2 * f) == pytest.approx(dipole[2], abs=1e-5)


def test_full_ci_dipole_is_the_energy_derivative(run, resources):
    from qmbench import parse_level

    method = parse_level("fci/sto-3g").make()
    lih = Molecule(("Li", "H"), ((0, 0, 0), (0, 0, 3.015)), 0, 1)
    f = 0.0004
    plus, minus = (method.point(lih, Perturbation(field=(0.0, 0.0, s)), resources).energy for s in (f, -f))
    dipole = run("fci/sto-3g", lih, "dipole").properties["dipole"].value
    assert -(plus - minus) / (2 * f) == pytest.approx(dipole[2], abs=1e-4)


def test_relaxed_dipole_of_mp2_and_ccsd_for_two_electrons(run):
    """For two electrons CCSD is exact in the basis: its derivative dipole is full CI's expectation value."""
    heh = Molecule(("He", "H"), ((0, 0, 0), (0, 0, 1.46)), 1, 1)
    exact = run("fci/6-31g", heh, "dipole", "polarizability").properties
    ccsd = run("ccsd/6-31g", heh, "dipole", "polarizability").properties
    assert np.allclose(ccsd["dipole"].value, exact["dipole"].value, atol=1e-5)
    assert np.allclose(ccsd["polarizability"].value, exact["polarizability"].value, atol=2e-3)
    assert ccsd["polarizability"].uncertainty_kind == "estimate"


def test_polarizability_is_a_tensor(run, rotation):
    """Rotating the molecule rotates α; HF by coupled-perturbed equations solved apart."""
    water = Molecule(("O", "H", "H"), ((0, 0, 0.22), (0, 1.43, -0.89), (0, -1.43, -0.89)), 0, 1)
    turned = Molecule(water.symbols, tuple(map(tuple, water.coordinates @ rotation.T)), 0, 1)
    for level, tolerance in (("hf/6-31g", 1e-4), ("mp2/6-31g", 2e-3)):
        here = run(level, water, "polarizability").properties["polarizability"].value
        there = run(level, turned, "polarizability").properties["polarizability"].value
        assert np.allclose(there, rotation @ here @ rotation.T, atol=tolerance)
        assert np.allclose(there, there.T)
    assert np.allclose(
        run("hf/6-31g", water, "polarizability").properties["polarizability"].value, cphf(water), atol=1e-4
    )


def cphf(molecule):
    """Static polarizability from the orbital Hessian: α = 4 μᵀ (A + B)⁻¹ μ."""
    from pyscf import ao2mo, gto, scf

    mol = gto.M(atom=list(zip(molecule.symbols, molecule.positions, strict=True)), unit="B", basis="6-31g", verbose=0)
    mf = scf.RHF(mol).set(conv_tol=1e-12).run()
    o, n = mol.nelectron // 2, mol.nao
    eri = ao2mo.restore(1, ao2mo.kernel(mol, mf.mo_coeff), n)
    gaps = (mf.mo_energy[None, o:] - mf.mo_energy[:o, None]).ravel()
    coulomb = eri[:o, o:, :o, o:].reshape(gaps.size, -1)
    exchange = eri[:o, :o, o:, o:].transpose(0, 2, 1, 3).reshape(gaps.size, -1)
    crossed = eri[:o, o:, :o, o:].transpose(0, 3, 2, 1).reshape(gaps.size, -1)
    hessian = np.diag(gaps) + 4 * coulomb - exchange - crossed
    mu = np.einsum("xpq,pi,qa->xia", mol.intor("int1e_r"), mf.mo_coeff[:, :o], mf.mo_coeff[:, o:]).reshape(3, -1)
    return 4 * mu @ np.linalg.solve(hessian, mu.T)


@pytest.mark.parametrize(
    ("level", "system"),
    [
        ("hf/6-31g", "water"),
        ("hf/6-31g?reference=unrestricted", "h2_stretched"),
        ("hf/6-31g", "o2"),
        ("hf/6-31g?density_fitting=true", "water"),
        ("pbe/6-31g?grid=2", "water"),
        ("b3lyp/6-31g?grid=2", "o2"),
    ],
)
def test_polarizability_of_mean_fields_by_coupled_perturbed_equations_and_by_finite_fields(level, system, run):
    m = {
        "water": Molecule(("O", "H", "H"), ((0, 0.1, 0.2), (0, 1.4, -0.9), (0.3, -1.4, -0.9)), 0, 1),
        "h2_stretched": Molecule(("H", "H"), ((0, 0, 0), (0, 0, 3.5)), 0, 1),
        "o2": Molecule(("O", "O"), ((0, 0, 0), (0, 0, 2.28)), 0, 3),
    }[system]
    analytic = run(level, m, "polarizability")
    numerical = run(f"{level}{'&' if '?' in level else '?'}field_strength=0.002", m, "polarizability")
    assert "coupled-perturbed" in analytic.settings["polarizability"]
    assert "field_strength" not in analytic.settings
    assert "finite field" in numerical.settings["polarizability"]
    assert numerical.settings["field_strength"] == 0.002
    values = [found.properties["polarizability"].value for found in (analytic, numerical)]
    assert np.allclose(*values, atol=1e-4)
    tight = run(f"{level}{'&' if '?' in level else '?'}energy_tolerance=1e-13", m, "polarizability")
    stated = analytic.properties["polarizability"].uncertainty
    assert np.all(np.abs(values[0] - tight.properties["polarizability"].value) < 2 * stated)
    assert stated.max() < 1e-3


def test_polarizability_where_a_field_turns_the_open_shell(run):
    """Across OH a finite field makes the hole turn; the answer of the equations doesn't depend on how OH lies."""
    oh = Molecule(("O", "H"), ((0, 0, 0), (0, 0, 1.83)), 0, 2)
    alpha = run("hf/6-31g", oh, "polarizability").properties["polarizability"].value
    axial = run("hf/6-31g", Molecule(("O", "H"), ((0, 0, 0), (1.83, 0, 0)), 0, 2), "polarizability")
    found = np.linalg.eigvalsh(axial.properties["polarizability"].value)
    assert np.allclose(np.linalg.eigvalsh(alpha), found, atol=1e-4)


def test_polarizability_of_an_open_shell_atom_names_its_component(run):
    result = run("hf/6-31g", "c", "polarizability")
    alpha = result.properties["polarizability"].value
    assert np.allclose(alpha, np.diag(np.diag(alpha)), atol=1e-4)
    assert alpha[0, 0] == pytest.approx(alpha[1, 1], abs=1e-4)
    assert any("along z" in line for line in result.warnings)
    with pytest.raises(Unsupported, match="degenerate"):
        run("fci/sto-3g", "c", "polarizability")


def test_the_field_step_does_not_matter(run):
    small = run("hf/6-31g?field_strength=0.001", "water", "polarizability").properties["polarizability"]
    large = run("hf/6-31g?field_strength=0.004", "water", "polarizability").properties["polarizability"]
    assert np.allclose(small.value, large.value, atol=2e-4)


@pytest.mark.parametrize(("tda", "kind"), [("true", "TDA"), ("false", "TDDFT")])
def test_linear_response_by_hand(tda, kind, run, molecules):
    from pyscf import dft, gto

    m = molecules["water"]
    mol = gto.M(atom=list(zip(m.symbols, m.positions, strict=True)), unit="B", basis="6-31g", verbose=0)
    mf = dft.RKS(mol).set(xc="pbe0", conv_tol=1e-11)
    mf.grids.level = 2
    mf.run()
    states = run(f"pbe0/6-31g?grid=2&n_states=3&tda={tda}", "water", "excitation_energies")
    for spin, singlet in (("S", True), ("T", False)):
        td = getattr(mf, kind)().set(singlet=singlet, nstates=6, conv_tol=1e-9).run()
        found = [states.properties["excitation_energies"].value[f"{spin}{k}"] for k in (1, 2, 3)]
        assert found == pytest.approx(list(np.sort(td.e)[:3]), abs=1e-6)


def test_equation_of_motion_is_full_ci_for_two_electrons(run):
    exact = run("fci/6-31g", "h2", "excitation_energies").properties["excitation_energies"].value
    found = run("ccsd/6-31g", "h2", "excitation_energies").properties["excitation_energies"].value
    assert {"S1", "S2", "T1", "T2"} <= set(found)
    for label, value in found.items():
        assert value == pytest.approx(exact[label], abs=1e-6)


def test_equation_of_motion_by_hand(run, molecules):
    from pyscf import cc, gto, scf

    m = molecules["lih"]
    mol = gto.M(atom=list(zip(m.symbols, m.positions, strict=True)), unit="B", basis="6-31g", verbose=0)
    solver = cc.CCSD(scf.RHF(mol).set(conv_tol=1e-12).run()).set(conv_tol=1e-11).run()
    singlets, _ = solver.eomee_ccsd_singlet(nroots=4)
    states = run("ccsd/6-31g?n_states=2", "lih", "excitation_energies").properties["excitation_energies"].value
    assert [states["S1"], states["S2"]] == pytest.approx(list(np.sort(singlets)[:2]), abs=1e-6)


def test_full_ci_states_of_a_triplet(run):
    """Carbon in a minimal basis: 3P below 1D below 1S, with degeneracies 3 (two excited), 5, 1."""
    states = run("fci/sto-3g?n_states=6", "c", "excitation_energies").properties["excitation_energies"].value
    assert states["T1"] == pytest.approx(0.0, abs=1e-8)
    assert states["T2"] == pytest.approx(0.0, abs=1e-8)
    singlet = [states[f"S{k}"] for k in range(1, 7)]
    assert np.ptp(singlet[:5]) < 1e-8
    assert singlet[5] > singlet[4] + 1e-3 > 1e-3
    # Slater's rule for p²: (1S − 1D) / (1D − 3P) = 3/2 within the configuration; a minimal basis adds 2s–2p mixing.
    assert 0.5 < (singlet[5] - singlet[0]) / singlet[0] < 2.0


def test_terms_of_two_electron_atoms(run):
    """Li+: 2 3S, 2 1S, 2 3P, 2 1P in this order (as in nature), from full CI and EOM-CCSD alike."""
    ion = Molecule(("Li",), ((0, 0, 0),), 1, 1)
    exact = run("fci/aug-cc-pvdz?n_states=2", ion, "excitation_energies").properties["excitation_energies"].value
    found = run("ccsd/aug-cc-pvdz?n_states=2", ion, "excitation_energies").properties["excitation_energies"].value
    assert exact["2 3S"] < exact["2 1S"]
    assert exact["2 3P"] < exact["2 1P"]
    for label in ("2 3S", "2 1S", "2 3P"):
        assert found[label] == pytest.approx(exact[label], abs=1e-6)


def test_no_bound_state_no_label(run):
    with pytest.raises(Unsupported, match="diffuse"):
        run("fci/cc-pvdz", "he", "excitation_energies")
