"""From ensembles to excitation energies: every way the literature has, by name.

All derivatives are with respect to *multiplet* weights g_k w_k, so a derivative along (target +1, ground −1) is
the excitation energy itself: dE/d(g w) = (1/g) dE/dw.

gap     Kohn–Sham gap plus ∂E_xc/∂w at fixed density. Gross, Oliveira and Kohn, Phys. Rev. A 37, 2809 (1988)
slope   dE/dw of the self-consistent energy, by differences
lim     linear interpolation between w = 0 and w. Senjean, Knecht, Jensen and Fromager, Phys. Rev. A 92, 012518 (2015)
ladder  GOK's sum over all ensembles below. Gross, Oliveira and Kohn, Phys. Rev. A 37, 2809 (1988)
dec     w → 0 on a given ground-state potential. Yang, Pribram-Jones, Burke and Ullrich, Phys. Rev. Lett. 119,
        033003 (2017)
delta_scf  difference of two self-consistent energies, the excited one stationary but no minimum
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from qmbench import InputError, Unsupported
from qmbench_edft.ensemble import (
    Ensemble,
    bi_ensemble,
    gok1_ensemble,
    gok2_ensemble,
    gok_multiplets,
    ground_ensemble,
    occupations,
    pure_multiplet,
    refuse_resonance,
)
from qmbench_edft.functionals import (
    Functional,
    energy_and_derivatives,
    quasi_local_temperature,
    weight_derivative,
)
from qmbench_edft.grid import RadialGrid, boxes, default_grid
from qmbench_edft.kohn_sham import bound_level
from qmbench_edft.multiplets import GROUND, Multiplet
from qmbench_edft.scf import Equation, Solution, solve


@dataclass(frozen=True)
class Excitation:
    """An excitation energy (hartree) with its parts where the extraction has them (else None).

    ks_gap: difference of Kohn–Sham energies; xc_derivative: the weight derivative that completes it.
    """

    value: float
    ks_gap: float | None = None
    xc_derivative: float | None = None


@dataclass(frozen=True)
class Approximation:
    """The choices that make a number: see the module's docstring and `functionals`."""

    functional: str
    correlation: str
    equation: Equation = "oep"
    ensemble: Literal["bi", "gok1", "gok2"] = "bi"
    weight: float = 0.5

    def resolve(self, z: float, sizes: set[int]) -> Functional:
        """The functional for nuclear charge z; quasi-LDA gets its temperatures for ensembles of these sizes."""
        if self.functional != "qlda":
            return Functional(self.functional, self.correlation)
        ground = solve(Functional("lda", "pw92"), ground_ensemble(), z)
        n = ground.grid.density(ground.rho)
        return Functional("qlda", "own", {m: quasi_local_temperature(n, ground.rho, m) for m in sizes if m > 1})

    def build(self, target: Multiplet) -> Ensemble:
        """The ensemble in which `target` is the highest multiplet."""
        if self.ensemble == "bi":
            return bi_ensemble(target, self.weight)
        make = gok1_ensemble if self.ensemble == "gok1" else gok2_ensemble
        return make(gok_multiplets(target), self.weight)


def gap(a: Approximation, z: float, target: Multiplet) -> tuple[Excitation, Solution]:
    """Kohn–Sham gap plus weight derivative at the ensemble's weights."""
    _needs_weight(a)
    ensemble = a.build(target)
    solution = solve(a.resolve(z, _sizes(ensemble)), ensemble, z, a.equation)
    change = _change(ensemble.multiplets, target)
    ks = float(occupations(ensemble.multiplets, change, ensemble.shells) @ solution.orbital_energies)
    extra = xc_derivative(solution, change)
    return Excitation(ks + extra, ks, extra), solution


def xc_derivative(solution: Solution, change: np.ndarray) -> float:
    """∂E_Hxc/∂w along `change` at fixed *density*: at fixed orbitals, less ∫ v_Hxc δn."""
    e = solution.ensemble
    weights = e.multiplet_weights
    total = weight_derivative(
        solution.functional, e.multiplets, weights, e.shells, solution.grid, solution.orbitals, change
    )
    df = occupations(e.multiplets, change, e.shells)
    d_rho = sum(x * c * c for x, c in zip(df, solution.orbitals, strict=True))
    return total - float(solution.v_hxc @ d_rho)


def energy_slope(solution: Solution, change: np.ndarray) -> float:
    """dE/dw along `change` (multiplet weights) by Hellmann and Feynman: Σ δf ε plus the xc derivative."""
    e = solution.ensemble
    df = occupations(e.multiplets, change, e.shells)
    return float(df @ solution.orbital_energies) + xc_derivative(solution, change)


def slope(a: Approximation, z: float, target: Multiplet) -> Excitation:
    """Derivative of the self-consistent energy with respect to the target's own weight, by differences.

    Fourth order; the step is 1/5 of the weight at most, so that w = 0, where E(w) is not smooth, is never
    touched.
    """
    _needs_weight(a)
    centre = a.build(target)
    functional = a.resolve(z, _sizes(centre))
    solution = solve(functional, centre, z, a.equation)
    weights = centre.multiplet_weights
    change = _change(centre.multiplets, target)
    degeneracy = np.array([s.degeneracy for s in centre.multiplets])
    step = min(0.01, weights[centre.multiplets.index(target)] / 5)

    def energy(k: int, grid: RadialGrid) -> float:
        moved = Ensemble(centre.multiplets, tuple((weights + k * step * change) / degeneracy))
        return solve(functional, moved, z, a.equation, grid).energy

    wide_enough = [g for g in boxes(z, max(n for n, _ in centre.shells)) if g.r_max >= solution.grid.r_max]
    for grid in wide_enough:
        try:
            values = [energy(k, grid) for k in (-2, -1, 1, 2)]
        except Unsupported:
            if grid is wide_enough[-1]:
                raise
            continue
        break
    return Excitation((values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step))


def lim(a: Approximation, z: float, target: Multiplet) -> Excitation:
    """Linear interpolation in a bi-ensemble: the secant of E(w) from w = 0 to the weight asked for."""
    _needs_weight(a)
    ensemble = a.build(target)
    functional = a.resolve(z, _sizes(ensemble))
    high = solve(functional, ensemble, z, a.equation)
    low = solve(functional, ground_ensemble(), z, a.equation, high.grid)
    return Excitation((high.energy - low.energy) / ensemble.multiplet_weights[1])


def ladder(a: Approximation, z: float, highest: Multiplet, secant: bool = False) -> dict[Multiplet, Excitation]:
    """GOK's ladder over the ensembles that end with each multiplet: all excitations up to `highest`.

    secant: the slopes replaced by secants from w = 0, which is linear interpolation for many multiplets; at
    weight 1 it is Kohn's differences of equiensemble energies. Stops, with fewer states, below the first
    multiplet whose ensemble does not bind its orbitals; Unsupported if that is the lowest.
    """
    _needs_weight(a)
    if a.ensemble == "bi":
        raise InputError("the ladder climbs through all multiplets: ensemble=gok1 or gok2, not bi")
    multiplets = gok_multiplets(highest)
    functional = a.resolve(z, set(np.cumsum([s.degeneracy for s in multiplets]).tolist()))
    wide = default_grid(z, highest.n)
    make = gok1_ensemble if a.ensemble == "gok1" else gok2_ensemble
    mean, below = 0.0, 0.0
    found: dict[Multiplet, Excitation] = {}
    for rung in range(1, len(multiplets)):
        inside = multiplets[: rung + 1]
        size, g = sum(s.degeneracy for s in inside), inside[-1].degeneracy
        try:
            high = _solve_on(functional, make(inside, a.weight), z, a.equation, wide)
        except Unsupported:
            if not found:
                raise
            return found
        if secant:
            low = _solve_on(functional, make(inside, 0.0), z, a.equation, high.grid)
            per_w = (high.energy - low.energy) / (a.weight / size)
        else:
            per_w = energy_slope(high, _along(a.ensemble, inside))
        if a.ensemble == "gok1":
            # slope = g (E_rung − mean of all below); that mean climbs by slope/M from rung to rung
            found[inside[-1]] = Excitation(mean + per_w / g)
            mean += per_w / size
        else:
            # slope = Σ_k g_k (E_k − E_0) over the excited multiplets of this ensemble
            found[inside[-1]] = Excitation((per_w - below) / g)
            below = per_w
    return found


def _solve_on(functional: Functional, ensemble: Ensemble, z: float, equation: Equation, grid: RadialGrid) -> Solution:
    """On the common grid, or on wider ones where an orbital needs them."""
    try:
        return solve(functional, ensemble, z, equation, grid)
    except Unsupported:
        return solve(functional, ensemble, z, equation)


def _along(kind: str, multiplets: tuple[Multiplet, ...]) -> np.ndarray:
    """d(g_k w_k)/dw of GOK's first or second kind."""
    g = np.array([s.degeneracy for s in multiplets], dtype=float)
    if kind == "gok2":
        return np.concatenate([[-g[1:].sum()], g[1:]])
    return np.concatenate([-g[:-1] * g[-1] / g[:-1].sum(), [g[-1]]])


def dec(functional: Functional, target: Multiplet, v: np.ndarray, grid: RadialGrid, what: str) -> Excitation:
    """Direct ensemble correction on the ground-state potential `v` (N,): Δε + ∂E_xc/∂w at w → 0.

    `what` names the potential in the error for an orbital it does not bind. For orbital functionals the
    potential inside the derivative is the functional's own at w = 0 (half the Hartree potential for two electrons).
    """
    refuse_resonance(target)
    shells = ((1, 0), target.outer)
    described = f"{what} ground-state potential"
    levels = [bound_level(grid, shell, v, described) for shell in shells]
    orbitals = [c for _, c in levels]
    change = np.array([-1.0, 1.0])
    multiplets = (GROUND, target)
    ground = ground_ensemble()
    _, gradients = energy_and_derivatives(functional, ground, grid, orbitals[:1])
    c = orbitals[0]
    # one orbital: the functional's potential is its derivative divided by the orbital, wherever there is one
    there = np.abs(c) > 1e-12
    own = np.where(there, gradients[0] / np.where(there, 2 * c, 1.0), 0.0)
    last = int(np.max(np.nonzero(there)))
    own = np.where(np.arange(grid.size) > last, own[last] * grid.r[last] / grid.r, own)
    total = weight_derivative(functional, multiplets, np.array([1.0, 0.0]), shells, grid, orbitals, change)
    df = occupations(multiplets, change, shells)
    d_rho = sum(x * o * o for x, o in zip(df, orbitals, strict=True))
    ks = levels[1][0] - levels[0][0]
    extra = total - float(own @ d_rho)
    return Excitation(ks + extra, ks, extra)


def delta_scf(a: Approximation, z: float, target: Multiplet) -> Excitation:
    """E[1snl alone] − E[1s²], both self-consistent. The only treatment here of 2s², as a stationary point."""
    if a.functional == "qlda":
        raise Unsupported(
            "quasi-LDA is defined for equiensembles of the lowest states, not for one excited state alone"
        )
    functional = a.resolve(z, set())
    high = solve(functional, pure_multiplet(target), z, a.equation)
    low = solve(functional, ground_ensemble(), z, a.equation)
    return Excitation(high.energy - low.energy)


def _change(multiplets: tuple[Multiplet, ...], target: Multiplet) -> np.ndarray:
    """Multiplet weight moves from the ground state to the target."""
    change = np.zeros(len(multiplets))
    change[0], change[multiplets.index(target)] = -1.0, 1.0
    return change


def _sizes(ensemble: Ensemble) -> set[int]:
    return set(np.cumsum([s.degeneracy for s in ensemble.multiplets]).tolist())


def _needs_weight(a: Approximation) -> None:
    if a.weight <= 0:
        raise InputError(
            "weight must be above 0 here: E(w) has no derivative at w = 0 (the limit is not uniform); "
            "extraction=dec is the theory of that limit"
        )
