"""Truncated Taylor series in several variables: values with exact first and second derivatives, no finite steps.

Forward-mode differentiation. The functions here take plain arrays as well, so that a formula written once gives the
energy alone, or with its derivatives. Griewank and Walther, Evaluating Derivatives (SIAM, 2008), chapter 13.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray


class Jet:
    """value (N,), first derivatives (k, N), second derivatives (k, k, N) or None, with respect to k variables."""

    __array_ufunc__ = None  # NumPy arrays on the left of an operator leave it to the jet

    def __init__(self, value: Array, first: Array, second: Array | None) -> None:
        self.value, self.first, self.second = value, first, second

    def __add__(self, other: Any) -> Jet:
        if not isinstance(other, Jet):
            return Jet(self.value + other, self.first, self.second)
        second = None if self.second is None else self.second + other.second
        return Jet(self.value + other.value, self.first + other.first, second)

    __radd__ = __add__

    def __neg__(self) -> Jet:
        return Jet(-self.value, -self.first, None if self.second is None else -self.second)

    def __sub__(self, other: Any) -> Jet:
        return self + (-other)

    def __rsub__(self, other: Any) -> Jet:
        return -self + other

    def __mul__(self, other: Any) -> Jet:
        if not isinstance(other, Jet):
            return Jet(self.value * other, self.first * other, None if self.second is None else self.second * other)
        first = self.value * other.first + other.value * self.first
        second = None
        if self.second is not None:
            cross = self.first[:, None] * other.first[None]
            second = self.value * other.second + other.value * self.second + cross + cross.swapaxes(0, 1)
        return Jet(self.value * other.value, first, second)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Jet:
        return self * (power(other, -1.0) if isinstance(other, Jet) else 1.0 / other)

    def __rtruediv__(self, other: Any) -> Jet:
        return power(self, -1.0) * other

    def chain(self, f: Array, f1: Array, f2: Array) -> Jet:
        """f(self), from the values of f, f′ and f″ at self.value."""
        second = None
        if self.second is not None:
            second = f2 * self.first[:, None] * self.first[None] + f1 * self.second
        return Jet(f, f1 * self.first, second)


def variables(values: Sequence[Array], order: int) -> list[Any]:
    """The independent variables (k arrays (N,)) as jets with derivatives up to `order`; order 0: as they are."""
    if order == 0:
        return list(values)
    k, n = len(values), len(values[0])
    jets = []
    for i, value in enumerate(values):
        first = np.zeros((k, n))
        first[i] = 1.0
        jets.append(Jet(value, first, np.zeros((k, k, n)) if order > 1 else None))
    return jets


def value_of(x: Any) -> Array:
    return x.value if isinstance(x, Jet) else x


def exp(x: Any) -> Any:
    f = np.exp(value_of(x))
    return x.chain(f, f, f) if isinstance(x, Jet) else f


def log1p(x: Any) -> Any:
    v = value_of(x)
    return x.chain(np.log1p(v), 1 / (1 + v), -1 / (1 + v) ** 2) if isinstance(x, Jet) else np.log1p(v)


def expm1(x: Any) -> Any:
    f = np.expm1(value_of(x))
    return x.chain(f, f + 1, f + 1) if isinstance(x, Jet) else f


def power(x: Any, p: float) -> Any:
    """x**p for x > 0 (any x where p is a whole number that is not negative)."""
    v = value_of(x)
    f = v**p
    if not isinstance(x, Jet):
        return f
    f1 = p * v ** (p - 1)
    return x.chain(f, f1, p * (p - 1) * v ** (p - 2) if x.second is not None else f1)


def at_least(x: Any, lowest: float) -> Any:
    """x where it is larger than `lowest`, else that constant (without derivatives)."""
    v = value_of(x)
    inside = v > lowest
    f = np.where(inside, v, lowest)
    return x.chain(f, inside.astype(float), np.zeros_like(f)) if isinstance(x, Jet) else f


def positive_part(x: Any) -> Any:
    """x where it is positive, else zero."""
    return at_least(x, 0.0)
