"""The options of this plugin's methods. Everything here changes a number; each says when."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from qmbench import InputError, Options
from qmbench_pyscf.basis_names import Cartesian, canonical_basis, functions_matter, published_functions
from qmbench_pyscf.external import ExternalFunctional
from qmbench_pyscf.specification import AdaptiveExtension, Backend, Reference, ScfSpecification

GRID: Any = Field(
    None,
    ge=0,
    le=9,
    description="PySCF's level of the quadrature grid; if not given 4 (LDA, GGA, hybrids: to 1e-6 hartree), or 5 "
    "for meta-GGAs (good to about 1e-6, SCAN to 2e-5)",
)
FIELD_STRENGTH: Any = Field(
    None,
    gt=0,
    le=0.05,
    description="electric field of finite-field derivatives, atomic units; twice it is used too. If not given, "
    "polarizabilities of mean fields are those of the coupled-perturbed equations, and 0.002 is the field of all else",
    examples=[0.004],
)

# Of a function that is added to a basis set: hartree, bohr³.
EXTENSION_THRESHOLDS = {"energy": 1e-4, "polarizability": 0.01}


class BasisOptions(Options):
    """A basis set in its canonical spelling, and the kind of its functions. For the options of other plugins, too."""

    basis: str | None = Field(None, description="basis set, such as cc-pvdz or def2-tzvp")
    cartesian: Cartesian | None = Field(
        None,
        description="basis functions: false, spherical (five d, seven f); d, six Cartesian d, spherical ones beyond; "
        "true, Cartesian throughout (six d, ten f). If not given, those that the basis set was published with: d for "
        "3-21G and 6-31G with all that belongs to them and for Dunning's DZP, false for all others",
        examples=[True],
    )

    @field_validator("basis")
    @classmethod
    def _canonical(cls, value: str | None) -> str | None:
        return value if value is None else canonical_basis(value)

    @field_validator("cartesian", mode="before")
    @classmethod
    def _one_of_three(cls, value: Any) -> Any:
        value = {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value
        if value is not None and not any(value is known for known in (True, False)) and value != "d":
            raise ValueError("write false, d or true")
        return value

    @field_validator("cartesian")
    @classmethod
    def _as_published(cls, value: Cartesian | None, info: ValidationInfo) -> Cartesian | None:
        basis = info.data.get("basis")
        return published_functions(basis) if value is None and basis is not None else value

    def always_written(self) -> frozenset[str]:
        """Six or five d functions are no detail of 6-31G(d): its level always says which."""
        return frozenset({"cartesian"}) if self.basis is not None and functions_matter(self.basis) else frozenset()


class DeterminantOptions(Options):
    """The self-consistent field of a molecule in a basis set that is no option."""

    reference: Reference = Field(
        "auto",
        description="determinant: auto is restricted for multiplicity 1, unrestricted otherwise; unrestricted lets a "
        "singlet break its spin symmetry",
    )
    density_fitting: bool = Field(
        False,
        description="fit two-electron densities in the auxiliary sets that PySCF assigns to the basis: one for Coulomb "
        "alone for functionals without exact exchange (def2-universal-jfit), a JK set for hybrids and Hartree–Fock "
        "(cc-pvtz-jkfit), an RI set for correlation (cc-pvtz-ri); where there is none, cc-pv5z-jkfit for core-valence "
        "sets, else even-tempered functions (autoaux, or PySCF's own where those are more). The record names the set",
    )
    energy_tolerance: float = Field(1e-10, gt=0, le=1e-5, description="SCF convergence in the energy, hartree")
    max_cycle: int = Field(100, ge=1, description="iterations after which an SCF is given up")
    stability: bool = Field(
        True, description="look at the orbital Hessian, and leave saddle points downhill; false saves time"
    )

    def specification(self, xc: str | ExternalFunctional | None = None, **more: Any) -> ScfSpecification:
        """The SCF that these options ask for: those that are named like fields of `ScfSpecification`, and a functional.

        more: fields that are no options, such as an electric field, or the basis set where that is none.
        """
        own = {f.name: getattr(self, f.name) for f in fields(ScfSpecification) if f.name in type(self).model_fields}
        if isinstance(self, ExtensionOptions):
            own["extension"] = self.extension()
        return ScfSpecification(xc=xc, **own, **more)


class ScfOptions(BasisOptions, DeterminantOptions):
    """The self-consistent field of a molecule, whatever is built on it. For the options of other plugins, too."""

    basis: str = Field(description="basis set, such as cc-pvdz or def2-tzvp; its core potential is part of it")


class KohnShamOptions(ScfOptions):
    """The self-consistent field of a density functional."""

    grid: int | None = GRID


class MoleculeOptions(ScfOptions):
    """The SCF of a molecule, and the step of derivatives by finite field."""

    field_strength: float | None = FIELD_STRENGTH


class ExtensionOptions(Options):
    """Shells of another basis set, where the molecule needs them."""

    basis_extension: Literal["none", "adaptive"] = Field(
        "none",
        description="adaptive adds shells of extension_pool to the basis set where the molecule lacks them, by an "
        "estimate of what each would bring; the record says which. Spherical functions, without density fitting",
    )
    extension_pool: str | None = Field(
        None,
        description="of basis_extension=adaptive: the basis set whose shells may be added, such as cc-pvqz",
        examples=["6-31g"],
    )
    extension_target: Literal["energy", "polarizability"] = Field(
        "energy", description="of basis_extension=adaptive: what the added shells are to bring"
    )
    extension_threshold: float | None = Field(
        None,
        ge=0,
        description="of basis_extension=adaptive: shells are added while one is expected to bring at least this much, "
        "divided by its number of functions; if not given 1e-4 hartree for the energy, and 0.01 bohr³ for the "
        "polarizability; 0 adds the whole pool",
    )

    @field_validator("extension_pool")
    @classmethod
    def _canonical_pool(cls, value: str | None) -> str | None:
        return value if value is None else canonical_basis(value)

    @field_validator("extension_threshold")
    @classmethod
    def _usual_threshold(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is None and info.data.get("basis_extension", "none") != "none":
            return EXTENSION_THRESHOLDS[info.data.get("extension_target", "energy")]
        return value

    def basis_varies(self) -> bool:
        return self.basis_extension != "none"

    def extension(self) -> AdaptiveExtension | None:
        """The rule that these options ask for; InputError where they do not go together."""
        if self.basis_extension == "none":
            if self.extension_pool or self.extension_threshold is not None or self.extension_target != "energy":
                raise InputError(
                    "extension_pool, extension_target and extension_threshold belong to basis_extension=adaptive: "
                    "without it nothing is added"
                )
            return None
        if self.extension_pool is None or self.extension_threshold is None:
            raise InputError(
                "basis_extension=adaptive needs the basis set that shells are from: extension_pool=cc-pvqz, say"
            )
        return AdaptiveExtension(self.extension_pool, self.extension_threshold, self.extension_target)


class BackendOptions(Options):
    """What the SCF is converged on. It can change a number by as much as is allowed there, and so is in the key."""

    backend: Backend = Field(
        "cpu",
        description="gpu converges the SCF of a molecule by gpu4pyscf on an NVIDIA GPU, where both are; what it ended "
        "with has to have the energy that the processor finds, within 1e-8 hartree. All else stays on the processor",
    )


class HartreeFockOptions(BackendOptions, ExtensionOptions, MoleculeOptions):
    """Hartree–Fock; excitations by TDHF."""

    basis: str | None = Field(  # type: ignore[assignment]
        None, description="basis set, such as cc-pvdz (required for molecules); a lattice model has none"
    )
    n_states: int = Field(5, ge=1, le=50, description="excited states of each multiplicity")
    tda: bool = Field(False, description="excitations without de-excitations (Tamm–Dancoff; CIS for Hartree–Fock)")


class CompositeOptions(DeterminantOptions):
    """A composite of functional, basis set and corrections; what is left to choose."""

    grid: int | None = GRID
    field_strength: float | None = FIELD_STRENGTH


class FunctionalOptions(BackendOptions, ExtensionOptions, KohnShamOptions, MoleculeOptions):
    """A density functional; excitations by TDDFT."""

    n_states: int = Field(5, ge=1, le=50, description="excited states of each multiplicity")
    tda: bool = Field(False, description="excitations without de-excitations (Tamm–Dancoff)")


class DispersionOptions(FunctionalOptions):
    """A functional with D3(BJ)."""

    three_body: bool = Field(
        False, description="add the Axilrod–Teller–Muto term, which the published D3(BJ) leaves off"
    )


class D4Options(FunctionalOptions):
    """A functional with D4."""

    three_body: bool = Field(True, description="the Axilrod–Teller–Muto term, part of the published D4")


class HartreeFockDispersionOptions(HartreeFockOptions):
    """Hartree–Fock with D3(BJ)."""

    basis: str = Field(description="basis set, such as cc-pvdz or def2-tzvp")
    three_body: bool = Field(
        False, description="add the Axilrod–Teller–Muto term, which the published D3(BJ) leaves off"
    )


class HartreeFockD4Options(HartreeFockOptions):
    """Hartree–Fock with D4."""

    basis: str = Field(description="basis set, such as cc-pvdz or def2-tzvp")
    three_body: bool = Field(True, description="the Axilrod–Teller–Muto term, part of the published D4")


class CorrelatedOptions(ExtensionOptions, MoleculeOptions):
    """A wave function on top of Hartree–Fock."""

    energy_tolerance: float = Field(
        1e-10, gt=0, le=1e-5, description="SCF and cluster convergence in the energy, hartree"
    )
    max_cycle: int = Field(100, ge=1, description="iterations after which an SCF (or a cluster expansion) is given up")
    frozen_core: bool = Field(
        False, description="leave the noble-gas core of every atom uncorrelated (no core for H–He, 1s² for Li–Ne, …)"
    )


class DoubleHybridOptions(KohnShamOptions, MoleculeOptions):
    """A double-hybrid functional: the SCF of its hybrid part, and perturbation theory on the orbitals."""

    frozen_core: bool = Field(
        False,
        description="leave the noble-gas core of every atom out of the second-order energy; most double hybrids were "
        "fitted that way",
    )
    pt2_fitting: bool = Field(
        True,
        description="fit the integrals of the second-order energy in the RI set of the basis, as is usual (within "
        "some 1e-5 hartree per atom of the unfitted); density_fitting is for those of the SCF",
    )


class DoubleHybridD3Options(DoubleHybridOptions):
    """A double hybrid with D3(BJ)."""

    three_body: bool = Field(
        False, description="add the Axilrod–Teller–Muto term, which the published D3(BJ) leaves off"
    )


class DoubleHybridD4Options(DoubleHybridOptions):
    """A double hybrid with D4."""

    three_body: bool = Field(True, description="the Axilrod–Teller–Muto term, part of the published D4")


class CoupledClusterOptions(CorrelatedOptions):
    """CCSD; excitations by EOM-CCSD."""

    n_states: int = Field(5, ge=1, le=30, description="excited states of each multiplicity")


class FullCIOptions(CorrelatedOptions):
    """Full configuration interaction, of molecules and lattices."""

    basis: str | None = Field(  # type: ignore[assignment]
        None, description="basis set, such as cc-pvdz (required for molecules); a lattice model has none"
    )
    n_states: int = Field(5, ge=1, le=50, description="excited states of each multiplicity")
