"""JSON files of a database: parsed, with one line for what is wrong."""

from __future__ import annotations

import json
import math
from typing import Any

from qmbench.data.imports.tree import Tree
from qmbench.domain.errors import InputError


def parsed(tree: Tree, name: str) -> Any:
    """What a JSON file of the tree holds; InputError where it is none."""
    return parsed_text(tree.text(name), name)


def parsed_text(text: str, where: str) -> Any:
    """What a JSON text holds; InputError where it is none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{where}: malformed JSON: {error}") from None
    except (RecursionError, ValueError):  # nested too deep; a number of too many digits
        raise InputError(f"{where}: malformed JSON: nested too deep, or a number of too many digits") from None


def json_names(tree: Tree) -> list[str]:
    """The JSON files of a tree."""
    return [name for name in tree if name.lower().endswith(".json")]


def is_number(value: Any) -> bool:
    """Whether a value of JSON is a finite number (not true or false)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
