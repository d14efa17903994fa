"""Terminals and pipes that can't show every character: what they lack is written in letters that they have."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable
from typing import IO

# What has no decomposition into plain letters.
_PLAIN = {
    "–": "-",
    "—": "-",
    "−": "-",
    "‐": "-",
    "‑": "-",
    "×": "x",
    "·": ".",
    "±": "+-",
    "→": "->",
    "←": "<-",
    "↔": "<->",
    "↑": "up",
    "↓": "down",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "≈": "~",
    "∞": "inf",
    "√": "sqrt",
    "∫": "int",
    "∇": "grad",
    "∂": "d",
    "∈": "in",
    "ℏ": "hbar",
    "°": "deg",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "†": "+",
    "⟨": "<",
    "⟩": ">",
    "‖": "||",
    "…": "...",
    "•": "*",
    "✓": "ok",
    "✗": "x",
    "█": "#",
    "▒": "=",
    "▏": "|",
    "ø": "o",
    "Ø": "O",
    "ß": "ss",
    "ł": "l",
    "Ł": "L",
    "æ": "ae",
    "đ": "d",
}


def in_ascii(text: str) -> str:
    """`text` in ASCII: accents go, Greek letters become their names, a character without a likeness becomes `?`."""
    return "".join(map(_letter, text))


def _letter(character: str) -> str:
    if character.isascii():
        return character
    if character in _PLAIN:
        return _PLAIN[character]
    name = unicodedata.name(character, "")
    if name.startswith("GREEK"):
        letter = name.split("LETTER ")[-1].split(" WITH ")[0].removeprefix("FINAL ")
        return letter.capitalize() if "CAPITAL" in name else letter.lower()
    if name.startswith("BOX DRAWINGS"):
        return "-" if "HORIZONTAL" in name and "VERTICAL" not in name else "|" if "VERTICAL" in name else "+"
    plain = unicodedata.normalize("NFKD", character)
    if plain != character:
        return in_ascii("".join(c for c in plain if not unicodedata.combining(c)))
    return "?"


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return in_ascii(error.object[error.start : error.end]), error.end


codecs.register_error("qmbench.ascii", _replace)


def holds_unicode(stream: IO[str]) -> bool:
    """Whether everything can be written to `stream`."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("_", "-").startswith("utf")


def letters_of(stream: IO[str]) -> Callable[[str], str]:
    """What turns a text into the one that `stream` will show, for what must stand below each other there."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return str if holds_unicode(stream) else lambda text: text.encode(encoding, "qmbench.ascii").decode(encoding)


def transliterate(*streams: IO[str]) -> None:
    """Let streams that can't hold every character write what is nearest, instead of failing."""
    for stream in streams:
        if not holds_unicode(stream) and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="qmbench.ascii")
