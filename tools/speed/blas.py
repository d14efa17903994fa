"""What kernels of this processor save in PySCF's own OpenBLAS: `python tools/speed/blas.py [--runs N] [--json]`.

Each calculation by qmbench with one thread in a process of its own, with the kernels that the plugin `pyscf` asks for
and with those that the library takes by itself (`qmbench_pyscf.blas`), in turn; the least processor time of each, both
kernels' names, and how far the energies differ. Where the library knows the processor, the two are the same.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

CASES = [
    ("ccsd(t)/cc-pcvtz", "diatomics:f2"),
    ("ccsd(t)/cc-pcvtz", "diatomics:oh"),
    ("mp2/cc-pcvqz?density_fitting=true", "diatomics:n2"),
    ("pbe/cc-pvqz?density_fitting=true", "diatomics:oh"),
    ("pbe/def2-svp", "s22:methane_dimer"),
]

ONE = """
import ctypes, json, os, sys, tempfile
from pathlib import Path
import qmbench
from qmbench.api.gathered import systems_of
level, name, by_itself = sys.argv[1:]
method = qmbench.level(level).make()
if by_itself == "1":
    from qmbench_pyscf.blas import BeforePyscf
    sys.meta_path.remove(BeforePyscf)
from pyscf import lib
(system,) = systems_of([name]).values()
with tempfile.TemporaryDirectory() as folder:
    start = os.times()
    result = method.run(system, ["energy"], qmbench.Resources(cores=1, artifacts=Path(folder)))
    end = os.times()
core = "its own"
for path in Path(lib.__file__).parent.glob("libopenblas*.so*"):
    named = ctypes.CDLL(str(path)).openblas_get_corename
    named.restype = ctypes.c_char_p
    core = named().decode()
print(json.dumps([end.user + end.system - start.user - start.system, result.properties["energy"].value, core]))
"""


def one(level: str, name: str, by_itself: bool) -> tuple[float, float, str]:
    """Processor seconds, energy in hartree, and the kernels."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment.pop("OPENBLAS_CORETYPE", None)
    command = [sys.executable, "-c", ONE, level, name, str(int(by_itself))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seconds, energy, core = json.loads(done.stdout.splitlines()[-1])
    return seconds, energy, core


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = []
    for level, name in CASES:
        runs = [(one(level, name, False), one(level, name, True)) for _ in range(given.runs)]
        asked, itself = (min(side) for side in zip(*runs, strict=True))
        rows.append(
            {"level": level, "system": name, "asked_s": asked[0], "by_itself_s": itself[0],
             "ratio": asked[0] / itself[0], "difference_hartree": asked[1] - itself[1],
             "kernels": [asked[2], itself[2]]}
        )  # fmt: skip
        if not given.json:
            if len(rows) == 1:
                print(f"| level | system | {asked[2]}, s | {itself[2]}, s | ratio | energies differ by, hartree |")
                print("|---|---|---|---|---|---|")
            print(
                f"| {level} | {name} | {asked[0]:.1f} | {itself[0]:.1f} | {asked[0] / itself[0]:.2f} "
                f"| {abs(asked[1] - itself[1]):.0e} |",
                flush=True,
            )
    if given.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
