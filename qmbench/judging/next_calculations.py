"""What to compute next: the cheapest runs, by recorded cost, that would settle what is open."""

from __future__ import annotations

from typing import Any

import numpy as np

from qmbench.judging.disagreement import Judged

OPEN = ("inconclusive", "camps")


def next_calculations(judged: list[Judged], most: int = 20) -> list[dict[str, Any]]:
    """Suggestions, cheapest first.

    kind `sampling`: a stochastic result of an inconclusive entry whose uncertainty is more than its share of the
    difference that matters; factor: how many times the sampling, since u falls with its square root; and its cost.
    kind `level`: a level of theory that other entries of the benchmark have and this open entry has not; cost:
    its median over them. Levels that failed here are suggested too, and say so. estimated_wall_s: seconds.
    """
    out: list[dict[str, Any]] = []
    for j in judged:
        usual = _usual_cost(j)
        missing = ~np.isfinite(j.group.value) & np.isfinite(usual)
        # An entry that nobody computed may consist of published values alone.
        lacking = missing.any(axis=1) & np.isfinite(j.group.wall_s).any(axis=1)
        sampled = (j.group.kind == "statistical").any(axis=1)
        verdicts = np.array([v.verdict for v in j.verdicts], dtype=object)
        for e in np.flatnonzero((lacking | sampled) & np.isin(verdicts, OPEN)).tolist():
            if sampled[e] and verdicts[e] == "inconclusive":
                out += _more_sampling(j, e)
            if lacking[e]:
                out += _missing_levels(j, e, np.flatnonzero(missing[e]).tolist(), usual)
    return sorted(out, key=lambda s: (s["estimated_wall_s"], s["entry"], s["method"]))[:most]


def _suggestion(j: Judged, e: int, c: int, kind: str, why: str, seconds: float, factor: float | None) -> dict[str, Any]:
    g = j.group
    return {
        "benchmark": g.benchmark,
        "entry": g.entries[e],
        "observable": g.observable,
        "within": g.within,
        "verdict": j.verdicts[e].verdict,
        "method": g.columns[c].name,
        "kind": kind,
        "why": why,
        "factor": factor,
        "estimated_wall_s": seconds,
    }


def _more_sampling(j: Judged, e: int) -> list[dict[str, Any]]:
    g = j.group
    wanted = j.resolution[e] / np.sqrt(2.0)  # each of two values may have this much
    out = []
    for c in range(len(g.columns)):
        u = g.uncertainty[e, c]
        cost = g.wall_s[e, c]
        if g.kind[e, c] == "statistical" and u > wanted > 0 and np.isfinite(cost) and cost > 0:
            factor = float((u / wanted) ** 2)
            why = f"{factor:.3g} times the sampling brings its uncertainty to {wanted:.3g} {g.unit}"
            out.append(_suggestion(j, e, c, "sampling", why, factor * float(cost), factor))
    return out


def _usual_cost(j: Judged) -> list[float]:
    """The median recorded cost of each column over the entries it has; NaN where none was recorded."""
    known = np.where(np.isfinite(j.group.value) & (j.group.wall_s > 0), j.group.wall_s, np.nan)
    return [float(np.median(x[np.isfinite(x)])) if np.isfinite(x).any() else np.nan for x in known.T]


def _missing_levels(j: Judged, e: int, missing: list[int], usual: list[float]) -> list[dict[str, Any]]:
    """missing: columns that the entry lacks and others have."""
    out: list[dict[str, Any]] = []
    for c in missing:
        status = j.group.status[e, c]
        if status == "unsupported":
            continue
        why = "it failed here" if status == "failed" else "other entries of the benchmark have it"
        out.append(_suggestion(j, e, c, "level", why, usual[c], None))
    return out
