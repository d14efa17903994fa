"""What learned methods declare in a record's settings: what of the question they were trained on, and why they say so.

`training_overlap` = {"molecule": text, "distance": number, "kind": one of OVERLAP_KINDS}, absent where there is none;
distance in the descriptor space of the method. `explanation` = {"columns": [text], "rows": [[text, number or None]],
"note": text}. Both are optional, and records that were stored before have neither.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

OVERLAP_KINDS = ("same geometry", "same molecule")
"""The graver first: an entry made of several tasks carries the gravest of them."""

MARK = "†"


def fault(settings: Mapping[str, Any]) -> str:
    """What is wrong with the declarations in `settings` and what would be right, in one line; empty: nothing."""
    said = _overlap_fault(settings["training_overlap"]) if "training_overlap" in settings else ""
    if not said and "explanation" in settings:
        said = _explanation_fault(settings["explanation"])
    return said


def overlap_text(settings: Iterable[Mapping[str, Any]]) -> str:
    """The gravest overlap among the settings of several records, in a few words; empty when there is none.

    `same geometry` outranks `same molecule`; of one kind the smallest distance is named. A declaration of another
    shape, from a store that another version wrote, is flagged without particulars.
    """
    declared = [s["training_overlap"] for s in settings if s.get("training_overlap")]
    good = [d for d in declared if not _overlap_fault(d)]
    if not good:
        return "training overlap" if declared else ""
    worst = min(good, key=lambda d: (OVERLAP_KINDS.index(d["kind"]), d["distance"], d["molecule"]))
    return f"{worst['kind']}: {worst['molecule']} ({worst['distance']:.3g})"


def explanation_of(settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The table of why a number is what it is; None when there is none, or one of another version's shape."""
    declared = settings.get("explanation")
    return declared if declared and not _explanation_fault(declared) else None


def cell_text(cell: str | float | None) -> str:
    """A cell of an explanation as people read it."""
    if cell is None:
        return "–"
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def has_overlap(text: Any) -> bool:
    """Whether a cell of the column `training_overlap` says that there is one (tables may hold NaN or None)."""
    return isinstance(text, str) and bool(text)


def _overlap_fault(declared: Any) -> str:
    shape = '{"molecule": text, "distance": number, "kind": "same molecule" or "same geometry"}'
    if not isinstance(declared, Mapping) or set(declared) != {"molecule", "distance", "kind"}:
        return f"settings.training_overlap must be {shape}; leave it out where nothing overlaps"
    if not isinstance(declared["molecule"], str) or not declared["molecule"].strip():
        return "settings.training_overlap.molecule must be the name of a molecule"
    if not _is_number(declared["distance"]) or declared["distance"] < 0:
        return "settings.training_overlap.distance must be a finite number that is not negative"
    if declared["kind"] not in OVERLAP_KINDS:
        return f"settings.training_overlap.kind must be one of: {', '.join(OVERLAP_KINDS)}"
    return ""


def _explanation_fault(declared: Any) -> str:
    if not isinstance(declared, Mapping) or set(declared) - {"note"} != {"columns", "rows"}:
        return 'settings.explanation must be {"columns": [text], "rows": [[text or number]], "note": text}'
    columns, rows = declared["columns"], declared["rows"]
    if not isinstance(columns, list | tuple) or not columns or not all(isinstance(c, str) for c in columns):
        return "settings.explanation.columns must be a list of names, one at least"
    if not isinstance(declared.get("note", ""), str):
        return "settings.explanation.note must be text"
    if not isinstance(rows, list | tuple):
        return "settings.explanation.rows must be a list of rows"
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list | tuple) or len(row) != len(columns):
            return f"settings.explanation: row {number} must have {len(columns)} cells, one per column"
        if not all(cell is None or isinstance(cell, str | int | float) for cell in row):
            return f"settings.explanation: row {number} must hold text, numbers or None"
    return ""


def _is_number(x: Any) -> bool:
    return isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x)
