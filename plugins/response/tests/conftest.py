"""Systems of the qmbench-response tests."""

from __future__ import annotations

import os

# Before PySCF is loaded: the molecules are so small that threads only get into each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from qmbench import Resources, parse_level


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """run(level, molecule) -> Result of the energy; all share their self-consistent fields, as a run does."""
    folder = tmp_path_factory.mktemp("scf")
    resources = Resources(cores=1, artifacts=folder / "artifacts", scratch=folder / "scratch")
    return lambda level, molecule: parse_level(level).make().run(molecule, ("energy",), resources)
