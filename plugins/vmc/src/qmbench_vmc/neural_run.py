"""From a molecule to a result with the neural wave function: optimized, then sampled by the driver."""

from __future__ import annotations

import json
import logging
from importlib import metadata
from typing import Any

import numpy as np

from qmbench import Molecule, Quantity, Resources, Result
from qmbench_vmc import driver
from qmbench_vmc.clock import Clock
from qmbench_vmc.options import NEURAL_ONLY, VmcOptions

_log = logging.getLogger("qmbench_vmc")


def neural_result(molecule: Molecule, options: VmcOptions, properties: frozenset[str], resources: Resources) -> Result:
    """Energy and dipole. Optimization and sampling go on from one checkpoint, whatever the target error."""
    from qmbench_vmc.neural.preparation import wavefunction

    clock = Clock(resources)
    with resources.checkpoint(json.dumps(_identity(molecule, options), sort_keys=True)) as folder:
        sampler = wavefunction(molecule, options, folder, resources, tell=_log.info)
        estimate = driver.sample(
            sampler,
            target_error=1e-3 * options.target_error,
            max_blocks=options.max_blocks,
            checkpoint=folder / "samples",
            electrons=molecule.n_electrons,
            time_s=clock.left(),
            name=f"vmc neural, {molecule.name or molecule.formula}",
            progress=_log.info,
        )
    found = {"energy": Quantity(estimate.value, "hartree", estimate.error, "statistical")}
    if "dipole" in properties:
        value, error = estimate.expectation("dipole")
        found["dipole"] = Quantity(np.asarray(value), "e bohr", np.asarray(error), "statistical")
    warnings = ("ghosts are left out: the neural wave function has no basis set",) if any(molecule.ghosts) else ()
    settings = {"ansatz": "neural", **sampler.facts, **estimate.settings()}
    return Result(found, settings, warnings)


def _identity(molecule: Molecule, options: VmcOptions) -> dict[str, Any]:
    """Everything that optimization and samples depend on, but not how many samples."""
    system = {k: v for k, v in molecule.to_json().items() if k not in ("name", "fragments")}
    chosen = {name: getattr(options, name) for name in (*NEURAL_ONLY, "seed", "walkers")}
    versions = [metadata.version("qmbench-vmc"), metadata.version("qmbench-pyscf")]
    return {"what": "neural", "system": system, "options": chosen, "versions": versions}
