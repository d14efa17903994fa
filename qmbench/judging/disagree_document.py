"""The JSON document of `qmbench disagree`: entries with verdicts, pairs, trends, and what to compute next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.judging.columns import groups
from qmbench.judging.consensus import Consensus, consensus, degrees_of_equivalence
from qmbench.judging.disagreement import VERDICTS, Judged, disagreement
from qmbench.judging.next_calculations import next_calculations
from qmbench.judging.statistics import BenchmarkInfo
from qmbench.judging.trends import distances, level_differences, pair_summaries, trends

if TYPE_CHECKING:
    import pandas as pd

TRENDS_SHOWN = 200


def disagree_document(
    results: pd.DataFrame,
    references: pd.DataFrame,
    benchmarks: Mapping[str, BenchmarkInfo],
    families: Mapping[str, Mapping[str, str]] | None = None,
    significance: float = 0.05,
) -> dict[str, Any]:
    """The whole document, JSON-ready; numbers that do not exist are None.

    results, references: tidy tables; families: level -> `Method.families()`. `within` is empty, or the approximation
    inside which the values of that object were weighed (see `qmbench.data.reference_sets`). Entries are ranked:
    contradictions first, by the largest |z|. Entries with a single value are counted in `summary` and not listed.
    """
    judged = disagreement(groups(results, references, benchmarks, families), significance)
    entries, single = [], 0
    for j in judged:
        agreed = consensus(j.group.value, j.uncertainty)
        deviation, deviation_u = degrees_of_equivalence(j.group.value, j.uncertainty, agreed.tau)
        for e in range(len(j.group.entries)):
            if agreed.n[e] >= 2:
                entries.append(_entry(j, e, agreed, deviation[e], deviation_u[e]))
            else:
                single += int(agreed.n[e] == 1)
    entries.sort(key=lambda x: (x["significant_pairs"] == 0, -x["max_z"], x["benchmark"], x["entry"], x["within"]))
    return {
        "significance": significance,
        "summary": _summary(entries, single),
        "entries": entries,
        "pairs": [p for j in judged for p in pair_summaries(j.group, j.uncertainty, j.threshold)],
        "methods": [_methods(j) for j in judged],
        "trends": sorted((t for j in judged for t in trends(j.group, np.where(j.assumed, j.group.uncertainty, j.uncertainty))), key=lambda t: t["p"])[:TRENDS_SHOWN],
        "next_calculations": next_calculations(judged),
    }


def _entry(j: Judged, e: int, agreed: Consensus, deviation: np.ndarray, deviation_u: np.ndarray) -> dict[str, Any]:
    g, verdict = j.group, j.verdicts[e]
    names = [c.name for c in g.columns]
    here = np.flatnonzero(np.isfinite(g.value[e]))
    values = g.value[e, here]
    return {
        "benchmark": g.benchmark,
        "entry": g.entries[e],
        "observable": g.observable,
        "within": g.within,
        "unit": g.unit,
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        "outliers": [names[i] for i in verdict.outliers],
        "camps": [[names[i] for i in camp] for camp in verdict.camps],
        "undecided": [names[i] for i in verdict.undecided],
        "consensus": {
            "value": float(agreed.value[e]),
            "uncertainty": float(agreed.uncertainty[e]),
            "between_method_deviation": float(agreed.tau[e]),
            "birge_ratio": float(agreed.birge_ratio[e]),
            "n": int(agreed.n[e]),
            "median": float(agreed.median[e]),
            "median_uncertainty": float(agreed.median_uncertainty[e]),
        },
        "spread": float(np.ptp(values)),
        "resolution": float(j.resolution[e]),
        "max_z": float(j.max_z[e]),
        "max_pair": _max_pair(j, e),
        "significant_pairs": int(j.significant[e]),
        "votes": _votes(j, e, here, deviation, deviation_u),
    }


def _votes(j: Judged, e: int, here: np.ndarray, deviation: np.ndarray, deviation_u: np.ndarray) -> list[dict[str, Any]]:
    """Each method's value with its uncertainty (None: not stated), what was assumed where none is stated that can be
    used (rounding alone can't, of an estimate), and its deviation from the consensus of all the others."""
    g = j.group
    stated, used, assumed = g.uncertainty[e].tolist(), j.uncertainty[e].tolist(), j.assumed[e].tolist()
    value, kind, d, u = g.value[e].tolist(), g.kind[e], deviation.tolist(), deviation_u.tolist()
    return [
        {
            "method": g.columns[c].name,
            "kind": g.columns[c].kind,
            "value": value[c],
            "uncertainty": stated[c] if stated[c] == stated[c] else None,
            "uncertainty_kind": kind[c] if stated[c] == stated[c] else None,
            "assumed_uncertainty": used[c] if assumed[c] else None,
            "training_overlap": (g.overlap[e, c] or "") if g.overlap is not None else "",
            "deviation_from_others": d[c] if d[c] == d[c] else None,
            "deviation_uncertainty": u[c] if u[c] == u[c] else None,
        }
        for c in here.tolist()
    ]


def _max_pair(j: Judged, e: int) -> dict[str, Any]:
    g = j.group
    a, b = (int(c) for c in j.pair[e])
    if g.value[e, a] < g.value[e, b]:
        a, b = b, a
    parts: dict[str, float] = {}
    for c in (a, b):
        kind = "assumed" if j.assumed[e, c] else str(g.kind[e, c])
        parts[kind] = float(np.hypot(parts.get(kind, 0.0), j.uncertainty[e, c]))
    difference = float(g.value[e, a] - g.value[e, b])
    return {"a": g.columns[a].name, "b": g.columns[b].name, "difference": difference, "uncertainty_by_kind": parts}


def _methods(j: Judged) -> dict[str, Any]:
    """Who takes part in a benchmark, what they share, and how far apart they are."""
    return {
        **distances(j.group),
        "about": [
            {
                "name": c.name,
                "kind": c.kind,
                "level_of_theory": c.level_of_theory,
                "label": c.label,
                "bsse": c.bsse,
                "approximation": c.approximation,
                "families": dict(c.families),
                "source_doi": c.source,
                "is_default_reference": c.is_default_reference,
            }
            for c in j.group.columns
        ],
        "level_differences": level_differences(j.group.columns),
    }


def _summary(entries: list[dict[str, Any]], single: int) -> dict[str, Any]:
    verdicts = Counter(x["verdict"] for x in entries)
    per_benchmark: dict[str, Counter[str]] = {}
    outliers: Counter[str] = Counter()
    for x in entries:
        per_benchmark.setdefault(x["benchmark"], Counter())[x["verdict"]] += 1
        outliers.update(x["outliers"])
    return {
        "entries": len(entries),
        "entries_with_one_value": single,
        "verdicts": {name: verdicts[name] for name in VERDICTS},
        "benchmarks": {name: {v: c[v] for v in VERDICTS} for name, c in per_benchmark.items()},
        "outliers": dict(outliers.most_common()),
    }
