"""Static linear response of a converged mean field: coupled-perturbed Hartree–Fock and Kohn–Sham equations.

Gerratt and Mills, J. Chem. Phys. 49, 1719 (1968). The kernel is PySCF's (`gen_response`), with exact exchange, density
fitting and VV10 as in the mean field itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from qmbench import NotConverged

# Hartree: what the rest of the equations may still change in the second derivatives, estimated from above.
ACCURACY = 1e-7
ROUNDS = 8


def response_matrix(mf: Any, operators: np.ndarray, others: np.ndarray | None = None) -> np.ndarray:
    """(k, m) in hartree: second derivatives ∂²E/∂a∂b of the energy where Σ_a a V_a + Σ_b b W_b is added to the
    Hamiltonian.

    operators: V (k, n, n) in the AO basis, symmetric, the same for ↑ and ↓; others: W (m, n, n), the same, for which no
    equations are solved; None for V itself. NotConverged.
    """
    from pyscf import lib

    spins = [Excitations(*channel) for channel in channels(mf)]
    sizes = np.cumsum([spin.size for spin in spins])
    factor = 2.0 if len(spins) == 1 else 1.0
    if sizes[-1] == 0:  # no empty orbitals, or no others: nothing can respond
        return np.zeros((len(operators), len(operators if others is None else others)))
    restricted = len(spins) == 1
    kernel, quick = (field.gen_response(hermi=1) for field in (mf, on_few_points(mf)))

    def split(vectors: np.ndarray) -> list[np.ndarray]:
        return np.split(vectors, sizes[:-1], axis=1)

    def densities(vectors: np.ndarray) -> np.ndarray:
        made = np.array([factor * s.density(part) for s, part in zip(spins, split(vectors), strict=True)])
        return made[0] if restricted else made

    def project(matrices: np.ndarray) -> np.ndarray:
        each = matrices[None] if restricted else matrices
        return np.hstack([s.project(part) for s, part in zip(spins, each, strict=True)])

    gaps = np.hstack([spin.gaps for spin in spins])

    def scaled(vectors: np.ndarray, kernel: Callable[[np.ndarray], Any] = quick) -> np.ndarray:
        vectors = np.reshape(vectors, (-1, len(gaps)))
        return project(np.asarray(kernel(densities(vectors)))) / gaps

    def rotations(matrices: np.ndarray) -> np.ndarray:
        return project(matrices if restricted else np.array([matrices] * len(spins)))

    source = rotations(operators)
    ends = source if others is None else rotations(others)

    def uncertainty(left: np.ndarray) -> float:
        """Quadratic in what is left where both sides are solved for, linear otherwise (Cauchy and Schwarz)."""
        rest = np.max(np.sum(left * gaps * left, axis=1))
        if others is None:
            return float(2 * factor * rest)
        return float(2 * factor * (rest * np.max(np.sum(ends / gaps * ends, axis=1))) ** 0.5)

    right = -source / gaps
    solution, left = np.zeros_like(right), right
    for _ in range(ROUNDS):
        size = np.abs(left).max() or 1.0  # PySCF's thresholds are absolute
        step = lib.krylov(scaled, left / size, tol=1e-5, max_cycle=100, verbose=0)
        solution = solution + size * step.reshape(right.shape)
        left = right - solution - scaled(solution, kernel)
        if uncertainty(left) < ACCURACY:
            break
    else:
        raise NotConverged(f"coupled-perturbed equations: {np.abs(left).max():.1e} left in the first-order orbitals")
    if others is not None:
        return np.asarray(2 * factor * solution @ ends.T)
    # Stationary in the solution: what is left enters as its square.
    found = 2 * factor * (source @ solution.T - solution @ (gaps * left).T)
    return np.asarray((found + found.T) / 2)


def static_polarizability(mf: Any) -> np.ndarray:
    """(3, 3) in bohr³, of a converged mean field: −∂²E/∂F∂F in a uniform field F. NotConverged."""
    return -response_matrix(mf, mf.mol.intor("int1e_r"))


def on_few_points(mf: Any) -> Any:
    """A mean field whose kernel is nearly that of `mf`: on a coarse grid, without VV10. `mf` itself where it has none.

    The equations are solved with it; what is left of them is measured with the kernel of `mf`.
    """
    if not getattr(mf, "xc", None):
        return mf
    coarse = mf.copy()
    coarse.grids = type(mf.grids)(mf.mol)
    coarse.grids.level, coarse.nlc = min(mf.grids.level, 1), False
    return coarse


@contextmanager
def all_digits() -> Iterator[None]:
    """Let PySCF solve coupled-perturbed equations again for what is left of them, within.

    Once leaves up to 3e-7 of the right-hand side, however tight the threshold, and that goes into relaxed densities.
    """
    from pyscf.scf import cphf, ucphf

    before = cphf.solve, ucphf.solve
    cphf.solve, ucphf.solve = (_solved_twice(solve) for solve in before)
    try:
        yield
    finally:
        cphf.solve, ucphf.solve = before


def _solved_twice(solve: Callable[..., Any]) -> Callable[..., Any]:
    def twice(
        apply: Callable[..., Any], energies: Any, occupations: Any, source: Any, *more: Any, **options: Any
    ) -> tuple[Any, Any]:
        first, rest = solve(apply, energies, occupations, source, *more, **options)
        spins = isinstance(source, tuple)
        rows = list(zip(energies, occupations, strict=True)) if spins else [(energies, occupations)]
        gaps = np.hstack([(e[o == 0][:, None] - e[o > 0]).ravel() for e, o in rows])
        sources, found = (source, first) if spins else ((source,), (first,))
        vector = np.hstack([np.ravel(part) for part in found])
        left = np.hstack([np.ravel(part) for part in sources]) + gaps * vector + np.ravel(apply(vector[None]))
        size = np.abs(left).max()
        if size == 0:
            return first, rest
        ends = np.cumsum([np.size(part) for part in sources])[:-1]
        shaped = [
            np.reshape(part, np.shape(like)) for part, like in zip(np.split(left / size, ends), sources, strict=True)
        ]
        second, _ = solve(apply, energies, occupations, tuple(shaped) if spins else shaped[0], *more, **options)
        if spins:
            return tuple(a + size * b for a, b in zip(first, second, strict=True)), rest
        return first + size * second, rest

    return twice


def channels(mf: Any) -> list[tuple[Any, Any, Any]]:
    """(coefficients, energies, occupations), once for a restricted `mf`, for ↑ and ↓ otherwise."""
    if np.ndim(mf.mo_occ) == 1:
        return [(mf.mo_coeff, mf.mo_energy, mf.mo_occ)]
    return list(zip(mf.mo_coeff, mf.mo_energy, mf.mo_occ, strict=True))


class Excitations:
    """Excitations from occupied into empty orbitals of one spin, as rows of vectors."""

    def __init__(self, orbitals: np.ndarray, energies: np.ndarray, occupations: np.ndarray) -> None:
        self.occupied, self.empty = orbitals[:, occupations > 0], orbitals[:, occupations == 0]
        self.gaps = (energies[occupations == 0][:, None] - energies[occupations > 0]).ravel()
        self.size = len(self.gaps)

    def density(self, vectors: np.ndarray) -> np.ndarray:
        """(k, n, n) first-order density, of one electron in each orbital."""
        half = self.half(vectors)
        return half + half.transpose(0, 2, 1)

    def half(self, vectors: np.ndarray) -> np.ndarray:
        """(k, n, n) the part of it with empty orbitals on the left."""
        shape = (len(vectors), self.empty.shape[1], self.occupied.shape[1])
        return np.einsum("pa,kai,qi->kpq", self.empty, vectors.reshape(shape), self.occupied, optimize=True)

    def project(self, matrices: np.ndarray) -> np.ndarray:
        """(k, size) elements between empty and occupied orbitals."""
        return np.einsum("pa,kpq,qi->kai", self.empty, matrices, self.occupied, optimize=True).reshape(
            len(matrices), self.size
        )
