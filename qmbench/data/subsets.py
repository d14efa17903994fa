"""Subset files: a choice of entries of a benchmark that stands in a file of its own, and that suites can name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmbench.data.schema import Table, check_schema
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.systems.files import load_toml

FOLDER = "subsets"
"""Where a benchmark keeps its own: the name of the file, without .toml, is that of the subset."""


class SubsetTable(Table):
    """A subset file. What it says beside `benchmark` and `entries` tells how it was chosen."""

    benchmark: str
    benchmark_version: str = ""
    description: str = ""
    entries: list[str]
    observable: str = ""
    statistic: str = ""
    seed: int = 0
    levels: list[str] = []
    figures: dict[str, Any] = {}


@dataclass(frozen=True)
class SubsetFile:
    """The entries of a subset file, and what it says of them."""

    path: Path
    benchmark: str
    entries: tuple[str, ...]
    description: str = ""
    benchmark_version: str = ""


def subset_files(folder: Path) -> Mapping[str, Path]:
    """name -> subset file of a benchmark folder."""
    return {path.stem: path for path in sorted((folder / FOLDER).glob("*.toml"))}


def read_subset(path: Path, benchmark: str, known: Mapping[str, Any]) -> SubsetFile:
    """A subset file for the benchmark of that id; known: its entries by id. InputError says what is wrong with it."""
    table = load_toml(path)
    check_schema(table, SubsetTable, path)
    if table["benchmark"] != benchmark:
        raise InputError(f"{path}: a subset of '{table['benchmark'][:80]}', not of {benchmark}")
    entries = tuple(table["entries"])
    if not entries:
        raise InputError(f"{path}: 'entries' is empty")
    for name in entries:
        if name not in known:
            raise InputError(
                f"{path}: benchmark {benchmark} has no entry '{name[:80]}'{did_you_mean(name[:80], known)}"
            )
        if entries.count(name) > 1:
            raise InputError(f"{path}: entry '{name}' is there twice")
    return SubsetFile(path, benchmark, entries, table.get("description", ""), table.get("benchmark_version", ""))
