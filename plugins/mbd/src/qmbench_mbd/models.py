"""Dispersion energies and gradients of finite systems: TS, and MBD with and without screening.

Energies in hartree, lengths in bohr. Gradients are analytic, by reverse accumulation: dE/dT is formed once and
contracted with the radial derivatives, so that no third-rank tensor is ever stored.
"""

from __future__ import annotations

import numpy as np

from qmbench import InputError
from qmbench_mbd.dipole import Pairs, contract, fill_upper, pairs, per_atom
from qmbench_mbd.errors import refuse_imaginary
from qmbench_mbd.lapack import eigensystem, eigenvalues
from qmbench_mbd.oscillators import Array, Gradient, Oscillators
from qmbench_mbd.parameters import MBD_STEEPNESS, TS_STEEPNESS
from qmbench_mbd.radial import COUPLINGS, fermi
from qmbench_mbd.screening import screen
from qmbench_mbd.screening_equations import RangeSeparation
from qmbench_mbd.screening_gradient import through_screening

# variant of MBD -> the coupling of its oscillators, once they are screened: "plain" not at all, "scs" at full range,
# "rsscs" at short range
COUPLING_OF_VARIANT = {"plain": "fermi", "scs": "exponential", "rsscs": "fermi"}


def combined_c6(alpha: Array, c6: Array) -> Array:
    """C6 of every pair (N, N): 2 Cᵢ Cⱼ / (Cᵢ αⱼ/αᵢ + Cⱼ αᵢ/αⱼ), Tkatchenko and Scheffler (2009), eq 4."""
    ratio = alpha[None, :] / alpha[:, None]
    return 2 * c6[:, None] * c6[None, :] / (ratio * c6[:, None] + c6[None, :] / ratio)


def ts_energy(o: Oscillators, s_r: float, steepness: float = TS_STEEPNESS) -> float:
    """Pairwise energy −½ Σ f C6/r⁶ in hartree. Tkatchenko and Scheffler (2009), eq 13."""
    p = pairs(o.positions)
    f, _, _ = fermi(p.distance, o.damping_lengths(s_r), steepness)
    return float(-0.5 * np.sum(f * combined_c6(o.alpha, o.c6) * p.mask / p.distance**6))


def ts_gradient(o: Oscillators, s_r: float, steepness: float = TS_STEEPNESS) -> tuple[float, Gradient]:
    """TS energy (hartree) and its derivatives."""
    p = pairs(o.positions)
    f, f_r, f_s = fermi(p.distance, o.damping_lengths(s_r), steepness, derivatives=True)
    inv6 = p.mask / p.distance**6
    c = combined_c6(o.alpha, o.c6)
    energy = -0.5 * np.sum(f * c * inv6)
    by_distance = -0.5 * c * inv6 * (f_r - 6 * f / p.distance)
    by_c = -0.5 * f * inv6
    # ln C = ln 2 + ln Cᵢ + ln Cⱼ − ln D, D = Cᵢ αⱼ/αᵢ + Cⱼ αᵢ/αⱼ; every pair is counted in both orders
    first = o.c6[:, None] * o.alpha[None, :] / o.alpha[:, None]
    share = first / (first + first.T)
    by_c6 = 2 * np.sum(by_c * c * (1 - share), 1) / o.c6
    by_alpha = 2 * np.sum(by_c * c * (2 * share - 1), 1) / o.alpha
    by_radius = 2 * s_r * np.sum(-0.5 * c * inv6 * f_s, 1)
    return float(energy), Gradient(per_atom(by_distance / p.distance * p.vector), by_alpha, by_c6, by_radius)


def mbd_energy(o: Oscillators, beta: float, steepness: float = MBD_STEEPNESS, variant: str = "rsscs") -> float:
    """Many-body dispersion energy in hartree.

    `variant`: "plain" couples the oscillators as given; "rsscs" screens them at short range first (MBD@rsSCS); "scs"
    screens at full range and couples through the exponentially damped potential (MBD@SCS, β = 1).
    Raises PolarizationCatastrophe instead of returning a number when a mode is imaginary.
    """
    return coupled_energy(screened(o, beta, steepness, variant), beta, steepness, COUPLING_OF_VARIANT[variant])


def mbd_gradient(
    o: Oscillators, beta: float, steepness: float = MBD_STEEPNESS, variant: str = "rsscs"
) -> tuple[float, Gradient]:
    """MBD energy (hartree) and its analytic derivatives; arguments and errors as `mbd_energy`."""
    check_variant(variant)
    coupling = COUPLING_OF_VARIANT[variant]
    if variant == "plain":
        return _coupled_gradient(o, beta, steepness, coupling)
    s = screen(o, range_separation(beta, steepness, variant), keep_factors=True)
    energy, outer = _coupled_gradient(s.oscillators, beta, steepness, coupling)
    return energy, through_screening(s, outer)


def screened(o: Oscillators, beta: float, steepness: float, variant: str) -> Oscillators:
    """The oscillators that a variant of MBD couples. Raises PolarizationCatastrophe."""
    check_variant(variant)
    return o if variant == "plain" else screen(o, range_separation(beta, steepness, variant)).oscillators


def range_separation(beta: float, steepness: float, variant: str) -> RangeSeparation | None:
    """That of a variant's screening, None for screening at full range."""
    return RangeSeparation(beta, steepness) if variant == "rsscs" else None


def check_variant(variant: str) -> None:
    """InputError for what is no variant of MBD."""
    if variant not in COUPLING_OF_VARIANT:
        raise InputError(f"variant must be one of {', '.join(COUPLING_OF_VARIANT)}, not {variant!r}")


def coupled_energy(o: Oscillators, beta: float, steepness: float = MBD_STEEPNESS, coupling: str = "fermi") -> float:
    """½ Σ Ω_k − ³⁄₂ Σ ωᵢ in hartree, of oscillators taken as they are; Ω_k² are the eigenvalues of V."""
    squared = eigenvalues(_upper_potential(o, pairs(o.positions), beta, steepness, coupling))
    if squared[0] <= 0:
        refuse_imaginary(*np.linalg.eigh(potential_matrix(o, beta, steepness, coupling)), len(o.alpha))
    return float(0.5 * np.sqrt(squared).sum() - 1.5 * o.omega.sum())


def potential_matrix(o: Oscillators, beta: float, steepness: float = MBD_STEEPNESS, coupling: str = "fermi") -> Array:
    """V of H = ½π² + ½ ξᵀVξ, component-major (3N, 3N): ω² on the diagonal, ωᵢωⱼ√(αᵢαⱼ) Tᵢⱼ off it.

    Ambrosetti et al. (2014), eq 3.
    """
    upper = np.triu(_upper_potential(o, pairs(o.positions), beta, steepness, coupling))
    return upper + np.triu(upper, 1).T


def _upper_potential(o: Oscillators, p: Pairs, beta: float, steepness: float, coupling: str) -> Array:
    """As `potential_matrix`, its upper triangle alone."""
    n, strength = len(o.alpha), o.strength
    t = COUPLINGS[coupling](p.distance, o.damping_lengths(beta), steepness)
    scale = strength[:, None] * strength * p.mask
    out = np.empty((3, n, 3, n))
    fill_upper(out, scale * t.a, scale * t.b, p.vector)
    matrix = out.reshape(3 * n, 3 * n)
    matrix.reshape(-1)[:: 3 * n + 1] += np.tile(o.omega**2, 3)
    return matrix


def _coupled_gradient(o: Oscillators, beta: float, steepness: float, coupling: str) -> tuple[float, Gradient]:
    """Energy and derivatives of coupled oscillators by positions, α, C6 and R: dE/dV = ¼ V^(−½)."""
    n, p = len(o.alpha), pairs(o.positions)
    squared, modes = eigensystem(_upper_potential(o, p, beta, steepness, coupling))
    refuse_imaginary(squared, modes, n)
    energy = 0.5 * np.sqrt(squared).sum() - 1.5 * o.omega.sum()
    half = modes * squared**-0.25
    by_v = 0.25 * (half @ half.T).reshape(3, n, 3, n)

    t = COUPLINGS[coupling](p.distance, o.damping_lengths(beta), steepness, True)
    scale = o.strength[:, None] * o.strength[None, :]
    by_vector, by_a, by_b = contract(p, t, by_v.transpose(0, 2, 1, 3))
    by_strength = 2 * (by_a * t.a + by_b * t.b) @ o.strength
    by_omega = 2 * o.omega * np.einsum("cici->i", by_v) - 1.5
    by_length = (by_a * t.a_p + by_b * t.b_p) * scale
    by_alpha, by_c6 = o.through_coupling(by_strength, by_omega)
    return float(energy), Gradient(per_atom(by_vector * scale), by_alpha, by_c6, 2 * beta * by_length.sum(1))
