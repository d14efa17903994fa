"""The tables of a benchmark, as the scripts beside this write them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path


def save(path: Path, columns: str, rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file; columns: their names, with commas."""
    with open(path, "w", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows([columns.split(","), *rows])
