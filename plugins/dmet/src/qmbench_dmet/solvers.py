"""Impurity solvers that go through PySCF: full CI by Davidson iteration, coupled cluster, Hartree–Fock.

All answer `states(mu, window)` and `density_matrices(vectors, weights)` as `FciSector` does. Coupled cluster and
Hartree–Fock give one state only, and their fragment electron number need not grow with μ; a chemical potential
found with them is certified by |ΔN| alone, never as a crossing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from . import determinants
from .errors import Refused, SolverError
from .impurity import DENSE_LIMIT, FciSector, Impurity, States

DETERMINANT_LIMIT = 1_000_000
GUARD = 1e-3  # residual (energy units) at which a root above the ground state counts as found


class DavidsonSector(FciSector):
    """Full CI beyond the dense limit; real integrals.

    Davidson iterations that start from the last solution alone follow one branch through a crossing and report
    it as the ground state on the wrong side. Every solve here therefore starts from the lowest determinants, the
    roots found at the nearest chemical potentials on both sides, and a random vector, and asks for several roots.
    """

    RESIDUAL = 1e-10
    max_roots = 60

    def __init__(self, impurity: Impurity, nelec: tuple[int, int]):
        from pyscf.fci import cistring

        self.impurity, self.nelec = impurity, nelec
        if np.iscomplexobj(impurity.h) or np.iscomplexobj(impurity.eri):
            raise Refused("a twisted impurity of this size is beyond the dense full-CI solver; use smaller fragments")
        self.size = determinants.dimension(impurity.norb, nelec)
        if self.size > DETERMINANT_LIMIT:
            raise Refused(
                f"full CI of {impurity.norb} orbitals has {self.size:,} determinants, more than the "
                f"{DETERMINANT_LIMIT:,} allowed; use smaller fragments or solver=ccsd"
            )
        counts = []
        for n in nelec:
            strings = cistring.make_strings(range(impurity.norb), n)
            counts.append(
                np.array([sum((int(x) >> k) & 1 for k in range(impurity.n_fragment)) for x in strings], float)
            )
        self.shape = (len(counts[0]), len(counts[1]))
        self.number_diagonal = (counts[0][:, None] + counts[1][None, :]).ravel()
        self.known: list[tuple[float, np.ndarray]] = []
        self.random = np.random.default_rng(20220)

    def _eri(self) -> tuple[np.ndarray, ...]:
        from pyscf import ao2mo

        return tuple(ao2mo.restore(4 if k == 1 else 8, e, self.impurity.norb) for k, e in enumerate(self.impurity.eri))

    @cached_property
    def operator(self) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
        """σ = H c without μ, and the diagonal of H."""
        from pyscf.fci import direct_spin1, direct_uhf

        imp, norb = self.impurity, self.impurity.norb
        module = direct_spin1 if imp.restricted else direct_uhf
        h, eri = (imp.h[0], imp.eri[0]) if imp.restricted else (tuple(imp.h), tuple(imp.eri))
        h2 = module.absorb_h1e(h, eri, norb, self.nelec, 0.5)
        diagonal = module.make_hdiag(h, eri, norb, self.nelec).ravel()
        return (lambda c: module.contract_2e(h2, c.reshape(self.shape), norb, self.nelec).ravel()), diagonal

    def apply(self, vectors: np.ndarray) -> np.ndarray:
        return np.column_stack([self.operator[0](v) for v in vectors.T])

    def spin_apply(self, vectors: np.ndarray) -> np.ndarray:
        from pyscf.fci import spin_op

        norb = self.impurity.norb
        return np.column_stack(
            [spin_op.contract_ss(v.reshape(self.shape), norb, self.nelec).ravel() for v in vectors.T]
        )

    def lowest(self, mu: float, count: int) -> tuple[np.ndarray, np.ndarray]:
        diagonal = self.operator[1]
        shifted = diagonal - mu * self.number_diagonal
        start = []
        for place in np.argsort(shifted, kind="stable")[:count]:
            unit = np.zeros(self.size)
            unit[place] = 1.0
            start.append(unit)
        below = [k for k in self.known if k[0] <= mu][-1:]
        above = [k for k in self.known if k[0] > mu][:1]
        for _, vectors in below + above:
            start.extend(vectors[:, :3].T)
        # as many random vectors as roots: fewer could not show a degeneracy of that many
        start.extend(self.random.standard_normal((count, self.size)))
        basis = np.linalg.qr(np.column_stack(start))[0]
        energies, vectors, residuals = davidson(
            lambda block: self.apply(block) - mu * self.number_diagonal[:, None] * block,
            shifted,
            basis,
            count,
            self.RESIDUAL,
        )
        if residuals[:2].max() > self.RESIDUAL:
            raise SolverError(
                f"Davidson iterations of the impurity did not converge at μ = {mu:.6f}: "
                f"residual {residuals[:2].max():.1e}"
            )
        # the upper roots are a guard: an eigenvalue lies within the residual of each, so that one which is roughly
        # converged serves if it is far enough above the ground state; one that is not is dropped
        loose = (residuals > GUARD) | (energies - residuals < energies[0] + 1e-5)
        unsure = np.flatnonzero((residuals > self.RESIDUAL) & loose)
        good = int(unsure[0]) if len(unsure) else len(energies)
        energies, vectors = energies[:good], vectors[:, :good]
        self.known = sorted([*self.known, (mu, vectors)], key=lambda k: k[0])
        nearest = sorted(self.known, key=lambda k: abs(k[0] - mu))[:6]
        self.known = sorted(nearest, key=lambda k: k[0])
        return energies, vectors

    def density_matrices(self, vectors: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from pyscf.fci import direct_spin1

        m = self.impurity.norb
        dm1, dm2 = np.zeros((2, m, m)), np.zeros((3, m, m, m, m))
        for v, w in zip(vectors.T, weights, strict=True):
            if w > 0.0:
                one, two = direct_spin1.make_rdm12s(v.reshape(self.shape), m, self.nelec)
                dm1 += w * np.array(one)
                dm2 += w * np.array(two)
        return dm1, dm2


def davidson(
    apply: Callable[[np.ndarray], np.ndarray],
    diagonal: np.ndarray,
    start: np.ndarray,
    count: int,
    tolerance: float,
    cycles: int = 150,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lowest ``count`` eigenpairs of a symmetric operator by block Davidson iteration with restarts.

    ``apply`` acts on blocks (D, k); ``start`` (D, k) is orthonormal. Returns energies, vectors (D, count) and the
    norms of their residuals; the two lowest are iterated until theirs is below ``tolerance``, the others as far as
    they came meanwhile. J. Comput. Phys. 17, 87 (1975).
    """
    space, image = start, apply(start)
    for _ in range(cycles):
        small = space.T @ image
        values, rotation = np.linalg.eigh(0.5 * (small + small.T))
        values, rotation = values[:count], rotation[:, :count]
        vectors = space @ rotation
        residual = image @ rotation - vectors * values
        norms = np.linalg.norm(residual, axis=0)
        near = (np.arange(len(values)) < 2) | (values < values[0] + 1e-5)
        # the first root above must be shown to lie above
        near |= (np.arange(len(values)) <= near.sum()) & ((norms > GUARD) | (values - norms < values[0] + 1e-5))
        todo = near & (norms > np.where(values < values[0] + 1e-5, 0.5 * tolerance, 0.5 * GUARD))
        todo |= (np.arange(len(values)) < 2) & (norms > 0.5 * tolerance)
        if not todo.any():
            break
        todo = norms > 0.5 * tolerance
        gap = diagonal[:, None] - values[todo]
        new = residual[:, todo] / np.where(np.abs(gap) < 1e-4, 1e-4, gap)
        if space.shape[1] + new.shape[1] > 20 * count + start.shape[1]:
            keep = np.linalg.qr(np.column_stack([vectors, space @ np.linalg.eigh(small)[1][:, count : 3 * count]]))[0]
            space, image = keep, apply(keep)
        for _ in range(2):
            new = new - space @ (space.T @ new)
            new /= np.maximum(np.linalg.norm(new, axis=0), 1e-300)
        new, r = np.linalg.qr(new)
        new = new[:, np.abs(np.diag(r)) > 1e-6]
        new -= space @ (space.T @ new)
        new = np.linalg.qr(new)[0]
        if new.shape[1] == 0:
            break
        space, image = np.column_stack([space, new]), np.column_stack([image, apply(new)])
    return values, vectors, norms


def fci_sector(impurity: Impurity, nelec: tuple[int, int]) -> FciSector:
    """Full CI, dense or iterative, whichever is faster for the size."""
    if determinants.dimension(impurity.norb, nelec) <= DENSE_LIMIT:
        return FciSector(impurity, nelec)
    return DavidsonSector(impurity, nelec)


class HartreeFockSector:
    """Hartree–Fock of the impurity. In a Hartree–Fock low level it must change nothing, which proves the embedding."""

    def __init__(self, impurity: Impurity, nelec: tuple[int, int]):
        if not impurity.restricted or np.iscomplexobj(impurity.h) or np.iscomplexobj(impurity.eri):
            raise Refused("the hf and ccsd impurity solvers need real orbitals that are the same for both spins")
        self.impurity, self.nelec = impurity, nelec
        self.dm1 = impurity.guess

    def _scf(self, mu: float) -> Any:
        from pyscf import ao2mo, gto, scf

        imp, (na, nb) = self.impurity, self.nelec
        mol = gto.M(verbose=0)
        mol.nelectron, mol.spin, mol.incore_anyway = na + nb, na - nb, True
        mol.nao = imp.norb
        h = imp.h[0].copy()
        f = np.arange(imp.n_fragment)
        h[f, f] -= mu
        mf = scf.RHF(mol) if na == nb else scf.UHF(mol)
        mf.get_hcore = lambda *_: h
        mf.get_ovlp = lambda *_: np.eye(imp.norb)
        mf._eri = ao2mo.restore(8, imp.eri[0], imp.norb)
        mf.conv_tol, mf.conv_tol_grad, mf.max_cycle = 1e-14, 1e-11, 400
        guess = None if self.dm1 is None else (np.sum(self.dm1, axis=0) if na == nb else np.array(self.dm1))
        mf.kernel(guess if guess is not None else np.diag(np.full(imp.norb, (na + nb) / imp.norb)))
        if not mf.converged:
            mf = mf.newton()
            mf.kernel(mf.mo_coeff, mf.mo_occ)
            if not mf.converged:
                raise SolverError(f"impurity Hartree–Fock did not converge at μ = {mu:.6f}")
        dm = _polished(mf)
        self.dm1 = np.array([dm / 2, dm / 2]) if na == nb else np.array(dm)
        return mf

    def _solve(self, mu: float) -> tuple[float, np.ndarray, np.ndarray]:
        mf = self._scf(mu)
        assert self.dm1 is not None
        a, b = self.dm1
        same = [np.einsum("pq,rs->pqrs", d, d) - np.einsum("ps,rq->pqrs", d, d) for d in (a, b)]
        return mf.e_tot, np.array([a, b]), np.array([same[0], np.einsum("pq,rs->pqrs", a, b), same[1]])

    def states(self, mu: float, window: float = 0.0) -> States:
        energy, dm1, dm2 = self._solve(mu)
        number = sum(np.trace(d[: self.impurity.n_fragment, : self.impurity.n_fragment]) for d in dm1)
        spin = _spin_square(dm1, dm2)
        vectors = np.empty((1, 1), dtype=object)
        vectors[0, 0] = (dm1, dm2)
        return States(np.array([energy]), np.array([number]), np.ones(1), np.array([spin]), vectors)

    def density_matrices(self, vectors: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        dm1, dm2 = vectors[0, 0]
        return weights[0] * dm1, weights[0] * dm2


class CcsdSector(HartreeFockSector):
    """Coupled cluster with singles and doubles on the impurity's Hartree–Fock, density matrices with Λ."""

    def _solve(self, mu: float) -> tuple[float, np.ndarray, np.ndarray]:
        from pyscf import cc

        mf = self._scf(mu)
        solver = cc.CCSD(mf)
        solver.verbose, solver.conv_tol, solver.conv_tol_normt, solver.max_cycle = 0, 1e-11, 1e-9, 300
        solver.kernel()
        if solver.converged:
            solver.solve_lambda()
        if not (solver.converged and solver.converged_lambda):
            raise SolverError(f"impurity CCSD did not converge at μ = {mu:.6f}")
        one, two = solver.make_rdm1(), solver.make_rdm2()
        if self.nelec[0] == self.nelec[1]:
            c = mf.mo_coeff
            one = c @ one @ c.T
            two = np.einsum("ijkl,pi,qj,rk,sl->pqrs", two, c, c, c, c, optimize=True)
            half = 0.5 * two  # αα + αβ; in a singlet αα_pqrs = αβ_pqrs − αβ_psrq
            mixed = (2.0 * half + half.transpose(0, 3, 2, 1)) / 3.0
            return solver.e_tot, np.array([one / 2, one / 2]), np.array([half - mixed, mixed, half - mixed])
        ca, cb = mf.mo_coeff
        dm1 = np.array([ca @ one[0] @ ca.T, cb @ one[1] @ cb.T])
        spins = ((ca, ca), (ca, cb), (cb, cb))
        dm2 = [
            np.einsum("ijkl,pi,qj,rk,sl->pqrs", t, x, x, y, y, optimize=True)
            for t, (x, y) in zip(two, spins, strict=True)
        ]
        return solver.e_tot, dm1, np.array(dm2)


def _polished(mf: Any) -> np.ndarray:
    """The density matrix after plain Roothaan steps for as long as they change less and less."""
    dm, last = mf.make_rdm1(), np.inf
    for _ in range(30):
        energies, orbitals = mf.eig(mf.get_fock(dm=dm), mf.get_ovlp())
        new = mf.make_rdm1(orbitals, mf.get_occ(energies, orbitals))
        change = float(np.abs(new - dm).max())
        if change >= last or change < 1e-15:
            break
        dm, last = new, change
    return dm


def _spin_square(dm1: np.ndarray, dm2: np.ndarray) -> float:
    na, nb = np.trace(dm1[0]), np.trace(dm1[1])
    exchange = np.einsum("pqqp->", dm2[1])
    return float(0.25 * (na - nb) ** 2 + 0.5 * (na + nb) - exchange)


SOLVERS = {"fci": fci_sector, "ccsd": CcsdSector, "hf": HartreeFockSector}
