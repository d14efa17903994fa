"""Who may import whom: the floors of the core (import-linter), and what a plugin in this repository may use."""

from __future__ import annotations

import ast
import configparser
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import qmbench

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(path.name for path in (ROOT / "plugins").iterdir() if (path / "pyproject.toml").is_file())
SHARED = "qmbench_pyscf"  # the one plugin that others may build on


def imports(path: Path) -> list[tuple[str, str]]:
    """(module, name) of every import in a file; name is empty for `import module`."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found += [(node.module or "", alias.name) for alias in node.names]
    return found


def faults(source: Path, own: str) -> list[str]:
    """What the file imports although a plugin called `own` may not."""
    wrong = []
    for module, name in imports(source):
        top = module.partition(".")[0]
        public = module == "qmbench" and (not name or name in qmbench.__all__ or name in ("testing", "__version__"))
        if top == "qmbench" and not public and not module.startswith("qmbench.testing"):
            wrong.append(f"from {module} import {name}: not a public name of qmbench")
        if top.startswith("qmbench_") and top not in (own, SHARED):
            wrong.append(f"{module}: another plugin")
        if top == SHARED and own != SHARED and module != SHARED:
            wrong.append(f"{module}: not a public name of {SHARED}")
    return wrong


@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugins_use_public_names_and_import_no_other_plugin(plugin):
    package = next((ROOT / "plugins" / plugin / "src").iterdir())
    wrong = {str(p.relative_to(ROOT)): faults(p, package.name) for p in package.rglob("*.py")}
    assert {path: what for path, what in wrong.items() if what} == {}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("from qmbench import Molecule, Method", ""),
        ("import qmbench.testing", ""),
        ("from qmbench_pyscf import to_mole", ""),
        ("from qmbench.domain.systems import Molecule", "not a public name of qmbench"),
        ("import qmbench.domain.systems", "not a public name of qmbench"),
        ("from qmbench import plugins", "not a public name of qmbench"),
        ("from qmbench_pyscf.mole import to_mole", "not a public name of qmbench_pyscf"),
        ("def f():\n    import qmbench_vmc", "another plugin"),
    ],
)
def test_the_rule_for_plugins_bites(tmp_path, line, fault):
    path = tmp_path / "module.py"
    path.write_text(line + "\n")
    found = faults(path, "qmbench_mine")
    assert (len(found) == 1 and fault in found[0]) if fault else found == []


def contracts():
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return {name: {key: value.split() for key, value in parser[name].items()} for name in parser.sections()}


def test_contracts_are_kept():
    folders = [str(ROOT), *(str(ROOT / "plugins" / name / "src") for name in PLUGINS)]
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(contracts()) - 1} kept, 0 broken" in done.stdout


def test_contracts_name_every_plugin_and_every_room():
    found = contracts()
    packages = {f"qmbench_{name}" for name in PLUGINS}
    assert set(found["importlinter"]["root_packages"]) == {"qmbench"} | packages
    assert packages <= set(found["importlinter:contract:programs"]["forbidden_modules"])
    public = found["importlinter:contract:public"]
    assert set(public["source_modules"]) == packages
    modules = {f"qmbench.{m.name}" for m in pkgutil.iter_modules([str(ROOT / "qmbench")])}
    assert set(public["forbidden_modules"]) == modules - {"qmbench.testing"}
    for contract, key in (("plugins", "modules"), ("public_pyscf", "source_modules"), ("shared", "forbidden_modules")):
        assert set(found[f"importlinter:contract:{contract}"][key]) == packages - {SHARED}


def test_no_test_is_skipped_for_want_of_a_package():
    """What a test imports is in the core, a plugin or an extra `test`: without it, the test fails instead."""
    files = [*ROOT.glob("tests/**/*.py"), *ROOT.glob("plugins/*/tests/**/*.py")]
    assert len(files) > 50
    word = "import" + "orskip"
    assert [str(p.relative_to(ROOT)) for p in files if word in p.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("plugin", [name for name in PLUGINS if (ROOT / "plugins" / name / "tests").is_dir()])
def test_every_plugin_runs_the_conformance_kit(plugin):
    tests = (ROOT / "plugins" / plugin / "tests").rglob("test_*.py")
    assert any(f'checks("{plugin}"' in path.read_text(encoding="utf-8") for path in tests)
