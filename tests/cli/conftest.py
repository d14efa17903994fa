"""The command line, called in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

PLUGIN = Path(__file__).parent / "plugin"


@pytest.fixture
def remembering(known):
    """Makes a learned method known here and in child processes; it knows the helium dimer at 3 and 4 ångström."""
    known("qmbench_remembering", PLUGIN)
