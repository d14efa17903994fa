"""`qmbench plugin new` writes a package that works at once; `qmbench plugin check` judges an installed one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

from qmbench.cli.plugin import app

TOYS = Path(__file__).parents[1] / "contract" / "toys"
COMMAND = "import sys; from qmbench.cli.plugin import app; sys.exit(app(sys.argv[1:], standalone_mode=False))"


def plugin(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The commands in a process of their own, since installed plugins are found once per process."""
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "120", **env},
    )


@pytest.fixture
def install(tmp_path):
    """Make modules in `tmp_path/site` known as plugins; returns the PYTHONPATH that finds them."""

    def go(name: str, module: str, *folders: Path) -> str:
        info = tmp_path / "site" / f"qmbench_{name}-0.1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: qmbench-{name}\nVersion: 0.1.0\n")
        (info / "entry_points.txt").write_text(f"[qmbench]\n{name} = {module}\n")
        return os.pathsep.join(map(str, (tmp_path / "site", *folders)))

    return go


@pytest.fixture
def scaffolded(tmp_path):
    folder = tmp_path / "mine"
    assert app(["new", "my_method", "--directory", str(folder)], standalone_mode=False) == 0
    return folder


def test_a_new_plugin_passes_the_kit_and_its_own_tests(scaffolded, install):
    path = install("my_method", "qmbench_my_method", scaffolded / "src")
    checked = plugin("check", "my_method", "--json", PYTHONPATH=path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    document = json.loads(checked.stdout)
    assert document["summary"]["failed"] == 0
    assert document["summary"]["passed"] >= 14
    assert {row["outcome"] for row in document["checks"]} == {"passed", "skipped"}
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=scaffolded,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert tested.returncode == 0, tested.stdout
    assert " passed" in tested.stdout


@pytest.mark.slow
def test_a_new_plugin_installs(scaffolded, tmp_path):
    isolation = ["--no-build-isolation"] if find_spec("hatchling") else []
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", *isolation, "--target", tmp_path / "s", scaffolded],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    checked = plugin("check", "my_method", PYTHONPATH=str(tmp_path / "s"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 failed" in checked.stdout


def test_new_needs_a_name_that_can_be_a_package(tmp_path):
    for name in ("My-Method", "1st", "a b", "a/b", ""):
        with pytest.raises(Exception, match="a plugin's name is lower-case"):
            app(["new", name, "--directory", str(tmp_path / "x")], standalone_mode=False)
    assert not (tmp_path / "x").exists()


def test_new_overwrites_nothing(scaffolded):
    (scaffolded / "README.md").write_text("mine")
    with pytest.raises(Exception, match="is there already"):
        app(["new", "my_method", "--directory", str(scaffolded)], standalone_mode=False)
    assert (scaffolded / "README.md").read_text() == "mine"


def test_new_says_when_it_cannot_write(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Exception, match=r"can't write .*: Not a directory"):
        app(["new", "m", "--directory", str(tmp_path / "file" / "x")], standalone_mode=False)


def test_check_prints_a_table_and_what_failed(install):
    path = install("faulty", "qmbench_faulty", TOYS)
    done = plugin("check", "faulty", "--method", "deadoption", "--method", "ignorescharge", PYTHONPATH=path)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert any(line.split()[:1] == ["deadoption"] for line in lines)
    assert any(line.startswith("failed  options_alive: deadoption: option 'grid' is dead") for line in lines)
    assert any(line.startswith("failed  charge_used: ignorescharge: ") for line in lines)


def test_check_of_a_plugin_that_does_not_load_fails(tmp_path, install):
    (tmp_path / "broken_plugin.py").write_text("import there_is_no_such_module")
    done = plugin("check", "broken", PYTHONPATH=install("broken", "broken_plugin", tmp_path))
    assert done.returncode == 1
    assert "No module named 'there_is_no_such_module'" in done.stdout


def test_check_of_a_plugin_without_methods_judges_nothing(tmp_path, install):
    (tmp_path / "empty_plugin.py").write_text("QMBENCH_API = 2")
    done = plugin("check", "empty", PYTHONPATH=install("empty", "empty_plugin", tmp_path))
    assert done.returncode == 2
    assert "registers no method" in done.stdout


def test_check_of_an_unknown_plugin_is_a_wrong_request():
    with pytest.raises(Exception, match="no plugin 'no-such-plugin' is installed"):
        app(["check", "no-such-plugin"], standalone_mode=False)


def test_help_imports_nothing_heavy():
    code = "import sys, qmbench.cli.plugin; print([m for m in ('numpy', 'pydantic', 'rich.table') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert isinstance(app, typer.Typer)
