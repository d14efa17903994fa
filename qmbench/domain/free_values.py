"""Values of options that nobody declared: typed by how they are written, and written so that they are read back.

Numbers, true, false, none, and what JSON has in brackets or quotation marks are that; everything else is text.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from qmbench.domain.errors import InputError

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "none": None, "null": None}


def free_value(text: str) -> Any:
    """`3` is an integer, `3.0` and `1e-3` are floats, `true`, `none`, `[1,2]`, `{"a":1}`, `"3"` (a text); else text."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if len(text) < 400:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text) and abs(float(text)) != float("inf"):
            return float(text)
    if text[:1] in ("[", "{", '"'):
        try:
            value = json.loads(text)
            json.dumps(value, allow_nan=False)
        except (ValueError, RecursionError):
            return text
        return value
    return text


def free_text(value: Any) -> str:
    """`value` as it is written in a level of theory."""
    if isinstance(value, str):
        plain = free_value(value)
        text = value if isinstance(plain, str) and plain == value else json.dumps(value, ensure_ascii=False)
    elif value is None:
        text = "none"
    elif isinstance(value, float):
        text = repr(value)
    else:
        text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return quote(text, safe="!$'()*+,/:;=?@[]{}|^~<>")


def checked_free_value(name: str, value: Any) -> Any:
    """`value` in the types of JSON; InputError where it is of another type, or no finite number."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise InputError(f"{name}: {value!r} is nothing that JSON can say; write a number, a text, a list") from None
