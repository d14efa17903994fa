"""How results look in a notebook: small tables, without scripts and styles of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from qmbench.domain.learned import MARK
from qmbench.domain.record import KEY_DIGITS
from qmbench.report.values import unit_text, value_lines

if TYPE_CHECKING:
    from qmbench.api.compute import Computation
    from qmbench.api.run import RunResult


def computation_html(made: Computation) -> str:
    """The values with their units, or why there are none."""
    head = f"{made.level} on {made.name}" + (f", bsse {made.bsse}" if made.bsse else "")
    if made.failure is not None:
        return _page(head, [], [[f"{made.status} ({made.failure.kind})", made.failure.message]], [])
    rows = []
    for name, quantity in made.properties.items():
        data = quantity.to_json()
        rows += [[label, text, unit_text(data)] for label, text in value_lines(name, data)]
    for key, coefficient in made.coefficients.items():
        record = next(r for r in made.records if r.key == key)
        if record.quantity is not None:
            data = record.quantity.to_json()
            (_, text), *_ = value_lines("", data)
            rows.append([f"  {coefficient:+g} × {record.system_name}", text, unit_text(data)])
    notes = [f"{MARK} in the training data of this level: {made.training_overlap}"] if made.training_overlap else []
    notes += [f"warning: {warning}" for warning in made.warnings]
    notes.append("records: " + ", ".join(r.key[:KEY_DIGITS] for r in made.records))
    return _page(head, [], rows, [*notes, *(["from the store"] if made.cached else [])])


def run_html(made: RunResult) -> str:
    """The tables that the command line prints, without those of subsets."""
    from qmbench.report.tables import legend, table_blocks

    statistics = made.statistics
    parts = [_page(made.evaluation.title, [], [], [made.summary])]
    for block in table_blocks(statistics, made.scored, made.evaluation.benchmarks, subsets=False):
        rows = [[row.level, *row.cells] for row in block.rows]
        parts.append(_page(block.heading, ["level of theory", *block.columns], rows, [*block.notes, *block.failures]))
    return "".join([*parts, f"<p><small>{escape(legend(statistics))}</small></p>" if len(statistics) else ""])


def _page(head: str, columns: Sequence[str], rows: Iterable[Sequence[str]], notes: Iterable[str]) -> str:
    titles = "".join(f"<th>{escape(c)}</th>" for c in columns)
    body = "".join("<tr>" + "".join(f"<td>{_text(c)}</td>" for c in row) + "</tr>" for row in rows)
    table = f"<table>{f'<thead><tr>{titles}</tr></thead>' if titles else ''}<tbody>{body}</tbody></table>"
    said = "".join(f"<div><small>{escape(note)}</small></div>" for note in notes if note)
    return f"<div><strong>{escape(head)}</strong>{table if body else ''}{said}</div>"


def _text(text: str) -> str:
    return escape(text).replace("\n", "<br>").replace("  ", "&nbsp; ")
