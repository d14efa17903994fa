"""Molecules in cavities: the Pauli–Fierz Hamiltonian in the dipole approximation on Gaussian basis sets.

`system` has the kind of system, `hamiltonian` its integrals, `meanfield` QED-HF, `singles` QED-CIS, `coupled`
QED-CCSD-1, `exact` QED-FCI, `polaritons` what states of light and matter have in common, `methods` the levels.
Importing this imports no program.
"""

from __future__ import annotations

from pathlib import Path

from qmbench import Method, Observable, Property, System
from qmbench_light.molecules.system import MoleculeInCavity

SYSTEMS: tuple[type[System], ...] = (MoleculeInCavity,)

PROPERTIES = (
    Property(
        "energy_with_zero_point",
        "hartree",
        "energy of matter and field with the zero-point energy of the field, half the frequency of each mode, which "
        "`energy` leaves out",
    ),
    Property(
        "rabi_splitting",
        "hartree",
        "what of `polariton_splitting` is coupling, 2g: the splitting that it would be at the mode's frequency",
    ),
    Property(
        "polariton_detuning",
        "hartree",
        "what of `polariton_splitting` is not: the level's transition less the mode's frequency",
    ),
)

OBSERVABLES = (
    Observable("polariton_energy", "energies", "state", "energy of a state of light and matter, `E0`, `E1`, …"),
    Observable(
        "molecular_polariton_splitting",
        "polariton_splitting",
        "value",
        "energy between the two polaritons of a molecule; a level whose transition is not at the mode's frequency has "
        "its detuning in it",
    ),
    Observable(
        "molecular_rabi_splitting",
        "rabi_splitting",
        "value",
        "2g of the two polaritons of a molecule, without detuning",
    ),
    Observable(
        "molecular_detuning", "polariton_detuning", "value", "a molecule's transition less the mode's frequency"
    ),
    Observable(
        "cavity_shift", "energy", "linear", "E(coupled to the field) - E(not coupled), without the field's zero point"
    ),
    Observable("ground_state_photons", "photon_number", "value", "photons in the ground state, all modes together"),
)

BENCHMARKS = Path(__file__).parent / "benchmarks"


def levels() -> list[type[Method]]:
    """QED-HF, QED-CIS, QED-CCSD-1 and QED-FCI."""
    from qmbench_light.molecules.methods import QedCCSD, QedCIS, QedFCI, QedHF

    return [QedHF, QedCIS, QedCCSD, QedFCI]
