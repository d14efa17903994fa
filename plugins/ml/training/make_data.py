"""The training data of qmbench-ml: geometries, labels by this repository's own levels, files with their hashes.

    python plugins/ml/training/make_data.py [--labels FOLDER] [--minutes M] [--only KIND] [--same] [--copy FOLDER]

Every label is kept in FOLDER as soon as it is there, so a second call goes on where the first was stopped. With
--minutes nothing is computed after M minutes; what is there is written to data/ and manifest.json. Cheap systems come
first. --same takes the systems of the data that is there, to make it again. --copy writes the files there too, every
few minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from geometries import (
    CONTACTS,
    DYNAMICS_TEMPERATURE,
    MODE_TEMPERATURE,
    SEED,
    dimer_pairs,
    functions,
    heavy_atoms,
    placed_dimer,
)
from geometries import monomers as monomer_geometries
from labels import BASELINE, COUPLED_CLUSTER, MP2_LARGE, MP2_SMALL, Labeller
from training_systems import MOLECULES, SMALL

from qmbench import Molecule

HERE = Path(__file__).parent
DATA = HERE / "data"
MANIFEST = HERE / "manifest.json"
LABELS = HERE / "labels-cache"
PLACEMENTS = 4
AGAIN = 0.2  # how much larger a complex counts with each placement before it, in the order of labelling
COPY_EVERY_S = 240.0
PROGRAMS = ("pyscf", "qmbench-pyscf", "qmbench-mbd", "rdkit", "ase", "numpy", "scipy")

Labelled = tuple[Molecule, dict[str, Any]]


def queue() -> Iterator[tuple[str, tuple[Any, ...]]]:
    """What to label, in this order: the smallest molecules, then larger ones and complexes in turn.

    Of the larger molecules the aromatic ones and the amides come first, then the others, then second geometries.
    """
    names = sorted([*SMALL, *MOLECULES], key=lambda n: (heavy_atoms(n), n))
    small = [n for n in names if heavy_atoms(n) <= 3]
    large = [n for n in names if n not in small]
    special = [n for n in large if "c1" in MOLECULES[n] or "C(=O)N" in MOLECULES[n]]
    order = [*special, *(n for n in large if n not in special)]
    first = [(name, 0) for name in order] + [(name, 1) for name in names]
    dimers = dimers_in_order()
    yield from (("monomer", (name, 0)) for name in small)
    for i in range(max(len(first), len(dimers))):
        if i < len(first):
            yield "monomer", first[i]
        if i < len(dimers):
            yield "dimer", dimers[i]


def dimers_in_order() -> list[tuple[str, str, int]]:
    """Dimers that bring two elements together for the first time; then the others. Both the cheapest first.

    A second placement of a cheap pair comes before the first of a dear one.
    """
    placed = [(*pair, number) for number in range(1, PLACEMENTS + 1) for pair in dimer_pairs()]
    placed.sort(key=lambda which: functions(*which[:2]) * (1 + AGAIN * (which[2] - 1)))
    first, later, seen = [], [], set()
    for one, two, number in placed:
        symbols = (monomer_geometries(name)[0].symbols for name in (one, two))
        meet = {frozenset(pair) for pair in product(*symbols)}
        (later if meet <= seen else first).append((one, two, number))
        seen |= meet
    return [*first, *later]


def title(kind: str, which: tuple[Any, ...]) -> str:
    """The name that the data has for an item of the queue."""
    return f"{which[0]} {which[1] + 1}" if kind == "monomer" else f"{which[0]}, {which[1]} {which[2]}"


def names_there() -> set[str]:
    """Names of the systems in data/."""
    found: set[str] = set()
    for path in (DATA / "monomers.npz", DATA / "dimers.npz"):
        with np.load(path, allow_pickle=False) as data:
            found |= set(data["names"].tolist())
    return found


def labelled(labels: Labeller, kind: str, which: tuple[Any, ...]) -> Labelled | None:
    """The system and its labels; None where there is no such geometry, or where a level did not converge.

    Once the labels are offline, None also where there is no label, and the system is the one with this name there.
    """
    if labels.offline:
        molecule = labels.systems.get(title(kind, which))
        found = molecule and (labels.baseline(molecule) if kind == "monomer" else labels.interaction(molecule))
        return (molecule, found) if molecule and found else None
    if kind == "monomer":
        geometries = monomer_geometries(which[0])
        if which[1] >= len(geometries):
            return None
        molecule, found = geometries[which[1]], labels.baseline(geometries[which[1]])
    else:
        molecule = placed_dimer(*which)
        found = labels.interaction(molecule)
    return None if found is None else (molecule, found)


def arrays(systems: list[Labelled], dimers: bool) -> dict[str, np.ndarray]:
    """The arrays of one file of data; see `write`."""
    molecules = [m for m, _ in systems]
    found = {
        "names": np.array([m.name for m in molecules]),
        "numbers": np.concatenate([m.atomic_numbers for m in molecules]).astype(np.int8),
        "positions": np.concatenate([m.coordinates for m in molecules]),
        "starts": np.cumsum([0, *[len(m.symbols) for m in molecules]]),
    }
    ratios = "ratios" if dimers else "hirshfeld_ratios"
    found["ratios"] = np.concatenate([np.array(x[ratios]) for _, x in systems])
    found["energy"] = np.array([x["energy"] for _, x in systems])
    if not dimers:
        return found | {"dispersion_energy": np.array([x["dispersion_energy"] for _, x in systems])}
    found["first_fragment"] = np.array([len(m.fragments[0].atoms) for m in molecules])
    return found | {
        f"interaction_{name}": np.array([x[name] for _, x in systems])
        for name in ("ccsd_t", "mp2", "hf", "pbe_mbd", "dispersion")
    }


def write(monomers: list[Labelled], dimers: list[Labelled], folder: Path) -> dict[str, Any]:
    """Write monomers.npz and dimers.npz into `folder`; what the manifest says of them.

    Atoms of all systems stand one after the other: system i has the atoms starts[i] to starts[i + 1]. Lengths in
    bohr, energies in hartree. In dimers.npz, the first `first_fragment[i]` atoms of system i are one molecule and
    the others the second; the interaction energies are counterpoise-corrected.
    """
    folder.mkdir(parents=True, exist_ok=True)
    about = {}
    for name, systems, paired in (("monomers", monomers, False), ("dimers", dimers, True)):
        if systems:
            path = folder / f"{name}.npz"
            np.savez_compressed(path, **arrays(systems, paired))
            about[name] = description(path, [m for m, _ in systems])
    return about


def description(path: Path, systems: list[Molecule]) -> dict[str, Any]:
    """What the manifest says of a file of data."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"systems": len(systems), "atoms": sum(len(m.symbols) for m in systems), "sha256": digest}


def update_manifest(about: dict[str, Any]) -> None:
    """Put the descriptions of files by name into the manifest; those of others stay."""
    old = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else {}
    files = old.get("data", {}).get("files", {}) | about
    MANIFEST.write_text(json.dumps(old | {"data": manifest(files)}, indent=1) + "\n")


def manifest(about: dict[str, Any]) -> dict[str, Any]:
    """Levels, versions, seeds, counts and hashes of the data."""
    return {
        "files": about,
        "levels": {
            "baseline": BASELINE,
            "mp2_small": MP2_SMALL,
            "mp2_large": MP2_LARGE,
            "coupled_cluster": COUPLED_CLUSTER,
        },
        "reference": "HF/aug-cc-pVTZ + MP2 correlation extrapolated (aug-cc-pVDZ, aug-cc-pVTZ) "
        "+ (CCSD(T) - MP2)/aug-cc-pVDZ, counterpoise-corrected, frozen core",
        "versions": {name: version(name) for name in PROGRAMS},
        "sampling": {
            "seed": SEED,
            "mode_temperature_K": MODE_TEMPERATURE,
            "dynamics_temperature_K": DYNAMICS_TEMPERATURE,
            "contacts_in_vdw_sums": CONTACTS,
        },
    }


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--labels", type=Path, default=LABELS, help="folder of the single labels")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="compute nothing after so long")
    parser.add_argument("--only", choices=("monomer", "dimer"), help="label and write systems of one kind alone")
    parser.add_argument("--same", action="store_true", help="the systems in data/ and no others")
    parser.add_argument("--copy", type=Path, help="folder to copy what is there to, every few minutes")
    given = parser.parse_args(argv)
    labels = Labeller(given.labels)
    there = names_there() if given.same else set()
    kept: dict[str, list[Labelled]] = {"monomer": [], "dimer": []}
    started = copied = time.monotonic()
    for kind, which in queue():
        labels.offline = time.monotonic() - started > 60 * given.minutes
        if given.only not in (None, kind) or (given.same and title(kind, which) not in there):
            continue
        cpu = time.process_time()
        found = labelled(labels, kind, which)
        if found or not labels.offline:
            print(f"{kind} {which}: {time.process_time() - cpu:.1f} CPU s{'' if found else ', left out'}", flush=True)
        if found:
            kept[kind].append(found)
        if given.copy and time.monotonic() - copied > COPY_EVERY_S:
            copied = time.monotonic()
            write(kept["monomer"], kept["dimer"], given.copy)
    update_manifest(write(kept["monomer"], kept["dimer"], DATA))


if __name__ == "__main__":
    main()
