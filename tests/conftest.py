"""What several kinds of tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qmbench.plugins import parse_level, plugins
from qmbench.record import Task
from qmbench.system import Molecule

SABOTAGE = Path(__file__).parent / "faults" / "plugin"


@pytest.fixture
def sabotage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Task]]:
    """Makes the plugin `sabotage` known here and in child processes; gives `task(do=…, n=…, properties=…)`."""
    monkeypatch.syspath_prepend(str(SABOTAGE))
    path = os.pathsep.join(filter(None, [str(SABOTAGE), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("PYTHONPATH", path)
    plugins.cache_clear()
    helium = Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1, name="he")

    def task(do: str = "nothing", properties: tuple[str, ...] = ("energy",), **options: object) -> Task:
        text = "&".join(f"{name}={value}" for name, value in {"do": do, **options}.items())
        return Task(helium, parse_level(f"sabotage?{text}"), properties)

    yield task
    plugins.cache_clear()
    sys.modules.pop("qmbench_sabotage", None)
