"""`qmbench plugin check` on broken methods: each ends as a failed check with a true message, and never with code 0."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import broken_methods
from toy_plugins import install

from qmbench.testing import ConformanceError, NotApplicable, checks

COMMAND = "import sys; from qmbench.cli import main; main(sys.argv[1:])"
LIMITS = {"hangs": ("--check-timeout", "3"), "eatsmemory": ("--check-memory", "0.4")}

pytestmark = pytest.mark.usefixtures("empty_folder")
"""A broken method may write where it is."""


def check(*words: str, code: str = COMMAND) -> tuple[int, dict]:
    """Exit code and document of one run of the command."""
    command = [sys.executable, "-P", "-c", code, "plugin", "check", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("method", broken_methods.WORDS)
def test_broken_method_fails(installed_toys, method):
    plugin, name, message = broken_methods.broken()[method]
    status, told = check(plugin, "--method", method, "--check", name, *LIMITS.get(method, ()))
    (row,) = told["checks"]
    assert (row["method"], row["check"], row["outcome"]) == (method, name, "failed")
    assert re.search(message, row["message"])
    assert row["message"].startswith(f"{method}: ")
    assert status == 1


def test_there_are_broken_methods_enough_and_nothing_of_them_runs_on():
    assert len(broken_methods.WORDS) >= 35
    assert set(broken_methods.qmbench_broken.DEADLY) <= set(broken_methods.WORDS)
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "3600"]]


def test_the_run_goes_on_after_a_fault_that_is_said_once(installed_toys):
    methods = ("exitsatonce", "exitsforions", "prints")
    status, told = check("broken", *(word for method in methods for word in ("--method", method)))
    assert status == 1
    rows = {method: [row for row in told["checks"] if row["method"] == method] for method in methods}
    failed = {method: [row["check"] for row in mine if row["outcome"] == "failed"] for method, mine in rows.items()}
    assert failed == {"exitsatonce": ["examples_compute"], "exitsforions": ["charge_used"], "prints": []}
    skipped = {row["check"]: row["message"] for row in rows["exitsatonce"] if row["outcome"] == "skipped"}
    assert skipped["translation"] == "skipped because examples_compute failed"
    again = [row["message"] for row in rows["exitsforions"] if row["check"] == "translation"]
    assert again == ["skipped because charge_used failed for the same reason"]
    assert sum(row["outcome"] == "passed" for row in rows["prints"]) >= 15


def test_the_module_is_the_same_command(installed_toys):
    code = "import runpy, sys; sys.argv = ['', *sys.argv[3:]]; runpy.run_module('qmbench.testing', run_name='__main__')"
    status, told = check("broken", "--method", "segfaults", "--check", "examples_compute", code=code)
    assert (status, told["summary"]) == (1, {"passed": 0, "failed": 1, "skipped": 0})


def test_checks_of_pytest_can_be_supervised(installed_toys):
    found = {c.name: c for c in checks("broken", methods=["exitsforions"], registry=installed_toys, supervised=True)}
    with pytest.raises(ConformanceError, match="exitsforions: the process ended itself with exit code 0"):
        found["charge_used"]()
    with pytest.raises(NotApplicable, match="skipped because charge_used failed"):
        found["translation"]()
    found["energy_magnitude"]()


def test_what_is_no_check_is_named(installed_toys):
    command = [sys.executable, "-P", "-c", COMMAND, "plugin", "check", "broken", "--check", "rotatoin"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.strip().endswith(
        "there is no check 'rotatoin' for broken; did you mean 'rotation' or 'permutation' or 'translation'?"
    )


def test_the_table_in_the_docs_is_the_one_that_is_tested():
    assert broken_methods.documented() == broken_methods.table()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import os; os._exit(0)", "the process ended itself with exit code 0"),
        ("import sys; sys.exit(0)", "exits while being imported"),
        ("import ctypes; ctypes.string_at(0)", "died by signal 11 (SIGSEGV)"),
    ],
    ids=["exit at once", "exit", "segfault"],
)
def test_a_plugin_that_ends_the_process_when_it_is_imported(tmp_path, monkeypatch, source, message):
    (tmp_path / "qmbench_quits.py").write_text(f"print('hello')\n{source}\n")
    install(tmp_path, "qmbench_quits")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    status, told = check("quits")
    assert status == 1
    (row,) = told["checks"]
    assert (row["check"], row["outcome"]) == ("loads", "failed")
    assert message in row["message"]
