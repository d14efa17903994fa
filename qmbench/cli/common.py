"""What several commands share: the store's place, the engine, printing JSON."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmbench.domain.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from qmbench.domain.resources import Resources

DEFAULT_STORE = "qmbench-data/store.sqlite"


def store_place(given: str | None) -> str:
    """--store, or the environment variable QMBENCH_STORE, or `qmbench-data/store.sqlite` here."""
    return given or os.environ.get("QMBENCH_STORE") or DEFAULT_STORE


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0))


def resources(threads: int, task_timeout: float | None, task_memory: float | None, artifacts: Path | None) -> Resources:
    """What one task may use."""
    from qmbench.domain.resources import Resources

    return Resources(cores=threads, memory_gib=task_memory, time_s=task_timeout, artifacts=artifacts)


def print_json(document: Any) -> None:
    """One JSON document on standard output; NaN becomes null, since JSON has none."""
    print(json.dumps(_plain(document), indent=1, ensure_ascii=False, allow_nan=False))


def console(to_stderr: bool = False) -> Console:
    """A rich console; tables that do not go to a terminal are not squeezed to 80 columns."""
    from rich.console import Console

    stream = sys.stderr if to_stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() or "COLUMNS" in os.environ else 130, highlight=False)


def value_lines(name: str, quantity: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(label, text) per line of a quantity in JSON, without its unit: a number, an array, or one line per state."""
    value, error = quantity["value"], quantity["uncertainty"]
    if isinstance(value, dict):
        return [(f"{name} {state}", _number(x, (error or {}).get(state))) for state, x in value.items()]
    if isinstance(value, list):
        spread = [] if error is None else [(f"{name} ±", _array(error))]
        return [(name, _array(value)), *spread]
    return [(name, _number(value, error))]


def unit_text(quantity: Mapping[str, Any]) -> str:
    """The unit, and in brackets what the uncertainty is of where there is one."""
    kind = quantity["uncertainty_kind"]
    return f"{quantity['unit']} ({kind})" if kind else str(quantity["unit"])


def _array(numbers: list[Any]) -> str:
    import numpy as np

    # Adding zero turns -0.0 into 0.0.
    rounded = np.round(np.array(numbers, dtype=float), 8) + 0.0
    return str(np.array2string(rounded, formatter={"float_kind": lambda x: f"{x:.8f}"}))


def _number(value: float, uncertainty: float | None) -> str:
    return f"{value:.10f}" + (f" ± {uncertainty:.2g}" if uncertainty is not None else "")


def check_choice(value: str | None, choices: tuple[str, ...], what: str) -> None:
    """InputError with the right ones when `value` is given and is none of them."""
    if value is not None and value not in choices:
        raise InputError(f"{what} is {' or '.join(choices)}, not '{value}'")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
