"""The models by name: what they are, where they were published, which properties they have. Imports no numerics."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from qmbench import Options

# What PySCF calls the functionals for which dispersion parameters were published.
FUNCTIONALS = {
    "pbe": "PBE",
    "pbe0": "PBE0",
    "hse06": "HYB_GGA_XC_HSE06",
    "blyp": "BLYP",
    "b3lyp": "B3LYP",
    "revpbe": "REVPBE",
}

MODELS = {
    "ts": "Tkatchenko–Scheffler pairwise dispersion, Phys. Rev. Lett. 102, 073005 (2009)",
    "mbd": "MBD@rsSCS, Ambrosetti et al., J. Chem. Phys. 140, 18A508 (2014)",
    "mbd-scs": "MBD@SCS, Tkatchenko et al., Phys. Rev. Lett. 108, 236402 (2012)",
    "mbd-ts": "MBD with unscreened oscillators (MBD@TS), Ambrosetti et al., J. Chem. Phys. 140, 18A508 (2014)",
    "mbd-nl": "MBD-NL, Hermann and Tkatchenko, Phys. Rev. Lett. 124, 146401 (2020)",
}

CITATIONS = {
    "ts": "10.1103/PhysRevLett.102.073005",
    "mbd": "10.1063/1.4865104",
    "mbd-scs": "10.1103/PhysRevLett.108.236402",
    "mbd-ts": "10.1063/1.4865104",
    "mbd-nl": "10.1103/PhysRevLett.124.146401",
}

# Models whose energy the stochastic solver gives.
MATRIX_FREE = ("mbd", "mbd-ts", "mbd-nl")

RESPONSE = frozenset({"c6", "polarizability", "dynamic_polarizability"})
QUANTA = frozenset(
    {
        "dispersion_mode_atoms",
        "dispersion_mode_energies",
        "virtual_quanta",
        "dispersion_pair_energies",
        "dispersion_correlations",
        "fragment_entanglement",
    }
)
# What only coupled oscillators have.
COUPLED = QUANTA | {"dispersion_modes"}


class SolverOptions(Options):
    """Coupled oscillators that may be too many to diagonalize."""

    solver: Literal["dense", "stochastic"] = Field(
        "dense", description="all modes by diagonalization, or the energy alone from random vectors, with its error"
    )
    probes: int = Field(32, ge=2, description="random vectors of the stochastic solver; the error falls as 1/√probes")
    seed: int = Field(1, ge=0, description="seed of the stochastic solver's random vectors")
