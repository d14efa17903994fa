"""Kernels of this processor for the OpenBLAS that comes with PySCF's wheels.

They bring OpenBLAS 0.3.3 of 2018. It knows processors by their numbers, and takes one it has never heard of for an old
one (a Zen 3 for a Barcelona of 2007), whose kernels multiply matrices at less than half the speed
(`tools/speed/blas.py`).
OPENBLAS_CORETYPE names the kernels. It is set while this one library is loaded, so that NumPy's and SciPy's, which are
newer and have wider kernels for some processors, choose by themselves.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

VARIABLE = "OPENBLAS_CORETYPE"
KERNELS = "Haswell"
NEEDED = frozenset({"avx2", "fma"})
# From this version on OpenBLAS looks at what an unknown processor can do.
LOOKS_ITSELF = (0, 3, 12)


class BeforePyscf:
    """On `sys.meta_path`: finds nothing, but is asked before `pyscf.lib` loads its libraries."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if name == "pyscf.lib":
            for folder in path or ():
                load(Path(folder, "lib"))


def install() -> None:
    """Have PySCF's OpenBLAS loaded by `load` when PySCF is imported from now on, by whomever."""
    if BeforePyscf not in sys.meta_path:
        sys.meta_path.insert(0, BeforePyscf)


def load(folder: Path) -> bool:
    """Load PySCF's OpenBLAS from there with kernels of this processor, if it would not find them; whether it was."""
    if VARIABLE in os.environ or not any(map(old, folder.glob("libopenblas*.so"))) or not abilities() >= NEEDED:
        return False
    import ctypes

    os.environ[VARIABLE] = KERNELS
    try:
        # Alone it would not find the Fortran runtime beside it; this one is PySCF's first, and knows where both are.
        ctypes.CDLL(str(folder / "libnp_helper.so"))
    except OSError:  # PySCF loads the same one next, and says why it can't
        return False
    finally:
        del os.environ[VARIABLE]
    return True


def old(library: Path) -> bool:
    """Whether this file is an OpenBLAS that takes new processors for old ones, by the version in its name."""
    version = re.fullmatch(r"libopenblasp?-r(\d+)(?:-[0-9a-f]{8})?\.(\d+)\.(\d+)\.so", library.name)
    return version is not None and tuple(map(int, version.groups())) < LOOKS_ITSELF


def abilities(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """What the kernel says that the (first) processor can do: avx2, fma, …; nothing elsewhere than on x86 Linux."""
    try:
        with open(cpuinfo, encoding="ascii", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() == "flags":
                    return frozenset(value.split())
    except OSError:
        pass
    return frozenset()
