"""SPRING: natural-gradient steps solved in sample space, with a projected memory of the last step.

Goldshlager, Abrahamsen & Lin, J. Comput. Phys. 516, 113351 (2024), algorithm 1; without momentum it is MinSR,
Chen & Heyl, Nat. Phys. 20, 1476 (2024).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array


def compressed(energies: Array, width: float = 5.0) -> Array:
    """Local energies (W,) that are drawn in where they are far from the median. For gradients only.

    Deviations d up to s = width × their mean stay; beyond, they become 2√(s|d|) − s, which goes on smoothly. Cut off
    at s instead, the rare walkers of a false component, such as H⁻ H⁺ in two distant atoms, would hardly count.
    """
    centre = jnp.median(energies)
    deviation = energies - centre
    size = jnp.abs(deviation)
    spread = width * jnp.mean(size)
    outside = jnp.sign(deviation) * (2 * jnp.sqrt(spread * size) - spread)
    return centre + jnp.where(size <= spread, deviation, outside)


def spring_step(scores: Array, energies: Array, last: Array, damping: float | Array, momentum: float) -> Array:
    """The direction φ (P,) along which parameters are to be changed by +η φ.

    φ = argmin |Ō φ − ε|² + λ |φ − μ φ₋|² = μ φ₋ + Ōᵀ (Ō Ōᵀ + λ)⁻¹ (ε − μ Ō φ₋), with Ō = (O − ⟨O⟩)/√W and
    ε = −(E − ⟨E⟩)/√W. scores O (W, P): ∂ln|ψ|/∂θ; energies (W,): hartree; last φ₋ (P,).
    """
    root = jnp.sqrt(scores.shape[0]).astype(energies.dtype)
    centred = (scores - jnp.mean(scores, axis=0)) / root.astype(scores.dtype)
    residual = -(energies - jnp.mean(energies)) / root
    residual = residual - momentum * (centred @ last.astype(centred.dtype)).astype(residual.dtype)
    # The vector of ones is in the kernel of Ō Ōᵀ and orthogonal to the residual.
    kernel = (centred @ centred.T).astype(residual.dtype) + damping * jnp.eye(residual.size, dtype=residual.dtype)
    solution = jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(kernel, lower=True), residual)
    return momentum * last + (centred.T @ solution.astype(centred.dtype)).astype(last.dtype)


def limited(direction: Array, rate: Array, norm: float) -> Array:
    """rate·direction, shortened to the length `norm` where it is longer."""
    length = jnp.sqrt(jnp.sum(direction**2))
    return direction * jnp.minimum(rate, norm / jnp.maximum(length, 1e-30))
