"""The gate of docs/how-to/run-in-ci.md holds: a factor planted in a plugin fails it, although the store was kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from gate import Gate, goes_through
from little import FILES, write


@pytest.fixture
def gate(tmp_path):
    package = write(tmp_path / "site", "qmbench_little", FILES)
    path = os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]))
    return Gate(tmp_path, sys.executable, package, PYTHONPATH=path)


def test_a_planted_factor_fails_the_gate(gate):
    goes_through(gate)
