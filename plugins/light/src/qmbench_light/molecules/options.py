"""What can be chosen of the levels for molecules in cavities. Everything here changes a number."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from qmbench_pyscf import BasisOptions, ScfOptions, ScfSpecification


class QedHFOptions(ScfOptions):
    """QED-HF: the self-consistent field of the molecule, and that with the field from it."""


class CorrelatedOptions(BasisOptions):
    """A level beyond the mean field, in a basis set."""

    basis: str = Field(description="basis set, such as cc-pvdz or def2-tzvp; its core potential is part of it")
    energy_tolerance: float = Field(1e-10, gt=0, le=1e-5, description="convergence in the energy, hartree")
    max_cycle: int = Field(100, ge=1, description="iterations after which an SCF is given up")

    def specification(self) -> ScfSpecification:
        """The SCF of the molecule."""
        return ScfSpecification(
            self.basis, energy_tolerance=self.energy_tolerance, max_cycle=self.max_cycle, cartesian=self.cartesian
        )


class QedCCSDOptions(CorrelatedOptions):
    """QED-CCSD-1. All electrons are correlated."""

    amplitude_cycle: int = Field(
        200, ge=1, description="iterations after which the amplitudes are given up", examples=[5]
    )


class StatesOptions(CorrelatedOptions):
    """States of light and matter in a basis set."""

    n_states: int = Field(5, ge=1, le=50, description="states in energies, ground state included")


class QedCISOptions(StatesOptions):
    """QED-CIS."""

    photons: int = Field(1, ge=1, le=20, description="photons in each mode at most")


CUTOFF: Any = Field(
    1e-8,
    gt=0,
    le=1e-4,
    description="without photons: the cut-off is that whose doubling moves no energy by this much, hartree",
)


class QedFCIOptions(StatesOptions):
    """QED-FCI."""

    photons: int | None = Field(
        None,
        ge=1,
        le=64,
        description="photons in each mode at most; if not given, doubled from 2 until no energy moves by "
        "cutoff_tolerance",
        examples=[6],
    )
    photon_basis: Literal["coherent", "number"] = Field(
        "coherent",
        description="photon numbers of fields displaced by the QED-HF dipole (coherent), or as they are (number), the "
        "dipole of an ion then counted from the centre of nuclear charge; the same in the limit of many photons",
    )
    cutoff_tolerance: float = CUTOFF
    spin: Literal["any", "same"] = Field(
        "any",
        description="states in energies: of the molecule's multiplicity and all higher ones, each multiplet once "
        "(any), or of the molecule's alone (same)",
    )
