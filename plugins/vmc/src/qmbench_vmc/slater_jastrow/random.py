"""PyQMC draws from NumPy's global generator: here it is seeded for a moment, and put back as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

# What the streams of one seed are for, so that no two of them coincide.
OPTIMIZATION, START, VMC, DMC = range(4)


@contextmanager
def seeded(*numbers: int) -> Iterator[None]:
    """NumPy's global generator as a function of `numbers` alone (seed, purpose, block …)."""
    before = np.random.get_state()  # noqa: NPY002
    # One sequence per tuple: SeedSequence mixes it so that neighbours share nothing.
    np.random.seed(np.random.SeedSequence([int(n) for n in numbers]).generate_state(8))  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
