"""Smooth overlap of atomic positions: the power spectrum of each atom's environment, normalised.

Bartók, Kondor and Csányi, Phys. Rev. B 87, 184115 (2013), computed by featomic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from qmbench import units

ELEMENTS = (1, 2, 6, 7, 8, 9, 10, 18)
"""Atomic numbers that the descriptor tells apart."""

CUTOFF_ANGSTROM = 4.5

_PAIRS = {pair: place for place, pair in enumerate(combinations_with_replacement(ELEMENTS, 2))}
_MAX_ANGULAR, _MAX_RADIAL = 4, 3
_WIDTH = (_MAX_ANGULAR + 1) * (_MAX_RADIAL + 1) ** 2
N_FEATURES = len(_PAIRS) * _WIDTH

_HYPERPARAMETERS: dict[str, Any] = {
    "cutoff": {"radius": CUTOFF_ANGSTROM, "smoothing": {"type": "ShiftedCosine", "width": 1.0}},
    # Neighbours weigh less with their distance, as (1 + (r / 2 Å)^4)^-1: Willatt, Musil and Ceriotti, Phys. Chem. Chem.
    # Phys. 20, 29661 (2018).
    "density": {
        "type": "Gaussian",
        "width": 0.4,
        "scaling": {"type": "Willatt2018", "exponent": 4, "rate": 1.0, "scale": 2.0},
    },
    "basis": {
        "type": "TensorProduct",
        "max_angular": _MAX_ANGULAR,
        "radial": {"type": "Gto", "max_radial": _MAX_RADIAL},
    },
}


@dataclass(frozen=True)
class Environments:
    """Descriptors of a molecule's atoms: vectors (n_atoms, N_FEATURES) of length 1."""

    vectors: np.ndarray
    _norms: np.ndarray = field(repr=False)
    _gradients: list[tuple[int, np.ndarray, np.ndarray, np.ndarray]] = field(repr=False)

    def pull_back(self, by_vectors: np.ndarray) -> np.ndarray:
        """Derivative by the positions, (n_atoms, 3) in 1/bohr, of a number whose derivative by `vectors` is given.

        The dense derivative of the vectors is never formed. Needs `gradients=True` in `soap`.
        """
        if not self._gradients:
            raise ValueError("these descriptors have no derivatives: ask for soap(..., gradients=True)")
        along = np.sum(by_vectors * self.vectors, axis=1, keepdims=True)
        by_raw = (by_vectors - along * self.vectors) / self._norms[:, None]
        result = np.zeros((len(self.vectors), 3))
        for start, centers, moved, gradient in self._gradients:
            weights = by_raw[centers, start : start + _WIDTH]
            np.add.at(result, moved, np.einsum("sxf,sf->sx", gradient, weights))
        return result * units.BOHR_IN_ANGSTROM


def soap(numbers: np.ndarray, positions: np.ndarray, *, gradients: bool = False) -> Environments:
    """Descriptors of every atom, from atomic numbers (n_atoms,) and positions (n_atoms, 3) in bohr.

    Raises ValueError for an element outside ELEMENTS.
    """
    from ase import Atoms

    unknown = sorted(set(np.asarray(numbers).tolist()) - set(ELEMENTS))
    if unknown:
        raise ValueError(f"no descriptor for the atomic numbers {unknown}: only {list(ELEMENTS)}")
    atoms = Atoms(numbers=numbers, positions=np.asarray(positions) * units.BOHR_IN_ANGSTROM)
    spectrum = _calculator().compute(atoms, gradients=["positions"] if gradients else None)
    raw = np.zeros((len(atoms), N_FEATURES))
    derivatives = []
    for key, block in spectrum.items():
        pair = (int(key["neighbor_1_type"]), int(key["neighbor_2_type"]))
        start = _PAIRS[pair] * _WIDTH
        centers = np.asarray(block.samples.column("atom"))
        raw[centers, start : start + _WIDTH] = block.values
        if gradients:
            gradient = block.gradient("positions")
            samples = gradient.samples
            center = centers[np.asarray(samples.column("sample"))]
            derivatives.append((start, center, np.array(samples.column("atom")), np.array(gradient.values)))
    norms = np.linalg.norm(raw, axis=1)
    return Environments(raw / norms[:, None], norms, derivatives)


@cache
def _calculator() -> Any:
    """One for the process: it keeps its tables of radial integrals."""
    from featomic import SoapPowerSpectrum

    return SoapPowerSpectrum(**_HYPERPARAMETERS)
