"""How results look in a notebook: small tables, without scripts and styles of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def small_table(head: str, columns: Sequence[str], rows: Iterable[Sequence[str]], notes: Iterable[str]) -> str:
    """A heading, a table (columns may be empty: no head) and a line per note. All are text, and are escaped."""
    titles = "".join(f"<th>{escape(c)}</th>" for c in columns)
    body = "".join("<tr>" + "".join(f"<td>{_text(c)}</td>" for c in row) + "</tr>" for row in rows)
    table = f"<table>{f'<thead><tr>{titles}</tr></thead>' if titles else ''}<tbody>{body}</tbody></table>"
    said = "".join(f"<div><small>{escape(note)}</small></div>" for note in notes if note)
    return f"<div><strong>{escape(head)}</strong>{table if body else ''}{said}</div>"


def _text(text: str) -> str:
    return escape(text).replace("\n", "<br>").replace("  ", "&nbsp; ")
