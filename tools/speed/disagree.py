"""How long the disagreement document of 200 levels on 2,000 entries takes, and in how much memory.

Prints seconds and the peak resident size. Asked: under 30 s, under 2 GiB. Synthetic: levels with stated
uncertainties, two camps on one entry in ten, an outlier on another tenth; `--deterministic`: none is stated.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))


def main(deterministic: bool, n_levels: int = 200, n_entries: int = 2000) -> None:
    from tables import tables

    from qmbench.judging.disagree_document import disagree_document

    results, references, benchmarks = tables(n_levels, n_entries)
    rng = np.random.default_rng(7)
    u = 0.05
    truth = references["value"].to_numpy()
    values = truth + u * rng.standard_normal((n_levels, n_entries))
    values[: n_levels // 2, ::10] += 2.0
    values[3, 1::10] -= 5.0
    results["value"] = values.ravel()
    results["status"] = "ok"
    if not deterministic:
        results["uncertainty"], results["uncertainty_kind"] = u, "statistical"
    else:
        references["uncertainty"], references["uncertainty_kind"] = np.nan, None
    start, cpu = time.perf_counter(), time.process_time()
    document = disagree_document(results, references, benchmarks)
    middle = time.perf_counter()
    text = json.dumps(document, allow_nan=False)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{n_levels} levels, {n_entries} entries: {middle - start:.1f} s, {end - middle:.1f} s to write")
    print(
        f"processor time {time.process_time() - cpu:.1f} s, peak resident size {peak:.2f} GiB, {len(text) / 1e6:.0f} MB"
    )
    print(document["summary"]["verdicts"])


if __name__ == "__main__":
    main("--deterministic" in sys.argv)
