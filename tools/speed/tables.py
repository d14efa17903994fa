"""How long the statistics and tables of 100,000 records take, and in how much memory.

Prints seconds and the peak resident size. Asked: under 5 s, under 1 GiB.
Synthetic errors of 50 levels on 2,000 entries in four subsets, one result in fifty failed.
"""

from __future__ import annotations

import io
import resource
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd


def tables(n_levels: int = 50, n_entries: int = 2000) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, SimpleNamespace]]:
    """Results, references and the benchmark they belong to."""
    rng = np.random.default_rng(1)
    entries = [f"entry_{i}" for i in range(n_entries)]
    truth = rng.normal(-5.0, 4.0, n_entries)
    bias, spread = rng.normal(0.0, 0.5, n_levels), rng.uniform(0.1, 1.0, n_levels)
    value = truth + bias[:, None] + spread[:, None] * rng.standard_normal((n_levels, n_entries))
    failed = rng.random((n_levels, n_entries)) < 0.02
    results = pd.DataFrame(
        {
            "level_of_theory": np.repeat([f"method{i}/basis" for i in range(n_levels)], n_entries),
            "bsse": "cp",
            "method": np.repeat([f"method{i}" for i in range(n_levels)], n_entries),
            "basis": "basis",
            "benchmark": "synthetic",
            "entry": np.tile(entries, n_levels),
            "observable": "interaction_energy",
            "state": "",
            "subsets": np.tile([f"subset_{i % 4}" for i in range(n_entries)], n_levels),
            "tags": "",
            "curve": "",
            "coordinate": np.nan,
            "status": np.where(failed, "failed", "ok").ravel(),
            "failure_kind": np.where(failed, "not_converged", "").ravel(),
            "failure_message": np.where(failed, "the SCF did not converge in 50 cycles", "").ravel(),
            "value": np.where(failed, np.nan, value).ravel(),
            "unit": "kcal/mol",
            "uncertainty": np.nan,
            "uncertainty_kind": None,
            "wall_s": 1.0,
            "cpu_s": 1.0,
            "cached": True,
        }
    )
    references = pd.DataFrame(
        {
            "benchmark": "synthetic",
            "entry": entries,
            "set": "best",
            "value": truth,
            "unit": "kcal/mol",
            "uncertainty": 0.05,
            "uncertainty_kind": "estimate",
            "level_of_theory": "ccsd(t)/cbs",
            "source_doi": "",
            "source_place": "",
            "status": "current",
            "note": "",
        }
    )
    benchmark = SimpleNamespace(
        id="synthetic",
        title="Synthetic",
        unit="kcal/mol",
        observable="interaction_energy",
        default_reference_set="best",
        subsets={f"subset_{i}": "" for i in range(4)},
    )
    return results, references, {"synthetic": benchmark}


def main() -> None:
    from rich.console import Console

    from qmbench.judging.statistics import score, statistics
    from qmbench.report.renderers.markdown import to_markdown
    from qmbench.report.renderers.terminal import render_terminal

    results, references, benchmarks = tables()
    start, cpu = time.perf_counter(), time.process_time()
    scored = score(results, references, benchmarks)
    summary = statistics(scored)
    middle = time.perf_counter()
    out = io.StringIO()
    render_terminal(summary, scored, benchmarks, console=Console(file=out, width=120))
    markdown = to_markdown(summary, scored, benchmarks)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{len(results)} records: statistics {middle - start:.2f} s, tables {end - middle:.2f} s")
    print(f"processor time {time.process_time() - cpu:.2f} s, peak resident size {peak:.2f} GiB")
    print(f"{len(summary)} rows, {len(out.getvalue())} characters on the terminal, {len(markdown)} of Markdown")


if __name__ == "__main__":
    main()
