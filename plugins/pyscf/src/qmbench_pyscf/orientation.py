"""Where an open shell points that the nuclei leave free: that of an atom, or a Π state about its axis.

The energy does not depend on it but by the error of a quadrature grid, to 1e-5 hartree, and nothing but round-off would
say where an SCF ends. The points of a Lebedev grid have mirror planes through the axes of the frame: turned onto them,
a solution stays there, and is the same on every machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Bohr: centres nearer to a line are on it.
ON_AXIS = 1e-8
# Electrons times bohr²: second moments that differ by less are the same.
SAME_MOMENT = 1e-3


def free_axes(mole: Any) -> np.ndarray:
    """(k, 3) unit vectors about which the nuclei do not notice a turn: 3 of an atom, 1 if linear, 0 otherwise."""
    if mole.natm == 0:
        return np.zeros((0, 3))
    _, spread, axes = np.linalg.svd(mole.atom_coords() - mole.atom_coord(0))
    if spread[0] < ON_AXIS:
        return np.eye(3)
    return np.asarray(axes[:1] if spread.size == 1 or spread[1] < ON_AXIS else np.zeros((0, 3)))


def turns(mole: Any, axes: np.ndarray) -> np.ndarray:
    """(k, AO, AO) antisymmetric matrix elements of r × ∇ about each of `axes` (k, 3) through the first centre."""
    with mole.with_common_origin(mole.atom_coord(0)):
        return np.asarray(np.einsum("kx,xij->kij", axes, mole.intor("int1e_cg_irxp", comp=3, hermi=2)))


def oriented(mf: Any) -> np.ndarray:
    """The density (2, n, n) of the unrestricted `mf`, turned in space as its nuclei allow.

    Of a linear molecule the larger second moment across the axis is brought to the first axis of the frame that is
    across it; of an atom the moment that differs most from the other two to z, and the larger of these to y. Where the
    second moments of all electrons are the same in all directions, those of the spin density decide; where these are,
    too (Σ states, half-filled shells), the density is as it was.
    """
    from scipy.linalg import expm
    from scipy.spatial.transform import Rotation

    density, mole = np.asarray(mf.make_rdm1()), mf.mol
    axes = free_axes(mole)
    if not len(axes):
        return density
    with mole.with_common_origin(mole.atom_coord(0)):
        moments = mole.intor("int1e_rr").reshape(3, 3, *density.shape[1:])
    frame = np.eye(3) if len(axes) == 3 else _across(axes[0])
    for part in (density[0] + density[1], density[0] - density[1]):
        sizes, principal = np.linalg.eigh(frame @ np.einsum("xyij,ji->xy", moments, part) @ frame.T)
        if sizes[-1] - sizes[0] > SAME_MOMENT:
            break
    else:
        return density
    order = [1, 0] if len(sizes) == 2 else [0, 1, 2] if sizes[2] - sizes[1] > sizes[1] - sizes[0] else [1, 2, 0]
    found = principal.T[order] @ frame
    if len(axes) == 1:
        found, frame = (np.vstack([rows, axes]) for rows in (found, frame))
    for row, direction in zip(found[:-1], frame[:-1], strict=True):
        row *= 1 if row @ direction >= 0 else -1  # The shorter way: axes have no head.
    found[-1] *= np.linalg.det(found) * np.linalg.det(frame)
    # The rotation that brings row after row of what was found to the frame.
    vector = Rotation.from_matrix(frame.T @ found).as_rotvec()
    generator = np.linalg.solve(mf.get_ovlp(), turns(mole, vector[None])[0])
    turn = expm(-generator)  # What was at r is at Rr then: f(R⁻¹r).
    return np.asarray(turn @ density @ turn.T)


def _across(axis: np.ndarray) -> np.ndarray:
    """(2, 3) unit vectors across `axis` and each other; of the frame's axes the one that is most across, first."""
    first = np.eye(3)[np.argmin(np.abs(axis).round(8))]
    first = first - (first @ axis) * axis
    first /= np.linalg.norm(first)
    return np.array([first, np.cross(axis, first)])
