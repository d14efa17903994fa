"""Light, matter and open systems: emitters and molecules in cavities, master equations and exact reductions.

`models` has the model systems (emitters in a cavity, open systems) and their levels; `molecules`, where it is there,
molecules in cavities. Importing this module imports no program.
"""

from __future__ import annotations

from pathlib import Path

from qmbench import Method, Observable, Property, System, hookimpl

QMBENCH_API = 2

PROPERTIES = (
    Property(
        "energies", "hartree", "energies by state, lowest first: E0, E1, …; no zero-point energy of the field", "states"
    ),
    Property(
        "polariton_splitting",
        "hartree",
        "upper less lower polariton: the two excited states with most of the light that the ground state absorbs",
    ),
    Property("photon_number", "", "photons in the ground state, all modes together"),
    Property("photon_number_in_time", "", "photons over time, all modes together", "curve"),
    Property(
        "population", "", "population over time: of the emitters' excited states, each; of the observed level", "curve"
    ),
    Property("coherence", "", "modulus of the coherence between the two observed levels over time", "curve"),
    Property("steady_populations", "", "populations of the stationary state by level: 1, 2, …", "states"),
    Property("entanglement_entropy", "", "von Neumann entropy (natural logarithm) of the emitters in the ground state"),
    Property(
        "memory_kernel",
        "hartree^2",
        "Frobenius norm of the memory kernel of the Nakajima–Zwanzig equation over time",
        "curve",
        units={"open_system": "E0^2"},
    ),
)


@hookimpl
def qmbench_properties() -> tuple[Property, ...]:
    from qmbench_light import molecules

    return (*PROPERTIES, *molecules.PROPERTIES)


@hookimpl
def qmbench_systems() -> list[type[System]]:
    from qmbench_light import models, molecules

    return [*models.systems(), *molecules.SYSTEMS]


@hookimpl
def qmbench_methods() -> list[type[Method]]:
    from qmbench_light import models, molecules

    return [*models.levels(), *molecules.levels()]


@hookimpl
def qmbench_observables() -> list[Observable]:
    from qmbench_light import models, molecules

    return [*models.OBSERVABLES, *molecules.OBSERVABLES]


@hookimpl
def qmbench_benchmarks() -> list[Path]:
    from qmbench_light import models, molecules

    return [models.BENCHMARKS, molecules.BENCHMARKS]
