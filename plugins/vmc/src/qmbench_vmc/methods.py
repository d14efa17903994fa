"""The methods `vmc` and `dmc`: what they do, what they refuse, what they cost."""

from __future__ import annotations

import math
from typing import ClassVar

from qmbench import (
    InputError,
    Method,
    Molecule,
    Options,
    Resources,
    Result,
    System,
    Unsupported,
)
from qmbench_vmc.options import DmcOptions, VmcOptions, foreign
from qmbench_vmc.pseudopotentials import ccecp_core, removed_electrons

PYQMC = "10.1063/5.0139024"
CCECP = "10.1063/1.4995643"

ANSATZ_LABELS = {"slater-jastrow": "", "multi-slater-jastrow": "MSJ-", "neural": "neural "}


class MonteCarlo(Method[Molecule]):
    """Base of this plugin's methods."""

    systems: ClassVar[tuple[type[System], ...]] = (Molecule,)
    distributions: ClassVar[tuple[str, ...]] = ("pyqmc", "pyscf", "qmbench-pyscf")
    stochastic = True
    label_options = frozenset({"ansatz"})

    @classmethod
    def example_systems(cls) -> list[System]:
        return [
            Molecule(("H", "H"), ((0.11, -0.07, 0.19), (0.83, 0.56, 1.22)), 0, 1, name="hydrogen molecule"),
            Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1, name="helium"),
        ]

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        if system.n_electrons == 0:
            raise Unsupported(f"{system.name or system.formula} has no electrons")
        self._check_trial(system)
        if properties & {"excitation_energies"}:
            self._check_excitations(system)

    def _check_trial(self, molecule: Molecule) -> None:
        from qmbench_pyscf import check_basis

        o, name = self.options, self.name
        if o.basis is None:
            raise InputError(f"{name}: the ansatz {o.ansatz} needs a basis: write {name}/cc-pvtz, say")
        if o.cartesian:
            raise Unsupported(
                f"{name}: PyQMC evaluates spherical functions, and {o.basis} has Cartesian ones; add cartesian=false"
            )
        made_for_ccecp = o.basis.startswith("ccecp-")
        if o.pseudopotential == "ccecp":
            lacking = sorted({s for s in molecule.elements if ccecp_core(s) is None})
            if lacking:
                raise Unsupported(f"{name}: there is no ccECP for {', '.join(lacking)}")
            if not made_for_ccecp:
                raise InputError(
                    f"{name}: {o.basis} is contracted for all electrons; with pseudopotential=ccecp write"
                    f" {name}/ccecp-cc-pvtz, say"
                )
        elif made_for_ccecp:
            raise InputError(
                f"{name}: the basis {o.basis} belongs to pseudopotential=ccecp; add that, or write cc-pvtz"
            )
        # After the pseudopotentials: an element that has none lacks the functions made for one, too.
        check_basis(o.basis, molecule)
        if (o.ansatz == "multi-slater-jastrow") != (o.active_space is not None):
            raise InputError(
                f"{name}: ansatz=multi-slater-jastrow, and only it, needs active_space=ELECTRONS,ORBITALS (2,4, say)"
            )

    def _check_excitations(self, molecule: Molecule) -> None:
        if molecule.multiplicity != 1:
            raise Unsupported(
                f"{self.name} gives excitations from singlets only, not multiplicity {molecule.multiplicity}"
            )
        if self.options.ansatz != "slater-jastrow":
            raise Unsupported(f"{self.name} gives excitations with ansatz=slater-jastrow only")
        if molecule.n_electrons < 2:
            raise Unsupported("a triplet needs two electrons")

    def removed_electrons(self, system: Molecule) -> int:
        if self.options.pseudopotential == "ccecp":
            return removed_electrons(system)
        return 0

    def warnings_for(self, molecule: Molecule) -> tuple[str, ...]:
        """What a reader of the record should know about the choice of electrons."""
        if self.options.pseudopotential == "ccecp":
            return ()
        heavy = sorted({s for s in molecule.elements if ccecp_core(s)})
        if not heavy:
            return ()
        return (
            f"all electrons of {', '.join(heavy)} are sampled; with pseudopotential=ccecp the same error costs far less"
            " (differences only: total energies without cores are another quantity)",
        )

    def families(self) -> dict[str, str]:
        return {"program": "pyqmc", "reference": f"hf/{self.options.basis}"}

    def label(self) -> str:
        return f"{ANSATZ_LABELS[self.options.ansatz]}{self.name.upper()}"

    def estimate(self, system: Molecule, properties: frozenset[str]) -> float | None:
        o = self.options
        removed = self.removed_electrons(system)
        electrons = max(system.n_electrons - removed, 1)
        # Variance per electron and sample; nuclear charges left in the cusps dominate where all electrons are there.
        deepest = max((self._charge(s) for s in system.elements), default=1.0)
        variance = electrons * 0.012 * max(1.0, deepest / 1.5)
        samples = 4 * variance / (1e-3 * o.target_error) ** 2
        sweep = 3e-5 * electrons**1.7
        optimization = o.optimization_steps * o.walkers * 30 * sweep
        runs = 4.0 if "polarizability" in properties else 5.0 if "excitation_energies" in properties else 1.0
        return 3.0 + 0.3 * (optimization + runs * self.work_per_sample() * samples * sweep)

    def _charge(self, symbol: str) -> float:
        from qmbench import ATOMIC_NUMBERS

        core = (ccecp_core(symbol) or 0) if self.options.pseudopotential == "ccecp" else 0
        return float(ATOMIC_NUMBERS[symbol] - core)

    def work_per_sample(self) -> float:
        """Sweeps over all electrons for one measured configuration."""
        return 4.0


class Vmc(MonteCarlo):
    """Variational Monte Carlo with an optimized trial wave function. Foulkes et al., Rev. Mod. Phys. 73, 33 (2001).

    Slater determinants of PySCF's orbitals, corrected at the nuclei, times a Jastrow factor, by PyQMC. Energies in
    hartree with one standard error. A run that has not equilibrated, or whose chains disagree, is not converged.
    """

    name = "vmc"
    properties = frozenset({"energy", "dipole", "polarizability", "excitation_energies", "radial_density"})
    distributions = (*MonteCarlo.distributions, "jax")
    citations: ClassVar[tuple[str, ...]] = ("10.1103/RevModPhys.73.33", PYQMC, "10.1063/1.1940588", CCECP)
    Options: ClassVar[type[Options]] = VmcOptions
    examples = (
        "vmc/cc-pvdz?target_error=25&walkers=100&optimization_steps=3",
        "vmc/cc-pvdz?active_space=2,2&ansatz=multi-slater-jastrow&target_error=25&walkers=100&optimization_steps=3",
    )

    @property
    def neural(self) -> bool:
        """Whether the wave function is the neural one."""
        return bool(self.options.ansatz == "neural")

    def _check_trial(self, molecule: Molecule) -> None:
        if given := foreign(self.options):
            kind = "slater-jastrow" if self.neural else "neural"
            raise InputError(f"vmc: {', '.join(given)} belongs to ansatz={kind}, not to ansatz={self.options.ansatz}")
        if not self.neural:
            super()._check_trial(molecule)

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        if self.neural and (lacking := sorted(properties - {"energy", "dipole"})):
            raise Unsupported(f"vmc with ansatz=neural does not give {', '.join(lacking)}; it gives energy and dipole")
        if "radial_density" in properties and system.n_parts != 1:
            raise Unsupported("radial_density is a property of atoms")
        if "polarizability" in properties and self.options.ansatz != "slater-jastrow":
            raise Unsupported("vmc gives polarizabilities with ansatz=slater-jastrow only")

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        if self.neural:
            from qmbench_vmc.neural_run import neural_result

            return neural_result(system, self.options, properties, resources)
        from qmbench_vmc.run import vmc_result
        from qmbench_vmc.slater_jastrow.trial import one_thread

        with one_thread():
            return vmc_result(system, self.options, properties, resources, self.warnings_for(system))

    def warnings_for(self, molecule: Molecule) -> tuple[str, ...]:
        return () if self.neural else super().warnings_for(molecule)

    def families(self) -> dict[str, str]:
        return {"program": "qmbench-vmc neural"} if self.neural else super().families()

    def estimate(self, system: Molecule, properties: frozenset[str]) -> float | None:
        if self.neural:
            from qmbench_vmc.neural.preparation import estimate_seconds

            return estimate_seconds(system, self.options)
        return super().estimate(system, properties)


class Dmc(MonteCarlo):
    """Fixed-node diffusion Monte Carlo. Umrigar, Nightingale, Runge, J. Chem. Phys. 99, 2865 (1993).

    The trial wave function of `vmc` gives nodes and drift; pseudopotentials by T-moves (Casula 2006), so that the
    energy stays an upper bound. Energies in hartree with one standard error; several time steps are extrapolated to
    zero. By PyQMC.
    """

    name = "dmc"
    claim = "reference in any basis"
    properties = frozenset({"energy", "excitation_energies"})
    citations: ClassVar[tuple[str, ...]] = (
        "10.1063/1.465195",
        "10.1103/PhysRevB.74.161102",
        "10.1103/RevModPhys.73.33",
        PYQMC,
        CCECP,
    )
    Options: ClassVar[type[Options]] = DmcOptions
    examples = (
        "dmc/cc-pvdz?target_error=25&timestep=0.1&walkers=64&optimization_steps=3&populations=4",
        "dmc/cc-pvdz?target_error=60&timestep=0.05,0.1,0.15&walkers=64&optimization_steps=3&populations=4",
        "dmc/cc-pvdz?active_space=2,2&ansatz=multi-slater-jastrow&target_error=25&timestep=0.1&walkers=64"
        "&optimization_steps=3&populations=4",
    )

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        o = self.options
        if o.extrapolation == "quadratic" and len(o.timestep) < 3:
            raise InputError("dmc: extrapolation=quadratic needs three time steps or more")
        if o.walkers < 4 * o.populations:
            raise InputError(
                f"dmc: {o.walkers} walkers are too few for {o.populations} populations; at least 4 in each"
            )

    def work_per_sample(self) -> float:
        return 6.0 * sum(max(1, round(0.1 / t)) for t in self.options.timestep) * math.sqrt(len(self.options.timestep))

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_vmc.run import dmc_result
        from qmbench_vmc.slater_jastrow.trial import one_thread

        with one_thread():
            return dmc_result(system, self.options, properties, resources, self.warnings_for(system))
