"""A plugin by a stranger, installed for these tests alone: `qmbench_dot.py` and its metadata in `site`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from qmbench.cli import run
from qmbench.domain.units import UNITS
from qmbench.plugging.registry import plugins

HERE = Path(__file__).parent
PATHS = [str(HERE / "site"), str(HERE)]


@pytest.fixture
def dot(monkeypatch):
    """Makes the plugin known here and in child processes; gives the plugins."""
    units = dict(UNITS)
    for path in PATHS:
        monkeypatch.syspath_prepend(path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [*PATHS, os.environ.get("PYTHONPATH", "")])))
    plugins.cache_clear()
    yield plugins()
    plugins.cache_clear()
    sys.modules.pop("qmbench_dot", None)
    UNITS.clear()
    UNITS.update(units)


@pytest.fixture
def qmbench(dot, tmp_path, monkeypatch, capfd):
    """Runs one command in an empty folder; gives (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QMBENCH_STORE", raising=False)

    def call(*arguments):
        code = run([str(a) for a in arguments])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def document(qmbench):
    """The JSON document that a command prints; it has to succeed."""

    def call(*arguments):
        code, out, err = qmbench(*arguments, "--json")
        assert code == 0, out + err
        return json.loads(out)

    return call
