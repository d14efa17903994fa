"""The options of dispersion on learned ratios. Imports no numerics."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from qmbench import Options


class LearnedDispersionOptions(Options):
    """How the oscillators with the learned ratios are coupled: options of `mbd`, which are handed to it whole.

    They stand here again because this plugin is listed, and its options are read, before others can be asked and where
    there is no qmbench-mbd. A test compares them.
    """

    damping: Literal["pbe", "pbe0", "hse06"] = Field(
        "pbe", description="functional whose published damping parameter of MBD is used; the ratios are PBE's for all"
    )
    solver: Literal["dense", "stochastic"] = Field(
        "dense", description="all modes by diagonalization, or the energy alone from random vectors, for large systems"
    )
    probes: int = Field(32, ge=2, description="random vectors of the stochastic solver; the error falls as 1/√probes")
    seed: int = Field(1, ge=0, description="seed of the stochastic solver's random vectors")
