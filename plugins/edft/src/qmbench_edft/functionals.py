"""Hartree–exchange–correlation functionals of two-electron ensembles.

Each is E_Hxc[w, {u}] = Σ coefficient × (Slater integral) + a local part, and gives its energy, its orbital
derivatives and its derivative with respect to the weights at fixed orbitals. All spin-restricted: one
potential for both spins. Vectors are DVR coefficients (see `grid`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from qmbench_edft import uniform_gas as gas
from qmbench_edft.ensemble import Ensemble, occupations
from qmbench_edft.grid import RadialGrid
from qmbench_edft.multiplets import Multiplet

# (l, l', k) → squared 3j symbol (l k l'; 0 0 0)², the weight of G^k in the exchange averaged over m and m'
THREE_J_SQUARED = {
    (0, 0): {0: 1.0},
    (0, 1): {1: 1 / 3},
    (1, 1): {0: 1 / 3, 2: 2 / 15},
    (0, 2): {2: 1 / 5},
    (1, 2): {1: 2 / 15, 3: 3 / 35},
    (2, 2): {0: 1 / 5, 2: 2 / 35, 4: 2 / 35},
}

EnergyPerElectron = Callable[[np.ndarray], np.ndarray]  # ε(n) of a uniform gas, n and ε (N,)
DENSITY_FLOOR = 1e-30  # bohr⁻³; below it nothing local contributes, and powers of r_s would overflow


@dataclass(frozen=True)
class PairTerm:
    """coefficient × F^k(i, j) (direct) or G^k(i, j) (exchange); i, j number the ensemble's shells."""

    direct: bool
    k: int
    i: int
    j: int
    coefficient: float


@dataclass(frozen=True)
class Functional:
    """One functional.

    name: lda, qlda, eexx, gic, sehx or elda. correlation: "pw92", "vwn", "none", or "own" for qlda and elda,
    whose correlation is part of their definition. temperatures: qlda only, equiensemble size M → θ (hartree).
    """

    name: str
    correlation: str = "none"
    temperatures: Mapping[int, float] = field(default_factory=dict)

    @property
    def orbital_dependent(self) -> bool:
        """Whether the potential needs the optimized-effective-potential equation."""
        return self.name in ("eexx", "gic", "sehx", "elda")


def energy_and_derivatives(
    functional: Functional, ensemble: Ensemble, grid: RadialGrid, orbitals: Sequence[np.ndarray]
) -> tuple[float, list[np.ndarray]]:
    """E_Hxc and, per shell, ½ ∂E_Hxc/∂c as vectors (N,)."""
    f = ensemble.occupations
    energy, gradients = _pairs(
        pair_terms(functional, ensemble.multiplets, ensemble.multiplet_weights, ensemble.shells), grid, orbitals
    )
    local_energy, potentials = _local(functional, ensemble, grid, orbitals, f)
    for g, v, c in zip(gradients, potentials, orbitals, strict=True):
        g += v * c
    return energy + local_energy, gradients


def weight_derivative(
    functional: Functional,
    multiplets: tuple[Multiplet, ...],
    multiplet_weights: np.ndarray,
    shells: tuple[tuple[int, int], ...],
    grid: RadialGrid,
    orbitals: Sequence[np.ndarray],
    change: np.ndarray,
) -> float:
    """Derivative of E_Hxc at fixed orbitals when the `multiplet_weights` g_k w_k move along `change`.

    `orbitals` follow `shells`, which hold every orbital of a state that has or gets a weight.
    """
    step = 1e-3  # the coefficients are at most quadratic in the weights, so the central difference is exact

    def pair_energy(sign: float) -> float:
        terms = pair_terms(functional, multiplets, multiplet_weights + sign * step * change, shells)
        return sum(t.coefficient * _integral(t, grid, orbitals) for t in terms)

    total = (pair_energy(1.0) - pair_energy(-1.0)) / (2 * step)
    f, df = occupations(multiplets, multiplet_weights, shells), occupations(multiplets, change, shells)
    rho, n, m = _local_densities(grid, orbitals, f, shells)
    d_rho = sum(x * c * c for x, c in zip(df, orbitals, strict=True))
    if functional.name == "elda":
        d_m = sum(2 * fi * x / (2 * l + 1) * c * c for fi, x, (_, l), c in zip(f, df, shells, orbitals, strict=True))
        occupation = _mean_occupation(m, rho)
        epsilon, d_n, d_f = _cofe(n, occupation, functional.correlation)
        return total + float(np.sum(d_rho * (epsilon + n * d_n - occupation * d_f) + d_m * d_f))
    for amount, energy_of in _local_parts(functional, multiplets, multiplet_weights):
        total += amount * float(np.sum(d_rho * _potential(energy_of, n)))
    if functional.name == "qlda":
        for d_amount, theta in _equiensembles(functional, multiplets, change):
            total += d_amount * float(np.sum(rho * _thermal_or_cold(n, theta)))
    return total


def pair_terms(
    functional: Functional,
    multiplets: tuple[Multiplet, ...],
    multiplet_weights: np.ndarray,
    shells: tuple[tuple[int, int], ...],
) -> list[PairTerm]:
    """The Slater integrals of the functional, with coefficients for the `multiplet_weights` g_k w_k."""
    f = occupations(multiplets, multiplet_weights, shells)
    if functional.name in ("lda", "qlda", "eexx"):
        # the classical repulsion of the ensemble density with itself, cross terms between states included
        terms = [PairTerm(True, 0, i, j, 0.5 * f[i] * f[j]) for i in range(len(f)) for j in range(len(f))]
        if functional.name == "eexx":
            # Nagy, Int. J. Quantum Chem. Symp. 29, 297 (1995): Fock exchange of the ensemble's one-matrix
            terms += _exchange(shells, lambda i, j: -0.25 * f[i] * f[j])
        return terms
    terms = []
    for s, w in zip(multiplets, multiplet_weights, strict=True):
        terms += _eigenstate_terms(s, float(w), shells, single_determinants=functional.name == "gic")
    if functional.name == "elda":
        # Hartree part of the exact Hartree–exchange energy: what is left when the ensemble's
        # fluctuation–dissipation exchange, −½ Σ min(f, f') K, is taken out.
        # Gould and Pittalis, Phys. Rev. Lett. 123, 016401 (2019); PRX 14, 041045 (2024)
        per_orbital = [fi / (2 * l + 1) for fi, (_, l) in zip(f, shells, strict=True)]
        deg = [2 * l + 1 for _, l in shells]
        terms += _exchange(shells, lambda i, j: 0.5 * deg[i] * deg[j] * min(per_orbital[i], per_orbital[j]))
    return terms


def _eigenstate_terms(
    s: Multiplet, weight: float, shells: tuple[tuple[int, int], ...], single_determinants: bool
) -> list[PairTerm]:
    """weight × ⟨Φ|1/r₁₂|Φ⟩ averaged over the multiplet.

    Eigenstates of L² and S²: J ∓ K. Single determinants (each state of the multiplet one Slater determinant):
    two of a triplet's three have M_S = ±1 and energy J − K, the M_S = 0 ones have J. Eigenstates: Pribram-Jones et al.,
    J. Chem. Phys. 140, 18A541 (2014). Determinants, each repelling itself alone: Gidopoulos, Papaconstantinou and
    Gross, Phys. Rev. Lett. 88, 033003 (2002).
    """
    inner = shells.index((s.n_inner, 0)) if (s.n_inner, 0) in shells else None
    outer = inner if s.closed else (shells.index(s.outer) if s.outer in shells else None)
    if inner is None or outer is None:
        if weight == 0:
            return []
        raise ValueError(f"the orbitals of {s} are not among the shells {shells}")
    terms = [PairTerm(True, 0, inner, outer, weight)]
    if not s.closed:
        if s.multiplicity == 3:
            share = -2 / 3 if single_determinants else -1.0
        else:
            share = 0.0 if single_determinants else 1.0
        if share:
            terms.append(PairTerm(False, s.l, inner, outer, weight * share / (2 * s.l + 1)))
    return terms


def _exchange(shells: tuple[tuple[int, int], ...], amount: Callable[[int, int], float]) -> list[PairTerm]:
    """Σ_ij amount(i, j) × the exchange integral of shells i and j averaged over m and m'."""
    terms = []
    for i, (_, la) in enumerate(shells):
        for j, (_, lb) in enumerate(shells):
            for k, weight in THREE_J_SQUARED[min(la, lb), max(la, lb)].items():
                terms.append(PairTerm(False, k, i, j, amount(i, j) * weight))
    return terms


def _integral(t: PairTerm, grid: RadialGrid, c: Sequence[np.ndarray]) -> float:
    return grid.slater_f(t.k, c[t.i], c[t.j]) if t.direct else grid.slater_g(t.k, c[t.i], c[t.j])


def _pairs(terms: list[PairTerm], grid: RadialGrid, c: Sequence[np.ndarray]) -> tuple[float, list[np.ndarray]]:
    """Σ coefficient × integral and half its gradient."""
    energy = 0.0
    gradients = [np.zeros(grid.size) for _ in c]
    potentials: dict[tuple[int, int, int], np.ndarray] = {}

    def y(k: int, i: int, j: int) -> np.ndarray:
        key = (k, min(i, j), max(i, j))
        if key not in potentials:
            potentials[key] = grid.multipole_potential(k, c[i], c[j])
        return potentials[key]

    for t in terms:
        i, j = t.i, t.j
        if t.direct:
            yi, yj = y(t.k, i, i), y(t.k, j, j)
            energy += t.coefficient * float((c[i] * c[i]) @ yj)
            gradients[i] += t.coefficient * yj * c[i]
            gradients[j] += t.coefficient * yi * c[j]
        else:
            yij = y(t.k, i, j)
            energy += t.coefficient * float((c[i] * c[j]) @ yij)
            gradients[i] += t.coefficient * yij * c[j]
            gradients[j] += t.coefficient * yij * c[i]
    return energy, gradients


def _local_densities(
    grid: RadialGrid, c: Sequence[np.ndarray], f: np.ndarray, shells: tuple[tuple[int, int], ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Radial weights ρ_p, density n, and m_p = Σ f² c²/(2l+1), for which f̄ = m/ρ."""
    rho = sum(fi * ci * ci for fi, ci in zip(f, c, strict=True))
    m = sum(fi * fi / (2 * l + 1) * ci * ci for fi, ci, (_, l) in zip(f, c, shells, strict=True))
    n = grid.density(rho)
    return np.where(n > DENSITY_FLOOR, rho, 0.0) + 1e-300, np.maximum(n, DENSITY_FLOOR), np.maximum(m, 1e-300)


def _mean_occupation(m: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """f̄ = m/ρ, kept off zero where there is no density."""
    return np.clip(m / rho, 1e-6, 2.0)


def _local(
    functional: Functional, ensemble: Ensemble, grid: RadialGrid, c: Sequence[np.ndarray], f: np.ndarray
) -> tuple[float, list[np.ndarray]]:
    """Energy of the local part and, per shell, the vector v such that ½ ∂E/∂c = v c."""
    rho, n, m = _local_densities(grid, c, f, ensemble.shells)
    if functional.name == "elda":
        occupation = _mean_occupation(m, rho)
        epsilon, d_n, d_f = _cofe(n, occupation, functional.correlation)
        common = epsilon + n * d_n - occupation * d_f
        potentials = [fi * (common + fi / (2 * l + 1) * d_f) for fi, (_, l) in zip(f, ensemble.shells, strict=True)]
        return float(np.sum(rho * epsilon)), potentials
    energy, potential = 0.0, np.zeros(grid.size)
    for amount, energy_of in _local_parts(functional, ensemble.multiplets, ensemble.multiplet_weights):
        energy += amount * float(np.sum(rho * energy_of(n)))
        potential = potential + amount * _potential(energy_of, n)
    return energy, [fi * potential for fi in f]


def _local_parts(
    functional: Functional, multiplets: tuple[Multiplet, ...], multiplet_weights: np.ndarray
) -> list[tuple[float, EnergyPerElectron]]:
    """(amount, ε(n)) of the pieces that depend on the density alone."""
    parts: list[tuple[float, EnergyPerElectron]] = []
    if functional.name == "qlda":
        for amount, theta in _equiensembles(functional, multiplets, multiplet_weights):
            parts.append((amount, partial(_thermal_or_cold, theta=theta)))
        return parts
    if functional.name == "lda":
        parts.append((1.0, gas.exchange))
    if functional.correlation == "pw92":
        parts.append((1.0, gas.pw92))
    elif functional.correlation == "vwn":
        parts.append((1.0, gas.vwn))
    return parts


def _potential(energy_of: EnergyPerElectron, n: np.ndarray) -> np.ndarray:
    """d(n ε)/dn."""
    return gas.derivative(lambda x: x * energy_of(x), n)


def _cofe(n: np.ndarray, occupation: np.ndarray, correlation: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ε, ∂ε/∂n and ∂ε/∂f̄ of the gas of constant occupation."""

    def epsilon(x: np.ndarray, f: np.ndarray) -> np.ndarray:
        value = gas.cofe_exchange(x, f)
        if correlation == "own":
            value = value + gas.cofe_correlation(x, f)
        return value

    d_n = gas.derivative(lambda x: epsilon(x, occupation + 0j), n)
    d_f = gas.derivative(lambda f: epsilon(n + 0j, f), occupation)
    return epsilon(n + 0j, occupation + 0j).real, d_n, d_f


def _thermal_or_cold(n: np.ndarray, theta: float) -> np.ndarray:
    """ε_xc at temperature θ; at θ = 0 Dirac exchange with PW92 correlation."""
    return gas.thermal_xc(n, theta) if theta > 0 else gas.exchange(n) + gas.pw92(n)


def _equiensembles(
    functional: Functional, multiplets: tuple[Multiplet, ...], multiplet_weights: np.ndarray
) -> list[tuple[float, float]]:
    """Any monotone weights are a sum of equiensembles of the M_K lowest: λ_K = M_K (w_K − w_{K+1}).

    Gives (λ_K, θ_K). Linear in the weights, so it serves for their differentials too.
    """
    per_state = [w / s.degeneracy for s, w in zip(multiplets, multiplet_weights, strict=True)] + [0.0]
    parts, size = [], 0
    for k, s in enumerate(multiplets):
        size += s.degeneracy
        amount = size * (per_state[k] - per_state[k + 1])
        if amount:
            parts.append((amount, functional.temperatures[size] if size > 1 else 0.0))
    return parts


def quasi_local_temperature(n: np.ndarray, rho: np.ndarray, size: int) -> float:
    """θ (hartree) at which the uniform gas at the local density n has the entropy ln M of `size` states.

    ∫ s^θ(n(r)) d³r = ln M: Kohn, Phys. Rev. A 34, 737 (1986). rho: the (N,) integration weights × density.
    """
    from scipy.optimize import brentq

    keep = n > DENSITY_FLOOR

    def excess(log_theta: float) -> float:
        return float(np.sum(rho[keep] * gas.ideal_entropy(n[keep], np.exp(log_theta)))) - np.log(size)

    return float(np.exp(brentq(excess, np.log(1e-4), np.log(1e3), xtol=1e-14)))
