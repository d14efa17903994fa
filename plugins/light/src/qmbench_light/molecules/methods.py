"""The levels: QED-HF, QED-CIS, QED-CCSD-1 and QED-FCI of a molecule in a cavity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from qmbench import Method, Options, Quantity, Resources, Result, System, Unsupported
from qmbench_light.molecules.options import QedCCSDOptions, QedCISOptions, QedFCIOptions, QedHFOptions
from qmbench_light.molecules.system import MoleculeInCavity
from qmbench_light.two_polaritons import check_one_mode
from qmbench_pyscf import check_basis, pyscf_session, removed_electrons, scf_settings

HAUGLAND = "10.1103/PhysRevX.10.041043"
DEPRINCE = "10.1063/5.0038748"
MCTAGUE = "10.1063/5.0091953"
PYSCF = "10.1063/5.0006074"


class CavityMethod(Method[MoleculeInCavity]):
    """Base of the levels for molecules in cavities."""

    systems: ClassVar[tuple[type[System], ...]] = (MoleculeInCavity,)
    distributions = ("pyscf", "qmbench-pyscf")
    options: Any

    def check_system(self, system: MoleculeInCavity, properties: frozenset[str]) -> None:
        if properties & POLARITONS:
            check_one_mode(self.name, [mode.coupling for mode in system.modes])
        check_basis(self.options.basis, system.molecule)
        self.options.specification().check(system.molecule)

    def removed_electrons(self, system: MoleculeInCavity) -> int:
        return int(removed_electrons(system.molecule, self.options.basis))

    def families(self) -> dict[str, str]:
        return {"program": "pyscf", "approximation": "dipole approximation, length gauge"}

    def compute(self, system: MoleculeInCavity, properties: frozenset[str], resources: Resources) -> Result:
        with pyscf_session(resources):
            return self.result(system, properties, resources)

    def result(self, system: MoleculeInCavity, properties: frozenset[str], resources: Resources) -> Result:
        """What `compute` returns, in a session of PySCF."""
        raise NotImplementedError


def _energies(system: MoleculeInCavity, energy: float) -> dict[str, Quantity]:
    return {
        "energy": Quantity(energy, "hartree"),
        "energy_with_zero_point": Quantity(energy + system.zero_point, "hartree"),
    }


def _found(
    system: MoleculeInCavity, energy: float, dipole: np.ndarray, photon_numbers: np.ndarray
) -> dict[str, Quantity]:
    return {
        **_energies(system, energy),
        "dipole": Quantity(dipole, "e bohr"),
        "photon_number": Quantity(float(np.sum(photon_numbers)), ""),
    }


def _levels(energies: np.ndarray, multiplicities: list[int]) -> Quantity:
    names = [f"E{k}" for k in range(len(energies))]
    degeneracies = dict(zip(names, multiplicities, strict=True))
    return Quantity(dict(zip(names, map(float, energies), strict=True)), "hartree", degeneracies=degeneracies)


def _closed_shell(name: str, system: MoleculeInCavity) -> None:
    if system.multiplicity != 1:
        raise Unsupported(f"{name} is for multiplicity 1, not {system.multiplicity}; qed-fci does others")


GROUND = frozenset({"energy", "energy_with_zero_point", "dipole", "photon_number"})
POLARITONS = frozenset({"polariton_splitting", "rabi_splitting", "polariton_detuning"})
EXCITED = POLARITONS | {"energies"}


class QedHF(CavityMethod):
    """QED-HF: one determinant and coherent states of the modes. Haugland et al., Phys. Rev. X 10, 041043 (2020).

    Energies in hartree, without the zero-point energy of the field; they do not depend on the frequencies. Found from
    the molecule's own Hartree–Fock solution, restricted for singlets and unrestricted otherwise. The dipole self-energy
    is exact in the basis.
    """

    name = "qed-hf"
    properties = GROUND
    mean_field = True
    citations = (HAUGLAND, DEPRINCE, PYSCF)
    Options: ClassVar[type[Options]] = QedHFOptions
    examples = ("qed-hf/sto-3g", "qed-hf/6-31g(d)")
    label_options = frozenset({"reference"})

    def label(self) -> str:
        return {"restricted": "QED-RHF", "unrestricted": "QED-UHF"}.get(self.options.reference, "QED-HF")

    def result(self, system: MoleculeInCavity, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_light.molecules.meanfield import qed_mean_field, self_energies, spin_densities

        mf, cavity = qed_mean_field(system, self.options.specification(), resources)
        scf, densities = scf_settings(mf), spin_densities(mf)
        energies = self_energies(cavity, densities)
        dipole = cavity.molecular_dipole(densities.sum(axis=0), mf.mol.nelectron)
        settings = {
            "dipole_self_energy": float(energies.sum()),
            "n_basis_functions": int(mf.mo_coeff.shape[-2]),
            "reference": "unrestricted" if mf.mo_occ.ndim == 2 else "restricted",
            "s_squared": float(mf.spin_square()[0]),
            "guess": "Hartree–Fock of the molecule",
            "stability_of_the_molecule": scf["stability"],
            "stability_in_the_field": "not looked at",
        }
        warnings = (
            ["the molecule's restricted solution is not the lowest; reference=unrestricted follows that"]
            if scf.get("external_instability")
            else []
        )
        # Of the transverse field: ⟨(λ·(μ − ⟨μ⟩))²⟩/(2ω).
        return Result(_found(system, float(mf.e_tot), dipole, energies / cavity.frequencies), settings, warnings)

    def estimate(self, system: MoleculeInCavity, properties: frozenset[str]) -> float | None:
        return 0.3 + 2e-4 * system.n_electrons**3


class _States(CavityMethod):
    """A level that gives states of light and matter."""

    properties = GROUND | EXCITED

    def check_system(self, system: MoleculeInCavity, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        if properties & POLARITONS and self.options.n_states < 3:
            raise Unsupported(f"{self.name}: two polaritons and the ground state are three states: write n_states=3")

    def _states(
        self, system: MoleculeInCavity, properties: frozenset[str], energies: np.ndarray, dipole: np.ndarray, light: Any
    ) -> dict[str, Quantity]:
        from qmbench_light.molecules.polaritons import polaritons

        found = _found(system, float(energies[0]), dipole, light.photon_numbers)
        found["energies"] = _levels(energies, [system.multiplicity] * len(energies))
        if properties & POLARITONS:
            both = polaritons(energies, light)
            found["polariton_splitting"] = Quantity(both.splitting, "hartree")
            found["rabi_splitting"] = Quantity(both.rabi, "hartree")
            found["polariton_detuning"] = Quantity(both.detuning, "hartree")
        return found


class QedCIS(_States):
    """QED-CIS: single excitations times photons. McTague and Foley, J. Chem. Phys. 156, 154103 (2022).

    Energies in hartree, without the zero-point energy of the field. The QED-HF
    determinant and its singlet singles, coherent-state basis; with one
    photon in each mode unless photons says more. The ground state is correlated with the field, and lies below QED-HF.
    """

    name = "qed-cis"
    citations = (MCTAGUE, HAUGLAND, PYSCF)
    Options: ClassVar[type[Options]] = QedCISOptions
    examples = ("qed-cis/sto-3g", "qed-cis/6-31g(d)?n_states=2")

    @classmethod
    def example_systems(cls) -> Sequence[System]:
        return MoleculeInCavity.samples()[:3]

    def label(self) -> str:
        return "QED-CIS"

    def check_system(self, system: MoleculeInCavity, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        _closed_shell(self.name, system)

    def result(self, system: MoleculeInCavity, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_light.molecules.meanfield import qed_mean_field
        from qmbench_light.molecules.singles import qed_singles

        mf, cavity = qed_mean_field(system, self.options.specification(), resources)
        found = qed_singles(mf, cavity, self.options.photons, self.options.n_states)
        settings = {
            "configurations": found.configurations,
            "qed_hf_energy": float(mf.e_tot),
            "photons": self.options.photons,
            "weight_of_most_photons": found.light.highest,
            "photon_basis": "coherent",
        }
        return Result(self._states(system, properties, found.energies, found.dipole, found.light), settings)

    def estimate(self, system: MoleculeInCavity, properties: frozenset[str]) -> float | None:
        size = system.n_electrons**2 * (self.options.photons + 1) ** len(system.modes)
        return 0.5 + 1e-9 * size**3


class QedCCSD(CavityMethod):
    """QED-CCSD-1: coupled cluster with one photon. Haugland et al., Phys. Rev. X 10, 041043 (2020).

    The energy in hartree, without the zero-point energy of the field. Singles, doubles, a photon of each mode, and
    singles and doubles with a photon, on a closed-shell QED-HF determinant with coherent states; all electrons.
    """

    name = "qed-ccsd-1"
    properties = frozenset({"energy", "energy_with_zero_point"})
    citations = (HAUGLAND, DEPRINCE, PYSCF)
    Options: ClassVar[type[Options]] = QedCCSDOptions
    examples = ("qed-ccsd-1/sto-3g", "qed-ccsd-1/6-31g(d)")

    @classmethod
    def example_systems(cls) -> Sequence[System]:
        return MoleculeInCavity.samples()[:3]

    def label(self) -> str:
        return "QED-CCSD-1"

    def families(self) -> dict[str, str]:
        return {**super().families(), "reference": "coupled cluster"}

    def check_system(self, system: MoleculeInCavity, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        _closed_shell(self.name, system)

    def result(self, system: MoleculeInCavity, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_light.molecules.coupled import solve
        from qmbench_light.molecules.meanfield import qed_mean_field

        given = self.options
        mf, cavity = qed_mean_field(system, given.specification(), resources)
        found = solve(mf, cavity, resources, given.energy_tolerance, given.amplitude_cycle)
        settings = {
            "qed_hf_energy": float(mf.e_tot),
            "iterations": found.iterations,
            "photon_basis": "coherent",
            "norm_of_singles": float(np.linalg.norm(found.electrons.singles)),
            "photon_amplitudes": [float(photon.scalar) for photon in found.photons],
        }
        return Result(_energies(system, found.energy), settings)

    def estimate(self, system: MoleculeInCavity, properties: frozenset[str]) -> float | None:
        orbitals = 8 * len(system.molecule.symbols)
        return 1.0 + 1e-8 * system.n_electrons**2 * orbitals**4 * (1 + 4 * len(system.modes))


class QedFCI(_States):
    """QED-FCI: exact in the basis set and up to the photon number. Haugland et al., J. Chem. Phys. 154, 094113 (2021).

    Energies in hartree, without the zero-point energy of the field. The ground state is the lowest of the molecule's
    multiplicity; energies has higher multiplicities too, and says which as degeneracies. Without photons the cut-off
    is found by doubling and certified; with it, it is part of the level.
    """

    name = "qed-fci"
    claim = "reference"
    citations = ("10.1063/5.0039256", HAUGLAND, PYSCF)
    Options: ClassVar[type[Options]] = QedFCIOptions
    examples = ("qed-fci/sto-3g", "qed-fci/cc-pvtz?photons=1&n_states=2")

    @classmethod
    def example_systems(cls) -> Sequence[System]:
        return MoleculeInCavity.samples()[:2]

    def label(self) -> str:
        return "QED-FCI"

    def claims(self) -> str:
        """A cut-off that is part of the level is an approximation of its own."""
        return super().claims() if self.options.photons is None else ""

    def families(self) -> dict[str, str]:
        return {**super().families(), "reference": "exact in the basis"}

    def result(self, system: MoleculeInCavity, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_light.molecules.exact import Electrons, States, certified, dipole_of, eigenstates, light_of
        from qmbench_light.molecules.meanfield import qed_mean_field

        given = self.options
        mf, cavity = qed_mean_field(system, given.specification(), resources)
        displaced = given.photon_basis == "coherent"

        def lowest(electrons: Electrons, n_states: int) -> tuple[States, float | None]:
            if given.photons is None:
                return certified(electrons, n_states, resources, given.energy_tolerance, given.cutoff_tolerance)
            return eigenstates(electrons, given.photons, n_states, resources, given.energy_tolerance), None

        electrons = Electrons(mf, cavity, displaced)
        several = bool(properties & POLARITONS) or ("energies" in properties and given.spin == "same")
        states, change = lowest(electrons, given.n_states if several else 1)
        light = light_of(electrons, states)
        found = self._states(system, properties, states.energies, dipole_of(electrons, states), light)
        settings: dict[str, Any] = {
            "determinants": int(np.prod(electrons.strings)),
            "qed_hf_energy": float(mf.e_tot),
            "photon_basis": given.photon_basis,
            "cutoff": "certified by doubling" if given.photons is None else "stated",
            "photons": states.space.photons,
            "weight_of_most_photons": light.highest,
            "s_squared": float(states.s_squared[0]),
        }
        if "energies" in properties and given.spin == "any":
            states, more = lowest(Electrons(mf, cavity, displaced, penalty=0.0), given.n_states)
            change = more if change is None or more is None else max(change, more)
            settings["photons"] = max(settings["photons"], states.space.photons)
            found["energies"] = _levels(states.energies, states.multiplicities)
        if change is not None:
            settings["change_by_doubling"] = change
        return Result(found, settings)

    def estimate(self, system: MoleculeInCavity, properties: frozenset[str]) -> float | None:
        orbitals = 5 * len(system.molecule.symbols)
        up, down = system.molecule.n_alpha_beta
        size = math.comb(max(orbitals, up), up) * math.comb(max(orbitals, down), down)
        return 0.5 + 1e-4 * min(size, 10**7) * 5 ** len(system.modes)
