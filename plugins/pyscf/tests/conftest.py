"""Systems and helpers of the qmbench-pyscf tests. All tests of a session share their SCFs, as a run does."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import LatticeModel, Molecule, Resources, parse_level


def atom(symbol, multiplicity, charge=0, at=(0.0, 0.0, 0.0)):
    return Molecule((symbol,), (at,), charge, multiplicity, name=symbol.lower())


MOLECULES = {
    # O–H 0.96 Å, H–O–H 104.5°, tilted so that no axis is a symmetry axis (bohr).
    "water": Molecule(
        ("O", "H", "H"), ((0.1, 0.0, 0.12), (0.3, 1.43, -0.97), (-0.2, -1.43, -0.99)), 0, 1, name="water"
    ),
    # The water of the Crawford group's programming projects (bohr).
    "crawford_water": Molecule(
        ("O", "H", "H"),
        (
            (0.0, -0.143225816552, 0.0),
            (1.638036840407, 1.136548822547, 0.0),
            (-1.638036840407, 1.136548822547, 0.0),
        ),
        0,
        1,
        name="crawford_water",
    ),
    "hf": Molecule(("H", "F"), ((0, 0, 0), (0, 0, 1.7328)), 0, 1, name="hf"),
    "lih": Molecule(("Li", "H"), ((0, 0, 0), (0, 0, 3.015)), 0, 1, name="lih"),
    "oh": Molecule(("O", "H"), ((0, 0, 0), (0, 0, 1.8324)), 0, 2, name="oh"),
    "nh": Molecule(("N", "H"), ((0, 0, 0), (0, 0, 1.9582)), 0, 3, name="nh"),
    "h2": Molecule(("H", "H"), ((0, 0, 0), (0, 0, 1.4)), 0, 1, name="h2"),
    "h": atom("H", 2),
    "he": atom("He", 1),
    "he_triplet": atom("He", 3),
    "he_plus": atom("He", 2, charge=1),
    "li": atom("Li", 2),
    "c": atom("C", 3),
    "o": atom("O", 3),
    "o2": Molecule(("O", "O"), ((0, 0, 0), (0, 0, 2.2819)), 0, 3, name="o2"),
    "n2_long": Molecule(("N", "N"), ((0, 0, 0), (0, 0, 4.2)), 0, 1, name="n2_long"),
}


@pytest.fixture(scope="session")
def molecules():
    return MOLECULES


@pytest.fixture(scope="session")
def resources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scf")
    return Resources(cores=1, artifacts=folder / "artifacts", scratch=folder / "scratch")


@pytest.fixture(scope="session")
def run(resources):
    """run(level, system, *properties) -> Result"""

    def compute(level, system, *properties, with_resources=None):
        system = MOLECULES[system] if isinstance(system, str) else system
        wanted = frozenset(properties or ("energy",))
        return parse_level(level).make().compute(system, wanted, with_resources or resources)

    return compute


@pytest.fixture(scope="session")
def energy(run):
    """energy(level, system) -> hartree (or t)"""
    return lambda level, system, **more: run(level, system, **more).properties["energy"].value


@pytest.fixture(scope="session")
def rotation():
    """A rotation matrix of no special angles."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_euler("zyx", [31.0, 57.0, 113.0], degrees=True).as_matrix()


@pytest.fixture(scope="session")
def moved(rotation):
    """moved(molecule): rotated, shifted, and with its atoms in reverse order."""

    def move(molecule):
        xyz = molecule.coordinates @ rotation.T + np.array([0.7, -1.1, 0.4])
        return Molecule(
            molecule.symbols[::-1],
            tuple(map(tuple, xyz[::-1])),
            molecule.charge,
            molecule.multiplicity,
            ghosts=molecule.ghosts[::-1],
        )

    return move


@pytest.fixture(scope="session")
def ring():
    """ring(sites, u, **more): a half-filled periodic Hubbard ring."""
    return lambda n, u, **more: LatticeModel((n,), ("periodic",), 1.0, u, more.pop("electrons", n), 1, **more)
