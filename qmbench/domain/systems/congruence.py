"""Whether two molecules are one, seen from elsewhere or in a mirror: all that is a number is the same for both."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qmbench.domain.systems.molecule import Molecule

TOLERANCE = 1e-6
"""Bohr that a centre may be off; a force of 0.01 hartree/bohr makes 1e-8 hartree of it."""


def congruent(a: Molecule, b: Molecule, tolerance: float = TOLERANCE) -> bool:
    """Whether a rotation, with or without a reflection, and a shift put the centres of `a` on those of `b`.

    Each on one of the same element, ghosts on ghosts; charge and multiplicity are the same. Fragments and names do not
    matter. tolerance: how far (bohr) a centre may be off.
    """
    if (len(a.symbols), a.charge, a.multiplicity) != (len(b.symbols), b.charge, b.multiplicity):
        return False
    kinds, others = _kinds(a), _kinds(b)
    if sorted(kinds) != sorted(others):
        return False
    x, y = (m.coordinates - m.coordinates.mean(axis=0) for m in (a, b))
    same = np.array([[kind == other for other in others] for kind in kinds])
    return any(_on_each_other(x @ turn, y, same, tolerance) for turn in _turns(x, y, same, tolerance))


def _kinds(molecule: Molecule) -> list[tuple[str, bool]]:
    return list(zip(molecule.symbols, molecule.ghosts, strict=True))


def _turns(x: np.ndarray, y: np.ndarray, same: np.ndarray, tolerance: float) -> Iterator[np.ndarray]:
    """(3, 3) orthogonal matrices that put two centres of `x` where two like ones of `y` are: the farthest one, and that
    which is farthest from the axis through it."""
    radii, others = np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)
    first = int(np.argmax(radii))
    second = int(np.argmax(np.linalg.norm(np.cross(x, x[first]), axis=1)))
    mine = _frame(x[first], x[second])
    close = 4 * tolerance
    for p in np.flatnonzero(same[first] & (np.abs(others - radii[first]) < close)):
        apart = np.linalg.norm(y - y[p], axis=1) - np.linalg.norm(x[second] - x[first])
        for q in np.flatnonzero(same[second] & (np.abs(others - radii[second]) < close) & (np.abs(apart) < close)):
            for hand in (1.0, -1.0):
                yield mine.T @ (_frame(y[p], y[q]) * [[1.0], [1.0], [hand]])


def _frame(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Three orthogonal unit vectors as rows, the first along `one`, the second towards `other`, or anywhere where the
    two span no plane."""
    length = np.linalg.norm(one)
    along = one / length if length > 1e-6 else np.array([0.0, 0.0, 1.0])
    across = other - along * (along @ other)
    if np.linalg.norm(across) < 1e-4:
        across = np.cross(along, np.eye(3)[np.argmin(np.abs(along))])
    across = across / np.linalg.norm(across)
    return np.array([along, across, np.cross(along, across)])


def _on_each_other(x: np.ndarray, y: np.ndarray, same: np.ndarray, tolerance: float) -> bool:
    distances = np.where(same, np.linalg.norm(x[:, None] - y[None], axis=2), np.inf)
    nearest = distances.argmin(axis=1)
    return len(set(nearest.tolist())) == len(x) and bool(distances.min(axis=1).max() < tolerance)
