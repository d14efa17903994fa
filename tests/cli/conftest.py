"""The command line, called in this process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from qmbench.cli import run
from qmbench.plugging.registry import plugins

PLUGIN = Path(__file__).parent / "plugin"


@pytest.fixture
def qmbench(tmp_path, monkeypatch, capfd):
    """Runs one command in an empty folder; gives (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QMBENCH_STORE", raising=False)

    def call(*arguments):
        code = run([str(a) for a in arguments])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def remembering(monkeypatch):
    """Makes a learned method known here and in child processes; it knows the helium dimer at 3 and 4 ångström."""
    path = os.pathsep.join(filter(None, [str(PLUGIN), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.syspath_prepend(str(PLUGIN))
    monkeypatch.setenv("PYTHONPATH", path)
    plugins.cache_clear()
    yield
    plugins.cache_clear()
    sys.modules.pop("qmbench_remembering", None)
