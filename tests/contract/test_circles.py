"""No module of the core or of a plugin needs, even by way of others, a module that needs it."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_spec = spec_from_file_location("circles", ROOT / "tools" / "circles.py")
circles = module_from_spec(_spec)
_spec.loader.exec_module(circles)


def test_every_plugin_is_looked_at():
    folders = {path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml")}
    assert set(circles.sources()) == {"qmbench"} | {f"qmbench_{name}" for name in folders}


@pytest.mark.parametrize("package", sorted(circles.sources()))
def test_there_is_no_circle(package):
    folder = circles.sources()[package]
    graph = circles.graph_of(package, folder)
    assert len(graph) == len(list((folder / package).rglob("*.py"))), "not every module was found"
    assert circles.lines(graph) == []


@pytest.mark.parametrize(
    ("how", "found"),
    [
        ("import toy_package.b", [["toy_package.a", "toy_package.b"]]),
        ("from .b import f", [["toy_package.a", "toy_package.b"]]),
        ("def g():\n    from toy_package.b import f", [["toy_package.a", "toy_package.b"]]),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from toy_package.b import f",
            [["toy_package.a", "toy_package.b"]],
        ),
        ("from toy_package import c", [["toy_package", "toy_package.a", "toy_package.b", "toy_package.c"]]),
        ("import json", []),
    ],
)
def test_the_rule_bites(tmp_path, how, found):
    """b imports a, and the package c, which imports b; `how` is what a says."""
    package = tmp_path / "toy_package"
    package.mkdir()
    init = "from toy_package.c import h\n" if "import c" in how else ""
    (package / "__init__.py").write_text(init)
    (package / "a.py").write_text(how.replace("import c", "import h") + "\n")
    (package / "b.py").write_text("from toy_package.a import g\n")
    (package / "c.py").write_text("from toy_package.b import f\n")
    path = list(sys.path)
    assert circles.circles(circles.graph_of("toy_package", tmp_path)) == found
    assert sys.path == path


def test_a_long_circle_and_two_that_touch():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a", "f"}, "g": {"f"}}
    assert circles.circles(graph) == [["a", "b", "c"], ["d", "e"], ["f"]]
