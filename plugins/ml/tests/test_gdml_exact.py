"""Gradient-domain force fields: symmetries, conservation of energy, and the kernel against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from ml_gdml_cases import AMMONIA, METHANOL, labels, model
from scipy.spatial.transform import Rotation

from qmbench_ml.gdml.kernel import Kernel, Points, descriptors, jacobians, pair_permutations
from qmbench_ml.gdml.permutations import checked_group, symmetry

TURN = Rotation.from_rotvec([0.32, 0.43, 0.72]).as_matrix()
SHIFT = np.array([0.7, -1.3, 2.1])


@pytest.fixture(scope="module")
def field():
    return model()


@pytest.fixture(scope="module")
def unseen():
    return labels().positions[100:110]


def test_translation_and_rotation(field, unseen):
    moved = unseen @ TURN.T + SHIFT
    assert np.abs(field.energies(moved) - field.energies(unseen)).max() < 1e-10
    assert np.abs(field.forces(moved) - field.forces(unseen) @ TURN.T).max() < 1e-10


def test_permutation(field, unseen):
    for order in symmetry(field.symbols, field.positions):
        assert np.abs(field.energies(unseen[:, order]) - field.energies(unseen)).max() < 1e-10
        assert np.abs(field.forces(unseen[:, order]) - field.forces(unseen)[:, order]).max() < 1e-10


def test_mirror_images_have_one_energy(field, unseen):
    assert np.abs(field.energies(-unseen) - field.energies(unseen)).max() < 1e-10


def test_no_net_force_and_no_torque(field, unseen):
    forces = field.forces(unseen)
    assert np.abs(forces.sum(axis=1)).max() < 1e-12
    assert np.abs(np.cross(unseen, forces).sum(axis=1)).max() < 1e-11


def test_forces_are_the_gradient(field, unseen):
    x, step = unseen[:1], 1e-3
    forces = field.forces(x)[0]
    for i, k in np.ndindex(4, 3):
        shift = np.zeros_like(x)
        shift[0, i, k] = step
        e = [float(field.energies(x + n * shift)[0]) for n in (-2, -1, 1, 2)]
        slope = (e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * step)
        assert forces[i, k] == pytest.approx(-slope, abs=1e-8)


def test_no_work_along_a_closed_loop(field, unseen):
    """The trapezoidal rule converges exponentially on a smooth loop."""
    rng = np.random.default_rng(5)
    a, b = 0.05 * rng.standard_normal((2, 4, 3))
    t = np.linspace(0, 2 * np.pi, 256, endpoint=False)[:, None, None]
    path = unseen[0] + a * np.cos(t) + b * np.sin(2 * t)
    speed = -a * np.sin(t) + 2 * b * np.cos(2 * t)
    power = (field.forces(path) * speed).sum(axis=(1, 2))
    assert np.abs(power).mean() > 1e-3
    assert abs(power.mean()) < 1e-10


def test_kernel_against_finite_differences():
    """The Hessian of the scalar kernel, by central differences in both geometries, is the covariance of forces."""
    positions = labels(METHANOL).positions
    first, second = positions[:1], positions[1:2]
    kernel = Kernel(0.7, pair_permutations(symmetry("COHHHH", positions)))
    here, there = Points.cartesian(first), Points.cartesian(second)
    matrix, rows = kernel.matrix(here, there), kernel.energy_matrix(here.x, there)
    size = first.size

    def energy(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return kernel.energy_energy(descriptors(x), descriptors(y))

    def differences(step: float) -> tuple[np.ndarray, np.ndarray]:
        shifts = step * np.eye(size).reshape(size, *first.shape[1:])
        plus, minus = (
            energy(x, second + shifts) - energy(x, second - shifts) for x in (first + shifts, first - shifts)
        )
        slope = energy(first, second + shifts) - energy(first, second - shifts)
        return (plus - minus) / (4 * step**2), -slope / (2 * step)

    # Richardson extrapolation from two steps
    wide, narrow = differences(4e-3), differences(2e-3)
    for found, a, b in zip((matrix, rows), wide, narrow, strict=True):
        assert np.abs(found - (4 * b - a) / 3).max() < 1e-7 * np.abs(found).max()
    assert np.allclose(kernel.diagonal(here), np.diagonal(kernel.matrix(here, here)), rtol=1e-12)


def test_jacobian_against_finite_differences():
    x, step = labels().positions[:1], 1e-5
    shifts = step * np.eye(12).reshape(12, 4, 3)
    numeric = (descriptors(x + shifts) - descriptors(x - shifts)) / (2 * step)
    assert np.abs(jacobians(x)[0] - numeric.T).max() < 1e-9


def test_product_is_the_matrix_without_forming_it():
    positions = labels(METHANOL).positions[:30]
    kernel = Kernel(0.5, pair_permutations(symmetry("COHHHH", positions)))
    points = Points.internal(positions)
    v = np.random.default_rng(2).standard_normal(points.size)
    images = kernel.images(points.x)
    product = kernel.product(points, images, kernel.images(points.in_descriptors(v)))
    dense = kernel.matrix(points, points) @ v
    assert np.abs(product - dense).max() < 1e-12 * np.abs(dense).max()


def test_kernel_is_symmetric_and_positive():
    positions = labels(METHANOL).positions[:30]
    kernel = Kernel(0.5, pair_permutations(symmetry("COHHHH", positions)))
    points = Points.internal(positions)
    matrix = kernel.matrix(points, points)
    assert np.abs(matrix - matrix.T).max() < 1e-12 * np.abs(matrix).max()
    assert np.linalg.eigvalsh(matrix)[0] > -1e-12 * np.trace(matrix)


def test_internal_directions_leave_nothing_out():
    """Forces of a potential have no part along translations and rotations, and so none is lost."""
    data = labels(METHANOL)
    points = Points.internal(data.positions)
    assert points.directions.shape[2] == 12
    assert np.abs(points.cartesian_of(points.projected(data.forces)) - data.forces).max() < 1e-12


def test_permutations_are_those_of_the_bonds():
    assert len(symmetry(AMMONIA[0], labels().positions)) == 6
    methanol = symmetry("COHHHH", labels(METHANOL).positions)
    assert len(methanol) == 6  # the methyl group's, and not the hydroxyl's hydrogen
    assert (methanol[:, [0, 1, 5]] == [0, 1, 5]).all()
    assert len(checked_group(methanol, "COHHHH")) == 6


@pytest.mark.parametrize(
    ("given", "said"),
    [([[0, 1, 2]], "atoms 0 to 3"), ([[1, 0, 2, 3]], "different elements"), ([[0, 2, 3, 1]], "no group")],
)
def test_given_permutations_are_checked(given, said):
    from qmbench import InputError

    with pytest.raises(InputError, match=said):
        checked_group(given, "NHHH")
