"""Many-body dispersion without diagonalization: sparse screening and stochastic Lanczos quadrature, O(N) memory.

E = ½ Tr √V − ³⁄₂ Σ ω is estimated from random-sign vectors z as the mean of ½ zᵀ√V z − ³⁄₂ Σω. Gauss–Lanczos quadrature
gives zᵀ√V z (G. H. Golub and G. Meurant, Matrices, Moments and Quadrature, 2010; Y. Saad and S. Ubaru, SIAM J. Matrix
Anal. Appl. 38, 1075 (2017)); stochastic MBD: P. P. Poier, L. Lagardère, J.-P. Piquemal, J. Chem. Theory Comput. 18,
1633 (2022). Two control variates take the noise away and leave the mean alone. M = ½ W/(ωᵢ+ωⱼ), the first-order change
of ½√V with the coupling W, has no trace. Of second order, −D^(−½) M² D^(−½), D = diag ω, has a trace known from the
squared elements of M; for equal frequencies it is the exact second-order change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qmbench import InputError, NotConverged
from qmbench_mbd.errors import PolarizationCatastrophe
from qmbench_mbd.oscillators import Array, Oscillators, frequency_grid
from qmbench_mbd.parameters import MBD_STEEPNESS
from qmbench_mbd.radial import gaussian_widths, long_range, short_range
from qmbench_mbd.screening import screened_oscillators

_TILE = 256


@dataclass(frozen=True)
class StochasticEnergy:
    """Energy and its standard error in hartree, `uncontrolled_error` the error had the control variate been left
    out, the number of probes and of Lanczos steps."""

    energy: float
    error: float
    uncontrolled_error: float
    probes: int
    steps: int


def dipole_product(o: Oscillators, beta: float, steepness: float, vectors: Array) -> Array:
    """W·`vectors` for the coupling W = V − ω²; `vectors` (3, N, m) component-major.

    Tiles of W are made, used from both sides and dropped.
    """
    out = np.zeros_like(vectors)
    for tile, rows, columns in _tiles(o, beta, steepness):
        _apply(tile, rows, columns, vectors, out)
    return out


def control_variates(o: Oscillators, beta: float, steepness: float, z: Array) -> tuple[Array, Array]:
    """First- and second-order control variates of every probe z (3, N, m), each of zero mean, (m,) hartree."""
    root = np.sqrt(o.omega)[None, :, None]
    vectors = np.concatenate([z, z / root], axis=2)
    out = np.zeros_like(vectors)
    squares = np.zeros(len(o.alpha))
    for tile, rows, columns in _tiles(o, beta, steepness):
        tile *= (0.5 / (o.omega[rows, None] + o.omega[None, columns]))[None, :, None, :]
        _apply(tile, rows, columns, vectors, out)
        squared = np.einsum("cidj,cidj->ij", tile, tile)
        squares[rows] += squared.sum(1)
        if rows != columns:
            squares[columns] += squared.sum(0)
    m = z.shape[2]
    first = np.einsum("cip,cip->p", z, out[:, :, :m])
    second = float(np.sum(squares / o.omega)) - np.einsum("cip,cip->p", out[:, :, m:], out[:, :, m:])
    return first, second


def _tiles(o: Oscillators, beta: float, steepness: float) -> Iterator[tuple[Array, slice, slice]]:
    n = len(o.alpha)
    strength = o.strength
    x = np.ascontiguousarray(o.positions.T)
    spans = [slice(a, min(a + _TILE, n)) for a in range(0, n, _TILE)]
    for first, rows in enumerate(spans):
        for columns in spans[first:]:
            yield _tile(o, x, strength, rows, columns, beta, steepness), rows, columns


def _tile(
    o: Oscillators, x: Array, strength: Array, rows: slice, columns: slice, beta: float, steepness: float
) -> Array:
    """Block (3, rows, 3, columns) of W."""
    vector = x[:, rows, None] - x[:, None, columns]
    distance = np.sqrt(np.einsum("cij,cij->ij", vector, vector))
    scale = strength[rows, None] * strength[None, columns]
    if rows == columns:
        np.fill_diagonal(distance, 1.0)
        np.fill_diagonal(scale, 0.0)
    t = long_range(distance, beta * (o.radii[rows, None] + o.radii[None, columns]), steepness)
    a, b = t.a * scale, t.b * scale
    out = np.empty((3, distance.shape[0], 3, distance.shape[1]))
    for c in range(3):
        b_rc = b * vector[c]
        for d in range(c + 1):
            np.multiply(b_rc, vector[d], out=out[c, :, d, :])
            if c == d:
                out[c, :, c, :] += a
            else:
                out[d, :, c, :] = out[c, :, d, :]
    return out


def _apply(tile: Array, rows: slice, columns: slice, vectors: Array, out: Array) -> None:
    _, nr, _, nc = tile.shape
    m = vectors.shape[2]
    matrix = tile.reshape(3 * nr, 3 * nc)
    out[:, rows] += (matrix @ vectors[:, columns].reshape(3 * nc, m)).reshape(3, nr, m)
    if rows != columns:
        out[:, columns] += (matrix.T @ vectors[:, rows].reshape(3 * nr, m)).reshape(3, nc, m)


def stochastic_energy(
    o: Oscillators,
    beta: float,
    steepness: float = MBD_STEEPNESS,
    *,
    probes: int,
    seed: int,
    tolerance: float = 1e-6,
    max_steps: int = 60,
) -> StochasticEnergy:
    """Energy of coupled oscillators (hartree) with its statistical error, from `probes` random vectors.

    Oscillators are taken as given: screen them first for MBD@rsSCS. Lanczos runs until the energy of every probe
    has settled to `tolerance` of it and the lowest ω² to 1e-3. Raises PolarizationCatastrophe on a Ritz value ≤ 0,
    InputError below two probes, NotConverged if Lanczos has not settled in `max_steps`.
    """
    if probes < 2:
        raise InputError("an error estimate needs at least two probes")
    n = len(o.alpha)
    omega = np.broadcast_to(o.omega, (3, n))
    zero_point = 1.5 * o.omega.sum()
    start = np.random.default_rng(seed).integers(0, 2, (3, n, probes)) * 2.0 - 1.0
    q = start / np.sqrt(3 * n)
    previous, off = np.zeros_like(q), np.zeros(probes)
    diagonals: list[Array] = []
    offs: list[Array] = []
    basis = [q]
    energies, lowest = np.full(probes, np.inf), np.inf
    for step in range(max_steps):
        r = dipole_product(o, beta, steepness, q) + (omega**2)[:, :, None] * q - off * previous
        diagonal = np.einsum("cip,cip->p", q, r)
        r -= diagonal * q
        diagonals.append(diagonal)
        old, old_lowest = energies, lowest
        values, vectors = _ritz(diagonals, offs)
        lowest = float(values.min())
        if lowest <= 0:
            _name_catastrophe(values, vectors, basis)
        weights = vectors[:, 0, :] ** 2
        energies = 0.5 * 3 * n * np.einsum("pk,pk->p", weights, np.sqrt(values)) - zero_point
        off = np.sqrt(np.einsum("cip,cip->p", r, r))
        settled = np.abs(energies - old).max() <= tolerance * np.abs(energies).max()
        if (settled and abs(lowest - old_lowest) <= 1e-3 * lowest) or off.max() < 1e-14:
            first, second = control_variates(o, beta, steepness, start)
            samples = energies - first - second
            root = np.sqrt(probes)
            return StochasticEnergy(
                float(samples.mean()),
                float(samples.std(ddof=1) / root),
                float(energies.std(ddof=1) / root),
                probes,
                step + 1,
            )
        previous, q = q, r / off
        offs.append(off)
        basis.append(q)
    raise NotConverged(f"Lanczos quadrature has not settled to {tolerance:g} in {max_steps} steps")


def _ritz(diagonals: list[Array], offs: list[Array]) -> tuple[Array, Array]:
    """Eigenvalues (probe, k) and eigenvectors (probe, step, k) of every probe's tridiagonal matrix."""
    m, probes = len(diagonals), len(diagonals[0])
    matrices = np.zeros((probes, m, m))
    for j, d in enumerate(diagonals):
        matrices[:, j, j] = d
    for j, b in enumerate(offs):
        matrices[:, j, j + 1] = matrices[:, j + 1, j] = b
    return np.linalg.eigh(matrices)


def _name_catastrophe(values: Array, vectors: Array, basis: list[Array]) -> None:
    probe, k = np.unravel_index(int(np.argmin(values)), values.shape)
    ritz = sum(vectors[probe, j, k] * basis[j][:, :, probe] for j in range(vectors.shape[1]))
    weight = (np.asarray(ritz) ** 2).sum(0)
    main = " ".join(str(i + 1) for i in np.argsort(weight)[::-1][:3])
    raise PolarizationCatastrophe(
        f"polarization catastrophe: an imaginary mode, ω² ≤ {values[probe, k]:.3e} hartree², mainly on atoms {main}"
    )


def screen_sparse(
    o: Oscillators,
    beta: float,
    steepness: float = MBD_STEEPNESS,
    *,
    tail: float = 1e-10,
    tolerance: float = 1e-12,
) -> Oscillators:
    """Range-separated screening (as `screening.screen`) with the couplings kept only where 1 − f exceeds `tail`.

    The equations (α⁻¹ + T) Y = 1 ⊗ e_c are solved by conjugate gradients to a relative residual `tolerance`; memory
    grows as the number of neighbours. Raises PolarizationCatastrophe if the response is not positive.
    """
    from scipy.sparse import csr_array
    from scipy.spatial import cKDTree

    n = len(o.alpha)
    reach = 2 * beta * float(o.radii.max()) * (1 - np.log(tail) / steepness)
    near = cKDTree(o.positions).query_pairs(reach, output_type="ndarray")
    i, j = near[:, 0], near[:, 1]
    vector = o.positions[i] - o.positions[j]
    distance = np.linalg.norm(vector, axis=1)
    length = beta * (o.radii[i] + o.radii[j])
    kept = distance < length * (1 - np.log(tail) / steepness)
    i, j, vector, distance, length = i[kept], j[kept], vector[kept], distance[kept], length[kept]
    if len(distance) and distance.min() <= 0:
        raise InputError("two atoms sit at the same place")

    # Both triangles of one sparsity pattern, shared by the six Cartesian components.
    order = csr_array((np.arange(1, 2 * len(i) + 1), (np.append(i, j), np.append(j, i))), shape=(n, n))
    source = (order.data - 1) % len(i) if len(i) else np.empty(0, dtype=int)
    u, _ = frequency_grid()
    alpha = o.polarizability(u)
    screened = np.empty_like(alpha)
    solution = np.zeros((3, n, 3))
    for k in range(len(u)):
        sigma = gaussian_widths(alpha[k])
        t = short_range(distance, length, steepness, np.sqrt(sigma[i] ** 2 + sigma[j] ** 2))
        blocks = {}
        for c in range(3):
            for d in range(c + 1):
                data = t.b * vector[:, c] * vector[:, d] + (t.a if c == d else 0.0)
                blocks[c, d] = csr_array((data[source], order.indices, order.indptr), shape=(n, n))
        if k == 0:
            _refuse_negative(blocks, alpha[0])
        solution = _conjugate_gradients(blocks, alpha[k], solution, tolerance, float(u[k]))
        screened[k] = np.einsum("cic->i", solution) / 3
    return screened_oscillators(o, screened)


def _multiply(blocks: dict, y: Array) -> Array:
    """T·y for y (3, N, m)."""
    out = np.zeros_like(y)
    for c in range(3):
        for d in range(3):
            out[c] += blocks[max(c, d), min(c, d)] @ y[d]
    return out


def _refuse_negative(blocks: dict, alpha: Array) -> None:
    """Raise PolarizationCatastrophe if the static 1 + √α T √α has a negative mode. A uniform field need not excite
    such a mode, so conjugate gradients alone could pass it by."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    n = len(alpha)
    if n < 2:
        return
    root = np.sqrt(alpha)[None, :, None]

    def product(x: Array) -> Array:
        y = x.reshape(3, n, 1)
        return (y + root * _multiply(blocks, root * y)).ravel()

    start = np.random.default_rng(0).normal(size=3 * n)
    lowest = eigsh(LinearOperator((3 * n, 3 * n), product, dtype=float), 1, which="SA", tol=1e-2, v0=start)[0][0]
    if lowest <= 0:
        raise PolarizationCatastrophe(
            f"polarization catastrophe: the static screened dipole response has a negative mode ({lowest:.3e})"
        )


def _conjugate_gradients(blocks: dict, alpha: Array, guess: Array, tolerance: float, u: float) -> Array:
    """Solve (α⁻¹ + T) Y = 1 ⊗ e_c for the three c at once, (3, N, 3), preconditioned by α."""
    n = len(alpha)
    right = np.zeros((3, n, 3))
    for c in range(3):
        right[c, :, c] = 1.0

    def apply(y: Array) -> Array:
        return y / alpha[None, :, None] + _multiply(blocks, y)

    y = guess.copy()
    residual = right - apply(y)
    z = alpha[None, :, None] * residual
    direction = z.copy()
    rho = np.einsum("cim,cim->m", residual, z)
    target = tolerance**2 * np.einsum("cim,i->m", right, alpha)
    for _ in range(500):
        if (rho <= target).all():
            return y
        product = apply(direction)
        curvature = np.einsum("cim,cim->m", direction, product)
        if (curvature <= 0).any():
            raise PolarizationCatastrophe(
                f"polarization catastrophe: the screened dipole response at imaginary frequency {u:.4g} hartree has a "
                "negative mode"
            )
        step = rho / curvature
        y += step * direction
        residual -= step * product
        z = alpha[None, :, None] * residual
        rho, old = np.einsum("cim,cim->m", residual, z), rho
        direction = z + rho / old * direction
    raise NotConverged("conjugate gradients for the screening have not converged in 500 steps")
