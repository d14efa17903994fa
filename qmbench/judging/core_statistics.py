"""The core's own statistics of errors, each in one declaration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from qmbench.domain.statistic import Array, BootstrapT, DistributionFree, ErrorSample, Statistic


def _magnitude(s: ErrorSample) -> Array:
    return s.magnitude


def _share(s: ErrorSample) -> Array:
    return np.full(s.error.shape, 1.0 / len(s.error))


def _rms(s: ErrorSample) -> Array:
    return np.asarray(np.sqrt((s.error**2).mean(axis=0)))


def _rms_gradient(s: ErrorSample) -> Array:
    size = len(s.error) * _rms(s)
    return np.asarray(s.error / np.where(size > 0, size, 1.0))


def _largest(s: ErrorSample) -> Array:
    return np.asarray(np.argmax(s.magnitude, axis=0))


def _largest_gradient(s: ErrorSample) -> Array:
    picked = np.zeros(s.error.shape)
    picked[_largest(s), np.arange(s.error.shape[1])] = 1.0
    return picked


CORE_STATISTICS = (
    Statistic(
        name="mean_signed_error",
        label="mean signed",
        heading="mean signed",
        symbol="ME",
        description="mean of the errors: the bias of the level",
        formula="Σ e / n",
        function=lambda s: s.error.mean(axis=0),
        interval=BootstrapT(lambda s: s.error),
        gradient=_share,
        common=True,
        main=2,
        order=10,
    ),
    Statistic(
        name="mean_absolute_error",
        label="mean abs",
        heading="mean abs.",
        symbol="MAE",
        description="mean of the absolute errors; levels are ranked by it",
        formula="Σ |e| / n",
        function=lambda s: s.magnitude.mean(axis=0),
        interval=BootstrapT(_magnitude, "magnitude"),
        gradient=lambda s: np.sign(s.error) / len(s.error),
        bounds=(0.0, np.inf),
        common=True,
        main=1,
        main_interval=True,
        order=20,
    ),
    Statistic(
        name="root_mean_square_error",
        label="rms",
        symbol="RMSE",
        description="root of the mean square of the errors: large ones weigh more",
        formula="√(Σ e² / n)",
        function=_rms,
        interval=BootstrapT(lambda s: s.error**2, "square", np.sqrt),
        gradient=_rms_gradient,
        bounds=(0.0, np.inf),
        common=True,
        main=3,
        order=30,
    ),
    Statistic(
        name="median_absolute_error",
        label="median abs",
        symbol="MedAE",
        description="half of the absolute errors are smaller",
        formula="Q₀.₅ of |e|",
        function=lambda s: np.quantile(s.magnitude, 0.5, axis=0),
        interval=DistributionFree(_magnitude, 0.5),
        bounds=(0.0, np.inf),
        order=40,
    ),
    Statistic(
        name="percentile_95_absolute_error",
        label="95th percentile",
        symbol="Q95",
        description="95 % of the absolute errors are smaller",
        formula="Q₀.₉₅ of |e|",
        function=lambda s: np.quantile(s.magnitude, 0.95, axis=0),
        interval=DistributionFree(_magnitude, 0.95),
        bounds=(0.0, np.inf),
        order=50,
    ),
    Statistic(
        name="max_absolute_error",
        label="max",
        heading="max.",
        symbol="MAX",
        description="the largest absolute error and its entry; no interval, since no resampling estimates an extreme",
        formula="max |e|",
        function=lambda s: s.magnitude.max(axis=0),
        gradient=_largest_gradient,
        bounds=(0.0, np.inf),
        main=4,
        order=60,
        entry=_largest,
        entry_column="max_entry",
    ),
)

RANKED_BY = "mean_absolute_error"
"""The statistic by which levels are ordered and called best."""


def judged_by_method(row: Mapping[str, Any]) -> bool:
    """Whether a level is ordered by the error of its method alone: its limit is known wherever it is scored."""
    return bool(row.get("n_limit")) and row["n_limit"] == row["n_scored"]
