"""Solvers against each other, learning curves, calibration on labels that cost nothing, users' own models."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from ml_gdml_cases import AMMONIA, METHANOL, labels, model

from qmbench import InputError, NotConverged
from qmbench_ml.gdml import ForceField, Labels, LinearSolver, calibrated, coverage, fit, train
from qmbench_ml.gdml.kernel import Kernel, Points, pair_permutations
from qmbench_ml.gdml.permutations import symmetry
from qmbench_ml.gdml.shipped import _read
from qmbench_ml.gdml.solver import BLOCK, closed_form, conjugate_gradients, matrix_free, nystrom

GIVEN = {"name": "ammonia", "charge": 0, "multiplicity": 1}


@pytest.fixture(scope="module")
def system():
    """Kernel, points, right-hand side and noise of 720 unknowns with a condition number above 1e8."""
    data = labels(METHANOL)[:60]
    kernel = Kernel(1.0, pair_permutations(symmetry(data.symbols, data.positions)))
    points = Points.internal(data.positions)
    matrix = kernel.matrix(points, points)
    noise = 1e-9 * float(np.linalg.eigvalsh(matrix)[-1])
    matrix[np.diag_indices_from(matrix)] += noise
    return kernel, points, points.projected(data.forces), noise, matrix


def test_preconditioned_cg_is_cholesky(system):
    """Forces to 1e-8 of their size; the weights themselves are known only to condition times rounding."""
    kernel, points, forces, noise, matrix = system
    direct = closed_form(matrix, forces)
    precondition = nystrom(kernel, points, noise, 300, np.random.default_rng(0))
    product = matrix_free(kernel, points, noise)
    iterative = conjugate_gradients(product, forces, precondition, 1e-12)
    unseen = Points.internal(labels(METHANOL).positions[100:150])
    predict = kernel.matrix(unseen, points)
    difference = predict @ (iterative.weights - direct.weights)
    assert np.abs(difference).max() < 1e-8 * np.abs(predict @ direct.weights).max()
    assert iterative.residual <= 1e-12


def test_preconditioner_saves_iterations(system):
    kernel, points, forces, noise, matrix = system
    precondition = nystrom(kernel, points, noise, 300, np.random.default_rng(0))
    plain = conjugate_gradients(matrix.__matmul__, forces, None, 1e-8)
    faster = conjugate_gradients(matrix.__matmul__, forces, precondition, 1e-8)
    assert faster.iterations < plain.iterations / 4


def test_full_rank_preconditioner_is_the_inverse(system):
    kernel, points, forces, noise, matrix = system
    precondition = nystrom(kernel, points, noise, points.size, np.random.default_rng(0))
    assert conjugate_gradients(matrix.__matmul__, forces, precondition, 1e-8).iterations <= 3


def test_cg_stops_when_told(system):
    *_, forces, _, matrix = system
    with pytest.raises(NotConverged, match="after 5 iterations"):
        conjugate_gradients(matrix.__matmul__, forces, None, 1e-8, max_iterations=5)


def test_long_solves_tell_how_far_they_are(system, monkeypatch):
    *_, forces, _, matrix = system
    monkeypatch.setattr("qmbench_ml.gdml.solver.TELL_SECONDS", 0.0)
    told: list[str] = []
    found = conjugate_gradients(matrix.__matmul__, forces, None, 1e-2, progress=told.append)
    assert len(told) == found.iterations
    assert "residual" in told[0]


@pytest.mark.parametrize("solver", ["cg", "auto"])
def test_the_matrix_is_never_formed_when_told_not_to(solver, monkeypatch):
    """Neither in memory, nor as a call of the kernel for more than a block of columns."""
    data = labels(METHANOL, 300)
    kernel = Kernel(0.7, pair_permutations(symmetry(data.symbols, data.positions)))
    points = Points.internal(data.positions)
    asked, form = [], Kernel.matrix

    def watched(self, rows, columns):
        asked.append(columns.size)
        return form(self, rows, columns)

    monkeypatch.setattr(Kernel, "matrix", watched)
    monkeypatch.setattr("qmbench_ml.gdml.kernel.CHUNK", 1 << 16)
    tracemalloc.start()
    solve = LinearSolver(solver, form_matrix=False, tolerance=1e-3).solve
    found = solve(kernel, points, 1e-2, points.projected(data.forces))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.iterations > 0
    assert max(asked) <= BLOCK
    assert peak < 0.6 * 8 * points.size**2


def test_cholesky_is_not_done_without_the_matrix():
    with pytest.raises(InputError, match="solver=cg"):
        train(labels()[:60], **GIVEN, held_out=0.5, solver="cholesky", matrix_free=True)


def test_an_unknown_solver_is_refused():
    with pytest.raises(InputError, match="one of auto, cholesky, cg, not 'lu'"):
        train(labels()[:60], **GIVEN, held_out=0.5, solver="lu")


@pytest.mark.parametrize("form", [True, False])
def test_models_of_both_solvers_agree(form):
    direct = model()
    given = {**GIVEN, "length": direct.length, "noise": 1e-8}
    direct = fit(labels()[:40], **given, solver=LinearSolver("cholesky"))
    iterative = fit(labels()[:40], **given, solver=LinearSolver("cg", form_matrix=form, tolerance=1e-13))
    unseen = labels().positions[100:]
    assert np.abs(direct.forces(unseen) - iterative.forces(unseen)).max() < 1e-8
    assert np.abs(direct.energies(unseen) - iterative.energies(unseen)).max() < 1e-8


def test_learning_curve_is_a_power_law():
    """log(error) against log(size) is a line that falls: the mean absolute error, over four draws.

    A root mean square is that of the few worst geometries, and jumps as they come to be described.
    """
    sizes, test = np.array([10, 20, 40, 80, 160]), labels(AMMONIA, 200, seed=20)

    def error(size: int, seed: int) -> float:
        found = fit(labels(AMMONIA, 160, seed=seed)[:size], **GIVEN, length=1.0, noise=1e-12)
        return float(np.mean(np.abs(found.forces(test.positions) - test.forces)))

    errors = [np.mean([error(size, seed) for seed in range(30, 34)]) for size in sizes]
    slope, cut = np.polyfit(np.log(sizes), np.log(errors), 1)
    assert slope < -0.7
    assert np.abs(np.log(errors) - slope * np.log(sizes) - cut).max() < 0.3


@pytest.fixture(scope="module")
def calibrated_model():
    return calibrated(model(), labels(AMMONIA, 900, seed=3))


def test_held_out_coverage(calibrated_model):
    """At least 90 % within 1.645 error bars, and hardly any beyond 3, of geometries that were used for nothing."""
    test = labels(AMMONIA, 900, seed=4)
    assert min(coverage(calibrated_model, test)) > 0.9
    assert min(coverage(calibrated_model, test, 3.0)) > 0.99


def test_error_bars_tell_good_from_bad(calibrated_model):
    """The larger the bar, the larger the error; the bars at training geometries are the smallest of all."""
    test = labels(AMMONIA, 900, seed=4)[:300]
    bars = calibrated_model.errors(test.positions)[0]
    errors = np.abs(calibrated_model.energies(test.positions) - test.energies)
    small = bars < np.median(bars)
    assert np.median(errors[~small]) > 1.5 * np.median(errors[small])
    forces = calibrated_model.errors(test.positions)[1]
    known = labels().positions[:5]
    assert np.ptp(calibrated_model.errors(known)[1]) == 0  # nothing smaller was calibrated
    assert calibrated_model.errors(known)[1].max() <= forces.min() < 0.2 * np.median(forces)
    assert calibrated_model.deviations(known)[1].max() < 0.1 * calibrated_model.deviations(test.positions)[1].min()


def test_own_model_from_a_file(tmp_path):
    """An extended XYZ file in ASE's units gives the model that the arrays give, and the level finds it."""
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io import write

    from qmbench import Molecule, Resources, parse_level
    from qmbench.domain.units import BOHR_IN_ANGSTROM, HARTREE_IN_EV

    data, frames = labels()[:60], []
    for x, e, f in zip(data.positions, data.energies, data.forces, strict=True):
        atoms = Atoms(data.symbols, x * BOHR_IN_ANGSTROM)
        scaled = f * HARTREE_IN_EV / BOHR_IN_ANGSTROM
        atoms.calc = SinglePointCalculator(atoms, energy=e * HARTREE_IN_EV, forces=scaled)
        frames.append(atoms)
    write(tmp_path / "data.xyz", frames, format="extxyz")
    path = tmp_path / "own.npz"
    from_file = train(tmp_path / "data.xyz", **GIVEN, held_out=0.5, file=path)
    from_arrays = train(data, **GIVEN, held_out=0.5)
    unseen = labels().positions[100:]
    assert np.abs(from_file.energies(unseen) - from_arrays.energies(unseen)).max() < 1e-5
    again = ForceField.load(path)
    assert (again.energies(unseen) == from_file.energies(unseen)).all()
    level = parse_level(f"gdml?model={path}")
    molecule = Molecule(again.symbols, again.positions[3].tolist(), 0, 1)
    result = level.make().compute(molecule, frozenset({"energy"}), Resources())
    assert result.properties["energy"].value == pytest.approx(from_file.energies(again.positions[3:4])[0], abs=1e-12)
    assert result.training_overlap.kind == "same geometry"
    train(data, **GIVEN, held_out=0.4, file=path)
    _read.cache_clear()  # as in a process that has not read the old file
    with pytest.raises(InputError, match="has changed"):
        parse_level(str(level)).make().check(molecule, frozenset({"energy"}))


def test_labels_that_do_not_belong_together_are_refused():
    data = labels()[:60]
    wrong = Labels(data.symbols, data.positions, data.energies, -data.forces)
    with pytest.raises(InputError, match="sign of forces"):
        train(wrong, **GIVEN, held_out=0.5)
    with pytest.raises(InputError, match="it takes 5 to train on"):
        train(data[:10], **GIVEN)
    with pytest.raises(InputError, match="shape"):
        Labels(data.symbols, data.positions, data.energies[:5], data.forces)
    with pytest.raises(InputError, match="holds no model"):
        ForceField.load(__file__)
