"""Speed of the neural wavefunction: optimization steps and samples per second, and the time to 1 millihartree.

    python plugins/vmc/benchmarks/neural_speed.py he lih --cores 2

The time to 1 mHa runs from the start (Hartree–Fock and compilation included) to the first 50 iterations whose mean
energy, less two standard errors, is within 1 mHa of the exact energy: a check of speed, not an estimate of the
energy. On a machine that does other work, CPU seconds say more than wall seconds; both are printed.
"""

from __future__ import annotations

import argparse
import re
import time
from types import SimpleNamespace

import numpy as np

from qmbench import Molecule, Resources
from qmbench_vmc.neural.options import NeuralOptions
from qmbench_vmc.neural.preparation import wavefunction

# symbols, positions (bohr), multiplicity, exact nonrelativistic energy (hartree); H10: MRCI+Q/CBS, ± 0.5 mHa, of
# Motta et al., Phys. Rev. X 7, 031059 (2017).
SYSTEMS = {
    "h": (("H",), ((0, 0, 0),), 2, -0.5),
    "he": (("He",), ((0, 0, 0),), 1, -2.903724),
    "h2": (("H", "H"), ((0, 0, 0), (0, 0, 1.4)), 1, -1.174476),
    "li": (("Li",), ((0, 0, 0),), 2, -7.478060),
    "be": (("Be",), ((0, 0, 0),), 1, -14.667356),
    "lih": (("Li", "H"), ((0, 0, 0), (0, 0, 3.015)), 1, -8.070548),
    "h10": (("H",) * 10, tuple((0, 0, 1.8 * i) for i in range(10)), 1, -5.66558),
}


def measure(name: str, cores: int, options: dict[str, float]) -> None:
    symbols, positions, multiplicity, exact = SYSTEMS[name]
    molecule = Molecule(symbols, positions, 0, multiplicity, name=name)
    defaults = {key: field.default for key, field in NeuralOptions.model_fields.items()}
    chosen = SimpleNamespace(**(defaults | {"seed": 1, "walkers": 400} | options))
    wall, cpu = time.perf_counter(), time.process_time()
    marks: list[tuple[int, float, float]] = []

    def tell(line: str) -> None:
        if found := re.match(r"iteration (\d+) of", line):
            marks.append((int(found[1]), time.perf_counter() - wall, time.process_time() - cpu))

    from qmbench_vmc.neural import optimization

    optimization.TELL_EVERY_S = 0.0
    sampler = wavefunction(molecule, chosen, None, Resources(cores=cores), tell)
    total, total_cpu = time.perf_counter() - wall, time.process_time() - cpu
    history = sampler.history
    (first, wall_first, cpu_first), (last, wall_last, cpu_last) = marks[0], marks[-1]
    steps = last - first
    print(f"{name}: {len(history)} iterations, {chosen.walkers} walkers, {total:.0f} s wall, {total_cpu:.0f} s CPU")
    print(
        f"  optimization: {steps / (wall_last - wall_first):.1f} steps/s wall, {steps / (cpu_last - cpu_first):.1f} CPU"
    )
    reached = None
    for number, wall_at, cpu_at in marks:
        window = history[max(number - 50, 0) : number]
        error = np.sqrt(window[:, 1].mean() / (len(window) * chosen.walkers))
        if len(window) == 50 and window[:, 0].mean() - 2 * error < exact + 1e-3:
            reached = f"{wall_at:.0f} s wall, {cpu_at:.0f} s CPU, iteration {number}"
            break
    print(f"  time to 1 mHa of {exact}: {reached or 'not reached'}")
    sampler.block(0)  # compiles
    wall, cpu = time.perf_counter(), time.process_time()
    samples = sum(sampler.block(number)["energy"].size for number in (1, 2, 3))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"  sampling: {samples / wall:.0f} local energies/s wall, {samples / cpu:.0f} CPU", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("systems", nargs="*", default=["he"], choices=sorted(SYSTEMS))
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--iterations", type=int)
    parser.add_argument("--walkers", type=int, default=400)
    arguments = parser.parse_args()
    options = {"walkers": arguments.walkers} | (
        {"iterations": arguments.iterations} if arguments.iterations is not None else {}
    )
    for name in arguments.systems:
        measure(name, arguments.cores, options)


if __name__ == "__main__":
    main()
