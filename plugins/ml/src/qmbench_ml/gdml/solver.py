"""Linear systems (K + noise) α = f of force kernels: by Cholesky, or by preconditioned conjugate gradients.

The preconditioner is a Nyström approximation of K from whole geometries, inverted by Woodbury's formula. The idea of
preconditioning force kernels so: Blücher, Müller, Chmiela, J. Chem. Theory Comput. 19, 4619 (2023). The geometries are
drawn block by block with probabilities from what is not yet described (randomly pivoted Cholesky: Chen, Epperly,
Tropp, Webber, Commun. Pure Appl. Math. 78, 995 (2025)).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from qmbench import InputError, NotConverged
from qmbench_ml.gdml.kernel import Array, Kernel, Points

Algorithm = Literal["auto", "cholesky", "cg"]
Product = Callable[[Array], Array]
Progress = Callable[[str], None]
TELL_SECONDS = 10.0  # between two lines of progress
BLOCK = 256  # columns of the preconditioner that are made at once
# From so many unknowns on, `auto` takes conjugate gradients without the matrix (here: 800 MB).
CLOSED_FORM = 10000
# Columns of the preconditioner for n unknowns: this times √n, no fewer than the second number, no more than n / 2.
RANK_FACTOR, SMALLEST_RANK = 10, 300


@dataclass(frozen=True)
class Solution:
    """weights (n,) that solve the system, CG iterations (0: closed form), and the relative residual."""

    weights: Array
    iterations: int
    residual: float


@dataclass(frozen=True)
class LinearSolver:
    """How (K + noise) α = f is solved.

    algorithm: cholesky, cg (conjugate gradients, Nyström-preconditioned), or auto, which changes from the one to the
    other at CLOSED_FORM unknowns. form_matrix: whether cg may keep K; by default below CLOSED_FORM. tolerance: relative
    residual of cg. rank: of its preconditioner. progress: told lines of text by long solves of cg. InputError for an
    algorithm that is not there, and for Cholesky without the matrix.
    """

    algorithm: Algorithm = "auto"
    form_matrix: bool | None = None
    tolerance: float = 1e-10
    rank: int | None = None
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.algorithm not in get_args(Algorithm):
            raise InputError(f"solver must be one of {', '.join(get_args(Algorithm))}, not '{self.algorithm}'")
        if self.algorithm == "cholesky" and self.form_matrix is False:
            raise InputError("solver=cholesky needs the whole matrix; without it there is solver=cg")

    def solve(self, kernel: Kernel, points: Points, noise: float, forces: Array) -> Solution:
        """α for the covariances K of the forces at `points` and labels `forces` (points.size,). NotConverged."""
        small = points.size <= CLOSED_FORM
        form_matrix = small if self.form_matrix is None else self.form_matrix
        if self.algorithm == "cholesky" or (self.algorithm == "auto" and small and form_matrix):
            return closed_form(formed(kernel, points, noise), forces)
        rank = self.rank or min(points.size // 2, max(SMALLEST_RANK, int(RANK_FACTOR * np.sqrt(points.size))))
        product = formed(kernel, points, noise).__matmul__ if form_matrix else matrix_free(kernel, points, noise)
        precondition = nystrom(kernel, points, noise, rank, np.random.default_rng(0))
        return conjugate_gradients(product, forces, precondition, self.tolerance, progress=self.progress)


def formed(kernel: Kernel, points: Points, noise: float) -> Array:
    """(n, n) K + noise."""
    matrix = kernel.matrix(points, points)
    matrix[np.diag_indices_from(matrix)] += noise
    return matrix


def matrix_free(kernel: Kernel, points: Points, noise: float) -> Product:
    """(K + noise) v without ever forming K: memory grows as the number of geometries, not as its square."""
    images = kernel.images(points.x)

    def product(v: Array) -> Array:
        return kernel.product(points, images, kernel.images(points.in_descriptors(v))) + noise * v

    return product


def cholesky(matrix: Array) -> Array:
    """Lower factor of the symmetric positive definite `matrix` (n, n), which is overwritten."""
    from scipy.linalg import LinAlgError
    from scipy.linalg import cholesky as factorise

    try:
        return factorise(matrix, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:
        raise NotConverged("the kernel matrix is not positive definite in double precision: a larger noise") from None


def closed_form(matrix: Array, rhs: Array) -> Solution:
    """Solve by Cholesky, with one step of iterative refinement."""
    from scipy.linalg import cho_solve

    factor = cholesky(matrix.copy())
    weights = cho_solve((factor, True), rhs)
    weights += cho_solve((factor, True), rhs - matrix @ weights)
    return Solution(weights, 0, float(np.linalg.norm(rhs - matrix @ weights) / np.linalg.norm(rhs)))


def nystrom(kernel: Kernel, points: Points, noise: float, rank: int, rng: np.random.Generator) -> Product:
    """The inverse of F Fᵀ + noise as a product, F (n, ≤ rank) with F Fᵀ ≈ K."""
    from scipy.linalg import solve_triangular

    width = points.directions.shape[2]
    left = kernel.diagonal(points)
    total = left.sum()
    factor = np.empty((points.size, min(rank // width, len(points)) * width))
    filled, open_ = 0, np.ones(len(points), dtype=bool)
    while filled < factor.shape[1] and left.sum() > 1e-14 * total:
        chance = np.where(open_, left.reshape(len(points), width).sum(1), 0)
        room = min(max(1, BLOCK // width), (factor.shape[1] - filled) // width, np.count_nonzero(chance))
        if room == 0:
            break
        chosen = rng.choice(len(points), room, replace=False, p=chance / chance.sum())
        open_[chosen] = False
        own = (chosen[:, None] * width + np.arange(width)).ravel()
        columns = kernel.matrix(points, points[chosen])
        columns -= factor[:, :filled] @ factor[own, :filled].T
        core = columns[own]
        # Directions of the block that are described already would be divided by rounding errors.
        values, vectors = np.linalg.eigh((core + core.T) / 2)
        kept = values > 1e-12 * total / points.size
        new = columns @ (vectors[:, kept] / np.sqrt(values[kept]))
        factor[:, filled : filled + new.shape[1]] = new
        filled += new.shape[1]
        left = np.maximum(left - (new * new).sum(1), 0)
    factor = factor[:, :filled]
    small = cholesky(factor.T @ factor + noise * np.eye(filled))
    half = solve_triangular(small, factor.T, lower=True)  # (rank, n)
    return lambda v: (v - half.T @ (half @ v)) / noise


def conjugate_gradients(
    product: Product,
    rhs: Array,
    precondition: Product | None = None,
    tolerance: float = 1e-10,
    max_iterations: int = 20000,
    progress: Progress | None = None,
) -> Solution:
    """Solve product(x) = rhs to a relative residual of `tolerance`; NotConverged after `max_iterations`.

    progress: told one line every TELL_SECONDS. The residual is the true one: it is computed anew at the end, and the
    iteration goes on from there where rounding has led it astray.
    """
    precondition = precondition or (lambda v: v)
    x, size, done, told = np.zeros_like(rhs), float(np.linalg.norm(rhs)), 0, time.monotonic()
    if size == 0:
        return Solution(x, 0, 0.0)
    while True:
        residual = rhs - product(x) if done else rhs.copy()
        reached = float(np.linalg.norm(residual)) / size
        if reached <= tolerance:
            return Solution(x, done, reached)
        z = precondition(residual)
        direction, rho = z.copy(), float(residual @ z)
        while np.linalg.norm(residual) > tolerance * size:
            if done >= max_iterations:
                raise NotConverged(f"conjugate gradients: residual {reached:.1e} after {done} iterations")
            image = product(direction)
            step = rho / float(direction @ image)
            x += step * direction
            residual -= step * image
            z = precondition(residual)
            rho, before = float(residual @ z), rho
            direction = z + rho / before * direction
            done += 1
            reached = float(np.linalg.norm(residual)) / size
            if progress is not None and time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                progress(f"conjugate gradients: iteration {done}, residual {reached:.1e}, wanted {tolerance:.1e}")
