"""Error bars of correlated series: autocorrelation, reblocking, equilibration, agreement of independent chains.

A series has shape (steps, chains): `chains` Markov chains that know nothing of each other, each measured `steps`
times. Autocorrelation times are integrated ones, 1/2 + Σ ρ(t), in steps: 1/2 for uncorrelated data. Errors are one
standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# Spread of a series, in units of its size, that is rounding and nothing else.
ROUNDING = 1e-12
# Wolff's S: how many times the estimated decay the summation window is.
WINDOW = 1.5


@dataclass(frozen=True)
class MeanError:
    """A mean with its standard error. tau: integrated autocorrelation time, steps; tau_error: its standard error.

    effective: number of independent samples worth the same. window: lags summed (-1: no end was found, so that
    the error is a lower bound).
    """

    value: float
    error: float
    tau: float
    tau_error: float
    effective: float
    variance: float
    window: int

    @property
    def bounded(self) -> bool:
        """Whether the autocorrelation was seen to end within the series."""
        return self.window >= 0


def as_series(series: np.ndarray) -> np.ndarray:
    """`series` as (steps, chains); ValueError unless it is finite and has a step."""
    series = np.asarray(series, dtype=float)
    series = series[:, None] if series.ndim == 1 else series
    if series.ndim != 2 or not series.size:
        raise ValueError(f"a series has shape (steps, chains), not {series.shape}")
    if not np.all(np.isfinite(series)):
        raise ValueError(f"{int(np.sum(~np.isfinite(series)))} of {series.size} samples are not finite")
    return series


def autocovariance(deviations: np.ndarray) -> np.ndarray:
    """Γ(t), t = 0 … steps-1, of a (steps, chains) series of deviations, averaged over chains; unbiased in the lag."""
    steps = len(deviations)
    size = 1 << (2 * steps - 1).bit_length()
    total = np.zeros(size // 2 + 1)
    # In slabs: thousands of walkers would need gigabytes at once.
    for start in range(0, deviations.shape[1], 256):
        spectrum = np.fft.rfft(deviations[:, start : start + 256], n=size, axis=0)
        total += np.sum(spectrum.real**2 + spectrum.imag**2, axis=1)
    correlation = np.fft.irfft(total, n=size)[:steps]
    return correlation / (deviations.shape[1] * np.arange(steps, 0, -1))


def mean_error(series: np.ndarray, *, center: str = "all") -> MeanError:
    """Mean and error with the automatic window of U. Wolff, Comput. Phys. Commun. 156, 143 (2004), eqs. 31-52.

    center: "all" measures deviations from the mean of all chains, so that chains which disagree widen the error;
    "chain" from each chain's own mean. τ is at least 1/2: anticorrelated data get errors that are too large.
    """
    series = as_series(series)
    steps, chains = series.shape
    mean = float(series.mean())
    deviations = series - (series.mean(axis=0) if center == "chain" else mean)
    gamma = autocovariance(deviations)
    if gamma[0] <= (ROUNDING * max(1.0, abs(mean))) ** 2:
        return MeanError(mean, float(np.sqrt(gamma[0])), 0.5, 0.0, float(series.size), float(gamma[0]), 0)
    tau, window = _windowed_tau(gamma / gamma[0], series.size)
    cut = len(gamma) // 2 if window < 0 else window
    # Deviations from the sample's mean are too small by the variance of that mean (eq. 49).
    n = steps if center == "chain" else series.size
    variance = gamma[0] * (1.0 + 2.0 * tau / n)
    tau *= 1.0 + (2 * cut + 1) / n
    effective = series.size / (2.0 * tau)
    return MeanError(
        mean,
        float(np.sqrt(variance / effective)),
        float(tau),
        float(tau * np.sqrt((4.0 * cut + 2.0) / series.size)),
        float(effective),
        float(variance),
        int(window),
    )


def _windowed_tau(rho: np.ndarray, samples: int) -> tuple[float, int]:
    """τ and the window at which truncation and noise balance; window -1 when half the series does not hold it."""
    longest = max(len(rho) // 2, 1)
    sums = 0.5 + np.cumsum(rho[1 : longest + 1]) if len(rho) > 1 else np.array([0.5])
    # Anticorrelation is not taken as a reason for smaller errors: the window rule can't see where it ends.
    safe = np.maximum(sums, 0.5 + 1e-6)
    decay = WINDOW / np.log((2 * safe + 1) / (2 * safe - 1))
    lags = np.arange(1, len(sums) + 1)
    ended = np.exp(-lags / decay) - decay / np.sqrt(lags * samples) < 0
    if not ended.any():
        return float(max(sums[-1], 0.5)), -1
    first = int(np.argmax(ended))
    return float(max(sums[first], 0.5)), first + 1


def reblocked_error(series: np.ndarray) -> tuple[float, int]:
    """Error of the mean by reblocking, and the block length. Flyvbjerg and Petersen, J. Chem. Phys. 91, 461 (1989).

    Blocks are pairwise averages within a chain. The length is the shortest B with B³ > 2 n (ε(B)/ε(1))⁴, n samples
    a chain: R. M. Lee et al., Phys. Rev. E 83, 066706 (2011), eq. 24. When no length is long enough, the longest
    that leaves eight blocks in all is taken.
    """
    series = as_series(series)
    steps = len(series)
    errors, lengths = [], []
    blocks, length = series, 1
    while len(blocks) >= 1 and blocks.size >= 8:
        spread = blocks - blocks.mean()
        errors.append(float(np.sqrt(np.sum(spread**2) / (blocks.size - 1) / blocks.size)))
        lengths.append(length)
        if len(blocks) < 2:
            break
        pairs = len(blocks) // 2
        blocks = (blocks[0 : 2 * pairs : 2] + blocks[1 : 2 * pairs : 2]) / 2
        length *= 2
    if not errors:
        return float("inf"), 1
    if errors[0] == 0:
        return 0.0, 1
    for error, length in zip(errors, lengths, strict=True):
        if length**3 > 2 * steps * (error / errors[0]) ** 4:
            return error, length
    return errors[-1], lengths[-1]


def equilibration(series: np.ndarray) -> int:
    """Steps to leave out at the start: those that maximize the number of effective samples in the rest.

    Chodera, J. Chem. Theory Comput. 12, 1799 (2016), on the mean over chains, plus five autocorrelation times, since
    maximizing leaves in what is merely as small as the noise.
    """
    mean = as_series(series).mean(axis=1)
    steps = len(mean)
    if np.ptp(mean) <= ROUNDING * max(1.0, abs(float(mean.mean()))):
        return 0
    starts = np.unique(np.concatenate([[0], np.geomspace(1, 0.9 * steps, 48).astype(int)]))
    found = [mean_error(mean[start:]) for start in starts if steps - start >= 4]
    best = int(np.argmax([m.effective for m in found])) if found else 0
    return min(int(starts[best]) + int(np.ceil(5 * found[best].tau)) if found else 0, steps - 1)


def normal_scores(series: np.ndarray) -> np.ndarray:
    """Ranks over all samples turned into normal deviates: heavy tails of local energies no longer matter.

    Vehtari et al., Bayesian Anal. 16, 667 (2021), eq. 14.
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    series = as_series(series)
    ranks = rankdata(series, method="average").reshape(series.shape)
    return ndtri((ranks - 0.375) / (series.size + 0.25))


def r_hat(series: np.ndarray) -> float:
    """Rank-normalized R̂ of chains split in halves. Vehtari et al., Bayesian Anal. 16, 667 (2021), eqs. 1-4, 14.

    It holds no allowance for autocorrelation: chains of n steps that agree have R̂ ≈ √(1 + 4τ/n).
    """
    series = as_series(series)
    half = len(series) // 2
    if half < 2:
        return float("inf")
    if np.ptp(series) <= ROUNDING * max(1.0, float(np.max(np.abs(series)))):
        return 1.0
    scores = normal_scores(np.concatenate([series[:half], series[-half:]], axis=1))
    within = float(scores.var(axis=0, ddof=1).mean())
    between = half * float(scores.mean(axis=0).var(ddof=1))
    if within == 0:
        return float("inf")
    return float(np.sqrt((half - 1) / half + between / (half * within)))


@dataclass(frozen=True)
class ChainAgreement:
    """How well independent chains agree. chi2 per degree of freedom of the means of groups of chains, and its p value;

    worst: the largest deviation of one chain from the rest, in standard deviations of a chain's mean of normal
    scores; r_hat as in `r_hat`. With one chain, nothing can be said: p_value is nan.
    """

    chi2_per_dof: float
    p_value: float
    worst: float
    worst_chain: int
    r_hat: float


def chain_agreement(series: np.ndarray, groups: int = 16) -> ChainAgreement:
    """Whether the chains of `series` sample one distribution.

    The means of up to `groups` groups of chains are compared with the error that the autocorrelation within chains
    gives them; every single chain is compared by its normal scores, so that one stuck walker among thousands shows.
    """
    from scipy.stats import chi2

    series = as_series(series)
    steps, chains = series.shape
    if chains < 2 or np.ptp(series) <= ROUNDING * max(1.0, float(np.max(np.abs(series)))):
        return ChainAgreement(float("nan") if chains < 2 else 0.0, float("nan") if chains < 2 else 1.0, 0.0, 0, 1.0)
    members = np.array_split(np.arange(chains), min(groups, chains))
    within = mean_error(series, center="chain")
    chain_variance = within.variance * 2 * within.tau / steps
    means = series.mean(axis=0)
    sizes = np.array([len(m) for m in members])
    statistic = float(np.sum(sizes * (np.array([means[m].mean() for m in members]) - means.mean()) ** 2))
    statistic = statistic / chain_variance if chain_variance > 0 else float("inf")
    dof = len(members) - 1
    scores = normal_scores(series)
    of_scores = mean_error(scores, center="chain")
    spread = float(np.sqrt(of_scores.variance * 2 * of_scores.tau / steps))
    score_means = scores.mean(axis=0)
    # Of the rest: among few chains the odd one moves the mean of all.
    deviation = np.abs(score_means - score_means.mean()) * np.sqrt(chains / (chains - 1))
    worst = int(np.argmax(deviation))
    return ChainAgreement(
        statistic / dof,
        float(chi2.sf(statistic, dof)),
        float(deviation[worst] / spread) if spread > 0 else float("inf"),
        worst,
        r_hat(series),
    )


def trend(series: np.ndarray) -> float:
    """Mean of the first half minus that of the second, in standard errors of the difference."""
    series = as_series(series)
    half = len(series) // 2
    if half < 4:
        return float("inf")
    first, second = mean_error(series[:half]), mean_error(series[-half:])
    error = float(np.hypot(first.error, second.error))
    difference = first.value - second.value
    if abs(difference) <= 10 * ROUNDING * max(1.0, abs(first.value)):
        return 0.0
    return difference / error if error > 0 else float("inf")


def linearized(function: Callable[..., float], series: Sequence[np.ndarray]) -> tuple[float, np.ndarray]:
    """`function` of the means of `series`, and the series whose mean has the same error.

    First order in the deviations (Wolff, eqs. 12-14): y = Σ ∂f/∂ā (a - ā), with central differences one standard
    deviation of the mean wide. The returned series is centred on the value.
    """
    means = [float(np.mean(a)) for a in series]
    value = float(function(*means))
    total = np.full(np.shape(series[0]), value)
    for i, a in enumerate(series):
        step = float(np.std(a)) / np.sqrt(np.size(a))
        if step <= ROUNDING * max(1.0, abs(means[i])) * 1e-3:
            continue
        up, down = list(means), list(means)
        up[i] += step
        down[i] -= step
        slope = (function(*up) - function(*down)) / (2 * step)
        total = total + slope * (a - means[i])
    return value, total


def weighted_series(series: np.ndarray, weights: np.ndarray | None) -> tuple[float, np.ndarray]:
    """Σ w a / Σ w, and a series with the same mean and error that needs no weights.

    The error of the ratio is that of w (a - value) / w̄ to first order: numerator and denominator fluctuate together.
    """
    series = as_series(series)
    if weights is None:
        return float(series.mean()), series
    weights = as_series(weights)
    if weights.shape != series.shape or np.any(weights < 0) or not weights.sum() > 0:
        raise ValueError("weights have the shape of the series, are not negative, and not all zero")
    value = float(np.sum(weights * series) / np.sum(weights))
    return value, value + weights * (series - value) / weights.mean()


def weight_efficiency(weights: np.ndarray | None) -> float:
    """(Σ w)² / (n Σ w²): 1 for equal weights (Kish)."""
    if weights is None:
        return 1.0
    weights = np.asarray(weights, dtype=float)
    return float(weights.sum() ** 2 / (weights.size * np.sum(weights**2)))


def json_number(value: Any) -> float | None:
    """`value` as a float that JSON can hold; None where it is not finite."""
    return float(value) if np.isfinite(value) else None
