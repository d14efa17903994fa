"""What an output format of reports is. Plugins add theirs through the hook `qmbench_formats`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmbench.domain.errors import InputError


@dataclass(frozen=True)
class ReportFormat:
    """One format that `qmbench report --format NAME` writes.

    name: lower case, for the command line. files: what it writes, for `qmbench list formats` ("tables.tex").
    description: one line. write: of (report, folder), writes its files below `folder`, which may not exist yet, and
    returns their paths. The report (`judging.model.Evaluation`) has `run` (None for published values alone), `records`
    by key, `benchmarks` by id, the pandas tables `results`, `references`, `scored` and `statistics` (columns:
    docs/reference/report.md), and, made when they are first asked for, `pairs`, `ranks`, `sets`, `totals` and
    `disagreement` (a document). For bad input or a missing library raise InputError.
    """

    name: str
    files: tuple[str, ...]
    description: str
    write: Callable[[Any, Path], list[Path]]


class FormatRegistry(dict[str, ReportFormat]):
    """name -> ReportFormat."""

    def add(self, made: ReportFormat) -> None:
        """Take in a format; InputError when it is none, or its name is taken or no name."""
        if not isinstance(made, ReportFormat):
            raise InputError(f"qmbench_formats gave {made!r}, not a ReportFormat")
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", made.name):
            raise InputError(f"'{made.name}' can't be the name of a format: lower-case letters, digits, - and _")
        if made.name in self:
            raise InputError(f"format '{made.name}' is already there")
        self[made.name] = made
