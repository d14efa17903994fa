"""The start: walkers from the Hartree–Fock density, and orbitals fitted to the Hartree–Fock ones.

The lowest determinant of PySCF (unrestricted, through qmbench_pyscf) is sampled with NumPy; the ansatz's orbitals are
fitted to it on these samples by least squares with Adam (Kingma & Ba, ICLR 2015), as in Pfau et al. (2020).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qmbench import Molecule, Resources
from qmbench_vmc.neural.ansatz import Ansatz, Parameters

BASIS = "def2-svp"


def hartree_fock(molecule: Molecule, resources: Resources | None) -> tuple[Callable[[np.ndarray], np.ndarray], Any]:
    """A function from positions (W, N, 3) to spin-orbital matrices (W, N, N), block-diagonal, and the mean field."""
    from qmbench_pyscf import ScfSpecification, converged_scf

    mf = converged_scf(molecule, ScfSpecification(BASIS, reference="unrestricted"), resources)
    up, down = molecule.n_alpha_beta
    coefficients = [mf.mo_coeff[spin][:, mf.mo_occ[spin] > 0] for spin in (0, 1)]

    def matrices(r: np.ndarray) -> np.ndarray:
        n = up + down
        values = mf.mol.eval_gto("GTOval_sph", r.reshape(-1, 3)).reshape(len(r), n, -1)
        result = np.zeros((len(r), n, n))
        result[:, :up, :up] = values[:, :up] @ coefficients[0]
        result[:, up:, up:] = values[:, up:] @ coefficients[1]
        return result

    return matrices, mf


def placed(mf: Any, walkers: int, random: np.random.Generator) -> np.ndarray:
    """Positions (walkers, N, 3) of electrons put near the nuclei in proportion to the Mulliken populations."""
    from itertools import pairwise

    mole = mf.mol
    overlap, densities = mf.get_ovlp(), mf.make_rdm1()
    slices = [slice(a[2], a[3]) for a in mole.aoslice_by_atom()]
    spins = []
    for density, number in zip(densities, mole.nelec, strict=True):
        population = np.einsum("ij,ji->i", density, overlap)
        edges = np.cumsum([0.0] + [max(population[s].sum(), 0.0) for s in slices])
        edges *= number / edges[-1] if number else 0.0
        # Systematic sampling: an atom gets its population rounded up or down.
        marks = random.uniform(size=(walkers, 1)) + np.arange(number)
        spins.append(sum(i * ((lo <= marks) & (marks < hi)) for i, (lo, hi) in enumerate(pairwise(edges))))
    centres = np.concatenate(spins, axis=1)
    return mole.atom_coords()[centres] + random.normal(size=(*centres.shape, 3)) * 0.8


def sample_determinant(
    matrices: Callable[[np.ndarray], np.ndarray], r: np.ndarray, random: np.random.Generator, sweeps: int, keep: int
) -> tuple[np.ndarray, np.ndarray]:
    """Metropolis walk of |det|² from r (W, N, 3): the last `keep` states and their matrices, stacked."""
    step, states, values = 0.5, [], []
    current = matrices(r)
    log = np.linalg.slogdet(current)[1]
    every = max(1, sweeps // (2 * keep))
    for sweep in range(sweeps):
        new = r + step * random.normal(size=r.shape)
        proposed = matrices(new)
        new_log = np.linalg.slogdet(proposed)[1]
        accept = np.log(random.uniform(size=len(r))) < 2 * (new_log - log)
        r = np.where(accept[:, None, None], new, r)
        current = np.where(accept[:, None, None], proposed, current)
        log = np.where(accept, new_log, log)
        step *= np.exp(0.1 * (accept.mean() - 0.5))
        if (sweeps - 1 - sweep) % every == 0 and (sweeps - 1 - sweep) // every < keep:
            states.append(r)
            values.append(current)
    return np.stack(states), np.stack(values)


def fit_envelopes(ansatz: Ansatz, parameters: Parameters, r: np.ndarray, targets: np.ndarray) -> Parameters:
    """Parameters whose envelopes alone make the orbitals at r (W, N, 3) fit `targets` (W, N, N), by least squares.

    Orbitals are linear in the envelopes' weights: an LCAO expansion as long as the network's factor is near 1.
    """
    functions = parameters["orbitals"][0]["envelope"].shape[0]

    @jax.jit
    def basis(number: jax.Array) -> jax.Array:
        chosen = [
            spin | {"envelope": jnp.zeros_like(jnp.asarray(spin["envelope"])).at[number].set(1.0)}
            for spin in parameters["orbitals"]
        ]
        return jax.vmap(lambda x: ansatz.orbitals(parameters | {"orbitals": chosen}, x))(jnp.asarray(r))

    values = np.stack([np.asarray(basis(jnp.asarray(i))) for i in range(functions)])  # (functions, W, K, N, N)
    fitted, start = [], 0
    for spin, number in zip(parameters["orbitals"], [x for x in ansatz.spins if x], strict=True):
        rows = slice(start, start + number)
        weights = np.empty((functions, ansatz.determinants, ansatz.n_electrons))
        for k in range(ansatz.determinants):
            for j in range(ansatz.n_electrons):
                columns = values[:, :, k, rows, j].reshape(functions, -1)
                normal = columns @ columns.T
                normal += 1e-8 * np.trace(normal) * np.eye(functions)
                weights[:, k, j] = np.linalg.solve(normal, columns @ targets[:, rows, j].reshape(-1))
        fitted.append(spin | {"envelope": weights.reshape(functions, -1)})
        start += number
    return parameters | {"orbitals": fitted}


def fit_orbitals(
    ansatz: Ansatz, parameters: Parameters, states: np.ndarray, targets: np.ndarray, steps: int
) -> tuple[Parameters, float]:
    """Parameters whose K matrices resemble `targets` (S, W, N, N) at `states` (S, W, N, 3), and the residual left.

    After the envelopes, Adam goes through the S batches in turn. The residual is relative: Σ|Φ − target|²/Σ|target|².
    """
    scale = 1 / np.sqrt(np.mean(targets**2) * targets.shape[-1])
    parameters = fit_envelopes(ansatz, parameters, states[-1], targets[-1] * scale)
    states, targets = jnp.asarray(states), jnp.asarray(targets * scale)
    parameters = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), parameters)

    def loss(parameters: Parameters, r: jax.Array, target: jax.Array) -> jax.Array:
        found = jax.vmap(lambda x: ansatz.orbitals(parameters, x))(r)
        return jnp.mean((found - target[:, None]) ** 2) * target.shape[-1]

    def step(state: Any, number: jax.Array) -> tuple[Any, jax.Array]:
        parameters, first, second = state
        batch = number % len(states)
        value, slope = jax.value_and_grad(loss)(parameters, states[batch], targets[batch])
        t = number + 1.0
        rate = 2e-3 / jnp.sqrt(1 + number / 200)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, slope)
        parameters = jax.tree.map(
            lambda p, m, v: p - rate * m / (1 - 0.9**t) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8),
            parameters,
            first,
            second,
        )
        return (parameters, first, second), value

    zero = jax.tree.map(jnp.zeros_like, parameters)
    run = jax.jit(lambda state: jax.lax.scan(step, state, jnp.arange(steps)))
    (parameters, _, _), losses = run((parameters, zero, zero))
    fitted = jax.tree.map(lambda x: np.asarray(x, np.float64), parameters)
    return fitted, float(jnp.mean(losses[-len(states) :]))
