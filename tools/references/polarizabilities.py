"""Mean and anisotropy of the polarizability from published principal components.

Components (angstrom^3, CCSD(T) at the basis-set limit) of Hait and Head-Gordon, Phys. Chem. Chem. Phys. 20, 19800
(2018), in polarizability_tensors.csv; the molecules lie so that the tensor is diagonal.

Run: python tools/references/polarizabilities.py
"""

import csv
from math import sqrt
from pathlib import Path

HALF_UNIT = 0.0005  # of the last digit of a component, angstrom^3


def tensors():
    """{species: (xx, yy, zz)} in angstrom^3."""
    with open(Path(__file__).with_name("polarizability_tensors.csv"), newline="", encoding="utf-8") as handle:
        return {
            row["species"]: tuple(float(row[f"{axis}_angstrom3"]) for axis in ("xx", "yy", "zz"))
            for row in csv.DictReader(handle)
        }


def mean(components):
    return sum(components) / 3


def anisotropy(components):
    """sqrt of half the sum of squared differences."""
    x, y, z = components
    return sqrt(((x - y) ** 2 + (y - z) ** 2 + (z - x) ** 2) / 2)


def mean_rounding(components):
    """Rounding of the mean: equal components round alike, different ones independently."""
    return HALF_UNIT * sqrt(sum(components.count(c) ** 2 for c in set(components))) / 3


def anisotropy_rounding(components):
    """First-order propagation of the rounding of the distinct components."""
    delta = anisotropy(components)
    slopes = {}
    for c in components:
        slopes[c] = slopes.get(c, 0.0) + (3 * c - sum(components)) / (2 * delta)
    return HALF_UNIT * sqrt(sum(slope**2 for slope in slopes.values()))


def main():
    for species, components in tensors().items():
        print(f"{species},{mean(components):.4f},{anisotropy(components):.4f}")


if __name__ == "__main__":
    main()
