"""Running from Python, with methods of the plugin `sabotage`, and an engine and a store of the plugin `elsewhere`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from qmbench.plugging.registry import plugins

PLUGIN = Path(__file__).parent / "plugin"


@pytest.fixture
def elsewhere(sabotage, monkeypatch, tmp_path):
    """Makes the foreign plugin known, beside `sabotage`; works in an empty folder."""
    path = os.pathsep.join(filter(None, [str(PLUGIN), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.syspath_prepend(str(PLUGIN))
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QMBENCH_STORE", raising=False)
    plugins.cache_clear()
    yield
    sys.modules.pop("qmbench_elsewhere", None)


@pytest.fixture
def suite(folder, elsewhere):
    """A suite file of one benchmark, with a level that does everything and one that fails."""
    path = folder.parent / "s.toml"
    levels = "".join(f'[[levels]]\nlevel = "sabotage?do={do}"\nbsse = "none"\n' for do in ("nothing", "raise"))
    path.write_text(f'id = "s"\ntitle = "Sabotage"\nbenchmarks = ["./{folder.name}"]\n{levels}')
    return path
