"""Ratios of systems outside the training range, data/perturbed.npz: nothing is trained on them.

    python plugins/ml/training/make_perturbed.py [--labels FOLDER]

They say how fast errors grow beyond the training data, which `train_hirshfeld.py` widens error bars by: small training
molecules compressed, stretched and bent, training complexes pushed together, and molecules with bonds that no training
molecule has. Labelled by BASELINE. A system that does not converge is left out.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from geometries import seed_of
from labels import BASELINE, BASELINE_PROPERTIES, Labeller
from leakage import systems_of
from make_data import MANIFEST, description

from qmbench import Molecule
from qmbench.domain.units import BOHR_IN_ANGSTROM
from qmbench_ml.delta.model import VDW_RADII

DATA = Path(__file__).parent / "data"
FILE = DATA / "perturbed.npz"
SMALL = (
    *("hydrogen", "nitrogen", "fluorine", "hydrogen fluoride", "carbon monoxide", "carbon dioxide", "nitrous oxide"),
    *("formaldehyde", "methanimine", "hydrogen peroxide", "fluoromethane", "methanol"),
)
SCALES = (0.8, 0.9, 1.1, 1.25)
DISPLACEMENTS = (0.12, 0.25)  # ångström, standard deviation of every coordinate
CONTACTS = (0.6, 0.75)  # closest contact in sums of van der Waals radii; that of training is 0.85 and more
LARGEST_COMPLEX = 8  # atoms
# Of ASE's table of small molecules: bonds, rings or neighbours that no training molecule has.
STRANGERS = (
    *("F2O", "NF3", "O3", "HCF3", "CF4", "COF2", "C2F4", "CH3COF", "CH3NO2", "CH3ONO", "OCHCHO", "CH2_s1A1d"),
    *("bicyclobutane", "2-butyne"),
)


def systems() -> Iterator[Molecule]:
    """All of them, in a fixed order."""
    monomers = {m.name: m for m in systems_of(DATA / "monomers.npz")}
    for name in SMALL:
        molecule = monomers[f"{name} 1"]
        for scale in SCALES:
            yield _placed(molecule, scale * molecule.coordinates, f"{name}, scaled by {scale}")
        if molecule.n_parts > 2:
            for number, width in enumerate(DISPLACEMENTS, 1):
                rng = np.random.default_rng(seed_of(name, "displaced", str(number)))
                moved = rng.normal(scale=width / BOHR_IN_ANGSTROM, size=molecule.coordinates.shape)
                yield _placed(molecule, molecule.coordinates + moved, f"{name}, displaced {number}")
    pairs: set[str] = set()
    for molecule in (*systems_of(DATA / "dimers.npz"), *systems_of(DATA / "contacts.npz")):
        pair = molecule.name.rpartition(" ")[0]
        if pair in pairs or molecule.n_parts > LARGEST_COMPLEX:
            continue
        pairs.add(pair)
        for contact in CONTACTS:
            yield _placed(molecule, pushed_together(molecule, contact), f"{pair}, contact {contact}")
    yield from _strangers()


def pushed_together(molecule: Molecule, contact: float, back: float = 0.0) -> np.ndarray:
    """Positions (n, 3) in bohr: the second fragment moved along the closest contact until that is `contact` sums.

    It starts `back` bohr away from where it is.
    """
    first, second = (list(f.atoms) for f in molecule.fragments)
    positions = molecule.coordinates.copy()
    radii = np.array([VDW_RADII[s] for s in molecule.symbols]) / BOHR_IN_ANGSTROM
    sums = radii[first][:, None] + radii[second]

    def reduced(x: np.ndarray) -> np.ndarray:
        return np.linalg.norm(x[first][:, None] - x[second], axis=-1) / sums

    i, j = np.unravel_index(reduced(positions).argmin(), sums.shape)
    along = positions[first[i]] - positions[second[j]]
    low, high = -back, float(np.linalg.norm(along))
    while high - low > 1e-6:  # the closest contact falls on the way in
        middle = (low + high) / 2
        moved = positions.copy()
        moved[second] += along / np.linalg.norm(along) * middle
        low, high = (middle, high) if reduced(moved).min() > contact else (low, middle)
    positions[second] += along / np.linalg.norm(along) * low
    return positions


def closest_contact(molecule: Molecule) -> float:
    """Least distance of two atoms of the two fragments, in sums of van der Waals radii."""
    first, second = (list(f.atoms) for f in molecule.fragments)
    radii = np.array([VDW_RADII[s] for s in molecule.symbols]) / BOHR_IN_ANGSTROM
    apart = np.linalg.norm(molecule.coordinates[first][:, None] - molecule.coordinates[second], axis=-1)
    return float((apart / (radii[first][:, None] + radii[second])).min())


def _strangers() -> Iterator[Molecule]:
    from ase.build import molecule

    for name in STRANGERS:
        atoms = molecule(name)
        positions = np.round(atoms.positions / BOHR_IN_ANGSTROM, 6)
        yield Molecule(tuple(atoms.get_chemical_symbols()), tuple(map(tuple, positions.tolist())), 0, 1, name=name)


def _placed(molecule: Molecule, positions: np.ndarray, name: str) -> Molecule:
    return Molecule(molecule.symbols, tuple(map(tuple, np.round(positions, 6).tolist())), 0, 1, name=name)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Ratios of systems outside the training range.")
    parser.add_argument("--labels", type=Path, default=Path(__file__).parent / "labels-cache", help="folder of labels")
    labels, kept = Labeller(parser.parse_args(argv).labels), []
    for molecule in systems():
        found = labels.compute(BASELINE, molecule, BASELINE_PROPERTIES)
        print(f"{molecule.name}: {found['cpu_s']:.1f} CPU s {found.get('error', '')}", flush=True)
        if "values" in found:
            kept.append((molecule, np.array(found["values"]["hirshfeld_ratios"])))
    np.savez_compressed(
        FILE,
        names=np.array([m.name for m, _ in kept]),
        numbers=np.concatenate([m.atomic_numbers for m, _ in kept]).astype(np.int8),
        positions=np.concatenate([m.coordinates for m, _ in kept]),
        starts=np.cumsum([0, *[len(m.symbols) for m, _ in kept]]),
        ratios=np.concatenate([ratios for _, ratios in kept]),
    )
    manifest = json.loads(MANIFEST.read_text())
    manifest["data"]["files"]["perturbed"] = description(FILE, [m for m, _ in kept])
    MANIFEST.write_text(json.dumps(manifest, indent=1) + "\n")
    print(f"{FILE.name}: {len(kept)} systems")


if __name__ == "__main__":
    main()
