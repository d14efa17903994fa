"""Self-consistent ensemble Kohn–Sham with local functionals and with functionals of the orbitals (see `oep`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from qmbench import NotConverged, Unsupported
from qmbench_edft.ensemble import Ensemble
from qmbench_edft.functionals import Functional
from qmbench_edft.grid import RadialGrid, boxes
from qmbench_edft.kohn_sham import KohnShamSystem, not_bound
from qmbench_edft.oep import Problem, continue_as_charge_over_r, kli_potential, optimized_effective_potential

POTENTIAL_TOLERANCE = 1e-9  # hartree: density-weighted change of the potential at which a local one has converged
BEFORE_OEP = 1e-3  # the same for the KLI potential from which the optimized effective potential starts
MAX_ITERATIONS = 200
MIXED = 8  # potentials from which the next is extrapolated

Equation = Literal["oep", "kli"]  # which equation gives the potential of a functional of the orbitals
PotentialOf = Callable[[KohnShamSystem, Sequence[np.ndarray]], np.ndarray]  # (system, gradients) → v_Hxc (N,)


@dataclass(frozen=True, eq=False)
class Solution:
    """A converged ensemble. Energies in hartree; orbitals are DVR vectors in the order of ensemble.shells.

    energy = ts + external + hxc, ts the non-interacting kinetic energy. The potential vanishes at infinity.
    """

    ensemble: Ensemble
    functional: Functional
    grid: RadialGrid
    z: float
    potential: np.ndarray
    orbitals: tuple[np.ndarray, ...]
    orbital_energies: np.ndarray
    rho: np.ndarray
    ts: float
    external: float
    hxc: float

    @property
    def energy(self) -> float:
        """The ensemble's total energy."""
        return self.ts + self.external + self.hxc

    @property
    def v_hxc(self) -> np.ndarray:
        """The Hartree-exchange-correlation potential at the points."""
        return self.potential + self.z / self.grid.r


def solve(
    functional: Functional,
    ensemble: Ensemble,
    z: float,
    equation: Equation = "oep",
    grid: RadialGrid | None = None,
) -> Solution:
    """The self-consistent ensemble. equation: of the potential, where the functional depends on orbitals.

    On `grid`, or on the first of `boxes` that holds every orbital. Raises NotConverged, and Unsupported when an
    occupied orbital is not bound.
    """
    grids = [grid] if grid is not None else boxes(z, max(n for n, _ in ensemble.shells))
    for box in grids:
        problem = Problem(functional, ensemble, z, box)
        if functional.orbital_dependent:
            system = _with_orbital_functional(problem, equation, can_widen=box is not grids[-1])
        else:
            system = _fixed_point(problem, local_potential, name=functional.name, tolerance=POTENTIAL_TOLERANCE)
        unbound = system.unbound()
        if not unbound:
            return _solution(problem, system)
    described = f"{functional.name} potential of this ensemble (box of {box.r_max:.0f} bohr)"
    raise Unsupported(not_bound(unbound, described))


def local_potential(system: KohnShamSystem, gradients: Sequence[np.ndarray]) -> np.ndarray:
    """v_Hxc (N,) of a functional of the density: every shell's derivative h_i is f_i v_Hxc c_i, so Σ c_i h_i / ρ.

    Where there is no density, its continuation as charge/r.
    """
    rho = system.rho
    inside = rho > 1e-60
    mean = sum(h * c for h, c in zip(gradients, system.orbitals, strict=True)) / np.where(inside, rho, 1.0)
    return np.where(inside, mean, continue_as_charge_over_r(system.grid, mean, rho))


def _with_orbital_functional(problem: Problem, equation: Equation, *, can_widen: bool) -> KohnShamSystem:
    """The KLI system, and from it that of the optimized effective potential where that is asked for.

    A few KLI iterations bring the potential, its tail above all, to where the response can take over. A KLI orbital
    that does not fit into the box is given back as it is if the box can be widened.
    """
    tolerance = POTENTIAL_TOLERANCE if equation == "kli" else BEFORE_OEP
    kli = _fixed_point(problem, kli_potential, name="KLI", tolerance=tolerance)
    if equation == "kli" or (can_widen and kli.unbound()):
        return kli
    return problem.in_potential(optimized_effective_potential(problem, kli))


def _fixed_point(problem: Problem, potential_of: PotentialOf, *, name: str, tolerance: float) -> KohnShamSystem:
    """The system whose orbitals give back its potential: v = −Z/r + v_Hxc[orbitals in v]."""
    v = _screened_nucleus(problem)
    mixer = AndersonMixer()
    for _ in range(MAX_ITERATIONS):
        system = problem.in_potential(v)
        _, gradients = problem.hxc(system)
        residual = potential_of(system, gradients) + problem.v_nuclear - v
        change = float(np.sqrt(np.sum(system.rho * residual**2)))
        if change < tolerance:
            return system
        v = mixer.step(v, residual, weight=np.sqrt(system.rho + 1e-12))
    raise NotConverged(f"{name}: the potential still changes by {change:.1e} hartree after {MAX_ITERATIONS} iterations")


def _screened_nucleus(problem: Problem) -> np.ndarray:
    """The potential (N,) of the nucleus screened by one 1s electron: where every iteration starts."""
    r, zeta = problem.grid.r, problem.z - 0.3
    return problem.v_nuclear + (1 - np.exp(-2 * zeta * r) * (1 + zeta * r)) / r


def _solution(problem: Problem, system: KohnShamSystem) -> Solution:
    """E = T_s + ∫ v_nuc n + E_Hxc of the system's orbitals."""
    grid, f, orbitals = problem.grid, system.occupations, system.orbitals
    hxc, _ = problem.hxc(system)
    shells = problem.ensemble.shells
    return Solution(
        ensemble=problem.ensemble,
        functional=problem.functional,
        grid=grid,
        z=problem.z,
        potential=system.potential,
        orbitals=orbitals,
        orbital_energies=system.energies,
        rho=system.rho,
        ts=sum(fi * float(c @ grid.kinetic(l) @ c) for fi, c, (_, l) in zip(f, orbitals, shells, strict=True)),
        external=sum(fi * float(c @ (c * problem.v_nuclear)) for fi, c in zip(f, orbitals, strict=True)),
        hxc=hxc,
    )


class AndersonMixer:
    """Anderson's extrapolation over the last few potentials. Anderson, J. ACM 12, 547 (1965)."""

    def __init__(self) -> None:
        self.inputs: list[np.ndarray] = []
        self.residuals: list[np.ndarray] = []

    def step(self, x: np.ndarray, residual: np.ndarray, *, weight: np.ndarray) -> np.ndarray:
        """The next potential from `x` and its residual; the fit is weighted by `weight` (N,)."""
        self.inputs = [*self.inputs, x][-MIXED:]
        self.residuals = [*self.residuals, residual][-MIXED:]
        if len(self.inputs) == 1:
            return x + residual
        dx = np.array([a - x for a in self.inputs[:-1]])
        dr = np.array([a - residual for a in self.residuals[:-1]])
        gamma = np.linalg.lstsq((dr * weight).T, -residual * weight, rcond=1e-10)[0]
        return x + residual + gamma @ (dx + dr)
