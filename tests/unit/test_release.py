"""All packages carry one version, from one place, and the changelog tells of it."""

from __future__ import annotations

import importlib.util
import shutil
import tomllib
from pathlib import Path

import pytest

import qmbench

ROOT = Path(__file__).parents[2]


def release(root: Path):
    """tools/release.py of a source tree."""
    spec = importlib.util.spec_from_file_location("release", root / "tools" / "release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def copy(tmp_path):
    """The files of the source tree that say a version, to be spoiled."""
    for path in (*release(ROOT).files(), ROOT / "CHANGELOG.md", ROOT / "tools" / "release.py"):
        to = tmp_path / path.relative_to(ROOT)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to)
    return tmp_path


def test_all_versions_agree():
    assert release(ROOT).faults() == []
    assert len(release(ROOT).files()) == 1 + len(list(ROOT.glob("plugins/*/src")))
    core = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in core["project"]["dynamic"]
    assert core["tool"]["hatch"]["version"]["path"] == "qmbench/__init__.py"
    assert release(ROOT).version(ROOT / "qmbench" / "__init__.py") == qmbench.__version__


def test_a_new_version_is_written_everywhere(copy, capsys):
    tool = release(copy)
    assert tool.main(["set", "12.0.1rc1"]) == 1  # the changelog does not know it yet
    assert "CHANGELOG.md: no entry [12.0.1rc1]" in capsys.readouterr().err
    assert {tool.version(path) for path in tool.files()} == {"12.0.1rc1"}
    changelog = copy / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("## [0.1.0]", "## [12.0.1rc1]\n\n## [0.1.0]"))
    assert tool.main([]) == 0


def test_one_that_differs_is_named(copy, capsys):
    path = copy / "plugins" / "mbd" / "pyproject.toml"
    path.write_text(path.read_text().replace(f'version = "{qmbench.__version__}"', 'version = "0.0.1"'))
    assert release(copy).main([]) == 1
    assert capsys.readouterr().err == f"plugins/mbd/pyproject.toml: 0.0.1, not {qmbench.__version__}\n"


def test_nonsense_is_no_version(copy, capsys):
    assert release(copy).main(["set", "next"]) == 2
    assert "not a version such as" in capsys.readouterr().err
    assert release(copy).faults() == []
