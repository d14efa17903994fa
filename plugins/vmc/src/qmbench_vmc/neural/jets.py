"""The forward Laplacian: arrays that carry their gradient and Laplacian with respect to the electrons' positions.

A `Jet` goes through a wavefunction once and yields value, gradient and Laplacian together, at the cost of about
3N + 2 evaluations for N electrons (Li et al., Nat. Mach. Intell. 6, 209 (2024)). A jet without derivatives is a
plain evaluation, so that a wavefunction is written once for both.

Two kinds of derivative are kept: *local* ones, with respect to one three-dimensional vector that belongs to the
entry (an electron's own position, or the distance vector of its pair), and *full* ones, with respect to all 3N
coordinates. Local jets are cheap; `spread` turns them into full ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array


class Jet(NamedTuple):
    """value (...), gradient (directions, ...), Laplacian (...) of one quantity; the last two None: value alone."""

    value: Array
    gradient: Array | None = None
    laplacian: Array | None = None


def vectors(x: Array, derivatives: bool) -> tuple[Jet, Jet]:
    """Local jets of the vectors x (..., 3) with respect to themselves, and of their lengths (..., 1).

    Not defined at length 0 (a singular point of the potential as well).
    """
    length = jnp.sqrt(jnp.sum(x * x, axis=-1, keepdims=True))
    if not derivatives:
        return Jet(x), Jet(length)
    eye = jnp.eye(3, dtype=x.dtype).reshape((3,) + (1,) * (x.ndim - 1) + (3,))
    unit = jnp.moveaxis(x / length, -1, 0)[..., None]
    vector = Jet(x, jnp.broadcast_to(eye, (3, *x.shape)), jnp.zeros_like(x))
    return vector, Jet(length, unit, 2 / length)


def elementwise(f: Callable[[Array], Array], x: Jet) -> Jet:
    """f(x) entry by entry: ∇f = f′∇x, ∇²f = f′∇²x + f″|∇x|²."""
    if x.gradient is None:
        return Jet(f(x.value))
    one = jnp.ones_like(x.value)

    def first(y: Array) -> tuple[Array, Array]:
        return jax.jvp(f, (y,), (one,))

    (value, slope), (_, curvature) = jax.jvp(first, (x.value,), (one,))
    return Jet(value, slope * x.gradient, slope * x.laplacian + curvature * jnp.sum(x.gradient**2, axis=0))


def tanh(x: Jet) -> Jet:
    """As `elementwise(jnp.tanh, x)`, with derivatives from the value."""
    value = jnp.tanh(x.value)
    if x.gradient is None:
        return Jet(value)
    slope = 1 - value**2
    squares = jnp.sum(x.gradient**2, axis=0)
    return Jet(value, slope * x.gradient, slope * (x.laplacian - 2 * value * squares))


def linear(x: Jet, weights: Array, bias: Array | float = 0.0) -> Jet:
    """x·weights + bias over the last axis."""
    if x.gradient is None:
        return Jet(x.value @ weights + bias)
    return Jet(x.value @ weights + bias, x.gradient @ weights, x.laplacian @ weights)


def add(*terms: Jet) -> Jet:
    """The sum of jets of one kind."""
    value, gradient, laplacian = (
        sum(parts[1:], parts[0]) if parts[0] is not None else None for parts in zip(*terms, strict=True)
    )
    return Jet(value, gradient, laplacian)


def multiply(a: Jet, b: Jet) -> Jet:
    """The product, entry by entry: ∇²(ab) = a∇²b + b∇²a + 2∇a·∇b."""
    if a.gradient is None:
        return Jet(a.value * b.value)
    cross = jnp.sum(a.gradient * b.gradient, axis=0)
    return Jet(
        a.value * b.value,
        a.gradient * b.value + a.value * b.gradient,
        a.laplacian * b.value + a.value * b.laplacian + 2 * cross,
    )


def concatenate(*parts: Jet) -> Jet:
    """Jets of one kind side by side along the last axis."""
    if parts[0].gradient is None:
        return Jet(jnp.concatenate([p.value for p in parts], axis=-1))
    value, gradient, laplacian = (jnp.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True))
    return Jet(value, gradient, laplacian)


def reshape(x: Jet, *shape: int) -> Jet:
    """The same entries in another shape."""
    if x.gradient is None or x.laplacian is None:
        return Jet(x.value.reshape(shape))
    return Jet(x.value.reshape(shape), x.gradient.reshape(-1, *shape), x.laplacian.reshape(shape))


def total(x: Jet) -> Jet:
    """The sum over all entries of a full jet."""
    if x.gradient is None:
        return Jet(jnp.sum(x.value))
    axes = tuple(range(1, x.gradient.ndim))
    return Jet(jnp.sum(x.value), jnp.sum(x.gradient, axis=axes), jnp.sum(x.laplacian))


def spread(x: Jet) -> Jet:
    """A jet (electrons, features) that is local to each electron, as a full one: gradient (3N, N, features)."""
    if x.gradient is None:
        return x
    n, width = x.value.shape
    eye = jnp.eye(n, dtype=x.value.dtype)
    gradient = eye[:, None, :, None] * x.gradient[None]
    return Jet(x.value, gradient.reshape(3 * n, n, width), x.laplacian)


def multiply_local(x: Jet, y: Jet, first: int) -> Jet:
    """The product of a full jet x (n, features) and a jet y local to the electrons first, …, first + n - 1."""
    if x.gradient is None:
        return Jet(x.value * y.value)
    n, width = y.value.shape
    full = x.gradient.reshape(-1, 3, n, width)
    own = jnp.eye(full.shape[0], n, -first, dtype=y.value.dtype)
    placed = own[:, None, :, None] * (x.value * y.gradient)[None]
    at_own = jnp.stack([full[first + i, :, i] for i in range(n)], axis=1)
    return Jet(
        x.value * y.value,
        (full * y.value + placed).reshape(x.gradient.shape),
        x.laplacian * y.value + x.value * y.laplacian + 2 * jnp.sum(at_own * y.gradient, axis=0),
    )


def sum_over_pairs(filters: Jet, x: Jet) -> Jet:
    """m_i = Σ_j w_ij x_j for `filters` w (N, N, features), local in r_i − r_j, and full `x` (N, features).

    ∇²(w_ij x_j) = 2(∇²w_ij)x_j + w_ij∇²x_j + 2∇w_ij·(∇_i − ∇_j)x_j, and ∇_j w_ij = −∇_i w_ij.
    """
    w, y = filters.value, x.value
    if x.gradient is None:
        return Jet(jnp.sum(w * y, axis=1))
    n, width = y.shape
    gradient = x.gradient.reshape(n, 3, n, width)
    # A loop over j: each term is one fused multiply-add of contiguous rows, which no batched product is.
    passed = sum(w[:, j] * gradient[:, :, None, j] for j in range(n))
    assert filters.gradient is not None  # `filters` has derivatives where `x` has
    assert filters.laplacian is not None
    slope = filters.gradient * y  # (3, i, j, features)
    eye = jnp.eye(n, dtype=y.dtype)
    own = eye[:, None, :, None] * jnp.sum(slope, axis=2)[None]
    others = jnp.transpose(slope, (2, 0, 1, 3))
    by_i = jnp.transpose(gradient, (1, 0, 2, 3))
    by_j = jnp.einsum("jcjf->cjf", gradient)[:, None]
    cross = jnp.sum(filters.gradient * (by_i - by_j), axis=0)
    laplacian = jnp.sum(2 * filters.laplacian * y + w * x.laplacian + 2 * cross, axis=1)
    return Jet(jnp.sum(w * y, axis=1), (passed + own - others).reshape(3 * n, n, width), laplacian)


def pair_total(x: Jet) -> Jet:
    """Σ_{i<j} x_ij for x (N, N), local in r_i − r_j and symmetric, as a full jet; the diagonal is ignored."""
    n = x.value.shape[0]
    above = jnp.triu(jnp.ones((n, n), x.value.dtype), 1)
    value = jnp.sum(jnp.where(above > 0, x.value, 0))
    if x.gradient is None:
        return Jet(value)
    off = jnp.where(above + above.T > 0, x.gradient, 0)
    gradient = jnp.sum(off, axis=2).T.reshape(-1)
    return Jet(value, gradient, 2 * jnp.sum(jnp.where(above > 0, x.laplacian, 0)))


def log_abs_sum_of_determinants(x: Jet) -> Jet:
    """ln|Σ_k det X_k| for a full jet of matrices (K, N, N); also valid where single determinants vanish nearly.

    ∇ ln det X = tr X⁻¹∇X; ∇² ln det X = tr X⁻¹∇²X − Σ tr (X⁻¹∂X)².
    """
    sign, log = jnp.linalg.slogdet(x.value)
    top = jax.lax.stop_gradient(jnp.max(log))
    terms = sign * jnp.exp(log - top)
    value = jnp.log(jnp.abs(jnp.sum(terms))) + top
    if x.gradient is None:
        return Jet(value)
    inverse = jnp.linalg.inv(x.value)
    m = jnp.einsum("tkil,klj->ktij", x.gradient, inverse)
    first = jnp.trace(m, axis1=-2, axis2=-1).T
    second = jnp.einsum("kij,kji->k", x.laplacian, inverse) - jnp.einsum("ktij,ktji->k", m, m)
    share = terms / jnp.sum(terms)
    gradient = first @ share
    laplacian = share @ (second + jnp.sum(first**2, axis=0)) - gradient @ gradient
    return Jet(value, gradient, laplacian)
