"""What the kinds of system here share: tables within a table as small frozen dataclasses, times, units."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from qmbench import FieldError, did_you_mean, fields

ENERGY = "E0"
"""The unit of energy of a model: whichever one its numbers are written in, with ħ = 1."""
TIME = "hbar/E0"
UNITS = {
    ENERGY: ("model energy", 1.0),
    TIME: ("model time", 1.0),
}
MOST_TIMES = 20000

T = TypeVar("T")


def pieces(cls: type[T], value: Any, field: str, what: str) -> tuple[T, ...]:
    """A list of tables as a tuple of `cls`. FieldError names the list, the table's number and the key."""
    found = []
    for number, table in enumerate(fields.sequence(value, field, what), start=1):
        if isinstance(table, cls):
            found.append(table)
            continue
        where = f"{what}: {field} {number}"
        if not isinstance(table, Mapping):
            raise FieldError(f"{where} must be a table, not {table!r}", field)
        known = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
        for key in table:
            if key not in known:
                raise FieldError(f"{where}: unknown key '{key}'{did_you_mean(key, known)}", field)
        missing = [name for name, f in known.items() if f.default is dataclasses.MISSING and name not in table]
        if missing:
            raise FieldError(f"{where}: missing {', '.join(missing)}", field)
        try:
            found.append(cls(**table))
        except FieldError as error:
            raise FieldError(f"{where}: {error}", field) from None
    return tuple(found)


def finite(value: Any, field: str, what: str) -> float:
    """A finite number."""
    found = fields.number(value, field, what)
    if not math.isfinite(found):
        raise FieldError(f"{what}: {field} must be finite, not {found:g}", field)
    return found


def positive(value: Any, field: str, what: str) -> float:
    """A finite number above zero."""
    found = finite(value, field, what)
    if found <= 0:
        raise FieldError(f"{what}: {field} must be positive, not {found:g}", field)
    return found


def not_negative(value: Any, field: str, what: str) -> float:
    """A finite number, zero or more."""
    found = finite(value, field, what)
    if found < 0:
        raise FieldError(f"{what}: {field} must be 0 or positive, not {found:g}", field)
    return found


def true_or_false(value: Any, field: str, what: str) -> bool:
    """A truth value."""
    if not isinstance(value, bool):
        raise FieldError(f"{what}: {field} must be true or false, not {value!r}", field)
    return value


def times(value: Any, field: str, what: str) -> tuple[float, ...]:
    """Ascending times from 0 on: a list, or {to = T, points = N} for N equidistant ones from 0 to T."""
    if isinstance(value, Mapping):
        if set(value) != {"to", "points"}:
            raise FieldError(f"{what}: {field} is a list, or {{ to = TIME, points = NUMBER }}", field)
        last, points = positive(value["to"], field, what), fields.whole(value["points"], field, what)
        if not 2 <= points <= MOST_TIMES:
            raise FieldError(f"{what}: {field} must have 2 to {MOST_TIMES} points, not {points}", field)
        return tuple(last * n / (points - 1) for n in range(points))
    found = fields.numbers(value, field, what)
    if len(found) > MOST_TIMES:
        raise FieldError(f"{what}: {field} must be at most {MOST_TIMES}, not {len(found)}", field)
    before = -1.0
    for time in found:
        if not (math.isfinite(time) and time >= 0 and time > before):
            raise FieldError(f"{what}: {field} must ascend from 0 or later, and {time:g} does not", field)
        before = time
    return found
