"""Toy plugins that are installed for these tests alone: a module and its metadata in a folder on the path."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path

import pytest

from qmbench.plugging.registry import Plugins, discover

sys.path.insert(0, str(Path(__file__).parent))
from toy_plugins import install

TOYS = Path(__file__).parent / "toys"


@pytest.fixture(scope="module")
def installed_toys(tmp_path_factory: pytest.TempPathFactory) -> Plugins:
    """The plugins in `toys/`, and no others."""
    folder = tmp_path_factory.mktemp("site")
    names = [path.stem for path in sorted(TOYS.glob("qmbench_*.py"))]
    install(folder, *names)
    program = folder / "toyprogram-1.0.dist-info"
    program.mkdir()
    (program / "METADATA").write_text("Metadata-Version: 2.1\nName: toyprogram\nVersion: 1.0\n")
    (program / "top_level.txt").write_text("toyprogram\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOYS))
        patch.syspath_prepend(str(folder))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(TOYS), os.environ.get("PYTHONPATH", "")]))
        points = metadata.entry_points(group="qmbench")
        yield discover([p for p in points if p.name in {name.removeprefix("qmbench_") for name in names}])
