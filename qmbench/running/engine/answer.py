"""What a child left behind, taken for nothing before it was looked at: its kind of file, its size, its form.

A method runs in the process that writes these files, so they may hold anything, or be no files at all.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, Never

import pydantic

from qmbench.domain.errors import FAILURE_KINDS, QmbenchError
from qmbench.domain.quantity import Quantity
from qmbench.domain.record import Cost, Failure, Status
from qmbench.running.engine.outcome import Outcome

LARGEST_ANSWER = 64 * 2**20
"""Bytes of an outcome. The forces of 100,000 atoms are a tenth of it."""
LONGEST_TEXT = 4000
"""Characters of a message or a warning, that are kept."""


class Unreadable(Exception):
    """What is there is no answer; the text says why, on one line."""


def read_file(path: Path, most: int = LARGEST_ANSWER) -> bytes | None:
    """The bytes of a file that a child wrote; None when there is nothing of that name.

    Never waits (a pipe) and follows no link. Unreadable when it is no file, larger than `most`, or can't be read.
    """
    try:
        with open(path, "rb", buffering=0, opener=_open) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unreadable("it is a folder, a pipe or a device, not a file")
            data = file.read(most + 1)
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        raise Unreadable("it is a folder, a pipe or a device, not a file") from None
    except OSError as error:
        raise Unreadable(f"it can't be read ({error.strerror})") from None
    if len(data) > most:
        raise Unreadable(f"it is larger than {most / 2**20:g} MiB")
    return data


def _open(path: str, flags: int) -> int:
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)


def parse_json(data: bytes) -> Any:
    """JSON as the standard has it: UTF-8, finite numbers. Lone surrogates, which no file can hold, become '?'."""
    try:
        text = data.decode("utf-8")
        found = json.loads(text, parse_constant=_no_number, parse_float=_finite)
        return _encodable(found) if "\\ud" in text.lower() else found
    except Unreadable:
        raise
    except UnicodeDecodeError:
        raise Unreadable("it is not UTF-8") from None
    except RecursionError:
        raise Unreadable("it is nested too deep") from None
    except MemoryError:
        raise Unreadable("it does not fit into memory") from None
    except ValueError as error:
        raise Unreadable(f"it is not JSON: {' '.join(str(error).split())[:200]}") from None


class _Form(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True, allow_inf_nan=False)


class _Failure(_Form):
    kind: Literal[(*FAILURE_KINDS, "unsupported")]  # type: ignore[valid-type]
    message: str
    log_tail: str


class _Cost(_Form):
    wall_s: float = pydantic.Field(ge=0)
    cpu_s: float
    peak_memory_mib: float = pydantic.Field(ge=0)
    cores: int = pydantic.Field(ge=1, le=2**31)


class _Quantity(_Form):
    value: float | list[Any] | dict[str, Any]
    unit: str
    uncertainty: float | list[Any] | dict[str, Any] | None
    uncertainty_kind: str | None
    degeneracies: dict[str, int] | None = None


class _Outcome(_Form):
    status: Status
    failure: _Failure | None
    properties: dict[str, _Quantity]
    settings: dict[str, Any]
    warnings: list[str]
    cost: _Cost
    started: str
    training_overlap: dict[str, Any] | None
    explanation: dict[str, Any] | None


def parse_outcome(data: bytes, asked: Collection[str] = ()) -> Outcome:
    """The outcome in a child's answer, with all properties that were `asked` for when it is `ok`; Unreadable else."""
    document = parse_json(data)
    try:
        form = _Outcome.model_validate(document)
        quantities = {name: _quantity(name, document["properties"][name]) for name in form.properties}
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise Unreadable(f"{where}: {first['msg'][:200]}") from None
    except RecursionError:
        raise Unreadable("it is nested too deep") from None
    if (form.status == "ok") != (form.failure is None):
        raise Unreadable(f"its status is '{form.status}' {'with' if form.failure else 'without'} a failure")
    if form.failure is not None and (form.status == "unsupported") != (form.failure.kind == "unsupported"):
        raise Unreadable(f"its status is '{form.status}' and its failure '{form.failure.kind}'")
    lacking = [name for name in asked if name not in quantities] if form.status == "ok" else []
    if lacking:
        raise Unreadable(f"it is 'ok' and lacks {', '.join(lacking)}")
    failure = form.failure
    return Outcome(
        form.status,
        None if failure is None else _failure(failure),
        quantities if form.status == "ok" else {},
        form.settings,
        tuple(map(_short, form.warnings)),
        Cost(form.cost.wall_s, form.cost.cpu_s, form.cost.peak_memory_mib, form.cost.cores),
        form.started[:40],
        form.training_overlap,
        form.explanation,
    )


def _failure(told: _Failure) -> Failure:
    return Failure(told.kind, _short(" ".join(told.message.split())), told.log_tail[-LONGEST_TEXT:])


def _quantity(name: str, data: Mapping[str, Any]) -> Quantity:
    for part in ("value", "uncertainty"):
        if data[part] is not None or part == "value":
            _only_numbers(f"properties.{name}.{part}", data[part])
    try:
        quantity = Quantity.from_json(data)
    except (QmbenchError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise Unreadable(f"properties.{name}: {' '.join(str(error).split())[:200]}") from None
    if not quantity.is_finite():
        raise Unreadable(f"properties.{name} is not finite")
    return quantity


def _only_numbers(where: str, value: Any) -> None:
    """A number, lists of numbers, {state: number} or a curve; Unreadable says what stands in the place of a number."""
    if isinstance(value, list):
        for item in value:
            _only_numbers(where, item)
    elif isinstance(value, dict):
        curve = isinstance(value.get("coordinate"), list)
        for key, item in value.items():
            if curve and key == "coordinate_unit" and isinstance(item, str):
                continue
            if isinstance(item, dict) or (isinstance(item, list) and not curve):
                raise Unreadable(f"{where} holds a {type(item).__name__} for '{_short(key)}', not a number")
            _only_numbers(where, item)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(f"{where} holds {type(value).__name__}, not numbers")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def _no_number(text: str) -> Never:
    raise Unreadable(f"it is not JSON: {text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Unreadable(f"{text[:40]} is too large a number")
    return number


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return value
