"""Optimization of the neural wavefunction, step by step, from a checkpoint if there is one.

All random numbers of iteration k come from (seed, k), so that an optimization which goes on from its checkpoint makes
the very steps, to the last bit, of one that was never interrupted (on the same machine and number of threads).
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree

from qmbench import NotConverged
from qmbench_vmc.neural import metropolis, spring
from qmbench_vmc.neural.ansatz import Ansatz
from qmbench_vmc.neural.hamiltonian import local_energy
from qmbench_vmc.neural.options import NeuralSettings

SWEEPS = 6
# The step is shortened to this length in parameter space (Goldshlager et al., section 4.1).
LONGEST_STEP = 0.1
# The rate falls as 1/(1 + k/decay) with decay = this share of all iterations.
DECAY = 0.25
# The kernel's damping starts here and falls by a factor e in so many iterations: far from the minimum, fewer walkers
# than parameters would be fitted to their noise.
FIRST_DAMPING, DAMPING_DECAY = 0.1, 50
# The parameters that are kept are a mean over this last share of the iterations.
AVERAGED = 0.2
SAVE_EVERY_S = 20.0
TELL_EVERY_S = 10.0
LOOK_EVERY = 20
CHUNK = 25

# Purposes of random numbers.
OPTIMIZATION, EQUILIBRATION, SAMPLING = 0, 1, 2

OptimizerState = dict[str, Array]


def random_key(seed: int, purpose: int, number: int | Array) -> Array:
    """The random key of iteration or block `number` for one purpose."""
    return jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), purpose), number)


def in_chunks(f: Callable[[Array], Any]) -> Callable[[Array], Any]:
    """`vmap(f)`, over few walkers at a time on a CPU, whose caches hold no more."""
    if jax.default_backend() != "cpu":
        return jax.vmap(f)
    return lambda x: jax.lax.map(f, x, batch_size=CHUNK)


class Optimizer:
    """SPRING on |ψ|² samples. A state holds parameters, last direction, mean parameters, walkers, step size, number.

    In single precision are the walk, the scores ∂ln|ψ|/∂θ and the products of them (the kernel); in double precision
    local energies, the solve and the parameters.
    """

    def __init__(self, ansatz: Ansatz, settings: NeuralSettings):
        self.ansatz, self.settings = ansatz, settings
        template = ansatz.initial(settings.seed)
        self.unravel = ravel_pytree(jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), template))[1]
        self._unravel_single = ravel_pytree(jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), template))[1]
        self.step = jax.jit(self._step, donate_argnums=0)

    def start(self, parameters: Any, walkers: np.ndarray) -> OptimizerState:
        """The state before the first iteration."""
        theta = ravel_pytree(jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), parameters))[0]
        return {
            "theta": theta,
            "mean_theta": theta.copy(),
            "direction": jnp.zeros_like(theta),
            "walkers": jnp.asarray(walkers, jnp.float32),
            "step_size": jnp.asarray(0.3, jnp.float32),
            "iteration": jnp.asarray(0, jnp.int64),
        }

    def _step(self, state: OptimizerState) -> tuple[OptimizerState, Array]:
        """The next state, and (energy, variance, acceptance) of this one's samples as they are."""
        options, theta, number = self.settings, state["theta"], state["iteration"]
        parameters = self.unravel(theta)
        single = theta.astype(jnp.float32)
        coarse = self._unravel_single(single)
        key = random_key(options.seed, OPTIMIZATION, number)
        walkers, acceptance = metropolis.walk(
            self.ansatz,
            in_chunks(lambda r: self.ansatz.log_psi(coarse, r)),
            state["walkers"],
            key,
            state["step_size"],
            SWEEPS,
        )
        energies = in_chunks(lambda r: local_energy(self.ansatz, parameters, r))(walkers.astype(jnp.float64))

        def score(r: Array) -> Array:
            return jax.grad(lambda x: self.ansatz.log_psi(self._unravel_single(x), r))(single)

        scores = in_chunks(score)(walkers)
        damping = jnp.maximum(options.damping, FIRST_DAMPING * jnp.exp(-number / DAMPING_DECAY))
        direction = spring.spring_step(
            scores, spring.compressed(energies), state["direction"], damping, options.momentum
        )
        rate = options.learning_rate / (1 + number / (DECAY * max(options.iterations, 1)))
        theta = theta + spring.limited(direction, rate, LONGEST_STEP)
        averaged = jnp.maximum(number - int((1 - AVERAGED) * options.iterations), 0) + 1
        new = {
            "theta": theta,
            "mean_theta": state["mean_theta"] + (theta - state["mean_theta"]) / averaged,
            "direction": direction,
            "walkers": walkers,
            "step_size": metropolis.adapted(state["step_size"], acceptance).astype(jnp.float32),
            "iteration": number + 1,
        }
        return new, jnp.stack([jnp.mean(energies), jnp.var(energies), acceptance])

    def run(
        self,
        state: OptimizerState,
        history: list[np.ndarray],
        save: Callable[[Mapping[str, np.ndarray]], None],
        tell: Callable[[str], None],
        until: int | None = None,
    ) -> OptimizerState:
        """Iterations up to `until` (None: all). `history` grows by (energy, variance, acceptance) of each.

        NotConverged when the local energies are no longer finite.
        """
        last = self.settings.iterations if until is None else until
        saved = told = time.monotonic()
        pending: list[Array] = []
        number = int(state["iteration"])
        while number < last:
            state, measured = self.step(state)
            pending.append(measured)
            number += 1
            if len(pending) < LOOK_EVERY and number < last:
                continue
            history += [np.asarray(x) for x in pending]
            pending = []
            if not np.all(np.isfinite(history[-1])):
                raise NotConverged(
                    f"the optimization diverged at iteration {number}: local energies are not finite; a smaller"
                    " learning_rate (0.02, say) or a larger damping helps"
                )
            now = time.monotonic()
            if now - told > TELL_EVERY_S or number == last:
                told = now
                tell(f"iteration {number} of {last}: {summary(history)}")
            if now - saved > SAVE_EVERY_S or number == last:
                saved = now
                save({**{name: np.asarray(x) for name, x in state.items()}, "history": np.array(history)})
        return state


def summary(history: list[np.ndarray]) -> str:
    """Energy and variance over the last iterations, as text."""
    last = np.array(history[-50:])
    return f"{last[:, 0].mean():.5f} hartree, variance {last[:, 1].mean():.2g}, acceptance {last[:, 2].mean():.2f}"


def fingerprint(ansatz: Ansatz, settings: NeuralSettings) -> str:
    """Everything that a checkpoint depends on."""
    return json.dumps([asdict(ansatz), asdict(settings), jax.__version__], sort_keys=True)


def load(path: Path, key: str) -> dict[str, np.ndarray] | None:
    """The arrays saved at `path` for `key`; None where there are none that can be trusted."""
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError):
        return None
    return arrays if str(arrays.pop("fingerprint", "")) == key else None


def save(path: Path, key: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write by atomic rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, fingerprint=np.array(key), **arrays)  # type: ignore[arg-type]
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
