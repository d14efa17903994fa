"""The model as it is shipped: one process an element, a calibration factor, and where each environment is from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from qmbench_ml.descriptors import N_FEATURES, Environments, soap
from qmbench_ml.domain import Ranges
from qmbench_ml.hirshfeld.regression import RatioProcess

FILE = Path(__file__).parent.parent / "models" / "hirshfeld.npz"


@dataclass(frozen=True)
class Neighbour:
    """A training environment that is like a predicted one: its molecule, its atom (from 1), x·y of the two vectors."""

    molecule: str
    atom: int
    similarity: float


@dataclass(frozen=True)
class Prediction:
    """Ratios (n,) of a molecule's atoms with their covariance (n, n), and the descriptors that they come from.

    prior (n,): what the standard deviations would be without any training.
    """

    ratios: np.ndarray
    covariance: np.ndarray
    prior: np.ndarray
    environments: Environments

    def widened(self, added: np.ndarray) -> Prediction:
        """With standard deviations `added` (n,) to those of the ratios, in squares, and as if all had one cause.

        Atoms of one geometry are wrong together: both of a crushed H₂, both ends of a molecule that is like no other.
        """
        return replace(self, covariance=self.covariance + np.outer(added, added))

    @property
    def uncertainties(self) -> np.ndarray:
        """Standard deviation of each ratio, (n,)."""
        return np.sqrt(np.diagonal(self.covariance))


@dataclass(frozen=True)
class HirshfeldModel:
    """Processes by atomic number; sources by atomic number: (molecule, atom) of each selected environment.

    calibration: factor on the standard deviations, fitted on molecules outside the training set. ranges: of bonds,
    angles, contacts, neighbours in the training data, with the growth of a ratio's standard deviation outside them.
    """

    processes: dict[int, RatioProcess]
    sources: dict[int, list[tuple[str, int]]]
    calibration: float
    ranges: Ranges

    def predict(self, numbers: np.ndarray, positions: np.ndarray, *, gradients: bool = False) -> Prediction:
        """Ratios of all atoms, from atomic numbers (n,) and positions (n, 3) in bohr."""
        environments = soap(numbers, positions, gradients=gradients)
        n = len(numbers)
        ratios, covariance, prior = np.ones(n), np.zeros((n, n)), np.zeros(n)
        for number, atoms in _by_element(numbers):
            process, vectors = self.processes[number], environments.vectors[atoms]
            ratios[atoms] += process.mean(vectors)
            covariance[np.ix_(atoms, atoms)] = self.calibration**2 * process.covariance(vectors)
            prior[atoms] = self.calibration * np.sqrt(process.variance * process.unlikeness(vectors))
        return Prediction(ratios, covariance, prior, environments)

    def pull_back(self, numbers: np.ndarray, prediction: Prediction, by_ratios: np.ndarray) -> np.ndarray:
        """Derivative by the positions, (n, 3), of a number whose derivative by the ratios (n,) is given.

        The prediction has to be made with gradients=True.
        """
        vectors = prediction.environments.vectors
        by_vectors = np.zeros_like(vectors)
        for number, atoms in _by_element(numbers):
            slopes = self.processes[number].mean_derivative(vectors[atoms])
            by_vectors[atoms] = by_ratios[atoms, None] * slopes
        return prediction.environments.pull_back(by_vectors)

    def neighbours(self, number: int, vector: np.ndarray, count: int = 3) -> list[Neighbour]:
        """The selected training environments most like that of an atom, the nearest of each molecule only."""
        similarity = self.processes[number].environments @ vector
        nearest: dict[str, Neighbour] = {}
        for place in np.argsort(-similarity):
            molecule, atom = self.sources[number][place]
            nearest.setdefault(molecule, Neighbour(molecule, atom, float(similarity[place])))
            if len(nearest) == count:
                break
        return list(nearest.values())

    def save(self, path: Path) -> None:
        """Write the environments in single precision (they have to be single-precision numbers already), without the
        features that are 0 in all of them."""
        elements = sorted(self.processes)
        chosen = [self.processes[number] for number in elements]
        vectors = np.vstack([process.environments for process in chosen])
        columns = np.flatnonzero(vectors.any(axis=0))
        sources = [source for number in elements for source in self.sources[number]]
        molecules = sorted({molecule for molecule, _ in sources})
        np.savez_compressed(
            path,
            elements=np.array(elements),
            counts=np.array([len(process.environments) for process in chosen]),
            columns=columns.astype(np.int16),
            vectors=vectors[:, columns].astype(np.float32),
            weights=np.concatenate([process.weights for process in chosen]),
            kernels=np.array([(process.variance, process.power, process.noise) for process in chosen]),
            molecules=np.array(molecules),
            sources=np.array([(molecules.index(molecule), atom) for molecule, atom in sources], dtype=np.int16),
            calibration=self.calibration,
            **self.ranges.arrays(),
        )

    @classmethod
    def load(cls, path: Path) -> HirshfeldModel:
        with np.load(path, allow_pickle=False) as data:
            vectors = np.zeros((len(data["vectors"]), N_FEATURES))
            vectors[:, data["columns"]] = data["vectors"]
            molecules = data["molecules"].tolist()
            sources = [(molecules[molecule], int(atom)) for molecule, atom in data["sources"]]
            ends = np.cumsum(data["counts"])
            processes, places = {}, {}
            for number, end, count, kernel in zip(data["elements"], ends, data["counts"], data["kernels"], strict=True):
                own = slice(end - count, end)
                processes[int(number)] = RatioProcess(
                    free_atom(int(number)),
                    vectors[own],
                    data["weights"][own],
                    variance=float(kernel[0]),
                    power=int(kernel[1]),
                    noise=float(kernel[2]),
                )
                places[int(number)] = sources[own]
            return cls(processes, places, float(data["calibration"]), Ranges.from_arrays(data))


def free_atom(number: int) -> np.ndarray:
    """Descriptor (N_FEATURES,) of an atom alone."""
    return soap(np.array([number]), np.zeros((1, 3))).vectors[0]


@cache
def shipped() -> HirshfeldModel:
    """The model of this package."""
    return HirshfeldModel.load(FILE)


@cache
def shipped_hash() -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the shipped file."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()[:16]


def _by_element(numbers: np.ndarray) -> list[tuple[int, np.ndarray]]:
    return [(int(number), np.flatnonzero(numbers == number)) for number in np.unique(numbers)]
