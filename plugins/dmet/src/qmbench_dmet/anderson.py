"""Anderson's acceleration of a fixed-point iteration x → f(x)."""

from __future__ import annotations

import numpy as np


def anderson_step(inputs: list[np.ndarray], errors: list[np.ndarray], mixing: float) -> np.ndarray:
    """The next guess from earlier inputs x and errors f(x) − x, the newest last. J. ACM 12, 547 (1965)."""
    x, f = inputs[-1], errors[-1]
    if len(inputs) == 1:
        return x + mixing * f
    dx = np.array([x - old for old in inputs[:-1]]).reshape(len(inputs) - 1, -1)
    df = np.array([f - old for old in errors[:-1]]).reshape(len(inputs) - 1, -1)
    weights = np.linalg.lstsq(df.T, f.ravel(), rcond=1e-10)[0]
    step = mixing * f.ravel() - weights @ (dx + mixing * df)
    return x + step.reshape(x.shape)
