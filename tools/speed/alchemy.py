"""CPU time of `alchemical_hessian` over that of the SCF, of benzene: `python tools/speed/alchemy.py [LEVEL …]`.

For each level (hf/def2-svp and pbe/def2-svp) one line: seconds of the SCF, of the Hessian with the equations of one
atom of those that symmetry exchanges, of the same with the equations of all, both over the SCF, and how far the two
Hessians are from each other in hartree/e². One thread; all in one process, so that a load of the machine is in all.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from qmbench import Molecule, Resources, parse_level

RADII = {"C": 2.636, "H": 4.690}  # bohr


def benzene() -> Molecule:
    """A regular hexagon, so that two of the atoms are different."""
    angles = np.pi / 3 * np.arange(6)
    sites = [(r * np.cos(a), r * np.sin(a), 0.0) for r in RADII.values() for a in angles]
    return Molecule(("C",) * 6 + ("H",) * 6, tuple(sites), 0, 1, name="benzene")


def timed(what: Callable[[], Any]) -> tuple[Any, float]:
    """What it gives, and its CPU seconds."""
    start = time.process_time()
    return what(), time.process_time() - start


def main() -> None:
    from qmbench_pyscf.coupled_perturbed import response_matrix
    from qmbench_pyscf.mean_field_object import nuclear_attraction
    from qmbench_pyscf.mole import pyscf_session
    from qmbench_pyscf.specification import UNPERTURBED

    print("level                 SCF  by symmetry  ratio    all  ratio  difference")
    for spelling in sys.argv[1:] or ("hf/def2-svp", "pbe/def2-svp"):
        method: Any = parse_level(spelling).make()
        with tempfile.TemporaryDirectory() as folder:
            resources = Resources(cores=1, artifacts=Path(folder) / "artifacts", scratch=Path(folder) / "scratch")
            with pyscf_session(resources):
                point, scf = timed(lambda m=method, r=resources: m.point(benzene(), UNPERTURBED, r))
                found, quick = timed(point.charge_hessian)
                mf = point.state
                whole, slow = timed(lambda mf=mf: response_matrix(mf, nuclear_attraction(mf.mol)))
        off = np.abs(found - whole).max()
        print(f"{spelling:16} {scf:8.2f} {quick:12.2f} {quick / scf:6.2f} {slow:6.2f} {slow / scf:6.2f}  {off:.1e}")


if __name__ == "__main__":
    main()
