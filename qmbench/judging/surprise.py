"""Which values are beyond what is known: of their own level, and of how the other levels err on the same entry.

Levels err alike where an entry is hard, so a large error that the others share is no news. Each standardized error is
predicted from those of the other levels by their correlations (a conditional normal distribution, as in kriging and in
the cell-wise view of outliers: Rousseeuw & Van den Bossche, Technometrics 60, 135 (2018)), which are learned from the
entries of other molecules, from values that are clipped so that no outlier makes them (Raymaekers & Rousseeuw,
Technometrics 63, 184 (2021)), and shrunk. How far a value lies from that, in its known scatter, is either chance or a
shift: two groups, whose shares are estimated from all values (Efron, Stat. Sci. 23, 1 (2008)).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qmbench.judging.known_errors import MOST_FOLDS, NORMAL_95, medians

CLIP = 2.5
"""Where standardized errors are clipped, in known scatters, before correlations are made from them."""
WIDE_CLIP = 2.0 * CLIP
"""The same before others are predicted from them, once those that stand alone have been set aside."""
SHRINKAGES = (0.1, 0.2, 0.4, 0.7)
OWN_VARIANCE = 0.02
"""What of each level's variance is taken to be its own whatever the correlations say, so that they can be inverted."""

SHIFT = 4.0
"""Standard deviation of shifts, in known scatters, where there is one."""
ANY_SIZE = 0.2
"""Share of the shifts that may be of any size."""
USUAL_SHARE = 0.03
"""Share of shifted values where there are too few values to estimate it."""
SHARE_LIMITS = (1e-4, 0.2)

LEAST_ENTRIES, LEAST_LEVELS = 8, 3
"""Below these, levels are not predicted from each other, and each is held against its own record alone."""

BEYOND = 2.3263478740408408
"""Known scatters by which a surprising value lies from what is expected of it: the end of a 98 % interval."""
UNUSUAL = 1.6448536269514722
"""Known scatters that its error differs from the level's bias by, at least: the end of the 90 % interval."""

CHANCE_TAILS = (5.0, 8.0, 15.0, 60.0)
"""Degrees of freedom that chance may have: what lies farther out than a tail of five lets expect is a shift."""

FITTED = 20_000
NUMBERS = 2_000_000
"""In the matrices that are held at one time."""
STEPS = 6
"""How often values that look shifted are set aside, and the others judged again without them."""


@dataclass(frozen=True)
class Surprises:
    """Arrays (entries, levels), NaN where nothing is known. In units of the known scatter, about the known bias:

    actual: the standardized error; expected: what the other levels' errors on the entry let expect; spread: standard
    deviation of `actual` about it. probability: that the value is shifted by more than chance. surprising: which are.
    common, common_uncertainty: (entries,) how far the levels together, each by its record, put the true value from
    the reference, in the unit of the errors. by_others: whether other levels were asked.
    """

    actual: np.ndarray
    expected: np.ndarray
    spread: np.ndarray
    probability: np.ndarray
    surprising: np.ndarray
    common: np.ndarray
    common_uncertainty: np.ndarray
    by_others: bool


def surprises(
    error: np.ndarray,
    bias: np.ndarray,
    scatter: np.ndarray,
    freedom: np.ndarray,
    molecules: Sequence[Hashable] | None = None,
    order: np.ndarray | None = None,
    reference_uncertainty: np.ndarray | None = None,
    rate: float = 0.05,
) -> Surprises:
    """Weigh every error (entries, levels) against its level's record and against the other levels' errors.

    bias, scatter, freedom: see `known_errors.Known`. molecules, order: as there. reference_uncertainty: (entries,)
    standard uncertainty of what the errors were taken from; 0 or NaN: none is stated; inf: they were taken from
    an arbitrary number, as where there is no reference. rate: share of what is called surprising that may be chance.
    """
    n = len(error)
    if reference_uncertainty is not None:  # an arbitrary number is no zero to take errors from: their median is one
        error = np.where(np.isinf(reference_uncertainty)[:, None], error - _row_medians(error - bias)[:, None], error)
    with np.errstate(invalid="ignore", divide="ignore"):
        actual = (error - bias) / scatter
    has = np.isfinite(actual)
    shared = np.where(np.isnan(u := _or_zeros(reference_uncertainty, n)), 0.0, u)
    keys = list(range(n)) if molecules is None else list(molecules)
    if not actual.size:
        none = np.full(n, np.nan)
        return Surprises(actual, actual, actual, actual, actual.astype(bool), none, none, False)
    enough = (has.sum(axis=0) >= LEAST_ENTRIES).sum() >= LEAST_LEVELS and len(set(keys)) >= LEAST_ENTRIES
    if not enough:
        return _by_record(actual, scatter, freedom, shared, rate)
    folds = _batches(keys, order)
    flagged = np.zeros(has.shape, bool)
    for step in range(STEPS):
        model = _best_model(actual, scatter, flagged, folds, shared, WIDE_CLIP if step else CLIP)
        residual = np.where(has, actual - model.expected, np.nan)
        spread = model.spread * _difficulty(residual / model.spread, flagged)
        fit = _two_groups(residual, spread)
        probability = _probability(residual, spread * fit[1], fit[0], fit[2])
        new = _one_more(has & (probability > 0.5), flagged, np.abs(residual / spread))
        if step and (new == flagged).all():
            break
        flagged = new
    spread = np.where(has, spread * fit[1], np.nan)
    common, u = _stretched(model.common, model.common_uncertainty)
    news = _called(probability, actual, residual, rate)
    return Surprises(actual, model.expected, spread, np.where(has, probability, np.nan), news, common, u, True)


def _row_medians(x: np.ndarray) -> np.ndarray:
    """The median of each row over what is there; 0 where nothing is."""
    has = np.isfinite(x)
    return np.where(has.any(axis=1), medians(x.T, has.T), 0.0)


def _one_more(candidate: np.ndarray, flagged: np.ndarray, q: np.ndarray) -> np.ndarray:
    """What is set aside next: of an entry's candidates the worst new one, since it may be what moves the others."""
    q = np.where(candidate & ~flagged, q, -1.0)
    worst = np.argmax(q, axis=1)[:, None] == np.arange(q.shape[1])[None]
    return np.asarray((candidate & flagged) | (worst & (q > 0)))


def _or_zeros(x: np.ndarray | None, n: int) -> np.ndarray:
    return np.zeros(n) if x is None else np.asarray(x, dtype=float)


def _called(probability: np.ndarray, actual: np.ndarray, residual: np.ndarray, rate: float) -> np.ndarray:
    """Values that are shifted more probably than not, the most probable first, while no more than `rate` of them are
    expected to be chance (Newton et al., Biostatistics 5, 155 (2004)); and beyond the scatters that make news."""
    with np.errstate(invalid="ignore"):
        candidate = (probability > 0.5) & (np.abs(actual) > UNUSUAL) & (np.abs(residual) > BEYOND)
    chance = np.sort(1.0 - probability[candidate])
    within = np.flatnonzero(np.cumsum(chance) <= rate * np.arange(1, len(chance) + 1))
    return np.asarray(candidate & (1.0 - probability <= (chance[within[-1]] if len(within) else -1.0)))


def _by_record(
    actual: np.ndarray, scatter: np.ndarray, freedom: np.ndarray, shared: np.ndarray, rate: float
) -> Surprises:
    """Each value against its own level's record, with its Student-t distribution."""
    from scipy.special import stdtrit

    finite = np.where(np.isfinite(freedom), freedom, 1.0)
    with np.errstate(invalid="ignore"):
        spread = np.where(np.isfinite(actual), NORMAL_95 / stdtrit(finite, 0.975), np.nan)
        spread = np.hypot(spread, np.where(np.isfinite(shared), shared, np.inf)[:, None] / scatter)
    probability = np.where(np.isfinite(spread), _probability(actual, spread, finite, USUAL_SHARE), 0.0)
    weight = np.where(np.isfinite(actual), scatter**-2.0, 0.0)
    total = weight.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        # One level can't judge the reference by itself, nor can two that may err alike.
        many = (weight > 0).sum(axis=1) >= LEAST_LEVELS
        common = np.where(many, (weight * np.nan_to_num(actual * scatter)).sum(axis=1) / total, np.nan)
        u = np.where(many, np.sqrt((weight > 0).sum(axis=1) / total), np.nan)
    news = _called(probability, actual, actual, rate)
    return Surprises(actual, np.where(np.isfinite(actual), 0.0, np.nan), spread, probability, news, common, u, False)


# --- levels predicted from each other ---


@dataclass(frozen=True)
class _Model:
    expected: np.ndarray
    spread: np.ndarray
    common: np.ndarray
    common_uncertainty: np.ndarray


def _batches(keys: Sequence[Hashable], order: np.ndarray | None) -> list[np.ndarray]:
    """Entries that are left out together: those of one molecule, and where molecules are many, of several."""
    names = list(dict.fromkeys(keys))
    position = {name: k for k, name in enumerate(names)}
    molecule = np.array([position[k] for k in keys])
    rank = np.arange(len(names))
    if order is not None:
        sums = np.bincount(molecule, np.nan_to_num(order)) / np.bincount(molecule)
        rank[np.argsort(sums, kind="stable")] = np.arange(len(names))
    fold = (rank % MOST_FOLDS)[molecule]
    return [np.flatnonzero(fold == k) for k in range(min(MOST_FOLDS, len(names)))]


def _best_model(
    actual: np.ndarray,
    scatter: np.ndarray,
    flagged: np.ndarray,
    folds: list[np.ndarray],
    shared: np.ndarray,
    clip: float,
) -> _Model:
    """The model with the shrinkage under which the values are most likely, each predicted without its molecule."""
    sample = _Sample(actual, scatter, flagged, shared, clip)
    few = folds if actual.size <= FITTED else folds[:: max(1, len(folds) * FITTED // actual.size)][:12]
    best, chosen = -np.inf, SHRINKAGES[0]
    learned = [_Learned(sample, fold) for fold in few]
    for shrinkage in SHRINKAGES:
        model = _predict(sample, learned, shrinkage)
        with np.errstate(invalid="ignore", divide="ignore"):
            q = ((actual - model.expected) / model.spread)[~flagged]
            spread = model.spread[~flagged][np.isfinite(q)]
        q = q[np.isfinite(q)]
        k = np.median(np.abs(q)) / 0.6745 if len(q) else 0.0
        if not k > 0:
            continue
        likely = float(-3.0 * np.log1p((q / k) ** 2 / 5.0).mean() - np.log(k) - np.log(spread).mean())
        if likely > best:
            best, chosen = likely, shrinkage
        if len(few) == len(folds) and likely == best:
            kept = model
    if len(few) == len(folds) and best > -np.inf:
        return kept
    return _predict(sample, (_Learned(sample, fold) for fold in folds), chosen)


class _Sample:
    """Standardized errors with those set aside that are flagged, clipped, and their products over all entries."""

    def __init__(
        self, actual: np.ndarray, scatter: np.ndarray, flagged: np.ndarray, shared: np.ndarray, clip: float
    ) -> None:
        self.actual, self.scatter, self.shared = actual, scatter, shared
        self.there = np.isfinite(actual)
        self.has = self.there & ~flagged
        self.clipped = np.where(self.has, np.clip(np.nan_to_num(actual), -CLIP, CLIP), 0.0)
        self.asked = np.where(self.has, np.clip(np.nan_to_num(actual), -clip, clip), 0.0)
        self.mask = self.has.astype(float)
        self.products, self.counts = self.clipped.T @ self.clipped, self.mask.T @ self.mask


class _Learned:
    """What the entries beside those of a fold say, and those of the fold, the same whatever the shrinkage."""

    def __init__(self, sample: _Sample, fold: np.ndarray) -> None:
        w, h = sample.clipped[fold], sample.mask[fold]
        self.correlations = _Correlations(sample.products - w.T @ w, sample.counts - h.T @ h)
        self.groups = list(_groups(sample, fold))


def _groups(sample: _Sample, fold: np.ndarray) -> Iterator[_Alike]:
    """Entries with the same values there, which are predicted together, as many as fit into memory."""
    m = sample.actual.shape[1]
    found: dict[bytes, list[int]] = {}
    for i, row in zip(fold.tolist(), np.concatenate([sample.has[fold], sample.there[fold]], axis=1), strict=True):
        found.setdefault(row.tobytes(), []).append(i)
    step = max(1, NUMBERS // (m * m + 1))
    for alike in found.values():
        for start in range(0, len(alike), step):
            yield _Alike(sample, np.array(alike[start : start + step]))


def _predict(sample: _Sample, learned: Iterable[_Learned], shrinkage: float) -> _Model:
    n, m = sample.actual.shape
    out = _Model(*(np.full((n, m), np.nan) for _ in range(2)), *(np.full(n, np.nan) for _ in range(2)))
    for one in learned:
        covariance = one.correlations.shrunk(shrinkage)
        precision = np.linalg.inv(covariance)
        for group in one.groups:
            group.predict(out, covariance, precision)
    return out


class _Correlations:
    """Correlations of clipped values, and their sizes, from sums of products and counts over entries."""

    def __init__(self, products: np.ndarray, counts: np.ndarray) -> None:
        m = len(products)
        with np.errstate(invalid="ignore", divide="ignore"):
            c = products / counts
            size = np.sqrt(np.diag(c))
            size = np.where(np.isfinite(size) & (size > 0) & (np.diag(counts) >= LEAST_ENTRIES - 1), size, np.nan)
            r = c / size[:, None] / size[None]
        known = ~np.eye(m, dtype=bool) & np.isfinite(r) & (counts >= 3)
        self.r = np.where(known, np.clip(r, -0.999, 0.999), 0.0)
        mean = max(float(self.r[known].mean()), 0.0) if known.any() else 0.0
        self.mean = np.where(known, mean, 0.0)
        self.size = np.where(np.isfinite(size), size, 1.0)

    def shrunk(self, shrinkage: float) -> np.ndarray:
        """Covariances from correlations shrunk towards their mean, as far as is asked for."""
        r = (1.0 - shrinkage) * self.r + shrinkage * self.mean
        np.fill_diagonal(r, 1.0)
        r = (1.0 - OWN_VARIANCE) * r + OWN_VARIANCE * np.eye(len(r))
        try:
            np.linalg.cholesky(r)
        except np.linalg.LinAlgError:  # correlations over different entries need not fit together
            values, vectors = np.linalg.eigh(r)
            r = (vectors * np.maximum(values, OWN_VARIANCE)) @ vectors.T
            scale = np.sqrt(np.diag(r))
            r = r / scale[:, None] / scale[None]
        return np.asarray(r * self.size[:, None] * self.size[None])


class _Alike:
    """Entries i that have the same values: what is used of them to predict each from the others of its entry."""

    def __init__(self, sample: _Sample, i: np.ndarray) -> None:
        has, there, scatter, shared = sample.has[i[0]], sample.there[i[0]], sample.scatter[i], sample.shared[i].tolist()
        self.i = i
        self.here, self.gone = np.flatnonzero(has), np.flatnonzero(~has)
        self.known, self.values, mine = (
            np.ascontiguousarray(x[:, self.here]) for x in (scatter, sample.asked[i], sample.actual[i])
        )
        self.one = 1.0 / self.known  # a common shift of all errors, in their known scatters
        self.together = len(self.here) >= LEAST_LEVELS
        if self.together:
            # About their median, so that a reference that is far off is not clipped to a near one.
            self.middle = np.median(mine * self.known, axis=1)
            self.about = np.clip(mine - self.middle[:, None] * self.one, -WIDE_CLIP, WIDE_CLIP)
        # The errors share that of the reference, where it has one.
        self.free = np.array([x**-2 if 0 < x < np.inf else 0.0 for x in shared])
        self.is_shared = (np.array(shared) > 0)[:, None, None]
        self.asked = self.gone[there[self.gone]]
        if len(self.asked) and len(self.here):
            arbitrary = (1e3 * self.known.max(axis=1)) ** 2
            self.extra = np.array(
                [x**2 if np.isfinite(x) else a for x, a in zip(shared, arbitrary.tolist(), strict=True)]
            )
            self.theirs = scatter[:, self.asked]

    def predict(self, out: _Model, covariance: np.ndarray, precision: np.ndarray) -> None:
        """Predict each value (in place): conditional means and variances of a normal distribution."""
        i, here, gone, one = self.i, self.here, self.gone, self.one
        if not len(here):
            return
        p = precision
        if len(gone) and len(gone) <= len(here):
            p_hf = precision[np.ix_(here, gone)]
            p = precision[np.ix_(here, here)] - p_hf @ np.linalg.solve(precision[np.ix_(gone, gone)], p_hf.T)
        elif len(gone):
            p = np.linalg.inv(covariance[np.ix_(here, here)])
        weight = _times(p, one)
        total = _dot(one, weight)
        if self.together:
            out.common[i] = self.middle + _dot(weight, self.about) / total
            out.common_uncertainty[i] = [x**-0.5 for x in total.tolist()]
        common = weight[:, :, None] * weight[:, None, :] / (total + self.free)[:, None, None]
        p = np.where(self.is_shared, p - common, p)
        diagonal = np.diagonal(p, axis1=1, axis2=2)
        usable = diagonal > 1e-9 * np.abs(diagonal).max(axis=1, initial=0.0)[:, None]
        safe = np.where(usable, diagonal, 1.0)
        rows = i[:, None]
        out.expected[rows, here] = np.where(usable, self.values - _times(p, self.values) / safe, np.nan)
        out.spread[rows, here] = np.where(usable, safe**-0.5, np.nan)
        asked = self.asked
        if len(asked):
            of_reference = one[:, :, None] * (1.0 / self.theirs)[:, None, :]
            cross = covariance[np.ix_(here, asked)] + self.extra[:, None, None] * of_reference
            g = p @ cross
            own = np.diag(covariance)[asked] + self.extra[:, None] / self.theirs**2
            out.expected[rows, asked] = (self.values[:, None, :] @ g)[:, 0]
            out.spread[rows, asked] = np.sqrt(np.maximum(own - (cross * g).sum(axis=1), OWN_VARIANCE * 0.1))


def _times(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Matrix times vector for each of the vectors, in rows; one matrix for all of them or one for each."""
    return np.asarray((matrices @ vectors[:, :, None])[:, :, 0])


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The inner product of each two rows."""
    return np.asarray((a[:, None, :] @ b[:, :, None])[:, 0, 0])


def _difficulty(q: np.ndarray, flagged: np.ndarray) -> np.ndarray:
    """How much more than usual the other levels scatter on each value's entry: medians without the value itself."""
    size = np.where(flagged, np.nan, np.abs(q))
    has = np.isfinite(size)
    usual = np.median(size[has]) if has.any() else 1.0
    ordered = np.sort(np.where(has, size, np.inf), axis=1)
    place = np.argsort(np.argsort(np.where(has, size, np.inf), axis=1, kind="stable"), axis=1, kind="stable")
    k = has.sum(axis=1)[:, None] - has  # values that remain when this one is taken out
    ends = []
    for at in ((k - 1) // 2, k // 2):
        at = np.maximum(at, 0)
        at = at + (has & (place <= at))
        ends.append(np.take_along_axis(ordered, np.minimum(at, ordered.shape[1] - 1), axis=1))
    with np.errstate(invalid="ignore"):
        median = np.where(k >= LEAST_LEVELS - 1, 0.5 * (ends[0] + ends[1]), usual)
    return np.asarray(np.sqrt(0.5 * (median / usual) ** 2 + 0.5))


# --- chance or a shift ---


def _densities(d: np.ndarray, s: np.ndarray, freedom: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Densities of deviations d by chance (Student-t of scale s) and with a shift.

    A shift is of a few known scatters (normal, of s and SHIFT) or of any size (Cauchy), so that the farther off a value
    is, the less it is chance.
    """
    from scipy.special import gammaln

    nu = np.asarray(freedom, dtype=float)
    norm = np.exp(gammaln((nu + 1.0) / 2.0) - gammaln(nu / 2.0)) / np.sqrt(nu * np.pi)
    chance = norm * (1.0 + (d / s) ** 2 / nu) ** (-(nu + 1.0) / 2.0) / s
    w = np.sqrt(s**2 + SHIFT**2)
    few = np.exp(-0.5 * (d / w) ** 2) / (w * np.sqrt(2.0 * np.pi))
    any_size = 1.0 / (np.pi * 3.0 * w * (1.0 + (d / (3.0 * w)) ** 2))
    return chance, (1.0 - ANY_SIZE) * few + ANY_SIZE * any_size


def _probability(d: np.ndarray, s: np.ndarray, freedom: np.ndarray | float, share: float) -> np.ndarray:
    """That a deviation is a shift, given the share of values that are shifted; 0 where there is no deviation."""
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        chance, shift = _densities(d, s, freedom)
        # Beyond any doubt both densities may be nought.
        p = np.where(share * shift + chance > 0, share * shift / (share * shift + (1.0 - share) * chance), 1.0)
    return np.where(np.isfinite(d) & np.isfinite(s), p, 0.0)


def shift_probability(z: float) -> float:
    """That a deviation of z standard uncertainties is a shift, where a value in 1/USUAL_SHARE is shifted."""
    one = np.ones(1)
    return float(_probability(np.minimum(z, 1e3) * one, one, 1e3, USUAL_SHARE)[0])


def _two_groups(residual: np.ndarray, spread: np.ndarray) -> tuple[float, float, float]:
    """(degrees of freedom, stretch of the spreads, share of shifted values), the most likely for all values."""
    with np.errstate(invalid="ignore"):
        q = residual / spread
    at = np.flatnonzero(np.isfinite(q.ravel()))
    if not len(at):
        return 5.0, 1.0, USUAL_SHARE
    if len(at) > FITTED:  # by rank, so that the choice does not depend on how entries are ordered
        at = at[np.argsort(q.ravel()[at], kind="stable")][:: len(at) // FITTED]
    d, s = residual.ravel()[at], spread.ravel()[at]
    usual = max(float(np.median(np.abs(d / s))) / 0.6745, 1e-12)
    best, found = -np.inf, (5.0, usual, USUAL_SHARE)
    for nu in CHANCE_TAILS:
        for c in usual * np.exp(np.linspace(-0.4, 0.3, 6)):
            chance, shift = _densities(d, c * s, nu)
            share = USUAL_SHARE
            for _ in range(12):
                mixed = share * shift + (1.0 - share) * chance
                weight = share * shift / np.maximum(mixed, 1e-300)
                share = float(np.clip((weight.sum() + 0.5) / (len(d) + 10.0), *SHARE_LIMITS))
            likely = float(np.log(np.maximum(share * shift + (1.0 - share) * chance, 1e-300)).sum())
            if likely > best:
                best, found = likely, (nu, float(c), share)
    return found


def _stretched(common: np.ndarray, uncertainty: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The uncertainties of common shifts as large as their scatter over entries says, if that is larger."""
    z = np.abs(common / uncertainty)[np.isfinite(common)]
    stretch = max(1.0, float(np.median(z)) / 0.6745) if len(z) else 1.0
    return common, uncertainty * stretch
