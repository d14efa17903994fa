"""PySCF's own OpenBLAS computes with kernels of this processor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qmbench_pyscf import blas

OLD = "libopenblas-r0-f650aae0.3.3.so"

CORE = """
import ctypes, os, sys
from pathlib import Path
{before}
from pyscf import lib
import numpy as np
assert "OPENBLAS_CORETYPE" not in os.environ or sys.argv[1:] == ["set"]
a = np.random.default_rng(1).normal(size=(37, 53))
assert abs(lib.dot(a, a.T.copy()) - a @ a.T).max() < 1e-12
(path,) = Path(lib.__file__).parent.glob("libopenblas*.so")
core = ctypes.CDLL(str(path)).openblas_get_corename
core.restype = ctypes.c_char_p
print(core().decode())
"""


def core_of(before: str, **environment: str) -> str:
    """Kernels that PySCF's OpenBLAS has chosen in a process of its own."""
    from pyscf import lib

    if not list(Path(lib.__file__).parent.glob("libopenblas*.so")):
        pytest.skip("this PySCF was not installed from a wheel")
    without = {name: value for name, value in os.environ.items() if name != blas.VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", CORE.format(before=before), *(["set"] if environment else [])],
        env={**without, **environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.mark.skipif(not blas.abilities() >= blas.NEEDED, reason="this processor has no AVX2")
def test_kernels_of_this_processor() -> None:
    """Whoever imports PySCF after the plugin, and although NumPy has loaded an OpenBLAS before."""
    assert core_of("import numpy.linalg, qmbench_pyscf") == blas.KERNELS


def test_what_is_set_stays() -> None:
    assert core_of("import qmbench_pyscf", OPENBLAS_CORETYPE="Nehalem") == "Nehalem"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As `pyscf/lib`, on a processor with AVX2 where nothing is set."""
    monkeypatch.delenv(blas.VARIABLE, raising=False)
    monkeypatch.setattr(blas, "abilities", lambda: blas.NEEDED | {"sse2"})
    (tmp_path / OLD).touch()
    return tmp_path


def test_only_where_the_processor_can_and_the_library_would_not_look(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []
    monkeypatch.setattr("ctypes.CDLL", lambda path: loaded.append((Path(path).name, os.environ[blas.VARIABLE])))
    assert blas.load(folder)
    assert loaded == [("libnp_helper.so", "Haswell")]
    assert blas.VARIABLE not in os.environ
    for newer in ("libopenblasp-r0-2ecf47d5.3.29.so", "libopenblas.so", "libscipy_openblas64_-32a4b2a6.so"):
        next(folder.iterdir()).rename(folder / newer)
        assert not blas.load(folder)
    next(folder.iterdir()).rename(folder / OLD)
    monkeypatch.setattr(blas, "abilities", lambda: frozenset({"sse2", "avx"}))
    assert not blas.load(folder)
    assert len(loaded) == 1


def test_a_library_that_cannot_be_loaded_is_for_pyscf_to_say(folder: Path) -> None:
    assert not blas.load(folder)
    assert blas.VARIABLE not in os.environ


def test_abilities(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nflags\t\t: fpu sse2 avx2 fma\n\nprocessor\t: 1\nflags\t\t: fpu\n")
    assert blas.abilities(path) == {"fpu", "sse2", "avx2", "fma"}
    path.write_text("processor\t: 0\nFeatures\t: fp asimd\n")
    assert blas.abilities(path) == frozenset()
    assert blas.abilities(tmp_path / "none") == frozenset()
