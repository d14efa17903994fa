"""Systems of the qmbench-response tests."""

from __future__ import annotations

import os

# Before PySCF is loaded: the molecules are so small that threads only get into each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from qmbench import Resources, parse_level


@pytest.fixture(scope="session")
def resources(tmp_path_factory):
    """Of all tests: they share their self-consistent fields, as a run does."""
    folder = tmp_path_factory.mktemp("scf")
    return Resources(cores=1, artifacts=folder / "artifacts", scratch=folder / "scratch")


@pytest.fixture(scope="session")
def run(resources):
    """run(level, molecule, *properties) -> Result, of the energy where no property is named"""
    return lambda level, molecule, *properties: (
        parse_level(level).make().run(molecule, properties or ("energy",), resources)
    )
