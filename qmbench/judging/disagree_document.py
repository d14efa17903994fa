"""The JSON document of `qmbench disagree`: entries with verdicts, pairs, trends, and what to compute next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.domain.collector import collector_paused
from qmbench.judging.columns import groups
from qmbench.judging.consensus import Consensus, consensus, degrees_of_equivalence
from qmbench.judging.disagreement import VERDICTS, Judged, disagreement
from qmbench.judging.next_calculations import next_calculations
from qmbench.judging.statistics import BenchmarkInfo
from qmbench.judging.tiers import TIERS, Weighed, reference_threshold, weigh
from qmbench.judging.trends import distances, level_differences, pair_summaries, to_order, trends

if TYPE_CHECKING:
    import pandas as pd

TRENDS_SHOWN = 200


@collector_paused()
def disagree_document(
    results: pd.DataFrame,
    references: pd.DataFrame,
    benchmarks: Mapping[str, BenchmarkInfo],
    families: Mapping[str, Mapping[str, str]] | None = None,
    significance: float = 0.05,
    claims: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The whole document, JSON-ready; numbers that do not exist are None.

    results, references: tidy tables; families: level -> `Method.families()`; claims: level -> `Method.claims()`.
    `within` is empty, or the approximation inside which the values of that object were weighed (see
    `qmbench.data.reference_sets`). Entries are ranked: surprising contradictions first, by how probable it is that
    something is off, then those that known errors explain, by the largest |z|; see `tiers`. Entries with a single
    value are counted in `summary` and not listed.
    """
    judged = disagreement(groups(results, references, benchmarks, families, claims), significance)
    apart = reference_threshold(judged, significance)
    weighed = [weigh(j, significance, apart) for j in judged]
    entries, single = [], 0
    for w in weighed:
        j = w.judged
        agreed = consensus(j.group.value, j.uncertainty)
        deviation, deviation_u = degrees_of_equivalence(j.group.value, j.uncertainty, agreed.tau)
        for e in range(len(j.group.entries)):
            if agreed.n[e] >= 2:
                entries.append(_entry(w, e, agreed, deviation[e], deviation_u[e]))
            else:
                single += int(agreed.n[e] == 1)
    entries.sort(key=_rank)
    return {
        "significance": significance,
        "summary": _summary(entries, single),
        "references": _references(weighed),
        "expected": _expected(entries),
        "entries": entries,
        "pairs": [p for j in judged for p in pair_summaries(j.group, j.uncertainty, j.threshold)],
        "methods": [_methods(j) for j in judged],
        "known": [row for w in weighed for row in _known(w)],
        "trends": sorted(
            (t for j in judged for t in _trends(j)),
            key=lambda t: to_order(t["p"]),
        )[:TRENDS_SHOWN],
        "next_calculations": next_calculations(judged),
    }


def _trends(j: Judged) -> list[dict[str, Any]]:
    stated = np.where(j.assumed, j.group.uncertainty, j.uncertainty)
    return trends(j.group, stated, TRENDS_SHOWN)


def _rank(x: Mapping[str, Any]) -> tuple[Any, ...]:
    surprise = round(x["surprise"], 3) if x["tier"] == "surprising" else 0.0
    place = (x["benchmark"], x["entry"], x["within"])
    return TIERS.index(x["tier"]), x["nothing_known"], -surprise, x["significant_pairs"] == 0, -x["max_z"], *place


def _entry(w: Weighed, e: int, agreed: Consensus, deviation: np.ndarray, deviation_u: np.ndarray) -> dict[str, Any]:
    j, g, verdict, tier = w.judged, w.judged.group, w.judged.verdicts[e], w.tiers[e]
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
        "tier": tier.tier,
        "surprise": tier.surprise,
        "surprising": [names[i] for i in tier.who],
        "nothing_known": tier.unknown,
        "why_surprising": tier.why,
        "to_settle": tier.settle,
        "explained_by": [
            {"method": names[x["column"]], **{k: v for k, v in x.items() if k != "column"}} for x in tier.explained_by
        ],
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
        "votes": _votes(w, e, here, deviation, deviation_u),
    }


def _votes(
    w: Weighed, e: int, here: np.ndarray, deviation: np.ndarray, deviation_u: np.ndarray
) -> list[dict[str, Any]]:
    """Each method's value with its uncertainty (None: not stated), what was assumed where none is stated that can be
    used (rounding alone can't, of an estimate), its deviation from the consensus of all the others, and what is
    known."""
    j, g = w.judged, w.judged.group
    known = [_of_vote(w, e, c) for c in here.tolist()]
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
            "known": about,
        }
        for c, about in zip(here.tolist(), known, strict=True)
    ]


def _of_vote(w: Weighed, e: int, c: int) -> dict[str, Any] | None:
    """What is known of a value from its level's errors on other molecules; None where nothing is."""
    k, s = w.known, w.surprises
    scatter = float(k.scatter[e, c])
    if not scatter > 0:
        return None
    bias = float(k.bias[e, c])
    expected = float(s.expected[e, c])
    return {
        "bias": bias,
        "uncertainty": scatter,
        "freedom": float(k.freedom[e, c]),
        "n": int(k.n[e, c]),
        "method": float(k.method[e, c]),
        "basis": float(k.basis[e, c]),
        "statistical": float(k.statistical[e, c]),
        "calibrated": float(w.judged.group.value[e, c]) - bias,
        "expected_error": bias + expected * scatter if expected == expected else None,
        "surprise": _number(float(s.probability[e, c])),
    }


def _number(x: float) -> float | None:
    return x if x == x else None


def _known(w: Weighed) -> list[dict[str, Any]]:
    """What is known of each level in each class of entries, from all of its entries that have a reference."""
    g, k = w.judged.group, w.known
    out = []
    for c, column in enumerate(g.columns):
        if column.claims:
            continue
        for kind in dict.fromkeys(w.classes):
            rows = np.array([x == kind for x in w.classes]) & np.isfinite(k.scatter[:, c])
            if not rows.any():
                continue
            # Medians over what is known of each entry, which is from all the others.
            middle = {
                name: float(np.median(getattr(k, name)[rows, c])) for name in ("bias", "scatter", "method", "basis")
            }
            out.append(
                {
                    "benchmark": g.benchmark,
                    "observable": g.observable,
                    "within": g.within,
                    "class": kind,
                    "method": column.name,
                    "unit": g.unit,
                    "n": int(k.n[rows, c].max()),
                    "bias": middle["bias"],
                    "uncertainty": middle["scatter"],
                    "method_part": middle["method"],
                    "basis_part": middle["basis"],
                }
            )
    return out


def _references(weighed: list[Weighed]) -> dict[str, Any]:
    """Whether what claims reference quality agrees with each other: on how many entries there are two such values with
    a stated uncertainty, and where they contradict each other."""
    compared, contradictions = 0, []
    for w in weighed:
        j, g = w.judged, w.judged.group
        claiming = np.array([c.claims for c in g.columns], dtype=bool)
        able = np.isfinite(g.value) & claiming & ~j.assumed
        compared += int((able.sum(axis=1) >= 2).sum())
        for e, tier in enumerate(w.tiers):
            who = [c for c in tier.who if claiming[c]]
            if len(who) >= 2:
                contradictions.append(
                    {"benchmark": g.benchmark, "entry": g.entries[e], "methods": [g.columns[c].name for c in who]}
                )
    return {"compared": compared, "agree": not contradictions if compared else None, "contradictions": contradictions}


def _expected(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How many expected contradictions each level takes part in, and what explains them; most first."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for x in entries:
        if x["tier"] == "expected":
            for one in x["explained_by"]:
                found.setdefault((one["method"], one["by"]), Counter())[x["benchmark"]] += 1
    rows = [{"method": m, "by": by, "entries": c.total(), "benchmarks": dict(c)} for (m, by), c in found.items()]
    return sorted(rows, key=lambda r: (-r["entries"], r["method"], r["by"]))


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
                "claims_reference_quality": c.claims,
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
        "tiers": {name: sum(x["tier"] == name for x in entries) for name in TIERS},
        "verdicts": {name: verdicts[name] for name in VERDICTS},
        "benchmarks": {name: {v: c[v] for v in VERDICTS} for name, c in per_benchmark.items()},
        "outliers": dict(outliers.most_common()),
    }
