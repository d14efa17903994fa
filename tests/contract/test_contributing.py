"""CONTRIBUTING.md holds: its files and commands are there, and an addition takes few files to read and one to write."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (?:a|an) ([^|]+) \| ([^|]+) \| ([^|]+) \|$", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("what", "read", "write"), ROWS)
def test_an_addition_takes_three_files_to_read_and_one_to_write(what, read, write):
    files = re.findall(r"`([^`]+)`", read)
    assert 1 <= len(files) <= 3, what
    assert [f for f in files if not (ROOT / f).is_file()] == []
    assert write in ("one module of a plugin", "one folder")


def test_every_addition_is_there():
    wanted = {"method", "property with an observable", "kind of system", "statistic", "output format"}
    assert wanted <= {what for what, *_ in ROWS}


def test_scripts_folders_and_links_are_there():
    named = set(re.findall(r"`(?:bash )?((?:tools|tests|docs|qmbench|plugins)/[\w./*-]+)", TEXT))
    named |= set(re.findall(r"\]\(((?!http)[^)]+)\)", TEXT)) | set(re.findall(r"^    bash (\S+)$", TEXT, re.MULTILINE))
    assert {"tools/develop.sh", "tools/checks.sh", "docs/decisions/index.md"} <= named
    assert sorted(name for name in named if not list(ROOT.glob(name))) == []


def test_ci_runs_the_same_checks():
    assert "bash tools/checks.sh" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_checks_say_where_to_find_their_tools(tmp_path):
    done = subprocess.run(
        ["bash", str(ROOT / "tools" / "checks.sh")],
        env={"PATH": "/usr/bin:/bin", "VENV": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert "bash tools/develop.sh" in done.stderr


def test_hooks_before_a_commit_fetch_nothing():
    import yaml

    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]
    for hook in hooks["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv-dev/bin/")
        for word in hook["entry"].split()[1:]:
            assert not word.startswith("tools/") or (ROOT / word).is_file()


def test_every_decision_has_its_page_and_its_parts():
    folder = ROOT / "docs" / "decisions"
    pages = {path.name for path in folder.glob("*.md")} - {"index.md"}
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", (folder / "index.md").read_text(encoding="utf-8"))) == pages
    assert len(pages) >= 10
    for name in pages:
        text = (folder / name).read_text(encoding="utf-8")
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
            "Alternatives",
        ]
        assert len(text.splitlines()) <= 45, "a page"
