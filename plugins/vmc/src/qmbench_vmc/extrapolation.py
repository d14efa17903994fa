"""Time steps to zero: polynomials through energies with errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Extrapolation:
    """Value at zero with its standard error; coefficients from the constant up. p_value: 1 where none are left."""

    value: float
    error: float
    coefficients: list[float]
    chi2_per_dof: float
    p_value: float


def polynomial_degree(timesteps: Sequence[float], name: str) -> int:
    """Degree of the polynomial: 0 for one time step, 1 for linear, 2 for quadratic."""
    return 0 if len(timesteps) == 1 else {"linear": 1, "quadratic": 2}[name]


def amplification(timesteps: Sequence[float], degree: int) -> float:
    """Standard error of the value at zero over that of each energy, when all of those are the same."""
    design = np.vander(np.asarray(timesteps, dtype=float), degree + 1, increasing=True)
    return float(np.sqrt(np.linalg.inv(design.T @ design)[0, 0]))


def to_zero(timesteps: np.ndarray, values: np.ndarray, errors: np.ndarray, degree: int) -> Extrapolation:
    """Weighted least squares; the error is propagated from `errors` (one standard error each)."""
    from scipy.stats import chi2

    # Energies without an error (zero variance) would have all the weight there is.
    errors = np.maximum(errors, 1e-12)
    design = np.vander(timesteps, degree + 1, increasing=True) / errors[:, None]
    covariance = np.linalg.inv(design.T @ design)
    coefficients = covariance @ design.T @ (values / errors)
    residual = values / errors - design @ coefficients
    dof = len(values) - degree - 1
    statistic = float(residual @ residual)
    return Extrapolation(
        float(coefficients[0]),
        float(np.sqrt(covariance[0, 0])),
        [float(c) for c in coefficients],
        statistic / dof if dof else 0.0,
        float(chi2.sf(statistic, dof)) if dof else 1.0,
    )
