"""Confidence intervals over the entries of a benchmark, for many levels of theory at once.

Means have studentized bootstrap (bootstrap-t) intervals: DiCiccio & Efron, Statist. Sci. 11, 189 (1996). With
the 7 to 30 entries that benchmarks have, they cover about what they promise where percentile intervals cover too
little; what is still lacking for heavy-tailed errors is made up by `RISKS`. Quantiles have distribution-free
intervals from interpolated order statistics: Nyblom, Statist. Probab. Lett. 14, 129 (1992). The largest error has
none: no resampling estimates an extreme of the population.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

MINIMUM_ENTRIES = 7
"""Below this, too many resamples consist of one or two entries repeated: the studentized interval then covers what
it promises, but with ends that can lie at many times the largest error, which helps nobody."""

MINIMUM_SQUARES = 8
"""The same for means of squares: with seven, skewed errors are covered less than 93 % whatever is done."""

RESAMPLES = 2000

BLOCK = 1_000_000  # random numbers at a time

MANY_ENTRIES = 200
"""From here on, levels with different gaps are resampled together, and half as many resamples serve."""


def signed_risk(n: np.ndarray, variation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the nominal risk of the (lower, upper) end is multiplied by for a mean of signed numbers."""
    return np.full(n.shape, 0.8), np.full(n.shape, 0.8)


def magnitude_risk(n: np.ndarray, variation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same for a mean of absolute values, whose upper end a handful of entries underrates."""
    return np.ones(n.shape), np.minimum(1.0, (n / 10.0) ** 1.3)


def square_risk(n: np.ndarray, variation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same for a mean of squares. variation: standard deviation of the squares over their mean.

    Most samples of a heavy-tailed population hold nothing of its tail, look harmless and bound the mean square too
    tightly from above. Light tails and errors that are mostly bias (variation below 0.9; normal errors have 1.41)
    need no such care, which 20 to 50 entries begin to tell.
    """
    cut = 0.4 * np.minimum(1.0, (n / 15.0) ** 1.2)
    harmless = np.clip((1.3 - variation) / 0.4, 0.0, 1.0) * np.clip((n - 20.0) / 30.0, 0.0, 1.0)
    return np.where(n < 12, 1.35, 1.0), cut ** (1.0 - harmless)


RISKS = {"signed": signed_risk, "magnitude": magnitude_risk, "square": square_risk}
"""How the nominal risks of the two ends are corrected, by what is averaged. The constants were set by simulation,
so that 95 % intervals cover 93 to 97 % for normal, Student-t (5 degrees), Laplace and gamma errors from 7 (squares:
8) to 250 entries; the test of coverage repeats it with other random numbers. Uniform errors are covered more often,
up to 99 %, below 40 entries."""


@lru_cache(maxsize=4)
def resample_counts(n: int, resamples: int = RESAMPLES) -> np.ndarray:
    """(resamples, n) how often each of n entries is drawn, with replacement, n draws a row. Not to be written to.

    The random numbers depend on n and resamples alone, so a table is the same whatever is tabulated before it.
    """
    rng = np.random.default_rng([20260101, n, resamples])
    counts = np.empty((resamples, n), np.float32)
    block = max(1, BLOCK // max(n, 1))
    for first in range(0, resamples, block):  # the same numbers as all at once, without room for all of them
        rows = min(block, resamples - first)
        draws = rng.integers(0, n, (rows, n))
        draws += np.arange(rows)[:, None] * n
        counts[first : first + rows] = np.bincount(draws.ravel(), minlength=rows * n).reshape(rows, n)
    counts.flags.writeable = False
    return counts


def resampled_sums(values: np.ndarray, resamples: int = RESAMPLES) -> np.ndarray:
    """(resamples, columns) sums of values (n, columns) over resampled rows: `resample_counts` @ values.

    Counts become double precision a few resamples at a time, not all of them at once.
    """
    counts = resample_counts(len(values), resamples)
    return np.concatenate([counts[some] @ values for some in blocks(len(counts), len(values), 4 * BLOCK)])


def blocks(resamples: int, entries: int, numbers: int) -> list[slice]:
    """The resamples in parts of so many, in 64s, that a matrix (part, entries) holds about `numbers` at most."""
    step = max(64, numbers // max(entries, 1) // 64 * 64)
    return [slice(start, start + step) for start in range(0, resamples, step)]


def mean_intervals(
    samples: np.ndarray, confidence: float = 0.95, resamples: int = RESAMPLES, averaged: str = "signed"
) -> np.ndarray:
    """Bootstrap-t intervals of the column means over the rows (entries) that are not NaN.

    samples: (entries, columns). averaged: what the numbers are, a key of RISKS. Returns (2, columns), low and high;
    NaN where a column has fewer than MINIMUM_ENTRIES (squares: MINIMUM_SQUARES). Below MANY_ENTRIES each column is
    resampled over its own entries; above, over all, so that the number of its entries varies from resample to
    resample, which t takes into account.
    """
    has = ~np.isnan(samples)
    needed = MINIMUM_SQUARES if averaged == "square" else MINIMUM_ENTRIES
    out = np.full((2, samples.shape[1]), np.nan)
    if len(samples) >= MANY_ENTRIES:
        enough = has.sum(axis=0) >= MANY_ENTRIES / 2
        if enough.any():
            out[:, enough] = _bootstrap_t(samples[:, enough], confidence, (resamples + 1) // 2, averaged)
    else:
        enough = np.zeros(samples.shape[1], bool)
    for columns, mask in patterns(has):
        if mask.sum() >= needed and not enough[columns].all():
            out[:, columns] = _bootstrap_t(samples[np.ix_(mask, columns)], confidence, resamples, averaged)
    return out


def patterns(has: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Columns of `has` (entries, columns) that are alike, together: [(columns, mask of entries)]."""
    found: dict[bytes, list[int]] = {}
    for i, column in enumerate(np.ascontiguousarray(has.T)):
        found.setdefault(column.tobytes(), []).append(i)
    # Equal sizes share their resamples; among those the order depends on nothing but the columns.
    ordered = sorted(found.items(), key=lambda item: (item[0].count(1), item[0]))
    return [(np.array(columns), has[:, columns[0]]) for _, columns in ordered]


def _bootstrap_t(samples: np.ndarray, confidence: float, resamples: int, averaged: str) -> np.ndarray:
    has = ~np.isnan(samples)
    n = has.sum(axis=0)
    mean = np.nansum(samples, axis=0) / n
    centred = np.where(has, samples - mean, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / n)
    # Single precision where it pays; in a small sample one entry may hold nearly all of the spread.
    precision: Any
    precision, tiny = (np.float32, 1e-5) if len(samples) >= MANY_ENTRIES else (np.float64, 1e-12)
    scaled = (centred / np.where(spread > 0, spread, 1.0)).astype(precision)
    counts = resample_counts(len(samples), resamples).astype(precision, copy=False)
    drawn = (counts @ has.astype(np.float32) if not has.all() else np.full((1, 1), len(samples))).astype(float)
    drawn = np.maximum(drawn, 1.0)
    shift = (counts @ scaled).astype(float) / drawn
    variance = np.maximum((counts @ scaled**2).astype(float) / drawn - shift**2, 0.0)
    # One entry drawn n times has no spread of its own: its t is infinite, with the sign of its shift.
    with np.errstate(divide="ignore", invalid="ignore"):
        t = shift / np.sqrt(variance) * np.sqrt(drawn / n)
        t = np.where(variance > tiny, t, np.where(np.abs(shift) < 1e-5, 0.0, np.inf * shift))
    variation = spread / np.where(mean != 0.0, np.abs(mean), 1.0)
    below, above = (0.5 * (1.0 - confidence) * risk for risk in RISKS[averaged](n.astype(float), variation))
    # The upper end of the mean comes from the lower tail of t, and the lower end from the upper one.
    ranks = np.rint(np.array([above, 1.0 - below]) * (resamples - 1)).astype(int)
    low, high = np.take_along_axis(np.partition(t, np.unique(ranks), axis=0), ranks, axis=0)
    # A column without spread has no t: its interval is the point itself.
    low, high = np.where(spread > 0, low, 0.0), np.where(spread > 0, high, 0.0)
    ends = np.array([mean - high * spread, mean - low * spread])
    return np.where(np.isfinite(ends), ends, np.nan)


def quantile_interval_positions(n: int, p: float, confidence: float = 0.95) -> tuple[float, float] | None:
    """Where among n ordered values (from 0, between two of them by interpolation) the p-quantile's interval ends.

    Each end carries half of the risk: P(X_(r) > quantile) = P(Bin(n, p) < r) is met at two ranks, and Nyblom's
    weight goes between them, exact for a density that is flat there. None where n values can't bound both ends.
    """
    lower = _position(n, p, 0.5 * (1.0 - confidence))
    upper = _position(n, 1.0 - p, 0.5 * (1.0 - confidence))
    return None if lower is None or upper is None else (lower, n - 1 - upper)


def _position(n: int, p: float, risk: float) -> float | None:
    """The position (from 0) of a value that lies above the p-quantile with probability `risk`."""
    from scipy.special import bdtr  # the binomial distribution function; scipy.stats takes a second to import

    below = bdtr(np.arange(n, dtype=float), n, p)  # below[r - 1]: the risk of rank r, from 1
    r = int(np.searchsorted(below, risk, side="right"))
    if not 1 <= r < n:
        return None
    at, beyond = float(below[r - 1]), float(below[r])
    weight = 1.0 / (1.0 + r * (1.0 - p) * (beyond - risk) / ((n - r) * p * (risk - at))) if risk > at else 0.0
    return r - 1 + weight


def quantile_intervals(samples: np.ndarray, p: float, confidence: float = 0.95) -> np.ndarray:
    """Distribution-free intervals of the p-quantile of each column; (2, columns), NaN where n is too small."""
    n, columns = samples.shape
    positions = quantile_interval_positions(n, p, confidence) if n >= MINIMUM_ENTRIES else None
    if positions is None:
        return np.full((2, columns), np.nan)
    ordered = np.sort(samples, axis=0)
    ends = []
    for position in positions:
        k = min(int(position), n - 2)
        ends.append(ordered[k] + (position - k) * (ordered[k + 1] - ordered[k]))
    return np.array(ends)


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
