"""What is known of the errors of a level of theory: for each entry a predictive distribution, from the other entries.

A class is a benchmark's entries of one kind (its subset or tag). Within a class the errors of a level are taken as
Student-t about a bias; biases and scatters of the classes are shrunk towards the level's mean over classes by empirical
Bayes, as far as the classes are alike. Nothing that is said of an entry was learned from it, nor from another entry of
the same molecule.

Prediction uncertainty of calculated properties: Pernot, Civalleri, Presti & Savin, J. Phys. Chem. A 119, 5288 (2015);
Pernot & Savin, J. Chem. Phys. 148, 241707 (2018); Proppe & Reiher, J. Chem. Theory Comput. 13, 3297 (2017). Robust
location and scale: Lange, Little & Taylor, J. Am. Stat. Assoc. 84, 881 (1989). Empirical Bayes for means: Morris, J.
Am. Stat. Assoc. 78, 47 (1983); for variances: Smyth, Stat. Appl. Genet. Mol. Biol. 3, 3 (2004).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qmbench.judging.consensus import mandel_paule

WEIGHT_FREEDOM = 4.0
"""Degrees of freedom of the t distribution whose weights make location and scale robust (Lange et al. recommend 4)."""

LEAST_KNOWN = 3
"""Errors of other molecules, over all classes, below which nothing is known of a level."""

MOST_FOLDS = 48
"""Up to so many molecules per class each is left out by itself; above, they are left out in so many batches."""

TAILS = np.array([1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 30.0])
STRETCHES = np.exp(np.linspace(-0.6, 0.6, 17))
USUAL_TAIL, TAIL_SPREAD = 6.0, 0.7
"""Prior of the degrees of freedom: log-normal about those of a tail and of a scale from n errors together."""
STRETCH_SPREAD = 0.3

NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class Known:
    """Arrays (entries, levels), NaN where nothing is known. The error of a level on an entry is predicted as
    `bias` ± `scatter`; scatter is half the 95 % interval divided by 1.96, so that it reads like a standard deviation.

    freedom: of the Student-t distribution; n: how many errors of other molecules, in this class and in others.
    method, basis, statistical: the parts of scatter², as standard uncertainties: basis and statistical as they are
    stated for the value itself (0 where nothing is), method the rest of what was seen on other entries.
    """

    bias: np.ndarray
    scatter: np.ndarray
    freedom: np.ndarray
    n: np.ndarray
    method: np.ndarray
    basis: np.ndarray
    statistical: np.ndarray

    def standardized(self, error: np.ndarray) -> np.ndarray:
        """Errors in units of their known scatter about their known bias."""
        return np.asarray((error - self.bias) / self.scatter)

    def calibrated(self, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the values say once their known bias is taken off: value − bias, and its standard uncertainty."""
        return value - self.bias, self.scatter


@dataclass(frozen=True)
class Summary:
    """Location, squared scale and number of errors per class, (classes, levels): NaN where there is none."""

    location: np.ndarray
    scale2: np.ndarray
    n: np.ndarray


def known_errors(
    error: np.ndarray,
    classes: Sequence[Hashable],
    molecules: Sequence[Hashable] | None = None,
    statistical: np.ndarray | None = None,
    basis: np.ndarray | None = None,
    order: np.ndarray | None = None,
    floor: np.ndarray | float = 0.0,
) -> Known:
    """What is known of each error from the others.

    error: (entries, levels), NaN where there is none; for such an entry everything else is used. classes: of the
    entries. molecules: entries of one molecule are left out together; by default each entry is its own. statistical,
    basis: standard uncertainties of the values, NaN: none stated. order: (entries,) numbers by which molecules are
    dealt into batches where they are many, such as the reference values; floor: the least
    scatter, per entry.
    """
    n, m = error.shape
    if not m:
        blank = np.empty((n, 0))
        return Known(blank, blank, blank, blank.astype(int), blank, blank, blank)
    keys = list(range(n)) if molecules is None else list(molecules)
    stated = [np.zeros((n, m)) if x is None else np.nan_to_num(x) for x in (statistical, basis)]
    own2 = stated[0] ** 2 + stated[1] ** 2
    names = list(dict.fromkeys(classes))
    members = {c: np.flatnonzero([x == c for x in classes]) for c in names}
    whole = {c: location_scale(error[i]) for c, i in members.items()}
    location, scale, freedom, count, mean2 = (np.full((n, m), np.nan) for _ in range(5))
    for c in names:
        rest = [whole[x] for x in names if x != c]
        others = Summary(*(np.array([getattr(s, k) for s in rest]).reshape(-1, m) for k in ("location", "scale2", "n")))
        for out, used in _folds(members[c], keys, order):
            mine = location_scale(error[used])
            location[out], scale[out], freedom[out] = _shrunk(mine, others)
            count[out] = mine.n + others.n.sum(axis=0)
            seen = np.isfinite(error[used])
            with np.errstate(invalid="ignore", divide="ignore"):
                mean2[out] = np.nan_to_num(np.where(seen, own2[used], 0.0).sum(axis=0) / seen.sum(axis=0))
    known = (count >= LEAST_KNOWN) & np.isfinite(scale)
    # Errors that are all alike have no scale to be measured in; the floor is theirs.
    has_scale = known & (scale > 0)
    z = np.where(has_scale, (error - location) / np.where(has_scale, scale, 1.0), np.nan)
    tail, stretch = _tails(z, freedom)
    least = np.broadcast_to(np.asarray(floor, dtype=float).reshape(-1, 1), (n, m)) if np.ndim(floor) else floor
    scatter2 = (scale * stretch * _student_95(tail) / NORMAL_95) ** 2
    method = np.sqrt(np.maximum(scatter2 - mean2, np.maximum(np.asarray(least) ** 2, 0.0)))
    total = np.sqrt(method**2 + own2)
    known &= total > 0
    bias, total, tail, method, own_basis, own = (
        np.where(known, x, np.nan) for x in (location, total, tail, method, stated[1], stated[0])
    )
    return Known(bias, total, tail, np.nan_to_num(count).astype(int), method, own_basis, own)


def _folds(
    members: np.ndarray, keys: Sequence[Hashable], order: np.ndarray | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(entries that are predicted, entries that are used), so that no molecule is in both."""
    of = [keys[i] for i in members]
    names = list(dict.fromkeys(of))
    position = {name: k for k, name in enumerate(names)}
    molecule = np.array([position[x] for x in of])
    fold = molecule
    if len(names) > MOST_FOLDS:
        rank = np.arange(len(names))
        if order is not None:
            sums = np.bincount(molecule, np.nan_to_num(order[members])) / np.bincount(molecule)
            rank[np.argsort(sums, kind="stable")] = np.arange(len(names))
        fold = (rank % MOST_FOLDS)[molecule]
    for k in range(int(fold.max(initial=-1)) + 1):
        yield members[fold == k], members[fold != k]


def location_scale(x: np.ndarray, steps: int = 40) -> Summary:
    """Robust location and squared scale of each column of x (entries, levels; NaN: none), with the number of values.

    The maximum-likelihood estimates of a Student-t distribution with WEIGHT_FREEDOM degrees of freedom by iterated
    reweighting, the scale with n − 1 in the place of n. One value has no scale (NaN).
    """
    has = np.isfinite(x)
    n = has.sum(axis=0).astype(float)
    location, scale2 = _first_guess(x, has, n)
    # About where it begins, a row for each level: sums run along memory and lose no digits to a large location.
    shifted = np.ascontiguousarray(np.where(has, x - location, 0.0).T)
    weighted = np.empty((3, *shifted.shape))  # weights, and their products with the values and with the squares
    here = None if has.all() else np.ascontiguousarray(has.T)
    square = shifted**2
    moved = np.zeros(len(n))
    with np.errstate(invalid="ignore", divide="ignore"):
        # Each column ends when it has converged, so that it does not depend on which others are beside it.
        open_ = np.ones(len(n), bool)
        for _ in range(steps):
            size = np.where(scale2 > 0, scale2, 1.0)
            weight = np.subtract(shifted, moved[:, None], out=weighted[0])
            np.square(weight, out=weight)
            weight += (WEIGHT_FREEDOM * size)[:, None]
            np.reciprocal(weight, out=weight)
            if here is not None:
                weight *= here
            np.multiply(weight, shifted, out=weighted[1])
            np.multiply(weight, square, out=weighted[2])
            total, first, second = weighted.sum(axis=2)
            mean = first / total
            new = (WEIGHT_FREEDOM + 1.0) * size * np.maximum(second - first * mean, 0.0) / (n - 1.0)
            converged = (np.abs(new - scale2) <= 1e-7 * scale2) & ((mean - moved) ** 2 <= 1e-14 * scale2)
            moved, scale2 = np.where(open_, mean, moved), np.where(open_, new, scale2)
            open_ &= ~converged
            if not open_.any():
                break
    return Summary(np.where(n > 0, location + moved, np.nan), np.where(n > 1, scale2, np.nan), n)


def _first_guess(x: np.ndarray, has: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Medians, and the squares of the scales that median deviations speak of; of n values each."""
    location = medians(x, has)
    away = np.where(has, np.abs(x - location), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        square = (np.where(has, away, 0.0) ** 2).sum(axis=0) / np.maximum(n - 1.0, 1.0)
    scale2 = (1.4826 * medians(away, has)) ** 2
    return location, np.where(scale2 > 1e-6 * square, scale2, square)


def medians(x: np.ndarray, has: np.ndarray) -> np.ndarray:
    """The median of each column of x over what is there; NaN where nothing is."""
    ordered = np.sort(np.where(has, x, np.inf), axis=0)
    n = has.sum(axis=0)
    low, high = np.maximum((n - 1) // 2, 0), np.maximum(n // 2, 0)
    if not len(ordered):
        return np.full(x.shape[1], np.nan)
    ends = np.take_along_axis(ordered, np.minimum(np.array([low, high]), len(ordered) - 1), axis=0)
    return np.where(n > 0, 0.5 * (ends[0] + np.where(n > 0, ends[1], 0.0)), np.nan)


def _shrunk(mine: Summary, others: Summary) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Location, scale and degrees of freedom of a prediction in one class, given the level's other classes."""
    scale2, scale_freedom = _shrunk_scale(mine, others)
    with np.errstate(invalid="ignore", divide="ignore"):
        # The location of a t sample with 4 degrees has a variance of 7/5 scale²/n (its Fisher information).
        u2 = np.where(mine.n > 0, 1.4 * scale2 / mine.n, np.inf)
        location, variance = np.where(mine.n > 0, mine.location, np.nan), u2
        usable = np.isfinite(others.location) & np.isfinite(others.scale2) & (others.scale2 > 0)
        if usable.any():
            theirs = np.where(usable, others.location, np.nan)
            their_u = np.sqrt(1.4 * others.scale2 / np.maximum(others.n, 1.0))
            both = np.concatenate([np.where(np.isfinite(u2) & (u2 > 0), location, np.nan)[None], theirs])
            u = np.concatenate(
                [np.sqrt(np.where(np.isfinite(u2) & (u2 > 0), u2, 1.0))[None], np.where(usable, their_u, 1.0)]
            )
            tau2 = mandel_paule(both.T, u.T)
            weight = np.where(np.isfinite(both), 1.0 / (u**2 + tau2), 0.0)
            total = weight.sum(axis=0)
            centre = (weight * np.nan_to_num(both)).sum(axis=0) / total
            # The spread of few classes is badly known: it is taken as large as the data allow it to be small.
            k = np.isfinite(both).sum(axis=0)
            prior2 = tau2 * np.where(k > 3, (k - 1.0) / (k - 3.0), 3.0) + 1.0 / total
            alone = np.isfinite(u2) & (u2 > 0)
            w, p = np.where(alone, 1.0 / np.where(alone, u2, 1.0), 0.0), 1.0 / prior2
            shrinks = k >= 2 if mine.n.any() else k >= 1
            location = np.where(
                shrinks & np.isfinite(p), (w * np.nan_to_num(location) + p * centre) / (w + p), location
            )
            variance = np.where(shrinks & np.isfinite(p), 1.0 / (w + p), variance)
    return location, np.sqrt(scale2 + variance), scale_freedom


def _shrunk_scale(mine: Summary, others: Summary) -> tuple[np.ndarray, np.ndarray]:
    """Squared scale of a class and its degrees of freedom, with the level's other classes as its prior.

    Logarithms of squared scales are normal about the level's mean; that of n errors is uncertain by 2·2/(n − 1), twice
    what normal errors would give.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        own = (mine.n >= 2) & (mine.scale2 > 0)
        usable = (others.n >= 2) & (others.scale2 > 0)
        mean, freedom = mine.scale2, np.where(own, mine.n - 1.0, 0.0)
        if not usable.any():
            return mean, freedom
        logs = np.log(
            np.concatenate([np.where(own, mine.scale2, np.nan)[None], np.where(usable, others.scale2, np.nan)])
        )
        u = np.concatenate(
            [np.sqrt(4.0 / np.where(own, mine.n - 1.0, 1.0))[None], np.sqrt(4.0 / np.maximum(others.n - 1.0, 1.0))]
        )
        omega2 = mandel_paule(logs.T, u.T)
        weight = np.where(np.isfinite(logs), 1.0 / (u**2 + omega2), 0.0)
        centre = (weight * np.nan_to_num(logs)).sum(axis=0) / weight.sum(axis=0)
        k = np.isfinite(logs).sum(axis=0)
        prior2 = omega2 * np.where(k > 3, (k - 1.0) / (k - 3.0), 3.0) + 1.0 / weight.sum(axis=0)
        w, p = np.where(own, 1.0 / u[0] ** 2, 0.0), 1.0 / prior2
        log = (w * np.nan_to_num(logs[0]) + p * centre) / (w + p)
        shrinks = (k >= 2) | (~own & (k >= 1))
        return np.where(shrinks, np.exp(log), mean), np.where(shrinks, 4.0 * (w + p), freedom)


def _tails(z: np.ndarray, freedom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Degrees of freedom of the predictive distribution of each value, and how much its scale is stretched.

    z: standardized errors, each by what the others say. A level's tail and stretch are those most likely for all its
    others (maximum a posteriori on a grid).
    """
    from scipy.special import gammaln

    nu, c = (g.ravel() for g in np.meshgrid(TAILS, STRETCHES, indexing="ij"))
    norm = gammaln((nu + 1.0) / 2.0) - gammaln(nu / 2.0) - 0.5 * np.log(nu) - np.log(c)
    stretched = -0.5 * (np.log(c) / STRETCH_SPREAD) ** 2
    usual = 1.0 / (1.0 / USUAL_TAIL + 1.0 / np.maximum(freedom, 1.0))
    has = np.isfinite(z)
    tail, stretch = np.full(z.shape, np.nan), np.full(z.shape, np.nan)
    for j in range(z.shape[1]):
        x2 = np.where(has[:, j], np.nan_to_num(z[:, j]), 0.0) ** 2
        single = norm[None] - (nu + 1.0) / 2.0 * np.log1p(x2[:, None] / (c**2 * nu)[None])
        single = np.where(has[:, j][:, None], single, 0.0)
        prior = stretched - 0.5 * (np.log(nu / np.nanmedian(usual[:, j])) / TAIL_SPREAD) ** 2
        best = np.argmax(single.sum(axis=0) + prior - single, axis=1)
        tail[:, j], stretch[:, j] = nu[best], c[best]
    return tail, stretch


def _student_95(freedom: np.ndarray) -> np.ndarray:
    """Half of the 95 % interval of Student's t."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(np.where(np.isfinite(freedom), freedom, 1.0), 0.975))
