"""Is a converged SCF a minimum? The sign of the lowest eigenvalue of the orbital Hessian, and the way downhill.

Seeger and Pople, J. Chem. Phys. 66, 3045 (1977); Bauernschmitt and Ahlrichs, J. Chem. Phys. 104, 9047 (1996).

A cheap Hessian (coarse grid, fitted integrals) is asked first, and no further than the sign needs: a Ritz value bounds
the lowest eigenvalue from above, and less the norm of its residual from below. Only where that lies within the cheap
Hessian's error of zero the full one is asked, from the cheap one's vectors on. The way downhill proves a saddle point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qmbench import NotConverged
from qmbench_pyscf.davidson import NotFinite, Ritz, lowest_ritz
from qmbench_pyscf.orientation import free_axes, turns

# Below this lowest Hessian eigenvalue (hartree) a solution is a saddle point. Turning an open-shell atom in
# space changes nothing, so zero is an eigenvalue there; on a quadrature grid it is zero to within the grid's error.
INSTABLE = {"hf": -1e-5, "ks": -2e-4}
# What the cheap Hessian's lowest eigenvalues are trusted to (hartree): several times the largest error seen.
DOUBT = {"hf": 0.005, "ks": 0.02}
# Rotations of smallest orbital-energy difference to start from, and how often their space is widened before its lowest
# value is believed to be the lowest of all.
N_START, EXPANSIONS = 12, 3
# Up to so many rotations, all of them are the space: of the full Hessian, of the cheap one.
SMALL, SMALL_COARSE = 40, 120
# A turn in space that changes the orbitals less (norm of its rotation) leaves the solution as it is.
TURNED = 1e-2
# Norms of residuals: of vectors that no lower one hides behind, and of converged ones (eigenvalues: to the square).
SETTLED, CONVERGED, CONVERGED_FULL = 0.03, 1e-3, 2e-4


@dataclass(frozen=True)
class Verdict:
    """What is known of the lowest eigenvalue of one orbital Hessian.

    eigenvalue: the best value at hand, hartree, not below the lowest. how: what it was found with.
    vector: (n,) that goes with it.
    """

    stable: bool
    eigenvalue: float
    how: str
    vector: np.ndarray


def verdicts(mf: Any, every: bool = False) -> list[Verdict]:
    """Of the Hessian within the kind of orbitals that `mf` has and, for a stable restricted `mf`, of that for letting
    ↑ and ↓ orbitals differ; `every`: of an unstable one, too. Non-local correlation (VV10) is left out of the Hessians.
    """
    from qmbench_pyscf.coarse_hessian import CoarseHessian

    full = FullHessian(mf)
    n = full.differences.size
    if n == 0:
        return [Verdict(True, 0.0, "nothing to rotate", np.zeros(0))] * full.channels
    if mf.mol.nelectron == 1 and not _is_kohn_sham(mf):
        return [_one_electron(mf)]
    is_lattice = mf.mol.natm == 0
    is_small = n <= SMALL and not _is_kohn_sham(mf)
    # MB, of which other large arrays need their share.
    is_too_large = CoarseHessian.bytes(mf) > 0.5e6 * mf.max_memory
    if is_lattice or is_small or is_too_large:
        return _by_full(mf, full, every)
    return _by_coarse(mf, full, CoarseHessian(mf), every)


def threshold(mf: Any) -> float:
    """The eigenvalue below which `mf` counts as unstable."""
    return INSTABLE["ks" if _is_kohn_sham(mf) else "hf"]


def downhill(mf: Any, vector: np.ndarray) -> np.ndarray:
    """Orbitals rotated along `vector`, by the step (of several, both ways) that lowers the energy most."""
    best, lowest = None, np.inf
    for step in (0.15, -0.15, 0.4, -0.4, 0.8, -0.8):
        orbitals = _rotated(mf, step * vector)
        energy = mf.energy_tot(dm=mf.make_rdm1(orbitals, mf.mo_occ))
        if energy < lowest:
            best, lowest = orbitals, energy
    return np.asarray(best)


class FullHessian:
    """Products with the orbital Hessians as the SCF itself evaluates them; vectors as in `CoarseHessian`.

    channels: 2 (spin kept, spin turned) for a restricted `mf`, otherwise 1.
    """

    def __init__(self, mf: Any) -> None:
        self.mf, self.channels = mf, 2 if np.ndim(mf.mo_occ) == 1 else 1
        coefficients = [mf.mo_coeff] if self.channels == 2 else list(mf.mo_coeff)
        occupations, energies = np.atleast_2d(mf.mo_occ), np.atleast_2d(mf.mo_energy)
        self._orbitals = [(c[:, n > 0], c[:, n == 0]) for c, n in zip(coefficients, occupations, strict=True)]
        differences = [e[n == 0][:, None] - e[n > 0] for e, n in zip(energies, occupations, strict=True)]
        self._shapes = [d.shape for d in differences]
        self.differences = np.concatenate([d.ravel() for d in differences])
        self._ends = np.cumsum([d.size for d in differences])
        self._responses: dict[int, Callable] = {}

    def products(self, vectors: np.ndarray, channel: int = 0) -> np.ndarray:
        """(k, n) for `vectors` (k, n)."""
        k = len(vectors)
        densities = []
        for part, shape, (o, v) in zip(
            np.split(vectors, self._ends[:-1], axis=1), self._shapes, self._orbitals, strict=True
        ):
            half = v @ (part.reshape(k, *shape) * self.channels) @ o.T
            densities.append(half + half.transpose(0, 2, 1))
        response = self._response(channel)(densities[0] if self.channels == 2 else np.array(densities))
        response = response[None] if self.channels == 2 else response
        changed = [
            (v.T @ r @ o).reshape(k, v.shape[1] * o.shape[1])
            for r, (o, v) in zip(response, self._orbitals, strict=True)
        ]
        return self.differences * vectors + np.hstack(changed)

    def matrix_elements(self, operator: np.ndarray) -> np.ndarray:
        """(n,) of a one-electron operator (AO, AO) between empty and occupied orbitals."""
        return np.concatenate([(v.T @ operator @ o).ravel() for o, v in self._orbitals])

    def _response(self, channel: int) -> Callable:
        if channel not in self._responses:
            more = {"singlet": (None, False)[channel]} if self.channels == 2 else {}
            self._responses[channel] = self.mf.gen_response(hermi=1, with_nlc=False, **more)
        return self._responses[channel]


def _is_kohn_sham(mf: Any) -> bool:
    return bool(getattr(mf, "xc", None))


def _one_electron(mf: Any) -> Verdict:
    """Exact for Hartree–Fock: one electron does not meet itself, and the Hessian is the core Hamiltonian's."""
    occupied, empty = mf.mo_coeff[0][:, mf.mo_occ[0] > 0], mf.mo_coeff[0][:, mf.mo_occ[0] == 0]
    core = mf.get_hcore()
    values, vectors = np.linalg.eigh(empty.T @ core @ empty)
    value = float(values[0] - (occupied.T @ core @ occupied)[0, 0])
    return Verdict(value > threshold(mf), value, "one electron: the core Hamiltonian", vectors[:, 0])


def _start(differences: np.ndarray, small: int) -> np.ndarray:
    """Vectors to start from: the easiest rotations, and one without symmetry so that none can hide an instability.

    All of them where there are no more than `small`.
    """
    n = differences.size
    if n <= small:
        return np.eye(n)
    unit = np.zeros((N_START, n))
    unit[range(N_START), np.argsort(differences)[:N_START]] = 1.0
    noise = np.random.default_rng(1).uniform(-1, 1, n) / np.maximum(np.abs(differences), 0.1)
    return np.vstack([unit, noise])


def _by_coarse(mf: Any, full: FullHessian, coarse: Any, every: bool) -> list[Verdict]:
    """The signs that are beyond the cheap Hessian's doubt, and the full Hessian's for the others."""
    limit, doubt = threshold(mf), DOUBT["ks" if _is_kohn_sham(mf) else "hf"]
    free = turns_in_space(mf, full)
    turned = coarse.products(free)[0] if len(free) else free

    def products(vectors: np.ndarray) -> np.ndarray:
        # Orbitals of both spins turn together: P H P + (1 − P), with P beside the turns, in the first channel.
        out = np.asarray(coarse.products(vectors))
        along = vectors @ free.T
        out[0] -= along @ turned
        out[0] += (along - out[0] @ free.T) @ free
        return out

    def decided(_: int, pairs: Ritz) -> bool:
        value, residual = pairs.values[0], pairs.residuals[0]
        is_clear = value - residual > limit + doubt or value < limit - doubt
        return bool((is_clear and pairs.residuals.max() < SETTLED) or residual < CONVERGED)

    start = _start(coarse.differences, SMALL_COARSE)
    try:
        found = lowest_ritz(products, coarse.differences, start, decided, expansions=EXPANSIONS)
    except NotFinite:
        # The kernel of a functional at a vanishing density of one spin reaches 1e12, near what single precision holds.
        return [replace(v, how=f"{v.how}; the cheap one is not finite here") for v in _by_full(mf, full, every)]
    how = ("coarse grid, " if _is_kohn_sham(mf) else "") + "fitted integrals"
    out: list[Verdict] = []
    for channel, pairs in enumerate(found):
        value, vector = float(pairs.values[0]), pairs.vectors[0]
        if value - pairs.residuals[0] > limit + doubt:
            is_turn = channel == 0 and len(free)
            out.append(Verdict(True, 0.0 if is_turn else value, how + (", but for turns in space" * is_turn), vector))
        elif value < limit - doubt:
            out.append(Verdict(False, value, how, vector))
        else:
            out.append(_channel_by_full(mf, full, channel, pairs.vectors))
        if not (out[-1].stable or every):
            break
    return out


def turns_in_space(mf: Any, full: FullHessian) -> np.ndarray:
    """Orthonormal rotations (k, n) that turn the solution in space as the nuclei don't notice: of an atom k ≤ 3, of a
    linear molecule k ≤ 1. The energy is the same there: exact eigenvectors of the Hessian, of eigenvalue zero.
    """
    axes = free_axes(mf.mol)
    if not len(axes):
        return np.zeros((0, full.differences.size))
    rows = np.array([full.matrix_elements(turn) for turn in turns(mf.mol, axes)])
    _, sizes, rotations = np.linalg.svd(rows, full_matrices=False)
    return np.asarray(rotations[sizes > TURNED])


def _by_full(mf: Any, full: FullHessian, every: bool) -> list[Verdict]:
    out: list[Verdict] = []
    for channel in range(full.channels):
        out.append(_channel_by_full(mf, full, channel, _start(full.differences, SMALL), EXPANSIONS))
        if not (out[-1].stable or every):
            break
    return out


def _channel_by_full(mf: Any, full: FullHessian, channel: int, start: np.ndarray, expansions: int = 0) -> Verdict:
    """A Rayleigh quotient below the threshold, a residual bound above it, or else a converged eigenvalue."""
    limit = threshold(mf)

    def decided(_: int, pairs: Ritz) -> bool:
        value, residual = pairs.values[0], pairs.residuals[0]
        return bool(value < limit or value - residual > limit or residual < CONVERGED_FULL)

    try:
        found = lowest_ritz(
            lambda x: full.products(x, channel)[None], full.differences, start, decided, expansions=expansions
        )[0]
    except NotFinite:
        raise NotConverged("the orbital Hessian is not finite; stability=false leaves it out") from None
    value = float(found.values[0])
    return Verdict(value >= limit, value, "full Hessian", found.vectors[0])


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
