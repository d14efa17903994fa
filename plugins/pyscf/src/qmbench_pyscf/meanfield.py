"""Hartree–Fock and density functionals of molecules, and Hartree–Fock of lattices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar

from qmbench import LatticeModel, Method, Molecule, Resources, Result, System, Unsupported
from qmbench_pyscf.alchemy import mean_field_charge_dipole, mean_field_hessian, potentials
from qmbench_pyscf.base import FUNCTIONAL, HARTREE_FOCK, MOMENTS, PYSCF, PyscfMethod
from qmbench_pyscf.coupled_perturbed import static_polarizability
from qmbench_pyscf.dynamic import DYNAMIC
from qmbench_pyscf.forces import mean_field_forces
from qmbench_pyscf.hessians import HESSIAN, mean_field_hessian_of_nuclei
from qmbench_pyscf.names import KNOWN, functional_label
from qmbench_pyscf.options import FunctionalOptions, HartreeFockOptions
from qmbench_pyscf.point import Point
from qmbench_pyscf.response import traceless
from qmbench_pyscf.specification import Perturbation


def reference_scf(
    method: PyscfMethod,
    molecule: Molecule,
    perturbation: Perturbation,
    resources: Resources,
    *,
    xc: str | None = None,
    nlc: bool = True,
) -> Any:
    """The SCF that `method`'s options ask for, of the functional `xc` (None: Hartree–Fock)."""
    from qmbench_pyscf.scf import converged_scf

    spec = method.options.specification(xc, nlc=nlc, **perturbation.fields())
    return converged_scf(molecule, spec, resources)


# By so much ⟨S²⟩ of an open shell may be above that of a pure spin before a user hears of it. Of CN, Hartree–Fock's is
# by 0.41 (CCSD(T) 3 kcal/mol off), of B2 by 0.91 (6 kcal/mol), of O2 by 0.05.
CONTAMINATED = 0.2


def scf_warnings(settings: dict[str, Any]) -> tuple[str, ...]:
    """What a user should hear about an SCF."""
    found = []
    if settings.get("stability") == "saddle point":
        found.append(
            f"a restricted solution without the symmetry of the nuclei is lower by {settings['lower_by']:.4f} hartree "
            "and is not followed"
        )
    if settings.get("external_instability"):
        found.append(
            "the restricted solution is not the lowest: letting ↑ and ↓ orbitals differ lowers the energy "
            "(reference=unrestricted follows that)"
        )
    pure = settings.get("s_squared_of_pure_spin", 0.0)
    if pure and settings["s_squared"] > pure + CONTAMINATED:
        found.append(
            f"spin contamination: ⟨S²⟩ = {settings['s_squared']:.2f}, where a pure spin has {pure:.2f}; correlation on "
            "such a determinant can be far off"
        )
    return tuple(found)


def mean_field_point(mf: Any) -> Point:
    """The point of a converged mean field."""
    from qmbench_pyscf.scf import scf_settings

    settings = scf_settings(mf)
    return Point(
        float(mf.e_tot),
        settings,
        scf_warnings(settings),
        lambda: density_dipole(mf.mol, mf.make_rdm1()),
        mf,
        forces=lambda: mean_field_forces(mf),
        hessian=lambda: mean_field_hessian_of_nuclei(mf),
        charge_gradient=lambda: potentials(mf.mol, mf.make_rdm1()),
        charge_hessian=lambda: mean_field_hessian(mf),
        charge_dipole=lambda: mean_field_charge_dipole(mf),
        polarizability=lambda: static_polarizability(mf),
        quadrupole=lambda: density_quadrupole(mf.mol, mf.make_rdm1()),
    )


def density_dipole(mole: Any, density: Any) -> Any:
    """(3,) dipole about the origin, e bohr, of an AO density (n, n) or (2, n, n), nuclei included."""
    import numpy as np

    density = np.asarray(density)
    total = density if density.ndim == 2 else density[0] + density[1]
    with mole.with_common_origin((0.0, 0.0, 0.0)):
        electrons = np.einsum("xij,ji->x", mole.intor("int1e_r"), total)
    return mole.atom_charges() @ mole.atom_coords() - electrons


def density_quadrupole(mole: Any, density: Any) -> Any:
    """(3, 3) ½ Σ q (3 r r − r² 1) about the origin, e bohr², of an AO density (n, n) or (2, n, n), nuclei included."""
    import numpy as np

    density = np.asarray(density)
    total = density if density.ndim == 2 else density[0] + density[1]
    with mole.with_common_origin((0.0, 0.0, 0.0)):
        electrons = np.einsum("xij,ji->x", mole.intor("int1e_rr"), total).reshape(3, 3)
    at = mole.atom_coords()
    return traceless(np.einsum("a,ai,aj->ij", mole.atom_charges(), at, at) - electrons)


def with_an_atom(systems: Iterable[type[System]]) -> list[System]:
    """The kinds' own samples, and after the first of them an atom, for what only atoms have."""
    lithium = Molecule(("Li",), ((0.1, -0.2, 0.3),), 0, 2, name="lithium")
    first, *others = (sample for kind in systems for sample in kind.samples())
    return [first, lithium, *others]


class HartreeFock(PyscfMethod):
    """Hartree–Fock, restricted for singlets and unrestricted otherwise. Roothaan, Rev. Mod. Phys. 23, 69 (1951).

    Energies in hartree. Saddle points are left downhill. A singlet stays restricted even where an unrestricted
    determinant is lower (stretched bonds), and says so in a warning, unless reference=unrestricted. Excitations are
    TDHF (tda=true: CIS) from a restricted singlet. Lattices are started from sublattice and random spin patterns too.
    """

    name = "hf"
    mean_field = True
    systems: ClassVar[tuple[type[System], ...]] = (Molecule, LatticeModel)
    properties = PyscfMethod.properties | {"energy_per_site", "reference_energy"} | DYNAMIC | HESSIAN | MOMENTS
    citations: ClassVar[tuple[str, ...]] = ("10.1103/RevModPhys.23.69", "10.1063/1.1740588", PYSCF)
    Options = HartreeFockOptions
    label_options = frozenset({"reference"})
    cost, fitted_cost, _ = HARTREE_FOCK
    analytic_forces = True

    @classmethod
    def example_systems(cls) -> list[System]:
        return with_an_atom(cls.systems)

    def point(self, molecule: Molecule, perturbation: Perturbation, resources: Resources) -> Point:
        point = mean_field_point(reference_scf(self, molecule, perturbation, resources))
        return replace(point, parts={"reference_energy": point.energy})

    def check_system(self, system: Molecule | LatticeModel, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        if "excitation_energies" in properties:
            if isinstance(system, LatticeModel):
                raise Unsupported("hf gives no excitation energies of lattices")
            check_restricted_singlet(self, system)

    def families(self) -> dict[str, str]:
        return {"program": "pyscf", "reference": f"hf/{self.options.basis}"}

    def shared_seconds(self, system: Molecule | LatticeModel, properties: frozenset[str]) -> dict[str, float]:
        scf = self.shared_scf(system)
        return {scf[0]: self.point_seconds(scf[1])} if scf else {}

    def label(self) -> str:
        return {"restricted": "RHF", "unrestricted": "UHF"}.get(self.options.reference, "HF")

    def excitations(
        self, molecule: Molecule, ground: Point, resources: Resources
    ) -> tuple[dict[str, float], dict[str, Any]]:
        from qmbench_pyscf.excited import linear_response

        return linear_response(molecule, ground.state, self.options.n_states, self.options.tda)

    def lattice_result(self, model: LatticeModel, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_pyscf.lattice import hartree_fock_lattice

        return hartree_fock_lattice(model, properties, self.options)


def check_restricted_singlet(method: PyscfMethod, system: Molecule | LatticeModel) -> None:
    """Refuse excitation energies where no restricted singlet is there to start from."""
    if system.multiplicity != 1 or method.options.reference == "unrestricted":
        raise Unsupported(
            f"{method.name} gives excitation energies from a restricted singlet ground state only; "
            "fci does other multiplicities"
        )


class DensityFunctional(PyscfMethod):
    """A density functional, energies in hartree. Kohn and Sham, Phys. Rev. 140, A1133 (1965)."""

    Options = FunctionalOptions
    # What turning a molecule on the default quadrature grid may change.
    tolerances = {
        "energy": 5e-6,
        "dipole": 1e-4,
        "polarizability": 2e-2,
        "excitation_energies": 5e-5,
        "forces": 5e-5,
        "hessian": 1e-3,
        "c6": 5e-2,
        "quadrupole": 2e-4,
        "hyperpolarizability": 0.5,
        "dynamic_polarizability": 2e-2,
    }
    properties = PyscfMethod.properties | DYNAMIC | HESSIAN | MOMENTS
    cost, fitted_cost, _ = FUNCTIONAL
    mean_field = True
    analytic_forces = True
    functional: ClassVar[str]

    @classmethod
    def example_systems(cls) -> list[System]:
        return with_an_atom(cls.systems)

    def point(self, molecule: Molecule, perturbation: Perturbation, resources: Resources) -> Point:
        from qmbench_pyscf.functionals import functional

        found = functional(self.functional)
        if found is None:
            raise Unsupported(f"{self.functional} is not in the libxc that PySCF was built with")
        mf = reference_scf(self, molecule, perturbation, resources, xc=found.xc)
        point = mean_field_point(mf)
        settings = dict(point.settings) | {
            "xc": dict(found.parts),
            "exact_exchange_omega_long_short": found.exact_exchange,
        }
        settings["nonlocal_correlation"] = "VV10" if found.nlc else "none"
        return replace(point, settings=settings)

    def check_system(self, system: Molecule | LatticeModel, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        if "excitation_energies" in properties:
            check_restricted_singlet(self, system)

    def families(self) -> dict[str, str]:
        return {"program": "pyscf", "functional": self.functional}

    def shared_seconds(self, system: Molecule | LatticeModel, properties: frozenset[str]) -> dict[str, float]:
        scf = self.shared_scf(system, self.functional, self.with_nlc)
        return {scf[0]: self.point_seconds(scf[1])} if scf else {}

    @property
    def with_nlc(self) -> bool:
        """Whether a VV10 part of the functional is there."""
        return True

    def label(self) -> str:
        return functional_label(self.functional)

    def excitations(
        self, molecule: Molecule, ground: Point, resources: Resources
    ) -> tuple[dict[str, float], dict[str, Any]]:
        from qmbench_pyscf.excited import linear_response

        return linear_response(molecule, ground.state, self.options.n_states, self.options.tda)


@lru_cache(maxsize=512)
def functional_method(name: str) -> type[Method]:
    """The method class of the functional `name`; nothing is imported to make it."""
    known = KNOWN.get(name)
    text = known.description if known else f"libxc functional {name}"
    doc = (
        f"{text}. {'DOI ' + known.citations[0] if known else 'See libxc for its source'}\n\n"
        "Kohn–Sham with PySCF and libxc: restricted for singlets, unrestricted otherwise; saddle points are left.\n"
        "VV10 non-local correlation is included where it belongs to the functional. Excitations are TDDFT (tda=true:\n"
        "Tamm–Dancoff; VV10 left out of the kernel). Energies in hartree. Kohn and Sham, Phys. Rev. 140, A1133 (1965)."
    )
    citations = (
        *(known.citations if known else ()),
        "10.1103/PhysRev.140.A1133",
        "10.1016/j.softx.2017.11.002",
        PYSCF,
    )
    members = {
        "__doc__": doc,
        "__module__": __name__,
        "name": name,
        "functional": name,
        "citations": citations,
        "examples": (f"{name}/sto-3g", f"{name}/6-31g(d)"),
    }
    return type(f"Functional_{name}", (DensityFunctional,), members)
