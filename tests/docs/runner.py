"""Runs the code blocks of a page in order, in one folder, and compares what they print with what the page shows.

bash and python blocks are executed; a block with a title is written to the file of that name; a `text` block
shows the output of the block before it. In it, `…` stands for anything in a line (alone: for any lines), and a
number may differ by one in its last digit.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
ANY_FENCE = re.compile(r"^ *```", re.MULTILINE)
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page: its language, title, text, and line number."""

    language: str
    title: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    """The blocks of a page; AssertionError when a fence has no language, which would hide its block."""
    found = [Block(m[1], m[2] or "", m[3], page[: m.start()].count("\n") + 1) for m in BLOCK.finditer(page)]
    assert 2 * len(found) == len(ANY_FENCE.findall(page)), "a fenced block without a language, or indented"
    return found


def environment(folder: Path) -> dict[str, str]:
    """Programs of this environment first; what pip installs goes into the folder; one thread."""
    site = folder / "site"
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(("QMBENCH", "PYTEST", "COV"))},
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]),
        "PIP_TARGET": str(site),
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's name for the opposite of what it says
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "COLUMNS": "110",
        "OMP_NUM_THREADS": "1",
    }


def run(page: str, folder: Path) -> list[tuple[Block, str]]:
    """Execute a page in `folder`; every `text` block with the output that belongs there."""
    shown: list[tuple[Block, str]] = []
    output: str | None = None
    for block in blocks(page):
        where = f"line {block.line}"
        if block.title:
            path = folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            output = None
        elif block.language in ("bash", "python"):
            command = ["bash", "-euo", "pipefail"] if block.language == "bash" else [sys.executable]
            done = subprocess.run(
                [*command, "-c", block.text],
                cwd=folder,
                env=environment(folder),
                capture_output=True,
                text=True,
                timeout=600,
            )
            assert done.returncode == 0, f"{where}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
            output = done.stdout
        else:
            assert block.language == "text", f"{where}: a {block.language} block needs a title (its file) to be tested"
            assert output is not None, f"{where}: a text block shows the output of the block before it"
            shown.append((block, output))
            output = None
    return shown


def difference(expected: str, actual: str) -> str:
    """Empty when the output is what the page shows, else the first line of the page that is not there."""
    lines = [line.split() for line in actual.splitlines() if line.split()]
    position, skipping = 0, False
    for raw in expected.splitlines():
        wanted = raw.split()
        if not wanted:
            continue
        if wanted == ["…"]:
            skipping = True
            continue
        last = len(lines) if skipping else min(position + 1, len(lines))
        match = next((i for i in range(position, last) if _same(wanted, lines[i])), None)
        if match is None:
            got = " ".join(lines[position]) if position < len(lines) else "the end"
            return f"'{' '.join(wanted)}' is shown, but there is '{got}'"
        position, skipping = match + 1, False
    if position < len(lines) and not skipping:
        return f"the output goes on with '{' '.join(lines[position])}'"
    return ""


def _same(wanted: list[str], got: list[str]) -> bool:
    a, b = " ".join(wanted), " ".join(got)
    if "…" in a:
        return re.fullmatch(".*".join(re.escape(part) for part in a.split("…")), b) is not None
    if NUMBER.sub("#", a) != NUMBER.sub("#", b):
        return False
    return all(_near(x, y) for x, y in zip(NUMBER.findall(a), NUMBER.findall(b), strict=True))


def _near(a: str, b: str) -> bool:
    decimals = len(a.partition("e")[0].partition(".")[2])
    exponent = int(a.partition("e")[2] or 0)
    integral = not decimals and not exponent
    return float(a) == float(b) if integral else abs(float(a) - float(b)) <= 1.01 * 10.0 ** (exponent - decimals)
