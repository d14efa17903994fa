"""How long the HTML page of 100 levels on 1,000 entries takes, and how large it is.

Prints seconds, the peak resident size, and the size of the page. Asked: under 20 s with all that is judged for it.
Synthetic: the errors of `tables.py`, one result in fifty failed; `python tools/speed/page.py [LEVELS ENTRIES]`.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def main(n_levels: int = 100, n_entries: int = 1000) -> None:
    from tables import tables

    from qmbench.judging.model import Evaluation
    from qmbench.report.renderers.html import html_report

    results, references, benchmarks = tables(n_levels, n_entries)
    extra = {"label": "", "coordinate_unit": "", "training_overlap": "", "warnings": ""}
    report = Evaluation(None, {}, benchmarks, results.assign(**extra), references)
    start, cpu = time.perf_counter(), time.process_time()
    judged = {}
    for name in ("statistics", "disagreement", "pairs", "league", "ranks", "sets", "leave_one_out", "totals"):
        began = time.perf_counter()
        getattr(report, name)
        judged[name] = time.perf_counter() - began
    middle = time.perf_counter()
    page = html_report(report)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{n_levels} levels, {n_entries} entries: judged in {middle - start:.1f} s, page in {end - middle:.1f} s")
    print(", ".join(f"{name} {seconds:.1f} s" for name, seconds in judged.items()))
    cpu = time.process_time() - cpu
    print(f"processor time {cpu:.1f} s, peak resident size {peak:.2f} GiB, {len(page) / 1e6:.2f} MB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
