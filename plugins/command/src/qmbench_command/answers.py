"""What a program said, as numbers."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from qmbench import NotConverged, QmbenchError, Quantity, units
from qmbench_command.description import SHAPES, Description


def read_answer(text: str, about: Description, properties: frozenset[str], atoms: int, target: dict[str, str]) -> Any:
    """(property -> Quantity, settings, warnings). atoms: how many; target: property -> unit in which it is returned.

    NotConverged and QmbenchError where the answer says so, or can't be read.
    """
    if about.not_converged and re.search(about.not_converged, text):
        raise NotConverged(f"the output says so: {_line(text, about.not_converged)}")
    if about.success and not re.search(about.success, text):
        raise QmbenchError(f"the output has nothing that matches {about.success!r}; it ends: {ending(text)}")
    answer: dict[str, Any] = {}
    if any(about.properties[name].regex is None for name in properties):
        answer = _json(text)
    found = {}
    for name in sorted(properties):
        reading = about.properties[name]
        if reading.regex is None:
            key = reading.key or name
            if key not in answer:
                raise QmbenchError(f"the JSON answer has no '{key}'; it has {', '.join(sorted(answer)) or 'nothing'}")
            value = _numbers(answer[key], f"'{key}' of the JSON answer")
        else:
            value = _matched(text, reading.regex, name, atoms)
        value = value * (reading.scale * units.factor(reading.unit, target[name]))
        found[name] = Quantity(float(value) if value.ndim == 0 else value, target[name])
    settings = answer.get("settings", {})
    warnings = answer.get("warnings", [])
    if not isinstance(settings, dict) or not isinstance(warnings, list):
        raise QmbenchError("in the JSON answer, settings is an object and warnings is a list of texts")
    return found, settings, [" ".join(str(w).split()) for w in warnings]


def _json(text: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise QmbenchError(f"the answer is no JSON object; it ends: {ending(text)}") from None
    if not isinstance(answer, dict):
        raise QmbenchError(f"the answer is no JSON object but a {type(answer).__name__}")
    error = answer.get("error")
    if error:
        kind, message = (error.get("kind"), error.get("message")) if isinstance(error, dict) else ("", error)
        said = " ".join(str(message).split())[:500]
        raise NotConverged(said) if kind == "not_converged" else QmbenchError(f"the program says: {said}")
    return answer


def _numbers(value: Any, what: str) -> np.ndarray:
    try:
        if isinstance(value, bool):
            raise ValueError
        return np.array(value, dtype=float)
    except (ValueError, TypeError):
        raise QmbenchError(f"{what} is not numbers: {str(value)[:80]}") from None


def _matched(text: str, regex: str, name: str, atoms: int) -> np.ndarray:
    """The last matches that fill the shape of a property."""
    shape = tuple(atoms if axis == "atoms" else int(axis) for axis in SHAPES[name])
    wanted = int(np.prod(shape))
    rows = [m.groups() for m in re.finditer(regex, text, re.MULTILINE)]
    each = len(rows[0]) if rows else 0
    if not rows or wanted % each or len(rows) * each < wanted:
        raise QmbenchError(
            f"{name}: {wanted} numbers are wanted, and {regex!r} matches {len(rows)} times with {each} each; the "
            f"output ends: {ending(text)}"
        )
    words = [word for row in rows[len(rows) - wanted // each :] for word in row]
    try:  # Fortran writes 1.0D+00
        numbers = [float(word.strip().replace("D", "E").replace("d", "e")) for word in words]
    except (ValueError, AttributeError):
        raise QmbenchError(f"{name}: what {regex!r} matches are no numbers: {' '.join(map(str, words))[:80]}") from None
    return np.array(numbers).reshape(shape)


def _line(text: str, regex: str) -> str:
    found = re.search(rf".*(?:{regex}).*", text)
    return " ".join(found[0].split())[:200] if found else ending(text)


def ending(text: str) -> str:
    """The last words of an output, in one line."""
    return " ".join(text.split())[-200:] or "nothing"
