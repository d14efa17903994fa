"""From a molecule to a sampler of its neural wavefunction: pretrained, optimized, equilibrated.

Importing this module imports no JAX.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmbench import Molecule, Resources, Unsupported
from qmbench_vmc.neural.options import NeuralSettings, resolve

if TYPE_CHECKING:
    from qmbench_vmc.neural.sampler import NeuralSampler


def wavefunction(
    molecule: Molecule,
    options: Any,
    checkpoint: Path | None = None,
    resources: Resources | None = None,
    tell: Callable[[str], None] | None = None,
) -> NeuralSampler:
    """Pretrain and optimize the neural wavefunction of `molecule`, and hand back an equilibrated sampler of it.

    options: the fields of `NeuralOptions`, `seed` and `walkers`. checkpoint: folder to go on from and to leave
    behind (None: nothing is kept); the key of the folder must say everything in `options` but how long to sample,
    though one made for something else is not used. tell: called with a line of progress now and then (None:
    standard error). The same numbers come out whether the checkpoint was there or not.

    Ghosts are left out (there is no basis set), and the order of the atoms makes no difference. NotConverged when
    the optimization diverges; Unsupported where JAX is not installed.
    """
    settings = resolve(molecule, options)
    _start_jax((resources or Resources()).cores)
    import jax
    import numpy as np

    from qmbench_vmc.neural import optimization
    from qmbench_vmc.neural.ansatz import Ansatz
    from qmbench_vmc.neural.sampler import NeuralSampler, equilibrated

    tell = tell or (lambda line: print(f"vmc neural: {line}", file=sys.stderr, flush=True))
    molecule = _sorted(molecule)
    ansatz = Ansatz(
        positions=molecule.positions,
        charges=tuple(float(z) for z in molecule.atomic_numbers),
        spins=molecule.n_alpha_beta,
        width=settings.width,
        layers=settings.layers,
        determinants=settings.determinants,
    )
    key = optimization.fingerprint(ansatz, settings)
    optimizer = optimization.Optimizer(ansatz, settings)
    final = checkpoint / "wavefunction.npz" if checkpoint else None
    found = optimization.load(final, key) if final else None
    if found is None:
        found = _optimized(molecule, optimizer, settings, checkpoint, key, resources, tell)
        parameters = optimizer.unravel(found["mean_theta"])
        found["walkers"], size = equilibrated(
            ansatz, parameters, found["walkers"], float(found["step_size"]), settings.seed
        )
        found["step_size"] = np.array(size)
        if final:
            optimization.save(final, key, found)
    history = found["history"]
    facts = {
        **{name: getattr(settings, name) for name in NeuralSettings.__dataclass_fields__},
        "parameters": int(found["mean_theta"].size),
        "device": jax.devices()[0].device_kind,
        "jax": jax.__version__,
        "hartree_fock_energy": float(found["hartree_fock"]),
        **_progress_facts(history),
    }
    sampler = NeuralSampler(
        ansatz,
        optimizer.unravel(found["mean_theta"]),
        found["walkers"],
        float(found["step_size"]),
        settings.seed,
        sweeps=10 if molecule.n_electrons < 3 else 20,
        facts=facts,
    )
    sampler.history = history
    return sampler


def estimate_seconds(molecule: Molecule, options: Any) -> float:
    """Rough seconds on one core for the optimization, compilation included; sampling comes on top."""
    s = resolve(molecule, options)
    n = molecule.n_electrons
    network = n * (3 * n + 2) * s.width * (s.width * s.layers * 2 + n * s.layers * 2 + s.determinants * n)
    per_step = s.walkers * network * 8e-10 + s.walkers**2 * s.width * s.width * 2e-10
    return 30.0 + s.iterations * per_step


def _optimized(
    molecule: Molecule,
    optimizer: Any,
    settings: NeuralSettings,
    checkpoint: Path | None,
    key: str,
    resources: Resources | None,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """The last state of the optimization as arrays, with its `history` and the Hartree–Fock energy."""
    import jax.numpy as jnp
    import numpy as np

    from qmbench_vmc.neural import optimization

    path = checkpoint / "optimization.npz" if checkpoint else None
    found = optimization.load(path, key) if path else None
    if found is not None:
        history, hartree_fock = list(found.pop("history")), found.pop("hartree_fock")
        state = {name: jnp.asarray(value) for name, value in found.items()}
        tell(f"going on from iteration {int(state['iteration'])}")
    else:
        parameters, walkers, energy, residual = _pretrained(molecule, optimizer.ansatz, settings, resources)
        tell(f"Hartree-Fock energy {energy:.5f} hartree; orbitals fitted, relative residual {residual:.1e}")
        history, hartree_fock = [], np.array(energy)
        state = optimizer.start(parameters, walkers)

    def keep(arrays: Any) -> None:
        if path is not None:
            optimization.save(path, key, {**arrays, "hartree_fock": hartree_fock})

    state = optimizer.run(state, history, keep, tell)
    arrays = {name: np.asarray(value) for name, value in state.items()}
    return {**arrays, "history": np.array(history).reshape(-1, 3), "hartree_fock": hartree_fock}


def _pretrained(
    molecule: Molecule, ansatz: Any, settings: NeuralSettings, resources: Resources | None
) -> tuple[Any, ...]:
    """Parameters, walkers (W, N, 3), Hartree–Fock energy and the residual of the fit."""
    import numpy as np

    from qmbench_vmc.neural import pretraining

    random = np.random.default_rng([settings.seed, 2])
    matrices, mf = pretraining.hartree_fock(molecule, resources)
    start = pretraining.placed(mf, settings.walkers, random)
    states, targets = pretraining.sample_determinant(matrices, start, random, sweeps=300, keep=10)
    parameters, residual = ansatz.initial(settings.seed), float("nan")
    if settings.pretraining:
        parameters, residual = pretraining.fit_orbitals(ansatz, parameters, states, targets, settings.pretraining)
    return parameters, states[-1], float(mf.e_tot), residual


def _progress_facts(history: Any) -> dict[str, Any]:
    """What the optimization reached, and by how much its last tenth lies below the tenth before (hartree)."""
    tenth = max(len(history) // 10, 1)
    if len(history) < 2 * tenth:
        return {}
    last, before = history[-tenth:, 0].mean(), history[-2 * tenth : -tenth, 0].mean()
    return {
        "optimization_energy": float(last),
        "optimization_energy_variance": float(history[-tenth:, 1].mean()),
        "optimization_gain_of_last_tenth": float(before - last),
    }


def _sorted(molecule: Molecule) -> Molecule:
    """The real nuclei in an order of their own: heaviest first, then by position."""
    order = sorted(molecule.real, key=lambda i: (-int(molecule.atomic_numbers[i]), molecule.positions[i]))
    return Molecule(
        symbols=tuple(molecule.symbols[i] for i in order),
        positions=tuple(molecule.positions[i] for i in order),
        charge=molecule.charge,
        multiplicity=molecule.multiplicity,
        name=molecule.name,
    )


def _start_jax(cores: int) -> None:
    """Import JAX in double precision with `cores` threads; what is set here counts only before its first import."""
    os.environ.setdefault("NPROC", str(cores))
    # The small factorizations of the determinants and of the kernel lose by threads of their own.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        import jax
    except ImportError:
        raise Unsupported("ansatz=neural needs JAX: pip install 'qmbench-vmc[neural]'") from None
    jax.config.update("jax_enable_x64", True)
