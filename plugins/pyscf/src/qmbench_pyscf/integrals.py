"""Two-electron integrals that the self-consistent fields of one calculation share, as far as memory holds them.

The starting densities of an open shell, the fields of a derivative and the correlation on top all need the integrals of
the same basis functions; PySCF computes them anew for each, or for the transformation to orbitals piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

# By what determines them; of the last basis functions only, and as long as a session lasts.
_kept: dict[bytes, np.ndarray] = {}
_depth = 0


@contextmanager
def kept_integrals() -> Iterator[None]:
    """Within, and within the outermost of these, `share_integrals` computes what it needs once."""
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if _depth == 0:
            _kept.clear()


def share_integrals(mf: Any, compute: bool = True) -> None:
    """Give `mf` its exact two-electron integrals where memory holds them; with compute=False, only those at hand."""
    if getattr(mf, "with_df", None) is not None or mf._eri is not None:
        return
    mole = mf.mol
    key = b"".join((mole._atm.tobytes(), mole._bas.tobytes(), mole._env.tobytes(), bytes([mole.cart])))
    if key not in _kept:
        if not compute or _depth == 0 or not mf._is_mem_enough():
            return
        _kept.clear()
        _kept[key] = mole.intor("int2e", aosym="s8")
    mf._eri = _kept[key]
