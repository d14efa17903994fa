"""The learned exchange: a meta-GGA enhancement factor that obeys its constraints for every value of its parameters.

Per spin, E_x[n↑, n↓] = ½ Σ E_x[2 n_σ] with E_x[n] = ∫ n ε_x^unif(n) F(s, α), α = (τ − τ_W)/τ_unif, and
F = [(1 − w) h + w h₀] g(s): h₀ g is the one- and two-electron limit of SCAN, exact for the exchange of the hydrogen
atom (Sun, Ruzsinszky and Perdew, Phys. Rev. Lett. 115, 036402 (2015)); w(α) is 1 at α = 0, and 0 from α = 1 on; h(s, α)
is learned inside a map onto (0.826, 1.174). What holds for every parameter:

- uniform gas: F(0, 1) = 1; gradient expansion: 1 + (10/81) s² to second order, for a slowly varying density as a whole;
- F ≤ 1.174 everywhere, the bound of Lieb and Oxford for two electrons, below 1.804, the local bound for any number;
- F → s^(-1/2) as s → ∞, as under nonuniform scaling; F depends on s and α alone, as uniform scaling demands.

One more feature is for the self-consistent field: ∂F/∂α = 0 at α = 0, so that the potential stays finite where one
orbital is alone at low density (there ∂e/∂τ goes as n^(-1/3) ∂F/∂α, and a negative one is a negative kinetic energy).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qmbench_ml.xc.jets import at_least, exp, positive_part, power

ONE_ORBITAL = 1.174
LIEB_OXFORD = 1.804
DECAY = 4.9479
_GRADIENT = 10 / 81
_RANGE = ONE_ORBITAL - 1.0
# Powers (i, j) of x = s²/(s² + REACH) and y = (1 − α)/(1 + α) that have a free coefficient; x alone is fixed.
REACH = 1.0
POWERS = ((0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1), (2, 2), (3, 0), (3, 1))
N_PARAMETERS = len(POWERS) + 1
# For slowly varying densities y → (1 − α)/2, whose integral is 10/27 that of s²: the coefficient of x makes up for it.
_SLOPE_BY_FIRST = REACH * 10 / 27

_UNIFORM = -0.75 * (3 / np.pi) ** (1 / 3)
_S2 = 1 / (4 * (3 * np.pi**2) ** (2 / 3))
TAU_UNIFORM = 0.3 * (3 * np.pi**2) ** (2 / 3)


def reduced(n: Any, sigma: Any, tau: Any, uniform_factor: Any = 1.0) -> tuple[Any, Any]:
    """s² and y = (1 − α)/(1 + α) of density `n`, |∇n|² and ½Σ|∇φ|²; uniform_factor multiplies τ of the uniform gas."""
    s2 = at_least(sigma * power(n, -8 / 3) * _S2, 1e-16)
    excess = tau - sigma / (8.0 * n)
    uniform = TAU_UNIFORM * power(n, 5 / 3) * uniform_factor
    return s2, (uniform - excess) / (uniform + excess)


def one_orbital_weight(y: Any, shape: float) -> Any:
    """w: 0 for y ≤ 0 (twice differentiable there), 1 and flat at y = 1, rising; shape: any number."""
    c = -4.0 + 10.0 * _logistic(shape)
    inside = positive_part(y)
    outside = 1.0 - inside
    return power(inside, 3.0) * (1.0 + outside * (3.0 + outside * c))


def one_orbital_weight_by_shape(y: np.ndarray, shape: float) -> np.ndarray:
    """∂w/∂shape at the values y."""
    inside, p = np.maximum(y, 0.0), _logistic(shape)
    return inside**3 * (1 - inside) ** 2 * 10.0 * p * (1.0 - p)


def _logistic(shape: float) -> float:
    """0.4 at 0, where w is y³ (4 − 3 y)."""
    return float(1.0 / (1.0 + 1.5 * np.exp(-shape)))


def monomials(s2: Any, y: Any, powers: Sequence[tuple[int, int]]) -> list[Any]:
    """xⁱ yʲ with x = s²/(s² + REACH)."""
    x = s2 / (s2 + REACH)
    xs, ys = [1.0, x], [1.0, y]
    for _ in range(2, 1 + max(max(p) for p in powers)):
        xs.append(xs[-1] * x)
        ys.append(ys[-1] * y)
    return [xs[i] * ys[j] for i, j in powers]


def polynomial(terms: Sequence[Any], coefficients: Sequence[float]) -> Any:
    """Σ c × term."""
    total: Any = 0.0
    for term, c in zip(terms, coefficients, strict=True):
        total = total + term * c
    return total


def enhancement(s2: Any, y: Any, theta: Sequence[float]) -> Any:
    """F(s, α) for parameters (12,): coefficients of POWERS, then the shape of w."""
    h = _many_orbitals(monomials(s2, y, ((1, 0), *POWERS)), theta)
    w = one_orbital_weight(y, theta[-1])
    return (h + w * (ONE_ORBITAL - h)) * _decay(s2)


def enhancement_by_parameters(s2: np.ndarray, y: np.ndarray, theta: Sequence[float]) -> np.ndarray:
    """∂F/∂theta, (12, N), at the values s2 and y (N,)."""
    x, *terms = monomials(s2, y, ((1, 0), *POWERS))
    h = _many_orbitals([x, *terms], theta)
    terms[0] = terms[0] - _SLOPE_BY_FIRST * x
    inner = (1.0 - one_orbital_weight(y, theta[-1])) * (1.0 - ((h - 1.0) / _RANGE) ** 2)
    rows = [inner * term for term in terms]
    rows.append((ONE_ORBITAL - h) * one_orbital_weight_by_shape(y, theta[-1]))
    return np.array(rows) * _decay(s2)


def _many_orbitals(terms: Sequence[Any], theta: Sequence[float]) -> Any:
    """h, from the monomials of x and POWERS."""
    coefficients = theta[:-1]
    u = polynomial(terms, (REACH * _GRADIENT - _SLOPE_BY_FIRST * coefficients[0], *coefficients))
    return (1.0 + _RANGE) - (2 * _RANGE) / (1.0 + exp(u * (2 / _RANGE)))  # 1 + r tanh(u/r)


def _decay(s2: Any) -> Any:
    return 1.0 - exp(power(s2, -0.25) * -DECAY)


def energy_density(n: Any, sigma: Any, tau: Any, theta: Sequence[float]) -> Any:
    """Exchange energy per volume of one spin channel: `n`, `sigma`, `tau` are n_σ, |∇n_σ|², τ_σ."""
    s2, y = reduced(2.0 * n, 4.0 * sigma, 2.0 * tau)
    return uniform_energy(n) * 2 ** (1 / 3) * enhancement(s2, y, theta)


def by_parameters(n: np.ndarray, sigma: np.ndarray, tau: np.ndarray, theta: Sequence[float]) -> np.ndarray:
    """∂(energy per volume)/∂theta, (12, N), of the same channel."""
    s2, y = reduced(2.0 * n, 4.0 * sigma, 2.0 * tau)
    return uniform_energy(n) * 2 ** (1 / 3) * enhancement_by_parameters(s2, y, theta)


def uniform_energy(n: Any) -> Any:
    """Exchange energy per volume of the unpolarized uniform gas of density `n`."""
    return power(n, 4 / 3) * _UNIFORM
