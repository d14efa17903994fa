"""Learned correction of an interaction energy: a Gaussian process that is a sum over contacts between molecules.

A contact is a pair of atoms of two separate molecules. Its covariance with another contact falls with the difference
of their reduced distances and is larger for the same elements, and larger again for the same bonded neighbours. The
prior falls exponentially with distance and vanishes, with two derivatives, at a cutoff. A monomer has no contact, and
molecules far from each other have none: the correction is 0 there and size consistent by construction. In hartree.
Gaussian processes: Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), chapters 2 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from qmbench import units
from qmbench_ml.bonds import components
from qmbench_ml.domain import Ranges
from qmbench_ml.training_set import bonded

FILE = Path(__file__).parent.parent / "models" / "delta.npz"
# Ångström: Bondi, J. Phys. Chem. 68, 441 (1964). A reduced distance is in sums of these.
VDW_RADII = {"H": 1.20, "C": 1.70, "N": 1.55, "O": 1.52, "F": 1.47, "Ne": 1.54, "Ar": 1.88}
SWITCH, CUTOFF = 1.0, 2.0  # reduced distances between which the correction is switched off


@dataclass(frozen=True)
class Contacts:
    """Contacts of one or several systems: reduced distances (n,), kinds "element-element" and with their bonded
    neighbours (n,), the system each belongs to (n,), and how many systems there are."""

    x: np.ndarray
    elements: np.ndarray
    types: np.ndarray
    system: np.ndarray
    count: int

    def of_type(self, kind: str) -> Contacts:
        """The contacts of one kind, all systems kept."""
        mine = self.types == kind
        return Contacts(self.x[mine], self.elements[mine], self.types[mine], self.system[mine], self.count)

    @classmethod
    def joined(cls, several: Sequence[Contacts]) -> Contacts:
        starts = np.cumsum([0, *[c.count for c in several]])
        system = [c.system + start for c, start in zip(several, starts, strict=False)]
        return cls(
            x=np.concatenate([c.x for c in several]),
            elements=np.concatenate([c.elements for c in several]),
            types=np.concatenate([c.types for c in several]),
            system=np.concatenate(system).astype(int),
            count=int(starts[-1]),
        )


def contacts(symbols: Sequence[str], positions: np.ndarray) -> Contacts:
    """The contacts within the cutoff in a system with positions (n, 3) in bohr; its molecules are told by bonds."""
    bonds = bonded(symbols, positions)
    molecule = np.empty(len(symbols), int)
    for number, part in enumerate(components(bonds)):
        molecule[part] = number
    radii = np.array([VDW_RADII[s] for s in symbols]) / units.BOHR_IN_ANGSTROM
    i, j = np.triu_indices(len(symbols), 1)
    x = np.linalg.norm(positions[i] - positions[j], axis=1) / (radii[i] + radii[j])
    near = (molecule[i] != molecule[j]) & (x < CUTOFF)
    bonded_to = [[symbols[k] for k in np.flatnonzero(row).tolist()] for row in bonds]
    types = [symbol + "".join(sorted(others)) for symbol, others in zip(symbols, bonded_to, strict=True)]
    pairs = [(a, b) for a, b in zip(i[near], j[near], strict=True)]
    elements = ["-".join(sorted((symbols[a], symbols[b]))) for a, b in pairs]
    typed = ["-".join(sorted((types[a], types[b]))) for a, b in pairs]
    return Contacts(x[near], np.array(elements, str), np.array(typed, str), np.zeros(len(pairs), int), 1)


@dataclass(frozen=True)
class Prior:
    """Variances of the shared, the element-wise and the typed part (hartree²), correlation length and decay rate in
    reduced distances, and the variance of one label's error (hartree²)."""

    shared: float
    element: float
    typed: float
    length: float
    decay: float
    noise: float

    def covariance(self, a: Contacts, b: Contacts) -> np.ndarray:
        """(a.count, b.count) covariance of the corrections of two lists of systems, in hartree²."""
        weights = [np.exp(-self.decay * (c.x - 1)) * switch(c.x) for c in (a, b)]
        same_element = a.elements[:, None] == b.elements
        same_type = a.types[:, None] == b.types
        near = np.exp(-0.5 * ((a.x[:, None] - b.x) / self.length) ** 2)
        by_contact = near * (self.shared + self.element * same_element + self.typed * same_type)
        by_contact *= weights[0][:, None] * weights[1]
        rows = np.zeros((a.count, len(b.x)))
        np.add.at(rows, a.system, by_contact)
        found = np.zeros((b.count, a.count))
        np.add.at(found, b.system, rows.T)
        return found.T


def switch(x: np.ndarray) -> np.ndarray:
    """1 up to SWITCH, 0 from CUTOFF on, with two continuous derivatives."""
    t = np.clip((x - SWITCH) / (CUTOFF - SWITCH), 0, 1)
    return 1 - t**3 * (10 - 15 * t + 6 * t**2)


@dataclass(frozen=True)
class Correction:
    """A fitted correction: the contacts it was trained on, weights (n,), Cholesky factor (n, n), its prior, and the
    factor by which its standard deviations are multiplied so that they cover held-out errors.

    ranges: of bonds, angles and neighbours in the training molecules, with the growth (hartree) of deviations outside.
    """

    trained: Contacts
    weights: np.ndarray
    factor: np.ndarray
    prior: Prior
    calibration: float = 1.0
    ranges: Ranges | None = None

    @property
    def closest(self) -> float:
        """The least reduced distance in the training data."""
        return float(self.trained.x.min())

    @classmethod
    def fit(cls, trained: Contacts, targets: np.ndarray, prior: Prior, calibration: float = 1.0) -> Correction:
        """Fit to targets (n,) in hartree, one for each system of `trained`."""
        from scipy.linalg import cho_solve, cholesky

        factor = cholesky(prior.covariance(trained, trained) + prior.noise * np.eye(trained.count), lower=True)
        return cls(trained, cho_solve((factor, True), targets), factor, prior, calibration)

    def predict(self, asked: Contacts) -> tuple[np.ndarray, np.ndarray]:
        """Corrections (n,) and their standard deviations (n,) in hartree; both 0 for a system without contacts.

        The labels' error is part of the deviation and is switched off with the nearest contact.
        """
        from scipy.linalg import solve_triangular

        across = self.prior.covariance(asked, self.trained)
        half = solve_triangular(self.factor, across.T, lower=True)
        variance = np.diag(self.prior.covariance(asked, asked)) - np.sum(half**2, axis=0)
        nearest = np.zeros(asked.count)
        np.maximum.at(nearest, asked.system, switch(asked.x))
        spread = np.sqrt(np.maximum(variance, 0) + self.prior.noise * nearest**2)
        return across @ self.weights, self.calibration * spread

    def strength(self, asked: Contacts) -> np.ndarray:
        """Prior standard deviation of the corrections (n,) over the largest one of a training system.

        Above 1 there is more, or closer, contact than in any complex that the error bars were checked on.
        """
        largest = float(np.diag(self.prior.covariance(self.trained, self.trained)).max())
        return np.sqrt(np.diag(self.prior.covariance(asked, asked)) / largest)

    def save(self, path: Path = FILE) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        c = self.trained
        np.savez_compressed(
            path,
            x=c.x,
            elements=c.elements,
            types=c.types,
            system=c.system,
            count=np.array(c.count),
            weights=self.weights,
            factor=self.factor,
            prior=np.array(list(vars(self.prior).values())),
            calibration=np.array(self.calibration),
            **({} if self.ranges is None else self.ranges.arrays()),
        )

    @classmethod
    def load(cls, path: Path = FILE) -> Correction:
        with np.load(path, allow_pickle=False) as d:
            trained = Contacts(d["x"], d["elements"], d["types"], d["system"], int(d["count"]))
            ranges = Ranges.from_arrays(d) if "ranges_kinds" in d else None
            return cls(trained, d["weights"], d["factor"], Prior(*d["prior"].tolist()), float(d["calibration"]), ranges)


@cache
def shipped() -> Correction:
    """The shipped correction."""
    return Correction.load()
