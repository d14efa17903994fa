"""What the adapters of ASE and of executables add: `python tools/speed/adapters.py`. Prints figures and verdicts.

One thread, warm. Of ASE: the difference between a task and the same calculation by the calculator called by hand,
within a process. Of a command: the difference to the very program, started by `subprocess` with the same input.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from xtb import milliseconds, waters  # noqa: E402

from qmbench import LocalEngine, Molecule, Resources, Task, parse_level, units  # noqa: E402

OVERHEAD_MS = 20.0
COMMAND = """
description = "A number by awk, to see what starting a program costs"
command = ["awk", "END { print \\"energy \\" NR }"]
input = "${xyz}"
[properties.energy]
unit = "hartree"
regex = "energy (.*)"
"""


def through_engine(level: Any, molecules: list[Molecule], folder: Path) -> float:
    """Milliseconds per task in one warm supervised child: what the core adds is in it too."""
    tasks = [Task(molecule, level, ("energy",)) for molecule in molecules]
    with LocalEngine(1, Resources(scratch=folder)) as engine:
        list(engine.run(tasks[:1]))
        start = time.perf_counter()
        outcomes = [outcome for _, outcome in engine.run(tasks[1:])]
        assert all(outcome.status == "ok" for outcome in outcomes)
        return 1e3 * (time.perf_counter() - start) / (len(tasks) - 1)


def emt(molecule: Molecule) -> float:
    from ase import Atoms
    from ase.calculators.emt import EMT

    atoms = Atoms(molecule.symbols, molecule.coordinates * units.BOHR_IN_ANGSTROM, calculator=EMT())
    return float(atoms.get_potential_energy())


def tblite(molecule: Molecule) -> float:
    from ase import Atoms
    from tblite.ase import TBLite

    atoms = Atoms(molecule.symbols, molecule.coordinates * units.BOHR_IN_ANGSTROM)
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    return float(atoms.get_potential_energy())


def awk(molecule: Molecule) -> str:
    text = f"{molecule.symbols} {molecule.positions}\n"
    return subprocess.run(["awk", 'END { print "energy " NR }'], input=text, capture_output=True, text=True).stdout


def main() -> None:
    molecules = waters(100)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "commands").mkdir()
        (folder / "commands" / "awk.toml").write_text(COMMAND)
        os.environ["QMBENCH_COMMANDS"] = str(folder / "commands")
        resources = Resources(scratch=folder)
        for text, by_hand in (
            ("ase:emt", emt),
            ("ase:tblite.ase.TBLite?method=GFN2-xTB&verbosity=0", tblite),
            ("command:awk", awk),
        ):
            level = parse_level(text)
            method = level.make()
            hand = milliseconds(by_hand, molecules)
            here = milliseconds(lambda m, method=method: method.run(m, ("energy",), resources), molecules)
            run = through_engine(level, molecules, folder)
            added = here - hand
            print(
                f"{text}: by hand {hand:.2f} ms, through the adapter {here:.2f} ms (adds {added:.2f} ms; limit "
                f"{OVERHEAD_MS:g}: {'met' if added < OVERHEAD_MS else 'MISSED'}), in a supervised child {run:.2f} ms "
                f"(adds {run - hand:.2f} ms: {'met' if run - hand < OVERHEAD_MS else 'MISSED'})"
            )


if __name__ == "__main__":
    main()
