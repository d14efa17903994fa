"""Which level is better than which, on the entries both have, and whether that would survive other entries or
another reference.

Systematic improvement probability, mean gain and loss, and the probability that a ranking is inverted:
Pernot & Savin, J. Chem. Phys. 152, 164108 and 164109 (2020).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.judging import bootstrap
from qmbench.judging.best import compared
from qmbench.judging.items import items
from qmbench.judging.own_reference import of_own_method
from qmbench.judging.statistics import BenchmarkInfo, overlaps

if TYPE_CHECKING:
    import pandas as pd

LEVEL = ["level_of_theory", "bsse"]


def error_matrix(part: pd.DataFrame) -> tuple[np.ndarray, list[str], list[tuple[str, str]]]:
    """(entries, levels) errors of one benchmark and observable, NaN where there is none, with both labels."""
    table = part.assign(bsse=part["bsse"].fillna("")).pivot(index="entry", columns=LEVEL, values="error")
    labels = [(str(label[0]), str(label[1])) for label in table.columns.tolist()]
    return table.to_numpy(float), list(table.index), labels


def own_matrix(part: pd.DataFrame) -> np.ndarray:
    """(entries, levels) in the order of `error_matrix`: whether the reference is of the level's own method."""
    own = np.asarray(part.get("own_reference", False), dtype=bool)
    return np.nan_to_num(error_matrix(part.assign(error=own.astype(float)))[0]) > 0


def judged_matrix(part: pd.DataFrame) -> tuple[np.ndarray, list[str], list[tuple[str, str]]]:
    """As `error_matrix`, without the errors of levels against their own method, which compare with no other's."""
    errors, entries, levels = error_matrix(part)
    return np.where(own_matrix(part), np.nan, errors), entries, levels


def value_matrix(part: pd.DataFrame) -> tuple[np.ndarray, list[str], list[tuple[str, str]]]:
    """(entries, levels) values of one benchmark and observable that are ok and of entries that their levels were not
    trained on, NaN elsewhere, with both labels."""
    ok = part["value"].astype(float).where(part["status"].eq("ok") & ~overlaps(part))
    return error_matrix(part.assign(error=ok))


def molecules_in(part: pd.DataFrame, entries: Sequence[str]) -> np.ndarray | None:
    """The numbers of the molecules of `entries`, as `bootstrap.numbered`; None where each has its own."""
    if "molecule" not in part:
        return None
    first = part.drop_duplicates("entry").set_index("entry")["molecule"]
    return bootstrap.numbered(items(first.reindex(entries)))


def compare_levels(scored: pd.DataFrame, confidence: float = 0.95, resamples: int = 1000) -> pd.DataFrame:
    """Every pair of levels on the entries that both have scored; one row per pair, the better level as `a`.

    Columns: benchmark, observable, unit, level_a, bsse_a, level_b, bsse_b, n_common; mean_absolute_error_a, _b;
    difference (b − a of the mean absolute errors, never negative) with difference_low, difference_high
    (bootstrap-t of the paired differences); improvement_probability: the share of entries on which |error| of a
    is the smaller (ties count half), with _low and _high (Clopper–Pearson): the probability that a beats b on
    a new entry like these; mean_gain, mean_loss: the mean change of |error| on the entries where a wins and
    loses; inversion_probability: how often resampled entries put b first. NaN where entries are too few. Entries of
    one molecule (column `molecule`, where there is one) are drawn together and count as far as they differ. Errors
    against the level's own method (column `own_reference`) are left out, as they are where levels are ranked.
    """
    import pandas as pd

    columns = (
        "benchmark observable unit level_a bsse_a level_b bsse_b n_common mean_absolute_error_a "
        "mean_absolute_error_b difference difference_low difference_high improvement_probability "
        "improvement_probability_low improvement_probability_high mean_gain mean_loss inversion_probability"
    ).split()
    rows: list[tuple[Any, ...]] = []
    for (benchmark, observable, unit), part in scored.groupby(["benchmark", "observable", "unit"], sort=False):
        errors, entries, levels = judged_matrix(part)
        for a, b, values in _pairs(np.abs(errors), confidence, resamples, molecules_in(part, entries)):
            rows.append((benchmark, observable, unit, *levels[a], *levels[b], *values))
    return pd.DataFrame(rows, columns=columns)


def _pairs(
    absolute: np.ndarray, confidence: float, resamples: int, molecules: np.ndarray | None
) -> list[tuple[int, int, tuple[Any, ...]]]:
    first, second = np.triu_indices(absolute.shape[1], 1)
    worse = absolute[:, second] - absolute[:, first]  # positive where `first` has the smaller error
    has = np.isfinite(worse)
    n = has.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(n > 0, np.nansum(worse, axis=0) / n, np.nan)
    flip = mean < 0
    first, second = np.where(flip, second, first), np.where(flip, first, second)
    worse, mean = np.where(flip, -worse, worse), np.abs(mean)
    low, high = bootstrap.mean_intervals(worse, confidence, resamples, molecules=molecules)
    inversion = inversion_probability(worse, resamples, molecules)
    wins = (worse > 0).sum(axis=0) + 0.5 * (worse == 0).sum(axis=0)
    ends = _probability_interval(worse, wins, n, confidence, molecules)
    with np.errstate(invalid="ignore", divide="ignore"):
        gain = np.where(worse > 0, worse, 0.0).sum(axis=0) / (worse > 0).sum(axis=0)
        loss = np.where(worse < 0, worse, 0.0).sum(axis=0) / (worse < 0).sum(axis=0)
        improvement = wins / n
    out = []
    for k in np.flatnonzero(n):
        a, b, rows = first[k], second[k], has[:, k]
        means = float(absolute[rows, a].mean()), float(absolute[rows, b].mean())
        probability = (improvement[k], ends[0][k], ends[1][k])
        values = (int(n[k]), *means, mean[k], low[k], high[k], *probability, gain[k], loss[k], inversion[k])
        out.append((int(a), int(b), values))
    return out


def _probability_interval(
    worse: np.ndarray, wins: np.ndarray, n: np.ndarray, confidence: float, molecules: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Of the share of entries with a positive number, by as many independent ones as would tell it as well."""
    if molecules is None:
        return bootstrap.proportion_interval(wins, n, confidence)
    effective = bootstrap.effective_entries(0.5 + 0.5 * np.sign(worse), molecules, confidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        wins = np.where(effective == n, wins, wins / n * effective)
    return bootstrap.proportion_interval(wins, effective, confidence)


def inversion_probability(
    differences: np.ndarray, resamples: int = 1000, molecules: np.ndarray | None = None
) -> np.ndarray:
    """How often the mean over resampled molecules is negative (half the ties), per column of (entries, pairs).

    molecules: see `bootstrap.mean_intervals`. NaN where not `bootstrap.enough` of them have a number.
    """
    # The sum over the molecules drawn has the sign of the mean over their entries.
    has = np.isfinite(differences)
    able = bootstrap.enough(bootstrap.sizes_of(has, molecules))
    if molecules is not None:
        differences, _ = bootstrap.gathered(differences, molecules)
        has = np.isfinite(differences)
    out = np.full(differences.shape[1], np.nan)
    if not len(differences):
        return out
    for columns, mask in bootstrap.patterns(has):
        columns = columns[able[columns]]
        if len(columns):
            values = differences[np.ix_(mask, columns)]
            spread = np.abs(values).max(axis=0)
            means = bootstrap.resampled_sums(values / np.where(spread > 0, spread, 1), resamples)
            tied = np.abs(means) < 1e-6
            out[columns] = ((means < 0) & ~tied).mean(axis=0) + 0.5 * tied.mean(axis=0)
    return out


def ranking_probabilities(scored: pd.DataFrame, resamples: int = 1000) -> pd.DataFrame:
    """How probable each rank is for each level when molecules are resampled, over the entries that compared levels
    share.

    One row per (benchmark, observable, level, rank from 1): columns benchmark, observable, level_of_theory, bsse,
    rank, probability. Only benchmarks where entries of `bootstrap.enough` molecules are shared.
    """
    import pandas as pd

    rows = []
    for (benchmark, observable), part in scored.groupby(["benchmark", "observable"], sort=False):
        errors, entries, levels = judged_matrix(part)
        keep = np.flatnonzero(compared(np.isfinite(errors)))
        shared = np.isfinite(errors[:, keep]).all(axis=1)
        molecules = molecules_in(part, entries)
        own = None if molecules is None else molecules[shared]
        able = bootstrap.enough(bootstrap.sizes_of(np.ones((shared.sum(), 1), bool), own)).all()
        if not able or len(keep) < 2:
            continue
        sums, _ = bootstrap.gathered(np.abs(errors[np.ix_(shared, keep)]), own)
        # All levels have the same entries in a resample: their sums are in the order of their means.
        order = np.argsort(bootstrap.resampled_sums(sums, resamples), axis=1, kind="stable")
        ranks = np.empty_like(order)
        np.put_along_axis(ranks, order, np.arange(len(keep))[None, :], axis=1)
        for j, column in enumerate(keep):
            probability = np.bincount(ranks[:, j], minlength=len(keep)) / len(ranks)
            rows += [(benchmark, observable, *levels[column], r + 1, p) for r, p in enumerate(probability)]
    return pd.DataFrame(rows, columns=["benchmark", "observable", *LEVEL, "rank", "probability"])


def reference_sets(
    results: pd.DataFrame, references: pd.DataFrame, benchmarks: Mapping[str, BenchmarkInfo]
) -> pd.DataFrame:
    """Each level against every reference set of each benchmark, and whether the ranking survives the change.

    Columns: benchmark, observable, unit, reference_set, is_default, level_of_theory, bsse, n,
    mean_absolute_error, mean_signed_error (over the entries the set has); rank among the levels, over the
    entries that all levels and both this and the default set have; kendall_tau of that ranking with the
    default set's on the same entries (1: the same order); best_is_same: whether the best level stays the best;
    n_own_reference: entries whose value in the set is of the level's own method, which place nobody.
    """
    import pandas as pd

    rows: list[tuple[Any, ...]] = []
    for (benchmark, observable, unit), part in results.groupby(["benchmark", "observable", "unit"], sort=False):
        info = benchmarks[str(benchmark)]
        refs = references[references["benchmark"].eq(benchmark) & references["status"].ne("superseded")]
        values, entries, levels = value_matrix(part)
        # Where a set has a current and a disputed value, the current one stands.
        chosen = refs.sort_values("status", key=lambda s: s.eq("current"), kind="stable")
        table = chosen.pivot_table(index="entry", columns="set", values="value", aggfunc="last").reindex(entries)
        names = [name for name in refs["set"].unique() if name in table and table[name].notna().any()]
        errors = {name: values - table[name].to_numpy(float)[:, None] for name in names}
        stated = chosen.pivot_table(index="entry", columns="set", values="level_of_theory", aggfunc="last")
        own = {name: _of_own_method(levels, stated.get(name), entries) & np.isfinite(errors[name]) for name in names}
        judged = {name: np.where(own[name], np.nan, errors[name]) for name in names}
        for name in names:
            ranks, tau, same = _compare_ranking(judged[name], judged.get(info.default_reference_set))
            is_default = name == info.default_reference_set
            for j, level in enumerate(levels):
                e = errors[name][np.isfinite(errors[name][:, j]), j]
                if len(e):
                    summary = (len(e), np.abs(e).mean(), e.mean())
                    placed = (ranks[j], tau, same, int(own[name][:, j].sum()))
                    rows.append((benchmark, observable, unit, name, is_default, *level, *summary, *placed))
    columns = "benchmark observable unit reference_set is_default level_of_theory bsse n mean_absolute_error"
    placing = ["rank", "kendall_tau", "best_is_same", "n_own_reference"]
    return pd.DataFrame(rows, columns=[*columns.split(), "mean_signed_error", *placing]).astype({"is_default": bool})


def _of_own_method(levels: Sequence[tuple[str, str]], stated: pd.Series | None, entries: Sequence[str]) -> np.ndarray:
    """(entries, levels) whether a set's value is of the level's own method. stated: its `level_of_theory` by entry."""
    if stated is None:  # no value of the set says of which level it is
        return np.zeros((len(entries), len(levels)), dtype=bool)
    texts = stated.reindex(entries).fillna("").astype(str)
    own = of_own_method(np.tile([level for level, _ in levels], len(entries)), np.repeat(texts, len(levels)))
    return own.reshape(len(entries), len(levels))


def _compare_ranking(errors: np.ndarray, other: np.ndarray | None) -> tuple[np.ndarray, float, bool | None]:
    """(ranks of the levels, Kendall's tau with the ranking by `other`, whether the best stays); (entries, levels)."""
    taking_part = compared(np.isfinite(errors))
    against = errors if other is None else other
    # Who has nothing to compare there, as all of it is of its own method, is ranked here all the same.
    both = taking_part & np.isfinite(against).any(axis=0)
    shared = np.isfinite(errors[:, taking_part]).all(axis=1) & np.isfinite(against[:, both]).all(axis=1)
    ranks = np.full(errors.shape[1], np.nan)
    if not (shared.any() and both.any()):
        return ranks, float("nan"), None
    means = np.abs(errors[shared]).mean(axis=0)
    ranks[taking_part] = np.argsort(np.argsort(means[taking_part], kind="stable"), kind="stable") + 1.0
    if other is None or both.sum() < 2:
        return ranks, float("nan"), None
    mine, theirs = means[both], np.abs(against[np.ix_(shared, both)]).mean(axis=0)
    return ranks, kendall_tau(mine, theirs), bool(np.argmin(mine) == np.argmin(theirs))


def kendall_tau(x: np.ndarray, y: np.ndarray) -> float:
    """Kendall's tau-b of two rankings: 1 the same order, −1 the reverse. NaN when one of them is all ties."""
    i, j = np.triu_indices(len(x), 1)
    a, b = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
    norm = np.sqrt((a != 0).sum() * (b != 0).sum())
    return float((a * b).sum() / norm) if norm else float("nan")


def leave_one_out(scored: pd.DataFrame) -> pd.DataFrame:
    """What the mean absolute error of each level becomes when any one entry is left out.

    Columns: benchmark, observable, unit, level_of_theory, bsse, n, mean_absolute_error, lowest, highest (over the
    n ways to leave one out), most_influential (the entry whose removal changes it most), change (by how much;
    negative: the entry makes the level look worse), best_changes_without: the entries, of those that all levels
    share, without which another level would be the best (space separated, the same for all levels of a table). Levels
    with errors against their own method alone, which tell nothing of them, have no row.
    """
    import pandas as pd

    rows: list[tuple[Any, ...]] = []
    for (benchmark, observable, unit), part in scored.groupby(["benchmark", "observable", "unit"], sort=False):
        errors, entries, levels = error_matrix(part)
        absolute = np.abs(errors)
        judged = np.abs(judged_matrix(part)[0])
        decisive = " ".join(entries[i] for i in _decisive(judged))
        for j, level in enumerate(levels):
            mine = np.flatnonzero(np.isfinite(absolute[:, j]))
            if len(mine) < 2 or not np.isfinite(judged[:, j]).any():
                continue
            values = absolute[mine, j]
            without = (values.sum() - values) / (len(values) - 1)
            k = int(np.argmax(np.abs(without - values.mean())))
            ends = (values.mean(), without.min(), without.max())
            change = without[k] - values.mean()
            rows.append((benchmark, observable, unit, *level, len(mine), *ends, entries[mine[k]], change, decisive))
    columns = "benchmark observable unit level_of_theory bsse n mean_absolute_error lowest highest"
    return pd.DataFrame(rows, columns=[*columns.split(), "most_influential", "change", "best_changes_without"])


def _decisive(absolute: np.ndarray) -> np.ndarray:
    """Rows without which another column has the smallest mean, over the rows that all columns with data share."""
    taking_part = compared(np.isfinite(absolute))
    shared = np.flatnonzero(np.isfinite(absolute[:, taking_part]).all(axis=1))
    if len(shared) < 2 or taking_part.sum() < 2:
        return np.array([], dtype=int)
    values = absolute[np.ix_(shared, taking_part)]
    total = values.sum(axis=0)
    return shared[np.argmin(total - values, axis=1) != np.argmin(total)]
