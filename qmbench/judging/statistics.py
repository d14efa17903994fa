"""How large the errors of each level of theory are: joins results with references and summarises.

Pure functions over two tidy tables. `results` has a row per (level_of_theory, bsse, benchmark, entry),
`references` one per (benchmark, entry, set). Error means calculated − reference, in the benchmark's unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.learned import has_overlap
from qmbench.domain.statistic import Statistic
from qmbench.domain.steps import told
from qmbench.judging import bootstrap
from qmbench.judging.basis import method_errors
from qmbench.judging.best import compared, errors_to_rank_by, ranking
from qmbench.judging.core_statistics import CORE_STATISTICS
from qmbench.judging.exact_methods import parts_of_exact
from qmbench.judging.items import items, rows_of
from qmbench.judging.molecules import molecules_of
from qmbench.judging.own_reference import own_references
from qmbench.judging.summaries import Errors, bare, evaluate
from qmbench.plugging.registry import plugins

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"
"""The subset that is the whole benchmark."""

SUMMARIES = tuple(s.name for s in CORE_STATISTICS if s.common)
"""The core's statistics that levels are compared by."""


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
        "role": "reference_role",
        "within": "reference_within",
    }
    names = {name: renamed for name, renamed in names.items() if name in chosen}
    return pd.DataFrame(chosen[["benchmark", "entry", *names]].rename(columns=names)).reset_index(drop=True)


def score(
    results: pd.DataFrame,
    references: pd.DataFrame,
    benchmarks: Mapping[str, BenchmarkInfo],
    reference_set: str | None = None,
    claims: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """`results` with each row's reference (see `choose_references`) and `error` = value − reference.

    `method_error` is that of the method at its basis-set limit, NaN where that is not known (`judging.basis`). claims:
    level -> `Method.claims`; of a level that is exact but for its basis set, or for the few electrons of the entry, all
    of the error beside an exact reference is `basis_error` (see `parts_of_exact`). `basis_unknown`: the value is in a
    basis set far from its limit, and nothing tells how far.
    `own_reference`: the reference is of the level's own method (see `own_references`).

    `error` is NaN where the row is not ok, has no reference, or is of an entry that its level was trained on: such a
    one scores nobody, and its error is `in_sample_error` instead. `error_uncertainty` is the quadrature sum of
    the row's and the reference's uncertainty, NaN where both are unknown; that a reference is rounded does not say how
    uncertain it is, but where it is exact otherwise. Row order is kept.
    """
    twice = results.duplicated(["level_of_theory", "bsse", "benchmark", "entry"])
    if twice.any():
        row = results[twice].iloc[0]
        raise InputError(f"{row['level_of_theory']} has two results of {row['benchmark']}/{row['entry']}")
    chosen = choose_references(references, benchmarks, reference_set)
    scored = results.merge(chosen, on=["benchmark", "entry"], how="left", validate="many_to_one")
    error = (scored["value"] - scored["reference"]).where(scored["status"].eq("ok"))
    trained = overlaps(scored)
    scored["error"], scored["in_sample_error"] = error.where(~trained), error.where(trained)
    own = scored["uncertainty"].astype(float)
    other = _stated_by_references(scored)
    squares = own.fillna(0.0) ** 2 + other.fillna(0.0) ** 2
    scored["error_uncertainty"] = (squares**0.5).where(own.notna() | other.notna())
    found = molecules_of(
        benchmarks, scored[["benchmark", "entry"]].drop_duplicates().itertuples(index=False, name=None)
    )
    keys = zip(items(scored["benchmark"]), items(scored["entry"]), strict=True)
    scored["method_error"] = method_errors(scored)
    scored["basis_unknown"] = parts_of_exact(scored, claims or {}, benchmarks)
    scored["own_reference"] = own_references(scored, claims or {})
    scored["molecule"] = [found.get((b, e), e) for b, e in keys]
    return scored


def _stated_by_references(scored: pd.DataFrame) -> pd.Series:
    """The uncertainties of the references, NaN where none is stated: rounding alone is no statement, except of a value
    that is exact otherwise."""
    stated = scored["reference_uncertainty"].astype(float)
    rounded = scored["reference_uncertainty_kind"].eq("rounding")
    exact = scored["reference_role"].eq("limit") if "reference_role" in scored else False
    return stated.where(~rounded | exact)


PART_COLUMNS = (
    "n_limit n_basis_unknown method_mean_absolute_error method_mean_absolute_error_low method_mean_absolute_error_high "
    "basis_mean_absolute_error basis_mean_absolute_error_low basis_mean_absolute_error_high basis_limited "
    "n_own_reference"
).split()
RANKING_COLUMNS = (
    "adjusted_mean_absolute_error adjusted_mean_absolute_error_low adjusted_mean_absolute_error_high p_score p_best "
    "among_best entries_needed"
).split()


def declared() -> list[Statistic]:
    """The statistics of the core and of the installed plugins, in the order of the table of all statistics."""
    return list(plugins().statistics.values())


def statistics(
    scored: pd.DataFrame,
    confidence: float = 0.95,
    resamples: int = bootstrap.RESAMPLES,
    intervals: bool = True,
    which: Sequence[Statistic] | None = None,
) -> pd.DataFrame:
    """One row per (benchmark, observable, subset, level_of_theory, bsse); subset "all" is the whole benchmark.

    scored: from `score`. Columns, beside those names, `method`, `basis`, `unit` and `reference_set`:

    n, n_ok, n_failed, n_unsupported: rows by status. n_scored: ok rows that have a reference; every statistic
    is over these. n_molecules: of how many different molecules these are, which is what intervals go by. coverage:
    n_ok / n. n_common: entries that every level has which has at least half as many scores here as the level with
    most; a level with fewer is a sample, and has no common_NAME.
    n_differs: whether one of those levels lacks an entry of another, so that their own statistics do not compare.

    NAME for each of `which` (default: those of the core and of all plugins), in `unit` unless the statistic has a
    unit of its own, with NAME_low, NAME_high: the interval at `confidence`; NaN where molecules are too few for one.
    NAME_uncertainty: one standard deviation from the uncertainties of references and results, where the statistic
    propagates them; NaN when all are unknown. NAME_combined_low, NAME_combined_high: both together.
    n_basis_unknown: scored entries with a value in a basis set far from its limit, of which nothing tells how far.
    n_limit: scored entries on which the basis-set limit of the method is known; over these, where they are all that
    are scored, method_mean_absolute_error of limit − reference and basis_mean_absolute_error of value − limit (for
    an extrapolated value its uncertainty, where that is larger), each with _low and _high. basis_limited: whether the
    latter is the larger one. Levels are ranked by their method errors where those are known, and one that is
    basis-limited is never among the best. n_own_reference: scored entries whose reference is of the level's own method,
    which don't rank it.
    adjusted_mean_absolute_error with _low, _high: what it would be over all entries that some level has, by what levels
    have in common (`network.adjusted_means`); p_score, p_best, among_best (None where too few entries can say it),
    entries_needed: see `best.Ranking`. max_entry: the entry with the largest error, which has no interval, because no
    resampling estimates an extreme. common_NAME with its _low and _high: the same over the n_common entries, of the
    statistics that levels are compared by. See `qmbench.Statistic`.
    confidence: of all intervals of the row. n_reference_uncertainty: scored entries whose reference states an
    uncertainty. n_training_overlap: entries with a reference that the level was trained on, which are not scored, and
    in_sample_mean_absolute_error over them. n_warnings: results
    that a method warned of.
    wall_s, cpu_s: sums; cached results count with the time they once took.

    Unknown uncertainties are left out of the propagation, never taken as large or counted as known. Kind
    `systematic` is taken as fully correlated over entries, every other kind as independent.
    """
    import pandas as pd

    chosen = declared() if which is None else list(which)
    rows: list[dict[str, Any]] = []
    for _, part in told("observables of benchmarks scored", scored.groupby(["benchmark", "observable"], sort=False)):
        group = _group(part)
        for subset in (ALL, *group.subsets):
            rows += _subset_rows(group, subset, chosen, confidence, resamples if intervals else 0)
    return pd.DataFrame(rows, columns=_columns(chosen))


def _columns(which: Sequence[Statistic]) -> list[str]:
    names = ["benchmark", "observable", "subset", "level_of_theory", "label", "bsse", "method", "basis", "unit"]
    names += "reference_set n n_ok n_failed n_unsupported coverage n_scored n_molecules confidence".split()
    names += [column for s in which for column in s.columns]
    names += [*PART_COLUMNS, *RANKING_COLUMNS]
    names += ["n_common", "n_differs", *(column for s in which for column in s.common_columns)]
    return [
        *names,
        "n_reference_uncertainty",
        "n_training_overlap",
        "in_sample_mean_absolute_error",
        "n_warnings",
        "wall_s",
        "cpu_s",
    ]


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
    errors: Errors
    reference_known: np.ndarray
    molecules: np.ndarray
    in_sample: np.ndarray
    warned: np.ndarray
    wall_s: np.ndarray
    cpu_s: np.ndarray
    # Of limit − reference, and of value − limit or how uncertain the limit is; NaN where no limit is known.
    method_error: np.ndarray
    basis_error: np.ndarray
    basis_unknown: np.ndarray
    own_reference: np.ndarray


def _group(part: pd.DataFrame) -> _Group:
    entry_codes, entries = part["entry"].factorize()
    level_codes, level_keys = (part["level_of_theory"] + "\0" + part["bsse"].fillna("")).factorize()
    shape = (len(entries), len(level_keys))

    def matrix(values: Any, empty: Any, dtype: Any = float) -> np.ndarray:
        out = np.full(shape, empty, dtype=dtype)
        out[entry_codes, level_codes] = np.asarray(values, dtype=dtype)
        return out

    first = part.drop_duplicates("entry")
    words = [set(text.split()) if isinstance(text, str) else set() for text in items(first["subsets"])]
    names = [name for name in subset_names(first["subsets"]) if name != ALL]
    own, own_kind = part["uncertainty"].astype(float), part["uncertainty_kind"]
    ref, ref_kind = _stated_by_references(part), part["reference_uncertainty_kind"]
    return _Group(
        entries=np.asarray(entries, dtype=object),
        levels=_level_columns(part, level_codes),
        subsets={name: np.array([name in w for w in words]) for name in names},
        status=matrix(part["status"], "", object),
        errors=Errors(
            matrix(part["error"], np.nan),
            matrix(part["reference"].astype(float), np.nan),
            matrix(_variance(own, own_kind, False, ref, ref_kind), np.nan),
            matrix(_variance(own, own_kind, True, ref, ref_kind), np.nan),
            str(part["unit"].iloc[0] or ""),
            str(part["observable"].iloc[0]),
        ),
        reference_known=matrix(ref.notna(), False, bool),
        molecules=np.asarray(first["molecule"] if "molecule" in first else first["entry"], dtype=object),
        in_sample=matrix(part["in_sample_error"].astype(float) if "in_sample_error" in part else np.nan, np.nan),
        warned=matrix(warned(part), False, bool),
        wall_s=matrix(part["wall_s"].astype(float).fillna(0.0), 0.0),
        cpu_s=matrix(part["cpu_s"].astype(float).fillna(0.0), 0.0),
        method_error=matrix(part["method_error"].astype(float) if "method_error" in part else np.nan, np.nan),
        basis_error=matrix(basis_part(part), np.nan),
        basis_unknown=matrix(part.get("basis_unknown", False), False, bool),
        own_reference=matrix(part.get("own_reference", False), False, bool),
    )


def basis_part(part: pd.DataFrame) -> Any:
    """Per row of `scored`, how far the basis set is off, or how uncertain the limit is where that is more."""
    if "basis_error" not in part:
        return np.nan
    error, uncertainty = part["basis_error"].astype(float).abs(), part["basis_uncertainty"].astype(float)
    extrapolated = part["basis_source"].eq("extrapolation")
    return error.where(~extrapolated, np.fmax(error, uncertainty)).where(error.notna())


def overlaps(results: pd.DataFrame) -> np.ndarray:
    """Per row, whether its level was trained on it; tables from before the column have no such rows."""
    if "training_overlap" not in results:
        return np.zeros(len(results), bool)
    return np.array([has_overlap(text) for text in items(results["training_overlap"])], dtype=bool)


def warned(results: pd.DataFrame) -> np.ndarray:
    """Per row, whether it is a result that a method warned of; tables from before the column have no such rows."""
    if "warnings" not in results:
        return np.zeros(len(results), bool)
    return np.array(results["warnings"].fillna("").ne("") & results["status"].eq("ok"), dtype=bool)


def _level_columns(part: pd.DataFrame, level_codes: np.ndarray) -> list[dict[str, Any]]:
    columns = ["benchmark", "observable", "level_of_theory", "bsse", "method", "basis", "unit"]
    first = part.assign(_level=level_codes).drop_duplicates("_level").sort_values("_level")
    sets = part.loc[part["reference_set"].notna()].groupby("benchmark")["reference_set"].first()
    columns += ["label"] if "label" in part else []
    return [
        {
            **dict.fromkeys(("label",)),
            **row,
            "reference_set": sets.get(row["benchmark"]),
        }
        for row in rows_of(first[columns])
    ]


def _variance(own: pd.Series, own_kind: pd.Series, systematic: bool, ref: pd.Series, ref_kind: pd.Series) -> Any:
    mine = (own**2).where(own_kind.eq("systematic") == systematic)
    theirs = (ref**2).where(ref_kind.eq("systematic") == systematic)
    return mine.fillna(0.0).add(theirs.fillna(0.0)).where(mine.notna() | theirs.notna())


def _subset_rows(
    g: _Group, subset: str, which: Sequence[Statistic], confidence: float, resamples: int
) -> list[dict[str, Any]]:
    members = np.flatnonzero(np.ones(len(g.entries), bool) if subset == ALL else g.subsets[subset])
    members = members[np.argsort(g.entries[members])]  # so that the resamples do not depend on the order of the rows
    everyone = np.arange(len(g.levels))
    entries, status = g.entries[members], g.status[members]
    known, in_sample = g.reference_known[members], np.abs(g.in_sample[members])
    wall_s, cpu_s = g.wall_s[members], g.cpu_s[members]
    errors = g.errors.pick(members, everyone)
    errors = replace(errors, molecules=bootstrap.numbered(g.molecules[members].tolist()))
    has = np.isfinite(errors.error)
    planned = (status != "").sum(axis=0)
    scored = has.sum(axis=0)
    different = (bootstrap.sizes_of(has, errors.molecules) > 0).sum(axis=0)
    taking_part = compared(has)
    common = has[:, taking_part].all(axis=1) if taking_part.any() else np.zeros(len(entries), bool)
    differs = bool((has[:, taking_part].any(axis=1) & ~common).any())

    stats = evaluate(errors, which, confidence, resamples)
    extremes = _entries_of_extremes(errors, entries, which)
    parts = _part_columns(g.method_error[members], g.basis_error[members], has, confidence, resamples, errors.molecules)
    parts["n_basis_unknown"] = (g.basis_unknown[members] & has).sum(axis=0)
    own = g.own_reference[members]
    parts["n_own_reference"] = (own & has).sum(axis=0)
    ranked = errors_to_rank_by(errors.error, g.method_error[members], g.basis_error[members], own)
    best = _ranking_columns(
        ranked, errors.reference, g.molecules[members], confidence, min(resamples, RANKING_RESAMPLES)
    )
    best["among_best"] = [
        None if a is None else a and not limited
        for a, limited in zip(best["among_best"], parts["basis_limited"], strict=True)
    ]
    shared = np.flatnonzero(taking_part)
    compare = [s for s in which if s.common]
    common_stats = evaluate(
        errors.pick(np.flatnonzero(common), shared), compare, confidence, resamples, propagate=False
    )
    rows = []
    for column in np.flatnonzero(planned):
        row: dict[str, Any] = {**g.levels[column], "subset": subset}
        row["confidence"] = confidence
        row["n"] = int(planned[column])
        for name in ("ok", "failed", "unsupported"):
            row[f"n_{name}"] = int((status[:, column] == name).sum())
        row["coverage"] = row["n_ok"] / row["n"]
        row["n_scored"] = int(scored[column])
        row["n_molecules"] = int(different[column])
        row["n_common"] = int(common.sum())
        row["n_differs"] = differs
        row.update({name: values[column] for name, values in stats.items()})
        row.update({name: picked[column] for name, picked in extremes.items()})
        row.update({name: values[column] for name, values in parts.items()})
        row.update({name: values[column] for name, values in best.items()})
        row["n_reference_uncertainty"] = int((known[:, column] & has[:, column]).sum())
        trained = in_sample[:, column][np.isfinite(in_sample[:, column])]
        row["n_training_overlap"] = len(trained)
        row["in_sample_mean_absolute_error"] = float(trained.mean()) if len(trained) else np.nan
        row["n_warnings"] = int(g.warned[members][:, column].sum())
        row["wall_s"], row["cpu_s"] = float(wall_s[:, column].sum()), float(cpu_s[:, column].sum())
        if taking_part[column]:
            j = int(np.flatnonzero(shared == column)[0])
            row.update({f"common_{name}": values[j] for name, values in common_stats.items()})
        rows.append(row)
    return rows


RANKING_RESAMPLES = 1000


def _part_columns(
    method: np.ndarray,
    basis: np.ndarray,
    has: np.ndarray,
    confidence: float,
    resamples: int,
    molecules: np.ndarray | None,
) -> dict[str, Any]:
    """column -> over levels, of PART_COLUMNS."""
    known = has & np.isfinite(method) & np.isfinite(basis)
    found: dict[str, Any] = {"n_limit": known.sum(axis=0)}
    whole = (found["n_limit"] == has.sum(axis=0)) & (found["n_limit"] > 0)
    for name, matrix in (("method", method), ("basis", basis)):
        made = summaries(np.where(known & whole, matrix, np.nan), confidence, resamples, molecules)
        for end in ("", "_low", "_high"):
            found[f"{name}_mean_absolute_error{end}"] = made[f"mean_absolute_error{end}"]
    found["basis_limited"] = whole & (found["basis_mean_absolute_error"] > found["method_mean_absolute_error"])
    return found


def _ranking_columns(
    error: np.ndarray, references: np.ndarray, molecules: np.ndarray, confidence: float, resamples: int
) -> dict[str, Any]:
    """column -> over levels, of RANKING_COLUMNS."""
    has = np.isfinite(error)
    reference = np.where(has, references, -np.inf).max(axis=1, initial=-np.inf)
    # Numbered by reference value, so that neither names nor rows decide which entries are drawn together.
    r = ranking(np.abs(error), molecules.tolist(), np.argsort(reference, kind="stable"), confidence, resamples)
    among = [bool(a) if d else None for a, d in zip(r.among_best, r.decided, strict=True)]
    needed = [r.entries_needed] * len(among)
    return dict(zip(RANKING_COLUMNS, (r.mean, r.low, r.high, r.p_score, r.p_best, among, needed), strict=True))


def _entries_of_extremes(
    errors: Errors, entries: np.ndarray, which: Sequence[Statistic]
) -> dict[str, list[str | None]]:
    """entry_column -> the entry that the statistic picks for each level; None where it has no errors."""
    out: dict[str, list[str | None]] = {}
    for s in which:
        if s.entry is not None:
            names: list[str | None] = [None] * errors.error.shape[1]
            for levels, mask, sample in errors.samples():
                for level, index in zip(levels, np.asarray(s.entry(sample), dtype=int), strict=True):
                    names[level] = entries[mask][index]
            out[s.entry_column] = names
    return out


def summaries(
    error: np.ndarray, confidence: float, resamples: int, molecules: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """The core's statistics of the columns of `error` (entries, levels; NaN: none), arrays over levels."""
    return evaluate(bare(error, molecules), CORE_STATISTICS, confidence, resamples)
