"""From density, gradient and kinetic energy density on a grid to energies and derivatives, as PySCF takes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from qmbench_ml.xc import correlation, exchange
from qmbench_ml.xc.jets import Array, Jet, value_of, variables

# Below these densities (per bohr³, of both spins and of one) a point contributes nothing.
TINY = 1e-10
TINY_SPIN = 1e-11

Exchange = Callable[[Any, Any, Any], Any]
Correlation = Callable[[Any, Any, Any, Any], Any]


def parts(theta: Sequence[float]) -> tuple[Exchange, Correlation]:
    """Exchange and correlation energy densities for one vector of parameters (20,)."""
    split = exchange.N_PARAMETERS
    of_exchange, of_correlation = tuple(theta[:split]), tuple(theta[split:])
    return (
        lambda n, sigma, tau: exchange.energy_density(n, sigma, tau, of_exchange),
        lambda up, down, sigma, tau: correlation.energy_density(up, down, sigma, tau, of_correlation),
    )


def evaluate(x: Exchange, c: Correlation, rho: Array, order: int) -> tuple[Array, Array | None, Array | None]:
    """Energy per volume (N,) and its derivatives with respect to the rows of `rho`, up to `order` (0, 1 or 2).

    rho: rows n, ∂x n, ∂y n, ∂z n, τ (atomic units; τ = ½ Σ|∇φ|²), (5, N) without spin or (2, 5, N) for ↑ and ↓. The
    derivatives have its shape, (5, N), and (5, 5, N) or (2, 5, 2, 5, N).
    """
    polarized = rho.ndim == 3
    channels = rho if polarized else rho[None]
    keep = channels[:, 0].sum(0) > TINY
    inside = channels[:, :, keep]
    energy, first, second = _on_points(x, c, inside, order)
    by_row = (2, 5) if polarized else (5,)
    return (
        _spread(energy, keep),
        None if first is None else _spread(first.reshape(*by_row, -1), keep),
        None if second is None else _spread(second.reshape(*by_row, *by_row, -1), keep),
    )


def by_parameters(theta: Sequence[float], rho: Array) -> Array:
    """Derivatives (20, N) of the energy per volume with respect to the parameters; rho as in `evaluate`."""
    split, total = exchange.N_PARAMETERS, np.zeros((len(theta), rho.shape[-1]))
    channels = rho if rho.ndim == 3 else np.array([0.5 * rho, 0.5 * rho])
    keep = channels[:, 0].sum(0) > TINY
    _, sigma, tau = _invariants(channels.sum(0)[:, keep])
    up, down = channels[:, 0, keep]
    total[split:, keep] = correlation.by_parameters(up, down, sigma, tau, theta[split:])
    alike = rho.ndim == 2
    for channel in channels[:1] if alike else channels:
        there = keep & (channel[0] > TINY_SPIN)
        total[:split, there] += exchange.by_parameters(*_invariants(channel[:, there]), theta[:split]) * (1 + alike)
    return total


def _spread(values: Array, keep: Array) -> Array:
    full = np.zeros((*values.shape[:-1], keep.size))
    full[..., keep] = values
    return full


def _on_points(x: Exchange, c: Correlation, rho: Array, order: int) -> tuple[Array, Array | None, Array | None]:
    """The same for `rho` (channels, 5, N), all of it dense enough; derivatives by the flattened rows."""
    channels, _, n_points = rho.shape
    found = _correlation(c, rho, order)
    energy = np.array(value_of(found))
    first, second = _by_rows(found, rho.sum(0), channels) if order else (None, None)
    # Without spin both channels are alike, each half of the density.
    halves = 2 if channels == 1 else 1
    for k in range(channels):
        one = rho[k] / halves
        there = one[0] > TINY_SPIN
        found = x(*variables(_invariants(one[:, there]), order))
        energy[there] += halves * value_of(found)
        if first is not None:
            rows = slice(5 * k, 5 * k + 5)
            gradient, hessian = _by_rows(found, one[:, there], 1)
            first[rows, there] += gradient
            if second is not None and hessian is not None:
                second[rows, rows, there] += hessian / halves
    return energy, first, second


def _invariants(rho: Array) -> tuple[Array, Array, Array]:
    """n, |∇n|² and τ."""
    return rho[0], np.einsum("xn,xn->n", rho[1:4], rho[1:4]), rho[4]


def _correlation(c: Correlation, rho: Array, order: int) -> Any:
    n, sigma, tau = _invariants(rho.sum(0))
    if len(rho) == 1:
        n, sigma, tau = variables([n, sigma, tau], order)
        return c(0.5 * n, 0.5 * n, sigma, tau)
    return c(*variables([rho[0, 0], rho[1, 0], sigma, tau], order))


def _by_rows(found: Jet, total: Array, channels: int) -> tuple[Array, Array | None]:
    """Chain rule from (densities …, |∇n|², τ) to the rows of each channel; `total` (5, N) gives n and ∇n."""
    n_densities, n_points = len(found.first) - 2, total.shape[1]
    by_channel = np.zeros((n_densities + 2, channels, 5, n_points))
    for k in range(n_densities):
        by_channel[k, k, 0] = 1.0
    by_channel[-2, :, 1:4] = 2 * total[1:4]
    by_channel[-1, :, 4] = 1.0
    jacobian = by_channel.reshape(len(by_channel), 5 * channels, n_points)
    first = np.einsum("kn,kmn->mn", found.first, jacobian)
    if found.second is None:
        return first, None
    half = np.einsum("kln,lpn->kpn", found.second, jacobian)
    second = np.einsum("kmn,kpn->mpn", jacobian, half)
    for a in range(channels):
        for b in range(channels):
            for axis in (1, 2, 3):
                second[5 * a + axis, 5 * b + axis] += 2 * found.first[-2]
    return first, second
