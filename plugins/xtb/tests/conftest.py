"""Systems of the qmbench-xtb tests."""

from __future__ import annotations

import os

# Before tblite is loaded: the molecules are so small that threads only get into each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from qmbench import Molecule, Resources, parse_level

MOLECULES = {
    # Tilted, so that no axis is a symmetry axis (bohr).
    "water": Molecule(
        ("O", "H", "H"), ((0.1, 0.0, 0.12), (0.3, 1.43, -0.97), (-0.2, -1.43, -0.99)), 0, 1, name="water"
    ),
    "ammonium": Molecule(
        ("N", "H", "H", "H", "H"),
        ((0.1, 0, 0), (1.15, 1.1, 1.1), (1.2, -1.1, -1.12), (-1.12, 1.1, -1.1), (-1.1, -1.15, 1.1)),
        1,
        1,
        name="ammonium",
    ),
    "hydroxide": Molecule(("O", "H"), ((0, 0, 0), (0.3, 0.1, 1.8)), -1, 1, name="hydroxide"),
    "oh": Molecule(("O", "H"), ((0, 0, 0), (0.2, 0.1, 1.83)), 0, 2, name="oh"),
    "o2": Molecule(("O", "O"), ((0, 0, 0), (0.3, 0.4, 2.2)), 0, 3, name="o2"),
    "methyl chloride cation": Molecule(
        ("C", "Cl", "H", "H", "H"),
        ((0, 0, 0), (0, 0.1, 3.3), (1.95, 0, -0.65), (-0.97, 1.7, -0.66), (-0.98, -1.68, -0.65)),
        1,
        2,
        name="methyl chloride cation",
    ),
}


@pytest.fixture(scope="session")
def molecules():
    return MOLECULES


@pytest.fixture(scope="session")
def run():
    """run(level, system, *properties) -> Result, after the check that planning makes."""

    def compute(level, system, *properties):
        system = MOLECULES[system] if isinstance(system, str) else system
        return parse_level(level).make().run(system, properties or ("energy",), Resources())

    return compute


@pytest.fixture(scope="session")
def energy(run):
    """energy(level, system) -> hartree"""
    return lambda level, system: run(level, system).properties["energy"].value
