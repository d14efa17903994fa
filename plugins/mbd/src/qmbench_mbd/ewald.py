"""Lattice sums of damped dipole couplings by Ewald's method, with their derivatives by positions and strain.

Lattice vectors are the rows of `lattice` (3, 3), bohr. Bloch phases are attached to lattice vectors only, so that
the matrices at k are smooth in the positions. Point-dipole lattice sums follow P. P. Ewald, Ann. Phys. 369, 253
(1921); the splitting parameter drops out of every result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from qmbench import InputError
from qmbench_mbd.dipole import Pairs, contract, per_atom
from qmbench_mbd.oscillators import Array, Oscillators
from qmbench_mbd.radial import Radial, bare


@dataclass(frozen=True)
class PeriodicOscillators:
    """Oscillators of one cell, its `lattice` (3, 3) in bohr and the k grid (three counts, shifted by half a step)."""

    oscillators: Oscillators
    lattice: Array
    k_grid: tuple[int, int, int]

    @property
    def volume(self) -> float:
        """Cell volume in bohr³."""
        return float(abs(np.linalg.det(self.lattice)))


@dataclass(frozen=True)
class Splitting:
    """Ewald parameter (1/bohr) and cutoffs in real (bohr) and reciprocal (1/bohr) space."""

    eta: float
    real: float
    reciprocal: float


# erfc(7) ~ 4e-23 and exp(-13²/4) ~ 4e-19: both sums are converged to rounding.
_REAL_CUTOFF, _RECIPROCAL_CUTOFF = 7.0, 13.0


def splitting(lattice: Array, scale: float = 2.5) -> Splitting:
    """Ewald parameter `scale`/V^(1/3), with cutoffs that converge both sums to rounding."""
    eta = scale / abs(np.linalg.det(lattice)) ** (1 / 3)
    return Splitting(eta, _REAL_CUTOFF / eta, _RECIPROCAL_CUTOFF * eta)


def lattice_points(lattice: Array, radius: float, reach: float = 0.0) -> Array:
    """Integer triples whose lattice vectors may lie within `radius` + `reach`, (n, 3)."""
    spacing = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    counts = np.ceil((radius + reach) / spacing).astype(int)
    triples = np.array(list(product(*(range(-c, c + 1) for c in counts))))
    keep = np.linalg.norm(triples @ lattice, axis=1) <= radius + reach
    return triples[keep]


def k_points(k_grid: tuple[int, int, int], shift: float = 0.5) -> Array:
    """Fractional k points of a Monkhorst–Pack-like grid, (n, 3), in (−½, ½]."""
    points = (np.array(list(product(*map(range, k_grid)))) + shift) / np.array(k_grid)
    return np.where(points > 0.5, points - 1, points)


def _reach(positions: Array) -> float:
    return float(np.linalg.norm(positions[:, None] - positions[None, :], axis=-1).max())


# Images are worked on in batches of about this many pairs, which keeps arrays in the processor's cache.
_BATCH = 20_000


def images(c: PeriodicOscillators, radius: float) -> Iterator[tuple[Array, Pairs]]:
    """All images within `radius` of any pair, in batches: integer triples (L, 3), and pairs with vectors (3, L, N, N),
    distances and masks (L, N, N)."""
    x = c.oscillators.positions
    difference = (x[:, None, :] - x[None, :, :]).transpose(2, 0, 1)
    triples = lattice_points(c.lattice, radius, _reach(x))
    size = max(1, _BATCH // max(1, len(x)) ** 2)
    for start in range(0, len(triples), size):
        batch = triples[start : start + size]
        vector = difference[:, None] + (batch @ c.lattice).T[:, :, None, None]
        squared = np.einsum("clij,clij->lij", vector, vector)
        itself = (batch == 0).all(1)[:, None, None] & np.eye(len(x), dtype=bool)
        squared[itself] = 1.0
        if squared.min() <= 0:
            _, i, j = np.unravel_index(int(np.argmin(squared)), squared.shape)
            raise InputError(f"atoms {i + 1} and {j + 1} sit at the same place")
        yield batch, Pairs(vector, np.sqrt(squared), 1.0 - itself)


def _ewald_real(r: Array, eta: float, derivatives: bool = False) -> Radial:
    """−∇∇ erfc(ηr)/r."""
    from scipy.special import erfc

    z = eta * r
    gauss = 2 * z / np.sqrt(np.pi) * np.exp(-z * z)
    shape = erfc(z) + gauss
    extra = 2 * z * z * gauss
    inv = 1 / r
    inv3 = inv**3
    inv5 = inv3 * inv * inv
    a, b = shape * inv3, -(3 * shape + extra) * inv5
    if not derivatives:
        return Radial(a, b)
    shape_log = -extra
    extra_log = extra * (3 - 2 * z * z)
    return Radial(a, b, (shape_log * inv3 - 3 * a) * inv, (-(3 * shape_log + extra_log) * inv5 - 5 * b) * inv)


@dataclass(frozen=True)
class Coupling:
    """A damped dipole interaction to be summed over a lattice.

    `radial(pairs, derivatives)` is the interaction in real space. A `long_ranged` one tends to bare dipoles at large
    distance and gets the Ewald treatment; the difference from bare dipoles, or the whole interaction if it is not
    long-ranged, is below rounding beyond `reach` bohr.
    """

    radial: Callable[[Pairs, bool], Radial]
    reach: float
    long_ranged: bool

    def in_real_space(self, p: Pairs, eta: float, derivatives: bool) -> Radial:
        """The part that is summed over images."""
        t = self.radial(p, derivatives)
        if not self.long_ranged:
            return t
        plain, real = bare(p.distance, derivatives), _ewald_real(p.distance, eta, derivatives)
        a, b = t.a - plain.a + real.a, t.b - plain.b + real.b
        if not derivatives:
            return Radial(a, b)
        return Radial(a, b, t.a_r - plain.a_r + real.a_r, t.b_r - plain.b_r + real.b_r, t.a_p, t.b_p)

    def cutoff(self, s: Splitting) -> float:
        """Radius in bohr beyond which no image contributes."""
        return max(self.reach, s.real) if self.long_ranged else self.reach


def _tensors(p: Pairs, t: Radial) -> Array:
    """Blocks (L, 3, N, 3, N) of a batch of images."""
    a, b = t.a * p.mask, t.b * p.mask
    out = np.einsum("clij,dlij->lcidj", b * p.vector, p.vector)
    for c in range(3):
        out[:, c, :, c, :] += a
    return out


@dataclass(frozen=True)
class _Wave:
    """One reciprocal vector q = k + G: its vector, its weight 4π/V exp(−q²/4η²)/q², and e^{iq·r} per atom."""

    q: Array
    weight: float
    phase: Array


def _waves(c: PeriodicOscillators, k: Array, s: Splitting) -> Iterator[_Wave]:
    reciprocal = 2 * np.pi * np.linalg.inv(c.lattice).T
    for triple in lattice_points(reciprocal, s.reciprocal, float(np.linalg.norm(k @ reciprocal))):
        q = (k + triple) @ reciprocal
        q2 = float(q @ q)
        if 1e-20 < q2 <= s.reciprocal**2:
            weight = 4 * np.pi / c.volume * np.exp(-q2 / (4 * s.eta**2)) / q2
            yield _Wave(q, float(weight), np.exp(1j * (c.oscillators.positions @ q)))


def _surface(c: PeriodicOscillators, k: Array) -> float:
    """At k = 0, the depolarizing field of a spherical sample, which couples every pair alike; otherwise 0."""
    return 0.0 if np.any(k) else 4 * np.pi / (3 * c.volume)


def dipole_matrices(c: PeriodicOscillators, coupling: Coupling, ks: Array, s: Splitting) -> Array:
    """Lattice-summed dipole matrices at fractional k points (n, 3): (n, 3, N, 3, N), complex, Hermitian."""
    n = len(c.oscillators.alpha)
    out = np.zeros((len(ks), 9 * n * n), dtype=complex)
    for triples, p in images(c, coupling.cutoff(s)):
        tensors = _tensors(p, coupling.in_real_space(p, s.eta, False)).reshape(len(triples), -1)
        out += np.exp(-2j * np.pi * (ks @ triples.T)) @ tensors
    out = out.reshape(len(ks), 3, n, 3, n)
    if coupling.long_ranged:
        for k, matrix in zip(ks, out, strict=True):
            for wave in _waves(c, k, s):
                amplitude = (wave.q[:, None] * wave.phase).ravel()
                matrix += wave.weight * np.outer(amplitude, amplitude.conj()).reshape(3, n, 3, n)
            itself = -4 * s.eta**3 / (3 * np.sqrt(np.pi))
            for d in range(3):
                matrix[d, :, d, :] += np.eye(n) * itself + _surface(c, k)
    return out


@dataclass(frozen=True)
class LatticeGradient:
    """Derivatives of a lattice sum: by positions (N, 3), by symmetric strain (3, 3), and the contractions with
    derivatives by the radial functions' own argument, by ordered pair (N, N)."""

    positions: Array
    strain: Array
    by_parameter: Array
    extra: Array


def contract_lattice(
    c: PeriodicOscillators,
    coupling: Coupling,
    ks: Array,
    s: Splitting,
    weights: Array,
    extra: Callable[[Pairs, Array, Array], Array] | None = None,
) -> LatticeGradient:
    """Chain rule through `dipole_matrices`: `weights` (n, 3, N, 3, N) is W with dE = Σ_k Re Σ conj(W) dT.

    Strain ε moves positions and lattice vectors r → (1+ε) r at fixed fractional k. `extra(pairs, dE/dA, dE/dB)` may
    collect further derivatives of a batch of images, (L, N, N).
    """
    n = len(c.oscillators.alpha)
    positions, strain = np.zeros((n, 3)), np.zeros((3, 3))
    by_parameter, more = np.zeros((n, n)), np.zeros((n, n))
    flat = weights.reshape(len(ks), -1)
    for triples, p in images(c, coupling.cutoff(s)):
        phase = np.exp(2j * np.pi * (triples @ ks.T))
        real = (phase @ flat).real.reshape(-1, 3, n, 3, n).transpose(1, 3, 0, 2, 4)
        t = coupling.in_real_space(p, s.eta, True)
        gradient, by_a, by_b = contract(p, t, real)
        positions += per_atom(gradient.sum(1))
        strain += np.einsum("alij,blij->ab", gradient, p.vector)
        if t.a_p.size:
            by_parameter += (by_a * t.a_p + by_b * t.b_p).sum(0)
        if extra is not None:
            more += extra(p, by_a, by_b).sum(0)
    if coupling.long_ranged:
        for k, w in zip(ks, weights.conj(), strict=True):
            strain -= np.eye(3) * np.einsum("cicj->", w).real * _surface(c, k)
            for wave in _waves(c, k, s):
                q = wave.q
                seen = np.einsum("cidj,j->cid", w, wave.phase.conj())
                along = np.einsum("c,cid,d->i", q, seen, q) * wave.phase * wave.weight
                positions += 2 * np.real(1j * along)[:, None] * q
                total = float(along.sum().real)
                mixed = np.einsum("cid,i->cd", seen, wave.phase) * wave.weight
                side = ((mixed + mixed.T) @ q).real
                strain += total * (2 * np.outer(q, q) * (1 / (4 * s.eta**2) + 1 / (q @ q)) - np.eye(3))
                strain -= np.outer(q, side)
    return LatticeGradient(positions, 0.5 * (strain + strain.T), by_parameter, more)
