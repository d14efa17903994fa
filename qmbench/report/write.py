"""Write a report's files in the formats that were asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmbench.domain.errors import InputError, did_you_mean
from qmbench.plugging.registry import plugins

if TYPE_CHECKING:
    import pandas as pd

    from qmbench.domain.record import Record
    from qmbench.judging.statistics import BenchmarkInfo
    from qmbench.report.comparisons import Comparisons


@dataclass(frozen=True)
class Report:
    """What a report is made of. run: its document, or None for published values alone; scored: the tidy results
    beside their references; statistics: of those."""

    run: Mapping[str, Any] | None
    records: Mapping[str, Record]
    benchmarks: Mapping[str, BenchmarkInfo]
    results: pd.DataFrame
    references: pd.DataFrame
    scored: pd.DataFrame
    statistics: pd.DataFrame

    @cached_property
    def disagreement(self) -> dict[str, Any]:
        """The `disagree` document of the same values."""
        from qmbench.judging.disagree_document import disagree_document
        from qmbench.running.run_document import run_families

        return disagree_document(self.results, self.references, self.benchmarks, run_families(self.run))

    @cached_property
    def comparisons(self) -> Comparisons:
        """How the levels compare with each other, over reference sets and over benchmarks."""
        from qmbench.report.comparisons import Comparisons

        return Comparisons(self.results, self.references, self.benchmarks, self.scored, self.statistics)


def make_report(
    run: Mapping[str, Any] | None,
    records: Mapping[str, Record],
    benchmarks: Mapping[str, BenchmarkInfo],
    results: pd.DataFrame,
    references: pd.DataFrame,
    reference_set: str | None = None,
) -> Report:
    """Score and summarise; see `qmbench.judging.statistics`."""
    from qmbench.judging.statistics import score, statistics

    scored = score(results, references, benchmarks, reference_set)
    return Report(run, records, benchmarks, results, references, scored, statistics(scored))


def write_report(report: Report, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Write the files of each format into `folder`; returns their paths. InputError for an unknown format."""
    known = plugins().formats
    unknown = [f for f in formats if f not in known]
    if unknown:
        near = did_you_mean(unknown[0], known)
        raise InputError(f"unknown format '{unknown[0]}'{near}; there are: {', '.join(known)}")
    return [path for name in formats for path in known[name].write(report, folder)]
