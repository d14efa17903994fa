"""Confidence intervals over the entries of a benchmark, for many levels of theory at once.

Means have studentized bootstrap (bootstrap-t) intervals: DiCiccio & Efron, Statist. Sci. 11, 189 (1996). With
the 7 to 30 entries that benchmarks have, they cover about what they promise where percentile intervals cover too
little; what is still lacking for heavy-tailed errors is made up by `RISKS`. Quantiles have distribution-free
intervals from interpolated order statistics: Nyblom, Statist. Probab. Lett. 14, 129 (1992). The largest error has
none: no resampling estimates an extreme of the population.

Entries of one molecule err together, so that molecules are drawn, each with all of its entries, and not entries (the
cluster bootstrap: Field & Welsh, J. R. Stat. Soc. B 69, 369 (2007)). A mean over entries is then a ratio, of sums over
molecules by their numbers of entries, and its standard error is that of a ratio, with the molecules' sums of residuals
(Cameron & Miller, J. Hum. Resour. 50, 317 (2015)). Shares and quantiles count as from so many independent entries as
would tell them as well: Korn & Graubard, Surv. Methodol. 24, 193 (1998); Woodruff, J. Am. Stat. Assoc. 47, 635 (1952).
Where each entry is of its own molecule all of it is what it would be without molecules.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np

MINIMUM_ENTRIES = 7
"""Below this, too many resamples consist of one or two entries repeated: the studentized interval then covers what
it promises, but with ends that can lie at many times the largest error, which helps nobody. Entries of one molecule
count as one."""

HEAVIEST = 1 / 3
"""Where one molecule has more than this share of the entries there is no interval either: the mean is then mostly that
of this molecule, whose scatter nothing tells, and 95 % intervals were seen to cover 60 to 85 %."""

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


def numbered(molecules: Iterable[Hashable]) -> np.ndarray | None:
    """The number of each entry's molecule, from 0 in order of appearance; None where each has one of its own."""
    numbers: dict[Hashable, int] = {}
    found = [numbers.setdefault(molecule, len(numbers)) for molecule in molecules]
    return np.array(found, dtype=np.intp) if len(numbers) < len(found) else None


def gathered(values: np.ndarray, molecules: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Sums of values (entries, columns; NaN: none) over the entries of each molecule, (molecules, columns), NaN where
    it has none, and how many entries they are over; the values themselves and None where no two share a molecule."""
    if molecules is None:
        return values, None
    _, first, own = np.unique(molecules, return_index=True, return_inverse=True)
    if len(first) == len(values):
        return values, None
    order = np.argsort(own, kind="stable")
    starts = np.searchsorted(own[order], np.arange(len(first)))
    ordered = values[order]
    sizes = np.add.reduceat(~np.isnan(ordered), starts, axis=0, dtype=np.intp)
    sums = np.add.reduceat(np.nan_to_num(ordered), starts, axis=0)
    return np.where(sizes > 0, sums, np.nan), sizes


def sizes_of(has: np.ndarray, molecules: np.ndarray | None) -> np.ndarray:
    """(molecules, columns) how many entries each molecule has in each column of `has` (entries, columns)."""
    if molecules is None:
        return has
    _, sizes = gathered(np.where(has, 1.0, np.nan), molecules)
    return has if sizes is None else sizes


def enough(sizes: np.ndarray, needed: int = MINIMUM_ENTRIES) -> np.ndarray:
    """(columns,) whether so many entries of each molecule (`sizes_of`) are enough for an interval."""
    n = sizes.sum(axis=0)
    if sizes.dtype == bool:  # one entry each
        return np.asarray(n >= needed)
    heaviest = sizes.max(axis=0, initial=0) <= HEAVIEST * (1.0 + 1e-9) * n
    return np.asarray(((sizes > 0).sum(axis=0) >= needed) & heaviest)


def mean_intervals(
    samples: np.ndarray,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    averaged: str = "signed",
    molecules: np.ndarray | None = None,
) -> np.ndarray:
    """Bootstrap-t intervals of the column means over the rows (entries) that are not NaN.

    samples: (entries, columns). averaged: what the numbers are, a key of RISKS. molecules: (entries,) numbers, equal
    for entries that are drawn together; None: each is drawn by itself. Returns (2, columns), low and high; NaN where a
    column has not `enough` different molecules, MINIMUM_ENTRIES (squares: MINIMUM_SQUARES). Below MANY_ENTRIES of them
    each column is resampled over its own; above, over all, so that the number of its entries varies from resample to
    resample, which t takes into account.
    """
    samples, sizes = gathered(samples, molecules)  # from here on rows are molecules
    has = ~np.isnan(samples)
    needed = MINIMUM_SQUARES if averaged == "square" else MINIMUM_ENTRIES
    out = np.full((2, samples.shape[1]), np.nan)
    left = enough(has if sizes is None else sizes, needed)
    if len(samples) >= MANY_ENTRIES:
        many = left & (has.sum(axis=0) >= MANY_ENTRIES / 2)
        if many.any():
            weights = None if sizes is None else sizes[:, many]
            out[:, many] = _bootstrap_t(samples[:, many], confidence, (resamples + 1) // 2, averaged, weights)
        left = left & ~many
    for columns, mask in patterns(has):
        some = columns[left[columns]]
        if len(some):
            where = np.ix_(mask, some)
            weights = None if sizes is None else sizes[where]
            out[:, some] = _bootstrap_t(samples[where], confidence, resamples, averaged, weights)
    return out


def patterns(has: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Columns of `has` (entries, columns) that are alike, together: [(columns, mask of entries)]."""
    found: dict[bytes, list[int]] = {}
    for i, column in enumerate(np.ascontiguousarray(has.T)):
        found.setdefault(column.tobytes(), []).append(i)
    # Equal sizes share their resamples; among those the order depends on nothing but the columns.
    ordered = sorted(found.items(), key=lambda item: (item[0].count(1), item[0]))
    return [(np.array(columns), has[:, columns[0]]) for _, columns in ordered]


def _bootstrap_t(
    samples: np.ndarray, confidence: float, resamples: int, averaged: str, sizes: np.ndarray | None = None
) -> np.ndarray:
    """sizes: where rows are molecules, over how many entries each sum in `samples` is; None: over one each."""
    has = ~np.isnan(samples)
    n = has.sum(axis=0)
    if sizes is not None and sizes.max() <= 1:
        sizes = None
    weight = None
    if sizes is None:
        mean = np.nansum(samples, axis=0) / n
        centred = np.where(has, samples - mean, 0.0)
    else:
        usual = sizes.sum(axis=0) / n
        weight = sizes / usual
        mean = np.nansum(samples, axis=0) / (n * usual)
        centred = np.where(has, samples / usual - mean * weight, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / n)
    # Single precision where it pays; in a small sample one entry may hold nearly all of the spread.
    precision: Any
    precision, tiny = (np.float32, 1e-5) if len(samples) >= MANY_ENTRIES else (np.float64, 1e-12)
    scaled = (centred / np.where(spread > 0, spread, 1.0)).astype(precision)
    counts = resample_counts(len(samples), resamples).astype(precision, copy=False)
    if weight is None:
        drawn = (counts @ has.astype(np.float32) if not has.all() else np.full((1, 1), len(samples))).astype(float)
        drawn = np.maximum(drawn, 1.0)
        shift = (counts @ scaled).astype(float) / drawn
        variance = np.maximum((counts @ scaled**2).astype(float) / drawn - shift**2, 0.0)
    else:
        weight = weight.astype(precision)
        drawn = (counts @ weight).astype(float)
        drawn = np.where(drawn > 0, drawn, 1.0)
        shift = (counts @ scaled).astype(float) / drawn
        squares, mixed, weights = (counts @ x for x in (scaled**2, scaled * weight, weight**2))
        variance = np.maximum((squares - 2.0 * shift * mixed + shift**2 * weights) / drawn, 0.0)
    # One entry, or molecule, drawn n times has no spread of its own: its t is infinite, with the sign of its shift.
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


def quantile_intervals(
    samples: np.ndarray, p: float, confidence: float = 0.95, molecules: np.ndarray | None = None
) -> np.ndarray:
    """Distribution-free intervals of the p-quantile of each column; (2, columns), NaN where n is too small.

    molecules: see `mean_intervals`. With entries that share one, the interval of the share of entries below the
    quantile, read on the axis of the values; it needs as many different molecules as it would entries.
    """
    n, columns = samples.shape
    sizes = sizes_of(np.ones((n, 1), bool), molecules)
    different = len(sizes)
    positions = quantile_interval_positions(different, p, confidence) if enough(sizes).all() else None
    if positions is None:
        return np.full((2, columns), np.nan)
    ordered = np.sort(samples, axis=0)
    if different == n:
        return np.array([_interpolated(ordered, np.full(columns, position)) for position in positions])
    below = (samples <= np.quantile(samples, p, axis=0)).astype(float)
    effective = effective_entries(below, molecules, confidence)
    shares = proportion_interval(p * effective, effective, confidence)
    low, high = (_interpolated(ordered, share * (n + 1) - 1.0) for share in shares)
    return np.array([low, high])


def _interpolated(ordered: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Each column of ordered values at its position (from 0), between two of them by interpolation; NaN beyond all."""
    n, columns = ordered.shape
    inside = (positions >= 0) & (positions <= n - 1)
    k = np.clip(np.nan_to_num(positions).astype(int), 0, n - 2)
    at = np.arange(columns)
    made = ordered[k, at] + (positions - k) * (ordered[k + 1, at] - ordered[k, at])
    return np.where(inside, made, np.nan)


def effective_entries(shares: np.ndarray, molecules: np.ndarray | None, confidence: float = 0.95) -> np.ndarray:
    """How many independent entries would tell the mean of each column as well as these: (columns,).

    shares: (entries, columns) numbers between 0 and 1, NaN where there is none; molecules: see `mean_intervals`. By the
    variance of the mean with molecules against that without, and Student's t for the number of molecules against that
    for the number of entries; never more than there are entries. Where all are 0, or all 1, nothing tells how alike the
    entries of a molecule are, and they are taken for entirely so. NaN where there are not `enough` molecules and
    entries share them.
    """
    from scipy.special import stdtrit

    sums, sizes = gathered(shares, molecules)
    if sizes is None:
        return np.asarray((~np.isnan(shares)).sum(axis=0), dtype=float)
    n, different = sizes.sum(axis=0).astype(float), (sizes > 0).sum(axis=0).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(sums, axis=0) / n
        residuals = np.nan_to_num(sums - mean * sizes)
        variance = different / (different - 1.0) * (residuals**2).sum(axis=0) / n**2
        end = 0.5 + confidence / 2.0
        wider = stdtrit(n - 1.0, end) / stdtrit(different - 1.0, end)
        found = np.where(variance > 0, np.minimum(mean * (1.0 - mean) / variance * wider**2, n), n)
        found = np.where((mean <= 0) | (mean >= 1), n**2 / (sizes.astype(float) ** 2).sum(axis=0), found)
    found = np.where(enough(sizes), found, np.nan)
    return np.where(different == n, n, found)


def proportion_interval(wins: np.ndarray, n: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Clopper–Pearson interval of a proportion; NaN where n is 0 or NaN. Neither has to be a whole number.

    Clopper & Pearson, Biometrika 26, 404 (1934).
    """
    from scipy.special import betaincinv

    alpha = (1.0 - confidence) / 2.0
    with np.errstate(invalid="ignore"):
        low = np.where(wins > 0, betaincinv(np.maximum(wins, 1e-9), n - wins + 1.0, alpha), 0.0)
        high = np.where(wins < n, betaincinv(wins + 1.0, np.maximum(n - wins, 1e-9), 1.0 - alpha), 1.0)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


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
