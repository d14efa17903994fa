"""The options of `dmet`. Everything here changes a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from qmbench_pyscf import BasisOptions

if TYPE_CHECKING:
    from qmbench_pyscf import ScfSpecification


class DmetOptions(BasisOptions):
    """Every choice of an embedding that changes the number."""

    fragment: str = Field(
        "1",
        description="sites per fragment along each lattice direction (2, 2x2); for molecules atom, group, atoms per "
        "fragment, or atom numbers (1,2:3-5)",
        examples=["2"],
    )
    bath: Literal["auto", "svd", "projection", "csd", "eigenvectors", "ensemble"] = Field(
        "auto",
        description="how bath orbitals are made; auto is svd for a low level of closed shells and ensemble for a "
        "partly filled one, which the others refuse",
    )
    interaction: Literal["interacting", "noninteracting"] = Field(
        "interacting", description="whether electrons repel each other in the bath, or in the fragment only"
    )
    solver: Literal["fci", "ccsd", "hf"] = Field("fci", description="impurity solver")
    low_level: Literal["rhf", "uhf"] = Field("rhf", description="mean field that the embedding starts from")
    self_consistent: bool = Field(False, description="fit a correlation potential until the low level repeats itself")
    fit: Literal["fragment", "fragment+bath", "density"] = Field(
        "fragment", description="which part of the density matrix the correlation potential is fitted to"
    )
    aufbau: bool = Field(
        True,
        description="whether the low level fills its lowest orbitals; false: fragment blocks are matched exactly by "
        "an augmented Lagrangian (alm-DMET)",
    )
    mu_fit: Literal["multistate", "secant", "brentq"] = Field(
        "multistate", description="how the chemical potential is found; only multistate certifies it"
    )
    localization: Literal["meta_lowdin", "iao"] = Field("meta_lowdin", description="localized orbitals of a molecule")
    max_iterations: int = Field(100, ge=1, description="self-consistency iterations before giving up")
    tolerance: float = Field(1e-7, gt=0, description="largest change of the correlation potential at convergence")
    curve_width: float = Field(1.0, gt=0, description="curves run this far on both sides of the chemical potential")
    curve_points: int = Field(41, ge=2, description="number of points of the curves")

    def specification(self) -> ScfSpecification:
        """The mean field of a molecule that the embedding starts from. There has to be a basis."""
        from qmbench_pyscf import ScfSpecification

        assert self.basis is not None  # check has seen to it
        reference: Literal["restricted", "unrestricted"] = "unrestricted" if self.low_level == "uhf" else "restricted"
        return ScfSpecification(self.basis, reference=reference, energy_tolerance=1e-12, cartesian=self.cartesian)
