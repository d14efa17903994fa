"""Centres that symmetry exchanges: which they are, and that rows of the Hessian by charges come out the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qmbench import Molecule, parse_level
from qmbench_pyscf import alchemy
from qmbench_pyscf.coupled_perturbed import response_matrix
from qmbench_pyscf.mean_field_object import nuclear_attraction
from qmbench_pyscf.specification import UNPERTURBED, Perturbation
from qmbench_pyscf.symmetry import bond_orders, exchanged_centres, operation_between

TURN = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])


def ring(radius, n=6, start=0.0):
    angles = start + 2 * np.pi * np.arange(n) / n
    return np.array([radius * np.cos(angles), radius * np.sin(angles), 0 * angles]).T


def molecule(symbols, positions, **more):
    return Molecule(tuple(symbols), tuple(map(tuple, (positions @ TURN.T).tolist())), 0, 1, **more)


BENZENE = molecule("CCCCCCHHHHHH", np.vstack([ring(2.636), ring(4.69)]))
METHANE = molecule("CHHHH", 1.19 * np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]))
AMMONIA = molecule("NHHH", np.vstack([[[0, 0, 0.72]], ring(1.77, 3)]))
# Not symmetric: right- and left-handed, so that only turning is left of what exchanges its hydrogens.
PEROXIDE = molecule("OOHH", np.array([[0, 1.37, 0], [0, -1.37, 0], [1.4, 1.7, 0.9], [-1.4, -1.7, 0.9]]))
SQUARE = molecule("HHHH", ring(1.6, 4))


@pytest.fixture
def field(resources):
    return lambda level, of, added=UNPERTURBED: parse_level(level).make().point(of, added, resources).state


def orbits(mf):
    return [first for first, _ in exchanged_centres(mf)]


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (BENZENE, [0] * 6 + [6] * 6),
        (METHANE, [0, 1, 1, 1, 1]),
        (AMMONIA, [0, 1, 1, 1]),
        (PEROXIDE, [0, 0, 2, 2]),
    ],
)
def test_centres_of_point_groups(of, expected, field):
    mf = field("hf/sto-3g", of)
    assert orbits(mf) == expected
    x = of.coordinates
    for centre, (first, images) in enumerate(exchanged_centres(mf)):
        assert images[first] == centre
        assert sorted(images) == list(range(len(x)))
        # a rotation or reflection takes every centre to its image
        old, new = x - x.mean(axis=0), x[images] - x.mean(axis=0)
        u, _, v = np.linalg.svd(old.T @ new)
        assert old @ u @ v == pytest.approx(new, abs=1e-6)


@pytest.mark.parametrize(
    ("level", "of", "within"),
    [
        ("hf/sto-3g", BENZENE, 1e-7),
        ("hf/6-31g?density_fitting=true", METHANE, 1e-7),
        ("hf/6-31g", PEROXIDE, 1e-7),
        ("pbe/sto-3g", METHANE, 5e-7),  # the quadrature grid does not turn with the molecule
    ],
)
def test_rows_of_exchanged_centres(level, of, within, field, monkeypatch):
    mf = field(level, of)
    solved = []

    def counting(mf, operators, *others):
        solved.append(len(operators))
        return response_matrix(mf, operators, *others)

    monkeypatch.setattr(alchemy, "response_matrix", counting)
    found = alchemy.mean_field_hessian(mf)
    assert solved == [len(set(orbits(mf)))]
    assert solved[0] < len(of.symbols)
    assert found == pytest.approx(response_matrix(mf, nuclear_attraction(mf.mol)), abs=within)
    assert np.array_equal(found, found.T)


def test_nearly_symmetric_is_not_symmetric(field):
    """Moved by 2e-6 bohr, a proton is one of its own; and so are all but those that are still exchanged."""
    moved = BENZENE.coordinates.copy()
    moved[6] += 2e-6 * moved[6] / np.linalg.norm(moved[6])
    nearly = replace(BENZENE, positions=tuple(map(tuple, moved.tolist())))
    mf = field("hf/sto-3g", nearly)
    assert orbits(mf) == [0, 1, 2, 3, 2, 1, 6, 7, 8, 9, 8, 7]
    whole = response_matrix(mf, nuclear_attraction(mf.mol))
    assert alchemy.mean_field_hessian(mf) == pytest.approx(whole, abs=1e-7)
    moved[6] += (1e-4, 2e-4, 3e-4)
    mf = field("hf/sto-3g", replace(BENZENE, positions=tuple(map(tuple, moved.tolist()))))
    assert orbits(mf) == list(range(12))
    whole = response_matrix(mf, nuclear_attraction(mf.mol))
    assert alchemy.mean_field_hessian(mf) == pytest.approx(whole, abs=1e-10)  # threads add up in any order


def test_other_functions_or_none_are_other_centres(field):
    ghost = replace(METHANE, symbols=("C", "H", "H", "H", "H"), ghosts=(False, False, False, True, True))
    assert orbits(field("hf/sto-3g", ghost)) == [0, 1, 1, 3, 3]
    mf = field("hf/sto-3g", METHANE, Perturbation(functions=("C", "He", "H", "H", "H")))
    assert orbits(mf) == [0, 1, 2, 2, 2]


def test_what_is_added_to_the_hamiltonian_leaves_no_symmetry(field):
    for added in (Perturbation(field=(0.0, 0.0, 1e-9)), Perturbation(charges=(1e-9, 0.0, 0.0, 0.0, 0.0))):
        assert orbits(field("hf/sto-3g", METHANE, added)) == [0, 1, 2, 3, 4]
    assert orbits(field("hf/sto-3g?reference=unrestricted", METHANE)) == [0, 1, 2, 3, 4]


def test_a_density_of_less_symmetry_than_the_nuclei(field):
    """Two electrons in two orbitals of equal energy: the restricted determinant of a square has two kinds of bonds."""
    mf = field("hf/sto-3g", SQUARE)
    bonds = bond_orders(mf.mol, mf.make_rdm1(), mf.get_ovlp())
    assert abs(bonds[0, 1] - bonds[1, 2]) > 0.1 or abs(bonds[0, 2] - bonds[1, 3]) > 0.1
    x = SQUARE.coordinates
    distances = np.linalg.norm(x[:, None] - x[None], axis=-1)
    assert operation_between(distances, np.ones((4, 4), bool), 0, 1) is not None
    for _, images in exchanged_centres(mf):
        assert bonds[np.ix_(images, images)] == pytest.approx(bonds, abs=1e-5)
    whole = response_matrix(mf, nuclear_attraction(mf.mol))
    assert alchemy.mean_field_hessian(mf) == pytest.approx(whole, abs=1e-7)


def test_rows_alone_are_those_of_the_matrix(field):
    for level in ("hf/6-31g", "pbe/6-31g?grid=2"):
        mf = field(level, AMMONIA)
        operators = nuclear_attraction(mf.mol)
        whole = response_matrix(mf, operators)
        assert response_matrix(mf, operators[:2], operators) == pytest.approx(whole[:2], abs=1e-7)
