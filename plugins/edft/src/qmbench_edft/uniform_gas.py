"""The uniform electron gas behind every local functional: ground state, thermal, and half-filled shells.

Energies per electron in hartree, densities in bohr⁻³, temperatures in hartree (k_B = 1). First derivatives are
taken by the complex step, which is exact to rounding: Squire and Trapp, SIAM Rev. 40, 110 (1998).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.interpolate import CubicSpline

_EXCHANGE = -0.75 * (3 / np.pi) ** (1 / 3)  # Dirac: ε_x = _EXCHANGE n^(1/3)
_STEP = 1e-30


def derivative(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    """d function / dx at real x (any shape), by the complex step."""
    return np.imag(function(x * (1 + 1j * _STEP))) / (x * _STEP)


def wigner_seitz(n: np.ndarray) -> np.ndarray:
    """r_s of density n."""
    return (3 / (4 * np.pi * n)) ** (1 / 3)


def exchange(n: np.ndarray) -> np.ndarray:
    """Dirac exchange of the unpolarised gas. Dirac, Proc. Camb. Phil. Soc. 26, 376 (1930)."""
    return _EXCHANGE * n ** (1 / 3)


def _pw_form(rs: np.ndarray, a: float, a1: float, b1: float, b2: float, b3: float, b4: float) -> np.ndarray:
    """Perdew and Wang's G(r_s), Phys. Rev. B 45, 13244 (1992), eq. 10, with p = 1."""
    s = np.sqrt(rs)
    return -2 * a * (1 + a1 * rs) * np.log(1 + 1 / (2 * a * (b1 * s + b2 * rs + b3 * rs * s + b4 * rs * rs)))


def pw92(n: np.ndarray) -> np.ndarray:
    """Correlation of the unpolarised gas, Perdew and Wang, Phys. Rev. B 45, 13244 (1992), table I.

    A = (1 − ln 2)/π² to all digits, as their analysis gives it.
    """
    return _pw_form(wigner_seitz(n), (1 - np.log(2)) / np.pi**2, 0.21370, 7.5957, 3.5876, 1.6382, 0.49294)


def vwn(n: np.ndarray) -> np.ndarray:
    """Correlation of the unpolarised gas, Vosko, Wilk and Nusair, Can. J. Phys. 58, 1200 (1980), eq. 4.4 (VWN5)."""
    a, x0, b, c = 0.0310907, -0.10498, 3.72744, 12.9352
    x = np.sqrt(wigner_seitz(n))
    q = np.sqrt(4 * c - b * b)

    def big(y: np.ndarray | float) -> np.ndarray | float:
        return y * y + b * y + c

    arc = np.arctan(q / (2 * x + b))
    shift = np.log((x - x0) ** 2 / big(x)) + 2 * (b + 2 * x0) / q * arc
    return a * (np.log(x * x / big(x)) + 2 * b / q * arc - b * x0 / big(x0) * shift)


# Perdew–Wang parameters of the gas of constant occupation f̄ = 2, 1.85, 3/2, 1
_COFE = {
    2.0: (0.031091, 0.1825, 7.5961, 3.5879, 1.2666, 0.4169),
    1.85: (0.028833, 0.2249, 8.1444, 3.8250, 1.6479, 0.5279),
    1.5: (0.023303, 0.2946, 9.8903, 4.5590, 2.5564, 0.7525),
    1.0: (0.015545, 0.1260, 14.1229, 6.2011, 1.6503, 0.3954),
}


def cofe_exchange(n: np.ndarray, occupation: np.ndarray) -> np.ndarray:
    """Exchange of the gas whose occupied levels hold `occupation` electrons each (2: the ground state).

    Gould and Pittalis, Phys. Rev. X 14, 041045 (2024): ε_x = ε_x(n) (2/f̄)^(1/3).
    """
    return exchange(n) * (2 / occupation) ** (1 / 3)


def cofe_correlation(n: np.ndarray, occupation: np.ndarray) -> np.ndarray:
    """Correlation of the gas of constant occupation f̄ ≤ 2. Gould and Pittalis, PRX 14, 041045 (2024).

    For 1 ≤ f̄ ≤ 2 the cubic through their fits at f̄ = 2, 1.85, 3/2 and 1. There is no fit below f̄ = 1, which the
    tail of a dilute ensemble reaches, and the cubic soon turns positive; our choice is to hold it there, at an
    effective occupation that leaves 1 with unit slope and returns to it within about 0.5 (lowest: 0.963).
    """
    rs = wigner_seitz(n)
    missing = 1 - occupation
    f = np.where(np.real(missing) > 0, 1 - missing * np.exp(-missing / 0.1), occupation)
    nodes = np.array(list(_COFE))
    total = np.zeros(())
    for i, parameters in enumerate(_COFE.values()):
        lagrange = 1.0
        for node in np.delete(nodes, i):
            lagrange = lagrange * (f - node) / (nodes[i] - node)
        total = total + lagrange * _pw_form(rs, *parameters)
    return total


def thermal_xc(n: np.ndarray, temperature: float) -> np.ndarray:
    """Exchange–correlation free energy per electron of the unpolarised gas at a temperature (hartree).

    Groth, Dornheim, Sjostrom, Malone, Foulkes and Bonitz, Phys. Rev. Lett. 119, 135001 (2017).
    """
    lam = (4 / (9 * np.pi)) ** (1 / 3)
    rs = wigner_seitz(n)
    t = temperature / (0.5 * (3 * np.pi**2 * n) ** (2 / 3))
    s = np.sqrt(rs)
    t2, t3, t4 = t**2, t**3, t**4
    cold, root_cold = np.tanh(1 / t), np.tanh(1 / np.sqrt(t))
    a = cold * (0.75 + 3.04363 * t2 - 0.09227 * t3 + 1.7035 * t4) / (1 + 8.31051 * t2 + 5.1105 * t4) / (np.pi * lam)
    b3 = 0.300483986662
    b = root_cold * (0.3436902 + 7.82159531356 * t2 + b3 * t4)
    b = b / (1 + 15.8443467125 * t2 + b3 * np.sqrt(1.5) / lam * t4)
    d = root_cold * (0.72700876 + 2.38264734144 * t2 + 0.30221237251 * t4)
    d = d / (1 + 4.39347718395 * t2 + 0.729951339845 * t4)
    e = cold * (0.25388214 + 0.815795138599 * t2 + 0.0646844410481 * t4)
    e = e / (1 + 15.0984620477 * t2 + 0.230761357474 * t4)
    c = (0.8759442 - 0.230130843551 * np.exp(-1 / t)) * e
    return -(a + b * s + c * rs) / (rs * (1 + d * s + e * rs))


def fermi_integral(j: float, eta: np.ndarray) -> np.ndarray:
    """∫₀^∞ x^j / (1 + e^(x−η)) dx for j = 1/2 or 3/2, relative accuracy 1e-12 for η ≤ 100.

    With x = y² the integrand is even and analytic around the real axis, where the trapezoidal rule converges
    exponentially.
    """
    eta = np.asarray(eta, dtype=float)
    step = 0.03
    y = step * np.arange(1, int(np.sqrt(max(float(eta.max()), 0.0) + 45) / step) + 1)
    occupied = 1 / (1 + np.exp(np.clip(y**2 - eta[..., None], -700, 700)))
    return 2 * step * np.sum(y ** (2 * j + 1) * occupied, axis=-1)


@lru_cache(maxsize=1)
def _entropy_table() -> CubicSpline:
    """ln t → entropy per electron of the ideal gas, t = T/T_F, tabulated through the fugacity."""
    from scipy.interpolate import CubicSpline

    eta = np.concatenate([np.linspace(-120, -6, 400, endpoint=False), np.linspace(-6, 100, 2400)])
    # the Boltzmann limit spares the integrals their underflow
    half = np.where(eta < -40, np.sqrt(np.pi) / 2 * np.exp(np.minimum(eta, 0.0)), 0.0)
    three = np.where(eta < -40, 0.75 * np.sqrt(np.pi) * np.exp(np.minimum(eta, 0.0)), 0.0)
    warm = eta >= -40
    half[warm], three[warm] = fermi_integral(0.5, eta[warm]), fermi_integral(1.5, eta[warm])
    log_t = -2 / 3 * np.log(1.5 * half)
    entropy = 5 / 3 * three / half - eta
    order = np.argsort(log_t)
    return CubicSpline(log_t[order], entropy[order])


def ideal_entropy(n: np.ndarray, temperature: float) -> np.ndarray:
    """Entropy per electron of the non-interacting gas of density n at a temperature (hartree)."""
    log_t = np.log(temperature / (0.5 * (3 * np.pi**2 * n) ** (2 / 3)))
    spline = _entropy_table()
    coldest = spline.x[0]
    inside = spline(np.maximum(log_t, coldest))
    # below the table the entropy is proportional to the temperature (Sommerfeld); nothing real is hotter than it
    return np.where(log_t < coldest, inside * np.exp(log_t - coldest), inside)
