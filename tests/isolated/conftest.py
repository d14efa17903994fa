"""An installation of qmbench to add plugins to: a virtual environment that shares this one's packages."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import toy_projects

COMMAND = "import sys; from qmbench.cli import main; main(sys.argv[1:])"


@dataclass(frozen=True)
class Installation:
    """prefix: its folder. index: a folder of wheels that stands for the package index. work: where commands run."""

    prefix: Path
    index: Path
    work: Path

    @property
    def python(self) -> Path:
        return self.prefix / "bin" / "python"

    @property
    def plugins(self) -> Path:
        return self.prefix / "share" / "qmbench" / "plugins"

    def run(self, *arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
        """One command of qmbench in it."""
        return subprocess.run(
            [str(self.python), "-P", "-c", COMMAND, *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=self.work,
            env={**self.environ, **environ},
        )

    def state(self) -> dict[str, str]:
        """What lies in the folder of isolated plugins: descriptions by name with their text, environments by name."""
        if not self.plugins.is_dir():
            return {}
        entries = [entry for entry in self.plugins.iterdir() if entry.name != ".lock"]
        return {entry.name: entry.read_text() if entry.is_file() else "" for entry in entries}

    def script(self, code: str, **environ: str) -> str:
        """What a piece of Python prints in it; it has to succeed."""
        done = subprocess.run(
            [str(self.python), "-P", "-c", code],
            capture_output=True,
            text=True,
            cwd=self.work,
            env={**self.environ, **environ},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def json(self, *arguments: object) -> dict:
        """The document that a command prints with --json; it has to succeed."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def ok(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """A command that has to succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def wrong(self, *arguments: object) -> str:
        """The one line in which a command says what is wrong with the request."""
        done = self.run(*arguments)
        assert done.returncode == 3, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr.strip().splitlines()[-1]

    @property
    def environ(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("QMBENCH", "PYTHON", "PIP_"))}
        return {
            **kept,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.index),
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "160",
        }


def installation(folder: Path) -> Installation:
    """A fresh one below `folder`, with the packages that the toys need on its index."""
    made = Installation(folder / "env", folder / "index", folder / "work")
    made.index.mkdir(parents=True)
    made.work.mkdir()
    venv.EnvBuilder(symlinks=True, with_pip=False).create(made.prefix)
    inside = next(made.prefix.glob("lib/python*/site-packages"))
    lines = [f"import site; site.addsitedir({path!r})\n" for path in site.getsitepackages()]
    (inside / "zz-tests.pth").write_text("".join(lines))
    for version in (1, 2, 3):
        toy_projects.toylib(made.index, version)
    toy_projects.wheel(made.index, "toyextra", "1.0", {"toyextra.py": ""})
    return made


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation of this module's own."""
    return installation(tmp_path_factory.mktemp("installation"))
