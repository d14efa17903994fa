"""The command line, called in this process."""

from __future__ import annotations

import pytest

from qmbench.cli import run


@pytest.fixture
def qmbench(tmp_path, monkeypatch, capfd):
    """Runs one command in an empty folder; gives (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QMBENCH_STORE", raising=False)

    def call(*arguments):
        code = run([str(a) for a in arguments])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return call
