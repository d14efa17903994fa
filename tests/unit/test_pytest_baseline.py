"""The fixture `qmbench_baseline`, in a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pandas as pd
import pytest

from qmbench.judging.regression import baseline_text, make_baseline

TESTS = """
import pytest

@pytest.mark.parametrize("energy", [-1.0, -1.5])
def test_energy(qmbench_baseline, energy):
    qmbench_baseline.check("hf", "b/x", energy)

def test_other_unit(qmbench_baseline):
    qmbench_baseline.check("hf", "b/x", -627.5094740631, unit="kcal/mol")

def test_unknown(qmbench_baseline):
    qmbench_baseline.check("hf", "b/unknown", -1.0)
"""


@pytest.mark.parametrize(("option", "wanted"), [(True, "2 failed, 2 passed"), (False, "4 skipped")])
def test_right_numbers_pass_wrong_and_unknown_ones_fail(tmp_path, option, wanted):
    row = {
        "level_of_theory": "hf",
        "bsse": "",
        "benchmark": "b",
        "entry": "x",
        "observable": "total_energy",
        "unit": "hartree",
        "value": -1.0,
        "uncertainty": None,
        "uncertainty_kind": None,
        "status": "ok",
        "wall_s": 1.0,
    }
    (tmp_path / "b.json").write_text(baseline_text(make_baseline(pd.DataFrame([row]), {})))
    (tmp_path / "test_it.py").write_text(TESTS)
    arguments = ["--qmbench-baseline=b.json"] if option else []
    command = [sys.executable, "-m", "pytest", "-q", "-p", "qmbench.testing.pytest_baseline", *arguments]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
    assert wanted in done.stdout, done.stdout + done.stderr
