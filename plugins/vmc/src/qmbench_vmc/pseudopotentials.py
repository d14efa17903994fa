"""Which core electrons the correlation-consistent effective core potentials (ccECP) stand for.

M. C. Bennett et al., J. Chem. Phys. 147, 224106 (2017), and the later papers of the series, as PySCF ships them.
"""

from __future__ import annotations

from qmbench import ATOMIC_NUMBERS, Molecule

# First and last element of a range, and the electrons removed in it.
_RANGES = (("H", "He", 0), ("Li", "Ne", 2), ("Na", "Zn", 10), ("Ga", "Cd", 28), ("In", "I", 46))
_ABSENT = frozenset({"Tc"})


def ccecp_core(symbol: str) -> int | None:
    """Electrons that the ccECP of an element removes (0 for H and He, whose potentials only round off the nucleus);
    None where there is no ccECP.
    """
    z = ATOMIC_NUMBERS[symbol]
    for first, last, core in _RANGES:
        if ATOMIC_NUMBERS[first] <= z <= ATOMIC_NUMBERS[last]:
            return None if symbol in _ABSENT else core
    return None


def removed_electrons(molecule: Molecule) -> int:
    """Core electrons that ccECPs on all nuclei of `molecule` stand for."""
    return sum(ccecp_core(symbol) or 0 for symbol in molecule.elements)
