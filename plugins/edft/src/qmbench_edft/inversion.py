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
from qmbench_edft.ensemble import Ensemble, bi_ensemble, ground_ensemble
from qmbench_edft.exact_density import radial_weights
from qmbench_edft.functionals import Functional
from qmbench_edft.grid import RadialGrid, lowest_orbitals
from qmbench_edft.perimetric import ExactState, solve_state
from qmbench_edft.scf import default_grid, potential_basis, solve
from qmbench_edft.states import GROUND, State

JOIN = 6.0  # bohr × (Z − 1): where the inverted ground-state potential, noisy beyond, meets its asymptote
DENSITY_TOLERANCE = 1e-11
INVERSION_CUTOFF = 1e-13


@dataclass(frozen=True, eq=False)
class ExactEnsemble:
    """An ensemble of exact states and its exact Kohn–Sham system. Energies in hartree.

    energy = Σ weight × exact energy; kinetic and repulsion the same averages of ⟨T⟩ and ⟨1/r12⟩. ts, hartree,
    exchange (of the one-determinant ground state only, else None), xc: the Kohn–Sham decomposition
    energy = ts + external + hartree + xc. mismatch: largest |ρ_s − ρ| of the inversion, electrons.
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
    def xc(self) -> float:
        """E_xc = (⟨T⟩ − T_s) + (⟨1/r12⟩ − U), from expectation values, no energy eigenvalue entering."""
        return self.kinetic - self.ts + self.repulsion - self.hartree

    @property
    def exchange(self) -> float:
        """E_x = −U/2 of the ground state's doubly occupied orbital; Unsupported for other ensembles."""
        if len(self.orbitals) > 1:
            raise Unsupported("exchange is −U/2 for the two-electron ground state only")
        return -0.5 * self.hartree

    @property
    def correlation(self) -> float:
        """E_c = E_xc − E_x of the ground state."""
        return self.xc - self.exchange

    def gap(self, n: int, l: int) -> float:
        """Kohn–Sham gap ε_nl − ε_1s."""
        energies, _ = lowest_orbitals(self.grid, l, self.potential)
        if energies[n - l - 1] >= 0:
            raise Unsupported(f"{n}{'spd'[l]} is not bound")
        return float(energies[n - l - 1] - self.orbital_energies[0])


def exact_ensemble(
    ensemble: Ensemble, z: float, states: Mapping[State, ExactState], grid: RadialGrid | None = None
) -> ExactEnsemble:
    """The exact ensemble and its Kohn–Sham system, from solved states. NotConverged if the inversion fails."""
    grid = grid or default_grid(z, max(3, max(s.n for s in ensemble.states)))
    totals = ensemble.multiplet_weights()
    used = [(w, states[s]) for s, w in zip(ensemble.states, totals, strict=True) if w > 0]
    rho = sum(w * radial_weights(e, grid) for w, e in used)
    mean = {name: sum(w * getattr(e, name) for w, e in used) for name in ("energy", "kinetic", "repulsion", "nuclear")}
    if len(used) == 1 and ensemble.shells == ((1, 0),):
        potential, energies, orbitals = _invert_ground(grid, z, rho, used[0][1])
        ts = 2 * float(orbitals[0] @ grid.kinetic(0) @ orbitals[0])
        mismatch = float(np.abs(rho - 2 * orbitals[0] ** 2).max())
    else:
        potential, energies, orbitals, mismatch = _invert_ensemble(grid, z, ensemble, rho)
        # T_s = max_v {Σ f ε − ∫ v ρ}: stationary, so the remaining mismatch enters squared
        ts = float(ensemble.occupations() @ energies - potential @ rho)
    return ExactEnsemble(
        ensemble,
        z,
        grid,
        potential,
        energies,
        tuple(orbitals),
        rho,
        mean["energy"],
        mean["kinetic"],
        mean["repulsion"],
        mean["nuclear"],
        ts,
        0.5 * float(rho @ grid.kernels[0] @ rho),
        mismatch,
    )


def exact_ground_state(z: float, omega: int = 18, grid: RadialGrid | None = None) -> ExactEnsemble:
    """The exact ground state's Kohn–Sham system."""
    return exact_ensemble(ground_ensemble(), z, {GROUND: solve_state(z, GROUND, omega)}, grid)


def _invert_ground(grid: RadialGrid, z: float, rho: np.ndarray, exact: ExactState):  # type: ignore[no-untyped-def]
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
    energies, vectors = lowest_orbitals(grid, 0, v)
    return v, energies[:1], [vectors[:, 0]]


def _invert_ensemble(grid: RadialGrid, z: float, ensemble: Ensemble, rho: np.ndarray):  # type: ignore[no-untyped-def]
    """Newton's method on the concave functional Σ f ε[v] − ∫ v ρ."""
    f = ensemble.occupations()
    v = solve(Functional("sehx"), ensemble, z, "oep", grid).potential
    basis = None

    def objective(potential: np.ndarray):  # type: ignore[no-untyped-def]
        spectra = {l: lowest_orbitals(grid, l, potential) for l in {l for _, l in ensemble.shells}}
        energies = np.array([spectra[l][0][n - l - 1] for n, l in ensemble.shells])
        orbitals = [spectra[l][1][:, n - l - 1] for n, l in ensemble.shells]
        now = sum(fi * c * c for fi, c in zip(f, orbitals, strict=True))
        return float(f @ energies - potential @ rho), now - rho, energies, orbitals, spectra

    value, excess, energies, orbitals, spectra = objective(v)
    basis = potential_basis(grid, ensemble, f, spectra, rho, INVERSION_CUTOFF)
    for _ in range(60):
        slope = basis.T @ excess
        response = np.zeros((grid.size, grid.size))
        for (n, l), fi, c in zip(ensemble.shells, f, orbitals, strict=True):
            levels, vectors = spectra[l]
            keep = np.arange(grid.size) != n - l - 1
            products = vectors[:, keep] * c[:, None]
            response += 2 * fi * (products / (levels[n - l - 1] - levels[keep])) @ products.T
        hessian = basis.T @ response @ basis
        step = basis @ np.linalg.solve(-hessian + 1e-14 * np.eye(len(hessian)), slope)
        scale = 1.0
        while True:
            trial = objective(v + scale * step)
            if trial[0] >= value - 1e-14 or scale < 1e-3:
                break
            scale *= 0.5
        v = v + scale * step
        gain = trial[0] - value
        value, excess, energies, orbitals, spectra = trial
        if abs(gain) < DENSITY_TOLERANCE and np.linalg.norm(basis.T @ excess) < 1e-8:
            return v, energies, orbitals, float(np.abs(excess).max())
    raise NotConverged(f"the inversion of the ensemble density ended {np.abs(excess).max():.1e} electrons off")


def xc_weight_derivative(
    z: float, states: Mapping[State, ExactState], target: State, weight: float, step: float = 0.05
) -> tuple[float, ExactEnsemble]:
    """∂E_xc[n]/∂w at fixed density for the bi-ensemble of 1 1S and `target` at `weight` in [2·step, 1 − 2·step].

    Per state weight w = weight/M. It is d E_xc/dw along the exact ensemble less ∫ v_xc dn/dw, where
    E_xc = ⟨T⟩ − T_s + ⟨1/r12⟩ − U comes from expectation values: the excitation energy is not used.
    Returns the derivative divided by the degeneracy, and the ensemble at `weight`.
    """
    size = 1 + target.degeneracy
    here = exact_ensemble(bi_ensemble(target, weight), z, states)
    ladder = {k: exact_ensemble(bi_ensemble(target, weight + k * step), z, states, here.grid) for k in (-2, -1, 1, 2)}
    total = (ladder[-2].xc - 8 * ladder[-1].xc + 8 * ladder[1].xc - ladder[2].xc) / (12 * step) * size
    d_rho = (ladder[1].rho - ladder[-1].rho) / (2 * step) * size
    return (total - float(here.v_xc @ d_rho)) / target.degeneracy, here
