"""Direct inversion in the iterative subspace, to the last digits.

PySCF leaves out combinations of error vectors whose squared length is below 1e-14: of vectors shorter than 1e-7, all of
them, so that the last digits take as many iterations again or are not reached. Here vectors are measured in units of
their own length. Pulay, Chem. Phys. Lett. 73, 393 (1980).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

SPACE = 8
# Combinations of normalised error vectors with a smaller squared length are rounding.
DEPENDENT = 1e-12


def cluster_diis(solver: Any) -> Any:
    """A PySCF DIIS object for the amplitudes of the coupled-cluster `solver`."""
    from pyscf import lib

    made = _normalised(lib.diis.DIIS)(solver, solver.diis_file, incore=solver.incore_complete)
    made.space = SPACE
    return made


def field_diis() -> type:
    """PySCF's DIIS class for self-consistent fields, measuring as said above."""
    from pyscf.scf import diis

    return _normalised(diis.CDIIS)


@cache
def _normalised(kind: type) -> type:
    from pyscf import lib

    class Normalised(kind):
        def extrapolate(self, nd: int | None = None) -> np.ndarray:
            count = self.get_num_vec() if nd is None else nd
            weights = combination(self._H[1 : count + 1, 1 : count + 1])
            found = np.zeros(self.get_vec(0).size, self._H.dtype)
            for number, weight in enumerate(weights):
                vector = self.get_vec(number)  # an array, or a data set on disk
                for start, stop in lib.prange(0, found.size, lib.diis.BLOCK_SIZE):
                    found[start:stop] += weight * vector[start:stop]
            return found

    return Normalised


def combination(products: np.ndarray) -> np.ndarray:
    """(n,) weights of sum 1 that make Σ c_i e_i shortest, from the products e_i·e_j (n, n)."""
    lengths = np.sqrt(np.diag(products))
    if not lengths.all():  # converged to the last bit
        exact = (lengths == 0).astype(float)
        return np.asarray(exact / exact.sum())
    values, vectors = np.linalg.eigh(products / np.outer(lengths, lengths))
    kept = values > DEPENDENT
    ones = 1 / lengths
    weights = ones * (vectors[:, kept] @ ((vectors[:, kept].T @ ones) / values[kept]))
    return np.asarray(weights / weights.sum())
