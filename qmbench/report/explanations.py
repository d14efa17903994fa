"""What learned levels say about their own numbers, for a report: the most uncertain predictions, as small tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.domain.learned import cell_text, explanation_of, overlap_text
from qmbench.domain.record import KEY_DIGITS
from qmbench.judging.disagreement import resolution
from qmbench.judging.items import rows_of
from qmbench.report.model import Extra, Names, is_missing
from qmbench.report.once import names_in, once

if TYPE_CHECKING:
    from qmbench.domain.record import Record
    from qmbench.judging.model import Evaluation

MOST_EXPLAINED, MOST_ROWS = 20, 12
LEARNED_KINDS = ("model", "combined")
"""Kinds of uncertainty that hold an estimate of the model's own error."""


@dataclass(frozen=True)
class Explanations:
    """tables: of the most uncertain predictions, the worst first. explained: how many hold an explanation, those
    without a table here included. key: of the first one's record."""

    tables: tuple[Extra, ...]
    explained: int
    key: str


@once
def explanations(report: Evaluation) -> Explanations:
    """The tables of the entries with the largest model uncertainty, measured in the difference that matters there."""
    found = sorted(_explained(report), key=lambda x: -x[0])
    shown = found[:MOST_EXPLAINED]
    names = names_in(report)
    tables = tuple(_table(row, record, names) for _, row, record in shown)
    return Explanations(tables, len(found), shown[0][2].key if shown else "")


def explanation_line(report: Evaluation) -> str:
    """One line for reports without the tables; empty when no record holds an explanation."""
    made = explanations(report)
    if not made.explained:
        return ""
    what = "1 prediction holds" if made.explained == 1 else f"{made.explained} predictions hold"
    return f"{what} a table of why it is what it is, in its record: `qmbench show {made.key[:KEY_DIGITS]}`, for example"


def _explained(report: Evaluation) -> Iterator[tuple[float, dict[str, Any], Record]]:
    """(uncertainty over the difference that matters, −1 when not stated; scored row; record), once per record."""
    if not any(explanation_of(record.provenance) for record in report.records.values()):
        return  # most runs have no learned level, and their tables may be long
    keys: dict[tuple[Any, ...], tuple[str, ...]] = {
        (p.level, p.bsse or "", p.benchmark, p.entry): p.keys for p in (report.run.entries if report.run else ())
    }
    seen: set[str] = set()
    for row in rows_of(report.scored[report.scored["status"] == "ok"]):
        place = (row["level_of_theory"], row["bsse"] or "", row["benchmark"], row["entry"])
        records = [report.records[key] for key in keys.get(place, ()) if key in report.records]
        having = [r for r in records if r.key not in seen and explanation_of(r.provenance)]
        if having:
            record = max(having, key=_model_uncertainty)
            seen.add(record.key)
            yield _size(row), row, record


def _model_uncertainty(record: Record) -> float:
    quantity = record.quantity
    if (
        quantity is None
        or not isinstance(quantity.uncertainty, float)
        or quantity.uncertainty_kind not in LEARNED_KINDS
    ):
        return -1.0
    return quantity.uncertainty


def _size(row: dict[Any, Any]) -> float:
    if row["uncertainty_kind"] not in LEARNED_KINDS or is_missing(row["uncertainty"]):
        return -1.0
    matters = float(resolution(row["observable"], row["unit"], np.array([row["value"]]))[0])
    return float(row["uncertainty"]) / max(matters, 1e-300)


def _table(row: dict[str, Any], record: Record, names: Names) -> Extra:
    told = explanation_of(record.provenance)
    assert told is not None
    rows = told.rows
    number = f"{row['value']:.6g}" + (f" ± {row['uncertainty']:.2g}" if not is_missing(row["uncertainty"]) else "")
    title = f"{names.of(row['level_of_theory'], row['bsse'])} on {row['benchmark']}/{row['entry']}: "
    title += f"{row['observable'].replace('_', ' ')} {number} {row['unit']}"
    overlap = overlap_text([record.provenance])
    note = [
        f"{record.prop} of {record.system_name}",
        f"in the training data: {overlap}" if overlap else "",
        told.note,
        f"the first {MOST_ROWS} of {len(rows)} rows" if len(rows) > MOST_ROWS else "",
        f"in full: qmbench show {record.key[:KEY_DIGITS]}",
    ]
    return Extra(
        title,
        "; ".join(filter(None, note)),
        told.columns,
        tuple(all(not isinstance(r[i], str) for r in rows) for i in range(len(told.columns))),
        [tuple(cell_text(cell) for cell in r) for r in rows[:MOST_ROWS]],
    )
