"""Geometries of one molecule around its equilibrium: a thermal sample of its normal modes, and internal rotation.

Lengths in bohr, energies in hartree, masses in electron masses. Harmonic quantum statistics: a mode of frequency ω
has the variance coth(ω/2kT)/(2ω) in its mass-weighted coordinate, zero-point motion included.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qmbench.domain.units import HARTREE_IN_EV

BOLTZMANN = 8.617333262e-5 / HARTREE_IN_EV  # hartree per kelvin, CODATA 2018
LOWEST_FREQUENCY = 1e-3  # hartree (220 cm⁻¹); softer modes would be displaced beyond what harmonic motion means
Forces = Callable[[np.ndarray], tuple[float, np.ndarray]]


def relax(forces: Forces, start: np.ndarray, tolerance: float = 1e-5) -> np.ndarray:
    """(N, 3) positions of the energy minimum near `start`; tolerance: largest force, hartree/bohr."""
    from scipy.optimize import minimize

    def value(flat: np.ndarray) -> tuple[float, np.ndarray]:
        energy, force = forces(flat.reshape(-1, 3))
        return energy, -force.ravel()

    found = minimize(value, start.ravel(), jac=True, method="BFGS", options={"gtol": tolerance, "maxiter": 200})
    # BFGS stops for lost precision where the energies' own convergence ends: then the force tells.
    if np.abs(found.jac).max() > 10 * tolerance:
        raise RuntimeError(f"the geometry did not relax: {found.message}")
    return found.x.reshape(-1, 3)


def hessian(forces: Forces, positions: np.ndarray, step: float = 0.005) -> np.ndarray:
    """(3N, 3N) second derivatives of the energy by central differences of the forces, hartree/bohr²."""
    size = positions.size
    found = np.empty((size, size))
    for i in range(size):
        shift = np.zeros(size)
        shift[i] = step
        shift = shift.reshape(positions.shape)
        found[i] = (forces(positions - shift)[1] - forces(positions + shift)[1]).ravel() / (2 * step)
    return (found + found.T) / 2


def normal_modes(second: np.ndarray, masses: np.ndarray, rigid: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (n,) in hartree and displacements (n, 3N) per unit of mass-weighted coordinate.

    rigid: how many of the lowest modes are translations and rotations.
    """
    root = np.sqrt(np.repeat(masses, 3))
    squares, vectors = np.linalg.eigh(second / np.outer(root, root))
    if squares[rigid] <= 0:
        raise RuntimeError("the geometry is no minimum: a vibration has an imaginary frequency")
    return np.sqrt(squares[rigid:]), vectors[:, rigid:].T / root


def thermal_sample(
    positions: np.ndarray,
    modes: tuple[np.ndarray, np.ndarray],
    temperature: float,
    count: int,
    rng: np.random.Generator,
    rotor: tuple[int, int, tuple[int, ...]] | None = None,
) -> np.ndarray:
    """(count, N, 3) positions at `temperature` (kelvin) in the harmonic approximation.

    rotor: (a, b, atoms): `atoms` are first turned about the bond a–b by an angle drawn uniformly from the circle, so
    that a torsion is covered whole; the softest mode, which is that torsion, is then left alone.
    """
    frequencies, displacements = modes
    if rotor is not None:
        frequencies, displacements = frequencies[1:], displacements[1:]
    frequencies = np.maximum(frequencies, LOWEST_FREQUENCY)
    spread = np.sqrt(1 / (2 * frequencies * np.tanh(frequencies / (2 * BOLTZMANN * temperature))))
    drawn = (rng.standard_normal((count, len(spread))) * spread) @ displacements
    found = positions + drawn.reshape(count, *positions.shape)
    if rotor is not None:
        a, b, atoms = rotor
        found = np.array(
            [turned(x, a, b, atoms, angle) for x, angle in zip(found, rng.uniform(0, 2 * np.pi, count), strict=True)]
        )
    return found


def turned(positions: np.ndarray, a: int, b: int, atoms: tuple[int, ...], angle: float) -> np.ndarray:
    """(N, 3) positions with `atoms` turned by `angle` (radians) about the axis from atom a to atom b."""
    from scipy.spatial.transform import Rotation

    axis = positions[b] - positions[a]
    turn = Rotation.from_rotvec(angle * axis / np.linalg.norm(axis)).as_matrix()
    moved = positions.copy()
    moved[list(atoms)] = (positions[list(atoms)] - positions[a]) @ turn.T + positions[a]
    return moved
