"""The full-CI problem against PySCF's, against identities, and with complex orbitals."""

from __future__ import annotations

import numpy as np
import pytest
from dmet_cases import APBC, PBC, embedded, hubbard

from qmbench_dmet import determinants
from qmbench_dmet.impurity import FciSector, Impurity, electron_sectors
from qmbench_dmet.solvers import DavidsonSector


def random_integrals(m: int, seed: int, complex_orbitals: bool = False):
    rng = np.random.default_rng(seed)
    h = rng.standard_normal((m, m))
    h = h + h.T
    half = rng.standard_normal((m * (m + 1) // 2, 6))
    pairs = np.zeros((m, m, 6))
    pairs[np.triu_indices(m)] = half
    pairs = pairs + np.where(np.eye(m)[..., None] > 0, 0.0, pairs.transpose(1, 0, 2))
    eri = np.einsum("pqx,rsx->pqrs", pairs, pairs) / 6
    if complex_orbitals:
        u = np.linalg.qr(rng.standard_normal((m, m)) + 1j * rng.standard_normal((m, m)))[0]
        h = u.conj().T @ h @ u
        eri = np.einsum("pqrs,pi,qj,rk,sl->ijkl", eri, u.conj(), u, u.conj(), u, optimize=True)
    return h, eri


def restricted(h, eri, n_fragment=2, electrons=4):
    one, two = np.array([h, h]), np.array([eri] * 3)
    return Impurity(one, two, one, n_fragment, electron_sectors((float(electrons),), len(h)))


@pytest.mark.parametrize("nelec", [(2, 2), (3, 2), (1, 3)])
def test_spectrum_and_density_matrices_are_those_of_pyscf(nelec):
    from pyscf import fci

    h, eri = random_integrals(5, 1)
    matrix = determinants.hamiltonian(np.array([h, h]), np.array([eri] * 3), nelec)
    energies, vectors = np.linalg.eigh(matrix)
    solver = fci.direct_spin1.FCISolver()
    solver.conv_tol = 1e-13
    energy, vector = solver.kernel(h, eri, 5, nelec, nroots=1, verbose=0)
    assert energies[0] == pytest.approx(energy, abs=1e-10)
    dm1, dm2 = determinants.density_matrices(vectors[:, :1], np.ones(1), 5, nelec)
    one, two = fci.direct_spin1.make_rdm12s(vector, 5, nelec)
    assert np.allclose(dm1, one, atol=1e-6)
    assert np.allclose(dm2, two, atol=1e-6)


def test_energy_is_the_trace_with_the_density_matrices_for_unrestricted_complex_orbitals():
    nelec = (2, 1)
    a, b = random_integrals(4, 2, True), random_integrals(4, 2, True)
    rng = np.random.default_rng(5)
    u = np.linalg.qr(rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4)))[0]
    mixed = np.einsum("pqrs,rk,sl->pqkl", a[1], u.conj(), u)
    beta = np.einsum("pqkl,pi,qj->ijkl", mixed, u.conj(), u)
    h, eri = np.array([a[0], u.conj().T @ b[0] @ u]), np.array([a[1], mixed, beta])
    energies, vectors = np.linalg.eigh(determinants.hamiltonian(h, eri, nelec))
    # a rotation of the beta orbitals changes no eigenvalue
    plain = determinants.hamiltonian(np.array([a[0], b[0]]), np.array([a[1]] * 3), nelec)
    assert np.allclose(energies, np.linalg.eigvalsh(plain), atol=1e-11)
    dm1, dm2 = determinants.density_matrices(vectors[:, :1], np.ones(1), 4, nelec)
    energy = sum(np.sum(h[s] * dm1[s]) for s in (0, 1)) + 0.5 * np.sum(eri[0] * dm2[0])
    energy += np.sum(eri[1] * dm2[1]) + 0.5 * np.sum(eri[2] * dm2[2])
    assert energy == pytest.approx(energies[0], abs=1e-11)


def test_spin_square_has_the_right_eigenvalues():
    values = np.linalg.eigvalsh(determinants.spin_square_matrix(4, (2, 2)))
    counts = {s: int(np.sum(np.abs(values - s * (s + 1)) < 1e-10)) for s in (0, 1, 2)}
    assert counts == {0: 20, 1: 15, 2: 1}  # Weyl's formula for four electrons in four orbitals


@pytest.mark.parametrize("mu", [-0.7, 0.0, 1.3])
def test_davidson_gives_what_the_dense_solver_gives(mu):
    h, eri = random_integrals(6, 3)
    impurity = restricted(h, eri, 3, 6)
    dense, iterative = FciSector(impurity, (3, 3)), DavidsonSector(impurity, (3, 3))
    a, b = dense.states(mu, 1e-6), iterative.states(mu, 1e-6)
    n = min(len(a.energies), len(b.energies), 2)
    assert np.allclose(a.energies[:n], b.energies[:n], atol=1e-11)
    assert np.allclose(a.numbers[:n], b.numbers[:n], atol=1e-8)
    assert np.allclose(a.spin_square[:n], b.spin_square[:n], atol=1e-7)
    for one, two in zip(
        dense.density_matrices(a.vectors[:, :1], np.ones(1)),
        iterative.density_matrices(b.vectors[:, :1], np.ones(1)),
        strict=True,
    ):
        assert np.allclose(one, two, atol=1e-8)


def test_davidson_finds_every_member_of_a_degenerate_ground_state():
    impurity = embedded(hubbard((4, 4), (APBC, APBC), 6, 0.0, (2, 1)), bath="ensemble").impurities[0]
    (_, na, nb) = impurity.sectors[0]
    dense, iterative = FciSector(impurity, (na, nb)), DavidsonSector(impurity, (na, nb))
    counts = [len(sector.states(0.0, 1e-6).within(1e-9).energies) for sector in (dense, iterative)]
    assert counts[0] == counts[1] > 1


def test_davidson_follows_no_branch_through_a_crossing():
    """Warm starts from one side must not hide the ground state of the other side."""
    impurity = embedded(hubbard((12,), (PBC,), 10, 12.0, (3,))).impurities[0]
    sector, reference = DavidsonSector(impurity, (3, 3)), FciSector(impurity, (3, 3))
    for mu in np.concatenate([np.linspace(-3.7, -3.5, 9), np.linspace(-3.5, -3.7, 9)]):
        assert sector.states(mu, 1e-6).energies[0] == pytest.approx(reference.states(mu, 1e-6).energies[0], abs=1e-10)


def test_twenty_percent_of_an_electron_is_kept():
    sectors = electron_sectors((3.2,), 4)
    assert sum(w for w, _, _ in sectors) == pytest.approx(1.0, abs=1e-14)
    assert sum(w * (a + b) for w, a, b in sectors) == pytest.approx(3.2, abs=1e-14)
