"""A method as a JSON object: what `qmbench show` prints, and what stands for a method of an isolated plugin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pydantic_core

from qmbench.domain.method import Method, versions


def describe(method: type[Method]) -> dict[str, Any]:
    """Everything about a method that can be said without running it."""
    return {
        "name": method.name,
        "class": method.__name__,
        "docstring": method.__doc__ or "",
        "systems": [kind.kind for kind in method.systems],
        "properties": sorted(method.properties),
        "options": {name: _option(field) for name, field in method.Options.model_fields.items()},
        "schema": _schema(method),
        "stochastic": method.stochastic,
        "claim": method.claim,
        "own_basis": method.own_basis,
        "energy_zero": method.energy_zero,
        "examples": list(method.examples),
        "example_systems": [system.to_json() for system in method.example_systems()],
        "tolerances": dict(method.tolerances),
        "distributions": list(method.distributions),
        "versions": versions(*method.distributions),
        "citations": list(method.citations),
        "estimates": method.estimate is not Method.estimate,
        "estimates_memory": method.estimate_memory is not Method.estimate_memory,
        "removes_electrons": method.removed_electrons is not Method.removed_electrons,
    }


def _option(field: Any) -> dict[str, Any]:
    """text: the option as one reads it. default: as JSON; `required` says when there is none."""
    name = getattr(field.annotation, "__name__", None) or str(field.annotation).replace("typing.", "")
    required = field.is_required()
    value = None if required else field.get_default(call_default_factory=True)
    default = "required" if required else f"default {field.default!r}"
    return {
        "text": f"{name}, {default}. {field.description or ''}".strip(),
        "required": required,
        "default": pydantic_core.to_jsonable_python(value, fallback=str),
        "description": field.description,
    }


def _schema(method: type[Method]) -> Mapping[str, Any] | None:
    try:
        return method.Options.model_json_schema()
    except Exception:  # an option of a type that JSON schemas have no word for: its text has to do
        return None
