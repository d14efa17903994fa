"""Running from Python, with methods of the plugin `sabotage`, and an engine and a store of the plugin `elsewhere`."""

from __future__ import annotations

from pathlib import Path

import pytest

PLUGIN = Path(__file__).parent / "plugin"


@pytest.fixture
def elsewhere(sabotage, known, empty_folder):
    """Makes the foreign plugin known, beside `sabotage`; works in an empty folder."""
    known("qmbench_elsewhere", PLUGIN)


@pytest.fixture
def suite(folder, elsewhere):
    """A suite file of one benchmark, with a level that does everything and one that fails."""
    path = folder.parent / "s.toml"
    levels = "".join(f'[[levels]]\nlevel = "sabotage?do={do}"\nbsse = "none"\n' for do in ("nothing", "raise"))
    path.write_text(f'id = "s"\ntitle = "Sabotage"\nbenchmarks = ["./{folder.name}"]\n{levels}')
    return path
