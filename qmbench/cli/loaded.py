"""A stored run, or benchmarks of published values alone, as the tables that reports are made from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmbench.cli.common import store_place
from qmbench.data.benchmark import Benchmark, benchmark_folders, find_benchmark
from qmbench.domain.errors import InputError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from qmbench.domain.record import Record


@dataclass(frozen=True)
class Loaded:
    """run: its document (None: published values alone); results and references: the tidy tables."""

    run: Mapping[str, Any] | None
    records: Mapping[str, Record]
    benchmarks: Mapping[str, Benchmark]
    results: pd.DataFrame
    references: pd.DataFrame

    @property
    def families(self) -> dict[str, dict[str, str]]:
        """level -> what it shares with others, as its method declared it."""
        from qmbench.running.run_document import run_families

        return run_families(self.run)

    @property
    def stochastic(self) -> set[str]:
        """Levels whose results differ from seed to seed."""
        levels = self.run["levels"] if self.run else {}
        return {name for name, about in levels.items() if about.get("stochastic")}


def load_target(target: str | None, store: str | None) -> Loaded:
    """What `target` names: a run by id (default: the latest), a benchmark by id or folder, or a suite file.

    A benchmark or suite stands for its published values alone. InputError with what there is otherwise.
    """
    if target is not None and (path := Path(target)).exists() and ("/" in target or path.suffix == ".toml"):
        return published_alone(_benchmarks_at(path))
    if target is not None and target in benchmark_folders():
        return published_alone([find_benchmark(target)])
    place = store_place(store)
    if "://" not in place and not os.path.exists(place):
        raise InputError(
            f"there is no store at {place}; run a suite first, say where it is with --store, or name a benchmark "
            "of published values, such as l7"
        )
    return load_run(target, place)


def load_run(run_id: str | None, place: str) -> Loaded:
    """A run of the store at `place`."""
    from qmbench.judging.frame import references_frame, results_frame
    from qmbench.running.run_document import run_benchmarks
    from qmbench.running.store import Store

    with Store.open(place, read_only=True) as store:
        known = [str(run["id"]) for run in store.runs()]
        if not known:
            raise InputError(f"the store {place} holds no run; run a suite first")
        if run_id is not None and run_id not in known:
            raise InputError(f"no run '{run_id}' in {place}{did_you_mean(run_id, known)}")
        run = store.run(run_id)
        records = store.get({key for planned in run["entries"] for _, key in planned["terms"]})
    benchmarks = run_benchmarks(run)
    return Loaded(
        run, records, benchmarks, results_frame(run, records, benchmarks), references_frame(benchmarks.values())
    )


def published_alone(found: list[Benchmark]) -> Loaded:
    """Benchmarks without any result: their reference sets are the methods."""
    import pandas as pd

    from qmbench.judging.frame import RESULT_COLUMNS, references_frame

    benchmarks = {b.id: b for b in found}
    return Loaded(None, {}, benchmarks, pd.DataFrame(columns=RESULT_COLUMNS), references_frame(found))


def _benchmarks_at(path: Path) -> list[Benchmark]:
    if path.suffix == ".toml":
        from qmbench.data.suite import read_suite

        suite = read_suite(path)
        return [find_benchmark(s.benchmark, suite.folder) for s in suite.selections]
    from qmbench.data.benchmark import load_benchmark

    if (path / "benchmark.toml").is_file():
        return [load_benchmark(path)]
    found = [load_benchmark(p.parent) for p in sorted(path.glob("*/benchmark.toml"))]
    if not found:
        raise InputError(f"{path} holds no benchmark (a folder with benchmark.toml)")
    return found
