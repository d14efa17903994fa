"""The model of Hirshfeld ratios, from the ratios of monomers and dimers in data/. Deterministic; a minute or two.

Molecules are split into folds by name, and the model that predicts a fold has seen no geometry and no dimer of its
molecules. The predictions of the even folds give the factor that
calibrates the uncertainties; those of the odd folds, how well it covers. The shipped model has seen all molecules.

The ranges of bonds, angles, contacts and neighbours in the training data go into the model. How fast errors grow
outside them is fitted to held-out atoms outside the ranges of the other folds, and to data/perturbed.npz.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from leakage import systems_of

from qmbench import Molecule
from qmbench_ml.descriptors import soap
from qmbench_ml.domain import KINDS, Ranges, deviations_wanted
from qmbench_ml.hirshfeld.methods import CERTAIN, MOST_UNCERTAIN, MOST_UNKNOWN
from qmbench_ml.hirshfeld.model import FILE, HirshfeldModel, free_atom
from qmbench_ml.hirshfeld.regression import RatioProcess, fitted_weights, log_likelihood, select
from qmbench_ml.training_set import BOND

DATA = Path(__file__).parent / "data"
FILES = ("monomers.npz", "dimers.npz", "contacts.npz")
PERTURBED = DATA / "perturbed.npz"
FOLDS = 10
SELECTED = {1: 150, 6: 150}
SELECTED_OTHERS = 100
POWERS, NOISES, VARIANCES = (1, 2, 3, 4), (1e-3, 2e-3, 4e-3, 8e-3), (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
LIKELIHOOD_POINTS = 400
COVERAGE = 0.9  # the interval whose coverage fixes the calibration
SEED = 8


@dataclass(frozen=True)
class TrainingSet:
    """Atoms of all systems: vectors (n, n_features), elements and ratios (n,), the system that each belongs to with
    its number in it from 1 and its place among the systems, its molecule, and the folds (n, 2) of its molecule and of
    the other one in a dimer."""

    vectors: np.ndarray
    numbers: np.ndarray
    ratios: np.ndarray
    systems: np.ndarray
    atoms: np.ndarray
    places: np.ndarray
    molecules: np.ndarray
    folds: np.ndarray

    def __getitem__(self, mask: np.ndarray) -> TrainingSet:
        return TrainingSet(**{name: array[mask] for name, array in vars(self).items()})


def read(folder: Path = DATA) -> TrainingSet:
    """Monomers and dimers as one set of atoms."""
    rows: list[tuple] = []
    for file in FILES:
        with np.load(folder / file, allow_pickle=False) as data:
            for k, name in enumerate(data["names"].tolist()):
                own = slice(data["starts"][k], data["starts"][k + 1])
                numbers, system = data["numbers"][own].astype(int), name.rpartition(" ")[0]
                first = int(data["first_fragment"][k]) if "first_fragment" in data else len(numbers)
                one, two = (system.split(", ") * 2)[:2]
                pairs = [(one, two)] * first + [(two, one)] * (len(numbers) - first)
                vectors = soap(numbers, data["positions"][own]).vectors
                rows.append((vectors, numbers, data["ratios"][own], [system] * len(numbers), pairs))
    pairs = np.array([pair for row in rows for pair in row[4]])
    molecules, places = np.unique(pairs, return_inverse=True)
    fold = np.random.default_rng(SEED).permutation(len(molecules)) % FOLDS
    return TrainingSet(
        vectors=np.vstack([row[0] for row in rows]),
        numbers=np.concatenate([row[1] for row in rows]),
        ratios=np.concatenate([row[2] for row in rows]),
        systems=np.array([system for row in rows for system in row[3]]),
        atoms=np.concatenate([np.arange(1, len(row[1]) + 1) for row in rows]),
        places=np.repeat(np.arange(len(rows)), [len(row[1]) for row in rows]),
        molecules=pairs[:, 0],
        folds=fold[places.reshape(pairs.shape)],
    )


def fit_element(number: int, points: np.ndarray, targets: np.ndarray) -> tuple[RatioProcess, np.ndarray]:
    """The process of one element, and the indices of its selected environments. Kernel and noise are those of the
    largest marginal likelihood on up to 400 of the points."""
    some = np.random.default_rng(SEED).permutation(len(points))[:LIKELIHOOD_POINTS]
    free, none = free_atom(number), np.zeros(1)
    trials = [RatioProcess(free, points[:1], none, v, p, n) for v in VARIANCES for p in POWERS for n in NOISES]
    best = max(trials, key=lambda trial: log_likelihood(trial, points[some], targets[some]))
    chosen = select(best, points, SELECTED.get(number, SELECTED_OTHERS))
    process = replace(best, environments=points[chosen].astype(np.float32).astype(float))
    return replace(process, weights=fitted_weights(process, points, targets)), chosen


def fit(data: TrainingSet, calibration: float = 1.0, ranges: Ranges | None = None) -> HirshfeldModel:
    """A model of all elements in `data` that are not free atoms throughout; `ranges` are those of `data` by default."""
    processes, sources = {}, {}
    for number in np.unique(data.numbers).tolist():
        own = np.flatnonzero((data.numbers == number) & (data.ratios != 1))
        if not len(own):
            continue
        processes[number], chosen = fit_element(number, data.vectors[own], data.ratios[own] - 1)
        places = own[chosen]
        sources[number] = list(zip(data.systems[places].tolist(), data.atoms[places].tolist(), strict=True))
    return HirshfeldModel(processes, sources, calibration, ranges or ranges_of(np.unique(data.places)))


def geometries() -> list[Molecule]:
    """The systems of FILES in their order, as `TrainingSet.places` counts them."""
    return [molecule for file in FILES for molecule in systems_of(DATA / file)]


def ranges_of(places: np.ndarray) -> Ranges:
    """The ranges in the systems with these places."""
    known = geometries()
    return Ranges.of(((known[i].symbols, known[i].coordinates) for i in places.tolist()), BOND)


@dataclass(frozen=True)
class Beyond:
    """Atoms with their errors, calibrated standard deviations and what these would be untrained (n,), and excesses
    (n, 5) outside the ranges of what the model was trained on."""

    errors: np.ndarray
    deviations: np.ndarray
    prior: np.ndarray
    excesses: np.ndarray

    @property
    def answered(self) -> np.ndarray:
        """(n,) whether the uncertainty alone does not refuse the atom."""
        unknown = (self.deviations > CERTAIN) & (self.deviations > MOST_UNKNOWN * self.prior)
        return ~unknown & (self.deviations <= MOST_UNCERTAIN)


def beyond(model: HirshfeldModel, held_out: HeldOut) -> Beyond:
    """Held-out atoms with the ranges of the other folds, and the atoms of PERTURBED with the ranges of the model."""
    factor = model.calibration
    parts = [(held_out.errors, factor * held_out.deviations, factor * held_out.prior, held_out.excesses)]
    with np.load(PERTURBED, allow_pickle=False) as kept:
        ratios, starts = kept["ratios"], kept["starts"]
    for molecule, start in zip(systems_of(PERTURBED), starts[:-1], strict=True):
        found = model.predict(molecule.atomic_numbers, molecule.coordinates)
        outside = model.ranges.outside(molecule.symbols, molecule.coordinates)
        errors = found.ratios - ratios[start : start + molecule.n_parts]
        excesses = model.ranges.excesses(molecule.n_parts, outside)
        parts.append((errors, found.uncertainties, found.prior, excesses))
    return Beyond(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@dataclass(frozen=True)
class HeldOut:
    """Predictions of atoms by models that have not seen their molecules: errors, standard deviations and what these
    would be untrained, before calibration (n,), elements, molecules and folds of the atoms, and excesses (n, 5)."""

    errors: np.ndarray
    deviations: np.ndarray
    prior: np.ndarray
    excesses: np.ndarray
    numbers: np.ndarray
    molecules: np.ndarray
    folds: np.ndarray

    def coverage(self, calibration: float, quantile: float) -> float:
        """Share of the errors within `quantile` calibrated standard deviations; each molecule counts the same."""
        inside = np.abs(self.errors) <= quantile * calibration * self.deviations
        return float(np.average(inside, weights=self.weights))

    @property
    def weights(self) -> np.ndarray:
        _, place, counts = np.unique(self.molecules, return_inverse=True, return_counts=True)
        return 1 / counts[place]

    def calibration(self, coverage: float) -> float:
        """The factor with which the interval of nominal `coverage` has it."""
        from scipy.stats import norm

        scaled = np.abs(self.errors) / (norm.ppf(0.5 + coverage / 2) * self.deviations)
        order = np.argsort(scaled)
        share = np.cumsum(self.weights[order]) / self.weights.sum()
        return float(scaled[order][np.searchsorted(share, coverage)])

    def __getitem__(self, mask: np.ndarray) -> HeldOut:
        return HeldOut(**{name: array[mask] for name, array in vars(self).items()})


def cross_validate(data: TrainingSet) -> HeldOut:
    """Predict every fold from the others; atoms alone are left out, being exact."""
    found: list[tuple[np.ndarray, ...]] = []
    known = geometries()
    for fold in range(FOLDS):
        model = fit(data[(data.folds != fold).all(axis=1)])
        for number in model.processes:
            test = data[(data.folds[:, 0] == fold) & (data.numbers == number)]
            test = test[model.processes[number].unlikeness(test.vectors) > 1e-12]
            process = model.processes[number]
            errors = process.mean(test.vectors) - (test.ratios - 1)
            deviations = np.sqrt(np.diagonal(process.covariance(test.vectors)))
            prior = np.sqrt(process.variance * process.unlikeness(test.vectors))
            by_system = {place: _excesses(model.ranges, known[place]) for place in np.unique(test.places).tolist()}
            rows = zip(test.places.tolist(), test.atoms.tolist(), strict=True)
            excesses = np.array([by_system[place][atom - 1] for place, atom in rows]).reshape(-1, len(KINDS))
            found.append((errors, deviations, prior, excesses, test.numbers, test.molecules, test.folds[:, 0]))
    return HeldOut(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _excesses(ranges: Ranges, molecule: Molecule) -> np.ndarray:
    return ranges.excesses(molecule.n_parts, ranges.outside(molecule.symbols, molecule.coordinates))


def main(argv: Sequence[str] | None = None) -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args(argv)
    start = time.perf_counter()
    data = read()
    held_out = cross_validate(data)
    even = held_out.folds % 2 == 0
    calibration = held_out[even].calibration(COVERAGE)
    print(f"{len(data.numbers)} atoms of {len(set(data.systems.tolist()))} molecules and pairs")
    for number in np.unique(held_out.numbers).tolist():
        errors = held_out.errors[held_out.numbers == number]
        print(f"element {number}: {len(errors)} held-out atoms, mean absolute error {np.abs(errors).mean():.4f}")
    print(f"calibration {calibration:.3f}, from the even folds")
    for name, quantile, nominal in (("1", 1.0, 0.683), ("1.645", 1.6449, 0.9), ("1.96", 1.96, 0.95)):
        print(
            f"within {name} deviations, odd folds: {held_out[~even].coverage(calibration, quantile):.3f} of {nominal}"
        )
    model = fit(data, calibration)
    outside = beyond(model, held_out)
    use = outside.answered
    wanted = deviations_wanted(outside.errors, outside.deviations)
    ranges = model.ranges.with_growth(outside.excesses[use], wanted[use])
    for kind, growth, limit in zip(KINDS, ranges.growth, ranges.limit, strict=True):
        print(f"{kind}: a ratio's deviation grows by {growth:.4f} for an excess of 1, answered up to {limit:.3f}")
    replace(model, ranges=ranges).save(FILE)
    print(f"{FILE.name}: {FILE.stat().st_size / 1e6:.2f} MB, {time.perf_counter() - start:.0f} s")
