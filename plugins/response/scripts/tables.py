"""The tables of a benchmark, as the scripts beside this write them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

ENTRIES = "id,stoichiometry,observable,subset"
REFERENCES = "entry,set,value,unit,uncertainty,uncertainty_kind,level_of_theory,source_doi,source_place,status"
Rows = Iterable[Sequence[object]]


def save(folder: Path, entries: Rows, references: Rows, more: tuple[str, str] = ("", "")) -> None:
    """Write entries.csv and references.csv. more: columns behind the usual ones of each, beginning with a comma."""
    for name, columns, rows in (("entries", ENTRIES, entries), ("references", REFERENCES, references)):
        with open(folder / f"{name}.csv", "w", newline="") as handle:
            header = (columns + more[name == "references"]).split(",")
            csv.writer(handle, lineterminator="\n").writerows([header, *rows])
