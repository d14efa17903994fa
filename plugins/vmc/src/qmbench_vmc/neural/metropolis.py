"""Metropolis–Hastings sampling of |ψ|² with moves of all electrons, small near the nuclei and larger far away."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from qmbench_vmc.neural.ansatz import Ansatz

TARGET_ACCEPTANCE = 0.5


def move_scales(ansatz: Ansatz, r: Array) -> Array:
    """Relative width (N,) of the moves of electrons at r: 1/Z at a nucleus, growing to 2 bohr with the distance."""
    nuclei, charges = jnp.asarray(ansatz.positions, r.dtype), jnp.asarray(ansatz.charges, r.dtype)
    nearest = jnp.min(1 / charges + jnp.linalg.norm(r[:, None] - nuclei, axis=-1), axis=-1)
    return nearest / (1 + nearest / 2)


def hop(
    ansatz: Ansatz, log_psi: Callable[[Array], Array], walkers: Array, log: Array, key: Array
) -> tuple[Array, Array]:
    """One electron of each walker moved by the vector from one nucleus to another, where |ψ|² accepts it.

    Between distant atoms small moves lead nowhere: a walker that once has an electron too many on one atom would keep
    it for ever. The way back is as likely as the way there. log (W,): ln|ψ| of the walkers; both are returned.
    Needs two nuclei.
    """
    nuclei = len(ansatz.positions)
    positions = jnp.asarray(ansatz.positions, walkers.dtype)
    electron_key, from_key, to_key, chance = jax.random.split(key, 4)
    electron = jax.random.randint(electron_key, log.shape, 0, walkers.shape[1])
    start = jax.random.randint(from_key, log.shape, 0, nuclei)
    end = (start + jax.random.randint(to_key, log.shape, 1, nuclei)) % nuclei
    new = walkers.at[jnp.arange(len(log)), electron].add(positions[end] - positions[start])
    new_log = log_psi(new)
    accept = jnp.log(jax.random.uniform(chance, log.shape, log.dtype)) < 2 * (new_log - log)
    return jnp.where(accept[:, None, None], new, walkers), jnp.where(accept, new_log, log)


def walk(
    ansatz: Ansatz,
    log_psi: Callable[[Array], Array],
    walkers: Array,
    key: Array,
    step_size: Array,
    sweeps: int,
) -> tuple[Array, Array]:
    """A hop (in molecules) and `sweeps` moves of each walker (W, N, 3); new walkers, the fraction of moves accepted.

    The proposal is normal with width step_size·`move_scales`(r), which differs on the way back: Hastings'
    factor accounts for it (Biometrika 57, 97 (1970)). log_psi: (W, N, 3) → (W,).
    """
    scales = jax.vmap(lambda r: move_scales(ansatz, r))

    def sweep(state: tuple[Array, Array, Array], key: Array) -> tuple[tuple[Array, Array, Array], Array]:
        r, log, width = state
        moves, chance = jax.random.split(key)
        step = jax.random.normal(moves, r.shape, r.dtype) * width[..., None]
        new = r + step
        new_log, new_width = log_psi(new), step_size * scales(new)
        squares = jnp.sum(step**2, axis=-1)
        back = jnp.sum(3 * jnp.log(width / new_width) - squares * (new_width**-2 - width**-2) / 2, axis=-1)
        accept = jnp.log(jax.random.uniform(chance, log.shape, log.dtype)) < 2 * (new_log - log) + back
        state = (
            jnp.where(accept[:, None, None], new, r),
            jnp.where(accept, new_log, log),
            jnp.where(accept[:, None], new_width, width),
        )
        return state, jnp.mean(accept.astype(r.dtype))

    log = log_psi(walkers)
    if len(ansatz.positions) > 1:
        first, key = jax.random.split(key)
        walkers, log = hop(ansatz, log_psi, walkers, log, first)
    start = (walkers, log, (step_size * scales(walkers)).astype(walkers.dtype))
    (walkers, _, _), accepted = jax.lax.scan(sweep, start, jax.random.split(key, sweeps))
    return walkers, jnp.mean(accepted)


def adapted(step_size: Array, acceptance: Array) -> Array:
    """The step size, nudged towards the target acceptance."""
    return step_size * jnp.exp(0.2 * (acceptance - TARGET_ACCEPTANCE))
