"""What all levels mean by a polariton splitting: two polaritons, of one mode that couples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qmbench import Unsupported

FAINTEST = 1e-3
"""Share of the light that the ground state absorbs, below which a state is no polariton."""


def check_one_mode(name: str, couplings: Sequence[float | Sequence[float]]) -> None:
    """Unsupported unless there is one mode, and it couples. name: of the level; couplings: of each mode."""
    if len(couplings) > 1:
        raise Unsupported(f"{name}: with {len(couplings)} modes there are more than two polaritons")
    if not np.any(couplings):
        raise Unsupported(f"{name}: without coupling there are no polaritons")


def check_two_absorb(brightness: float, total: float) -> None:
    """Unsupported where the fainter of the two brightest states absorbs next to nothing. total: of all states."""
    if brightness < FAINTEST * total:
        raise Unsupported("only one state absorbs: no transition is coupled near this frequency")
