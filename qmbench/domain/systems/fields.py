"""Reading the fields of a system: numbers, lists, spin. Every complaint says which field is wrong.

Whoever reads a file can then name the line.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

from qmbench.domain.errors import InputError


class FieldError(InputError):
    """A field of a system is wrong. field: its name; index: of the atom, from 0, where one is to blame."""

    def __init__(self, message: str, field: str = "", index: int | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.index = index


def whole(value: Any, field: str, what: str) -> int:
    """`value` as an int; FieldError for 1.5, 1.0, True and the like: an integer is written as one."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise FieldError(f"{what}: {field} must be a whole number, not {value!r}", field)
    return operator.index(value)


def number(value: Any, field: str, what: str) -> float:
    """`value` as a float; FieldError for text and truth values. Negative zero becomes zero, which it equals."""
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise FieldError(f"{what}: {field} must be a number, not {value!r}", field)
    return float(value) + 0.0


def sequence(value: Any, field: str, what: str) -> Iterable[Any]:
    """`value` if it is a list of things; FieldError for a number or a text."""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise FieldError(f"{what}: {field} must be a list, not {value!r}", field)
    return value


def numbers(value: Any, field: str, what: str) -> tuple[float, ...]:
    """`value` as a tuple of floats."""
    return tuple(number(x, field, what) for x in sequence(value, field, what))


def check_spin(n_electrons: int, multiplicity: int, charge: int | None, what: str) -> None:
    """FieldError where `n_electrons` can't have the multiplicity 2S+1. charge: None where the electrons are given."""
    if multiplicity < 1:
        raise FieldError(f"{what}: multiplicity is 2S+1 and at least 1, not {multiplicity}", "multiplicity")
    if n_electrons < 0 and charge is None:
        raise FieldError(f"{what}: there can't be {n_electrons} electrons", "electrons")
    if n_electrons < 0:
        raise FieldError(f"{what}: charge {charge} leaves {n_electrons} electrons", "charge")
    if (n_electrons - multiplicity + 1) % 2 or multiplicity - 1 > n_electrons:
        highest = n_electrons + 1
        right = [m for m in range(1 + n_electrons % 2, highest + 1, 2)][:3]
        allowed = ", ".join(map(str, right)) + (", …" if right and right[-1] < highest else "")
        raise FieldError(
            f"{what}: multiplicity {multiplicity} is impossible with {n_electrons} electrons; possible: {allowed}",
            "multiplicity",
        )
