"""Which values of one quantity belong together: camps, outliers, and the scatter where no uncertainty is stated."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

SPLIT_SIGNIFICANCE = 0.05
"""How improbable a gap must be among normally scattered values before it separates groups."""

_SIZES = (3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32, 48, 64, 96, 128, 256)


def largest_gap(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Along the last axis of ascending values: where the largest gap is, and how it compares with the others.

    Returns k, where the gap is between ordered[k] and ordered[k+1], and its size divided by the root mean square
    of the gaps that remain when the largest 1 + n//6 are set aside, so that several gaps do not hide each other.
    Needs n ≥ 3.
    """
    gaps = np.diff(ordered, axis=-1)
    aside = 1 + ordered.shape[-1] // 6
    usual = np.sqrt((np.sort(gaps, axis=-1)[..., :-aside] ** 2).mean(axis=-1))
    largest = gaps.max(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.argmax(gaps, axis=-1), np.where(largest > 0, largest / usual, 0.0)


@lru_cache(maxsize=1)
def _critical_gaps() -> np.ndarray:
    rng = np.random.default_rng(20260102)
    out = []
    for n in _SIZES:
        samples = np.sort(rng.standard_normal((10000 if n <= 16 else 2000, n)), axis=-1)
        out.append(float(np.quantile(largest_gap(samples)[1], 1.0 - SPLIT_SIGNIFICANCE)))
    return np.array(out)


@lru_cache(maxsize=1024)
def critical_gap(n: int) -> float:
    """What `largest_gap` of n normal values exceeds with probability SPLIT_SIGNIFICANCE (simulated, fixed seed)."""
    return float(np.exp(np.interp(np.log(n), np.log(_SIZES), np.log(_critical_gaps()))))


def dividing_gap(ordered: np.ndarray, resolution: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Along the last axis of ascending values: where the largest gap is (as of `largest_gap`), and whether it divides:
    it is larger than `resolution` and than what normal scatter explains. Fewer than three values have none that does.
    """
    shape, n = ordered.shape[:-1], ordered.shape[-1]
    if n < 3:
        return np.zeros(shape, dtype=int), np.zeros(shape, dtype=bool)
    k, score = largest_gap(ordered)
    width = np.take_along_axis(np.diff(ordered, axis=-1), np.expand_dims(k, -1), axis=-1)[..., 0]
    return k, (width > resolution) & (score > critical_gap(n))


def split_by_gaps(values: np.ndarray, resolution: float) -> list[np.ndarray]:
    """Indices of groups that gaps separate, without knowing any uncertainty; ascending in value.

    values: (n,). A group is divided at its largest gap while that is larger than `resolution` and than
    what normal scatter explains. Three values at least are needed to divide anything.
    """
    order = np.argsort(values, kind="stable")
    todo, done = [order], []
    while todo:
        group = todo.pop()
        k, divides = dividing_gap(values[group], resolution)
        if divides:
            todo += [group[: k + 1], group[k + 1 :]]
        else:
            done.append(group)
    return sorted(done, key=lambda g: float(values[g[0]]))


def scatter_within(values: np.ndarray, groups: list[np.ndarray]) -> tuple[float, int]:
    """Pooled standard deviation within groups, and its degrees of freedom (0 when every group is single)."""
    freedom = sum(len(g) - 1 for g in groups)
    squares = sum(float(((values[g] - values[g].mean()) ** 2).sum()) for g in groups)
    return (np.sqrt(squares / freedom) if freedom else 0.0), freedom


def homogeneity(values: np.ndarray, uncertainties: np.ndarray) -> float:
    """The p-value of Cochran's Q: how probable values that differ this much or more are, if none differs."""
    from scipy.special import chdtrc

    weights = uncertainties.astype(float) ** -2
    q = float(np.dot(weights, (values - np.average(values, weights=weights)) ** 2))
    return float(chdtrc(max(len(values) - 1, 1), q))


def agglomerate(values: np.ndarray, uncertainties: np.ndarray, significance: float = 0.01) -> list[np.ndarray]:
    """Camps: neighbours are merged, the most compatible first, while a camp's values are homogeneous.

    values, uncertainties: (n,). Homogeneous: Cochran's Q of the camp is not significant at `significance`.
    Returns the indices of each camp, camps ascending in value.
    """
    from scipy.special import chdtrc

    order = np.argsort(values, kind="stable")
    if homogeneity(values, uncertainties) >= significance:
        return [order]
    weight = (1.0 / uncertainties[order].astype(float) ** 2).tolist()
    mean = values[order].astype(float).tolist()
    camps = [[int(i)] for i in order]
    q = [0.0] * len(camps)

    def joint(k: int) -> tuple[float, float]:
        """Cochran's Q of camps k and k + 1 together, and its p-value."""
        step = (mean[k + 1] - mean[k]) ** 2 * weight[k] * weight[k + 1] / (weight[k] + weight[k + 1])
        total = q[k] + q[k + 1] + step
        return total, float(chdtrc(len(camps[k]) + len(camps[k + 1]) - 1, total))

    joined = [joint(k) for k in range(len(camps) - 1)]
    while joined:
        k = max(range(len(joined)), key=lambda i: joined[i][1])
        if joined[k][1] < significance:
            break
        total = weight[k] + weight[k + 1]
        mean[k] = (weight[k] * mean[k] + weight[k + 1] * mean[k + 1]) / total
        weight[k], q[k] = total, joined[k][0]
        camps[k] += camps[k + 1]
        for column in (camps, mean, weight, q):
            del column[k + 1]
        del joined[k]
        for i in (k - 1, k):
            if 0 <= i < len(joined):
                joined[i] = joint(i)
    return [np.array(c) for c in camps]


def without_undecided(
    values: np.ndarray, uncertainties: np.ndarray, camps: list[np.ndarray], vague: np.ndarray, reach: float = 2.0
) -> tuple[list[np.ndarray], list[int]]:
    """The camps without the values that can't take sides.

    Those are values that would fit another camp as well (within `reach` standard uncertainties), and `vague` ones
    (a mask) that stand with others. A value that is all of its camp is taken out only if it fits two others, since
    it may be what separates them. Returns (camps, undecided); all camps as they are when fewer than two would be left.
    """
    if len(camps) < 2:
        return camps, []
    weight = np.array([(1.0 / uncertainties[c] ** 2).sum() for c in camps])
    mean = np.array([(values[c] / uncertainties[c] ** 2).sum() for c in camps]) / weight
    undecided = []
    for k, camp in enumerate(camps):
        for i in camp:
            fits = np.abs(values[i] - mean) <= reach * np.sqrt(uncertainties[i] ** 2 + 1.0 / weight)
            fits[k] = False
            if (len(camp) > 1 and (vague[i] or fits.any())) or fits.sum() >= 2:
                undecided.append(int(i))
    kept = [np.array([i for i in c if i not in undecided], dtype=int) for c in camps]
    kept = [c for c in kept if len(c)]
    return (kept, undecided) if len(kept) >= 2 else (camps, [])
