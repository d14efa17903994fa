"""Training of gradient-domain force fields: from geometries, energies and forces to a calibrated model.

The forces f of the training geometries fix the weights α by (K + σ²) α = f, K the covariance of forces. The force at
another geometry is k α, its energy the integral of that and a constant, which makes the mean error of the energies of
the training geometries zero. Chmiela et al., Sci. Adv. 3, e1603015 (2017); Nat. Commun. 9, 3887 (2018).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from qmbench import InputError
from qmbench_ml.bonds import covalent_radii
from qmbench_ml.gdml.calibration import calibrated
from qmbench_ml.gdml.kernel import Kernel, Points, pair_permutations
from qmbench_ml.gdml.labels import Labels
from qmbench_ml.gdml.likelihood import most_likely
from qmbench_ml.gdml.model import ForceField
from qmbench_ml.gdml.permutations import checked_group, common_graph, symmetry
from qmbench_ml.gdml.solver import Algorithm, LinearSolver, Progress

FEWEST_TRAINED, FEWEST_HELD_OUT = 5, 20  # geometries


def train(
    data: str | Path | Labels,
    *,
    name: str,
    charge: int,
    multiplicity: int,
    level: str = "",
    held_out: float = 0.3,
    permutations: Sequence[Sequence[int]] | None = None,
    solver: Algorithm = "auto",
    matrix_free: bool | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    file: str | Path | None = None,
) -> ForceField:
    """A calibrated force field from your own labels, written to `file`, which `gdml?model=FILE` then takes.

    data: an extended XYZ file (energy in eV, forces in eV/ångström) or Labels (atomic units). name: of the molecule,
    as messages show it. level: of the labels. held_out: the fraction of the data, drawn with `seed`, on which the error
    bars are calibrated. permutations (G, N): of like atoms, 0 first; found from the bonds by default. solver, and
    matrix_free (conjugate gradients without forming the matrix): see `LinearSolver`. progress: called with lines of
    text; by default those of solves of more than ten seconds go to standard error. InputError for labels that are too
    few or do not belong together, NotConverged when the linear system is not solved.
    """
    labels = data if isinstance(data, Labels) else Labels.read(data)
    known, unseen = labels.split(held_out, seed)
    if not 0 < held_out < 1 or len(known) < FEWEST_TRAINED or len(unseen) < FEWEST_HELD_OUT:
        raise InputError(
            f"{len(labels)} geometries with held_out={held_out}: it takes {FEWEST_TRAINED} to train on and"
            f" {FEWEST_HELD_OUT} to calibrate with"
        )
    form_matrix = None if matrix_free is None else not matrix_free
    model = fit(
        known,
        name=name,
        charge=charge,
        multiplicity=multiplicity,
        level=level,
        permutations=permutations,
        solver=LinearSolver(solver, form_matrix, progress=progress or _to_stderr),
    )
    model = calibrated(model, unseen)
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
    solver: LinearSolver | None = None,
) -> ForceField:
    """A force field trained on all of `labels`, not yet calibrated; name, charge, …, permutations as for `train`.

    length (1/bohr), noise (variance of a force label, prior variance 1): the most likely ones by default.
    """
    if permutations is None:
        group = symmetry(labels.symbols, labels.positions)
    else:
        group = checked_group(permutations, labels.symbols)
    pair_group = pair_permutations(group)
    points = Points.internal(labels.positions)
    forces = points.projected(labels.forces)
    if length is None or noise is None:
        length, noise = most_likely(points, forces, pair_group, length, noise)
    solution = (solver or LinearSolver()).solve(Kernel(length, pair_group), points, noise, forces)
    model = ForceField(
        name=name,
        level=level,
        symbols=tuple(labels.symbols),
        charge=charge,
        multiplicity=multiplicity,
        positions=labels.positions,
        weights=points.cartesian_of(solution.weights),
        length=length,
        noise=noise,
        constant=0.0,
        permutations=group,
        graph=common_graph(labels.symbols, labels.positions),
        radii=covalent_radii(labels.symbols),
    )
    return replace(model, constant=float(np.mean(labels.energies - model.energies(labels.positions))))


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
