"""The level of theory ml-xc. Imports no numerics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from qmbench import ATOMIC_NUMBERS, Method, Molecule, Quantity, Resources, Result, Unsupported, require_elements
from qmbench_pyscf import KohnShamOptions, check_basis

if TYPE_CHECKING:
    from qmbench_ml.domain import Ranges

ELEMENTS = ("H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Si", "P", "S", "Cl", "Ar")
"""Elements that the functional was fitted to or its error bars were tested on."""

CLOSED_SHELLS = ("He", "Be", "Ne", "Ar")
"""Of these, the atoms whose ground state is a closed shell."""


class LearnedFunctionalOptions(KohnShamOptions):
    """The self-consistent field of the learned functional."""

    basis: str = Field(description="basis set, such as cc-pvdz or cc-pvqz; the functional was fitted in cc-pvqz")
    grid: int | None = Field(None, ge=0, le=9, description="PySCF's level of the quadrature grid; 5 if not given")
    energy_tolerance: float = Field(1e-9, gt=0, le=1e-5, description="SCF convergence in the energy, hartree")


class LearnedFunctional(Method[Molecule]):
    """A meta-GGA of 20 fitted parameters that obeys exact constraints for every value of them, self-consistently.

    Kohn–Sham with PySCF, restricted for singlets and unrestricted otherwise. Fitted to total, ionization and
    dissociation energies of atoms and diatomics of this repository's CCSD(T). Energy in hartree; its error bar is that
    of the parameters' posterior (Mortensen et al., Phys. Rev. Lett. 95, 216401 (2005)), calibrated on other systems.
    settings.uncertainty_modes: 20 numbers (hartree), and one more outside the ranges of bonds; the error bar of an
    energy is their norm, that of a difference of energies the norm of the same difference of the modes, which is
    smaller than independent errors would be.
    """

    name = "ml-xc"
    systems = (Molecule,)
    properties = frozenset({"energy"})
    mean_field = True
    distributions = ("pyscf", "qmbench-pyscf", "numpy")
    citations = ("10.1103/PhysRevLett.115.036402", "10.1103/PhysRevLett.95.216401", "10.1063/5.0006074")
    Options = LearnedFunctionalOptions
    examples = ("ml-xc/sto-3g", "ml-xc/6-31g(d)")
    tolerances = {"energy": 2e-5}

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        name = system.name or system.formula
        require_elements(system, ELEMENTS, self.name, "was not tested on")
        if system.n_electrons == 0:
            raise Unsupported(f"{name} has no electrons")
        check_basis(self.options.basis, system)
        atoms = len(system.real)
        if system.charge not in ((0, 1) if atoms == 1 else (0,)):
            what = "atoms of charge 0 and 1" if atoms == 1 else "neutral molecules"
            raise Unsupported(f"{self.name}: its error bars hold for {what}, not for charge {system.charge}")
        if atoms > 1:
            self._check_bonds(system)
        if self.removed_electrons(system):
            raise Unsupported(f"{self.name} needs all electrons; {self.options.basis} puts some into a core potential")
        if system.multiplicity > 1 and self.options.reference == "restricted":
            raise Unsupported(
                f"{self.name}: reference=restricted is for multiplicity 1, not {system.multiplicity}; leave it out"
            )

    def _check_bonds(self, system: Molecule) -> None:
        """Unsupported where bonds are too far outside the ranges, or a singlet is made of open shells.

        The latter even where the restricted solution is stable yet: H2 at 1.5 Å was off by 38 error bars.
        """
        ranges = self._ranges()
        outside = ranges.check(self.name, system)
        if system.multiplicity > 1:
            return
        symbols = system.elements
        for piece in ranges.pieces(symbols, system.coordinates[list(system.real)]):
            odd = sum(ATOMIC_NUMBERS[symbols[i]] for i in piece) % 2
            if odd or (len(piece) == 1 and symbols[piece[0]] not in CLOSED_SHELLS):
                raise Unsupported(
                    f"{self.name}: atom {piece[0] + 1} ({symbols[piece[0]]}) is part of an open shell without a bond to"
                    " the rest, in a singlet: its error bars do not hold for broken bonds"
                )
        if outside and not self.options.stability:
            raise Unsupported(f"{self.name}: {outside[0].told(symbols)}; it takes stability=true there")

    def _ranges(self) -> Ranges:
        from qmbench_ml.domain import ranges_in
        from qmbench_ml.xc.model import FILE

        return ranges_in(FILE)

    def removed_electrons(self, system: Molecule) -> int:
        from qmbench_pyscf import removed_electrons

        return removed_electrons(system, self.options.basis)

    def estimate(self, system: Molecule, properties: frozenset[str]) -> float | None:
        from qmbench_pyscf import scf_seconds

        return 1.0 + 5.0 * scf_seconds(system, self.options.basis)  # its grid is finer, and its second derivatives long

    def estimate_memory(self, system: Molecule, properties: frozenset[str]) -> float | None:
        from qmbench_pyscf import scf_memory

        return 100.0 + scf_memory(system, self.options.basis)

    def families(self) -> dict[str, str]:
        return {"program": "pyscf", "functional": "ml-xc", "model": "ml-xc"}

    def label(self) -> str:
        return "ML-XC"

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        import numpy as np

        from qmbench_ml.xc.explanation import shares
        from qmbench_ml.xc.model import external, gradient, shipped
        from qmbench_ml.xc.quadrature import on_grid
        from qmbench_pyscf import converged_scf, pyscf_session, scf_settings

        model = shipped()
        mf = converged_scf(system, self.options.specification(external(model.theta)), resources=resources)
        if scf_settings(mf).get("external_instability"):
            raise Unsupported(
                f"{self.name}: the restricted solution is not the lowest, as where bonds break, and error bars do not"
                " hold there"
            )
        with pyscf_session(resources):
            rho, weights, nearest = on_grid(mf)
        per_centre = weights[:, None] * (nearest[:, None] == np.arange(len(system.symbols)))
        by_parameter = gradient(model.theta, rho, per_centre)
        modes = model.modes.T @ by_parameter
        total = modes.sum(1)
        ranges = self._ranges()
        added = float(ranges.totals(ranges.check(self.name, system)) @ ranges.growth) if len(system.real) > 1 else 0.0
        if added > 0:
            total = np.append(total, added)
        settings: dict[str, Any] = scf_settings(mf) | {"uncertainty_modes": total.tolist()}
        found = Quantity(float(mf.e_tot), "hartree", float(np.linalg.norm(total)), "model")
        explanation = shares(system, model, rho, per_centre, modes)
        return Result({"energy": found}, settings, (), model.overlap(system), explanation)


METHODS = (LearnedFunctional,)
