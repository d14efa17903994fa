"""What the molecular methods of this plugin have in common: checks, estimates, and the way from point to result.

A method says how to compute one *point*: the energy (and, where it has one, the density) of a molecule in a
uniform electric field. Dipoles and polarizabilities are derivatives of points.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

import numpy as np

from qmbench import (
    Curve,
    InputError,
    LatticeModel,
    Method,
    Molecule,
    Options,
    Quantity,
    Resources,
    Result,
    System,
    Unsupported,
)
from qmbench_pyscf.alchemy import ALCHEMICAL, charge_derivatives, check_alchemical
from qmbench_pyscf.dynamic import DYNAMIC, FREQUENCIES, dynamic_properties
from qmbench_pyscf.extension_checks import check_extension
from qmbench_pyscf.gpu_checks import CUPY, GPU4PYSCF, check_gpu
from qmbench_pyscf.mole import check_basis, pyscf_session, removed_electrons
from qmbench_pyscf.options import ExtensionOptions, MoleculeOptions
from qmbench_pyscf.point import Point
from qmbench_pyscf.response import dipole_hyperpolarizability, field_derivatives, traceless
from qmbench_pyscf.sizes import guess_basis_size
from qmbench_pyscf.specification import UNPERTURBED, Perturbation

PYSCF = "10.1063/5.0006074"

# Of levels whose density is at hand.
MOMENTS = frozenset({"quadrupole", "hyperpolarizability"})

# Parts of the energy of a wave function, as properties of their own; all in hartree.
ENERGY_PARTS = frozenset(
    {
        "reference_energy",
        "correlation_energy",
        "same_spin_correlation_energy",
        "opposite_spin_correlation_energy",
        "mp2_correlation_energy",
        "ccsd_correlation_energy",
        "triples_correction",
    }
)


class Price(NamedTuple):
    """What a point costs: `cost` and `fitted_cost` as in `PyscfMethod`, and whether frozen cores cost nothing."""

    cost: tuple[float, float]
    fitted_cost: tuple[float, float] | None = None
    is_correlated: bool = True

    def seconds(self, functions: int, electrons: int, multiplicity: int, fitted: bool) -> float:
        """Roughly, of one point of a molecule."""
        one, power = (self.fitted_cost if fitted else None) or self.cost
        tens = max(electrons, 1) / 10
        # Below three, quadrature grids and the ways there and back weigh more than integrals.
        grown = (functions / 100) ** power * tens ** min(max(power - 2.0, 0.5), 3.0)
        return one * grown * (3.0 if multiplicity > 1 else 1.0)


HARTREE_FOCK = Price((0.5, 3.0), (0.35, 2.1), is_correlated=False)
FUNCTIONAL = Price((2.0, 2.5), (2.2, 2.5), is_correlated=False)


class PyscfMethod(Method[Molecule | LatticeModel]):
    """Base of this plugin's methods."""

    systems: ClassVar[tuple[type[System], ...]] = (Molecule,)
    properties = frozenset({"energy", "dipole", "polarizability", "excitation_energies", "forces"}) | ALCHEMICAL
    distributions = ("pyscf",)
    citations: ClassVar[tuple[str, ...]] = (PYSCF,)
    Options: ClassVar[type[Options]] = MoleculeOptions
    # Seconds for ten electrons in a hundred functions on one core, and how they grow with the number of functions.
    cost: ClassVar[tuple[float, float]] = (1.0, 3.0)
    # The same with fitted integrals, where that is another power.
    fitted_cost: ClassVar[tuple[float, float] | None] = None
    # How many arrays of the size of all two-electron integrals there are at once; of an open shell, for each pair of
    # spins.
    integral_copies: ClassVar[int] = 1
    # Whether PySCF has the gradient of this energy; without, forces cost six energies for each nucleus.
    analytic_forces: ClassVar[bool] = False

    @property
    def basis(self) -> str | None:
        """The basis set in which molecules are computed."""
        return self.options.basis

    @property
    def on_gpu(self) -> bool:
        """Whether the SCF of molecules is converged on a GPU."""
        return getattr(self.options, "backend", "cpu") == "gpu"

    def programs(self) -> tuple[str, ...]:
        return (*self.distributions, *(GPU4PYSCF + CUPY if self.on_gpu else ()))

    @abstractmethod
    def point(self, molecule: Molecule, perturbation: Perturbation, resources: Resources) -> Point:
        """Energy and density of `molecule` with what is added to its Hamiltonian."""

    def excitations(
        self, molecule: Molecule, ground: Point, resources: Resources
    ) -> tuple[dict[str, float], dict[str, Any]]:
        """Excitation energies in hartree by label, and settings; ground: the field-free point."""
        raise Unsupported(f"{self.name} gives no excitation energies")

    def lattice_result(self, model: LatticeModel, properties: frozenset[str], resources: Resources) -> Result:
        """The same for a lattice model, where the method does those."""
        raise Unsupported(f"{self.name} does not do lattice systems")

    def check_system(self, system: Molecule | LatticeModel, properties: frozenset[str]) -> None:
        if isinstance(system, Molecule):
            self._check_molecule(system, properties)
        else:
            self._check_lattice(system, properties)

    def _check_molecule(self, molecule: Molecule, properties: frozenset[str]) -> None:
        if self.basis is None:
            raise InputError(f"{self.name} on a molecule needs a basis: write {self.name}/cc-pvdz, say")
        check_basis(self.basis, molecule)
        if isinstance(self.options, ExtensionOptions) and self.options.extension() is not None:
            check_extension(self.name, molecule, self.options, properties)
        if self.on_gpu:
            check_gpu(self.name, molecule, self.options, properties)
        if properties & ALCHEMICAL:
            check_alchemical(self.name, molecule, self.basis)
        if "energy_per_site" in properties:
            raise Unsupported("energy_per_site is a property of lattice models")
        if "c8" in properties and molecule.n_parts > 1:
            raise Unsupported(
                f"{self.name} gives c8 of single atoms: that of a molecule depends on where its centre is put"
            )
        if molecule.n_electrons == 0 and "excitation_energies" in properties:
            raise Unsupported(f"{molecule.name or molecule.formula} has no electrons: nothing in it is excited")
        if molecule.multiplicity > 1 and self.options.reference == "restricted":
            raise Unsupported(
                f"{self.name}: reference=restricted is for multiplicity 1, not {molecule.multiplicity}; leave it out"
            )

    def _check_lattice(self, model: LatticeModel, properties: frozenset[str]) -> None:
        given = self.options
        if isinstance(given, ExtensionOptions) and given.basis_extension == "none":
            given.extension()
        if given.basis is not None:
            raise InputError(f"{self.name} on a lattice has no basis: write {self.name}, not {self.name}/{given.basis}")
        for name in ("density_fitting", "frozen_core", "cartesian", "basis_extension", "backend"):
            if getattr(given, name, None) not in (None, False, "none", "cpu"):
                raise Unsupported(f"{self.name}: {name} is for molecules, not for lattices")
        of_molecules = {"dipole", "polarizability", "forces", "hessian"} | ENERGY_PARTS | ALCHEMICAL | DYNAMIC | MOMENTS
        molecular = sorted(properties & of_molecules)
        if molecular:
            raise Unsupported(f"{self.name} does not give {', '.join(molecular)} of a lattice")
        if np.abs(np.imag(model.hopping_matrix())).max() > 1e-14:
            raise Unsupported(f"{self.name} does lattices with real hopping only, not with a complex twist")
        if model.electrons == 0:
            raise Unsupported("a lattice without electrons")

    def removed_electrons(self, system: Molecule | LatticeModel) -> int:
        basis = self.basis
        return removed_electrons(system, basis) if isinstance(system, Molecule) and basis else 0

    def families(self) -> dict[str, str]:
        return {"program": "pyscf"}

    def label(self) -> str:
        return self.name.upper()

    def estimate(self, system: Molecule | LatticeModel, properties: frozenset[str]) -> float | None:
        if not isinstance(system, Molecule):
            return None
        one = self.point_seconds(system)
        if self.mean_field:  # dipoles are expectation values
            analytic = getattr(self.options, "field_strength", None) is None
            runs = 1.0 + (0.0 if "polarizability" not in properties else 1.5 if analytic else 12.0)
        else:
            runs = 1.0 + (12.0 if "polarizability" in properties else 6.0 if "dipole" in properties else 0.0)
        if "forces" in properties:
            runs += 2.0 if self.analytic_forces else 6.0 * len(system.real)
        if "hessian" in properties:
            runs += 2.0 * len(system.real)
        if "hyperpolarizability" in properties:
            runs += 20.0
        if properties & DYNAMIC:
            runs += 4.0
        if "alchemical_gradient" in properties:
            runs += 2.0 if self.analytic_forces or self.mean_field else 4.0 * len(system.real)
        if "alchemical_hessian" in properties:
            count = len(system.real)
            runs += 3.0 if self.mean_field else 12.0 * count if self.analytic_forces else 4.0 * count**2
        if "alchemical_dipole" in properties:
            runs += 1.5 if self.mean_field else 36.0 if self.analytic_forces else 48.0 * len(system.real)
        if "alchemical_forces" in properties:
            count = len(system.real)
            runs += 4.0 * count * (3.0 if self.analytic_forces else 1.0 + 6.0 * count)
        return 0.1 + one * (runs + (5.0 if "excitation_energies" in properties else 0.0))

    def estimate_memory(self, system: Molecule | LatticeModel, properties: frozenset[str]) -> float | None:
        if not isinstance(system, Molecule):
            return None
        size, fitted = self._functions(system)
        blocks = 1 if system.multiplicity == 1 or self.mean_field else 3
        return memory_of_integrals(size, fitted, self.integral_copies * blocks, direct=self.mean_field)

    def _functions(self, molecule: Molecule) -> tuple[int, bool]:
        """About how many functions there are, and whether integrals are fitted."""
        basis = getattr(self.options, "extension_pool", None) or self.basis
        return guess_basis_size(molecule, basis), bool(getattr(self.options, "density_fitting", False))

    def point_seconds(self, molecule: Molecule, price: Price | None = None) -> float:
        """Rough seconds of one point, by this method, or at the price of another one with its options."""
        price = price or Price(self.cost, self.fitted_cost, not self.mean_field)
        size, fitted = self._functions(molecule)
        frozen = 0
        if getattr(self.options, "frozen_core", False) and price.is_correlated:
            frozen = guess_core_electrons(molecule)
        return price.seconds(size, molecule.n_electrons - frozen, molecule.multiplicity, fitted)

    def shared_scf(
        self, system: Molecule | LatticeModel, functional: str = "hf", nlc: bool = True
    ) -> tuple[str, Molecule] | None:
        """The name of the unperturbed SCF of a molecule, and the molecule; None where there is none."""
        if not isinstance(system, Molecule) or system.n_electrons == 0:
            return None
        return self.options.specification(None, nlc=nlc).planned_name(system, functional), system

    def compute(self, system: Molecule | LatticeModel, properties: frozenset[str], resources: Resources) -> Result:
        with pyscf_session(resources):
            if isinstance(system, LatticeModel):
                return self.lattice_result(system, properties, resources)
            if system.n_electrons == 0:
                return self._bare_nuclei(system, properties)
            return self._molecule_result(system, properties, resources)

    def _bare_nuclei(self, molecule: Molecule, properties: frozenset[str]) -> Result:
        """Of a system without electrons, exactly and by every method: the proton of a proton affinity, say."""
        check_basis(str(self.basis), molecule)  # a level that does not exist gives no number here either
        if self.removed_electrons(molecule):
            raise Unsupported(
                f"{molecule.name or molecule.formula} has no electrons, and the effective core potential of "
                f"{self.basis} stands for some"
            )
        found: dict[str, Quantity] = {}
        if "energy" in properties:
            found["energy"] = Quantity(nuclear_repulsion(molecule), "hartree")
        for name in properties & ENERGY_PARTS:
            found[name] = Quantity(nuclear_repulsion(molecule) if name == "reference_energy" else 0.0, "hartree")
        if "dipole" in properties:
            found["dipole"] = Quantity(molecule.atomic_numbers @ molecule.coordinates, "e bohr")
        if "polarizability" in properties:
            found["polarizability"] = Quantity(np.zeros((3, 3)), "bohr3")
        if "c6" in properties:
            found["c6"] = Quantity(0.0, "hartree bohr6")
        if "c8" in properties:
            found["c8"] = Quantity(0.0, "hartree bohr8")
        if "dynamic_polarizability" in properties:
            grid = np.array(FREQUENCIES)
            found["dynamic_polarizability"] = Quantity(Curve(grid, np.zeros_like(grid), "hartree"), "bohr3")
        if "hyperpolarizability" in properties:
            found["hyperpolarizability"] = Quantity(np.zeros((3, 3, 3)), "bohr5/e")
        if "quadrupole" in properties:
            z, at = molecule.atomic_numbers, molecule.coordinates
            found["quadrupole"] = Quantity(traceless(np.einsum("a,ai,aj->ij", z, at, at)), "e bohr2")
        count = len(molecule.real)
        if "alchemical_gradient" in properties:
            found["alchemical_gradient"] = Quantity(np.zeros(count), "hartree/e")
        if "alchemical_hessian" in properties:
            found["alchemical_hessian"] = Quantity(np.zeros((count, count)), "hartree/e2")
        if "alchemical_dipole" in properties:
            found["alchemical_dipole"] = Quantity(np.zeros((count, 3)), "bohr")
        if "alchemical_forces" in properties:
            found["alchemical_forces"] = Quantity(np.zeros((count, count, 3)), "hartree/(e bohr)")
        if "forces" in properties:
            from qmbench_pyscf.forces import repulsion_forces

            found["forces"] = Quantity(repulsion_forces(molecule), "hartree/bohr")
        if "hessian" in properties:
            from qmbench_pyscf.hessians import repulsion_hessian

            found["hessian"] = Quantity(repulsion_hessian(molecule), "hartree/bohr2")
        return Result(found, {"electrons": 0})

    def _molecule_result(self, molecule: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        ground = self.point(molecule, UNPERTURBED, resources)
        settings, warnings = dict(ground.settings), list(ground.warnings)
        found: dict[str, Quantity] = {}
        if "energy" in properties:
            found["energy"] = Quantity(ground.energy, "hartree")
        for name in properties & ENERGY_PARTS:
            found[name] = Quantity(ground.parts[name], "hartree")
        if properties & {"dipole", "polarizability"}:
            values, more, notes = field_derivatives(
                molecule,
                ground,
                lambda f: self.point(molecule, Perturbation(field=f), resources),
                self.options.field_strength,
                properties & {"dipole", "polarizability"},
                self.options.energy_tolerance,
            )
            found |= values
            settings |= more
            warnings += notes
        if "quadrupole" in properties:
            assert ground.quadrupole is not None
            found["quadrupole"] = Quantity(ground.quadrupole(), "e bohr2")
            settings["quadrupole"] = "expectation value of the density"
        if "hyperpolarizability" in properties:
            value, more, notes = dipole_hyperpolarizability(
                molecule,
                ground,
                lambda f: self.point(molecule, Perturbation(field=f), resources),
                self.options.field_strength,
                self.options.energy_tolerance,
            )
            found["hyperpolarizability"] = value
            settings |= more
            warnings += notes
        if "forces" in properties:
            from qmbench_pyscf.forces import forces_of

            forces, how = forces_of(molecule, ground, lambda m: self.point(m, UNPERTURBED, resources).energy)
            found["forces"] = Quantity(forces, "hartree/bohr")
            settings["forces"] = how
        if "hessian" in properties:
            from qmbench_pyscf.hessians import hessian_of

            second, how = hessian_of(molecule, ground, lambda m: self.point(m, UNPERTURBED, resources))
            found["hessian"] = Quantity(second, "hartree/bohr2")
            settings["hessian"] = how
        if properties & DYNAMIC:
            values, more = dynamic_properties(ground.state, "c8" in properties)
            found |= {name: values[name] for name in properties & DYNAMIC}
            settings |= more
        if properties & ALCHEMICAL:
            values, more = charge_derivatives(
                molecule,
                ground,
                lambda m, added: self.point(m, added, resources),
                properties & ALCHEMICAL,
                self.options.energy_tolerance,
                self.options.field_strength,
            )
            found |= values
            settings |= more
        if "excitation_energies" in properties:
            states, more = self.excitations(molecule, ground, resources)
            found["excitation_energies"] = Quantity(states, "hartree")
            settings |= more
        return Result(found, settings, tuple(dict.fromkeys(warnings)))


def nuclear_repulsion(molecule: Molecule) -> float:
    """Σ_{i<j} Z_i Z_j / R_ij in hartree; ghosts have no charge."""
    z, x = molecule.atomic_numbers, molecule.coordinates
    i, j = np.triu_indices(len(z), 1)
    return float(np.sum(z[i] * z[j] / np.linalg.norm(x[i] - x[j], axis=1)))


def memory_of_integrals(functions: int, fitted: bool = False, copies: int = 1, direct: bool = True) -> float:
    """Rough peak memory in MiB of a calculation in this number of functions, with two-electron integrals exact or
    fitted. direct: whether exact ones are made as they are needed where they do not fit; else they go to the disk."""
    mib = 20.0 * functions**3 / 2**20 if fitted else copies * functions**4 / 2**20
    if mib > PYSCF_MEMORY_MIB:
        mib = 160.0 * functions**2 / 2**20 if direct and not fitted else PYSCF_MEMORY_MIB
    return PROCESS_MIB + mib


def scf_seconds(molecule: Molecule, basis: str, density_fitting: bool = False) -> float:
    """Rough seconds of a density functional of `molecule` on one core, for `Method.estimate`."""
    size = guess_basis_size(molecule, basis)
    return FUNCTIONAL.seconds(size, molecule.n_electrons, molecule.multiplicity, density_fitting)


def scf_memory(molecule: Molecule, basis: str, density_fitting: bool = False) -> float:
    """Rough peak memory in MiB of a self-consistent field of `molecule`, for `Method.estimate_memory`."""
    return memory_of_integrals(guess_basis_size(molecule, basis), density_fitting)


PYSCF_MEMORY_MIB = 4000.0
"""PySCF's own limit for large arrays, where a task has none."""

PROCESS_MIB = 250.0
"""What the libraries and the quadrature grid of a small molecule take."""


def guess_core_electrons(molecule: Molecule) -> int:
    """Electrons of the noble-gas cores of the real nuclei."""
    cores = (86, 54, 36, 18, 10, 2)
    return int(sum(next((core for core in cores if core < z), 0) for z in molecule.atomic_numbers))
