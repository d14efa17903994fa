"""Potential and local energies of electrons among nuclei, in hartree."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from qmbench_vmc.neural.ansatz import Ansatz, Parameters


def potential_energy(ansatz: Ansatz, r: Array) -> Array:
    """Coulomb energy of electrons at r (N, 3) and the nuclei, the nuclei's own repulsion included."""
    nuclei, charges = jnp.asarray(ansatz.positions, r.dtype), jnp.asarray(ansatz.charges, r.dtype)
    attraction = jnp.sum(charges / jnp.linalg.norm(r[:, None] - nuclei, axis=-1))
    return _repulsion(r, jnp.ones(r.shape[0], r.dtype)) + _repulsion(nuclei, charges) - attraction


def local_energy(ansatz: Ansatz, parameters: Parameters, r: Array) -> Array:
    """(Hψ)/ψ at r (N, 3): −½(∇² ln|ψ| + |∇ ln|ψ||²) + V."""
    jet = ansatz.log_psi_jet(parameters, r)
    assert jet.gradient is not None
    assert jet.laplacian is not None
    return potential_energy(ansatz, r) - (jet.laplacian + jet.gradient @ jet.gradient) / 2


def _repulsion(x: Array, charges: Array) -> Array:
    n = x.shape[0]
    i, j = jnp.triu_indices(n, 1)
    return jnp.sum(charges[i] * charges[j] / jnp.linalg.norm(x[i] - x[j], axis=-1))
