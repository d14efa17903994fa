"""Variational and diffusion Monte Carlo as a qmbench plugin.

Importing this module imports no quantum-chemistry program.
"""

from __future__ import annotations

from collections.abc import Iterable

from qmbench import Method, Property, hookimpl

QMBENCH_API = 2


@hookimpl
def qmbench_methods() -> Iterable[type[Method]]:
    """The methods `vmc` and `dmc`."""
    from qmbench_vmc.methods import Dmc, Vmc

    return [Vmc, Dmc]


@hookimpl
def qmbench_properties() -> Iterable[Property]:
    """What walkers give beyond energies."""
    return [
        Property(
            "radial_density",
            "electrons",
            "electrons of an atom in spherical shells; a setting has their inner radii (bohr), the last has no end",
            ("*",),
        )
    ]
