"""A quantity as text: a number, an array, or one line per state or point of a curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def value_lines(name: str, quantity: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(label, text) per line of a quantity in JSON, without unit: a number, an array, or a line per state or point.

    Of a level that several states share the text says how many.
    """
    value, error = quantity["value"], quantity["uncertainty"]
    if isinstance(value, dict) and isinstance(value.get("coordinate"), list):  # a curve
        unit = f" {value['coordinate_unit']}" if value["coordinate_unit"] else ""
        points = zip(value["coordinate"], value["values"], error or [None] * len(value["values"]), strict=True)
        return [(f"{name} {x:g}{unit}", _number(y, spread)) for x, y, spread in points]
    if isinstance(value, dict):
        times = quantity.get("degeneracies") or {}
        return [
            (f"{name} {state}", _number(x, (error or {}).get(state)) + _shared(times.get(state, 1)))
            for state, x in value.items()
        ]
    if isinstance(value, list):
        spread = [] if error is None else [(f"{name} ±", _array(error))]
        return [(name, _array(value)), *spread]
    return [(name, _number(value, error))]


def unit_text(quantity: Mapping[str, Any]) -> str:
    """The unit, and in brackets what the uncertainty is of where there is one."""
    kind = quantity["uncertainty_kind"]
    return f"{quantity['unit']} ({kind})" if kind else str(quantity["unit"])


def _shared(states: int) -> str:
    return f" ({states} states)" if states > 1 else ""


def _array(numbers: list[Any]) -> str:
    import numpy as np

    # Adding zero turns -0.0 into 0.0.
    rounded = np.round(np.array(numbers, dtype=float), 8) + 0.0
    return str(np.array2string(rounded, formatter={"float_kind": lambda x: f"{x:.8f}"}))


def _number(value: float, uncertainty: float | None) -> str:
    return f"{value:.10f}" + (f" ± {uncertainty:.2g}" if uncertainty is not None else "")
