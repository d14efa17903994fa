"""From exact densities to exact Kohn–Sham potentials and component energies, ground state and ensembles.

Inversion: Wu and Yang, J. Chem. Phys. 118, 2498 (2003). Exact helium ensembles: Yang, Trail, Pribram-Jones,
Burke, Needs and Ullrich, Phys. Rev. A 90, 042501 (2014). Ground state: Umrigar and Gonze, Phys. Rev. A 50, 3827
(1994).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from qmbench import NotConverged, Unsupported
from qmbench_edft.ensemble import Ensemble, bi_ensemble, check_monotone, ground_ensemble
from qmbench_edft.exact_density import radial_weights
from qmbench_edft.functionals import Functional
from qmbench_edft.grid import RadialGrid, default_grid
from qmbench_edft.kohn_sham import KohnShamSystem, kohn_sham_system, potential_basis, spectrum
from qmbench_edft.multiplets import GROUND, Multiplet, shell_name
from qmbench_edft.perimetric import ExactState, solve_state
from qmbench_edft.scf import solve

JOIN = 6.0  # bohr × (Z − 1): where the inverted ground-state potential, noisy beyond, meets its asymptote
VALUE_TOLERANCE = 1e-11  # hartree: gain of the concave functional by the last step
SLOPE_TOLERANCE = 1e-8  # of its gradient in the basis of potentials
MAX_STEPS = 60
INVERSION_CUTOFF = 1e-13


@dataclass(frozen=True, eq=False)
class ExactEnsemble:
    """An ensemble of exact states and its exact Kohn–Sham system. Energies in hartree.

    energy = Σ weight × exact energy; kinetic and repulsion the same averages of ⟨T⟩ and ⟨1/r12⟩. ts, hartree and
    xc_energy are the Kohn–Sham decomposition energy = ts + external + hartree + xc_energy. mismatch: largest |ρ_s − ρ|
    of the inversion, electrons.
    """

    ensemble: Ensemble
    z: float
    grid: RadialGrid
    potential: np.ndarray
    orbital_energies: np.ndarray
    orbitals: tuple[np.ndarray, ...]
    rho: np.ndarray
    energy: float
    kinetic: float
    repulsion: float
    external: float
    ts: float
    hartree: float
    mismatch: float

    @property
    def v_hxc(self) -> np.ndarray:
        """Exact Hartree–exchange–correlation potential at the points."""
        return self.potential + self.z / self.grid.r

    @property
    def v_xc(self) -> np.ndarray:
        """Exact exchange–correlation potential at the points."""
        return self.v_hxc - self.grid.kernels[0] @ self.rho

    @property
    def xc_energy(self) -> float:
        """E_xc = (⟨T⟩ − T_s) + (⟨1/r12⟩ − U), from expectation values, no energy eigenvalue entering."""
        return self.kinetic - self.ts + self.repulsion - self.hartree

    @property
    def exchange_energy(self) -> float:
        """E_x = −U/2 of the ground state's doubly occupied orbital; Unsupported for other ensembles."""
        if len(self.orbitals) > 1:
            raise Unsupported("exchange is −U/2 for the two-electron ground state only")
        return -0.5 * self.hartree

    @property
    def correlation_energy(self) -> float:
        """E_c = E_xc − E_x of the ground state."""
        return self.xc_energy - self.exchange_energy

    def ks_gap(self, n: int, l: int) -> float:
        """Kohn–Sham gap ε_nl − ε_1s; Unsupported if nl is not bound."""
        energy, _ = spectrum(self.grid, l, self.potential).level(n)
        if energy >= 0:
            raise Unsupported(f"{shell_name(n, l)} is not bound in the exact Kohn–Sham potential")
        return energy - float(self.orbital_energies[0])


def exact_ensemble(
    ensemble: Ensemble, z: float, states: Mapping[Multiplet, ExactState], grid: RadialGrid | None = None
) -> ExactEnsemble:
    """The exact ensemble and its Kohn–Sham system, from solved states.

    InputError unless the weights fall with the energy; NotConverged if the inversion fails.
    """
    check_monotone(ensemble)
    grid = grid or default_grid(z, max(3, max(s.n for s in ensemble.multiplets)))
    totals = ensemble.multiplet_weights
    used = [(w, states[s]) for s, w in zip(ensemble.multiplets, totals, strict=True) if w > 0]
    rho = sum(w * radial_weights(e, grid) for w, e in used)
    mean = {name: sum(w * getattr(e, name) for w, e in used) for name in ("energy", "kinetic", "repulsion", "nuclear")}
    if len(used) == 1 and ensemble.shells == ((1, 0),):
        system = _invert_ground(grid, z, rho, used[0][1])
        orbital = system.orbitals[0]
        ts = 2 * float(orbital @ grid.kinetic(0) @ orbital)
    else:
        system = _invert_ensemble(grid, z, ensemble, rho)
        # T_s = max_v {Σ f ε − ∫ v ρ}: stationary, so the remaining mismatch enters squared
        ts = _concave_functional(system, rho)
    return ExactEnsemble(
        ensemble=ensemble,
        z=z,
        grid=grid,
        potential=system.potential,
        orbital_energies=system.energies,
        orbitals=system.orbitals,
        rho=rho,
        energy=mean["energy"],
        kinetic=mean["kinetic"],
        repulsion=mean["repulsion"],
        external=mean["nuclear"],
        ts=ts,
        hartree=0.5 * float(rho @ grid.kernels[0] @ rho),
        mismatch=float(np.abs(system.rho - rho).max()),
    )


def exact_ground_state(z: float, grid: RadialGrid | None = None) -> ExactEnsemble:
    """The exact ground state's Kohn–Sham system."""
    return exact_ensemble(ground_ensemble(), z, {GROUND: solve_state(z, GROUND)}, grid)


def _invert_ground(grid: RadialGrid, z: float, rho: np.ndarray, exact: ExactState) -> KohnShamSystem:
    """One orbital: v = ε − (T√n)/√n with ε = −I, joined to −(Z−1)/r − b/r⁴ where the density gives no more.

    The ion's polarizability makes the correction fall as 1/r⁴; b makes the potential continuous.
    """
    c = np.sqrt(rho / 2)
    c /= np.linalg.norm(c)
    energy = exact.energy + z * z / 2
    v = energy - (grid.kinetic(0) @ c) / np.maximum(c, 1e-150)
    tail = -(z - 1) / grid.r
    last = int(np.searchsorted(grid.r, JOIN / max(z - 1, 0.5)))
    shift = (v[last - 1] - tail[last - 1]) * (grid.r[last - 1] / grid.r) ** 4
    v = np.where(np.arange(grid.size) >= last, tail + shift, v)
    return kohn_sham_system(grid, ground_ensemble(), v)


def _concave_functional(system: KohnShamSystem, rho: np.ndarray) -> float:
    """Σ f ε[v] − ∫ v ρ, whose maximum over v is T_s[ρ]."""
    return float(system.occupations @ system.energies - system.potential @ rho)


def _invert_ensemble(grid: RadialGrid, z: float, ensemble: Ensemble, rho: np.ndarray) -> KohnShamSystem:
    """Newton's method on the concave functional: gradient ρ_s − ρ, Hessian the response."""
    system = kohn_sham_system(grid, ensemble, solve(Functional("sehx"), ensemble, z, "oep", grid).potential)
    value = _concave_functional(system, rho)
    basis = potential_basis(system, rho=rho, cutoff=INVERSION_CUTOFF)
    for _ in range(MAX_STEPS):
        slope = basis.T @ (system.rho - rho)
        hessian = basis.T @ system.response() @ basis
        step = basis @ np.linalg.solve(-hessian + 1e-14 * np.eye(len(hessian)), slope)
        scale = 1.0
        while True:
            trial = kohn_sham_system(grid, ensemble, system.potential + scale * step)
            higher = _concave_functional(trial, rho)
            if higher >= value - 1e-14 or scale < 1e-3:
                break
            scale *= 0.5
        gain, system, value = higher - value, trial, higher
        if abs(gain) < VALUE_TOLERANCE and np.linalg.norm(basis.T @ (system.rho - rho)) < SLOPE_TOLERANCE:
            return system
    excess = np.abs(system.rho - rho).max()
    raise NotConverged(f"the inversion of the ensemble density ended {excess:.1e} electrons off")


def xc_weight_derivative(
    z: float, states: Mapping[Multiplet, ExactState], target: Multiplet, weight: float, step: float = 0.05
) -> tuple[float, ExactEnsemble]:
    """∂E_xc[n]/∂w at fixed density for the bi-ensemble of 1 1S and `target` at `weight` in [2·step, 1 − 2·step].

    Per state weight w = weight/M. It is d E_xc/dw along the exact ensemble less ∫ v_xc dn/dw, where
    E_xc = ⟨T⟩ − T_s + ⟨1/r12⟩ − U comes from expectation values: the excitation energy is not used.
    Returns the derivative divided by the degeneracy, and the ensemble at `weight`.
    """
    size = 1 + target.degeneracy
    here = exact_ensemble(bi_ensemble(target, weight), z, states)
    ladder = {k: exact_ensemble(bi_ensemble(target, weight + k * step), z, states, here.grid) for k in (-2, -1, 1, 2)}
    total = (
        (ladder[-2].xc_energy - 8 * ladder[-1].xc_energy + 8 * ladder[1].xc_energy - ladder[2].xc_energy)
        / (12 * step)
        * size
    )
    d_rho = (ladder[1].rho - ladder[-1].rho) / (2 * step) * size
    return (total - float(here.v_xc @ d_rho)) / target.degeneracy, here
