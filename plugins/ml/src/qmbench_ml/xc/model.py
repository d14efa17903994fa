"""The shipped functional: its parameters, how sure it is of an energy, and what it was fitted to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from qmbench import Molecule, TrainingOverlap
from qmbench_ml.domain import Ranges
from qmbench_ml.xc import correlation, exchange, functional
from qmbench_ml.xc.jets import Array

FILE = Path(__file__).parent.parent / "models" / "xc.npz"
N_PARAMETERS = exchange.N_PARAMETERS + correlation.N_PARAMETERS
STRETCHED = 1.45
# Points at a time where there are 20 numbers for each.
_AT_A_TIME = 50_000


@dataclass(frozen=True)
class Model:
    """theta: parameters (20,). modes: (20, 20), modes @ modes.T is their calibrated covariance.

    names, symbols ("Li H"), charges, multiplicities and distances (bohr; 0: atom), all (n,), are the systems whose
    energies the parameters or the error bars were fitted to. ranges: of bonds in these and in ordinary
    molecules, with the growth of error bars (hartree) outside; bonds are told up to STRETCHED sums of covalent radii.
    """

    theta: Array
    modes: Array
    names: Array
    symbols: Array
    charges: Array
    multiplicities: Array
    distances: Array
    ranges: Ranges

    def save(self, path: Path = FILE) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {name: value for name, value in vars(self).items() if name != "ranges"}
        np.savez_compressed(path, **arrays, **self.ranges.arrays())

    @classmethod
    def load(cls, path: Path = FILE) -> Model:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in cls.__dataclass_fields__ if name != "ranges"}
            return cls(**arrays, ranges=Ranges.from_arrays(data))

    def molecules(self) -> list[Molecule]:
        """The training systems."""
        found = []
        for name, symbols, charge, multiplicity, distance in zip(
            self.names, self.symbols, self.charges, self.multiplicities, self.distances, strict=True
        ):
            parts = tuple(str(symbols).split())
            positions = ((0.0, 0.0, 0.0), (0.0, 0.0, float(distance)))[: len(parts)]
            found.append(Molecule(parts, positions, int(charge), int(multiplicity), name=str(name)))
        return found

    def overlap(self, molecule: Molecule) -> TrainingOverlap | None:
        """What of `molecule` was in the training data; None: nothing.

        Another charge of the same nuclei counts as the same molecule, not as the same geometry.
        """
        from qmbench_ml.training_set import TrainingSet

        parts: dict[str, list[Molecule]] = {}
        for known in self.molecules():
            parts.setdefault(str(known.charge), []).append(known)
        trained = TrainingSet.of(parts)
        if hit := trained.overlap(molecule, parts=[str(molecule.charge)]):
            return hit
        other = trained.overlap(molecule)
        return other and replace(other, kind="same molecule")


@cache
def shipped() -> Model:
    """The model of this version of the plugin."""
    return Model.load()


def external(theta: Array) -> Any:
    """The functional with these parameters, as `qmbench_pyscf.ScfSpecification` takes it."""
    from qmbench_pyscf import ExternalFunctional

    x, c = functional.parts(theta.tolist())
    version = hashlib.sha256(np.ascontiguousarray(theta, dtype=float).tobytes()).hexdigest()[:16]
    return ExternalFunctional("ml-xc", version, "MGGA", lambda rho, order: functional.evaluate(x, c, rho, order))


def energy(theta: Array, rho: Array, weights: Array) -> float:
    """Exchange-correlation energy in hartree of a density on a grid; rho as in `functional.evaluate`."""
    return float(functional.evaluate(*functional.parts(theta.tolist()), rho, 0)[0] @ weights)


def gradient(theta: Array, rho: Array, weights: Array) -> Array:
    """Derivatives of `energy` at fixed density with respect to the parameters, (20,), or (20, m) for weights (N, m).

    At a self-consistent density they are those of the total energy (Hellmann and Feynman).
    """
    total: Array = np.zeros((len(theta), *weights.shape[1:]))
    for start in range(0, len(weights), _AT_A_TIME):
        block = slice(start, start + _AT_A_TIME)
        total += functional.by_parameters(theta.tolist(), rho[..., block]) @ weights[block]
    return total
