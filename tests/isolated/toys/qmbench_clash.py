"""A plugin that needs a certain version of a package: installed twice under two names, with versions that clash.

Its energies are exact functions of its input and of that version. `toy_projects` fills in NAME.
"""

import os
import signal
import time

from pydantic import Field, field_validator

import qmbench

NAME = "NAME"


class Clash(qmbench.Method):
    """Energy = -electrons x version of toylib (hartree); noble gases from neon on go wrong. J. Nought (2000)."""

    name = NAME
    systems = (qmbench.Molecule,)
    properties = frozenset({"energy", f"{NAME}_number"})
    distributions = ("toylib",)
    citations = ("10.1000/toy",)
    examples = (f"{NAME}/sto-3g",)

    class Options(qmbench.Options):
        basis: str | None = Field(None, examples=["sto-3g"])
        factor: float = Field(1.0, gt=0, description="multiplies the energy")
        words: tuple[str, ...] = Field((), description="upper case is made lower case", examples=[("a", "b")])

        @field_validator("words")
        @classmethod
        def lower(cls, value):
            return tuple(word.lower() for word in value)

    def is_stochastic(self):
        return "noise" in self.options.words

    def check_system(self, system, properties):
        super().check_system(system, properties)
        if "Xe" in system.symbols:
            raise qmbench.Unsupported(f"{self.name} does not do xenon")

    def estimate(self, system, properties):
        return 0.5 * len(system.symbols)

    def removed_electrons(self, system):
        return 2 * system.symbols.count("Li")

    def families(self):
        return {"program": "toylib", "words": " ".join(self.options.words)}

    def compute(self, system, properties, resources):
        import toylib

        if "Ar" in system.symbols:
            os.kill(os.getpid(), signal.SIGSEGV)
        if "Kr" in system.symbols:
            time.sleep(60)
        if "Ne" in system.symbols:
            raise qmbench.NotConverged("neon goes round in circles")
        per_version = self.options.factor * system.n_electrons + 0.01 * (system.multiplicity - 1)
        energy = -per_version * toylib.VERSION - 1e-4 * len(self.options.basis or "")
        values = {
            "energy": qmbench.Quantity(energy, "hartree"),
            f"{NAME}_number": qmbench.Quantity(toylib.VERSION, "electrons"),
        }
        settings = {"toylib": toylib.VERSION, "words said": " ".join(self.options.words)}
        return qmbench.Result({name: values[name] for name in properties}, settings, ("a warning",))


QMBENCH_API = 2


@qmbench.hookimpl
def qmbench_methods():
    return [Clash]


@qmbench.hookimpl
def qmbench_method_families():
    return [qmbench.MethodFamily(f"{NAME}:", f"{NAME}:PART/Member", "a family with a prefix", 1)]


class Any(qmbench.OpenOptions, Clash.Options):
    """Those of the others, and any other name."""


@qmbench.hookimpl
def qmbench_resolve_method(name):
    if name == f"{NAME}:part/Member":
        told = {"name": name, "__doc__": f"The member {name} (hartree).", "Options": Any}
        return type("Prefixed", (Clash,), told)
    if not name.startswith(f"{NAME}-"):
        return None
    if name.endswith("-9"):
        raise qmbench.Unsupported(f"{NAME} ends at 8")
    return type("Open", (Clash,), {"name": name, "__doc__": f"The member {name} of an open family (hartree)."})


@qmbench.hookimpl
def qmbench_properties():
    return [qmbench.Property(f"{NAME}_number", "electrons", "the version of toylib")]


def square(x):
    """What only the interpreter of the plugin can say."""
    import toylib

    return x**2 * toylib.VERSION


@qmbench.hookimpl
def qmbench_observables():
    return [
        qmbench.Observable(f"{NAME}_value", f"{NAME}_number", "value", "the version of toylib, as an entry's"),
        qmbench.Observable(f"{NAME}_square", f"{NAME}_number", square, "of toylib's version"),
    ]


@qmbench.hookimpl
def qmbench_benchmarks():
    from pathlib import Path

    return [Path(__file__).parent / f"qmbench_{NAME}_data"]
