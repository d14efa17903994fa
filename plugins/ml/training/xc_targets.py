"""The numbers that `ml-xc` is fitted to and judged by: total energies, ionization and dissociation energies.

Total energies and, where it was computed for both, ionization energies are of all electrons correlated; the rest of the
differences is with frozen cores. See `xc_labels` for the levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from xc_systems import atoms, cases, cations, diatomics

LABELS = Path(__file__).parent / "data" / "xc.npz"
SPLITS = ("train", "calibration", "test")


@dataclass(frozen=True)
class Target:
    """Σ coefficient × E(system) in hartree; kind: total, ionization or dissociation; split: its strictest part."""

    name: str
    kind: str
    terms: tuple[tuple[float, str], ...]
    value: float
    split: str

    def of(self, energies: Mapping[str, float | np.ndarray]) -> float | np.ndarray:
        """The same from other energies (or gradients of energies) by system."""
        return sum(c * energies[name] for c, name in self.terms)


def extrapolated(hf_small: float, hf_large: float, small: float, large: float) -> float:
    """Hartree–Fock of the larger basis, and the correlation energy extrapolated from X = 3 and 4 as X⁻³."""
    return hf_large + ((large - hf_large) * 4**3 - (small - hf_small) * 3**3) / (4**3 - 3**3)


def labels(path: Path = LABELS) -> tuple[dict[str, float], dict[str, float]]:
    """Energies in hartree by system: with frozen cores, and of all electrons where those were correlated."""
    with np.load(path) as data:
        rows = dict(zip(data["names"].tolist(), data["energies"], strict=True))
    order = ([0, 1, 2, 3], [4, 5, 6, 7])
    frozen, every = ({name: extrapolated(*row[i]) for name, row in rows.items()} for i in order)
    coreless = {"H", "He", "He+", "H2"}
    return frozen, {
        name: frozen[name] if name in coreless else e for name, e in every.items() if name in coreless or np.isfinite(e)
    }


def targets(path: Path = LABELS) -> list[Target]:
    """All of them, in a fixed order. Hydrogen's total energy is none: no parameter changes it."""
    frozen, every = labels(path)
    split = {case.name: case.split for case in cases()}

    def target(name: str, kind: str, terms: Sequence[tuple[float, str]], energies: Mapping[str, float]) -> Target:
        strictest = max((split[s] for _, s in terms), key=SPLITS.index)
        return Target(name, kind, tuple(terms), float(sum(c * energies[s] for c, s in terms)), strictest)

    found = [target(a.name, "total", [(1, a.name)], every) for a in atoms() if a.name in every and a.name != "H"]
    for ion in cations():
        neutral = ion.name.removesuffix("+")
        energies = every if {ion.name, neutral} <= every.keys() else frozen
        found.append(target(neutral, "ionization", [(1, ion.name), (-1, neutral)], energies))
    for case in diatomics():
        terms = [*((1, s) for s in case.symbols), (-1, case.name)]
        found.append(target(case.name, "dissociation", terms, frozen))
    return found
