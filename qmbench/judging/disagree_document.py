"""The JSON document of `qmbench disagree`: entries with verdicts, pairs, trends, and what to compute next."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.domain.collector import collector_paused
from qmbench.domain.steps import told
from qmbench.judging.columns import groups
from qmbench.judging.consensus import Consensus, consensus, degrees_of_equivalence
from qmbench.judging.disagreement import VERDICTS, Judged, benjamini_hochberg_cut, disagreement
from qmbench.judging.next_calculations import next_calculations
from qmbench.judging.statistics import BenchmarkInfo
from qmbench.judging.tiers import TIERS, Weighed, reference_threshold, weigh
from qmbench.judging.trends import distances, level_differences, pair_summaries, to_order, tried_trends

if TYPE_CHECKING:
    import pandas as pd

NUMERICAL_BARS = 1e-3
"""Of the difference that matters: what is uncertain by less asks how numbers were rounded and converged."""
BEYOND_DOUBT = 100.0
"""|z| that no distribution of errors makes by chance."""
TRENDS_SHOWN = 200
AT_ONCE = 1000
"""Entries whose numbers are taken out of their arrays together."""


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
    something is off, then those that known errors explain, by the largest |z|, or where the bars are numerical by the
    difference in those that matter; see `tiers`. Entries with a single value are counted in `summary` and not listed.
    """
    judged = disagreement(groups(results, references, benchmarks, families, claims), significance)
    apart = reference_threshold(judged, significance)
    weighed = [weigh(j, significance, apart) for j in told("observables of benchmarks judged", judged)]
    entries, single = [], 0
    for w in weighed:
        j = w.judged
        agreed = consensus(j.group.value, j.uncertainty)
        equivalence = degrees_of_equivalence(j.group.value, j.uncertainty, agreed.tau)
        single += int((agreed.n == 1).sum())
        several = np.flatnonzero(agreed.n >= 2)
        for start in range(0, len(several), AT_ONCE):
            entries += _entries(w, several[start : start + AT_ONCE], agreed, *equivalence)
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
        "trends": _trends(judged, significance),
        "next_calculations": next_calculations(judged),
    }


def _trends(judged: Sequence[Judged], significance: float) -> list[dict[str, Any]]:
    """The first of those that are no chance at a false discovery rate of `significance` over all that were tried."""
    found: list[dict[str, Any]] = []
    tried = 0
    for j in judged:
        stated = np.where(j.assumed, j.group.uncertainty, j.uncertainty)
        mine, asked = tried_trends(j.group, stated, TRENDS_SHOWN)
        found, tried = found + mine, tried + asked
    p = np.array([t["p"] for t in found])
    cut = benjamini_hochberg_cut(p[p <= significance], tried, significance)
    return sorted((t for t in found if t["p"] <= cut), key=lambda t: to_order(t["p"]))[:TRENDS_SHOWN]


def _rank(x: Mapping[str, Any]) -> tuple[Any, ...]:
    surprise = round(x["surprise"], 3) if x["tier"] == "surprising" else 0.0
    place = (x["benchmark"], x["entry"], x["within"])
    return TIERS.index(x["tier"]), x["nothing_known"], -surprise, x["significant_pairs"] == 0, -_size(x), *place


def _size(x: Mapping[str, Any]) -> float:
    """How large the largest contradiction of an entry is: |z|; the difference, in those that matter, where the bars
    are numerical."""
    return float(abs(x["max_pair"]["difference"]) / x["resolution"] if has_numerical_bars(x) else x["max_z"])


def has_numerical_bars(x: Mapping[str, Any]) -> bool:
    """Whether the two values that differ most by |z| have uncertainties so far below the difference that matters that
    they are those of rounding and convergence, and |z| counts digits. x: an entry of the document."""
    uncertainty = math.hypot(*x["max_pair"]["uncertainty_by_kind"].values())
    return bool(x["max_z"] > BEYOND_DOUBT and uncertainty <= NUMERICAL_BARS * x["resolution"])


def _entries(
    w: Weighed, rows: np.ndarray, agreed: Consensus, deviation: np.ndarray, deviation_u: np.ndarray
) -> list[dict[str, Any]]:
    """The entries `rows`, together: taking single numbers out of arrays is ten times slower than lists of them."""
    j, g = w.judged, w.judged.group
    names = [c.name for c in g.columns]
    consensus_of = {name: getattr(agreed, key)[rows].tolist() for name, key in _CONSENSUS.items()}
    has = np.isfinite(g.value[rows])
    spread = np.where(has, g.value[rows], -np.inf).max(axis=1) - np.where(has, g.value[rows], np.inf).min(axis=1)
    numbers = (x.tolist() for x in (rows, spread, j.resolution[rows], j.max_z[rows], j.significant[rows]))
    votes = _votes(w, rows, has, deviation[rows], deviation_u[rows])
    out = []
    of = zip(*numbers, _pairs(j, rows), votes, zip(*consensus_of.values(), strict=True), strict=True)
    for e, width, resolution, z, significant, pair, voted, agreement in of:
        verdict, tier = j.verdicts[e], w.tiers[e]
        out.append(
            {
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
                    {"method": names[x["column"]], **{key: v for key, v in x.items() if key != "column"}}
                    for x in tier.explained_by
                ],
                "outliers": [names[i] for i in verdict.outliers],
                "camps": [[names[i] for i in camp] for camp in verdict.camps],
                "undecided": [names[i] for i in verdict.undecided],
                "consensus": dict(zip(consensus_of, agreement, strict=True)),
                "spread": width,
                "resolution": resolution,
                "max_z": z,
                "max_pair": pair,
                "significant_pairs": significant,
                "votes": voted,
            }
        )
    return out


_CONSENSUS = {
    "value": "value",
    "uncertainty": "uncertainty",
    "between_method_deviation": "tau",
    "birge_ratio": "birge_ratio",
    "n": "n",
    "median": "median",
    "median_uncertainty": "median_uncertainty",
}


def _votes(
    w: Weighed, rows: np.ndarray, has: np.ndarray, deviation: np.ndarray, deviation_u: np.ndarray
) -> list[list[dict[str, Any]]]:
    """Of each entry, each method's value with its uncertainty (None: not stated), what was assumed where none is stated
    that can be used (rounding alone can't, of an estimate), its deviation from the consensus of all the others, and
    what is known."""
    j, g = w.judged, w.judged.group
    e, c = np.nonzero(has)
    at = (rows[e], c)
    stated = ~np.isnan(g.uncertainty[at])
    columns = (
        c,
        g.value[at],
        _or_none(g.uncertainty[at], stated),
        _or_none(g.kind[at], stated),
        _or_none(j.uncertainty[at], j.assumed[at]),
        np.full(len(c), "") if g.overlap is None else g.overlap[at],
        *(_or_none(x[e, c], ~np.isnan(x[e, c])) for x in (deviation, deviation_u)),
    )
    out: list[list[dict[str, Any]]] = [[] for _ in rows]
    of = zip(e.tolist(), _known_of_votes(w, at), *(x.tolist() for x in columns), strict=True)
    for k, about, column, value, uncertainty, kind, assumed, overlap, off, off_u in of:
        out[k].append(
            {
                "method": g.columns[column].name,
                "kind": g.columns[column].kind,
                "value": value,
                "uncertainty": uncertainty,
                "uncertainty_kind": kind,
                "assumed_uncertainty": assumed,
                "training_overlap": overlap or "",
                "deviation_from_others": off,
                "deviation_uncertainty": off_u,
                "known": about,
            }
        )
    return out


def _known_of_votes(w: Weighed, at: tuple[np.ndarray, np.ndarray]) -> list[dict[str, Any] | None]:
    """What is known of each value from its level's errors on other molecules; None where nothing is."""
    k, s = w.known, w.surprises
    bias, scatter = k.bias[at], k.scatter[at]
    columns = {
        "bias": bias,
        "uncertainty": scatter,
        "freedom": k.freedom[at],
        "n": k.n[at],
        "method": k.method[at],
        "basis": k.basis[at],
        "statistical": k.statistical[at],
        "calibrated": w.judged.group.value[at] - bias,
        "expected_error": _or_none(bias + s.expected[at] * scatter, ~np.isnan(s.expected[at])),
        "surprise": _or_none(s.probability[at], ~np.isnan(s.probability[at])),
    }
    rows = zip(*(x.tolist() for x in columns.values()), strict=True)
    there = (scatter > 0).tolist()
    return [dict(zip(columns, row, strict=True)) if known else None for known, row in zip(there, rows, strict=True)]


def _or_none(x: np.ndarray, there: np.ndarray) -> np.ndarray:
    """x, None where it is not there."""
    out = x.astype(object)
    out[~there] = None
    return out


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


def _pairs(j: Judged, rows: np.ndarray) -> list[dict[str, Any]]:
    """The most significant pair of each entry, the larger value first."""
    g = j.group
    first, second = j.pair[rows].T
    swapped = g.value[rows, first] < g.value[rows, second]
    first, second = np.where(swapped, second, first), np.where(swapped, first, second)
    ends = []
    for c in (first, second):
        kind = np.where(j.assumed[rows, c], "assumed", g.kind[rows, c].astype(str))
        ends.append((c.tolist(), kind.tolist(), j.uncertainty[rows, c].tolist()))
    difference = (g.value[rows, first] - g.value[rows, second]).tolist()
    out: list[dict[str, Any]] = []
    for d, a, kind_a, u_a, b, kind_b, u_b in zip(difference, *ends[0], *ends[1], strict=True):
        parts = {kind_a: math.hypot(u_a, u_b)} if kind_a == kind_b else {kind_a: u_a, kind_b: u_b}
        out.append({"a": g.columns[a].name, "b": g.columns[b].name, "difference": d, "uncertainty_by_kind": parts})
    return out


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
