"""No package defines a name that one of its modules has: importing the module would replace it, from then on."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted([*ROOT.glob("qmbench/**/__init__.py"), *ROOT.glob("plugins/*/src/**/__init__.py")])


def defined(source: str) -> set[str]:
    """Functions, classes and variables that a module defines."""
    names: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


@pytest.mark.parametrize("init", PACKAGES, ids=lambda p: str(p.parent.relative_to(ROOT)))
def test_no_name_is_a_module_too(init):
    modules = {path.stem if path.is_file() else path.name for path in init.parent.iterdir()} - {"__init__"}
    assert not defined(init.read_text()) & modules


def test_the_check_finds_one():
    assert defined("def a(): pass\nclass B: pass\nc = 1\nd: int = 2\n") == {"a", "B", "c", "d"}
