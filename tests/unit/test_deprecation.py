"""What goes says so for one minor version, in the caller's file, and then does go."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import qmbench

ROOT = Path(__file__).parents[2]


def old_name():
    qmbench.deprecated("old_name()", "new_name()", since="0.9")


def test_the_caller_is_told_the_new_name():
    with pytest.warns(FutureWarning) as seen:
        old_name()
    assert str(seen[0].message) == "old_name() is deprecated since 0.9 and goes in 0.10; write new_name()"
    assert seen[0].filename == __file__


def test_people_see_it_without_asking(tmp_path):
    (tmp_path / "theirs.py").write_text("import qmbench\ndef f():\n    qmbench.deprecated('f()', 'g()', '1.2')\nf()\n")
    done = subprocess.run([sys.executable, str(tmp_path / "theirs.py")], capture_output=True, text=True)
    assert "theirs.py:4: FutureWarning: f() is deprecated since 1.2 and goes in 1.3; write g()" in done.stderr


def overdue(source: str, version: str) -> list[str]:
    """The calls of `deprecated` in a file whose one minor version is over in `version`."""
    now = tuple(map(int, version.split(".")[:2]))
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "deprecated":
            given = {k.arg: k.value for k in node.keywords}
            given |= dict(zip(("old", "new", "since"), node.args, strict=False))
            major, minor = map(int, ast.literal_eval(given["since"]).split(".")[:2])
            if now > (major, minor):
                found.append(f"line {node.lineno}: {ast.unparse(given['old'])}")
    return found


def test_nothing_is_overdue():
    files = [*ROOT.glob("qmbench/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")]
    late = {str(p.relative_to(ROOT)): overdue(p.read_text(encoding="utf-8"), qmbench.__version__) for p in files}
    assert {path: lines for path, lines in late.items() if lines} == {}


@pytest.mark.parametrize(("version", "n"), [("0.2.0", 0), ("0.2.7", 0), ("0.3.0.dev0", 1), ("1.0.0", 1)])
def test_overdue_is_seen(version, n):
    assert len(overdue("from qmbench import deprecated\ndeprecated('a', 'b', since='0.2')", version)) == n
    assert len(overdue("import qmbench\nqmbench.deprecated('a', 'b', '0.2')", version)) == n
