"""What is computed: molecules, crystals, lattice models, and the kinds of system that plugins bring."""

from qmbench.domain.elements import ATOMIC_NUMBERS as ATOMIC_NUMBERS
from qmbench.domain.elements import ELEMENTS as ELEMENTS
from qmbench.domain.systems.base import Change as Change
from qmbench.domain.systems.base import KindCheck as KindCheck
from qmbench.domain.systems.base import System as System
from qmbench.domain.systems.crystal import Crystal as Crystal
from qmbench.domain.systems.lattice import LatticeModel as LatticeModel
from qmbench.domain.systems.molecule import Molecule as Molecule
from qmbench.domain.systems.xyz import Fragment as Fragment

CORE_KINDS: tuple[type[System], ...] = (Molecule, Crystal, LatticeModel)
"""The kinds that the core itself brings."""
