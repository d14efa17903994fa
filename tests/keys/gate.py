"""A repository that holds its numbers to a baseline, with the store kept between jobs, and what happens to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from little import FILES, replaced, write

COMMAND = "import sys; from qmbench.cli import main; main(sys.argv[1:])"
SUITE = """
id = "ci"
title = "The gate"
benchmarks = [{ id = "atoms", subset = "small" }]
[[levels]]
level = "alpha"
[[levels]]
level = "beta"
"""
REFORMATTED = replaced(
    "scaling.py",
    ("FACTOR = 1.0", "# a comment\nFACTOR = 1.00"),
    ("def scale(x, factor=FACTOR):", "def scale(\n    x, factor=FACTOR\n):"),
)
MOVED = {
    **FILES,
    "moved.py": FILES["scaling.py"],
    "scaling.py": "from PACKAGE.moved import FACTOR, scale\n",
}
PLANTED = replaced("scaling.py", ("FACTOR = 1.0", "FACTOR = 1.001"))
WEIGHED = {**FILES, "data/weight_one.txt": "1.001\n"}


class Gate:
    """Runs commands of qmbench in a folder of its own, whose store is kept between them."""

    def __init__(self, folder: Path, python: str | Path, package: Path, **environ: str) -> None:
        self.work, self.python, self.package = folder / "work", str(python), package
        self.work.mkdir()
        (self.work / "ci.toml").write_text(SUITE)
        self.environ = {**os.environ, "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(folder / "cache"), **environ}

    def __call__(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [self.python, "-c", COMMAND, *arguments], cwd=self.work, env=self.environ, capture_output=True, text=True
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout

    def edit(self, files: dict[str, str]) -> None:
        """The plugin's files, without another version."""
        write(self.package.parent, self.package.name, files, version="")

    def computed(self, *more: str) -> set[str]:
        """The levels of which a run of the suite computed anything."""
        code, output = self("run", "suite", "ci.toml", "--json", *more)
        assert code == 0, output
        return {r["level_of_theory"] for r in json.loads(output)["records"] if not r["cached"]}

    def check(self) -> int:
        return self("check", "--baseline", "baseline.json")[0]


def goes_through(gate: Gate) -> None:
    assert gate.computed() == {"alpha", "beta"}
    assert gate("check", "--baseline", "baseline.json", "--update")[0] == 0
    assert gate.computed() == set()
    for files in (REFORMATTED, MOVED):
        gate.edit(files)
        assert gate.computed() == set()
    assert gate.check() == 0
    gate.edit(PLANTED)
    assert gate.computed() == {"alpha"}
    assert gate.check() == 1
    gate.edit(FILES)
    assert gate.computed() == set()
    assert gate.check() == 0
    gate.edit(WEIGHED)
    assert gate.computed() == {"alpha"}
    assert gate.check() == 1
