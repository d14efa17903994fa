"""The orbital Hessian of a molecule, nearly: on a coarse quadrature grid, two-electron integrals fitted.

Cheap enough for some dozens of products at a fraction of the SCF's cost, and good to a few millihartree (see
`stability`, which asks it only what it can answer). Fitted integrals: Vahtras, Almlöf and Feyereisen, Chem. Phys.
Lett. 213, 514 (1993).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

GRID_LEVEL = 0
# Points handled at a time, and numbers in a half-transformed factor of exchange.
BLOCK, FACTORS = 4000, 2e7
# Fitted integrals unpacked at a time: few enough to stay in the cache until they are used.
UNPACKED = 2e6
# Single precision is far better than the grid, and half the work.
SINGLE = np.float32


class CoarseHessian:
    """Products with the orbital Hessians of a converged molecular mean field `mf`, restricted or unrestricted.

    Vectors are rotations of occupied into empty orbitals, (empty, occupied) flattened, ↑ before ↓. A restricted `mf`
    has two Hessians, of rotations that keep spin and of those of opposite sign for ↑ and ↓; an unrestricted one has
    one. Non-local correlation (VV10) is left out. In hartree.
    """

    def __init__(self, mf: Any) -> None:
        self.restricted = np.ndim(mf.mo_occ) == 1
        coefficients = [mf.mo_coeff] if self.restricted else list(mf.mo_coeff)
        occupations, energies = np.atleast_2d(mf.mo_occ), np.atleast_2d(mf.mo_energy)
        self.occupied = [c[:, n > 0].astype(SINGLE) for c, n in zip(coefficients, occupations, strict=True)]
        self.empty = [c[:, n == 0].astype(SINGLE) for c, n in zip(coefficients, occupations, strict=True)]
        differences = [e[n == 0][:, None] - e[n > 0] for e, n in zip(energies, occupations, strict=True)]
        self.shapes = [d.shape for d in differences]
        self.differences = np.concatenate([d.ravel() for d in differences])
        self._ends = np.cumsum([d.size for d in differences])
        self._exchange = exchange_parts(mf)
        self._coulomb = self._fitted(mf)
        self._grid = list(self._quadrature(mf)) if getattr(mf, "xc", None) else []

    @staticmethod
    def bytes(mf: Any) -> float:
        """Memory that the Hessian of `mf` takes, about."""
        n, occupied = mf.mo_coeff.shape[-2], max(mf.mol.nelec)
        spins = 1 if np.ndim(mf.mo_occ) == 1 else 2
        exchange = n * n * len(exchange_parts(mf))
        points = 900 * mf.mol.natm * 4 if getattr(mf, "xc", None) else 0
        return 4.0 * n * (4 * exchange + spins * (points + 4 * n * occupied))

    def products(self, vectors: np.ndarray) -> np.ndarray:
        """(channels, k, n) for `vectors` (k, n); channels: 2 (spin kept, spin turned) if restricted, otherwise 1."""
        parts = [
            part.reshape(len(vectors), *shape).astype(SINGLE)
            for part, shape in zip(np.split(vectors, self._ends[:-1], axis=1), self.shapes, strict=True)
        ]
        out = np.array([self.differences * vectors] * (2 if self.restricted else 1))
        for channel, response in enumerate(self._two_electron(parts) + self._quadrature_response(parts)):
            out[channel] += response
        return out

    # Two-electron part.

    def _fitted(self, mf: Any) -> list[tuple[float, np.ndarray | None, list[tuple[np.ndarray, ...]]]]:
        """[(fraction of exchange, integrals (fit, AO, AO), per spin (ov, oo) factors (fit, ·, ·))]; the first holds
        Coulomb, too. Without exchange, only ov.
        """
        from pyscf import df

        own = getattr(mf, "with_df", None)
        fit = own if own is not None else df.DF(mf.mol)
        full = sum(fraction for omega, fraction in self._exchange if omega == 0)
        found = [(full, *self._factors(fit, full != 0))]
        for omega, fraction in self._exchange:
            if omega:
                with fit.range_coulomb(omega) as long_range:
                    found.append((fraction, *self._factors(long_range, True)))
        return found

    def _factors(self, fit: Any, exchange: bool) -> tuple[np.ndarray | None, list[tuple[np.ndarray, ...]]]:
        from pyscf import lib

        gathered: list[list[tuple[np.ndarray, ...]]] = [[] for _ in self.shapes]
        whole, end = None, 0
        n = self.occupied[0].shape[0]
        for packed in fit.loop(max(1, int(UNPACKED / n**2))):
            block = lib.unpack_tril(packed).astype(SINGLE)
            for rows, o, v in zip(gathered, self.occupied, self.empty, strict=True):
                half = block @ o
                ov = half.transpose(0, 2, 1) @ v
                rows.append((ov, half.transpose(0, 2, 1) @ o) if exchange else (ov,))
            if exchange:
                if whole is None:  # the functions of the fit are counted after its first block is made
                    whole = np.empty((fit.get_naoaux(), *block.shape[1:]), SINGLE)
                whole[end : end + len(block)] = block
                end += len(block)
        whole = None if whole is None else whole[:end]
        return whole, [tuple(np.concatenate(part) for part in zip(*rows, strict=True)) for rows in gathered]

    def _two_electron(self, parts: list[np.ndarray]) -> np.ndarray:
        """Coulomb and exchange response, (channels, k, n)."""
        k = len(parts[0])
        _, _, of_coulomb = self._coulomb[0]
        potential = sum(
            np.tensordot(x, factors[0], axes=((1, 2), (2, 1))) for x, factors in zip(parts, of_coulomb, strict=True)
        )
        scale = 4.0 if self.restricted else 2.0
        coulomb = [
            scale * np.tensordot(potential, f[0], axes=(1, 0)).transpose(0, 2, 1).reshape(k, v * o)
            for f, (v, o) in zip(of_coulomb, self.shapes, strict=True)
        ]
        exchange = [np.zeros((k, v * o)) for v, o in self.shapes]
        for fraction, integrals, factors in self._coulomb:
            if integrals is not None:
                for out, x, f, v in zip(exchange, parts, factors, self.empty, strict=True):
                    out += fraction * _exchanged(x, f[0], f[1], integrals, v).reshape(out.shape)
        kept, turned = np.hstack(coulomb) - np.hstack(exchange), -np.hstack(exchange)
        return np.array([kept, turned] if self.restricted else [kept])

    # Quadrature part.

    def _quadrature(self, mf: Any) -> Iterator[tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]]:
        """Blocks of (weighted kernel (2, rows, 2, rows, N), per spin (occupied, empty) orbitals (rows, N, ·))."""
        from pyscf import dft

        grids = dft.gen_grid.Grids(mf.mol)
        grids.level, grids.verbose = GRID_LEVEL, 0
        grids.build()
        integrator = mf._numint
        kernel = integrator.cache_xc_kernel(mf.mol, grids, mf.xc, mf.mo_coeff, mf.mo_occ, 1)[2]
        derivatives = 0 if integrator._xc_type(mf.xc) == "LDA" else 1
        kernel = (kernel * grids.weights).astype(SINGLE)
        for start in range(0, grids.weights.size, BLOCK):
            points = slice(start, start + BLOCK)
            ao = integrator.eval_ao(mf.mol, grids.coords[points], deriv=derivatives)
            ao = ao.reshape(-1, *ao.shape[-2:]).astype(SINGLE)
            yield (
                kernel[..., points],
                [(ao @ o, ao @ v) for o, v in zip(self.occupied, self.empty, strict=True)],
            )

    def _quadrature_response(self, parts: list[np.ndarray]) -> np.ndarray:
        """Exchange-correlation response, (channels, k, n)."""
        out = np.zeros((2 if self.restricted else 1, len(parts[0]), self.differences.size))
        for kernel, orbitals in self._grid:
            rows = kernel.shape[1]
            changes = [_density(x, *pair, rows) for x, pair in zip(parts, orbitals, strict=True)]
            if self.restricted:
                same, other = kernel[0, :, 0], kernel[0, :, 1]
                for channel, f in enumerate((same + other, same - other)):
                    potential = np.einsum("abg,kbg->kag", f, changes[0])
                    out[channel] += _rotation(potential, *orbitals[0])
                continue
            both = np.array(changes)
            out[0] += np.hstack(
                [
                    _rotation(np.einsum("asbg,skbg->kag", kernel[spin], both), *pair)
                    for spin, pair in enumerate(orbitals)
                ]
            )
        return out


def exchange_parts(mf: Any) -> list[tuple[float, float]]:
    """[(ω, fraction)]: exact exchange over all distances (ω = 0) and over long ones, erf(ωr)/r."""
    if not getattr(mf, "xc", None):
        return [(0.0, 1.0)]
    omega, long, short = mf._numint.rsh_and_hybrid_coeff(mf.xc, mf.mol.spin)
    parts = [(0.0, float(short)), (float(omega), float(long - short) if omega else 0.0)]
    return [(w, fraction) for w, fraction in parts if abs(fraction) > 1e-10]


def _exchanged(x: np.ndarray, ov: np.ndarray, oo: np.ndarray, integrals: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Σ [(ab|ij) + (aj|ib)] x_bj for each x of (k, empty, occupied).

    (ab|ij) x_bj by way of the functions: empty–empty factors would take longer to make than they are used.
    """
    out = np.empty_like(x)
    half = empty @ x
    at_a_time = max(1, int(FACTORS / max(1, len(integrals) * half[0].size)))
    for start in range(0, len(x), at_a_time):
        some = slice(start, start + at_a_time)
        # (P, ·, k, j) = Σ_ν (P|·ν) x_νj, then summed over P and j with (P|ij) or (P|ja).
        by_function = np.tensordot(np.tensordot(integrals, half[some], axes=(2, 1)), oo, axes=((0, 3), (0, 2)))
        out[some] = np.tensordot(empty, by_function, axes=(0, 0)).swapaxes(0, 1)
        out[some] += np.tensordot(ov, np.tensordot(ov, x[some], axes=(2, 1)), axes=((0, 1), (0, 3))).transpose(2, 0, 1)
    return out


def _density(x: np.ndarray, occupied: np.ndarray, empty: np.ndarray, rows: int) -> np.ndarray:
    """Change of density, gradient and kinetic energy density (k, rows, N) of one spin for rotations x (k, v, o)."""
    k, v, o = x.shape
    turned = (_stacked(empty) @ x.transpose(1, 0, 2).reshape(v, k * o)).reshape(*empty.shape[:2], k, o)
    out = np.empty((k, rows, empty.shape[1]), SINGLE)
    out[:, 0] = 2 * np.einsum("go,gko->kg", occupied[0], turned[0])
    for axis in range(1, min(rows, 4)):
        out[:, axis] = 2 * np.einsum("go,gko->kg", occupied[axis], turned[0])
        out[:, axis] += 2 * np.einsum("go,gko->kg", occupied[0], turned[axis])
    if rows == 5:
        out[:, 4] = sum(np.einsum("go,gko->kg", occupied[axis], turned[axis]) for axis in (1, 2, 3))
    return out


def _rotation(potential: np.ndarray, occupied: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """(k, v·o) matrix elements, between empty and occupied orbitals, of potentials (k, rows, N) as in `_density`."""
    k, rows, points = potential.shape
    v, o = empty.shape[-1], occupied.shape[-1]
    turned = np.empty((empty.shape[0], points, k, o), SINGLE)
    turned[0] = potential[:, 0].T[:, :, None] * occupied[0][:, None]
    for axis in range(1, min(rows, 4)):
        weight = potential[:, axis].T[:, :, None]
        turned[0] += weight * occupied[axis][:, None]
        turned[axis] = weight * occupied[0][:, None]
        if rows == 5:
            turned[axis] += 0.5 * potential[:, 4].T[:, :, None] * occupied[axis][:, None]
    elements = _stacked(empty).T @ turned.reshape(len(empty) * points, k * o)
    return elements.reshape(v, k, o).transpose(1, 0, 2).reshape(k, v * o)


def _stacked(orbitals: np.ndarray) -> np.ndarray:
    """(rows, N, ·) as (rows·N, ·); there may be no orbitals."""
    rows, points, n = orbitals.shape
    return orbitals.reshape(rows * points, n)
