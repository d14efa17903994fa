"""Is a converged SCF a minimum? The lowest eigenvalue of the orbital Hessian, and the way downhill.

Seeger and Pople, J. Chem. Phys. 66, 3045 (1977); Bauernschmitt and Ahlrichs, J. Chem. Phys. 104, 9047 (1996).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# Below this lowest Hessian eigenvalue (hartree) a solution is a saddle point. Turning an open-shell atom in
# space changes nothing, so zero is an eigenvalue there; on a quadrature grid it is zero to within the grid's error.
INSTABLE = {"hf": -1e-5, "ks": -2e-4}


def internal_instability(mf: Any) -> tuple[float, np.ndarray | None]:
    """Lowest Hessian eigenvalue within the kind of orbitals that `mf` has, and orbitals lower in energy.

    The orbitals are None for a stable solution. Non-local correlation (VV10) is left out of the Hessian.
    """
    n = _n_rotations(mf.mo_occ)
    if n == 0:
        return 0.0, None
    value, vector = _lowest(*_hessian(mf))
    return value, (_downhill(mf, vector) if value < threshold(mf) else None)


def external_instability(mf: Any) -> float:
    """Lowest eigenvalue of the Hessian of a restricted `mf` for letting spin-up and spin-down orbitals differ."""
    if _n_rotations(mf.mo_occ) == 0:
        return 0.0
    return _lowest(*_restricted_hessian(mf, singlet=False))[0]


def threshold(mf: Any) -> float:
    """The eigenvalue below which `mf` counts as unstable."""
    return INSTABLE["ks" if getattr(mf, "xc", None) else "hf"]


def _n_rotations(occupation: np.ndarray) -> int:
    rows = np.atleast_2d(occupation)
    return int(sum(np.sum(row > 0) * np.sum(row == 0) for row in rows))


def _hessian(mf: Any) -> tuple[Callable, np.ndarray]:
    """Hessian-times-vector and the diagonal, (occupied → virtual) rotations flattened."""
    if np.ndim(mf.mo_occ) == 1:
        return _restricted_hessian(mf, singlet=None)
    from pyscf.soscf import newton_ah

    _, product, diagonal = newton_ah.gen_g_hop_uhf(mf, mf.mo_coeff, mf.mo_occ)
    return product, diagonal


def _restricted_hessian(mf: Any, singlet: bool | None) -> tuple[Callable, np.ndarray]:
    """Orbital Hessian of a closed shell; singlet=None: spin kept, False: rotations of opposite sign for ↑ and ↓."""
    occupied, virtual = mf.mo_coeff[:, mf.mo_occ > 0], mf.mo_coeff[:, mf.mo_occ == 0]
    fock = mf.get_fock(dm=mf.make_rdm1())
    foo, fvv = occupied.T @ fock @ occupied, virtual.T @ fock @ virtual
    respond = mf.gen_response(singlet=singlet, hermi=1, with_nlc=False)

    def product(x: np.ndarray) -> np.ndarray:
        x = x.reshape(virtual.shape[1], occupied.shape[1])
        density = virtual @ (2 * x) @ occupied.T
        response = virtual.T @ respond(density + density.T) @ occupied
        return (fvv @ x - x @ foo + response).ravel()

    return product, (fvv.diagonal()[:, None] - foo.diagonal()).ravel()


def _lowest(product: Callable, diagonal: np.ndarray) -> tuple[float, np.ndarray]:
    """Lowest eigenpair. The start vectors hold no symmetry, so that none can hide an instability."""
    from pyscf import lib

    n = diagonal.size
    if n <= 40:
        values, vectors = np.linalg.eigh(_symmetric(np.array([product(row) for row in np.eye(n)])))
        return float(values[0]), vectors[:, 0]
    start = [np.eye(1, n, int(k)).ravel() for k in np.argsort(diagonal)[:3]]
    noise = np.random.default_rng(1).uniform(-1, 1, n)
    start.append(noise / np.maximum(np.abs(diagonal), 0.1))

    def precondition(x: np.ndarray, value: float, *_: Any) -> np.ndarray:
        shifted = diagonal - value
        shifted[np.abs(shifted) < 1e-3] = 1e-3
        return x / shifted

    _, values, vectors = lib.davidson1(
        lambda xs: [product(np.asarray(x)) for x in xs],
        start,
        precondition,
        tol=1e-6,
        nroots=1,
        max_cycle=60,
        verbose=0,
    )
    return float(values[0]), np.asarray(vectors[0])


def _symmetric(matrix: np.ndarray) -> np.ndarray:
    return (matrix + matrix.T) / 2


def _downhill(mf: Any, vector: np.ndarray) -> np.ndarray:
    """Orbitals rotated along `vector`, by the step (of several, both ways) that lowers the energy most."""
    best, lowest = None, np.inf
    for step in (0.15, -0.15, 0.4, -0.4, 0.8, -0.8):
        orbitals = _rotated(mf, step * vector)
        energy = mf.energy_tot(dm=mf.make_rdm1(orbitals, mf.mo_occ))
        if energy < lowest:
            best, lowest = orbitals, energy
    return np.asarray(best)


def _rotated(mf: Any, x: np.ndarray) -> np.ndarray:
    from scipy.linalg import expm

    def turn(coefficients: np.ndarray, occupation: np.ndarray, part: np.ndarray) -> np.ndarray:
        occupied, virtual = np.where(occupation > 0)[0], np.where(occupation == 0)[0]
        generator = np.zeros((occupation.size, occupation.size))
        generator[np.ix_(virtual, occupied)] = part.reshape(virtual.size, occupied.size)
        return coefficients @ expm(generator - generator.T)

    if np.ndim(mf.mo_occ) == 1:
        return turn(mf.mo_coeff, mf.mo_occ, x)
    n_up = int(np.sum(mf.mo_occ[0] > 0) * np.sum(mf.mo_occ[0] == 0))
    return np.array([turn(mf.mo_coeff[s], mf.mo_occ[s], part) for s, part in enumerate((x[:n_up], x[n_up:]))])
