"""LAPACK without the wrappers around it, which cost as much as the factorization of a small molecule's matrix.

All matrices are symmetric, in C order, and overwritten. Their upper triangles alone are read, which LAPACK, reading
columns, takes for lower ones. No argument is checked.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError
from scipy.linalg.lapack import dpotrf, dpotrs, dsyev, dsyev_lwork, dsyevd, dsyevd_lwork

from qmbench_mbd.oscillators import Array

ROUTINES = ("dpotrf", "dpotrs", "dsyev", "dsyevd")
"""The names under which this module calls LAPACK; the benchmark of speed times them."""


def cholesky(matrix: Array) -> Array:
    """Cholesky factor for `solve`, in the memory of `matrix`. Raises LinAlgError when `matrix` is not positive."""
    factor, info = dpotrf(matrix.T, lower=1, overwrite_a=1, clean=0)
    if info:
        raise LinAlgError(f"leading minor {info} is not positive")
    return factor


def solve(factor: Array, right: Array) -> Array:
    """matrix⁻¹ · `right` (n, m); `right` in Fortran order is overwritten."""
    return dpotrs(factor, right, lower=1, overwrite_b=1)[0]


def eigenvalues(matrix: Array) -> Array:
    """Ascending eigenvalues. Raises LinAlgError when the iteration does not converge."""
    n = len(matrix)
    values, _, info = dsyev(matrix.T, compute_v=0, lower=1, lwork=int(dsyev_lwork(n, lower=1)[0]), overwrite_a=1)
    if info:
        raise LinAlgError("the eigenvalues did not converge")
    return values


def eigensystem(matrix: Array) -> tuple[Array, Array]:
    """Ascending eigenvalues and eigenvectors (columns). Raises LinAlgError when the iteration does not converge."""
    work, integers, _ = dsyevd_lwork(len(matrix), compute_v=1, lower=1)
    values, vectors, info = dsyevd(matrix.T, compute_v=1, lower=1, lwork=int(work), liwork=int(integers), overwrite_a=1)
    if info:
        raise LinAlgError("the eigenvalues did not converge")
    return values, np.ascontiguousarray(vectors)
