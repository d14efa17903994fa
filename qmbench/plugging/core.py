"""What the core itself brings by the hooks that plugins use: its kinds of system."""

from __future__ import annotations

from collections.abc import Iterable

from qmbench.domain.systems import Crystal, LatticeModel, Molecule, System
from qmbench.plugging.hookspecs import hookimpl


@hookimpl
def qmbench_systems() -> Iterable[type[System]]:
    """Molecules, crystals and Hubbard lattices."""
    return [Molecule, Crystal, LatticeModel]
