"""Confidence intervals over the entries of a benchmark, for many levels of theory at once.

Means have studentized bootstrap (bootstrap-t) intervals: DiCiccio & Efron, Statist. Sci. 11, 189 (1996). With
the 5 to 30 entries that benchmarks have, they cover what they promise where percentile intervals cover too
little. Quantiles have distribution-free intervals from order statistics: David & Nagaraja, Order Statistics
(2003), section 7.1. The largest error has none: no resampling estimates an extreme of the population.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

MINIMUM_ENTRIES = 7
"""Below this, too many resamples consist of one or two entries repeated: the studentized interval then covers what
it promises, but with ends that can lie at many times the largest error, which helps nobody."""

RESAMPLES = 2000


MANY_ENTRIES = 200
"""From here on, levels with different gaps are resampled together, and half as many resamples serve."""


@lru_cache(maxsize=4)
def resample_counts(n: int, resamples: int = RESAMPLES) -> np.ndarray:
    """(resamples, n) how often each of n entries is drawn, with replacement, n draws a row. Not to be written to.

    The random numbers depend on n and resamples alone, so a table is the same whatever is tabulated before it.
    """
    rng = np.random.default_rng([20260101, n, resamples])
    draws = rng.integers(0, n, (resamples, n))
    draws += np.arange(resamples)[:, None] * n
    counts = np.bincount(draws.ravel(), minlength=resamples * n).reshape(resamples, n).astype(np.float32)
    counts.flags.writeable = False
    return counts


def mean_intervals(samples: np.ndarray, confidence: float = 0.95, resamples: int = RESAMPLES) -> np.ndarray:
    """Bootstrap-t intervals of the column means over the rows (entries) that are not NaN.

    samples: (entries, columns). Returns (2, columns), low and high; NaN where a column has fewer than
    MINIMUM_ENTRIES. Below MANY_ENTRIES each column is resampled over its own entries; above, over all, so that
    the number of its entries varies from resample to resample, which t takes into account.
    """
    has = ~np.isnan(samples)
    out = np.full((2, samples.shape[1]), np.nan)
    if len(samples) >= MANY_ENTRIES:
        enough = has.sum(axis=0) >= MANY_ENTRIES / 2
        if enough.any():
            out[:, enough] = _bootstrap_t(samples[:, enough], confidence, (resamples + 1) // 2)
    else:
        enough = np.zeros(samples.shape[1], bool)
    for columns, mask in patterns(has):
        if mask.sum() >= MINIMUM_ENTRIES and not enough[columns].all():
            out[:, columns] = _bootstrap_t(samples[np.ix_(mask, columns)], confidence, resamples)
    return out


def patterns(has: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Columns of `has` (entries, columns) that are alike, together: [(columns, mask of entries)]."""
    unique, inverse = np.unique(has.T, axis=0, return_inverse=True)
    by_size = np.argsort(unique.sum(axis=1), kind="stable")  # equal sizes share their resamples
    return [(np.flatnonzero(inverse.ravel() == i), unique[i]) for i in by_size]


def _bootstrap_t(samples: np.ndarray, confidence: float, resamples: int) -> np.ndarray:
    has = ~np.isnan(samples)
    n = has.sum(axis=0)
    mean = np.nansum(samples, axis=0) / n
    centred = np.where(has, samples - mean, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / n)
    scaled = (centred / np.where(spread > 0, spread, 1.0)).astype(np.float32)
    counts = resample_counts(len(samples), resamples)
    drawn = (counts @ has.astype(np.float32) if not has.all() else np.full((1, 1), len(samples))).astype(float)
    drawn = np.maximum(drawn, 1.0)
    shift = (counts @ scaled).astype(float) / drawn
    variance = np.maximum((counts @ scaled**2).astype(float) / drawn - shift**2, 0.0)
    # One entry drawn n times has no spread of its own: its t is infinite, with the sign of its shift.
    with np.errstate(divide="ignore", invalid="ignore"):
        t = shift / np.sqrt(variance) * np.sqrt(drawn / n)
        t = np.where(variance > 1e-5, t, np.where(np.abs(shift) < 1e-5, 0.0, np.inf * shift))
    alpha = (1.0 - confidence) / 2.0
    ranks = [round(alpha * (resamples - 1)), round((1.0 - alpha) * (resamples - 1))]
    low, high = np.partition(t, ranks, axis=0)[ranks]
    # A column without spread has no t: its interval is the point itself.
    low, high = np.where(spread > 0, low, 0.0), np.where(spread > 0, high, 0.0)
    ends = np.array([mean - high * spread, mean - low * spread])
    return np.where(np.isfinite(ends), ends, np.nan)


def quantile_interval_ranks(n: int, p: float, confidence: float = 0.95) -> tuple[int | None, int | None]:
    """Ranks (from 0) of the order statistics that enclose the p-quantile with at least `confidence`.

    Each end carries half of the risk. None where n values can't bound that end.
    """
    from scipy.special import bdtr  # the binomial distribution function; scipy.stats takes a second to import

    alpha = (1.0 - confidence) / 2.0
    # P(X_(l) > quantile) = P(Bin(n, p) < l) <= alpha for the lower rank l (from 1), and likewise above.
    below = bdtr(np.arange(n, dtype=float), n, p)
    lower = int(np.searchsorted(below, alpha, side="right"))
    upper = int(np.searchsorted(below, 1.0 - alpha, side="left")) + 1
    return (lower - 1 if lower >= 1 else None), (upper - 1 if upper <= n else None)


def quantile_intervals(samples: np.ndarray, p: float, confidence: float = 0.95) -> np.ndarray:
    """Distribution-free intervals of the p-quantile of each column; (2, columns), NaN for an end that is open."""
    n, columns = samples.shape
    lower, upper = quantile_interval_ranks(n, p, confidence)
    ordered = np.sort(samples, axis=0)
    blank = np.full(columns, np.nan)
    return np.array([blank if lower is None else ordered[lower], blank if upper is None else ordered[upper]])


def normal_quantile(confidence: float) -> float:
    """How many standard deviations a two-sided normal interval of this confidence reaches."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(0.5 + confidence / 2.0)


def combined_interval(
    value: np.ndarray, interval: np.ndarray, uncertainty: np.ndarray, confidence: float
) -> np.ndarray:
    """`interval` (2, …) about `value`, widened in quadrature by the propagated standard `uncertainty` (NaN: none).

    Slightly wide on purpose: independent errors of the inputs already show in the scatter over entries.
    """
    reach = normal_quantile(confidence) * np.nan_to_num(uncertainty)
    return np.array([value - np.hypot(value - interval[0], reach), value + np.hypot(interval[1] - value, reach)])


def is_number(x: object) -> bool:
    """Whether x is a finite number (None, NaN and infinities are not)."""
    return isinstance(x, (int, float, np.number)) and math.isfinite(float(x))
