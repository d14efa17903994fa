"""What learned methods say of a number: what of the question they were trained on, and why it is what it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qmbench.domain.errors import InputError

OVERLAP_KINDS = ("same geometry", "same molecule")
"""The graver first: an entry made of several tasks carries the gravest of them."""

MARK = "†"
"""Of a result whose level was trained on what it is judged by."""

Cell = str | float | int | None


@dataclass(frozen=True)
class TrainingOverlap:
    """What of a system is in the training data of the method that answers for it.

    molecule: the nearest one of the training set, by name. distance: to it, in the descriptor space of the method.
    kind: one of OVERLAP_KINDS. InputError where one of them is not so.
    """

    molecule: str
    distance: float
    kind: str

    def __post_init__(self) -> None:
        if not isinstance(self.molecule, str) or not self.molecule.strip():
            raise InputError("training_overlap.molecule must be the name of a molecule")
        if not _is_number(self.distance) or self.distance < 0:
            raise InputError("training_overlap.distance must be a finite number that is not negative")
        if self.kind not in OVERLAP_KINDS:
            raise InputError(f"training_overlap.kind must be one of: {', '.join(OVERLAP_KINDS)}")
        object.__setattr__(self, "distance", float(self.distance))

    def to_json(self) -> dict[str, Any]:
        return {"molecule": self.molecule, "distance": self.distance, "kind": self.kind}


@dataclass(frozen=True)
class Explanation:
    """Why a number is what it is, as a table. columns: names; rows: text, numbers or None, one cell per column.

    InputError where a row has another number of cells, or a cell is something else.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        _check_table(self.columns, self.rows, self.note)
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "rows", tuple(tuple(map(_plain, row)) for row in self.rows))

    def to_json(self) -> dict[str, Any]:
        return {"columns": list(self.columns), "rows": [list(row) for row in self.rows], "note": self.note}


def overlap_text(provenances: Iterable[Mapping[str, Any]]) -> str:
    """The gravest training overlap in the provenance of several records, in a few words; empty when there is none.

    `same geometry` outranks `same molecule`; of one kind the smallest distance is named. A declaration of another
    shape, from a store that another version wrote, is flagged without particulars.
    """
    declared = [p["training_overlap"] for p in provenances if p.get("training_overlap")]
    good: list[TrainingOverlap] = []
    for document in declared:
        try:
            good.append(TrainingOverlap(**document))
        except (TypeError, InputError):
            continue
    if not good:
        return "training overlap" if declared else ""
    worst = min(good, key=lambda d: (OVERLAP_KINDS.index(d.kind), d.distance, d.molecule))
    return f"{worst.kind}: {worst.molecule} ({worst.distance:.3g})"


def explanation_of(provenance: Mapping[str, Any]) -> Explanation | None:
    """The table of why a number is what it is; None when there is none, or one of another version's shape."""
    document = provenance.get("explanation")
    if not document:
        return None
    try:
        return Explanation(**document)
    except (TypeError, InputError):
        return None


def cell_text(cell: Cell) -> str:
    """A cell of an explanation as people read it."""
    if cell is None:
        return "–"
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def has_overlap(text: Any) -> bool:
    """Whether a cell of the column `training_overlap` says that there is one (tables may hold NaN or None)."""
    return isinstance(text, str) and bool(text)


def _check_table(columns: Any, rows: Any, note: Any) -> None:
    if not isinstance(columns, list | tuple) or not columns or not all(isinstance(c, str) for c in columns):
        raise InputError("explanation.columns must be a list of names, one at least")
    if not isinstance(note, str):
        raise InputError("explanation.note must be text")
    if not isinstance(rows, list | tuple):
        raise InputError("explanation.rows must be a list of rows")
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list | tuple) or len(row) != len(columns):
            raise InputError(f"explanation: row {number} must have {len(columns)} cells, one per column")
        if not all(cell is None or isinstance(_plain(cell), str | int | float) for cell in row):
            raise InputError(f"explanation: row {number} must hold text, numbers or None")


def _plain(cell: Any) -> Any:
    """A NumPy scalar as Python's; a number that is not finite as text, which every reader of JSON understands."""
    cell = cell.item() if hasattr(cell, "item") and hasattr(cell, "dtype") else cell
    return str(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell


def _is_number(x: Any) -> bool:
    x = _plain(x)
    return isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x)
