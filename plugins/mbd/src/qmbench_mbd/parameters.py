"""Published parameters: free atoms and the damping of each density functional.

Free atoms: A. Tkatchenko and M. Scheffler, Phys. Rev. Lett. 102, 073005 (2009), values as tabulated in libMBD's
public-domain `vdw-params.csv` (column TS), which extends the paper's elements from Chu and Dalgarno's calculations.
Their multiplicities are those of the ground levels in the NIST Atomic Spectra Database (10.18434/T4W30F).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import ArrayLike

from qmbench import Unsupported
from qmbench_mbd.oscillators import Array, Oscillators

# libMBD and pymbd convert ångström with this CODATA-1986 value; numbers quoted from their tests need it.
LIBMBD_BOHR_IN_ANGSTROM = 0.529177249

TS_STEEPNESS = 20.0
MBD_STEEPNESS = 6.0


@dataclass(frozen=True)
class FreeAtom:
    """A free neutral atom in its ground state: static polarizability (bohr³), C6 (hartree bohr⁶), van der Waals radius
    (bohr), multiplicity 2S+1."""

    alpha: float
    c6: float
    radius: float
    multiplicity: int


@cache
def free_atoms() -> dict[str, FreeAtom]:
    """Free-atom parameters by element symbol."""
    text = resources.files("qmbench_mbd").joinpath("data/free_atoms.csv").read_text(encoding="utf-8")
    return {
        row["element"]: FreeAtom(
            float(row["alpha_bohr3"]),
            float(row["c6_hartree_bohr6"]),
            float(row["radius_bohr"]),
            int(row["multiplicity"]),
        )
        for row in csv.DictReader(text.splitlines())
    }


def free_atom_arrays(elements: list[str]) -> tuple[Array, Array, Array]:
    """α, C6 and radii of free atoms, each (N,) in atomic units. Unsupported names the elements without values."""
    table = free_atoms()
    missing = sorted({e for e in elements if e not in table})
    if missing:
        raise Unsupported(f"no free-atom van der Waals parameters for {', '.join(missing)}")
    atoms = [table[e] for e in elements]
    return tuple(np.array([getattr(atom, field) for atom in atoms]) for field in ("alpha", "c6", "radius"))  # type: ignore[return-value]


def from_volume_ratios(positions: ArrayLike, elements: list[str], ratios: ArrayLike) -> Oscillators:
    """Oscillators of atoms in a molecule from Hirshfeld volume ratios v (N,): α ∝ v, C6 ∝ v², R ∝ v^(1/3).

    `positions` (N, 3) in bohr. Tkatchenko and Scheffler (2009), eqs 7 and 8.
    """
    alpha, c6, radii = free_atom_arrays(elements)
    v = np.asarray(ratios, dtype=float)
    return Oscillators(np.asarray(positions, dtype=float), alpha * v, c6 * v**2, radii * np.cbrt(v))


@dataclass(frozen=True)
class Damping:
    """Parameter of a damping function for one functional, its steepness a, and the DOI of the paper that fitted it."""

    value: float
    steepness: float
    doi: str


_TS = "10.1103/PhysRevLett.102.073005"
_TS_SCS_REVIEW = "10.1021/ct2005616"  # Marom et al., J. Chem. Theory Comput. 7, 3944 (2011)
_RSSCS = "10.1063/1.4865104"
_SCS = "10.1103/PhysRevLett.108.236402"
_NL = "10.1103/PhysRevLett.124.146401"

# model -> functional -> damping parameter: s_R of TS, β of the MBD variants (MBD@SCS has β = 1 and a fitted steepness).
DAMPING: dict[str, dict[str, Damping]] = {
    "ts": {
        "pbe": Damping(0.94, TS_STEEPNESS, _TS),
        "pbe0": Damping(0.96, TS_STEEPNESS, _TS_SCS_REVIEW),
        "hse06": Damping(0.96, TS_STEEPNESS, _TS_SCS_REVIEW),
        "blyp": Damping(0.62, TS_STEEPNESS, _TS_SCS_REVIEW),
        "b3lyp": Damping(0.84, TS_STEEPNESS, _TS_SCS_REVIEW),
        "revpbe": Damping(0.60, TS_STEEPNESS, _TS_SCS_REVIEW),
    },
    "mbd": {
        "pbe": Damping(0.83, MBD_STEEPNESS, _RSSCS),
        "pbe0": Damping(0.85, MBD_STEEPNESS, _RSSCS),
        "hse06": Damping(0.85, MBD_STEEPNESS, _RSSCS),
    },
    "mbd-scs": {
        "pbe": Damping(1.0, 2.56, _SCS),
        "pbe0": Damping(1.0, 2.53, _SCS),
        "hse06": Damping(1.0, 2.53, _SCS),
    },
    "mbd-ts": {
        "pbe": Damping(0.81, MBD_STEEPNESS, _RSSCS),
        "pbe0": Damping(0.83, MBD_STEEPNESS, _RSSCS),
        "hse06": Damping(0.83, MBD_STEEPNESS, _RSSCS),
    },
    "mbd-nl": {
        "pbe": Damping(0.81, MBD_STEEPNESS, _NL),
        "pbe0": Damping(0.83, MBD_STEEPNESS, _NL),
    },
}
