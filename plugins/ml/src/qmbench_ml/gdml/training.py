"""Training of gradient-domain force fields: from geometries, energies and forces to a calibrated model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from qmbench import InputError, units
from qmbench_ml.bonds import covalent_radii
from qmbench_ml.gdml.kernel import Array, Kernel, Points, pair_permutations
from qmbench_ml.gdml.model import ForceField
from qmbench_ml.gdml.permutations import (
    bond_angles,
    bonded_triples,
    checked_group,
    common_graph,
    symmetry,
)
from qmbench_ml.gdml.solver import (
    Progress,
    Solution,
    closed_form,
    conjugate_gradients,
    matrix_free,
    nystrom,
)

Solver = Literal["auto", "cholesky", "cg"]
# From so many unknowns on, `auto` takes conjugate gradients without the matrix (here: 800 MB).
CLOSED_FORM = 10000
LIKELIHOOD_UNKNOWNS = 900  # for the choice of length and noise
# In median distances of the training geometries. Longer ones are hardly better, and more confident than right.
LENGTHS = 1.5 ** np.arange(-1, 6)
NOISES = 10.0 ** np.arange(-13, -4)  # in mean variances of a force
# The interval that calibration makes cover. Errors have longer tails than a normal distribution: were it one error bar,
# the tails would be far outside.
COVERED, INTERVAL = 0.9, 1.6448536269514722


@dataclass(frozen=True)
class Labels:
    """Geometries of one molecule: positions (M, N, 3), energies (M,) and forces (M, N, 3) in atomic units."""

    symbols: tuple[str, ...]
    positions: Array
    energies: Array
    forces: Array

    def __post_init__(self) -> None:
        count, atoms = len(self.energies), len(self.symbols)
        for what in ("positions", "forces"):
            if np.shape(getattr(self, what)) != (count, atoms, 3):
                raise InputError(f"{what} must have the shape {(count, atoms, 3)}: geometries, atoms, 3")
        if not all(np.isfinite(a).all() for a in (self.positions, self.energies, self.forces)):
            raise InputError("positions, energies and forces must be finite numbers")
        if atoms < 2:
            raise InputError("a force field needs a molecule of two atoms or more")

    def __len__(self) -> int:
        return len(self.energies)

    def __getitem__(self, which: Array | slice) -> Labels:
        return Labels(self.symbols, self.positions[which], self.energies[which], self.forces[which])

    @classmethod
    def read(cls, path: str | Path) -> Labels:
        """From an extended XYZ file as ASE writes it: ångström, `energy` in eV, `forces` in eV/ångström."""
        from ase.io import read

        try:
            frames = read(path, index=":", format="extxyz")
            energies = np.array([frame.get_potential_energy() for frame in frames])
            forces = np.array([frame.get_forces() for frame in frames])
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            raise InputError(f"{path}: no extended XYZ file with energy and forces in every frame ({error})") from None
        names = {tuple(frame.get_chemical_symbols()) for frame in frames}
        if len(names) != 1:
            raise InputError(f"{path}: the frames must hold the same atoms in the same order")
        positions = np.array([frame.positions for frame in frames]) / units.BOHR_IN_ANGSTROM
        scale, force_scale = units.factor("eV", "hartree"), units.factor("eV/angstrom", "hartree/bohr")
        return cls(names.pop(), positions, energies * scale, forces * force_scale)


def train(
    data: str | Path | Labels,
    *,
    name: str,
    charge: int,
    multiplicity: int,
    level: str = "",
    held_out: float = 0.3,
    permutations: Sequence[Sequence[int]] | None = None,
    solver: Solver = "auto",
    matrix_free: bool | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    file: str | Path | None = None,
) -> ForceField:
    """A calibrated force field from your own labels, written to `file`, which `gdml?model=FILE` then takes.

    data: an extended XYZ file (energy in eV, forces in eV/ångström) or Labels (atomic units). name: of the molecule,
    as messages show it. level: of the labels. held_out: the fraction of the data, drawn with `seed`, on which the error
    bars are calibrated. permutations (G, N): of like atoms, 0 first; found from the bonds by default. solver, and
    matrix_free (conjugate gradients without forming the matrix): as `fit` takes them. progress: called with lines of
    text; by default those of solves of more than ten seconds go to standard error.
    """
    labels = data if isinstance(data, Labels) else Labels.read(data)
    order = np.random.default_rng(seed).permutation(len(labels))
    kept = len(labels) - round(held_out * len(labels))
    if not 0 < held_out < 1 or kept < 5 or len(labels) - kept < 20:
        raise InputError(
            f"{len(labels)} geometries with held_out={held_out}: it takes 5 to train on and 20 to calibrate with"
        )
    model = fit(
        labels[np.sort(order[:kept])],
        name=name,
        charge=charge,
        multiplicity=multiplicity,
        level=level,
        permutations=permutations,
        solver=solver,
        form_matrix=None if matrix_free is None else not matrix_free,
        progress=progress or _to_stderr,
    )
    model = calibrated(model, labels[np.sort(order[kept:])])
    if file is not None:
        model.save(file)
    return model


def fit(
    labels: Labels,
    *,
    name: str,
    charge: int,
    multiplicity: int,
    level: str = "",
    permutations: Sequence[Sequence[int]] | None = None,
    length: float | None = None,
    noise: float | None = None,
    solver: Solver = "auto",
    form_matrix: bool | None = None,
    tolerance: float = 1e-10,
    progress: Progress | None = None,
) -> ForceField:
    """A force field trained on all of `labels`, not yet calibrated.

    length (1/bohr), noise (variance of a force label, prior variance 1): the most likely ones by default. solver:
    cholesky, cg (Nyström-preconditioned, to a relative residual of `tolerance`), or auto, which changes from the one
    to the other at CLOSED_FORM unknowns. form_matrix: whether cg may keep the matrix; by default below CLOSED_FORM.
    """
    if permutations is None:
        group = symmetry(labels.symbols, labels.positions)
    else:
        group = checked_group(permutations, labels.symbols)
    points = Points.internal(labels.positions)
    pair_group = pair_permutations(group)
    if length is None or noise is None:
        length, noise = most_likely(points, points.projected(labels.forces), pair_group, length, noise)
    kernel = Kernel(length, pair_group)
    found = solve(kernel, points, points.projected(labels.forces), noise, solver, form_matrix, tolerance, progress)
    model = ForceField(
        name=name,
        level=level,
        symbols=tuple(labels.symbols),
        charge=charge,
        multiplicity=multiplicity,
        positions=labels.positions,
        weights=points.cartesian_of(found.weights),
        length=length,
        noise=noise,
        constant=0.0,
        permutations=group,
        graph=common_graph(labels.symbols, labels.positions),
        radii=covalent_radii(labels.symbols),
    )
    return replace(model, constant=float(np.mean(labels.energies - model.energies(labels.positions))))


def solve(
    kernel: Kernel,
    points: Points,
    rhs: Array,
    noise: float,
    solver: Solver = "auto",
    form_matrix: bool | None = None,
    tolerance: float = 1e-10,
    progress: Progress | None = None,
    rank: int | None = None,
) -> Solution:
    """Solve (K + noise) α = rhs for the kernel matrix K of `points`; see `fit`. rank: of the preconditioner."""
    if solver == "cholesky" and form_matrix is False:
        raise InputError("solver=cholesky needs the whole matrix; without it there is solver=cg")
    small = points.size <= CLOSED_FORM
    form = small if form_matrix is None else form_matrix
    matrix = None
    if form or solver == "cholesky":
        matrix = kernel.matrix(points, points)
        matrix[np.diag_indices_from(matrix)] += noise
        if solver == "cholesky" or (solver == "auto" and small):
            return closed_form(matrix, rhs)
    rank = rank or min(points.size // 2, max(300, int(10 * np.sqrt(points.size))))
    precondition = nystrom(kernel, points, noise, rank, np.random.default_rng(0))
    product = matrix_free(kernel, points, noise) if matrix is None else matrix.__matmul__
    return conjugate_gradients(product, rhs, precondition, tolerance, progress=progress)


def most_likely(
    points: Points, forces: Array, pair_group: Array, length: float | None, noise: float | None
) -> tuple[float, float]:
    """Length and noise of the largest marginal likelihood, prior variance optimal; those that are given stay.

    On a subset of at most LIKELIHOOD_UNKNOWNS unknowns. Rasmussen and Williams (2006), section 5.4.
    """
    width = points.directions.shape[2]
    count = min(len(points), max(2, LIKELIHOOD_UNKNOWNS // width))
    chosen = np.linspace(0, len(points) - 1, count).astype(int)
    subset, y = points[chosen], forces.reshape(len(points), width)[chosen].ravel()
    apart = np.linalg.norm(subset.x[:, None] - subset.x, axis=-1)[np.triu_indices(count, 1)]
    best = (np.inf, 0.0, 0.0)
    for trial in LENGTHS * np.median(apart) if length is None else [length]:
        kernel = Kernel(float(trial), pair_group)
        values, vectors = np.linalg.eigh(kernel.matrix(subset, subset))
        squares = (vectors.T @ y) ** 2
        for level in NOISES * values.mean() if noise is None else [noise]:
            shifted = np.maximum(values, 0) + level
            score = len(y) * np.log((squares / shifted).sum()) + np.log(shifted).sum()
            best = min(best, (float(score), float(trial), float(level)))
    return best[1], best[2]


def calibrated(model: ForceField, held_out: Labels) -> ForceField:
    """`model` with error bars that cover as they say on `held_out`, and a reach that ends there."""
    held_out = _turned(held_out)
    energy, force = model.deviations(held_out.positions)
    energy_errors = np.abs(model.energies(held_out.positions) - held_out.energies)
    force_errors = np.abs(model.forces(held_out.positions) - held_out.forces)
    if np.sqrt(np.mean(energy_errors**2)) > 0.5 * held_out.energies.std():
        raise InputError("energies and forces do not belong together: look at their units, and at the sign of forces")
    model = replace(
        model,
        energy_scaling=_scaling(energy_errors, energy),
        force_scaling=_scaling(force_errors.ravel(), np.repeat(force, 3)),
    )
    return replace(
        model,
        reach=float(model.distances(held_out.positions).min(axis=1).max()),
        largest_bar=float(model.errors(held_out.positions)[0].max()),
        angle_range=_angle_range(model, held_out.positions),
    )


def _scaling(errors: Array, deviations: Array) -> tuple[float, float, float]:
    """Factor, exponent and least deviation, as `scaled` takes them, from `deviations` (n,) and absolute `errors` (n,).

    A function smoother than the kernel is learned faster than the process thinks: errors fall as a power of the
    deviations. The exponent, from 1 to 2, is the most likely one; the factor makes INTERVAL error bars cover COVERED.
    """
    from scipy.optimize import minimize_scalar

    logs = np.log(deviations)

    def cost(exponent: float) -> float:
        return float(np.log(np.mean((errors / np.exp(exponent * logs)) ** 2)) / 2 + exponent * logs.mean())

    exponent = float(minimize_scalar(cost, bounds=(1, 2), method="bounded").x)
    return float(np.quantile(errors / deviations**exponent, COVERED)) / INTERVAL, exponent, float(deviations.min())


def coverage(model: ForceField, labels: Labels, factor: float = INTERVAL) -> tuple[float, float]:
    """Fractions of energies and of force components whose errors are within `factor` error bars."""
    labels = _turned(labels)
    energy_bars, force_bars = model.errors(labels.positions)
    energy_errors = np.abs(model.energies(labels.positions) - labels.energies)
    force_errors = np.abs(model.forces(labels.positions) - labels.forces)
    return float(np.mean(energy_errors <= factor * energy_bars)), float(np.mean(force_errors <= factor * force_bars))


def _turned(labels: Labels) -> Labels:
    """Every geometry turned at random: along fixed axes a planar molecule has forces that are zero without error."""
    from scipy.spatial.transform import Rotation

    turns = Rotation.random(len(labels), np.random.default_rng(0)).as_matrix().transpose(0, 2, 1)
    return Labels(labels.symbols, labels.positions @ turns, labels.energies, labels.forces @ turns)


def _angle_range(model: ForceField, positions: Array) -> Array:
    """(T, 2) least and largest of every bond angle in the geometries `positions` (M, N, 3) and their permutations."""
    triples = bonded_triples(model.graph)
    each = [bond_angles(triples, positions[:, order]) for order in model.permutations]
    return np.stack([np.min([a.min(axis=0) for a in each], axis=0), np.max([a.max(axis=0) for a in each], axis=0)], 1)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
