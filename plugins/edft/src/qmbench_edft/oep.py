"""The local potential of a functional of the orbitals: optimized effective potential (OEP), and KLI.

The optimized effective potential solves δE/δv = 0 for E as a functional of the potential through its
orbitals; the step is the truncated inverse of the Kohn–Sham response applied to that gradient: Kümmel and
Perdew, Phys. Rev. B 68, 035103 (2003); Hirata et al., J. Chem. Phys. 115, 1635 (2001). KLI: Krieger, Li and
Iafrate, Phys. Rev. A 46, 5453 (1992).

`gradients` are per shell h_i = ½ ∂E_Hxc/∂c_i, (N,): the functional's potential acting on the orbital, f_i u_i c_i.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from qmbench import NotConverged
from qmbench_edft.ensemble import Ensemble
from qmbench_edft.functionals import Functional, energy_and_derivatives
from qmbench_edft.grid import RadialGrid
from qmbench_edft.kohn_sham import KohnShamSystem, kohn_sham_system, potential_basis

GRADIENT_TOLERANCE = 1e-10  # of δE/δv, density-weighted, in the space where the response can be inverted
RESPONSE_CUTOFF = 1e-11  # relative singular value of the response below which a direction is left alone
MAX_NEWTON = 60
MAX_JACOBIANS = 12
DIFFERENCE = 1e-5  # step of the Jacobian by differences, in units in which the curvature is about one
SHORTEST_STEP = 1e-3  # fraction of Newton's step below which the line search gives up
TAIL = 1e-20  # radial density weight below which a quotient of densities is noise


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be stationary: the energy of an ensemble around the nucleus z, with one functional, on one grid."""

    functional: Functional
    ensemble: Ensemble
    z: float
    grid: RadialGrid

    @cached_property
    def v_nuclear(self) -> np.ndarray:
        """−Z/r at the points, (N,)."""
        return -self.z / self.grid.r

    def in_potential(self, v: np.ndarray) -> KohnShamSystem:
        """The ensemble's Kohn–Sham system in the potential v (N,)."""
        return kohn_sham_system(self.grid, self.ensemble, v)

    def hxc(self, system: KohnShamSystem) -> tuple[float, list[np.ndarray]]:
        """E_Hxc and the `gradients` of the system's orbitals."""
        return energy_and_derivatives(self.functional, self.ensemble, self.grid, system.orbitals)


def continue_as_charge_over_r(grid: RadialGrid, v: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """v with its part beyond the density replaced by charge/r, continuous."""
    last = int(np.max(np.nonzero(rho > TAIL)))
    return np.where(np.arange(grid.size) > last, v[last] * grid.r[last] / grid.r, v)


def kli_potential(system: KohnShamSystem, gradients: Sequence[np.ndarray]) -> np.ndarray:
    """v_KLI = v_S + Σ_i (f_i c_i²/ρ) s_i, (N,), → 0 at infinity, of the orbital derivatives h_i (hartree).

    v_S = Σ_i c_i h_i / ρ is Slater's average, the shifts s_i = ⟨i|v_KLI|i⟩ − ⟨i|h_i⟩/f_i vanish for the highest
    orbital and solve Σ_j (δ_ij − M_ij) s_j = ⟨i|v_S|i⟩ − ⟨i|h_i⟩/f_i for the others, M_ij = Σ_p c_i² f_j c_j²/ρ.
    """
    f, orbitals, rho = system.occupations, system.orbitals, system.rho
    safe = np.maximum(rho, 1e-60)
    slater = sum(c * h for c, h in zip(orbitals, gradients, strict=True)) / safe
    others = [i for i in range(len(f)) if i != system.highest]
    shift = np.zeros(len(f))
    if others:
        square = np.array([c * c for c in orbitals])
        mean = square @ slater - np.array([c @ h for c, h in zip(orbitals, gradients, strict=True)]) / f
        overlap = (square / safe) @ (square * f[:, None]).T
        block = np.ix_(others, others)
        shift[others] = np.linalg.solve((np.eye(len(f)) - overlap)[block], mean[others])
    v = slater + sum(fi * c * c * s for fi, c, s in zip(f, orbitals, shift, strict=True)) / safe
    return continue_as_charge_over_r(system.grid, v, rho)


def energy_gradient(problem: Problem, system: KohnShamSystem) -> np.ndarray:
    """dE/dv at the points, (N,), through the first-order change of every orbital.

    dE/dv = 2 Σ_i c_i Σ_{a≠i} c_a ⟨a|h_i − f_i v_Hxc c_i⟩ / (ε_i − ε_a): of (f h_0 + ½ ∂E_Hxc/∂c) − f h_s acting on
    c only the difference of the potentials survives.
    """
    _, gradients = problem.hxc(system)
    v_hxc = system.potential - problem.v_nuclear
    total = np.zeros(problem.grid.size)
    levels = zip(problem.ensemble.shells, system.occupations, system.orbitals, gradients, strict=True)
    for (n, l), f, c, h in levels:
        differences, others = system.spectra[l].other_levels(n)
        mismatch = others.T @ (h - f * v_hxc * c)
        total += 2 * c * (others @ (mismatch / differences))
    return total


def optimized_effective_potential(problem: Problem, start: KohnShamSystem) -> np.ndarray:
    """The potential (N,) with δE/δv = 0, from that of `start`, which must have the right tail (KLI has).

    NotConverged if Newton's method fails.
    """
    system = problem.in_potential(_stationary(problem, start))
    return system.potential + _constant(problem, system)


def _constant(problem: Problem, system: KohnShamSystem) -> float:
    """The shift that makes the potential vanish at infinity: ⟨v_Hxc⟩ of the highest orbital is its functional's."""
    _, gradients = problem.hxc(system)
    top = system.highest
    c, v_hxc = system.orbitals[top], system.potential - problem.v_nuclear
    return float(c @ gradients[top] / system.occupations[top] - c @ (v_hxc * c))


@dataclass(frozen=True, eq=False)
class _Step:
    """A step (K,) in the basis of the potentials: taken whole, or shortened; the gradient (K,) where it ends."""

    taken: np.ndarray
    whole: bool
    gradient: np.ndarray


def _stationary(problem: Problem, start: KohnShamSystem) -> np.ndarray:
    """Newton's method for δE/δv = 0 in the space of potentials that the response can see.

    The Jacobian is taken once by differences, which also holds where the response is a bad model of the
    curvature (two open shells: their rotation into each other changes the energy, not the density), and then
    updated after Broyden, Math. Comp. 19, 577 (1965).
    """
    # summed as f (c²), not (f c) c as in start.rho: the weakest modes amplify the last digit, and results are stored
    rho = sum(f * c**2 for f, c in zip(start.occupations, start.orbitals, strict=True))
    basis = potential_basis(start, rho=rho, cutoff=RESPONSE_CUTOFF)

    def gradient(potential: np.ndarray) -> np.ndarray:
        return basis.T @ energy_gradient(problem, problem.in_potential(potential))

    v, g = start.potential, gradient(start.potential)
    inverse: np.ndarray | None = None
    fresh, jacobians = False, 0
    for _ in range(MAX_NEWTON):
        size = np.linalg.norm(g)
        if size < GRADIENT_TOLERANCE:
            return v
        if inverse is None:
            if jacobians == MAX_JACOBIANS:
                break
            inverse = _inverse_jacobian(gradient, basis=basis, v=v, g=g)
            fresh, jacobians = True, jacobians + 1
        step = _line_search(gradient, basis=basis, v=v, g=g, newton=-inverse @ g)
        left = np.linalg.norm(step.gradient)
        if not fresh and not left < 0.3 * size:
            inverse = None  # the Jacobian has aged
            continue
        if not left < size:
            raise NotConverged(f"OEP: δE/δv stays at {size:.1e}: no step along Newton's direction lowers it")
        inverse = _broyden(inverse, step=step.taken, change=step.gradient - g) if step.whole else None
        fresh = False
        v, g = v + basis @ step.taken, step.gradient
    raise NotConverged(
        f"OEP: δE/δv is still {np.linalg.norm(g):.1e} after {jacobians} Jacobians, or {MAX_NEWTON} steps"
    )


def _inverse_jacobian(
    gradient: Callable[[np.ndarray], np.ndarray], *, basis: np.ndarray, v: np.ndarray, g: np.ndarray
) -> np.ndarray:
    """The (K, K) pseudo-inverse of d gradient/dv at v, column by column from differences."""
    jacobian = np.array([(gradient(v + DIFFERENCE * mode) - g) / DIFFERENCE for mode in basis.T]).T
    return np.linalg.pinv(jacobian, rcond=1e-9)


def _line_search(
    gradient: Callable[[np.ndarray], np.ndarray], *, basis: np.ndarray, v: np.ndarray, g: np.ndarray, newton: np.ndarray
) -> _Step:
    """Newton's step, shortened until the gradient falls, or to SHORTEST_STEP."""
    size, scale = np.linalg.norm(g), 1.0
    while True:
        trial = gradient(v + basis @ (scale * newton))
        if np.linalg.norm(trial) < size or scale < SHORTEST_STEP:
            return _Step(taken=scale * newton, whole=scale == 1.0, gradient=trial)
        scale *= 0.4


def _broyden(inverse: np.ndarray, *, step: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The inverse Jacobian J⁻¹ next to the old one for which J⁻¹ change = step."""
    back = inverse @ change
    return inverse + np.outer(step - back, step @ inverse) / (step @ back)
