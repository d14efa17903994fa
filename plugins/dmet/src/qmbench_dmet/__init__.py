"""Density matrix embedding theory as a qmbench plugin.

Importing this module imports no quantum-chemistry program.
"""

from __future__ import annotations

from collections.abc import Iterable

from qmbench import Method, Property, hookimpl

QMBENCH_API = 2


@hookimpl
def qmbench_methods() -> Iterable[type[Method]]:
    """The method `dmet`."""
    from qmbench_dmet.method import Dmet

    return [Dmet]


@hookimpl
def qmbench_properties() -> Iterable[Property]:
    """What an embedding gives beyond energies."""
    return [
        Property("double_occupancy", "", "mean over the lattice sites of <n_up n_down>"),
        Property("fragment_occupations", "electrons", "electrons on each fragment, in the order of the sites", ("*",)),
        Property(
            "chemical_potential",
            "hartree",
            "potential on the fragments that makes their electrons add up to the system's",
        ),
        Property(
            "number_curve",
            "electrons",
            "electrons on all fragments along the chemical potentials of the setting curve_chemical_potentials",
            ("*",),
        ),
        Property(
            "energy_curve",
            "hartree",
            "sum over fragments of the ground-state energy of H - mu N along curve_chemical_potentials",
            ("*",),
        ),
    ]
