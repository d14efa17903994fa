"""What commands on results are about: a stored run, or benchmarks of published values alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qmbench.data.benchmark import Benchmark, benchmark_folders, find_benchmark
from qmbench.data.filters import EntryFilter
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.running.stores import is_there, open_store, store_place

if TYPE_CHECKING:
    from qmbench.judging.model import Evaluation


def load_target(
    target: str | None, store: str | None, reference_set: str | None = None, only: EntryFilter | None = None
) -> Evaluation:
    """What `target` names: a run by id (default: the latest), a benchmark by id or folder, or a suite file.

    A benchmark or suite stands for its published values alone. only: of the entries that it keeps. InputError with what
    there is otherwise.
    """
    from qmbench.judging.model import Evaluation

    if target is not None and (path := Path(target)).exists() and ("/" in target or path.suffix == ".toml"):
        return Evaluation.published(_benchmarks_at(path), reference_set, only)
    if target is not None and target in benchmark_folders():
        return Evaluation.published([find_benchmark(target)], reference_set, only)
    other = ", or name a benchmark of published values, such as l7"
    return load_run(target, store, reference_set, only, or_else=other)


def load_run(
    run_id: str | None,
    store: str | None,
    reference_set: str | None = None,
    only: EntryFilter | None = None,
    or_else: str = "",
) -> Evaluation:
    """A run of the store that `--store` names, the latest by default. or_else: what else could have been asked for."""
    from qmbench.judging.model import evaluation_in

    place = store_place(store)
    if not is_there(place):
        raise InputError(
            f"there is no store at {place}; run a suite first{',' if or_else else ', or'} say where it is with --store"
            + or_else
        )
    with open_store(place, read_only=True) as opened:
        known = [str(document["id"]) for document in opened.runs()]
        if not known:
            raise InputError(f"the store {place} holds no run; run a suite first")
        if run_id is not None and run_id not in known:
            raise InputError(f"no run '{run_id}' in {place}{did_you_mean(run_id, known)}")
        return evaluation_in(opened, run_id, reference_set, only)


def filter_lines(evaluation: Evaluation) -> list[str]:
    """Which filters of entries acted, and what they left; a line each."""
    return [f.sentence for f in evaluation.filters]


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
