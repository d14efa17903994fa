"""Solvers of gradient-domain force fields against each other: condition, iterations, agreement, time, memory.

    python plugins/ml/benchmarks/gdml_speed.py             a system of 2,160 unknowns, with and without preconditioner
    python plugins/ml/benchmarks/gdml_speed.py --large     12,000 unknowns without ever forming the matrix (minutes)
    python plugins/ml/benchmarks/gdml_speed.py --large --unknowns 30000
    python plugins/ml/benchmarks/gdml_speed.py --curve     learning curves of the shipped molecules' labels

Methanol-like molecules in an analytic potential, six permutations. Seconds are CPU seconds: set OMP_NUM_THREADS before.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from qmbench_ml.gdml import Labels, fit
from qmbench_ml.gdml.kernel import Kernel, Points, pair_permutations
from qmbench_ml.gdml.permutations import symmetry
from qmbench_ml.gdml.solver import closed_form, conjugate_gradients, matrix_free, nystrom

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "training")]

LENGTH = 1.0  # 1/bohr
NOISE = 1e-9  # of the largest eigenvalue
DRAWS = 4  # of training geometries for each point of a learning curve
UNSEEN = 100  # geometries that predictions are compared on


def clocked(function: Callable[[], Any]) -> tuple[Any, float]:
    """What `function` gives, and its CPU seconds."""
    started = time.process_time()
    found = function()
    return found, time.process_time() - started


def prepared(geometries: int) -> tuple[Kernel, Points, Points, np.ndarray, np.ndarray]:
    """Kernel, training points, unseen points, and the forces along the directions of all of them."""
    from ml_gdml_cases import METHANOL, labels

    data = labels(METHANOL, geometries + UNSEEN, width=0.08)
    kernel = Kernel(LENGTH, pair_permutations(symmetry(data.symbols, data.positions)))
    points = Points.internal(data.positions)
    forces = points.projected(data.forces)
    own = points[:geometries]
    return kernel, own, points[geometries:], forces[: own.size], forces[own.size :]


def compare(geometries: int, rank: int) -> None:
    """Cholesky, and conjugate gradients with and without preconditioner, on one system."""
    kernel, points, unseen, forces, _ = prepared(geometries)
    matrix, seconds = clocked(lambda: kernel.matrix(points, points))
    values = np.linalg.eigvalsh(matrix)
    noise = NOISE * float(values[-1])
    matrix[np.diag_indices_from(matrix)] += noise
    print(f"{points.size} unknowns, condition {(values[-1] + noise) / (max(values[0], 0) + noise):.1e}")
    print(f"matrix: {seconds:.1f} s")
    direct, seconds = clocked(lambda: closed_form(matrix, forces))
    print(f"Cholesky: {seconds:.1f} s")
    predict = kernel.matrix(unseen, points)
    exact = predict @ direct.weights
    product = matrix_free(kernel, points, noise)
    precondition, making = clocked(lambda: nystrom(kernel, points, noise, rank, np.random.default_rng(0)))
    print(f"Nyström preconditioner of rank {rank}: {making:.1f} s")
    runs = (
        ("without preconditioner, matrix formed", matrix.__matmul__, None),
        ("preconditioned, matrix formed", matrix.__matmul__, precondition),
        ("preconditioned, matrix-free", product, precondition),
    )
    for title, multiply, how in runs:
        found, seconds = clocked(lambda m=multiply, p=how: conjugate_gradients(m, forces, p, 1e-10, 40000))
        differs = np.abs(predict @ found.weights - exact).max() / np.abs(exact).max()
        print(f"{title}: {found.iterations} iterations, {seconds:.1f} s, predictions differ by {differs:.1e}")


def large(unknowns: int, rank: int, tolerance: float) -> None:
    """One solve that never forms the matrix."""
    kernel, points, unseen, forces, wanted = prepared(unknowns // 12)
    few = points[:60]
    noise = NOISE * float(np.linalg.eigvalsh(kernel.matrix(few, few))[-1]) * len(points) / len(few)
    precondition, making = clocked(lambda: nystrom(kernel, points, noise, rank, np.random.default_rng(0)))
    product = matrix_free(kernel, points, noise)
    found, seconds = clocked(lambda: conjugate_gradients(product, forces, precondition, tolerance, progress=tell))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    images = kernel.images(points.x)
    predicted = kernel.product(unseen, images, kernel.images(points.in_descriptors(found.weights)))
    error = np.sqrt(np.mean((predicted - wanted) ** 2) / np.mean(wanted**2))
    print(f"{points.size} unknowns, noise {noise:.1e}, rank {rank}: {found.iterations} iterations to {tolerance:.0e}")
    print(f"preconditioner {making:.0f} s, iterations {seconds:.0f} s; unseen forces to {error:.1e} of their size")
    print(f"memory {memory:.2f} GB at most; the matrix would be {8e-9 * points.size**2:.2f} GB")


def curves() -> None:
    """Mean absolute errors on unseen geometries against the number of training geometries, and the power laws."""
    from train_gdml import DATA, TARGETS, split

    for name in TARGETS:
        with np.load(DATA / f"gdml_{name}.npz") as kept:
            parts = split(name, dict(kept))
        train, test = parts["train"], parts["test"]
        sizes = np.geomspace(12, len(train) // 2, 4).round().astype(int)
        errors = np.array([mean_errors(train, test, name, int(size)) for size in sizes])
        print(name, "geometries:", *sizes)
        for what, row, unit in zip(("energies", "forces"), errors.T, ("hartree", "hartree/bohr"), strict=True):
            exponent = np.polyfit(np.log(sizes), np.log(row), 1)[0]
            print(f"  {what}: {', '.join(f'{e:.1e}' for e in row)} {unit}; exponent {exponent:.2f}")


def mean_errors(train: Labels, test: Labels, name: str, size: int) -> np.ndarray:
    """(2,) mean absolute errors of energies and forces over DRAWS draws of `size` training geometries."""
    rng, found = np.random.default_rng(size), []
    for _ in range(DRAWS):
        model = fit(train[rng.permutation(len(train))[:size]], name=name, charge=0, multiplicity=1)
        energy = model.energies(test.positions) - test.energies
        force = model.forces(test.positions) - test.forces
        found.append((np.mean(np.abs(energy)), np.mean(np.abs(force))))
    return np.mean(found, axis=0)


def tell(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="one solve without the matrix")
    parser.add_argument("--curve", action="store_true", help="learning curves")
    parser.add_argument("--unknowns", type=int, help="by default 2,160, or 12,000 with --large")
    parser.add_argument("--rank", type=int, help="of the preconditioner; by default 10 roots of the unknowns")
    parser.add_argument("--tolerance", type=float, default=1e-8, help="relative residual of the large solve")
    given = parser.parse_args()
    unknowns = given.unknowns or (12000 if given.large else 2160)
    rank = given.rank or int(10 * np.sqrt(unknowns))
    if given.curve:
        curves()
    elif given.large:
        large(unknowns, rank, given.tolerance)
    else:
        compare(unknowns // 12, rank)


if __name__ == "__main__":
    main()
