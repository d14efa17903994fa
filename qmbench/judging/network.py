"""Levels ranked over entries that not all of them have: a network of paired comparisons.

Entries are what studies are in network meta-analysis, and levels the treatments: levels that share an entry are
compared on it, others through those that they share entries with, and all comparisons are consistent. Graph-theoretical
estimator: Rücker, Res. Synth. Methods 3, 312 (2012); several arms: Rücker & Schwarzer, Stat. Med. 33, 4353 (2014);
P-scores: Rücker & Schwarzer, BMC Med. Res. Methodol. 15, 58 (2015).

What is compared are ratios of mean absolute errors: |e| of level j on entry i is expected to be a_i·b_j, how hard the
entry is times how far off the level is. Maximum Poisson pseudo-likelihood (Gourieroux, Monfort & Trognon, Econometrica
52, 701 (1984)) fits the two, which is the estimator above iterated with the fitted means as weights. Where every level
has every entry it gives the mean absolute errors themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qmbench.judging.bootstrap import blocks

NUMBERS = 2_000_000
"""In the matrices (resamples, entries) that are held at one time."""


@dataclass(frozen=True)
class Network:
    """effects: (treatments,), their mean is 0 in each connected part; covariance: of them. component: (treatments,)
    which part each belongs to: only differences within a part mean anything. q, freedom: Cochran's Q of all
    comparisons about the consistent effects, and its degrees of freedom."""

    effects: np.ndarray
    covariance: np.ndarray
    component: np.ndarray
    q: float
    freedom: int


def graph_estimate(
    first: np.ndarray,
    second: np.ndarray,
    difference: np.ndarray,
    weight: np.ndarray,
    treatments: int,
    study: np.ndarray | None = None,
) -> Network:
    """Consistent effects from differences (effect of `first` − effect of `second`) with weights 1/variance.

    study: which study each difference is from; by default each is of its own. Weights of studies with more than two
    arms come from `arm_weights`. The network is an electrical one: weights are conductances, and L⁺, the
    pseudo-inverse of its Laplacian, gives effects L⁺Bᵀ(w·d) and their covariance.
    """
    incidence = np.zeros((len(first), treatments))
    incidence[np.arange(len(first)), first] = 1.0
    incidence[np.arange(len(first)), second] -= 1.0
    laplacian = incidence.T @ (weight[:, None] * incidence)
    inverse = np.linalg.pinv(laplacian, rcond=1e-10, hermitian=True)
    effects = inverse @ (incidence.T @ (weight * difference))
    q = float((weight * (difference - incidence @ effects) ** 2).sum())
    part = components(np.abs(incidence))
    of = np.arange(len(first)) if study is None else np.unique(study, return_inverse=True)[1]
    arms = sum(len({*first[of == k].tolist(), *second[of == k].tolist()}) - 1 for k in range(int(of.max()) + 1))
    return Network(effects, inverse, part, q, arms - treatments + len(set(part.tolist())))


def arm_weights(variances: np.ndarray) -> np.ndarray:
    """Weights of the p(p − 1)/2 comparisons of a study with p arms, as a (p, p) matrix, from their variances.

    The comparisons are not independent; the weights are those whose network of p arms has just these variances: the
    Laplacian is the pseudo-inverse of −½ P V P, P = 1 − 11ᵀ/p (Gutman & Xiao 2004; eq. 9 of Rücker & Schwarzer 2014).
    """
    p = len(variances)
    centre = np.eye(p) - 1.0 / p
    laplacian = np.linalg.pinv(-0.5 * centre @ variances @ centre, rcond=1e-10, hermitian=True)
    return np.asarray(np.where(np.eye(p, dtype=bool), 0.0, -laplacian))


def components(has: np.ndarray) -> np.ndarray:
    """Which connected part of the network each column of `has` (entries, levels) belongs to, numbered from 0."""
    shared = (has > 0).astype(float).T @ (has > 0).astype(float) > 0
    part = np.full(len(shared), -1)
    for j in range(len(shared)):
        if part[j] < 0:
            reached = np.zeros(len(shared), bool)
            reached[j] = True
            while True:
                more = reached | shared[reached].any(axis=0)
                if (more == reached).all():
                    break
                reached = more
            part[reached] = part.max() + 1
    return part


def p_scores(effects: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """How certain it is that each treatment is better than another one, on average over the others; small is better.

    The mean over k of Φ((effect_k − effect_j)/s_jk), s² the variance of their difference. 1: surely the best; 0:
    surely the worst; ½ on average. NaN of a single treatment.
    """
    from scipy.special import ndtr

    m = len(effects)
    variance = np.diag(covariance)[:, None] + np.diag(covariance)[None] - 2.0 * covariance
    difference = effects[None] - effects[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        z = difference / np.sqrt(np.maximum(variance, 0.0))
    better = np.where(np.isfinite(z), ndtr(np.where(np.isfinite(z), z, 0.0)), 0.5 + 0.5 * np.sign(difference))
    np.fill_diagonal(better, 0.0)
    return np.asarray(better.sum(axis=1) / (m - 1)) if m > 1 else np.full(m, np.nan)


def adjusted_means(
    absolute: np.ndarray, counts: np.ndarray | None = None, steps: int = 200, tolerance: float = 1e-9
) -> np.ndarray:
    """Each level's mean absolute error as it would be over all entries, by what levels have in common.

    absolute: (entries, levels) |errors|, NaN where there is none; connected (see `components`). counts: (resamples,
    entries) how often each entry is drawn; the result is then (resamples, levels). NaN for a level of which
    nothing was drawn.
    """
    has = np.isfinite(absolute)
    y = np.where(has, absolute, 0.0)
    size = float(y.max(initial=0.0)) or 1.0
    y, mask = y / size, has.astype(float)
    counts_or_one = np.ones((1, len(y))) if counts is None else counts
    parts = blocks(len(counts_or_one), len(y), NUMBERS)
    total, used = y.sum(axis=1), mask.any(axis=1)
    sums, share = np.empty((2, len(counts_or_one), y.shape[1]))
    for rows in parts:
        c = np.asarray(counts_or_one[rows], dtype=float)
        sums[rows], share[rows] = c @ y, c @ mask
    if has.all():  # then no entry is harder for one level than for another, and the means are those of the levels
        with np.errstate(invalid="ignore", divide="ignore"):
            means = sums / share * size
        return np.asarray(means[0] if counts is None else means)
    drawn = share > 0
    level = np.where(drawn, 1.0, 0.0)

    def hardness(rows: slice) -> np.ndarray:
        """(resamples, entries): how often each entry of these resamples is drawn, times how hard it is."""
        hard = np.where(used, total / (level[rows] @ mask.T), 0.0)
        hard[~np.isfinite(hard)] = 0.0  # of an entry that only levels without a single draw have
        hard *= counts_or_one[rows]
        return hard

    scale = np.zeros(len(level))
    with np.errstate(invalid="ignore", divide="ignore"):
        for _ in range(steps):
            new = np.empty(level.shape)
            for rows in parts:
                hard = hardness(rows)
                scale[rows] = hard.sum(axis=1)
                new[rows] = np.where(drawn[rows], sums[rows] / (hard @ mask), 0.0)
            new = np.where(np.isfinite(new), new, 0.0)
            new *= (drawn.sum(axis=1) / np.maximum(new.sum(axis=1), 1e-300))[:, None]
            change = np.abs(new - level).max(initial=0.0)
            level = new
            if change < tolerance:
                break
        for rows in parts:
            scale[rows] /= (np.asarray(counts_or_one[rows], dtype=float) * used).sum(axis=1)
        out = np.where(drawn, level * scale[:, None] * size, np.nan)
    return np.asarray(out[0] if counts is None else out)
