"""Write a report's files in the formats that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qmbench.domain.collector import collector_paused
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.judging.model import Evaluation
from qmbench.plugging.registry import plugins


@collector_paused()
def write_report(report: Evaluation, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Write the files of each format into `folder`; returns their paths. InputError for an unknown format."""
    known = plugins().formats
    unknown = [f for f in formats if f not in known]
    if unknown:
        near = did_you_mean(unknown[0], known)
        raise InputError(f"unknown format '{unknown[0]}'{near} (there are: {', '.join(known)})")
    return [path for name in formats for path in known[name].write(report, folder)]
