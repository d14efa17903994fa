"""Chemical potentials without a bundle: the conventional root searches, and cutting lines for single states.

``number(mu)`` and the like are the total number of electrons on all fragments. The searches do what the usual codes
do, their stopping rules included: where N(μ) jumps over its target, they end with a chemical potential at the jump
and the wrong number of electrons, or do not end.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


class SearchFailed(ArithmeticError):
    """The search did not meet its own stopping rule."""


def secant(
    number: Callable[[float], float], target: float, mu: float = 0.0, tolerance: float = 1e-8, cycles: int = 50
) -> float:
    """μ by secant iteration on N(μ) − N, which ends when |ΔN| or the step is below ``tolerance``."""
    x0, x1 = mu, mu + 0.1
    f0 = number(x0) - target
    if abs(f0) < tolerance:
        return x0
    for _ in range(cycles):
        f1 = number(x1) - target
        if abs(f1) < tolerance or abs(x1 - x0) < tolerance:
            return x1
        if f1 == f0:
            raise SearchFailed(f"secant: N(μ) is flat between {x0:.6g} and {x1:.6g}")
        x0, x1, f0 = x1, x1 - f1 * (x1 - x0) / (f1 - f0), f1
        if abs(x1) > 1e6:
            raise SearchFailed("secant: the chemical potential runs away")
    raise SearchFailed(f"secant: |ΔN| = {abs(f1):.2e} after {cycles} steps")


def bracket(number: Callable[[float], float], target: float, mu: float = 0.0, step: float = 0.5) -> tuple[float, float]:
    """Chemical potentials with too few and with too many electrons."""
    value = number(mu)
    other, other_value = mu, value
    while True:
        previous = other
        other = other + (step if value < target else -step)
        step *= 2.0
        other_value = number(other)
        if (other_value - target) * (value - target) <= 0:
            return (previous, other) if previous < other else (other, previous)
        if abs(other) > 1e6:
            raise SearchFailed(f"no chemical potential between ±1e6 gives {target:g} electrons")


def brentq(number: Callable[[float], float], target: float, mu: float = 0.0, tolerance: float = 1e-12) -> float:
    """μ by Brent's method on N(μ) − N in an automatic bracket, which ends when the bracket is narrow."""
    from scipy.optimize import brentq as scipy_brentq

    low, high = bracket(number, target, mu)
    return scipy_brentq(lambda x: number(x) - target, low, high, xtol=tolerance)


def cutting_lines(
    evaluate: Callable[[float], tuple[float, float]],
    target: float,
    mu: float = 0.0,
    tolerance: float = 1e-9,
    cycles: int = 60,
) -> tuple[float, bool]:
    """The maximum of the concave dual from energies and electron numbers alone.

    ``evaluate(mu)`` gives Σ m E(μ) and N(μ), that is a line that touches the dual from above. The next μ is where
    the lines of the two sides meet (Kelley, J. SIAM 8, 703 (1960)); 8·gap/(ΔN·Δμ), which is 1 for a parabola and 0
    for a kink, says when the function is smooth and Anderson–Björck steps on N(μ) take over
    (BIT 13, 253 (1973)). Returns μ and whether |ΔN| < ``tolerance``.
    """
    seen: dict[float, tuple[float, float]] = {}

    def at(x: float) -> tuple[float, float]:
        seen[x] = evaluate(x)
        return seen[x]

    if abs(at(mu)[1] - target) < tolerance:
        return mu, True
    low, high = bracket(lambda x: seen[x][1] if x in seen else at(x)[1], target, mu)
    weight_low = weight_high = 1.0
    smooth = False
    for _ in range(cycles):
        for x in (low, high):
            if abs(seen[x][1] - target) < tolerance:
                return x, True
        (e_low, n_low), (e_high, n_high) = seen[low], seen[high]
        width = high - low
        if width <= 1e-13 * max(1.0, abs(low)) or n_high <= n_low:
            break
        meeting = ((e_high + high * n_high) - (e_low + low * n_low)) / (n_high - n_low)
        if smooth or not low < meeting < high:
            f_low, f_high = weight_low * (n_low - target), weight_high * (n_high - target)
            x = (low * f_high - high * f_low) / (f_high - f_low)
        else:
            x = meeting
        if not low < x < high:
            x = 0.5 * (low + high)
        e, n = at(x)
        gap = e_low + low * n_low - meeting * n_low - (e + (x - meeting) * n) if x == meeting else np.nan
        if not smooth and np.isfinite(gap):
            smooth = 8.0 * gap / ((n_high - n_low) * width) > 0.5
        if n < target:
            ratio = 1.0 - (n - target) / (n_low - target)
            weight_low, weight_high, low = 1.0, weight_high * (ratio if ratio > 0 else 0.5), x
        else:
            ratio = 1.0 - (n - target) / (n_high - target)
            weight_low, weight_high, high = weight_low * (ratio if ratio > 0 else 0.5), 1.0, x
    best = min(seen, key=lambda x: abs(seen[x][1] - target))
    return best, abs(seen[best][1] - target) < tolerance
