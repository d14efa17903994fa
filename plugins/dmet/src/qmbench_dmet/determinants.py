"""The full-CI problem of an impurity, written out in determinants.

For impurities of up to about a thousand determinants the Hamiltonian is diagonalized densely: every root,
every degeneracy, and no iteration that could stick to one branch of a level crossing. Real or complex
integrals, restricted or unrestricted orbitals.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from math import comb

import numpy as np


def dimension(norb: int, nelec: tuple[int, int]) -> int:
    """The number of determinants of ``nelec`` = (alpha, beta) electrons in ``norb`` orbitals."""
    return comb(norb, nelec[0]) * comb(norb, nelec[1])


@lru_cache(maxsize=64)
def excitation_operators(norb: int, electrons: int) -> np.ndarray:
    """Matrices of a†_p a_q among the determinants of one spin: shape (norb, norb, D, D), read-only.

    The determinants are the occupied sets in lexicographic order, each written as a†_i a†_j … |vac⟩, i < j.
    """
    strings = list(itertools.combinations(range(norb), electrons))
    place = {string: i for i, string in enumerate(strings)}
    operators = np.zeros((norb, norb, len(strings), len(strings)))
    for column, string in enumerate(strings):
        for k, q in enumerate(string):
            rest = string[:k] + string[k + 1 :]
            for p in range(norb):
                if p in rest:
                    continue
                position = sum(orbital < p for orbital in rest)
                target = (*rest[:position], p, *rest[position:])
                operators[p, q, place[target], column] = (-1.0) ** (k + position)
    operators.setflags(write=False)
    return operators


def one_spin_hamiltonian(h: np.ndarray, eri: np.ndarray, electrons: int) -> np.ndarray:
    """Σ h_pq a†_p a_q + ½ Σ (pq|rs) a†_p a†_r a_s a_q among the determinants of one spin, shape (D, D)."""
    e = excitation_operators(h.shape[0], electrons)
    # a†_p a†_r a_s a_q = E_pq E_rs − δ_qr E_ps
    one_body = h - 0.5 * np.einsum("prrs->ps", eri)
    dressed = np.tensordot(eri, e, axes=([2, 3], [0, 1]))  # Σ_rs (pq|rs) E_rs
    return np.tensordot(one_body, e, axes=2) + 0.5 * np.einsum("pqij,pqjk->ik", e, dressed, optimize=True)


def hamiltonian(h: np.ndarray, eri: np.ndarray, nelec: tuple[int, int]) -> np.ndarray:
    """The full-CI matrix, shape (D_α D_β, D_α D_β), alpha index slowest.

    ``h`` is (2, m, m); ``eri`` is (3, m, m, m, m) in chemists' order for the spins αα, αβ, ββ.
    """
    na, nb = nelec
    alpha = one_spin_hamiltonian(h[0], eri[0], na)
    beta = one_spin_hamiltonian(h[1], eri[2], nb)
    ea, eb = excitation_operators(h.shape[-1], na), excitation_operators(h.shape[-1], nb)
    mixed = np.tensordot(eri[1], eb, axes=([2, 3], [0, 1]))
    coupling = np.tensordot(ea, mixed, axes=([0, 1], [0, 1]))  # (i, j, k, l): alpha i,j; beta k,l
    da, db = alpha.shape[0], beta.shape[0]
    full = coupling.transpose(0, 2, 1, 3).reshape(da * db, da * db).copy()
    full += np.kron(alpha, np.eye(db)) + np.kron(np.eye(da), beta)
    return full


def occupation_diagonal(norb: int, nelec: tuple[int, int], orbitals: range) -> np.ndarray:
    """The number of electrons that each determinant has in ``orbitals``, shape (D_α D_β,)."""
    counts = []
    for electrons in nelec:
        strings = itertools.combinations(range(norb), electrons)
        counts.append(np.array([sum(o in orbitals for o in string) for string in strings], dtype=float))
    return (counts[0][:, None] + counts[1][None, :]).ravel()


def spin_square_matrix(norb: int, nelec: tuple[int, int]) -> np.ndarray:
    """The matrix of S² for orbitals that are the same for both spins, shape (D, D)."""
    na, nb = nelec
    ea, eb = excitation_operators(norb, na), excitation_operators(norb, nb)
    sz = 0.5 * (na - nb)
    # S² = S_z(S_z + 1) + S₋S₊, and S₋S₊ = N_β − Σ_pq E^α_pq E^β_qp
    exchange = np.tensordot(ea, eb.transpose(1, 0, 2, 3), axes=([0, 1], [0, 1]))
    da, db = ea.shape[-1], eb.shape[-1]
    full = -exchange.transpose(0, 2, 1, 3).reshape(da * db, da * db)
    full[np.diag_indices_from(full)] += sz * (sz + 1.0) + nb
    return full


def density_matrices(
    vectors: np.ndarray, weights: np.ndarray, norb: int, nelec: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The one- and two-particle density matrices of the ensemble Σ w |c⟩⟨c|.

    ``vectors`` is (D, k). Returned: ``dm1`` (2, m, m) with dm1_pq = ⟨a†_p a_q⟩ and ``dm2`` (3, m, m, m, m),
    αα, αβ, ββ, with dm2_pqrs = ⟨a†_p a†_r a_s a_q⟩; the energy is Σ h_pq dm1_pq + ½Σ(αα) + ½Σ(ββ) + Σ(αβ)
    of (pq|rs) dm2_pqrs.
    """
    na, nb = nelec
    ea, eb = excitation_operators(norb, na), excitation_operators(norb, nb)
    m = norb
    kind = np.result_type(vectors, float)
    dm1 = np.zeros((2, m, m), dtype=kind)
    dm2 = np.zeros((3, m, m, m, m), dtype=kind)
    da, db = ea.shape[-1], eb.shape[-1]
    for c, w in zip(vectors.T, weights, strict=True):
        c = c.reshape(da, db)
        alpha = np.tensordot(ea, c, axes=([3], [0]))  # E^α_pq c, (m, m, da, db)
        beta = np.tensordot(eb, c, axes=([3], [1])).transpose(0, 1, 3, 2)
        alpha, beta = alpha.reshape(m * m, -1), beta.reshape(m * m, -1)
        flat = c.ravel()
        one_a, one_b = (alpha @ flat.conj()).reshape(m, m), (beta @ flat.conj()).reshape(m, m)
        # ⟨E_pq E_rs⟩ = (E_qp c)† (E_rs c)
        swap = np.arange(m * m).reshape(m, m).T.ravel()
        aa = (alpha[swap].conj() @ alpha.T).reshape(m, m, m, m)
        ab = (alpha[swap].conj() @ beta.T).reshape(m, m, m, m)
        bb = (beta[swap].conj() @ beta.T).reshape(m, m, m, m)
        for r in range(m):
            aa[:, r, r, :] -= one_a
            bb[:, r, r, :] -= one_b
        dm1[0] += w * one_a
        dm1[1] += w * one_b
        dm2[0] += w * aa
        dm2[1] += w * ab
        dm2[2] += w * bb
    return dm1, dm2
