"""State-averaged Hartree–Fock: the least ensemble energy of one set of orbitals, with no local potential between.

min over orthonormal orbitals of Σ_k w_k ⟨Φ_k|H|Φ_k⟩, Φ_k the symmetry eigenstates of the configurations. It lies
between the exact ensemble energy and the optimized effective potential's: Gross, Oliveira and Kohn, Phys. Rev. A 37,
2805 (1988), applied to a restricted set of trial states.
"""

from __future__ import annotations

import numpy as np

from qmbench import NotConverged
from qmbench_edft.ensemble import Ensemble
from qmbench_edft.functionals import Functional, energy_and_derivatives
from qmbench_edft.kohn_sham import spectrum
from qmbench_edft.scf import Solution, solve

GRADIENT_TOLERANCE = 1e-6  # the energy is off by its square


def state_averaged_energy(ensemble: Ensemble, z: float, start: Solution | None = None) -> float:
    """The state-averaged Hartree–Fock energy (hartree), from the orbitals of the optimized effective potential."""
    from scipy.optimize import minimize

    functional = Functional("sehx")
    start = start or solve(functional, ensemble, z)
    grid, f, shells = start.grid, ensemble.occupations, ensemble.shells
    cores = [grid.hamiltonian(l, -z / grid.r) for _, l in shells]
    # coordinates in which the curvature is about one: the potential's own orbitals, scaled by their energies
    frames = []
    for _, l in shells:
        levels = spectrum(grid, l, start.potential)
        frames.append(levels.vectors / np.sqrt(levels.energies - levels.energies[0] + 1))
    size = grid.size

    def energy(y: np.ndarray) -> tuple[float, np.ndarray]:
        raw = [frame @ part for frame, part in zip(frames, y.reshape(len(shells), size), strict=True)]
        orbitals, lengths = _orthonormal(raw, [l for _, l in shells])
        hxc, gradients = energy_and_derivatives(functional, ensemble, grid, orbitals)
        total = hxc + sum(fi * float(c @ h @ c) for fi, c, h in zip(f, orbitals, cores, strict=True))
        slopes = [2 * (g + fi * (h @ c)) for g, fi, h, c in zip(gradients, f, cores, orbitals, strict=True)]
        back = _through_orthonormal(raw, orbitals, lengths, slopes, [l for _, l in shells])
        return total, np.concatenate([frame.T @ g for frame, g in zip(frames, back, strict=True)])

    guess = np.concatenate([np.linalg.solve(frame, c) for frame, c in zip(frames, start.orbitals, strict=True)])
    best = minimize(
        energy, guess, jac=True, method="L-BFGS-B", options={"maxiter": 3000, "maxcor": 40, "gtol": 1e-9, "ftol": 1e-15}
    )
    size_of_gradient = float(np.linalg.norm(best.jac))
    if size_of_gradient > GRADIENT_TOLERANCE:
        raise NotConverged(f"state-averaged Hartree–Fock: the gradient is still {size_of_gradient:.1e}")
    return float(best.fun)


def _orthonormal(raw: list[np.ndarray], l: list[int]) -> tuple[list[np.ndarray], list[float]]:
    """Gram–Schmidt, in order, among shells of one angular momentum."""
    orbitals: list[np.ndarray] = []
    lengths: list[float] = []
    for i, x in enumerate(raw):
        p = x - sum((orbitals[j] * (orbitals[j] @ x) for j in range(i) if l[j] == l[i]), np.zeros_like(x))
        lengths.append(float(np.linalg.norm(p)))
        orbitals.append(p / lengths[-1])
    return orbitals, lengths


def _through_orthonormal(raw, orbitals, lengths, slopes, l):
    """dE/draw from dE/dorbitals, by the chain rule backwards through `_orthonormal`."""
    slopes = [g.copy() for g in slopes]
    result = [np.zeros_like(g) for g in slopes]
    for i in reversed(range(len(raw))):
        q, x = orbitals[i], raw[i]
        g = (slopes[i] - q * (q @ slopes[i])) / lengths[i]
        result[i] = g.copy()
        for j in range(i):
            if l[j] == l[i]:
                other = orbitals[j]
                result[i] -= other * (other @ g)
                slopes[j] -= (other @ x) * g + x * (other @ g)
    return result
