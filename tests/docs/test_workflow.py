"""The workflow that the docs offer: valid, and its own commands run, pass and fail as they should."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

_spec = importlib.util.spec_from_file_location("docs_runner_of_workflow", Path(__file__).with_name("runner.py"))
runner = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = runner
_spec.loader.exec_module(runner)

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "run-in-ci.md"
SUITE = """
id = "small"
title = "Small"
benchmarks = [{ id = "atoms", entries = ["h", "he"] }]
[[levels]]
level = "hf/sto-3g"
"""


@pytest.fixture(scope="module")
def workflow():
    (text,) = (b.text for b in runner.blocks(PAGE.read_text(encoding="utf-8")) if b.title == "qmbench.yml")
    return yaml.safe_load(text)


def commands(workflow):
    return [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]


def test_it_has_what_github_asks_of_a_workflow(workflow):
    # YAML 1.1 reads the key `on` as the boolean.
    assert workflow[True] == ["push", "pull_request"]
    (job,) = workflow["jobs"].values()
    assert job["runs-on"]
    for step in job["steps"]:
        assert ("uses" in step) != ("run" in step)
        assert "run" in step or re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])
    (upload,) = (step for step in job["steps"] if "upload-artifact" in step.get("uses", ""))
    assert upload["if"] == "always()"


def test_its_commands_pass_when_nothing_changed_and_fail_when_something_did(workflow, tmp_path):
    (tmp_path / "small.toml").write_text(SUITE)
    (tmp_path / "reports").mkdir()
    asked = [c.replace("suite quick", "suite small.toml") for c in commands(workflow) if not c.startswith("pip ")]
    assert [c.split()[1] for c in asked] == ["run", "check"]
    summary = tmp_path / "summary.md"

    def shell(command):
        done = subprocess.run(
            ["bash", "-e", "-c", command],
            cwd=tmp_path,
            env={**runner.environment(tmp_path), "GITHUB_STEP_SUMMARY": str(summary)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done.returncode

    run, check = asked
    assert shell(run) == 0
    assert shell("qmbench check --baseline reports/quick.json --update") == 0
    assert shell(check) == 0
    assert summary.read_text().startswith("## ✅")
    assert {s.get("failures") for s in ET.parse(tmp_path / "junit.xml").iter("testsuite")} == {"0"}
    assert (tmp_path / "qmbench-report").is_dir()

    baseline = json.loads((tmp_path / "reports" / "quick.json").read_text())
    baseline["values"][0]["value"] += 1.0
    (tmp_path / "reports" / "quick.json").write_text(json.dumps(baseline))
    assert shell(check) == 1
    assert summary.read_text().startswith("## ❌")
