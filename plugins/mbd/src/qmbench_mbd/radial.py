"""Dipole interaction tensors as pairs of radial functions: T(R) = A(r) 1 + B(r) R Rᵀ.

Every tensor of the MBD family has this form, so damping, assembly and derivatives are written once. Bare dipoles:
A = 1/r³, B = −3/r⁵. All lengths in bohr. Derivatives are requested with `derivatives=True`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from qmbench_mbd.oscillators import Array

_TWO_OVER_SQRT_PI = 2 / np.sqrt(np.pi)


def _absent() -> Array:
    return np.empty(0)


@dataclass(frozen=True)
class Radial:
    """A and B on an array of distances; with derivatives by r, and by the one other argument `p` (a width or a
    damping length). Absent derivatives are empty arrays."""

    a: Array
    b: Array
    a_r: Array = field(default_factory=_absent)
    b_r: Array = field(default_factory=_absent)
    a_p: Array = field(default_factory=_absent)
    b_p: Array = field(default_factory=_absent)


def fermi(r: Array, length: Array, steepness: float, derivatives: bool = False) -> tuple[Array, Array, Array]:
    """Fermi damping f = 1/(1+exp(−a(r/S−1))) and, if asked, ∂f/∂r and ∂f/∂S (otherwise empty arrays).

    Grimme's form as used by Tkatchenko and Scheffler (2009), eq 12; S is the damping length `length`.
    """
    from scipy.special import expit

    eta = r / length
    f = expit(steepness * (eta - 1))
    if not derivatives:
        return f, np.empty(0), np.empty(0)
    slope = steepness * f * expit(-steepness * (eta - 1))
    return f, slope / length, -slope * eta / length


def bare(r: Array, derivatives: bool = False) -> Radial:
    """Point dipoles, −∇∇(1/r)."""
    inv = 1 / r
    inv3 = inv * inv * inv
    a, b = inv3, -3 * inv3 * inv * inv
    if not derivatives:
        return Radial(a, b)
    return Radial(a, b, -3 * a * inv, -5 * b * inv)


def gaussian_widths(alpha: Array) -> Array:
    """Width σ = (√(2/π) α/3)^(1/3) in bohr of the Gaussian dipole that has polarizability α.

    A. Mayer, Phys. Rev. B 75, 045407 (2007).
    """
    return np.cbrt(np.sqrt(2 / np.pi) * alpha / 3)


def gaussian_change(r: Array, width: Array, derivatives: bool = False) -> Radial:
    """What `gaussian` dipoles have beyond point dipoles; falls as exp(−r²/σ²). Derivatives by r and σ."""
    from scipy.special import erfc

    z = r / width
    theta = _TWO_OVER_SQRT_PI * z * np.exp(-z * z)
    shape = -(erfc(z) + theta)  # erf z − θ − 1
    extra = 2 * z * z * theta
    inv = 1 / r
    inv3 = inv * inv * inv
    inv5 = inv3 * inv * inv
    a, b = shape * inv3, (extra - 3 * shape) * inv5
    if not derivatives:
        return Radial(a, b)
    # d(erf z − θ)/dz = 2zθ = extra/z; d(2z²θ)/dz = θ(6z − 4z³) = extra (3/z − 2z)
    a_z = extra / z * inv3
    b_z = -2 * z * extra * inv5  # the two 3·extra/z cancel
    z_r, z_p = 1 / width, -z / width
    return Radial(a, b, a_z * z_r - 3 * a * inv, b_z * z_r - 5 * b * inv, a_z * z_p, b_z * z_p)


def gaussian(r: Array, width: Array, derivatives: bool = False) -> Radial:
    """Dipoles smeared by Gaussians of combined width σ = √(σᵢ²+σⱼ²): −∇∇ erf(r/σ)/r. Derivatives by r and σ.

    A. Tkatchenko, R. A. DiStasio Jr., R. Car, M. Scheffler, Phys. Rev. Lett. 108, 236402 (2012), eqs 4 and 5: with
    θ = 2z exp(−z²)/√π, z = r/σ, A = (erf z − θ)/r³ and B = −[3 (erf z − θ) − 2z²θ]/r⁵.
    """
    point, change = bare(r, derivatives), gaussian_change(r, width, derivatives)
    a, b = point.a + change.a, point.b + change.b
    if not derivatives:
        return Radial(a, b)
    return Radial(a, b, point.a_r + change.a_r, point.b_r + change.b_r, change.a_p, change.b_p)


def long_range(r: Array, length: Array, steepness: float, derivatives: bool = False) -> Radial:
    """Fermi-damped point dipoles f T, the coupling of MBD oscillators. Derivatives by r and S."""
    f, f_r, f_s = fermi(r, length, steepness, derivatives)
    if not derivatives:
        inv = 1 / r
        f *= inv
        inv *= inv
        f *= inv
        inv *= f
        inv *= -3
        return Radial(f, inv)
    t = bare(r, derivatives)
    return Radial(f * t.a, f * t.b, f_r * t.a + f * t.a_r, f_r * t.b + f * t.b_r, f_s * t.a, f_s * t.b)


def exponential(r: Array, length: Array, steepness: float, derivatives: bool = False) -> Radial:
    """Coupling of MBD@SCS: −∇∇ [1 − exp(−(r/S)^a)]/r. Derivatives by r and S.

    Tkatchenko et al. (2012), eq 13.
    """
    s = (r / length) ** steepness
    decay = np.exp(-s)
    shape = 1 - decay - steepness * s * decay
    slope = steepness * s * decay * (1 - steepness + steepness * s)  # r d(shape)/dr
    inv = 1 / r
    inv3 = inv * inv * inv
    inv5 = inv3 * inv * inv
    a, b = shape * inv3, (slope - 3 * shape) * inv5
    if not derivatives:
        return Radial(a, b)
    # r d(slope)/dr, from d s/d ln r = a s
    curvature = steepness * slope * (1 - s) + steepness**3 * s * s * decay
    a_log, b_log = slope * inv3, (curvature - 3 * slope) * inv5
    return Radial(a, b, (a_log - 3 * a) * inv, (b_log - 5 * b) * inv, -a_log / length, -b_log / length)


# The couplings of MBD oscillators by name: MBD@rsSCS, MBD@TS and MBD-NL have the first, MBD@SCS the second.
COUPLINGS = {"fermi": long_range, "exponential": exponential}


def short_range(r: Array, length: Array, steepness: float, width: Array, derivatives: bool = False) -> Radial:
    """(1 − f) T_Gauss, the coupling inside range-separated screening. Derivatives by r and σ; for S use `fermi`."""
    f, f_r, _ = fermi(r, length, steepness, derivatives)
    t = gaussian(r, width, derivatives)
    g = 1 - f
    if not derivatives:
        return Radial(g * t.a, g * t.b)
    return Radial(g * t.a, g * t.b, g * t.a_r - f_r * t.a, g * t.b_r - f_r * t.b, g * t.a_p, g * t.b_p)
