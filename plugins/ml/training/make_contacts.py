"""Ratios of touching molecules, data/contacts.npz: complexes too many for coupled cluster, labelled by BASELINE alone.

    python plugins/ml/training/make_contacts.py [--labels FOLDER] [--minutes M] [--same]

Molecules and placements as in make_data.py, other random ones. Each placement goes through all pairs, small ones first;
labels are kept in FOLDER, so a second call goes on, and the file holds what is there after M minutes. Names, numbers,
positions, starts, ratios and first_fragment are those of dimers.npz.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from geometries import heavy_atoms, placed_dimer
from labels import BASELINE, BASELINE_PROPERTIES, Labeller
from make_data import description, update_manifest

HERE = Path(__file__).parent
FILE = HERE / "data" / "contacts.npz"
MOLECULES = (
    "hydrogen fluoride",
    "methanol",
    "methylamine",
    "formaldehyde",
    "methanimine",
    "hydrogen peroxide",
    "ethane",
    "fluoromethane",
    "carbon dioxide",
    "argon",
    "neon",
)
PLACEMENTS = range(11, 14)  # make_data.py has the first ones


def pairs() -> list[tuple[str, str]]:
    """All pairs without two noble-gas atoms, the smaller first."""
    found = [(a, b) for i, a in enumerate(MOLECULES) for b in MOLECULES[i:]]
    found = [pair for pair in found if not set(pair) <= {"argon", "neon"}]
    return sorted(found, key=lambda pair: (heavy_atoms(pair[0]) + heavy_atoms(pair[1]), pair))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Ratios of touching molecules.")
    parser.add_argument("--labels", type=Path, default=HERE / "labels-cache", help="folder of the labels")
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no label after this time")
    parser.add_argument("--same", action="store_true", help="the complexes in contacts.npz and no others")
    given = parser.parse_args(argv)
    until, labels, kept = time.monotonic() + 60 * given.minutes, Labeller(given.labels), []
    there = set(np.load(FILE)["names"].tolist()) if given.same else set()
    for number in PLACEMENTS:
        for pair in pairs():
            labels.offline = time.monotonic() > until
            if given.same and f"{pair[0]}, {pair[1]} {number}" not in there:
                continue
            molecule = placed_dimer(*pair, number)
            found = labels.compute(BASELINE, molecule, BASELINE_PROPERTIES).get("values")
            if found is not None:
                kept.append((molecule, np.array(found["hirshfeld_ratios"])))
    FILE.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        FILE,
        names=np.array([m.name for m, _ in kept]),
        numbers=np.concatenate([m.atomic_numbers for m, _ in kept]).astype(np.int8),
        positions=np.concatenate([m.coordinates for m, _ in kept]),
        starts=np.cumsum([0, *[len(m.symbols) for m, _ in kept]]),
        ratios=np.concatenate([ratios for _, ratios in kept]),
        first_fragment=np.array([len(m.fragments[0].atoms) for m, _ in kept]),
    )
    update_manifest({"contacts": description(FILE, [m for m, _ in kept])})
    print(f"{FILE.name}: {len(kept)} complexes")


if __name__ == "__main__":
    main()
