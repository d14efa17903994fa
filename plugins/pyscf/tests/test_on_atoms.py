"""Density response on atoms: sum rules, one electron exactly, whole matrices, potentials by hand."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import Molecule, parse_level
from qmbench_pyscf import atomic_response
from qmbench_pyscf.dynamic import response_model
from qmbench_pyscf.on_atoms import atom_operators
from qmbench_pyscf.specification import ScfSpecification

LIH = Molecule(("Li", "H"), ((0.2, 0.1, 0.0), (0.5, 0.1, 3.0)), 0, 1)
ONE_ELECTRON = Molecule(("He", "H"), ((0.0, 0.0, 0.0), (0.2, 0.3, 1.6)), 2, 2)


def of(level, molecule, resources, **options):
    return atomic_response(parse_level(level).make(), molecule, resources, **options)


@pytest.mark.parametrize("kernel", ["full", "hartree", "none"])
@pytest.mark.parametrize("level", ["hf/6-31g", "pbe/6-31g?grid=1"])
@pytest.mark.parametrize("system", ["water", "nh"])
def test_sum_rules(level, kernel, system, molecules, resources):
    """No potential that is the same everywhere moves a charge; symmetric, and positive."""
    found = of(level, molecules[system], resources, kernel=kernel, frequency=0.2)
    assert np.abs(found.matrix[:, 0].sum(axis=0)).max() < 1e-10
    assert np.abs(found.matrix[:, :, :, 0].sum(axis=2)).max() < 1e-10
    whole = found.matrix.reshape(2 * [4 * molecules[system].n_parts])
    assert whole == pytest.approx(whole.T, abs=1e-10)
    assert np.linalg.eigvalsh(whole).min() > -1e-8
    assert np.abs(found.matrix[0, 0, 1, 0]) > 0.05


@pytest.mark.parametrize("level", ["hf/6-31g", "pbe/6-31g?grid=1"])
def test_sum_is_the_polarizability(level, molecules, resources):
    """That of the molecule from its own dipole, without any atoms."""
    from qmbench_pyscf.scf import converged_scf

    for name in ("water", "nh"):
        for frequency in (0.0, 0.4):
            found = of(level, molecules[name], resources, frequency=frequency).polarizability
            xc = None if level.startswith("hf") else "PBE"
            mf = converged_scf(molecules[name], ScfSpecification("6-31g", xc=xc, grid=1 if xc else None), resources)
            expected = response_model(mf, np.array([frequency])).tensors(frequency)[0]
            assert found == pytest.approx(expected, abs=2e-4)


def test_one_electron_is_exact(resources):
    """Hartree–Fock of one electron is exact, and so is the response: that of full CI."""
    exact = of("fci/6-31g(d,p)", ONE_ELECTRON, resources)
    found = of("hf/6-31g(d,p)", ONE_ELECTRON, resources)
    assert np.all(np.abs(found.matrix - exact.matrix) < exact.error + 2e-5)
    assert exact.error.max() < 5e-3
    assert np.abs(exact.matrix[0, 0, 1, 0]) > 0.02
    assert np.abs(exact.matrix[:, 0].sum(axis=0)).max() < 1e-8
    bare = of("hf/6-31g(d,p)", ONE_ELECTRON, resources, kernel="none")
    assert np.abs(bare.matrix - exact.matrix).max() > 0.01


def test_whole_matrices(resources):
    """χ₀, RPA and TDHF from integrals and orbital energies by hand."""
    from pyscf import ao2mo

    from qmbench_pyscf.scf import converged_scf

    mf = converged_scf(LIH, ScfSpecification("6-31g"), resources)
    occupied, empty = mf.mo_coeff[:, mf.mo_occ > 0], mf.mo_coeff[:, mf.mo_occ == 0]
    n = occupied.shape[1] * empty.shape[1]
    gaps = np.diag((mf.mo_energy[mf.mo_occ == 0] - mf.mo_energy[mf.mo_occ > 0][:, None]).ravel())
    coulomb = ao2mo.general(mf.mol, (occupied, empty, occupied, empty), compact=False).reshape(n, n)
    rows = np.einsum("kpq,pi,qa->kia", atom_operators(mf.mol), occupied, empty).reshape(-1, n)
    a, b = (part.reshape(n, n) for part in mf.TDHF().get_ab())
    for w in (0.0, 0.3):
        for kernel, plus, minus in (
            ("none", gaps, gaps),
            ("hartree", gaps + 4 * coulomb, gaps),
            ("full", a + b, a - b),
        ):
            expected = 4 * rows @ np.linalg.solve(plus + w**2 * np.linalg.inv(minus), rows.T)
            found = of("hf/6-31g", LIH, resources, kernel=kernel, frequency=w).matrix.reshape(8, 8)
            assert found == pytest.approx(expected, abs=2e-4), (kernel, w)


@pytest.mark.parametrize("xc", [None, "PBE"])
def test_potentials_by_hand(xc, resources):
    """A potential on one cell in PySCF's own calculation, and how many electrons leave it."""
    from pyscf import dft, gto, scf

    mole = gto.M(atom=list(zip(LIH.symbols, LIH.positions, strict=True)), unit="bohr", basis="6-31g", verbose=0)
    operators = atom_operators(mole)

    def electrons(strength):
        mf = scf.RHF(mole) if xc is None else dft.RKS(mole, xc=xc)
        if xc:
            mf.grids.level = 3
        core = mf.get_hcore() + strength * operators[0]
        mf.get_hcore = lambda *_: core
        mf.set(conv_tol=1e-12, conv_tol_grad=1e-8).kernel()
        return np.einsum("kpq,qp->k", operators, mf.make_rdm1())

    h = 1e-3
    expected = -(electrons(h) - electrons(-h)) / (2 * h)
    level = "hf/6-31g" if xc is None else "pbe/6-31g?grid=3"
    assert of(level, LIH, resources).matrix[0, 0].ravel() == pytest.approx(expected, abs=1e-3)


def test_cells_have_the_electrons(resources, molecules):
    """All electrons, and the dipole, whatever the quadrature leaves; each cell of N2 has seven."""
    from qmbench_pyscf.scf import converged_scf

    mf = converged_scf(molecules["n2_long"], ScfSpecification("6-31g"), resources)
    counts = np.einsum("kpq,qp->k", atom_operators(mf.mol), mf.make_rdm1()).reshape(2, 4)
    assert counts[:, 0] == pytest.approx([7, 7], abs=1e-6)
    assert counts[0, 3] == pytest.approx(-counts[1, 3], abs=1e-6)
    operators = atom_operators(mf.mol).reshape(2, 4, mf.mol.nao, mf.mol.nao)
    assert operators[:, 0].sum(axis=0) == pytest.approx(mf.get_ovlp(), abs=1e-12)


def test_cells_go_with_the_molecule():
    """Dipoles are about the nuclei: a shift changes no operator."""
    from pyscf import gto

    shift = np.array([1.0, -2.0, 0.5])
    here, there = (
        atom_operators(gto.M(atom=list(zip(LIH.symbols, at, strict=True)), unit="bohr", basis="6-31g", verbose=0))
        for at in (LIH.coordinates, LIH.coordinates + shift)
    )
    assert there == pytest.approx(here, abs=1e-10)
