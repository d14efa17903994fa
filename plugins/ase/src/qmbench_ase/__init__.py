"""Any calculator of the Atomic Simulation Environment as a level of theory: `ase:emt`, `ase:MODULE.CLASS?key=value`.

`methods` has what a level does, `probe` finds out what a calculator is without importing it here, `files` finds and
hashes the files that options name. Importing this module imports neither ASE nor any calculator.
"""

from __future__ import annotations

from qmbench import Method, MethodFamily, Property, hookimpl

QMBENCH_API = 2


@hookimpl
def qmbench_properties() -> list[Property]:
    return [
        Property(
            "calculator_charges",
            "e",
            "atomic charges as the calculator itself defines them; no two definitions need agree",
            "atoms",
        )
    ]


@hookimpl
def qmbench_methods() -> list[type[Method]]:
    """The two calculators that need nothing but ASE."""
    from qmbench_ase.methods import EffectiveMedium, LennardJones

    return [EffectiveMedium, LennardJones]


@hookimpl
def qmbench_method_families() -> list[MethodFamily]:
    return [
        MethodFamily(
            "ase:", "ase:MODULE.CLASS?key=value…", "any installed calculator of the Atomic Simulation Environment"
        )
    ]


@hookimpl
def qmbench_resolve_method(name: str) -> type[Method] | None:
    """The calculator that is written behind the prefix; InputError with what would be right where there is none."""
    if not name.startswith("ase:"):
        return None
    from qmbench_ase.methods import calculator_method

    return calculator_method(name.removeprefix("ase:"))
