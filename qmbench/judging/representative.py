"""Entries of a benchmark whose statistics stand for those of the whole, chosen over levels whose errors are known.

Chosen is the subset that makes least, over the known levels, the mean square of the relative error of standing in:
(statistic of the subset − statistic of the whole) / mean absolute number that the statistic averages. The search swaps
single entries until no swap helps, from several random starts (Fedorov's exchange; Fedorov, Theory of Optimal
Experiments, 1972). A subset that was fitted to levels stands in for these better than for others, so how good it is
says the choice made without a level's method, measured on it: cross-validation over methods. Small subsets of large
collections by such a search: Gould, Phys. Chem. Chem. Phys. 20, 27735 (2018).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qmbench.domain.errors import InputError
from qmbench.domain.statistic import BootstrapT, ErrorSample, Statistic

LEAST_METHODS = 4
"""Methods whose errors are known, below which nothing shows how a subset does on levels that it was not chosen by."""
MOST_FOLDS = 20
STARTS, PROPOSAL_STARTS = 12, 4
RANDOM_SUBSETS = 500
MOST_PROPOSALS = 1000
"""Swaps tried from each start for a statistic that is no function of a mean."""


@dataclass(frozen=True)
class Standing:
    """How well subsets stand in for the whole: absolute differences of the statistic, over levels.

    mean, largest: in the statistic's unit. relative: root mean square of the differences over the level's mean absolute
    number. tau: Kendall's, between the orders of the levels by the whole and by the subset.
    """

    mean: float
    largest: float
    relative: float
    tau: float


@dataclass(frozen=True)
class Representative:
    """chosen: indices of entries, ascending. fitted: on the levels it was chosen by; validated: on methods left out, of
    subsets chosen without them; random: medians over random subsets of that size; random_low, random_high: 5 % and 95 %
    of their mean differences; beaten: the share of random subsets that stand in worse than `validated`."""

    chosen: np.ndarray
    whole: np.ndarray
    subset: np.ndarray
    fitted: Standing
    validated: Standing
    random: Standing
    random_low: float
    random_high: float
    beaten: float
    folds: int


def representative(
    error: np.ndarray,
    reference: np.ndarray,
    size: int,
    statistic: Statistic,
    methods: Sequence[str],
    seed: int = 0,
    candidates: np.ndarray | None = None,
    unit: str = "",
    observable: str = "",
) -> Representative:
    """The `size` entries that stand best for all.

    error: (entries, levels), complete; reference: (entries,). methods: of the levels: those of one count as one
    together, and are left out together. candidates: (entries,) which may be chosen; all by default. The order of
    entries decides what the seed means; that of levels, and units, decide nothing.

    InputError for a size that is not there, and for fewer than LEAST_METHODS methods.
    """
    n = len(error)
    able = np.arange(n) if candidates is None else np.flatnonzero(candidates)
    if not 1 <= size < n:
        raise InputError(f"a subset of {size} entries: the whole has {n}, so that it takes 1 to {n - 1}")
    if size > len(able):
        raise InputError(f"a subset of {size} entries: there are {len(able)} to choose from")
    if size < statistic.minimum:
        raise InputError(f"{statistic.name} needs {statistic.minimum} entries")
    groups = list(dict.fromkeys(methods))
    if len(groups) < LEAST_METHODS:
        raise InputError(
            f"errors of {len(groups)} {'method is' if len(groups) == 1 else 'methods are'} known on all of these "
            f"entries, and it takes {LEAST_METHODS} to see whether a subset stands for others"
        )
    # By their numbers, so that neither names nor order of levels matter.
    order = np.lexsort(np.round(error / max(float(np.abs(error).max()), 1e-300), 9)[::-1])
    number = {name: k for k, name in enumerate(dict.fromkeys(methods[j] for j in order))}
    fold_of = np.array([number[name] for name in methods])
    if len(groups) > MOST_FOLDS:
        fold_of = fold_of % MOST_FOLDS
    weight = np.array([1.0 / list(methods).count(name) for name in methods])
    problem = _Problem(error, reference, statistic, unit, observable)
    chosen = problem.search(size, able, order, weight[order], seed)
    value, left_out = problem.of(chosen), np.full(error.shape[1], np.nan)
    for fold in np.unique(fold_of):
        rest = np.array([j for j in order if fold_of[j] != fold])
        without = problem.search(size, able, rest, weight[rest], seed)
        left_out[fold_of == fold] = problem.of(without)[fold_of == fold]
    rng = np.random.default_rng([seed, 1])
    by_chance = [
        problem.standing(problem.of(rng.choice(able, size, replace=False)), weight) for _ in range(RANDOM_SUBSETS)
    ]
    means = np.array([s.mean for s in by_chance])
    validated = problem.standing(left_out, weight)
    return Representative(
        chosen=chosen,
        whole=problem.whole,
        subset=value,
        fitted=problem.standing(value, weight),
        validated=validated,
        random=Standing(*(float(np.median([getattr(s, key) for s in by_chance])) for key in vars(validated))),
        random_low=float(np.quantile(means, 0.05)),
        random_high=float(np.quantile(means, 0.95)),
        beaten=float((means > validated.mean).mean()),
        folds=len(np.unique(fold_of)),
    )


class _Problem:
    """The statistic of every level over any entries, and the search for those that stand for all."""

    def __init__(
        self, error: np.ndarray, reference: np.ndarray, statistic: Statistic, unit: str, observable: str
    ) -> None:
        self.error, self.statistic, self.about = error, statistic, (unit, observable)
        self.reference = np.broadcast_to(reference[:, None], error.shape)
        self.whole = self.of(np.arange(len(error)))
        if not np.isfinite(self.whole).all():
            raise InputError(f"{statistic.name} is not known for every level over all entries")
        interval = statistic.interval
        self.numbers = None
        if isinstance(interval, BootstrapT) and self._is_of_mean(interval):
            self.numbers = np.asarray(interval.numbers(self._sample(error, self.reference)), dtype=float)
        averaged = np.abs(error) if self.numbers is None else np.abs(self.numbers)
        # Of a level that is right everywhere nothing can go wrong.
        self.scale = np.where(averaged.mean(axis=0) > 0, averaged.mean(axis=0), 1.0)
        error_scale = np.abs(error).mean(axis=0)
        self.error_scale = np.where(error_scale > 0, error_scale, 1.0)

    def _sample(self, error: np.ndarray, reference: np.ndarray) -> ErrorSample:
        return ErrorSample(error, reference, *self.about)

    def _is_of_mean(self, interval: BootstrapT) -> bool:
        """Whether the statistic is that function of that mean, and not only linear in it near the value."""
        mean = np.asarray(interval.numbers(self._sample(self.error, self.reference)), dtype=float).mean(axis=0)
        made = mean if interval.transform is None else interval.transform(mean)
        return bool(np.allclose(made, self.whole, rtol=1e-9, atol=1e-12 * float(np.abs(self.error).max())))

    def of(self, entries: np.ndarray) -> np.ndarray:
        """(levels,) the statistic over these entries."""
        return self._values(self.error[entries], self.reference[entries])

    def _values(self, error: np.ndarray, reference: np.ndarray) -> np.ndarray:
        function = self.statistic.function
        if not self.statistic.per_level:
            return np.asarray(function(self._sample(error, reference)), dtype=float)
        return np.array([float(function(self._sample(e, r))) for e, r in zip(error.T, reference.T, strict=True)])

    def standing(self, value: np.ndarray, weight: np.ndarray) -> Standing:
        """How far these values of the statistic are from those of the whole; a method of several levels is one."""
        from scipy.stats import kendalltau

        away = np.abs(value - self.whole)
        relative = away / self.error_scale
        tau = float(kendalltau(np.round(value, 12), np.round(self.whole, 12)).statistic)
        share = weight / weight.sum()
        return Standing(float(share @ away), float(away.max()), float(np.sqrt(share @ relative**2)), tau)

    def search(self, size: int, able: np.ndarray, levels: np.ndarray, weight: np.ndarray, seed: int) -> np.ndarray:
        """The best subset for these levels, each with its weight; ascending."""
        rng = np.random.default_rng([seed, size])
        count = STARTS if self.numbers is not None else PROPOSAL_STARTS
        starts = [rng.choice(able, size, replace=False) for _ in range(count)]
        share = weight / weight.sum()
        look = self._swaps(able, levels, share) if self.numbers is not None else self._proposals(able, levels, share)
        found = [look(start, rng) for start in starts]
        # What is equal but for rounding is equal, and then the first subset in order is taken.
        best = min(value for value, _ in found)
        return min((s for value, s in found if value <= best * (1 + 1e-9) + 1e-15), key=lambda s: tuple(s.tolist()))

    def _swaps(
        self, able: np.ndarray, levels: np.ndarray, share: np.ndarray
    ) -> Callable[[np.ndarray, np.random.Generator], tuple[float, np.ndarray]]:
        """Steepest descent over all swaps: the mean square is a quadratic form of which entries are in."""
        assert self.numbers is not None
        scaled = self.numbers[:, levels] / self.scale[levels] * np.sqrt(share)
        centred = scaled - scaled.mean(axis=0)
        matrix = centred @ centred.T

        def look(start: np.ndarray, rng: np.random.Generator) -> tuple[float, np.ndarray]:
            inside = np.zeros(len(matrix), dtype=bool)
            inside[start] = True
            while True:
                pull = matrix[:, inside].sum(axis=1)
                i, j = np.flatnonzero(inside), able[~inside[able]]
                value = float(pull[inside].sum())
                change = (
                    matrix[i, i][:, None]
                    + matrix[j, j]
                    - 2.0 * matrix[np.ix_(i, j)]
                    + 2.0 * (pull[j] - pull[i][:, None])
                )
                if not change.size or change.min() >= -1e-10 * max(value, 1e-30):
                    return value / len(start) ** 2, np.flatnonzero(inside)
                a, b = np.unravel_index(int(np.argmin(change)), change.shape)
                inside[i[a]], inside[j[b]] = False, True

        return look

    def _proposals(
        self, able: np.ndarray, levels: np.ndarray, share: np.ndarray
    ) -> Callable[[np.ndarray, np.random.Generator], tuple[float, np.ndarray]]:
        """Any swap that helps is taken, in random order: for statistics that are no function of a mean."""
        error, reference = self.error[:, levels], self.reference[:, levels]
        whole, scale = self.whole[levels], self.error_scale[levels]

        def cost(entries: np.ndarray) -> float:
            away = (self._values(error[entries], reference[entries]) - whole) / scale
            return float(share @ away**2) if np.isfinite(away).all() else np.inf

        def look(start: np.ndarray, rng: np.random.Generator) -> tuple[float, np.ndarray]:
            inside, value = np.sort(start), cost(start)
            outside = np.setdiff1d(able, inside)
            if not len(outside):
                return value, inside
            for _ in range(MOST_PROPOSALS):
                a, b = rng.integers(len(inside)), rng.integers(len(outside))
                tried = inside.copy()
                tried[a] = outside[b]
                new = cost(tried)
                if new < value * (1 - 1e-9):
                    outside[b] = inside[a]
                    inside, value = tried, new
            return value, np.sort(inside)

        return look
