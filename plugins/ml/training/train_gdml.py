"""Gradient-domain force fields of small molecules: geometries, labels, models.

    python plugins/ml/training/train.py gdml [--relabel]

Labels are energies and forces at LEVEL, kept in data/gdml_MOLECULE.npz; models go to src/qmbench_ml/models.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gdml_geometries import hessian, normal_modes, relax, thermal_sample

from qmbench import ATOMIC_NUMBERS, Molecule, Resources
from qmbench.domain.units import BOHR_IN_ANGSTROM
from qmbench_ml.gdml import ForceField, Labels, calibrated, coverage, fit

HERE = Path(__file__).parent
DATA = HERE / "data"
MANIFEST = HERE / "manifest.json"
MODELS = HERE.parent / "src" / "qmbench_ml" / "models"
BASIS = "def2-svp"
LEVEL = f"hf/{BASIS}?stability=false"  # closed shells near equilibrium: there is nothing to follow downhill
ELECTRON_MASSES = 1822.888486209  # in one dalton, CODATA 2018


@dataclass(frozen=True)
class Target:
    """What to train on: a start geometry (ångström), how many geometries of which use, and at what temperature.

    Training geometries are sampled hotter than the held-out ones, to which the answers are confined: errors are the
    largest where a sample ends. The far ones are there to be refused.
    """

    symbols: str
    start: tuple[tuple[float, float, float], ...]
    train: int
    held_out: int
    far: int
    train_temperature: float = 2000.0
    temperature: float = 600.0
    far_temperature: float = 12000.0
    rotor: tuple[int, int, tuple[int, ...]] | None = None


TARGETS = {
    "water": Target("OHH", ((0, 0, 0.12), (0, 0.76, -0.47), (0, -0.76, -0.47)), 250, 1600, 60),
    "formaldehyde": Target("COHH", ((0, 0, -0.53), (0, 0, 0.67), (0, 0.94, -1.12), (0, -0.94, -1.12)), 250, 420, 30),
    "methanol": Target(
        "COHHHH",
        (
            (-0.047, 0.66, 0),
            (-0.047, -0.76, 0),
            (-1.09, 0.97, 0),
            (0.44, 1.07, 0.89),
            (0.44, 1.07, -0.89),
            (0.87, -1.06, 0),
        ),
        180,
        330,
        16,
        train_temperature=1000.0,
        rotor=(0, 1, (2, 3, 4)),
    ),
}


def label(symbols: str, positions: np.ndarray) -> tuple[float, np.ndarray]:
    """Energy (hartree) and forces (N, 3) (hartree/bohr) at LEVEL of the geometry `positions` (N, 3), bohr."""
    from qmbench_pyscf import ScfSpecification, converged_scf, pyscf_session

    molecule = Molecule(tuple(symbols), tuple(map(tuple, positions.tolist())), 0, 1)
    resources = Resources(cores=1)
    with pyscf_session(resources):
        mf = converged_scf(molecule, ScfSpecification(BASIS, stability=False), resources=resources)
        return float(mf.e_tot), -np.asarray(mf.nuc_grad_method().kernel())


def make_labels(name: str, target: Target) -> dict[str, np.ndarray]:
    """Positions (M, N, 3), energies (M,), forces (M, N, 3): the equilibrium, then the samples in `Target`'s order."""
    from ase.data import atomic_masses

    def force_of(x: np.ndarray) -> tuple[float, np.ndarray]:
        return label(target.symbols, x)

    seed = hashlib.sha256(name.encode()).digest()[0]
    masses = np.array([atomic_masses[ATOMIC_NUMBERS[s]] for s in target.symbols]) * ELECTRON_MASSES
    equilibrium = relax(force_of, np.array(target.start) / BOHR_IN_ANGSTROM)
    modes = normal_modes(hessian(force_of, equilibrium), masses)
    wanted = (
        (target.train_temperature, target.train, [seed, 1]),
        (target.temperature, target.held_out, [seed]),
        (target.far_temperature, target.far, [seed, 2]),
    )
    samples = (
        thermal_sample(equilibrium, modes, temperature, count, np.random.default_rng(stream), target.rotor)
        for temperature, count, stream in wanted
    )
    positions = np.concatenate([equilibrium[None], *samples])
    labels = [force_of(x) for x in positions]
    return {
        "positions": positions,
        "energies": np.array([energy for energy, _ in labels]),
        "forces": np.array([force for _, force in labels]),
    }


def labels_of(name: str, relabel: bool) -> dict[str, np.ndarray]:
    """The labels of one molecule: the kept ones, or made anew and kept."""
    path = DATA / f"gdml_{name}.npz"
    if relabel or not path.exists():
        started = time.process_time()
        found = make_labels(name, TARGETS[name])
        DATA.mkdir(exist_ok=True)
        np.savez_compressed(path, **found)
        print(f"gdml {name}: {len(found['energies'])} labels in {time.process_time() - started:.0f} CPU s", flush=True)
    with np.load(path) as kept:
        return dict(kept)


def split(name: str, data: dict[str, np.ndarray]) -> dict[str, Labels]:
    """Labels to train on, to calibrate with, to test on, and the hot ones, in the order of the file."""
    target = TARGETS[name]
    labels = Labels(tuple(target.symbols), data["positions"], data["energies"], data["forces"])
    ends = np.cumsum([1 + target.train, target.held_out // 2, target.held_out - target.held_out // 2, target.far])
    if len(labels) != ends[-1]:
        raise ValueError(f"{name}: {len(labels)} labels are kept, not {ends[-1]}; run with --relabel")
    bounds = zip(("train", "calibrate", "test", "hot"), (0, *ends), ends, strict=False)
    return {part: labels[a:b] for part, a, b in bounds}


def trained(name: str, parts: dict[str, Labels]) -> ForceField:
    """The model of one molecule from its parts `train` and `calibrate`."""
    model = fit(parts["train"], name=name, charge=0, multiplicity=1, level=LEVEL)
    return calibrated(model, parts["calibrate"])


def main(argv: Sequence[str] = ()) -> None:
    """Train every model and write it to MODELS; the hashes of the labels go to MANIFEST."""
    parser = argparse.ArgumentParser(prog="train.py gdml")
    parser.add_argument("--relabel", action="store_true", help="make the labels anew")
    relabel = parser.parse_args(argv).relabel
    entries = {}
    for name in TARGETS:
        data = labels_of(name, relabel)
        parts = split(name, data)
        started = time.process_time()
        model = trained(name, parts)
        MODELS.mkdir(exist_ok=True)
        model.save(MODELS / f"gdml_{name}.npz")
        report(model, parts, time.process_time() - started)
        entries[f"gdml_{name}"] = {
            "level": LEVEL,
            "sha256": hashlib.sha256(
                b"".join(np.ascontiguousarray(data[k]).tobytes() for k in sorted(data))
            ).hexdigest(),
            "geometries": {part: len(labels) for part, labels in parts.items()},
        }
    manifest = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else {}
    MANIFEST.write_text(json.dumps({**manifest, **entries}, indent=1) + "\n")


def report(model: ForceField, parts: dict[str, Labels], seconds: float) -> None:
    """One line of errors on the geometries that were used for nothing."""
    test = parts["test"]
    energy = np.abs(model.energies(test.positions) - test.energies).mean()
    force = np.abs(model.forces(test.positions) - test.forces).mean()
    covered = coverage(model, test)
    print(
        f"gdml {model.name}: trained in {seconds:.1f} CPU s; mean absolute test errors {1e3 * energy:.4f} millihartree,"
        f" {1e3 * force:.3f} millihartree/bohr; 1.645 error bars cover {covered[0]:.3f} and {covered[1]:.3f}",
        flush=True,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
