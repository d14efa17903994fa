"""Systems of the qmbench-qcengine tests."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from qmbench import Molecule, Resources, parse_level

WATER = Molecule(("O", "H", "H"), ((0.1, 0.0, 0.12), (0.3, 1.43, -0.97), (-0.2, -1.43, -0.99)), 0, 1, name="water")
OH = Molecule(("O", "H"), ((0.0, 0.0, 0.0), (0.2, 0.1, 1.83)), 0, 2, name="OH")
HYDROXIDE = Molecule(("O", "H"), ((0.0, 0.0, 0.0), (0.3, 0.1, 1.8)), -1, 1, name="hydroxide")
O2 = Molecule(("O", "O"), ((0.0, 0.0, 0.0), (0.3, 0.4, 2.2)), 0, 3, name="oxygen")
GHOST = Molecule(("O", "H", "He"), WATER.positions, -1, 1, ghosts=(False, False, True), name="ghost")

SYSTEMS = {"water": WATER, "OH": OH, "hydroxide": HYDROXIDE, "oxygen": O2, "ghost": GHOST}


@pytest.fixture
def systems():
    """name -> system"""
    return SYSTEMS


@pytest.fixture
def run(tmp_path):
    """run(level, system, *properties) -> Result, after the check that planning makes."""

    def compute(level, system, *properties):
        system = SYSTEMS[system] if isinstance(system, str) else system
        return parse_level(level).make().run(system, properties or ("energy",), Resources(scratch=tmp_path))

    return compute
