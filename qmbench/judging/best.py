"""Which levels are the best of a benchmark, as far as its entries can tell: a set of levels, not one.

Levels are ranked by the mean absolute errors that they would have over all entries (`network.adjusted_means`), and the
set of those that are not distinguishable from the best is a model confidence set: Hansen, Lunde & Nason, Econometrica
79, 453 (2011), with the statistic T_R and entries drawn with replacement, molecule by molecule.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from qmbench.judging import bootstrap
from qmbench.judging.network import adjusted_means, components, p_scores

POWER = 0.8
"""Chance to tell two levels apart with the number of entries that is named."""


def compared(has: np.ndarray) -> np.ndarray:
    """Which columns of `has` (entries, levels) are compared with each other.

    Those with at least half as many entries as the fullest: one that was asked for an entry or two, as a sample, or
    that can do only one kind of them, would leave the others nothing to be compared by.
    """
    n = has.sum(axis=0)
    return (n > 0) & (2 * n >= n.max(initial=0))


def errors_to_rank_by(error: np.ndarray, method: np.ndarray, basis: np.ndarray, own: np.ndarray) -> np.ndarray:
    """(entries, levels) the errors that place levels: of their method at its basis-set limit where that is known for
    all entries that a level scored, else `error` itself. method, basis: the two parts, NaN where they are not known.
    own: where the reference is of the level's own method, so that its error places nobody: NaN."""
    has = np.isfinite(error)
    known = has & np.isfinite(method) & np.isfinite(basis)
    return np.where(own, np.nan, np.where((known == has).all(axis=0), method, error))


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


# Of the largest mean error, what is as good as none.
NOTHING = 1e-9


def _best_by_ratios(losses: np.ndarray, resampled: np.ndarray, wider: float) -> np.ndarray:
    """`model_confidence_set` of the logarithms of mean absolute errors, whose deviations are multiplied by `wider`.

    That two means are equal says that their ratio is 1, and ratios are what the network compares. Their resampled
    logarithms are about normal where a few entries have most of the error, of which plain means are skewed, so that a
    level that is worse on every single entry would not be told apart (a variance-stabilizing transformation: Efron,
    Tibshirani, An Introduction to the Bootstrap (1993), sec. 12.6).
    """
    largest = float(losses.max(initial=0.0))
    if not largest > 0:
        return model_confidence_set(losses, resampled)
    logs, drawn = (np.log(np.maximum(x / largest, NOTHING)) for x in (losses, resampled))
    return model_confidence_set(logs, logs + (drawn - logs) * wider)


def _largest(centred: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(resamples,) the largest difference of two columns in its standard error, had they the same mean."""
    out = np.zeros(len(centred), np.float32)
    for i in range(1, centred.shape[1]):
        np.maximum(out, (np.abs(centred[:, i, None] - centred[:, :i]) * scale[i, :i]).max(axis=1), out=out)
    return out


@dataclass(frozen=True)
class Ranking:
    """Arrays (levels,), NaN where nothing can be said. mean, low, high: mean absolute error as it would be over all
    entries, with its interval. p_score: how certain a level is to be better than another one, on average over those
    (see `network.p_scores`). p_best: of the model confidence set. decided: whether the level takes part in that.
    among_best: whether it is in the set. entries_needed: how many entries it would take to tell the first two apart;
    None where they are told apart, or none would do. pairs: (2, levels, levels) intervals of the differences column −
    row."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_score: np.ndarray
    p_best: np.ndarray
    decided: np.ndarray
    among_best: np.ndarray
    entries_needed: int | None
    pairs: np.ndarray


def ranking(
    absolute: np.ndarray,
    molecules: Sequence[Hashable] | None = None,
    order: np.ndarray | None = None,
    confidence: float = 0.95,
    resamples: int = 1000,
) -> Ranking:
    """Rank levels by absolute errors (entries, levels), NaN where there is none.

    molecules: entries that are drawn together when entries are resampled; by default each is drawn by itself. order:
    (entries,) indices, the order in which they are numbered for that. The means are those over all entries that levels
    which are `compared` have. Levels whose entries are not of `bootstrap.enough` molecules, or that no entry links with
    the others, take no part in intervals and in the set, and in the set only those do that are `compared`, if there are
    two. resamples 0: neither.
    """
    has = np.isfinite(absolute)
    taking_part = compared(has)
    has &= has[:, taking_part].any(axis=1)[:, None]
    n, m = has.sum(axis=0), absolute.shape[1]
    part = components(has)
    main = int(np.bincount(part, n).argmax()) if m else 0
    mean, low, high, score, p = (np.full(m, np.nan) for _ in range(5))
    pairs = np.full((2, m, m), np.nan)
    inside = np.flatnonzero((part == main) & (n > 0))
    rows = np.flatnonzero(has[:, inside].any(axis=1))
    sizes = bootstrap.sizes_of(has, None if molecules is None else bootstrap.numbered(molecules))
    able = inside[bootstrap.enough(sizes)[inside]]
    sequence = np.arange(len(absolute)) if order is None else order
    keys = list(range(len(absolute))) if molecules is None else list(molecules)
    used = set(rows.tolist())
    names = list(dict.fromkeys(keys[i] for i in sequence.tolist() if i in used))
    if len(inside):
        mean[inside] = adjusted_means(absolute[np.ix_(rows, inside)])
    needed = None
    if resamples and len(able) >= 2 and len(names) >= bootstrap.MINIMUM_ENTRIES:
        place = {name: k for k, name in enumerate(names)}
        times = resamples if len(names) < bootstrap.MANY_ENTRIES else (resamples + 1) // 2
        counts = bootstrap.resample_counts(len(names), times)[:, [place[keys[i]] for i in rows]]
        own = adjusted_means(absolute[np.ix_(rows, able)])
        drawn = adjusted_means(absolute[np.ix_(rows, able)], counts, steps=50, tolerance=1e-5)
        drawn = drawn[np.isfinite(drawn).all(axis=1)]
        wider, rivals = _small_sample(len(names), confidence), np.flatnonzero(taking_part[able])
        if len(rivals) >= 2:
            p[able[rivals]] = _best_by_ratios(own[rivals], drawn[:, rivals], wider)
        drawn = own + (drawn - own) * wider
        score[able] = p_scores(own, np.cov(drawn.T))
        tails = [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0]
        low[able], high[able] = np.maximum(np.quantile(drawn, tails, axis=0), 0.0)
        for k, j in enumerate(able.tolist()):
            pairs[:, j, able] = np.quantile(drawn - drawn[:, k, None], tails, axis=0)
        if len(rivals) >= 2:
            needed = _entries_needed(own[rivals], drawn[:, rivals], len(names), confidence)
    decided = np.isfinite(p)
    with np.errstate(invalid="ignore"):
        return Ranking(mean, low, high, score, p, decided, decided & (p >= 1.0 - confidence), needed, pairs)


def _small_sample(n: int, confidence: float) -> float:
    """By how much resampled means of n scatter too little: (1 − 1/n)^½, and as the normal does beside Student's t."""
    from scipy.special import ndtri, stdtrit

    end = 0.5 + confidence / 2.0
    return float(np.sqrt(n / (n - 1.0)) * stdtrit(n - 1, end) / ndtri(end))


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
