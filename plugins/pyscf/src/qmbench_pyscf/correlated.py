"""MP2, CCSD and CCSD(T) on Hartree–Fock: spin-restricted for singlets, spin-unrestricted otherwise.

What a calculation goes through on its way is kept for those who ask for that alone: CCSD(T) keeps the energies of CCSD
and of MP2, CCSD that of MP2. They are kept by their own names, so that it does not matter who came first.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from qmbench import ATOMIC_NUMBERS, LatticeModel, Molecule, NotConverged, ResourceError, Resources, Unsupported
from qmbench_pyscf.alchemy import relaxed_potentials
from qmbench_pyscf.base import HARTREE_FOCK, PYSCF, Price, PyscfMethod
from qmbench_pyscf.diis import cluster_diis
from qmbench_pyscf.fitting import fitting_set, fitting_set_name
from qmbench_pyscf.forces import correlated_forces
from qmbench_pyscf.integrals import share_integrals
from qmbench_pyscf.meanfield import check_restricted_singlet, mean_field_point, reference_scf, scf_warnings
from qmbench_pyscf.options import CorrelatedOptions, CoupledClusterOptions, MoleculeOptions
from qmbench_pyscf.point import Point
from qmbench_pyscf.specification import Perturbation

# Electrons of the noble gas before each element: the conventional core, two per orbital.
NOBLE_GASES = (2, 10, 18, 36, 54, 86)


def core_orbitals(molecule: Molecule, mole: Any) -> int:
    """Doubly occupied noble-gas core orbitals of the real atoms, less those in core potentials."""
    total = 0
    for index, symbol in zip(molecule.real, molecule.elements, strict=True):
        core = max((n for n in NOBLE_GASES if n < ATOMIC_NUMBERS[symbol]), default=0)
        total += max(core - int(mole.atom_nelec_core(index)), 0) // 2
    return min(total, min(mole.nelec))


@dataclass(frozen=True)
class Kept:
    """Where energies of wave functions on one determinant are kept, `frozen` of its orbitals left alone."""

    resources: Resources
    reference: str
    frozen: int

    def energies(self, method: str, write: Callable[[Path], None], **settings: float) -> dict[str, Any]:
        """The JSON document of `method` that `write(path)` makes if it is not there; settings: all that it depends on
        besides the determinant."""
        what = {"what": f"energies of {method}", "of": self.reference, "frozen": self.frozen, **settings}
        return dict(json.loads(self.resources.artifact(json.dumps(what, sort_keys=True), write).read_text()))


# Of methods that others go through.
PRICES = {"MP2": Price((1.0, 4.0), (0.5, 2.3)), "CCSD": Price((4.0, 4.0))}


class Correlated(PyscfMethod):
    """Base of the wave functions on top of Hartree–Fock.

    Every part of the energy in `energy_parts` is a property of its own, so that one calculation answers for all
    methods that it goes through. For an open shell all of them are on the unrestricted determinant.
    """

    Options: ClassVar[type[MoleculeOptions]] = CorrelatedOptions
    reference_method = "hf"
    energy_parts: ClassVar[frozenset[str]] = frozenset({"reference_energy", "correlation_energy"})
    # Methods whose energies are kept on the way.
    goes_through: ClassVar[tuple[str, ...]] = ()
    # Whether the last of them is this method itself.
    keeps_its_own: ClassVar[bool] = True

    def correlation(self, mf: Any, frozen: int, kept: Kept) -> tuple[dict[str, float], dict[str, Any], Any]:
        """What `energy_parts` names, without the reference energy, in hartree; settings; what makes the PySCF
        object."""
        raise NotImplementedError

    def families(self) -> dict[str, str]:
        return {"program": "pyscf", "reference": f"hf/{self.options.basis}"}

    def shared_seconds(self, system: Molecule | LatticeModel, properties: frozenset[str]) -> dict[str, float]:
        scf = self.shared_scf(system)
        if scf is None:
            return {}
        name, molecule = scf
        whole = self.point_seconds(molecule)
        upto = min(self.point_seconds(molecule, HARTREE_FOCK), whole)
        shared = {name: upto}
        for stage in self.goes_through:
            tolerance = getattr(self.options, "energy_tolerance", None) if stage == "CCSD" else None
            kept = json.dumps([stage, self.options.frozen_core, tolerance, name])
            # A method that is all of this stage has nothing else to do.
            last = whole if stage == self.goes_through[-1] and self.keeps_its_own else None
            then = min(max(last or self.point_seconds(molecule, PRICES[stage]), upto), whole)
            shared[kept], upto = then - upto, then
        return shared

    def point(self, molecule: Molecule, perturbation: Perturbation, resources: Resources) -> Point:
        from qmbench_pyscf.scf import scf_settings

        mf = reference_scf(self, molecule, perturbation, resources)
        frozen = core_orbitals(molecule, mf.mol) if self.options.frozen_core else 0
        settings = scf_settings(mf) | {"frozen_core_orbitals": frozen, "reference_energy": float(mf.e_tot)}
        warnings = scf_warnings(settings)
        if not has_correlation(mf, frozen):
            settings["correlation"] = "none: fewer than two active electrons, or no empty orbital"
            parts = dict.fromkeys(self.energy_parts, 0.0) | {"reference_energy": float(mf.e_tot)}
            bare = replace(mean_field_point(mf), settings=settings, state=None, parts=parts, forces=None)
            return replace(bare, dipole=None, quadrupole=None, polarizability=None)
        self._guard(mf, frozen, resources)
        share_integrals(mf)
        kept = Kept(resources, self._reference_key(molecule, perturbation), frozen)
        parts, more, state = self.correlation(mf, frozen, kept)
        energy = parts["correlation_energy"]
        if not np.isfinite(energy):
            raise NotConverged(f"{self.name}: the correlation energy is {energy}")
        parts["reference_energy"] = float(mf.e_tot)
        forces = self.forces(mf, frozen, state)
        potentials = self.charge_gradient(mf, frozen, state) if self._has_relaxed_density(mf, frozen) else None
        total = float(mf.e_tot) + energy
        return Point(
            total,
            settings | more,
            warnings,
            state=state,
            parts=parts,
            forces=forces,
            charge_gradient=potentials,
        )

    def _reference_key(self, molecule: Molecule, perturbation: Perturbation) -> str:
        """All that the determinant depends on."""
        return self.options.specification(None, **perturbation.fields()).artifact_key(molecule)

    def forces(self, mf: Any, frozen: int, state: Any) -> Callable[[], np.ndarray] | None:
        """The analytic gradient, where PySCF has it; state: as from `correlation`."""
        return None

    def charge_gradient(self, mf: Any, frozen: int, state: Any) -> Callable[[], np.ndarray] | None:
        """The potential of the relaxed density at the nuclei, where PySCF has that; state: as from `correlation`."""
        return None

    def _has_relaxed_density(self, mf: Any, frozen: int) -> bool:
        """Whether PySCF has the relaxed density: not of fitted correlation, nor of spin orbitals."""
        return self.analytic_forces and getattr(mf, "with_df", None) is None and not _one_spin_only(mf, frozen)

    def _guard(self, mf: Any, frozen: int, resources: Resources) -> None:
        """Refuse, before it starts, what can't fit: the doubles amplitudes and their residuals."""
        if resources.memory_gib is None:
            return
        rows = np.atleast_2d(mf.mo_occ)
        pairs = sum((np.sum(row > 0) - frozen) * np.sum(row == 0) for row in rows)
        need = 8 * 3.0 * float(pairs) ** 2 / len(rows) ** 2 * (1 if len(rows) == 1 else 3) / 2**30
        if need > resources.memory_gib:
            raise ResourceError(
                f"{self.name} needs about {need:.1f} GiB for its amplitudes, {resources.memory_gib} are given"
            )


def fit_correlation(solver: Any, mf: Any) -> dict[str, Any]:
    """Let `solver` of a fitted `mf` use the fitting set for correlation, and say which it is as settings."""
    if getattr(mf, "with_df", None) is not None and getattr(solver, "with_df", None) is not None:
        from pyscf import df

        solver.with_df = df.DF(mf.mol, auxbasis=fitting_set(mf.mol, "correlation"))
        solver.with_df.max_memory = mf.max_memory
    return _correlation_set(mf, solver)


def _correlation_set(mf: Any, solver: Any) -> dict[str, Any]:
    """Which fitting set `solver` of a fitted `mf` uses, as settings."""
    if getattr(mf, "with_df", None) is None or getattr(solver, "with_df", None) is None:
        return {}
    return {"correlation_fitting_set": fitting_set_name(solver.with_df.auxbasis)}


def has_correlation(mf: Any, frozen: int) -> bool:
    """Whether two active electrons and an empty orbital for each kind of pair are there."""
    occupied = np.atleast_2d(mf.mo_occ)
    if len(occupied) == 1:
        return bool(np.sum(occupied > 0) > frozen and np.any(occupied == 0))
    active = [int(np.sum(row > 0)) - frozen for row in occupied]
    empty = [int(np.sum(row == 0)) for row in occupied]
    pairs = [active[0] > 1 and empty[0] > 1, active[1] > 1 and empty[1] > 1, min(active) > 0 and min(empty) > 0]
    return any(pairs) or (sum(active) > 1 and any(a > 0 and e > 0 for a, e in zip(active, empty, strict=True)))


def _one_spin_only(mf: Any, frozen: int) -> bool:
    """Whether ↓ (or ↑) electrons or empty orbitals are absent, which PySCF's unrestricted codes do not do."""
    rows = np.atleast_2d(mf.mo_occ)
    return len(rows) == 2 and any(int(np.sum(row > 0)) - frozen <= 0 or not np.any(row == 0) for row in rows)


def _general(mf: Any) -> Any:
    """The same unrestricted determinant in spin orbitals."""
    general = mf.to_ghf()
    general.converged = True
    general.get_hcore = lambda *_: _doubled(mf.get_hcore())
    general.energy_nuc = mf.energy_nuc
    return general


def _doubled(matrix: np.ndarray) -> np.ndarray:
    zero = np.zeros_like(matrix)
    return np.block([[matrix, zero], [zero, matrix]])


class MP2(Correlated):
    """Second-order Møller–Plesset perturbation theory. Møller and Plesset, Phys. Rev. 46, 618 (1934).

    On restricted Hartree–Fock for singlets, unrestricted otherwise; energies in hartree. Dipole and polarizability
    are derivatives of the energy in a finite field, so orbitals relax.
    """

    name = "mp2"
    examples = ("mp2/sto-3g", "mp2/6-31g(d)")
    energy_parts = Correlated.energy_parts | {"same_spin_correlation_energy", "opposite_spin_correlation_energy"}
    properties = (PyscfMethod.properties - {"excitation_energies"}) | energy_parts
    citations: ClassVar[tuple[str, ...]] = ("10.1103/PhysRev.46.618", PYSCF)
    goes_through = ("MP2",)
    cost, fitted_cost, _ = PRICES["MP2"]
    integral_copies = 2
    analytic_forces = True
    same_spin_factor: ClassVar[float] = 1.0
    opposite_spin_factor: ClassVar[float] = 1.0

    def correlation(self, mf: Any, frozen: int, kept: Kept) -> tuple[dict[str, float], dict[str, Any], Any]:
        same, opposite, settings = _kept_pairs(mf, kept)
        same, opposite = self.same_spin_factor * same, self.opposite_spin_factor * opposite
        parts = {
            "correlation_energy": same + opposite,
            "same_spin_correlation_energy": same,
            "opposite_spin_correlation_energy": opposite,
        }
        return parts, settings, None

    def forces(self, mf: Any, frozen: int, state: Any) -> Callable[[], np.ndarray] | None:
        if not self.analytic_forces or _one_spin_only(mf, frozen):
            return None

        def gradient() -> np.ndarray:
            from pyscf import mp

            if getattr(mf, "with_df", None) is not None:
                raise NotImplementedError("PySCF has no gradient of fitted MP2")
            return correlated_forces(mp.MP2(mf, frozen=frozen or None).run(verbose=0))

        return gradient

    def charge_gradient(self, mf: Any, frozen: int, state: Any) -> Callable[[], np.ndarray] | None:
        from pyscf import mp

        return lambda: relaxed_potentials(mp.MP2(mf, frozen=frozen or None).run(verbose=0))


class SCSMP2(MP2):
    """Spin-component-scaled MP2: 6/5 of opposite-spin, 1/3 of same-spin pairs. Grimme, J. Chem. Phys. 118, 9095 (2003).

    On restricted Hartree–Fock for singlets, unrestricted otherwise; energies in hartree. Dipole and polarizability
    are derivatives of the energy in a finite field, so orbitals relax.
    """

    name = "scs-mp2"
    examples = ("scs-mp2/sto-3g", "scs-mp2/6-31g(d)")
    citations: ClassVar[tuple[str, ...]] = ("10.1063/1.1569242", PYSCF)
    same_spin_factor, opposite_spin_factor = 1 / 3, 6 / 5
    analytic_forces = False


class SOSMP2(MP2):
    """Scaled opposite-spin MP2: 1.3 of opposite-spin pairs. Jung et al., J. Chem. Phys. 121, 9793 (2004).

    On restricted Hartree–Fock for singlets, unrestricted otherwise; energies in hartree. Dipole and polarizability
    are derivatives of the energy in a finite field, so orbitals relax.
    """

    name = "sos-mp2"
    examples = ("sos-mp2/sto-3g", "sos-mp2/6-31g(d)")
    citations: ClassVar[tuple[str, ...]] = ("10.1063/1.1809602", PYSCF)
    same_spin_factor, opposite_spin_factor = 0.0, 1.3
    analytic_forces = False


def pair_energies(mf: Any, frozen: int) -> tuple[float, float, dict[str, Any]]:
    """Second-order energies in hartree of pairs of the same and of opposite spin on the orbitals of `mf`; settings.

    Of a Kohn–Sham `mf` the orbitals and their energies enter as they are, and no singles.
    """
    from pyscf import mp

    if _one_spin_only(mf, frozen):
        solver = mp.GMP2(_general(mf), frozen=2 * frozen or None)
        settings = fit_correlation(solver, mf)
        # Without occupied and empty orbitals of both spins there are no pairs of opposite spin.
        return float(solver.kernel(with_t2=False)[0]), 0.0, settings
    solver = mp.MP2(mf, frozen=frozen or None)
    settings = fit_correlation(solver, mf)
    solver.kernel(with_t2=False)
    return float(solver.e_corr_ss), float(solver.e_corr_os), settings


def _kept_pairs(mf: Any, kept: Kept, cluster: Solved | None = None) -> tuple[float, float, dict[str, Any]]:
    """What `pair_energies` gives, or what a cluster expansion that was computed knows of it."""
    found = kept.energies("MP2", partial(_write_pairs, mf, kept.frozen, cluster))
    return found["same_spin"], found["opposite_spin"], found["settings"]


def _write_pairs(mf: Any, frozen: int, cluster: Solved | None, path: Path) -> None:
    same, opposite, settings = pair_energies(mf, frozen) if cluster is None else pairs_on_the_way(mf, frozen, *cluster)
    path.write_text(json.dumps({"same_spin": same, "opposite_spin": opposite, "settings": settings}))


def pairs_on_the_way(mf: Any, frozen: int, solver: Any, integrals: Any) -> tuple[float, float, dict[str, Any]]:
    """What `pair_energies` gives, from the integrals of a cluster expansion on the same orbitals."""
    settings = _correlation_set(mf, solver)
    if _one_spin_only(mf, frozen):  # in spin orbitals, as there
        return float(solver.emp2), 0.0, settings
    if isinstance(solver.t1, tuple):
        gaps = [np.subtract.outer(e[:n], e[n:]) for e, n in zip(integrals.mo_energy, solver.nocc, strict=True)]
        blocks = (integrals.ovov, 0, 0), (integrals.OVOV, 1, 1), (integrals.ovOV, 0, 1)
        up, down, both = (_pair_sums(block, gaps[one], gaps[other]) for block, one, other in blocks)
        return (up[0] - up[1]) / 2 + (down[0] - down[1]) / 2, both[0], settings
    n = solver.nocc
    gap = np.subtract.outer(integrals.mo_energy[:n], integrals.mo_energy[n:])
    direct, exchange = _pair_sums(integrals.ovov, gap, gap)
    return direct - exchange, direct, settings


def _pair_sums(integrals: Any, gap: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Σ (ia|jb)²/(Δia + Δjb) and Σ (ia|jb)(ib|ja)/(Δia + Δjb), the second where both electrons have the same orbitals;
    integrals (i, a, j, b), read for one i at a time."""
    direct = exchange = 0.0
    for i in range(len(gap)):
        block = np.asarray(integrals[i])
        over = block / (gap[i][:, None, None] + other[None])
        direct += float(np.vdot(block, over))
        if gap is other:
            exchange += float(np.einsum("ajb,bja->", over, block))
    return direct, exchange


class CCSD(Correlated):
    """Coupled cluster with single and double excitations. Purvis and Bartlett, J. Chem. Phys. 76, 1910 (1982).

    On restricted Hartree–Fock for singlets, unrestricted otherwise; energies in hartree. Dipole and polarizability
    are derivatives of the energy in a finite field, so orbitals relax. Excitations are EOM-CCSD from a restricted
    singlet.
    """

    name = "ccsd"
    examples = ("ccsd/sto-3g", "ccsd/6-31g(d)")
    energy_parts = Correlated.energy_parts | {"mp2_correlation_energy"}
    properties = PyscfMethod.properties | energy_parts
    citations: ClassVar[tuple[str, ...]] = ("10.1063/1.443164", "10.1063/1.464746", PYSCF)
    Options: ClassVar[type[MoleculeOptions]] = CoupledClusterOptions
    goes_through = ("MP2", "CCSD")
    cost = PRICES["CCSD"].cost
    integral_copies = 4
    analytic_forces = True

    def correlation(self, mf: Any, frozen: int, kept: Kept) -> tuple[dict[str, float], dict[str, Any], Any]:
        made: list[Solved] = []  # at most one
        how = ClusterSettings(self.options.energy_tolerance, self.options.max_cycle)
        found = kept.energies("CCSD", partial(_write_cluster, mf, frozen, how, made), tolerance=how.tolerance)
        if made:
            _kept_pairs(mf, kept, made[0])

        def solver() -> Any:
            if not made:
                made.append(solved_cluster(mf, frozen, how))
            return made[0][0]

        return found["parts"], found["settings"], solver

    def forces(self, mf: Any, frozen: int, state: Any) -> Callable[[], np.ndarray] | None:
        return (lambda: correlated_forces(state())) if self.analytic_forces else None

    def charge_gradient(self, mf: Any, frozen: int, state: Any) -> Callable[[], np.ndarray] | None:
        return lambda: relaxed_potentials(state())

    def check_system(self, system: Molecule | LatticeModel, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        if "excitation_energies" in properties:
            check_restricted_singlet(self, system)
            if self.options.density_fitting:
                raise Unsupported("EOM-CCSD with density fitting is not in PySCF; leave out density_fitting")

    def excitations(
        self, molecule: Molecule, ground: Point, resources: Resources
    ) -> tuple[dict[str, float], dict[str, Any]]:
        from qmbench_pyscf.excited import equation_of_motion

        if ground.state is None:
            raise Unsupported(f"{self.name}: no excitations without two active electrons and an empty orbital")
        return equation_of_motion(molecule, ground.state(), self.options.n_states)


class CCSDT(CCSD):
    """CCSD with perturbative triples. Raghavachari et al., Chem. Phys. Lett. 157, 479 (1989).

    On restricted Hartree–Fock for singlets, unrestricted otherwise; energies in hartree. Dipole and polarizability
    are derivatives of the energy in a finite field, so orbitals relax.
    """

    name = "ccsd(t)"
    examples = ("ccsd(t)/sto-3g", "ccsd(t)/6-31g(d)")
    claim = "reference"
    energy_parts = CCSD.energy_parts | {"ccsd_correlation_energy", "triples_correction"}
    properties = (PyscfMethod.properties - {"excitation_energies"}) | energy_parts
    citations: ClassVar[tuple[str, ...]] = ("10.1016/S0009-2614(89)87395-6", PYSCF)
    Options = CorrelatedOptions
    keeps_its_own = False
    cost = (18.0, 4.0)
    analytic_forces = False  # PySCF's do not freeze cores

    def correlation(self, mf: Any, frozen: int, kept: Kept) -> tuple[dict[str, float], dict[str, Any], Any]:
        how = ClusterSettings(self.options.energy_tolerance, self.options.max_cycle)
        solver, integrals = solved_cluster(mf, frozen, how)
        parts, settings = cluster_energies(mf, solver)
        kept.energies("CCSD", partial(_write_cluster, mf, frozen, how, [(solver, integrals)]), tolerance=how.tolerance)
        _kept_pairs(mf, kept, (solver, integrals))
        doubles, triples = parts["correlation_energy"], float(solver.ccsd_t(eris=integrals))
        parts |= {
            "correlation_energy": doubles + triples,
            "ccsd_correlation_energy": doubles,
            "triples_correction": triples,
        }
        return parts, settings | {"triples_energy": triples}, None


class ClusterSettings(NamedTuple):
    """When a cluster expansion is converged (hartree), and when it is given up."""

    tolerance: float
    max_cycle: int


Solved = tuple[Any, Any]
"""A converged PySCF coupled-cluster object, and its integrals."""


def solved_cluster(mf: Any, frozen: int, how: ClusterSettings) -> Solved:
    """CCSD on the determinant of `mf`. NotConverged, and Unsupported for what PySCF lacks."""
    from pyscf import cc

    if _one_spin_only(mf, frozen):
        if getattr(mf, "with_df", None) is not None:
            raise Unsupported(
                "coupled cluster for electrons of one spin alone is not in PySCF with density fitting; leave it out"
            )
        solver = cc.GCCSD(_general(mf), frozen=2 * frozen or None)
    else:
        solver = cc.CCSD(mf, frozen=frozen or None)
    fit_correlation(solver, mf)
    # Its error is linear in that of the amplitudes, and several times the last change.
    solver.conv_tol = how.tolerance / 10
    solver.conv_tol_normt = how.tolerance**0.5 / 1000
    solver.max_cycle = how.max_cycle
    solver.diis = cluster_diis(solver)
    integrals = solver.ao2mo(solver.mo_coeff)
    solver.kernel(eris=integrals)
    solver.diis = True  # its vectors are not needed any more
    if not solver.converged:
        raise NotConverged(
            f"coupled cluster: amplitudes not converged to {solver.conv_tol:g} hartree in {solver.max_cycle} iterations"
        )
    return solver, integrals


def cluster_energies(mf: Any, solver: Any) -> tuple[dict[str, float], dict[str, Any]]:
    """Parts of the energy in hartree, and settings, of a converged CCSD."""
    amplitudes = solver.t1 if isinstance(solver.t1, tuple) else (solver.t1,)
    active = sum(t.shape[0] for t in amplitudes) * (2 if len(amplitudes) == 1 and mf.mo_occ.ndim == 1 else 1)
    t1 = sum(float(np.sum(np.abs(t) ** 2)) for t in amplitudes) * (2 if mf.mo_occ.ndim == 1 else 1)
    settings = {"t1_diagnostic": (t1 / max(active, 1)) ** 0.5} | _correlation_set(mf, solver)
    # The amplitudes that the iterations start from are those of MP2; singles vanish by Brillouin's theorem.
    return {"correlation_energy": float(solver.e_corr), "mp2_correlation_energy": float(solver.emp2)}, settings


def _write_cluster(mf: Any, frozen: int, how: ClusterSettings, made: list[Solved], path: Path) -> None:
    if not made:
        made.append(solved_cluster(mf, frozen, how))
    parts, settings = cluster_energies(mf, made[0][0])
    path.write_text(json.dumps({"parts": parts, "settings": settings}))
