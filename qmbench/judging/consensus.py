"""What several values of one quantity say together, when each has its uncertainty and they may not agree.

Random effects as in key comparisons. Between-method variance: Paule & Mandel, J. Res. Natl. Bur. Stand. 87, 377
(1982); DerSimonian & Laird, Control. Clin. Trials 7, 177 (1986). Birge ratio: Birge, Phys. Rev. 40, 207 (1932).
Degrees of equivalence: Cox, Metrologia 39, 589 (2002).

All functions take (entries, methods) arrays of values and standard uncertainties (positive), NaN where a method
has no value, and work on all entries at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Consensus:
    """Per entry: n values, consensus `value` and its standard `uncertainty`, between-method standard deviation
    `tau`, Cochran's `q`, `birge_ratio` (q/(n−1))^½, and the `median` with its robust standard uncertainty."""

    n: np.ndarray
    value: np.ndarray
    uncertainty: np.ndarray
    tau: np.ndarray
    q: np.ndarray
    birge_ratio: np.ndarray
    median: np.ndarray
    median_uncertainty: np.ndarray


def weighted_mean(values: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean with weights 1/variance along the last axis, and its standard uncertainty; NaN values do not count."""
    weights = np.where(np.isfinite(values), 1.0 / variance, 0.0)
    total = weights.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (weights * np.nan_to_num(values)).sum(axis=-1) / total, total**-0.5


def cochran_q(values: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Σ (v − mean)²/variance along the last axis about the weighted mean."""
    mean, _ = weighted_mean(values, variance)
    deviation = np.where(np.isfinite(values), values - mean[..., None], 0.0)
    return (deviation**2 / np.where(np.isfinite(values), variance, 1.0)).sum(axis=-1)


def mandel_paule(values: np.ndarray, uncertainties: np.ndarray) -> np.ndarray:
    """Between-method variance τ² for which Cochran's Q with variances u² + τ² equals n − 1; 0 where Q is below.

    Q falls monotonically with τ², so bisection can't fail.
    """
    u2 = np.where(np.isfinite(values), uncertainties**2, 1.0)
    n = np.isfinite(values).sum(axis=-1)
    wanted = np.maximum(n - 1.0, 0.0)
    spread = np.nanmax(np.where(n[..., None] > 0, values, 0.0), axis=-1) - np.nanmin(
        np.where(n[..., None] > 0, values, 0.0), axis=-1
    )
    tau2 = np.zeros(spread.shape)
    apart = cochran_q(values, u2) > wanted
    values, u2, wanted = values[apart], u2[apart], wanted[apart]
    low = np.zeros(len(wanted))
    high = n[apart] * spread[apart] ** 2 + 1e-300  # Q there is at most n·spread²/τ² = 1 ≤ n − 1
    for _ in range(100):
        middle = 0.5 * (low + high)
        above = cochran_q(values, u2 + middle[:, None]) > wanted
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    tau2[apart] = 0.5 * (low + high)
    return tau2


def dersimonian_laird(values: np.ndarray, uncertainties: np.ndarray) -> np.ndarray:
    """The moment estimate of the between-method variance, max(0, (Q − (n − 1)) / (Σw − Σw²/Σw)), w = 1/u²."""
    has = np.isfinite(values)
    w = np.where(has, 1.0 / np.where(has, uncertainties, 1.0) ** 2, 0.0)
    q = cochran_q(values, np.where(has, uncertainties, 1.0) ** 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = w.sum(axis=-1) - (w**2).sum(axis=-1) / w.sum(axis=-1)
        return np.where(scale > 0, np.maximum(q - (has.sum(axis=-1) - 1), 0.0) / scale, 0.0)


def consensus(values: np.ndarray, uncertainties: np.ndarray) -> Consensus:
    """The Mandel–Paule consensus of each entry and a robust median beside it."""
    has = np.isfinite(values)
    n = has.sum(axis=-1)
    u = np.where(has, uncertainties, 1.0)
    tau2 = mandel_paule(values, u)
    value, uncertainty = weighted_mean(values, u**2 + tau2[..., None])
    q = cochran_q(values, u**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        birge = np.where(n > 1, np.sqrt(q / (n - 1.0)), np.nan)
        median = _median(values)
        # 1.858 = 1.4826 · (π/2)^½ : the standard uncertainty of a median from the median absolute deviation.
        scatter = _median(np.abs(values - median[..., None]))
        median_uncertainty = np.where(n > 1, 1.858 * scatter / np.sqrt(np.maximum(n - 1.0, 1.0)), np.nan)
    return Consensus(n, value, uncertainty, np.sqrt(tau2), q, birge, median, median_uncertainty)


def _median(values: np.ndarray) -> np.ndarray:
    """Along the last axis over what is there; NaN where nothing is."""
    out = np.full(values.shape[:-1], np.nan)
    some = np.isfinite(values).any(axis=-1)
    out[some] = np.nanmedian(values[some], axis=-1)
    return out


def degrees_of_equivalence(
    values: np.ndarray, uncertainties: np.ndarray, tau: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Each value's deviation from the consensus of all the others, and its standard uncertainty, (entries, methods).

    The others' consensus has the between-method variance τ² of all, so the two are independent: u² = u_i² + u_o².
    """
    has = np.isfinite(values)
    u2 = np.where(has, uncertainties, 1.0) ** 2
    weights = np.where(has, 1.0 / (u2 + tau[..., None] ** 2), 0.0)
    sums = (weights * np.nan_to_num(values)).sum(axis=-1, keepdims=True)
    total = weights.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = total - weights
        others = (sums - weights * np.nan_to_num(values)) / np.where(rest > 1e-12 * total, rest, np.nan)
        deviation = np.where(has, values - others, np.nan)
        return deviation, np.where(np.isfinite(deviation), np.sqrt(u2 + 1.0 / rest), np.nan)
