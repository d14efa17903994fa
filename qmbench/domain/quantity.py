"""A value with its unit and its uncertainty, and what kind of uncertainty that is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from qmbench.domain.errors import InputError, Unsupported
from qmbench.domain.units import dimension, factor


@dataclass(frozen=True, eq=False)
class Curve:
    """Values over a coordinate: a population over time, an energy over distance or field strength.

    coordinate: (n,) ascending, in coordinate_unit (of `units`, or empty). values: (n,), in the unit of the quantity
    that holds the curve. InputError when they are not so.
    """

    coordinate: np.ndarray
    values: np.ndarray
    coordinate_unit: str = ""

    def __post_init__(self) -> None:
        for name in ("coordinate", "values"):
            array = np.array(getattr(self, name), dtype=float)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if self.coordinate.ndim != 1 or self.coordinate.shape != self.values.shape or not len(self.coordinate):
            raise InputError(
                f"a curve has as many coordinates as values, one at least; not {self.coordinate.shape} and "
                f"{self.values.shape}"
            )
        if not (np.diff(self.coordinate) > 0).all():
            raise InputError("the coordinates of a curve ascend")
        dimension(self.coordinate_unit)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Curve) and self.to_json() == other.to_json()

    def at(self, coordinate: float, unit: str = "") -> float:
        """The value at a coordinate between the first and the last, by the monotone cubic interpolation of Fritsch and
        Butland (SIAM J. Sci. Stat. Comput. 5, 300 (1984)), which makes no extrema of its own; exact at the points.

        Unsupported outside: nothing is extrapolated.
        """
        from scipy.interpolate import PchipInterpolator

        x = coordinate * factor(unit or self.coordinate_unit, self.coordinate_unit)
        first, last = float(self.coordinate[0]), float(self.coordinate[-1])
        # A conversion of units may miss the ends by its rounding.
        slack = 1e-12 * max(abs(first), abs(last))
        if not first - slack <= x <= last + slack:
            raise Unsupported(f"the curve goes from {first:g} to {last:g} {self.coordinate_unit}, not to {x:g}")
        if len(self.coordinate) == 1:
            return float(self.values[0])
        return float(PchipInterpolator(self.coordinate, self.values)(min(max(x, first), last)))

    def to_json(self) -> dict[str, Any]:
        return {
            "coordinate": self.coordinate.tolist(),
            "coordinate_unit": self.coordinate_unit,
            "values": self.values.tolist(),
        }


Value = float | np.ndarray | dict[str, float] | Curve
UncertaintyKind = Literal["statistical", "model", "systematic", "rounding", "estimate", "experimental", "combined"]
UNCERTAINTY_KINDS = get_args(UncertaintyKind)


@dataclass(frozen=True)
class Quantity:
    """`value` ± `uncertainty` in `unit`.

    value: a number, an array, {state: number}, or a `Curve`. uncertainty: same shape (of a curve an array, one for
    each of its values), one standard deviation, or None when unknown (never 0 for unknown). kind says what the
    uncertainty is of. degeneracies: of states, {state: number of states of that energy}, where that is known.
    """

    value: Value
    unit: str
    uncertainty: Value | None = None
    uncertainty_kind: UncertaintyKind | None = None
    degeneracies: Mapping[str, int] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.uncertainty is None) != (self.uncertainty_kind is None):
            raise InputError("a quantity has an uncertainty and its kind, or neither")
        if self.uncertainty_kind is not None and self.uncertainty_kind not in UNCERTAINTY_KINDS:
            known = ", ".join(UNCERTAINTY_KINDS)
            raise InputError(f"there is no kind of uncertainty '{self.uncertainty_kind}'; kinds are {known}")
        if self.uncertainty is not None and any(np.any(np.asarray(u) < 0) for u in _numbers(self.uncertainty)):
            raise InputError(f"an uncertainty can't be negative: {self.uncertainty}")
        if self.degeneracies is not None:
            if not isinstance(self.value, dict) or set(self.degeneracies) != set(self.value):
                raise InputError("degeneracies are of states, one for each of them")
            if any(isinstance(g, bool) or not isinstance(g, int) or g < 1 for g in self.degeneracies.values()):
                raise InputError(f"a degeneracy is a whole number, 1 at least: {dict(self.degeneracies)}")

    def to(self, unit: str) -> Quantity:
        """The same quantity in another unit of the same dimension."""
        if unit == self.unit:
            return self
        f = factor(self.unit, unit)
        value, uncertainty = _scaled(self.value, f), _scaled(self.uncertainty, f)
        return Quantity(value, unit, uncertainty, self.uncertainty_kind, self.degeneracies)

    def is_finite(self) -> bool:
        """Whether every number in it (uncertainty included) is finite."""
        if type(self.value) is float and self.uncertainty is None:  # by far the most, and asked of each
            return math.isfinite(self.value)
        return all(np.all(np.isfinite(x)) for x in (*_numbers(self.value), *_numbers(self.uncertainty)))

    def to_json(self) -> dict[str, Any]:
        """As in the `properties` of a `compute --json` document."""
        return {
            "value": _plain(self.value),
            "unit": self.unit,
            "uncertainty": _plain(self.uncertainty),
            "uncertainty_kind": self.uncertainty_kind,
            **({} if self.degeneracies is None else {"degeneracies": dict(self.degeneracies)}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Quantity:
        """The inverse of `to_json`; lists become arrays."""
        value, uncertainty = _rich(data["value"]), _rich(data.get("uncertainty"))
        return cls(value, data["unit"], uncertainty, data.get("uncertainty_kind"), data.get("degeneracies"))


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
    if isinstance(quantity.value, dict | Curve) or np.ndim(quantity.value) != 0:
        raise InputError("a single number was expected here, not an array, a curve or several states")
    return float(quantity.value)


def _scaled(value: Any, f: float) -> Any:
    if value is None:
        return None
    if isinstance(value, dict):
        return {k: v * f for k, v in value.items()}
    if isinstance(value, Curve):
        return Curve(value.coordinate, value.values * f, value.coordinate_unit)
    return value * f


def _numbers(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, Curve):
        return [value.values]
    return list(value.values()) if isinstance(value, dict) else [value]


def _plain(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, dict):
        return {str(k): float(v) for k, v in value.items()}
    if isinstance(value, Curve):
        return value.to_json()
    return value.tolist() if isinstance(value, np.ndarray) else float(value)


def _rich(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("coordinate"), list):
        return Curve(value["coordinate"], value["values"], value["coordinate_unit"])
    return np.asarray(value, dtype=float) if isinstance(value, list) else value
