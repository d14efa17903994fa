"""A plugin by a stranger, installed for these tests alone: `qmbench_dot.py` and its metadata in `site`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qmbench.domain.units import UNITS
from qmbench.plugging.registry import plugins

HERE = Path(__file__).parent


@pytest.fixture
def dot(known):
    """Makes the plugin known here and in child processes; gives the plugins."""
    units = dict(UNITS)
    known("qmbench_dot", HERE, HERE / "site")
    yield plugins()
    UNITS.clear()
    UNITS.update(units)


@pytest.fixture
def qmbench(dot, qmbench):
    """The command, with the plugin known."""
    return qmbench


@pytest.fixture
def document(qmbench):
    """The JSON document that a command prints; it has to succeed."""

    def call(*arguments):
        code, out, err = qmbench(*arguments, "--json")
        assert code == 0, out + err
        return json.loads(out)

    return call
