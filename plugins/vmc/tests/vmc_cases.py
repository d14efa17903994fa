"""Molecules, and trial functions that are made once for all tests."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from qmbench import Molecule, Resources
from qmbench_vmc.options import VmcOptions
from qmbench_vmc.slater_jastrow.trial import Trial, make_trial

HYDROGEN_ATOM = Molecule(("H",), ((0.0, 0.0, 0.0),), 0, 2, name="H")
HELIUM = Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1, name="He")
LITHIUM = Molecule(("Li",), ((0.0, 0.0, 0.0),), 0, 2, name="Li")
BERYLLIUM = Molecule(("Be",), ((0.0, 0.0, 0.0),), 0, 1, name="Be")
CARBON = Molecule(("C",), ((0.0, 0.0, 0.0),), 0, 3, name="C")
HYDROGEN = Molecule(("H", "H"), ((0.0, 0.0, 0.0), (0.0, 0.0, 1.4)), 0, 1, name="H2")
LITHIUM_HYDRIDE = Molecule(("Li", "H"), ((0.0, 0.0, 0.0), (0.0, 0.0, 3.015)), 0, 1, name="LiH")

_FOLDER = tempfile.mkdtemp(prefix="qmbench-vmc-tests-")
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


def resources() -> Resources:
    """Resources whose artifacts all tests of one run share."""
    return Resources(artifacts=Path(_FOLDER) / "artifacts")


@lru_cache
def trial(molecule: Molecule, **options: Any) -> Trial:
    """The trial function; small and quickly optimized unless `options` say otherwise."""
    chosen = {"basis": "cc-pvdz", "walkers": 100, "optimization_steps": 4} | options
    return make_trial(molecule, VmcOptions(**chosen), resources())


def determinants_alone(found: Trial) -> Any:
    """The trial's wave function without its Jastrow factor."""
    from pyqmc.wf.multiplywf import MultiplyWF

    return MultiplyWF(found.wavefunction.wf_factors[0])


def configurations(positions: np.ndarray) -> Any:
    """PyQMC's walkers at (walkers, electrons, 3) positions."""
    from pyqmc.configurations.coord import OpenConfigs

    return OpenConfigs(np.array(positions, dtype=float))


def log_psi(wavefunction: Any, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sign and logarithm of the wave function at (walkers, electrons, 3) positions."""
    sign, value = wavefunction.recompute(configurations(positions))
    return np.asarray(sign), np.asarray(value)
