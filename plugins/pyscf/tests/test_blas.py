"""PySCF's own OpenBLAS computes with kernels of this processor."""

from __future__ import annotations

import json
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


EXACT = """
import ctypes, itertools, json, sys
from pathlib import Path
import numpy as np, qmbench_pyscf
from pyscf import lib
(path,) = Path(lib.__file__).parent.glob("libopenblas*.so")
blas = ctypes.CDLL(str(path))
blas.openblas_set_num_threads(int(sys.argv[1]))
rng = np.random.default_rng(7)

def call(name, *arguments):
    given = []
    for a in arguments:
        if isinstance(a, np.ndarray):
            assert a.flags.f_contiguous
            given.append(a.ctypes.data_as(ctypes.c_void_p))
        elif isinstance(a, str):
            given.append(ctypes.c_char_p(a.encode()))
        elif isinstance(a, int):
            given.append(ctypes.byref(ctypes.c_int(a)))
        else:
            given.append(np.array(a).ctypes.data_as(ctypes.c_void_p))
    function = getattr(blas, name + "_")
    function.restype = ctypes.c_double if name in ("ddot", "dnrm2") else None
    return function(*given)

def array(*shape, kind=float):
    x = rng.normal(size=shape)
    return np.asfortranarray(x if kind is float else x + 1j * rng.normal(size=shape))

def turned(a, how):
    return {"N": a, "T": a.T, "C": a.conj().T}[how]

worst = {}
def compare(name, found, wanted):
    scale = max(abs(wanted).max(), 1.0) if np.size(wanted) else 1.0
    worst[name] = max(worst.get(name, 0.0), float(abs(found - wanted).max() / scale))

sizes = [(1, 1, 1), (3, 5, 7), (8, 8, 8), (17, 4, 33), (64, 1, 65), (130, 67, 129), (255, 12, 300), (301, 300, 299)]
for m, n, k in sizes:
    for (letter, kind, ways) in (("d", float, "NT"), ("z", complex, "NTC")):
        alpha, beta = kind(0.7), kind(-0.3)
        for ta, tb in itertools.product(ways, ways):
            a = array(*((m, k) if ta == "N" else (k, m)), kind=kind)
            b = array(*((k, n) if tb == "N" else (n, k)), kind=kind)
            c = array(m, n, kind=kind)
            wanted = alpha * turned(a, ta) @ turned(b, tb) + beta * c
            call(letter + "gemm", ta, tb, m, n, k, alpha, a, a.shape[0], b, b.shape[0], beta, c, m)
            compare(letter + "gemm", c, wanted)
        for ta in ways:
            a = array(m, n, kind=kind)
            x, y = (array(size, kind=kind) for size in ((n, m) if ta == "N" else (m, n)))
            wanted = alpha * turned(a, ta) @ x + beta * y
            call(letter + "gemv", ta, m, n, alpha, a, m, x, 1, beta, y, 1)
            compare(letter + "gemv", y, wanted)
    s = array(m, m)
    s += s.T
    for side, up in itertools.product("LR", "UL"):
        half = np.asfortranarray(np.triu(s) if up == "U" else np.tril(s))
        b = array(*((m, n) if side == "L" else (n, m)))
        c = np.asfortranarray(np.zeros_like(b))
        call("dsymm", side, up, *b.shape, 1.0, half, m, b, b.shape[0], 0.0, c, b.shape[0])
        compare("dsymm", c, s @ b if side == "L" else b @ s)
        t = half + np.asfortranarray(np.eye(m)) * (m + abs(s).sum())
        x = np.asfortranarray(b.copy())
        call("dtrsm", side, up, "N", "N", *b.shape, 1.0, t, m, x, b.shape[0])
        compare("dtrsm", t @ x if side == "L" else x @ t, b)
    for up in "UL":
        c = array(m, m)
        wanted = c.copy()
        a = array(m, k)
        part = np.triu_indices(m) if up == "U" else np.tril_indices(m)
        wanted[part] = (0.5 * a @ a.T + c)[part]
        call("dsyrk", up, "N", m, k, 0.5, a, m, 1.0, c, m)
        compare("dsyrk", c, wanted)
        b, c = array(m, k), array(m, m)
        wanted = c.copy()
        wanted[part] = (a @ b.T + b @ a.T + c)[part]
        call("dsyr2k", up, "N", m, k, 1.0, a, m, b, m, 1.0, c, m)
        compare("dsyr2k", c, wanted)
        x, y = array(m), array(m)
        wanted = s @ x + y
        half = np.asfortranarray(np.triu(s) if up == "U" else np.tril(s))
        call("dsymv", up, m, 1.0, half, m, x, 1, 1.0, y, 1)
        compare("dsymv", y, wanted)
    x, y, a = array(m), array(n), array(m, n)
    wanted = a + 0.7 * np.outer(x, y)
    call("dger", m, n, 0.7, x, 1, y, 1, a, m)
    compare("dger", a, wanted)
    x, y = array(m * n), array(m * n)
    compare("ddot", np.array(call("ddot", m * n, x, 1, y, 1)), np.array(x @ y))
    compare("dnrm2", np.array(call("dnrm2", m * n, x, 1)), np.array((x @ x) ** 0.5))
    wanted = 0.7 * x + y
    call("daxpy", m * n, 0.7, x, 1, y, 1)
    compare("daxpy", y, wanted)
    wanted = 0.7 * x
    call("dscal", m * n, 0.7, x, 1)
    compare("dscal", x, wanted)
print(json.dumps(worst))
"""


def of_own(program: str, *arguments: str, **environment: str) -> str:
    """What this program prints in a process where nothing but `environment` chooses kernels."""
    from pyscf import lib

    if not list(Path(lib.__file__).parent.glob("libopenblas*.so")):
        pytest.skip("this PySCF was not installed from a wheel")
    without = {name: value for name, value in os.environ.items() if name != blas.VARIABLE}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, env=without | environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("threads", [1, 2])
def test_these_kernels_compute_what_numpy_computes(threads: int) -> None:
    """All that PySCF's libraries call, by sizes that fill blocks of the kernels and sizes that do not."""
    worst = json.loads(of_own(EXACT, str(threads)))
    assert len(worst) == 14
    assert max(worst.values()) < 1e-13, worst


def core_of(before: str, **environment: str) -> str:
    """Kernels that PySCF's OpenBLAS has chosen in a process of its own."""
    return of_own(CORE.format(before=before), *(["set"] if environment else []), **environment).strip()


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
