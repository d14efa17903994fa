"""Shared, expensive things: exact states are solved once per session. `edft_state_averaged` lies beside the tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def exact_helium():
    """The exact states of helium used here, degree 18."""
    from qmbench_edft.multiplets import multiplet
    from qmbench_edft.perimetric import solve_state

    return {multiplet(name): solve_state(2.0, multiplet(name), 18) for name in ("1 1S", "2 3S", "2 1S", "2 3P", "2 1P")}
