"""Labels of `ml-xc`: coupled-cluster energies at the basis-set limit, by the repository's own levels of theory.

Differences (atomization, ionization): CCSD(T) with frozen core in cc-pVTZ and cc-pVQZ. Total energies of the atoms Li
to Ne: CCSD(T) of all electrons in cc-pCVTZ and cc-pCVQZ. CCSD(T) is full CI for one and two correlated electrons. The
correlation energy is extrapolated as X⁻³ (Helgaker et al., J. Chem. Phys. 106, 9639 (1997)), Hartree–Fock is that of
the larger basis. A functional converges faster with the basis than a wave function does: fitted to CCSD(T) in a finite
basis it would learn that basis's error, so the labels are extrapolated and the functional is evaluated near the limit.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from xc_systems import Case, cases

from qmbench import Resources, parse_level

COLUMNS = ("hf_tz", "hf_qz", "frozen_tz", "frozen_qz", "hf_cvtz", "hf_cvqz", "all_cvtz", "all_cvqz")
ALL_ELECTRON = frozenset({"Li", "Be", "B", "C", "N", "O", "F", "Ne", "Li+", "Be+", "B+"})


def compute_labels(path: Path) -> None:
    """Write `path`: names (n,), energies (n, 8) in hartree by COLUMNS, seconds (n,) of CPU; goes on from what it holds.

    Delete the file to compute everything again.
    """
    resources = Resources()
    rows, seconds = {}, {}
    if path.exists():
        with np.load(path) as data:
            rows = dict(zip(data["names"].tolist(), data["energies"].tolist(), strict=True))
            seconds = dict(zip(data["names"].tolist(), data["seconds"].tolist(), strict=True))
    for case in cases():
        if case.name in rows:
            continue
        start = time.process_time()
        rows[case.name] = _energies(case, resources)
        seconds[case.name] = time.process_time() - start
        print(f"{case.name:4s} {seconds[case.name]:7.1f} s", flush=True)
        energies = np.array(list(rows.values()))
        np.savez_compressed(
            path, names=np.array(list(rows)), energies=energies, seconds=np.array(list(seconds.values()))
        )


def _energies(case: Case, resources: Resources) -> list[float]:
    def energy(level: str) -> float:
        method = parse_level(level).make()
        found = method.compute(case.molecule(), frozenset({"energy"}), resources)
        return float(found.properties["energy"].value)

    one_electron = case.molecule().n_electrons == 1
    found = [energy("hf/cc-pvtz"), energy("hf/cc-pvqz")]
    if one_electron:
        return [*found, *found, *[np.nan] * 4]
    found += [energy(f"ccsd(t)/cc-pv{x}z?frozen_core=true") for x in "tq"]
    if case.name in ALL_ELECTRON:
        return found + [energy(f"{method}/cc-pcv{x}z") for method in ("hf", "ccsd(t)") for x in "tq"]
    return [*found, *[np.nan] * 4]
