"""Terminals and pipes that have no UTF-8: everything works, in letters that they have."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest

from qmbench.cli.encoding import in_ascii, transliterate


def qmbench_with(environment, *words, encoding="ascii"):
    """Exit code and output of the command in a process of its own; bytes that are not of `encoding` are an error."""
    done = subprocess.run(
        [sys.executable, "-c", "from qmbench.cli import main; main()", *words],
        capture_output=True,
        env=dict(os.environ) | environment,
    )
    return done.returncode, done.stdout.decode(encoding), done.stderr.decode(encoding)


@pytest.mark.parametrize(
    ("environment", "encoding"),
    [
        ({"PYTHONIOENCODING": "ascii"}, "ascii"),
        ({"PYTHONIOENCODING": "latin-1"}, "latin-1"),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "ascii"),
    ],
)
@pytest.mark.parametrize("words", [("list", "methods"), ("list", "properties"), ("show", "hf"), ("show", "atoms/he")])
def test_nothing_fails_for_want_of_a_letter(words, environment, encoding):
    code, out, err = qmbench_with(environment, *words, encoding=encoding)
    assert (code, err) == (0, "")
    assert out
    assert "Hartree?Fock" not in out
    if words == ("show", "hf"):
        assert "Hartree-Fock, restricted" in out


def test_a_complaint_is_one_line_there_too():
    code, out, err = qmbench_with({"PYTHONIOENCODING": "ascii"}, "compute", "hf/σ-3g", "atoms:he")
    assert (code, out) == (3, "")
    assert err.startswith("qmbench: unknown basis 'sigma-3g'")
    assert "bug" not in err


def test_documents_stay_exact():
    code, out, _ = qmbench_with({"PYTHONIOENCODING": "ascii"}, "list", "methods", "--json")
    here = qmbench_with({"PYTHONIOENCODING": "utf-8"}, "list", "methods", "--json", encoding="utf-8")[1]
    assert code == 0
    assert json.loads(out) == json.loads(here)


def test_letters():
    assert in_ascii("Møller–Plesset, Vydrov’s σ² ≤ 1.5 Å³ → Δ, –0.3 ± 2×10⁻³ 漢") == (
        "Moller-Plesset, Vydrov's sigma2 <= 1.5 A3 -> Delta, -0.3 +- 2x10-3 ?"
    )
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    transliterate(stream)
    assert stream.errors == "strict"
