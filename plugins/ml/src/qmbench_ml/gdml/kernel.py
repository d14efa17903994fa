"""The kernel of energies and forces of one molecule: a Matérn-5/2 kernel of inverse distances, symmetrised.

With x(R) the inverse distances of all pairs of atoms, two geometries have the covariance of energies

    k(R, R') = Σ_P φ(|x(R) − P x(R')|),   φ(d) = (1 + q + q²/3) exp(−q),   q = √5 d / length,

P running over a group of permutations of like atoms. Forces are −∂E/∂R, so that their covariances are derivatives of
k, and every linear combination of force kernels is the gradient of the same combination of energy kernels. Chmiela et
al., Sci. Adv. 3, e1603015 (2017); Nat. Commun. 9, 3887 (2018). Lengths in bohr, descriptors in 1/bohr; k has no unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

Array = np.ndarray

# Pairs of geometries that are treated at once: a few arrays of this many numbers are all that a product needs.
CHUNK = 1 << 21


def pairs(atoms: int) -> tuple[Array, Array]:
    """The atoms a < b of each component of the descriptor: two arrays (D,)."""
    return np.triu_indices(atoms, 1)


def descriptors(positions: Array) -> Array:
    """(M, D) inverse distances of the geometries `positions` (M, N, 3)."""
    a, b = pairs(positions.shape[1])
    return 1 / np.linalg.norm(positions[:, a] - positions[:, b], axis=-1)


def jacobians(positions: Array) -> Array:
    """(M, D, 3N) derivatives of the descriptors by the positions."""
    count, atoms = positions.shape[:2]
    a, b = pairs(atoms)
    difference = positions[:, a] - positions[:, b]
    slope = -difference / np.linalg.norm(difference, axis=-1, keepdims=True) ** 3
    found = np.zeros((count, len(a), atoms, 3))
    each = np.arange(len(a))
    found[:, each, a] = slope
    found[:, each, b] = -slope
    return found.reshape(count, len(a), 3 * atoms)


def pair_permutations(permutations: Array) -> Array:
    """(G, D) how the permutations (G, N) of atoms reorder the components of the descriptor."""
    atoms = permutations.shape[1]
    a, b = pairs(atoms)
    number = np.zeros((atoms, atoms), dtype=int)
    number[a, b] = number[b, a] = np.arange(len(a))
    return number[permutations[:, a], permutations[:, b]]


def internal_count(atoms: int) -> int:
    """Directions in which a molecule of `atoms` atoms can be deformed."""
    return 1 if atoms == 2 else 3 * atoms - 6


@dataclass(frozen=True)
class Points:
    """Geometries with directions along which forces are asked for.

    x (M, D): descriptors. directions (M, D, m): derivatives of the descriptor along m orthonormal displacements of the
    atoms. frames (M, 3N, m): these displacements.
    """

    x: Array
    directions: Array
    frames: Array

    @classmethod
    def internal(cls, positions: Array) -> Points:
        """Directions that deform the molecule, without translations and rotations, in which the kernel is singular.

        They are the leading right singular vectors of the Jacobian. Forces along the others are zero by construction,
        so that nothing is lost, and a linear system has 3N − 6 unknowns a geometry instead of 3N.
        """
        slopes = jacobians(positions)
        _, vectors = np.linalg.eigh(slopes.transpose(0, 2, 1) @ slopes)
        frames = vectors[:, :, -internal_count(positions.shape[1]) :]
        return cls(descriptors(positions), slopes @ frames, frames)

    @classmethod
    def cartesian(cls, positions: Array) -> Points:
        """Directions are the Cartesian coordinates of all atoms."""
        frames = np.broadcast_to(np.eye(3 * positions.shape[1]), (len(positions), *[3 * positions.shape[1]] * 2))
        return cls(descriptors(positions), jacobians(positions), frames)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, which: Array | slice) -> Points:
        return Points(self.x[which], self.directions[which], self.frames[which])

    @property
    def size(self) -> int:
        """Unknowns: geometries times directions."""
        return self.directions.shape[0] * self.directions.shape[2]

    def projected(self, forces: Array) -> Array:
        """(M·m,) components of `forces` (M, N, 3) along the directions."""
        return np.einsum("pim,pi->pm", self.frames, forces.reshape(len(forces), -1)).ravel()

    def cartesian_of(self, components: Array) -> Array:
        """(M, N, 3) vectors with `components` (M·m,) along the directions."""
        spread = np.einsum("pim,pm->pi", self.frames, components.reshape(len(self), -1))
        return spread.reshape(len(self), -1, 3)

    def in_descriptors(self, components: Array) -> Array:
        """(M, D) derivative of the descriptor along the vector with `components` (M·m,)."""
        return np.einsum("pdm,pm->pd", self.directions, components.reshape(len(self), -1))


@dataclass(frozen=True)
class Kernel:
    """The kernel of one molecule; length (1/bohr) and pair_permutations (G, D)."""

    length: float
    pair_permutations: Array

    @cached_property
    def _curvature(self) -> float:
        return 5 / (3 * self.length**2)

    def images(self, x: Array) -> Array:
        """(G·M, D) vectors `x` (M, D) as every permutation of the group has them, one permutation after the other."""
        return x[:, self.pair_permutations].transpose(1, 0, 2).reshape(-1, x.shape[1])

    def scaled_distances(self, x: Array, y: Array) -> Array:
        """(a, b) values q = √5 |x − y| / length of rows of `x` (a, D) and `y` (b, D)."""
        middle = y.mean(axis=0)  # a common shift: less is lost where squares are subtracted
        x, y = x - middle, y - middle
        squares = (x * x).sum(1)[:, None] + (y * y).sum(1) - 2 * (x @ y.T)
        np.maximum(squares, 0, out=squares)
        np.sqrt(squares, out=squares)
        squares *= np.sqrt(5) / self.length
        return squares

    def product(self, rows: Points, images: Array, vectors: Array) -> Array:
        """(rows.size,) covariance of the forces at `rows` with forces elsewhere, times coefficients.

        images (B, D) and vectors (B, D): descriptors there, and the coefficients as `in_descriptors` gives them. The
        matrix is never formed: the cost is that of four products with B × CHUNK / B numbers.
        """
        y = np.empty_like(rows.x)
        along = (images * vectors).sum(1)
        for part in chunks(len(rows), len(images)):
            x = rows.x[part]
            q = self.scaled_distances(x, images)
            decay = self._curvature * np.exp(-q)
            weight = x @ vectors.T
            weight -= along  # (x − x')·v
            weight *= decay
            q += 1
            q *= decay
            y[part] = q @ vectors - 5 / self.length**2 * (x * weight.sum(1)[:, None] - weight @ images)
        return np.einsum("pdm,pd->pm", rows.directions, y).ravel()

    def energies(self, x: Array, images: Array, vectors: Array) -> Array:
        """(a,) covariance of the energies at descriptors `x` (a, D) with forces elsewhere, times coefficients."""
        return self.energy_shares(x, images, vectors).sum(axis=1)

    def energy_shares(self, x: Array, images: Array, vectors: Array) -> Array:
        """(a, B) terms of `energies`, one for each image."""
        q = self.scaled_distances(x, images)
        return -self._curvature * (1 + q) * np.exp(-q) * (x @ vectors.T - (images * vectors).sum(1))

    def matrix(self, rows: Points, columns: Points) -> Array:
        """(rows.size, columns.size) covariances of forces."""
        found = np.zeros((len(rows), rows.directions.shape[2], len(columns), columns.directions.shape[2]))
        left = np.ascontiguousarray(rows.directions.transpose(0, 2, 1))  # (M, m, D)
        own = np.einsum("pmd,pd->pm", left, rows.x)
        for order in self.pair_permutations:
            x, directions = columns.x[:, order], columns.directions[:, order]
            flat = directions.transpose(1, 0, 2).reshape(x.shape[1], -1)
            theirs = np.einsum("pd,pdm->pm", x, directions)
            for part in chunks(len(rows), columns.size * left.shape[1]):
                q = self.scaled_distances(rows.x[part], x)
                decay = self._curvature * np.exp(-q)
                shape = (*left[part].shape[:2], *theirs.shape)
                blocks = (left[part].reshape(-1, x.shape[1]) @ flat).reshape(shape)
                blocks *= (decay * (1 + q))[:, None, :, None]
                # (x − x')·direction on either side
                row = own[part][:, :, None] - left[part] @ x.T
                column = (rows.x[part] @ flat).reshape(shape[0], *theirs.shape) - theirs
                blocks -= (row * (5 / self.length**2 * decay)[:, None, :])[..., None] * column[:, None]
                found[part] += blocks
        return found.reshape(rows.size, columns.size)

    def energy_matrix(self, x: Array, columns: Points) -> Array:
        """(a, columns.size) covariances of the energies at descriptors `x` (a, D) with the forces at `columns`."""
        found = np.zeros((len(x), len(columns), columns.directions.shape[2]))
        for order in self.pair_permutations:
            other, directions = columns.x[:, order], columns.directions[:, order]
            q = self.scaled_distances(x, other)
            flat = directions.transpose(1, 0, 2).reshape(x.shape[1], -1)
            along = (x @ flat).reshape(found.shape) - np.einsum("pd,pdm->pm", other, directions)
            found -= (self._curvature * (1 + q) * np.exp(-q))[..., None] * along
        return found.reshape(len(x), columns.size)

    def energy_energy(self, x: Array, y: Array) -> Array:
        """(a, b) covariances of energies at descriptors `x` (a, D) and `y` (b, D)."""
        found = np.zeros((len(x), len(y)))
        for order in self.pair_permutations:
            q = self.scaled_distances(x, y[:, order])
            found += (1 + q + q * q / 3) * np.exp(-q)
        return found

    def diagonal(self, points: Points) -> Array:
        """(points.size,) variances of the forces."""
        found = np.zeros((len(points), points.directions.shape[2]))
        for order in self.pair_permutations:
            apart, turned = points.x - points.x[:, order], points.directions[:, order]
            q = np.sqrt(5) / self.length * np.linalg.norm(apart, axis=1)[:, None]
            decay = self._curvature * np.exp(-q)
            here, there = (np.einsum("pd,pdm->pm", apart, w) for w in (points.directions, turned))
            same = np.einsum("pdm,pdm->pm", points.directions, turned)
            found += decay * ((1 + q) * same - 5 / self.length**2 * here * there)
        return found.ravel()


def chunks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of so many rows that rows × columns stays near CHUNK."""
    step = max(1, CHUNK // max(columns, 1))
    return (slice(i, min(i + step, rows)) for i in range(0, rows, step))
