"""The level of theory ml-xc. Imports no numerics."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from qmbench import Method, Molecule, Quantity, Resources, Result, Unsupported, require_elements
from qmbench_pyscf import KohnShamOptions, check_basis

ELEMENTS = ("H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Si", "P", "S", "Cl", "Ar")
"""Elements that the functional was fitted to or its error bars were tested on."""


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
    settings.uncertainty_modes: 20 numbers (hartree); the error bar of an energy is their norm, that of a difference of
    energies the norm of the same difference of the modes, which is smaller than independent errors would be.
    """

    name = "ml-xc"
    systems = (Molecule,)
    properties = frozenset({"energy"})
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
        if self.removed_electrons(system):
            raise Unsupported(f"{self.name} needs all electrons; {self.options.basis} puts some into a core potential")
        if system.multiplicity > 1 and self.options.reference == "restricted":
            raise Unsupported(
                f"{self.name}: reference=restricted is for multiplicity 1, not {system.multiplicity}; leave it out"
            )

    def removed_electrons(self, system: Molecule) -> int:
        from qmbench_pyscf import removed_electrons

        return removed_electrons(system, self.options.basis)

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
        with pyscf_session(resources):
            rho, weights, nearest = on_grid(mf)
        per_centre = weights[:, None] * (nearest[:, None] == np.arange(len(system.symbols)))
        by_parameter = gradient(model.theta, rho, per_centre)
        modes = model.modes.T @ by_parameter
        total = modes.sum(1)
        settings: dict[str, Any] = scf_settings(mf) | {"uncertainty_modes": total.tolist()}
        found = Quantity(float(mf.e_tot), "hartree", float(np.linalg.norm(total)), "model")
        warnings = (
            ("the restricted solution is not the lowest: reference=unrestricted follows the instability",)
            if settings.get("external_instability")
            else ()
        )
        explanation = shares(system, model, rho, per_centre, modes)
        return Result({"energy": found}, settings, warnings, model.overlap(system), explanation)


METHODS = (LearnedFunctional,)
