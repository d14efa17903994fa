"""Evaluates declared statistics: values, intervals over entries, propagated uncertainties, for all levels at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmbench.domain.statistic import Array, BootstrapT, DistributionFree, ErrorSample, Interval, Statistic
from qmbench.judging import bootstrap


@dataclass(frozen=True)
class Errors:
    """error, reference: (entries, levels), NaN where there is none. independent, systematic: the variances of the
    errors of either sort, NaN where nothing of it is known. molecules: (entries,) numbers, equal for entries of one
    molecule, which are drawn together; None: each entry has its own."""

    error: Array
    reference: Array
    independent: Array
    systematic: Array
    unit: str = ""
    observable: str = ""
    molecules: Array | None = None

    def pick(self, entries: Array, levels: Array) -> Errors:
        """Those of some entries and levels, by index."""

        def part(x: Array) -> Array:
            return np.asarray(x[entries][:, levels])

        return Errors(
            part(self.error),
            part(self.reference),
            part(self.independent),
            part(self.systematic),
            self.unit,
            self.observable,
            None if self.molecules is None else self.molecules[entries],
        )

    def samples(self) -> Iterator[tuple[Array, Array, ErrorSample]]:
        """Levels that have the same entries, together: (levels, mask of entries, sample without gaps)."""
        for levels, mask in bootstrap.patterns(np.isfinite(self.error)):
            if mask.any():
                where = np.ix_(mask, levels)
                molecules = None if self.molecules is None else bootstrap.numbered(self.molecules[mask].tolist())
                sample = ErrorSample(self.error[where], self.reference[where], self.unit, self.observable, molecules)
                yield levels, mask, sample


def bare(error: Array, molecules: Array | None = None) -> Errors:
    """Errors of which nothing else is known but the molecules."""
    unknown = np.full(error.shape, np.nan)
    return Errors(error, unknown, unknown, unknown, molecules=molecules)


def evaluate(
    errors: Errors, which: Iterable[Statistic], confidence: float, resamples: int, propagate: bool = True
) -> dict[str, Array]:
    """column -> its values over levels, for the columns of each statistic but `entry_column`.

    resamples 0: no intervals, which are NaN then. A statistic of a plugin that raises is NaN, with a warning.
    """
    out: dict[str, Array] = {}
    for statistic in which:
        try:
            out.update(_columns(statistic, errors, confidence, resamples, propagate))
        except Exception as error:
            reason = " ".join(str(error).split())
            warnings.warn(f"statistic '{statistic.name}': {type(error).__name__}: {reason}", stacklevel=2)
            blank = np.full(errors.error.shape[1], np.nan)
            out.update(dict.fromkeys(statistic.number_columns, blank))
    return out


def _columns(s: Statistic, errors: Errors, confidence: float, resamples: int, propagate: bool) -> dict[str, Array]:
    value = _value(s, errors)
    out = {s.name: value}
    ends = np.full((2, len(value)), np.nan)
    if s.interval is not None:
        if resamples and len(errors.error):
            ends = np.where(
                np.isfinite(value), np.clip(_ends(s.interval, errors, confidence, resamples), *s.bounds), np.nan
            )
        out[f"{s.name}_low"], out[f"{s.name}_high"] = ends
    if s.gradient is not None and propagate:
        out[f"{s.name}_uncertainty"] = u = _propagated(s, errors)
        if s.interval is not None:
            both = np.clip(bootstrap.combined_interval(value, ends, u, confidence), *s.bounds)
            out[f"{s.name}_combined_low"], out[f"{s.name}_combined_high"] = both
    return out


def _value(s: Statistic, errors: Errors) -> Array:
    out = np.full(errors.error.shape[1], np.nan)
    for levels, _, sample in errors.samples():
        if len(sample.error) >= s.minimum:
            out[levels] = _numbers(_over_levels(s.function, sample, s.per_level), (len(levels),))
    return out


def _over_levels(function: Callable[[ErrorSample], Any], sample: ErrorSample, per_level: bool) -> Any:
    if not per_level:
        return function(sample)
    columns = zip(sample.error.T, sample.reference.T, strict=True)
    about = (sample.unit, sample.observable, sample.molecules)
    made = [np.asarray(function(ErrorSample(e, r, *about)), float) for e, r in columns]
    return np.stack(made, axis=-1)


def _numbers(x: Any, shape: tuple[int, ...]) -> Array:
    array = np.asarray(x, dtype=float)
    if array.shape != shape:
        raise ValueError(f"shape {array.shape}, not {shape}")
    return array


def _ends(interval: Interval, errors: Errors, confidence: float, resamples: int) -> Array:
    """(2, levels) the interval over entries, of which those of one molecule are drawn together."""
    ends = np.full((2, errors.error.shape[1]), np.nan)
    if isinstance(interval, BootstrapT):
        numbers = np.full(errors.error.shape, np.nan)
        for levels, mask, sample in errors.samples():
            numbers[np.ix_(mask, levels)] = _numbers(interval.numbers(sample), sample.error.shape)
        ends = bootstrap.mean_intervals(numbers, confidence, resamples, interval.averaged, errors.molecules)
        if interval.averaged != "signed":
            ends = np.maximum(ends, 0.0)
        return ends if interval.transform is None else np.asarray(interval.transform(ends))
    for levels, mask, sample in errors.samples():
        if isinstance(interval, DistributionFree):
            numbers = _numbers(interval.numbers(sample), sample.error.shape)
            ends[:, levels] = bootstrap.quantile_intervals(numbers, interval.p, confidence, sample.molecules)
        elif sample.molecules is None or bootstrap.enough(bootstrap.sizes_of(mask[:, None], errors.molecules)).all():
            # Where entries share molecules, a handful of them is too few for a function, too.
            ends[:, levels] = _numbers(interval(sample, confidence), (2, len(levels)))
    return ends


def _propagated(s: Statistic, errors: Errors) -> Array:
    """First-order standard uncertainty from the variances of the errors; NaN where none that counts is known."""
    assert s.gradient is not None
    has = np.isfinite(errors.error)
    unknown = ~has | (np.isnan(errors.independent) & np.isnan(errors.systematic))
    weight = np.zeros(has.shape)
    for levels, mask, sample in errors.samples():
        made = _over_levels(s.gradient, sample, s.per_level)
        weight[np.ix_(mask, levels)] = _numbers(made, sample.error.shape)
    variance = np.where(has, np.nan_to_num(errors.independent), 0.0)
    shift = np.where(has, np.sqrt(np.nan_to_num(errors.systematic)), 0.0)
    total = np.sqrt((weight**2 * variance).sum(axis=0) + (weight * shift).sum(axis=0) ** 2)
    counts = weight != 0.0
    blank = unknown.all(axis=0) | (counts.any(axis=0) & (unknown | ~counts).all(axis=0))
    return np.where(blank, np.nan, total)


def entries_needed(interval: Interval | None, confidence: float = 0.95) -> int | None:
    """From how many entries of different molecules on there is an interval.

    None where there is none, or only the plugin knows.
    """
    if isinstance(interval, BootstrapT):
        return bootstrap.MINIMUM_SQUARES if interval.averaged == "square" else bootstrap.MINIMUM_ENTRIES
    if isinstance(interval, DistributionFree):
        known = (n for n in range(bootstrap.MINIMUM_ENTRIES, 100_000))
        return next(n for n in known if bootstrap.quantile_interval_positions(n, interval.p, confidence) is not None)
    return None
