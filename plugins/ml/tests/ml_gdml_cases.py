"""A cheap analytic potential with geometries around its minimum, for tests and benchmarks of gdml. Atomic units."""

from __future__ import annotations

from functools import cache

import numpy as np

from qmbench_ml.gdml import ForceField, Labels, fit

# Symbols, start positions and bonds of an ammonia-like and a methanol-like molecule.
AMMONIA = ("NHHH", ((0.1, 0, 0.3), (1.8, 0.1, -0.5), (-0.9, 1.6, -0.5), (-0.9, -1.6, -0.4)))
METHANOL = (
    "COHHHH",
    ((0, 0, 0), (2.7, 0, 0), (-0.7, 1.9, 0), (-0.7, -0.95, 1.7), (-0.7, -0.95, -1.7), (3.3, 1.6, 0.5)),
)


def potential(symbols: str, rest: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Energies (M,) and forces (M, N, 3): a Morse function of every pair, wide and shallow for those far apart.

    rest (N, N): distances at the minimum; like pairs must have like ones for the energy to be symmetric.
    """
    a, b = np.triu_indices(len(symbols), 1)
    apart = positions[:, a] - positions[:, b]
    r = np.linalg.norm(apart, axis=-1)
    near = rest[a, b] < 2.9
    depth, width = np.where(near, 0.15, 0.02), np.where(near, 1.1, 0.8)
    decay = np.exp(-width * (r - rest[a, b]))
    slope = 2 * depth * width * decay * (1 - decay)
    forces = np.zeros_like(positions)
    pull = -(slope / r)[..., None] * apart
    for k in range(len(a)):
        forces[:, a[k]] += pull[:, k]
        forces[:, b[k]] -= pull[:, k]
    return (depth * (1 - decay) ** 2).sum(axis=1), forces


def rest_lengths(symbols: str, start: np.ndarray) -> np.ndarray:
    """(N, N) distances of `start`, averaged over pairs of like elements that are about as far apart."""
    found = np.linalg.norm(start[:, None] - start, axis=-1)
    kinds: dict[tuple, list[tuple[int, int]]] = {}
    for i, j in zip(*np.triu_indices(len(symbols), 1), strict=True):
        kind = (*sorted((symbols[i], symbols[j])), found[i, j] < 2.9, bool(found[i, j] > 3.8))
        kinds.setdefault(kind, []).append((i, j))
    for members in kinds.values():
        mean = np.mean([found[p] for p in members])
        for i, j in members:
            found[i, j] = found[j, i] = mean
    return found


@cache
def labels(molecule: tuple = AMMONIA, count: int = 200, seed: int = 1, width: float = 0.06) -> Labels:
    """`count` geometries, normally displaced by `width` bohr, with labels."""
    symbols, start = molecule[0], np.array(molecule[1], dtype=float)
    rng = np.random.default_rng(seed)
    positions = start + width * rng.standard_normal((count, *start.shape))
    return Labels(tuple(symbols), positions, *potential(symbols, rest_lengths(symbols, start), positions))


@cache
def model(molecule: tuple = AMMONIA, count: int = 40) -> ForceField:
    """A force field of the first `count` of `labels(molecule)`."""
    return fit(labels(molecule)[:count], name="ammonia", charge=0, multiplicity=1)
