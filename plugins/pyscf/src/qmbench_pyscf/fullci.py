"""Full configuration interaction of molecules and of Hubbard lattices, spin-pure and checked to be the ground state."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qmbench import (
    LatticeModel,
    Molecule,
    NotConverged,
    Quantity,
    ResourceError,
    Resources,
    Result,
    System,
    Unsupported,
)
from qmbench_pyscf.alchemy import potentials
from qmbench_pyscf.base import MOMENTS, PROCESS_MIB, PYSCF, PyscfMethod
from qmbench_pyscf.correlated import core_orbitals
from qmbench_pyscf.meanfield import density_dipole, density_quadrupole, reference_scf
from qmbench_pyscf.options import FullCIOptions
from qmbench_pyscf.point import Point
from qmbench_pyscf.sizes import guess_basis_size
from qmbench_pyscf.specification import Perturbation

# Determinants beyond which no one waits; and, without a memory limit, the memory that is taken for granted.
MAX_DETERMINANTS = 50_000_000
DEFAULT_MEMORY_GIB = 4.0
# Up to this number of determinants the Hamiltonian is diagonalized whole.
WHOLE = 1500
# ⟨S²⟩ may be off by this much.
SPIN_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Problem:
    """Electrons in orthonormal orbitals: h (n, n), (pq|rs) in PySCF's packed form, constant energy.

    orbitals: AO coefficients (n_ao, n) of the active orbitals, core: AO density of the frozen ones (None: lattice).
    """

    h: np.ndarray
    eri: np.ndarray
    constant: float
    n_up_down: tuple[int, int]
    orbitals: np.ndarray | None = None
    core: np.ndarray | None = None
    mole: Any = None

    @property
    def n(self) -> int:
        return self.h.shape[0]

    def determinants(self, n_up_down: tuple[int, int] | None = None) -> int:
        up, down = n_up_down or self.n_up_down
        return math.comb(self.n, up) * math.comb(self.n, down)


@dataclass(frozen=True)
class Roots:
    """Energies and CI vectors (↑ strings, ↓ strings) of one multiplicity, lowest first."""

    energies: np.ndarray
    vectors: list[np.ndarray]
    n_up_down: tuple[int, int]


class FullCI(PyscfMethod):
    """Full configuration interaction: exact in the basis. Knowles and Handy, Chem. Phys. Lett. 111, 315 (1984).

    Energies in hartree. The spin is that of the multiplicity. The lowest root is looked for from the
    best determinants and from a random vector, so that a symmetry of the start can't hide the ground state. Frozen
    core orbitals are those of Hartree–Fock (open shells: of lowest energy among its doubly occupied natural orbitals);
    `correlation_energy` counts from the same Hartree–Fock, unrestricted for open shells. Lattices (real hopping) are
    diagonalized in site orbitals.
    """

    name = "fci"
    claim = "exact"
    systems: ClassVar[tuple[type[System], ...]] = (Molecule, LatticeModel)
    properties = PyscfMethod.properties | {"energy_per_site", "reference_energy", "correlation_energy"} | MOMENTS
    citations: ClassVar[tuple[str, ...]] = ("10.1016/0009-2614(84)85513-X", PYSCF)
    Options = FullCIOptions
    cost = (600.0, 8.0)

    def point(self, molecule: Molecule, perturbation: Perturbation, resources: Resources) -> Point:
        from qmbench_pyscf.scf import scf_settings

        mf = reference_scf(self, molecule, perturbation, resources)
        frozen = core_orbitals(molecule, mf.mol) if self.options.frozen_core else 0
        problem = molecular_problem(mf, frozen)
        in_field = perturbation.in_field
        if in_field:
            # Two roots: a field splits a degenerate ground state, and which component is meant nobody has said.
            roots = lowest_states(problem, molecule.multiplicity, 2, resources, self.options, tight=True)
            if len(roots.energies) > 1 and roots.energies[1] - roots.energies[0] < 1e-3:
                raise Unsupported(
                    "the ground state is degenerate, or nearly so, in space: "
                    "its polarizability needs a component to be named"
                )
        else:
            roots = lowest_states(problem, molecule.multiplicity, 1, resources, self.options)
        scf = scf_settings(mf)
        settings = scf | {"frozen_core_orbitals": frozen, "determinants": problem.determinants()}
        settings["s_squared"] = spin_square(problem, roots.vectors[0], roots.n_up_down)
        energy = float(roots.energies[0])
        reference = float(mf.e_tot)
        parts = {"reference_energy": reference, "correlation_energy": energy - reference}

        def charge_gradient() -> np.ndarray:
            tight = lowest_states(problem, molecule.multiplicity, 1, resources, self.options, tight=True)
            return ci_potentials(problem, tight)

        return Point(
            energy,
            settings,
            (),
            lambda: ci_dipole(problem, roots),
            (problem, roots),
            parts,
            # Frozen orbitals are not those of least energy: what their response adds is in no density here.
            charge_gradient=None if frozen else charge_gradient,
            quadrupole=lambda: density_quadrupole(mf.mol, ci_density(problem, roots)),
        )

    def families(self) -> dict[str, str]:
        return {"program": "pyscf", "reference": "exact in the basis"}

    def estimate(self, system: Molecule | LatticeModel, properties: frozenset[str]) -> float | None:
        n = self._guess_determinants(system)
        return 0.1 + 3e-5 * min(n, MAX_DETERMINANTS) * (3 if "excitation_energies" in properties else 1)

    def estimate_memory(self, system: Molecule | LatticeModel, properties: frozenset[str]) -> float | None:
        vectors = 30  # of a Davidson space, and their products with the Hamiltonian
        return PROCESS_MIB + 8.0 * vectors * min(self._guess_determinants(system), MAX_DETERMINANTS) / 2**20

    def _guess_determinants(self, system: Molecule | LatticeModel) -> int:
        up, down = system.n_alpha_beta
        size = system.n_sites if isinstance(system, LatticeModel) else guess_basis_size(system, self.options.basis)
        return math.comb(max(size, up), up) * math.comb(max(size, down), down)

    def excitations(
        self, molecule: Molecule, ground: Point, resources: Resources
    ) -> tuple[dict[str, float], dict[str, Any]]:
        from qmbench_pyscf.excited import label_states

        problem, _ = ground.state
        energies = excited_energies(
            problem, molecule.multiplicity, self.options.n_states, resources, self.options, molecule
        )
        return label_states(molecule, energies, ground.energy, problem, 1e-6, self.options.n_states), {
            "excitations": "FCI"
        }

    def lattice_result(self, model: LatticeModel, properties: frozenset[str], resources: Resources) -> Result:
        problem = lattice_problem(model)
        roots = lowest_states(problem, model.multiplicity, 1, resources, self.options)
        energy = float(roots.energies[0])
        found: dict[str, Quantity] = {}
        if "energy" in properties:
            found["energy"] = Quantity(energy, "t")
        if "energy_per_site" in properties:
            found["energy_per_site"] = Quantity(energy / model.n_sites, "t")
        if "excitation_energies" in properties:
            from qmbench_pyscf.excited import label_multiplets

            energies = excited_energies(problem, model.multiplicity, self.options.n_states, resources, self.options)
            found["excitation_energies"] = Quantity(
                label_multiplets(energies, energy, model.multiplicity, self.options.n_states), "t"
            )
        settings = {
            "determinants": problem.determinants(),
            "s_squared": spin_square(problem, roots.vectors[0], roots.n_up_down),
        }
        return Result(found, settings)


def molecular_problem(mf: Any, frozen: int) -> Problem:
    """The Hamiltonian in orbitals shared by ↑ and ↓ electrons, `frozen` of them doubly occupied and left alone."""
    from pyscf import ao2mo

    orbitals = _core_first(mf, common_orbitals(mf)) if frozen else common_orbitals(mf)
    core, active = orbitals[:, :frozen], orbitals[:, frozen:]
    hcore, constant = mf.get_hcore(), float(mf.energy_nuc())
    density = 2 * core @ core.T
    if frozen:
        from pyscf import scf

        j, k = scf.hf.get_jk(mf.mol, density) if getattr(mf, "with_df", None) is None else mf.with_df.get_jk(density)
        potential = j - k / 2
        constant += float(np.sum(density * (hcore + potential / 2)))
        hcore = hcore + potential
    h = active.T @ hcore @ active
    fitted = getattr(mf, "with_df", None)
    eri = fitted.ao2mo(active) if fitted is not None else ao2mo.kernel(mf.mol, active)
    n = active.shape[1]
    up, down = mf.mol.nelec
    return Problem(h, ao2mo.restore(8, eri, n), constant, (up - frozen, down - frozen), active, density, mf.mol)


def common_orbitals(mf: Any) -> np.ndarray:
    """Restricted orbitals, or the natural orbitals of an unrestricted density, most occupied first."""
    if np.ndim(mf.mo_occ) == 1:
        return mf.mo_coeff
    overlap = mf.get_ovlp()
    up = mf.mo_coeff[0]
    density = up.T @ overlap @ sum(mf.make_rdm1()) @ overlap @ up
    occupations, rotation = np.linalg.eigh(density)
    return up @ rotation[:, np.argsort(-occupations, kind="stable")]


def _core_first(mf: Any, orbitals: np.ndarray) -> np.ndarray:
    """`orbitals` with the doubly occupied ones in the order of their energies in the mean of Fock's two operators.

    Natural orbitals of a core have no place of their own among those of closed shells: all are occupied by 2.
    """
    if np.ndim(mf.mo_occ) == 1:
        return orbitals
    paired = orbitals[:, : min(mf.mol.nelec)]
    fock = sum(mf.get_fock()) / 2
    rotation = np.linalg.eigh(paired.T @ fock @ paired)[1]
    return np.hstack([paired @ rotation, orbitals[:, paired.shape[1] :]])


def lattice_problem(model: LatticeModel) -> Problem:
    """The Hubbard Hamiltonian in site orbitals."""
    from pyscf import ao2mo

    n = model.n_sites
    eri = np.zeros((n,) * 4)
    eri[(np.arange(n),) * 4] = model.u
    return Problem(np.real(model.hopping_matrix()), ao2mo.restore(8, eri, n), 0.0, model.n_alpha_beta)


def lowest_states(
    problem: Problem, multiplicity: int, n_roots: int, resources: Resources, options: Any, tight: bool = False
) -> Roots:
    """The `n_roots` lowest states of `multiplicity` (fewer where there are fewer). NotConverged, ResourceError.

    tight: converge vectors, not only energies, for derivatives of the density.
    """
    total = sum(problem.n_up_down)
    n_up_down = ((total + multiplicity - 1) // 2, (total - multiplicity + 1) // 2)
    size = problem.determinants(n_up_down)
    _guard(size, n_roots, resources)
    if size <= WHOLE:
        return Roots(*_whole(problem, n_up_down, multiplicity, n_roots), n_up_down)
    return Roots(*_davidson(problem, n_up_down, multiplicity, n_roots, options, tight), n_up_down)


def _guard(size: int, n_roots: int, resources: Resources) -> None:
    memory = resources.memory_gib or DEFAULT_MEMORY_GIB
    fits = int(memory * 2**30 / 8 / (30 + 4 * n_roots))
    limit = min(MAX_DETERMINANTS, fits)
    if size > limit:
        raise ResourceError(f"fci: {size:,} determinants; the limit is {limit:,} with {memory:g} GiB")


def _whole(
    problem: Problem, n_up_down: tuple[int, int], multiplicity: int, n_roots: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The lowest states of a multiplicity from all eigenvectors; S² is diagonalized among degenerate ones."""
    from pyscf import fci

    shape = (math.comb(problem.n, n_up_down[0]), math.comb(problem.n, n_up_down[1]))
    size, spin = shape[0] * shape[1], (multiplicity**2 - 1) / 4
    address, h = fci.direct_spin1.pspace(problem.h, problem.eri, problem.n, n_up_down, np=size)
    levels, columns = np.linalg.eigh(h)
    states = np.empty_like(columns)
    states[address] = columns
    energies: list[float] = []
    vectors: list[np.ndarray] = []
    first = 0
    while first < size and len(energies) < n_roots:
        last = first + 1
        while last < size and levels[last] - levels[last - 1] < 1e-7:
            last += 1
        block = states[:, first:last]
        s2 = (
            block.T
            @ np.array([fci.spin_op.contract_ss(v.reshape(shape), problem.n, n_up_down).ravel() for v in block.T]).T
        )
        values, rotation = np.linalg.eigh((s2 + s2.T) / 2)
        for value, column in zip(values, rotation.T, strict=True):
            if abs(value - spin) < SPIN_TOLERANCE and len(energies) < n_roots:
                energies.append(float(levels[first:last].mean()) + problem.constant)
                vectors.append((block @ column).reshape(shape))
        first = last
    return np.array(energies), vectors


def _davidson(
    problem: Problem, n_up_down: tuple[int, int], multiplicity: int, n_roots: int, options: Any, tight: bool
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The lowest states of a multiplicity, iteratively, from the best determinants and from a random vector.

    The Hamiltonian does not mix spins, so roots of the right one are picked; only where too few of them come are
    the other spins pushed up by a multiple of S².
    """
    from pyscf import fci

    shape = (math.comb(problem.n, n_up_down[0]), math.comb(problem.n, n_up_down[1]))
    spin = (multiplicity**2 - 1) / 4
    # With more than one, the highest roots of a block are the ones that get lost.
    wanted = n_roots if n_roots == 1 else n_roots + 3
    for shift in (0.0, 0.5, 2.0, 8.0):
        # Vectors of singlets are symmetric in ↑ and ↓, which halves the work and leaves triplets out.
        symmetric = multiplicity == 1 and shift == 0.0
        solver: Any = fci.direct_spin0.FCI() if symmetric else fci.direct_spin1.FCI()
        if shift:
            solver = fci.addons.fix_spin_(solver, shift=shift, ss=spin)
        solver.verbose, solver.nroots, solver.pspace_size, solver.davidson_only = 0, wanted, 400, True
        solver.max_cycle, solver.max_space = 4 * options.max_cycle, 14 + 4 * wanted
        solver.conv_tol = options.energy_tolerance
        solver.conv_tol_residual = options.energy_tolerance**0.5 * (0.01 if tight else 0.1)
        diagonal = solver.make_hdiag(problem.h, problem.eri, problem.n, n_up_down)
        guess = solver.get_init_guess(problem.n, n_up_down, wanted, diagonal)
        random = np.random.default_rng(7).standard_normal(shape)
        start = [np.asarray(g).reshape(shape) for g in guess]
        start.append((random + random.T) / 2 if symmetric else random)
        energies, vectors = solver.kernel(
            problem.h,
            problem.eri,
            problem.n,
            n_up_down,
            ci0=[g.ravel() / np.linalg.norm(g) for g in start],
            ecore=problem.constant,
        )
        energies, done = np.atleast_1d(energies), np.atleast_1d(solver.converged)
        vectors = [np.asarray(v).reshape(shape) for v in (vectors if wanted > 1 else [vectors])]
        right = [i for i, v in enumerate(vectors) if abs(spin_square(problem, v, n_up_down) - spin) < SPIN_TOLERANCE]
        right = right[:n_roots]
        if len(right) < n_roots and shift < 8.0:
            continue
        if not all(done[i] for i in right):
            raise NotConverged(f"fci: Davidson not converged to {options.energy_tolerance:g} hartree")
        if right:
            return energies[right], [vectors[i] for i in right]
    raise NotConverged(f"fci: the lowest states could not be brought to multiplicity {multiplicity}")


def excited_energies(
    problem: Problem,
    multiplicity: int,
    n_states: int,
    resources: Resources,
    options: Any,
    molecule: Molecule | None = None,
) -> dict[int, np.ndarray]:
    """multiplicity -> total energies, lowest first, of the ground multiplicity and its two neighbours.

    For two-electron atoms enough states to fill whole terms.
    """
    from qmbench_pyscf.excited import is_two_electron_atom

    count = 6 * n_states if molecule is not None and is_two_electron_atom(molecule) else n_states
    energies: dict[int, np.ndarray] = {}
    for m in (multiplicity - 2, multiplicity, multiplicity + 2):
        if m < 1 or m - 1 > sum(problem.n_up_down) or sum(problem.n_up_down) + m - 1 > 2 * problem.n:
            continue
        extra = 1 if m == multiplicity else 0
        energies[m] = lowest_states(problem, m, count + extra, resources, options).energies
    return energies


def spin_square(problem: Problem, vector: np.ndarray, n_up_down: tuple[int, int]) -> float:
    """⟨S²⟩ of a CI vector."""
    from pyscf import fci

    return float(fci.spin_op.spin_square0(vector, problem.n, n_up_down)[0])


def ci_dipole(problem: Problem, roots: Roots) -> np.ndarray:
    """(3,) dipole of the lowest root, core and nuclei included."""
    return np.asarray(density_dipole(problem.mole, ci_density(problem, roots)))


def ci_potentials(problem: Problem, roots: Roots) -> np.ndarray:
    """(centres,) potential of the electrons of the lowest root at the nuclei, hartree/e."""
    return potentials(problem.mole, ci_density(problem, roots))


def ci_density(problem: Problem, roots: Roots) -> np.ndarray:
    """(n, n) AO density of the lowest root, core included."""
    from pyscf import fci

    one = fci.direct_spin1.make_rdm1(roots.vectors[0], problem.n, roots.n_up_down)
    assert problem.orbitals is not None
    return np.asarray(problem.orbitals @ one @ problem.orbitals.T + problem.core)
