"""The options of `vmc` and `dmc`. Everything here changes a number; each says how."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from qmbench_pyscf import BasisOptions
from qmbench_vmc.neural.options import NeuralOptions

if TYPE_CHECKING:
    from qmbench_pyscf import ScfSpecification


class TrialOptions(BasisOptions):
    """A trial wave function on PySCF's orbitals, and how well its energy is to be known."""

    basis: str | None = Field(
        None, description="basis set of the orbitals, such as cc-pvtz or, with ccECP, ccecp-cc-pvtz"
    )
    seed: int = Field(1, ge=0, lt=2**31, description="seed of all random numbers: optimization, sampling, branching")
    target_error: float = Field(
        0.5, gt=0, description="standard error of the energy at which sampling stops, millihartree", examples=[25.0]
    )
    pseudopotential: Literal["none", "ccecp"] = Field(
        "none", description="ccecp: correlation-consistent core potentials on all nuclei; none: all electrons"
    )
    active_space: str | None = Field(
        None,
        description="electrons,orbitals of the complete active space of multi-slater-jastrow: 2,4 (no default)",
        examples=["2,2", "2,3"],
    )
    determinant_cutoff: float = Field(
        0.01, ge=0, lt=1, description="smaller coefficients are left out of multi-slater-jastrow", examples=[0.5]
    )
    walkers: int = Field(400, ge=16, le=100000, description="walkers of the optimization and of the sampling")
    optimization_steps: int = Field(
        12,
        ge=0,
        le=1000,
        description="steps of stochastic reconfiguration with line minimization for the Jastrow factor",
    )
    max_blocks: int = Field(2000, ge=1, description="blocks of samples after which the target is given up")

    @field_validator("active_space")
    @classmethod
    def _two_numbers(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[1-9]\d*,[1-9]\d*", value):
            raise ValueError("write electrons,orbitals, such as 2,4")
        return value

    @property
    def electrons_orbitals(self) -> tuple[int, int]:
        """The active space as numbers."""
        electrons, orbitals = (self.active_space or "0,0").split(",")
        return int(electrons), int(orbitals)

    def specification(self, **more: Any) -> ScfSpecification:
        """The Hartree–Fock calculation that the orbitals come from. There has to be a basis.

        more: fields that are no options, such as an electric field.
        """
        from qmbench_pyscf import ScfSpecification

        assert self.basis is not None  # check has seen to it
        return ScfSpecification(
            self.basis,
            potential="ccecp" if self.pseudopotential == "ccecp" else None,
            cartesian=self.cartesian,
            **more,
        )


class VmcOptions(TrialOptions, NeuralOptions):
    """Variational Monte Carlo."""

    ansatz: Literal["slater-jastrow", "multi-slater-jastrow", "neural"] = Field(
        "slater-jastrow", description="trial wave function; neural has no basis and needs JAX"
    )
    field_strength: float = Field(
        0.01, gt=0, le=0.05, description="electric field of the polarizability, atomic units, in both senses"
    )


class DmcOptions(TrialOptions):
    """Diffusion Monte Carlo."""

    ansatz: Literal["slater-jastrow", "multi-slater-jastrow"] = Field(
        "slater-jastrow", description="trial wave function, whose nodes are kept"
    )
    timestep: tuple[float, ...] = Field(
        (0.01,),
        min_length=1,
        max_length=8,
        description="imaginary time steps, 1/hartree; several are extrapolated to zero",
        examples=[(0.04,)],
    )
    extrapolation: Literal["linear", "quadratic"] = Field(
        "linear", description="polynomial in the time step that several time steps are extrapolated with"
    )
    populations: int = Field(
        8, ge=2, le=64, description="independent populations, over which the walkers are shared out"
    )

    @field_validator("timestep")
    @classmethod
    def _distinct(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 < t <= 1 for t in value) or len(set(value)) != len(value):
            raise ValueError("time steps are distinct numbers above 0 and at most 1")
        return tuple(sorted(value))


MonteCarloOptions = VmcOptions | DmcOptions

# What belongs to one kind of ansatz only: giving it with another is refused, so that no option does nothing.
# `cartesian` follows the basis where nobody gives it, so that it is looked at only where there is no basis.
NEURAL_ONLY = tuple(NeuralOptions.model_fields)
ORBITALS_ONLY = (
    "basis",
    "pseudopotential",
    "active_space",
    "determinant_cutoff",
    "optimization_steps",
    "field_strength",
)


def foreign(options: VmcOptions) -> list[str]:
    """Options that were given, but belong to another ansatz."""
    fields = type(options).model_fields
    names = ORBITALS_ONLY if options.ansatz == "neural" else NEURAL_ONLY
    given = [name for name in names if getattr(options, name) != fields[name].default]
    if options.ansatz == "neural" and options.basis is None and options.cartesian != fields["cartesian"].default:
        given.append("cartesian")
    return given
