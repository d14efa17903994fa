"""Is a converged SCF a minimum? The sign of the lowest eigenvalue of the orbital Hessian, and the way downhill.

Seeger and Pople, J. Chem. Phys. 66, 3045 (1977); Bauernschmitt and Ahlrichs, J. Chem. Phys. 104, 9047 (1996).

A cheap Hessian (coarse grid, fitted integrals) is asked first. What it finds clearly positive is; what it finds
negative is proved by the Rayleigh quotient of the full Hessian; only where it leaves doubt the full Hessian is
diagonalized, from the cheap one's vectors on, and no further than the sign needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmbench_pyscf.davidson import Ritz, lowest_ritz

# Below this lowest Hessian eigenvalue (hartree) a solution is a saddle point. Turning an open-shell atom in
# space changes nothing, so zero is an eigenvalue there; on a quadrature grid it is zero to within the grid's error.
INSTABLE = {"hf": -1e-5, "ks": -2e-4}
# What the cheap Hessian's lowest eigenvalues are trusted to (hartree): several times the largest error seen.
DOUBT = {"hf": 0.005, "ks": 0.02}
# Rotations of smallest orbital-energy difference to start from, and how often their space is widened before its lowest
# value is believed to be the lowest of all. Up to SMALL rotations, all of them are the space.
N_START, EXPANSIONS, SMALL = 6, 2, 40
# Norms of residuals of converged vectors; eigenvalues are good to the square.
CONVERGED, CONVERGED_FULL = 1e-3, 2e-4


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


def verdicts(mf: Any) -> list[Verdict]:
    """Of the Hessian within the kind of orbitals that `mf` has and, for a stable restricted `mf`, of that for letting
    ↑ and ↓ orbitals differ. Non-local correlation (VV10) is left out of the Hessians.
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
        return _by_full(mf, full)
    return _by_coarse(mf, full, CoarseHessian(mf))


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
        changed = [(v.T @ r @ o).reshape(k, -1) for r, (o, v) in zip(response, self._orbitals, strict=True)]
        return self.differences * vectors + np.hstack(changed)

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


def _start(differences: np.ndarray) -> np.ndarray:
    """Vectors to start from: the easiest rotations, and one without symmetry so that none can hide an instability."""
    n = differences.size
    if n <= SMALL:
        return np.eye(n)
    unit = np.zeros((N_START, n))
    unit[range(N_START), np.argsort(differences)[:N_START]] = 1.0
    noise = np.random.default_rng(1).uniform(-1, 1, n) / np.maximum(np.abs(differences), 0.1)
    return np.vstack([unit, noise])


def _by_coarse(mf: Any, full: FullHessian, coarse: Any) -> list[Verdict]:
    limit, doubt = threshold(mf), DOUBT["ks" if _is_kohn_sham(mf) else "hf"]

    def is_stable(pairs: Ritz) -> bool:
        return bool(pairs.values[0] - pairs.residuals[0] > limit + doubt)

    def decided(_: int, pairs: Ritz) -> bool:
        return is_stable(pairs) or pairs.values[0] < limit - doubt or pairs.residuals[0] < CONVERGED

    found = lowest_ritz(
        coarse.products, coarse.differences, _start(coarse.differences), decided, expansions=EXPANSIONS
    )
    how = ("coarse grid, " if _is_kohn_sham(mf) else "") + "fitted integrals, residual bound"
    out: list[Verdict] = []
    for channel, pairs in enumerate(found):
        if is_stable(pairs):
            out.append(Verdict(True, float(pairs.values[0]), how, pairs.vectors[0]))
        else:
            out.append(_channel_by_full(mf, full, channel, pairs.vectors))
        if not out[-1].stable:
            break
    return out


def _by_full(mf: Any, full: FullHessian) -> list[Verdict]:
    out: list[Verdict] = []
    for channel in range(full.channels):
        out.append(_channel_by_full(mf, full, channel, _start(full.differences), EXPANSIONS))
        if not out[-1].stable:
            break
    return out


def _channel_by_full(mf: Any, full: FullHessian, channel: int, start: np.ndarray, expansions: int = 0) -> Verdict:
    """A Rayleigh quotient below the threshold, a residual bound above it, or else a converged eigenvalue."""
    limit = threshold(mf)

    def decided(_: int, pairs: Ritz) -> bool:
        value, residual = pairs.values[0], pairs.residuals[0]
        return bool(value < limit or value - residual > limit or residual < CONVERGED_FULL)

    found = lowest_ritz(
        lambda x: full.products(x, channel)[None], full.differences, start, decided, expansions=expansions
    )[0]
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
