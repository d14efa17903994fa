"""What is computed: molecules, crystals, lattice models."""

from qmbench.domain.elements import ATOMIC_NUMBERS as ATOMIC_NUMBERS
from qmbench.domain.elements import ELEMENTS as ELEMENTS
from qmbench.domain.systems.kinds import Crystal as Crystal
from qmbench.domain.systems.kinds import Fragment as Fragment
from qmbench.domain.systems.kinds import LatticeModel as LatticeModel
from qmbench.domain.systems.kinds import Molecule as Molecule
from qmbench.domain.systems.kinds import System as System
from qmbench.domain.systems.kinds import system_from_json as system_from_json
