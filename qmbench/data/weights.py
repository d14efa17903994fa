"""Weights that a user gives to benchmarks, or to subsets and observables of them, from a TOML or CSV file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qmbench.data.tables import finite, read_csv
from qmbench.domain.errors import InputError
from qmbench.domain.systems.files import load_toml


def read_weights(path: Path) -> dict[str, float]:
    """`BENCHMARK` or `BENCHMARK/PART` -> weight, in the order of the file.

    TOML: `s66 = 2`, `"s66/dispersion" = 1`, or a table `[s66]` with `dispersion = 1`. CSV: the columns name and weight.
    InputError names the file and what is wrong; whether there are such benchmarks is not looked at here.
    """
    if path.suffix.lower() not in (".toml", ".csv"):
        raise InputError(f"{path}: weights are in a file whose name ends in .toml or .csv")
    if path.suffix.lower() == ".csv":
        rows = read_csv(path, ["name", "weight"], ("name", "weight"))
        pairs: Iterator[tuple[str, str, Any]] = ((w, r["name"], finite(r["weight"], w, "weight")) for w, r in rows)
    else:
        pairs = ((str(path), name, weight) for name, weight in _flat(load_toml(path)))
    found: dict[str, float] = {}
    for where, name, weight in pairs:
        if name in found:
            raise InputError(f"{where}: '{name}' has two weights")
        found[name] = _weight(weight, f"{where}: {name}")
    return checked_weights(found, str(path))


def checked_weights(weights: Mapping[str, float], where: str) -> dict[str, float]:
    """The weights as numbers; InputError where one is none, or all are zero."""
    found = {str(name): _weight(weight, f"{where}: {name}") for name, weight in weights.items()}
    if not any(found.values()):
        raise InputError(f"{where}: no weight is above zero")
    return found


def _flat(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}/{part}", weight) for part, weight in value.items())
        else:
            yield name, value


def _weight(value: Any, where: str) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        raise InputError(f"{where}: a weight is a number from 0 on, not {str(value)[:60]}")
    return float(value)
