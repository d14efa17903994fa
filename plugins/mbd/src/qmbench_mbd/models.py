"""Dispersion energies and gradients of finite systems: TS, and MBD with and without screening.

Energies in hartree, lengths in bohr. Gradients are analytic, by reverse accumulation: dE/dT is formed once and
contracted with the radial derivatives, so that no third-rank tensor is ever stored.
"""

from __future__ import annotations

import numpy as np

from qmbench import InputError
from qmbench_mbd import lapack
from qmbench_mbd.dipole import Pairs, contract, fill_upper, pairs, per_atom
from qmbench_mbd.parameters import MBD_STEEPNESS, TS_STEEPNESS, Array, Oscillators
from qmbench_mbd.radial import exponential, fermi, long_range
from qmbench_mbd.screening import Gradient, Screening, refuse_imaginary, screen, through_screening

VARIANTS = ("plain", "scs", "rsscs")


def combined_c6(alpha: Array, c6: Array) -> Array:
    """C6 of every pair (N, N): 2 Cᵢ Cⱼ / (Cᵢ αⱼ/αᵢ + Cⱼ αᵢ/αⱼ), Tkatchenko and Scheffler (2009), eq 4."""
    ratio = alpha[None, :] / alpha[:, None]
    return 2 * c6[:, None] * c6[None, :] / (ratio * c6[:, None] + c6[None, :] / ratio)


def ts_energy(o: Oscillators, s_r: float, steepness: float = TS_STEEPNESS) -> float:
    """Pairwise energy −½ Σ f C6/r⁶ in hartree. Tkatchenko and Scheffler (2009), eq 13."""
    p = pairs(o.positions)
    f, _, _ = fermi(p.distance, s_r * (o.radii[:, None] + o.radii[None, :]), steepness)
    return float(-0.5 * np.sum(f * combined_c6(o.alpha, o.c6) * p.mask / p.distance**6))


def ts_gradient(o: Oscillators, s_r: float, steepness: float = TS_STEEPNESS) -> tuple[float, Gradient]:
    """TS energy (hartree) and its derivatives."""
    p = pairs(o.positions)
    f, f_r, f_s = fermi(p.distance, s_r * (o.radii[:, None] + o.radii[None, :]), steepness, derivatives=True)
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


def potential_matrix(o: Oscillators, beta: float, steepness: float = MBD_STEEPNESS, coupling: str = "fermi") -> Array:
    """V of H = ½π² + ½ ξᵀVξ, component-major (3N, 3N): ω² on the diagonal, ωᵢωⱼ√(αᵢαⱼ) Tᵢⱼ off it.

    Ambrosetti et al. (2014), eq 3.
    """
    upper = np.triu(_upper_potential(pairs(o.positions), o, beta, steepness, coupling))
    return upper + np.triu(upper, 1).T


def _upper_potential(p: Pairs, o: Oscillators, beta: float, steepness: float, coupling: str) -> Array:
    """As `potential_matrix`, its upper triangle alone."""
    n = len(o.alpha)
    radial = {"fermi": long_range, "exponential": exponential}[coupling]
    t = radial(p.distance, beta * (o.radii[:, None] + o.radii[None, :]), steepness)
    strength = o.omega * np.sqrt(o.alpha)
    scale = strength[:, None] * strength[None, :]
    np.fill_diagonal(scale, 0.0)
    a, b = t.a, t.b
    a *= scale
    b *= scale
    out = np.empty((3, n, 3, n))
    fill_upper(out, a, b, p.vector)
    out.reshape(-1)[:: 3 * n + 1] += np.tile(o.omega**2, 3)
    return out.reshape(3 * n, 3 * n)


def coupled_energy(o: Oscillators, beta: float, steepness: float = MBD_STEEPNESS, coupling: str = "fermi") -> float:
    """½ Σ Ω_k − ³⁄₂ Σ ωᵢ in hartree, of oscillators taken as they are."""
    return _coupled_energy(pairs(o.positions), o, beta, steepness, coupling)


def _coupled_energy(p: Pairs, o: Oscillators, beta: float, steepness: float, coupling: str) -> float:
    squared = lapack.eigenvalues(_upper_potential(p, o, beta, steepness, coupling))
    if squared[0] <= 0:
        refuse_imaginary(*np.linalg.eigh(potential_matrix(o, beta, steepness, coupling)), len(o.alpha))
    return float(0.5 * np.sqrt(squared).sum() - 1.5 * o.omega.sum())


def _coupled_gradient(p: Pairs, o: Oscillators, beta: float, steepness: float, coupling: str) -> tuple[float, Gradient]:
    """Energy and derivatives of coupled oscillators by positions, α, C6 and R."""
    n = len(o.alpha)
    squared, modes = lapack.eigensystem(_upper_potential(p, o, beta, steepness, coupling))
    refuse_imaginary(squared, modes, n)
    energy = 0.5 * np.sqrt(squared).sum() - 1.5 * o.omega.sum()
    half = modes * squared**-0.25
    by_v = 0.25 * (half @ half.T).reshape(3, n, 3, n)

    radii = o.radii[:, None] + o.radii[None, :]
    radial = {"fermi": long_range, "exponential": exponential}[coupling]
    t = radial(p.distance, beta * radii, steepness, True)
    strength = o.omega * np.sqrt(o.alpha)
    by_omega = 2 * o.omega * np.einsum("cici->i", by_v) - 1.5
    gradient, by_a, by_b = contract(p, t, by_v.transpose(0, 2, 1, 3))
    coupled = by_a * t.a + by_b * t.b
    by_strength = 2 * (coupled @ strength)
    pair_strength = strength[:, None] * strength[None, :]
    by_length = (by_a * t.a_p + by_b * t.b_p) * pair_strength
    # strength = (4/3) C6 α^(−3/2), ω = (4/3) C6 α^(−2)
    by_alpha = -1.5 * by_strength * strength / o.alpha - 2 * by_omega * o.omega / o.alpha
    by_c6 = (by_strength * strength + by_omega * o.omega) / o.c6
    return float(energy), Gradient(per_atom(gradient * pair_strength), by_alpha, by_c6, 2 * beta * by_length.sum(1))


def _screened(
    o: Oscillators, beta: float, steepness: float, variant: str, keep: bool
) -> tuple[Screening | None, tuple[Pairs, Oscillators, float, float, str]]:
    """The screening, if the variant has one, and the arguments with which the oscillators are coupled after it."""
    if variant not in VARIANTS:
        raise InputError(f"variant must be one of {', '.join(VARIANTS)}, not {variant!r}")
    if variant == "plain":
        return None, (pairs(o.positions), o, beta, steepness, "fermi")
    s = screen(o, (beta, steepness) if variant == "rsscs" else None, keep=keep)
    return s, (s.response.p, s.oscillators, beta, steepness, "fermi" if variant == "rsscs" else "exponential")


def mbd_energy(o: Oscillators, beta: float, steepness: float = MBD_STEEPNESS, variant: str = "rsscs") -> float:
    """Many-body dispersion energy in hartree.

    `variant`: "plain" couples the oscillators as given; "rsscs" screens them at short range first (MBD@rsSCS); "scs"
    screens at full range and couples through the exponentially damped potential (MBD@SCS, β = 1).
    Raises PolarizationCatastrophe instead of returning a number when a mode is imaginary.
    """
    return _coupled_energy(*_screened(o, beta, steepness, variant, False)[1])


def mbd_gradient(
    o: Oscillators, beta: float, steepness: float = MBD_STEEPNESS, variant: str = "rsscs"
) -> tuple[float, Gradient]:
    """MBD energy (hartree) and its analytic derivatives; arguments and errors as `mbd_energy`."""
    s, inner = _screened(o, beta, steepness, variant, True)
    energy, outer = _coupled_gradient(*inner)
    return energy, outer if s is None else through_screening(o, s, outer)
