"""Text of strangers without what acts on a terminal, an editor or a typesetter instead of being seen."""

from __future__ import annotations

import re
from typing import Any

# Control characters but tab and newline (escape sequences begin with one), and those that turn the direction of what
# follows, so that a line reads otherwise than it is.
_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """`text` with a `?` for each character that does something else than being seen."""
    return _ACTING.sub("?", text)


def visible_json(text: str) -> str:
    """JSON in which such characters are written as escapes: it means the same."""
    return _ACTING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def visible_in(value: Any) -> Any:
    """A tree of lists and dicts with every text in it, keys included, `visible`."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible_in(key): visible_in(item) for key, item in value.items()}
    return [visible_in(item) for item in value] if isinstance(value, list) else value
