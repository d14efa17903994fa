"""The options of this plugin's methods. Everything here changes a number; each says when."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from qmbench import Options, did_you_mean
from qmbench_xtb.solvents import ALPB, DIELECTRIC, GBSA_GFN1, GBSA_GFN2, canonical_solvent

PARAMETRIZED_MODELS = ("alpb", "gbsa")
"""Models with parameters for each solvent, fitted to solvation free energies."""
CONTINUUM_MODELS = ("cpcm", "cosmo", "pcm")
"""Polarizable continua: electrostatics alone, by the dielectric constant."""
SOLVATION_MODELS = (*PARAMETRIZED_MODELS, *CONTINUUM_MODELS)

_CONTINUUM = (
    " (domain decomposition, Cancès, Maday and Stamm, J. Chem. Phys. 139, 054111 (2013)): a solvent by name, or its "
    "dielectric constant as a number; electrostatics alone"
)


def continuum(name: str) -> Any:
    """The option of a continuum model, called `name` in its description."""
    return Field(None, description=f"implicit solvation by {name}{_CONTINUUM}", examples=["water", "4.7"])


class XtbOptions(Options):
    """What every Hamiltonian of the library takes."""

    accuracy: float = Field(
        1.0,
        ge=1e-4,
        le=100,
        description="tblite's factor on its thresholds: at 1, the energy converges to 1e-6 hartree and charges to 2e-5",
    )
    max_iterations: int = Field(250, ge=1, description="iterations after which the self-consistency is given up")
    electronic_temperature: float = Field(
        300.0,
        ge=0,
        le=50000,
        description="temperature of the electrons, kelvin, by which levels near the gap are partly filled; the energy "
        "holds −T S of it",
        examples=[5000.0],
    )
    spin_polarization: bool = Field(
        False,
        description="tell ↑ and ↓ electrons apart in the Hamiltonian (spGFN-xTB, J. Comput. Chem. 44, 2120 (2023)); "
        "without it an open shell has other occupations and no exchange. It changes no closed shell",
    )
    field_strength: float = Field(
        0.002,
        gt=0,
        le=0.05,
        description="electric field of the polarizability by finite field, atomic units; twice it is used too",
    )
    cpcm: str | None = continuum("ddCPCM")
    cosmo: str | None = continuum("ddCOSMO")
    pcm: str | None = continuum("ddPCM (integral equation)")

    @field_validator(*CONTINUUM_MODELS, mode="before")
    @classmethod
    def _solvent_or_number(cls, value: Any) -> Any:
        if value is None:
            return None
        name = canonical_solvent(str(value))
        if name in DIELECTRIC:
            return name
        try:
            number = float(name)
        except ValueError:
            raise ValueError(f"no solvent of this model{did_you_mean(name, DIELECTRIC)}") from None
        if not 1 < number < 1e6:
            raise ValueError("a dielectric constant is greater than 1")
        return repr(number)

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        chosen = self.models()
        if len(chosen) > 1:
            raise ValueError(f"one solvation model, not {' and '.join(chosen)}")
        state = getattr(self, "solution_state", "gsolv")
        if state != "gsolv" and not set(chosen) & set(PARAMETRIZED_MODELS):
            raise ValueError(f"leave out solution_state={state}: it belongs to alpb and gbsa")
        return self

    def models(self) -> list[str]:
        """The solvation models that are asked for: one, or none in vacuum."""
        return [model for model in SOLVATION_MODELS if getattr(self, model, None) is not None]


def _parametrized(value: Any, solvents: Collection[str]) -> str | None:
    if value is None:
        return None
    name = canonical_solvent(str(value))
    if name not in solvents:
        raise ValueError(f"not parametrized for this solvent{did_you_mean(name, solvents)}")
    return name


class GfnOptions(XtbOptions):
    """Hamiltonians for which ALPB and GBSA have parameters."""

    gbsa_solvents: ClassVar[tuple[str, ...]]

    alpb: str | None = Field(
        None,
        description="implicit solvation by the analytical linearized Poisson–Boltzmann model (Ehlert et al., J. Chem. "
        f"Theory Comput. 17, 4250 (2021)) with parameters of a solvent, the energy a free energy: {', '.join(ALPB)}",
        examples=["water"],
    )
    gbsa: str | None = Field(
        None,
        description="implicit solvation by the generalized Born model with solvent-accessible surface (the same "
        f"paper), with parameters of a solvent, the energy a free energy: {', '.join(GBSA_GFN2)} (of GFN1-xTB none "
        "for the last two)",
        examples=["water"],
    )
    solution_state: Literal["gsolv", "bar1mol", "reference"] = Field(
        "gsolv",
        description="of alpb and gbsa: gsolv, 1 L of ideal gas to 1 L of solution; bar1mol, 1 bar of gas to 1 mol/L; "
        "reference, that at infinite dilution",
    )

    @field_validator("alpb", mode="before")
    @classmethod
    def _alpb(cls, value: Any) -> Any:
        return _parametrized(value, ALPB)

    @field_validator("gbsa", mode="before")
    @classmethod
    def _gbsa(cls, value: Any) -> Any:
        return _parametrized(value, cls.gbsa_solvents)


class GFN1Options(GfnOptions):
    """GFN1-xTB."""

    gbsa_solvents = GBSA_GFN1


class GFN2Options(GfnOptions):
    """GFN2-xTB."""

    gbsa_solvents = GBSA_GFN2
