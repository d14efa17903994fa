"""Speed of the levels of light and matter: python tools/speed/light.py.

`exact-cavity` of ten emitters with twenty photons, `heom` of a dimer to 1e-4, and QED-HF beside the Hartree–Fock that
it follows, converged by PySCF alone to the same thresholds; processor seconds of one thread. The least of three runs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from qmbench import Molecule, Resources, parse_level
from qmbench_light.models.emitters import EmittersInCavity, Mode
from qmbench_light.models.open_system import Bath, OpenSystem, Piece
from qmbench_light.molecules.system import Mode as MoleculesMode
from qmbench_light.molecules.system import MoleculeInCavity

ANGSTROM = 1 / 0.529177210903
RUNS = 3


def seconds(action: Callable[[], object]) -> float:
    """Processor seconds."""
    start = time.process_time()
    action()
    return time.process_time() - start


def models() -> None:
    ten = EmittersInCavity(10, (Mode(1.0, 0.05),), 1.0)
    baths = tuple(Bath(f"level {n}", reorganization=0.1, cutoff=0.5, temperature=1.0) for n in (1, 2))
    pieces = (Piece("sigma_z", 0.25), Piece("hop 1 2", 0.5))
    dimer = OpenSystem(2, pieces, (1.0, 0.0), tuple(np.linspace(0, 10, 21)), baths)
    properties = ("energies", "photon_number", "polariton_splitting")
    for level, system, asked in (
        ("exact-cavity?photons=20", ten, properties),
        ("heom?tolerance=1e-4", dimer, ("population",)),
    ):
        method = parse_level(level).make()
        least = min(seconds(lambda m=method, s=system, a=asked: m.run(s, a, Resources())) for _ in range(RUNS))
        print(f"{level}: {least:.2f} s")


def mean_field(name: str, molecule: Molecule, basis: str) -> None:
    from pyscf import lib, scf

    from qmbench_light.molecules.meanfield import qed_mean_field
    from qmbench_pyscf import ScfSpecification, converged_scf, pyscf_session, to_mole

    system = MoleculeInCavity(molecule, (MoleculesMode(0.3, (0.0, 0.0, 0.05)),))
    spec, alone, after, whole = ScfSpecification(basis), math.inf, math.inf, math.inf
    for _ in range(RUNS):
        with TemporaryDirectory() as folder:
            resources = Resources(artifacts=Path(folder))

            def follow(resources: Resources = resources) -> None:
                with pyscf_session(resources):
                    converged_scf(molecule, spec, resources)

            first = seconds(follow)

            def field(resources: Resources = resources) -> None:
                with pyscf_session(resources):
                    qed_mean_field(system, spec, resources)

            second = seconds(field)
        with lib.with_omp_threads(1):
            mf = scf.RHF(to_mole(molecule, basis))
            mf.conv_tol, mf.conv_tol_grad = spec.energy_tolerance, 1e-7
            alone = min(alone, seconds(mf.kernel))
        after, whole = min(after, second), min(whole, first + second)
    print(f"| {name} | {basis} | {alone:.2f} | {after:.2f} | {after / alone:.2f} | {whole / alone:.2f} |")


def main() -> None:
    models()
    print("| molecule | basis | HF by PySCF, s | QED-HF from it, s | ratio | ratio with qmbench's HF before it |")
    print("|---|---|---|---|---|---|")
    water = ((0, 0, -0.0685), (0, -0.7907, 0.5437), (0, 0.7907, 0.5437))
    formaldehyde = ((0, 0, -0.6), (0, 0, 0.61), (0, 0.94, -1.18), (0, -0.94, -1.18))
    for name, symbols, places, basis in (
        ("water", "OHH", water, "cc-pvtz"),
        ("formaldehyde", "COHH", formaldehyde, "cc-pvdz"),
        ("formaldehyde", "COHH", formaldehyde, "cc-pvtz"),
    ):
        positions = tuple(tuple(ANGSTROM * x for x in row) for row in places)
        mean_field(name, Molecule(tuple(symbols), positions, 0, 1), basis)


if __name__ == "__main__":
    main()
