"""How large the errors of each level of theory are: joins results with references and summarises.

Pure functions over two tidy tables. `results` has a row per (level_of_theory, bsse, benchmark, entry),
`references` one per (benchmark, entry, set). Error means calculated − reference, in the benchmark's unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.learned import has_overlap
from qmbench.judging import bootstrap

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"
"""The subset that is the whole benchmark."""

SUMMARIES = ("mean_signed_error", "mean_absolute_error", "root_mean_square_error")
QUANTILES = {"median_absolute_error": 0.5, "percentile_95_absolute_error": 0.95}
IN_UNITS = (*SUMMARIES, *QUANTILES, "max_absolute_error", *(f"common_{name}" for name in SUMMARIES))
"""The statistics that are in the benchmark's unit. NAME_low and NAME_high enclose NAME; see `statistics`."""


class BenchmarkInfo(Protocol):
    """What the analysis needs to know of a benchmark besides its rows."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def observable(self) -> str: ...
    @property
    def default_reference_set(self) -> str: ...
    @property
    def subsets(self) -> Mapping[str, str]: ...


def choose_references(
    references: pd.DataFrame, benchmarks: Mapping[str, BenchmarkInfo], reference_set: str | None = None
) -> pd.DataFrame:
    """One reference per (benchmark, entry): of `reference_set` where the benchmark has it, else of its default set.

    Superseded values are left out; a current value goes before a disputed one. InputError when no benchmark
    has `reference_set`, or when a set holds two current values of one entry.
    """
    import pandas as pd

    if reference_set is not None and not (references["set"] == reference_set).any():
        raise InputError(
            f"no benchmark here has a reference set '{reference_set}'"
            f"{did_you_mean(reference_set, references['set'].unique())}"
        )
    wanted = {name: benchmark.default_reference_set for name, benchmark in benchmarks.items()}
    if reference_set is not None:
        holders = references.loc[references["set"] == reference_set, "benchmark"].unique()
        wanted.update(dict.fromkeys(holders, reference_set))
    chosen = references[references["set"].eq(references["benchmark"].map(wanted))]
    chosen = chosen[chosen["status"].ne("superseded")]
    chosen = chosen.assign(_order=chosen["status"].ne("current")).sort_values("_order", kind="stable")
    twice = chosen[chosen.duplicated(["benchmark", "entry", "_order"])]
    if len(twice):
        row = twice.iloc[0]
        raise InputError(
            f"{row['benchmark']}: reference set '{row['set']}' has two {row['status']} values of entry "
            f"'{row['entry']}'; mark the older one superseded"
        )
    chosen = chosen.drop_duplicates(["benchmark", "entry"])
    names = {
        "set": "reference_set",
        "value": "reference",
        "uncertainty": "reference_uncertainty",
        "uncertainty_kind": "reference_uncertainty_kind",
        "level_of_theory": "reference_level_of_theory",
        "source_doi": "reference_doi",
        "source_place": "reference_place",
        "status": "reference_status",
    }
    return pd.DataFrame(chosen[["benchmark", "entry", *names]].rename(columns=names)).reset_index(drop=True)


def score(
    results: pd.DataFrame,
    references: pd.DataFrame,
    benchmarks: Mapping[str, BenchmarkInfo],
    reference_set: str | None = None,
) -> pd.DataFrame:
    """`results` with each row's reference (see `choose_references`) and `error` = value − reference.

    `error` is NaN where the row is not ok or has no reference. `error_uncertainty` is the quadrature sum of
    the row's and the reference's uncertainty, NaN where both are unknown. Row order is kept.
    """
    twice = results.duplicated(["level_of_theory", "bsse", "benchmark", "entry"])
    if twice.any():
        row = results[twice].iloc[0]
        raise InputError(f"{row['level_of_theory']} has two results of {row['benchmark']}/{row['entry']}")
    chosen = choose_references(references, benchmarks, reference_set)
    scored = results.merge(chosen, on=["benchmark", "entry"], how="left", validate="many_to_one")
    scored["error"] = (scored["value"] - scored["reference"]).where(scored["status"].eq("ok"))
    own = scored["uncertainty"].astype(float)
    other = scored["reference_uncertainty"].astype(float)
    squares = own.fillna(0.0) ** 2 + other.fillna(0.0) ** 2
    scored["error_uncertainty"] = (squares**0.5).where(own.notna() | other.notna())
    return scored


def statistics(
    scored: pd.DataFrame, confidence: float = 0.95, resamples: int = bootstrap.RESAMPLES, intervals: bool = True
) -> pd.DataFrame:
    """One row per (benchmark, observable, subset, level_of_theory, bsse); subset "all" is the whole benchmark.

    scored: from `score`. Columns, beside those names, `method`, `basis`, `unit` and `reference_set`:

    n, n_ok, n_failed, n_unsupported: rows by status. n_scored: ok rows that have a reference; every statistic
    is over these. coverage: n_ok / n. n_common: entries that every level has which has at least half as many scores
    here as the level with most; a level with fewer is a sample, and has no common_NAME.
    n_differs: whether those levels differ in n_scored, so that their own statistics do not compare.

    NAME for mean_signed_error, mean_absolute_error, root_mean_square_error (bootstrap-t over entries),
    median_absolute_error and percentile_95_absolute_error (distribution-free), in `unit`, with
    NAME_low, NAME_high: the interval at `confidence`; NaN where the entries are too few for one (fewer than 7,
    and than 73 for the percentile, whose upper end nothing below bounds).
    NAME_uncertainty: one standard deviation from the uncertainties of references and results (not for the
    quantiles); NaN when all are unknown. NAME_combined_low, NAME_combined_high: both together.
    max_absolute_error, max_entry, max_absolute_error_uncertainty: the largest error; it has no interval over
    entries, because no resampling estimates an extreme.
    common_NAME with its _low and _high: the same over the n_common entries.
    confidence: of all intervals of the row. n_reference_uncertainty: scored entries whose reference states an
    uncertainty. n_training_overlap: scored entries that the level was trained on.
    wall_s, cpu_s: sums; cached results count with the time they once took.

    Unknown uncertainties are left out of the propagation, never taken as large or counted as known. Kind
    `systematic` is taken as fully correlated over entries, every other kind as independent.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for _, part in scored.groupby(["benchmark", "observable"], sort=False):
        group = _group(part)
        for subset in (ALL, *group.subsets):
            rows += _subset_rows(group, subset, confidence, resamples if intervals else 0)
    return pd.DataFrame(rows, columns=_columns())


def _columns() -> list[str]:
    names = ["benchmark", "observable", "subset", "level_of_theory", "bsse", "method", "basis", "unit"]
    names += ["reference_set", "n", "n_ok", "n_failed", "n_unsupported", "coverage", "n_scored", "confidence"]
    for name in SUMMARIES:
        names += [name, *(f"{name}_{end}" for end in ("low", "high", "uncertainty", "combined_low", "combined_high"))]
    for name in QUANTILES:
        names += [name, f"{name}_low", f"{name}_high"]
    names += ["max_absolute_error", "max_absolute_error_uncertainty", "max_entry", "n_common", "n_differs"]
    for name in SUMMARIES:
        names += [f"common_{name}", f"common_{name}_low", f"common_{name}_high"]
    return [*names, "n_reference_uncertainty", "n_training_overlap", "wall_s", "cpu_s"]


def subset_names(column: Iterable[str]) -> list[str]:
    """The distinct names in a column of space-separated names, in order of appearance."""
    names: dict[str, None] = {}
    for text in dict.fromkeys(column):
        if isinstance(text, str):
            names.update(dict.fromkeys(text.split()))
    return list(names)


@dataclass(frozen=True)
class _Group:
    """One benchmark and observable as matrices (entries, levels); rows that do not exist have status ''."""

    entries: np.ndarray
    levels: list[dict[str, Any]]
    subsets: dict[str, np.ndarray]
    status: np.ndarray
    error: np.ndarray
    independent: np.ndarray
    systematic: np.ndarray
    reference_known: np.ndarray
    overlap: np.ndarray
    wall_s: np.ndarray
    cpu_s: np.ndarray


def _group(part: pd.DataFrame) -> _Group:
    entry_codes, entries = part["entry"].factorize()
    level_codes, level_keys = (part["level_of_theory"] + "\0" + part["bsse"].fillna("")).factorize()
    shape = (len(entries), len(level_keys))

    def matrix(values: Any, empty: Any, dtype: Any = float) -> np.ndarray:
        out = np.full(shape, empty, dtype=dtype)
        out[entry_codes, level_codes] = np.asarray(values, dtype=dtype)
        return out

    first = part.drop_duplicates("entry")
    words = [set(text.split()) if isinstance(text, str) else set() for text in first["subsets"]]
    names = [name for name in subset_names(first["subsets"]) if name != ALL]
    own, own_kind = part["uncertainty"].astype(float), part["uncertainty_kind"]
    ref, ref_kind = part["reference_uncertainty"].astype(float), part["reference_uncertainty_kind"]
    return _Group(
        entries=np.asarray(entries, dtype=object),
        levels=_level_columns(part, level_codes),
        subsets={name: np.array([name in w for w in words]) for name in names},
        status=matrix(part["status"], "", object),
        error=matrix(part["error"], np.nan),
        # Variances; NaN where nothing of that sort is known.
        independent=matrix(_variance(own, own_kind, False, ref, ref_kind), np.nan),
        systematic=matrix(_variance(own, own_kind, True, ref, ref_kind), np.nan),
        reference_known=matrix(ref.notna(), False, bool),
        overlap=matrix(overlaps(part), False, bool),
        wall_s=matrix(part["wall_s"].astype(float).fillna(0.0), 0.0),
        cpu_s=matrix(part["cpu_s"].astype(float).fillna(0.0), 0.0),
    )


def overlaps(results: pd.DataFrame) -> np.ndarray:
    """Per row, whether its level was trained on it; tables from before the column have no such rows."""
    if "training_overlap" not in results:
        return np.zeros(len(results), bool)
    return np.array([has_overlap(text) for text in results["training_overlap"]], dtype=bool)


def _level_columns(part: pd.DataFrame, level_codes: np.ndarray) -> list[dict[str, Any]]:
    columns = ["benchmark", "observable", "level_of_theory", "bsse", "method", "basis", "unit"]
    first = part.assign(_level=level_codes).drop_duplicates("_level").sort_values("_level")
    sets = part.loc[part["reference_set"].notna()].groupby("benchmark")["reference_set"].first()
    return [
        {**{str(k): v for k, v in row.items()}, "reference_set": sets.get(row["benchmark"])}
        for row in first[columns].to_dict("records")
    ]


def _variance(own: pd.Series, own_kind: pd.Series, systematic: bool, ref: pd.Series, ref_kind: pd.Series) -> Any:
    mine = (own**2).where(own_kind.eq("systematic") == systematic)
    theirs = (ref**2).where(ref_kind.eq("systematic") == systematic)
    return mine.fillna(0.0).add(theirs.fillna(0.0)).where(mine.notna() | theirs.notna())


def compared(has: np.ndarray) -> np.ndarray:
    """Which columns of `has` (entries, levels) are compared by the entries that they all share.

    Those with at least half as many entries as the fullest: one that was asked for an entry or two, as a sample,
    would leave the others nothing to be compared by.
    """
    n = has.sum(axis=0)
    return (n > 0) & (2 * n >= n.max(initial=0))


def _subset_rows(g: _Group, subset: str, confidence: float, resamples: int) -> list[dict[str, Any]]:
    members = np.ones(len(g.entries), bool) if subset == ALL else g.subsets[subset]
    status, error = g.status[members], g.error[members]
    entries = g.entries[members]
    order = np.argsort(entries)  # so that the resamples do not depend on the order of the rows
    status, error, entries = status[order], error[order], entries[order]
    independent, systematic = g.independent[members][order], g.systematic[members][order]
    known, wall_s, cpu_s = g.reference_known[members][order], g.wall_s[members], g.cpu_s[members]
    overlap = g.overlap[members][order]
    has = np.isfinite(error)
    planned = (status != "").sum(axis=0)
    scored = has.sum(axis=0)
    taking_part = compared(has)
    common = has[:, taking_part].all(axis=1) if taking_part.any() else np.zeros(len(entries), bool)
    differs = len(set(scored[taking_part & (planned > 0)].tolist())) > 1

    stats = summaries(error, confidence, resamples)
    propagated = _propagated(error, independent, systematic)
    rows: list[dict[str, Any] | None] = [None] * len(g.levels)
    for column in np.flatnonzero(planned):
        row = {**g.levels[column], "subset": subset}
        row["confidence"] = confidence
        row["n"] = int(planned[column])
        for name in ("ok", "failed", "unsupported"):
            row[f"n_{name}"] = int((status[:, column] == name).sum())
        row["coverage"] = row["n_ok"] / row["n"]
        row["n_scored"] = int(scored[column])
        row["n_common"] = int(common.sum())
        row["n_differs"] = differs
        row.update({name: values[column] for name, values in stats.items()})
        row.update({f"{name}_uncertainty": values[column] for name, values in propagated.items()})
        row["max_entry"] = entries[np.nanargmax(np.abs(error[:, column]))] if scored[column] else None
        row["n_reference_uncertainty"] = int((known[:, column] & has[:, column]).sum())
        row["n_training_overlap"] = int((overlap[:, column] & has[:, column]).sum())
        row["wall_s"], row["cpu_s"] = float(wall_s[:, column].sum()), float(cpu_s[:, column].sum())
        rows[column] = row
    _add_combined(rows, confidence)
    _add_common(rows, error, common, taking_part, confidence, resamples)
    return [row for row in rows if row is not None]


def summaries(error: np.ndarray, confidence: float, resamples: int) -> dict[str, np.ndarray]:
    """Statistics of the columns of `error` (entries, levels; NaN where there is none), arrays over levels."""
    levels = error.shape[1]
    absolute = np.abs(error)
    out = {name: np.full(levels, np.nan) for name in (*SUMMARIES, *QUANTILES, "max_absolute_error")}
    intervals = {name: np.full((2, levels), np.nan) for name in (*SUMMARIES, *QUANTILES)}
    for columns, mask in bootstrap.patterns(np.isfinite(error)):
        if not mask.any():
            continue
        e, a = error[np.ix_(mask, columns)], absolute[np.ix_(mask, columns)]
        out["mean_signed_error"][columns] = e.mean(axis=0)
        out["mean_absolute_error"][columns] = a.mean(axis=0)
        out["root_mean_square_error"][columns] = np.sqrt((e**2).mean(axis=0))
        out["max_absolute_error"][columns] = a.max(axis=0)
        for name, p in QUANTILES.items():
            out[name][columns] = np.quantile(a, p, axis=0)
            if resamples:
                intervals[name][:, columns] = bootstrap.quantile_intervals(a, p, confidence)
    if resamples and len(error):
        for name, numbers, averaged in zip(
            SUMMARIES, (error, absolute, error**2), ("signed", "magnitude", "square"), strict=True
        ):
            intervals[name] = bootstrap.mean_intervals(numbers, confidence, resamples, averaged)
        for name in SUMMARIES[1:]:
            intervals[name] = np.maximum(intervals[name], 0.0)
        intervals["root_mean_square_error"] = np.sqrt(intervals["root_mean_square_error"])
    for name, pair in intervals.items():
        out[f"{name}_low"], out[f"{name}_high"] = pair
    return out


def _propagated(error: np.ndarray, independent: np.ndarray, systematic: np.ndarray) -> dict[str, np.ndarray]:
    """First-order standard uncertainty of each statistic from the variances of the errors (entries, levels)."""
    has = np.isfinite(error)
    unknown = ~has | (np.isnan(independent) & np.isnan(systematic))
    n = np.maximum(has.sum(axis=0), 1)
    error = np.where(has, error, 0.0)
    variance = np.where(has, np.nan_to_num(independent), 0.0)
    shift = np.where(has, np.sqrt(np.nan_to_num(systematic)), 0.0)
    rms = np.sqrt((error**2).sum(axis=0) / n)
    weights = {
        "mean_signed_error": has / n,
        "mean_absolute_error": np.sign(error) / n,
        "root_mean_square_error": error / np.where(rms > 0, n * rms, 1.0),
    }
    blank = unknown.all(axis=0)
    out = {}
    for name, w in weights.items():
        total = np.sqrt((w**2 * variance).sum(axis=0) + (w * shift).sum(axis=0) ** 2)
        out[name] = np.where(blank, np.nan, total)
    worst = np.argmax(np.abs(error), axis=0), np.arange(error.shape[1])
    out["max_absolute_error"] = np.where(unknown[worst], np.nan, np.sqrt(variance[worst] + shift[worst] ** 2))
    return out


def _add_combined(rows: list[dict[str, Any] | None], confidence: float) -> None:
    for row in rows:
        if row is None:
            continue
        for name in SUMMARIES:
            ends = np.array([row[f"{name}_low"], row[f"{name}_high"]])
            low, high = bootstrap.combined_interval(row[name], ends, row[f"{name}_uncertainty"], confidence)
            row[f"{name}_combined_low"] = low if name == "mean_signed_error" else max(low, 0.0) if low == low else low
            row[f"{name}_combined_high"] = high


def _add_common(
    rows: list[dict[str, Any] | None],
    error: np.ndarray,
    common: np.ndarray,
    taking_part: np.ndarray,
    confidence: float,
    resamples: int,
) -> None:
    """Statistics over the entries that all levels taking part share, which alone may be compared."""
    columns = np.flatnonzero(taking_part)
    stats = summaries(error[common][:, columns], confidence, resamples) if len(columns) else {}
    for j, column in enumerate(columns):
        row = rows[column]
        if row is not None:
            for name in SUMMARIES:
                for key in (name, f"{name}_low", f"{name}_high"):
                    row[f"common_{key}"] = stats[key][j]
