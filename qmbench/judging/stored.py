"""What all runs of a store have of one benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from qmbench.domain.errors import QmbenchError
from qmbench.judging.frame import results_frame
from qmbench.running.run_document import Run

if TYPE_CHECKING:
    import pandas as pd

    from qmbench.data.benchmark import Benchmark
    from qmbench.running.stores import StoreProtocol


def stored_results(benchmark: Benchmark, store: StoreProtocol) -> Iterator[pd.DataFrame]:
    """The results of each run with this version of the benchmark, see `results_frame`; the earliest run first."""
    for document in store.runs():
        try:
            run = Run.from_json(document)
            about = run.benchmarks.get(benchmark.id)
            if about is None or about.version != benchmark.version:
                continue
            run = replace(run, entries=tuple(p for p in run.entries if p.benchmark == benchmark.id))
            yield results_frame(run, store.get(run.keys), {benchmark.id: benchmark})
        except QmbenchError:  # a broken run, of which other commands speak
            continue
