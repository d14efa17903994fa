"""Which levels are the best of a benchmark, as far as its entries can tell: a set of levels, not one.

Levels are ranked by the mean absolute errors that they would have over all entries (`network.adjusted_means`), and the
set of those that are not distinguishable from the best is a model confidence set: Hansen, Lunde & Nason, Econometrica 79,
453 (2011), with the statistic T_R and entries drawn with replacement, molecule by molecule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.judging import bootstrap
from qmbench.judging.comparison import error_matrix
from qmbench.judging.network import adjusted_means, components, p_scores

if TYPE_CHECKING:
    import pandas as pd

RANKING_COLUMNS = (
    "benchmark observable unit level_of_theory bsse n n_entries place adjusted_mean_absolute_error adjusted_low "
    "adjusted_high p_score p_best among_best entries_needed why_not"
).split()

POWER = 0.8
"""Chance to tell two levels apart with the number of entries that is named."""


def model_confidence_set(losses: np.ndarray, resampled: np.ndarray) -> np.ndarray:
    """The p-value of each model: the set at confidence 1 − α holds those with p ≥ α, and the best with that confidence.

    losses: (models,) mean losses; resampled: (resamples, models) the same from resampled entries. While the models left
    are not equally good (T_R: the largest difference of two in its standard error), the one goes that is worse than
    another one by the most standard errors; its p-value is the largest of those up to then. The last has 1.
    """
    m = len(losses)
    centred = (resampled - losses).astype(np.float32)
    covariance = np.cov(resampled.T, bias=True).reshape(m, m)
    variance = np.diag(covariance)[:, None] + np.diag(covariance)[None] - 2.0 * covariance
    # Differences below the digits of a double are none.
    tiny = 1e-9 * float(np.abs(losses).max(initial=0.0))
    error = np.sqrt(np.maximum(variance, 0.0))
    worse = losses[:, None] - losses[None]
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(error > tiny, worse / error, np.where(np.abs(worse) > tiny, np.inf * np.sign(worse), 0.0))
        scale = np.where(error > tiny, 1.0 / error, 0.0).astype(np.float32)
    p, left, highest = np.ones(m), list(range(m)), 0.0
    while len(left) > 1:
        worst = left[int(np.argmax(t[np.ix_(left, left)].max(axis=1)))]
        statistic = float(t[np.ix_(left, left)].max())
        highest = max(highest, float((_largest(centred[:, left], scale[np.ix_(left, left)]) >= statistic).mean()))
        p[worst] = highest
        left.remove(worst)
    return p


def _largest(centred: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(resamples,) the largest difference of two columns in its standard error, had they the same mean."""
    out = np.zeros(len(centred), np.float32)
    for i in range(1, centred.shape[1]):
        np.maximum(out, (np.abs(centred[:, i, None] - centred[:, :i]) * scale[i, :i]).max(axis=1), out=out)
    return out


def ranking(
    scored: pd.DataFrame,
    molecules: Mapping[tuple[str, str], str] | None = None,
    confidence: float = 0.95,
    resamples: int = 1000,
) -> pd.DataFrame:
    """One row per level of each benchmark and observable, the smallest adjusted mean absolute error first.

    scored: from `statistics.score`; entries that a level was trained on do not score it. molecules: (benchmark, entry) ->
    what is drawn together when entries are resampled; by default each entry by itself. Columns: n, entries the level has
    an error on, of n_entries; place; adjusted_mean_absolute_error with its interval at `confidence`; p_score: how
    certain it is to be better than another level, on average over those (see `network.p_scores`); p_best: of the model
    confidence set; among_best: whether it is in the set at `confidence`, None where that can't be said, and then why_not
    says why; entries_needed: how many entries it would take to tell the first two levels apart, None where they are.
    """
    import pandas as pd

    rows: list[tuple[Any, ...]] = []
    for (benchmark, observable, unit), part in scored.groupby(["benchmark", "observable", "unit"], sort=False):
        errors, entries, levels = error_matrix(part)
        keys = [(molecules or {}).get((str(benchmark), e), e) for e in entries]
        for j, found in _ranked(np.abs(errors), _in_order(part, entries), keys, confidence, resamples):
            rows.append((benchmark, observable, unit, *levels[j], *found))
    return pd.DataFrame(rows, columns=RANKING_COLUMNS)


def _in_order(part: pd.DataFrame, entries: list[str]) -> np.ndarray:
    """Entries in an order that neither their names nor their rows decide: by reference value."""
    if "reference" not in part:
        return np.arange(len(entries))
    reference = part.drop_duplicates("entry").set_index("entry")["reference"].astype(float).reindex(entries)
    return np.argsort(reference.to_numpy(), kind="stable")


def _ranked(
    absolute: np.ndarray, order: np.ndarray, molecules: list[str], confidence: float, resamples: int
) -> list[tuple[int, tuple[Any, ...]]]:
    has = np.isfinite(absolute)
    n, everything = has.sum(axis=0), int(has.any(axis=1).sum())
    part = components(has)
    main = int(np.bincount(part, n).argmax()) if len(part) else 0
    mean, low, high, score, p = (np.full(absolute.shape[1], np.nan) for _ in range(5))
    why = np.full(absolute.shape[1], None, dtype=object)
    inside = np.flatnonzero((part == main) & (n > 0))
    rows = np.flatnonzero(has[:, inside].any(axis=1)) if len(inside) else np.arange(0)
    able = inside[n[inside] >= bootstrap.MINIMUM_ENTRIES]
    names = list(dict.fromkeys(molecules[i] for i in order if i in set(rows.tolist())))
    if len(inside):
        mean[inside] = adjusted_means(absolute[np.ix_(rows, inside)])
    needed = None
    if len(able) >= 2 and len(names) >= bootstrap.MINIMUM_ENTRIES:
        place = {name: k for k, name in enumerate(names)}
        counts = bootstrap.resample_counts(len(names), resamples)[:, [place[molecules[i]] for i in rows]]
        drawn = adjusted_means(absolute[np.ix_(rows, able)], counts, steps=50, tolerance=1e-5)
        own = adjusted_means(absolute[np.ix_(rows, able)])
        whole = np.isfinite(drawn).all(axis=1)
        drawn = own + (drawn[whole] - own) * _small_sample(len(names), confidence)
        p[able] = model_confidence_set(own, drawn)
        score[able] = p_scores(own, np.cov(drawn.T))
        ends = np.quantile(drawn, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0], axis=0)
        low[able], high[able] = np.maximum(ends, 0.0)
        needed = _entries_needed(own, drawn, len(names), confidence)
    decided = np.isfinite(p)
    for j in np.flatnonzero(~decided):
        why[j] = _why_not(int(n[j]), part[j] == main, len(able), len(names))
    first = np.where(np.isfinite(mean), mean, np.inf)
    sequence = np.lexsort((np.arange(len(first)), first, ~decided if decided.any() else np.zeros(len(first), bool)))
    out = []
    for k, j in enumerate(sequence.tolist()):
        among = bool(p[j] >= 1.0 - confidence) if decided[j] else None
        numbers = (mean[j], low[j], high[j], score[j], p[j], among, needed, why[j])
        out.append((j, (int(n[j]), everything, k + 1, *numbers)))
    return out


def _small_sample(n: int, confidence: float) -> float:
    """By how much resampled means of n scatter too little: (1 − 1/n)^½, and as the normal does beside Student's t."""
    from scipy.special import ndtri, stdtrit

    end = 0.5 + confidence / 2.0
    return float(np.sqrt(n / (n - 1.0)) * stdtrit(n - 1, end) / ndtri(end))


def _why_not(n: int, connected: bool, able: int, molecules: int) -> str:
    least = bootstrap.MINIMUM_ENTRIES
    if n == 0:
        return "nothing scores it"
    if not connected:
        return "it shares no entry with the others"
    if n < least or molecules < least:
        return f"{min(n, molecules)} entries decide nothing ({least} are needed)"
    return f"no other level has {least} entries" if able < 2 else ""


def _entries_needed(losses: np.ndarray, resampled: np.ndarray, n: int, confidence: float) -> int | None:
    """Entries at which the two smallest losses would differ significantly, with a chance of POWER; None if they do.

    n·((z_α/2 + z_β)·s/Δ)², s the standard error of their difference Δ from n entries.
    """
    from statistics import NormalDist

    a, b = np.argsort(losses, kind="stable")[:2]
    difference = float(losses[b] - losses[a])
    error = float((resampled[:, b] - resampled[:, a]).std())
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    if difference > z * error:
        return None
    if difference <= 1e-9 * float(losses[b]):
        return None  # they are the same as far as anyone can tell: no number of entries would do
    return int(np.ceil(n * ((z + NormalDist().inv_cdf(POWER)) * error / difference) ** 2))
