"""Operators on a few levels by name, as tables of systems write them, or as matrices."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from qmbench import FieldError, fields

_SPIN = {
    "sigma_x": [[0, 1], [1, 0]],
    "sigma_y": [[0, -1j], [1j, 0]],
    "sigma_z": [[1, 0], [0, -1]],
    "sigma_plus": [[0, 1], [0, 0]],
    "sigma_minus": [[0, 0], [1, 0]],
}
_NAMES = (*_SPIN, "lowering", "raising", "number", "level I", "hop I J", "jump I J")


def stored(value: Any, field: str, what: str) -> str | tuple[tuple[float, ...], ...]:
    """A name as it is, a matrix as tuples of numbers."""
    if isinstance(value, str):
        return " ".join(value.split())
    rows = tuple(fields.numbers(row, field, what) for row in fields.sequence(value, field, what))
    if any(len(row) != len(rows) for row in rows) or not np.isfinite(np.array(rows)).all():
        raise FieldError(f"{what}: {field} must be a name or a square matrix of finite numbers", field)
    return rows


def matrix(operator: str | tuple[tuple[float, ...], ...], imaginary: Any, levels: int, what: str) -> np.ndarray:
    """(levels, levels) complex. Level 1 is the first row, and up for a spin.

    sigma_x, sigma_y, sigma_z, sigma_plus = |1><2|, sigma_minus = |2><1| of two levels; lowering, raising and number of
    an oscillator whose quanta are level − 1; level I = |I><I|; hop I J = |I><J| + |J><I|; jump I J = |J><I|.
    """
    if not isinstance(operator, str):
        found = np.array(operator, dtype=complex)
        if imaginary:
            other = np.array(imaginary, dtype=float)
            if other.shape != found.shape:
                raise FieldError(f"{what}: imaginary must have the shape of operator", "imaginary")
            found = found + 1j * other
        if found.shape != (levels, levels):
            raise FieldError(f"{what}: operator must be {levels} by {levels}, as there are levels", "operator")
        return found
    if imaginary:
        raise FieldError(f"{what}: imaginary belongs to an operator that is a matrix", "imaginary")
    if operator in _SPIN:
        if levels != 2:
            raise FieldError(f"{what}: {operator} is of two levels, not {levels}", "operator")
        return np.array(_SPIN[operator], dtype=complex)
    if operator in ("lowering", "raising", "number"):
        a = np.diag(np.sqrt(np.arange(1, levels)), 1).astype(complex)
        return {"lowering": a, "raising": a.T, "number": a.T @ a}[operator]
    word = re.fullmatch(r"(level|hop|jump)((?: \d+)+)", operator)
    numbers = [int(n) for n in word[2].split()] if word else []
    if not word or len(numbers) != (1 if word[1] == "level" else 2):
        raise FieldError(
            f"{what}: there is no operator '{operator}'; there is {', '.join(_NAMES)}, or a matrix", "operator"
        )
    if not all(1 <= n <= levels for n in numbers) or len(set(numbers)) < len(numbers):
        raise FieldError(f"{what}: '{operator}' names levels that differ, from 1 to {levels}", "operator")
    found = np.zeros((levels, levels), dtype=complex)
    i, j = numbers[0] - 1, numbers[-1] - 1
    found[j, i] = 1.0
    if word[1] == "hop":
        found[i, j] = 1.0
    return found
