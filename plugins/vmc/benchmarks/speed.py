"""Samples per second and time to one millihartree, beside PyQMC called by hand with the same settings.

Run: OMP_NUM_THREADS=1 python plugins/vmc/benchmarks/speed.py [REPETITIONS]
The two are timed in turn, in the same process, on the same wave function, walkers and time step; CPU seconds of one
thread are the measure, and of all repetitions the fastest counts. Asked: within 5 % of PyQMC.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable

import numpy as np

from qmbench import Molecule, Resources
from qmbench_vmc import driver
from qmbench_vmc.options import VmcOptions
from qmbench_vmc.slater_jastrow.sampling import BETWEEN, DMC_MEASUREMENTS, MEASUREMENTS, DmcSampler, VmcSampler
from qmbench_vmc.slater_jastrow.trial import Trial, make_trial, quiet

WALKERS = 400
CASES = (
    (Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1, name="He"), "cc-pvtz", "none"),
    (Molecule(("H", "H"), ((0.0, 0.0, 0.0), (0.0, 0.0, 1.4)), 0, 1, name="H2"), "cc-pvtz", "none"),
    (Molecule(("Be",), ((0.0, 0.0, 0.0),), 0, 1, name="Be, ccECP"), "ccecp-cc-pvtz", "ccecp"),
)


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of `work`."""
    started = time.process_time()
    work()
    return time.process_time() - started


def vmc_by_hand(trial: Trial) -> Callable[[], object]:
    """A block of PyQMC's own vmc: the energy is measured as often as `VmcSampler` measures it."""
    import pyqmc.method.mc as mc
    from pyqmc.observables.accumulators import EnergyAccumulator

    state = {"configs": mc.initial_guess(trial.mole, WALKERS)}

    class Sometimes(EnergyAccumulator):
        calls = 0

        def avg(self, configs, wavefunction):
            self.calls += 1
            return super().avg(configs, wavefunction) if self.calls % BETWEEN == 0 else {}

    def block() -> object:
        with quiet():
            found, state["configs"] = mc.vmc(
                trial.wavefunction,
                state["configs"],
                tstep=trial.timestep,
                nblocks=1,
                nsteps_per_block=BETWEEN * MEASUREMENTS,
                accumulators={"energy": Sometimes(trial.mole)},
            )
        return found

    return block


def dmc_by_hand(trial: Trial, timestep: float) -> Callable[[], object]:
    """PyQMC's own rundmc over the imaginary time of one block of `DmcSampler`."""
    import pyqmc.method.dmc as dmc
    import pyqmc.method.mc as mc
    from pyqmc.observables.accumulators import EnergyAccumulator

    state = {"configs": mc.initial_guess(trial.mole, WALKERS)}
    energy = EnergyAccumulator(trial.mole)

    def block() -> object:
        with quiet():
            found, state["configs"], _ = dmc.rundmc(
                trial.wavefunction,
                state["configs"],
                tstep=timestep,
                nblocks=DMC_MEASUREMENTS,
                nsteps_per_block=max(1, round(0.1 / timestep)),
                accumulators={"energy": energy},
                vmc_warmup=0,
            )
        return found

    return block


def compare(
    what: str, ours: Callable[[], object], theirs: Callable[[], object], samples: int, repetitions: int
) -> None:
    """Time both in turn and print samples per CPU second of each."""
    ours(), theirs()
    times = np.array([(cpu(ours), cpu(theirs)) for _ in range(repetitions)])
    best = times.min(axis=0)
    print(
        f"{what:28s} {samples / best[0]:10.0f} samples/s, PyQMC by hand {samples / best[1]:10.0f}/s;"
        f" time ratio {best[0] / best[1]:.3f} (median {np.median(times[:, 0] / times[:, 1]):.3f}, asked 1.05)",
        flush=True,
    )


def main(repetitions: int = 10) -> None:
    logging.disable(logging.WARNING)
    for molecule, basis, potential in CASES:
        options = VmcOptions(basis=basis, pseudopotential=potential, walkers=WALKERS)
        made: list[Trial] = []
        optimization = cpu(lambda: made.append(make_trial(molecule, options, Resources())))  # noqa: B023
        trial = made[0]
        sampler = VmcSampler(trial, WALKERS, 1)
        sampler.block(0)
        compare(
            f"vmc, {molecule.name}",
            lambda: sampler.block(1),  # noqa: B023
            vmc_by_hand(trial),
            WALKERS * MEASUREMENTS,
            repetitions,
        )
        diffusing = DmcSampler(trial, WALKERS, 8, 0.02, 1)
        diffusing.block(0)
        compare(
            f"dmc at 0.02, {molecule.name}",
            lambda: diffusing.block(1),  # noqa: B023
            dmc_by_hand(trial, 0.02),
            WALKERS * DMC_MEASUREMENTS,
            max(repetitions // 3, 2),
        )
        found: list[driver.Estimate] = []
        fresh = VmcSampler(trial, WALKERS, 2)
        sampling = cpu(lambda: found.append(driver.sample(fresh, target_error=1e-3, max_blocks=2000)))  # noqa: B023
        print(
            f"{'':28s} to 1 millihartree: {optimization:.1f} s optimization, {sampling:.1f} s sampling (CPU);"
            f" {found[0].value:.4f} ± {found[0].error:.4f} hartree",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
