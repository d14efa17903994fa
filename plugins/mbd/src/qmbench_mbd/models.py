"""Dispersion energies and gradients of finite systems: TS, and MBD with and without screening.

Energies in hartree, lengths in bohr. Gradients are analytic, by reverse accumulation: dE/dT is formed once and
contracted with the radial derivatives, so that no third-rank tensor is ever stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from qmbench import InputError
from qmbench_mbd.dipole import Pairs, assemble, contract, fill_upper, pairs, per_atom
from qmbench_mbd.errors import PolarizationCatastrophe
from qmbench_mbd.parameters import MBD_STEEPNESS, TS_STEEPNESS, Array, Oscillators
from qmbench_mbd.radial import Radial, exponential, fermi, gaussian, gaussian_shape, long_range, short_range

N_FREQUENCIES = 15
VARIANTS = ("plain", "scs", "rsscs")


@dataclass(frozen=True)
class Gradient:
    """Derivatives of a dispersion energy: by `positions` (N, 3) at fixed ratios, and by the inputs α, C6, R (N,)."""

    positions: Array
    alpha: Array
    c6: Array
    radii: Array

    def with_ratios(self, oscillators: Oscillators, ratios: Array, ratio_gradient: Array) -> Array:
        """Total dE/dr (N, 3) when oscillators follow volume ratios v (N,) with `ratio_gradient` dv_A/dr (N, N, 3)."""
        by_ratio = (
            self.alpha * oscillators.alpha + 2 * self.c6 * oscillators.c6 + self.radii * oscillators.radii / 3
        ) / ratios
        return self.positions + np.einsum("a,aix->ix", by_ratio, ratio_gradient)


def frequency_grid(n: int = N_FREQUENCIES, scale: float = 0.6) -> tuple[Array, Array]:
    """Imaginary frequencies (hartree) and weights for ∫₀^∞ du: zero (weight 0), then n Gauss–Legendre points mapped
    by u = scale (1+x)/(1−x). The same grid as libMBD's.
    """
    x, w = np.polynomial.legendre.leggauss(n)
    u = scale * (1 + x) / (1 - x)
    return np.append(0.0, u), np.append(0.0, 2 * scale * w / (1 - x) ** 2)


def dynamic_polarizability(alpha: Array, omega: Array, u: Array) -> Array:
    """α(iu) = α/(1+(u/ω)²), shape (len(u), N)."""
    return alpha / (1 + (u[:, None] / omega) ** 2)


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


@dataclass(frozen=True)
class Screening:
    """Screened oscillators and, per frequency, what the gradient needs."""

    oscillators: Oscillators
    u: Array
    weights: Array
    alpha: Array
    screened: Array


def gaussian_widths(alpha: Array) -> Array:
    """Width of the Gaussian dipole that has polarizability α: (√(2/π) α/3)^(1/3) bohr."""
    return np.cbrt(np.sqrt(2 / np.pi) * alpha / 3)


def _screening_coupling(
    p: Pairs, o: Oscillators, alpha: Array, damping: tuple[float, float] | None, slopes: bool
) -> Radial:
    sigma = gaussian_widths(alpha)
    width = np.sqrt(sigma[:, None] ** 2 + sigma[None, :] ** 2)
    if damping is None:
        return gaussian(p.distance, width, slopes)
    beta, steepness = damping
    return short_range(p.distance, beta * (o.radii[:, None] + o.radii[None, :]), steepness, width, slopes)


class _Response:
    """(α⁻¹ + T)⁻¹ at one frequency after another. What does not depend on the frequency is computed once, and the
    matrix lives in one buffer: at small sizes this, not LAPACK, is the time."""

    def __init__(self, p: Pairs, o: Oscillators, damping: tuple[float, float] | None) -> None:
        n = len(o.alpha)
        self.p = p
        kept = p.mask
        if damping is not None:
            beta, steepness = damping
            f, _, _ = fermi(p.distance, beta * (o.radii[:, None] + o.radii[None, :]), steepness)
            kept = (1 - f) * p.mask
        # Every pair's integrals are the same from both ends: i < j only, and back by a table.
        self.i, self.j = np.triu_indices(n, 1)
        self.back = np.zeros((n, n), dtype=np.intp)
        self.back[self.i, self.j] = self.back[self.j, self.i] = np.arange(len(self.i))
        self.r = p.distance[self.i, self.j]
        inverse = 1 / p.distance
        self.scale_a = kept * inverse**3
        self.scale_b = self.scale_a * inverse * inverse
        self.buffer = np.empty((3, n, 3, n))
        self.right = np.kron(np.eye(3), np.ones((n, 1)))
        self.diagonal = np.arange(n)

    def solve(self, alpha: Array, u: float) -> tuple:
        """Cholesky factor of α⁻¹ + T, valid until the next call, and Y = (α⁻¹ + T)⁻¹ (1 ⊗ e_c), (3N, 3)."""
        from scipy.linalg import LinAlgError, cho_factor, cho_solve

        n = len(alpha)
        sigma = gaussian_widths(alpha)
        if n > 1:
            squared = sigma**2
            shape, extra = gaussian_shape(self.r / np.sqrt(squared[self.i] + squared[self.j]))
            extra -= 3 * shape
            a, b = shape[self.back], extra[self.back]
            a *= self.scale_a
            b *= self.scale_b
            fill_upper(self.buffer, a, b, self.p.vector)
        else:
            self.buffer[:] = 0.0
        for c in range(3):
            self.buffer[c, self.diagonal, c, self.diagonal] += 1 / alpha
        try:
            # LAPACK reads columns: the upper triangle of our rows is the lower one of its columns.
            factor = cho_factor(self.buffer.reshape(3 * n, 3 * n).T, lower=True, overwrite_a=True, check_finite=False)
        except LinAlgError:
            fill_upper(self.buffer, a, b, self.p.vector)
            matrix = np.triu(self.buffer.reshape(3 * n, 3 * n))
            matrix += np.triu(matrix, 1).T + np.diag(np.tile(1 / alpha, 3))
            refuse_negative_response(matrix, alpha, u)
        return factor, cho_solve(factor, self.right, check_finite=False)


def screen(o: Oscillators, damping: tuple[float, float] | None, n_frequencies: int = N_FREQUENCIES) -> Screening:
    """Self-consistent screening of atomic polarizabilities.

    `damping` is (β, steepness) for the range-separated form (rsSCS) and None for the full one (SCS). The screened
    α_A(iu) = ⅓ Tr Σ_B [(α⁻¹ + T)⁻¹]_AB is contracted to atoms. Tkatchenko et al. (2012), eq 6; A. Ambrosetti,
    A. M. Reilly, R. A. DiStasio Jr., A. Tkatchenko, J. Chem. Phys. 140, 18A508 (2014), eqs 12 and 13.
    Raises PolarizationCatastrophe if the response is not positive.
    """
    n = len(o.alpha)
    u, weights = frequency_grid(n_frequencies)
    alpha = dynamic_polarizability(o.alpha, o.omega, u)
    screened = np.empty_like(alpha)
    response = _Response(pairs(o.positions), o, damping)
    for k in range(len(u)):
        _, y = response.solve(alpha[k], float(u[k]))
        screened[k] = np.einsum("cic->i", y.reshape(3, n, 3)) / 3
    return Screening(screened_oscillators(o, weights, screened), u, weights, alpha, screened)


def screened_oscillators(o: Oscillators, weights: Array, screened: Array) -> Oscillators:
    """Oscillators from screened α(iu) (n_u, N): C6 by Casimir–Polder, radii by the cube root of the static change.

    Raises PolarizationCatastrophe naming the atoms whose screened polarizability is not positive.
    """
    bad = np.flatnonzero((screened <= 0).any(0))
    if len(bad):
        names = ", ".join(str(i + 1) for i in bad[:10])
        raise PolarizationCatastrophe(
            f"polarization catastrophe: screened polarizability not positive on atoms {names}"
        )
    c6 = 3 / np.pi * weights @ screened**2
    return Oscillators(o.positions, screened[0], c6, o.radii * np.cbrt(screened[0] / o.alpha))


def potential_matrix(o: Oscillators, beta: float, steepness: float = MBD_STEEPNESS, coupling: str = "fermi") -> Array:
    """V of H = ½π² + ½ ξᵀVξ, component-major (3N, 3N): ω² on the diagonal, ωᵢωⱼ√(αᵢαⱼ) Tᵢⱼ off it.

    Ambrosetti et al. (2014), eq 3.
    """
    p = pairs(o.positions)
    length = beta * (o.radii[:, None] + o.radii[None, :])
    radial = {"fermi": long_range, "exponential": exponential}[coupling]
    matrix = assemble(p, radial(p.distance, length, steepness), o.omega * np.sqrt(o.alpha))
    matrix[np.diag_indices(len(matrix))] += np.tile(o.omega**2, 3)
    return matrix


def refuse_imaginary(eigenvalues: Array, vectors: Array | None, n_atoms: int) -> None:
    """Raise PolarizationCatastrophe if a squared frequency is not positive, naming the modes and their main atoms."""
    bad = np.flatnonzero(eigenvalues <= 0)
    if not len(bad):
        return
    named = []
    for k in bad[:5]:
        text = f"mode {k + 1} (ω² = {eigenvalues[k]:.3e} hartree²"
        if vectors is not None:
            text += f", atoms {_main_atoms(vectors[:, k], n_atoms)}"
        named.append(text + ")")
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    raise PolarizationCatastrophe(f"polarization catastrophe: {len(bad)} imaginary: {'; '.join(named)}{more}")


def refuse_negative_response(matrix: Array, alpha: Array, u: float) -> NoReturn:
    """Raise PolarizationCatastrophe for α⁻¹ + T (3N, 3N), component-major, that is not positive at the imaginary
    frequency u, naming the negative modes of 1 + √α T √α and their main atoms."""
    root = np.sqrt(np.tile(alpha, 3))
    values, modes = np.linalg.eigh(root[:, None] * matrix * root[None, :])
    named = "; ".join(
        f"mode {k + 1} ({values[k]:.3e}, atoms {_main_atoms(modes[:, k], len(alpha))})"
        for k in range(max(1, min(5, int(np.sum(values <= 0)))))
    )
    raise PolarizationCatastrophe(
        f"polarization catastrophe: at imaginary frequency {u:.4g} hartree the screened response 1 + αT has a negative "
        f"mode, so these atoms are too close for their polarizabilities: {named}"
    )


def _main_atoms(mode: Array, n_atoms: int) -> str:
    weight = (np.abs(mode.reshape(3, n_atoms)) ** 2).sum(0)
    return " ".join(str(i + 1) for i in np.argsort(weight)[::-1][:3] if weight[i] > 0.05)


def coupled_energy(o: Oscillators, beta: float, steepness: float = MBD_STEEPNESS, coupling: str = "fermi") -> float:
    """½ Σ Ω_k − ³⁄₂ Σ ωᵢ in hartree, of oscillators taken as they are."""
    from scipy.linalg import eigh

    matrix = potential_matrix(o, beta, steepness, coupling)
    squared = eigh(matrix.T, eigvals_only=True, overwrite_a=True, check_finite=False, driver="ev")
    if squared[0] <= 0:
        refuse_imaginary(*np.linalg.eigh(potential_matrix(o, beta, steepness, coupling)), len(o.alpha))
    return float(0.5 * np.sqrt(squared).sum() - 1.5 * o.omega.sum())


def _coupled_gradient(o: Oscillators, beta: float, steepness: float, coupling: str) -> tuple[float, Gradient]:
    """Energy and derivatives of coupled oscillators by positions, α, C6 and R."""
    from scipy.linalg import eigh

    n = len(o.alpha)
    matrix = potential_matrix(o, beta, steepness, coupling)
    squared, modes = eigh(matrix.T, overwrite_a=True, check_finite=False, driver="evd")
    refuse_imaginary(squared, modes, n)
    energy = 0.5 * np.sqrt(squared).sum() - 1.5 * o.omega.sum()
    half = modes * squared**-0.25
    by_v = 0.25 * (half @ half.T).reshape(3, n, 3, n)

    p = pairs(o.positions)
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


def mbd_energy(o: Oscillators, beta: float, steepness: float = MBD_STEEPNESS, variant: str = "rsscs") -> float:
    """Many-body dispersion energy in hartree.

    `variant`: "plain" couples the oscillators as given; "rsscs" screens them at short range first (MBD@rsSCS); "scs"
    screens at full range and couples through the exponentially damped potential (MBD@SCS, β = 1).
    Raises PolarizationCatastrophe instead of returning a number when a mode is imaginary.
    """
    if variant not in VARIANTS:
        raise InputError(f"variant must be one of {', '.join(VARIANTS)}, not {variant!r}")
    if variant == "plain":
        return coupled_energy(o, beta, steepness)
    s = screen(o, (beta, steepness) if variant == "rsscs" else None)
    return coupled_energy(s.oscillators, beta, steepness, "fermi" if variant == "rsscs" else "exponential")


def mbd_gradient(
    o: Oscillators, beta: float, steepness: float = MBD_STEEPNESS, variant: str = "rsscs"
) -> tuple[float, Gradient]:
    """MBD energy (hartree) and its analytic derivatives; arguments and errors as `mbd_energy`."""
    if variant not in VARIANTS:
        raise InputError(f"variant must be one of {', '.join(VARIANTS)}, not {variant!r}")
    if variant == "plain":
        return _coupled_gradient(o, beta, steepness, "fermi")
    damping = (beta, steepness) if variant == "rsscs" else None
    s = screen(o, damping)
    energy, outer = _coupled_gradient(s.oscillators, beta, steepness, "fermi" if damping else "exponential")
    return energy, _through_screening(o, s, damping, outer)


def _through_screening(o: Oscillators, s: Screening, damping: tuple[float, float] | None, outer: Gradient) -> Gradient:
    """Chain rule from screened oscillators back to the unscreened ones and the positions."""
    from scipy.linalg import cho_solve

    n = len(o.alpha)
    p = pairs(o.positions)
    by_screened = 6 / np.pi * s.weights[:, None] * s.screened * outer.c6
    by_radius_static = outer.radii * s.oscillators.radii / 3
    by_screened[0] += outer.alpha + by_radius_static / s.screened[0]

    positions = outer.positions.copy()
    by_alpha_static = -by_radius_static / o.alpha
    by_radii = outer.radii * s.oscillators.radii / o.radii
    by_dynamic = np.zeros_like(s.alpha)
    response = _Response(p, o, damping)
    for k in range(len(s.u)):
        alpha = s.alpha[k]
        factor, y = response.solve(alpha, float(s.u[k]))
        x = cho_solve(factor, np.kron(np.eye(3), by_screened[k][:, None]), check_finite=False)
        weights = (-(x @ y.T) / 3).reshape(3, n, 3, n)
        by_dynamic[k] = -np.einsum("cici->i", weights) / alpha**2
        t = _screening_coupling(p, o, alpha, damping, True)
        gradient, by_a, by_b = contract(p, t, weights.transpose(0, 2, 1, 3))
        positions += per_atom(gradient)
        by_width = by_a * t.a_p + by_b * t.b_p
        sigma = gaussian_widths(alpha)
        width = np.sqrt(sigma[:, None] ** 2 + sigma[None, :] ** 2)
        by_sigma = ((by_width + by_width.T) / width).sum(1) * sigma
        by_dynamic[k] += by_sigma * sigma / (3 * alpha)
        if damping is not None:
            beta, steepness = damping
            f, _, f_s = fermi(p.distance, beta * (o.radii[:, None] + o.radii[None, :]), steepness, True)
            by_f = -(by_a * t.a + by_b * t.b) / np.maximum(1 - f, np.finfo(float).tiny)
            by_length = by_f * f_s
            by_radii = by_radii + beta * (by_length + by_length.T).sum(1)
    # α(iu) = α ω²/(ω²+u²), ω = (4/3) C6/α²
    fraction = s.alpha / o.alpha
    by_log_omega = (by_dynamic * s.alpha * 2 * (1 - fraction)).sum(0)
    by_alpha = by_alpha_static + (by_dynamic * fraction).sum(0) - 2 * by_log_omega / o.alpha
    return Gradient(positions, by_alpha, by_log_omega / o.c6, by_radii)
