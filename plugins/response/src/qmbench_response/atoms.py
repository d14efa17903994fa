"""Response of the density of molecules, projected on their atoms: flow of charge and distributed polarizabilities.

Stone, Mol. Phys. 56, 1065 (1985). The numbers are made by `qmbench_pyscf.atomic_response`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from qmbench import Molecule, Quantity, Resources, Result, System, Unsupported
from qmbench_response.of_levels import ResponseOfLevel

PROPERTIES = frozenset(
    {"charge_flow", "charge_by_field", "atomic_polarizabilities", "charge_flow_norm", "polarizability"}
)


class AtomicResponse(ResponseOfLevel):
    """Density response χ(r, r′, iω) of a molecule on Becke's atoms: charges and dipoles by potentials and fields.

    Stone, Mol. Phys. 56, 1065 (1985). Coupled (TDHF, TDDFT), RPA or uncoupled response of Hartree–Fock and functionals,
    and that of full CI at frequency 0, with the uncertainty of finite potentials. Charge is conserved, and the sum over
    the atoms is the polarizability of the molecule, to rounding. Bohr and hartree.
    """

    name = "atomic-response"
    properties = PROPERTIES
    citations = ("10.1080/00268978500102901", "10.1063/1.454033")
    examples = ("atomic-response?level=hf/6-31g", "atomic-response?kernel=none&frequency=0.3&level=pbe/6-31g")
    # What turning a molecule on its quadrature grid may change.
    tolerances: ClassVar[dict[str, float]] = dict.fromkeys(PROPERTIES, 5e-3) | {"polarizability": 1e-4}

    @classmethod
    def example_systems(cls) -> Sequence[System]:
        """Two with two atoms, and one with a spin."""
        return [
            Molecule(("Li", "H"), ((0.1, 0.0, 0.2), (0.0, 0.3, 3.1)), 0, 1, name="lih"),
            Molecule(("He", "H"), ((0.0, 0.0, 0.0), (0.1, 0.2, 1.5)), 1, 1, name="heh"),
            Molecule(("O", "H"), ((0.0, 0.0, 0.0), (0.2, 0.1, 1.8)), -1, 1, name="hydroxide"),
            Molecule(("N", "H"), ((0.0, 0.0, 0.0), (0.2, 0.1, 1.9)), 0, 3, name="imidogen"),
        ]

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        if any(system.ghosts):
            raise Unsupported("atomic-response takes no ghost atoms: a cell without a nucleus is no atom")
        if system.n_parts < 2:
            raise Unsupported("atomic-response is of molecules: in a single atom no charge flows")
        inner = self.responding(system)
        if inner.name == "fci" and self.options.frequency:
            raise Unsupported("atomic-response of fci is at frequency 0 only: it comes from finite potentials")
        inner.check(system, frozenset({"energy", "quadrupole"}))

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_pyscf import atomic_response

        options = self.options
        found = atomic_response(self.inner(), system, resources, frequency=options.frequency, kernel=options.kernel)
        matrix, error = found.matrix, found.error

        def part(*where: Any, unit: str) -> Quantity:
            if error is None:
                return Quantity(matrix[where], unit)
            return Quantity(matrix[where], unit, error[where], "estimate")

        every = slice(None)
        flow = part(every, 0, every, 0, unit="e2/hartree")
        spread = None if error is None else float(np.linalg.norm(error[:, 0, :, 0]))
        values = {
            "charge_flow": flow,
            "charge_by_field": part(every, 0, every, slice(1, None), unit="e2 bohr/hartree"),
            "atomic_polarizabilities": part(every, slice(1, None), every, slice(1, None), unit="bohr3"),
            "charge_flow_norm": Quantity(
                float(np.linalg.norm(np.asarray(flow.value))), "e2/hartree", spread, "estimate" if spread else None
            ),
            "polarizability": Quantity(
                found.polarizability, "bohr3", found.polarizability_error, None if error is None else "estimate"
            ),
        }
        settings = dict(found.settings) | {"frequency_hartree": options.frequency}
        return Result({name: values[name] for name in properties}, settings)

    def estimate(self, system: Molecule, properties: frozenset[str]) -> float | None:
        inner = self.inner()
        once = inner.estimate(system, frozenset({"energy"}))
        if once is None:
            return None
        return 1.0 * system.n_parts + once * (16.0 * system.n_parts if inner.name == "fci" else 4.0)
