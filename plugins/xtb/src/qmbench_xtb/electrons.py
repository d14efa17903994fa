"""Who is parametrized, and how many electrons of it are in the calculation.

Inner shells are part of the parametrization: noble-gas cores, filled d shells below p elements and of the zinc group,
and the 4f shell of all lanthanides, which have three valence electrons each (Grimme, Bannwarth and Shushkov, J. Chem.
Theory Comput. 13, 1989 (2017), section 2.1; the same in GFN2-xTB).
"""

from __future__ import annotations

from collections.abc import Iterable

from qmbench import ATOMIC_NUMBERS, ELEMENTS

# (last atomic number, electrons in the core) of each stretch of elements; of the lanthanides all but three.
_CORES = ((2, 0), (10, 2), (18, 10), (29, 18), (36, 28), (47, 36), (54, 46), (57, 54), (71, None), (79, 68), (86, 78))
LARGEST = 86
LANTHANUM = 57

PARAMETRIZED = tuple(symbol for symbol in ELEMENTS if 0 < ATOMIC_NUMBERS[symbol] <= LARGEST)
"""Hydrogen to radon."""


def valence_electrons(symbol: str) -> int:
    """Electrons of the neutral atom that the calculation has."""
    z = ATOMIC_NUMBERS[symbol]
    core = next(core for last, core in _CORES if z <= last)
    return 3 if core is None else z - core


def unpaired_in_cores(symbols: Iterable[str]) -> int:
    """Unpaired electrons in the 4f shells that are part of the cores, each shell with its highest spin (Hund)."""
    counts = (ATOMIC_NUMBERS[s] - LANTHANUM for s in symbols)
    return sum(min(n, 14 - n) for n in counts if 0 < n <= 14)
