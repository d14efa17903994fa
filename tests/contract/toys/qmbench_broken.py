"""Methods that end their process, leave something behind, or give another quantity than they say; one fault each.

As in `qmbench_faulty`, `FAULTS` says which check must find it and how. Those in `DEADLY` are for a child only.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import Field
from qmbench_morse import Morse

import qmbench

FAULTS: dict[str, tuple[str, str]] = {}
METHODS: list[type[qmbench.Method]] = []
DEADLY: list[str] = []
HOUR = 3600


def fault(check: str, message: str, deadly: bool = False):
    """Register a method under its class's name, with the docstring of the one that it spoils."""

    def register(method):
        method.name = method.__name__.lower()
        method.__doc__ = method.__mro__[1].__doc__
        FAULTS[method.name] = (check, message)
        METHODS.append(method)
        if deadly:
            DEADLY.append(method.name)
        return method

    return register


def spoilt(result, **changes):
    """`result` with each of its properties that is named here replaced by a function of its value."""
    kept = {
        name: replace(q, value=changes[name](q.value)) if name in changes else q
        for name, q in result.properties.items()
    }
    return replace(result, properties=kept)


class First(Morse):
    """Does something before it computes."""

    def compute(self, system, properties, resources):
        self.first(system, resources)
        return super().compute(system, properties, resources)


First.__doc__ = Morse.__doc__


@fault("examples_compute", r"compute tries to exit the process \(SystemExit: 0\)", deadly=True)
class ExitsPolitely(First):
    def first(self, system, resources):
        sys.exit(0)


@fault("examples_compute", "the process ended itself with exit code 0", deadly=True)
class ExitsAtOnce(First):
    def first(self, system, resources):
        os._exit(0)


@fault("charge_used", "the process ended itself with exit code 0", deadly=True)
class ExitsForIons(First):
    def first(self, system, resources):
        if system.charge:
            os._exit(0)


@fault("examples_compute", r"died by signal 11 \(SIGSEGV\)", deadly=True)
class Segfaults(First):
    def first(self, system, resources):
        ctypes.string_at(0)


@fault("examples_compute", "ran longer than its limit of", deadly=True)
class Hangs(First):
    def first(self, system, resources):
        time.sleep(HOUR)


@fault("examples_compute", "memory", deadly=True)
class EatsMemory(First):
    def first(self, system, resources):
        eaten = []
        while True:
            eaten.append(b"x" * 2**26)


@fault("examples_compute", "compute comes back twice", deadly=True)
class ForksAndReturns(First):
    def first(self, system, resources):
        os.fork()


@fault("examples_compute", r"leaves 1 running process\(es\): 'sleep 3600'", deadly=True)
class LeavesAProgram(First):
    def first(self, system, resources):
        subprocess.Popen(["sleep", "3600"])


@fault("examples_compute", r"leaves 1 running process\(es\): 'sleep 3600'", deadly=True)
class LeavesAnOrphan(First):
    def first(self, system, resources):
        subprocess.run("setsid sleep 3600 >/dev/null 2>&1 &", shell=True)


@fault("examples_compute", "raises KeyError: 'oxygen'; raise NotConverged")
class WrongException(First):
    def first(self, system, resources):
        {}["oxygen"]


@fault("prints_nothing", r"check\(\) prints to standard output: 'checking'")
class PrintsInCheck(Morse):
    def check_system(self, system, properties):
        os.write(1, b"checking\n")
        super().check_system(system, properties)


@fault("check_is_cheap", r"check\(\) calls compute\(\)")
class ComputesInCheck(Morse):
    def check_system(self, system, properties):
        super().check_system(system, properties)
        self.compute(system, properties, qmbench.Resources())


@fault("check_is_cheap", r"check\(\) of water takes .* s of CPU")
class SlowCheck(Morse):
    def check_system(self, system, properties):
        super().check_system(system, properties)
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass


@fault(
    "estimates_are_numbers", "an estimate of energy of water raises KeyError: 'size'; where it does not know it returns"
)
class BreaksItsEstimate(Morse):
    def estimate(self, system, properties):
        return {}["size"]


@fault("estimates_are_numbers", "estimate_memory of energy of water is nan, no number from 0 on")
class NeedsNotANumber(Morse):
    def estimate_memory(self, system, properties):
        return float("nan")


@fault("writes_only_to_scratch", "writes fort.7 into the working folder")
class WritesHere(First):
    def first(self, system, resources):
        Path("fort.7").write_text("1\n")


@fault("writes_only_to_scratch", "writes .morse into the home folder")
class WritesHome(First):
    def first(self, system, resources):
        (Path.home() / ".morse").write_text("1\n")


@fault("surroundings_change_nothing", "energy of water depends on the environment variable MORSE_SHIFT")
class ReadsTheEnvironment(Morse):
    def compute(self, system, properties, resources):
        shift = float(os.environ.get("MORSE_SHIFT", "0"))
        return spoilt(super().compute(system, properties, resources), energy=lambda e: e + 1e-3 * shift)


@fault("surroundings_change_nothing", "energy of water depends on the working folder, HOME or LANG")
class KnowsWhereItRuns(Morse):
    def compute(self, system, properties, resources):
        away = Path.cwd().name == "cwd"
        return spoilt(super().compute(system, properties, resources), energy=lambda e: e + 1e-3 * away)


@fault("energy_magnitude", "look at its unit and sign .*; it looks like eV")
class ElectronVolts(Morse):
    def compute(self, system, properties, resources):
        return spoilt(super().compute(system, properties, resources), energy=lambda e: 27.2114 * e)


@fault("energy_magnitude", "it looks like rydberg")
class Rydbergs(Morse):
    def compute(self, system, properties, resources):
        return spoilt(super().compute(system, properties, resources), energy=lambda e: 2 * e)


@fault("energy_magnitude", "look at its unit and sign")
class BindingEnergies(Morse):
    def compute(self, system, properties, resources):
        return spoilt(super().compute(system, properties, resources), energy=lambda e: -e)


def scaled(system, factor):
    return replace(system, positions=tuple(map(tuple, (system.coordinates * factor).tolist())))


@fault("lengths_in_bohr", "hydrogen molecule is lower at 0.53 times its bond lengths")
class BohrForAngstrom(Morse):
    def compute(self, system, properties, resources):
        return super().compute(scaled(system, 1.889726), properties, resources)


@fault("lengths_in_bohr", "the energy of hydrogen molecule does not depend on its bond lengths")
class IgnoresPositions(Morse):
    def compute(self, system, properties, resources):
        far = [[30.0 * i, 0.0, 0.0] for i in range(len(system.symbols))]
        return super().compute(replace(system, positions=tuple(map(tuple, far))), properties, resources)


@fault("lengths_in_bohr", "hydrogen molecule is lower at 1.89 times its bond lengths")
class ConvertsTwice(Morse):
    def compute(self, system, properties, resources):
        return super().compute(scaled(system, 0.529177), properties, resources)


def wrong_forces(name, message, change):
    class WrongForces(Morse):
        def compute(self, system, properties, resources):
            return spoilt(super().compute(system, properties, resources), forces=change)

    WrongForces.__name__ = name
    fault("forces_match_energy", message)(WrongForces)


wrong_forces("GradientForForces", "the sign is wrong", lambda f: -f)
wrong_forces("ForcesPerAngstrom", "it looks like hartree/angstrom", lambda f: f / 0.529177)
wrong_forces("ForcesOfOtherAtoms", "not minus the derivative of its energy", lambda f: f[::-1])
wrong_forces("HalfForces", "not minus the derivative of its energy", lambda f: f / 2)


@fault("forces_match_energy", r"forces on water and a ghost have shape \(4, 3\); it has 3 real nuclei")
class ForcesOnGhosts(Morse):
    def compute(self, system, properties, resources):
        ghosts = sum(system.ghosts)
        return spoilt(
            super().compute(system, properties, resources), forces=lambda f: np.vstack([f, np.zeros((ghosts, 3))])
        )


class Grid(Morse):
    """Has an option that changes nothing."""

    class Options(Morse.Options):
        grid: int = Field(37, description="points of a quadrature")

    def echo(self):
        return {}

    def compute(self, system, properties, resources):
        result = super().compute(system, properties, resources)
        return replace(result, settings={**result.settings, **self.echo()})


Grid.__doc__ = Morse.__doc__


@fault("options_alive", "option 'grid' is dead")
class EchoedUnderAnotherName(Grid):
    def echo(self):
        return {"program": {"quadrature": [{"points": self.options.grid}]}}


@fault("options_alive", "option 'grid' is dead")
class EchoedInAText(Grid):
    def echo(self):
        return {"input": f"depth {self.options.depth}; grid {self.options.grid}"}


@fault("errors_are_honest", "5 seeds scatter energy of water by .* times its stated uncertainty")
class ErrorsTooSmall(Morse):
    stochastic = True

    class Options(Morse.Options):
        seed: int = Field(1, description="of the random numbers")

    def compute(self, system, properties, resources):
        result = super().compute(system, properties, resources)
        noise = 1e-3 * np.random.default_rng(self.options.seed).normal()
        kept = {}
        for name, q in result.properties.items():
            spread = 2e-4 if name == "energy" else 2e-4 * np.ones(np.shape(q.value))
            kept[name] = qmbench.Quantity(np.asarray(q.value) + noise, q.unit, spread, "statistical")
        return replace(result, properties=kept)


_runs = itertools.count(1)


@fault("translation", "water: NotConverged: not together")
class NotTogether(Morse):
    def compute(self, system, properties, resources):
        if len(properties) > 1:
            raise qmbench.NotConverged("not together")
        return super().compute(system, properties, resources)


@fault("reproducible", "two runs of one task differ")
class ForgetsItsSeed(Morse):
    def compute(self, system, properties, resources):
        amount = 1e-7 * next(_runs)
        return spoilt(super().compute(system, properties, resources), energy=lambda e: e + amount)


class Prints(First):
    """Meant well: what `compute` prints, by whatever means, is the engine's to keep."""

    name = "prints"

    def first(self, system, resources):
        print("computing")
        os.write(1, b"still computing\n")


Prints.__doc__ = Morse.__doc__
METHODS.append(Prints)

QMBENCH_API = 2


@qmbench.hookimpl
def qmbench_methods():
    return METHODS
