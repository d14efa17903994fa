"""A value with its unit and its uncertainty, and what kind of uncertainty that is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from qmbench.domain.errors import InputError
from qmbench.domain.units import factor

Value = float | np.ndarray | dict[str, float]
UncertaintyKind = Literal["statistical", "model", "systematic", "rounding", "estimate", "experimental", "combined"]
UNCERTAINTY_KINDS = get_args(UncertaintyKind)


@dataclass(frozen=True)
class Quantity:
    """`value` ± `uncertainty` in `unit`.

    value: a number, an array, or {state: number}. uncertainty: same shape, one standard deviation, or None
    when unknown (never 0 for unknown). kind says what the uncertainty is of.
    """

    value: Value
    unit: str
    uncertainty: Value | None = None
    uncertainty_kind: UncertaintyKind | None = None

    def __post_init__(self) -> None:
        if (self.uncertainty is None) != (self.uncertainty_kind is None):
            raise InputError("a quantity has an uncertainty and its kind, or neither")
        if self.uncertainty_kind is not None and self.uncertainty_kind not in UNCERTAINTY_KINDS:
            known = ", ".join(UNCERTAINTY_KINDS)
            raise InputError(f"there is no kind of uncertainty '{self.uncertainty_kind}'; kinds are {known}")
        if any(np.any(np.asarray(u) < 0) for u in _numbers(self.uncertainty)):
            raise InputError(f"an uncertainty can't be negative: {self.uncertainty}")

    def to(self, unit: str) -> Quantity:
        """The same quantity in another unit of the same dimension."""
        f = factor(self.unit, unit)
        return Quantity(_scaled(self.value, f), unit, _scaled(self.uncertainty, f), self.uncertainty_kind)

    def is_finite(self) -> bool:
        """Whether every number in it (uncertainty included) is finite."""
        return all(np.all(np.isfinite(x)) for x in (*_numbers(self.value), *_numbers(self.uncertainty)))

    def to_json(self) -> dict[str, Any]:
        """As in the `properties` of a `compute --json` document."""
        return {
            "value": _plain(self.value),
            "unit": self.unit,
            "uncertainty": _plain(self.uncertainty),
            "uncertainty_kind": self.uncertainty_kind,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Quantity:
        """The inverse of `to_json`; lists become arrays."""
        return cls(_rich(data["value"]), data["unit"], _rich(data.get("uncertainty")), data.get("uncertainty_kind"))


def combine(terms: Iterable[tuple[float, Quantity]]) -> Quantity:
    """Σ cᵢ qᵢ of scalar quantities in one unit; independent uncertainties add in quadrature.

    Terms without an uncertainty are taken as exact within their model (a deterministic calculation); the
    kind of the result is the common kind, or `combined` where kinds differ. What cancels (coefficient 0) has no part.
    """
    terms = list(terms)
    if not terms:
        raise InputError("there is nothing to add up")
    units = {q.unit for _, q in terms}
    if len(units) != 1:
        raise InputError(f"can't add quantities in different units: {', '.join(sorted(units))}")
    total = math.fsum(c * scalar(q) for c, q in terms)
    uncertain = [(c, q) for c, q in terms if c and q.uncertainty is not None]
    variances = [(c * float(q.uncertainty)) ** 2 for c, q in uncertain]  # type: ignore[arg-type]
    kinds = {q.uncertainty_kind for _, q in uncertain}
    if not variances:
        return Quantity(total, units.pop())
    kind = kinds.pop() if len(kinds) == 1 else "combined"
    return Quantity(total, units.pop(), math.sqrt(math.fsum(variances)), kind)


def scalar(quantity: Quantity) -> float:
    """The value as a number; InputError when it is an array or a set of states."""
    if isinstance(quantity.value, dict) or np.ndim(quantity.value) != 0:
        raise InputError("a single number was expected here, not an array or several states")
    return float(quantity.value)


def _scaled(value: Any, f: float) -> Any:
    if value is None:
        return None
    if isinstance(value, dict):
        return {k: v * f for k, v in value.items()}
    return value * f


def _numbers(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value.values()) if isinstance(value, dict) else [value]


def _plain(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, dict):
        return {str(k): float(v) for k, v in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else float(value)


def _rich(value: Any) -> Any:
    return np.asarray(value, dtype=float) if isinstance(value, list) else value
