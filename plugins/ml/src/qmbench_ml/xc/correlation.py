"""The learned correlation: an interpolation that obeys its constraints for every value of its parameters.

E_c = ∫ n [w a ε_c⁰ + (1 − w) b ε_c¹]. ε_c¹ is the correlation of PBE (Perdew, Burke and Ernzerhof, Phys. Rev. Lett. 77,
3865 (1996)) on the uniform gas of Perdew and Wang (Phys. Rev. B 45, 13244 (1992)); ε_c⁰ is SCAN's for α = 0 (Phys. Rev.
Lett. 115, 036402 (2015)), zero when all electrons have one spin. w is that of the exchange, with the α of the total
density, and a, b are learned factors in (0, 2). What holds for every parameter:

- uniform gas (b = 1 where s = 0, α = 1): exact, and the gradient expansion is PBE's (b − 1 is of fourth order there);
- zero for one electron: α = 0 and ζ = ±1 there;
- never positive, because ε_c⁰, ε_c¹ ≤ 0 and the weights are not negative;
- finite in the high-density limit of uniform scaling, because w, a, b are the same at all densities of one shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qmbench_ml.xc.exchange import (
    monomials,
    one_orbital_weight,
    one_orbital_weight_by_shape,
    polynomial,
    reduced,
)
from qmbench_ml.xc.jets import at_least, exp, expm1, log1p, power

POWERS = ((0, 2), (0, 3), (1, 1), (1, 2), (2, 0), (2, 1))
# Coefficients of POWERS in b, that of x in a, and the shape of w.
N_PARAMETERS = len(POWERS) + 2

_GAMMA = (1 - np.log(2)) / np.pi**2
_BETA = 0.06672455060314922
# A, α₁, β₁ … β₄ of Perdew and Wang's G for ε_c(ζ = 0), ε_c(ζ = 1) and −α_c.
_PW92 = (
    (0.0310907, 0.21370, 7.5957, 3.5876, 1.6382, 0.49294),
    (0.01554535, 0.20548, 14.1189, 6.1977, 3.3662, 0.62517),
    (0.0168869, 0.11125, 10.357, 3.6231, 0.88026, 0.49671),
)
_SECOND_F = 8 / (9 * (2 ** (4 / 3) - 2))
# 1 ± ζ below this counts as zero in fractional powers, whose derivatives would not be finite.
_SPIN_FLOOR = 1e-10
_B1, _B2, _B3, _CHI = 0.0285764, 0.0889, 0.125541, 0.12802585262625815


def energy_density(n_up: Any, n_down: Any, sigma: Any, tau: Any, theta: Sequence[float]) -> Any:
    """Correlation energy per volume; `sigma` = |∇n|² and `tau` are of the total density."""
    s2, y, many, single = _limits(n_up, n_down, sigma, tau)
    w = one_orbital_weight(y, theta[-1])
    single = single * _bounded(s2 / (s2 + 1.0) * theta[-2])
    many = many * _bounded(polynomial(monomials(s2, y, POWERS), theta[:-2]))
    return (n_up + n_down) * (many + w * (single - many))


def by_parameters(
    n_up: np.ndarray, n_down: np.ndarray, sigma: np.ndarray, tau: np.ndarray, theta: Sequence[float]
) -> np.ndarray:
    """∂(energy per volume)/∂theta, (8, N), at the values (N,)."""
    s2, y, many, single = _limits(n_up, n_down, sigma, tau)
    w, terms, x = one_orbital_weight(y, theta[-1]), monomials(s2, y, POWERS), s2 / (s2 + 1.0)
    a, b = _bounded(x * theta[-2]), _bounded(polynomial(terms, theta[:-2]))
    rows = [(1.0 - w) * many * b * (2.0 - b) * term for term in terms]
    rows.append(w * single * a * (2.0 - a) * x)
    rows.append((a * single - b * many) * one_orbital_weight_by_shape(y, theta[-1]))
    return (n_up + n_down) * np.array(rows)


def _limits(n_up: Any, n_down: Any, sigma: Any, tau: Any) -> tuple[Any, Any, Any, Any]:
    """s², y, and ε_c of many orbitals (PBE) and of one (SCAN, α = 0)."""
    n = n_up + n_down
    zeta = (n_up - n_down) / n
    spins = (at_least(1.0 + zeta, _SPIN_FLOOR), at_least(1.0 - zeta, _SPIN_FLOOR))
    s2, y = reduced(n, sigma, tau, 0.5 * (power(spins[0], 5 / 3) + power(spins[1], 5 / 3)))
    rs = power(n, -1 / 3) * (3 / (4 * np.pi)) ** (1 / 3)
    return s2, y, pbe(rs, zeta, spins, s2), one_orbital(rs, zeta, spins, s2)


def _bounded(u: Any) -> Any:
    """Onto (0, 2); 1 + u for small u."""
    return 2.0 / (1.0 + exp(u * -2.0))


def uniform(rs: Any, zeta: Any, spins: tuple[Any, Any]) -> Any:
    """ε_c of the uniform gas, Perdew and Wang 1992."""
    paramagnetic, ferromagnetic, stiffness = (_g(rs, *row) for row in _PW92)
    f = (power(spins[0], 4 / 3) + power(spins[1], 4 / 3) - 2.0) / (2 ** (4 / 3) - 2)
    z4 = power(zeta, 4.0)
    curved = stiffness * f * (1.0 - z4) / -_SECOND_F
    return paramagnetic + curved + (ferromagnetic - paramagnetic) * f * z4


def _g(rs: Any, a: float, a1: float, b1: float, b2: float, b3: float, b4: float) -> Any:
    root = power(rs, 0.5)
    series = root * (b1 + root * (b2 + root * (b3 + root * b4)))
    return (1.0 + a1 * rs) * log1p(1.0 / (2 * a * series)) * (-2 * a)


def pbe(rs: Any, zeta: Any, spins: tuple[Any, Any], s2: Any) -> Any:
    """ε_c of PBE, with its reduced gradient t² = (π/4)(9π/4)^(1/3) s² / (φ² r_s)."""
    local = uniform(rs, zeta, spins)
    phi = 0.5 * (power(spins[0], 2 / 3) + power(spins[1], 2 / 3))
    phi3 = power(phi, 3.0) * _GAMMA
    t2 = s2 * power(phi, -2.0) / rs * (np.pi / 4 * (9 * np.pi / 4) ** (1 / 3))
    a_t2 = t2 * (_BETA / _GAMMA) / expm1(-local / phi3)
    inner = t2 * (_BETA / _GAMMA) * (1.0 + a_t2) / (1.0 + a_t2 + a_t2 * a_t2)
    return local + phi3 * log1p(inner)


def one_orbital(rs: Any, zeta: Any, spins: tuple[Any, Any], s2: Any) -> Any:
    """ε_c⁰ of SCAN."""
    local = -_B1 / (1.0 + _B2 * power(rs, 0.5) + _B3 * rs)
    screening = 1.0 - power(1.0 + (4 * _CHI) * s2, -0.25)
    gradient = _B1 * log1p(expm1(local / -_B1) * screening)
    exchange = 0.5 * (power(spins[0], 4 / 3) + power(spins[1], 4 / 3))
    return (local + gradient) * (1.0 - 2.3631 * (exchange - 1.0)) * (1.0 - power(zeta, 12.0))
